#!/usr/bin/env bats
# What server05_spawn_pool alone claims: handlers are programs of their own, that can be killed,
# stopped, replaced, broken, and more or fewer, while the distributor serves on.

load ../helpers

SERVER=server05_spawn_pool

# A handler of the test's own: a script, run in the server's place as -e; in HANDLER.
script_handler() { # LINE...
    HANDLER=$T/handler
    {
        echo '#!/bin/sh'
        printf '%s\n' "$@"
    } >"$HANDLER.new"
    chmod +x "$HANDLER.new"
    mv "$HANDLER.new" "$HANDLER" # a script that is being read must not change
}

# Does not even start: in one line, with status 1.
cannot_start() { # NAMED OPTION...
    local named=$1

    shift
    run -1 --separate-stderr timeout "$LIMIT" "$BIN/$SERVER" -p 0 "$@"
    echo "$stderr"
    [[ -z $output && ${stderr_lines[-1]} == "$SERVER: "*"$named"* ]]
}

wrong_usage() { # NAMED OPTION...
    local named=$1

    shift
    run -2 --separate-stderr timeout "$LIMIT" "$BIN/$SERVER" "$@"
    echo "$stderr"
    [[ -z $output && $stderr == *"$named"* ]]
}

# --- what a handler is ----------------------------------------------------------------------------

