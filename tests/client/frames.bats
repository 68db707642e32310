#!/usr/bin/env bats
# The client with frames: -M, -E and -v. Its servers are bad ones (badserver.c).

load ../helpers

start_frameserver() { # HOW [EVERY [PATH]]
    launch "$TOOLS/badserver" -f "$@"
    await_ready
}

# Over TCP and over a Unix socket, one connection at a time and several: runs ask_client each time.
# What it asks for is in the caller's arguments; check_frames is what must hold then.
each_way() { # HOW OPTION...
    local how=$1 in_flight

    shift
    start_frameserver "$how"
    for in_flight in 1 3; do
        ask_client -c 2 -t 3 -m "$in_flight" "$@"
        check_frames
    done
    end_badserver
    start_frameserver "$how" 1 "$T/frames"
    for in_flight in 1 3; do
        ask_client -i "$T/frames" -c 2 -t 3 -m "$in_flight" "$@"
        check_frames
    done
    end_badserver
    rm "$T/frames"
    take_json "$T/report" # the last one again
}

all_complete() { # HOW OPTION...
    check_frames() {
        [[ $STATUS -eq 0 && ! -s $T/stderr ]]
        counted completed 6
        counted requests 6
        counted connect_us.count 6
        counted first_byte_us.count 6
        counted service_us.count 6
    }
    each_way "$@"
}

all_fail() { # KIND HOW OPTION...
    KIND=$1
    shift
    check_frames() {
        [[ $STATUS -eq 1 && ! -s $T/stderr ]]
        counted completed 0
        counted "errors.$KIND" 6
        counted service_us.count 0
    }
    each_way "$@"
}

# A file of so many bytes, any but often the same.
make_file() { # NAME BYTES
    head -c "$2" /dev/urandom >"$T/$1"
}

# A message that no socket's buffers can take: zeros, which need no room on disk.
make_flood() { # SIZE
    truncate -s "$1" "$T/flood"
}

@test "-M: a frame is a length of four bytes, big-endian, and the message" {
    local bytes

    start_frameserver tell
    for bytes in 1 255 256 66051; do
        make_file message "$bytes"
        ask_client -c 1 -t 2 -M "@$T/message" \
            -E "$(printf '%08x' "$bytes" | sed 's/..\B/& /g')"$'\n'
        [[ $STATUS -eq 0 ]]
        counted completed 2
    done
    end_badserver
}

@test "-M TEXT, @FILE and -E the same: every byte, whatever the size" {
    local bytes

    all_complete good -M hello -E hello
    counted bytes_received 30
    for bytes in 1 4095 4096 65535 65536 65537 1000000; do
        make_file message "$bytes"
        all_complete good -M "@$T/message" -E "@$T/message"
        counted bytes_received $((6 * bytes))
    done
    all_complete slow -M "@$T/message" -E "@$T/message"
    start_frameserver good
    ask_client -c 3 -t 3 -M @<(printf x) -E @<(printf x) # read once, though each process needs it
    [[ $STATUS -eq 0 ]]
    end_badserver
}

@test "-M: JSON tells of the message" {
    start_frameserver good
    ask_client -c 2 -t 3 -M hello -E hello
    counted message_bytes 5
    counted bytes 5
    counted requests_per_connection 1
    counted distribution.children 0
    [[ $(json_of server_identifies_children verified) == $'false\ntrue' ]]
    ask_client -c 2 -t 3 -M "$(printf '%040d' 0)" -E "$(printf '%040d' 0)"
    [[ $STATUS -eq 0 && $(json_of server_identifies_children) == false ]]
    counted distribution.children 0
    ask_client -c 2 -t 3 -M hello
    [[ $STATUS -eq 0 ]]
    counted message_bytes 5
    counted bytes 0
    counted bytes_received 30
    [[ $(json_of server_identifies_children verified) == $'false\nfalse' ]]
    end_badserver
    start_badserver good
    ask_client -c 1 -t 1
    counted message_bytes 0
    end_badserver
}

