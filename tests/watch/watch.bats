#!/usr/bin/env bats
# What watch does for its page: services, their children, loads, recordings.

load ../helpers

PREFORK='[prefork]
program = server03_prefork_accept
options = -n 2
can = hup
autostart = yes
[fork]
program = server01_fork
[spawn]
program = server05_spawn_pool
options = -n 2 -x 8
can = more fewer
min = 2
max = 3'

# --- the command line and the ini file ------------------------------------------------------------

@test "-h names every option and fits 80 columns; -V; what is wrong is refused" {
    local letter

    run -0 --separate-stderr "$BIN/watch" -h
    [[ -z $stderr && $output == 'usage: watch'* ]]
    for letter in i p f g r q h V; do
        grep -Eq "^ +-$letter " <<<"$output"
    done
    [[ $(grep -Eoc '^ +-[A-Za-z]' <<<"$output") -eq 8 ]]
    [[ $(awk 'length($0) > 80' <<<"$output") == '' ]]
    [[ $("$BIN/watch" -V) == "watch $("$BIN/client" -V | sed 's/.* //')" ]]
    refused watch "-p '70000'" -p 70000
    refused watch "-g 'x'" -g x
    refused watch "-i ''" -i ''
    refused watch "-i './socket': an address or a name is allowed" -i ./socket
    refused watch '-f needs a value' -f
    refused watch '-n is not an option' -n 3
    refused watch "'more'" more
    refused watch '-f and -r: one of them' -f x -r y
}

