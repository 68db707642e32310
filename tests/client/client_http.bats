#!/usr/bin/env bats
# The client by HTTP: -P http and -u, against servers of this suite, others, and bad ones.

load ../helpers

OK=$'HTTP/1.1 200 OK\r\n'

# A server that sends the head, with a Content-Length if LENGTH is not empty, an empty line and the
# content, PIECE bytes at a time (0: at once); nothing but HEAD if LENGTH is -.
start_http() { # [-h|-H] HEAD LENGTH CONTENT [PIECE [PATH]]
    local how=-h

    [[ $1 != -[hH] ]] || { how=$1 && shift; }
    printf '%s' "$1" >"$T/reply"
    [[ $2 == - ]] || printf '%s\r\n%s' "${2:+Content-Length: $2$'\r\n'}" "$3" >>"$T/reply"
    launch "$TOOLS/badserver" "$how" "$T/reply" "${4:-0}" "${@:5}"
    await_ready
}

# A reply of this suite: STAMPED.
stamped() { # BYTES
    local filler=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-

    while ((${#filler} < $1)); do
        filler+=$filler
    done
    printf -v STAMPED '%-31s\n%s' 'child 7 pid 4711' "${filler:32:$(($1 - 32))}"
}

# The reply fails so, at once and byte by byte.
http_fails() { # KIND HINT HEAD LENGTH CONTENT OPTION...
    local hint=$2 kind=$1 piece reply=("$3" "$4" "$5")

    shift 5
    for piece in 0 1; do
        start_http -H "${reply[@]}" "$piece"
        ask_client -P http -c 1 -t 2 "$@"
        [[ $STATUS -eq 1 ]]
        counted "errors.$kind" 2
        counted completed 0
        [[ $(json_of 'hints.*' || :) == *"$hint"* ]]
        REJECTION=$(json_of 'rejections.*') || :
        end_badserver
    done
}

@test "-P http: client and server count the same, and the client knows who served" {
    local number

    for number in 00 02 03 05 06 08; do
        compgen -G "$BIN/server${number}_*" >/dev/null || continue
        start_number "$number"
        ask_client -P http -c 2 -t 10 -k 3 -b 5000
        [[ $STATUS -eq 0 && ! -s $T/stderr ]]
        counted requests 60
        counted bytes_received 300000
        [[ $(json_of protocol path verified server_identifies_children | paste -sd' ') == \
            'http  true true' ]]
        [[ $(json_of 'children.*.requests' | awk '{ sum += $1 } END { print sum }') -eq 60 ]]
        ask_client -P http -c 1 -t 20 -m 5 -b 1 -W 1:1@0.5
        [[ $STATUS -eq 0 && $(json_of classes.0.requests) -gt 0 ]]
        ask_client -P http -c 1 -t 10 -r 1000 -b 70000
        [[ $STATUS -eq 0 ]]
        stop_server
        counted connections 50
        counted requests 90
        counted bytes 1000020
        counted rejected 0
        counted broken 0
    done
}

@test "what is sent: a target and a host" {
    local host request

    stamped 40
    start_http "$OK" 40 "$STAMPED"
    for host in 127.0.0.1 localhost; do
        ask_client -i "$host" -P http -c 1 -t 1 -b 40 -W 7ms:9@1
        [[ $STATUS -eq 0 ]]
        request=$(tail -n 3 "$OUT")
        [[ $request == $'GET /40?cpu=7000&wait=9 HTTP/1.1\r\nHost: '"$host:$PORT"$'\r\n\r' ]]
    done
    ask_client -P http -c 1 -t 1 -b 40 -k 2
    [[ $(tail -n 6 "$OUT" | grep -c '^GET /40 HTTP/1.1.$') -eq 2 ]]
    ask_client -u '/a%20b?c=d&e' -c 1 -t 1
    [[ $STATUS -eq 0 && $(tail -n 3 "$OUT") == 'GET /a%20b?c=d&e HTTP/1.1'$'\r\n'* ]]
    end_badserver
    start_http "$OK" 40 "$STAMPED" 0 "$T/socket"
    ask_client -i "$T/socket" -P http -c 1 -t 1 -b 40
    [[ $STATUS -eq 0 && $(tail -n 2 "$OUT") == $'Host: localhost\r\n\r' ]]
    end_badserver
}

@test "-P http: contents are verified, in whatever pieces they come" {
    stamped 100
    start_http "$OK" 100 "$STAMPED" 7
    ask_client -P http -c 2 -t 2 -k 2 -b 100
    [[ $STATUS -eq 0 ]]
    counted requests 8
    counted bytes_received 800
    counted distribution.children 1
    end_badserver
    http_fails corrupt 'first wrong byte is number 50.' "$OK" 100 \
        "${STAMPED:0:49}!${STAMPED:50}" -b 100
    http_fails short "began with 'child 7 pid" "$OK" 100 "${STAMPED:0:60}" -b 100
    http_fails corrupt 'another Content-Length than asked for' "$OK" 99 "$STAMPED" -b 100
    start_http "$OK" 100 "${STAMPED}x"
    ask_client -P http -c 1 -t 2 -b 100
    counted errors.corrupt 2
    [[ $(json_of 'hints.*') == *'and is longer than it should be.' ]]
    end_badserver
}

@test "a head that the client cannot use is corrupt, one without an end short; it says why" {
    http_fails corrupt 'without Content-Length, which the client needs.' "$OK" '' x
    http_fails corrupt 'with Transfer-Encoding: the client needs Content-Length.' \
        "${OK}Transfer-Encoding: chunked"$'\r\n' '' $'1\r\nx\r\n0\r\n\r\n'
    http_fails corrupt 'two Content-Length' "${OK}Content-Length: 1"$'\r\n' 1 x
    http_fails corrupt ': that is no status line of HTTP/1.' 'error: no' - ''
    http_fails short "began with 'HTTP/1.1 200 OK'." "${OK}Content-Le" - ''
    http_fails short 'the server closed without a reply' '' - '' -m 2
}

@test "a status that is not 2xx is a rejection, with its words and those of an error line" {
    http_fails rejected 'Ask others for a path that they have: -u /' \
        $'HTTP/1.1 404 Not Found\r\n' 17 $'error: not today\n'
    [[ $REJECTION == '404 Not Found: error: not today' ]]
    http_fails rejected '' $'HTTP/1.1 404 Not Found\r\n' 100 $'error: half a line'
    [[ $REJECTION == '404 Not Found: error: half a line' ]]
    http_fails rejected '' $'HTTP/1.0 503 \033[1m\r\n' 9 '<html></html>'
    [[ $REJECTION == '503 '*'[1m' ]]
    http_fails rejected '' $'HTTP/1.1 302 x\r\n' '' ''
    start_number 02
    ask_client -u /nothing -c 1 -t 2
    [[ $STATUS -eq 1 && $(json_of 'rejections.*') == '404 Not Found: error: '* ]]
    run -1 "$BIN/client" -p "$PORT" -u /nothing -c 1 -t 1
    [[ $output == *'the server said: 404 Not Found: error: '* ]]
    stop_server
    counted rejected 3
}

@test "1xx is skipped; 204 has no content; a content of none is nothing verified" {
    local continue=$'HTTP/1.1 100 Continue\r\nX: y\r\n\r\n'

    stamped 50
    start_http "$continue$continue$OK" 50 "$STAMPED" 9
    ask_client -P http -c 1 -t 1 -b 50 -k 2
    [[ $STATUS -eq 0 && $(json_of verified) == true ]]
    end_badserver
    for head in $'HTTP/1.1 204 No Content\r\n' "${OK}Content-Length: 0"$'\r\n'; do
        start_http "$head" '' ''
        ask_client -u /x -c 1 -t 2 -k 3
        [[ $STATUS -eq 0 && $(json_of verified) == false ]]
        counted requests 6
        counted bytes_received 0
        end_badserver
    done
}

@test "-k: when a server announces its close, the rest is asked on another connection" {
    local close head

    for close in -h -H; do # it closes, or leaves that to the client
        for head in "${OK}Connection: foo, Close"$'\r\n' $'HTTP/1.0 200 OK\r\n'; do
            start_http "$close" "$head" 5 hello
            ask_client -u /x -c 1 -t 2 -k 3
            [[ $STATUS -eq 0 ]]
            counted completed 2
            counted requests 6
            counted reopened 4
            [[ $(json_of 'hints.*') == *'announced the close of 4 connections before all of -k'* ]]
            [[ $(grep -c '^GET /x ' "$OUT") -eq 6 ]]
            ask_client -u /x -c 1 -t 2
            [[ $STATUS -eq 0 ]]
            counted reopened 0
            ask_client -u /x -c 1 -t 10 -m 3 -k 2
            [[ $STATUS -eq 0 ]]
            counted requests 20
            counted reopened 10
            ask_client -u /x -c 1 -t 2 -m 2 -k 3 -x half-close
            counted misbehaved.0.completed 2
            counted reopened 0
            end_badserver
        done
    done
    start_http $'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n' 5 hello
    ask_client -u /x -c 1 -t 2 -k 3
    [[ $STATUS -eq 0 ]]
    counted reopened 0
    end_badserver
}

@test "-k: a server that closes without a word has failed the next request" {
    start_http -H "$OK" 5 hello
    ask_client -u /x -c 1 -t 2 -k 3
    [[ $STATUS -eq 1 && $(json_of 'hints.*') == *'the server closed without a reply'* ]]
    counted errors.short 2
    counted requests 2
    counted reopened 0
    end_badserver
}

@test "-k: at HUP no request is lost, and client and server count the same connections" {
    local connections each=$((LIMIT < 30 ? 10 * LIMIT : 300)) server

    start_number 03 -n 2
    server=$SERVER_PID
    client_away -P http -c 2 -t 1 -k "$each" -b 40 -W 0:20ms@1
    SERVER_PID=$server OUT=$T/out.0
    eventually server_counts connections 2
    kill -s HUP "$server"
    await_end "$CLIENT"
    [[ $STATUS -eq 0 ]]
    counted failed 0
    counted requests $((2 * each))
    counted reopened -ge 2
    connections=$((2 + $(json_of reopened)))
    [[ $(json_of 'children.*.connections' | awk '{ n += $1 } END { print n }') -eq $connections ]]
    stop_server
    counted connections "$connections"
    counted requests $((2 * each))
    counted broken 0
}

@test "-u: what no stamp proves to be this suite's is counted; what one does is verified" {
    start_http "$OK" 5 hello
    ask_client -u /x -c 1 -t 3 -f 'children<=3'
    [[ $STATUS -eq 0 ]]
    [[ $(json_of protocol path verified bytes | paste -sd' ') == 'http /x false 0' ]]
    counted bytes_received 15
    run -0 "$BIN/client" -p "$PORT" -u /x -c 1 -t 1
    [[ $output == *'1 GET (-k) of /x (-u)'*'bytes not verified'* ]]
    end_badserver
    start_number 03 -n 2
    ask_client -u /100 -c 1 -t 5
    [[ $STATUS -eq 0 && $(json_of verified server_identifies_children | sort -u) == true ]]
    counted bytes_received 500
    counted distribution.children -ge 1
    ask_client -u / -c 1 -t 5
    [[ $STATUS -eq 0 && $(json_of verified) == false ]]
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -u '/9,9?cpu=1' -c 1 -t 1 -o csv
    [[ ${lines[0]} == label,target,protocol,path,mode,* ]]
    [[ ${lines[1]} == *',http,"/9,9?cpu=1",closed,'* ]]
    stop_server
}

@test "-x: garbage is refused in both protocols; slow-send, slow-read, half-close are served" {
    local how protocol

    start_number 02
    for protocol in lines http; do
        ask_client -P "$protocol" -c 1 -t 5 -x garbage
        counted misbehaved.0.errors.rejected 5
    done
    for how in slow-send=1000 slow-read=1000 half-close; do
        ask_client -P http -c 1 -t 2 -b 100 -x "$how"
        counted misbehaved.0.completed 2
    done
    stop_server
    counted rejected 10
    counted requests 6
}

@test "what does not go with -P http and -u is wrong usage" {
    refuses "-P 'ftp': " http -P ftp
    refuses "-u 'x': " /index.html -u x
    refuses "-u '': " /index.html -u ''
    refuses "-u '/a b': " /index.html -u '/a b'
    refuses "-u '/a#b': " /index.html -u '/a#b'
    refuses "-u '/" /index.html -u "/$(printf '%8000d' 0 | tr ' ' x)"
    not_allowed '-u with -P lines' -u /x -P lines
    not_allowed '-u with -b' -u /x -b 3
    not_allowed '-u with -W' -W 5 -u /x
    not_allowed '-u with -M' -u /x -M x
    not_allowed '-P http with -M' -M x -P http
}

# A file of 5000 bytes in $T/www, served by somebody else.
foreign_agrees() { # REQUESTS_PER_CONNECTION OPTION...
    local each=$1

    shift
    ask_client -u /file -c 2 -t 5 -k "$each" "$@"
    [[ $STATUS -eq 0 && ! -s $T/stderr && $(json_of verified) == false ]]
    counted requests $((10 * each))
    counted bytes_received $((50000 * each))
    ask_client -u /none -c 1 -t 2 -m 2 "$@"
    counted errors.rejected 2
    [[ $(json_of 'rejections.*') == '404 '* ]]
}

make_www() {
    mkdir "$T/www"
    head -c 5000 /dev/urandom >"$T/www/file"
    chmod 755 "$T" "$T/www"
}

@test "Python's http.server" {
    command -v python3 >/dev/null || skip "needs python3"
    make_www
    cat >"$T/serve.py" <<'END'
import functools, http.server, os
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=os.sys.argv[1])
handler.func.log_message = lambda *text: None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print("x: listening on 127.0.0.1:%d, pid %d" % (server.server_port, os.getpid()), flush=True)
server.serve_forever()
END
    launch python3 "$T/serve.py" "$T/www"
    await_ready
    foreign_agrees 1
    end_badserver
}

start_nginx() { # REQUESTS_PER_CONNECTION
    cat >"$T/nginx.conf" <<END
daemon off; master_process off; pid $T/nginx.pid; error_log $T/nginx.log crit;
events {}
http {
    access_log off; keepalive_requests $1;
    client_body_temp_path $T/a; proxy_temp_path $T/b; fastcgi_temp_path $T/c;
    uwsgi_temp_path $T/d; scgi_temp_path $T/e;
    server { listen unix:$T/nginx.$1; root $T/www; }
}
END
    launch "$NGINX" -c "$T/nginx.conf" -e "$T/nginx.log"
    eventually test -S "$T/nginx.$1"
    PORT=1
}

@test "nginx, also where it allows fewer requests on a connection than -k asks" {
    NGINX=$(PATH=$PATH:/usr/sbin command -v nginx) || skip "needs nginx"
    make_www
    start_nginx 1000
    foreign_agrees 50 -i "$T/nginx.1000"
    ask_client -c 1 -t 1 -i "$T/nginx.1000"
    [[ $STATUS -eq 1 ]]
    [[ $(json_of 'hints.*') == *": this looks like HTTP: -P http, or with others' servers -u /." ]]
    end_badserver
    start_nginx 20
    foreign_agrees 50 -i "$T/nginx.20"
    ask_client -u /file -c 1 -t 4 -k 50 -m 2 -i "$T/nginx.20"
    counted reopened 8
    end_badserver
}
