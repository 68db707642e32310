#!/usr/bin/env bats
# What every server promises those that speak HTTP (docs/http.md has the rules, and http_test.c the
# reader's cases): the same as in lines, in each way to serve. $SERVER names the server; tests/run
# runs this file once for each, as it does the contract.

load ../helpers

# GET, or another METHOD, of a target; more fields, ended by \r\n, may follow.
request() { # METHOD TARGET [FIELDS]
    printf '%s' "$1 $2 HTTP/1.1\r\nHost: x\r\n${3:-}\r\n"
}

# The steps that expect a whole head, in STEPS. CONNECTION is what its field says; '' is none.
expects() { # STATUS LENGTH CONNECTION STEP...
    STEPS+=(line:"HTTP/1.1 $1")
    [[ $1 != 405* ]] || STEPS+=(line:$'Allow: GET, HEAD\r')
    STEPS+=(line:'Date: ' line:$'Content-Type: text/plain; charset=us-ascii\r')
    STEPS+=(line:"Content-Length: $2" ${3:+line:"Connection: $3"$'\r'} line:$'\r' "${@:4}")
}

start_way() { # WAY
    local few=()

    if takes_children; then
        few=(-n 2)
    fi
    # shellcheck disable=SC2086 # words
    start_server $1 "${few[@]}"
}

# Of the pages among what poke has said: how many bytes they are. Nothing if a head said otherwise.
page_bytes() {
    awk -v name="$SERVER" '
        /^Content-Length: / { said = $2 + 0 }
        $0 == name { bytes = 0; inside = 1 }
        inside { bytes += length($0) + 1 }
        inside && /^or send/ { sum += bytes; wrong = wrong || bytes != said; inside = 0 }
        END { if (!wrong) print sum }' "$T/said"
}