# The ini file on stdin is refused, at that line, with those words.
refuses_file() { # LINE PATTERN
    cat >"$T/bad.ini"
    run timeout "$LIMIT" "$BIN/watch" -p 0 -f "$T/bad.ini"
    echo "$output"
    [[ $status -eq 1 && ${#lines[@]} -eq 1 && $output =~ ^watch:\ "$T/bad.ini":$1:\ .*$2 ]]
}

@test "a mistake in the ini file: the file, the line, and what is allowed there" {
    local name='a name in brackets of 1 to 32 letters, digits, - or _ is allowed'

    refuses_file 2 "$name; for example" <<<$'# nothing\n[]'
    refuses_file 1 "$name" <<<'[two words]'
    refuses_file 1 "$name" <<<'[<script>]'
    refuses_file 1 "$name" <<<'[open'
    refuses_file 1 "$name" <<<"[$(printf '%033d' 0)]"
    refuses_file 3 'a service has that name already; another one is allowed' \
        <<<$'[a]\nprogram = x\n[a]\nprogram = x'
    refuses_file 1 'first a \[name\] is allowed' <<<'program = x'
    refuses_file 2 'a \[name\], key = value, or a comment behind # is allowed' <<<$'[a]\nprogram'
    refuses_file 2 'program, options, can, min, max, autostart or restart is allowed' \
        <<<$'[a]\nport = 1'
    refuses_file 2 'one name or path is allowed' <<<$'[a]\nprogram ='
    refuses_file 3 'one name or path is allowed' <<<$'[a]\nprogram = x\nprogram = y'
    refuses_file 2 'yes or no is allowed' <<<$'[a]\nautostart = maybe'
    refuses_file 2 "can 'stop': hup, more or fewer is allowed" <<<$'[a]\ncan = hup stop'
    refuses_file 2 "'-ojson': any but -o and -q is allowed" <<<$'[a]\noptions = -n 1 -ojson'
    refuses_file 3 "options '-q': one line of options" <<<$'[a]\noptions = -n 1\noptions = -q'
    refuses_file 2 "'-vq': any but -o and -q is allowed" <<<$'[a]\noptions = -vq'
    refuses_file 2 'at most 40 words are allowed' <<<$'[a]\noptions = '"$(printf 'x %.0s' {1..41})"
    refuses_file 1 '\[a\] has no program' <<<'[a]'
    refuses_file 2 '\[a\] has no program' <<<$'[a]\n[b]'
    refuses_file 1 'a line of at most 1024 bytes' <<<"# $(printf '%01023d' 0)"
    refuses_file 1 'a line of at most 1024 bytes, none of them 0' < <(printf '[a]\0\n')
    refuses_file 1 'a line of at most 1024 bytes' < <(printf '# %01022d\0' 0)
    refuses_file 3 "'$(printf '%060d' 0)" < <(printf '# %01021d\n\n%01024d' 0 0)
    refuses_file 0 'at least one service is needed' </dev/null
    refuses_file 129 'at most 64 services are allowed' < <(printf '[a%d]\nprogram=x\n' {1..65})
    run -1 "$BIN/watch" -f "$T/none.ini"
    [[ $output == "watch: $T/none.ini: "* ]]
    run -1 "$BIN/watch" -f "$T"
    [[ $output == "watch: $T: "* ]] # open, but not to be read
}

@test "of an ini file that never ends no more is read than a line may have" {
    local each left

    for each in '\0' x; do
        left=()
        head -c 20000000 /dev/zero | tr '\0' "$each" |
            timeout "$LIMIT" "$BIN/watch" -p 0 -f /dev/stdin 2>"$T/stderr" ||
            left=("${PIPESTATUS[@]}")
        [[ $(cat "$T/stderr") == 'watch: /dev/stdin:1: a line of at most 1024 bytes'* ]]
        [[ ${left[0]} -ne 0 && ${left[2]} -eq 1 ]] # nobody took what head had to write
    done
}

# A service with these words as options, with this "can", and these lines behind.
bounded() { # LINE...
    printf '%s\n' '[a]' 'program = x' "options = $words" "$can" "$@"
}

@test "min and max: numbers, both, around -n, within -x, for who can have more or fewer" {
    local can='can = more' number words='-n 3 -x 5'
    local wrong='\[a\]: min and max together are allowed, with can = more or fewer'

    for number in 0 -1 +1 1x '' 100001 '1 2' 99999999999999999999; do
        refuses_file 2 "max '${number/+/\\+}': a whole number from 1 to 100000 is allowed" \
            <<<$'[a]\nmax = '"$number"
    done
    refuses_file 2 "min 'x': a whole number from 1 to" <<<$'[a]\nmin = x'
    refuses_file 5 "$wrong" < <(bounded 'min = 2')
    refuses_file 5 "$wrong" < <(bounded 'max = 4')
    refuses_file 7 "$wrong" < <(bounded 'min = 4' 'max = 5' '[b]')
    refuses_file 6 "$wrong" < <(bounded 'min = 1' 'max = 2')
    refuses_file 6 "$wrong" < <(bounded 'min = 1' 'max = 6')
    for words in '-n 3' '-x 5' '' '-n3x -x5' '-n -x 5' '-n 3 -x' '-- -n 3 -x 5' '-n 3 -n 1 -x 5'; do
        refuses_file 6 "$wrong" < <(bounded 'min = 2' 'max = 5')
    done
    words='-n 3 -x 5' can='can = hup'
    refuses_file 6 "$wrong" < <(bounded 'min = 2' 'max = 5')
    can='can = fewer'
    for words in '-n 3 -x 5' '-n3 -x5' '-vn 3 -vvx5' '-n 9 -x 1 -n 2 -x 4'; do
        bounded 'min = 2' 'max = 4' >"$T/good.ini"
        start_watch -f "$T/good.ini"
        [[ $(of_service a min max asked) == $'2\n4\n'[23] ]]
        stop_server
    done
}

@test "the services that are built in: every model, each starts, serves, tells and stops" {
    local folder name names

    start_watch
    look
    mapfile -t names < <(json_of 'services.*.program')
    for folder in "$ROOT"/server[0-9][0-9]_*; do
        [[ " ${names[*]} " == *" ${folder##*/} "* ]]
    done
    diff <(sed -n 's/^\[\(.*\)\]$/\1/p' "$ROOT/watch/services.ini") <(json_of 'services.*.name')
    for name in $(json_of 'services.*.name'); do
        [[ $name != prefork ]] || continue # it starts by itself
        [[ $name != io_uring ]] || has_ring || continue
        does "what=service&name=$name&do=start"
    done
    for name in $(json_of 'services.*.name'); do
        [[ $name != io_uring ]] || has_ring || continue
        eventually service_runs "$name"
        ADDRESS=$(of_service "$name" address)
        poke "$ADDRESS" connect send:'100\n' reply:100 half eof
        eventually service_is "$name" stats.connections 1
        [[ $(of_service "$name" readme) == "$(of_service "$name" program)/README.md" ]]
        get "/$(of_service "$name" readme)"
        [[ $STATUS -eq 200 && $HEAD == *$'Content-Type: text/plain; charset=utf-8\r'* ]]
        [[ $BODY == "$(cat "$ROOT/$(of_service "$name" readme)")" ]]
    done
    mapfile -t names < <(sed -n 's|.*"\(docs/[a-z]*\.md\)".*|\1|p' "$ROOT/watch/lints.js")
    for name in "${names[@]}"; do
        get "/$name"
        [[ $BODY == "$(cat "$ROOT/$name")" ]]
    done
}

@test "make install calls it watch-servers; there it finds its servers and its texts, too" {
    (
        unset MAKEFLAGS
        make -s -C "$ROOT" BIN="$BIN" BUILD="$BUILD" ${CC:+CC="$CC"} ${CFLAGS:+CFLAGS="$CFLAGS"} \
            DESTDIR="$T/root" PREFIX=/opt install
    )
    grep -qx '.Nm watch-servers' "$T/root/opt/share/man/man1/watch-servers.1"
    run ! test -e "$T/root/opt/bin/watch"
    ln -s watch-servers "$T/root/opt/bin/watch"
    BIN=$T/root/opt/bin start_watch
    eventually service_runs prefork
    get /server03_prefork_accept/README.md
    [[ $STATUS -eq 200 ]]
    stop_server
    rm -r "$T/root"
}

# --- services -------------------------------------------------------------------------------------

processes_are() { # NAME N
    service_is "$1" 'processes.#' "$2"
}

replaced() {
    processes_are prefork 3 && [[ $(of_service prefork 'processes.*.pid') != "$before" ]]
}

@test "start, stop, restart; HUP, TTIN, TTOU where the file allows them" {
    local before

    start_watch_with <<<"$PREFORK"
    eventually processes_are prefork 3
    before=$(of_service prefork 'processes.*.pid')
    does 'what=service&name=prefork&do=hup'
    eventually replaced
    [[ $(of_service prefork 'processes.0.pid') == "${before%%$'\n'*}" ]] # the parent is the same
    does 'what=service&name=prefork&do=restart'
    eventually service_runs prefork
    eventually processes_are prefork 3
    [[ $(of_service prefork pid) != "${before%%$'\n'*}" ]]
    does 'what=service&name=prefork&do=stop'
    eventually service_is prefork state stopped
    [[ $(of_service prefork ended) == 'ended with status 0' ]]
    service_is prefork pid 0
    service_is prefork 'processes.#' 0
    service_is prefork stats.server server03_prefork_accept # the last ones are kept
    does 'what=service&name=spawn&do=restart'
    eventually service_runs spawn
    eventually processes_are spawn 3
    does 'what=service&name=spawn&do=more'
    eventually processes_are spawn 4
    eventually does 'what=service&name=spawn&do=fewer'
    eventually processes_are spawn 3
}

@test "more and fewer children, within min and max of the file; each start begins anew" {
    start_watch_with <<<"$PREFORK"
    eventually service_runs prefork
    [[ $(of_service prefork min max asked) == $'null\nnull\nnull' ]]
    does 'what=service&name=spawn&do=start'
    eventually processes_are spawn 3
    [[ $(of_service spawn min max asked) == $'2\n3\n2' ]]
    does_not '^min = 2 in the ini file: no fewer' 'what=service&name=spawn&do=fewer'
    does 'what=service&name=spawn&do=more'
    does_not '^max = 3 in the ini file: no more' 'what=service&name=spawn&do=more'
    [[ $(of_service spawn min max asked) == $'2\n3\n3' ]]
    eventually processes_are spawn 4
    does 'what=service&name=spawn&do=restart'
    eventually processes_are spawn 3
    service_is spawn asked 2
    does_not '^min = 2' 'what=service&name=spawn&do=fewer'
    does 'what=service&name=spawn&do=more'
    eventually does 'what=service&name=spawn&do=fewer'
    does_not '^min = 2' 'what=service&name=spawn&do=fewer'
    eventually processes_are spawn 3
}

as_asked() { # NAME
    [[ $(of_service "$1" 'processes.#') -eq $(($(of_service "$1" asked) + 1)) ]]
}

@test "no more and no fewer get lost: all at once, or at a server that is stopped" {
    local each form pid

    start_watch_with < <(sed 's/^min = 2/min = 1/; s/^max = 3/max = 8/' <<<"$PREFORK")
    does 'what=service&name=spawn&do=start'
    eventually processes_are spawn 3
    for each in more fewer more; do
        form="token=$TOKEN&what=service&name=spawn&do=$each"
        poke -j 4 "$ADDRESS" connect send:"POST /do HTTP/1.1\r\nHost: $HOST\r\nOrigin: \
http://$HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
${#form}\r\n\r\n$form" line:'HTTP/1.1 '
        eventually as_asked spawn
    done
    pid=$(of_service spawn pid)
    eventually does "what=child&name=spawn&pid=$pid&do=stop"
    eventually suspended "$pid"
    for each in more fewer; do
        does_not 'the server is stopped .T.' "what=service&name=spawn&do=$each"
    done
    does "what=child&name=spawn&pid=$pid&do=stop"
    does "what=child&name=spawn&pid=$pid&do=cont"
    eventually does 'what=service&name=spawn&do=fewer'
    eventually as_asked spawn
}

@test "more, fewer, stop: one at a time, until the server has answered a USR1 sent behind it" {
    local each wait='has not answered .*: wait for its next statistics'

    scripted slow <<END
trap '' TTIN
trap '[[ ! -e $T/go ]] || { rm "$T/go"; echo "{\"n\":1}"; }; : >"$T/asked"' USR1
trap 'exit 0' TERM
echo 'slow: listening on 127.0.0.1:1, pid 1'
while :; do read -t 0.1 line <>"$SILENCE" || :; done
END
    sed -i 's|/bin/sh|/bin/bash|' "$T/bin/slow"
    start_watch_with <<<$'[slow]\nprogram = slow\ncan = more fewer\nautostart = yes'
    eventually service_runs slow
    eventually test -e "$T/asked" # for all that watch knows, its answer may come: then one more
    does 'what=service&name=slow&do=more'
    for each in service\&do={more,fewer} "child&do=stop&pid=$(of_service slow pid)"; do
        does_not "$wait" "name=slow&what=$each"
    done
    touch "$T/go"
    eventually service_is slow stats.n 1
    does_not "$wait" 'what=service&name=slow&do=more'
    touch "$T/go"
    eventually does 'what=service&name=slow&do=more'
}

@test "what cannot be done is refused with a reason" {
    start_watch_with <<<"$PREFORK"
    eventually service_runs prefork
    does_not 'runs already' 'what=service&name=prefork&do=start'
    does_not 'does not run' 'what=service&name=fork&do=stop'
    does_not 'can. in the ini file does not allow' 'what=service&name=prefork&do=more'
    does_not 'does not run: start it first' 'what=service&name=spawn&do=more'
    does_not 'start, stop, restart, hup, more or fewer' 'what=service&name=prefork&do=kill'
    does_not 'no such service' 'what=service&name=other&do=start'
    does_not 'no such service' 'what=service&do=start'
    does_not 'what and do are needed' 'what=service&name=fork'
    does_not 'service, child, load or record' 'what=shell&name=fork&do=start'
    does_not 'each once' 'what=load&what=load&do=stop'
    does_not 'each once' 'what=load&do=stop&names=a&names=b'
    does_not 'each once' 'what=load&do=stop&program=sh'
    does_not 'no form' 'what'
    does_not 'no form' 'what=%0'
    does_not 'no form' 'what=%zz'
    does_not 'no form' 'what=load&do=stop%00'
    does_not 'no form' 'what=load&do=stop%0a'
}

@test "the ini file's options come last; an address of theirs is where the load goes" {
    start_watch_with <<'END'
[six]
program = server00_iterative
options = -i ::1 -v
autostart = yes
END
    eventually service_runs six
    [[ $(of_service six address) == '[::1]:'* ]]
    poke "$(of_service six address)" connect send:'100\n' reply:100 half eof
    eventually says_in_log six 100
    does 'what=load&do=start&names=six&options=-c 1 -t 5'
    eventually load_is 'done'
    [[ $(json_of loads.0.result.completed) -eq 5 ]]
}

says_in_log() { # NAME PATTERN
    [[ $(of_service "$1" 'log.*') == *$2* ]]
}

# A program that is a script beside watch.
scripted() { # NAME, script on stdin
    [[ -e $T/bin ]] || { mkdir "$T/bin" && ln -s "$BIN"/* "$T/bin" && BIN=$T/bin; }
    fake "$1"
}

@test "one that dies is shown, and stays so; unless the file says otherwise: after longer pauses" {
    scripted dies <<END
date +%s%N >>"$T/starts"
printf 'I cannot' >&2 # the last line has no end
exit 3
END
    start_watch_with <<END
$PREFORK
[dies]
program = dies
restart = yes
autostart = yes
[gone]
program = gone
autostart = yes
[late]
program = late
restart = yes
autostart = yes
END
    eventually service_runs prefork
    kill -s KILL "$(of_service prefork pid)"
    eventually service_is prefork state failed
    service_is prefork ended 'killed by signal 9'
    service_is prefork restarts 0
    service_is gone state failed
    service_is gone ended 'cannot be started: No such file or directory'
    service_is late ended 'cannot be started: No such file or directory'
    scripted late <<END
trap '' USR1
echo 'late: listening on 127.0.0.1:1, pid 1'
exec sleep 1000
END
    eventually service_runs late
    does 'what=service&name=late&do=stop'
    eventually more_lines "$T/starts" 5
    eventually service_is dies ended 'ended with status 3'
    [[ $(of_service dies restarts) -ge 5 ]]
    says_in_log dies 'I cannot'
    # between the first and the sixth: 0 + 0.1 + 0.2 + 0.4 + 0.8 s
    [[ $(($(sed -n 6p "$T/starts") - $(sed -n 1p "$T/starts"))) -ge 1500000000 ]]
    service_is prefork state failed # still
    service_is gone state failed
    does 'what=service&name=dies&do=stop' # between two starts, or within one
    eventually service_is dies state stopped
    does 'what=service&name=prefork&do=start'
    eventually service_runs prefork
}

@test "a child is killed, stopped, let go on; a process that is not the service's is left alone" {
    local child other

    start_watch_with <<<"$PREFORK"
    eventually processes_are prefork 3
    child=$(of_service prefork processes.1.pid)
    does 'what=service&name=fork&do=start'
    eventually service_runs fork
    does "what=child&name=prefork&pid=$child&do=stop"
    eventually suspended "$child"
    eventually service_is prefork processes.1.state T
    does "what=child&name=prefork&pid=$child&do=cont"
    eventually ends suspended "$child"
    does "what=child&name=prefork&pid=$child&do=kill"
    eventually service_is prefork stats.children_lost 1
    eventually processes_are prefork 3
    says_in_log prefork "child 1, pid $child, died of signal 9"
    for other in "$(of_service fork pid)" "$child" "$WATCH" x ''; do
        does_not 'no process of that service' "what=child&name=prefork&pid=$other&do=kill"
    done
    does_not 'kill, stop or cont' "what=child&name=fork&pid=$(of_service fork pid)&do=TERM"
    service_runs fork
}

# --- the end --------------------------------------------------------------------------------------

# Services that end in every way: at once, not by TERM, with a request in progress and a child that
# is stopped; and a load.
start_trouble() {
    scripted stubborn <<END
trap '' TERM USR1
echo 'stubborn: listening on 127.0.0.1:1, pid 1'
while :; do read -t 1 line <>"$SILENCE" || :; done
END
    sed -i 's|/bin/sh|/bin/bash|' "$T/bin/stubborn"
    start_watch_with "$@" <<END
$PREFORK
[stubborn]
program = stubborn
autostart = yes
END
    eventually processes_are prefork 3
    eventually service_runs stubborn
    suspend "$(of_service prefork processes.1.pid)"
    poke_away "$(of_service prefork address)" connect send:'100 0 10000000\n' touch:"$T/asked" stay
    eventually test -e "$T/asked"
    does 'what=service&name=fork&do=start'
    eventually service_runs fork
    does 'what=load&do=start&names=fork&options=-c 2 -d 60'
    eventually service_is fork state running
}

only_watch_is_dead() {
    dead "$WATCH"
}

@test "kill -9 of watch: all that it has started is gone within two seconds" {
    local begin

    start_trouble
    begin=$(now_ms)
    kill -s KILL "$WATCH"
    eventually nothing_marked
    [[ $(($(now_ms) - begin)) -lt $((LIMIT * 100)) ]] # two seconds of a quick machine
    wait "$WATCH" || STATUS=$?
    [[ $STATUS -eq 137 ]]
    STARTED[-1]=
}

@test "TERM: watch ends when its services have, those that overstay the grace are killed" {
    start_trouble -g 0.5
    kill -s TERM "$WATCH"
    await_end
    [[ $STATUS -eq 0 ]]
    nothing_marked
}

asleep() { # PID
    [[ $(cat "/proc/$1/stat") == *') S '* ]]
}

@test "while its services have their grace, watch sleeps between its looks at them" {
    local fork sleeps=0

    start_trouble -g "$PATIENCE"
    fork=$(of_service fork pid)
    kill -s TERM "$WATCH"
    eventually dead "$fork"
    for _ in {1..20}; do
        pause 0.05
        ! asleep "$WATCH" || sleeps=$((sleeps + 1))
    done
    echo "$sleeps of 20 times asleep"
    [[ $sleeps -gt 2 ]]
    kill -s TERM "$WATCH"
    await_end
}

@test "a second INT ends the grace" {
    local begin

    start_trouble -g "$PATIENCE"
    begin=$SECONDS
    kill -s INT "$WATCH"
    pause 0.5
    kill -s INT "$WATCH"
    await_end
    [[ $STATUS -eq 0 && $((SECONDS - begin)) -lt $((PATIENCE / 2)) ]]
    nothing_marked
}

@test "a guardian that is stopped goes on, and watch does not wait for it in vain" {
    start_watch_with <<<"$PREFORK"
    eventually processes_are prefork 3
    find_children "$WATCH"
    kill -s STOP "${CHILDREN[0]}"
    eventually asleep "${CHILDREN[0]}"
    kill -s STOP "${CHILDREN[0]}"
    stop_server
    [[ $STATUS -eq 0 ]]
}

@test "without its guardian watch does not go on" {
    start_watch_with <<<"$PREFORK"
    COMPLAINTS='the guardian, .*, has died: stopping'
    eventually processes_are prefork 3
    find_children "$WATCH"
    kill -s KILL "${CHILDREN[0]}"
    await_end
    [[ $STATUS -eq 1 ]]
    says "$ERR" 'has died: stopping'
    nothing_marked
}

# --- loads ----------------------------------------------------------------------------------------

load_is() { # STATE
    look
    [[ $(json_of 'loads.*.state') == "$1" ]]
}

@test "a load: columns while it runs, the report at the end; one at a time" {
    local sum

    start_watch_with <<<"$PREFORK"
    eventually service_runs prefork
    does 'what=load&do=start&names=prefork&options=-c 2 -d 2 -b 500'
    does_not 'a load runs already' 'what=load&do=start&names=prefork&options='
    eventually load_is 'done'
    [[ $(json_of loads.0.name) == prefork ]]
    [[ $(json_of 'loads.0.arguments.*' | paste -sd' ') == '-c 2 -d 2 -b 500' ]]
    [[ $(json_of 'loads.0.columns.#') -ge 2 ]]
    sum=$(json_of 'loads.0.columns.*.completed' | awk '{ sum += $1 } END { print sum }')
    [[ $sum -gt 0 && $(json_of loads.0.result.completed) -eq $sum ]]
    eventually service_is prefork stats.connections "$sum"
    does_not 'no load runs' 'what=load&do=stop'
}

@test "two services under the same load, and its stop; a client that fails" {
    start_watch_with <<<"$PREFORK"
    does 'what=service&name=fork&do=start'
    eventually service_runs prefork
    eventually service_runs fork
    does 'what=load&do=start&names=prefork,fork&options=-c+1+-d+60'
    look
    [[ $(json_of 'loads.*.state' | paste -sd' ') == 'running running' ]]
    [[ $(json_of 'loads.*.name' | paste -sd' ') == 'prefork fork' ]]
    eventually columns_come 2
    does 'what=load&do=stop'
    eventually load_is $'stopped\nstopped'
    eventually reported 'true true'
    does 'what=load&do=start&names=fork&options=-c 1 -t x'
    eventually load_is failed
    [[ $(json_of 'loads.0.said.*') == "client: -t 'x': "* && $(json_of 'loads.#') -eq 1 ]]
}

fails_by() { # KIND
    load_is running && [[ -n $(json_of "loads.0.columns.*.errors.$1") ]]
}

@test "a server that is stopped under load: what fails is told by kind while the load runs" {
    local of=('loads.0.columns.*.failed' 'loads.0.columns.*.errors.*') pid

    start_watch_with <<<$'[one]\nprogram = server00_iterative\nautostart = yes'
    eventually service_runs one
    pid=$(of_service one pid)
    does 'what=load&do=start&names=one&options=-c 2 -d 600 -T 0.2'
    does "what=child&name=one&pid=$pid&do=stop"
    eventually fails_by timed_out
    [[ $(json_of "${of[0]}" | awk '{ n += $1 } END { print n }') -eq \
        $(json_of "${of[1]}" | awk '{ n += $1 } END { print n }') ]]
    does "what=child&name=one&pid=$pid&do=cont"
    does 'what=load&do=stop'
    eventually reported true
}

columns_come() { # OF-LOADS
    look
    [[ $(json_of 'loads.*.columns.#' | awk '$1 > 0' | wc -l) -eq $1 ]]
}

reported() { # INTERRUPTED...
    look
    [[ $(json_of 'loads.*.result.interrupted' | paste -sd' ') == "$1" ]]
}

@test "a load has no other options than those that are safe, nor services that do not run" {
    local letter options

    start_watch_with <<<"$PREFORK"
    eventually service_runs prefork
    for letter in i p u M E f L o q v h V Z -; do
        does_not 'are allowed' "what=load&do=start&names=prefork&options=-$letter x"
        does_not 'are allowed' "what=load&do=start&names=prefork&options=-c 1 -$letter=x"
    done
    for options in x '-c' '-c 1 x' '-' '--' '-c 1 -- -t 5' ';reboot' '-c 1 ; reboot' \
        "-c $(printf '%065d' 1)" "$(printf -- '-c %d ' {1..17})"; do
        does_not '^options: ' "what=load&do=start&names=prefork&options=$options"
    done
    does_not 'no such service that runs' 'what=load&do=start&names=fork&options=-t 1'
    does_not 'no such service that runs' 'what=load&do=start&names=prefork,x&options=-t 1'
    does_not 'one service, or two different' 'what=load&do=start&names=&options=-t 1'
    does_not 'one service, or two different' 'what=load&do=start&names=prefork,prefork&options='
    does_not 'start with names and options' 'what=load&do=start&names=prefork'
    does_not 'start with names and options' 'what=load&do=pause'
    # a value is one word, for no shell: the client refuses it
    # shellcheck disable=SC2016
    does 'what=load&do=start&names=prefork&options=-c $(echo${IFS}>x)'
    eventually load_is failed
    [[ $(json_of 'loads.0.said.*') == "client: -c '\$(echo\${IFS}>x)': "* && ! -e $T/cwd/x ]]
}

# The client, or one in its place.
find_client() {
    find_children "$WATCH"
    CLIENT=${CHILDREN[*]: -1}
}

@test "a client that is killed, stopped, or does not end when it should" {
    start_watch_with <<<"$PREFORK"
    eventually service_runs prefork
    does 'what=load&do=start&names=prefork&options=-c 1 -d 600'
    find_client
    kill -s KILL "$CLIENT"
    eventually load_is failed
    [[ $(json_of 'loads.0.said.*') == *'killed by signal 9' ]]
    does 'what=load&do=start&names=prefork&options=-c 1 -d 600'
    eventually columns_come 1
    find_client
    kill -s STOP "$CLIENT"
    does 'what=load&do=stop'
    eventually reported true
    stop_server
    scripted client <<'END'
trap '' TERM
while :; do sleep 1; done
END
    start_watch -f "$T/services.ini"
    eventually service_runs prefork
    does 'what=load&do=start&names=prefork&options='
    find_client
    does 'what=load&do=stop'
    eventually dead "$CLIENT"
}

# --- frames and recordings ------------------------------------------------------------------------

@test "a stream: whole snapshots, at most four a second" {
    local begin frames

    start_watch_with <<<"$PREFORK"
    exec 4<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'GET /events HTTP/1.1\r\nHost: %s\r\n\r\n' "$HOST" >&4
    begin=$(now_ms)
    timeout "$PATIENCE" sed -u 9q <&4 >"$T/head" # the blank line behind the head is the 9th
    timeout "$PATIENCE" awk 'NF { print; fflush(); if (++frames == 9) exit }' <&4 >"$T/frames"
    frames=$(($(now_ms) - begin))
    exec 4>&-
    cat "$T/head"
    [[ $(head -n 1 "$T/head") == 'HTTP/1.1 200 OK'* ]]
    grep -q '^Content-Type: text/event-stream' "$T/head"
    [[ $frames -ge 1900 ]] # eight pauses of 250 ms
    while read -r word JSON; do
        [[ $word == data: ]]
        read_json
        [[ $(json_of version) -eq 1 && $(json_of 'services.#') -eq 3 ]]
    done <"$T/frames"
    [[ $(sed 's/.*"time_ms":\([0-9]*\).*/\1/' "$T/frames" | sort -nu | wc -l) -eq 9 ]]
}

@test "a recording: whole frames, each column once, one file that needs no server" {
    local all frames

    start_watch_with <<<"$PREFORK"
    get /record.html
    [[ $STATUS -eq 404 ]]
    does_not 'no recording runs' 'what=record&do=stop'
    does 'what=record&do=start'
    does_not 'runs already' 'what=record&do=start'
    eventually service_runs prefork
    does 'what=load&do=start&names=prefork&options=-c 1 -d 2'
    look
    [[ $(json_of recording) == true && $(json_of recorded) == false ]]
    eventually load_is 'done'
    all=$(json_of 'loads.0.columns.#')
    eventually has_recorded 1
    does 'what=record&do=stop'
    look
    [[ $(json_of recording) == false && $(json_of recorded) == true ]]
    get /record.html
    [[ $STATUS -eq 200 ]]
    printf '%s\n' "$BODY" >"$T/record.html"
    run ! grep -E '<(link|script|img)[^>]* (src|href)="/' "$T/record.html"
    run ! grep -F "$TOKEN" "$T/record.html"
    frames=$(sed -n 's|.*id="record">\(.*\)</script>|\1|p' "$T/record.html")
    [[ $frames != *'<'* ]]
    JSON="{\"frames\":$frames}"
    read_json
    [[ $(json_of 'frames.*.version' | sort -u) -eq 1 && $(json_of 'frames.#') -ge 4 ]]
    [[ $(json_of 'frames.*.loads.*.columns.#' | awk '{ n += $1 } END { print n }') -eq $all ]]
    does 'what=record&do=start' # another one has them too
    does 'what=record&do=stop'
    get /record.html
    JSON="{\"frames\":$(sed -n 's|.*id="record">\(.*\)</script>|\1|p' <<<"$BODY")}"
    [[ $(json_of 'frames.0.loads.0.columns.#') -eq $all ]]
    stop_server
    start_watch -r "$T/record.html"
    [[ $(grep -v '^$' <<<"$BODY") == "$(grep -v '^$' "$T/record.html")" ]]
    [[ $HEAD == *"script-src 'nonce-"* && $HEAD != *unsafe* && $HEAD != *"'self'"* ]]
    for target in /events /status.json /do /watch.js /record.html; do
        get "$target"
        [[ $STATUS -eq 404 ]]
    done
    run -1 "$BIN/watch" -p 0 -r "$T/services.ini"
    [[ $output == "watch: -r '$T/services.ini': a recording of watch is allowed"* ]]
    run -1 "$BIN/watch" -p 0 -r "$T/none"
}

# The load has ended, and half a second later another frame has come.
has_recorded() {
    pause 0.6
    look
}

@test "no file of the page could end the script that it becomes in a recording" {
    run ! grep -liE '</(script|style)|<!--' "$ROOT"/watch/*.js "$ROOT"/watch/*.css
    grep -q '<script src="/' "$ROOT/watch/page.html"
}
