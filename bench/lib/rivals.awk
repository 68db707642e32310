# rivals.awk - what bench/rivals shows. After table.awk; variables: dir; sentences, the file that
# gets what follows from the figures, as "about,sentence".

BEGIN {
    read_results(dir, "rivals")
    print_head(dir)
    for (i = 1; i <= nloads; i++) one_load(load[i])
    legend()
    print "about,sentence" >sentences
    claim("python pool", "python forking", "python threading")
    for (i = 1; i <= nrows; i++) {
        if (server[row[i]] ~ /^server(03|09|10)_/) claim(row[i], "fork", "thread")
    }
    beside_nginx()
    for (i = 1; i <= nloads; i++) say_limited(load[i])
    say_missing()
}

function missing(r) {
    return why[r, load[1], "", "runs"] ~ ABSENT
}

function say_missing(    i, list) {
    for (i = 1; i <= nrows; i++) {
        if (missing(row[i])) list = list (list == "" ? "" : ", ") row[i]
    }
    if (list != "") conclude("missing", "Not installed, so not measured: " list ".")
}

function one_load(name,    i, r, marks) {
    print ""
    print name ": " title[name]
    print ""
    print right(24, "requests") right(29, "CPU us per request") right(13, "CPU %")
    print right(24, "/s") "     p99 median  least   most" right(7, "server") \
        right(6, generator(name)) "  MiB procs"
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!((r, name, "", "runs") in runs) || missing(r)) continue
        marks = mark(r, name, "")
        sub(/\* ~/, "*~", marks) # else it is 81 columns
        printf "%-16s%s%s %s%s%s%s%s%s\n", r, cell(8, r, name, "", "requests_per_second"),
            cell(8, r, name, "", "service_p99", "time"),
            spread(6, r, name, "", "cpu_us_per_request"), cell(7, r, name, "", "server_share"),
            cell(6, r, name, "", "generator_share"), right(5, mib(r, name)),
            right(6, known(r, name, "", "processes") ? med[r, name, "", "processes"] : "-"),
            marks
    }
    if (("iterative" in server) && !(("iterative", name, "", "runs") in runs)) {
        wrap("(No row iterative: its one process would serve one connection that stays, and let " \
            "the others wait.)", 0)
    }
    failures(name, "")
}

function generator(name,    word) {
    split(asked[name], word, " ")
    return word[1]
}

function mib(r, name) {
    return known(r, name, "", "pss_kib") ? number(med[r, name, "", "pss_kib"] / 1024) : "-"
}

function legend() {
    print ""
    wrap("requests/s, p99: as wrk, ab and siege tell it; siege tells no p99 (-).", 2)
    wrap("CPU us per request: processor time of all processes of the server; of the rounds the " \
        "median, the least and the most.", 2)
    wrap("CPU %: of one processor. wrk or ab near 100: it can ask for no more requests/s.", 2)
    wrap("MiB: memory of all processes of the server (PSS: what they share is counted once). " \
        "procs: how many processes. Both after a third of the load's time; - if the load was " \
        "over by then.", 2)
}

# conclude(ABOUT, SENTENCE)
function conclude(about_, text) {
    if (!nconclusions++) print "\nWhat follows:\n"
    wrap(tied("- " text), 2)
    print about_ "," text >sentences
}

function claim(pool, forking, threading,    f) {
    f = "hundred" SUBSEP "" SUBSEP "requests_per_second"
    if (!((pool, f) in med) || !((forking, f) in med) || !((threading, f) in med)) return
    if (!nclaims++) {
        conclude("a pool", "The claim, from the page of Python's PooledProcessMixIn: under siege " \
            "-b -c 100 a pool of processes and threads does twice what forking or threading does.")
    }
    conclude("a pool", "hundred: " pool " beside " forking ": " twice(pool, forking) "; beside " \
        threading ": " twice(pool, threading) ".")
}

# twice(POOL, OTHER) - whether it does twice as much; by processor time where the generator is the
# limit of requests/s. It is said only of three rounds or more, and if all that lies between the
# ranges' ends says the same.
function twice(pool, other,    by, better, worse, low, high, text) {
    by = limited(pool, "hundred") || limited(other, "hundred") ? "cpu_us_per_request" : \
        "requests_per_second"
    text = number(med[pool, "hundred", "", by]) (by ~ /^cpu/ ? " us of CPU per request" : \
        " requests/s") " against " number(med[other, "hundred", "", by]) \
        (by ~ /^cpu/ ? " (requests/s is " generator("hundred") "'s limit)" : "")
    if (doubt(pool, other, "hundred", by) != "") {
        return text ", not decided in this run (" doubt(pool, other, "hundred", by) ")"
    }
    better = by ~ /^cpu/ ? other : pool
    worse = by ~ /^cpu/ ? pool : other
    low = least[better, "hundred", "", by] / most[worse, "hundred", "", by]
    high = most[better, "hundred", "", by] / least[worse, "hundred", "", by]
    text = text sprintf(", a factor of %.1f", \
        med[better, "hundred", "", by] / med[worse, "hundred", "", by])
    if (low >= 2) text = text ": true here" (by ~ /^cpu/ ? " of CPU" : "")
    else if (high < 2) text = text ": not true here" (by ~ /^cpu/ ? " of CPU" : "")
    else text = text sprintf(" (%.1f to %.1f): not decided in this run", low, high)
    return text unquiet(pool, other, "hundred")
}

# doubt(A, B, LOAD, FIGURE) - why it is not decided which of them has more; "" if it is.
function doubt(a, b, name, figure,    fewest) {
    fewest = got(runs, a, name, figure)
    if (got(runs, b, name, figure) < fewest) fewest = got(runs, b, name, figure)
    if (fewest < 3) return "of " plural(fewest, "run")
    return overlap(a, b, name, figure) ? "the ranges overlap" : ""
}

function unquiet(a, b, name) {
    if (!known(a, name, "", "disturbed") && !known(b, name, "", "disturbed")) return ""
    return " (disturbed: ~)"
}

# The same model by two hands: one process that waits for all of its clients.
function beside_nginx(    i, ours, theirs, not_clear) {
    for (i = 1; i <= nloads; i++) {
        ours = got(med, "epoll level", load[i], "cpu_us_per_request")
        theirs = got(med, "nginx 1", load[i], "cpu_us_per_request")
        if (!ours || !theirs) continue
        not_clear = doubt("epoll level", "nginx 1", load[i], "cpu_us_per_request")
        conclude("epoll", load[i] ": server08 (epoll) takes " number(ours) " us of CPU per " \
            "request, nginx with one worker " number(theirs) " us: " (not_clear == "" ? \
            sprintf("%.2f times as much", ours / theirs) \
            unquiet("epoll level", "nginx 1", load[i]) : \
            "which takes less is not decided in this run (" not_clear ")") ".")
    }
}

# Where the generator takes all that it can, it is the generator that is measured. (wrk and ab have
# one thread. siege has one for each connection: so if it takes most of what both take.)
function limited(r, name,    share) {
    share = got(med, r, name, "generator_share")
    return share > 0 && share >= (generator(name) == "siege" ? \
        3 * got(med, r, name, "server_share") : 90)
}

function say_limited(name,    i, list) {
    for (i = 1; i <= nrows; i++) {
        if (limited(row[i], name)) list = list (list == "" ? "" : ", ") row[i]
    }
    if (list == "") return
    conclude("the generator", name ": " generator(name) " took " (generator(name) == "siege" ? \
        "three times the processor time of the server or more" : "90 % of a processor or more") \
        ", so that requests/s is its limit rather than the server's: " list ".")
}
