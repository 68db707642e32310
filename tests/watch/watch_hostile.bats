#!/usr/bin/env bats
# What comes to watch from others than its page: pages of other sites, requests that are none,
# readers that do not read, services that print anything.

load ../helpers

start_quiet() {
    start_watch_with <<'END'
[prefork]
program = server03_prefork_accept
options = -n 2
autostart = yes
END
}

refuses() { # STATUS PATTERN
    echo "$STATUS $BODY"
    [[ $STATUS -eq $1 && $BODY =~ $2 && $BODY != *$'\n'* ]]
}

# --- other sites ----------------------------------------------------------------------------------

@test "DNS rebinding: only our own names are known, the refusal says what to do" {
    local host ours

    start_quiet
    ours=$HOST
    for HOST in "127.0.0.1:$PORT" "localhost:$PORT" "LOCALHOST:$PORT" "[::1]:$PORT"; do
        get /
        [[ $STATUS -eq 200 ]]
    done
    for HOST in evil.example "evil.example:$PORT" 127.0.0.1 localhost "127.0.0.2:$PORT" \
        "localhost.evil.example:$PORT" "127.0.0.1:1$PORT" "localhost:$PORT@evil.example" '' \
        "127.0.0.1:$PORT, evil.example" "user@127.0.0.1:$PORT"; do
        for target in / /status.json /events /watch.js /do /none; do
            get "$target"
            refuses 421 "open http://$ours/ in place of it, or start watch with -i"
        done
    done
    ask_bytes 'GET / HTTP/1.1\r\n\r\n'
    refuses 421 'this address is not known'
    ask_bytes "GET / HTTP/1.1\r\nHost: $ours\r\nHost: evil.example\r\n\r\n"
    refuses 400 'stands twice'
}

@test "a name that -i was given is known, and a warning said" {
    COMPLAINTS='everybody who reaches 0.0.0.0:[0-9]* can start and stop these services'
    start_watch -i 0.0.0.0
    says "$ERR" "$COMPLAINTS"
    HOST=0.0.0.0:$PORT get /
    [[ $STATUS -eq 200 ]]
    HOST=192.0.2.1:$PORT get /
    refuses 421 'start watch with -i'
}

@test "the address in the first line is known, whatever -i called it; a refusal names it" {
    start_watch -i 127.2
    [[ $ADDRESS == 127.0.0.2:* ]]
    HOST=$ADDRESS get /
    [[ $STATUS -eq 200 ]]
    HOST=evil.example get /
    refuses 421 "open http://$ADDRESS/ in place of it"
}

