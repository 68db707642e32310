#!/usr/bin/env bats
# The sketches: each speaks the protocol, and each fault that its comments number is shown in it;
# the same done to the server beside it does no harm. A test is named after its sketch and fault.

load ../helpers

eval "shared_$(declare -f setup)"

# Tests that begin with a sketch's name are about this one, and the server beside it.
setup() {
    shared_setup
    if [[ $BATS_TEST_DESCRIPTION =~ ^sketch([0-9]+) ]]; then
        choose "$ROOT/server${BASH_REMATCH[1]}"_*/sketch*.c
        can_run || skip "$NO_RING"
    fi
}

choose() { # PAGE
    PAGE=$1
    [[ -e $PAGE ]] || skip "there is no $PAGE"
    SERVER=$(basename "${PAGE%/*}")
    SKETCH=${SERVER%%_*}
    SKETCH=${SKETCH/server/sketch}
}

can_run() {
    [[ $SKETCH != sketch13 ]] || has_ring
}

# With all its children: some say that they listen before they have started them.
start_sketch() {
    local children=0

    case $SKETCH in
    sketch0[345]) children=10 ;;
    sketch10) children=2 ;;
    esac
    launch "$BIN/$SKETCH" 0
    await_ready
    ((children == 0)) || eventually has_children "$SERVER_PID" $children
}

# A sketch has no end of its own, and its children do not notice it.
end_sketch() {
    # shellcheck disable=SC2046 # into words
    kill -s KILL $(marked) || : # it may have ended itself
    ! alive "$SERVER_PID" || kill -s KILL "$SERVER_PID" || : # it may just be ending
    await_end
    rm -f "$T"/cwd/sketch12.*
    end_helpers || : # whatever they saw then
    HELPERS=()
}

sketch_fails() {
    eventually dead "$SERVER_PID"
    end_sketch
}

