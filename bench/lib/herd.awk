# herd.awk - the tables and the sentences of bench/herd. After table.awk; variables:
# dir, and others_most, percent of the processors' time.
#
# No sentence is written beforehand: which ones are printed, and what they say, follows from the
# figures; a row counts if it has three undisturbed rounds, and a difference if the ranges say so.
# Of a way, a herd is called what costs more switches with each further child.

BEGIN {
    read_results(dir, "herd")
    print_head(dir)
    read_rounds(dir "/herd-runs.csv")
    paced()
    loaded("fifteen")
    loaded("saturated")
    busy()
    answer()
}

# --- tables ------------------------------------------------------------------------------------

function print_heading(name) {
    print ""
    wrap(name ": " title[name] " (client " asked[name] ")", 4)
}

# way(ROW) - "prefork epoll-exclusive" is epoll-exclusive here: all rows are of one server.
function way(r) {
    return substr(r, 9)
}

function paced() {
    if (!nx["paced"]) return
    print_heading("paced")
    print_table("paced", "switches",
        "Voluntary context switches per connection: who was woken; median, min-max")
    print_table("paced", "returns",
        "What the program saw of it: returns from waiting, and (for nothing)")
    print_table("paced", "cpu", "CPU us per connection: median, min-max")
    print_table("paced", "extremes", "Connections of the least busy and of the busiest child")
    print_table("paced", "fairness", served_text())
    failed_runs("paced")
}

function loaded(name) {
    if (!nx[name]) return
    print_heading(name)
    print_table(name, "switches", "Voluntary context switches per connection: median, min-max")
    print_table(name, "rate", "Thousands of connections per second: median, min-max")
    print_table(name, "cpu", "CPU us per connection: median, min-max")
    print_table(name, "service_p99", "Service time, p99 in ms: median, min-max")
    print_table(name, "fairness", served_text())
    failed_runs(name)
}

function busy() {
    if (!nx["busy"]) return
    print_heading("busy")
    print_table("busy", "response_p90", "Response time, p90 in ms: median, min-max")
    print_table("busy", "response_p99", "Response time, p99 in ms: median, min-max")
    print_table("busy", "fairness", served_text())
    failed_runs("busy")
}

function served_text() {
    return "How many children served any, and Jain's index (1: all alike)"
}

# Rows are the ways, columns the children.
function print_table(name, what, caption,    i, c, line, text) {
    print ""
    print caption
    line = sprintf("%-16s", "children")
    for (c = 1; c <= nx[name]; c++) line = line sprintf("%12s", x[name, c])
    print line
    for (i = 1; i <= nrows; i++) {
        line = sprintf("%-16s", way(row[i]))
        for (c = 1; c <= nx[name]; c++) {
            text = content(row[i] SUBSEP name SUBSEP x[name, c] SUBSEP, what)
            if (known(row[i], name, x[name, c], "disturbed")) text = marked(text)
            line = line sprintf("%12s", text)
        }
        print line
    }
}

# A cell with ~ behind its first number, in place of a blank or dash: so it is no wider.
function marked(text) {
    if (!match(text, /[0-9][- ]/)) return text "~"
    return substr(text, 1, RSTART) "~" substr(text, RSTART + 2)
}

function content(key, what) {
    if (what == "switches") return range(key "switches_per_connection", 1)
    if (what == "cpu") return range(key "cpu_us_per_connection", 1)
    if (what == "rate") return range(key "connections_per_second", 1000)
    if (what ~ /_p[0-9]+$/) return range(key what, 1000)
    if (what == "returns") return returns(key)
    if (!((key "jain") in med)) return "-"
    if (what == "extremes") {
        return sprintf("%.0f-%.0f", med[key "children_min"], med[key "children_max"])
    }
    return sprintf("%.0f  %.2f", med[key "children_served"], med[key "jain"])
}

