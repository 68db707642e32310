#!/usr/bin/env bats
# What every server promises: docs/protocol.md and sections 3 to 7 of the design, line by line.
# (A connection that begins with a letter is HTTP's: http.bats.)
# $SERVER names the one to ask; tests/run runs this file once for each, with the tags that fit:
#     single      one process does it all        concurrent  a slow client delays nobody
#     children    has child processes            pool        that wait for work
#     starts      a process or a thread, while it serves
#     holds       whoever serves has the connection

load ../helpers

# True if every row's field adds up to the total. (server01 has no rows.)
adds_up() { # FIELD
    local rows

    rows=$(json_of 'children.#')
    if ((rows > 0)); then
        counted "$1" "$(json_of "children.*.$1" | awk '{ sum += $1 } END { printf "%d", sum }')"
    fi
}

# --- the protocol ---------------------------------------------------------------------------------

@test "replies have exactly the bytes asked for, whatever the size" {
    local sizes=(1 2 30 31 32 33 60 61 62 93 4096 65535 65536 65537 131072 1048576 16777216)
    local size steps=() sum=0

    for size in "${sizes[@]}"; do
        steps+=(connect send:"$size\n" half reply:"$size" eof)
        sum=$((sum + size))
    done
    start_server
    poke "$ADDRESS" "${steps[@]}"
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections "${#sizes[@]}"
    counted requests "${#sizes[@]}"
    counted bytes "$sum"
    counted broken 0
}

@test "the stamp names the process that replies" {
    start_server
    run -0 poke "$ADDRESS" connect send:'32\n' reply:32 who send:'4096\n' reply:4096 who
    [[ ${lines[0]} == "${lines[1]}" ]]
    [[ ${lines[0]} =~ ^child\ [0-9]+(\.[1-9][0-9]*)?\ pid\ ([0-9]+)$ ]]
    thread=${BASH_REMATCH[1]} pid=${BASH_REMATCH[2]}
    stop_server
    if [[ -n $thread && ${lines[0]} == 'child 0.'* ]]; then
        [[ $pid == "$SERVER_PID" ]]
    elif [[ $(json_of 'children.#') -gt 0 ]]; then
        json_of 'children.*.pid' | grep -qx "$pid"
    else
        [[ $pid != "$SERVER_PID" ]]
    fi
}

@test "many clients at once are all served, and all counted" {
    start_server
    poke -j 20 -r 20 "$ADDRESS" connect send:'1000\n' reply:1000 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 400
    counted requests 400
    counted bytes 400000
    counted broken 0
    adds_up connections
    adds_up requests
    adds_up bytes
    adds_up wasted_wakeups
}

@test "requests on one connection: many, pipelined, in odd pieces, up to 64 bytes long" {
    local i pipelined=() steps=() text='' zeros

    zeros=$(printf '%058d' 0)
    for ((i = 1; i <= 100; i++)); do
        steps+=(send:"$((i * 7))\n" reply:"$((i * 7))")
    done
    for ((i = 1; i <= 300; i++)); do
        text+="$((i % 90 + 1))\n"
        pipelined+=(reply:"$((i % 90 + 1))")
    done
    start_server
    poke "$ADDRESS" connect "${steps[@]}" half eof
    poke "$ADDRESS" connect send:'1\n31\n32\n100000\n33\n' reply:1 reply:31 reply:32 \
        reply:100000 reply:33 half eof
    poke "$ADDRESS" connect send:"$text" half "${pipelined[@]}" eof
    poke "$ADDRESS" connect slow:10:'4096 0 0\n' reply:4096 send:'10' sleep:20 send:'0\n5' \
        reply:100 sleep:20 send:'0\n' reply:50 half eof
    poke "$ADDRESS" connect send:"100 $zeros 0\n" reply:100 send:"100 $zeros 0\r\n" reply:100
    poke "$ADDRESS" connect send:"100 0$zeros 0\n" line:'error: ' eof
    stop_server
    counted connections 6
    counted requests $((100 + 5 + 300 + 3 + 2))
    counted rejected 1
}

@test "CR LF ends a line too, and so does the end of file" {
    start_server
    poke "$ADDRESS" connect send:'100\r\n33\n' reply:100 reply:33 send:'5 0 0\r\n' reply:5 half eof
    poke "$ADDRESS" connect send:100 half reply:100 eof
    poke "$ADDRESS" connect send:'40\n50' half reply:40 reply:50 eof
    poke "$ADDRESS" connect send:'60\r' half reply:60 eof
    stop_server
    counted requests 7
    counted rejected 0
}

@test "CPU_US is burnt, and WAIT_US is waited for, at no cost" {
    start_server
    poke "$ADDRESS" connect mark send:'10 100000\n' reply:10 after:100 \
        mark send:'10 0 400000\n' reply:10 after:400 \
        mark send:'10 50000 200000\n' reply:10 after:250
    stop_server
    json_of cpu_user_s cpu_system_s | awk '{ sum += $1 }
        END { print sum; exit sum < 0.13 || sum >= 0.6 }' # the waiting alone is 0.6 s
}

