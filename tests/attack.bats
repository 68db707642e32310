#!/usr/bin/env bats
# tests/attack: that it runs, judges, and says what is wrong with its usage. What the servers do
# under attack is hostile.bats' affair.

load helpers

attack() { # OPTION...
    STATUS=0
    TMPDIR=$T/tmp TEST_MARK=$T BUILD=${TOOLS%/tests} "$TESTS/attack" -o "$T/results" "$@" \
        >"$T/stdout" 2>"$T/stderr" 3>&- || STATUS=$?
    echo "status $STATUS"
    cat "$T/stderr" "$T/stdout"
    nothing_in_tmp
}

# Of the one line that there is.
field() { # NAME
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR == 2 { print $at }' "$T/results/attack.csv"
}

@test "one server, one attack: the table, the figures, status 0, and nothing is left" {
    attack -s 02 -a reset
    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    says "$T/stdout" '^02 .*\|.* 0/200 .*\| withstands$'
    says "$T/stdout" '^1 of 1 held: '
    [[ $(field served_percent) -eq 100 && $(field promised) == yes && -z $(field why) ]]
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
    BIN=$T/bin attack -s 00 -a half
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" '^FAILED: 00, half: it says: strange$'
    says "$T/stdout" '^0 of 1 held: '
}

@test "after -m seconds nothing more is begun: what there is is shown, marked, and status 1" {
    attack -m 1 -s 00 -a half,reset,garbage,silent
    [[ $STATUS -eq 1 ]]
    says "$T/stdout" '^INTERRUPTED \(after 1 s\): not all was run$'
}

@test "wrong usage is refused in one line, and nothing is begun" {
    local given

    for given in -z '-a nothing' '-s 77' '-T 0' '-d 61' '-c x' '-f' 'more' '-m 0'; do
        # shellcheck disable=SC2086 # words
        attack $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && ! -e $T/results ]]
        [[ $(wc -l <"$T/stderr") -eq 1 && $(cat "$T/stderr") == 'attack: '*'; try -h' ]]
    done
    run -0 "$TESTS/attack" -h
    [[ ${lines[0]} == 'attack - '* ]]
}
