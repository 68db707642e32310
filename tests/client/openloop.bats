#!/usr/bin/env bats
# The client on a schedule: -r and -d, ramps, the search for a rate. The servers are those of the
# suite and badserver.c. No test says how fast this machine is.

# shellcheck disable=SC2016 # $1 is a field of awk, for true_of
load ../helpers

start_pool() { # OPTION...
    SERVER=$(basename "$(find "$ROOT" -maxdepth 1 -name 'server0[34]_*' | sort | tail -n 1)")
    start_server "$@"
}

start_single() { # OPTION...
    SERVER=$(basename "$(find "$ROOT" -maxdepth 1 -name 'server0[0-2]_*' | sort | head -n 1)")
    start_server "$@"
}

# What holds of every open loop that has completed something.
check_times() {
    true_of '$1 == $2 && $3 <= $4 && $5 <= $6 && $7 <= $8' {service,response}_us.count \
        {service,response}_us.min {service,response}_us.p50 {service,response}_us.max
}

@test "-r: so many per second, each with a response time" {
    local each

    start_pool -n 10
    for each in '-c 1 -m 1' '-c 3' '-c 5 -m 2 -k 3'; do
        # shellcheck disable=SC2086 # into words
        ask_client -r 300 -t 60 $each
        [[ $STATUS -eq 0 && ! -s $T/stderr ]]
        [[ $(json_of mode) == open ]]
        counted rate 300
        counted rate_to 300
        counted completed "$(json_of scheduled)"
        counted response_us.count "$(json_of requests)"
        check_times
        # The schedule is as long as it is; who is late takes longer.
        true_of '$1 >= $2 / 300 && $1 < $2 / 300 + 5' seconds scheduled
    done
    counted requests 900
    counted in_flight 2
    run ! grep -q 'whether the server kept up' <<<"$(json_of 'hints.*')"
    ask_client -r 300 -t 6
    counted in_flight 100
    json_of 'hints.*' | grep -q 'tell whether the server kept up: .* had [0-9]\.$'
}

@test "-r: the processes take turns, there are no bursts of all of them" {
    local lines

    start_pool -v -n 10
    mkfifo "$T/seen"
    exec 5<>"$T/seen"
    "$BIN/client" -p "$PORT" -r 10 -t 5 -c 5 -q &
    HELPERS+=($!)
    # When the server says that it has served one.
    tail -n +2 -f "$OUT" >"$T/seen" &
    HELPERS+=($!)
    for ((lines = 0; lines < 25; lines++)); do
        read -r -t "$PATIENCE" -u 5
        echo "$EPOCHREALTIME"
    done | awk 'NR > 1 { gaps++; small += $1 - last < 0.004 } { last = $1 }
        END { print small " of " gaps " gaps are small"; exit !(gaps == 24 && small < 12) }'
    exec 5>&-
}

