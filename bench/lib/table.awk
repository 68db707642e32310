# table.awk - the results of one experiment, and how its numbers are written. After csv.awk
# and list.awk.
#
# read_results(DIR, TOOL) fills: row[1..nrows], usual[row], server[row]; load[1..nloads],
# title[load], x_name[load], asked[load], expect[load]; about[key]; and of each figure med[] (if it
# is a number), least[], most[], runs[], of[] and why[], all by [row, load, x, figure];
# figure_name[1..nfigures] and unit_of[figure]; x[load, 1..nx[load]] in ascending order.

BEGIN {
    ABSENT = " is not installed$" # why a row of bench/rivals has no figures
    DISTURBED = "~ disturbed: in some run other programs took over a tenth of the processors' time"
}

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
        x_name[load[i]] = t[i, "x_name"]
        asked[load[i]] = t[i, "client"]
        expect[load[i]] = t[i, "expect"]
    }
    read_figures(dir "/" tool ".csv")
}

function read_figures(file,    t, n, i, key) {
    n = csv_read(file, t)
    for (i = 1; i <= n; i++) {
        key = t[i, "row"] SUBSEP t[i, "load"] SUBSEP t[i, "x"] SUBSEP t[i, "figure"]
        if (is_number(t[i, "median"])) med[key] = t[i, "median"] + 0
        least[key] = t[i, "min"] + 0
        most[key] = t[i, "max"] + 0
        runs[key] = t[i, "runs"] + 0
        of[key] = t[i, "of"] + 0
        why[key] = t[i, "why"]
        note_figure(t[i, "figure"], t[i, "unit"])
        note_x(t[i, "load"], t[i, "x"])
    }
    return n
}

