# results.awk - made-up results of compare, herd, scale and rivals, for the tests of bench/report:
#
#     awk -v dir=DIR -f tests/bench/results.awk
#
# All of it is invented, in a shape that real figures have; the same each time.

function put(file, text) {
    print text >(dir "/" file)
}

# A number from 0 to 1 that looks random, and is the same in every awk.
function luck() {
    seed = (seed * 1103 + 12347) % 65537
    return seed / 65537
}

# One line: three runs around v.
function line(e, row, load, x, figure, unit, v,    spread) {
    spread = 0.01 + 0.06 * luck()
    if (unit == "%" && v >= 100 || figure ~ /^(processes|breaks)$/) {
        spread = 0
    }
    put(e ".csv", sprintf("%s,%s,%s,%s,%s,%.4g,%.4g,%.4g,3,3,", row, load, x, figure, unit, v,
        v - spread * (v < 0 ? -v : v), v + spread * (v < 0 ? -v : v)))
}

function runs(e, row, load, x, good, of, why) {
    put(e ".csv", row "," load "," x ",runs,," good "," good "," good "," good "," of "," why)
}

function times(e, row, load, x, kind, p50, p99) {
    line(e, row, load, x, kind "_min", "us", p50 * 0.3)
    line(e, row, load, x, kind "_p50", "us", p50)
    line(e, row, load, x, kind "_p90", "us", p50 * 1.6)
    line(e, row, load, x, kind "_p99", "us", p99)
    line(e, row, load, x, kind "_p999", "us", p99 * 2.6)
    line(e, row, load, x, kind "_max", "us", p99 * 4)
}

# name|command|usual|connections/s|CPU us|wake-ups|p50|p99|children|KiB
function designs(    n, i, list, f) {
    n = split("iterative|server00_iterative|yes|12000|37.2|0|410|3300|1|180;" \
        "fork|server01_fork|yes|8000|150|0|980|9800|0|9100;" \
        "select|server02_select|yes|32000|17.1|0|150|1600|1|420;" \
        "prefork accept|server03_prefork_accept -a accept|yes|36000|24.8|1|170|1840|10|1900;" \
        "prefork select|server03_prefork_accept -a select|no|30100|30.4|3.1|210|2100|10|1910;" \
        "prefork poll|server03_prefork_accept -n 10 -a poll|no|30800|29.6|2.9|205|2050|10|1920;" \
        "prefork lock-file|server03_prefork_accept -n 10 -a " \
        "lock-file|no|29200|28.9|2|240|2700|10|1905;" \
        "prefork lock-mutex|server03_prefork_accept -n 10 -a " \
        "lock-mutex|no|33900|26.2|2|190|1700|10|1930;" \
        "prefork epoll|server03_prefork_accept -n 10 -a epoll|no|31000|28.8|2.4|200|2020|10|1925;" \
        "prefork epoll-exclusive|server03_prefork_accept -n 10 -a " \
        "epoll-exclusive|no|35200|25.9|1.1|180|1880|10|1931;" \
        "prefork reuseport|server03_prefork_accept -n 10 -a " \
        "reuseport|no|34100|25.1|1|175|6400|10|1940;" \
        "fdpass first|server04_fdpass -n 10 -P first|yes|28100|35.2|2|260|2500|10|2100;" \
        "fdpass round-robin|server04_fdpass -P round-robin|no|29000|34.1|2|250|1900|10|2120;" \
        "fdpass queue|server04_fdpass -n 10 -Q 2|no|28700|34.6|2|255|1950|10|2110;" \
        "spawn queued|server05_spawn_pool -n 10 -d queued|yes|37800|32.8|2|185|1060|10|5200;" \
        "spawn piped round-robin|server05_spawn_pool -n 10 -d piped -P " \
        "round-robin|no|37500|33.4|2|188|1220|10|5300;" \
        "spawn piped least-loaded|server05_spawn_pool -n 10 -d piped -P " \
        "least-loaded|yes|37200|33.1|2|186|1130|10|5280",
        list, ";")
    for (i = 1; i <= n; i++) {
        split(list[i], f, "|")
        NAME[i] = f[1]; COMMAND[i] = f[2]; USUAL[i] = f[3]; RATE[i] = f[4]; CPU[i] = f[5]
        WAKE[i] = f[6]; P50[i] = f[7]; P99[i] = f[8]; CHILDREN[i] = f[9]; KIB[i] = f[10]
    }
    return n
}

