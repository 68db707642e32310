# sentences.awk - a sentence or more about each row of tools/compare, made of its figures: "row,sentence".
# After csv.awk and table.awk; variable: dir. What was not measured is not spoken of.

BEGIN {
    read_results(dir, "compare")
    print "row,sentence"
    for (i = 1; i <= nrows; i++) {
        text = cost(row[i]) speed(row[i]) work(row[i]) trouble(row[i]) size(row[i]) failed(row[i])
        sub(/^ /, "", text)
        if (text != "") print row[i] "," text
    }
}

function range(r, load, figure,    from, to) {
    from = number(least[r, load, "", figure])
    to = number(most[r, load, "", figure])
    return from == to ? "" : " (" from " to " to ")"
}

function cost(r,    text, ratio) {
    if (!known(r, "few", "", "cpu_us_per_connection")) return ""
    text = " " number(med[r, "few", "", "cpu_us_per_connection"]) " us of CPU per connection" \
        range(r, "few", "cpu_us_per_connection") " with few clients"
    if (r != "00" && known("00", "few", "", "cpu_us_per_connection")) {
        ratio = med[r, "few", "", "cpu_us_per_connection"] / med["00", "few", "", "cpu_us_per_connection"]
        text = text ", " sprintf("%.2f", ratio) " times the iterative server's"
    }
    if (known(r, "many", "", "cpu_us_per_connection")) {
        text = text ", " number(med[r, "many", "", "cpu_us_per_connection"]) " with many"
    }
    if (known(r, "few", "", "limit_share")) {
        text = text sprintf("; the barest program of this model would take %.0f %% of that",
            med[r, "few", "", "limit_share"])
    }
    return text "."
}

function speed(r,    text) {
    if (!known(r, "highest", "", "highest_rate")) return ""
    text = " With p99 below 20 ms it serves up to " number(med[r, "highest", "", "highest_rate"]) \
        " connections/s"
    if (known(r, "half", "", "response_p99")) {
        text = text "; at half that rate, half of the clients wait " \
            time(med[r, "half", "", "response_p50"]) " or less, and 99 % of them " \
            time(med[r, "half", "", "response_p99"])
    }
    return text "."
}

function work(r,    text) {
    if (known(r, "blocking", "", "connections_per_second")) {
        text = sprintf(" Requests that wait for 5 ms: %s/s, %.1f at a time",
            number(med[r, "blocking", "", "connections_per_second"]),
            med[r, "blocking", "", "connections_per_second"] * 0.005)
    }
    if (known(r, "heavy", "", "light_p99")) {
        text = text (text == "" ? " B" : "; b") "eside 1 % heavy requests 99 % of the light ones take " \
            time(med[r, "heavy", "", "light_p99"]) " or less"
    }
    return text == "" ? "" : text "."
}

function trouble(r) {
    return one_trouble(r, "idle", "1000 idle connections") one_trouble(r, "attack", "5 % slow senders")
}

function one_trouble(r, name, beside,    lost, text) {
    if (!known(r, name, "", "failed_share")) return ""
    lost = med[r, name, "", "failed_share"]
    text = " Beside " beside " it serves "
    if (lost == 0) return text "everybody, p99 " time(med[r, name, "", "response_p99"]) "."
    if (lost == 100) text = text "nobody else"
    else text = text sprintf("%.0f %% of the others", 100 - lost)
    return text " (" why[r, name, "", "failed_share"] ")."
}

function size(r) {
    if (!known(r, "memory", "", "processes")) return ""
    return sprintf(" For 100 clients at once: %d process%s%s.", med[r, "memory", "", "processes"],
        med[r, "memory", "", "processes"] == 1 ? "" : "es",
        known(r, "memory", "", "private_kib") ? sprintf(", %.1f MiB of private memory",
            med[r, "memory", "", "private_kib"] / 1024) : "")
}

function failed(r,    i, n, k) {
    for (i = 1; i <= nloads; i++) {
        k = r SUBSEP load[i] SUBSEP "" SUBSEP "runs"
        if (k in runs) n += of[k] - runs[k]
    }
    return n ? sprintf(" %d of its runs failed and %s in no figure.", n, n == 1 ? "is" : "are") : ""
}
