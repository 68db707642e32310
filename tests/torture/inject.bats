#!/usr/bin/env bats
# What the servers and the client do when system calls fail: strace(1) makes chosen calls of the
# real programs fail, or be interrupted, or last. Each test also counts in strace's log what was
# done to the program, lest it passes because a call has another name, or is not made at all.
#
# That a call fails once, or for a while, at each of its places and with each of its errors, is what
# `make torture` tries: here is what it does not ask, or not of the real programs.
#
# What is not done here: `retval=`, which would make read() claim bytes that never came. Short reads
# and writes are made the honest way, by a peer that sends single bytes and has a small buffer.

load ../helpers

# LeakSanitizer cannot work in a process that is traced already; what else the sanitizers find, in
# code that hardly ever runs, is worth having. So this file is part of `make sanitize`, but without
# leaks.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# Those of the tree; a pool of those known here with two children.
ALL_SERVERS=()
for each in "$ROOT"/server[0-9][0-9]_*; do
    case ${each##*/} in
    server13_*) ! has_ring || ALL_SERVERS+=("${each##*/} -n 2") ;;
    server0[3458]_*) ALL_SERVERS+=("${each##*/} -n 2") ;;
    *) ALL_SERVERS+=("${each##*/}") ;;
    esac
done

eval "shared_$(declare -f setup)"

setup() {
    shared_setup
    command -v strace >/dev/null || skip 'strace is not installed'
    if ! strace -D -qq -o "$T/try" -e trace=none true 2>"$T/why" || [[ -s $T/why ]]; then
        skip "strace may not trace here: $(head -n 1 "$T/why")"
    fi
}

# Starts a server with things done to its system calls; each WHAT is a value of strace's -e inject.
# With -D the server is our child and strace its grandchild: pid and exit status are the server's.
start_injected() { # "SERVER OPTION..." WHAT...
    local words what=()

    read -ra words <<<"$1"
    SERVER=${words[0]}
    shift
    for each; do
        what+=(-e inject="$each")
    done
    rm -f "$T/log"
    launch strace -D -f -qq -o "$T/log" "${TRACED[@]}" "${what[@]}" \
        "$BIN/$SERVER" -p 0 -o json "${words[@]:1}"
}

# The system calls to be traced; all that are injected must be among them.
trace() { # NAME,...
    TRACED=(-e trace="$1" -e signal="${2:-none}")
}

await_injected() { # the same; until it listens
    start_injected "$@"
    await_ready
}

tracing() {
    local comm pid

    find_marked
    for pid in "${MARKED[@]}"; do
        if { read -r comm <"/proc/$pid/comm"; } 2>/dev/null && [[ $comm == strace ]]; then
            return 0
        fi
    done
    return 1
}

# strace's log has at least so many lines like this; it is whole when strace has ended.
was_done() { # N [PATTERN]
    local count

    eventually ends tracing
    count=$(grep -Ec -- "${2:-\(INJECTED\)}" "$T/log") || :
    if ((count < $1)); then
        echo "done $count times only: ${2:-(INJECTED)}"
        head -n 50 "$T/log"
        return 1
    fi
    COUNT=$count
}

serves() { # N CONNECTIONS: all of them whole, one after the other
    poke -r "$1" "$ADDRESS" connect send:'100\n' reply:100 half eof
}

# It ends well, has served so many connections and lost none, and said just so many lines on stderr.
ended_well() { # CONNECTIONS LINES
    stop_server
    cat "$ERR"
    [[ $STATUS -eq 0 ]]
    counted connections "$1"
    counted requests "$1"
    counted bytes "$((100 * $1))"
    counted broken 0
    counted rejected 0
    counted timed_out 0
    [[ $(wc -l <"$ERR") -eq $2 ]]
}

# --- accept ---------------------------------------------------------------------------------------

