#!/usr/bin/env bats
# What server02_select alone claims: one process serves everybody, and no socket makes it wait.

load ../helpers

SERVER=server02_select

@test "it is one process" {
    start_server
    poke -j 5 -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    [[ -z $(children_of "$SERVER_PID") ]]
    stop_server
    counted connections 50
    [[ $(json_of children.{#,0.child,0.pid} | paste -sd' ') == "1 0 $SERVER_PID" ]]
}

@test "readers of 16 MiB, fast and slow, delay nobody's byte" {
    local i

    start_server -T "$PATIENCE"
    COMPLAINTS=''
    poke_away "$ADDRESS" buffer:4096 connect send:'16777216\n' more touch:"$T/stuck" until:"$T/go"
    poke_away -j 3 -r 1000 "$ADDRESS" connect send:'16777216\n' reply:16777216
    eventually test -e "$T/stuck"
    for ((i = 0; i < 20; i++)); do
        poke "$ADDRESS" mark connect send:'1\n' reply:1 within:1000
    done
    alive "$POKE"
    kill -s KILL "${HELPERS[1]}"
    touch "$T/go"
    await_poke "${HELPERS[0]}"
    stop_readers
}

# The readers have ended with the poke that was killed; what is still on its way to them is cut off.
stop_readers() {
    kill -s TERM "$SERVER_PID"
    kill -s INT "$SERVER_PID" 2>/dev/null || : # it may have ended already
    await_end
    [[ $STATUS -eq 0 ]]
}

@test "the work of a request stalls everybody: that is the model" {
    local kind

    start_server
    for kind in '1 0 1500000' '1 300000'; do
        rm -f "$T/working"
        poke_away "$ADDRESS" connect send:"1\n$kind\n" reply:1 touch:"$T/working" reply:1 half eof
        eventually test -e "$T/working"
        poke "$ADDRESS" mark connect send:'1\n' reply:1 after:200
        await_poke
    done
}

@test "500 connections are open at once, and each is served, again and again" {
    local i steps=()

    start_server -T "$PATIENCE"
    poke_away "$ADDRESS" idle:500 touch:"$T/open" until:"$T/go"
    eventually test -e "$T/open"
    for ((i = 0; i < 20; i++)); do
        steps+=(send:'1000\n' reply:1000)
    done
    poke -j 20 "$ADDRESS" connect "${steps[@]}" half eof
    touch "$T/go"
    await_poke
    stop_server
    counted connections 520
    counted requests 400
}

# Starts as many idle connections as are too many, looks on for two seconds, and lets some go.
too_many() { # LIMIT CONNECTIONS LESS MESSAGE
    local before

    ulimit -S -n "$1" || skip "the limit on open files is below $1"
    start_server -T "$PATIENCE"
    ulimit -S -n "$(ulimit -H -n)"
    COMPLAINTS=$4
    poke_away "$ADDRESS" idle:"$2" touch:"$T/open" until:"$T/go" drop:"$3" connect send:'100\n' \
        reply:100 half eof touch:"$T/served" until:"$T/end"
    eventually test -e "$T/open"
    eventually says "$ERR" "$4"
    before=$(ticks_of "$SERVER_PID")
    sleep 2
    (($(ticks_of "$SERVER_PID") - before < 20))
    touch "$T/go"
    eventually test -e "$T/served"
    touch "$T/end"
    await_poke
    poke -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    [[ $(wc -l <"$ERR") -eq 1 ]]
}

@test "1100 connections do not fit into an fd_set: said once, and served when some are closed" {
    too_many 4096 1100 300 FD_SETSIZE
}

@test "the limit raised by prlimit while it runs: one client is let go, the others wait" {
    start_server -T "$PATIENCE"
    limit_descriptors 4096 "$SERVER_PID"
    ulimit -S -n "$(ulimit -H -n)"
    COMPLAINTS='cannot watch a connection: closing it'
    poke_away "$ADDRESS" idle:1100 touch:"$T/open" until:"$T/go" drop:300 connect send:'100\n' \
        reply:100 half eof
    eventually test -e "$T/open"
    eventually says "$ERR" 'cannot watch'
    touch "$T/go"
    await_poke
    [[ $(wc -l <"$ERR") -eq 1 ]]
    stop_server
    counted broken 1
}

@test "the largest process is the server, not the shell from which it was started" {
    [[ -e /proc/self/status ]] || skip 'this system does not tell'
    # shellcheck disable=SC2016
    launch bash -c 'printf -v big %060000000d 0; exec "$@"' bash "$BIN/$SERVER" -p 0 -o json
    await_ready
    stop_server
    counted peak_rss_kib -lt 50000
}

@test "out of descriptors by ulimit -n it says so once, does not spin, and recovers" {
    too_many 24 40 35 'memory, retrying'
}
