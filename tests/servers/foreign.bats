#!/usr/bin/env bats
# Clients that others have written drive every server: none reports a failure, and the server has
# counted what the client has. They are Debian's; a test whose client is missing is skipped.

load ../helpers

# Starts every server in turn, has it driven by a function, which gets a URL, and stops it.
drive_each() { # FUNCTION
    local enough

    for SERVER in $(cd "$ROOT" && echo server[0-9][0-9]_*); do
        [[ -x $BIN/$SERVER ]] || continue # it is for another system
        # No more connections than places: a client keeps them all, so the others would wait.
        CLIENTS=4
        [[ $SERVER != server00_* ]] || CLIENTS=1
        enough=()
        if takes_children; then
            enough=(-n 8)
        fi
        start_server -T 1 "${enough[@]}"
        "$1" "http://$ADDRESS"
    done
}

# The server stops, and has counted so much; of none did it see an end too early.
has_counted() { # REPLIES REFUSED BYTES
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests "$1"
    counted rejected "$2"
    counted bytes "$3"
    counted broken 0
}

needs() { # PROGRAM
    command -v "$1" >/dev/null || skip "needs $1"
}

by_ab() { # URL
    local closing

    for closing in '' -k; do
        timeout "$PATIENCE" ab -q ${closing:+-k} -n 100 -c "$CLIENTS" "$1/100" >"$T/said" 2>&1
        says "$T/said" '^Complete requests: +100$'
        says "$T/said" '^Failed requests: +0$'
        [[ -z $closing ]] || says "$T/said" '^Keep-Alive requests: +100$'
        run ! grep -E '^(Non-2xx|Write errors)' "$T/said"
    done
    has_counted 200 0 20000
}

@test "ab, with a connection for each request and with few that are kept" {
    needs ab
    drive_each by_ab
}

# It ends by time alone; after 100 replies it falls silent. What is under way then is not in its
# count: on one connection, nothing.
by_wrk() {
    timeout "$PATIENCE" wrk -t 1 -c 1 -d 1 -s "$T/silence.lua" "$1/100" >"$T/said" 2>&1
    says "$T/said" '^  100 requests in '
    run ! grep -E '(Non-2xx|Socket errors)' "$T/said"
    has_counted 100 0 10000
}

@test "wrk, on a connection that is kept" {
    needs wrk
    echo 'local replies = 0
        function response()
            replies = replies + 1
            if replies == 100 then wrk.thread:stop() end
        end' >"$T/silence.lua"
    drive_each by_wrk
}

by_siege() {
    HOME=$T timeout "$PATIENCE" siege -R "$T/siegerc" -b -c "$CLIENTS" -r $((100 / CLIENTS)) \
        "$1/100" >"$T/said" 2>&1
    says "$T/said" '"successful_transactions":[^0-9]*100,$'
    says "$T/said" '"failed_transactions":[^0-9]*0,$'
    has_counted 100 0 10000
}

@test "siege, with a connection for each request and with few that are kept" {
    local connection

    needs siege
    for connection in close keep-alive; do
        printf '%s = %s\n' json_output true logging false connection $connection >"$T/siegerc"
        drive_each by_siege
    done
}

by_h2load() {
    timeout "$PATIENCE" h2load --h1 -n 100 -c "$CLIENTS" "$1/100" >"$T/said" 2>&1
    says "$T/said" '^requests: .* 100 succeeded, 0 failed, 0 errored, 0 timeout$'
    says "$T/said" '^status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx$'
    has_counted 100 0 10000
}

@test "h2load --h1" {
    needs h2load
    drive_each by_h2load
}

# What is asked for, and one line of what happened: the status, bytes of content, new connections.
ask_curl() { # OPTION...
    timeout "$PATIENCE" curl -sS -o "$T/content" "$@" >>"$T/said" \
        -w '%{http_code} %{size_download} %{num_connects}\n'
}

by_curl() { # URL
    : >"$T/said"
    ask_curl "$1/100" -o "$T/content" "$1/100"
    ask_curl --http1.0 "$1/100?wait=10&cpu=10"
    ask_curl -I "$1/1073741824"
    timeout "$PATIENCE" curl -sS "$1/4096" | tail -c +33 | cmp - "$T/filler"
    timeout "$PATIENCE" curl -sS "$1/" >"$T/page"
    says "$T/page" "^$SERVER\$"
    says "$T/page" '^child [0-9.]+ pid [0-9]+ serves this connection, one of '
    # An error is read to its end, also by who still sends.
    ask_curl "$1/0"
    ask_curl -d 40 "$1/40"
    head -c 3000000 /dev/zero | ask_curl -T - -H Expect: "$1/40"
    [[ $(paste -sd, "$T/said") =~ \
        ^(200\ 100\ [10],){2}200\ 100\ 1,200\ 0\ 1,404\ [0-9]+\ 1(,405\ [0-9]+\ 1){2}$ ]]
    has_counted 6 3 $((3 * 100 + 4096 + $(wc -c <"$T/page")))
}

@test "curl: kept connections, HTTP/1.0, HEAD, the page, and errors that reach who still sends" {
    local letters=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-

    needs curl
    printf "$letters%.0s" {1..68} | head -c 4096 | tail -c +33 >"$T/filler"
    drive_each by_curl
}

# It opens connections ahead, and asks for an icon, which is not there.
by_chromium() {
    timeout "$PATIENCE" chromium --headless --no-sandbox --disable-gpu --no-first-run \
        --disable-dev-shm-usage --user-data-dir="$T/browser" --dump-dom "$1/" >"$T/dom" 2>"$T/said"
    says "$T/dom" "$SERVER\$"
    says "$T/dom" '^child [0-9.]+ pid [0-9]+ serves this connection, one of '
    says "$T/dom" '^or send lines, '
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests 1
    counted rejected -le 1
    counted broken 0
}

@test "chromium shows the page of every server" {
    needs chromium
    drive_each by_chromium
}
