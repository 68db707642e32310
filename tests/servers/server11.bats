#!/usr/bin/env bats
# What server11_event_workers alone claims: no slow client holds a worker, and no work the loop;
# answers in any order, each to its own client; a request outlives its worker, once. All of it also
# of handlers.

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

# --- handlers (-e) --------------------------------------------------------------------------------

# A frame, as poke sends it.
frame() { # TEXT
    printf '%s%s' "$(length_of ${#1})" "$1"
}

# With the handler that does what it is told: tests/helpers/obedient.c.
start_obedient() { # OPTION...
    start_server -e "$BUILD/tests/helpers/obedient" "$@"
}

# The next handler has this client's request in hand, and holds it until there is $T/FILE.
hold() { # FILE MORE STEP...
    poke_away "$ADDRESS" connect send:"$(frame "hold $T/$1$2")" touch:"$T/asked.$1" "${@:3}"
    eventually test -e "$T/asked.$1"
    pause 0.2 # so that it has begun
}

echoes() { # OPTION...
    poke "$@" "$ADDRESS" connect send:"$(frame hello)" expect:5:hello eof
}

@test "-e: with one handler, clients that do not finish, or do not read, do not hold it up" {
    start_server -n 1 -e handler_echo -l 8M -T "$PATIENCE" -g 0 # more than sockets hold
    poke_away -j 30 "$ADDRESS" connect send:"$(length_of 100)half" touch:"$T/begun" until:"$T/go"
    poke_away -j 4 "$ADDRESS" buffer:4096 connect send:"$(length_of 8388608)" fill:8388608 \
        more touch:"$T/stuck" until:"$T/go" read:8388608 eof
    eventually server_counts connections 34
    eventually test -e "$T/stuck"
    echoes -r 100
    touch "$T/go"
    await_all
    stop_server
    counted rejected 30
    counted requests 104
}

