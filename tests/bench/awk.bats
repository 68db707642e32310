#!/usr/bin/env bats
# Every awk program of the suite, with each awk that is here: it runs, and says the same as with
# the others.

load ../helpers

TOOL=compare

# What the awk of the system makes of it.
setup_file() {
    export REFERENCE=$BATS_FILE_TMPDIR/reference

    tables_and_page "$REFERENCE"
}

# Made-up results: their figures as those of three runs, and from these all tables, sentences and
# the page; and what has changed since another time, which is nothing. The page of all is made once:
# three are in directories of their own until then.
tables_and_page() { # DIRECTORY
    local place tool

    mkdir "$1"
    awk -v dir="$1" -f "$TESTS/bench/results.awk"
    cp "$1/compare.csv" "$1/old.csv"
    for tool in herd scale rivals compare; do
        place=$1
        if [[ $tool != compare ]]; then
            place=$1/$tool
            mkdir "$place"
            mv "$1/$tool"[.-]* "$place"
            cp "$1/machine.csv" "$1/limits.csv" "$place"
        fi
        awk -F, -v OFS=, '
            NR == 1 { print "round,row,load,x,figure,unit,value,why" }
            NR == 1 || $4 ~ /^(breaks|control_cpu_us|limit_share)$/ || $6 == "" { next }
            {
                for (i = 1; i <= 3; i++) {
                    if ($4 == "runs") print i, $1, $2, $3, "run", "", ($6 >= i), $11
                    else print i, $1, $2, $3, $4, $5, $(5 + i), $11
                }
            }' "$place/$tool.csv" >"$place/$tool-runs.csv"
        set -- "$1" -n -o .
        [[ $tool != compare ]] || set -- "$@" -a old.csv
        (cd "$place" && "$ROOT/bench/$tool" "${@:2}" >/dev/null)
        [[ $tool == compare ]] || mv "$place/$tool"[.-]* "$1"
    done
    generators >"$1/generators"
    [[ $(grep -c requests_per_second "$1/generators") -eq 3 ]]
    made_up_acts "$1/acts" 2
    cluster_table "$1/acts" >"$1/acts/shown"
}

# The figures of a run by each of the generators.
generators() {
    local each said

    cd "$BATS_TEST_TMPDIR" || return
    printf '%s\n' '1 (a) b) S 1 1 1 0 -1 4 0 0 0 0 0 0 '{10,60}' 5' >stat
    printf '%s\n' 'Percentage served,Time in ms' 50,0.471 99,6.800 >percents
    for each in wrk ab siege; do
        case $each in
        wrk) said=$'    50%  641.00us\n    99%   1.09ms\n  9000 requests in 1.10s, 4MB read' ;;
        ab) said=$'Time taken for tests:   1.5 seconds\nComplete requests:    9000' ;;
        siege) said=$'{\t"transactions":\t\t\t  492,\n"elapsed_time":\t\t   0.26,' ;;
        esac
        awk -f "$ROOT/bench/lib/generators.awk" -v round=1 -v row=a -v name=b -v generator=$each \
            -v cpu_s=0.5 -v tick_s=100 -v sampled='300 2' -v others=5 <(echo "$said") \
            "$([[ $each == ab ]] && echo percents || echo /dev/null)" stat
    done
}

# With it as `awk`.
try_awk() { # COMMAND
    local program

    command -v "${1%% *}" >/dev/null || skip "needs $1"
    mkdir "$T/path"
    printf '#!/bin/sh\nexec %s "$@"\n' "$1" >"$T/path/awk"
    chmod 755 "$T/path/awk"
    PATH=$T/path:$PATH

    tables_and_page "$T/again"
    diff -r "$REFERENCE" "$T/again"

    # What is in the scripts, and what reads JSON. (One run has no exact figures.)
    own_bin
    use_tool -q -r 1 -l memory -c '-c 2 -t 50' 00
    [[ $STATUS -eq 0 ]]
    run ! grep -v ': round ' "$T/stderr"
    [[ $(figure iterative own cpu_us_per_connection 6) =~ ^[1-9] ]]
    [[ $(figure iterative memory processes 6) == 1 ]]
    [[ $(grep -c ,measured, "$T/results/limits.csv") -gt 10 ]]

    # The tests' own.
    while read -r program; do
        awk -f "$ROOT/bench/lib/json.awk" -f "$program" </dev/null 2>"$T/said" >/dev/null || :
        diff "$T/said" /dev/null
    done < <(find "$TESTS" -name '*.awk' ! -name results.awk)
}

@test "mawk" {
    try_awk mawk
}

@test "gawk" {
    try_awk gawk
}

@test "gawk, as POSIX has it" {
    try_awk 'gawk --posix'
}

@test "busybox's awk" {
    try_awk 'busybox awk'
}

@test "the one true awk" {
    try_awk original-awk
}
