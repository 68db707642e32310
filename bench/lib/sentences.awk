# sentences.awk - a sentence about each row of bench/compare, made of its figures: "row,sentence".
# After table.awk; variable: dir. What was not measured is not spoken of.

BEGIN {
    read_results(dir, "compare")
    print "row,sentence"
    for (i = 1; i <= nrows; i++) {
        text = cost(row[i]) speed(row[i]) work(row[i]) \
            trouble(row[i], "idle", "1000 idle connections") \
            trouble(row[i], "attack", "slow senders") size(row[i]) failed(row[i])
        if (text != "") print row[i] "," substr(text, 3) "."
    }
}

function cost(r,    text) {
    if (!known(r, "few", "", "cpu_us_per_connection")) return ""
    text = "; " number(med[r, "few", "", "cpu_us_per_connection"]) \
        " us of CPU per connection with few clients"
    if (r != "00" && med["00", "few", "", "cpu_us_per_connection"] > 0) {
        text = text sprintf(" (%.2f times the iterative server's)",
            med[r, "few", "", "cpu_us_per_connection"] / \
            med["00", "few", "", "cpu_us_per_connection"])
    }
    if (known(r, "many", "", "cpu_us_per_connection")) {
        text = text ", " number(med[r, "many", "", "cpu_us_per_connection"]) " with many"
    }
    return text
}

function speed(r,    text) {
    if (!known(r, "highest", "", "highest_rate")) return ""
    text = "; up to " number(med[r, "highest", "", "highest_rate"]) \
        " connections/s with p99 below 20 ms"
    if (known(r, "half", "", "response_p99")) {
        text = text " (" time(med[r, "half", "", "response_p99"]) " at half of that)"
    }
    return text
}

function work(r,    text) {
    if (known(r, "blocking", "", "connections_per_second")) {
        text = sprintf("; waits of 5 ms: %.1f at a time",
            med[r, "blocking", "", "connections_per_second"] * 0.005)
    }
    if (known(r, "heavy", "", "light_p99")) {
        text = text "; beside heavy requests p99 of the light ones is " \
            time(med[r, "heavy", "", "light_p99"])
    }
    return text
}

# Who comes off how badly beside those who take without asking.
function trouble(r, name, beside,    lost) {
    if (!known(r, name, "", "failed_share")) return ""
    lost = med[r, name, "", "failed_share"]
    if (least[r, name, "", "failed_share"] < most[r, name, "", "failed_share"]) {
        return "; beside " beside " " percent(100 - most[r, name, "", "failed_share"]) " to " \
            percent(100 - least[r, name, "", "failed_share"]) " % of the others are served"
    }
    if (lost == 100) return "; beside " beside " nobody else is served"
    if (lost) return "; beside " beside " " percent(100 - lost) " % of the others are served"
    return "; beside " beside " everybody is served, p99 " time(med[r, name, "", "response_p99"])
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
