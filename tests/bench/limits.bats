#!/usr/bin/env bats
# bench/limits: every row gives figures that fit together, and nothing stays behind, whoever dies.
# How fast the machine is, is not tested.

load ../helpers

# Runs limits in the foreground: STATUS, JSON.
measure() { # OPTION... [ROW...]
    STATUS=0
    "$BIN/limits" -o json "$@" >"$T/report" 2>"$T/stderr" || STATUS=$?
    take_json "$T/report"
    echo "status $STATUS $(cat "$T/stderr") $JSON"
}

# Starts it in the background and waits until it measures: LEADER is the process that does.
measure_away() {
    launch "$BIN/limits" "$@"
    eventually await_leader
}

await_leader() {
    LEADER=$(children_of "$SERVER_PID" | tail -n 1)
    [[ -n $LEADER ]]
}

# What one field is in all rows.
fields() { # FIELD
    json_of "rows.*.$1"
}

names() {
    fields name | paste -sd' '
}

# A usage error that names all this, with an example.
refuses() { # NAMED OPTION...
    local named=$1

    shift
    run -2 --separate-stderr "$BIN/limits" "$@"
    echo "$stderr"
    [[ -z $output && ${#stderr_lines[@]} -eq 2 ]]
    [[ ${stderr_lines[0]} == "limits: "*"$named"*'for example '* ]]
    [[ ${stderr_lines[1]} == *'limits -h'* ]]
}

# --- the figures ---------------------------------------------------------------------------------

# A line per row. us_each is as long as one takes whoever does it, so n at a time make n times 1e6.
check_figures() {
    paste <(fields name) <(fields outcome) <(fields n) <(fields per_second) <(fields us_each) \
        <(fields cpu_us_each) <(fields answer_cpu_us_each) <(fields switches_each) | awk -F'\t' '
        $2 == "unavailable" && $1 ~ /_static$/ { next } # not every libc can
        $2 != "measured" || $4 <= 0 || $5 <= 0 || $6 < 0 || $8 < 0 { bad = 1; print }
        $7 < 0 || $7 > $6 * 1.0001 { bad = 1; print "answers: " $0 }
        { product = $4 * $5 / ($3 * 1e6) }
        product < 0.99 || product > 1.01 { bad = 1; print "product " product ": " $0 }
        END { exit bad || NR == 0 }'
}

@test "every row: figures, and they fit together" {
    local cpu seconds

    printf -v seconds 0.%03d $((LIMIT < 300 ? 3 * LIMIT : 900)) # 0.06, or more on a slow machine
    measure -t "$seconds"
    [[ $STATUS -eq 0 && ! -s $T/stderr && $(wc -l <"$T/report") -eq 1 ]]
    check_figures
    [[ $(names) == "$("$BIN/limits" -l | awk '{ print $1 }' | paste -sd' ')" ]]
    [[ $(json_of seconds) == "${seconds}000" && $(json_of n) -eq 10 ]]
    [[ $(json_of interrupted) == false ]]
    [[ $(json_of machine.sysname) == "$(uname -s)" && $(json_of machine.release) == "$(uname -r)" ]]
    [[ $(json_of machine.machine) == "$(uname -m)" && $(json_of machine.processors) -ge 1 ]]
    cpu=$(fields cpu_us_each | awk '$1 > 0' | wc -l)
    [[ $cpu -ge 15 ]] # all, but where the clock of processor time is coarse
}

@test "a row is measured for as long as it is told, and not much longer" {
    local start

    start=$(now_ms)
    measure -t 700ms thread
    [[ $STATUS -eq 0 && $(json_of seconds) == 0.700000 && $(($(now_ms) - start)) -ge 700 ]]
}

@test "-n: so many clients and servers, or pairs" {
    measure_away -t 5 -n 3 serve_n_n
    eventually has_children "$LEADER" 6
    COMPLAINTS='^limits: interrupted$'
    stop_server INT
        measure -t 0.05 -n 3 serve_1_1 serve_n_1 serve_1_n serve_n_n switch_1 switch_n
    [[ $STATUS -eq 0 && $(fields n | paste -sd' ') == '1 3 1 3 1 3' ]]
    check_figures
}

@test "rows by name: each once, in the order of -l" {
    measure -t 0.02 thread trip_pipe fork thread
    [[ $STATUS -eq 0 && $(names) == 'fork thread trip_pipe' ]]
}

@test "text: headings and rows within 100 columns; -q only rows" {
    run -0 --separate-stderr "$BIN/limits" -t 0.01 tcp_connect serve_1_n stream_256k
    [[ -z $stderr && ${lines[0]} == "$(uname -s) "*' processors; '* ]]
    [[ ${lines[0]} == *'0.01 s a row, n = 10'* && $output == *'per second'* ]]
    [[ $output == *$'\ntcp_connect '*$'\nserve_1_n '*$'\nstream_256k '* ]]
    awk 'length($0) > 100 { print; bad = 1 } END { exit bad }' <<<"$output"
    run -0 "$BIN/limits" -l
    # In a row the figures take 47 columns, where the list has none.
    awk 'length($0) + 47 > 100 { print; bad = 1 } END { exit bad }' <<<"$output"
    run -0 "$BIN/limits" -t 0.01 fork
    [[ $output =~ 'costs '[1-9][0-9]*' page faults; here that is '[1-9][0-9]*' us of CPU.' ]]
    run -0 --separate-stderr "$BIN/limits" -q -t 0.01 thread
    [[ -z $stderr && ${#lines[@]} -eq 1 && $output == 'thread '*pthread_create* ]]
}

@test "without the static program: its rows say so, which only fails if they are asked for" {
    cp "$BIN/limits" "$T/limits"
    BIN=$T
    measure -t 0.01 fork_static spawn_static fork
    [[ $STATUS -eq 1 && $(fields outcome | paste -sd' ') == 'measured unavailable unavailable' ]]
    [[ $(json_of rows.1.why) == *"$T"* && $(json_of rows.1.per_second) == 0.000 ]]
    run -1 "$BIN/limits" -q -t 0.01 fork_static
    [[ $output == 'fork_static '*'not available: there is no '* ]]
    measure -t 0.01
    [[ $STATUS -eq 0 && $(fields outcome | grep -c unavailable) -eq 2 ]]
}

# --- the command line ----------------------------------------------------------------------------

@test "usage errors name the option, the value and an example" {
    local value

    for value in 0.009 60.001 1. .5 1.2345678 -1 9ms 1h '' 999999999999; do
        refuses "-t '$value'" -t "$value"
    done
    for value in 0 201 1x; do
        refuses "-n '$value'" -n "$value"
    done
    refuses "-o 'csv'" -o csv
    refuses "'frok'" fork frok
    refuses "''" ''
    for value in -x -t; do
        run -2 --separate-stderr "$BIN/limits" "$value"
        [[ -z $output && $stderr == "limits: $value"* ]]
    done
}

@test "-h, -V, -l" {
    run -0 --separate-stderr "$BIN/limits" -h
    [[ $output == 'usage: limits'* && -z $stderr ]]
    [[ $(wc -L <<<"$output") -le 79 && $output == "$("$BIN/limits" --help)" ]]
    run -0 "$BIN/limits" -V
    [[ $output == 'limits '[0-9]* && $output == "$("$BIN/limits" --version)" ]]
    run -0 "$BIN/limits" -l
    [[ ${#lines[@]} -ge 20 && $output == *$'\nthread '* ]]
}

@test "what cannot be printed is a failure" {
    run -1 --separate-stderr bash -c "'$BIN/limits' -t 0.01 thread >/dev/full"
    [[ $stderr == 'limits: cannot print the report: '* ]]
    run -1 --separate-stderr bash -c "'$BIN/limits' -t 0.01 thread >&-"
    [[ $stderr == 'limits: cannot print the report: '* ]]
}

@test "a line on the terminal tells which row is measured, and is erased" {
    command -v script >/dev/null || skip "needs script(1)"
    script -qc "'$BIN/limits' -t 0.02 fork thread" /dev/null >"$T/typescript" </dev/null
    grep -q $'\r1 of 2: fork\033\[K\r\033\[K' "$T/typescript"
    grep -q $'\r2 of 2: thread\033\[K\r\033\[K' "$T/typescript"
    script -qc "'$BIN/limits' -q -t 0.02 fork" /dev/null >"$T/typescript" </dev/null
    run ! grep -q ' of ' "$T/typescript"
}

# --- the end -------------------------------------------------------------------------------------

@test "Ctrl-C: the rows that are complete, status 1, and all processes are gone" {
    COMPLAINTS='^limits: interrupted$'
    measure_away -t 1 -o json thread trip_pipe
    eventually two_deep
    kill -s INT "$SERVER_PID"
    await_end
    [[ $STATUS -eq 1 && $(names) == thread && $(json_of interrupted) == true ]]
    eventually nothing_marked
    measure_away -t 20 trip_spin fork
    kill -s TERM "$SERVER_PID"
    await_end
    [[ $STATUS -eq 1 && $(wc -l <"$OUT") -eq 4 ]] # headings
    eventually nothing_marked
}

# The row's process has children of its own.
two_deep() {
    await_leader && [[ -n $(children_of "$LEADER") ]]
}

@test "limits killed: the row's processes notice" {
    measure_away -t 50 serve_n_n
    eventually two_deep
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
}

@test "a row's process killed: that row fails, the others go on" {
    measure_away -t 1 -o json serve_n_n trip_pipe
    eventually two_deep
    kill -s KILL "$LEADER"
    await_end
    [[ $STATUS -eq 1 && $(fields outcome | paste -sd' ') == 'failed measured' ]]
    [[ $(json_of rows.0.why) == *'signal 9'* ]]
    eventually nothing_marked
}

@test "a helper killed: that row fails" {
    measure_away -t 1 -o json trip_unix
    eventually two_deep
    kill -s KILL "$(children_of "$LEADER")"
    await_end
    [[ $STATUS -eq 1 && $(json_of rows.0.outcome) == failed && -n $(json_of rows.0.why) ]]
    eventually nothing_marked
}

@test "a row's process that hangs is ended" {
    local seconds

    printf -v seconds '%d.%03d' $((LIMIT / 40)) $((LIMIT * 25 % 1000)) # 0.5, or more
    measure_away -t "$seconds" -o json trip_pipe thread
    eventually two_deep
    kill -s STOP "$LEADER"
    await_end
    [[ $STATUS -eq 1 && $(fields outcome | sort | paste -sd' ') == 'failed measured' ]]
    fields why | grep -q 'it hangs'
    eventually nothing_marked
}