@test "a socket that was inherited (LISTEN_FDS) may block: watch does not" {
    launch poke -L 127.0.0.1:0 "$BIN/watch"
    await_ready
    ADDRESS=${ADDRESS#http://}
    ADDRESS=${ADDRESS%/}
    poke "$ADDRESS" connect send:"GET / HTTP/1.1\\r\\nHost: $ADDRESS\\r\\n\\r\\n" \
        line:'HTTP/1.1 200'
}

@test "cross-site POST: without the token, or from another place, nothing is done" {
    local fields form

    start_quiet
    eventually service_runs prefork
    form="token=$TOKEN&what=service&name=prefork&do=stop"
    for fields in '' 'Origin: http://evil.example\r\n' 'Origin: null\r\n' \
        "Origin: https://$HOST\\r\\n" "Origin: http://$HOST.evil.example\\r\\n" \
        "Origin: http://localhost:$PORT\\r\\n" 'Sec-Fetch-Site: cross-site\r\n' \
        'Sec-Fetch-Site: same-site\r\n' 'Sec-Fetch-Site: none\r\n' \
        "Origin: http://$HOST\\r\\nSec-Fetch-Site: cross-site\\r\\n" \
        'Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n'; do
        post_form "$form" "$fields"
        refuses 403 'only the page itself'
    done
    for form in '' 'token=' "token=${TOKEN:1}" "token=${TOKEN}0" "token=${TOKEN:1}x"; do
        post_form "$form&what=service&name=prefork&do=stop" "Origin: http://$HOST\\r\\n"
        [[ $STATUS -eq 403 || $STATUS -eq 400 && -z $form ]]
    done
    ask_bytes "POST /do HTTP/1.1\r\nHost: $HOST\r\nOrigin: http://$HOST\r\nContent-Type: \
text/plain\r\nContent-Length: 0\r\n\r\n"
    refuses 415 'x-www-form-urlencoded'
    get "/do?token=$TOKEN&what=service&name=prefork&do=stop"
    refuses 404 'nothing of that name'
    get /do
    refuses 405 'POST is allowed here'
    service_runs prefork
    post_form "token=$TOKEN&what=service&name=prefork&do=stop" 'Sec-Fetch-Site: same-origin\r\n'
    [[ $STATUS -eq 204 ]]
    eventually service_is prefork state stopped
}

@test "another site's page may lead here, and read nothing; no script of the page stands in it" {
    local target

    start_quiet
    get / 'Sec-Fetch-Site: cross-site\r\n'
    [[ $STATUS -eq 200 && $HEAD == *"frame-ancestors 'none'"* && $HEAD != *unsafe* ]]
    [[ $HEAD == *'Cross-Origin-Resource-Policy: same-origin'* && $HEAD == *nosniff* ]]
    [[ $HEAD != *Access-Control* ]]
    run ! grep -E '<script>|<script nonce|[ "]on[a-z]+=|javascript:' <<<"$BODY"
    for target in /events /status.json /record.html /watch.js; do
        get "$target" 'Sec-Fetch-Site: cross-site\r\n'
        refuses 403 'another site'
    done
}

# --- requests -------------------------------------------------------------------------------------

@test "what is no request is refused; the limits of head and body; other methods" {
    local each long

    start_quiet
    for each in '\r\n\r\n' 'GET\r\n\r\n' 'GET /\r\n\r\n' 'GET / HTTP/2.0\r\n\r\n' \
        'GET / HTTP/1.12\r\n\r\n' 'GET http://x/ HTTP/1.1\r\n\r\n' 'GET x HTTP/1.1\r\n\r\n' \
        'GET /  HTTP/1.1\r\n\r\n' 'GET / HTTP/1.1\r\nno colon\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost : x\r\n\r\n' 'GET / HTTP/1.1\r\n: x\r\n\r\n' \
        'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n' 'GET / HTTP/1.1\r\nA: \0\r\n\r\n' \
        'GET /\0 HTTP/1.1\r\n\r\n' 'GET / HTTP/1.1\r\nA: \033[2J\r\n\r\n' \
        'GET / HTTP/1.1\nHost: x\n\r\n\r\n' 'POST /do HTTP/1.1\r\nContent-Length: -1\r\n\r\n' \
        'POST /do HTTP/1.1\r\nContent-Length: 1x\r\n\r\n' \
        'POST /do HTTP/1.1\r\nContent-Length: \r\n\r\n' \
        'POST /do HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n' \
        'POST /do HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n' \
        'POST /do HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'; do
        ask_bytes "$each"
        echo "$each"
        refuses 400 .
    done
    long=$(printf '%08192d' 0)
    get / "A: ${long:200}\\r\\n"
    [[ $STATUS -eq 200 ]]
    get / "A: $long\\r\\n"
    refuses 431 8192
    get "/$long"
    refuses 431 8192
    post_form "${long:0:4095}" "Origin: http://$HOST\\r\\n"
    refuses 400 form
    post_form "${long:0:4096}" "Origin: http://$HOST\\r\\n"
    refuses 413 4095
    for each in HEAD POST PUT DELETE OPTIONS TRACE get; do
        ask_bytes "$each / HTTP/1.1\r\nHost: $HOST\r\n\r\n"
        refuses 405 'GET is allowed'
        [[ $HEAD == *$'\nAllow: GET\r'* ]]
    done
    for each in //etc/passwd /../services.ini /services.ini /page.html /%2e /events/ /.js /x.js \
        /README.md /docs/../README.md /server03_prefork_accept/README.md/ /.md; do
        get "$each"
        refuses 404 .
    done
}

@test "a request in pieces is one; of several behind one another the first is answered" {
    local text

    start_quiet
    text="GET / HTTP/1.1\\r\\nHost: $HOST\\r\\n\\r\\n"
    poke "$ADDRESS" connect slow:1:"$text" line:'HTTP/1.1 200'
    text="POST /do HTTP/1.1\\r\\nHost: $HOST\\r\\nContent-Length: 3\\r\\n\\r\\nab"
    poke "$ADDRESS" connect send:"$text" silent:300 send:c line:'HTTP/1.1 403'
    ask_bytes "GET /none HTTP/1.1\r\nHost: $HOST\r\n\r\nGET /watch.js HTTP/1.1\r\nHost: x\r\n\r\n"
    refuses 404 'nothing of that name'
}

@test "who sends nothing, or not all, or does not read what was asked for, is closed" {
    local each

    start_quiet
    poke_away "$ADDRESS" connect eof
    for each in 'GET / HT' 'POST /do HTTP/1.1\r\nContent-Length: 9\r\n\r\nx'; do
        poke_away "$ADDRESS" connect send:"$each" gone
    done
    await_all
    eventually has_no_visitors
}

has_no_visitors() {
    [[ $(find "/proc/$WATCH/fd" -lname 'socket:*' | wc -l) -eq 1 ]]
}

# --- streams --------------------------------------------------------------------------------------

# A stream in the background, that does these steps behind the first line of the answer.
stream_away() { # STEP...
    poke_away -d 600 "$ADDRESS" connect \
        send:"GET /events HTTP/1.1\\r\\nHost: $HOST\\r\\n\\r\\n" line:'HTTP/1.1 200' "$@"
}

memory() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$WATCH/status"
}