function range(key, unit) {
    if (!(key in med)) return "-"
    if (runs[key] < 2) return short(med[key] / unit)
    return short(med[key] / unit) " " short(least[key] / unit) "-" short(most[key] / unit)
}

function short(value) {
    return sprintf(value < 9.95 ? "%.1f" : "%.0f", value)
}

function returns(key) {
    if (!((key "wakeups_per_connection") in med)) return "-"
    return sprintf("%.2f (%.2f)", med[key "wakeups_per_connection"],
        med[key "wasted_per_connection"])
}

function failed_runs(name,    i, c, key) {
    for (i = 1; i <= nrows; i++) {
        for (c = 1; c <= nx[name]; c++) {
            key = row[i] SUBSEP name SUBSEP x[name, c] SUBSEP "runs"
            if (!(key in of) || runs[key] == of[key]) continue
            say(sprintf("* %s, %s: %d of %s failed: %s", way(row[i]), children(x[name, c]),
                of[key] - runs[key], plural(of[key], "run"), why[key]))
        }
    }
}

# --- what follows ------------------------------------------------------------------------------

function answer() {
    if (!nx["paced"]) return
    few = x["paced", 1]
    many = x["paced", nx["paced"]]
    some = middle()
    print ""
    print "What follows"
    print ""
    find_growth()
    blocking_accept()
    who_wakes_most()
    unseen()
    under_load("fifteen", "With 15 connections at a time")
    under_load("saturated", "Saturated")
    who_serves()
    reuseport()
}

# The number of children for examples: the first from 20 on.
function middle(    c) {
    for (c = 1; c < nx["paced"] && x["paced", c] + 0 < 20; c++) ;
    return x["paced", c]
}

function figure_of(r, name, n, what) {
    return med[r, name, n, what]
}

function switches(r, name, n) {
    return figure_of(r, name, n, "switches_per_connection")
}

# True if three undisturbed rounds say how many switches it makes there.
function settled(r, name, n) {
    return clean(r, name, "switches_per_connection", n) >= 3
}

# What a further child adds to the switches of a connection, from these with few to those with many.
function adds(r, low, high,    f) {
    f = "switches_per_connection"
    return (high[r, "paced", many, f] - low[r, "paced", few, f]) / (many - few)
}

# growth[ROW]: that, of the medians; herd[1..nherd] are the rows where even the ranges say that it
# is more than half of one, the worst first. A row whose ranges say both is among the unsettled.
function find_growth(    i, j, r) {
    if (many == few) return
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!settled(r, "paced", few) || !settled(r, "paced", many) ||
            adds(r, most, least) < 0.5 && adds(r, least, most) >= 0.5) {
            unsettled = unsettled (unsettled == "" ? "" : ", ") way(r)
            continue
        }
        growth[r] = adds(r, med, med)
        if (growth[r] < 0.5) continue
        for (j = ++nherd; j > 1 && growth[herd[j - 1]] < growth[r]; j--) herd[j] = herd[j - 1]
        herd[j] = r
    }
    if (unsettled != "") {
        say("- Of these nothing can be said, for it takes three undisturbed rounds (-r 3) of one " \
            "kind: " unsettled ".")
    }
}

function blocking_accept(    r, text, fairness) {
    r = "prefork accept"
    if (!(r in growth)) return
    text = sprintf("- Blocking accept: %s switches per connection with %s, %s with %s.",
        number(switches(r, "paced", few)), children(few), number(switches(r, "paced", many)),
        children(many))
    text = text (growth[r] < 0.1 ? " One child is woken for a connection, not all of them." : \
        growth[r] < 0.5 ? " That grows, but not by one for each child." : " It wakes them all.")
    fairness = figure_of(r, "paced", some, "jain")
    text = text sprintf(" Of %s the least busy served %.0f connections, the busiest %.0f%s",
        children(some), figure_of(r, "paced", some, "children_min"),
        figure_of(r, "paced", some, "children_max"),
        fairness > 0.98 ? ": they are woken in turn." : ".")
    say(text)
}

