#!/usr/bin/env bats
# What server01_fork alone claims: a child per connection, -n of them at most, none left behind.

load ../helpers

SERVER=server01_fork

@test "each connection has a child of its own" {
    local i

    start_server
    for ((i = 0; i < 20; i++)); do
        poke "$ADDRESS" connect send:'32\n' reply:32 who send:'32\n' reply:32 half eof
    done >"$T/who"
    [[ $(awk '{ print $2 }' "$T/who" | sort -u | wc -l) -eq 20 ]]
    [[ $(awk '{ print $4 }' "$T/who" | sort -u | wc -l) -eq 20 ]]
    stop_server
    counted children_started 20
    counted children_lost 0
    counted connections 20
    counted requests 40
    [[ $(json_of 'children.#') -eq 0 ]]
}

@test "children that end all at once are all reaped, without another connection" {
    start_server
    poke_away "$ADDRESS" idle:60 touch:"$T/open" until:"$T/go" drop:60
    eventually test -e "$T/open"
    eventually has_children "$SERVER_PID" 60
    touch "$T/go"
    await_poke
    eventually has_children "$SERVER_PID" 0
}

@test "-n 2: never more children, and five slow clients are all served" {
    local count most=0 start

    start_server -n 2
    start=$(now_ms)
    poke_away -j 5 "$ADDRESS" connect send:'10 0 500000\n' reply:10 half eof
    while alive "$POKE"; do
        count=$(children_of "$SERVER_PID" | wc -l)
        most=$((count > most ? count : most))
        sleep 0.05
    done
    await_poke
    # Two, two and one: in less time there were more. (The list of processes is read while it
    # changes: it may show the one that has ended and the one that came after it.)
    (($(now_ms) - start >= 1500))
    ((most == 2 || most == 3))
    stop_server
    counted connections 5
    counted requests 5
}

@test "-n 1: the next client waits in the backlog, and costs nothing meanwhile" {
    local before

    start_server -n 1 -T "$PATIENCE"
    poke_away "$ADDRESS" connect send:'33\n' reply:33 touch:"$T/served" until:"$T/go" half eof
    eventually test -e "$T/served"
    poke_away "$ADDRESS" connect send:'33\n' touch:"$T/waits" reply:33 touch:"$T/second" half eof
    eventually test -e "$T/waits"
    before=$(ticks_of "$SERVER_PID")
    sleep 1
    [[ ! -e $T/second ]]
    (($(ticks_of "$SERVER_PID") - before < 20))
    touch "$T/go"
    await_poke "${HELPERS[0]}"
    await_poke
}

# Not the tick, which those have that block: an alarm that came with exec rings once.
@test "with nobody connected the parent sleeps, also if it was started with an alarm running" {
    switches_of() { awk '/^voluntary/ { print $2 }' "/proc/$1/status"; }
    start_server
    poke "$ADDRESS" connect send:'40\n' reply:40 half eof
    eventually at_rest
    launch poke -I "$BIN/$SERVER" -p 0 -o json
    await_ready
    pause 1.5
    before=$(switches_of "$SERVER_PID")
    pause 2.5
    (($(switches_of "$SERVER_PID") - before <= 1))
}

@test "each process has only what is its own" {
    local before

    start_server
    before=$(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l)
    poke_away "$ADDRESS" idle:10 touch:"$T/open" until:"$T/go"
    eventually has_children "$SERVER_PID" 10
    alone_accepts() { [[ $(acceptors) == "$SERVER_PID" ]]; }
    eventually alone_accepts
    has_before() { [[ $(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l) -eq $before ]]; }
    eventually has_before
    touch "$T/go"
    await_poke
}
