#!/usr/bin/env bats
# What server10_process_threads alone claims: threads in each child, made after the fork, a letter
# for each, and what the children do for one another.

load ../helpers

SERVER=server10_process_threads

# A request that works long enough to be seen at it.
WAITS="33 0 $((LIMIT > 100 ? 10000000 : LIMIT * 100000))\n"

letters_are() { # PATTERN
    ask_server && [[ $(json_of scoreboard) =~ ^$1$ ]]
}

# (A child has two of ThreadSanitizer's own, and the parent none.)
child_has_threads() { # PID N
    local tasks=("/proc/$1/task"/*)

    [[ ${CFLAGS:-} != *sanitize=thread* ]] || set -- "$1" $(($2 + 2))
    [[ ${#tasks[@]} -eq $2 ]]
}

parent_has_one() {
    [[ $(echo "/proc/$SERVER_PID/task"/*) == "/proc/$SERVER_PID/task/$SERVER_PID" ]]
}

# The first thread of each child, and its timekeeper, serve nobody.
all_threads() { # CHILDREN THREADS
    local pid

    has_children "$SERVER_PID" "$1" || return
    for pid in "${CHILDREN[@]}"; do
        child_has_threads "$pid" "$(($2 + 2))" || return
    done
}

@test "threads begin after the fork: the parent has one, each child -t, and two that serve nobody" {
    local way

    for way in accept mutex; do
        start_server -a "$way" -n 3 -t 4
        eventually all_threads 3 4
        parent_has_one
        serve_some
        parent_has_one
        stop_server
        [[ $STATUS -eq 0 && $(json_of variant) == "$way" ]]
        counted connections 100
        counted wakeups -ge "$([[ $way == accept ]] && echo 100 || echo 200)"
        counted wasted_wakeups 0
    done
}

# Where the kernel tells it: how many threads of each child wait in accept().
accepting() { # N
    local pid

    [[ $(cat "/proc/$SERVER_PID/wchan") != 0 ]] || return 0
    find_children "$SERVER_PID"
    for pid in "${CHILDREN[@]}"; do
        [[ $(grep -l accept "/proc/$pid/task"/*/wchan | wc -l) -eq $1 ]] || return
    done
}

@test "with mutex one thread of each child is inside accept(), with accept all of them" {
    local way

    for way in accept mutex; do
        start_server -a "$way" -n 2 -t 5
        eventually all_threads 2 5
        eventually accepting "$([[ $way == accept ]] && echo 5 || echo 1)"
        serve_some
        eventually accepting "$([[ $way == accept ]] && echo 5 || echo 1)"
        stop_server
    done
}

@test "letters: idle, unresponsive for longer than -T, stopped, none" {
    start_server -n 2 -t 2 -T 500ms
    eventually all_threads 2 2
    letters_are ____
    poke_away "$ADDRESS" connect send:"$WAITS" reply:33
    eventually letters_are 'U___|_U__|__U_|___U'
    await_poke
    eventually letters_are ____
    counted timed_out 0
    kill -s STOP "${CHILDREN[1]}"
    eventually letters_are __TT
    served_after
    kill -s CONT "${CHILDREN[1]}"
    eventually letters_are ____
    stop_server
    [[ $(json_of scoreboard) == '....' ]]
}

@test "letters are as new as the rows: of a child that was stopped just before" {
    start_server -n 1 -t 2
    eventually all_threads 1 2
    child_news_waits() { # is SIGCHLD, 17 here, pending?
        ((0x$(awk '/^ShdPnd/ { print $2 }' "/proc/$SERVER_PID/status") >> 16 & 1))
    }
    suspend "$SERVER_PID" # so that both signals wait for it
    suspend "${CHILDREN[0]}"
    eventually child_news_waits
    kill -s USR1 "$SERVER_PID"
    kill -s CONT "$SERVER_PID"
    eventually more_lines "$OUT" 1
    take_json "$OUT"
    # (ThreadSanitizer lets in one signal at a time: there the first answer may be older.)
    [[ $(json_of scoreboard) == TT || ${CFLAGS:-} == *sanitize=thread* ]]
    eventually letters_are TT
    kill -s CONT "${CHILDREN[0]}"
}

