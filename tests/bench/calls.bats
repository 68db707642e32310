#!/usr/bin/env bats
# bench/calls: its figures are a connection's, and start and stop are not in them.

load ../helpers

calls() { # OPTION... [SERVER...]
    STATUS=0
    mkdir -p "$T/a tmp"
    TMPDIR="$T/a tmp" TEST_MARK=$T "$ROOT/bench/calls" "$@" >"$T/stdout" 2>"$T/stderr" 3>&- ||
        STATUS=$?
    echo "status $STATUS"
    cat "$T/stdout" "$T/stderr"
    [[ -z $(ls -A "$T/a tmp") ]]
}

@test "the calls of a connection: accept, read twice, writev, close; and the client's" {
    command -v strace >/dev/null || skip "needs strace"
    calls -c 3 00
    [[ $STATUS -eq 0 && ! -s $T/stderr && $(wc -l <"$T/stdout") -eq 3 ]]
    says "$T/stdout" '^iterative +5\.[0-9]+ +2\.00 read '
    says "$T/stdout" '^iterative .* 1\.00 writev'
    says "$T/stdout" '^client +[67]\.[0-9]+ .* 1\.00 connect'
}

@test "usage: what is wrong is named, and exit status 2" {
    local given

    for given in -z '-c 0' '-c 1x' server99; do
        # shellcheck disable=SC2086 # words
        calls $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && $(cat "$T/stderr") == "calls: "*'; try -h' ]]
    done
}