# A client in the background that has got so far; it goes on, and ends, when let_go() is called.
client_up_to() { # STEP... [-- STEP...]
    local before=() here=$T/here.${#HELPERS[@]}

    while [[ $# -gt 0 && $1 != -- ]]; do
        before+=("$1")
        shift
    done
    rm -f "$here" "$T/go"
    poke_away "$ADDRESS" "${before[@]}" touch:"$here" until:"$T/go" "${@:2}"
    eventually test -e "$here"
}

let_go() {
    touch "$T/go"
    await_all
    HELPERS=()
}

# One like all others gets no reply, as far as this time tells.
not_served() { # [MS]
    poke "$ADDRESS" connect send:'100\n' silent:"${1:-500}"
}

# Clients, one after the other, that ask for much, close their sending side, and reset.
leave_within_replies() { # N
    poke -r "$1" "$ADDRESS" connect send:'100000000\n' more half reset
}

# So many descriptors more can be had, and no more.
leave_room() { # N [PID]
    local limit=0 pid=${2:-$SERVER_PID} room=$1

    while [[ -e /proc/$pid/fd/$limit ]] || ((room-- > 0)); do
        limit=$((limit + 1))
    done
    limit_descriptors "$limit" "$pid"
}

# With so many silent clients, how long does the server with -T 1 keep another one waiting? The
# sketch is given twice that.
outlasts_silence() { # N [OPTION...]
    local start

    start_server -T 1 "${@:2}"
    client_up_to idle:"$1"
    start=$(now_ms)
    served_after
    start=$((2 * ($(now_ms) - start)))
    let_go
    stop_server
    counted timed_out -ge 1
    start_sketch
    client_up_to idle:"$1"
    not_served "$start"
    end_sketch
}

zombies_are() { # N
    local number=0 pid

    find_children "$SERVER_PID"
    for pid in "${CHILDREN[@]}"; do
        alive "$pid" || number=$((number + 1))
    done
    [[ $number -eq $1 ]]
}

processes_are() { # N
    [[ $(marked | wc -l) -eq $1 ]]
}

kill_children() {
    local pid

    for pid in $(children_of "$SERVER_PID"); do
        kill -s KILL "$pid"
        eventually dead "$pid"
    done
}

# The sketch has ten children, and none after this command; the server goes on.
loses_children() { # COMMAND
    start_sketch
    "$@"
    eventually zombies_are 10
    not_served
    end_sketch
    start_server -n 10
    "$@"
    served_after
    eventually no_zombies_of "$SERVER_PID"
}

# Voluntary context switches of all children, for 100 clients one at a time.
switches() {
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    count() {
        local pid

        for pid in $(children_of "$SERVER_PID"); do
            cat "/proc/$pid/status"
        done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum + 0 }'
    }
    SWITCHES=$(count)
    poke -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof sleep:3
    SWITCHES=$(($(count) - SWITCHES))
}

@test "each sketch is a page, on its own, and numbers its faults as README and tests do" {
    local numbers pages

    for PAGE in "$ROOT"/server[0-9][0-9]_*/sketch*.c; do
        choose "$PAGE"
        pages=$([[ $SKETCH == sketch1[23] ]] && echo 2 || echo 1)
        awk -v name="$SKETCH" -v pages="$pages" '
            NR == 2 && index($0, " * " name " - ") { named = 1 }
            !head && /\*\// { head = NR }
            /#include "/ && !/calls_linux/ { included = 1 }
            END {
                most = 90 + 100 * (pages - 1)
                exit !named || head > 12 || included || NR < 40 || NR > most
            }' "$PAGE"
        numbers=$(grep -o 'breaks [0-9]*:' "$PAGE" | tr -dc '0-9\n' | sort -n)
        [[ $(wc -l <<<"$numbers") -ge 3 ]]
        diff <(echo "$numbers") <(seq "$(wc -l <<<"$numbers")")
        diff <(echo "$numbers") <(sed -n "s/^@test \"$SKETCH breaks \([0-9]*\):.*/\1/p" \
            "$BATS_TEST_FILENAME")
        diff <(echo "$numbers") <(rows | sed 's/^| \([0-9]*\) .*/\1/')
    done
}

# The table of faults in the README.
rows() {
    sed -n '/^## The sketch and the server/,/^## In /s/^| [0-9]* |/&/p' "${PAGE%/*}/README.md"
}

@test "each sketch: the client gets all its bytes, and from every child" {
    local bytes children

    for PAGE in "$ROOT"/server[0-9][0-9]_*/sketch*.c; do
        choose "$PAGE"
        can_run || continue
        start_sketch
        [[ $(cat "$OUT") == "$SKETCH: listening on 127.0.0.1:$PORT" ]]
        for bytes in 1 31 32 33 4096; do
            ask_client -c 3 -t 4 -k 2 -b "$bytes"
            [[ $STATUS -eq 0 && $(json_of completed) -eq 12 ]]
        done
        ask_client -c 2 -t 60 -m 30 -b 1000000
        [[ $STATUS -eq 0 ]]
        case $SKETCH in
        sketch00 | sketch02 | sketch07 | sketch08 | sketch13) children=1 ;;
        sketch01 | sketch06) children=120 ;;
        *) children=10 ;;
        esac
        json_of 'children.*.connections' | awk -v rows="$children" '
            { sum += $1 }
            END { print NR " children, " sum; exit NR != rows || sum != 120 }'
        end_sketch
    done
}

