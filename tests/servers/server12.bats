#!/usr/bin/env bats
# What server12_shared_memory alone claims: clients that share memory with a child, well-behaved,
# hostile, killed or stopped; and how many children there are.

load ../helpers

SERVER=server12_shared_memory

start_memory() { # OPTION...
    MEMORY=$T/memory
    start_server -S "$MEMORY" "$@"
}

attach() { # STEP...
    timeout "$PATIENCE" "$BUILD/tests/helpers/attach" "$MEMORY" attach "$@"
}

# In the background: its pid is in ATTACHED, what it says in a file. After its step `here` the test
# goes on; let_go() makes the file that `until:$T/go` waits for.
attach_away() { # STEP...
    rm -f "$T/here" "$T/go"
    "$BUILD/tests/helpers/attach" "$MEMORY" attach "${@/#here/touch:$T/here}" \
        >"$T/said" 2>&1 3>&- &
    ATTACHED=$!
    HELPERS+=("$ATTACHED")
    eventually test -e "$T/here"
}

let_go() {
    touch "$T/go"
}

await_attached() {
    local status=0

    eventually dead "$ATTACHED"
    wait "$ATTACHED" || status=$?
    HELPERS=()
    return $status
}

attached_served() {
    [[ $(attach send:'40\n' take:6) == 'child ' ]]
}

# So many children are there, in the server's own count, and none is a zombie.
are_children() { # N
    has_children "$SERVER_PID" "$1" && no_zombies_of "$SERVER_PID"
}

@test "memory: the client gets all its bytes, by lines and by HTTP, and both count the same" {
    local bytes protocol

    start_memory -n 3
    for protocol in lines http; do
        for bytes in 1 31 32 33 4096 300000; do
            ask_client -i "shm:$MEMORY" -P "$protocol" -c 3 -t 5 -k 7 -b "$bytes"
            [[ $STATUS -eq 0 && $(json_of completed) -eq 15 ]]
        done
    done
    ask_client -i "shm:$MEMORY" -c 2 -t 2 -k 2 -b 20000000 # the ring goes round 80 times
    [[ $STATUS -eq 0 ]]
    ask_client -i "shm:$MEMORY" -c 3 -t 5 -k 4 -W 1000:1000 -b 64
    [[ $STATUS -eq 0 ]]
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections $((12 * 15 + 4 + 15))
    counted requests $((12 * 15 * 7 + 8 + 60))
    counted broken 0
    counted timed_out 0
    [[ ! -e $MEMORY && ! -e $MEMORY.lock ]]
}

@test "memory: pipelined, in pieces, refused; HTTP too, and each end of a connection arrives" {
    start_memory -n 1
    [[ $(attach send:'5\n7\n' take:12) == ABCDEABCDEFG ]]
    [[ $(attach send:'1' send:'0' send:'\n' take:10) == ABCDEFGHIJ ]]
    [[ $(attach send:'x1\n5\n' eof) =~ ^HTTP/1.1\ 400\  ]]
    [[ $(attach send:'0\n5\n' eof) == 'error: BYTES must be a number from 1 to 1073741824' ]]
    [[ $(attach send:'GET /5 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.0\r\n\r\n' eof |
        tr -d '\r' | sed -n '/^$/{n;p;}') == $'ABCDEHTTP/1.1 200 OK\nABC' ]]
    [[ $(attach send:'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' eof) == *' 404 '* ]]
    served_after
    stop_server
    counted rejected 3
    counted broken 0
}

@test "memory: hostile clients harm themselves alone: no child ends, all others are served" {
    local steps=(scribble flood shrink talk put:5000 put:4294967295 taken:300000 asleep)

    start_memory -n 1 -T 1
    for step in "${steps[@]}"; do
        echo "$step"
        attach send:'100\n' take:100 "$step" send:'100\n' >/dev/null || : # it may fail at that
        served_after
        attached_served
    done
    attach send:'100000000\n' take:1 scribble >/dev/null
    attached_served
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 0
    counted children_started 1
}

@test "memory: whoever wakes its child for nothing costs no processor" {
    local before child

    start_memory -n 1 -T "$PATIENCE"
    child=$(children_of "$SERVER_PID")
    before=$(ticks_of "$child")
    attach flood
    before=$(($(ticks_of "$child") - before))
    echo "$before ticks" # of 100
    ((before < 15))
}

@test "memory, -T 1: silent, inside a request, trickling, never taking: each is dropped" {
    start_memory -n 1 -T 1
    attach eof
    attach send:'100' eof
    attach send:'100000000\n' take:1 send:'5\n' asleep touch:"$T/x" until:"$T/gone" >/dev/null &
    HELPERS+=($!)
    eventually server_counts timed_out 3
    touch "$T/gone"
    attach send:'GET /' trickle
    served_after
    stop_server
    counted timed_out 4
    counted connections 5
}

