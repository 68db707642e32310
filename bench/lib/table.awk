# table.awk - the results of one experiment, and how its numbers are written. After csv.awk
# and list.awk.
#
# read_results(DIR, TOOL) fills: row[1..nrows], usual[row], server[row]; load[1..nloads],
# title[load], asked[load], expect[load]; about[key]; and of each figure med[], least[], most[],
# runs[], of[] and why[], all by [row, load, x, figure]; x[load, 1..nx[load]] in ascending order.

function read_results(dir, tool,    t, n, i, key) {
    n = csv_pairs(dir "/" tool "-about.csv", t)
    for (i = 1; i <= n; i++) about[t[i, 1]] = t[i, 2]
    nrows = csv_read(dir "/" tool "-rows.csv", t)
    for (i = 1; i <= nrows; i++) {
        row[i] = t[i, "row"]
        server[row[i]] = t[i, "server"]
        usual[row[i]] = t[i, "usual"] == "yes"
    }
    nloads = csv_read(dir "/" tool "-loads.csv", t)
    for (i = 1; i <= nloads; i++) {
        load[i] = t[i, "load"]
        title[load[i]] = t[i, "title"]
        asked[load[i]] = t[i, "client"]
        expect[load[i]] = t[i, "expect"]
    }
    read_figures(dir "/" tool ".csv")
}

function read_figures(file,    t, n, i, key) {
    n = csv_read(file, t)
    for (i = 1; i <= n; i++) {
        key = t[i, "row"] SUBSEP t[i, "load"] SUBSEP t[i, "x"] SUBSEP t[i, "figure"]
        med[key] = t[i, "median"] + 0
        least[key] = t[i, "min"] + 0
        most[key] = t[i, "max"] + 0
        runs[key] = t[i, "runs"] + 0
        of[key] = t[i, "of"] + 0
        why[key] = t[i, "why"]
        note_x(t[i, "load"], t[i, "x"])
    }
    return n
}

function note_x(load, value,    i) {
    if ((load, value) in x_seen) return
    x_seen[load, value] = 1
    for (i = ++nx[load]; i > 1 && x[load, i - 1] + 0 > value + 0; i--) x[load, i] = x[load, i - 1]
    x[load, i] = value
}

function known(row, load, x, figure) {
    return (row, load, x, figure) in med
}

# number(VALUE) - for people: 33,199 and 1,234 but 23.8 and 0.25.
function number(value,    text, sign) {
    sign = value < 0 ? "-" : ""
    if (value < 0) value = -value
    if (value < 0.995) return sign sprintf("%.2f", value)
    if (value < 99.95) return sign sprintf("%.1f", value)
    text = sprintf("%.0f", value)
    while (match(text, /[0-9][0-9][0-9][0-9](,|$)/)) {
        text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
    }
    return sign text
}

# percent(SHARE) - near 0 and 100 not rounded to these.
function percent(value) {
    if (value == 0 || value == 100) return value ""
    return value < 1 || value > 99 ? sprintf("%.1f", value) : sprintf("%.0f", value)
}

# time(US) - the same of microseconds.
function time(us) {
    if (us < 999.5) return sprintf("%.0f us", us)
    if (us < 9995) return sprintf("%.2f ms", us / 1000)
    if (us < 99950) return sprintf("%.1f ms", us / 1000)
    if (us < 999500) return sprintf("%.0f ms", us / 1000)
    return sprintf("%.2f s", us / 1e6)
}

# (Not every awk has "%*s".)
function right(width, text) {
    return width > 0 ? sprintf("%" width "s", text) : text
}

# cell(WIDTH, ROW, LOAD, X, FIGURE, HOW) - its median, or "-" if there is none; HOW: time, ratio, or
# nothing.
function cell(width, row, load, x, figure, how) {
    if (!known(row, load, x, figure)) return right(width, "-")
    return right(width, written(med[row, load, x, figure], how))
}

function written(value, how) {
    return how == "time" ? time(value) : how == "ratio" ? sprintf("%.2f", value) : number(value)
}

# spread(WIDTH, ROW, LOAD, X, FIGURE, HOW) - median, least and most; one run has no range.
function spread(width, row, load, x, figure, how,    low, high) {
    low = high = known(row, load, x, figure) ? "" : "-"
    if (runs[row, load, x, figure] > 1) {
        low = written(least[row, load, x, figure], how)
        high = written(most[row, load, x, figure], how)
    }
    return cell(width, row, load, x, figure, how) " " right(width, low) " " right(width, high)
}

# mark(ROW, LOAD, X) - " *" if one of its runs has failed; failures() then says how, below the
# table.
function mark(row, load, x) {
    return runs[row, load, x, "runs"] < of[row, load, x, "runs"] ? " *" : ""
}

function failures(load, x,    i, r, text) {
    for (i = 1; i <= nrows; i++) {
        r = row[i] SUBSEP load SUBSEP x SUBSEP "runs"
        if (r in runs && runs[r] < of[r]) {
            wrap(sprintf("* %s: %d of %d runs failed: %s", row[i], of[r] - runs[r], of[r],
                why[r]), 4)
        }
    }
}

# What has been run, and whether all of it.
function print_head(dir,    t, n, i, machine_has) {
    printf "%s of %s: %s round%s in %s s", about["command"], about["started"], about["rounds"],
        (about["rounds"] == 1 ? "" : "s"), about["seconds"]
    if (about["failed_runs"] > 0) printf "; %d runs FAILED", about["failed_runs"]
    if (about["outcome"] != "complete") printf "; %s: not all was run", toupper(about["outcome"])
    print ""
    n = csv_pairs(dir "/machine.csv", t)
    for (i = 1; i <= n; i++) machine_has[t[i, 1]] = t[i, 2]
    if (about["load"] + 0 > machine_has["processors"] / 2) {
        print "The machine was at work already (load average " about["load"] " on " \
            machine_has["processors"] " processors): expect noise."
    }
}

# wrap(TEXT, INDENT) - in lines of at most 98 columns, the second and all others so far indented.
function wrap(text, indent,    at) {
    while (length(text) > 98) {
        for (at = 99; at > indent + 1 && substr(text, at, 1) != " "; at--) ;
        if (at <= indent + 1) break
        print substr(text, 1, at - 1)
        text = right(indent, "") substr(text, at + 1)
    }
    print text
}

# say(TEXT) - as a paragraph; what follows its first line is indented.
function say(text,    at) {
    while (length(text) > 98) {
        for (at = 98; at > 3 && substr(text, at, 1) != " "; at--) ;
        if (at == 3) at = 99 # a word that is longer than a line
        print substr(text, 1, at - 1)
        text = "  " substr(text, at + (substr(text, at, 1) == " "))
    }
    print text
}
