# figures.awk - one run: the client's report and the server's statistics (two files of JSON) become
# lines "round,row,load,x,figure,unit,value,why". After json.awk; variables:
#
#   round, row, x   of the run; name is its load (`load` is a keyword of gawk)
#   expect          all: a connection that fails makes the run a failed one; some: it is a figure
#   why             the run has failed already, and why
#   words           the first line of the server's stderr, after ": "
#   startup         what startup.awk says of a start and stop, or of what was before the load
#   sampled         "PRIVATE_KIB PROCESSES" while the client was at work
#   others          percent of the processors' time that others have taken; nothing if unknown
#   limited         true if the client lacked descriptors, ports or memory of this machine
#   children        file for the connections of each child
#
# Exit status 1 if the run has failed: then the only line is the figure `run` with the value 0; 4 if
# it failed because of this machine's limit.

# The last line of each file is the JSON.
FILENAME == ARGV[1] { client = $0 }
FILENAME == ARGV[2] { server = $0 }

END {
    read_client()
    read_server()
    if (why == "" && name != "startup") judge()
    gsub(/,/, ";", why)
    print head() ",run,," (why == "") "," why
    if (why != "") exit (limited ? 4 : 1)
    if (others != "") put("others_share", "%", others)
    if (name == "startup") {
        put("startup_cpu_ms", "ms", cpu_us / 1000)
    } else if (name == "highest") {
        put("highest_rate", "/s", found_rate)
    } else if (name == "memory") {
        split(sampled, sample, " ")
        if (sample[1] > 0) put("private_kib", "KiB", sample[1])
        if (sample[2] > 0) put("processes", "", sample[2])
    } else {
        put_all()
    }
}

function head() {
    return round "," row "," name "," x
}

function put(figure, unit, number, reason) {
    printf "%s,%s,%s,%.6g,%s\n", head(), figure, unit, number, reason
}

function read_client(    kind, n, kinds, i) {
    if (client == "" || !parse_json(client)) return
    for (kind in value) asked[kind] = value[kind]
    n = split("refused reset timed_out short corrupt rejected client_limited other", kinds, " ")
    for (i = 1; i <= n; i++) {
        if (value["errors." kinds[i]] == 0) continue
        failures = failures " " kinds[i] " " value["errors." kinds[i]]
    }
    if (value["unsent"] > 0) failures = failures " unsent " value["unsent"]
    found_rate = value["search.rate"] + 0
}

# Takes off what was not for the load.
function read_server(    cost, n, counter, i) {
    if (why != "") return
    if (server == "" || !parse_json(server) || !("cpu_user_s" in value)) {
        why = "the server printed no statistics"
        return
    }
    counts = "context_switches" in value # false of a sketch
    if (name != "startup") split(startup, cost, " ")
    known_startup = startup != ""
    cpu_us = (value["cpu_user_s"] + value["cpu_system_s"]) * 1e6 - cost[1]
    n = split("context_switches connections requests wakeups wasted_wakeups", counter, " ")
    for (i = 1; i <= n; i++) value[counter[i]] -= cost[i + 1]
    connections = value["connections"]
    if (counts) return
    connections = asked["completed"]
    value["requests"] = asked["requests"]
}

# Connections that fail are over at once, and would make a run look fast.
function judge(    i, lost) {
    lost = asked["failed"] + asked["unsent"]
    if (!("completed" in asked)) {
        why = "the client printed no report"
    } else if (limited) {
        why = "this machine was the limit: " \
            (failures != "" ? substr(failures, 2) : limit_hint())
    } else if (name == "highest" && found_rate == 0) {
        why = "no rate kept the bound"
        if (asked["search.ended_early"] != "") why = why ": " asked["search.ended_early"]
    } else if (expect == "all" && lost > 0) {
        why = lost " of " asked["scheduled"] " connections failed:" failures
    } else if (expect == "all" && asked["completed"] == 0) {
        why = "no connection was made"
    }
}

