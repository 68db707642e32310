#!/usr/bin/env bats
# What libhandler and the handlers of server05 and server11 claim: frames, and what is made of them.

load ../helpers

SERVER=server05_spawn_pool
BOTH='server05_spawn_pool server11_event_workers' # what is about frames concerns both

# (server11 has a limit of its own.)
start_frames() { # OPTION...
    HELPERS=()
    if [[ $SERVER == server11_* ]]; then
        start_server -l 16M "$@"
    else
        start_server "$@"
    fi
}

@test "run by hand it says who is to run it" {
    local handler

    for handler in handler_bytes handler_echo handler_clock handler_primes; do
        run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$handler"
        [[ -z $output && $stderr == "$handler: "*server05_spawn_pool* ]]
        run -0 "$BIN/$handler" -h
        [[ ${lines[0]} == "usage: $handler"* ]]
        run -0 "$BIN/$handler" -V
        run -2 "$BIN/$handler" -z
        run -2 "$BIN/$handler" more
    done
    HANDLER_SEAT=1 run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/handler_echo" 4</dev/null
    [[ $stderr == *'not the distributor'* ]]
}

# --- frames ---------------------------------------------------------------------------------------

ask() { # TEXT, what the server is to say
    "$BIN/client" -q -v -p "$PORT" -c 1 -t 1 -M "$1"
}

@test "frames: echoed byte for byte, whatever the size and the pieces" {
    local size

    for SERVER in $BOTH; do
        start_frames -n 2 -e handler_echo
        for size in 1 2 4095 4096 65537 1048576 16777216; do
            head -c "$size" /dev/urandom >"$T/message"
            "$BIN/client" -q -p "$PORT" -c 2 -t 3 -M "@$T/message" -E "@$T/message"
        done
        poke "$ADDRESS" connect slow:30:"$(length_of 5)hello" read:5 eof
        poke "$ADDRESS" connect send:"$(length_of 513)" fill:513 read:513 eof
        poke "$ADDRESS" connect send:"$(length_of 5)hello" half read:5 eof
        "$BIN/client" -q -p "$PORT" -c 10 -t 100 -M hello -E hello
        stop_server
        counted requests 1045
        counted rejected 0
        counted broken 0
    done
}

@test "frames: what is wrong is refused with a reason, and counted" {
    local length

    for SERVER in $BOTH; do
        start_frames -n 1 -e handler_echo
        run -0 poke "$ADDRESS" connect send:'\0\0\0\0' line:'error: ' eof
        [[ $output == *'length is 0'*'1 to 16777216'* ]]
        run -0 poke "$ADDRESS" connect send:$'\x01\\0\\0\x01' line:'error: ' eof
        [[ $output == *'length is 16777217'* ]]
        run -0 poke "$ADDRESS" connect send:$'\xff\xff\xff\xff' fill:100000 line:'error: ' eof
        [[ $output == *4294967295* ]]
        run -0 poke "$ADDRESS" connect send:"$(length_of 11)123" half line:'error: ' eof
        [[ $output == *'3 of 11'* ]]
        run -0 poke "$ADDRESS" connect send:'\0\0' half line:'error: ' eof
        [[ $output == *'4 bytes'*2* ]]
        poke "$ADDRESS" connect half eof
        poke "$ADDRESS" connect close
        all_seen() { # who has closed may still be in the queue
            ask_server
            [[ $(json_of connections) -eq 7 ]]
        }
        eventually all_seen
        stop_server
        counted rejected 5
        counted requests 0
        counted broken 0
        counted bytes 0
        counted connections 7
        start_frames -n 1 -e handler_echo -- -l 100
        length=$(length_of 100)
        poke "$ADDRESS" connect send:"$length" fill:100 read:100 eof
        run -0 poke "$ADDRESS" connect send:"$(length_of 101)" fill:101 line:'error: ' eof
        [[ $output == *'1 to 100 '* ]]
        run ! ask "$(printf '%0200d' 1)"
        stop_server
        counted rejected 2
    done
}

