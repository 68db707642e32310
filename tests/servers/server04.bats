#!/usr/bin/env bats
# What server04_fdpass alone claims: the parent accepts and chooses; nothing passed is lost.

load ../helpers

SERVER=server04_fdpass

# Connections one after the other, with a pause for the child to get free: counts in COUNTS.
spread() { # POLICY
    start_server -n 4 -P "$1"
    eventually has_children "$SERVER_PID" 4
    poke -r 40 "$ADDRESS" connect send:'100\n' reply:100 half eof close sleep:20
    stop_server
    [[ $(json_of variant) == "$1" ]]
    counted connections 40
    mapfile -t COUNTS < <(json_of 'children.*.connections')
    echo "$1: ${COUNTS[*]}"
}

@test "-P first: the first child does nearly everything" {
    spread first
    ((COUNTS[0] >= 25 && COUNTS[1] <= 15 && COUNTS[2] <= 10 && COUNTS[3] <= 10))
}

@test "-P round-robin: all do about the same" {
    local count

    spread round-robin
    for count in "${COUNTS[@]}"; do
        ((count >= 7 && count <= 13))
    done
    run ! grep -x 0 <(json_of 'children.*.context_switches') # published also at the stop
}

@test "-P first is the default, another name a usage error that names both" {
    start_server
    stop_server
    [[ $(json_of variant) == first ]]
    run -2 --separate-stderr "$BIN/$SERVER" -P last
    [[ -z $output && $stderr == *"-P 'last'"*'first or round-robin'* ]]
}

@test "-Q 1 to 4, with every policy: all are served and counted" {
    local policy queue

    for queue in 1 2 3 4; do
        for policy in first round-robin; do
            start_server -n 3 -Q "$queue" -P "$policy"
            poke -j 8 -r 25 "$ADDRESS" connect send:'1000\n' reply:1000 half eof
            stop_server
            counted connections 200
            counted requests 200
            counted broken 0
        done
    done
}

@test "only the parent has the listening socket, and no connection once it is passed" {
    start_server -n 4
    eventually has_children "$SERVER_PID" 4
    alone_accepts() { [[ $(acceptors) == "$SERVER_PID" ]]; }
    eventually alone_accepts
    parent_holds_none
}

@test "a stop while children are still to be started does not wait for them" {
    start_server -n 2000
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_started -lt 2000
}

@test "all children busy: others wait, at no cost, and are served" {
    local before

    start_server -n 2 -T "$PATIENCE"
    occupy_child half eof
    occupy_child half eof
    before=$(ticks_of "$SERVER_PID")
    queue 3 1000
    (($(ticks_of "$SERVER_PID") - before < 20))
    touch "$T/go"
    await_all
    stop_server
    counted connections 5
    counted requests 5
}

# One that a child was serving when it was killed, and three that it had not begun.
all_are_served() {
    touch "$T/go"
    await_all
    stop_server
    counted connections 4
    counted requests 4
    counted children_lost 1
}

@test "what is not served when the grace is over is not passed over in silence" {
    start_server -n 1 -Q 4 -T "$PATIENCE" -g 1
    COMPLAINTS='1 child had to be killed|that had been accepted were not served'
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/working" send:'1 0 9000000\n' gone
    eventually test -e "$T/working"
    poke_away -j 3 "$ADDRESS" connect send:'100\n' silent:500 touch:"$T/queued" gone
    eventually test -e "$T/queued"
    stop_server
    await_all
    [[ $STATUS -eq 1 ]]
    says "$ERR" ' 1 child had to be killed'
    says "$ERR" 'were not served'
}

@test "a full table of descriptors when a child is killed: what it had not begun is not lost" {
    start_server -n 1 -Q 4 -T "$PATIENCE"
    COMPLAINTS='died of signal 9|memory, retrying'
    occupy_child gone
    queue 3 500
    limit_descriptors "$(descriptors_of "$SERVER_PID" | head -n 1)" "$SERVER_PID"
    kill -s KILL "$CHILD"
    eventually says "$ERR" 'died of signal 9'
    all_are_served
}

@test "HUP: connections that wait in a child's queue are served all the same" {
    start_server -n 1 -Q 4 -T "$PATIENCE" -g "$LIMIT"
    occupy_child send:'50\n' reply:50 half eof
    queue 3 300
    kill -s HUP "$SERVER_PID"
    touch "$T/go"
    await_all
    stop_server
    counted requests 5
    counted children_lost 0
}

@test "silent clients in a child's queue do not hold up the end" {
    local start

    start_server -n 1 -Q 8 -T "$PATIENCE" -g "$LIMIT"
    poke_away "$ADDRESS" connect send:'1\n' reply:1 idle:7 touch:"$T/open" gone
    eventually test -e "$T/open"
    start=$(now_ms)
    stop_server
    (($(now_ms) - start < 150 * LIMIT))
    [[ $STATUS -eq 0 ]]
}

# One child is busy for minutes; the other one serves all the rest, from more clients than it
# has room for.
@test "by default nothing waits behind a busy child while another one gets free, under load too" {
    start_server -n 2 -T "$PATIENCE" -g 1
    COMPLAINTS='had to be killed'
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/busy" \
        send:"$(printf '1 0 9000000\\n%.0s' {1..20})" gone # three minutes of work
    eventually test -e "$T/busy"
    poke -j 8 -r 50 "$ADDRESS" mark connect send:'100\n' reply:100 half eof \
        within:$((250 * LIMIT))
    alive "$POKE" # the busy one
    stop_server
    [[ $STATUS -eq 1 ]]
    counted requests -ge 401
    counted broken 1
}

@test "-Q 2: a connection waits behind a busy child, although the other one is free" {
    local ms=$((LIMIT < 120 ? LIMIT * 75 : 9000))

    start_server -n 2 -Q 2 -T "$PATIENCE"
    occupy_child send:"1 0 ${ms}000\n" reply:1 half eof
    occupy_child half eof
    queue 2 200 # one behind each
    touch "$T/go"
    await_poke "${HELPERS[1]}"
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof # by the second child
    ask_server
    (($(json_of requests) >= 23)) # all but the first child's two
    alive "${HELPERS[2]}" || alive "${HELPERS[3]}"
    await_all
}

@test "a storm of kill -9: at most the connections in service fail, nothing leaks" {
    local before failed good i victims

    start_server -n 6 -Q 2
    COMPLAINTS='died of signal 9'
    eventually has_children "$SERVER_PID" 6
    before=$(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l)
    poke_away -k -j 4 -r 400 "$ADDRESS" connect send:'20000 0 1000\n' reply:20000 half eof
    for ((i = 0; i < 12; i++)); do
        sleep 0.05
        mapfile -t victims < <(children_of "$SERVER_PID")
        kill -s KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || :
    done
    await_poke
    good=$(awk '{ sum += $2 } END { print sum }' "$T/poke.0")
    failed=$(awk '{ sum += $4 } END { print sum }' "$T/poke.0")
    echo "good $good failed $failed"
    [[ $((good + failed)) -eq 1600 ]]
    eventually has_children "$SERVER_PID" 6
    poke -j 4 -r 25 "$ADDRESS" connect send:'100\n' reply:100 half eof
    [[ $(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l) -eq $before ]]
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost "$(wc -l <"$ERR")"
    counted children_lost -ge 5
    [[ $failed -le $(json_of children_lost) ]]
}