@test "memory: kill -9 of the client, wherever it is: its child serves the next one at once" {
    start_memory -n 1 -T "$PATIENCE"
    dies() {
        attach "$@" die >/dev/null || :
        attached_served
    }
    dies
    dies send:10
    dies send:'100000000\n' take:1
    dies send:'40\n' take:40
    dies send:'1000\n1000\n1000\n'
    dies asleep
    dies talk
    dies send:'100 0 300000\n'
    stop_server
    counted timed_out 0
    counted children_lost 0
}

@test "memory: kill -9 of the child: its client ends, others stay, nothing is left" {
    local child victim

    COMPLAINTS='died of signal 9'
    start_memory -n 2 -T "$PATIENCE"
    attach_away send:'40\n' take:40 here eof
    victim=$(sed -n 's/^child . pid \([0-9]*\).*/\1/p' "$T/said")
    kill -s KILL "$victim"
    await_attached
    eventually are_children 2
    # Within a reply, of which it takes no more while the test finds the child.
    attach_away send:'1000000000\n' take:100 here until:"$T/go" eof
    child=$(sed -n 's/^child . pid \([0-9]*\).*/\1/p' "$T/said")
    kill -s KILL "$child"
    let_go
    await_attached
    eventually are_children 2
    ask_client -i "shm:$MEMORY" -c 2 -t 5 -k 5
    [[ $STATUS -eq 0 ]]
    stop_server
    counted children_lost 2
    counted broken 1
    [[ -z $(find /dev/shm -user "$(id -un)" -name "*$SERVER*") ]]
}

@test "memory: the client ends when its child is killed; after kill -9 of the parent too" {
    local victim

    COMPLAINTS='died of signal 9'
    start_memory -n 1 -T "$PATIENCE"
    for victim in child parent; do
        timeout "$PATIENCE" "$BIN/client" -i "shm:$MEMORY" -c 1 -t 1 -k 100000000 -T 0 -q \
            >"$T/client" 2>&1 3>&- &
        HELPERS+=("$!")
        eventually server_counts requests -ge 100
        if [[ $victim == child ]]; then
            kill -s KILL "$(children_of "$SERVER_PID")"
        else
            kill -s KILL "$SERVER_PID"
        fi
        eventually dead "${HELPERS[0]}"
        [[ $victim == parent ]] || eventually are_children 1
        HELPERS=()
    done
    eventually nothing_marked
    await_end
    rm -f "$MEMORY" "$MEMORY.lock"
}

@test "memory: stopped by SIGSTOP, a client is dropped after -T, and a child keeps only its own" {
    local child

    start_memory -n 2 -x 3 -T 1
    attach_away send:'100000000\n' take:40 here eof
    kill -s STOP "$ATTACHED"
    eventually server_counts timed_out 1
    kill -s CONT "$ATTACHED"
    await_attached
    attach_away send:'40\n' take:40 here until:"$T/go"
    child=$(sed -n 's/^child . pid \([0-9]*\).*/\1/p' "$T/said")
    kill -s STOP "$child"
    ask_client -i "shm:$MEMORY" -c 2 -t 20 -k 2
    [[ $STATUS -eq 0 ]]
    kill -s CONT "$child"
    let_go
}

@test "the number of children: from -n up to -x as they get busy, and down again; TTIN and TTOU" {
    local i

    start_memory -n 2 -x 5 -T "$PATIENCE"
    eventually are_children 2
    poke_away "$ADDRESS" connect idle:3 gone
    eventually are_children 5
    attached_served
    poke_away "$ADDRESS" connect idle:3 touch:"$T/waits" gone # three of them wait
    eventually test -e "$T/waits"
    pause 0.3
    are_children 5
    end_helpers || : # killed
    HELPERS=()
    eventually are_children 2
    kill -s TTIN "$SERVER_PID"
    eventually are_children 3
    for i in {1..9}; do # no more than -x
        kill -s TTIN "$SERVER_PID"
        pause 0.01
    done
    eventually are_children 5
    for i in {1..9}; do # one is always left
        kill -s TTOU "$SERVER_PID"
        pause 0.01
    done
    eventually are_children 2 # and one that is spare
    served_after
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 0
}

@test "two doors: a crowd at one of them does not keep the other door's clients waiting" {
    start_memory -n 1 -x 1
    "$BIN/client" -i "shm:$MEMORY" -c 4 -t 100000000 -q -T 0 >/dev/null 2>&1 3>&- &
    HELPERS+=("$!")
    eventually server_counts connections -ge 100
    ask_client -p "$PORT" -c 1 -t 1 -T "$LIMIT"
    [[ $STATUS -eq 0 ]]
    end_helpers || : # killed
    HELPERS=()
    "$BIN/client" -p "$PORT" -c 4 -t 100000000 -q -T 0 >/dev/null 2>&1 3>&- &
    HELPERS+=("$!")
    eventually server_counts connections -ge 1000
    ask_client -i "shm:$MEMORY" -c 1 -t 1 -T "$LIMIT"
    [[ $STATUS -eq 0 ]]
}

