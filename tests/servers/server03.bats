#!/usr/bin/env bats
# What server03_prefork_accept alone claims: every way to wait serves, survives and is counted.

load ../helpers

SERVER=server03_prefork_accept

serve_some() {
    poke -j 4 -r 25 "$ADDRESS" connect send:'100\n' reply:100 half eof
}

linux_only() {
    [[ $(uname) == Linux ]] || skip "only on Linux"
}

# Everything that a way of waiting can get wrong: serving, losing any child (one of them holds the
# lock, if there is one), replacing all, stopping while the children wait.
try_way() { # WAY
    local child i old start

    start_server -a "$1" -n 3
    COMPLAINTS='died of signal 9'
    serve_some
    eventually has_children "$SERVER_PID" 3
    i=0
    for child in $(children_of "$SERVER_PID"); do
        kill -s KILL "$child"
        eventually says "$ERR" "pid $child, died of signal 9"
        eventually has_children "$SERVER_PID" 3
        serve_some
    done
    old=$(children_of "$SERVER_PID")
    kill -s HUP "$SERVER_PID"
    all_new() { ! grep -qxF "$old" <(children_of "$SERVER_PID") && has_children "$SERVER_PID" 3; }
    until all_new; do
        serve_some
        ((++i < 200))
    done
    serve_some
    start=$(now_ms)
    stop_server
    (($(now_ms) - start < 250 * LIMIT))
    [[ $STATUS -eq 0 && $(json_of variant) == "$1" ]]
    counted connections $(((5 + i) * 100))
    counted requests $(((5 + i) * 100))
    counted children_lost 3
    counted children_started 9
    counted wakeups -ge "$(json_of connections)"
}

@test "-a accept: serves, also after kill -9 of each child, and HUP" {
    try_way accept
}

@test "-a select: serves, also after kill -9 of each child, and HUP" {
    try_way select
}

@test "-a poll: serves, also after kill -9 of each child, and HUP" {
    try_way poll
}

@test "-a lock-file: serves, also after kill -9 of each child, and HUP" {
    try_way lock-file
}

@test "-a lock-mutex: serves, also after kill -9 of each child, and HUP" {
    try_way lock-mutex
}

@test "-a epoll: serves, also after kill -9 of each child, and HUP" {
    linux_only
    try_way epoll
}

@test "-a epoll-exclusive: serves, also after kill -9 of each child, and HUP" {
    linux_only
    try_way epoll-exclusive
}

@test "-a reuseport: serves, also after kill -9 of each child, and HUP" {
    linux_only
    try_way reuseport
}

@test "every way: kill -9 of the parent, and the children leave within two seconds" {
    local port start way

    for way in select poll lock-file lock-mutex epoll epoll-exclusive reuseport; do
        [[ $(uname) == Linux || $way != *e[pu]* ]] || continue
        start_server -a "$way" -n 3 -i "$OWN_HOST"
        port=$PORT
        serve_some
        start=$(now_ms)
        kill -s KILL "$SERVER_PID"
        await_end
        eventually nothing_marked
        (($(now_ms) - start < 250 * LIMIT))
        poke "$OWN_HOST:$port" refused
    done
}

# How often the processes slept and woke for connections that come one at a time.
switches_of() { # WAY
    start_server -a "$1" -n 12
    poke -r 150 "$ADDRESS" connect send:'100\n' reply:100 half eof sleep:3
    stop_server
    counted connections 150
    [[ $1 != accept ]] || counted wakeups -le 200
    counted wasted_wakeups -le "$(json_of wakeups)"
    SWITCHES=$(json_of context_switches)
    echo "$1: $SWITCHES switches"
}

@test "blocking accept wakes about one child per connection, poll many: the herd" {
    local one

    switches_of accept
    one=$SWITCHES
    ((one < 150 * 4))
    switches_of poll
    ((SWITCHES > one * 2))
}

@test "an unknown way is a usage error that names those allowed" {
    local way

    run -2 --separate-stderr "$BIN/$SERVER" -a herd
    [[ -z $output && $stderr == *"-a 'herd'"* ]]
    for way in accept select poll lock-file lock-mutex; do
        [[ $stderr == *"$way"* ]]
    done
    if [[ $(uname) == Linux ]]; then
        [[ $stderr == *epoll*epoll-exclusive*reuseport* ]]
    fi
}

@test "-a reuseport says that it cannot do with a Unix socket" {
    linux_only
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -a reuseport -i "$T/socket"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *reuseport* ]]
    [[ ! -e $T/socket ]]
}

@test "every way on a Unix socket and with an inherited one" {
    local way

    for way in select poll lock-file lock-mutex epoll epoll-exclusive; do
        [[ $(uname) == Linux || $way != epoll* ]] || continue
        start_server -a "$way" -n 3 -i "$T/socket"
        serve_some
        stop_server
        counted connections 100
        launch poke -L 127.0.0.1:0 "$BIN/$SERVER" -o json -a "$way" -n 3
        await_ready
        serve_some
        stop_server
        counted connections 100
    done
}