function note_figure(name, unit) {
    if (!(name in unit_of)) figure_name[++nfigures] = name
    if (unit != "" || !(name in unit_of)) unit_of[name] = unit
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

# plural(N, NOUN) - 1 run, but 0 runs and 2 runs.
function plural(n, noun) {
    return n " " noun (n == 1 ? "" : "s")
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

# spread(WIDTH, ROW, LOAD, X, FIGURE, HOW) - median, least and most; all the same of one run.
function spread(width, row, load, x, figure, how,    low, high) {
    low = high = "-"
    if (known(row, load, x, figure)) {
        low = written(least[row, load, x, figure], how)
        high = written(most[row, load, x, figure], how)
    }
    return cell(width, row, load, x, figure, how) " " right(width, low) " " right(width, high)
}

# mark(ROW, LOAD, X) - " *" if one of its runs has failed, " ~" if others have disturbed one;
# failures() then says how, below the table.
function mark(row, load, x) {
    return (runs[row, load, x, "runs"] < of[row, load, x, "runs"] ? " *" : "") \
        (known(row, load, x, "disturbed") ? " ~" : "")
}

# (OTHER: another load in the same table; may be left out.)
function failures(load, x, other,    disturbed) {
    disturbed = tell_failed(load, x)
    if (other != "") disturbed += tell_failed(other, x)
    if (disturbed) wrap(DISTURBED, 2)
}

# Names them; and how many runs were disturbed.
function tell_failed(load, x,    i, r, disturbed) {
    for (i = 1; i <= nrows; i++) {
        r = row[i] SUBSEP load SUBSEP x SUBSEP
        if ((r "runs") in runs && runs[r "runs"] < of[r "runs"] && !(why[r "runs"] ~ ABSENT)) {
            wrap(sprintf("* %s: %d of %s failed: %s", row[i], of[r "runs"] - runs[r "runs"],
                plural(of[r "runs"], "run"), why[r "runs"]), 4)
        }
        if ((r "disturbed") in med) disturbed += med[r "disturbed"]
    }
    return disturbed + 0
}

# got(LIST, ROW, LOAD, FIGURE, X) - what med, least, most or runs has of it, or 0. (Here and below
# X may be left out.)
function got(list, row, load, figure, x) {
    return (row, load, x, figure) in list ? list[row, load, x, figure] : 0
}

# clean(ROW, LOAD, FIGURE, X) - of how many undisturbed runs the figure is.
function clean(row, load, figure, x) {
    return got(runs, row, load, figure, x) - got(med, row, load, "disturbed", x)
}

# overlap(A, B, LOAD, FIGURE, X) - true if the ranges of two rows do.
function overlap(a, b, load, figure, x) {
    return got(least, a, load, figure, x) <= got(most, b, load, figure, x) &&
        got(least, b, load, figure, x) <= got(most, a, load, figure, x)
}

# apart(A, B, LOAD, FIGURE, X) - true if three undisturbed runs or more of each say so.
function apart(a, b, load, figure, x) {
    return clean(a, load, figure, x) >= 3 && clean(b, load, figure, x) >= 3 && \
        !overlap(a, b, load, figure, x)
}

# refuted(ROW) - what shows that its search for the highest rate went wrong: more than twice as
# much under another load with every p99 below the bound, or a p90 above it at the common rate, if
# that is half of the rate that was found, or less. "" if nothing does.
function refuted(row,    load, l, found, rate, slowest) {
    found = got(med, row, "highest", "highest_rate")
    split("few many", load, " ")
    for (l = 1; l <= 2; l++) {
        rate = got(least, row, load[l], "connections_per_second")
        slowest = got(most, row, load[l], "service_p99")
        if (rate > 2 * found && slowest > 0 && slowest < 20000) {
            return "with " load[l] " clients it did " number(rate) "/s with p99 " time(slowest)
        }
    }
    rate = got(med, row, "half", "asked_rate")
    slowest = got(least, row, "half", "response_p90")
    if (2 * rate > found || slowest <= 20000) return ""
    return "at " number(rate) "/s its p90 was " time(slowest)
}

# What has been run, whether all of it, and how quiet it was.
function print_head(dir,    t, n, i, machine_has, key, part, disturbed, all) {
    wrap(about["command"], 4)
    print about["started"] ": " plural(about["rounds"], "round") " in " about["seconds"] " s"
    if (about["failed_runs"] > 0) print plural(about["failed_runs"], "run") " FAILED."
    if (about["outcome"] != "complete") print toupper(about["outcome"]) ": not all was run."
    n = csv_pairs(dir "/machine.csv", t)
    for (i = 1; i <= n; i++) machine_has[t[i, 1]] = t[i, 2]
    if (about["load"] + 0 > machine_has["processors"] / 2) {
        wrap("The machine was at work already (load average " about["load"] " on " \
            machine_has["processors"] " processors): expect noise.", 0)
    }
    for (key in med) {
        split(key, part, SUBSEP)
        if (part[4] == "disturbed") disturbed += med[key]
        if (part[4] == "runs") all += med[key]
    }
    if (disturbed) {
        wrap(disturbed " of " plural(all, "run") (disturbed == 1 ? " was" : " were") " disturbed" \
            (about["command"] !~ /scale/ ? " (marked ~)" : "") ": meanwhile other programs took " \
            "more than a tenth of the processors' time.", 0)
    }
    n = fork_text(dir)
    if (n != "") wrap(n, 0)
}

# wrap(TEXT, INDENT) - in lines of at most 79 columns (one less than COLUMNS, if that is 50 to 100),
# the second and all others so far indented. A number stays with its unit, and an option with its
# value.
function wrap(text, indent,    at, most) {
    most = ENVIRON["COLUMNS"] >= 50 && ENVIRON["COLUMNS"] <= 100 ? ENVIRON["COLUMNS"] - 1 : 79
    while (length(text) > most) {
        for (at = most + 1; at > indent + 1; at--) {
            if (substr(text, at, 1) == " " && \
                substr(text, 1, at - 1) !~ /(^|[ (])(-[A-Za-z]|[0-9][0-9.,]*)$/) break
        }
        if (at <= indent + 1) break
        print untied(substr(text, 1, at - 1))
        text = right(indent, "") substr(text, at + 1)
    }
    print untied(text)
}

# tied(TEXT) - the blanks of the rows' names in it become a character at which wrap breaks no line.
function tied(text,    i, name) {
    for (i = 1; i <= nrows; i++) {
        name = row[i]
        if (gsub(/ /, "\001", name)) gsub(row[i], name, text)
    }
    return text
}

function untied(text) {
    gsub(/\001/, " ", text)
    return text
}

# say(TEXT) - as a paragraph; what follows its first line is indented.
function say(text) {
    wrap(text, 2)
}
