#!/usr/bin/env bats
# What server11_event_workers alone claims: no slow client holds a worker, and no work the loop;
# answers in any order, each to its own client; a request outlives its worker, once.

load ../helpers

SERVER=server11_event_workers

# The first of the workers has this client's request in hand, and works for so long.
work_begins() { # MS STEP...
    poke_away "$ADDRESS" connect send:"33 0 ${1}000\n" touch:"$T/asked.$1" "${@:2}"
    eventually test -e "$T/asked.$1"
    pause 0.1
}

@test "with one worker: 50 clients that do not read, or not ask, hold it up no more than none" {
    start_server -n 1 -T "$PATIENCE" -g 0
    poke_away -j 50 "$ADDRESS" buffer:4096 connect send:'16777216\n' more touch:"$T/stuck" \
        until:"$T/go" close
    poke_away -j 50 "$ADDRESS" connect send:'10' until:"$T/go" close
    eventually server_counts connections 100
    eventually test -e "$T/stuck"
    poke -r 200 "$ADDRESS" connect send:'100\n' reply:100 half eof
    touch "$T/go"
    await_all
}

@test "answers come in any order: who asks for less work is served first, and each by its bytes" {
    start_server -n 3
    work_begins 1500 reply:33 after:1400
    first=$POKE
    poke -r 20 "$ADDRESS" connect send:'70 0 1000\n' reply:70 within:$((50 * LIMIT)) half eof
    alive "$first"
    await_poke "$first"
    stop_server
    counted requests 21
    counted broken 0
}

@test "the least busy worker is first: one client keeps one worker, two keep two" {
    start_server -n 4 -Q 2
    poke -r 30 "$ADDRESS" connect send:'100\n' reply:100 half eof
    work_begins 1000 reply:33
    poke -r 30 "$ADDRESS" connect send:'100\n' reply:100 half eof
    await_all
    stop_server
    [[ $(json_of 'children.*.requests' | paste -sd' ') == '0 31 30 0 0' ]]
}

@test "-Q 1: what waits is given to the first that is free; -Q 2: it waits behind its own worker" {
    start_server -n 2 -Q 1
    work_begins 3000 reply:33
    work_begins 500 reply:33
    poke "$ADDRESS" connect mark send:'33\n' reply:33 within:2500
    await_all
    stop_server
    HELPERS=()
    rm "$T"/asked.*
    start_server -n 2 -Q 2
    work_begins 3000 reply:33
    work_begins 500 reply:33
    poke "$ADDRESS" connect mark send:'33\n' reply:33 after:1500
    await_all
}