# What is wrong with one connection, or with the network, when it is accepted: docs of accept(2).
passes_over() { # SERVER ERROR
    trace accept,accept4
    await_injected "$1" "accept,accept4:error=$2:when=1+2"
    serves 4
    ended_well 4 0
    was_done 4 "$2.*\(INJECTED\)"
}

@test "accept: all the errors that accept(2) lists for a network are passed over" {
    local error

    for error in ECONNABORTED EOPNOTSUPP EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH \
        ENETUNREACH ETIMEDOUT EPERM; do
        passes_over 'server03_prefork_accept -n 1 -a poll' "$error"
        passes_over server08_epoll "$error"
    done
}

# --- processes ------------------------------------------------------------------------------------

# However a libc makes them.
NEW_PROCESS='?fork,?vfork,?clone,?clone3'

refused_so_often() { # N
    [[ $(grep -c 'EAGAIN.*(INJECTED)' "$T/log") -ge $1 ]]
}

@test "HUP while no process can be had: one child is lost to it, the others stay" {
    local server

    COMPLAINTS='cannot start child 1, trying again: |HUP: a successor did not get ready'
    for server in server03_prefork_accept server04_fdpass; do
        trace "$NEW_PROCESS"
        await_injected "$server -n 3" "$NEW_PROCESS:error=EAGAIN:when=4+"
        eventually has_children "$SERVER_PID" 3
        kill -s HUP "$SERVER_PID"
        eventually has_children "$SERVER_PID" 2
        eventually refused_so_often 4 # with growing pauses between them
        has_children "$SERVER_PID" 2
        serves 3
        ended_well 3 2
    done
}

# --- interruptions --------------------------------------------------------------------------------

WAITING='accept,accept4,writev,sendmsg,recvmsg,/select,/poll,/epoll_,?io_uring_enter'

# The loader reads too, and a sanitizer when it begins. READS is how many reads a program makes
# before it serves: a distributor and its handler, the largest ones.
count_reads() {
    trace read
    await_injected 'server05_spawn_pool -n 1' read:delay_enter=1
    stop_server
    eventually ends tracing
    READS=$(awk '/read\(/ { n = ++count[$1]; most = n > most ? n : most } END { print most + 0 }' \
        "$T/log")
    rm "$OUT" "$ERR"
}

# Requests come byte by byte, replies go in many pieces, and half of the calls are interrupted.
survives_interruptions() { # "SERVER OPTION..." CALLS FAULT
    trace "read,$2" SIGALRM
    await_injected "$1" "read:$3:when=$((READS + 2))+2" "$2:$3:when=2+2"
    poke -j 3 -r 3 "$ADDRESS" connect send:'100\n' reply:100 half eof
    poke -j 2 "$ADDRESS" buffer:4096 connect slow:2:'300000\n' reply:300000 half eof
    stop_server
    [[ $STATUS -eq 0 && ! -s $ERR ]]
    counted connections 11
    counted requests 11
    counted bytes 600900
    counted broken 0
}

INTERRUPTED=("${ALL_SERVERS[@]}" 'server03_prefork_accept -n 2 -a select'
    'server03_prefork_accept -n 2 -a poll' 'server03_prefork_accept -n 2 -a lock-mutex'
    'server05_spawn_pool -n 2 -d piped')

# The tick's handler runs, and the kernel ends the call: that is where EINTR comes from.
@test "the wait for a mutex is by a clock that nobody can set back, where the library has it" {
    ldd "$BIN/server03_prefork_accept" | grep -q 'libc\.so\.6' || skip 'perhaps not in this library'
    trace futex
    await_injected 'server03_prefork_accept -n 3 -a lock-mutex' futex:delay_enter=1
    serves 3
    ended_well 3 0
    was_done 1 'futex.*WAIT|futex.*LOCK'
    run ! grep -q REALTIME "$T/log"
}

