#!/usr/bin/env bats
# What clients that mean harm can do to a server, and what they cannot. Nobody's input makes it
# allocate without bound, end, spin, or print what it was sent. $SERVER names the server; tests/run
# runs this file once for each, as it does the contract, which has what one such client does. These
# come in numbers. tests/stress/attack shows the same at full size, with times.

load ../helpers

# The server with few places, so that few clients take them all: PLACES of them.
start_small() { # OPTION...
    PLACES=1
    case $SERVER in
    server00_*) start_server "$@" ;;
    server02_* | server07_*)
        start_server "$@"
        few_descriptors "$SERVER_PID"
        ;;
    server11_*) # the loop has the connections
        start_server -n 2 "$@"
        eventually has_children "$SERVER_PID" 2
        few_descriptors "$SERVER_PID"
        ;;
    server08_*)
        start_server -n 1 "$@"
        eventually has_children "$SERVER_PID" 1
        few_descriptors "$(children_of "$SERVER_PID")"
        ;;
    server13_*) # a ring goes by the limit that there was when it was asked to accept
        start_server -n 1 "$@"
        limit_descriptors 12 "$SERVER_PID"
        eventually has_children "$SERVER_PID" 1
        FIRST=$(children_of "$SERVER_PID")
        kill -s HUP "$SERVER_PID"
        eventually first_replaced
        few_descriptors "$(children_of "$SERVER_PID")"
        ;;
    server10_*)
        start_server -n 2 -t 2 "$@"
        PLACES=4
        ;;
    *)
        start_server -n 2 "$@"
        PLACES=2
        ;;
    esac
    served_after
}

first_replaced() {
    dead "$FIRST" && has_children "$SERVER_PID" 1
}

# In one process the places are the descriptors: the numbers below the limit that are free.
few_descriptors() { # PID
    local number

    limit_descriptors 12 "$1"
    PLACES=0
    for ((number = 0; number < 12; number++)); do
        [[ -e /proc/$1/fd/$number ]] || PLACES=$((PLACES + 1))
    done
    COMPLAINTS='memory, retrying|others must wait'
}

# What it has open when nobody is connected.
note_descriptors() {
    eventually at_rest
    BEFORE=$(descriptors_of "$SERVER_PID")
}

same_as_before() {
    [[ $(descriptors_of "$SERVER_PID") == "$BEFORE" ]]
}

# The largest process of a server that had one client like all others: USUAL, in KiB.
note_memory() {
    start_server
    poke "$ADDRESS" connect send:'4194304\n' reply:4194304
    stop_server
    USUAL=$(json_of peak_rss_kib)
}

# A client's bytes are nowhere in what it says; nor is anything else that a terminal would obey.
said_nothing_strange() {
    run ! grep -Ean $'[^\x20-\x7e]' "$OUT" "$ERR"
    run ! grep -Ean 'xxx|0 0 0|\[2J' "$OUT" "$ERR"
}

ticks_of_all() {
    local pid sum=0

    for pid in "$SERVER_PID" $(children_of "$SERVER_PID"); do
        sum=$((sum + $(ticks_of "$pid" 2>/dev/null || echo 0)))
    done
    echo "$sum"
}

@test "500 resets, at every state of a connection: no other is concerned, and nothing stays" {
    start_server
    served_after
    note_descriptors
    hostile_away -j 20 -t 500 reset
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    hostile_ends
    [[ $(hostile_says opened finished) == '500 500' ]]
    served_after
    eventually same_as_before
    eventually no_zombies_of "$SERVER_PID"
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 522
    counted broken -ge 100 # in the middle of a line; the others may be too early or too late
    counted rejected 0
    counted timed_out 0
    counted children_lost 0
}

@test "64 KiB of garbage, binary and zeros and escape sequences: refused, and never repeated" {
    start_server -o text -v
    hostile_away -j 8 -t 80 garbage
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    hostile_ends
    [[ $(hostile_says opened hung_up) == '80 80' ]]
    served_after
    stop_server
    [[ $STATUS -eq 0 ]]
    says "$OUT" ' 101 connections, 21 requests,'
    says "$OUT" ' 80 rejected, 0 timed out, 0 broken'
    said_nothing_strange
}

@test "half-closed before a byte, in a line, behind requests, behind nonsense, in a head of HTTP" {
    start_server
    note_descriptors
    hostile_away -j 10 -t 200 half
    hostile_ends
    [[ $(hostile_says hung_up) -eq 200 ]]
    eventually same_as_before
    stop_server
    counted connections 200
    counted requests 120 # one of "10", two of "100\n33\n"
    counted bytes $((40 * (10 + 100 + 33)))
    counted rejected 40
    counted broken 40 # in the head
}

# --- those that stay ------------------------------------------------------------------------------

# Three times as many as there are places, which do not come again: -T ends them all, while they are
# still there, and whoever waits behind them is served. The most that this may take is a wave after
# the other; those that block look at the clock once a second.
outlives() { # ATTACK
    local all

    start_small -T 1
    all=$((3 * PLACES))
    hostile_away -j "$all" -t "$all" -e 100 "$1"
    poke "$ADDRESS" connect mark send:'100\n' reply:100 within:$((750 * LIMIT))
    hostile_ends # for it has no connection any more
    [[ $(hostile_says opened hung_up) == "$all $all" ]]
    stop_server
    [[ $STATUS -eq 0 ]]
    counted timed_out "$all"
    counted broken 0
    counted children_lost 0
}

@test "-T 1: silent clients on all places and twice as many behind them are outlived" {
    outlives silent
    counted requests 2
}

@test "-T 1: and those that send a byte now and then, however long they would go on" {
    outlives dribble
    counted requests 2
}

@test "-T 1: and those that want 1 GiB, or a million replies, and never read; memory stays" {
    note_memory
    outlives unread
    counted requests 2
    counted peak_rss_kib -le $((USUAL + 2048)) # (pages of files come and go)
    outlives pipeline
    counted requests -lt $((3 * PLACES * 100000))
    counted peak_rss_kib -le $((USUAL + 2048)) # (pages of files come and go)
}

# bats test_tags=concurrent
@test "a flood of requests that is never read takes no place but its own" {
    start_server -T "$PATIENCE"
    hostile_away -j 1 pipeline
    poke -r 50 "$ADDRESS" connect send:'100\n' reply:100 half eof within:$((750 * LIMIT))
    hostile_ends TERM
    [[ $(hostile_says opened hung_up) == '1 0' ]]
}

@test "300 that stay, beyond -n and the descriptors: at no cost; when they go, it serves on" {
    local before

    start_small -T 0 -B 4096 # where SOMAXCONN is 128 the queue would have no room for them
    note_descriptors
    # The kernel's queue is in the order in which they came: behind them is who comes now.
    hostile_away -j 300 silent
    poke_away "$ADDRESS" connect send:'100\n' touch:"$T/asked" reply:100 touch:"$T/served"
    eventually test -e "$T/asked"
    before=$(ticks_of_all)
    sleep 1
    (($(ticks_of_all) - before < 15))
    [[ ! -e $T/served ]]
    hostile_ends TERM
    await_poke
    served_after
    eventually same_as_before
    eventually no_zombies_of "$SERVER_PID"
    [[ $(wc -l <"$ERR") -le 1 ]]
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 0
}
