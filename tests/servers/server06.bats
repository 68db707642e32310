#!/usr/bin/env bats
# What server06_thread alone claims: a thread per connection, -n of them at most, in one process.

load ../helpers

SERVER=server06_thread

@test "each connection has a thread of its own, all in one process" {
    local i

    start_server
    for ((i = 0; i < 20; i++)); do
        poke "$ADDRESS" connect send:'32\n' reply:32 who send:'32\n' reply:32 half eof
    done >"$T/who"
    [[ $(awk '{ print $2 }' "$T/who" | paste -sd' ') == "$(seq -s' ' -f '0.%g' 20)" ]]
    [[ $(awk '{ print $4 }' "$T/who" | sort -u) == "$SERVER_PID" ]]
    poke_away "$ADDRESS" idle:60 touch:"$T/open" until:"$T/go" drop:60
    eventually has_threads "$SERVER_PID" 62
    touch "$T/go"
    await_poke
    eventually has_threads "$SERVER_PID" 2
    stop_server
    counted connections 80
    counted requests 40
    counted children_started 0
    [[ $(json_of 'children.#') -eq 0 ]]
}

@test "-n 2: never more threads, and five slow clients are all served" {
    local most=0 start

    start_server -n 2
    start=$(now_ms)
    poke_away -j 5 "$ADDRESS" connect send:'10 0 500000\n' reply:10 half eof
    while alive "$POKE"; do
        count_threads "$SERVER_PID"
        most=$((THREADS > most ? THREADS : most))
        sleep 0.05
    done
    await_poke
    # Two, two and one: in less time there were more. (One that ends may be seen beside the next.)
    (($(now_ms) - start >= 1500))
    ((most == 4 || most == 5))
    stop_server
    counted connections 5
    counted requests 5
}

@test "-n: a descriptor for each thread, whatever the soft limit" {
    # shellcheck disable=SC2016
    launch sh -c 'ulimit -Sn 20 && exec "$@"' sh "$BIN/$SERVER" -p 0 -o json -n 40
    await_ready
    poke_away "$ADDRESS" idle:40 touch:"$T/open" until:"$T/go" drop:40
    eventually has_threads "$SERVER_PID" 42
    touch "$T/go"
    await_poke
    stop_server
    counted connections 40
}

# Of all its threads.
switches_of() { # PID
    cat "/proc/$1/task"/*/status | awk '/^voluntary/ { sum += $2 } END { print sum }'
}

@test "threads that wait cost nothing before -T; nor does a client in the backlog; TERM ends all" {
    local before

    start_server -n 50 -T "$PATIENCE"
    poke_away "$ADDRESS" idle:50 touch:"$T/open" until:"$T/go" drop:50
    eventually has_threads "$SERVER_PID" 52
    poke_away "$ADDRESS" connect send:'33\n' touch:"$T/waits" gone
    eventually test -e "$T/waits"
    before=$(switches_of "$SERVER_PID")
    pause 2.5
    (($(switches_of "$SERVER_PID") - before < 50)) # the timekeeper's, and a sanitizer's
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 50
    touch "$T/go"
    await_all
}

@test "TERM with -n threads at clients that say nothing: their end lets in nobody else" {
    local i

    for i in {1..8}; do
        start_server -n 8 -T 0
        poke_away "$ADDRESS" idle:8 touch:"$T/open.$i" until:"$T/go.$i" drop:8
        eventually test -e "$T/open.$i"
        eventually has_threads "$SERVER_PID" 10
        poke_away "$ADDRESS" connect send:'33\n' touch:"$T/waits.$i" gone
        eventually test -e "$T/waits.$i"
        pause 0.15 # then their threads end at once when the server stops
        stop_server
        counted connections 8
        touch "$T/go.$i"
        await_all
        HELPERS=()
    done
}

@test "-s: in the smallest stack there is room for all that a thread does" {
    start_server -s 32 -v -T 1
    poke "$ADDRESS" connect send:'100 1000 1000\n70000\n' reply:100 reply:70000 half eof
    poke "$ADDRESS" connect send:'?\n' line:'error: '
    poke "$ADDRESS" connect send:'GET / HTTP/1.0\r\n\r\n' line:'HTTP/1.1 200' gone
    poke "$ADDRESS" connect send:'100000000\n' more reset
    poke_away "$ADDRESS" buffer:4096 connect send:'100000000\n' more touch:"$T/stuck" until:"$T/go"
    poke -j 20 "$ADDRESS" connect gone
    eventually server_counts timed_out 21
    touch "$T/go"
    await_poke
    poke_away "$ADDRESS" connect send:'1\n100 0 500000\n' reply:1 touch:"$T/working" reply:100 eof
    eventually test -e "$T/working"
    stop_server
    [[ $STATUS -eq 0 ]]
    await_poke
    refused "$SERVER" "-s '31': a size in KiB from 32 to 1048576" -s 31
    refused "$SERVER" "-s '': " -s ''
}

@test "no thread can be had until the grace is over: the client sees the end, and the status is 1" {
    export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" # LeakSanitizer needs a process at the end
    start_as_somebody -g 0
    COMPLAINTS='pthread_create, trying again: |connection that had been accepted was not served'
    limit_processes 1
    poke_away "$ADDRESS" connect send:'100\n' gone
    eventually says "$ERR" 'trying again'
    stop_server
    [[ $STATUS -eq 1 ]]
    says "$ERR" 'was not served'
    await_poke
}
