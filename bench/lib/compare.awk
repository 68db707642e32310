# compare.awk - the tables of bench/compare. After table.awk; variables: dir, and winners,
# a file for who did best at what: "what,who".

BEGIN {
    read_results(dir, "compare")
    print "what,who" >winners
    print_head(dir)
    legend()
    failures("startup", "")
    by_round("limit_share", "How close to what this machine can do: CPU per connection of the " \
        "barest program of the same model (bin/limits), in % of the server's. 100 would be as " \
        "cheap as can be. Of all figures this one depends least on the machine.")
    split("own few many keep large cpu blocking heavy", list, " ")
    for (i = 1; i <= 8; i++) one_load(list[i])
    light("own")
    light("heavy")
    hostile()
    highest()
    memory()
    by_round("control_cpu_us", \
        "Stevens' first table: process control, CPU us per connection above the iterative server's")
    say_below_zero()
    by_round("cpu_ratio", \
        "CPU per connection as a multiple of prefork accept's in the same round", "ratio")
    stevens_distribution()
    answer()
    models()
}

function section(text) {
    print ""
    wrap(text, 4)
    print ""
}

# What the names of the rows stand for.
function legend(    i, n, text) {
    for (i = 1; i <= nrows; i++) {
        n = split(server[row[i]], word, " ")
        if (n == 0 || word[1] in seen || word[1] !~ /^server/) continue
        seen[word[1]] = 1
        text = text (text == "" ? "" : ", ") word[1]
    }
    wrap("Rows: the name of the server, without its number and what follows the first word, and " \
        "the variant. The servers: " text ".", 4)
}

function has_load(name) {
    return has_figure(name, "runs")
}

function has_figure(name, figure,    i) {
    for (i = 1; i <= nrows; i++) {
        if (known(row[i], name, "", figure)) return 1
    }
    return 0
}

# What counts in it: connections, or requests or MiB where these are what it is about.
function one_load(name,    i, r, per, unit, cpu) {
    if (!has_load(name)) return
    per = name == "keep" ? "requests_per_second" : name == "large" ? "mib_per_second" : \
        "connections_per_second"
    unit = name == "keep" ? "requests/s" : name == "large" ? "MiB/s" : "connections/s"
    cpu = name == "keep" ? "cpu_us_per_request" : "cpu_us_per_connection"
    section(name ": " title[name] " (client " asked[name] ")")
    printf "%-24s%23s  %20s%10s%8s%8s%s\n", "", unit,
        "CPU us per " (name == "keep" ? "request" : "connect."), "switches", "service", "service",
        (name == "own" ? "  peak" : "")
    printf "%-24s %7s %7s %7s %6s %6s %6s%10s%8s%8s%s\n", "", "median", "min", "max", "median",
        "min", "max", "per conn.", "p50", "p99",
        (name == "own" ? "   MiB" : "")
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!((r, name, "", "runs") in of)) continue
        printf "%-24s %s %s%s%s%s%s%s\n", r, spread(7, r, name, "", per),
            spread(6, r, name, "", cpu), cell(10, r, name, "", "switches_per_connection"),
            cell(8, r, name, "", "service_p50", "time"),
            cell(8, r, name, "", "service_p99", "time"), peak(r, name), mark(r, name, "")
    }
    failures(name, "")
}

# Under a load of one's own, the memory of the server's largest process.
function peak(r, name) {
    if (name != "own" || !known(r, name, "", "peak_rss_kib")) return ""
    return sprintf("%6.1f", med[r, name, "", "peak_rss_kib"] / 1024)
}

# Who had no work of their own, beside those who had.
function light(name,    i, r) {
    if (!has_figure(name, "light_p99")) return
    section("Light requests beside " title[name] ": response time")
    printf "%-24s%10s%10s%10s%12s%12s\n", "", "p50", "p99", "max", "least p99", "most p99"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!known(r, name, "", "light_p99")) continue
        printf "%-24s%s%s%s%12s%12s\n", r, cell(10, r, name, "", "light_p50", "time"),
            cell(10, r, name, "", "light_p99", "time"), cell(10, r, name, "", "light_max", "time"),
            time(least[r, name, "", "light_p99"]), time(most[r, name, "", "light_p99"])
    }
}

function hostile(    i, r, others) {
    if (has_load("idle")) others = "idle ones (" asked["idle"] ")"
    if (has_load("attack")) {
        others = others (others == "" ? "" : " and ") "an attack (" asked["attack"] ")"
    }
    if (others == "") return
    section("Good clients beside " others)
    printf "%-24s%10s%10s%10s    %10s%10s%10s\n", "", "idle:", "response", "response", "attack:",
        "response", "response"
    printf "%-24s%10s%10s%10s    %10s%10s%10s\n", "", "served", "p50", "p99", "served", "p50", "p99"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        printf "%-24s%s%s%s%-4s%s%s%s%s\n", r, served(r, "idle"),
            cell(10, r, "idle", "", "response_p50", "time"),
            cell(10, r, "idle", "", "response_p99", "time"), mark(r, "idle", ""),
            served(r, "attack"), cell(10, r, "attack", "", "response_p50", "time"),
            cell(10, r, "attack", "", "response_p99", "time"), mark(r, "attack", "")
    }
    failures("idle", "", "attack")
    remarks("idle")
}