# The client's remark about its own limit; its first remark may be about something else.
function limit_hint(    i) {
    for (i = 1; i < asked["hints.#"] && asked["hints." i] !~ /[Tt]his machine/; i++) ;
    return asked["hints." i]
}

function put_all(    lost) {
    lost = asked["failed"] + asked["unsent"]
    if (name == "half") put("asked_rate", "/s", asked["rate"])
    put("connections_per_second", "/s", asked["connections_per_second"])
    put("requests_per_second", "/s", asked["requests_per_second"])
    if (asked["seconds"] > 0) {
        put("mib_per_second", "MiB/s", asked["bytes_received"] / 1048576 / asked["seconds"])
    }
    if (asked["scheduled"] > 0) {
        put("failed_share", "%", 100 * lost / asked["scheduled"],
            failures == "" ? substr(words, 3) : substr(failures, 2) words)
    }
    put_times("service", "service_us")
    put_times("response", "response_us")
    if (name == "heavy" || name == "own" && asked["classes.#"] > 1) {
        put_times("light", light_class())
    }
    if (asked["held.asked"] > 0) put("held_least", "", asked["held.least"])
    if (name == "bytes" || name == "own") put("peak_rss_kib", "KiB", value["peak_rss_kib"])
    if (connections > 0) put_per_connection()
    if (name !~ /^busy/) put_distribution() # the idle ones would be in it
}

# One of a thousand is not known from some hundred.
function put_times(name, path,    i, n, list) {
    if (asked[path ".count"] + 0 == 0) return
    n = split("min p50 p90 p99 max p999", list, " ")
    if (asked[path ".count"] + 0 < 2000) n--
    for (i = 1; i <= n; i++) put(name "_" list[i], "us", asked[path "." list[i]])
}

# The requests without work are the last class.
function light_class(    path) {
    path = "classes." asked["classes.#"]
    return path (asked[path ".response_us.count"] > 0 ? ".response_us" : ".service_us")
}

# With idle clients or an attack beside, the server's cost is theirs, too: no figure then.
function put_per_connection() {
    if (name == "idle" || name == "attack") return
    if (known_startup) {
        put("cpu_us_per_connection", "us", cpu_us / connections)
        if (value["requests"] > 0) put("cpu_us_per_request", "us", cpu_us / value["requests"])
    }
    if (known_startup && counts) {
        put("switches_per_connection", "", value["context_switches"] / connections)
        put("wakeups_per_connection", "", value["wakeups"] / connections)
        put("wasted_per_connection", "", value["wasted_wakeups"] / connections)
    }
    if (asked["completed"] > 0) {
        put("client_cpu_us", "us", asked["client_cpu_s"] * 1e6 / asked["completed"])
    }
}

# As the server counted it: it knows its idle children, too. A server with a child for each
# connection does not list them, nor does a sketch: then as the client counted it.
# (A loop that hands out requests, as server11's, serves nobody itself.)
function put_distribution(    i, n, first, thread, child, count, served, least, most, sum, squares) {
    n = value["children.#"]
    first = n > 1 && value["children.1.child"] == "0" && !value["children.1.thread"] ? 2 : 1
    if (n == 0) {
        put("children_served", "", asked["distribution.children"])
        put("children_min", "", asked["distribution.min"])
        put("children_max", "", asked["distribution.max"])
        put("jain", "", asked["distribution.jain"])
        return
    }
    for (i = first; i <= n; i++) {
        count = value["children." i ".connections"] + 0 # no text, or 10 were less than 9
        thread = value["children." i ".thread"]
        child = value["children." i ".child"] (thread ? "." thread : "")
        printf "%s,%s,%d\n", head(), child, count >>children
        if (i == first || count < least) least = count
        if (i == first || count > most) most = count
        served += count > 0
        sum += count
        squares += count * count
    }
    put("children_served", "", served)
    put("children_min", "", least)
    put("children_max", "", most)
    if (squares > 0) put("jain", "", sum * sum / (n - first + 1) / squares)
}