function about(e, seconds, rounds) {
    put(e "-about.csv", "key,value")
    put(e "-about.csv", "command,bench/" e " -o results")
    put(e "-about.csv", "started,2026-11-21 10:00:00 UTC")
    put(e "-about.csv", "seconds," seconds)
    put(e "-about.csv", "rounds," rounds)
    put(e "-about.csv", "outcome,complete")
    put(e "-about.csv", "failed_runs,0")
    put(e "-about.csv", "load,0.12")
}

function load_is(e, name, title, x_name, client, expect) {
    put(e "-loads.csv", name "," title "," x_name "," client "," expect)
}

function heads(e) {
    put(e ".csv", "row,load,x,figure,unit,median,min,max,runs,of,why")
    put(e "-rows.csv", "row,server,usual")
    put(e "-loads.csv", "load,title,x_name,client,expect")
}

# --- compare -------------------------------------------------------------------------------------

function compare_loads(    e) {
    e = "compare"
    load_is(e, "few", "few clients: 5; one connection after the other", "",
        "-c 5 -t 2000 -b 4096", "all")
    load_is(e, "many", "many clients: 15 with 10 connections each at a time", "",
        "-c 15 -m 10 -t 900 -b 4096", "all")
    load_is(e, "keep", "keep-alive: 100 requests per connection", "",
        "-c 15 -t 30 -k 100 -b 4096", "all")
    load_is(e, "large", "replies of 1 MiB", "", "-c 5 -t 100 -b 1048576", "all")
    load_is(e, "cpu", "1 ms of processor time for each", "", "-c 15 -t 100 -W 1000", "all")
    load_is(e, "blocking", "5 ms of waiting for each", "", "-c 15 -t 100 -W 0:5000", "all")
    load_is(e, "heavy", "1 % of the requests wait for 20 ms", "",
        "-c 15 -t 500 -W 0:20000@0.01", "all")
    load_is(e, "idle", "1000 idle connections are held", "", "-H 1000 -r 500 -d 3 -T 2", "some")
    load_is(e, "attack", "5 % of the connections send slowly", "",
        "-x slow-send=1@0.05 -r 500 -d 3 -T 2", "some")
    load_is(e, "half", "half of the highest rate of the row", "", "-r RATE -d 5", "all")
    load_is(e, "highest", "the highest rate with p99 below 20 ms", "", "-r max@p99<20ms", "all")
    load_is(e, "memory", "100 connections at once", "", "-c 10 -m 10 -t 1 -W 0:500000", "all")
    load_is(e, "startup", "started and stopped; no client", "", "", "all")
}

function closed(i, name, slower,    e, row) {
    e = "compare"
    row = NAME[i]
    runs(e, row, name, "", 3, 3, "")
    line(e, row, name, "", "connections_per_second", "/s", RATE[i] / slower)
    line(e, row, name, "", "failed_share", "%", 0)
    line(e, row, name, "", "cpu_us_per_connection", "us", CPU[i] * (0.7 + 0.3 * slower))
    line(e, row, name, "", "control_cpu_us", "us", CPU[i] * (0.7 + 0.3 * slower) - 37.2)
    line(e, row, name, "", "switches_per_connection", "", 1 + WAKE[i] / 3)
    line(e, row, name, "", "wakeups_per_connection", "", WAKE[i])
    line(e, row, name, "", "wasted_per_connection", "", WAKE[i] > 1 ? WAKE[i] - 1 : 0)
    if (CHILDREN[i]) {
        line(e, row, name, "", "children_served", "", CHILDREN[i])
        line(e, row, name, "", "children_min", "", 900 / CHILDREN[i])
        line(e, row, name, "", "children_max", "",
            row == "fdpass first" ? 4000 : 1100 / CHILDREN[i])
        line(e, row, name, "", "jain", "", row == "fdpass first" ? 0.31 : 0.99)
    }
    times(e, row, name, "", "service", P50[i], P99[i])
    line(e, row, name, "", "limit_share", "%", RATE[i] / 450 / slower)
}