@test "letters: working, with -T 0 not unresponsive; none of a child that died with its requests" {
    start_as_somebody -n 1 -t 2 -T 0
    COMPLAINTS='died of signal 9|cannot start child'
    eventually all_threads 1 2
    poke_away -j 2 "$ADDRESS" connect send:"$WAITS" gone
    eventually letters_are WW
    limit_processes 1
    kill -s KILL "${CHILDREN[0]}"
    eventually letters_are '\.\.'
    counted broken 2
    await_poke
    limit_processes 1000
    eventually letters_are __
}

@test "text: each child's letters on a line, as long as it lives; rows for who served" {
    start_server -o text -n 2 -t 3
    eventually all_threads 2 3
    poke "$ADDRESS" connect send:'33\n' reply:33 half eof
    kill -s USR1 "$SERVER_PID"
    eventually says "$OUT" 'served nobody'
    [[ $(grep -cE '^  ___$' "$OUT") -eq 2 ]]
    says "$OUT" '^  _ idle, W working'
    [[ $(grep -cE '^  [12]\.[123] +[0-9]+ +1 +1 +1  #+$' "$OUT") -eq 1 ]]
    stop_server
    [[ $(grep -c idle "$OUT") -eq 1 ]]
    [[ $(tail -n 1 "$OUT") =~ ^\ +5\ threads\ served\ nobody$ ]]
}

@test "the client's rows are the server's: child.thread, and how often" {
    start_server -n 3 -t 4
    ask_client -c 4 -t 60 -W 0:1000
    [[ $STATUS -eq 0 ]]
    paste <(json_of 'children.*.child') <(json_of 'children.*.thread') \
        <(json_of 'children.*.pid') <(json_of 'children.*.connections') | sort >"$T/client.rows"
    [[ $(json_of completed) -eq 240 && $(wc -l <"$T/client.rows") -ge 4 ]]
    stop_server
    [[ $(json_of 'children.#') -eq 12 ]]
    paste <(json_of 'children.*.child') <(json_of 'children.*.thread') \
        <(json_of 'children.*.pid') <(json_of 'children.*.connections') | awk '$4 > 0' |
        sort >"$T/server.rows"
    diff "$T/server.rows" "$T/client.rows"
}

# All four places are taken: two of the connections are the victim's.
@test "a SEGV ends the connections of one child, and no other; its threads come again" {
    local pokes=() pids=() i victim

    ulimit -c 0
    export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0
    COMPLAINTS='died of signal 11'
    start_server -n 2 -t 2
    for i in 1 2 3 4; do
        occupy_child send:'100\n' reply:100
        pokes+=("$POKE") pids+=("$CHILD")
    done
    victim=${pids[0]}
    [[ $(printf '%s\n' "${pids[@]}" | grep -cx "$victim") -eq 2 ]]
    kill -s SEGV "$victim"
    eventually says "$ERR" "pid $victim, died of signal 11"
    touch "$T/go"
    for i in 0 1 2 3; do
        if [[ ${pids[i]} == "$victim" ]]; then
            run ! await_poke "${pokes[i]}"
        else
            await_poke "${pokes[i]}"
        fi
    done
    eventually all_threads 2 2
    serve_some
    stop_server
    counted children_lost 1
    counted connections 104
}