@test "every way: GET and HEAD, pages and faults, pipelined in order, whole or byte by byte" {
    local STEPS=() all page way

    page=(line:"$SERVER" line:'child ' line: line:'Ask for more:' line:'  /BYTES ' line:'  /BYTES?'
        line:' ' line:'or send lines')
    all=$(request GET /40)$(request HEAD /1073741824)$(request GET '/5000?wait=10&cpu=10')
    all+=$(request GET /nothing)$(request POST /40)$(request GET /)$(request HEAD /)
    all+=$(request GET http://x/7 'Connection: x, Close\r\n')
    expects 200 40$'\r' '' reply:40
    expects 200 1073741824$'\r' ''
    expects 200 5000$'\r' '' reply:5000
    expects 404 '' '' line:'error: ask for /'
    expects 405 '' '' line:'error: GET and HEAD'
    expects 200 '' '' "${page[@]}"
    expects 200 '' ''
    expects 200 7$'\r' close reply:7 eof
    while read -r way; do
        start_way "$way"
        poke "$ADDRESS" connect send:"$all$all" "${STEPS[@]}" connect slow:1:"$all" "${STEPS[@]}" \
            >"$T/said"
        [[ $(grep -c '^child .* serves this connection, one of [12] that it' "$T/said") -eq 2 ]]
        stop_server
        [[ $STATUS -eq 0 ]]
        counted connections 2
        counted requests 12
        counted rejected 4
        counted bytes $((2 * (40 + 5000 + 7) + $(page_bytes)))
        counted broken 0
    done < <(ways)
}

@test "HTTP/1.0: one request, or as many as its client wants to keep the connection for" {
    local STEPS=() keep='Connection: Keep-Alive\r\n'

    start_server
    expects 200 40$'\r' close reply:40 eof
    poke "$ADDRESS" connect send:'GET /40 HTTP/1.0\r\n\r\n' "${STEPS[@]}"
    STEPS=()
    expects 200 40$'\r' keep-alive reply:40
    expects 404 '' keep-alive line:'error: '
    expects 200 50$'\r' close reply:50 eof
    poke "$ADDRESS" connect send:"GET /40 HTTP/1.0\r\n$keep\r\nGET /x HTTP/1.0\r\n$keep\r\n" \
        send:'GET /50 HTTP/1.0\r\n\r\nGET /60 HTTP/1.0\r\n\r\n' "${STEPS[@]}"
    stop_server
    counted requests 3
    counted bytes 130
    counted rejected 1
}

@test "the last reply arrives whole, though more comes behind its request" {
    local STEPS=() each old='GET /16777216 HTTP/1.0\r\n\r\n'

    start_server
    expects 200 16777216$'\r' close reply:16777216 eof
    for each in "$(request GET /16777216 'Connection: close\r\n')" "$old"; do
        poke "$ADDRESS" connect send:"$each" send:'\r\n' "${STEPS[@]}"
    done
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted broken 0
}

# A refused request, and megabytes behind it: the answer comes all the same, whole, and is the last.
refused_with() { # STATUS TEXT [BODY]
    local STEPS=()

    expects "$1" '' close line:'error: ' eof
    poke "$ADDRESS" connect send:"$2" fill:3000000:"${3:-x}" "${STEPS[@]}"
    REFUSED=$((REFUSED + 1))
}

@test "what is refused is told so whatever comes behind it, and a body is never a request" {
    local REFUSED=0 get

    get=$(request GET /40)
    start_server
    refused_with 405 "$(request POST /1 'Content-Length: 3000000\r\n')" '40\n'
    refused_with 405 "$(request PUT /1 'Transfer-Encoding: chunked\r\n')" "$get"
    refused_with 413 "$(request GET /1 'Content-Length: 3000000\r\n')" "$get"
    refused_with 411 "$(request GET /1 'Transfer-Encoding: chunked\r\n')" "$get"
    refused_with 400 "$(request GET /1 'Content-Length: 3\r\nContent-Length: 3\r\n')" "$get"
    refused_with 400 'GET /1 HTTP/1.1\r\n\r\n' "$get"
    refused_with 400 'hello\n' '40\n'
    refused_with 414 'GET /' 1
    refused_with 431 'GET /1 HTTP/1.1\r\nHost: ' x
    refused_with 501 "$(request FETCH /1)" "$get"
    refused_with 505 'GET /1 HTTP/2.0\r\n' "$get"
    served_after
    stop_server
    [[ $STATUS -eq 0 ]]
    counted rejected "$REFUSED"
    counted requests 1
    counted broken 0
    counted timed_out 0
}

# It ends by itself, and the server has counted why.
ends_so() { # COUNT STEP...
    poke "$ADDRESS" mark connect "${@:2}" within:$((250 * LIMIT))
    COUNTS[$1]=$((COUNTS[$1] + 1))
    server_counts "$1" "${COUNTS[$1]}"
}

@test "-T 1 ends a head that does not, and a connection between requests; half a head is broken" {
    local -A COUNTS=([timed_out]=0 [broken]=0)

    start_server -T 1
    ends_so broken send:'G' half eof
    ends_so broken send:"$(request GET /40)GET /40 HTTP/1.1\r\nHost: x\r\n" half read:100 gone
    ends_so timed_out send:'GET /40 HTTP/1.1\r\nHost' eof after:800
    ends_so timed_out send:"$(request HEAD /40)" line:'HTTP/1.1 200' gone after:800
    ends_so timed_out send:'GET /40 HTTP/1.1\r\nX: ' drip:300 gone after:800
    stop_server
    [[ $STATUS -eq 0 ]]
    counted timed_out 3
    counted broken 2
    counted requests 2
    counted rejected 0
}

@test "-T 1: who does not read what it is refused is reset, and counts as one that timed out" {
    start_server -T 1
    poke_away "$ADDRESS" buffer:4096 connect fill:80000000:"$(request GET /x)" stay
    eventually dead "$POKE"
    stop_server
    [[ $STATUS -eq 0 ]]
    counted timed_out 1
    counted broken 0
    counted requests 0
    counted rejected -gt 1000
}

@test "-v: the reply to HEAD has no bytes" {
    start_server -v
    poke "$ADDRESS" connect send:"$(request HEAD /99)$(request HEAD /1 'Connection: close\r\n')" \
        line:'HTTP/1.1 200' line: line: line: line:$'\r' line:'HTTP/1.1 200' line: line: line: \
        line:'Connection: close' line:$'\r' eof
    stop_server
    [[ $(sed -n 's/^child .*: \(.* bytes\), .*/\1/p' "$OUT" | paste -sd,) == '0 bytes,0 bytes' ]]
}

# --- stopping -------------------------------------------------------------------------------------

@test "TERM: the reply to a request in progress says close, and no further request is begun" {
    local STEPS=()

    expects 200 1000$'\r' close reply:1000 eof
    start_server
    poke_away "$ADDRESS" connect send:"$(request HEAD /1)$(request GET '/1000?wait=1500000')" \
        send:"$(request GET /33)" line:'HTTP/1.1 200' line:Date line:Content-Type \
        line:Content-Length line:$'\r' sleep:200 touch:"$T/working" "${STEPS[@]}"
    eventually test -e "$T/working"
    stop_server
    await_poke
    [[ $STATUS -eq 0 ]]
    counted requests 2
    counted bytes 1000
    counted broken 0
}

@test "TERM: a reply that has begun gets whole to a slow reader, and none behind it is begun" {
    local STEPS=()

    expects 200 12000000$'\r' '' touch:"$T/working" until:"$T/go" reply:12000000 eof
    start_server -g "$PATIENCE"
    poke_away "$ADDRESS" buffer:4096 connect send:"$(request GET /12000000)" "${STEPS[@]::6}" \
        send:"$(request GET /33)$(request GET /33)" "${STEPS[@]:6}"
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    touch "$T/go"
    await_end
    await_poke
    [[ $STATUS -eq 0 ]]
    counted requests 1
    counted broken 0
}

@test "TERM: a connection that is kept, and one that was refused, keep nobody waiting" {
    local start step

    for step in "$(request GET /x)" 'GET /1 HTTP/1.1\n'; do
        start_server -g "$LIMIT" -T "$PATIENCE"
        poke_away "$ADDRESS" connect send:"$step" line:'HTTP/1.1 40' touch:"$T/idle" \
            until:"$T/go" gone
        eventually test -e "$T/idle"
        start=$(now_ms)
        stop_server
        (($(now_ms) - start < 250 * LIMIT))
        [[ $STATUS -eq 0 ]]
        touch "$T/go"
        await_poke
        rm "$T/idle" "$T/go"
        counted rejected 1
        counted broken 0
    done
}

# With one child, whose pid is then in OLD.
start_one() {
    start_server -n 1 -g "$PATIENCE" -T "$PATIENCE"
    eventually has_children "$SERVER_PID" 1
    OLD=$(children_of "$SERVER_PID")
}

# (A server that answers has told the child to leave: it looks at HUP first.)
replace_it() {
    kill -s HUP "$SERVER_PID"
    server_counts children_lost 0
}

# For the server its connection is over, though the client may keep it; so many were served.
has_left() { # REQUESTS
    eventually dead "$OLD"
    touch "$T/end"
    await_poke
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests "$1"
    counted children_lost 0
    counted broken 0
    counted timed_out 0
}

# bats test_tags=pool,holds
@test "HUP: the next reply on a connection that is in use says close, and is the last" {
    local STEPS=()

    start_one
    expects 200 12000000$'\r' '' touch:"$T/working" until:"$T/go" reply:12000000
    expects 200 33$'\r' close reply:33 eof until:"$T/end"
    poke_away "$ADDRESS" buffer:4096 connect send:"$(request GET /12000000)" \
        send:"$(request GET /33)$(request GET /44)" "${STEPS[@]}"
    eventually test -e "$T/working"
    replace_it
    touch "$T/go"
    has_left 2
}

# bats test_tags=pool,holds
@test "HUP: a connection that is kept and idle is closed" {
    local STEPS=()

    start_one
    expects 200 33$'\r' '' touch:"$T/idle" eof until:"$T/end"
    poke_away "$ADDRESS" connect send:"$(request HEAD /33)" "${STEPS[@]}"
    eventually test -e "$T/idle"
    replace_it
    has_left 1
}

# bats test_tags=pool
@test "HUP: a connection of lines goes on" {
    start_one
    poke_away "$ADDRESS" connect send:'33\n' reply:33 touch:"$T/idle" until:"$T/go" silent:1500 \
        send:'44\n' reply:44 half eof
    eventually test -e "$T/idle"
    replace_it
    touch "$T/go"
    has_left 2
}

# --- many at a time -------------------------------------------------------------------------------

# bats test_tags=concurrent
@test "lines and HTTP at the same time, beside a client that reads its reply slowly" {
    local STEPS=()

    expects 200 16777216$'\r' close touch:"$T/stuck" until:"$T/go" reply:16777216 eof
    start_server -T "$PATIENCE"
    poke_away "$ADDRESS" buffer:4096 connect \
        send:"$(request GET /16777216 'Connection: close\r\n')" "${STEPS[@]}"
    eventually test -e "$T/stuck"
    STEPS=()
    expects 200 1073741824$'\r' ''
    expects 200 100$'\r' '' reply:100
    poke_away -j 3 -r 20 "$ADDRESS" connect send:'70\n' reply:70 send:'80\n' reply:80 half eof
    poke -j 3 -r 20 "$ADDRESS" connect send:"$(request HEAD /1073741824)$(request GET /100)" \
        "${STEPS[@]}" half eof >"$T/said"
    await_poke
    touch "$T/go"
    await_poke "${HELPERS[0]}"
    stop_server
    [[ $STATUS -eq 0 ]]
    counted connections 121
    counted requests 241
    counted bytes $((60 * (70 + 80 + 100) + 16777216))
    counted broken 0
}