function others(i,    e, row, alone) {
    e = "compare"
    row = NAME[i]
    alone = row == "iterative" || row == "select" # one process serves all
    line(e, row, "keep", "", "requests_per_second", "/s", RATE[i] * 4.1)
    line(e, row, "keep", "", "cpu_us_per_request", "us", CPU[i] / 4)
    line(e, row, "large", "", "mib_per_second", "MiB/s", 2100 + 300 * luck())
    line(e, row, "cpu", "", "connections_per_second", "/s", alone ? 950 : 1850)
    line(e, row, "blocking", "", "connections_per_second", "/s",
        alone ? 190 : row == "fork" ? 2700 : 1920)
    line(e, row, "heavy", "", "light_p50", "us", alone ? 9000 : P50[i] * 1.2)
    line(e, row, "heavy", "", "light_p99", "us", alone ? 58000 : P99[i] * 1.4)
    line(e, row, "heavy", "", "light_max", "us", alone ? 98000 : P99[i] * 4)
    line(e, row, "idle", "", "failed_share", "%", row == "select" ? 0 : 100)
    if (row == "select") {
        line(e, row, "idle", "", "response_p99", "us", 2900)
    }
    line(e, row, "attack", "", "failed_share", "%",
        row == "iterative" ? 61 : row ~ /^(prefork|fdpass|spawn)/ ? 8 : 0)
    line(e, row, "attack", "", "response_p99", "us", row == "iterative" ? 2e6 : P99[i] * 5)
    times(e, row, "half", "", "service", P50[i] * 0.8, P99[i])
    times(e, row, "half", "", "response", P50[i] * 0.8 + 100, P99[i] * 1.5)
    line(e, row, "highest", "", "highest_rate", "/s", RATE[i] * 0.9)
    line(e, row, "memory", "", "private_kib", "KiB", KIB[i])
    line(e, row, "memory", "", "processes", "", row == "fork" ? 101 : CHILDREN[i] == 10 ? 11 : 1)
    line(e, row, "startup", "", "startup_cpu_ms", "ms", row ~ /^spawn/ ? 14 : 1 + CHILDREN[i] / 4)
}

# Ten children each, of which 04's first ones serve most; server01 has a child per connection.
function children(i,    c, n, connections) {
    n = NAME[i] == "fork" ? 300 : CHILDREN[i]
    for (c = 1; c <= n; c++) {
        connections = NAME[i] == "fork" ? 1 : n == 1 ? 10000 : \
            NAME[i] == "fdpass first" ? int(5000 / c) : int(850 + 300 * luck())
        put("compare-children.csv", "1," NAME[i] ",few,," c "," connections)
        put("compare-children.csv", "2," NAME[i] ",few,," c "," connections + 1)
    }
}

function compare(n,    i) {
    heads("compare")
    about("compare", 5400, 3)
    compare_loads()
    put("compare-children.csv", "round,row,load,x,child,connections")
    put("compare-sentences.csv", "row,sentence")
    put("compare-best.csv", "what,who")
    put("compare-best.csv", "under attack: p99 in us,select 2.90, not to be told from fork; of " \
        "17 rows 14 left more than 1 % unserved; worst iterative 2,000,000")
    for (i = 1; i <= n; i++) {
        put("compare-rows.csv", NAME[i] "," COMMAND[i] "," USUAL[i])
        closed(i, "few", 1.6)
        closed(i, "many", 1)
        others(i)
        children(i)
        if (USUAL[i] == "yes") {
            put("compare-sentences.csv", NAME[i] "," sprintf("serves %d connections/s with many " \
                "clients, at %.1f us of CPU each.", RATE[i], CPU[i]))
        }
    }
}

# --- herd ----------------------------------------------------------------------------------------