@test "a signal at every second call that waits: nobody notices" {
    local server calls=$WAITING

    count_reads
    for server in "${INTERRUPTED[@]}" 'server03_prefork_accept -n 2 -a lock-file'; do
        calls=$WAITING
        if [[ $server == *lock-* ]]; then
            calls+=,futex
        fi
        survives_interruptions "$server" "$calls" signal=ALRM
        was_done 10 '--- SIGALRM'
    done
}

# The signal is there when the call begins that would wait: the last moment between looking at the
# flag and sleeping. In a pool TERM so meets the parent, which passes it on.
stopped_at() { # "SERVER OPTION..." CALL:when=N
    trace "${2%%:*}" SIGTERM
    start_injected "$1" "${2%%:*}:signal=TERM:${2#*:}"
    await_end
    cat "$ERR"
    [[ $STATUS -eq 0 && ! -s $ERR ]]
    json_of connections >/dev/null
    was_done 1 '--- SIGTERM'
}

@test "TERM on entering the call that waits for work stops every server" {
    stopped_at server00_iterative accept,accept4:when=1
    stopped_at server01_fork /select:when=1
    stopped_at server02_select /select:when=1
    stopped_at 'server03_prefork_accept -n 2' /select:when=1
    stopped_at 'server04_fdpass -n 2' /select:when=1
    stopped_at 'server05_spawn_pool -n 1' /select:when=2
}

# --- a slow kernel --------------------------------------------------------------------------------

# Each call lasts for 30 ms longer; the clients are served, and the stop comes while they are.
stops_although_slow() { # "SERVER OPTION..."
    local good bad

    rm -f "$T"/poke.*
    await_injected "$1" "$WAITING:delay_enter=10000:delay_exit=20000:when=2+1"
    poke_away -k -j 3 -r 1000 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually server_counts requests -ge 9
    stop_server
    [[ $STATUS -eq 0 && ! -s $ERR ]]
    counted broken 0
    counted timed_out 0
    await_poke
    read -r good bad < <(cat "$T"/poke.* | awk '{ good += $2; bad += $4 } END { print good, bad }')
    echo "$1: good $good, bad $bad, of $(json_of requests)"
    counted requests "$good" # each reply that was sent whole has arrived whole
}

@test "every call lasts long, and a stop comes meanwhile: what was begun is finished" {
    local server

    trace "$WAITING"
    for server in "${ALL_SERVERS[@]}"; do
        stops_although_slow "$server"
        was_done 6 '\(DELAYED\)'
    done
}

# --- replies --------------------------------------------------------------------------------------

# The third writev of each process that serves: one connection is lost with it, and is counted.
loses_one() { # "SERVER OPTION..." ERROR
    trace writev
    await_injected "$1" "writev:error=$2:when=3"
    serves 2
    poke "$ADDRESS" connect send:'100\n' gone
    serves 2
    stop_server
    [[ $STATUS -eq 0 && ! -s $ERR ]]
    counted connections 5
    counted requests 4
    counted bytes 400
    counted broken 1
    was_done 1 "writev.*$2.*\(INJECTED\)"
    [[ $COUNT -eq 1 ]]
}

@test "a write that fails costs its own connection, and is counted as broken" {
    loses_one server00_iterative ENOBUFS
    loses_one server02_select EPIPE
    loses_one 'server03_prefork_accept -n 1' ECONNRESET
    loses_one 'server04_fdpass -n 1' ENOBUFS
    loses_one 'server05_spawn_pool -n 1' EPIPE
}

# --- passing descriptors --------------------------------------------------------------------------

passed_so_often() { # N
    [[ $(grep -c 'sendmsg(' "$T/log") -ge $1 ]]
}

