#!/usr/bin/env bats
# The client: section 8 of the design. Most of its servers here are bad ones (badserver.c).

load ../helpers

@test "all good: exit 0, everything is counted" {
    start_badserver good
    ask_client -c 3 -t 20 -b 5000
    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    counted scheduled 60
    counted completed 60
    counted failed 0
    counted unsent 0
    counted requests 60
    counted bytes_received 300000
    counted distribution.children 60
    counted connect_us.count 60
    counted first_byte_us.count 60
    counted service_us.count 60
    counted response_us.count 0
    [[ $(json_of server_identifies_children mode) == $'true\nclosed' ]]
    end_badserver
}

@test "JSON: all fields of the design" {
    local times

    start_badserver good
    ask_client -c 2 -t 10 -b 100 -k 3 -m 2
    times=({connect,first_byte,service,response}_us.{count,min,mean,stddev,p50,p90,p99,p999,max})
    json_of target server_identifies_children clients connections_each bytes \
        requests_per_connection in_flight mode rate scheduled completed failed unsent requests \
        bytes_received reopened seconds connections_per_second requests_per_second \
        errors.{refused,reset,timed_out,short,corrupt,rejected,client_limited,other} \
        children.0.{child,pid,connections,requests} \
        distribution.{children,min,max,mean,stddev,jain} "${times[@]}" >"$T/fields"
    [[ $(json_of target) == "$ADDRESS" ]]
    counted clients 2
    counted connections_each 10
    counted bytes 100
    counted requests_per_connection 3
    counted in_flight 2
    for kind in connect first_byte service; do
        json_of "${kind}_us".{min,p50,p90,p99,p999,max} | sort -n -c
    done
    [[ $(json_of distribution.{children,min,max,mean} | paste -sd' ') == "20 1 1 1.000" ]]
    json_of distribution.jain | awk '{ exit !($1 > 0.999 && $1 < 1.001) }'
    end_badserver
}

@test "-k: so many requests on each connection" {
    start_badserver good
    ask_client -c 2 -t 5 -k 7 -b 1000
    [[ $STATUS -eq 0 ]]
    counted completed 10
    counted requests 70
    counted bytes_received 70000
    [[ $(json_of 'children.*.requests' | sort -u) -eq 7 ]]
    end_badserver
}

@test "-m 1, 2 and 500: so many connections in flight, none forgotten" {
    local in_flight

    start_badserver good
    for in_flight in 1 2 500; do
        ask_client -c 2 -t 600 -m "$in_flight" -b 200 -T "$PATIENCE"
        [[ $STATUS -eq 0 ]]
        counted completed 1200
        counted distribution.children 1200
    done
    end_badserver
}

@test "replies of any size are verified, short ones tell no child" {
    local bytes

    start_badserver good
    for bytes in 1 31 32 33 61 65536 1000000; do
        ask_client -c 1 -t 3 -b "$bytes"
        [[ $STATUS -eq 0 ]]
        counted completed 3
        counted bytes_received $((3 * bytes))
        counted distribution.children "$((bytes >= 32 ? 3 : 0))"
    done
    end_badserver
}

# Each failure by its kind; no time of a failed request is among the times.
fails_as() { # HOW KIND OPTION...
    local how=$1 kind=$2

    shift 2
    start_badserver "$how"
    ask_client -c 2 -t 3 -b 100000 "$@"
    [[ $STATUS -eq 1 ]]
    counted completed 0
    counted failed 6
    counted "errors.$kind" 6
    counted service_us.count 0
    HINTS=$(json_of 'hints.*') || :
    end_badserver
}

@test "a byte too many is corrupt, whatever the size of the reply" {
    local bytes

    for bytes in 1 31 32 100000 65535 65536 65537 131072; do
        fails_as long corrupt -b "$bytes"
        [[ $HINTS == *', and is longer than it should be.' ]]
    done
}

@test "a wrong byte is corrupt, half a reply is short, and so is none, and a reset is a reset" {
    fails_as corrupt corrupt
    [[ $HINTS == *"began with 'child "*', and its first wrong byte is number 66,667.' ]]
    fails_as short short
    fails_as none short
    fails_as reset reset
}

