#!/usr/bin/env bats
# What server00_iterative alone claims: one process, one client at a time.

load ../helpers

SERVER=server00_iterative

@test "while one client is served, or silent, all others wait in the backlog" {
    start_server -T "$PATIENCE"
    poke_away "$ADDRESS" connect send:'33\n' reply:33 touch:"$T/served" until:"$T/go" half eof
    eventually test -e "$T/served"
    poke "$ADDRESS" connect send:'33\n' silent:500
    poke_away "$ADDRESS" connect send:'33\n' touch:"$T/waits" reply:33 half eof
    eventually test -e "$T/waits"
    touch "$T/go"
    await_poke "${HELPERS[0]}"
    await_poke
    stop_server
    counted connections 3
}

@test "it is one process, and a client is one wake-up" {
    start_server
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    [[ -z $(children_of "$SERVER_PID") ]]
    stop_server
    counted connections 20
    counted wakeups 20
    counted wasted_wakeups 0
    counted children_started 0
    [[ $(json_of children.{#,0.child,0.pid} | paste -sd' ') == "1 0 $SERVER_PID" ]]
}

# Process 1 of a container gets such children: those whose parents have died.
@test "a child that it has not started leaves no zombie" {
    mkfifo "$T/go"
    # shellcheck disable=SC2016
    launch sh -c 'read -r _ <"$0" & exec "$@"' "$T/go" "$BIN/$SERVER" -p 0 -o json
    await_ready
    has_children "$SERVER_PID" 1
    echo >"$T/go"
    eventually has_children "$SERVER_PID" 0
}

@test "the system calls of a server stand in its own file" {
    local call

    for call in socket setsockopt bind listen accept close; do
        grep -Eq "[^_a-z]$call\(" "$ROOT/$SERVER/$SERVER.c"
    done
}