# The only child is killed while three connections wait in its channel. Neither it nor its successor
# has memory to receive, at first.
@test "no memory to receive what a dead child had not begun: later, and none is lost" {
    COMPLAINTS='died of signal 9|cannot receive connections, trying again: Cannot allocate'
    trace sendmsg,recvmsg
    await_injected 'server04_fdpass -n 1 -Q 4' recvmsg:error=ENOMEM:when=1..3
    occupy_child gone
    poke_away -j 3 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually passed_so_often 4
    kill -s KILL "$CHILD"
    await_poke
    touch "$T/go"
    await_poke "${HELPERS[0]}"
    stop_server
    cat "$ERR"
    [[ $STATUS -eq 0 && $(wc -l <"$ERR") -eq 3 ]]
    counted connections 4
    counted requests 4
    counted children_lost 1
    was_done 6 'recvmsg.*ENOMEM.*\(INJECTED\)'
}

# --- set-up ---------------------------------------------------------------------------------------

@test "shared memory that cannot be reserved beforehand, as on some systems, is used all the same" {
    trace fallocate
    await_injected server00_iterative fallocate:error=ENODEV:when=1+
    serves 2
    ended_well 2 0
    was_done 1
}

# --- the client -----------------------------------------------------------------------------------

# The client with faults, which are options of strace: STATUS, JSON.
ask_injected() { # -e inject=... -- OPTION...
    local faults=()

    while [[ $1 != -- ]]; do
        faults+=("$1")
        shift
    done
    shift
    rm -f "$T/log"
    STATUS=0
    TEST_MARK=$T timeout -k 5 100 strace -D -f -qq -o "$T/log" "${TRACED[@]}" "${faults[@]}" \
        "$BIN/client" -p "$PORT" -o json "$@" >"$T/report" 2>"$T/stderr" 3>&- || STATUS=$?
    take_json "$T/report"
    echo "status $STATUS $(cat "$T/stderr")"
    check_identity
}

@test "client: connect fails in the middle of a run: counted by kind, the others are served" {
    SERVER=server03_prefork_accept
    start_server -n 3
    trace connect
    ask_injected -e inject=connect:error=ECONNREFUSED:when=4+5 -- -c 2 -t 20
    [[ $STATUS -eq 1 ]]
    was_done 1 'connect.*ECONNREFUSED.*\(INJECTED\)'
    counted errors.refused "$COUNT"
    counted completed $((40 - COUNT))
    counted failed "$COUNT"
    ask_injected -e inject=connect:error=EADDRNOTAVAIL:when=4 -- -c 2 -t 20
    [[ $STATUS -eq 4 ]]
    was_done 2 'connect.*EADDRNOTAVAIL.*\(INJECTED\)'
    counted errors.client_limited 2
    [[ $(json_of errors.refused errors.reset errors.other | paste -sd' ') == '0 0 0' ]]
}

@test "client: EINTR from every second call that waits: every byte is verified all the same" {
    local calls='write,/poll,/select,/clock_nanosleep,/wait'

    count_reads # of a server: the client's are about as many
    SERVER=server03_prefork_accept
    start_server -n 3
    trace "read,$calls"
    ask_injected -e "inject=read:error=EINTR:when=$((READS + 6))+2" \
        -e "inject=$calls:error=EINTR:when=6+2" -- -c 2 -t 20 -b 100000
    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    was_done 10 'EINTR.*\(INJECTED\)'
    counted completed 40
    counted bytes_received 4000000
}

# --- the file of a Unix socket --------------------------------------------------------------------

# The second server comes while the first has bound its socket and does not listen yet: connections
# to it are refused, as if it were dead.
@test "a Unix socket that is bound and not yet listening is not taken for a dead one" {
    for SERVER in server00_iterative server03_prefork_accept; do
        trace listen
        start_injected "$SERVER -i $T/socket" listen:delay_enter=3000000
        eventually test -S "$T/socket"
        run -1 --separate-stderr timeout 10 "$BIN/$SERVER" -i "$T/socket"
        [[ $stderr == "$SERVER: $T/socket: a server is listening there" ]]
        await_ready
        poke "$T/socket" connect send:'100\n' reply:100 half eof
        ended_well 1 0
        was_done 1 '\(DELAYED\)'
    done
}

