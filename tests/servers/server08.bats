#!/usr/bin/env bats
# What server08_epoll alone claims: idle clients cost nothing, each way serves, and it is in none of
# epoll's traps.

load ../helpers
load event_loop

SERVER=server08_epoll

eval "shared_$(declare -f setup)"

setup() {
    shared_setup
    [[ -x $BIN/$SERVER ]] || skip 'Linux alone has epoll'
}

# Processor time in ticks, of the server and all children.
ticks_of_all() {
    local pid sum=0

    for pid in "$SERVER_PID" $(children_of "$SERVER_PID"); do
        sum=$((sum + $(ticks_of "$pid")))
    done
    echo "$sum"
}

# Neither the server nor a child, in this second.
nothing_spins() {
    local before

    before=$(ticks_of_all)
    pause 1
    (($(ticks_of_all) - before < 20))
}

all_new() {
    ! grep -qxF "$OLD" <(children_of "$SERVER_PID") && has_children "$SERVER_PID" 3
}

@test "every way: serves, also after kill -9 of each child, and HUP; all are counted" {
    local i way

    COMPLAINTS='died of signal 9'
    for way in level edge reuseport edge-reuseport; do
        start_server -a "$way" -n 3
        eventually has_children "$SERVER_PID" 3
        serve_some
        kill_each_child
        OLD=$(children_of "$SERVER_PID")
        kill -s HUP "$SERVER_PID"
        i=0
        until all_new; do
            serve_some
            ((++i < 200))
        done
        serve_some
        stop_server
        [[ $STATUS -eq 0 && $(json_of variant) == "$way" ]]
        counted connections $(((5 + i) * 100))
        counted requests $(((5 + i) * 100))
        counted broken 0
        counted children_lost 3
        counted children_started 9
        rm "$ERR"
    done
}

