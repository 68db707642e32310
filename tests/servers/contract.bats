#!/usr/bin/env bats
# What every server promises: docs/protocol.md and sections 3 to 7 of the design, line by line.
# $SERVER names the one to ask; tests/run runs this file once for each, with the tags that fit:
#     single      one process does it all        concurrent  a slow client delays nobody
#     children    has child processes            pool        that wait for work

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
    local size sum=0

    start_server
    for size in "${sizes[@]}"; do
        poke "$ADDRESS" connect send:"$size\n" half reply:"$size" eof
        sum=$((sum + size))
    done
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
    [[ ${lines[0]} =~ ^child\ [0-9]+\ pid\ ([0-9]+)$ ]]
    pid=${BASH_REMATCH[1]}
    stop_server
    if [[ $(json_of 'children.#') -gt 0 ]]; then
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

@test "a connection can make many requests, one after the other" {
    local i steps=()

    start_server
    for ((i = 1; i <= 100; i++)); do
        steps+=(send:"$((i * 7))\n" reply:"$((i * 7))")
    done
    poke "$ADDRESS" connect "${steps[@]}" half eof
    stop_server
    counted connections 1
    counted requests 100
    counted bytes $((7 * 5050))
}

@test "requests may be pipelined: several in one write, before a reply is read" {
    local i steps=() text=''

    start_server
    poke "$ADDRESS" connect send:'1\n31\n32\n100000\n33\n' reply:1 reply:31 reply:32 \
        reply:100000 reply:33 half eof
    for ((i = 1; i <= 300; i++)); do
        text+="$((i % 90 + 1))\n"
        steps+=(reply:"$((i % 90 + 1))")
    done
    poke "$ADDRESS" connect send:"$text" half "${steps[@]}" eof
    stop_server
    counted requests 305
}

