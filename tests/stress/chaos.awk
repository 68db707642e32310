# chaos.awk - what tests/stress/chaos has to read out of statistics, reports and logs. After
# bench/lib/json.awk. -v want=
#
#   connections          one figure of the statistics in the file that is named
#   least                of the phase in dir: the least number of connections that the server must
#                        have counted in the end; nothing if a client has no report
#   verdict              "figures SERVED KILLS STOPS HUPS TTS MISBEHAVED FAILED EXPLAINED
#                        UNCOUNTED", and a line for everything that does not hold
#
# dir has: before, after (the server's statistics), good, bad (the clients' reports), plan (what was
# to be done), disturb (what was), deaths (what the server has said on stderr meanwhile).

function load(name, into,    text, key) {
    split("", into)
    if ((getline text <(dir "/" name)) <= 0 || !parse_json(text)) {
        return 0
    }
    for (key in value) {
        into[key] = value[key]
    }
    close(dir "/" name)
    return 1
}

function fail(text) {
    print text # one_phase() makes the rest of it
}

# Each victim once: a second signal may reach a child that is already dying.
function read_disturb(    text, word) {
    while ((getline text <(dir "/disturb")) > 0) {
        split(text, word, " ")
        did[word[2]]++
        if (word[2] == "kill" && !(word[3] in killed)) {
            killed[word[3]] = 1
            kills++
        } else if (word[2] == "zombie" && !(word[3] in zombie)) {
            zombie[word[3]] = 1
            fail("pid " word[3] " was a zombie for more than two seconds, seen at " word[1] " s")
        }
    }
    close(dir "/disturb")
}

# Was anybody hit? One that has just died by itself is missed; of a few, all may be.
function check_disturb(    text, word, least, planned, kind) {
    while ((getline text <(dir "/plan")) > 0) {
        split(text, word, " ")
        planned[word[3] == "kill-all" ? "kill" : word[3]]++
    }
    close(dir "/plan")
    least = phase == "rest" ? 1 : 4
    for (kind in planned) {
        if ((kind == "kill" || kind == "stop") && planned[kind] >= least && !did[kind]) {
            fail("nobody was hit: " plural(planned[kind], kind) " should have been")
        }
    }
}

# What a client has begun, and how it ended.
function tally(report, who,    i, how, kind) {
    if (report["scheduled"] != report["completed"] + report["failed"] + report["unsent"]) {
        fail("the " who " client scheduled " report["scheduled"] ", which is not completed " \
            report["completed"] " + failed " report["failed"] " + unsent " report["unsent"])
    }
    begun += report["scheduled"] - report["unsent"]
    served += report["completed"]
    requests += report["requests"]
    failed += report["failed"]
    for (kind in kinds) {
        errors[kind] += report["errors." kind]
    }
    for (i = 1; i <= report["misbehaved.#"]; i++) {
        how = "misbehaved." i "."
        if (report[how "connections"] != report[how "completed"] + report[how "failed"]) {
            fail("-x " report[how "how"] ": " report[how "connections"] " connections are not " \
                report[how "completed"] " completed + " report[how "failed"] " failed")
        }
        begun += report[how "connections"]
        misbehaved += report[how "connections"]
        if (report[how "how"] == "garbage") {
            rejected += report[how "completed"]
        }
    }
}

function grown(name) {
    return after[name] - before[name]
}

function plural(count, what) {
    return count " " what (count == 1 ? "" : "s")
}

# server11 tells a client when its request has cost two children.
function check_failures(    kind, list, told) {
    told = asked ~ /^server11/ ? "rejected" : ""
    for (kind in kinds) {
        if (errors[kind] > 0) {
            list = list (list == "" ? "" : ", ") kind " " errors[kind]
            if (kind != "reset" && kind != "short" && kind != told) {
                fail("good connections failed otherwise than cut off: " kind " " errors[kind])
            }
        }
    }
    if (failed > excuses) {
        fail(plural(failed, "good connection") " failed (" list "), which only " \
            plural(excuses, "kill") " of a serving child could explain")
    }
}

