#!/usr/bin/env bats
# What server09_prethread alone claims: threads made beforehand, and each way to share the work.

load ../helpers

SERVER=server09_prethread

# Each thread, and how often it has gone to sleep.
sleeps() {
    awk '/^voluntary/ { print FILENAME, $2 }' "/proc/$SERVER_PID/task"/*/status
}

# Clients on so many threads, each served once; they stay until $T/go is there.
hold_threads() { # N [REQUESTS]
    poke_away -j "$1" "$ADDRESS" connect send:'33\n' reply:33 until:"$T/go" half eof
    eventually server_counts requests "${2:-$1}"
}

@test "every way: serves, counts by thread, sleeps in between, delays nobody for the silent" {
    local before way

    for way in accept mutex queue; do
        start_server -a "$way" -n 3
        hold_threads 2
        serve_some # by the third
        before=$(sleeps)
        pause 1.5
        (($(diff <(echo "$before") <(sleeps) | grep -c '^>') <= 3)) # the timekeeper, a sanitizer
        touch "$T/go"
        await_poke
        run -0 poke "$ADDRESS" connect send:'33\n' reply:33 who
        [[ $output =~ ^child\ 0\.[123]\ pid\ $SERVER_PID$ ]]
        stop_server
        [[ $STATUS -eq 0 && $(json_of variant) == "$way" ]]
        counted connections 103
        [[ $(json_of 'children.*.thread' | paste -sd' ') == '1 2 3' ]]
        (($(json_of 'children.*.connections' | paste -sd+) == 103))
        counted wakeups -ge "$([[ $way == accept ]] && echo 103 || echo 206)"
        counted wasted_wakeups 0
        rm "$T/go"
    done
}

@test "every way on a Unix socket and with an inherited one that does not block" {
    local way

    for way in accept mutex queue; do
        start_server -a "$way" -n 3 -i "$T/socket"
        serve_some
        stop_server
        counted connections 100
        launch poke -L 127.0.0.1:0 "$(type -P poke)" -N 3 "$BIN/$SERVER" -o json -a "$way" -n 3
        await_ready
        serve_some
        stop_server
        counted connections 100
    done
}

@test "text statistics: rows for the threads that served, and how many served nobody" {
    start_server -o text -n 40
    poke "$ADDRESS" connect send:'33\n' reply:33 half eof
    stop_server
    [[ $(grep -cE "^ +[0-9]+ +$SERVER_PID +1 +1 +1  #+\$" "$OUT") -eq 1 ]]
    [[ $(tail -n 1 "$OUT") =~ ^\ +39\ threads\ served\ nobody$ ]]
    [[ $(grep -cE " $SERVER_PID |[[:blank:]]$" "$OUT") -eq 1 ]]
}

# Where the kernel tells it: how many threads wait there.
threads_wait_in() { # N FUNCTION
    [[ $(cat "/proc/$SERVER_PID/wchan") == 0 ]] ||
        [[ $(grep -l "$2" "/proc/$SERVER_PID/task"/*/wchan | wc -l) -eq $1 ]]
}

@test "with mutex and queue one thread alone is inside accept(), with accept all of them" {
    local way

    for way in accept mutex queue; do
        start_server -a "$way" -n 5
        eventually threads_wait_in "$([[ $way == accept ]] && echo 5 || echo 1)" accept
        poke -r 5 "$ADDRESS" connect send:'100\n' reply:100 half eof
        eventually threads_wait_in "$([[ $way == accept ]] && echo 5 || echo 1)" accept
        stop_server
    done
}

@test "queue: two for each thread wait in it, others in the kernel; none is lost, and none spins" {
    local before ticks

    start_server -a queue -n 2
    hold_threads 2
    before=$(descriptors_of "$SERVER_PID")
    poke_away -j 40 "$ADDRESS" connect send:'100\n' reply:100 half eof
    is_full() { [[ $(descriptors_of "$SERVER_PID") -eq $((before + 4)) ]]; }
    eventually is_full
    ticks=$(ticks_of "$SERVER_PID")
    pause 0.5
    (($(ticks_of "$SERVER_PID") - ticks < 20))
    is_full
    server_counts connections 2
    touch "$T/go"
    await_all
    stop_server
    counted connections 42
    counted requests 42
    counted broken 0
}

@test "queue: TERM while it is full: what is in it is served, and the server ends" {
    local before i

    start_server -a queue -n 2
    poke_away -j 2 "$ADDRESS" connect send:'1\n100 0 700000\n' reply:1 reply:100 eof
    eventually server_counts requests 2
    before=$(descriptors_of "$SERVER_PID")
    for i in 1 2 3 4; do
        poke_away "$ADDRESS" connect send:'33\n' reply:33 eof
        queued() { [[ $(descriptors_of "$SERVER_PID") -eq $((before + i)) ]]; }
        eventually queued
    done
    poke_away "$ADDRESS" connect send:'33\n' touch:"$T/behind" gone # in the backlog
    eventually test -e "$T/behind"
    stop_server
    await_all
    [[ $STATUS -eq 0 ]]
    counted connections 6
    counted requests 8
    counted broken 0
}

@test "no new thread can be had: those that are there serve, it says so once, and recovers" {
    local before way

    COMPLAINTS='pthread_create'
    for way in accept queue; do
        NPROC=5 start_as_somebody -a "$way" -n 6
        eventually says "$ERR" 'pthread_create, trying again'
        serve_some
        before=$(ticks_of "$SERVER_PID")
        pause 1
        (($(ticks_of "$SERVER_PID") - before < 20))
        [[ $(wc -l <"$ERR") -eq 1 ]]
        limit_processes 1000
        hold_threads 6 106
        touch "$T/go"
        await_poke
        stop_server
        [[ $STATUS -eq 0 ]]
        counted connections 106
        rm -r "$ELSEWHERE" "$T/go"
    done
    NPROC=3 start_as_somebody -a queue
    eventually says "$ERR" 'pthread_create, trying again'
    poke_away "$ADDRESS" connect touch:"$T/waits" gone
    eventually test -e "$T/waits"
    stop_server
    await_poke
    [[ $STATUS -eq 0 ]]
}

@test "a stop while threads are still to be started does not wait for them" {
    local way

    for way in accept mutex queue; do
        start_server -a "$way" -n 500
        stop_server
        [[ $STATUS -eq 0 ]]
    done
}

@test "an unknown way is a usage error that names those allowed" {
    refused "$SERVER" "-a 'herd': accept, mutex or queue" -a herd
}