@test "TERM while the server starts: it ends as at any other time, and leaves no file" {
    for SERVER in server00_iterative server03_prefork_accept 'server05_spawn_pool -n 1'; do
        trace listen
        start_injected "$SERVER -i $T/socket" listen:delay_exit=500000
        eventually test -S "$T/socket"
        kill -s TERM "$SERVER_PID"
        await_end
        [[ $STATUS -eq 0 && -z $(find "$T" -name 'socket*') ]]
    done
}

# The first server has found a dead server's socket and is about to remove it; a second one comes.
@test "a dead Unix socket is removed by one server at a time" {
    COMPLAINTS='another server has the lock of this path'
    for SERVER in server00_iterative server03_prefork_accept; do
        start_server -i "$T/socket"
        kill -s KILL "$SERVER_PID"
        await_end
        eventually nothing_marked
        trace /^unlink
        start_injected "$SERVER -i $T/socket" /^unlink:delay_enter=2000000
        eventually says "$T/log" 'unlink.*/socket"'
        run -1 --separate-stderr timeout 10 "$BIN/$SERVER" -i "$T/socket"
        [[ $stderr == "$SERVER: $T/socket: another server has the lock of this path: "* ]]
        await_ready
        poke "$T/socket" connect send:'100\n' reply:100 half eof
        ended_well 1 0
        [[ -z $(find "$T" -name 'socket*') ]]
        was_done 1 '\(DELAYED\)'
    done
}

# As if it had been asked when its file was there already, and the kernel could not yet find it.
@test "a living server's Unix socket that seemed dead is not removed: its path is locked" {
    COMPLAINTS='another server has the lock of this path'
    SERVER=server00_iterative
    start_server -i "$T/socket"
    trace connect
    start_injected "$SERVER -i $T/socket" connect:error=ECONNREFUSED:when=1
    await_end
    [[ $STATUS -eq 1 && $(wc -l <"$ERR") -eq 1 ]]
    says "$ERR" "$T/socket: another server has the lock of this path"
    was_done 1
    [[ -S $T/socket ]]
    poke "$T/socket" connect send:'100\n' reply:100 half eof
}

# --- kill -9 during the start ---------------------------------------------------------------------

# The server under SIGKILL, on entering the Nth call of this name; true if it is killed by that.
is_killed_at() { # CALL N
    rm -f "$T/log"
    trace "$1" SIGKILL
    start_injected "server04_fdpass -n 2 -i $T/socket" "$1:signal=KILL:when=$2"
    eventually says_or_dead
    if says "$OUT" 'listening on'; then
        stop_server
        return 1
    fi
    await_end
    eventually nothing_marked
    [[ $STATUS -eq 137 ]]
}

# Only between shm_open() and shm_unlink(), two calls that follow each other, is there a name to
# leave behind: of an empty object, which only its owner may open, and which the next server that
# has this pid passes over.
@test "kill -9 at each call of the start leaves no memory, process, or socket in the way" {
    local call n killed=0 left=0 size mode name

    for call in /open /unlink /ftruncate /fallocate socket bind listen getsockname; do
        for ((n = 1; n < 20; n++)); do
            is_killed_at "$call" "$n" || break
            killed=$((killed + 1))
            while read -r size mode name; do
                echo "$call $n leaves $name of $size bytes, mode $mode"
                rm "$name"
                [[ $call == /unlink && $size -eq 0 && $mode -eq 600 ]]
                left=$((left + 1))
            done < <(find /dev/shm -name "*.$SERVER_PID.*" -printf '%s %m %p\n')
        done
        ((n > 1 && n < 20))
    done
    echo "killed $killed times, $left of them left something"
    ((killed > 15))
    start_server -i "$T/socket"
    poke "$T/socket" connect send:'100\n' reply:100 half eof
    stop_server
    [[ -z $(find "$T" -name 'socket*') ]]
}

says_or_dead() {
    dead "$SERVER_PID" || says "$OUT" 'listening on'
}