@test "HUP: whoever shares memory stays with its old child until it leaves" {
    local old

    start_memory -n 2 -g 1 -T "$PATIENCE"
    eventually are_children 2
    old=$(children_of "$SERVER_PID")
    attach_away send:'40\n' take:40 here until:"$T/go" send:'40\n' take:40
    kill -s HUP "$SERVER_PID"
    one_replaced() { [[ $(grep -cxF "$old" <(children_of "$SERVER_PID")) -eq 1 ]]; }
    eventually one_replaced
    let_go
    await_attached
    [[ $(grep -o 'pid [0-9]*' "$T/said" | sort -u | wc -l) -eq 1 ]]
    all_replaced() { ! grep -qxF "$old" <(children_of "$SERVER_PID") && are_children 2; }
    eventually all_replaced
    attached_served
    stop_server
    counted children_lost 0
}

@test "TERM: who shares memory gets its reply, and an idle one keeps nobody waiting" {
    local start

    start_memory -n 2 -g "$PATIENCE" -T "$PATIENCE"
    attach_away here eof
    start=$(now_ms)
    stop_server
    [[ $STATUS -eq 0 ]] && (($(now_ms) - start < 500 * LIMIT))
    await_attached
    start_memory -n 2 -g "$PATIENCE"
    attach_away send:'1\n33 0 700000\n' take:1 here take:33 eof
    pause 0.2 # nobody sees when the child begins with the second request
    stop_server
    [[ $STATUS -eq 0 ]]
    await_attached
    grep -q '^Achild . pid' "$T/said"
    counted requests 2
    counted broken 0
}

# Its name is removed at once; by a second name it can be asked on.
@test "TERM: whoever comes while a reply is being sent is refused at once, at both doors" {
    [[ $OSTYPE == linux* ]] || skip "a listening socket can be shut on Linux alone"
    start_memory -i "$OWN_HOST" -n 2 -T 0 -g $((2 * PATIENCE))
    ln "$MEMORY" "$T/door"
    attach_away send:'4194304\n' take:1 here until:"$T/go" take:4194303 eof
    kill -s TERM "$SERVER_PID"
    eventually poke "$ADDRESS" refused
    eventually poke "$T/door" refused
    alive "$ATTACHED"
    let_go
    await_attached
    await_end
    [[ $STATUS -eq 0 ]]
    counted bytes 4194304
}

@test "memory: 100 clients leave no descriptor and no memory behind" {
    local before

    start_memory -n 2
    eventually are_children 2
    before=$(descriptors_of "$SERVER_PID")
    ask_client -i "shm:$MEMORY" -c 2 -t 50
    [[ $STATUS -eq 0 ]]
    no_more() { [[ $(descriptors_of "$SERVER_PID") == "$before" ]]; }
    eventually no_more
    eventually not_mapped
}

not_mapped() {
    local pid

    for pid in $(children_of "$SERVER_PID"); do
        ! grep -q memfd: "/proc/$pid/maps" || return
    done
}

@test "-S: a path, one for both doors; a dead server's is replaced, a living one's is never taken" {
    refused $SERVER "-S 'memory'" -S memory
    refused $SERVER "-S '/a'" -S /a -i /b
    refused $SERVER '-n 3: -x 2' -n 3 -x 2
    start_memory
    run -1 "$BIN/$SERVER" -p 0 -S "$MEMORY"
    [[ $output == *'a server is listening there'* || $output == *'lock of this path'* ]]
    attached_served
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    start_memory
    attached_served
    run -2 "$BIN/client" -i shm:memory
    run -2 "$BIN/client" -i "shm:$MEMORY" -m 2
    run -3 "$BIN/client" -i "shm:$T/nobody" -t 1 -c 1 -q
}

@test "client: a server that passes no such memory, or lies in it, makes it fail and no more" {
    local what expected

    MEMORY=$T/memory
    while read -r what expected; do
        rm -f "$MEMORY"
        "$BUILD/tests/helpers/attach" "$MEMORY" "pass:$what" >"$T/said" 2>&1 3>&- &
        HELPERS=("$!")
        eventually listens_at "$MEMORY"
        eventually_fails "$what" "$expected"
        eventually dead "${HELPERS[0]}"
        wait "${HELPERS[0]}"
        HELPERS=()
    done <<'END'
none Bad message
two Bad message
small Bad message
unmapped Bad message
read-only Permission denied
index Protocol error
END
}

# (Between its bind() and its listen() a client is refused.)
eventually_fails() { # WHAT EXPECTED
    local status=0

    refused_no_more() {
        status=0
        timeout "$PATIENCE" "$BIN/client" -i "shm:$MEMORY" -c 1 -t 1 -b 100 \
            >"$T/client" 2>&1 3>&- || status=$?
        ! grep -q refused "$T/client"
    }
    eventually refused_no_more
    echo "$1: status $status: $(cat "$T/client")"
    [[ $status -eq 1 || $status -eq 3 ]] && grep -q "$2" "$T/client"
}