@test "frames: nothing is allocated for a length that was only announced and not allowed" {
    local handler peak

    for SERVER in $BOTH; do
        # AddressSanitizer maps everything at once, but can refuse what is too large.
        ASAN_OPTIONS+=:max_allocation_size_mb=100
        start_frames -n 1 -e handler_echo
        handler=$(children_of "$SERVER_PID")
        [[ $SERVER != server11_* ]] || handler=$SERVER_PID # it is who reads the length
        poke -r 20 "$ADDRESS" connect send:$'\x3f\xff\xff\xff' line:'error: ' eof >/dev/null
        peak=$(awk '/^VmPeak/ { print $2 }' "/proc/$handler/status") # also what was never touched
        ((peak < 500000 || peak > 1000000000)) # more is the shadow memory of AddressSanitizer
        stop_server
    done
}

@test "frames: silent, slow, vanishing and chatty clients harm nobody" {
    for SERVER in $BOTH; do
        start_frames -n 2 -e handler_echo -T 1 -g 1
        poke "$ADDRESS" mark connect eof after:900 within:$((200 * LIMIT))
        poke "$ADDRESS" connect send:"$(length_of 11)12" mark gone after:900 within:$((200 * LIMIT))
        poke "$ADDRESS" connect send:"$(length_of 11)12" reset
        poke "$ADDRESS" connect send:"$(length_of 5)helloand 100 more" read:5 eof
        poke "$ADDRESS" connect send:"$(length_of 5)hello" reset
        poke -r 5 "$ADDRESS" connect reset
        [[ $(ask hello) == hello ]]
        # At the stop nobody waits for those who have had their answer, and stay.
        poke_away "$ADDRESS" connect send:'\0\0\0\0' line:'error: ' touch:"$T/refused" until:"$T/go"
        eventually test -e "$T/refused"
        stop_server
        [[ $STATUS -eq 0 ]]
        counted timed_out 2
        counted broken -ge 1
        counted broken -le 2
        rm "$T/refused"
    done
}

@test "frames: a reader that pauses gets every line of -v" {
    launch_into_pipe -n 1 -v -e handler_echo -i "$T/socket"
    read -r ready <&5
    fill_pipe
    poke_away "$T/socket" connect send:"$(length_of 5)hello" read:5 eof
    pause 2.5 # longer than the tick, which ends its write
    cat <&5 >"$T/lines" &
    HELPERS+=($!)
    await_poke
    eventually grep -aq 'request of 5 bytes, reply of 5' "$T/lines"
    kill -s TERM "$SERVER_PID"
    eventually dead "$SERVER_PID"
    wait "$SERVER_PID"
    exec 5>&-
}

@test "frames: one that came in time is answered, also by who was suspended for longer than -T" {
    start_server -n 1 -e handler_echo -T $((LIMIT / 10))
    poke_away "$ADDRESS" connect touch:"$T/open" until:"$T/go" send:"$(length_of 5)hello" \
        touch:"$T/asked" read:5 eof
    eventually test -e "$T/open"
    eventually handlers_are 1 working
    kill -s STOP "$(children_of "$SERVER_PID")"
    touch "$T/go"
    eventually test -e "$T/asked"
    pause "$((LIMIT / 10)).5"
    kill -s CONT "$(children_of "$SERVER_PID")"
    await_poke
    stop_server
    counted timed_out 0
}

@test "frames: a reply that is not taken ends with a reset, which is no reply's end" {
    for SERVER in $BOTH; do
        start_frames -n 1 -e handler_echo -T 1
        poke_away "$ADDRESS" buffer:4096 connect send:$'\\0\xf0\\0\\0' fill:$((0xf00000)) \
            touch:"$T/asked" until:"$T/go" cut
        eventually test -e "$T/asked"
        eventually server_counts timed_out 1
        touch "$T/go"
        await_poke
        stop_server
        rm "$T/asked" "$T/go"
    done
}

# As docs/handlers.md says: what came of it looks like all of it.
@test "frames: over a Unix socket such a reply ends with the end of the file, there is no reset" {
    for SERVER in $BOTH; do
        start_frames -n 1 -e handler_echo -T 1 -i "$T/socket"
        poke_away "$ADDRESS" connect send:$'\\0\xf0\\0\\0' fill:$((0xf00000)) read:1000 \
            touch:"$T/asked" until:"$T/go" cut
        eventually test -e "$T/asked"
        eventually server_counts timed_out 1
        touch "$T/go"
        run ! await_poke
        [[ $output == *'instead of a reset: end of file'* ]]
        stop_server
        counted requests 0
        counted timed_out 1
        rm "$T/asked" "$T/go"
    done
}