# What stands behind these shares: fewer idle connections than asked for, or what the server says.
function remarks(name,    i, r, held, text) {
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        text = why[r, name, "", "failed_share"]
        held = match(asked[name], /-H [0-9]+/) ? substr(asked[name], RSTART + 3, RLENGTH - 3) : 0
        if (known(r, name, "", "held_least") && least[r, name, "", "held_least"] < held + 0) {
            wrap("  " r ": only " least[r, name, "", "held_least"] " of " held \
                " idle ones were held", 4)
        }
        if (text ~ /server[0-9]/) wrap("  " r ": " text, 4)
    }
}

function served(r, name) {
    if (!known(r, name, "", "failed_share")) return sprintf("%10s", "-")
    return sprintf("%9s%%", percent(100 - med[r, name, "", "failed_share"]))
}

function highest(    i, r, text) {
    if (!has_load("highest")) return
    text = "The highest rate (client " asked["highest"] "),"
    section(text " and times at one rate for all, half of the slowest row's (client " \
        common_rate() ")")
    printf "%-24s%9s    %27s   %27s\n", "", "highest", "service", "response"
    printf "%-24s%9s    %9s%9s%9s   %9s%9s%9s\n", "", "rate", "p50", "p99", "p99.9", "p50", "p99",
        "p99.9"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        printf "%-24s%s%-4s%s%s%s   %s%s%s%s\n", r, cell(9, r, "highest", "", "highest_rate"),
            mark(r, "highest", ""), half(r, "service_p50"), half(r, "service_p99"),
            half(r, "service_p999"), half(r, "response_p50"), half(r, "response_p99"),
            half(r, "response_p999"), mark(r, "half", "")
    }
    failures("highest", "", "half")
    for (i = 1; i <= nrows; i++) {
        if (known(row[i], "highest", "", "highest_rate") && refuted(row[i]) != "") {
            wrap("  " row[i] ": its highest rate is wrong: " refuted(row[i]) \
                half_of_wrong(row[i]), 4)
        }
    }
}

# The client's options, with the rate that was asked for in place of X.
function common_rate(    i, text) {
    text = asked["half"]
    for (i = 1; i <= nrows; i++) {
        if (known(row[i], "half", "", "asked_rate")) {
            sub(/X/, med[row[i], "half", "", "asked_rate"], text)
        }
    }
    return text
}

# Said of a wrong rate from which the one rate for all was made: then that is wrong, too.
function half_of_wrong(r,    rate) {
    rate = got(med, r, "half", "asked_rate")
    if (rate == 0 || rate != int(med[r, "highest", "", "highest_rate"] / 2)) return ""
    return "; and the one rate for all, " number(rate) "/s, is half of it"
}

function half(r, figure) {
    return cell(9, r, "half", "", figure, "time")
}

function memory(    i, r) {
    if (!has_load("memory")) return
    section("With " title["memory"] ": memory of its own, all processes; and starting and stopping")
    printf "%-24s%13s%12s%15s\n", "", "private KiB", "processes", "start CPU ms"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        printf "%-24s%s%s%s%s\n", r, cell(13, r, "memory", "", "private_kib"),
            right(12, known(r, "memory", "", "processes") ? \
                med[r, "memory", "", "processes"] : "-"),
            cell(15, r, "startup", "", "startup_cpu_ms"), mark(r, "memory", "")
    }
    failures("memory", "")
}

# A figure that is made of two runs of the same round (UNP vol. 1, fig. 30.1 is such a table), under
# the first two of these loads that have it.
function by_round(figure, heading, how,    i, l, n, name, kept, head, line) {
    split("own few many", name, " ")
    for (i = 1; i <= 3; i++) {
        if (n == 2 || !has_figure(name[i], figure)) continue
        kept[++n] = name[i]
        head = head sprintf("   %26s", name[i] == "own" ? "own load" : name[i] " clients")
        line = line sprintf("   %8s %8s %8s", "median", "min", "max")
    }
    if (n == 0) return
    section(heading)
    printf "%-24s%s\n%-24s%s\n", "", head, "", line
    for (i = 1; i <= nrows; i++) {
        line = sprintf("%-24s", row[i])
        for (l = 1; l <= n; l++) line = line "   " spread(8, row[i], kept[l], "", figure, how)
        print line
    }
}

function say_below_zero(    i, below) {
    for (i = 1; i <= nrows; i++) {
        if (!known(row[i], "few", "", "control_cpu_us")) continue
        below += clean(row[i], "few", "control_cpu_us") > 2 && \
            most[row[i], "few", "", "control_cpu_us"] < 0
    }
    if (!below) return
    print ""
    wrap("Below zero, " below " of them with few clients in all rounds: cheaper than the " \
        "iterative server, whose waits of " \
        number(med["iterative", "few", "", "switches_per_connection"]) " per connection are in the " \
        "price too.", 0)
}

