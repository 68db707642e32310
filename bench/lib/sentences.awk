# sentences.awk - a sentence about each row of bench/compare, made of its figures: "row,sentence".
# After table.awk; variable: dir. What was not measured is not spoken of. At the end of each stands
# which loads were run once, or disturbed (~). What holds for all rows alike is said once, at last.

BEGIN {
    read_results(dir, "compare")
    print "row,sentence"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        text = cost(r) speed(r) work(r) trouble(r, "idle", "1000 idle connections") \
            trouble(r, "attack", "slow senders") size(r) failed(r)
        if (text == "") continue
        said[++n] = r "," substr(text, 3)
        once[n] = about["rounds"] == 1 ? "; all figures are of one run" : \
            doubts(r, "once", "; of one run: ")
        disturbed[n] = doubts(r, "disturbed", "; ~ ")
        common = n == 1 || once[n] == common ? once[n] : ""
        tildes = tildes disturbed[n]
    }
    for (i = 1; i <= n; i++) print said[i] (common == "" ? once[i] : "") disturbed[i] "."
    if (tildes != "") common = common "; " DISTURBED
    if (common != "") print "all rows," substr(common, 3) "."
}

# The price is compared with the iterative server's: so what is said of that counts here, too.
function doubts(r, which, heading,    i, k, name, list) {
    k = split("few many highest half blocking heavy idle attack memory", name, " ")
    for (i = 1; i <= k; i++) {
        if (doubtful(r, name[i], which)) list = list ", " name[i]
    }
    if (r != "iterative" && known(r, "few", "", "cpu_us_per_connection") && \
        doubtful("iterative", "few", which)) list = list ", few of iterative"
    return list == "" ? "" : heading substr(list, 3)
}

function doubtful(r, load_, which) {
    return which == "once" ? got(runs, r, load_, "runs") == 1 : known(r, load_, "", "disturbed")
}

function cost(r,    text) {
    if (!known(r, "few", "", "cpu_us_per_connection")) return ""
    text = "; " number(med[r, "few", "", "cpu_us_per_connection"]) \
        " us of CPU per connection with few clients"
    if (r != "iterative" && med["iterative", "few", "", "cpu_us_per_connection"] > 0) {
        text = text sprintf(" (%.2f times the iterative server's)",
            med[r, "few", "", "cpu_us_per_connection"] / \
            med["iterative", "few", "", "cpu_us_per_connection"])
    }
    if (known(r, "many", "", "cpu_us_per_connection")) {
        text = text ", " number(med[r, "many", "", "cpu_us_per_connection"]) " with many"
    }
    if (known(r, "few", "", "limit_share")) {
        text = text "; with few, the barest program of its model (bin/limits) needs " \
            number(med[r, "few", "", "limit_share"]) " % of that"
    }
    return text
}

function speed(r,    text) {
    if (!known(r, "highest", "", "highest_rate")) return ""
    text = number(med[r, "highest", "", "highest_rate"]) "/s, which is wrong: " refuted(r)
    if (refuted(r) != "") return "; the search for the highest rate has found " text
    text = "; up to " number(med[r, "highest", "", "highest_rate"]) \
        " connections/s with p90 below 20 ms"
    if (known(r, "half", "", "response_p99")) {
        text = text " (p99 " time(med[r, "half", "", "response_p99"]) " at " \
            number(got(med, r, "half", "asked_rate")) "/s)"
    }
    return text
}

function work(r,    text) {
    if (known(r, "blocking", "", "connections_per_second")) {
        text = sprintf("; of requests that wait 5 ms, %.1f at a time",
            med[r, "blocking", "", "connections_per_second"] * 0.005)
    }
    if (known(r, "heavy", "", "light_p99")) {
        text = text "; beside heavy requests p99 of the light ones is " \
            time(med[r, "heavy", "", "light_p99"])
    }
    return text
}

# Who comes off how badly beside those who take without asking, in the time that the client waits.
function trouble(r, name, beside,    lost, best, worst, text) {
    if (!known(r, name, "", "failed_share")) return ""
    text = "; beside " beside " "
    lost = med[r, name, "", "failed_share"]
    best = 100 - least[r, name, "", "failed_share"]
    worst = 100 - most[r, name, "", "failed_share"]
    if (worst < best) {
        text = text percent(worst) " to " percent(best) " % of the others are served"
    } else if (lost == 100) text = text "nobody else is served"
    else if (lost) text = text percent(100 - lost) " % of the others are served"
    else text = text "everybody is served"
    if (lost && match(asked[name], /-T [0-9.]+/)) {
        text = text " within " substr(asked[name], RSTART + 3, RLENGTH - 3) " s"
    }
    if (best == worst && !lost) text = text ", p99 " time(med[r, name, "", "response_p99"])
    return text
}

function size(r) {
    if (!known(r, "memory", "", "processes")) return ""
    return sprintf("; for 100 clients %d process%s%s", med[r, "memory", "", "processes"],
        med[r, "memory", "", "processes"] == 1 ? "" : "es",
        known(r, "memory", "", "private_kib") ? sprintf(" and %.1f MiB of private memory",
            med[r, "memory", "", "private_kib"] / 1024) : "")
}

function failed(r,    i, n, k) {
    for (i = 1; i <= nloads; i++) {
        k = r SUBSEP load[i] SUBSEP "" SUBSEP "runs"
        if (k in runs) n += of[k] - runs[k]
    }
    return n ? sprintf("; %d of its runs failed and %s in no figure", n, n == 1 ? "is" : "are") : ""
}