function check_counts(    i, rows, started) {
    if (grown("connections") > begun || grown("connections") < begun - excuses) {
        fail("the server has counted " grown("connections") " connections; " begun \
            " began, and " plural(excuses, "kill") " could have hit one not yet counted")
    }
    if (grown("requests") < requests - excuses) {
        fail("the server has counted " grown("requests") " requests; the good clients alone had " \
            requests " replies, and " plural(excuses, "kill") " could have hit one not yet counted")
    }
    if (grown("rejected") < rejected - excuses) {
        fail("the server has counted " grown("rejected") " rejected; " rejected \
            " clients were told so")
    }
    started = grown("children_started")
    if (asked ~ /^server01/) {
        if (grown("connections") > started || grown("connections") < started - kills) {
            fail(started " children were started for " grown("connections") " connections")
        }
        return
    }
    for (i = 1; i <= after["children.#"]; i++) {
        rows += after["children." i ".connections"]
    }
    if (asked !~ /^server06/ && rows != after["connections"]) { # a thread per connection: no rows
        fail("the children's connections add up to " rows ", the total is " after["connections"])
    }
}

# Each death that the server reports is one of ours; those it was not asked for, and only these, are
# lost ones. In a pool that nobody asks to leave anything, each of ours must be reported.
function check_deaths(    text, pid, deaths, extra) {
    while ((getline text <(dir "/deaths")) > 0) {
        if (asked ~ / -s auto/ && text ~ /all [0-9]+ handlers are busy: -x allows no more$/) {
            continue # and so they are
        }
        if (text !~ /pid [0-9]+,? died of signal 9$/) {
            fail("it says: " text)
            continue
        }
        deaths++
        pid = text
        sub(/^.*pid /, "", pid)
        sub(/[^0-9].*$/, "", pid)
        if (!(pid in killed)) {
            fail("it says: " text "; but that one was not killed")
        }
        reported[pid] = 1
    }
    close(dir "/deaths")
    if (deaths + 0 != grown("children_lost")) {
        fail(deaths + 0 " deaths were reported, " grown("children_lost") " counted as lost")
    }
    if ((phase == "kills" || phase == "rest") && asked ~ /^server(0[3-9]|1[03])/ &&
        asked !~ / -s auto/) {
        for (pid in killed) {
            if (!(pid in reported)) {
                fail("child " pid " was killed, which the server has not noticed")
            }
        }
    }
}

function verdict() {
    read_disturb()
    excuses = phase == "rest" ? 0 : kills + 0 # at rest they serve nobody
    if (asked ~ /^server10/) excuses *= 2 # as many as threads
    if (asked ~ /^server(08|13)/) excuses *= phase == "kills" ? 24 : 6 # all that are in flight
    tally(good, "good")
    tally(bad, "misbehaving")
    print "figures", served, kills + 0, did["stop"] + did["stop-server"], did["replace"] + 0, \
        did["more"] + did["fewer"], misbehaved + 0, failed + 0, \
        (failed < excuses ? failed + 0 : excuses), \
        begun - grown("connections")
    check_disturb()
    check_failures()
    check_counts()
    check_deaths()
}

BEGIN {
    split("refused reset timed_out short corrupt rejected client_limited other", list, " ")
    for (i in list) {
        kinds[list[i]] = 1
    }
    if (want == "least" || want == "verdict") {
        if (!load("before", before) || !load("good", good) || !load("bad", bad)) {
            exit
        }
        if (want == "verdict" && load("after", after)) {
            verdict()
        } else if (want == "least") {
            read_disturb()
            tally(good)
            tally(bad)
            print before["connections"] + begun - (phase == "rest" ? 0 : kills)
        }
        exit
    }
}

{
    if (parse_json($0)) {
        print value[want]
    }
}