@test "a handler inherits its channel, the board and 0, 1, 2, and nothing else" {
    local handler link

    # shellcheck disable=SC2016
    launch sh -c 'exec "$@" 3</dev/null 4</dev/null 9</dev/null' sh "$BIN/$SERVER" -p 0 -o json \
        -n 5 -d piped
    await_ready
    poke "$ADDRESS" idle:3 connect send:'33\n' reply:33 half eof close
    eventually handlers_are 5 idle
    for handler in $(children_of "$SERVER_PID"); do
        [[ $(find "/proc/$handler/fd" -mindepth 1 -printf '%f\n' | sort -n | paste -sd ' ') == \
            '0 1 2 3 4' ]]
        link=$(readlink "/proc/$handler/fd/3")
        [[ $link == socket:* ]]
        [[ $(readlink "/proc/$handler/fd/4") == /dev/shm/* ]]
    done
}

@test "it inherits no blocked and no ignored signal, and no LISTEN_FDS" {
    # shellcheck disable=SC2016
    # (No program is started to read it: the shell would clear the mask.)
    script_handler "while read -r line; do echo \"\$line\"; done </proc/self/status >$T/signals.1" \
        "env >$T/env.\$HANDLER_SEAT" "exec $BIN/handler_bytes"
    launch poke -I "$BIN/$SERVER" -p 0 -o json -n 1 -e "$HANDLER"
    await_ready
    grep -Eqx 'SigBlk:\s+0+' "$T/signals.1"
    grep -Eqx 'SigIgn:\s+0{7}[01][08]0{7}' "$T/signals.1" # 32 and 33 are glibc's own
    stop_server
    launch poke -L 127.0.0.1:0 "$BIN/$SERVER" -o json -n 1 -e "$HANDLER"
    await_ready
    run ! grep LISTEN_ "$T/env.1"
    grep -qx HANDLER_SEAT=1 "$T/env.1"
    poke "$ADDRESS" connect send:'33\n' reply:33
}

@test "it is another program, found beside the distributor or in PATH; -- are its arguments" {
    local handler

    start_server -n 1
    handler=$(children_of "$SERVER_PID")
    [[ $(readlink "/proc/$handler/exe") -ef $BIN/handler_bytes ]]
    stop_server
    (
        PATH=$BIN:$PATH
        cd /
        run -0 "$SERVER" -V
        launch "$SERVER" -p 0 -n 1 -e handler_echo -- -l 1000
        await_ready
        handler=$(children_of "$SERVER_PID")
        [[ $(tr '\0' ' ' <"/proc/$handler/cmdline") == *handler_echo\ -l\ 1000\  ]]
        kill "$SERVER_PID"
        eventually dead "$SERVER_PID"
    )
    mkdir -p "$T/elsewhere" "$T/before/handler_mine" "$T/link/handler_bytes"
    script_handler "exec $BIN/handler_bytes"
    mv "$HANDLER" "$T/elsewhere/handler_mine"
    # a directory of that name in front of it is none
    PATH=$T/before:$T/elsewhere:$PATH start_server -n 1 -e handler_mine
    poke "$ADDRESS" connect send:'33\n' reply:33
    stop_server
    ln -s "$BIN/$SERVER" "$T/link/$SERVER" # where handler_bytes is a directory
    launch "$T/link/$SERVER" -p 0 -n 1
    await_ready
}

@test "by another name it finds its handler where its file is" {
    [[ -e /proc/self/exe ]] || skip "this system does not tell where a program's file is"
    # shellcheck disable=SC2016
    launch "$BASH" -c 'exec -a other "$0" "$@"' "$BIN/$SERVER" -p 0 -o json -n 1
    SERVER=other await_ready
    poke "$ADDRESS" connect send:'33\n' reply:33
}

@test "options that contradict each other, or would do nothing, are wrong usage" {
    wrong_usage "-d 'x'" -d x
    wrong_usage "-s 'x'" -s x
    wrong_usage "-P 'x'" -d piped -P x
    wrong_usage '-P is for -d piped' -P round-robin
    wrong_usage '-m is for -s auto' -m 2
    wrong_usage '-M is for -s auto' -M 9
    wrong_usage '-m 5 -M 4' -s auto -m 5 -M 4
    wrong_usage '-m 2 -M 1: the second must not be less (-m is 2 by default)' -s auto -M 1
    wrong_usage '-x 4' -s auto -n 5 -x 4
    wrong_usage "-R '-1'" -R -1
    wrong_usage "-Q '0'" -Q 0
    wrong_usage "-w '0'" -w 0
    wrong_usage "'more'" more
}

# --- both ways ------------------------------------------------------------------------------------

WAYS=('-d queued' '-d piped -P round-robin' '-d piped -P least-loaded')

@test "queued and piped, -Q 1 to 64: all are served and counted" {
    local queue way

    for queue in 1 2 5 64; do
        for way in "${WAYS[@]}"; do
            # shellcheck disable=SC2086
            start_server -n 3 -Q "$queue" $way
            poke -j 8 -r 25 "$ADDRESS" connect send:'1000\n' reply:1000 half eof
            stop_server
            [[ $STATUS -eq 0 && $(json_of variant) == *"${way##* }"* ]]
            counted connections 200
            counted requests 200
            counted broken 0
        done
    done
}

@test "queued: few connections are accepted beyond those in service: a stop serves them" {
    local i

    start_server -n 1 -T 60 -g 20
    occupy_child send:'1 0 300000\n' reply:1 eof
    for i in {1..10}; do
        poke_away "$ADDRESS" connect send:'100 0 100000\n' touch:"$T/made.$i" reply:100 eof
        eventually test -e "$T/made.$i"
    done
    touch "$T/go"
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests -le 6 # of 12
}

@test "the distributor keeps no connection that it has passed" {
    local way

    for way in "${WAYS[@]}"; do
        # shellcheck disable=SC2086
        start_server -n 4 $way
        parent_holds_none
        stop_server
    done
}

@test "piped round-robin: all get the same, in turn" {
    local count

    start_server -n 4 -d piped -P round-robin -Q 8
    poke -r 40 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    for count in $(json_of 'children.*.connections'); do
        [[ $count -eq 10 ]]
    done
}

# One request of two seconds is in service; light ones follow. Are they delayed? In HELD_UP.
light_behind_heavy() { # OPTION...
    start_server -n 2 -T "$PATIENCE" "$@"
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/heavy" send:'1 0 2000000\n' reply:1
    eventually test -e "$T/heavy"
    HELD_UP=0
    poke -j 6 -r 5 "$ADDRESS" mark connect send:'1\n' reply:1 half eof within:1200 || HELD_UP=1
    ((HELD_UP)) || alive "$POKE" # the heavy one
    await_poke
    stop_server
    rm "$T/heavy"
}

@test "light requests wait behind a heavy one only in a handler's own channel, with -Q above 1" {
    light_behind_heavy -d queued -Q 8
    [[ $HELD_UP -eq 0 ]]
    light_behind_heavy -d piped -P least-loaded
    [[ $HELD_UP -eq 0 ]]
    light_behind_heavy -d piped -P round-robin
    [[ $HELD_UP -eq 0 ]]
    light_behind_heavy -d piped -P round-robin -Q 8 2>/dev/null
    [[ $HELD_UP -eq 1 ]]
}

@test "all handlers busy: others wait, at no cost, and are served" {
    local before way

    for way in "${WAYS[@]}"; do
        # shellcheck disable=SC2086
        start_server -n 2 -T "$PATIENCE" $way
        HELPERS=()
        occupy_child half eof
        occupy_child half eof
        queue 4 300
        before=$(ticks_of "$SERVER_PID")
        sleep 1 # in which its processor time is measured
        (($(ticks_of "$SERVER_PID") - before < 10))
        touch "$T/go"
        for POKE in "${HELPERS[@]}"; do
            await_poke
        done
        rm "$T/go" "$T"/ready.* "$T"/queued.*
        stop_server
        counted requests 6
    done
}

# --- what it says ---------------------------------------------------------------------------------

@test "statistics: state, pid, age, requests, restarts of each handler, and a line of letters" {
    start_server -n 3 -x 5
    COMPLAINTS='died of signal 9'
    eventually handlers_are 3 idle
    [[ $(json_of scoreboard) == ___.. ]]
    kill -s KILL "$(json_of handlers.1.pid)"
    eventually says "$ERR" 'died of signal 9'
    eventually handlers_are 3 idle
    [[ $(json_of 'handlers.*.restarts' | paste -sd ' ') == '0 1 0' ]]
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/working" until:"$T/go" half eof
    eventually test -e "$T/working"
    eventually handlers_are 1 working
    [[ $(json_of scoreboard) =~ ^(W__|_W_|__W)\.\.$ ]]
    kill -s STOP "$(json_of handlers.2.pid)"
    one_stopped() { ask_server && [[ $(json_of scoreboard) == ??T.. ]]; }
    eventually one_stopped
    [[ $(json_of handlers.2.state) == stopped ]]
    kill -s CONT "$(json_of handlers.2.pid)"
    eventually handlers_are 0 stopped
    [[ $(json_of 'handlers.*.requests' | awk '{ sum += $1 } END { print sum }') -eq 1 ]]
    awk '{ exit !($1 > 0 && $1 < 60) }' <<<"$(json_of handlers.0.age_s)"
    touch "$T/go"
    await_poke
    stop_server
    [[ $(json_of scoreboard) == ..... ]]
}

@test "text statistics: the same as a table, and the letters" {
    start_server -o text -n 2 -x 70
    kill -s USR1 "$SERVER_PID"
    eventually says "$OUT" '^ *child +pid'
    says "$OUT" '^ +handler +pid +state +age +requests +restarts'
    says "$OUT" '^ +2 +[0-9]+ +(idle|working) +[0-9.]+ s +0 +0$'
    says "$OUT" '^  __\.{62}$'
    says "$OUT" '^  \.{6}$'
}

# --- how many -------------------------------------------------------------------------------------

@test "TTIN and TTOU: one handler more, one fewer, from one to -x" {
    local i

    start_server -n 2 -x 4
    eventually handlers_are 2 idle
    for ((i = 3; i <= 4; i++)); do
        kill -s TTIN "$SERVER_PID"
        eventually handlers_are "$i" idle
    done
    kill -s TTIN "$SERVER_PID"
    ask_server
    handlers_are 4 idle
    poke_away -j 4 -r 200 "$ADDRESS" connect send:'100\n' reply:100 half eof
    for ((i = 3; i >= 1; i--)); do
        kill -s TTOU "$SERVER_PID"
        eventually has_children "$SERVER_PID" "$i"
    done
    kill -s TTOU "$SERVER_PID"
    await_poke
    eventually handlers_are 1 idle
    has_children "$SERVER_PID" 1
    stop_server
    counted children_started 4
    counted children_lost 0
    counted requests 800
    counted broken 0
}

@test "-s auto: the handlers become more with the load, up to -x, and fewer after it" {
    start_server -s auto -n 1 -m 2 -M 3 -x 8 -T "$PATIENCE"
    COMPLAINTS='all 8 handlers are busy'
    poke_away "$ADDRESS" idle:8 touch:"$T/open" until:"$T/go"
    eventually test -e "$T/open"
    eventually says "$ERR" 'all 8 handlers are busy'
    eventually handlers_are 8 working
    has_children "$SERVER_PID" 8
    touch "$T/go"
    await_poke
    eventually has_children "$SERVER_PID" 3
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $(wc -l <"$ERR") -eq 1 && $(json_of variant) == 'queued auto' ]]
    counted children_started -ge 8
    counted children_lost 0
    counted connections 28
}

@test "-s auto keeps between -m and -M idle: an idle server neither grows nor shrinks" {
    start_server -s auto -n 3 -m 2 -M 3
    sleep 2.5 # two looks
    has_children "$SERVER_PID" 3
    stop_server
    counted children_started 3
}

@test "-R: a handler retires after so many requests, and up to a quarter more; nobody notices" {
    start_server -n 3 -R 40
    poke -j 4 -r 150 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests 600
    counted broken 0
    counted children_lost 0
    # 12 full terms of 50 to 15 of 40, and those still serving
    counted children_started -ge 12
    counted children_started -le 19
}

# --- programs that do not work --------------------------------------------------------------------

@test "at the start, a handler that cannot run is the end: missing, no program, no permission" {
    cannot_start "no_such_handler': No such file" -e no_such_handler
    cannot_start "$T/no/such" -e "$T/no/such"
    echo hello >"$T/handler"
    cannot_start "$T/handler" -e "$T/handler"
    chmod +x "$T/handler"
    cannot_start "$T/handler': Exec format error" -e "$T/handler"
    printf '#!%s/no/such\n' "$T" >"$T/handler"
    cannot_start "$T/handler': No such file" -e "$T/handler"
}

@test "at the start, a handler that ends at once is the end" {
    script_handler 'exit 3'
    cannot_start 'before it was ready' -n 3 -e "$HANDLER"
    deaf_handler
    sed -i 's/^while .*/exit 0/' "$HANDLER" # it says that it is ready, and ends
    cannot_start "$HANDLER ended with status 0" -n 1 -e "$HANDLER"
    script_handler 'exit 0'
    cannot_start 'before it was ready' -n 3 -e "$HANDLER"
    script_handler "$BIN/handler_bytes" : # else some shells exec it by themselves
    cannot_start 'before it was ready' -n 1 -e "$HANDLER"
    [[ $stderr == *"handler_bytes: is not the distributor's child"*exec* ]]
    # shellcheck disable=SC2016
    script_handler 'kill -KILL $$'
    cannot_start 'before it was ready' -n 3 -e "$HANDLER"
}

@test "at the start, a handler that hangs is the end, after -w seconds; none is left" {
    # shellcheck disable=SC2016
    script_handler 'trap "" TERM HUP; echo $$ >>'"$T/pids" 'while :; do sleep 0.2; done'
    cannot_start 'not ready in time' -w 500ms -n 2 -e "$HANDLER"
    [[ $(wc -l <"$T/pids") -eq 2 ]]
    while read -r pid; do
        eventually dead "$pid"
    done <"$T/pids"
}

# As a service manager or timeout(1) sends it: one handler has got ready, and leaves, the other has
# not yet.
@test "TERM to all its processes while they start is a stop, and no failure" {
    script_handler "test \$HANDLER_SEAT = 1 || exec sleep $LIMIT" "exec $BIN/handler_bytes"
    launch "$BIN/$SERVER" -p 0 -o json -n 2 -e "$HANDLER"
    catches_term() {
        mapfile -t KIDS < <(children_of "$SERVER_PID")
        ((${#KIDS[@]} == 2)) && grep -q '^SigCgt:.*[4567cdef]...$' "/proc/${KIDS[0]}/status"
    }
    eventually catches_term
    kill -s STOP "$SERVER_PID" # it hears of both at once
    kill -s TERM "$SERVER_PID" "${KIDS[0]}"
    one_has_left() { [[ -n $(zombies_of "$SERVER_PID") ]]; }
    eventually one_has_left
    kill -s CONT "$SERVER_PID"
    await_end
    [[ $STATUS -eq 0 ]]
}

@test "USR1 before the handlers are ready: the statistics come behind the ready line" {
    script_handler "until test -e '$T/go'; do sleep 0.05; done" "exec $BIN/handler_bytes"
    launch "$BIN/$SERVER" -p 0 -n 2 -e "$HANDLER"
    eventually has_children "$SERVER_PID" 2
    kill -s USR1 "$SERVER_PID"
    touch "$T/go"
    await_ready
    eventually says "$OUT" '0 connections, 0 requests'
    head -n 1 "$OUT" | grep -q ' listening on '
    stop_server
}

@test "a program that breaks while the server runs: the others serve, it is tried with pauses" {
    local before

    script_handler "exec $BIN/handler_bytes"
    start_server -n 12 -e "$HANDLER"
    COMPLAINTS='died of signal 9|ended with status 7|cannot start child'
    script_handler 'exit 7'
    kill -s KILL "$(children_of "$SERVER_PID" | head -n 1)"
    eventually says "$ERR" 'ended with status 7'
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    # shellcheck disable=SC2046 # into words
    kill -s KILL $(children_of "$SERVER_PID") || : # one may be just gone
    before=$(grep -c 'status 7' "$ERR")
    sleep 2
    (($(grep -c 'status 7' "$ERR") - before <= 11)) # no storm: not even one for each
    rm "$HANDLER"
    eventually says "$ERR" 'cannot start child'
    script_handler "exec $BIN/handler_bytes"
    eventually handlers_are 12 idle
    poke -j 2 -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
}

@test "HUP: a new version at the same path is picked up, under load, and no connection fails" {
    local way

    for way in queued piped; do
        # shellcheck disable=SC2016
        script_handler "exec $BIN/handler_bytes"
        start_server -n 3 -g 10 -d "$way" -e "$HANDLER"
        poke_away -j 4 -r 1500 "$ADDRESS" connect send:'3000\n' reply:3000 half eof
        # shellcheck disable=SC2016
        script_handler 'echo new >>'"$T/version.$way" "exec $BIN/handler_bytes"
        kill -s HUP "$SERVER_PID"
        three_new() { [[ $(grep -c new "$T/version.$way" 2>/dev/null) -eq 3 ]]; }
        eventually three_new
        alive "$POKE" # or the load has ended before it could be disturbed
        await_poke
        stop_server
        counted requests 6000
        counted broken 0
        counted children_lost 0
        counted children_started 6
    done
}

# Also where it takes all places: then a handler must leave before its successor can be tried.
@test "HUP to a version that does not work: one handler is lost to it, the others serve on" {
    local most

    for most in 64 3; do
        hup_to_a_broken_version "$most"
        stop_server
    done
}

hup_to_a_broken_version() { # MOST
    local old

    script_handler "exec $BIN/handler_bytes"
    start_server -n 3 -x "$1" -e "$HANDLER"
    COMPLAINTS='ended with status 7|the other children stay'
    old=$(children_of "$SERVER_PID" | sort)
    script_handler 'exit 7'
    kill -s HUP "$SERVER_PID"
    eventually says "$ERR" 'ended with status 7'
    sleep 1
    [[ $(comm -12 <(echo "$old") <(children_of "$SERVER_PID" | sort) | wc -l) -eq 2 ]]
    poke -j 3 -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof
    kill -s TTOU "$SERVER_PID" # nobody is missing now: the others are left in peace all the same
    sleep 1.5
    [[ $(comm -12 <(echo "$old") <(children_of "$SERVER_PID" | sort) | wc -l) -eq 2 ]]
    script_handler "exec $BIN/handler_bytes"
    kill -s TTIN "$SERVER_PID"
    kill -s HUP "$SERVER_PID"
    all_new() {
        [[ -z $(comm -12 <(echo "$old") <(children_of "$SERVER_PID" | sort)) ]] &&
            handlers_are 3 idle
    }
    eventually all_new
}

# A handler that says it is idle, but takes nothing and leaves for nobody. (Its state is at byte
# 256 + 128 * seat of the board.)
deaf_handler() {
    # shellcheck disable=SC2016
    script_handler 'trap "" TERM HUP' \
        'printf "\002" | dd of=/proc/self/fd/4 bs=1 conv=notrunc \
            seek=$((128 + 128 + 128 * HANDLER_SEAT)) 2>/dev/null' \
        'while :; do sleep 0.2; done'
}

@test "a handler that ignores HUP and TERM is killed, with a word, when it is to leave" {
    deaf_handler
    start_server -n 1 -g 1 -e "$HANDLER"
    COMPLAINTS='does not leave: killed|had to be killed'
    script_handler "exec $BIN/handler_bytes"
    kill -s HUP "$SERVER_PID"
    eventually says "$ERR" 'does not leave: killed'
    poke "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    [[ $STATUS -eq 0 ]]
    deaf_handler
    start_server -n 1 -g 1 -e "$HANDLER"
    stop_server
    [[ $STATUS -eq 1 ]]
    says "$ERR" 'had to be killed'
}

# --- handlers that die, stop, leave ---------------------------------------------------------------

@test "a stopped handler gets nothing more, and what others can serve they do" {
    local way

    for way in "${WAYS[@]}"; do
        # shellcheck disable=SC2086
        start_server -n 2 -T "$PATIENCE" $way
        HELPERS=()
        occupy_child half eof
        occupy_child send:'100\n' silent:200 touch:"$T/waited" reply:100 half eof
        # four wait: queued in the channel, piped in the backlog
        queue 4 300
        kill -s STOP "$CHILD"
        eventually handlers_are 1 stopped
        touch "$T/go"
        await_poke "${HELPERS[0]}"
        for POKE in "${HELPERS[@]:2}"; do
            await_poke
        done
        poke -j 4 -r 25 "$ADDRESS" mark connect send:'100\n' reply:100 half eof \
            within:$((250 * LIMIT))
        eventually test -e "$T/waited"
        kill -s CONT "$CHILD"
        await_poke "${HELPERS[1]}"
        eventually handlers_are 2 idle
        poke -j 4 -r 25 "$ADDRESS" connect send:'100\n' reply:100 half eof
        rm "$T/go" "$T/waited" "$T"/ready.* "$T"/queued.*
        stop_server
        counted connections 206
        counted requests 207
    done
}

# Starts a server and a client that goes on until it is told to stop.
begin_storm() { # WAY
    start_server -n 4 -d "$1"
    BEFORE+=("$(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l)")
    PLACES+=("$SERVER_PID $OUT $ADDRESS")
    "$BIN/client" -p "$PORT" -c 3 -t 1000000 -b 20000 -W 0:3000 -T 19 -o json \
        >"$T/client.$1" 2>&1 3>&- &
    HELPERS+=($!)
}

kill_any_handler_of() { # SERVER
    local victims

    mapfile -t victims < <(children_of "$1")
    ((${#victims[@]} > 0)) && kill -s KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null
}

calm_after_storm() { # NUMBER WAY
    local kind

    read -r SERVER_PID OUT ADDRESS <<<"${PLACES[$1]}"
    eventually dead "${HELPERS[$1]}"
    eventually handlers_are 4 idle
    poke -j 4 -r 25 "$ADDRESS" connect send:'100\n' reply:100 half eof
    [[ $(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l) -eq ${BEFORE[$1]} ]]
    no_zombies_of "$SERVER_PID"
    stop_server
    [[ $STATUS -eq 0 ]]
    echo "$2: killed $KILLED, lost $(json_of children_lost): $(head -c 600 "$T/client.$2")"
    counted children_lost -le "$KILLED"
    counted children_lost -ge 20 # the pauses leave fewer than one each time
    counted connections -ge "$(json completed <"$T/client.$2")"
    # Whoever was being served by a victim at that moment, and nobody else.
    [[ $(json failed <"$T/client.$2") -le $(json_of children_lost) ]]
    for kind in timed_out corrupt refused rejected client_limited; do
        [[ $(json "errors.$kind" <"$T/client.$2") -eq 0 ]]
    done
    [[ $(json completed <"$T/client.$2") -ge 100 ]]
}

@test "a storm of kill -9, queued and piped: only what the victims were serving fails" {
    local end

    COMPLAINTS='died of signal 9'
    PLACES=() BEFORE=() KILLED=0
    begin_storm queued
    begin_storm piped
    end=$(($(now_ms) + 20000))
    while (($(now_ms) < end)); do
        sleep 0.1
        kill_any_handler_of "${PLACES[0]%% *}" || :
        kill_any_handler_of "${PLACES[1]%% *}" || :
        KILLED=$((KILLED + 1))
    done
    kill -s TERM "${HELPERS[@]}"
    calm_after_storm 0 queued
    calm_after_storm 1 piped
}

@test "kill -9 of the distributor: a request in hand is finished, and all leave" {
    local way start

    for way in "${WAYS[@]}"; do
        # shellcheck disable=SC2086
        start_server -n 2 $way
        HELPERS=()
        poke_away "$ADDRESS" connect send:'1\n50000 0 1000000\n' reply:1 touch:"$T/working" \
            reply:50000 eof
        eventually test -e "$T/working"
        start=$(now_ms)
        kill -s KILL "$SERVER_PID"
        await_end
        await_poke
        eventually nothing_marked
        (($(now_ms) - start < 200 * LIMIT))
        rm "$T/working"
    done
}