@test "the server's error line is a rejection, and is shown" {
    fails_as error rejected
    start_badserver error
    run -1 "$BIN/client" -p "$PORT" -c 1 -t 2
    [[ $output == *'not today'* ]]
    ask_client -c 3 -t 2
    [[ $(json_of 'rejections.*') == 'error: not today' ]]
    end_badserver
}

@test "an error line in pieces is one too, also where fewer bytes were asked for" {
    local bytes

    for bytes in 1 5 6 17 31 1000; do
        fails_as pieces rejected -b "$bytes"
        fails_as pieces rejected -b "$bytes" -m 3
    done
}

@test "the beginning of an error line, and no more, is no good reply" {
    fails_as prefix short
    fails_as prefix corrupt -b 3
    fails_as prefix corrupt -b 2
}

@test "-k: a server that closes early is short, not now this and now that" {
    local in_flight

    start_badserver once
    for in_flight in 1 20; do
        ask_client -c 2 -t 100 -k 5 -b 100 -m "$in_flight"
        counted requests 200
        counted completed 0
        counted errors.short 200
    done
    end_badserver
}

@test "-k: replies of several children on one connection: each counts for its own" {
    start_badserver changes
    ask_client -c 1 -t 1 -k 3 -b 100
    counted completed 1
    [[ $(json_of 'children.*.connections' | sort | paste -sd' ') == '0 0 1' ]]
    [[ $(json_of 'children.*.requests' | paste -sd' ') == '1 1 1' ]]
    end_badserver
}

@test "who served is a thread where the stamp names one" {
    start_badserver threads
    ask_client -c 2 -t 10 -b 100 -k 2 -f 'children==20'
    [[ $STATUS -eq 0 ]]
    [[ $(json_of 'children.*.thread' | sort -n | paste -sd' ') == "$(seq -s' ' 20)" ]]
    [[ $(json_of 'children.*.pid' | sort -u) -eq $SERVER_PID ]]
    [[ $(json_of distribution.{children,min,max,jain} | paste -sd' ') == "20 1 1 1.000000" ]]
    "$BIN/client" -p "$PORT" -c 1 -t 3 -b 100 -k 2 >"$OUT"
    grep -A 3 '^child.thread  *pid' "$OUT" | tail -n 3 | awk -v pid="$SERVER_PID" '
        $1 != "0." 20 + NR || $2 != pid || $3 != 1 || $4 != 2 { exit 1 }'
    grep -q '^3 threads: min 1, max 1' "$OUT"
    "$BIN/client" -p "$PORT" -c 1 -t 50 -b 100 >"$OUT"
    grep -A 1 '^connections  *threads' "$OUT" | grep -q '^1  *50 '
    end_badserver
}

@test "a server that says nothing: timed out after -T" {
    local start

    start=$(now_ms)
    fails_as silent timed_out -T 1 -m 3
    (($(now_ms) - start >= 1000 && $(now_ms) - start < 400 * LIMIT))
}

@test "-T: a reply that is whole too late has timed out, with -m 1 and more" {
    local in_flight

    some_server
    start_server -n 8
    for in_flight in 1 4; do # each looks at the clock when the time is over, or some time later
        ask_client -c 2 -t 4 -m "$in_flight" -W 0:330ms -T 300ms
        [[ $STATUS -eq 1 ]]
        counted errors.timed_out 8
        counted service_us.count 0
    done
}

@test "-T: a client that was suspended for longer takes the replies that came meanwhile" {
    local clients=() in_flight server

    some_server
    start_server -n 2
    server=$SERVER_PID
    for in_flight in 1 2; do
        "$BIN/client" -p "$PORT" -c 1 -t 1 -m "$in_flight" -T 1 -W 0:500ms -b 100000 \
            -o json >"$T/report.$in_flight" &
        HELPERS+=("$!")
    done
    eventually server_counts connections 2
    for in_flight in 0 1; do
        clients+=("$(children_of "${HELPERS[in_flight]}")")
    done
    kill -s STOP "${clients[@]}"
    eventually server_counts requests 2
    sleep 1.2
    kill -s CONT "${clients[@]}"
    for in_flight in 1 2; do
        eventually dead "${HELPERS[in_flight - 1]}"
        take_json "$T/report.$in_flight"
        check_identity
        counted completed 1
        json_of late.suspended_s | grep -q '^[1-9]'
    done
    SERVER_PID=$server
}