function children(n) {
    return n (n == 1 ? " child" : " children")
}

function who_wakes_most(    i, r, text, rest) {
    for (i = 1; i <= nherd; i++) {
        text = text (i > 1 ? ", " : "") way(herd[i]) " " number(growth[herd[i]])
    }
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!(r in growth) || growth[r] >= 0.5) continue
        rest = rest (rest == "" ? "" : ", ") way(r) " " \
            number(growth[r] > 0.005 || growth[r] < -0.005 ? growth[r] : 0)
    }
    if (text != "") {
        say("- A herd: each further child adds to a connection so many switches: " text "." \
            (rest == "" ? "" : " Not so: " rest "."))
    } else if (rest != "") {
        say("- No herd: a further child adds to a connection less than half a switch: " rest ".")
    }
    if (nherd && "prefork accept" in growth) {
        text = nherd == 1 ? unsettled == "" : \
            apart(herd[1], herd[2], "paced", "switches_per_connection", many)
        say(sprintf("- %s %s: with %s %s switches and %s us of CPU per connection, " \
            "where accept has %s and %s.", (text ? "The worst is" : "One of them is"), way(herd[1]),
            children(many),
            number(switches(herd[1], "paced", many)),
            number(figure_of(herd[1], "paced", many, "cpu_us_per_connection")),
            number(switches("prefork accept", "paced", many)),
            number(figure_of("prefork accept", "paced", many, "cpu_us_per_connection"))))
    }
}

# The kernel wakes a child inside poll(); it looks again, finds nothing, and sleeps on.
function unseen(    r, woken, wasted) {
    if (!nherd) return
    r = herd[1]
    woken = switches(r, "paced", many)
    wasted = figure_of(r, "paced", many, "wasted_per_connection")
    if (wasted > woken / 2) {
        say(sprintf("- The program sees it: of %s switches %s were returns for nothing.",
            number(woken), number(wasted)))
    } else {
        say(sprintf("- The program does not see it: %s returned for nothing %s times per " \
            "connection, of %s switches. The kernel looks once more before it returns, finds " \
            "nothing, and the child sleeps on. To count failed accepts is not to measure a herd.",
            way(r), number(wasted), number(woken)))
    }
}

function under_load(name, how,    i, c, r, n, f, text) {
    f = "switches_per_connection"
    for (i = 1; i <= nherd; i++) {
        r = herd[i]
        text = ""
        for (c = 1; c <= nx[name]; c++) {
            n = x[name, c]
            if (n + 0 < some + 0 || !settled(r, name, n) || !settled(r, "paced", n)) continue
            if (least[r, "paced", n, f] <= most[r, name, n, f] &&
                least[r, name, n, f] <= most[r, "paced", n, f]) {
                continue
            }
            text = text sprintf("%s %s instead of %s with %s", text == "" ? "" : ",",
                number(switches(r, name, n)), number(switches(r, "paced", n)), children(n))
        }
        if (text != "") say("- " how ", " way(r) " makes" text " (switches per connection).")
    }
    if (nherd && nx[name]) throughput(name, how, x[name, nx[name]])
}

# With more children than connections some always wait, and are woken under load, too.
function throughput(name, how, n,    i, f, text) {
    f = "connections_per_second"
    for (i = 1; i <= nherd; i++) {
        if (!apart(herd[i], "prefork accept", name, f, n)) continue
        text = text (text == "" ? "" : ", ") way(herd[i]) " " number(figure_of(herd[i], name, n, f))
    }
    if (text == "") return
    say("- " how ", with " children(n) ", the ranges of these are apart from accept's: " text \
        " connections/s, accept " number(figure_of("prefork accept", name, n, f)) ".")
}

