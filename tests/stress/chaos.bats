#!/usr/bin/env bats
# chaos and soak themselves: their options, that a seed is a schedule, and that they fail where a
# server does not keep its promises.

load ../helpers

# Runs one of them in the foreground: STATUS, what it said in $T/stdout and $T/stderr.
use() { # TOOL OPTION...
    local tool=$1

    shift
    STATUS=0
    TMPDIR=$T/tmp TEST_MARK=$T BIN=${HERE:-$BIN} "$TESTS/stress/$tool" "$@" \
        >"$T/stdout" 2>"$T/stderr" 3>&- || STATUS=$?
    echo "status $STATUS"
    cat "$T/stderr" "$T/stdout"
    [[ -z $(ls -A "$T/tmp") ]]
}

# A server03 with another line in its source, in a place beside the other programs.
mutant() { # SED_COMMAND
    local folder=server03_prefork_accept

    HERE=$T/bin
    mkdir -p "$HERE" "$T/$folder"
    ln -sf "$BIN"/* "$HERE"
    ln -sfn "$ROOT/common" "$T/common"
    cp "$ROOT/$folder/ways.h" "$T/$folder"
    sed "$1" "$ROOT/$folder/$folder.c" >"$T/$folder/$folder.c"
    run ! cmp -s "$ROOT/$folder/$folder.c" "$T/$folder/$folder.c"
    rm "$HERE/$folder"
    # shellcheck disable=SC2086 # words
    ${CC:-cc} -std=c11 -D_XOPEN_SOURCE=700 ${CFLAGS:-} -o "$HERE/$folder" "$T/$folder/$folder.c" \
        "$BUILD/$folder"/ways*.o "$BUILD/libcommon.a" -pthread
}

@test "wrong options: one line, exit status 2, nothing is begun" {
    local given

    for given in 'chaos -d 0' 'chaos -S x' 'chaos -s 99' 'chaos -j' 'chaos -z' 'chaos more' \
        'soak -N 0' 'soak -N 10k' 'soak -s 99' 'soak -z' 'soak more'; do
        # shellcheck disable=SC2086 # words
        use $given
        [[ $STATUS -eq 2 && ! -s $T/stdout ]]
        [[ $(cat "$T/stderr") == "${given%% *}: "*"; try -h" ]]
    done
    use chaos -h
    [[ $STATUS -eq 0 && $(cat "$T/stdout") == 'chaos - '*'-S SEED'* && ! -s $T/stderr ]]
    use soak -h
    [[ $STATUS -eq 0 && $(cat "$T/stdout") == 'soak - '*'-N N'* && ! -s $T/stderr ]]
}

@test "one seed, one schedule; each server, each phase and each seed another" {
    local first

    use chaos -n -S 7 -s 04
    [[ $STATUS -eq 0 ]]
    first=$(cat "$T/stdout")
    [[ $first == *"kill child"*"stop child"* ]]
    use chaos -n -S 7 -s 04
    [[ $(cat "$T/stdout") == "$first" ]]
    use chaos -n -S 8 -s 04
    [[ $(cat "$T/stdout") != "$first" ]]
    # six schedules: three phases of two variants
    awk '/: bin/ { name = $0; next } { text[name] = text[name] $0 }
        END { for (name in text) { all++; differ += !seen[text[name]]++ }
              exit !(all == 6 && differ == all) }' <<<"$first"
}

@test "what is done is the schedule, action by action" {
    local options=(-S 3 -N test -d 1 -k 'stop,stop-server,replace,report,kill,kill-all')

    SERVER=server03_prefork_accept
    COMPLAINTS='died of signal 9'
    start_server -n 4
    disturb -n "${options[@]}" | awk '$3 != "continue" { print $3 }' >"$T/planned"
    disturb "${options[@]}" "$SERVER_PID" >"$T/done"
    # A child that has just died cannot be hit: it is "missed" then. kill-all names its victims.
    awk '$2 == "kill-all" { print $2; all = 1; next }
        all && ($2 == "kill" || $2 == "missed") && $1 - last < 0.0005 { last = $1; next }
        { all = 0; last = $1 }
        $2 != "continue" && $2 != "zombie" { print $2 }' "$T/done" >"$T/acted"
    cat "$T/done"
    [[ $(grep -c . "$T/planned") -ge 5 ]]
    paste "$T/planned" "$T/acted" | awk '$1 != $2 && $2 != "missed" { bad = 1 } END { exit bad }'
}

@test "chaos: a server that keeps its promises passes" {
    use chaos -d 1 -S 4 -s 'prefork lock-mutex'
    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    says "$T/stdout" '^prefork lock-mutex .* ok$'
    says "$T/stdout" '^1 of 1 servers and variants kept their promises'
}

@test "chaos: a server that drops a connection in 100 is found out" {
    mutant 's/conn_serve([^;]*;/{ static int n; if (++n % 100) & }/'
    use chaos -d 1 -S 5 -w 2 -s 'prefork accept'
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" \
        'FAILED: prefork accept, phase [a-z]+: ([0-9]+ good connections? failed|.*; connections: )'
    says "$T/stdout" "repeat: tests/stress/chaos -S 5 -d 1 -s 'prefork accept'"
    says "$T/stdout" '^0 of 1 servers'
}

@test "chaos: a child that leaks its connections is found out" {
    mutant '/^            close(connfd);/d'
    use chaos -d 1 -S 6 -w 2 -s 'prefork accept'
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" 'FAILED: prefork accept.* it is not as it was: .* descriptors'
}

@test "chaos: where nobody is hit nothing was tried, and that is a failure" {
    mkdir -p "$T/build/tests/helpers"
    # shellcheck disable=SC2016 # not yet
    printf '%s\n' '#!/bin/sh' 'case " $* " in *" -n "*) exec "'"$TOOLS/disturb"'" "$@" ;; esac' \
        >"$T/build/tests/helpers/disturb"
    chmod +x "$T/build/tests/helpers/disturb"
    BUILD=$T/build use chaos -d 2 -S 4 -s 'prefork accept'
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" 'FAILED: prefork accept, phase kills: nobody was hit: [0-9]+ kills '
}

@test "soak: flat is flat, and the files say so" {
    use soak -N 10000 -s 00 -o "$T/results"
    [[ $STATUS -eq 0 ]]
    says_only_how_far
    says "$T/results/soak.txt" '^iterative +10000 .* flat$'
    [[ $(wc -l <"$T/results/soak.csv") -eq 22 ]]
}

@test "soak: so few connections that a leak may not show are not called flat" {
    use soak -N 800 -s 00 -o "$T/results"
    [[ $STATUS -eq 0 ]]
    says_only_how_far
    says "$T/results/soak.txt" '^iterative +800 .* too few$'
    says "$T/stdout" '^so few connections show nothing about growth of memory: 10000 are'
    run ! grep -w flat "$T/stdout"
}

@test "soak: where it cannot write, it says so, and begins nothing" {
    use soak -N 80 -s 00 -o /proc
    [[ $STATUS -eq 1 && ! -s $T/stdout ]]
    [[ $(cat "$T/stderr") == 'soak: cannot write /proc/soak.txt' ]]
}

@test "soak: a server that leaks 100 bytes for each connection is found out" {
    mutant 's/conn_serve([^;]*;/& for (volatile char *p = malloc(100); p; p = NULL) *p = 1;/'
    use soak -N 8000 -s 'prefork accept' -o "$T/results"
    [[ $STATUS -eq 1 ]]
    says "$T/results/soak.txt" 'FAILED: .*: memory is not flat: .*\(1[0-9][0-9]\.[0-9] bytes'
}

@test "soak: one connection in 100 dropped is found out" {
    mutant 's/conn_serve([^;]*;/{ static int n; if (++n % 100) & }/'
    use soak -N 2000 -s 'prefork accept' -o "$T/results"
    [[ $STATUS -eq 1 ]]
    says "$T/results/soak.txt" 'FAILED: prefork accept: .* connections failed, (short|reset) [0-9]+'
}