@test "a bad request gets an error line and the end, and others go on" {
    local bad=('\n' '\r\n' '?bc\n' '0\n' '-1\n' '+1\n' '1.5\n' '0x10\n' ' 5\n' '5\t5\n' '10x\n'
        '1073741825\n' '99999999999999999999999999\n' '10 x\n' '10 -1\n' '10 10000001\n'
        '10 0 x\n' '10 0 10000001\n' '10 0 99999999999999999999\n' '10 0 0 0\n' '10 0 0 x\n'
        '1\0\n' '\0\n' ' GET / HTTP/1.1\r\nHost: x\r\n\r\n'
        "$(printf '%065d' 1)\n" "$(printf '%0200d' 1)" "$(printf '%01000d' 1)\n")
    local line steps=()

    for line in "${bad[@]}"; do
        steps+=(connect send:"$line" line:'error: ' eof connect send:'33\n' reply:33)
    done
    start_server
    run -0 poke "$ADDRESS" "${steps[@]}"
    [[ ${#lines[@]} -eq ${#bad[@]} ]]
    for line in "${lines[@]}"; do
        [[ ${#line} -gt 20 && ${#line} -lt 100 ]]
    done
    poke "$ADDRESS" connect send:'12a' half line:'error: ' eof
    poke "$ADDRESS" connect send:'100\nabc\n33\n' reply:100 line:'error: ' eof
    for line in {1..5}; do # also with 100 kB of garbage behind it
        poke "$ADDRESS" connect send:'?\n' fill:100000 line:'error: ' eof
        poke "$ADDRESS" connect fill:100000:- line:'error: ' eof
    done
    poke "$ADDRESS" connect send:'33\n' reply:33
    stop_server
    counted rejected $((${#bad[@]} + 12))
    counted requests $((${#bad[@]} + 2))
    counted broken 0
    counted timed_out 0
}

@test "the error line says what is wrong and what is allowed" {
    start_server
    run -0 poke "$ADDRESS" connect send:'0\n' line:'error: '
    [[ $output == *BYTES*1073741824* ]]
    run -0 poke "$ADDRESS" connect send:'1 x\n' line:'error: '
    [[ $output == *CPU_US*10000000* ]]
    run -0 poke "$ADDRESS" connect send:'1 0 x\n' line:'error: '
    [[ $output == *WAIT_US*10000000* ]]
    run -0 poke "$ADDRESS" connect send:"$(printf '%065d' 1)\n" line:'error: '
    [[ $output == *64* ]]
}

# --- where it listens -----------------------------------------------------------------------------

@test "the first line says where: only loopback unless asked, IPv6, every address, a name" {
    start_server
    [[ $(cat "$OUT") =~ ^$SERVER:\ listening\ on\ 127\.0\.0\.1:[1-9][0-9]*,\ pid\ $SERVER_PID$ ]]
    poke "$ADDRESS" connect send:'1\n' reply:1
    stop_server
    start_server -i ::1
    [[ $(cat "$OUT") =~ ^$SERVER:\ listening\ on\ \[::1\]:[1-9][0-9]*,\ pid\ $SERVER_PID$ ]]
    poke "$ADDRESS" connect send:'100\n' reply:100
    stop_server
    start_server -i 0.0.0.0
    [[ $ADDRESS == 0.0.0.0:* ]]
    poke "127.0.0.1:$PORT" connect send:'100\n' reply:100
    poke "127.0.0.2:$PORT" connect send:'100\n' reply:100
    stop_server
    start_server -i localhost
    [[ $ADDRESS == 127.0.0.1:* ]]
}

@test "a port that is asked for is the port that it gets, also at once after another server" {
    local port

    start_server -i "$OWN_HOST"
    port=$PORT
    poke -r 10 "$ADDRESS" connect send:'1\n' reply:1
    stop_server
    start_server -i "$OWN_HOST" -p "$port"
    [[ $ADDRESS == "$OWN_HOST:$port" ]]
    poke "$ADDRESS" connect send:'1\n' reply:1
}

@test "a Unix socket: served, named in the first line, removed at the end" {
    start_server -i "$T/socket"
    [[ $(head -n 1 "$OUT") == "$SERVER: listening on $T/socket, pid $SERVER_PID" ]]
    poke -j 5 -r 5 "$T/socket" connect send:'100\n' reply:100 half eof
    poke "$T/socket" connect send:'1048576\n' reply:1048576 send:'x\n' line:'error: ' eof
    stop_server
    [[ $STATUS -eq 0 && ! -e $T/socket ]]
    counted connections 26
}

@test "a Unix socket: a dead server's is replaced" {
    start_server -i "$T/socket"
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    [[ -S $T/socket ]]
    start_server -i "$T/socket"
    poke "$T/socket" connect send:'100\n' reply:100
    stop_server
    [[ ! -e $T/socket ]]
}

@test "a Unix socket: a living server's is never taken" {
    start_server -i "$T/socket"
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$T/socket"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "*"$T/socket"* ]]
    poke "$T/socket" connect send:'100\n' reply:100
}

@test "a Unix socket: what is no socket is never removed" {
    local name

    echo precious >"$T/file"
    mkdir "$T/directory"
    ln -s file "$T/link"
    mkfifo "$T/fifo"
    for name in file directory link fifo; do
        run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$T/$name"
        [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "*"$T/$name"* ]]
    done
    [[ -d $T/directory && -L $T/link && -p $T/fifo && $(cat "$T/file") == precious ]]
}

# In one line, that names the address.
cannot_listen() { # NAMED OPTION...
    local named=$1

    shift
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" "$@"
    echo "$stderr"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "*"$named"* ]]
}

@test "where it cannot listen it says so in one line, and fails" {
    start_server
    cannot_listen "$PORT" -p "$PORT"
    cannot_listen 192.0.2.1 -i 192.0.2.1 -p 0
    cannot_listen no.such.host.invalid -i no.such.host.invalid -p 0
    cannot_listen "$T/no/socket" -i "$T/no/socket"
    cannot_listen "$T/$(printf '%0200d' 0)" -i "$T/$(printf '%0200d' 0)"
}

# Of two servers and their children.
ticks_of_both() {
    local pid sum=0

    for pid in "$SERVER_PID" "$1" $(children_of "$SERVER_PID") $(children_of "$1"); do
        sum=$((sum + $(ticks_of "$pid" 2>/dev/null || echo 0))) # a child of 01 may be gone
    done
    echo "$sum"
}

# One that another server has as well. Each of them may find that the other was faster, and whether
# the socket blocks then is the affair of whoever has made it.
@test "an inherited socket is used: LISTEN_FDS, blocking or not; none changes that, none spins" {
    local before first flag other

    # shellcheck disable=SC2016
    first='(sh -c '"'"'echo $$ >"$0"; export LISTEN_PID=$$; exec "$@"'"'"' "$0" "$@" -q &)
        exec "$@" -o json'
    for flag in '' nonblocking; do
        # shellcheck disable=SC2086 # perhaps nothing
        launch poke -L 127.0.0.1:0 ${flag:+"$(type -P poke)" -N 3} "$(type -P sh)" -c "$first" \
            "$T/other" "$BIN/$SERVER" -p 1
        await_ready
        [[ $PORT -gt 1 ]]
        eventually test -s "$T/other"
        other=$(<"$T/other")
        HELPERS+=("$other")
        poke -j 3 -r 30 "$ADDRESS" connect send:'100\n' reply:100 half eof
        before=$(ticks_of_both "$other")
        [[ $(awk '$1 == "flags:" { print substr($2, length($2) - 3, 1) }' \
            "/proc/$SERVER_PID/fdinfo/3") -eq ${flag:+4} ]]
        pause 0.5
        (($(ticks_of_both "$other") - before < 20))
        kill -s TERM "$other"
        eventually dead "$other"
        poke "$ADDRESS" connect send:'100\n' reply:100 half eof
        stop_server
        [[ $STATUS -eq 0 ]]
        counted connections -ge 1
        rm "$T/other"
    done
}

@test "an inherited Unix socket is not the server's to remove" {
    launch poke -L "$T/socket" "$BIN/$SERVER" -o json -i "$T/socket"
    await_ready
    [[ $ADDRESS == "$T/socket" ]]
    poke "$ADDRESS" connect send:'100\n' reply:100
    stop_server
    [[ $STATUS -eq 0 && -S $T/socket ]]
}

@test "LISTEN_FDS: meant for another process it is left alone, without a socket it is an error" {
    # shellcheck disable=SC2016
    local as_self='export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3</dev/null'

    export LISTEN_FDS=1 LISTEN_PID=1
    start_server
    poke "$ADDRESS" connect send:'100\n' reply:100
    # timeout(1) would change the pid, so it stands in front
    run -1 --separate-stderr timeout $((LIMIT / 2)) sh -c "$as_self" sh "$BIN/$SERVER" -p 0
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: LISTEN_FDS"* ]]
}

# --- what it says ---------------------------------------------------------------------------------

has_all_fields() {
    local names

    names=$(json_of variant connections requests bytes rejected timed_out broken children_started \
        children_lost wakeups wasted_wakeups context_switches peak_rss_kib uptime_s cpu_user_s \
        cpu_system_s server pid)
    [[ $(tail -n 2 <<<"$names") == "$SERVER"$'\n'"$SERVER_PID" ]]
    [[ $(json_of '#') -ge 19 ]] # a server may say more than all do
    # all the others are numbers
    [[ $(tail -n +2 <<<"$names" | head -n 15 | grep -Evc '^[0-9]+(\.[0-9]+)?$') -eq 0 ]]
    if [[ $(json_of 'children.#') -gt 0 ]]; then
        json_of 'children.0.child' children.0.{pid,connections,requests,bytes} \
            children.0.{wakeups,wasted_wakeups,context_switches}
        fields=8
        [[ $FIELDS != *$'\nchildren.0.thread '* ]] || fields=9
        [[ $(json_of 'children.0.#') -eq $fields ]]
    fi
    counted peak_rss_kib -ge 100
}

@test "JSON: all fields, on one line, the last, when stopped by TERM or INT" {
    local signal

    for signal in TERM INT; do
        start_server
        poke "$ADDRESS" connect send:'100\n' reply:100 half eof
        stop_server "$signal"
        [[ $STATUS -eq 0 && $(wc -l <"$OUT") -eq 2 ]]
        has_all_fields
        counted connections 1
        counted bytes 100
    done
}

@test "JSON: on USR1 too, and the server goes on" {
    local i

    start_server
    for ((i = 1; i <= 3; i++)); do
        poke "$ADDRESS" connect send:'100\n' reply:100 half eof
        ask_server
        has_all_fields
        counted connections "$i"
    done
    stop_server
    counted connections 3
    [[ $(wc -l <"$OUT") -eq 5 ]]
}

# bats test_tags=pool
@test "JSON: the totals are the sums of the rows, also on USR1 under load" {
    local i

    start_server
    "$BIN/client" -p "$PORT" -q -c 2 -k 3 -b 100 -d $((LIMIT / 10)) 3>&- &
    HELPERS+=($!)
    for ((i = 0; i < 50; i++)); do
        ask_server
        adds_up connections
        adds_up requests
        adds_up bytes
    done
    await_poke "${HELPERS[0]}"
    stop_server
}

@test "text: totals, a row per child with a bar, processor time; on USR1 too" {
    local rows

    start_server -o text
    poke "$ADDRESS" connect send:'100\n' reply:100 send:'100\n' reply:100 half eof
    kill -s USR1 "$SERVER_PID"
    eventually says "$OUT" '^ *1 connection, 2 requests, 200 bytes'
    eventually says "$OUT" 'CPU [0-9.]+ s user'
    [[ $SERVER != server01* ]] || eventually says "$OUT" '^ *1 child started, 0 lost'
    poke -r 4 "$ADDRESS" connect send:'100\n' reply:100 send:'100\n' reply:100 half eof
    stop_server
    awk '/: up / { last = "" } { last = last $0 "\n" } END { printf "%s", last }' "$OUT" >"$T/last"
    OUT=$T/last # it has gone on; what it says at the end is looked at alone
    [[ $STATUS -eq 0 ]]
    says "$OUT" "^$SERVER.*pid $SERVER_PID"
    says "$OUT" '^ *5 connections, 10 requests, 1000 bytes'
    says "$OUT" '0 rejected, 0 timed out, 0 broken'
    says "$OUT" 'CPU [0-9.]+ s user'
    rows=$(awk '/^ *(child|thread) +pid/ { table = 1; next }
        table { print $3 }' "$OUT" | paste -sd+)
    if [[ -n $rows ]]; then
        [[ $((rows)) -eq 5 ]]
        grep -q '#' "$OUT"
    fi
    [[ $(awk '{ if (length($0) > most) most = length($0) } END { print most }' "$OUT") -le 100 ]]
}

@test "-q says nothing, -v a line per request" {
    start_server -o text -v
    poke "$ADDRESS" connect send:'123\n' reply:123 send:'7 0 1\n' reply:7 half eof
    stop_server
    [[ $(grep -c 'child [0-9.]* pid [0-9]*: .*bytes' "$OUT") -eq 2 ]]
    launch "$BIN/$SERVER" -q -i "$T/socket"
    eventually poke "$T/socket" connect send:'100\n' reply:100 2>/dev/null
    stop_server XCPU # as a limit of processor time asks to stop (ulimit -t)
    [[ $STATUS -eq 0 && ! -s $OUT ]]
}

@test "what cannot be said is a failure: standard output closed or full" {
    local to patience=$((LIMIT / 2))

    for to in '>&-' '>/dev/full'; do
        TEST_MARK=$T run -1 --separate-stderr timeout $patience sh -c "exec \"\$@\" $to" sh \
            "$BIN/$SERVER" -i "$T/socket"
        [[ ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "* ]]
        nothing_marked # at once, not when children see that they have no parent
        [[ -z $(find "$T" -name 'socket*') ]]
        for option in -h -V; do
            run ! timeout $patience sh -c "exec \"\$@\" $to" sh "$BIN/$SERVER" "$option"
        done
    done
    COMPLAINTS="^$SERVER: standard output"
    launch sh -c 'exec "$@" >/dev/full' sh "$BIN/$SERVER" -q -o json -i "$T/socket"
    eventually poke "$T/socket" connect send:'100\n' reply:100 2>/dev/null
    stop_server
    [[ $STATUS -eq 1 ]]
    nothing_marked
}

# As far as the kernel tells where the threads of a process wait.
waits_in_write() { # [PID]
    awk '/^0?$|pipe.*write/ { found = 1 }
        END { exit !found }' "/proc/${1:-$SERVER_PID}/task"/*/wchan
}

# Longer than the tick, which ends their writes.
@test "a reader that pauses gets every line of -v, and the statistics" {
    launch_into_pipe -v -o json -i "$T/./socket"
    read -r ready <&5
    fill_pipe
    poke_away -j 2 -r 5 "$T/./socket" connect send:'40\n' reply:40 half eof
    pause 1.5
    cat <&5 >"$T/lines" &
    HELPERS+=($!)
    await_poke
    all_lines() { [[ $(grep -ac '40 bytes, 0 us cpu' "$T/lines") -eq 10 ]]; }
    eventually all_lines
    kill -s STOP "${HELPERS[1]}"
    fill_pipe
    kill -s TERM "$SERVER_PID"
    pause 1.5
    kill -s CONT "${HELPERS[1]}"
    whole() { grep -aq '"requests":10,.*}$' "$T/lines"; } # there are zeros between
    eventually whole
    eventually dead "$SERVER_PID"
    wait "$SERVER_PID"
    exec 5>&-
}

@test "-v into a pipe that nobody reads: TERM ends it, and so does a second one" {
    launch_into_pipe -v -i "$T/./socket" -g "$LIMIT"
    COMPLAINTS='standard output|had to be killed'
    read -r ready <&5
    fill_pipe
    poke_away -k -j 3 "$T/./socket" connect send:'40\n40\n40\n' gone
    eventually some_wait_in_write
    kill -s TERM "$SERVER_PID"
    pause 0.5
    kill -s INT "$SERVER_PID" 2>/dev/null || :
    eventually dead "$SERVER_PID"
    exec 5>&-
}

some_wait_in_write() {
    local pid

    find_children "$SERVER_PID"
    for pid in "$SERVER_PID" "${CHILDREN[@]}"; do
        waits_in_write "$pid" && return
    done
    return 1
}

@test "ulimit -f: a log that is full ends no server, and no start ends without a word" {
    COMPLAINTS='standard output: File too large'
    head -c 1000000 /dev/zero >"$T/log"
    # shellcheck disable=SC2016
    launch bash -c 'ulimit -f 977; exec "$@" >>"$0"' "$T/log" "$BIN/$SERVER" -v -i "$T/socket"
    eventually listens_at "$T/socket"
    poke -r 40 "$T/socket" connect send:'40\n' reply:40 half eof
    stop_server
    [[ $STATUS -eq 1 ]]
    nothing_marked
    # (Where it can, ThreadSanitizer begins with a temporary file.)
    TMPDIR=/dev/null run -1 sh -c 'ulimit -f 0; exec "$@" 2>&1' sh "$BIN/$SERVER" -p 0
    [[ $output == "$SERVER: "*'File too large' ]]
}

# bats test_tags=client
@test "the client's distribution is the server's own count" {
    start_server
    "$BIN/client" -p "$PORT" -c 4 -t 50 -b 4096 -o json -q >"$T/client.json"
    stop_server
    counted connections 200
    counted requests 200
    counted bytes $((200 * 4096))
    [[ $(json completed failed <"$T/client.json" | paste -sd' ') == "200 0" ]]
    if [[ $(json_of 'children.#') -gt 0 ]]; then
        paste <(json_of 'children.*.pid') <(json_of 'children.*.connections') | awk '$2 > 0' |
            sort >"$T/server.rows"
        paste <(json 'children.*.pid' <"$T/client.json") \
            <(json 'children.*.connections' <"$T/client.json") | sort >"$T/client.rows"
        diff "$T/server.rows" "$T/client.rows"
    else
        [[ $(json 'distribution.children' <"$T/client.json") -eq 200 ]]
    fi
}

# --- stopping -------------------------------------------------------------------------------------

# (Here and below the client sleeps: nobody sees when the server, which has sent the first reply,
# begins with the second request; one that it has not begun when it must stop is not served.)
@test "TERM lets a request in progress finish" {
    start_server
    poke_away "$ADDRESS" connect send:'1\n100000 0 1500000\n' reply:1 sleep:200 \
        touch:"$T/working" reply:100000 eof
    eventually test -e "$T/working"
    stop_server
    await_poke
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted bytes 100001
    counted broken 0
}

@test "TERM lets a long reply get to a slow reader" {
    start_server -g "$PATIENCE"
    poke_away "$ADDRESS" buffer:4096 connect send:'1\n4194304\n' reply:1 more touch:"$T/working" \
        until:"$T/go" reply:4194304 eof
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    touch "$T/go"
    await_end
    await_poke
    [[ $STATUS -eq 0 ]]
    counted bytes 4194305
}

# Also where children that are busy have the listening socket open; also of a Unix socket, whose
# name stays until the server can remove it.
@test "TERM: whoever comes while a reply is being sent is refused at once, in every way to serve" {
    local host way

    [[ $OSTYPE == linux* ]] || skip "a listening socket can be shut on Linux alone"
    while read -r way; do
        for host in "$OWN_HOST" "$T/socket"; do
            [[ $way != *reuseport || $host != */* ]] || continue
            # shellcheck disable=SC2086 # words
            start_server $way -i "$host" -T 0 -g $((2 * PATIENCE))
            rm -f "$T/working" "$T/go"
            poke_away "$ADDRESS" buffer:4096 connect send:'1\n4194304\n' reply:1 more \
                touch:"$T/working" until:"$T/go" reply:4194304 eof
            eventually test -e "$T/working"
            kill -s TERM "$SERVER_PID"
            eventually poke "$ADDRESS" refused
            touch "$T/go"
            await_end
            await_poke
            [[ $STATUS -eq 0 ]]
            counted bytes 4194305
        done
    done < <(ways)
}

@test "TERM: another server can have the port while the last reply is being sent" {
    local first

    [[ $OSTYPE == linux* ]] || skip "a listening socket can be shut on Linux alone"
    start_server -i "$OWN_HOST" -T 0 -g $((2 * PATIENCE))
    first=$SERVER_PID
    poke_away "$ADDRESS" buffer:4096 connect send:'1\n4194304\n' reply:1 more \
        touch:"$T/working" until:"$T/go" reply:4194304 eof
    eventually test -e "$T/working"
    kill -s TERM "$first"
    eventually poke "$ADDRESS" refused
    start_server -i "$OWN_HOST" -p "$PORT"
    served_after
    alive "$first"
    touch "$T/go"
    await_end "$first"
    await_poke
    counted bytes 4194305
    served_after
    stop_server
    counted connections 2
}

@test "TERM: what a client asks for behind a long reply does not cost it that reply" {
    local more

    more=$(printf '1\\n%.0s' {1..400})
    start_server -g "$PATIENCE"
    poke_away "$ADDRESS" buffer:4096 connect send:"1\n12000000\n$more" reply:1 more \
        touch:"$T/working" until:"$T/go" reply:12000000 eof
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    touch "$T/go"
    await_end
    await_poke
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted broken 0
}

@test "USR1 with nobody left to read it: a complaint, and it serves on" {
    mkfifo "$T/pipe"
    read -r ready <"$T/pipe" &
    HELPERS+=($!)
    (
        export TEST_MARK=$T
        exec "$BIN/$SERVER" -i "$T/./socket" 3>&-
    ) >"$T/pipe" 2>"$T/err.pipe" &
    SERVER_PID=$!
    ALL+=("$SERVER_PID")
    COMPLAINTS='standard output'
    eventually dead "${HELPERS[0]}"
    kill -s USR1 "$SERVER_PID"
    eventually says "$T/err.pipe" 'standard output'
    poke "$T/./socket" connect send:'100\n' reply:100 half eof
    kill -s TERM "$SERVER_PID"
    eventually dead "$SERVER_PID"
}

@test "started without standard streams: what is printed does not go to a client" {
    local closed

    for closed in '>&-' '2>&-' '<&- >&- 2>&-'; do
        launch sh -c "exec \"\$0\" -q -v -i \"\$1\" $closed" "$BIN/$SERVER" "$T/socket"
        eventually listens_at "$T/socket"
        eventually poke "$T/socket" connect send:'40\n' reply:40 half eof
        poke -r 20 "$T/socket" connect send:'40\n' reply:40 half eof
        kill -s TERM "$SERVER_PID"
        eventually dead "$SERVER_PID"
    done
}

# A server on $T/socket whose standard output is a full pipe that nobody reads.
start_before_full_pipe() { # COMMAND...
    rm -f "$T/pipe"
    mkfifo "$T/pipe"
    exec 5<>"$T/pipe"
    dd if=/dev/zero of="$T/pipe" oflag=nonblock bs=4096 2>/dev/null || :
    # shellcheck disable=SC2016
    launch sh -c 'exec "$@" 5>&- >"$0"' "$T/pipe" "$@" "$BIN/$SERVER" -i "$T/socket"
    eventually listens_at "$T/socket"
}

@test "the first line into a full pipe: it waits, blocking or not, and TERM ends the wait" {
    COMPLAINTS='standard output|had to be killed' # a second TERM ends it at once
    start_before_full_pipe poke -N 1
    timeout "$PATIENCE" grep -aqm 1 "$SERVER: listening on $T/socket, pid $SERVER_PID" <&5
    poke "$T/socket" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    start_before_full_pipe
    eventually ends kill -s TERM "$SERVER_PID" 2>/dev/null
    await_end # with any status, for its statistics are lost too
    [[ -z $(find "$T" -name 'socket*') ]]
    exec 5>&-
}

@test "stderr that nobody reads: what a server warns of is lost, and TERM ends it" {
    mkfifo "$T/pipe"
    exec 5<>"$T/pipe"
    dd if=/dev/zero of="$T/pipe" oflag=nonblock bs=4096 2>/dev/null || :
    # shellcheck disable=SC2016
    launch sh -c 'exec "$@" 5>&- 2>"$0"' "$T/pipe" "$BIN/$SERVER" -p 0 -o json
    await_ready
    # shellcheck disable=SC2046 # into words
    limit_descriptors 3 $(acceptors)
    poke "$ADDRESS" connect close
    poke "$ADDRESS" connect close
    pause 0.2
    # shellcheck disable=SC2046
    limit_descriptors 256 $(acceptors) # LeakSanitizer needs some at the end
    stop_server
    [[ $STATUS -eq 0 ]]
    exec 5>&-
}

# (One that comes just before the write, with USR1 perhaps, does not end it; the next one does.)
@test "USR1 while nobody reads on: TERM ends it all the same, if need be a second one" {
    launch_into_pipe -i "$T/./socket"
    COMPLAINTS='standard output|had to be killed'
    read -r ready <&5
    fill_pipe
    kill -s USR1 "$SERVER_PID"
    eventually waits_in_write
    eventually ends kill -s TERM "$SERVER_PID" 2>/dev/null
    [[ ! -e $T/socket ]]
    exec 5>&-
}

# They arrive together, and no further one does.
@test "USR1 and TERM at once while nobody reads: the server ends" {
    launch_into_pipe -g 1 -i "$T/./socket"
    COMPLAINTS='standard output|had to be killed'
    read -r ready <&5
    fill_pipe
    kill -s STOP "$SERVER_PID"
    kill -s USR1 "$SERVER_PID"
    kill -s TERM "$SERVER_PID"
    kill -s CONT "$SERVER_PID"
    eventually dead "$SERVER_PID"
    [[ ! -e $T/socket ]]
    exec 5>&-
}

@test "TERM, and USR1 with nobody left to read it: the reply is sent whole, then the status is 1" {
    mkfifo "$T/pipe"
    read -r ready <"$T/pipe" 3>&- &
    HELPERS+=($!)
    # shellcheck disable=SC2016
    launch sh -c 'exec "$@" >"$0"' "$T/pipe" "$BIN/$SERVER" -g "$PATIENCE" -i "$T/socket"
    COMPLAINTS='standard output'
    eventually dead "${HELPERS[0]}"
    poke_away "$T/socket" connect send:'50000000\n' read:1000 touch:"$T/begun" until:"$T/go" \
        read:49999000 eof
    eventually test -e "$T/begun"
    kill -s TERM "$SERVER_PID"
    pause 0.1 # so that it comes after the stop
    kill -s USR1 "$SERVER_PID"
    pause 0.3 # for a server that dies of it
    touch "$T/go"
    await_poke
    await_end
    [[ $STATUS -eq 1 ]]
}

@test "TERM: an idle connection keeps nobody waiting" {
    local start

    start_server -g "$LIMIT" -T "$PATIENCE"
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/idle" eof
    eventually test -e "$T/idle"
    start=$(now_ms)
    stop_server
    (($(now_ms) - start < 250 * LIMIT))
    [[ $STATUS -eq 0 ]]
    await_poke
    counted broken 0
}

@test "TERM: a refused client that does not hang up keeps nobody waiting" {
    start_server -g 1
    poke_away "$ADDRESS" connect send:'?\n' line:'error: ' touch:"$T/refused" until:"$T/go"
    eventually test -e "$T/refused"
    stop_server
    [[ $STATUS -eq 0 ]]
    touch "$T/go"
    await_poke
    counted rejected 1
    counted timed_out 0
}

# As timeout(1) does it, with a TERM to the server and one to its group. (Two TERMs may be merged.)
@test "two stop signals at once are one wish: a request in progress is finished" {
    start_server
    poke_away "$ADDRESS" connect send:'1\n100 0 1200000\n' reply:1 sleep:200 touch:"$T/working" \
        reply:100 eof
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    kill -s INT "$SERVER_PID"
    pause 0.3                                  # a TERM would count by now
    kill -s XCPU "$SERVER_PID" 2>/dev/null || : # but the kernel sends this one each second
    await_end
    await_poke
    [[ $STATUS -eq 0 ]]
    counted broken 0
}

# Ten seconds of work begin; then `kill TERM`, and how long it takes is TOOK.
stop_inside_a_request() {
    local start

    poke_away "$ADDRESS" connect send:'1\n10 0 10000000\n' reply:1 sleep:200 touch:"$T/working" gone
    eventually test -e "$T/working"
    start=$(now_ms)
    "$@"
    await_end
    TOOK=$(($(now_ms) - start))
    echo "took $TOOK ms"
    await_poke
}

# bats test_tags=single
@test "-g 1 ends a request of 10 s after a second" {
    start_server -g 1
    stop_inside_a_request kill -s TERM "$SERVER_PID"
    ((TOOK >= 900 && TOOK < 9500))
    [[ $STATUS -eq 0 ]]
    counted broken 1
}

# bats test_tags=children
@test "-g 1 kills the child inside a request of 10 s after a second, and says so" {
    start_server -g 1
    COMPLAINTS='had to be killed'
    stop_inside_a_request kill -s TERM "$SERVER_PID"
    ((TOOK >= 900 && TOOK < 9500))
    [[ $STATUS -eq 1 ]]
    says "$ERR" '^'"$SERVER"': .*had to be killed'
}

stop_until_dead() {
    kill -s TERM "$SERVER_PID"
    sleep 0.1
    kill -s INT "$SERVER_PID"
    dead "$SERVER_PID"
}

@test "a second stop signal ends it at once" {
    start_server -g "$LIMIT"
    COMPLAINTS='had to be killed'
    stop_inside_a_request eventually stop_until_dead
    ((TOOK < 9500))
}

@test "a stop signal at any moment stops it: 24 times, under load" {
    local few=() i signals=(INT TERM) start took where worst=0

    if takes_children; then
        few=(-n 3)
    fi
    for ((i = 0; i < 24; i++)); do
        where=("$OWN_HOST" "$T/socket") # by turns
        start_server -g "$LIMIT" -i "${where[i / 2 % 2]}" "${few[@]}"
        poke -k -j 2 -r 1000 "$ADDRESS" connect send:'2000\n' reply:2000 sleep:1 >/dev/null 3>&- &
        HELPERS+=($!)
        pause "0.0$((RANDOM % 30 + 10))"
        start=$(now_ms)
        stop_server "${signals[i % 2]}"
        took=$(($(now_ms) - start))
        worst=$((took > worst ? took : worst))
        [[ $STATUS -eq 0 ]]
        json_of connections >/dev/null
        wait "${HELPERS[-1]}"
        HELPERS=()
    done
    echo "the longest took $worst ms"
    ((worst < 250 * LIMIT))
}

# --- trouble --------------------------------------------------------------------------------------

@test "1000 connections leave no descriptor open and no zombie" {
    local before

    start_server
    poke -j 4 -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually at_rest
    before=$(descriptors_of "$SERVER_PID")
    poke -j 4 -r 150 "$ADDRESS" connect send:'100\n' reply:100 half eof
    poke -j 4 -r 50 "$ADDRESS" connect send:'1000000\n' reply:1000 reset 2>/dev/null || :
    poke -j 4 -r 50 "$ADDRESS" connect send:'?\n' line:error: >/dev/null
    same_descriptors() { [[ $(descriptors_of "$SERVER_PID") == "$before" ]]; }
    eventually same_descriptors
    no_zombies_of "$SERVER_PID"
}

# It ends by itself, while others are served, and the server has counted it.
times_out() { # N MOST_MS STEP...
    poke "$ADDRESS" mark connect "${@:3}" after:800 within:"$2"
    served_after
    server_counts timed_out "$1"
}

@test "-T 1: a client that says nothing, or not all of a request, or nothing more, is dropped" {
    start_server -T 1
    times_out 1 $((200 * LIMIT)) eof
    times_out 2 $((250 * LIMIT)) drip:300 gone # although bytes come
    # And although signals end each wait: they come more often than the limits are looked at.
    while alive "$SERVER_PID"; do
        find_children "$SERVER_PID"
        kill -s ALRM "$SERVER_PID" "${CHILDREN[@]}" || :
        pause 0.1
    done 2>/dev/null 3>&- &
    HELPERS+=($!)
    times_out 3 $((200 * LIMIT)) send:'100\n' reply:100 eof
    counted requests 4
}

# Two looks after that time at the most. (A plain close would not end what stays, for it is open on
# its own side.)
@test "-T 3: one that does not read its reply is reset: the system does not keep it for later" {
    start_server -T 3
    poke "$ADDRESS" buffer:4096 connect mark send:'1073741824\n' stay after:2900 \
        within:$((400 * LIMIT))
    served_after
    stop_server
    counted timed_out 1
    counted bytes -lt 1073741924
    counted requests 1
}

@test "-T 1 ends no work, and no reply that gets on" {
    start_server -T 1
    poke "$ADDRESS" connect send:'100 0 2200000\n' reply:100 half eof
    # What is left at the end is more than a socket's buffers take: else the server would have done
    # its part while the client pauses, and what it waits for then is a request.
    poke "$ADDRESS" buffer:65536 connect send:'25165824\n' read:1000 sleep:500 read:1000000 \
        sleep:500 read:1000000 sleep:500 read:23164824 half eof
    stop_server
    counted timed_out 0
    counted requests 2
}

@test "a request that came in time is served, also by who was suspended for longer than -T" {
    local end='HTTP/1.1\r\nHost: x\r\n'
    local head=(line:'HTTP/1.1 200 ' line:Date line:Content line:Content line:$'\r')

    start_server -T $((LIMIT / 10))
    # The second request is as long as a browser's: more than one read takes.
    poke_away "$ADDRESS" connect send:"GET /33 $end\r\n" "${head[@]}" reply:33 who touch:"$T/open" \
        until:"$T/go" send:"GET /100 ${end}Cookie: $(printf %01000d 0)\r\n\r\n" touch:"$T/asked" \
        "${head[@]}" reply:100 half eof
    eventually test -e "$T/open"
    CHILD=$(awk '/^child/ { print $4 }' "$T/poke.0")
    kill -s STOP "$CHILD"
    touch "$T/go"
    eventually test -e "$T/asked"
    pause "$((LIMIT / 10)).5"
    kill -s CONT "$CHILD"
    await_poke
    stop_server
    counted timed_out 0
}

@test "-T 0: a silent client may stay" {
    start_server -T 0
    poke "$ADDRESS" connect silent:2300 send:'100\n' reply:100 half eof
    stop_server
    counted timed_out 0
}

@test "a client that resets inside a reply or a request harms nobody" {
    local i

    start_server
    for ((i = 0; i < 5; i++)); do
        poke "$ADDRESS" connect send:'16777216\n' read:1000 reset
        poke "$ADDRESS" connect send:'100' reset
        poke "$ADDRESS" connect reset
        poke "$ADDRESS" connect send:'40\n' reply:40 reset
        poke "$ADDRESS" connect close
        served_after
    done
    kill -s PIPE "$SERVER_PID"
    served_after
    stop_server
    [[ $STATUS -eq 0 ]]
    counted broken -ge 5 # inside the reply; and inside the request, if it was read before the reset
    counted broken -le 10
    counted requests 11
    counted timed_out 0
}

# bats test_tags=concurrent
@test "slow, silent and stuck clients delay nobody else" {
    local enough=()

    if takes_children; then
        enough=(-n 10)
    fi
    start_server -T "$PATIENCE" -g 0 "${enough[@]}"
    COMPLAINTS='had to be killed'
    poke_away "$ADDRESS" idle:2 touch:"$T/idle" until:"$T/go"
    poke_away "$ADDRESS" connect send:'10' touch:"$T/half" until:"$T/go"
    poke_away "$ADDRESS" buffer:4096 connect send:'16777216\n' more touch:"$T/stuck" until:"$T/go"
    eventually test -e "$T/idle" -a -e "$T/half" -a -e "$T/stuck"
    poke -r 50 "$ADDRESS" connect send:'1\n' reply:1 within:$((750 * LIMIT))
    touch "$T/go"
    for POKE in "${HELPERS[@]}"; do
        await_poke
    done
    stop_server
    counted requests -ge 50
}

@test "out of descriptors it waits without spinning, says so once, and recovers" {
    local before=0 after=0 one=() pid pids

    if takes_children; then
        one=(-n 1)
    fi
    [[ $SERVER != server10_* ]] || one+=(-t 1)
    start_server "${one[@]}"
    COMPLAINTS='memory, retrying'
    poke "$ADDRESS" connect send:'1\n' reply:1 half eof
    pids=$(acceptors)
    # shellcheck disable=SC2086
    limit_descriptors 3 $pids
    # One more may get through: Linux gives a descriptor to an accept() that blocks already.
    poke "$ADDRESS" connect close
    eventually says "$ERR" 'memory, retrying'
    poke_away "$ADDRESS" connect send:'100\n' reply:100 touch:"$T/served"
    for pid in $pids; do
        before=$((before + $(ticks_of "$pid")))
    done
    sleep 2
    for pid in $pids; do
        after=$((after + $(ticks_of "$pid")))
    done
    [[ ! -e $T/served ]]
    echo "$((after - before)) ticks"
    ((after - before < 20))
    # shellcheck disable=SC2086
    limit_descriptors 256 $pids
    await_poke
    [[ $(wc -l <"$ERR") -eq 1 ]]
    served_after
}

@test "signals that the starter ignored or blocked work all the same" {
    launch poke -I "$BIN/$SERVER" -p 0 -o json
    await_ready
    poke -j 3 -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    poke "$ADDRESS" connect send:'16777216\n' read:1000 reset
    ask_server
    counted connections 31
    eventually no_zombies_of "$SERVER_PID"
    stop_server INT
    [[ $STATUS -eq 0 ]]
    counted connections 31
}

# They come with exec, or are given to process 1 of a container.
@test "children that are not its own do not stay zombies" {
    # shellcheck disable=SC2016
    launch sh -c 'sleep 0.3 & echo $! >"$0"; exec "$@"' "$T/child" "$BIN/$SERVER" -p 0 -o json
    await_ready
    gone() { [[ ! -e /proc/$(cat "$T/child") ]]; }
    eventually gone
    stop_server
    [[ $STATUS -eq 0 ]]
}

# bats test_tags=pool
@test "started with signals ignored, a pool still sees the end of a child" {
    launch poke -I "$BIN/$SERVER" -p 0 -o json -n 2
    COMPLAINTS='died of signal 9'
    await_ready
    eventually has_children "$SERVER_PID" 2
    kill -s KILL "$(children_of "$SERVER_PID" | head -n 1)"
    eventually says "$ERR" 'died of signal 9'
    eventually has_children "$SERVER_PID" 2
    poke -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
}

# --- children -------------------------------------------------------------------------------------

# bats test_tags=children,holds
@test "a stopped child keeps only its own client waiting" {
    start_server -n 4
    occupy_child send:'100\n' silent:300 touch:"$T/waited" reply:100 half eof
    suspend "$CHILD"
    poke -r 40 "$ADDRESS" connect send:'100\n' reply:100 half eof
    touch "$T/go"
    eventually test -e "$T/waited"
    kill -s CONT "$CHILD"
    await_poke
}

# What ends with whoever has served the first connection: that is asked for more, and two others.
what_a_crash_costs() {
    local first=$POKE victim=$CHILD ended=() others=() stays=

    if [[ $SERVER != server00_* ]]; then
        occupy_child send:'100\n' reply:100
        others+=("$POKE $CHILD")
        occupy_child send:'100\n' reply:100
        others+=("$POKE $CHILD")
    fi
    kill -s SEGV "$victim"
    eventually dead "$victim" # one thread takes the signal; until it runs, another may serve
    touch "$T/go"
    ! await_poke "$first" >"$T/said" || stays=yes
    for POKE in "${others[@]}"; do
        await_poke "${POKE% *}" >"$T/said" || ended+=("${POKE#* }")
    done
    if ! eventually served_or_dead; then
        echo "neither served nor dead"
    elif dead "$SERVER_PID"; then
        await_end
        echo everything
    elif [[ ${#ended[@]} -eq 0 && -n $stays ]]; then
        echo no connection
    elif [[ ${#ended[@]} -eq 0 ]]; then
        echo its connection
    elif [[ ${ended[*]} == "$victim $victim" ]]; then
        echo "its process's connections"
    fi
}

served_or_dead() {
    dead "$SERVER_PID" || served_after 2>/dev/null
}

@test "a crash of whoever serves costs what README.md says" {
    local cell enough=()

    ulimit -c 0
    export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0
    COMPLAINTS='died of signal 11'
    [[ $SERVER != server05_* ]] || enough=(-n 3)
    [[ $SERVER != server10_* ]] || enough=(-n 1) # all three in one process
    cell=$(awk -F' *[|] *' -v number="${SERVER:6:2}" '$2 == number { print $6 }' "$ROOT/README.md")
    start_server "${enough[@]}"
    occupy_child send:'100\n' reply:100
    what_a_crash_costs >"$T/cost"
    echo "$SERVER: $(cat "$T/cost"); README.md: $cell"
    [[ -n $cell && $(cat "$T/cost") == "$cell" ]]
}

# bats test_tags=children,holds
@test "kill -9 of a busy child: its connection ends, the others stay, it is counted" {
    local first victim

    start_server -n 3
    COMPLAINTS='died of signal 9'
    occupy_child gone
    first=$POKE
    victim=$CHILD
    suspend "$victim" # so that the next client is another child's, also where one serves many
    occupy_child send:'100\n' reply:100 half eof
    kill -s KILL "$victim"
    touch "$T/go"
    await_poke "$first"
    await_poke
    eventually says "$ERR" "$victim"
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 1
    counted connections 22
    [[ $(wc -l <"$ERR") -eq 1 && $(cat "$ERR") == *"pid $victim died of signal 9" ||
        $(cat "$ERR") == *"pid $victim, died of signal 9" ]]
}

# bats test_tags=pool
@test "kill -9 of an idle child: it is replaced, counted, and no connection fails" {
    local victim

    start_server -n 3
    COMPLAINTS='died of signal 9'
    eventually has_children "$SERVER_PID" 3
    victim=$(children_of "$SERVER_PID" | sed -n 2p)
    poke_away -j 2 -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof
    await_poke
    kill -s KILL "$victim"
    eventually says "$ERR" "pid $victim, died of signal 9"
    eventually has_children "$SERVER_PID" 3
    poke -j 2 -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 1
    counted children_started 4
    counted connections 400
    adds_up connections
}

# bats test_tags=pool
@test "TERM to a child from somebody else ends that child alone, in every way to serve" {
    local victim way

    while read -r way; do
        # shellcheck disable=SC2086 # words
        start_server -n 3 $way
        COMPLAINTS='left by itself' # server05
        eventually has_children "$SERVER_PID" 3
        poke "$ADDRESS" connect send:'100\n' reply:100 half eof
        victim=$(children_of "$SERVER_PID" | sed -n 2p)
        kill -s TERM "$victim"
        eventually dead "$victim"
        poke -j 2 -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
        eventually has_children "$SERVER_PID" 3
        poke -j 2 -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
        stop_server
        [[ $STATUS -eq 0 ]]
        counted connections 81
        counted children_started 4
        counted children_lost 0
    done < <(ways)
}

# bats test_tags=pool
@test "HUP replaces every child, and no connection fails" {
    local old failed=0

    start_server -n 3 -g 10
    eventually has_children "$SERVER_PID" 3
    old=$(children_of "$SERVER_PID")
    poke_away "$ADDRESS" connect send:'1\n1000 0 1000000\n' reply:1 touch:"$T/working" reply:1000 \
        half eof
    eventually test -e "$T/working"
    # To all, as when a terminal is closed: the children wait their turn. In one of them that HUP is
    # still pending when the server's comes, and so is the only one that it sees.
    kill -s STOP "${old%%[!0-9]*}"
    # shellcheck disable=SC2086 # several pids
    kill -s HUP $old "$SERVER_PID"
    server_counts children_lost 0
    kill -s CONT "${old%%[!0-9]*}"
    all_replaced() {
        poke -j 3 -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof || failed=1
        ! grep -qxF "$old" <(children_of "$SERVER_PID") && has_children "$SERVER_PID" 3
    }
    eventually all_replaced
    [[ $failed -eq 0 ]]
    await_poke
    stop_server
    [[ $STATUS -eq 0 ]]
    counted children_lost 0
    counted children_started 6
}

# bats test_tags=children
@test "kill -9 of the parent: its children leave within two seconds, the port is free" {
    local i requests

    start_server -n 3 -i "$OWN_HOST" -v
    requests=$(for ((i = 0; i < 5 * LIMIT; i++)); do printf '1 0 200000\\n'; done)
    poke_away "$ADDRESS" connect send:'1\n'"$requests" reply:1 touch:"$T/busy" gone
    poke_away "$ADDRESS" connect send:'1\n10 0 10000000\n' reply:1 touch:"$T/working" gone
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/idle" gone
    eventually test -e "$T/working" -a -e "$T/idle" -a -e "$T/busy"
    orphans_leave
    start_server -i "$OWN_HOST" -p "$PORT"
    poke "$ADDRESS" connect send:'100\n' reply:100
    for POKE in "${HELPERS[@]}"; do
        await_poke
    done
}

# bats test_tags=starts
@test "no new process or thread can be had: it says so once, waits, and recovers" {
    local before

    start_as_somebody -n 2 -g "$LIMIT"
    COMPLAINTS='fork|pthread_create|cannot start child|died of signal 9'
    limit_processes 1
    if [[ -n $(children_of "$SERVER_PID") ]]; then
        kill -s KILL "$(children_of "$SERVER_PID" | head -n 1)"
        eventually says "$ERR" 'trying again'
        poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
        poke_away "$ADDRESS" connect send:'100\n' reply:100
    else
        poke_away "$ADDRESS" connect send:'100\n' reply:100 touch:"$T/served"
        eventually says "$ERR" 'trying again'
    fi
    before=$(ticks_of "$SERVER_PID")
    sleep 2
    (($(ticks_of "$SERVER_PID") - before < 20))
    [[ ! -e $T/served ]]
    [[ $(grep -c 'trying again' "$ERR") -eq 1 ]]
    limit_processes 1000
    await_poke
    poke -r 10 "$ADDRESS" connect send:'100\n' reply:100 half eof
    if [[ -e $T/served ]]; then # and a stop waits too
        limit_processes 1
        poke_away "$ADDRESS" connect send:'100\n' silent:300 touch:"$T/waits" reply:100 half eof
        eventually test -e "$T/waits"
        kill -s TERM "$SERVER_PID"
        pause 0.3
        limit_processes 1000
        await_poke
        await_end
        [[ $STATUS -eq 0 ]]
    fi
}