@test "-M: text tells of the message, and that there is no distribution" {
    start_frameserver good
    run -0 --separate-stderr "$BIN/client" -p "$PORT" -c 2 -t 3 -M "$(printf '%01234d' 0)"
    [[ ${lines[0]} == *' 1 message of 1,234 bytes '* && $output != *'3,000'* && -z $stderr ]]
    [[ ${output//$'\n'/ } == *'6 of 6 connections'*'-M carry no stamp'*'not compared'* ]]
    run -0 "$BIN/client" -p "$PORT" -c 2 -t 3 -m 2 -M hello -E hello
    [[ ${output//$'\n'/ } == *' 1 message of 5 bytes (-M) to '* ]]
    [[ ${output//$'\n'/ } == *'-M carry no stamp'*'compared with -E'* && $output != *'32 bytes'* ]]
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
    run -0 --separate-stderr "$BIN/client" -p "$PORT" -q -M hello -E hello
    [[ -z $output && -z $stderr ]]
    end_badserver
}

@test "-E: a wrong byte, one too many, too few" {
    local bytes

    for bytes in 5 200000; do
        make_file message "$bytes"
        set -- -M "@$T/message" -E "@$T/message"
        all_fail corrupt corrupt "$@"
        [[ $(json_of 'hints.*') == *" is number $([[ $bytes -eq 5 ]] && echo 4 || echo 133,334)." ]]
        all_fail corrupt long "$@"
        [[ $(json_of 'hints.*') == *', and is longer than it should be.' ]]
        all_fail corrupt tell "$@"
        all_fail short short "$@"
        all_fail short none "$@"
    done
    all_complete short -M hello -E he
    all_complete corrupt -M hello
    all_complete short -M hello
}

@test "-E '': the reply must be empty; without -E it must not" {
    : >"$T/empty"
    all_complete none -M hello -E ''
    all_complete none -M hello -E "@$T/empty"
    counted bytes_received 0
    # The first thing that comes of an empty reply is its end.
    json_of {first_byte,service}_us.{min,max} | awk '{ x[NR] = $1 } END {
        exit !(x[1] > 0 && x[1] <= x[3] && x[2] <= x[4]) }'
    all_fail corrupt good -M hello -E ''
    all_fail short none -M hello
    [[ $(json_of 'hints.*') == *'reply was empty: the server closed without a reply.'* ]]
}

@test "how a reply that is wrong began, printable; and whose it may be" {
    launch "$TOOLS/badserver" -f good
    await_ready
    ask_client -c 1 -t 1 -M $'HTTP/1.1 400 Bad\r\n\r\n\033[2J' -E x
    [[ $(json_of 'hints.*') == *"corrupt reply began with 'HTTP/1.1 400"*"like HTTP: -P http"* ]]
    run ! grep -q $'\033' "$T/report"
    ask_client -c 1 -t 1 -M $'HTTP/1.1 400 Bad\r\n\r\n' # nothing says that it is wrong, but:
    [[ $STATUS -eq 0 ]]
    [[ $(json_of 'hints.*') == *'unverified reply'*"HTTP: -P http, or with others' servers -u /." ]]
    ask_client -c 1 -t 1 -M 'hello' -E 'hello you'
    [[ $(json_of 'hints.*') == "The first short reply began with 'hello'." ]]
    ask_client -c 1 -t 1 -M hello
    [[ $(json_of 'hints.*') != *'began with'* ]]
    run -0 "$BIN/client" -p "$PORT" -q -c 1 -t 1 -M 'HTTP/1.1 400 Bad'
    [[ -z $output ]]
    end_badserver
}

@test "-M: reset and timed out" {
    start_frameserver reset
    ask_client -c 2 -t 3 -M hello
    counted errors.reset 6
    end_badserver
    start_frameserver silent
    for in_flight in 1 3; do
        ask_client -c 3 -t 1 -m "$in_flight" -M hello -T 1
        counted errors.timed_out 3
    done
    end_badserver
    PORT=1
    ask_client -c 1 -t 3 -M hello
    [[ $STATUS -eq 3 ]]
    counted errors.refused 3
}

@test "-M: failures in the midst of good ones" {
    local how in_flight

    make_file message 100000
    for how in corrupt long short none reset pieces; do
        start_frameserver "$how" 3
        for in_flight in 1 8; do
            ask_client -c 3 -t 30 -m "$in_flight" -M "@$T/message" -E "@$T/message"
            [[ $STATUS -eq 1 ]]
            counted completed 60
            counted failed 30
            counted service_us.count 60
        done
        end_badserver
    done
}

@test "-M: a server that answers while it reads is no deadlock" {
    make_flood 32M # the kernel may make the buffer of a server that reads fast ever larger
    all_complete stream -M "@$T/flood" -E "@$T/flood" -T "$PATIENCE"
    make_flood 8M
    all_complete good -M "@$T/flood" -E "@$T/flood" -T "$PATIENCE"
}

@test "-M: one error line is a rejection, more is a reply" {
    all_fail rejected pieces -M hello
    all_fail rejected pieces -M hello -E hello
    [[ $(json_of 'rejections.*') == 'error: not today' ]]
    all_fail rejected good -M 'error: x' # it is one without a line feed too
    all_complete lines -M hello
    all_complete lines -M hello -E $'error: not today\nnor tomorrow\n'
    all_fail corrupt lines -M hello -E 'hello'
    all_complete prefix -M hello -E err
    all_fail corrupt prefix -M hello -E es
    all_fail short prefix -M hello -E error
}

@test "-M: refused while the message is being sent is a rejection, not a reset" {
    local how start

    make_flood 16M
    start=$(now_ms)
    for how in refuse slam hold; do
        all_fail rejected "$how" -M "@$T/flood" -T "$PATIENCE"
        all_fail rejected "$how" -M "@$T/flood" -E "@$T/flood" -T "$PATIENCE"
    done
    (($(now_ms) - start < 50000)) # when it is told, not when it loses patience
    [[ $(json_of 'rejections.*') == 'error: not today' ]]
    all_fail rejected refuse -M hello
    all_fail rejected slam -M hello
}

@test "-M: a server that says why and does not close" {
    start_frameserver hold
    for in_flight in 1 3; do
        ask_client -c 3 -t 1 -m "$in_flight" -M hello -T 1
        counted errors.rejected 3
    done
    end_badserver
}

@test "-M: a server that closes without reading is a reset" {
    make_flood 16M
    all_fail reset unread -M "@$T/flood"
    all_fail reset quit -M "@$T/flood" -T "$PATIENCE"
    all_fail reset unread -M hello
}

@test "-v -M prints the replies, each with a line feed at its end" {
    start_frameserver good
    set -- "$BIN/client" -p "$PORT" -q -v
    "$@" -c 1 -t 1 -M hello >"$T/out"
    printf 'hello\n' | cmp - "$T/out"
    "$@" -c 1 -t 3 -M $'two\nlines\n' >"$T/out"
    printf 'two\nlines\ntwo\nlines\ntwo\nlines\n' | cmp - "$T/out"
    "$@" -c 1 -t 2 -m 2 -M $'\n' >"$T/out"
    printf '\n\n' | cmp - "$T/out"
    make_file message 1000000
    printf '\n' >>"$T/message"
    "$@" -c 1 -t 1 -M "@$T/message" >"$T/out"
    cmp "$T/message" "$T/out"
    "$BIN/client" -p "$PORT" -v -c 1 -t 1 -M hello -o json >"$T/out"
    [[ $(head -n 1 "$T/out") == hello && $(wc -l <"$T/out") -eq 2 ]]
    JSON=$(tail -n 1 "$T/out")
    counted completed 1
    "$BIN/client" -p "$PORT" -v -c 1 -t 1 -M hello >"$T/out"
    [[ $(head -n 1 "$T/out") == hello ]]
    says "$T/out" '^process '
    end_badserver
    start_frameserver none
    run -0 "$BIN/client" -p "$PORT" -q -v -c 1 -t 1 -M hello -E ''
    [[ -z $output ]]
    end_badserver
    start_frameserver short
    run -1 "$BIN/client" -p "$PORT" -q -v -c 1 -t 1 -M hello -E hello
    [[ ${lines[0]} == he && $output == *short* ]]
    end_badserver
}

@test "-v -M: replies at the same time stay in one piece, if they are short" {
    start_frameserver slow
    make_file random 3000
    base64 -w 0 "$T/random" >"$T/message" # 4000 bytes
    "$BIN/client" -p "$PORT" -q -v -c 3 -t 5 -m 5 -M "@$T/message" | sort | uniq -c >"$T/out"
    [[ $(wc -l <"$T/out") -eq 1 ]]
    says "$T/out" "^ +15 $(head -c 200 "$T/message" | sed 's/[+]/[+]/g')"
    end_badserver
    start_frameserver good
    for bytes in 4095 4096 4097; do
        head -c "$bytes" /dev/zero >"$T/message"
        [[ $("$BIN/client" -p "$PORT" -q -v -c 1 -t 3 -m 3 -M "@$T/message" | wc -c) -eq \
            $((3 * bytes + 3)) ]]
    done
    make_file message 100000
    "$BIN/client" -p "$PORT" -q -v -c 3 -t 5 -m 5 -M "@$T/message" >"$T/out"
    # Long ones may mix, but nothing is lost.
    [[ $(wc -c <"$T/out") -ge 1500000 && $(wc -c <"$T/out") -le 1500015 ]]
    end_badserver
}

@test "-v -M prints what has come before the reply ends" {
    local server

    start_frameserver pause
    server=$SERVER_PID
    launch "$BIN/client" -p "$PORT" -q -v -c 1 -t 1 -T 100 -M 'first second'
    eventually says "$OUT" '^first '
    alive "$SERVER_PID"
    kill -s INT "$SERVER_PID"
    await_end "$SERVER_PID"
    [[ $STATUS -eq 1 ]]
    SERVER_PID=$server
    end_badserver
}

@test "-v -M: replies that cannot be printed are a failure, and go nowhere else" {
    local in_flight where

    start_frameserver good
    for in_flight in 1 3; do
        set -- "$BIN/client" -p "$PORT" -q -v -c 2 -t 3 -m "$in_flight" -M hello -E hello
        for where in '>/dev/full' '>&-' '</dev/null >&0'; do
            run -1 --separate-stderr bash -c "exec \"\$@\" $where" bash "$@"
            [[ ${#stderr_lines[@]} -eq 1 && $stderr == *'cannot print the replies'* ]]
        done
    done
    run ! bash -c 'set -o pipefail; "$@" | :' bash "$BIN/client" -p "$PORT" -q -v -c 1 -t 2000 \
        -M hello
    end_badserver
}

@test "-M: Ctrl-C stops the load, and it still reports" {
    local server

    start_frameserver good
    server=$SERVER_PID
    client_away -c 2 -t 10000000 -m 4 -M hello -E hello
    # 50 ms of processor time of a client process: far more than it takes to start.
    worked() { [[ $(ticks_of "$(children_of "$CLIENT" | head -n 1)") -ge 5 ]]; }
    eventually worked
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 ]]
    check_identity
    counted scheduled 20000000
    counted completed -ge 1
    [[ $(json_of errors.{refused,reset,timed_out,short,corrupt,rejected} | sort -u) -eq 0 ]]
    SERVER_PID=$server
    end_badserver
}

@test "-M and -E: what is not allowed" {
    : >"$T/empty"
    not_allowed "-M ''" -M ''
    not_allowed "-M '@$T/empty'" -M "@$T/empty"
    [[ ${stderr_lines[0]} == *'1 to 1073741824 bytes'* ]]
    not_allowed "-E 'x' without -M" -E x
    not_allowed "-E '' without -M" -E ''
    not_allowed '-b with -M' -M hello -b 3000
    not_allowed '-b with -M' -b 1 -M hello
    not_allowed '-k with -M' -M hello -k 2
    not_allowed '-M' -M
    truncate -s $((1024 * 1024 * 1024 + 1)) "$T/large"
    not_allowed "-M '@" -M "@$T/large"
    not_allowed "-E '@" -M x -E "@$T/large"
    for file in "$T/no.such.file" "$T" ''; do
        run -1 --separate-stderr "$BIN/client" -p 1 -M "@$file"
        [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *"-M '@$file'"* ]]
        run -1 --separate-stderr "$BIN/client" -p 1 -M x -E "@$file"
        [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *"-E '@$file'"* ]]
    done
    start_frameserver good
    ask_client -c 1 -t 1 -k 1 -M hello -E hello
    [[ $STATUS -eq 0 ]]
    end_badserver
}
