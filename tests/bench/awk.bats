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
# the page; and what has changed since another time, which is nothing.
tables_and_page() { # DIRECTORY
    local tool

    mkdir "$1"
    awk -v dir="$1" -f "$TESTS/bench/results.awk"
    for tool in compare herd scale; do
        awk -F, -v OFS=, '
            NR == 1 { print "round,row,load,x,figure,unit,value,why" }
            NR == 1 || $4 ~ /^(breaks|control_cpu_us|limit_share)$/ || $6 == "" { next }
            {
                for (i = 1; i <= 3; i++) {
                    if ($4 == "runs") print i, $1, $2, $3, "run", "", ($6 >= i), $11
                    else print i, $1, $2, $3, $4, $5, $(5 + i), $11
                }
            }' "$1/$tool.csv" >"$1/$tool-runs.csv"
        "$ROOT/bench/$tool" -n -o "$1" >/dev/null
    done
    cp "$1/compare.csv" "$1/old.csv"
    (cd "$1" && "$ROOT/bench/compare" -n -o . -a old.csv >/dev/null)
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
    use_tool -q -r 1 -l few,memory 02
    [[ $STATUS -eq 0 && -z $(cat "$T/stderr") ]]
    [[ $(figure 02 few cpu_us_per_connection 6) =~ ^[1-9] && $(figure 02 memory processes 6) == 1 ]]
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