@test "a request may come byte by byte, and two in odd pieces" {
    start_server
    poke "$ADDRESS" connect slow:10:'4096 0 0\n' reply:4096 send:'10' sleep:20 send:'0\n5' \
        reply:100 sleep:20 send:'0\n' reply:50 half eof
    stop_server
    counted requests 3
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

@test "a line may have 64 bytes" {
    local zeros

    zeros=$(printf '%058d' 0)
    start_server
    poke "$ADDRESS" connect send:"100 $zeros 0\n" reply:100 send:"100 $zeros 0\r\n" reply:100
    poke "$ADDRESS" connect send:"100 0$zeros 0\n" line:'error: ' eof
}

@test "CPU_US is burnt" {
    start_server
    poke "$ADDRESS" connect mark send:'10 300000\n' reply:10 after:300
    stop_server
    json_of cpu_user_s cpu_system_s | awk '{ sum += $1 } END { exit !(sum >= 0.29) }'
}

@test "WAIT_US is waited for, at no cost" {
    start_server
    poke "$ADDRESS" connect mark send:'10 0 400000\n' reply:10 after:400 \
        mark send:'10 100000 200000\n' reply:10 after:300
    stop_server
    json_of cpu_user_s cpu_system_s | awk '{ sum += $1 } END { exit !(sum >= 0.09 && sum < 0.25) }'
}

@test "a bad request gets an error line and the end, and others go on" {
    local bad=('\n' '\r\n' 'abc\n' '0\n' '-1\n' '+1\n' '1.5\n' '0x10\n' ' 5\n' '5\t5\n' '10x\n'
        '1073741825\n' '99999999999999999999999999\n' '10 x\n' '10 -1\n' '10 10000001\n'
        '10 0 x\n' '10 0 10000001\n' '10 0 99999999999999999999\n' '10 0 0 0\n' '10 0 0 x\n'
        '1\0\n' '\0\n' 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
        "$(printf '%065d' 1)\n" "$(printf '%0200d' 1)" "$(printf '%01000d' 1)\n")
    local line

    start_server
    for line in "${bad[@]}"; do
        run -0 poke "$ADDRESS" connect send:"$line" line:'error: ' eof
        [[ ${#output} -gt 20 && ${#output} -lt 100 ]]
        poke "$ADDRESS" connect send:'33\n' reply:33
    done
    poke "$ADDRESS" connect send:'12a' half line:'error: ' eof
    stop_server
    counted rejected $((${#bad[@]} + 1))
    counted requests "${#bad[@]}"
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

@test "a bad request ends the connection, with good ones before and behind it" {
    start_server
    poke "$ADDRESS" connect send:'100\nabc\n33\n' reply:100 line:'error: ' eof
    stop_server
    counted requests 1
    counted rejected 1
}

@test "the error line arrives also with 100 kB of garbage behind it" {
    local i

    start_server
    for ((i = 0; i < 5; i++)); do
        poke "$ADDRESS" connect send:'abc\n' fill:100000 line:'error: ' eof
        poke "$ADDRESS" connect fill:100000 line:'error: ' eof
    done
    poke "$ADDRESS" connect send:'33\n' reply:33
    stop_server
    counted rejected 10
}

# --- where it listens -----------------------------------------------------------------------------

@test "the first line says where it listens: IPv4, only loopback unless asked" {
    start_server
    head -n 1 "$OUT" |
        grep -Eqx "$SERVER: listening on 127\.0\.0\.1:[1-9][0-9]*, pid $SERVER_PID"
    poke "$ADDRESS" connect send:'1\n' reply:1
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

@test "IPv6: -i ::1" {
    start_server -i ::1
    [[ $(head -n 1 "$OUT") =~ ^$SERVER:\ listening\ on\ \[::1\]:[1-9][0-9]*,\ pid\ $SERVER_PID$ ]]
    poke "$ADDRESS" connect send:'100\n' reply:100
}

@test "every address: -i 0.0.0.0, and a name: -i localhost" {
    start_server -i 0.0.0.0
    [[ $ADDRESS == 0.0.0.0:* ]]
    poke "127.0.0.1:$PORT" connect send:'100\n' reply:100
    poke "127.0.0.2:$PORT" connect send:'100\n' reply:100
    stop_server
    start_server -i localhost
    [[ $ADDRESS == 127.0.0.1:* ]]
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

@test "an inherited socket is used: LISTEN_FDS" {
    launch poke -L 127.0.0.1:0 "$BIN/$SERVER" -o json -p 1
    await_ready
    [[ $PORT -gt 1 ]]
    poke -j 3 -r 3 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 9
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
        [[ $(json_of 'children.0.#') -eq 8 ]]
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

@test "text: totals, a row per child with a bar, processor time" {
    local row rows

    start_server -o text
    poke -r 5 "$ADDRESS" connect send:'100\n' reply:100 send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    says "$OUT" "^$SERVER.*pid $SERVER_PID"
    says "$OUT" '^ *5 connections, 10 requests, 1000 bytes'
    says "$OUT" '0 rejected, 0 timed out, 0 broken'
    says "$OUT" 'CPU [0-9.]+ s user'
    rows=$(awk '/^ *child +pid/ { table = 1; next } table { print $3 }' "$OUT" | paste -sd+)
    if [[ -n $rows ]]; then
        [[ $((rows)) -eq 5 ]]
        row=$(grep '#' "$OUT")
        [[ -n $row ]]
    fi
    [[ $(awk '{ if (length($0) > most) most = length($0) } END { print most }' "$OUT") -le 100 ]]
}

@test "text: on USR1 too, and the server goes on" {
    start_server -o text
    poke "$ADDRESS" connect send:'100\n' reply:100 half eof
    kill -s USR1 "$SERVER_PID"
    eventually says "$OUT" '^ *1 connections, 1 requests'
    poke "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    says "$OUT" '^ *2 connections, 2 requests'
}

@test "-q says nothing, -v a line per request" {
    start_server -o text -v
    poke "$ADDRESS" connect send:'123\n' reply:123 send:'7 0 1\n' reply:7 half eof
    stop_server
    [[ $(grep -c 'child [0-9]* pid [0-9]*: .*bytes' "$OUT") -eq 2 ]]
    launch "$BIN/$SERVER" -q -i "$T/socket"
    eventually poke "$T/socket" connect send:'100\n' reply:100 2>/dev/null
    stop_server
    [[ $STATUS -eq 0 && ! -s $OUT ]]
}

@test "what cannot be said is a failure: standard output closed or full" {
    local to patience=$((LIMIT / 2))

    for to in '>&-' '>/dev/full'; do
        run -1 --separate-stderr timeout $patience sh -c "exec \"\$@\" $to" sh "$BIN/$SERVER" -p 0
        [[ ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "* ]]
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

@test "TERM lets a request in progress finish" {
    start_server
    poke_away "$ADDRESS" connect send:'1\n100000 0 1000000\n' reply:1 touch:"$T/working" \
        reply:100000 eof
    eventually test -e "$T/working"
    stop_server
    await_poke
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted bytes 100001
    counted broken 0
}

@test "TERM lets a long reply get to a slow reader" {
    start_server
    poke_away "$ADDRESS" buffer:4096 connect send:'1\n4194304\n' reply:1 touch:"$T/working" \
        until:"$T/go" reply:4194304 eof
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    touch "$T/go"
    await_end
    await_poke
    [[ $STATUS -eq 0 ]]
    counted bytes 4194305
}

@test "TERM: what a client asks for behind a long reply does not cost it that reply" {
    local more

    more=$(printf '1\\n%.0s' {1..400})
    start_server
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
        eventually test -S "$T/socket"
        eventually poke "$T/socket" connect send:'40\n' reply:40 half eof
        poke -r 20 "$T/socket" connect send:'40\n' reply:40 half eof
        kill -s TERM "$SERVER_PID"
        eventually dead "$SERVER_PID"
    done
}

# As far as the kernel tells where a process waits.
waits_in_write() {
    [[ $(cat "/proc/$SERVER_PID/wchan" || echo 0) == @(0|*pipe*write*) ]]
}

# (One that comes just before the write, with USR1 perhaps, does not end it; the next one does.)
@test "USR1 while nobody reads on: TERM ends it all the same, if need be a second one" {
    mkfifo "$T/pipe"
    exec 5<>"$T/pipe"
    (
        export TEST_MARK=$T
        exec "$BIN/$SERVER" -i "$T/./socket" 3>&- 5>&-
    ) >"$T/pipe" 2>"$T/err.pipe" &
    SERVER_PID=$!
    ALL+=("$SERVER_PID")
    COMPLAINTS='standard output|had to be killed'
    read -r ready <&5
    timeout 1 cat /dev/zero >&5 || :
    kill -s USR1 "$SERVER_PID"
    eventually waits_in_write
    eventually ends kill -s TERM "$SERVER_PID" 2>/dev/null
    [[ ! -e $T/socket ]]
    exec 5>&-
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

# Ten seconds of work begin; then `kill TERM`, and how long it takes is TOOK.
stop_inside_a_request() {
    local start

    poke_away "$ADDRESS" connect send:'1\n10 0 10000000\n' reply:1 touch:"$T/working" gone
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

@test "a stop signal at any moment stops it: 40 times, under load" {
    local few=() i start took where worst=0

    if takes_children; then
        few=(-n 3)
    fi
    for ((i = 0; i < 40; i++)); do
        where=("$OWN_HOST" "$T/socket") # by turns
        start_server -g "$LIMIT" -i "${where[i / 2 % 2]}" "${few[@]}"
        poke -k -j 2 -r 1000 "$ADDRESS" connect send:'2000\n' reply:2000 >/dev/null 3>&- &
        HELPERS+=($!)
        sleep "0.0$((RANDOM % 30 + 10))"
        start=$(now_ms)
        stop_server "$( ((i % 2)) && echo TERM || echo INT)"
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
    eventually no_zombies_of "$SERVER_PID"
    before=$(descriptors_of "$SERVER_PID")
    poke -j 4 -r 150 "$ADDRESS" connect send:'100\n' reply:100 half eof
    poke -j 4 -r 50 "$ADDRESS" connect send:'1000000\n' reply:1000 reset 2>/dev/null || :
    poke -j 4 -r 50 "$ADDRESS" connect send:'x\n' line:error: >/dev/null
    same_descriptors() { [[ $(descriptors_of "$SERVER_PID") == "$before" ]]; }
    eventually same_descriptors
    no_zombies_of "$SERVER_PID"
}

@test "-T 1: a silent client is dropped after a second" {
    start_server -T 1
    poke "$ADDRESS" mark connect eof after:900 within:$((200 * LIMIT))
    served_after
    stop_server
    counted timed_out 1
}

@test "-T 1: so is one whose request does not get complete, although bytes come" {
    start_server -T 1
    poke "$ADDRESS" mark connect drip:300 gone after:900 within:$((250 * LIMIT))
    served_after
    stop_server
    counted timed_out 1
    counted requests 1
}

@test "-T 1: so is one that is idle after a reply" {
    start_server -T 1
    poke "$ADDRESS" mark connect send:'100\n' reply:100 eof after:800 within:$((200 * LIMIT))
    served_after
    stop_server
    counted timed_out 1
}

@test "-T 1: so is one that never reads its 16 MiB" {
    start_server -T 1
    poke_away "$ADDRESS" buffer:4096 connect send:'16777216\n' touch:"$T/asked" until:"$T/go"
    eventually test -e "$T/asked"
    eventually server_counts timed_out 1
    served_after
    touch "$T/go"
    await_poke
    stop_server
    counted timed_out 1
    counted bytes -lt 16777316
    counted requests 1
}

@test "-T 1: a reply that nobody takes is reset: the system does not keep it for later" {
    start_server -T 1
    poke_away "$ADDRESS" buffer:4096 connect send:'1073741824\n' touch:"$T/asked" until:"$T/go" cut
    eventually test -e "$T/asked"
    eventually server_counts timed_out 1
    touch "$T/go"
    await_poke
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
        poke "$ADDRESS" connect close
        served_after
    done
    kill -s PIPE "$SERVER_PID"
    served_after
    stop_server
    [[ $STATUS -eq 0 ]]
    counted broken -ge 5
    counted requests 6
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
    local before=0 after=0 pid pids

    if takes_children; then
        start_server -n 1
    else
        start_server
    fi
    COMPLAINTS='waiting until something is freed'
    poke "$ADDRESS" connect send:'1\n' reply:1 half eof
    pids=$(acceptors)
    # shellcheck disable=SC2086
    limit_descriptors 3 $pids
    # One more may get through: Linux gives a descriptor to an accept() that blocks already.
    poke "$ADDRESS" connect close
    eventually says "$ERR" 'waiting until something is freed'
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

# bats test_tags=children
@test "a stopped child keeps only its own client waiting" {
    start_server -n 4
    occupy_child send:'100\n' silent:300 touch:"$T/waited" reply:100 half eof
    kill -s STOP "$CHILD"
    poke -r 40 "$ADDRESS" connect send:'100\n' reply:100 half eof
    touch "$T/go"
    eventually test -e "$T/waited"
    kill -s CONT "$CHILD"
    await_poke
}

# bats test_tags=children
@test "kill -9 of a busy child: its connection ends, the others stay, it is counted" {
    local first victim

    start_server -n 3
    COMPLAINTS='died of signal 9'
    occupy_child gone
    first=$POKE
    victim=$CHILD
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
@test "HUP replaces every child, and no connection fails" {
    local old failed=0

    start_server -n 3 -g 10
    eventually has_children "$SERVER_PID" 3
    old=$(children_of "$SERVER_PID")
    poke_away "$ADDRESS" connect send:'1\n1000 0 1000000\n' reply:1 touch:"$T/working" reply:1000 \
        half eof
    eventually test -e "$T/working"
    kill -s HUP "$SERVER_PID"
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
    local start port

    start_server -n 3 -i "$OWN_HOST"
    port=$PORT
    poke_away "$ADDRESS" connect send:'1\n10 0 10000000\n' reply:1 touch:"$T/working" gone
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/idle" gone
    eventually test -e "$T/working" -a -e "$T/idle"
    start=$(now_ms)
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    (($(now_ms) - start < 250 * LIMIT))
    poke "$OWN_HOST:$port" refused
    start_server -i "$OWN_HOST" -p "$port"
    poke "$ADDRESS" connect send:'100\n' reply:100
    for POKE in "${HELPERS[@]}"; do
        await_poke
    done
}

# Starts the server so that it can be refused processes: root never is, so as a user of its own.
start_as_somebody() {
    local program

    AS=()
    if [[ $(id -u) -ne 0 ]]; then
        start_server "$@"
        return
    fi
    AS=(setpriv --reuid $((60000 + BASHPID % 5000)) --clear-groups)
    ELSEWHERE=$(mktemp -d /tmp/tests.XXXXXX) # for this user may not enter bats' own
    chmod 755 "$ELSEWHERE"
    for program in "$BIN/$SERVER" "$BIN"/handler_*; do # a distributor needs its handlers
        [[ ! -e $program ]] || cp "$program" "$ELSEWHERE"
    done
    launch "${AS[@]}" "$ELSEWHERE/$SERVER" -p 0 -o json "$@"
    await_ready
}

limit_processes() {
    "${AS[@]}" prlimit --pid "$SERVER_PID" --nproc="$1:"
}

# bats test_tags=children
@test "no new process can be had: it says so once, waits, and recovers" {
    local before

    start_as_somebody -n 2
    COMPLAINTS='fork|cannot start child|died of signal 9'
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
}
