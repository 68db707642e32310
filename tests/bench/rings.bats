#!/usr/bin/env bats
# bench/rings: a row for each size, all three ways measured, nothing left; what is wrong is named.

load ../helpers

rings() { # OPTION...
    [[ -x $BIN/server12_shared_memory ]] || skip 'server12 is not there'
    STATUS=0
    mkdir -p "$T/a tmp"
    TMPDIR="$T/a tmp" TEST_MARK=$T "$ROOT/bench/rings" "$@" >"$T/stdout" 2>"$T/stderr" 3>&- ||
        STATUS=$?
    echo "status $STATUS"
    cat "$T/stdout" "$T/stderr"
    [[ -z $(ls -A "$T/a tmp") ]]
}

@test "a table: calls per second by memory, Unix socket and TCP, and their ratios" {
    local bytes memory unix tcp to_unix to_tcp best word rows=0

    rings -q
    [[ $STATUS -eq 0 && ! -s $T/stderr && $(wc -l <"$T/stdout") -eq 3 ]]
    while read -r bytes word memory unix tcp to_unix to_tcp best; do
        [[ $word == bytes && $memory -gt 0 && $unix -gt 0 && $tcp -gt 0 && $best -eq $memory ]]
        awk -v a="$to_unix" -v b="$to_tcp" -v m="$memory" -v u="$unix" -v t="$tcp" \
            'BEGIN { exit (a - m / u) ^ 2 > 0.01 || (b - m / t) ^ 2 > 0.01 }'
        rows=$((rows + 1))
    done < <(tail -n +2 "$T/stdout")
    [[ $rows -eq 2 ]]
    nothing_marked
}

@test "-1: server and client are on one processor" {
    command -v taskset >/dev/null || skip 'needs taskset'
    mkdir "$T/bin"
    printf '#!/bin/sh\necho "$@" >>%q/asked\nshift 2\nexec "$@"\n' "$T" >"$T/bin/taskset"
    chmod +x "$T/bin/taskset"
    PATH=$T/bin:$PATH rings -q -1
    [[ $STATUS -eq 0 && $(grep -c '^-c 0 .*/client ' "$T/asked") -eq 6 ]]
    [[ $(grep -c '^-c 0 .*/server12_shared_memory ' "$T/asked") -eq 2 ]]
}

@test "usage: what is wrong is named, and exit status 2; no right to a priority, 1" {
    local given

    for given in -z '-r 0' '-r 1x' '-r' 12; do
        # shellcheck disable=SC2086 # words
        rings $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && $(cat "$T/stderr") == "rings: "*'; try -h' ]]
    done
    mkdir "$T/bin"
    printf '#!/bin/sh\nexit 1\n' >"$T/bin/chrt"
    chmod +x "$T/bin/chrt"
    PATH=$T/bin:$PATH rings -R
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == "rings: 'chrt -f 1' does not work here" ]]
}