@test "-d: a closed loop for a time, -m 1 and more" {
    local in_flight start

    start_pool -n 10
    for in_flight in 1 8; do
        start=$(now_ms)
        ask_client -d 0.4 -c 2 -m "$in_flight"
        (($(now_ms) - start >= 400 && $(now_ms) - start < 400 * LIMIT))
        [[ $STATUS -eq 0 && $(json_of mode) == closed ]]
        counted completed "$(json_of scheduled)"
        counted completed -ge 1
        counted unsent 0
        counted connections_each 0
        counted rate 0
        counted response_us.count 0
        true_of "\$1 == 0.4 && \$2 >= 0.4 && \$2 < $LIMIT / 4" duration_s seconds
    done
    ask_client -d 50ms -c 1 -b 1.5k -W 1ms:0.002s -T 1m # the same with units
    true_of '$1 == 0.05 && $2 == 1536 && $3 == 1000 && $4 == 2000' duration_s bytes \
        classes.0.{cpu,wait}_us
    # A last row that is short belongs to the one before.
    ask_client -d 1 -c 2 -W 0:30000
    json_of 'intervals.*.seconds' | awk '$1 < 0.1 { exit 1 }'
    # Those of processes that were at work before this one looked are in the rows too.
    ask_client -d 0.05 -c 20
    [[ $(json_of 'intervals.*.completed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of completed) ]]
}

@test "-d: what is under way when time is over is finished" {
    start_pool -n 10
    ask_client -d 0.1 -c 3 -W 0:500000
    [[ $STATUS -eq 0 ]]
    counted completed 3
    ask_client -d 0.1 -c 3 -r 30 -W 0:500000
    [[ $STATUS -eq 0 ]]
    counted scheduled 3
    counted completed 3
    true_of '$1 >= 0.5' seconds
}

@test "-d and TERM: no connection asks again, though -k would have it go on for hours" {
    local status=0

    start_pool -n 10
    ask_client -d 0.1 -c 3 -k 1000000000
    [[ $STATUS -eq 0 ]]
    counted completed 3
    counted requests -ge 3
    # In the open loop -d says how many are due: they ask it all.
    ask_client -d 0.1 -c 3 -r 30 -k 20 -W 0:50000
    counted requests 60
    "$BIN/client" -p "$PORT" -c 3 -t 1 -k 1000000000 -o json >"$T/report" 2>"$T/stderr" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    eventually server_counts requests -ge 1000
    kill -s TERM "$CLIENT"
    wait "$CLIENT" || status=$?
    take_json "$T/report"
    [[ $status -eq 1 ]]
    check_identity
    counted completed 3
}

@test "-r and -d: all that is due in the time, and no more" {
    start_pool -n 10
    ask_client -r 333 -d 1.5 -c 4
    counted scheduled 500 # 499.5: the last one is due a little before the end
    true_of '$1 == 1.5 && $2 >= 1.5' duration_s seconds
    # There is room for all that is due: who comes late begins it all the same.
    [[ $STATUS -eq 0 ]]
    counted unsent 0
    check_times
}

@test "a server that stops for a second: the response time shows it, the service time does not" {
    start_single
    "$BIN/client" -p "$PORT" -r 250 -d 4 -m 1 -o json >"$T/report" 2>"$T/stderr" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    eventually server_counts connections -ge 100
    kill -s STOP "$SERVER_PID"
    sleep 1
    kill -s CONT "$SERVER_PID"
    wait "$CLIENT" || echo "status $?"
    take_json "$T/report"
    check_identity
    counted scheduled 1000
    # With -m 1 only five connections are inside while the server stops, and 250 more are due.
    true_of '$1 > 500000 && $2 > 950000' response_us.p99 response_us.max
    true_of '$1 < $3 / 4 && $2 < $3 / 2 && $3 > 950000' service_us.p50 service_us.p99 service_us.max
    json_of 'hints.*' | grep -q '^Response p90 is [0-9.]* times service p90'
    true_of '$1 > 50 && $1 > 4 * $2' late.room_s late.client_s
    # The rows of the seconds tell which one it was.
    json_of 'intervals.*.p99_us' | awk '{ high += $1 > 500000; low += $1 < 500000 }
        END { exit !(high && low) }'
}

@test "-d: what is due before the end is begun, if there is room, and nothing after it" {
    local client

    start_pool -n 10
    # The client does not come to itself before the time is over.
    "$BIN/client" -p "$PORT" -r 100 -d 1 -c 1 -o json >"$T/report" 2>"$T/stderr" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    enough() {
        ask_server
        [[ $(json_of connections) -ge 40 ]]
    }
    eventually enough
    client=$(children_of "$CLIENT")
    kill -s STOP "$client"
    sleep 1
    kill -s CONT "$client"
    wait "$CLIENT"
    take_json "$T/report"
    counted completed 100
    true_of '$1 > 10 && $1 > 4 * $2 && $3 > 0.9' late.client_s late.room_s late.suspended_s
    json_of 'hints.*' | grep -q '^A client process did not run for'
    run ! grep -q 'the limit was the server' <<<"$(json_of 'hints.*')"
    # Two find room, and are not over before the time is. (A client that is woken after both the
    # end and these would begin two more.)
    for _ in 1 2 3; do
        ask_client -r 100 -d 0.5 -c 1 -m 2 -W 0:570000
        [[ $STATUS -eq 1 ]]
        [[ $(json_of completed) -gt 2 ]] || break
    done
    counted completed 2
    counted unsent 48
}

@test "one place that is taken for long: what waits for it lacks room, not a processor" {
    start_single
    ask_client -c 1 -m 1 -t 400 -r 1000 -W 0:300000@0.01 -S 3
    counted classes.0.asked -ge 1
    true_of '$1 >= 100 && $2 > 2 * $3' late.connections late.room_s late.client_s
    # Also where each waits for less than a millisecond.
    ask_client -c 1 -m 1 -r 10000 -d 1 -W 900@0.005
    true_of '$1 > 2 * $2' late.room_s late.client_s
}

# A client in the background is stopped for half a second, or the children of its server are; it
# goes on until 200 more have begun, and reports.
held_up() { # PIDS_OF
    local pids served

    "$BIN/client" -p "$PORT" -r 200 -d "$LIMIT" -c 1 -m 70 -o json >"$T/report" 2>"$T/stderr" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    ask_server
    eventually server_counts connections -gt "$(json_of connections)"
    mapfile -t pids < <(children_of "${!1}")
    kill -s STOP "${pids[@]}"
    pause 0.5
    kill -s CONT "${pids[@]}"
    ask_server
    served=$(json_of connections)
    eventually server_counts connections -ge $((served + 200))
    kill -s INT "$CLIENT"
    wait "$CLIENT" || echo "status $?"
    take_json "$T/report"
    check_identity
}

@test "why connections began late: no room for them, or the client itself came late" {
    start_pool -n 10
    # A hundred are due in half a second, and there is room for seventy.
    held_up SERVER_PID
    true_of '$1 > 0.5' late.room_s
    held_up CLIENT
    true_of '$1 > 5' late.client_s
}

@test "a quota of processor time is told of, and not that the server was the limit" {
    local group=/sys/fs/cgroup/cpu/client.$BASHPID

    mkdir "$group" 2>/dev/null || skip 'no control groups of our own'
    if ! echo 5000 2>/dev/null >"$group/cpu.cfs_quota_us"; then
        rmdir "$group"
        skip 'no quota to be set'
    fi
    start_pool -n 10
    # shellcheck disable=SC2016 # not yet
    run bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group" \
        "$BIN/client" -p "$PORT" -c 2 -r 10000 -d 1 -o json
    JSON=$output
    echo 10000 >"$group/cpu.cfs_quota_us"
    # shellcheck disable=SC2016
    run bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group" \
        "$BIN/client" -p "$PORT" -c 2 -r 'max@p99<5ms' -d 0.2
    echo "status $status: $output"
    [[ $status -eq 4 && $output != *'the server did not'* && $output != *'the server is busy'* ]]
    eventually rmdir "$group"
    json_of 'hints.*' | grep -q '^A quota of processor time'
    run ! grep -q 'the limit was the server' <<<"$(json_of 'hints.*')"
}

@test "a closed loop does not notice: the same second is in one time per process" {
    start_single
    kill -s STOP "$SERVER_PID"
    "$BIN/client" -p "$PORT" -t 200 -c 5 -o json >"$T/report" 2>"$T/stderr" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    eventually has_children "$CLIENT" 5
    sleep 1.2
    kill -s CONT "$SERVER_PID"
    wait "$CLIENT"
    take_json "$T/report"
    counted response_us.count 0
    true_of '$1 < $2 / 2 && $2 > 950000' service_us.p99 service_us.max
}

@test "a rate that is too high: said first, with who is the limit; what is not begun is unsent" {
    start_single
    # One after the other, 20 ms each: 50 per second.
    ask_client -r 500 -d 1 -c 2 -m 2 -W 0:20000
    [[ $STATUS -eq 1 ]]
    counted scheduled 500
    counted failed 0
    counted unsent -ge 300
    true_of '$1 > 10 && $2 < $1 / 4' late.room_s late.client_s
    [[ $(json_of hints.0) == 'The rate was not reached: '*' So the limit was the server, or '* ]]
    true_of '$1 > 2 * $2' response_us.p99 service_us.p50
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -r 500 -d 0.5 -c 2 -m 2 -W 0:20000
    [[ ${lines[0]} == 'The rate was not reached: '* && -z $stderr ]]
    [[ $output == *'Open loop: '*'Never begun: '* ]]
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -q -r 500 -d 0.5 -c 2 -m 2 -W 0:20000
    [[ ${lines[0]} == 'The rate was not reached: '* ]]
    # Those that would have misbehaved are not among the unsent ones of the processes either.
    run -1 "$BIN/client" -p "$PORT" -v -r 500 -d 0.5 -c 2 -m 2 -W 0:20000 -x half-close@0.5
    [[ $(awk '/^Never begun/ { print $3 }' <<<"$output") -eq \
        $(awk '/^process / { on = 1 } on && NF == 6 { n += $5 } END { print n }' <<<"$output") ]]
    run -0 "$BIN/client" -p "$PORT" -r 3 -t 1 -c 3
    [[ $output == *'3 of 3 connections completed in 1.00'*': 3.00 connections/s, '* ]]
    # With room for all, every connection begins in time; but they do not end as fast.
    ask_client -r 500 -d 0.2 -c 2 -m 500 -W 0:20000
    [[ $STATUS -eq 0 ]]
    counted unsent 0
    [[ $(json_of hints.0) == 'The rate was'* ]]
}

# It may say that the rate was not reached where the client had no processor, but not of the server.
nobody_blamed() {
    run ! grep -E 'The rate was (kept|.*the limit was the server)' <<<"$(json_of 'hints.*')"
}

@test "slow replies alone are no reason to say that the rate was not reached" {
    start_pool -n 60
    ask_client -r 50 -d 2 -c 2 -W 0:800000
    [[ $STATUS -eq 0 ]]
    counted completed 100
    nobody_blamed
    # Nor are two humps, of which the median is now the one and now the other.
    for seed in 1 2 3; do
        ask_client -r 60 -d 1 -c 2 -W 0:200000@0.5 -S "$seed"
        run ! grep -q 'did not keep up' <<<"$(json_of 'hints.*')"
    done
    # But of twenty requests on each connection the further ones do not hide that the first waited.
    ask_client -r 200 -d 1 -c 2 -m 200 -k 20 -W 0:50000 -T "$PATIENCE"
    json_of 'hints.*' | grep -q '^The rate was'
    # Nor are a few that take long, or many on a connection.
    ask_client -r 100 -d 1 -c 2 -W 0:600000@0.1
    nobody_blamed
    ask_client -r 30 -d 1 -c 2 -k 20 -W 0:20000
    nobody_blamed
}

@test "-r FROM:TO: the rate grows, or falls, and every second has a row" {
    start_pool -n 10
    ask_client -r 20:380 -d 2.5 -c 3
    counted scheduled 500
    [[ $(json_of mode) == ramp ]]
    counted rate 20
    counted rate_to 380
    counted 'intervals.#' -ge 3
    # 20 + 144 t per second, until 2.5 s: in a row from A to B 20 (B - A) + 72 (B * B - A * A).
    paste <(json_of 'intervals.*.from_s') <(json_of 'intervals.*.seconds') \
        <(json_of 'intervals.*.asked_per_second') | awk '{
            from = $1 < 2.5 ? $1 : 2.5
            to = $1 + $2 < 2.5 ? $1 + $2 : 2.5
            off = $2 * $3 - (20 * (to - from) + 72 * (to * to - from * from))
            print $0, off
            if (off > 5 || off < -5) bad = 1
        } END { exit bad || NR < 3 }'
    [[ $(json_of 'intervals.*.completed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of completed) ]]
    true_of '$1 == 0 && $2 > 0.9 && $2 < 5 && $3 > 0 && $3 <= $4' intervals.0.from_s \
        intervals.0.seconds intervals.0.p50_us intervals.0.p99_us
    # What takes longer than a falling ramp lasts: it has an end, and nothing is due behind it.
    ask_client -r 200000:1 -d 0.001 -m 200 -W 0:1500000@0.05 -c 1
    true_of '$1 == 101 && $2 == 101' scheduled completed
    ask_client -r 380:20 -d 1.5 -c 3
    counted scheduled 300
    json_of 'intervals.*.asked_per_second' | head -n 2 | sort -n -r -c
    run -0 "$BIN/client" -p "$PORT" -r 100:300 -d 1.5
    [[ ${lines[0]} == '100 to 300 connections/s (-r) over 1.5 s (-d) from 5 processes (-c)'* ]]
    [[ $(grep -Ec '^ +[0-9.]+ to +[0-9.]+ ' <<<"$output") -ge 2 ]]
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
}

@test "rows of seconds: failures are in them, and of a count there are none" {
    start_badserver corrupt 3
    ask_client -r 200 -d 1.2
    [[ $STATUS -eq 1 ]]
    counted failed -ge 70
    [[ $(json_of 'intervals.*.failed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of failed) ]]
    [[ $(json_of 'intervals.*.completed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of completed) ]]
    ask_client -c 2 -t 10
    counted 'intervals.#' 0
    end_badserver
    # The first reply of the second process has no stamp: what it is shows the first one's.
    start_badserver unstamped 2
    ask_client -c 2 -r 50 -d 0.3
    counted failed -ge 2
    [[ $(json_of 'intervals.*.completed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of completed) ]]
    [[ $(json_of 'intervals.*.failed' | awk '{ sum += $1 } END { print sum }') -eq \
        $(json_of failed) ]]
    end_badserver
}

@test "-r with -W: every class has its response times" {
    start_pool -n 10
    ask_client -r 400 -t 40 -W 0:1000@0.3
    [[ $STATUS -eq 0 ]]
    [[ $(json_of 'classes.*.service_us.count') == "$(json_of 'classes.*.response_us.count')" ]]
    true_of '$1 <= $2' classes.0.service_us.p50 classes.0.response_us.p50
    # With -k the next request is due when the last reply has come, not with the connection.
    ask_client -r 50 -t 5 -k 3 -W 0:100000
    true_of '$1 < 1.4 * $2' response_us.p50 service_us.p50
    run -0 "$BIN/client" -p "$PORT" -r 400 -t 40 -W 0:1000@0.3
    [[ $output == *'service by work'*'response by work'* ]]
}

@test "-r over a Unix socket, with frames, and where nobody listens" {
    some_server
    start_server -i "$T/socket"
    ask_client -i "$T/socket" -r 400 -t 20
    [[ $STATUS -eq 0 ]]
    counted completed 100
    check_times
    stop_server
    launch "$TOOLS/badserver" -f good
    await_ready
    ask_client -r 400 -t 20 -M hello -E hello
    [[ $STATUS -eq 0 ]]
    counted completed 100
    check_times
    end_badserver
    PORT=1
    ask_client -r 400 -t 10
    [[ $STATUS -eq 3 ]]
    counted errors.refused 50
    counted response_us.count 0
}

@test "Ctrl-C in an open loop: what is not begun is unsent" {
    local server start

    start_pool -n 10
    server=$SERVER_PID
    # Nobody draws a lot for each of the 870 million that are never begun.
    client_away -r 200:20000 -d 86400 -x half-close@0.01
    sleep 0.5
    start=$(now_ms)
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    (($(now_ms) - start < 250 * LIMIT))
    [[ $STATUS -eq 1 ]]
    check_identity
    true_of '$1 + $2 + $3 == 872640000' scheduled misbehaved.0.{connections,unsent}
    counted unsent -ge 860000000
    counted completed -ge 1
    true_of '$1 < 15' seconds
    SERVER_PID=$server
}

@test "-r max@BOUND: finds the rate that a server can keep" {
    start_pool -n 10
    # Ten children, 100 ms each: 100 per second and no more.
    ask_client -r 'max@p50<600ms' -d 0.5 -W 0:100000
    [[ $STATUS -eq 0 ]]
    true_of "\$1 * ${SLOWNESS:-1} >= 40 && \$1 <= 125" search.rate
    [[ $(json_of search.bound mode) == $'p50<600ms\nopen' ]]
    counted rate "$(json_of search.rate)" # the report is of the best step
    true_of '$1 < 600000' response_us.p50
    # Two runs have kept that rate, and the lowest rate that was lost is at most 5 % more.
    paste <(json_of 'search.steps.*.rate') <(json_of 'search.steps.*.kept') |
        awk -v rate="$(json_of search.rate)" '
            $2 == "true" && $1 == rate { kept++ }
            $2 == "false" && $1 > rate && (!least || $1 < least) { least = $1 }
            END { exit !(kept >= 2 && least > rate && least <= 1.06 * rate + 1) }'
}

@test "-r max@BOUND: who cannot begin in time does not keep the rate, whatever the service time" {
    start_pool -n 10
    # Two at a time, 10 ms each: 200 per second, and each of them is served at once.
    run -0 "$BIN/client" -p "$PORT" -r 'max@service.p50<10s' -d 0.1 -c 2 -m 1 -W 0:10000
    echo "$output"
    # (On a machine that is busy it may end with what kept the client from more.)
    [[ ${lines[0]} =~ ^'The highest rate'( so far)?' that keeps service.p50<10s: '([0-9]+)\ conn ]]
    ((BASH_REMATCH[2] <= 250))
    [[ $output == *' achieved        service'*'rate not reached'* ]] # found: of which time
    [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
}

@test "-r max@BOUND: none, nobody there, stopped" {
    local server

    start_pool -n 2
    ask_client -r 'max@p50<1us' -d 0.01
    [[ $STATUS -eq 1 && -z $(json_of search.ended_early) ]]
    counted search.rate 0
    run -1 "$BIN/client" -p "$PORT" -q -r 'max@p50<1us' -d 0.01
    [[ $output == 'No rate was found that keeps p50<1us' ]]
    server=$SERVER_PID
    client_away -r 'max@p99<1s' -d 100
    sleep 0.3
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 && $(json_of interrupted) == true ]]
    counted 'search.steps.#' 1
    # The same when there are good steps already.
    client_away -r 'max@p50<10s' -d 0.2
    await_good_steps
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 && $(json_of interrupted) == true ]]
    check_identity
    SERVER_PID=$server
    PORT=1
    for bound in 'p99<1s' 'failed<=100000'; do
        ask_client -r "max@$bound" -d 0.1
        [[ $STATUS -eq 3 && $(json_of search.ended_early) == 'nothing could connect' ]]
        counted search.rate 0
    done
}

# Until the client's search is in its fourth step: each has processes of its own.
await_good_steps() {
    local step

    FIRST=
    for step in {1..4}; do
        eventually in_another_step
        FIRST=${CHILDREN[0]}
    done
}

in_another_step() {
    find_children "$CLIENT"
    [[ ${#CHILDREN[@]} -gt 0 && ${CHILDREN[0]} != "$FIRST" ]]
}

@test "-r max@BOUND: a server that fails keeps no rate; one that dies ends the search" {
    start_badserver corrupt
    ask_client -r 'max@p50<10s' -d 0.1
    [[ $STATUS -eq 1 ]]
    counted search.rate 0
    json_of 'search.steps.*.why' | grep -qx 'connections failed'
    end_badserver
    start_badserver good
    "$BIN/client" -p "$PORT" -r 'max@p50<10s' -d 0.2 -o json >"$T/report" &
    CLIENT=$!
    HELPERS+=("$CLIENT")
    await_good_steps
    end_badserver
    STATUS=0
    wait "$CLIENT" || STATUS=$?
    take_json "$T/report"
    [[ $STATUS -eq 1 ]]
    # If it dies in the midst of a step that is not the last one.
    [[ $(json_of search.ended_early) == 'nothing could connect' ]]
}

# Stops the processes of the client again and again, for most of the time, until it ends.
hold_up() {
    while alive "$1"; do
        find_children "$1"
        kill -s STOP "${CHILDREN[@]}" 2>/dev/null || :
        pause 1.5
        kill -s CONT "${CHILDREN[@]}" 2>/dev/null || :
        pause 0.05
    done
}

@test "-r max@BOUND: steps with enough connections; a bound that the client breaks is exit 4" {
    local server

    start_pool -n 10
    server=$SERVER_PID
    # p90 of 200, each time, whatever -d says; and of a rate that is lost for another reason too.
    ask_client -r 'max@p90<10s' -d 0.01 -W 0:5ms
    paste <(json_of 'search.steps.*.rate') <(json_of 'search.steps.*.achieved') |
        awk '$1 < 10000 && $1 >= 2000 { low++ } $1 < 2000 { few++ } END { exit !(low + few > 1) }'
    counted completed -ge 200
    # A shorter step would prove nothing.
    ask_client -c 1 -r 'max@mean<10s' -d 0.001
    true_of '$1 >= 0.1' seconds
    client_away -c 1 -r 'max@max<500ms' -d 2
    hold_up "$CLIENT" &
    HELPERS+=("$!")
    await_end "$CLIENT"
    [[ $STATUS -eq 4 ]]
    counted search.rate 0
    json_of 'search.steps.*.why' | grep -q 'the client itself was late$'
    SERVER_PID=$server
}

@test "-x and no descriptors for anybody: it ends all the same" {
    start_pool -n 10
    run -0 bash -c 'ulimit -n 64; exec timeout 30 "$@"' bash "$BIN/client" -p "$PORT" -c 1 -t 200 \
        -m 100 -x half-close
}

@test "-r and -d: what does not go together" {
    not_allowed '-d with -t' -d 5 -t 5
    not_allowed '-d with -t' -t 5 -r 5 -d 5
    not_allowed '-r FROM:TO without -d' -r 1:5
    not_allowed '-r FROM:TO without -d' -r 1:5 -t 5
    not_allowed '-t with -r max' -r 'max@p99<5ms' -t 5
    not_allowed "-r 'max@p99': " -r max@p99
    not_allowed "-r 'max@': " -r max@
    not_allowed "-r 'max@rate>=1000'" -r 'max@rate>=1000'
    not_allowed "-r 'max@p99>1us'" -r 'max@p99>1us'
    not_allowed '-t with -r: ' -r 1 -t 1000000000
}