# A service whose log is long, so that frames are large.
start_large() {
    some_large >"$T/large.ini"
    start_watch -f "$T/large.ini"
}

some_large() {
    local i

    for i in {1..40}; do
        printf '[large%d]\nprogram = server00_iterative\noptions = %s\n' "$i" \
            "$(printf 'x%.0s' {1..900})"
    done
}

@test "readers that never read: frames are dropped, memory stays flat, others get theirs" {
    local before i

    [[ ${CFLAGS:-} != *sanitize* ]] || skip "a sanitizer keeps what was freed"
    start_large
    for i in {1..20}; do
        stream_away touch:"$T/streams.$i" until:"$T/go"
    done
    eventually test -e "$T/streams.20"
    pause 3
    before=$(memory)
    pause 5
    echo "VmRSS: $before KiB, then $(memory) KiB"
    [[ $(memory) -le $((before + 512)) ]]
    stream_away touch:"$T/reads" read:200000 touch:"$T/read"
    eventually test -e "$T/read"
    touch "$T/go"
    await_all
    eventually has_no_visitors
}

@test "a stream that is stuck within a frame is closed after half a minute" {
    start_large
    stream_away touch:"$T/begun" until:"$T/go"
    eventually test -e "$T/begun"
    eventually has_no_visitors
    touch "$T/go"
    await_all
}

@test "a stream that sends something is closed: it only has to listen" {
    start_quiet
    stream_away send:x gone
    await_poke
    eventually has_no_visitors
}

@test "1,000 streams: 64 are served, the others told why not; the page goes on" {
    local i

    start_quiet
    for i in {1..64}; do
        stream_away touch:"$T/streams.$i" until:"$T/go"
    done
    for i in {1..64}; do
        eventually test -e "$T/streams.$i"
    done
    poke -j 100 -r 10 "$ADDRESS" connect \
        send:"GET /events HTTP/1.1\\r\\nHost: $HOST\\r\\n\\r\\n" line:'HTTP/1.1 503' gone
    get /events
    refuses 503 'close one'
    [[ $HEAD == *Retry-After* ]]
    service_runs prefork
    touch "$T/go"
    await_all
    eventually has_no_visitors
    stream_away touch:"$T/again"
    await_poke
}

# (ROUNDS=3000 FILTER=soak tests/run watch_hostile: an hour of it.)
@test "soak: streams and requests come and go, and nothing grows" {
    local before i

    [[ ${CFLAGS:-} != *sanitize* ]] || skip "a sanitizer keeps what was freed"
    start_quiet
    for i in {1..3}; do # what is done for the first time takes memory
        come_and_go
    done
    before=$(memory)
    for ((i = 0; i < ${ROUNDS:-10}; i++)); do
        come_and_go
    done
    echo "VmRSS: $before KiB, then $(memory) KiB"
    [[ $(memory) -le $((before + 256)) ]]
    eventually has_no_visitors
}

come_and_go() {
    local host="HTTP/1.1\\r\\nHost: $HOST\\r\\n\\r\\n"

    poke -j 20 -r 5 "$ADDRESS" connect send:"GET /events $host" line:'HTTP/1.1 200' read:500 \
        close >"$T/said"
    poke -j 20 -r 5 "$ADDRESS" connect send:"GET /status.json $host" line:'HTTP/1.1 200' reset \
        >"$T/said"
    does 'what=service&name=prefork&do=restart'
    eventually service_runs prefork
}

# --- what services print --------------------------------------------------------------------------

@test "whatever a service prints, a snapshot is JSON, and ends no script" {
    mkdir "$T/bin"
    ln -s "$BIN"/* "$T/bin"
    BIN=$T/bin
    fake bad <<'END'
trap '' USR1
printf '</script><script>alert(1)</script> "\\ \033[2J \001 \377\376 \303 \355\240\200 \303\251\n'
printf '{"a":1\n{"a":01}\n{"a":"\t"}\n{"x":"<!--"}\n{"a":[1,]}\n{"a":1}}\n'
awk 'BEGIN { for (i = 0; i < 5000000; i++) printf "x"; print "" }'
printf 'bad: listening on <b>, pid 1\n'
exec cat /dev/zero
END
    start_watch_with <<'END'
[bad]
program = bad
options = <i> "\
autostart = yes
END
    eventually service_runs bad
    get /status.json
    [[ $BODY != *'<'* && $BODY == *'\u003c/script>'* ]]
    [[ $(of_service bad address) == '\u003cb>' && $(of_service bad stats.x) == '\u003c!--' ]]
    [[ $(of_service bad 'arguments.*' | paste -sd' ') == '\u003ci> \u0022\u005c' ]]
    [[ $(of_service bad log.0) == *' \u001b[2J \u0001 \ufffd\ufffd \ufffd \ufffd\ufffd\ufffd é' ]]
    [[ $(of_service bad 'log.#') -eq 6 ]] # the line of 5,000,000 bytes is left out
}