function herd_point(i, load, x,    e, wakes) {
    e = "herd"
    wakes = WAKE[i] == 1 ? 1 : WAKE[i] == 2 ? 2 : load == "paced" ? x : 1 + x * WAKE[i] / 15
    line(e, NAME[i], load, x, "wakeups_per_connection", "", wakes)
    line(e, NAME[i], load, x, "wasted_per_connection", "", WAKE[i] <= 2 ? 0 : wakes - 1)
    line(e, NAME[i], load, x, "switches_per_connection", "", 1 + wakes * 0.9)
    line(e, NAME[i], load, x, "connections_per_second", "/s",
        (load == "paced" ? 9000 : RATE[i]) / (1 + wakes / 60))
    line(e, NAME[i], load, x, "cpu_us_per_connection", "us", CPU[i] * (1 + wakes / 12))
    line(e, NAME[i], load, x, "children_served", "", x)
    line(e, NAME[i], load, x, "jain", "", 0.95)
    times(e, NAME[i], load, x, "service", P50[i] * (1 + wakes / 50), P99[i] * (1 + wakes / 20))
    if (load == "busy") {
        times(e, NAME[i], load, x, "response", P50[i] * (1 + 9 / x), P99[i] * (1 + 30 / x))
    }
    runs(e, NAME[i], load, x, 3, 3, "")
}

# Its sentences, of which none has a heading of its own.
function herd_sentences(    i) {
    put("herd-sentences.csv", "about,sentence")
    for (i = 1; i <= 5; i++) {
        put("herd-sentences.csv", "," i " Children that served any, of 20, paced: accept 20 (the " \
            "busiest 5% of all); epoll 20 (the busiest 9% of all); reuseport 20 (the busiest " \
            "8% of all), and so on, until the line is longer than any screen is wide.")
    }
}

function herd(n,    i, l, k, x, name) {
    heads("herd")
    herd_sentences()
    about("herd", 1500, 3)
    load_is("herd", "paced", "one connection at a time", "children", "-c 1 -t 300 -b 4096", "all")
    load_is("herd", "saturated", "as many as there is room for", "children",
        "-c 15 -t 600 -b 4096", "all")
    load_is("herd", "busy", "open loop; each burns 1 ms of processor time", "children",
        "-r 1200 -d 3 -W 1000", "all")
    split("1 2 5 10 20 50 100", x, " ")
    split("paced saturated busy", name, " ")
    for (i = 1; i <= n; i++) {
        if (NAME[i] ~ /^prefork/) {
            put("herd-rows.csv", NAME[i] "," COMMAND[i] "," USUAL[i])
            for (l = 1; l <= 3; l++) {
                for (k = 1; k <= 7; k++) {
                    herd_point(i, name[l], x[k])
                }
            }
        }
    }
}

# --- scale ---------------------------------------------------------------------------------------

# Where a model breaks, and how: 0 is nowhere.
function limit(row, load) {
    if (load == "clients") {
        return row == "select" ? 1000 : row == "iterative" ? 500 : 0
    }
    if (load == "idle") {
        return row == "iterative" ? 1 : row == "fork" ? 1000 : row == "select" ? 10000 : 10
    }
    return 0
}

function scale_point(i, load, x, last,    e, row, slower) {
    e = "scale"
    row = NAME[i]
    slower = load == "bytes" ? 1 + x / 60000 : load == "children" ? 1 + x / 900 : 1 + x / 9000
    line(e, row, load, x, "failed_share", "%", last ? 12 : 0)
    if (last && load == "idle") {
        return # nobody was served: there is no time
    }
    line(e, row, load, x, "connections_per_second", "/s", RATE[i] / slower)
    line(e, row, load, x, "cpu_us_per_connection", "us", CPU[i] * slower)
    times(e, row, load, x, "service", P50[i] * slower, P99[i] * slower * (1 + x / (x + 90)))
}

function scale_row(i, load, xs,    n, k, x, broken) {
    n = split(xs, x, " ")
    broken = limit(NAME[i], load)
    for (k = 1; k <= n; k++) {
        scale_point(i, load, x[k], broken && x[k] >= broken)
        if (broken && x[k] >= broken) {
            put("scale.csv", NAME[i] "," load "," x[k] ",breaks,,,,,3,3,clients are refused: " \
                "Connection timed out (12 % of them)")
            return
        }
    }
}