@test "a client that has asked is not read on from: its socket fills, and the loop's memory stays" {
    local before

    start_server -n 1
    poke -r 2 "$ADDRESS" connect send:'100\n' reply:100 half eof
    before=$(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER_PID/status")
    poke_away "$ADDRESS" connect send:'1 0 2000000\n' fill:20000000 gone
    pause 1
    (($(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER_PID/status") - before < 256))
    alive "$POKE"
    kill -s KILL "$POKE"
}

@test "kill -9 of a worker: another one works for its request, and nobody notices" {
    start_server -n 2
    COMPLAINTS='died of signal 9'
    poke_away "$ADDRESS" connect send:'33\n' reply:33 who touch:"$T/ready" send:'1000 0 700000\n' \
        touch:"$T/working" reply:1000 send:'33\n' reply:33 half eof
    eventually test -e "$T/working"
    read -r _ _ _ CHILD <"$T/poke.0"
    pause 0.2
    kill -s KILL "$CHILD"
    await_poke
    stop_server
    counted connections 1
    counted requests 3
    counted broken 0
    counted children_lost 1
}

@test "each request of a connection may cost a worker: the second one is not held to the first" {
    local i

    start_server -n 1
    COMPLAINTS='died of signal 9'
    poke_away "$ADDRESS" connect send:'33 0 700000\n' touch:"$T/working.1" reply:33 \
        send:'33 0 700000\n' touch:"$T/working.2" reply:33 half eof
    for i in 1 2; do
        eventually test -e "$T/working.$i"
        pause 0.2 # so that it has begun
        CHILD=$(children_of "$SERVER_PID")
        kill -s KILL "$CHILD"
        eventually says "$ERR" "pid $CHILD, died"
    done
    await_poke
    stop_server
    counted requests 2
    counted children_lost 2
}

# The client has asked in these words; whoever works for it is killed, again and again.
dies_again() { # REQUEST STEP...
    start_server -n 1
    COMPLAINTS='died of signal 9'
    eventually has_children "$SERVER_PID" 1
    poke_away "$ADDRESS" connect send:"$1" touch:"$T/asked" "${@:2}"
    eventually test -e "$T/asked"
    while alive "$POKE"; do
        pause 0.2 # so that it has begun
        # shellcheck disable=SC2046 # perhaps none
        kill -s KILL $(children_of "$SERVER_PID") 2>/dev/null || :
    done
    await_poke
    served_after
    stop_server
    counted broken 1
    counted rejected 0
    counted children_lost -ge 2
}

@test "a request that costs a second worker gets an error: a line, and the end" {
    dies_again '33 0 9000000\n' line:'error: two processes' eof
    counted requests 1
}

@test "a request that costs a second worker gets an error: HTTP's 503, and the next one is served" {
    dies_again 'GET /33?wait=9000000 HTTP/1.1\r\nHost: x\r\n\r\n' line:'HTTP/1.1 503 ' line:Date \
        line:Content-Type line:Content-Length line: line:'error: two processes' silent:100 \
        send:'GET /33 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' line:'HTTP/1.1 200 '
    counted requests 2
}

@test "kill -9 of workers with a queue (-Q 4): only what they had begun with is lost, if twice" {
    local i victim

    start_server -n 1 -Q 4
    COMPLAINTS='died of signal 9'
    work_begins 9000 line:'error: two processes' eof
    poke_away -j 3 "$ADDRESS" connect send:'100\n' touch:"$T/queued" reply:100 half eof
    eventually test -e "$T/queued"
    for i in 1 2; do
        pause 0.2 # so that it has begun
        victim=$(children_of "$SERVER_PID")
        kill -s KILL "$victim"
        eventually says "$ERR" "pid $victim, died"
        eventually has_children "$SERVER_PID" 1
    done
    await_all
    stop_server
    counted requests 3
    counted broken 1
}

@test "kill -9 of a worker: its requests keep their order, and go before what it had not got" {
    local bytes

    start_server -n 1 -Q 3 -v
    COMPLAINTS='died of signal 9'
    work_begins 1000 reply:33
    for bytes in 41 42 43 44; do # two that it has got behind the first one, two that wait
        poke_away "$ADDRESS" connect send:"$bytes\n" touch:"$T/asked.$bytes" reply:"$bytes"
        eventually test -e "$T/asked.$bytes"
        pause 0.05 # so that the loop has read it
    done
    kill -s KILL "$(children_of "$SERVER_PID")"
    await_all
    stop_server
    [[ $(sed -n 's/.*: \([0-9]*\) bytes, .*/\1/p' "$OUT" | paste -sd' ') == '33 41 42 43 44' ]]
}

@test "a stopped worker keeps only its own request waiting, and gets no other" {
    local worker

    start_server -n 3
    work_begins 300 silent:1500 touch:"$T/waited" reply:33
    mapfile -t worker < <(children_of "$SERVER_PID")
    suspend "${worker[0]}"
    suspend "${worker[1]}"
    poke -r 40 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually test -e "$T/waited"
    kill -s CONT "${worker[@]:0:2}"
    await_all
}

# With one worker, which is busy: who goes before it has been handed out costs no work.
@test "a client that resets while it waits is not worked for, and its descriptor is free" {
    local before

    start_server -n 1
    served_after
    eventually at_rest
    before=$(descriptors_of "$SERVER_PID")
    work_begins 1000 reply:33
    poke -j 5 "$ADDRESS" connect send:'33 0 5000000\n' sleep:100 reset
    await_all
    as_before() { [[ $(descriptors_of "$SERVER_PID") == "$before" ]]; }
    eventually as_before
    stop_server
    counted requests 2
    counted broken 5
    counted wakeups -ge 2
    [[ $(json_of children.1.wakeups) -eq 2 ]]
}

@test "an answer for a client that has gone reaches nobody, also if its descriptor is another's" {
    start_server -n 2
    poke "$ADDRESS" connect send:'50 0 600000\n' sleep:100 reset
    poke -j 4 "$ADDRESS" connect silent:800 send:'33\n' reply:33 silent:100 half eof
    stop_server
    counted requests 4
    counted broken 1
}

@test "TERM -g: idle workers leave in peace, the one that still works is killed" {
    start_server -n 5 -g 1
    COMPLAINTS='1 child had to be killed'
    work_begins 9000 gone
    stop_server
    await_all
    [[ $STATUS -eq 1 ]]
    says "$ERR" ' 1 child had to be killed'
    counted broken 1
}

@test "TERM: a stopped worker does not count as one that a client may still need" {
    local worker

    start_server -n 2 -g 10
    eventually has_children "$SERVER_PID" 2
    mapfile -t worker < <(children_of "$SERVER_PID")
    suspend "${worker[0]}"
    poke_away "$ADDRESS" connect send:'3' touch:"$T/begun" until:"$T/go" \
        send:'3\n' reply:33 half eof
    eventually test -e "$T/begun"
    eventually server_counts connections 1
    kill -s TERM "$SERVER_PID"
    pause 0.4 # for the loop to let go whom it does not need
    touch "$T/go"
    await_poke
    kill -s CONT "${worker[0]}"
    await_end
    [[ $STATUS -eq 0 ]]
    counted requests 1
    counted broken 0
}

@test "TERM -g: clients that never finish asking are cut off, idle workers leave with status 0" {
    start_server -n 5 -g 1
    poke_away -j 5 "$ADDRESS" connect send:'10' touch:"$T/begun" gone
    eventually server_counts connections 5
    pause 0.1 # so that the loop has read
    stop_server
    await_all
    [[ $STATUS -eq 0 ]]
    counted broken 5
}

@test "pipelined requests of one connection are answered in order, by whichever worker" {
    local i steps=() text=''

    start_server -n 3
    for ((i = 1; i <= 60; i++)); do
        text+="$((i + 40)) 0 $(((60 - i) % 7 * 500))\n"
        steps+=(reply:$((i + 40)))
    done
    poke -j 3 "$ADDRESS" connect send:"$text" "${steps[@]}" half eof
    stop_server
    counted requests 180
}
