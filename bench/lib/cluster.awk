# cluster.awk - the table of bench/cluster and what follows from it. After json.awk; variables:
#
#   dir      has act.N, the client's report of each act, and pids, lines "PID COPY"
#   copies   how many
#
# The input has a line for each act: "N|TITLE|RETRIES REDISPATCHES RETRIES REDISPATCHES", of haproxy
# since its start, before the act and after it. Exit status 1 if requests were lost in another act
# than 2, where a copy fails, or if an act has no verdict, for the client did not send all of it.

BEGIN {
    FS = "|"
    while ((getline line < (dir "/pids")) > 0) {
        split(line, field, " ")
        copy[field[1]] = field[2]
    }
}

{
    act = $1
    title[act] = $2
    getline line < (dir "/act." act)
    if (!parse_json(line)) bad = 1
    split($3, field, " ")
    retries[act] = field[3] - field[1]
    redispatches[act] = field[4] - field[2]
    asked[act] = value["scheduled"]
    lost[act] = value["failed"] + 0
    unsent[act] = value["unsent"] + 0
    how[act] = kinds()
    p50[act] = time_of("p50")
    p99[act] = time_of("p99")
    longest[act] = time_of("max")
    for (i = 1; i <= value["children.#"]; i++) {
        served[act, copy[value["children." i ".pid"]] + 0] += value["children." i ".connections"]
    }
}

END {
    if (NR == 0 || bad) exit 2
    table()
    sentences()
    exit bad_acts > 0
}

# Only of those who got an answer.
function time_of(quantile,    ms) {
    if (value["response_us.count"] + 0 == 0) return "-"
    ms = value["response_us." quantile] / 1000
    return sprintf(ms < 1000 ? "%.1f ms" : "%.0f ms", ms)
}

function kinds(    list, n, kind, i, text) {
    n = split("refused reset timed_out short corrupt rejected client_limited other", list, " ")
    for (i = 1; i <= n; i++) {
        kind = value["errors." list[i]]
        if (kind > 0) text = text (text ? ", " : "") kind " " list[i]
    }
    return text
}

function table(    a, c) {
    printf "\n%-21s %5s %5s %8s %8s %8s", "", "asked", "lost", "p50", "p99", "max"
    for (c = 1; c <= copies; c++) printf " %5s", "copy" c
    print ""
    for (a = 1; a <= NR; a++) {
        printf "%d %-19s %5d %5d %8s %8s %8s", a, title[a], asked[a], lost[a], p50[a], p99[a],
            longest[a]
        for (c = 1; c <= copies; c++) printf " %5d", served[a, c]
        print ""
    }
    print ""
}

function sentences(    a) {
    for (a = 1; a <= NR; a++) {
        verdict(a)
        if (a == 2) {
            print "haproxy tried " retries[2] + redispatches[2] " times again, " redispatches[2] \
                " of them with another copy."
        }
    }
    for (a = 1; a <= NR; a++) {
        if (served[a, 0]) print "By whom nobody knows, in act " a ": " served[a, 0] "."
    }
}

# What the client did not send, no copy has lost; if it had been sent, more might have been lost.
function verdict(a) {
    if (unsent[a] > 0) {
        print "No verdict on act " a ": the client could not send " unsent[a] " of " asked[a] \
            " requests in time. Ask for fewer (-r)."
    } else if (a == 2 && lost[a]) {
        print "A copy failed: " lost[a] " of " asked[a] " requests were lost (" how[a] ")."
    } else if (a == 2) {
        print "A copy failed, and none of " asked[a] " requests was lost."
    } else if (lost[a]) {
        print "LOST in act " a ", where none may be: " lost[a] " of " asked[a] " (" how[a] ")."
    } else if (a == 5) {
        print "A copy was drained, and none of " asked[a] " requests was lost."
    }
    if (unsent[a] > 0 || (a != 2 && lost[a])) bad_acts++
}
