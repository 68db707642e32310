#!/usr/bin/env bats
# What server03_prefork_accept alone claims: every way to wait serves, survives and is counted.

load ../helpers

SERVER=server03_prefork_accept

linux_only() {
    [[ $(uname) == Linux ]] || skip "only on Linux"
}

# Everything that a way of waiting can get wrong: serving, losing any child (one of them holds the
# lock, if there is one), replacing all, stopping while the children wait.
try_way() { # WAY
    local i old start

    start_server -a "$1" -n 3
    COMPLAINTS='died of signal 9'
    serve_some
    eventually has_children "$SERVER_PID" 3
    i=0
    kill_each_child
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

@test "children that serve nobody are woken by their tick every other second" {
    local before

    start_server -n 1
    eventually has_children "$SERVER_PID" 1
    switches() { awk '/^voluntary/ { print $2 }' "/proc/$(children_of "$SERVER_PID")/status"; }
    served_after
    pause 1.5
    before=$(switches)
    pause 4.5
    (($(switches) - before <= 3))
}

@test "every way: serves, also after kill -9 of each child, and HUP" {
    local way

    for way in accept select poll lock-file lock-mutex epoll epoll-exclusive reuseport; do
        [[ $OSTYPE == linux* || $way != *e[pu]* ]] || continue
        try_way "$way"
        rm "$ERR"
    done
}

@test "every way: kill -9 of the parent, and the children leave within two seconds" {
    local way

    for way in select poll lock-file lock-mutex epoll epoll-exclusive reuseport; do
        [[ $(uname) == Linux || $way != *e[pu]* ]] || continue
        start_server -a "$way" -n 3 -i "$OWN_HOST"
        serve_some
        orphans_leave
    done
}

@test "epoll, and a full table of descriptors at HUP: the children that are there stay" {
    [[ $OSTYPE == linux* ]] || skip "Linux alone has epoll"
    start_server -a epoll -n 3
    COMPLAINTS='cannot start child|the other children stay'
    eventually has_children "$SERVER_PID" 3
    limit_descriptors 4 "$SERVER_PID"
    kill -s HUP "$SERVER_PID"
    eventually says "$ERR" 'the other children stay'
    has_children "$SERVER_PID" 2
    served_after
    limit_descriptors 256 "$SERVER_PID"
    eventually has_children "$SERVER_PID" 3
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_started 4
    counted children_lost 0
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

@test "a stop while children are still to be started does not wait for them" {
    start_server -n 2000
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_started -lt 2000
}

@test "an unknown way is a usage error that names those allowed" {
    local way

    run -2 --separate-stderr "$BIN/$SERVER" -a herd
    [[ -z $output && $stderr == *"-a 'herd'"*'; for example -a poll'* ]]
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

@test "-a lock-mutex says so where the system has no robust mutexes" {
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} -std=c11 -D_XOPEN_SOURCE=700 -D__OpenBSD__ -o "$T/$SERVER" \
        "$ROOT/$SERVER/ways.c" "$BUILD/$SERVER"/{ways_linux,"$SERVER"}.o "$BUILD/libcommon.a" \
        -pthread
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$T/$SERVER" -p 0 -a lock-mutex
    [[ -z $output && $stderr == *'no robust mutexes'* ]]
}

# A listener that is closed resets whoever waits in its queue: here, at the moment when the first
# one gave way to the children's.
first_client() { # PORT: connects as soon as somebody listens
    local end=$((SECONDS + LIMIT))

    until exec 4<>"/dev/tcp/$OWN_HOST/$1"; do
        ((SECONDS < end)) || return
    done 2>/dev/null
    printf '100\n' >&4
    head -c 100 <&4 >"$T/first.$BASHPID"
}

@test "-a reuseport: clients that come while it starts are served, or refused, not reset" {
    local i port

    linux_only
    start_server -a reuseport -n 300 -i "$OWN_HOST"
    port=$PORT
    stop_server
    for i in 1 2 3; do
        first_client "$port" 3>&- &
        HELPERS+=($!)
        start_server -a reuseport -n 300 -i "$OWN_HOST" -p "$port"
        eventually dead "${HELPERS[-1]}"
        stop_server
        [[ $(cat "$T"/first.* | wc -c) -eq $((100 * i)) ]]
    done
}

@test "-a reuseport has a descriptor for each child, whatever the soft limit" {
    linux_only
    # shellcheck disable=SC2016
    launch sh -c 'ulimit -Sn 100 && exec "$@"' sh "$BIN/$SERVER" -p 0 -o json -a reuseport -n 150
    await_ready
    serve_some
    stop_server
    counted requests 100
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