# UNP vol. 1, fig. 30.2: how many each child has served; here the columns are the children.
function stevens_distribution(    t, n, i, c, r, first) {
    n = csv_read(dir "/compare-children.csv", t)
    for (i = 1; i <= n; i++) {
        r = t[i, "row"]
        if (t[i, "load"] != "few") continue
        if (!(r in first)) first[r] = t[i, "round"] # that has not failed
        if (t[i, "round"] == first[r]) {
            who[r, ++children[r]] = t[i, "connections"]
        }
    }
    if (!has_load("few")) return
    section("Stevens' second table: connections of each child, or thread, first round of few; " \
        "Jain's index")
    printf "%-24s", ""
    for (c = 1; c <= 10; c++) printf "%6d", c
    printf "%8s\n", "Jain"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!known(r, "few", "", "jain")) continue
        printf "%-24s%s%8.3f\n", r, children_of(r), med[r, "few", "", "jain"]
    }
}

function children_of(r,    text, c, low, high) {
    if (!children[r] && med[r, "few", "", "children_served"] == 1) {
        who[r, ++children[r]] = med[r, "few", "", "children_max"]
    }
    if (!children[r]) { # the server does not list them, the client has met them
        low = med[r, "few", "", "children_min"]
        high = med[r, "few", "", "children_max"]
        return sprintf("%-60s", "   " med[r, "few", "", "children_served"] " of them, " \
            (high == 1 ? "one connection each" : number(low) " to " number(high) " each"))
    }
    for (c = 1; c <= children[r] && c <= 10; c++) text = text sprintf("%6d", who[r, c])
    return sprintf("%-60s", text) (children[r] > 10 ? " ..." : "")
}

# Which one, then? Of each load what it is about: who did best, if the ranges of three undisturbed
# runs or more say so. A time counts only of those who served nearly everybody.
function answer() {
    section("Who did best at what: of rows with three undisturbed runs or more")
    best("own", "cpu_us_per_connection", -1, "own load: CPU us per connection")
    best("few", "cpu_us_per_connection", -1, "few clients: CPU us per connection")
    best("many", "cpu_us_per_connection", -1, "many clients: CPU us per connection")
    best("keep", "cpu_us_per_request", -1, "keep-alive: CPU us per request")
    best("large", "mib_per_second", 1, "large replies: MiB/s")
    best("cpu", "connections_per_second", 1, "work for a processor: connections/s")
    best("blocking", "connections_per_second", 1, "waiting: connections/s")
    best("heavy", "light_p99", -1, "beside heavy requests: p99 in us")
    best("idle", "failed_share", -1, "beside idle clients: % not served")
    best("attack", "failed_share", -1, "under attack: % not served")
    best("attack", "response_p99", -1, "under attack: p99 in us")
    best("highest", "highest_rate", 1, "highest rate")
    best("half", "response_p99", -1, "at one rate: p99 in us")
    best("memory", "private_kib", -1, "memory of 100 clients: KiB")
    if (!judged) wrap("Nothing can be said: it takes three undisturbed runs of each row (-r 3).", 0)
    else if (unjudged != "") wrap("Too few undisturbed runs: " substr(unjudged, 3) ".", 2)
}

function best(name, figure, sign, text,    i, r, n, value, first, last, few, deaf, line) {
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!known(r, name, "", figure)) continue
        if (clean(r, name, figure) < 3 || figure == "highest_rate" && refuted(r) != "") {
            few++
        } else if (figure ~ /_p99$/ && got(most, r, name, "failed_share") > 1) {
            deaf++
        } else {
            n++
            value = sign * med[r, name, "", figure]
            if (first == "" || value > sign * med[first, name, "", figure]) first = r
            if (last == "" || value < sign * med[last, name, "", figure]) last = r
        }
    }
    if (few) unjudged = unjudged "; " text
    if (few || !n || n + deaf < 2) return
    line = first " " number(med[first, name, "", figure]) beside(first, name, figure)
    if (deaf) line = line "; of " deaf + n " rows " deaf " left more than 1 % unserved"
    if (n > 1 && beside(last, name, figure) == "") {
        line = line "; worst " last " " number(med[last, name, "", figure])
    }
    judged++
    print text "," line >winners
    wrap(sprintf("%-38s%s", text, line), 38)
}

# beside(ROW, LOAD, FIGURE) - those who cannot be told from it; "" if it stands alone.
function beside(r, name, figure,    i, text) {
    for (i = 1; i <= nrows; i++) {
        if (row[i] == r || !known(row[i], name, "", figure)) continue
        if (figure ~ /_p99$/ && got(most, row[i], name, "failed_share") > 1) continue
        if (overlap(row[i], r, name, figure)) text = text ", " row[i]
    }
    return text == "" ? "" : ", not to be told from " substr(text, 3)
}

# A sentence of each row, from sentences.awk.
function models(    t, n, i) {
    section("Model by model")
    n = csv_pairs(dir "/compare-sentences.csv", t)
    for (i = 1; i <= n; i++) wrap(t[i, 1] ": " t[i, 2], 0)
}
