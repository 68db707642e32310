#!/usr/bin/env bats
# attack: that it runs, judges, and says what is wrong with its usage. What the servers do
# under attack is hostile.bats' affair.

load ../helpers

attack() { # OPTION...
    STATUS=0
    TMPDIR=$T/tmp TEST_MARK=$T BUILD=${PROGRAMS:-$BUILD} \
        "$TESTS/stress/attack" -o "$T/results" "$@" \
        >"$T/stdout" 2>"$T/stderr" 3>&- || STATUS=$?
    echo "status $STATUS"
    cat "$T/stderr" "$T/stdout"
    nothing_in_tmp
}

# Time enough for a slow machine: what these tests ask is no matter of how fast the servers are.
PATIENT='-T 10 -w 30'

# no_attack CONNECTED END - the verdict on a program poke that makes so many connections (-: it
# leaves no figures), and ends like that once it is told to.
no_attack() {
    mkdir -p "$T/build/tests/helpers"
    ln -sf "$TOOLS/json" "$T/build/tests/helpers/json"
    cat >"$T/build/tests/helpers/poke" <<END
#!/bin/sh
trap '[ "$1" = - ] || echo "{\"opened\":$1,\"connected\":$1,\"hung_up\":0,\"failed\":0}"; $2' TERM
echo in place
while :; do sleep 0.05; done
END
    chmod 755 "$T/build/tests/helpers/poke"
    # shellcheck disable=SC2086 # words
    PROGRAMS=$T/build attack -s 02 -a reset $PATIENT
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" '^0 of 1 held: '
    sed -n 's/^FAILED: select, reset: no attack: //p' "$T/stdout" >"$T/verdict"
}

# Of the one line that there is.
field() { # NAME
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR == 2 { print $at }' "$T/results/attack.csv"
}

@test "one server, one attack: the table, the figures, status 0, and nothing is left" {
    # shellcheck disable=SC2086 # words
    attack -s 02 -a reset $PATIENT
    [[ $STATUS -eq 0 ]]
    says_only_how_far
    says "$T/stdout" '^select .*\|.* [0-2]/200 .*\| withstands$'
    says "$T/stdout" '^1 of 1 held: '
    [[ $(field served_percent) -ge 99 && $(field promised) == yes && -z $(field why) ]]
    [[ $(field hostile_opened) -gt 100 && $(field broken) -gt 0 ]]
    diff "$T/results/attack.txt" <(sed '$d' "$T/stdout")
    eventually nothing_marked
}

@test "a server that says what it should not is named, and that is status 1" {
    mkdir "$T/bin"
    ln -s "$BIN"/* "$T/bin"
    rm "$T/bin/server00_iterative"
    printf '#!/bin/sh\necho strange >&2\nexec "%s" "$@"\n' "$BIN/server00_iterative" \
        >"$T/bin/server00_iterative"
    chmod 755 "$T/bin/server00_iterative"
    # shellcheck disable=SC2086 # words
    BIN=$T/bin attack -s 00 -a half $PATIENT
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" '^FAILED: iterative, half: it says: strange$'
    says "$T/stdout" '^0 of 1 held: '
}

@test "an attack that is none, that dies or that leaves no figures is status 1" {
    no_attack 49 'exit 0'
    [[ $(cat "$T/verdict") == 'it made 49 connections and 50 are the least' ]]
    no_attack - 'exit 0'
    [[ $(cat "$T/verdict") == 'its program left no figures and ended with status 0' ]]
    # shellcheck disable=SC2016 # it is the program that knows its pid
    no_attack 50 'kill -9 $$'
    [[ $(cat "$T/verdict") == 'its program ended with status 137' ]]
}

@test "after -m seconds nothing more is begun: what there is is shown, marked, and status 1" {
    attack -m 1 -s 00 -a half,reset,garbage,silent
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" '^INTERRUPTED \(after 1 s\): not all was run$'
    says "$T/stdout" '^INTERRUPTED \(after 1 s\): [1-4] of 4 were not run to their end$'
}

@test "wrong usage is refused in one line, and nothing is begun" {
    local given

    for given in -z '-a nothing' '-s 77' '-T 0' '-d 61' '-w 0' '-c x' '-f' 'more' '-m 0' '-f 1000' \
        '-f 4097'; do
        # shellcheck disable=SC2086 # words
        attack $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && ! -e $T/results ]]
        [[ $(wc -l <"$T/stderr") -eq 1 && $(cat "$T/stderr") == 'attack: '*'; try -h' ]]
    done
    [[ $(cat "$T/stderr") == "attack: -f '4097': a number from 4098 to 20000 is allowed; try -h" ]]
    run -0 "$TESTS/stress/attack" -h
    [[ ${lines[0]} == 'attack - '* ]]
}