function scale(n,    i) {
    heads("scale")
    about("scale", 2700, 3)
    load_is("scale", "clients", "connections in flight", "clients", "-c X -t 100", "some")
    load_is("scale", "children", "children of the pool", "children", "-c 15 -t 600", "all")
    load_is("scale", "idle", "idle connections are held beside the others", "idle connections",
        "-H X -r 500 -d 3", "some")
    load_is("scale", "bytes", "length of the reply", "bytes", "-c 5 -t 200 -b X", "all")
    for (i = 1; i <= n; i++) {
        if (USUAL[i] == "yes") {
            put("scale-rows.csv", NAME[i] "," COMMAND[i] "," USUAL[i])
            scale_row(i, "clients", "1 5 10 50 100 500 1000 2000")
            if (NAME[i] ~ /^(fork|prefork|fdpass|spawn)/) {
                scale_row(i, "children", "1 2 5 10 20 50 100 200")
            }
            scale_row(i, "idle", "0 1 10 100 1000 10000")
            scale_row(i, "bytes", "1 64 4096 65536 1048576 16777216")
        }
    }
}

# --- rivals --------------------------------------------------------------------------------------

# Those of ours that the sentences are about, and some of others.
function rivals(    n, i, load, l, row, cpu) {
    heads("rivals")
    about("rivals", 700, 3)
    load_is("rivals", "wrk-keep", "8 connections that stay (wrk)", "", "wrk keep 8 2", "all")
    load_is("rivals", "hundred", "100 at a time (siege)", "", "siege close 100 2", "all")
    n = split("nginx 1|apache event|python forking|python threading|python pool|fork|thread|" \
        "prefork accept|epoll level", row, "|")
    split("18 60 1600 400 180 130 40 27 20", cpu, " ")
    for (i = 1; i <= n; i++) {
        put("rivals-rows.csv", row[i] "," (row[i] == "prefork accept" ? \
            "server03_prefork_accept" : row[i]) ",yes")
        for (l = 1; l <= 2; l++) {
            load = l == 1 ? "wrk-keep" : "hundred"
            if (row[i] == "apache event") {
                runs("rivals", row[i], load, "", 0, 3, "apache is not installed")
                continue
            }
            runs("rivals", row[i], load, "", 3, 3, "")
            line("rivals", row[i], load, "", "requests_per_second", "/s", 1e6 / cpu[i])
            line("rivals", row[i], load, "", "cpu_us_per_request", "us", cpu[i])
            line("rivals", row[i], load, "", "service_p50", "us", 90)
            line("rivals", row[i], load, "", "service_p99", "us", 2000)
            line("rivals", row[i], load, "", "server_share", "%", 99)
            line("rivals", row[i], load, "", "generator_share", "%", i == n ? 96 : 50)
            line("rivals", row[i], load, "", "pss_kib", "KiB", 3000)
            line("rivals", row[i], load, "", "processes", "", 2)
        }
    }
}

function machine() {
    put("machine.csv", "key,value")
    put("machine.csv", "date,2026-11-21 10:00:00 UTC")
    put("machine.csv", "system,Linux")
    put("machine.csv", "kernel,6.18.44")
    put("machine.csv", "machine,x86_64")
    put("machine.csv", "processors,2")
    put("machine.csv", "processor,made up by tests/bench/results.awk")
    put("machine.csv", "memory,23 GiB")
    put("machine.csv", "load,0.12")
    put("limits.csv", "name,what,per_second,us_each,cpu_us_each," \
        "answer_cpu_us_each,switches_each,n,outcome,why,faults_each")
    put("limits.csv", "tcp_connect,connect; accept; close: one " \
        "process,62923,15.9,15.3,0,0,1,measured,")
    put("limits.csv", "serve_n_n,4 KiB served: n clients; n " \
        "servers,42744,234,45.8,16.1,2.07,10,measured,")
    put("limits.csv", "fork,fork; exit; wait: a small " \
        "process,6354,157.4,158.2,0,2,1,measured,,20.4")
    put("limits.csv", "fork_static,the same; statically linked,,,,,,,unavailable,there is no " \
        "limits_static")
}

BEGIN {
    seed = 4711
    n = designs()
    machine()
    compare(n)
    herd(n)
    scale(n)
    rivals()
}