@test "every kind in the midst of good ones, with -m 1 and more" {
    local how in_flight

    for how in corrupt long short none reset error; do
        start_badserver "$how" 3
        for in_flight in 1 8; do
            ask_client -c 3 -t 30 -m "$in_flight" -b 50000
            [[ $STATUS -eq 1 ]]
            counted completed 60
            counted failed 30
            counted service_us.count 60
        done
        end_badserver
    done
}

@test "a server of another suite: unverified, and it says so" {
    start_badserver unstamped
    ask_client -c 2 -t 5 -b 1000
    [[ $STATUS -eq 0 ]]
    counted completed 10
    counted distribution.children 0
    [[ $(json_of server_identifies_children) == false ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 5
    [[ $output == *'does not identify its children'* ]]
    end_badserver
}

@test "nobody there: exit 3, all refused" {
    PORT=1
    ask_client -c 2 -t 3
    [[ $STATUS -eq 3 ]]
    counted errors.refused 6
    run -3 "$BIN/client" -i "$T/no.socket" -c 1 -t 1
    [[ $(tr '\n' ' ' <<<"$output") == *"such as: bin/server03_prefork_accept -i $T/no.socket "* ]]
    run -3 "$BIN/client" -p 1024 -M x -c 1 -t 1
    [[ $(tr '\n' ' ' <<<"$output") == *' -e handler_echo -i 127.0.0.1 -p 1024 '* ]]
    run -3 "$BIN/client" -i "$T/no.socket" -c 1 -t 1
    [[ $output == *'The one connection was not completed, in '* && $output != *'loop: '* ]]
    for in_flight in 1 20; do # it does not try at full speed for all the time
        ask_client -c 2 -d 300ms -m "$in_flight"
        [[ $STATUS -eq 3 ]]
        counted errors.refused -ge 4
        counted errors.refused -le 60
        [[ $(json_of 'hints.*') == 'Nobody listens on 127.0.0.1:1.' ]] # a port of root's
    done
    run -1 --separate-stderr "$BIN/client" -i no.such.host.invalid -c 1 -t 1
    [[ -z $output && ${#stderr_lines[@]} -eq 1 ]]
}

# In a network of its own, with 100 local ports, so that a port soon is connected to itself.
in_small_network() { # COMMAND...
    unshare -n bash -c 'ip link set lo up
        echo 40000 40099 >/proc/sys/net/ipv4/ip_local_port_range; exec "$@"' bash "$@"
}

@test "a port that is connected to itself: refused, and the port is free" {
    in_small_network true 2>/dev/null || skip 'no network of our own'
    # shellcheck disable=SC2016 # not yet
    run -0 in_small_network bash -c '
        "$0" -i ::1 -p 40050 -c 1 -t 1000 -H 2 -o json -T 1 >"$1/report"
        [[ $? -eq 3 ]] || exit
        timeout -s TERM 1 "$2" -i ::1 -p 40050 -q; [[ $? -eq 124 ]]' \
        "$BIN/client" "$T" "$BIN/server00_iterative"
    take_json "$T/report"
    check_identity
    counted errors.refused 1000
}

@test "little room in /dev/shm, as in a container: it does not need it" {
    unshare -m true 2>/dev/null || skip 'no file systems of our own'
    some_server
    start_server
    run -0 unshare -m sh -c 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"' sh \
        "$BIN/client" -p "$PORT" -q -c 10 -t 10 -r 500 -W 0@0.5 -x half-close@0.1
}

@test "no address leads to the server: said, and exit 3" {
    in_small_network true 2>/dev/null || skip 'no network of our own'
    # shellcheck disable=SC2016 # not yet
    run -3 --separate-stderr in_small_network bash -c '
        echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$0" -i ::1 -c 1 -t 1' "$BIN/client"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *'no address of this machine'* ]]
}

@test "out of descriptors: exit 4, client_limited, with a hint" {
    start_badserver good
    set -- "$BIN/client" -p "$PORT" -c 1 -t 300 -m 100
    run -4 bash -c 'ulimit -n 30; exec "$@"' bash "$@" -o json
    JSON=$output
    check_identity
    counted errors.client_limited -ge 1
    [[ $(json_of errors.{refused,reset,timed_out,short,corrupt,rejected,other} | sort -u) -eq 0 ]]
    run -4 bash -c 'ulimit -n 30; exec "$@"' bash "$@"
    [[ $output == *'ulimit -n'* ]]
    end_badserver
}

@test "out of descriptors at the start: exit 4 and one line" {
    set -- "$BIN/client" -p 1 -c 1 -t 1
    run -4 --separate-stderr bash -c 'ulimit -n 6; exec "$@" 3>&- 4>&- 5>&-' bash "$@"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *'limit'* ]]
}

@test "text: what was asked, times, totals, distribution; 100 columns at most" {
    local path

    start_badserver good
    run -0 --separate-stderr "$BIN/client" -p "$PORT" -c 3 -t 5 -b 4096
    [[ -z $stderr ]]
    [[ $output == *"$ADDRESS"* && $output == *'4,096'* ]]
    grep -Eq '^ +min +p50 +p90 +p99 +p99\.9 +max' <<<"$output"
    [[ $(grep -Ec '^(connect|first byte|service) ' <<<"$output") -eq 3 ]]
    [[ $output == *'15 of 15 connections completed'* && $output == *'Closed loop'* ]]
    [[ $(grep -Ec '^ +[0-9]+ +[0-9]+ +1 +6\.7%' <<<"$output") -eq 15 ]]
    [[ $output == *$'deviation 0.0;\nJain\'s fairness index 1.0'* ]]
    COLUMNS=50 "$BIN/client" -p "$PORT" -c 3 -t 5 | sed -n '/^Closed/,/^$/p' >"$T/narrow"
    [[ $(wc -L <"$T/narrow") -le 49 && $(wc -l <"$T/narrow") -ge 5 ]]
    "$BIN/client" -p "$PORT" -c 3 -t 50 -b 4096 -v >"$T/wide"
    "$BIN/client" -p "$PORT" -c 1000 -t 1 -b 1 >>"$T/wide"
    "$BIN/client" -p "$PORT" -c 100 -t 5 -k 20 >>"$T/wide"
    end_badserver
    some_server
    path=$(printf "$T/%0$((106 - ${#T}))d" 0)
    start_server -i "$path"
    "$BIN/client" -i "$path" -c 10 -t 100 -k 20 >>"$T/wide"
    grep -Eq ' connections completed in .* connections/s' "$T/wide"
    grep -Fq 'to /' "$T/wide"
    # Only bars and a path are beyond 79; and no term is broken.
    [[ $(awk 'length($0) > (/#/ || /^to / ? 100 : 79) || /^\(/ || / x$/' "$T/wide") == '' ]]
}

@test "text: with more than 40 children a histogram stands for the rows" {
    start_badserver good
    run -0 "$BIN/client" -p "$PORT" -c 2 -t 100
    [[ ${#lines[@]} -lt 40 && $output == *'200 children'* ]]
    end_badserver
}

@test "-q says nothing when all is well, and what failed when not" {
    start_badserver good
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 3 -q
    [[ -z $output ]]
    end_badserver
    start_badserver corrupt
    run -1 "$BIN/client" -p "$PORT" -c 1 -t 3 -q
    [[ $output == *corrupt* ]]
    end_badserver
}

@test "no progress line when stderr is no terminal" {
    some_server
    start_server
    "$BIN/client" -p "$PORT" -c 2 -t 2 -k 10 -T 20 >"$T/report" 2>"$T/stderr"
    [[ ! -s $T/stderr ]]
    run ! grep -q $'\r\|\033' "$T/report"
}

@test "Ctrl-C stops the load, and it still reports" {
    local server

    start_badserver good
    server=$SERVER_PID
    client_away -c 2 -t 10000000 -m 4
    sleep 0.3
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 ]]
    check_identity
    counted scheduled 20000000
    counted completed -ge 1
    counted unsent -ge 10000000
    [[ $(json_of errors.{refused,reset,timed_out,short,corrupt,rejected} | sort -u) -eq 0 ]]
    SERVER_PID=$server
    end_badserver
}

@test "Ctrl-C, and once more, while the report waits for a reader: it ends at once" {
    local server

    some_server
    start_server
    server=$SERVER_PID
    mkfifo "$T/pipe"
    exec 5<>"$T/pipe"
    head -c 65536 /dev/zero >&5 # so much it holds
    launch bash -c 'exec "$@" >&5' bash "$BIN/client" -p "$PORT" -c 1 -t 1
    CLIENT=$SERVER_PID
    SERVER_PID=$server OUT=$T/out.0
    eventually server_counts connections 1
    eventually has_children "$CLIENT" 0
    kill -s INT "$CLIENT"
    pause 0.2
    kill -s INT "$CLIENT" 2>/dev/null || :
    COMPLAINTS='cannot write the report'
    await_end "$CLIENT"
    [[ $STATUS -eq 1 ]]
    exec 5>&-
    SERVER_PID=$server
}

@test "Ctrl-C ends it soon also when no reply comes" {
    local begin server start

    start_badserver silent
    server=$SERVER_PID
    begin=$(now_ms)
    client_away -c 2 -t 10 -m 4 -T 100
    sleep 0.3
    start=$(now_ms)
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    (($(now_ms) - start < 250 * LIMIT))
    [[ $STATUS -ne 0 ]]
    check_identity
    counted completed 0
    # The grace is not part of the time that the rates are made of.
    json_of seconds | awk -v all="$(($(now_ms) - begin))" '{ exit !($1 * 1000 < all - 900) }'
    SERVER_PID=$server
    end_badserver
}

@test "kill -9 of the client: its processes leave too" {
    local child children server

    start_badserver silent
    server=$SERVER_PID
    client_away -c 3 -t 10 -T 100
    three() { [[ $(children_of "$CLIENT" | wc -l) -eq 3 ]]; }
    eventually three
    children=$(children_of "$CLIENT")
    kill -s KILL "$CLIENT"
    await_end "$CLIENT"
    for child in $children; do
        eventually dead "$child"
    done
    SERVER_PID=$server
    end_badserver
}

@test "kill -9 of a client process is a failure, not a silence" {
    local server

    start_badserver silent
    server=$SERVER_PID
    client_away -c 3 -t 1 -T 2 -r 300
    three() { [[ $(children_of "$CLIENT" | wc -l) -eq 3 ]]; }
    eventually three
    kill -s KILL "$(children_of "$CLIENT" | head -n 1)"
    await_end "$CLIENT"
    [[ $STATUS -ne 0 ]]
    check_identity
    counted scheduled 3
    counted completed 0
    # What it left open is in the rows, too.
    [[ $(json_of 'intervals.*.failed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of failed) ]]
    launch "$BIN/client" -p "$PORT" -c 3 -t 1 -T 1
    CLIENT=$SERVER_PID
    eventually three
    kill -s KILL "$(children_of "$CLIENT" | head -n 1)"
    await_end "$CLIENT"
    grep -qx '1 client process died\.' "$OUT" # and there is no distribution that lacks anything
    SERVER_PID=$server
    end_badserver
}

@test "a report that cannot be written is a failure" {
    start_badserver good
    for format in text json; do
        set -- "$BIN/client" -p "$PORT" -c 1 -t 1 -o "$format"
        run ! bash -c 'exec "$@" 2>/dev/null >/dev/full' bash "$@"
        run ! bash -c 'exec "$@" 2>/dev/null >&-' bash "$@"
    done
    end_badserver
}

@test "started without standard streams, none of its connections becomes one" {
    local fd pid

    some_server
    start_server -n 4
    # shellcheck disable=SC2016 # not yet
    launch sh -c 'exec "$@" <&- >&- 2>&-' sh "$BIN/client" -p "$PORT" -H 2 -c 1 -t 1000000
    eventually has_children "$SERVER_PID" 2
    for pid in "$SERVER_PID" $(children_of "$SERVER_PID"); do
        for fd in 0 1 2; do
            [[ $(readlink "/proc/$pid/fd/$fd") == /dev/null ]]
        done
    done
    kill -s INT "$SERVER_PID"
    await_end "$SERVER_PID"
    [[ $STATUS -ne 0 ]] # no report can be written
}

@test "a Unix socket whose queue is full: wait, as a blocking connect() would" {
    some_server
    start_server -i "$T/socket" -n 1 -B 1
    ask_client -i "$T/socket" -c 3 -t 300 -m 100
    [[ $STATUS -eq 0 ]]
    counted completed 900
}

@test "IPv6 and Unix sockets, names" {
    some_server
    start_server -i ::1
    ask_client -i ::1 -c 2 -t 5
    [[ $STATUS -eq 0 ]]
    stop_server
    start_server -i "$T/socket"
    ask_client -i "$T/socket" -c 2 -t 5
    [[ $STATUS -eq 0 && $(json_of target) == "$T/socket" ]]
    stop_server
    start_server
    ask_client -i localhost -c 2 -t 5
    [[ $STATUS -eq 0 ]]
}

# --- work: -W and -S -----------------------------------------------------------------------------

# A pool large enough to serve the light requests while it works for the heavy ones.
start_pool() { # OPTION...
    SERVER=$(basename "$(find "$ROOT" -maxdepth 1 -name 'server0[34]_*' | sort | tail -n 1)")
    start_server -n 20 "$@"
}

# A field of every class, in one line.
of_classes() { # FIELD
    json_of "classes.*.$1" | paste -sd' '
}

# The same, added up.
all_classes() { # FIELD
    json_of "classes.*.$1" | awk '{ sum += $1 } END { print sum }'
}

# Runs the client, which must succeed; every class has what it was asked for, and no more.
ask_for_work() { # OPTION...
    ask_client "$@"
    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    [[ $(of_classes requests) == "$(of_classes asked)" ]]
    [[ $(of_classes requests) == "$(of_classes service_us.count)" ]]
    counted requests "$(all_classes requests)"
    counted service_us.count "$(all_classes requests)"
}

# How many requests for this work the server has had, after the lines that were SEEN before.
server_saw() { # CPU_US WAIT_US
    tail -n "+$((SEEN + 1))" "$OUT" | grep -c "bytes, $1 us cpu, $2 us wait$" || :
}

@test "-W: every class is asked for as often as it says, -m 1, -m 8 and -k" {
    local each

    start_pool -v
    SEEN=1
    for each in '-m 1 -t 600' '-m 8 -t 600' '-m 1 -t 60 -k 10' '-m 8 -t 6 -k 100'; do
        # shellcheck disable=SC2086 # into words
        ask_for_work -c 2 -b 100 $each -W 5:7@0.3 -W 0:9@0.1 -W 3@0.05 -W 0@0.05 -S 5
        [[ $(json_of 'classes.#') -eq 5 ]]
        eventually more_lines "$OUT" $((SEEN + 1199))
        counted classes.0.requests "$(server_saw 5 7)"
        counted classes.1.requests "$(server_saw 0 9)"
        counted classes.2.requests "$(server_saw 3 0)"
        # What is left of 1200 are those of no work: -W 0, and the plain ones.
        counted classes.3.requests $(($(server_saw 0 0) - $(json_of classes.4.requests)))
        # The class depends on nothing but the seed, the process and how many there were before:
        # so it is the same however the requests are spread over connections and time.
        of_classes requests >>"$T/classes"
        SEEN=$(wc -l <"$OUT")
    done
    [[ $(sort -u "$T/classes" | wc -l) -eq 1 ]]
    read -ra COUNTS <"$T/classes"
    # Of 1200, the shares 0.3, 0.1, 0.05, 0.05 and 0.5: each within 5 standard deviations.
    ((COUNTS[0] > 280 && COUNTS[0] < 440 && COUNTS[1] > 68 && COUNTS[1] < 172))
    ((COUNTS[2] > 22 && COUNTS[2] < 98 && COUNTS[3] > 22 && COUNTS[3] < 98))
    ((COUNTS[4] > 513 && COUNTS[4] < 687))
}

@test "-S: the same seed is the same mix, another one is another, and so for each process" {
    start_badserver good
    set -- -t 20 -k 100 -m 4 -b 50 -W 0@0.1 -W 0@0.2
    for seed in '' '-S 1' '-S 2' '-S 0' '-S 4294967295'; do
        # shellcheck disable=SC2086 # into words
        ask_client -c 1 "$@" $seed
        of_classes requests >>"$T/one"
        # shellcheck disable=SC2086
        ask_client -c 1 "$@" $seed
        of_classes requests >>"$T/other"
    done
    cmp "$T/one" "$T/other"
    [[ $(sed -n 1p "$T/one") == $(sed -n 2p "$T/one") ]] # 1 is the default
    [[ $(sort -u "$T/one" | wc -l) -eq 4 ]]
    # Two processes do not ask for the same: else every count would be twice that of one.
    ask_client -c 2 "$@"
    [[ $(of_classes requests) != "$(awk 'NR == 1 { print 2 * $1, 2 * $2, 2 * $3 }' "$T/one")" ]]
    end_badserver
}

@test "-W: the heavy ones take their time, the light ones do not wait for them" {
    start_pool
    ask_for_work -c 4 -t 200 -k 2 -W 2000@0.02 -W 1000:200000@0.01
    # Not less than the work, and of the plain ones half are done within much less than it.
    json_of classes.{0,1}.service_us.min classes.2.service_us.p50 | awk '{ x[NR] = $1 } END {
        exit !(x[1] >= 2000 && x[2] >= 201000 && x[3] > 0 && x[3] < 100000) }'
    json_of 'classes.*.service_us'.{min,p50,p90,p99,p999,max} | awk '
        { at = (NR - 1) % 3; if (NR > 3 && $1 < last[at]) bad = 1; last[at] = $1 } END { exit bad }'
    # Together they are all: the least of the least, the greatest of the greatest.
    [[ $(json_of 'classes.*.service_us.min' | sort -g | head -n 1) == $(json_of service_us.min) ]]
    [[ $(json_of 'classes.*.service_us.max' | sort -g | tail -n 1) == $(json_of service_us.max) ]]
}

@test "-W: JSON has the classes in the order of the options, the plain one last" {
    start_badserver good
    ask_client -c 1 -t 5 -W 10:20@0.25 -W 30@0.125
    [[ $(of_classes cpu_us) == '10 30 0' ]]
    [[ $(of_classes wait_us) == '20 0 0' ]]
    [[ $(of_classes share) == '0.25 0.125 0.625' ]]
    json_of 'classes.*.service_us'.{count,min,mean,stddev,p50,p90,p99,p999,max} >"$T/fields"
    ask_client -c 1 -t 50 -W 10000000:10000000 -b 1
    [[ $(json_of 'classes.*.share' classes.0.requests | paste -sd' ') == '1 50' ]]
    ask_client -c 1 -t 50 -W 1@0.7 -W 2@0.2 -W 3@0.1 # they add up, exactly
    [[ $(json_of 'classes.#') -eq 3 && $STATUS -eq 0 ]]
    ask_client -c 1 -t 50 -W 1@0.999999999
    [[ $(of_classes requests) == '50 0' ]]
    ask_client -c 1 -t 5
    [[ $(json_of 'classes.#') -eq 0 ]]
    end_badserver
}

@test "-W: text has a row for each class, without it none" {
    start_badserver good
    set -- "$BIN/client" -p "$PORT" -c 2 -t 50 -k 10
    run -0 --separate-stderr "$@" -W 20000@0.01 -W 9990:1000@0.1 -W 0:5000@0.1 -W 0@0.1 -S 3
    [[ -z $stderr && "${lines[0]} ${lines[1]}" == *' (-b), 31% with work (-W, -S 3)'* ]]
    grep -Eq '^service by work +requests +share +min +p50 +p90 +p99 +p99\.9 +max$' <<<"$output"
    [[ $(grep -Eo '^(cpu 20\.0 ms|cpu 9\.99 ms wait 1\.00 ms|wait 5\.00 ms|cpu 0\.0 us|plain) ' \
        <<<"$output" | wc -l) -eq 5 ]]
    # The counts are those of JSON, and so are their parts of 1000.
    ask_client -c 2 -t 50 -k 10 -W 20000@0.01 -W 9990:1000@0.1 -W 0:5000@0.1 -W 0@0.1 -S 3
    awk '/^service by/ { on = 1; next } on && NF == 0 { exit }
        on { sub(/^(cpu [0-9.]+ .s)?( ?wait [0-9.]+ .s)?(plain)?/, ""); print $1, $2 }' \
        <<<"$output" >"$T/rows"
    json_of 'classes.*.requests' | awk '{ part = $1 / 10
        printf "%d %.*f%%\n", $1, part < 9.995 ? 2 : 1, part }' | cmp - "$T/rows"
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
    run -0 "$@" -W 9990000:99900@0.001 -k 3
    [[ $output == *$'\ncpu 9.99 s wait 99.9 ms '*'%'*$'\nplain '* ]]
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
    run -0 "$@" -W 7@0.000000001
    grep -Eq '^cpu 7\.0 us +0  0\.00%( +-){6}$' <<<"$output" # no times of no request
    run -0 "$@" -W 7 -q
    [[ -z $output ]]
    run -0 "$@"
    [[ $output != *work* && $output != *'-S '* && $output != *plain* ]]
    end_badserver
}

@test "-W: failures are in no class, but were asked for" {
    local how in_flight

    for how in corrupt none error; do
        start_badserver "$how" 3
        for in_flight in 1 8; do
            ask_client -c 3 -t 30 -m "$in_flight" -W 1@0.5
            [[ $STATUS -eq 1 ]]
            counted requests 60
            [[ $(all_classes requests) -eq 60 ]]
            [[ $(all_classes service_us.count) -eq 60 ]]
            [[ $(all_classes asked) -eq 90 ]]
        done
        end_badserver
    done
    PORT=1
    ask_client -c 2 -t 3 -W 1@0.5
    [[ $STATUS -eq 3 && $(json_of 'classes.*.asked' | sort -u) -eq 0 ]]
    run -3 "$BIN/client" -p 1 -c 2 -t 3 -W 1@0.5
    [[ $output != *'service by work'* ]]
}

@test "-W: unverified replies count only where none could be verified" {
    start_badserver unstamped
    ask_client -c 2 -t 50 -W 1@0.5 -b 1000
    [[ $STATUS -eq 0 ]]
    counted requests 100
    [[ $(json_of verified) == false ]]
    [[ $(all_classes requests) -eq 100 ]]
    end_badserver
    start_badserver unstamped 2
    ask_client -c 2 -t 50 -W 1@0.5 -b 1000
    counted completed 50
    counted errors.corrupt 50
    counted requests 50
    [[ $(all_classes requests) -eq 50 ]]
    [[ $(all_classes asked) -eq 100 ]]
    end_badserver
}

@test "-W and -S: what is not allowed" {
    local value works=()

    for value in '' x 5x -1 +1 ' 5' '5 ' 0x5 1.5 1e3 10000001 99999999999999999999 \
        18446744073709551617 : :5 5: 5:x 5:-1 5:10000001 5:6:7 '5: 6' 5:6x @ @0.5 5@ 5@x 5@0 \
        5@0.0 5@0.000000000 5@-0.5 5@+0.5 5@1.1 5@1.000000001 5@2 5@10 5@1. 5@.5 5@. 5@0.5.5 \
        5@0.5x 5@1e-3 5@nan 5@0x1 '5@ 0.5' 5@0.5@0.5 5@0.5:6 5:6@ 5@0.0000000001 5,0.5 5@0,5 \
        5@50%; do
        not_allowed "-W '$value': " -W "$value"
        [[ ${stderr_lines[0]} == *' for example -W 20000@0.01' ]]
    done
    not_allowed "-W '5:6@0.5': the shares" -W 1@0.500000001 -W 5:6@0.5
    not_allowed "-W '5': the shares" -W 1@0.000000001 -W 5
    for value in 1 2 3 4 5 6 7; do
        works+=(-W "$value@0.1")
    done
    not_allowed "-W '8@0.1': at most 7" "${works[@]}" -W 8@0.1
    not_allowed '-W' -W
    not_allowed '-S' -W 5 -S
    not_allowed '-S without -W' -S 5
    not_allowed '-S without -W' -S 5 -M hello
    not_allowed '-W with -M' -W 5@0.5 -M hello
    not_allowed '-W with -M' -M hello -W 5 -S 5
    for value in '' x 5x -1 +1 ' 5' 1.5 0x5 4294967296 99999999999999999999; do
        not_allowed "-S '$value': a whole number from 0 to 4294967295 is allowed" -W 5 -S "$value"
    done
    start_badserver good
    ask_client -c 1 -t 1 -W 007:0@1.000000000 -S 5 -S 0 # and these are
    [[ $STATUS -eq 0 && $(json_of classes.0.{cpu_us,share} | paste -sd' ') == '7 1' ]]
    ask_client -c 1 -t 100 "${works[@]}"
    [[ $STATUS -eq 0 && $(json_of 'classes.#') -eq 8 ]]
    end_badserver
}