# A thread with a long request stays, alone: the others of its child have left.
@test "HUP: a child leaves thread by thread, while requests go on; nobody fails" {
    local leaves way

    for way in accept mutex; do
        start_server -a "$way" -n 2 -t 3 -g 1
        eventually all_threads 2 3
        occupy_child send:'100\n' reply:100 half eof
        leaves=$CHILD
        poke_away -j 2 -r 300 "$ADDRESS" connect send:'100\n' reply:100 half eof sleep:1
        kill -s HUP "$SERVER_PID"
        eventually child_has_threads "$leaves" 3 # its first, the timekeeper, the one that serves
        others_replaced() { server_counts children_started 3 && alive "$leaves"; }
        eventually others_replaced
        await_poke
        touch "$T/go"
        await_poke "${HELPERS[-2]}"
        eventually dead "$leaves"
        eventually all_threads 2 3
        served_after
        stop_server
        [[ $STATUS -eq 0 ]]
        counted children_started 4
        counted children_lost 0
        counted connections 602
        counted broken 0
        rm "$T/go"
    done
}

@test "kill -9 of a child, of each in turn, in both ways: its threads come again" {
    local child way

    COMPLAINTS='died of signal 9'
    for way in accept mutex; do
        start_server -a "$way" -n 3 -t 2
        eventually all_threads 3 2
        for child in "${CHILDREN[@]}"; do
            kill -s KILL "$child"
            eventually says "$ERR" "pid $child, died of signal 9"
            eventually all_threads 3 2
            serve_some
        done
        stop_server
        counted connections 300
        counted children_lost 3
        rm "$ERR"
    done
}

@test "kill -9 of the parent: threads in accept() or behind the mutex leave, the port is free" {
    local way

    for way in accept mutex; do
        start_server -a "$way" -n 3 -t 5 -i "$OWN_HOST"
        eventually all_threads 3 5
        serve_some
        orphans_leave
    done
}

@test "a stopped child with mutex keeps no other from serving" {
    start_server -a mutex -n 2 -t 2
    eventually all_threads 2 2
    suspend "${CHILDREN[0]}"
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    kill -s CONT "${CHILDREN[0]}"
}

@test "no new thread can be had: those that are there serve, it says so once, and recovers" {
    COMPLAINTS='pthread_create'
    NPROC=7 start_as_somebody -n 1 -t 6
    eventually says "$ERR" 'pthread_create, trying again'
    serve_some
    pause 1
    [[ $(wc -l <"$ERR") -eq 1 ]]
    server_counts context_switches -ge 20 # of the child, published meanwhile
    find_children "$SERVER_PID"
    "${AS[@]}" prlimit --pid "${CHILDREN[0]}" --nproc=1000: # which has its own limit
    eventually all_threads 1 6
    serve_some
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 200
    counted children_lost 0
}

@test "a stop while children and threads are still to be started does not wait for them" {
    local way

    for way in accept mutex; do
        start_server -a "$way" -n 50 -t 100
        stop_server
        [[ $STATUS -eq 0 ]]
        start_server -a "$way" -n 1 -t 1
        served_after
        stop_server
        [[ $STATUS -eq 0 ]]
    done
}

@test "both ways on a Unix socket, with an inherited one that does not block, and few descriptors" {
    local way

    for way in accept mutex; do
        start_server -a "$way" -n 2 -t 3 -i "$T/socket"
        serve_some
        stop_server
        counted connections 100
        launch poke -L 127.0.0.1:0 "$(type -P poke)" -N 3 "$BIN/$SERVER" -o json -a "$way" -n 2
        await_ready
        serve_some
        stop_server
        counted connections 100
    done
    # shellcheck disable=SC2016
    launch sh -c 'ulimit -Sn 20 && exec "$@"' sh "$BIN/$SERVER" -p 0 -o json -n 1 -t 60
    await_ready
    poke_away -j 60 "$ADDRESS" connect send:'100\n' reply:100 until:"$T/go" half eof
    eventually server_counts requests 60
    touch "$T/go"
    await_poke
}

@test "an unknown way is a usage error that names those allowed" {
    refused "$SERVER" "-a 'queue': accept or mutex" -a queue
    refused "$SERVER" '-n 101 -t 100: at most 10000 threads in all' -n 101 -t 100
}