function who_serves(    i, r, text, load, l) {
    split("paced fifteen saturated", load, " ")
    for (l = 1; l <= 3; l++) {
        text = ""
        for (i = 1; i <= nrows; i++) {
            r = row[i]
            if (r !~ /accept|epoll|reuseport/ || clean(r, load[l], "jain", some) < 3) continue
            text = text sprintf("%s %s %.0f (the busiest %.0f%% of all)", text == "" ? "" : ";",
                way(r), figure_of(r, load[l], some, "children_served"),
                busiest_share(r, load[l], some))
        }
        if (text != "") say("- Children that served any, of " some ", " load[l] ":" text ".")
    }
}

# From the rounds: the share of the busiest child in the connections of all.
function busiest_share(r, name, n) {
    return all[r, name, n] ? 100 * top[r, name, n] / all[r, name, n] : 0
}

# --- reuseport ---------------------------------------------------------------------------------

# What came of each round: the response times of busy, and who served how many.
function read_rounds(file,    line, f, t, n, i, key) {
    while ((getline line < file) > 0) {
        split(line, f, ",")
        if (f[3] == "busy" && f[5] ~ /^(response_p(50|99)|others_share)$/) {
            at[f[1], f[2], f[4], f[5]] = f[7] + 0
        }
        if (f[1] + 0 > last_round) last_round = f[1] + 0
    }
    close(file)
    n = csv_read(dir "/herd-children.csv", t)
    for (i = 1; i <= n; i++) {
        key = t[i, "row"] SUBSEP t[i, "load"] SUBSEP t[i, "x"]
        all[key] += t[i, "connections"]
        most_of[key, t[i, "round"]] = larger(most_of[key, t[i, "round"]], \
            t[i, "connections"])
    }
    for (key in most_of) {
        split(key, f, SUBSEP)
        top[f[1], f[2], f[3]] += most_of[key]
    }
}

function larger(a, b) {
    return a + 0 > b + 0 ? a + 0 : b + 0
}

# A connection that was dealt to a busy child waits, while others are idle: its spread (p99 over
# p50) against accept's, in the same round.
function reuseport(    c, round, n, ratio, higher, of_all, list, every, text, share) {
    for (c = 1; c <= nx["busy"]; c++) {
        n = 0
        for (round = 1; round <= last_round; round++) {
            ratio = spread_of("prefork accept", round, x["busy", c])
            if (ratio) ratio = spread_of("prefork reuseport", round, x["busy", c]) / ratio
            if (!ratio) continue
            list[++n] = ratio
            every[++of_all] = ratio
            higher += ratio > 1
        }
        if (n) {
            text = text (text == "" ? "" : ", ") "with " children(x["busy", c]) " " \
                number(median_of(list, n))
        }
    }
    if (of_all < 8 || last_round < 3) return
    share = median_of(every, of_all)
    say("- Busy, reuseport spreads the response times (p99/p50) more than accept in " higher \
        " of " of_all " pairs of the same round: " text " times (medians). " \
        (higher > 0.75 * of_all && share > 1.1 ? "As its hash would: it deals a connection to a " \
        "child that is busy, while others are idle." : "That may be noise."))
    waiting()
}

function spread_of(r, round, n,    p50) {
    p50 = at[round, r, n, "response_p50"]
    if (p50 == 0 || at[round, r, n, "others_share"] > others_most) return 0
    return at[round, r, n, "response_p99"] / p50
}

# The p90 is steadier than the p99 of some hundred requests.
function waiting(    c, n, text) {
    for (c = 1; c <= nx["busy"]; c++) {
        n = x["busy", c]
        if (!apart("prefork accept", "prefork reuseport", "busy", "response_p90", n)) continue
        text = text sprintf("%s %s and %s with %s", text == "" ? "" : ",",
            short(figure_of("prefork reuseport", "busy", n, "response_p90") / 1000),
            short(figure_of("prefork accept", "busy", n, "response_p90") / 1000), children(n))
    }
    if (text != "") say("- Nine of ten of them were over in (ms, reuseport and accept)" text ".")
}