@test "every way: kill -9 of the parent, and the children leave within two seconds" {
    local way

    for way in level edge edge-reuseport; do
        start_server -a "$way" -n 3 -i "$OWN_HOST" -T 0
        serve_some
        poke_away "$ADDRESS" idle:6 touch:"$T/idle.$way" connect gone
        eventually test -e "$T/idle.$way"
        eventually server_counts connections -ge 107
        kill -s HUP "$SERVER_PID" # those that leave are orphans like the others
        some_leave() { find_children "$SERVER_PID" && ((${#CHILDREN[@]} > 3)); }
        eventually some_leave
        orphans_leave
        await_poke
    done
}

@test "3000 idle connections do not make the others' dearer" {
    local way

    for way in level edge; do
        idle_clients_cost_nothing -a "$way"
    done
}

# --- the traps of epoll ---------------------------------------------------------------------------

# -a edge hears of it only once.
@test "level and edge: nothing that is left in a socket is forgotten" {
    local way

    for way in level edge; do
        what_is_left_is_served -a "$way"
    done
}

# The clients of the old child do not keep new ones waiting, although there is one child; and what
# its parent still has open must not wake the old child. What this one uses is counted on. A second
# HUP waits: without a number for its successor the new child must not leave.
@test "HUP, twice: somebody serves at once, and no news of the listener wakes the one that leaves" {
    local before had new old wasted

    start_server -T 0
    occupy_child send:'100\n' reply:100 half eof
    old=$CHILD
    kill -s HUP "$SERVER_PID"
    eventually has_children "$SERVER_PID" 2
    served_after # perhaps by the old one, which has not heard of it yet
    ask_server
    before=$(json_of children.0.wakeups)
    had=$(json_of 'children.*.connections' | paste -sd' ')
    serve_some
    ask_server
    (($(json_of children.0.wakeups) - before <= 2 * LIMIT)) # it looks at its limits each second
    counted children.0.connections "${had% *}"
    counted children.1.connections $((${had#* } + 100))
    before=$(json_of children.0.context_switches)
    wasted=$(json_of wasted_wakeups)
    eventually server_counts children.0.context_switches -gt $((before + 1))
    counted wasted_wakeups "$wasted" # that both look once a second is none
    find_children "$SERVER_PID"
    new=${CHILDREN[1]}
    kill -s HUP "$SERVER_PID"
    nothing_spins
    serve_some
    [[ $(children_of "$SERVER_PID") == "$old"$'\n'"$new" ]]
    touch "$T/go"
    await_poke
    eventually dead "$old"
    eventually dead "$new"
    eventually has_children "$SERVER_PID" 1
    kill -s HUP "$SERVER_PID"
    serve_some
    stop_server
    [[ $STATUS -eq 0 && $(json_of 'children.#') -eq 2 ]]
    counted children_started 4
    counted children_lost 0
}

# Of two children that wait the kernel wakes one, always the same as long as it is fast enough.
@test "a child out of descriptors does not keep a client from the others, and does not spin" {
    start_server -n 2
    COMPLAINTS='memory, retrying'
    eventually has_children "$SERVER_PID" 2
    occupy_child send:'100\n' reply:100 half eof
    limit_descriptors 3 "$CHILD"
    poke -r 3 "$ADDRESS" connect send:'100\n' reply:100 half eof
    nothing_spins
    limit_descriptors 256 "$CHILD" # LeakSanitizer needs some at the end
    touch "$T/go"
    await_poke
}

# Its listener has been taken out already when it is to leave, for another client waits.
@test "a child out of descriptors that is told to leave serves its clients to their end" {
    local before

    start_server -T 0
    COMPLAINTS='out of descriptors or memory'
    occupy_child send:'100\n' reply:100 half eof
    limit_descriptors 3 "$CHILD"
    poke_away "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually says "$ERR" "$COMPLAINTS"
    kill -s HUP "$SERVER_PID"
    await_poke
    ask_server
    before=$(json_of children.0.context_switches)
    eventually server_counts children.0.context_switches -gt $((before + 2)) # it looks at limits
    limit_descriptors 256 "$CHILD" # LeakSanitizer needs some at the end
    touch "$T/go"
    await_all
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests 3
}

# Whosever listening socket it would have been.
@test "every way: while the last replies are sent after TERM, new clients are refused" {
    local way

    for way in level edge reuseport edge-reuseport; do
        new_clients_are_refused_after_term -a "$way" -n 3
    done
}

# More than a turn takes: each has more in the socket than is read at once, and pauses in each step.
@test "1100 clients that always have news do not keep a silent one beyond its time" {
    local clients=() fd i lines

    ulimit -S -n "$(ulimit -H -n)"
    (($(ulimit -n) >= 4096)) || skip 'the limit on open files is below 4096'
    lines=$(printf '1 0 1000\n%.0s' {1..60})
    start_server -T 1
    for ((i = 0; i < 1100; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
        clients+=("$fd")
    done
    for fd in "${clients[@]}"; do
        echo "$lines" >&"$fd"
    done
    # (All of their work takes more than 66 s: as long it would wait if it were kept.)
    poke "$ADDRESS" connect mark eof after:800 within:$((1000 * LIMIT))
    for fd in "${clients[@]}"; do
        exec {fd}>&-
    done
}

# More than one call tells of: at the first look the rest of them is overdue, and not yet told of.
@test "1100 clients that ask while their child is stopped for longer than -T are all served" {
    local child clients=() fd i

    ulimit -S -n "$(ulimit -H -n)"
    (($(ulimit -n) >= 4096)) || skip 'the limit on open files is below 4096'
    start_server -T 3
    for ((i = 0; i < 1100; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
        clients+=("$fd")
    done
    eventually server_counts connections 1100
    child=$(children_of "$SERVER_PID")
    suspend "$child"
    for fd in "${clients[@]}"; do
        echo 1 >&"$fd"
    done
    pause 4
    kill -s CONT "$child"
    eventually served_or_given_up 1100
    for fd in "${clients[@]}"; do
        exec {fd}>&-
    done
    stop_server
    counted requests 1100
    counted timed_out 0
}

served_or_given_up() { # N
    ask_server
    (($(json_of requests) + $(json_of timed_out) >= $1))
}

# A hundred events at once, of connections that end and of a listener behind which others come: the
# new ones get the descriptors of the old. (clients_test_linux.c is about an event that comes late.)
@test "level and edge: many connections end at once, and those that get their numbers are served" {
    local child way

    for way in level edge; do
        start_server -a "$way" -T "$PATIENCE"
        rm -f "$T/go" "$T/open"
        poke_away -j 50 "$ADDRESS" connect send:'33\n' reply:33 until:"$T/go" half eof
        poke_away -j 50 "$ADDRESS" connect send:'33\n' reply:33 until:"$T/go" reset
        eventually server_counts requests 100
        child=$(children_of "$SERVER_PID")
        kill -s STOP "$child"
        touch "$T/go"
        poke_away -j 60 "$ADDRESS" connect send:'1000\n' touch:"$T/open" reply:1000 half eof
        eventually test -e "$T/open"
        pause 0.2
        kill -s CONT "$child"
        await_all
        HELPERS=()
        stop_server
        counted connections 160
        counted requests 160
        counted broken 0
        counted timed_out 0
    done
}

@test "level and edge: one that asks without end is served, and delays neither others nor limits" {
    local way

    for way in level edge; do
        who_asks_without_end_delays_none -a "$way"
    done
}

@test "kill -9 of a child with ten replies under way, and others sent: ten are broken" {
    start_server -n 1
    COMPLAINTS='died of signal 9'
    poke_away -j 10 "$ADDRESS" buffer:4096 connect send:'100000000\n' read:1000 \
        until:"$T/go" gone
    eventually server_counts connections 10
    poke -r 5 "$ADDRESS" connect send:'100\n' reply:100 half eof
    poke "$ADDRESS" connect send:'1' reset
    eventually server_counts broken 1
    kill -s KILL "$(children_of "$SERVER_PID")"
    poke "$ADDRESS" connect send:'100\n' reply:100 half eof
    touch "$T/go"
    await_poke
    stop_server
    [[ $STATUS -eq 0 ]]
    counted broken 11
    counted requests 6
}

@test "a way that there is not, and reuseport where it cannot be" {
    refused "$SERVER" "-a 'poll': level, edge, reuseport or edge-reuseport is allowed" -a poll
    [[ ${stderr_lines[0]} == *'; for example -a level' ]]
    run -1 "$BIN/$SERVER" -a reuseport -i "$T/socket"
    [[ $output == "$SERVER: -a reuseport needs a TCP socket that this server opens itself"* ]]
}