@test "handler_clock: JSON in, the same JSON with the time it was received out" {
    for SERVER in $BOTH; do
        start_frames -e handler_clock
        [[ $(ask '{"a": [1, {"b": null}]}') =~ \
            ^\{\"a\":\ \[1,\ \{\"b\":\ null\}\],\"time_received\":\"20[0-9-]+T[0-9:.]+Z\"\}$ ]]
        [[ $(ask '{}') =~ ^\{\"time_received\":\"[^\"]+\"\}$ ]]
        run ! ask '[1]'
        run ! ask '{"a":}'
        stop_server
        counted rejected 2
        counted requests 2
    done
}

@test "handler_primes: numbers and their factors" {
    for SERVER in $BOTH; do
        start_frames -e handler_primes
        [[ $(ask 600851475143) == '600851475143 = 71 * 839 * 1471 * 6857' ]]
        [[ $(ask 'factor 360') == '360 = 2^3 * 3^2 * 5' ]]
        [[ $(ask 'next 1000000') == 1000003 ]]
        run ! ask 0
        run ! ask 18446744073709551616
        run ! ask 'x'
        stop_server
        counted requests 3
        counted rejected 3
    done
}

@test "work for processors is spread over all handlers, which do it at the same time" {
    start_server -n 2 -e handler_primes
    "$BIN/client" -q -p "$PORT" -c 4 -t 10 -M 999999999999989 -E $'999999999999989 = '\
$'999999999999989\n' 3>&- &
    HELPERS+=($!)
    eventually handlers_are 2 working
    eventually dead "${HELPERS[0]}"
    wait "${HELPERS[0]}"
    stop_server
    counted requests 40
    counted handlers.0.requests -ge 5
    counted handlers.1.requests -ge 5
}

# From $T/handler_mine.c.
build_handler() {
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} -std=c11 -Wall -Wextra -Werror -I "$ROOT/handlers" \
        -o "$T/handler_mine" "$T/handler_mine.c" "$BUILD/libhandler.a" -pthread
}

@test "a handler of one's own: the README's, compiled and run" {
    awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' \
        "$ROOT/$SERVER/README.md" >"$T/handler_mine.c"
    build_handler
    start_server -n 2 -e "$T/handler_mine"
    [[ $(ask 'hello, world') == 'HELLO, WORLD' ]]
    "$BIN/client" -q -p "$PORT" -c 5 -t 40 -M abc -E ABC
    rm "$T/handler_mine" "$T/handler_mine.c"
}

# A handler whose function does STATEMENT, such as something to descriptor 3, before it echoes.
build_meddler() { # STATEMENT
    cat >"$T/handler_mine.c" <<EOT
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "handler.h"

static void
slow_exit(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 400 * 1000 * 1000}, NULL);
    close(open("$T/left", O_WRONLY | O_CREAT, 0644));
}

static bool
meddle(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    (void)slow_exit;
    $1;
    handler_add(reply, request, length);
    return true;
}

int
main(int argc, char **argv)
{
    return handler_main(argc, argv, meddle);
}
EOT
    build_handler
}

# Else a client that reads a line would take what follows for a reply.
@test "a failure stays one line, whatever of the request its message quotes" {
    for SERVER in $BOTH; do
        build_meddler 'if (request[0] != 42)
            return handler_fail(reply, "no %.*s", (int)length, request)'
        start_frames -n 1 -e "$T/handler_mine"
        run -0 poke "$ADDRESS" connect send:"$(length_of 8)"$'a\nb\x1bc\xc3\xa9d' \
            line:'error: ' eof
        [[ $output == *$'error: no a?b?c\xc3\xa9d' ]]
        stop_server
        counted rejected 1
        rm "$T/handler_mine" "$T/handler_mine.c"
    done
}

# The kernel then sends TTIN to the whole group, which stops the handlers. It is no user's wish.
@test "a handler that reads the terminal in the background makes no handler more" {
    command -v script >/dev/null || skip "script(1) gives the server a terminal, and is missing"
    build_meddler 'char byte; if (read(0, &byte, 1) < 1) return false'
    cat >"$T/session" <<EOT
set -m
"$BIN/$SERVER" -p 0 -o json -n 2 -e "$T/handler_mine" >"$T/served" &
until grep -q listening "$T/served"; do sleep 0.1; done
"$BIN/client" -q -p "\$(sed 's/.*:\(.*\), pid.*/\1/' "$T/served")" -c 1 -t 1 -T 1 -M x
until [ "\$(wc -l <"$T/served")" = 2 ]; do kill -s USR1 \$!; sleep 0.2; done
kill -s CONT -\$!; kill -s TERM \$!; sleep 0.5; kill -s KILL -\$! 2>/dev/null
EOT
    script -qec "bash '$T/session'" /dev/null </dev/null >/dev/null 2>&1 3>&- || :
    take_json "$T/served"
    counted children_started 2
    rm "$T/handler_mine" "$T/handler_mine.c"
}

# It serves for longer than the grace when its turn comes, and then takes its time to leave; the
# server, which looks once a second, has last seen it busy long before.
@test "HUP: a handler that has served for long is not killed while it leaves" {
    build_meddler 'static int times; if (times++ == 0) { atexit(slow_exit); }
        while (length > 3 && access("'"$T/go"'", F_OK) != 0) {
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        }'
    start_server -n 1 -g 1 -e "$T/handler_mine"
    "$BIN/client" -q -p "$PORT" -c 1 -t 1 -M slow -E slow 3>&- &
    HELPERS+=($!)
    eventually handlers_are 1 working
    kill -s HUP "$SERVER_PID"
    pause 1.8
    touch "$T/go"
    eventually test -e "$T/left"
    wait "${HELPERS[0]}"
    stop_server # which would tell of a kill
    rm "$T/handler_mine" "$T/handler_mine.c"
}

@test "make install: a handler is built with -lhandler, by what pkg-config would say" {
    local flags

    (
        unset MAKEFLAGS
        make -s -C "$ROOT" BIN="$BIN" BUILD="$BUILD" ${CC:+CC="$CC"} ${CFLAGS:+CFLAGS="$CFLAGS"} \
            DESTDIR="$T/root" PREFIX=/opt install
    )
    [[ -s $T/root/opt/share/doc/concurrent-servers/handlers.md ]]
    flags=$(sed -n "s|^Cflags: ||p; s|^Libs: ||p" "$T/root/opt/lib/pkgconfig/libhandler.pc" |
        sed "s|/opt|$T/root/opt|")
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} -o "$T/handler_mine" "$ROOT/handlers/handler_echo.c" $flags
    run -0 "$T/handler_mine" -V
    rm -r "$T/root" "$T/handler_mine"
}

# The flag belongs to the socket: in the common queue what one handler sets concerns all.
@test "a function that makes the channel non-blocking makes no handler leave" {
    build_meddler 'fcntl(3, F_SETFL, O_NONBLOCK)'
    for way in queued piped; do
        start_server -n 2 -d "$way" -e "$T/handler_mine"
        "$BIN/client" -q -p "$PORT" -c 4 -t 20 -M abc -E abc
        stop_server
        counted requests 80
        counted children_started 2
    done
    rm "$T/handler_mine" "$T/handler_mine.c"
}

# Its end is then readable for ever, while the distributor waits for room.
@test "a function that shuts its half of the channel down does not make the distributor spin" {
    local before

    build_meddler 'shutdown(3, SHUT_WR); nanosleep(&(struct timespec){.tv_sec = 1}, NULL)'
    for way in queued piped; do
        start_server -n 1 -Q 1 -d "$way" -e "$T/handler_mine"
        before=$(ticks_of "$SERVER_PID")
        "$BIN/client" -q -p "$PORT" -c 3 -t 1 -M abc -E abc
        (($(ticks_of "$SERVER_PID") - before < 20))
        stop_server
        counted requests 3
    done
    rm "$T/handler_mine" "$T/handler_mine.c"
}