# Types what a row says; it shows what the row says, in what came of it or in the sketch's stderr.
# On a slow machine a reader would wait longer: for a sketch to end, for five clients to begin.
shows() { # COMMAND PATTERN
    local command=$1 slowly

    start_sketch
    command=${command//-p 2000/-p $PORT}
    command=${command//127.0.0.1\/2000/127.0.0.1/$PORT}
    command=${command//.\/sketch12.2000/./cwd/sketch12.$PORT}
    [[ ! $command =~ (.*KILL\ )([0-9]+)(.*) ]] ||
        command=${BASH_REMATCH[1]}$((BASH_REMATCH[2] * ${SLOWNESS:-1}))${BASH_REMATCH[3]}
    # shellcheck disable=SC2016 # not yet
    slowly='sleep() { for ((n = 0; n < ${SLOWNESS:-1}; n++)); do command sleep "$1"; done; }'
    (cd "$T" && timeout $((3 * LIMIT)) bash -c "$slowly; $command") \
        >"$T/said" 2>&1 3>&- 4<&- || : # most end with a client that fails
    if ! grep -qe "$2" "$T/said" "$ERR"; then
        echo "$SKETCH: no $2 in what came of: $command"
        cat "$T/said" "$ERR"
        end_sketch
        return 1
    fi
    end_sketch
}

# Twice, for a machine may become busy meanwhile. But a sketch without the fault never shows it.
@test "each sketch: what its README says to type shows each fault as it says there" {
    local command row see

    COMPLAINTS='^(accept|write): |buffer overflow'
    ln -s "$BIN" "$T/bin"
    for PAGE in "$ROOT"/server[0-9][0-9]_*/sketch*.c; do
        choose "$PAGE"
        can_run || continue
        while IFS='|' read -r _ row _ command see _ <&4; do
            command=${command# \`} command=${command%\` } see=${see# \`} see=${see%\` }
            if [[ $command == *python3* ]] && ! type -P python3 >/dev/null; then
                echo "no python3: sketch12 breaks $row is left out"
                [[ ${CI:-} != true ]]
                continue
            fi
            shows "$command" "$see" || shows "$command" "$see"
        done 4< <(rows)
    done
    [[ -e $T/said ]]
}

@test "sketch00 breaks 1: a silent client keeps all others waiting for ever" {
    outlasts_silence 1
}

@test "sketch00 breaks 2: a line that comes in two pieces counts as two requests" {
    start_sketch
    poke "$ADDRESS" connect send:3 reply:3 send:'3\n' reply:3
    end_sketch
    start_server
    poke "$ADDRESS" connect send:3 silent:300 send:'3\n' reply:33 half eof
}

@test "sketch00 breaks 3: a client that leaves within its reply ends the server" {
    start_sketch
    leave_within_replies 1
    sketch_fails
    start_server
    leave_within_replies 1
    served_after
}

ends_without_descriptors() {
    COMPLAINTS='^accept: |^server.*(waiting|retrying)'
    start_sketch
    leave_room 0
    # Linux gives a descriptor to an accept() that blocks already; a thread that comes to it only
    # now has none, and ends the sketch.
    poke "$ADDRESS" connect close || :
    sketch_fails
    start_server
    leave_room 0
    poke_away "$ADDRESS" connect send:'100\n' reply:100
    eventually more_lines "$ERR" 0
    leave_room 10
    await_poke
}

@test "sketch00 breaks 4: without a free descriptor the server ends" {
    ends_without_descriptors
}

@test "sketch01 breaks 1: children that have ended stay as zombies" {
    start_sketch
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually zombies_are 20
    end_sketch
    start_server
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually has_children "$SERVER_PID" 0
}

@test "sketch01 breaks 2: it starts a process for each client, however many come" {
    start_sketch
    client_up_to idle:40
    eventually has_children "$SERVER_PID" 40
    end_sketch
    start_server -n 5
    client_up_to idle:40
    eventually has_children "$SERVER_PID" 5
    pause 0.5
    has_children "$SERVER_PID" 5
    let_go
}

@test "sketch01 breaks 3: a silent client keeps its child for ever" {
    local start

    start_server -T 1
    start=$(now_ms)
    client_up_to connect -- gone
    eventually has_children "$SERVER_PID" 1
    eventually has_children "$SERVER_PID" 0
    start=$((2 * ($(now_ms) - start)))
    let_go
    stop_server
    start_sketch
    client_up_to connect
    eventually has_children "$SERVER_PID" 1
    pause "$((start / 1000)).$((start % 1000))"
    zombies_are 0
    end_sketch
}

@test "sketch01 breaks 4: TERM ends the parent alone, and its children serve on" {
    start_sketch
    client_up_to connect send:'33\n' reply:33 -- send:'33\n' reply:33
    kill -s TERM "$SERVER_PID"
    await_end
    let_go
    start_server
    client_up_to connect send:'33\n' reply:33 -- gone
    stop_server
    [[ $STATUS -eq 0 ]]
    nothing_marked
    let_go
}

# --- what breaks one process that serves all ------------------------------------------------------

one_reader_stalls_all() {
    start_sketch
    client_up_to buffer:4096 connect send:'100000000\n' more
    not_served
    end_sketch
    start_server
    client_up_to buffer:4096 connect send:'100000000\n' more
    served_after
    let_go
}

spins_without_descriptors() {
    COMPLAINTS='^accept: |^server.*(waiting|retrying|FD_SETSIZE)'
    start_sketch
    leave_room 2
    client_up_to idle:4
    eventually more_lines "$ERR" 99
    end_sketch
    start_server
    served_after
    leave_room 2 "$(acceptors | tail -n 1)" # of 08 the child
    client_up_to idle:4
    eventually more_lines "$ERR" 0
    let_go
    served_after
    [[ $(wc -l <"$ERR") -eq 1 ]]
}

leaving_ends_all() {
    start_sketch
    client_up_to connect send:'33\n' reply:33 -- gone
    leave_within_replies 1
    await_end
    let_go
    # shellcheck disable=SC2046 # into words
    kill -s KILL $(marked) 2>/dev/null || : # the workers of sketch11, if it is that
    start_server
    client_up_to connect send:'33\n' reply:33 -- send:'33\n' reply:33
    leave_within_replies 1
    let_go
}

@test "sketch02 breaks 1: one client that does not read keeps all others waiting" {
    one_reader_stalls_all
}

@test "sketch02 breaks 2: from FD_SETSIZE on no client is served, and memory is overwritten" {
    ulimit -S -n 4096 || skip 'the limit on open files is below 4096'
    start_sketch
    client_up_to idle:1100
    taken() { dead "$SERVER_PID" || (($(find "/proc/$SERVER_PID/fd" | wc -l) > 1100)); }
    eventually taken
    not_served || dead "$SERVER_PID" # where the C library looks at what FD_SET() is given
    COMPLAINTS='buffer overflow|FD_SETSIZE'
    end_sketch
    start_server -T "$PATIENCE"
    client_up_to idle:1100 -- drop:300 connect send:'100\n' reply:100
    eventually says "$ERR" FD_SETSIZE
    let_go
}

@test "sketch02 breaks 3: without a free descriptor it spins" {
    spins_without_descriptors
}

@test "sketch02 breaks 4: a client that leaves within its reply ends all connections" {
    leaving_ends_all
}

@test "sketch03 breaks 1: children that die stay as zombies, and are not replaced" {
    COMPLAINTS='died of signal 9'
    loses_children kill_children
}

@test "sketch03 breaks 2: TERM ends the parent alone, and its children keep the port" {
    start_sketch
    kill -s TERM "$SERVER_PID"
    await_end
    served_after
    processes_are 10
    end_sketch
    start_server -i "$OWN_HOST"
    stop_server
    nothing_marked
    poke "$ADDRESS" refused
}

@test "sketch03 breaks 3: as many silent clients as children keep all others waiting for ever" {
    outlasts_silence 10
}

@test "sketch03 breaks 4: each client that leaves within its reply ends a child" {
    loses_children leave_within_replies 10
}

@test "sketch04 breaks 1: an idle child that has died ends the server when its turn comes" {
    start_sketch
    poke -r 30 "$ADDRESS" connect send:'100\n' reply:100 half eof
    kill_children
    poke_away -r 1000 "$ADDRESS" connect send:'100\n' gone
    sketch_fails
    start_server
    COMPLAINTS='died of signal 9'
    kill_children
    poke -r 30 "$ADDRESS" connect send:'100\n' reply:100 half eof
}

@test "sketch04 breaks 2: each client that leaves within its reply ends a child" {
    loses_children leave_within_replies 10
}

@test "sketch04 breaks 3: as many silent clients as children keep all others waiting for ever" {
    outlasts_silence 10
}

@test "sketch04 breaks 4: when the parent is killed, a busy child and those before it stay" {
    local child

    start_sketch
    client_up_to idle:9 connect send:'33\n' reply:33 who -- drop:9 gone
    read -r _ child _ <"$T/poke.0"
    kill -s KILL "$SERVER_PID"
    touch "$T/go"
    eventually processes_are "$child"
    pause 0.5
    processes_are "$child"
    end_sketch
    start_server
    client_up_to connect send:'33\n' reply:33 -- gone
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    let_go
}

@test "sketch05 breaks 1: a connection in the queue wakes all handlers: a herd" {
    local herd

    start_sketch
    switches
    herd=$SWITCHES
    end_sketch
    start_server -n 10
    switches
    echo "switches for 100 connections: $herd, $SWITCHES"
    ((herd > 2 * SWITCHES))
}

@test "sketch05 breaks 2: handlers that die stay as zombies, and are not replaced" {
    COMPLAINTS='died of signal 9'
    loses_children kill_children
}

@test "sketch05 breaks 3: when the distributor is killed, its handlers stay and keep the port" {
    start_sketch
    [[ $(acceptors | wc -l) -eq 11 ]]
    kill -s KILL "$SERVER_PID"
    eventually processes_are 10
    not_served
    end_sketch
    start_server -n 10 -i "$OWN_HOST"
    [[ $(acceptors) == "$SERVER_PID" ]]
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    poke "$ADDRESS" refused
}

@test "sketch06 breaks 1: it creates a thread for each client, however many come" {
    start_sketch
    client_up_to idle:40
    eventually has_threads "$SERVER_PID" 41
    end_sketch
    start_server -n 5
    client_up_to idle:40
    eventually has_threads "$SERVER_PID" 7 # the one that accepts, and the timekeeper
    pause 0.5
    has_threads "$SERVER_PID" 7
    let_go
}

address_space() { # in KiB
    awk '/^VmSize/ { print $2 }' "/proc/$SERVER_PID/status"
}

# What it needs more after 100 connections, one at a time; but not the first ones.
grows() {
    poke -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    GROWN=$(address_space)
    poke -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof
    GROWN=$(($(address_space) - GROWN))
}

@test "sketch06 breaks 2: the stacks of threads that have ended stay" {
    start_sketch
    grows
    ((GROWN >= 100 * 64))
    end_sketch
    start_server
    grows
    ((GROWN < 100 * 64 / 2))
}

@test "sketch06 breaks 3: a silent client keeps its thread for ever" {
    local start

    start_server -T 1
    start=$(now_ms)
    client_up_to connect -- gone
    eventually has_threads "$SERVER_PID" 3
    eventually has_threads "$SERVER_PID" 2
    start=$((2 * ($(now_ms) - start)))
    let_go
    stop_server
    start_sketch
    client_up_to connect
    eventually has_threads "$SERVER_PID" 2
    pause "$((start / 1000)).$((start % 1000))"
    has_threads "$SERVER_PID" 2
    end_sketch
}

@test "sketch06 breaks 4: a client that leaves within its reply ends all connections" {
    leaving_ends_all
}

@test "sketch07 breaks 1: one client that does not read keeps all others waiting" {
    one_reader_stalls_all
}

@test "sketch07 breaks 2: with all places taken it serves those, and spins" {
    local ticks

    start_sketch
    client_up_to idle:100
    not_served
    ticks=$(ticks_of "$SERVER_PID")
    spins() { (($(ticks_of "$SERVER_PID") - ticks > 10)); }
    eventually spins
    end_sketch
    start_server
    client_up_to idle:1500
    served_after
    ticks=$(ticks_of "$SERVER_PID")
    pause 1
    run ! spins
    let_go
}

@test "sketch07 breaks 3: without a free descriptor it spins" {
    spins_without_descriptors
}

@test "sketch07 breaks 4: a client that leaves within its reply ends all connections" {
    leaving_ends_all
}

@test "sketch08 breaks 1: what a read leaves in the socket is never reported again" {
    local most way

    most="4 $(printf '%059d' 0) 0\n" # 64 bytes: of two such requests one read takes the first
    start_sketch
    poke "$ADDRESS" connect send:"$most$most" reply:4 silent:500
    end_sketch
    for way in level edge; do
        start_server -a "$way"
        poke "$ADDRESS" connect send:"$most$most$most$most$most$most" reply:4 reply:4 reply:4 \
            reply:4 reply:4 reply:4 send:'70000\n' reply:70000 half eof
    done
}

@test "sketch08 breaks 2: one client that does not read keeps all others waiting" {
    one_reader_stalls_all
}

@test "sketch08 breaks 3: without a free descriptor it spins" {
    spins_without_descriptors
}

@test "sketch08 breaks 4: a client that leaves within its reply ends all connections" {
    leaving_ends_all
}

@test "sketch09 breaks 1: as many silent clients as threads keep all others waiting for ever" {
    outlasts_silence 10
}

@test "sketch09 breaks 2: a client that leaves within its reply ends all threads' connections" {
    leaving_ends_all
}

@test "sketch09 breaks 3: without a free descriptor one thread ends all" {
    ends_without_descriptors
}

@test "sketch10 breaks 1: as many silent clients as threads keep all others waiting for ever" {
    outlasts_silence 10 -n 2 -t 5
}

@test "sketch10 breaks 2: clients that leave within their replies end child after child" {
    start_sketch
    client_up_to connect send:'33\n' reply:33 -- gone
    until dead "$SERVER_PID"; do # it waits for two children
        leave_within_replies 1 || : # accepted by one that was ending
    done
    await_end
    let_go
    start_server
    client_up_to connect send:'33\n' reply:33 -- send:'33\n' reply:33
    leave_within_replies 2
    let_go
}

@test "sketch10 breaks 3: a child that dies is not replaced, and its threads neither" {
    COMPLAINTS='died of signal 9'
    start_sketch
    eventually has_children "$SERVER_PID" 2
    kill_children
    sketch_fails # no child is left
    start_server -n 2
    eventually has_children "$SERVER_PID" 2
    kill_children
    served_after
    eventually has_children "$SERVER_PID" 2
}

@test "sketch10 breaks 4: TERM ends the parent alone, and its children keep the port" {
    start_sketch
    kill -s TERM "$SERVER_PID"
    await_end
    served_after
    processes_are 2
    end_sketch
    start_server -i "$OWN_HOST"
    stop_server
    nothing_marked
    poke "$ADDRESS" refused
}

@test "sketch13 breaks 1: accepting ends for want of descriptors, and nobody asks for it again" {
    # shellcheck disable=SC2016
    launch sh -c 'ulimit -n 8; exec "$@"' sh "$BIN/$SKETCH" 0
    await_ready
    client_up_to idle:9
    let_go
    not_served
    end_sketch
    COMPLAINTS='memory, retrying'
    start_server
    served_after
    leave_room 2 "$(acceptors | tail -n 1)"
    client_up_to idle:4
    eventually more_lines "$ERR" 0
    let_go
    served_after
}

# All of them at the same time.
ask_300() {
    rm -f "$T/go"
    poke_away -k -j 300 "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/here" until:"$T/go" \
        send:'33\n' reply:33 half eof
    eventually test -e "$T/here"
    pause 0.5
    kill -s STOP "$1"
    touch "$T/go"
    pause 0.5
    kill -s CONT "$1"
}

@test "sketch13 breaks 2: of more submissions in a turn than there is room for, some are lost" {
    start_sketch
    ask_300 "$SERVER_PID"
    not_served
    end_sketch
    start_server
    served_after
    ask_300 "$(children_of "$SERVER_PID")"
    await_poke
    HELPERS=()
    served_after
}

@test "sketch13 breaks 3: a line that comes in two pieces counts as two requests" {
    start_sketch
    poke "$ADDRESS" connect send:3 reply:3 send:'3\n' reply:3
    end_sketch
    start_server
    poke "$ADDRESS" connect send:3 silent:300 send:'3\n' reply:33 half eof
}

@test "sketch11 breaks 1: requests to a worker that has died wait for ever" {
    COMPLAINTS='died of signal 9'
    loses_children kill_children
}

@test "sketch11 breaks 2: when the loop is killed, its workers stay and keep the port" {
    start_sketch
    kill -s KILL "$SERVER_PID"
    eventually processes_are 10
    not_served
    end_sketch
    start_server -n 10 -i "$OWN_HOST"
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    poke "$ADDRESS" refused
}

# All workers are stopped while a client asks and goes; then another one comes.
comes_after_another() { # STEP...
    local before pid

    before=$(descriptors_of "$SERVER_PID")
    for pid in $(children_of "$SERVER_PID"); do
        kill -s STOP "$pid"
    done
    poke "$ADDRESS" connect send:'50\n' sleep:200 reset
    as_before() { [[ $(descriptors_of "$SERVER_PID") == "$before" ]]; }
    eventually as_before
    client_up_to connect silent:300 -- "$@"
    # shellcheck disable=SC2046 # into words
    kill -s CONT $(children_of "$SERVER_PID")
    let_go
}

@test "sketch11 breaks 3: the answer for a client that has gone goes to the next one" {
    start_sketch
    comes_after_another reply:50
    end_sketch
    start_server
    served_after
    comes_after_another silent:300 send:'33\n' reply:33 half eof
}

@test "sketch11 breaks 4: one client that does not read keeps all others waiting" {
    one_reader_stalls_all
}

@test "sketch11 breaks 5: a client that leaves within its reply ends all connections" {
    leaving_ends_all
}

# --- memory ---------------------------------------------------------------------------------------

# The path of the memory, of the sketch and of the server.
start_sketch12() {
    start_sketch
    MEMORY=$T/cwd/sketch12.$PORT
}

start_server12() {
    MEMORY=$T/memory
    start_server -S "$MEMORY" "$@"
}

attach() {
    timeout "$PATIENCE" "$BUILD/tests/helpers/attach" "$MEMORY" "$@"
}

# So many at a time, each in the background until let_go().
attach_away() { # N STEP...
    local i

    rm -f "$T/go"
    for ((i = 0; i < $1; i++)); do
        attach attach "${@:2}" touch:"$T/attached.$i" until:"$T/go" >/dev/null 3>&- &
        HELPERS+=("$!")
    done
    for ((i = 0; i < $1; i++)); do
        eventually test -e "$T/attached.$i"
        rm "$T/attached.$i"
    done
}

attached_not_served() {
    run timeout 1 "$BUILD/tests/helpers/attach" "$MEMORY" attach
    [[ $status -eq 124 ]]
}

attached_served() {
    [[ $(attach attach send:'40\n' take:6) == 'child ' ]]
}

@test "sketch12 breaks 1: a client that says nothing costs a processor" {
    local before ticks

    spent() {
        local pid sum=0

        for pid in $(children_of "$SERVER_PID"); do
            sum=$((sum + $(ticks_of "$pid")))
        done
        echo "$sum"
    }
    start_sketch12
    attach_away 1
    before=$(spent)
    spins() { (($(spent) > before + 50)); }
    eventually spins
    let_go
    end_sketch
    start_server12 -T "$PATIENCE"
    attach_away 1
    before=$(spent)
    pause 2
    ticks=$(($(spent) - before))
    echo "$ticks ticks"
    ((ticks < 20))
    let_go
}

@test "sketch12 breaks 2: an index that cannot be ends the child" {
    local i

    start_sketch12
    for i in {1..10}; do
        attach attach put:100000 eof
    done
    eventually zombies_are 10
    attached_not_served
    end_sketch
    start_server12
    for i in {1..10}; do
        attach attach put:100000 eof
    done
    attached_served
    stop_server
    counted children_lost 0
    counted connections 11
}

@test "sketch12 breaks 3: a client that dies within its reply keeps its child for ever" {
    local i

    start_sketch12
    for i in {1..10}; do
        attach attach send:'100000000\n' take:1 die >/dev/null || :
    done
    attached_not_served
    end_sketch
    start_server12 -n 10 -T "$PATIENCE"
    for i in {1..10}; do
        attach attach send:'100000000\n' take:1 die >/dev/null || :
    done
    attached_served
    stop_server
    counted broken 10
}

@test "sketch12 breaks 4: as many clients as children that share memory keep all others waiting" {
    start_sketch12
    attach_away 10
    attached_not_served
    end_sketch
    start_server12 -T "$PATIENCE"
    attach_away 10
    attached_served
    let_go
}