@test "-e -l: of a longer reply the handler waits for its client; memory stays, no spin" {
    local before wakeups

    start_obedient -n 1 -l 100k -T "$PATIENCE" -g "$LIMIT"
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    before=$(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER_PID/status")
    poke_away "$ADDRESS" buffer:4096 connect send:"$(frame 'bytes 30000000')" more \
        touch:"$T/stuck" until:"$T/go" read:30000000 eof
    eventually test -e "$T/stuck"
    ask_server
    wakeups=$(json_of children.0.wakeups)
    poke_away "$ADDRESS" connect send:"$(frame 'bytes 7')" silent:500 touch:"$T/waited" read:7 eof
    eventually test -e "$T/waited"
    ask_server
    (($(json_of children.0.wakeups) - wakeups < 100))
    (($(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER_PID/status") - before < 400))
    touch "$T/go"
    await_all
    stop_server
    counted requests 3
    counted bytes 30000012
}

@test "-e -l: a reply just below, at and above the limit comes whole" {
    local bytes

    start_obedient -n 2 -l 20000
    for bytes in 1 4095 4096 4097 19999 20000 20001 40000 40001 1000000; do
        poke "$ADDRESS" connect send:"$(frame "bytes $bytes")" read:"$bytes" eof
    done
    stop_server
    counted requests 10
    counted broken 0
}

# The handler waits for longer than -T between two calls that the loop reads, and writes again.
@test "-e -l -T: a client that reads slowly, but on and on, gets all of a longer reply" {
    local i steps=()

    for ((i = 0; i < 60; i++)); do
        steps+=(read:12000 sleep:100)
    done
    start_obedient -n 1 -i "$T/socket" -T 2
    poke "$ADDRESS" connect send:"$(frame 'bytes 3000000')" "${steps[@]}" read:2280000 eof
    stop_server
    counted requests 1
    counted bytes 3000000
    counted broken 0
}

@test "-e: a handler without a free descriptor loses a request: a reset, and no empty reply" {
    start_obedient -n 1
    COMPLAINTS='out of descriptors'
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    prlimit --pid "$(children_of "$SERVER_PID")" --nofile=5:
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" cut
    prlimit --pid "$(children_of "$SERVER_PID")" --nofile=100:
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    stop_server
    counted requests 2
    counted broken 1
}

@test "-e: the handler's refusal reaches the client, and is counted; the next one is served" {
    start_obedient -n 1
    poke "$ADDRESS" connect send:"$(frame 'do this')" line:"error: 'do' is no order" eof
    poke "$ADDRESS" connect send:"$(frame 'bytes 9')" read:9 eof
    stop_server
    counted rejected 1
    counted requests 1
    counted connections 2
    counted bytes 9
}

@test "-e: a client that has gone keeps its handler no longer than the work: EPIPE ends a reply" {
    start_obedient -n 1 -l 10k
    poke "$ADDRESS" buffer:4096 connect send:"$(frame 'bytes 100000000')" read:1000 reset
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    hold first '' reset
    poke_away "$ADDRESS" connect send:"$(frame 'bytes 6')" silent:300 touch:"$T/waited" read:6 eof
    eventually test -e "$T/waited"
    touch "$T/first"
    await_all
    stop_server
    counted requests 2
    counted broken 2
}

@test "-e: a client that goes while it waits for a handler is not worked for" {
    start_obedient -n 1
    hold first ' bytes 3' read:3 eof
    poke "$ADDRESS" connect send:"$(frame "hold $T/never")" sleep:100 reset
    touch "$T/first"
    await_all
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    stop_server
    counted requests 2
    counted broken 1
}

@test "-e: a frame that came in time is answered, also by a loop suspended for longer than -T" {
    start_server -n 1 -e handler_echo -T $((LIMIT / 10))
    poke_away "$ADDRESS" connect until:"$T/go" send:"$(length_of 30000)" fill:30000:x \
        touch:"$T/asked" expect:30000:x eof
    eventually server_counts connections 1
    suspend "$SERVER_PID"
    touch "$T/go"
    eventually test -e "$T/asked"
    pause "$((LIMIT / 10)).5"
    kill -s CONT "$SERVER_PID"
    await_poke
    stop_server
    counted timed_out 0
}

@test "-e: kill -9 of a handler within a request: another one works for it, and nobody notices" {
    start_obedient -n 2
    COMPLAINTS='died of signal 9'
    hold first ' bytes 50000' read:50000 eof
    kill -s KILL "$(holder)"
    eventually says "$ERR" 'died of signal 9'
    touch "$T/first"
    await_poke
    stop_server
    counted requests 1
    counted broken 0
    counted children_lost 1
}

# The handler of number 1: the one that works, if only one does.
holder() {
    ask_server
    json_of children.1.pid
}

@test "-e: a request that costs a second handler gets an error, and the next one is served" {
    start_obedient -n 1
    COMPLAINTS='died of signal 9'
    hold never '' line:'error: two processes have died of this request' eof
    while alive "$POKE"; do
        pause 0.2 # so that it has begun
        # shellcheck disable=SC2046 # perhaps none
        kill -s KILL $(children_of "$SERVER_PID") 2>/dev/null || :
    done
    await_poke
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    stop_server
    counted requests 1
    counted broken 1
    counted children_lost -ge 2
}

@test "-e: a handler dies, and a process that it has started has the connection: nobody waits" {
    start_obedient -n 1
    COMPLAINTS='died of signal 9'
    poke "$ADDRESS" connect send:"$(frame "die $T/go")" line:'error: two processes' eof
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    touch "$T/go"
    stop_server
    counted requests 1
    counted children_lost 2
}

@test "-e: a handler that does not say what it has received, and dies, is not asked without end" {
    start_obedient -n 1
    COMPLAINTS='died of signal 9'
    poke "$ADDRESS" connect send:"$(frame "deny die $T/go")" line:'error: two processes' eof
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    touch "$T/go"
    stop_server
    counted requests 1
    counted children_lost 2
}

@test "-e: TERM to handlers from somebody else costs no request, also before they receive it" {
    local i

    start_server -n 2 -e handler_echo
    COMPLAINTS='left by itself|died of signal 15|before it was ready'
    "$BIN/client" -q -p "$PORT" -c 8 -d 3 -T "$PATIENCE" -M hello -E hello -f 'failed==0' \
        >"$T/client" 3>&- &
    HELPERS+=($!)
    for ((i = 0; i < 20; i++)); do
        # shellcheck disable=SC2046 # perhaps none
        kill -s TERM $(children_of "$SERVER_PID") 2>/dev/null || :
        pause 0.1
    done
    await_all
    stop_server
    counted broken 0
    counted children_started -ge 4
}

@test "-e: kill -9 within a reply that has begun: the client sees a reset, not the reply's end" {
    start_obedient -n 1 -l 10k -T "$PATIENCE"
    COMPLAINTS='died of signal 9'
    poke_away "$ADDRESS" buffer:4096 connect send:"$(frame 'bytes 100000000')" read:1000 \
        touch:"$T/begun" until:"$T/go" cut
    eventually test -e "$T/begun"
    kill -s KILL "$(children_of "$SERVER_PID")"
    eventually says "$ERR" 'died of signal 9'
    touch "$T/go"
    await_poke
    poke "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    stop_server
    counted requests 1
    counted broken 1
}

@test "-e: a stopped handler keeps its own request waiting, and gets no other" {
    local worker

    start_obedient -n 2
    hold first ' bytes 3' silent:500 touch:"$T/waited" read:3 eof
    worker=$(holder)
    suspend "$worker"
    touch "$T/first"
    poke -r 20 "$ADDRESS" connect send:"$(frame 'bytes 5')" read:5 eof
    eventually test -e "$T/waited"
    kill -s CONT "$worker"
    await_poke
}

@test "-e: HUP under load replaces every handler, and no request fails" {
    local before handler

    start_server -n 3 -e handler_echo
    before=$(children_of "$SERVER_PID")
    "$BIN/client" -q -p "$PORT" -c 4 -d 3 -M hello -E hello -f 'failed==0' >"$T/client" 3>&- &
    HELPERS+=($!)
    eventually server_counts requests -ge 10
    kill -s HUP "$SERVER_PID"
    for handler in $before; do
        eventually dead "$handler"
    done
    eventually has_children "$SERVER_PID" 3
    await_all
    stop_server
    counted children_started 6
    counted children_lost 0
    counted broken 0
}

@test "-e: TERM with a request in hand: it is finished, and what has come is served" {
    start_obedient -n 1 -g "$LIMIT"
    hold first ' bytes 4' read:4 eof
    poke_away "$ADDRESS" connect send:"$(frame 'bytes 5')" touch:"$T/queued" read:5 eof
    eventually test -e "$T/queued"
    eventually server_counts connections 2
    pause 0.2 # so that the loop has read
    kill -s TERM "$SERVER_PID"
    pause 0.3
    touch "$T/first"
    await_all
    await_end
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted broken 0
}

@test "-e: kill -9 of the loop: the handlers leave, also the one with a request in hand" {
    start_obedient -n 2
    hold first '' gone
    kill -s KILL "$SERVER_PID"
    await_poke
    await_end
    touch "$T/first" # no function is interrupted
    eventually nothing_marked
}

@test "-e: a handler that cannot run, at the start, is the end: one line, status 1" {
    run -1 --separate-stderr timeout "$LIMIT" "$BIN/$SERVER" -p 0 -e handler_missing
    [[ -z $output && $stderr == *"-e 'handler_missing': No such file"* ]]
    run -1 --separate-stderr timeout "$LIMIT" "$BIN/$SERVER" -p 0 -n 1 -e handler_echo -- -l x
    [[ -z $output && $stderr == *'ended with status 2 before it was ready'* ]]
}

@test "-e: a handler inherits its channel, the board and 0, 1, 2, and nothing else" {
    local handler

    start_server -n 3 -e handler_echo
    poke_away "$ADDRESS" idle:3 connect send:"$(length_of 5)h" touch:"$T/open" until:"$T/go" \
        send:ello read:5 eof
    eventually test -e "$T/open"
    COMPLAINTS='died of signal 9'
    kill -s KILL "$(holder)" # its successor is started while they are open
    eventually says "$ERR" 'died of signal 9'
    eventually has_children "$SERVER_PID" 3
    touch "$T/go"
    await_poke
    for handler in $(children_of "$SERVER_PID"); do
        [[ $(find "/proc/$handler/fd" -mindepth 1 -printf '%f\n' | sort -n | paste -sd ' ') == \
            '0 1 2 3 4' ]]
    done
}

@test "-e: the statistics have a row for each handler, its wake-ups and its processor time" {
    start_server -n 2 -e handler_primes
    "$BIN/client" -q -p "$PORT" -c 2 -t 5 -M 'next 1000000000000000' 3>&- >"$T/client"
    stop_server
    counted requests 10
    counted wakeups -ge 20
    [[ $(json_of 'children.*.requests' | awk '{ sum += $1 } END { print sum }') -eq 10 ]]
    [[ $(json_of 'children.*.wakeups' | awk 'NR > 1 { sum += $1 } END { print sum }') -eq 10 ]]
    counted children.1.context_switches -ge 1
}

@test "-e: kill -9 of a handler: its processor time is counted once" {
    local before

    start_server -n 1 -e handler_primes
    COMPLAINTS='died of signal 9'
    "$BIN/client" -q -p "$PORT" -c 1 -t 1 -M 'next 1000000000000000000' 3>&- >"$T/client"
    has_used() { ask_server && before=$(json_of cpu_user_s) && [[ $before != 0.0* ]]; }
    eventually has_used
    kill -s KILL "$(children_of "$SERVER_PID")"
    eventually says "$ERR" 'died of signal 9'
    ask_server
    awk -v before="$before" -v now="$(json_of cpu_user_s)" 'BEGIN { exit now > 1.5 * before }'
}

@test "-Q with -e, -l and arguments without it are wrong usage" {
    refused "$SERVER" '-Q is not for -e' -e handler_echo -Q 2
    refused "$SERVER" '-l is for -e' -l 100
    refused "$SERVER" "'word': what stands behind -- is for -e" -- word
    refused "$SERVER" "-l '0'" -e handler_echo -l 0
}

# --- stopped workers, and the end ----------------------------------------------------------------

@test "-Q 2: what a stopped worker has not begun goes to others, its late answer to nobody" {
    local workers

    start_server -n 2 -Q 2
    eventually has_children "$SERVER_PID" 2
    work_begins 900 reply:33 half eof # the first one
    work_begins 901 reply:33 half eof # the second one
    poke_away "$ADDRESS" connect send:'41\n' touch:"$T/asked" reply:41 touch:"$T/served" mark \
        send:'50 0 1500000\n' reply:50 after:1400 half eof
    eventually test -e "$T/asked"
    pause 0.2 # so that it is behind the first one
    mapfile -t workers < <(children_of "$SERVER_PID" | sort -n)
    suspend "${workers[0]}"
    eventually test -e "$T/served"
    pause 0.2 # the second one has its next request; the first one's answer is for the last
    kill -s CONT "${workers[0]}"
    await_all
    stop_server
    counted requests 4
    counted broken 0
}

@test "no process can be had at TERM: requests are lost, and it says so with status 1" {
    start_as_somebody -n 1 -g 1
    COMPLAINTS='trying again|were not served|died of signal'
    work_begins 9000 gone
    limit_processes 1
    kill -s KILL "$(children_of "$SERVER_PID")"
    eventually says "$ERR" 'trying again'
    stop_server
    await_all
    [[ $STATUS -eq 1 ]]
    says "$ERR" 'requests that had come were not served'
    counted broken 1
}

@test "over a Unix socket a client that closes is noticed while it waits; over TCP it may read on" {
    start_server -n 1 -i "$T/socket"
    work_begins 700 reply:33
    poke "$ADDRESS" connect send:'33 0 5000000\n' sleep:100 close
    poke "$ADDRESS" connect send:'33 0 1000\n' half reply:33 eof
    await_all
    stop_server
    counted requests 2
    counted broken 1
    counted children.1.wakeups 2
}
