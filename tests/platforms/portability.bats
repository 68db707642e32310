#!/usr/bin/env bats
# tests/run, portability and interoperate themselves, without the hours that all rows take.

load ../helpers

# One row, with nothing left behind in the tree; compilers and make may be those in $T/fake.
portability() {
    PATH=$T/fake:$PATH BUILD=$T/build RESULTS=$T/results run "$TESTS/platforms/portability" "$@"
}

fake() { # NAME LINE...
    mkdir -p "$T/fake"
    printf '%s\n' '#!/bin/sh' "${@:2}" >"$T/fake/$1"
    chmod +x "$T/fake/$1"
}

@test "tests/run: what it cannot run is refused in one line, before anything is done" {
    local given

    MAKE=false
    export MAKE
    for given in -x nosuch 'units nosuch' units.c; do
        # shellcheck disable=SC2086 # words
        run -2 "$TESTS/run" $given
        [[ ${#lines[@]} -eq 1 && $output == "tests/run: ${given#units }: "*'; try -h' ]]
    done
    for given in nosuch tests server99_none; do
        SERVERS=$given run -2 "$TESTS/run" contract
        [[ $output == "tests/run: SERVERS: there is no server $given; try -h" ]]
    done
    TMPDIR=$T/none run -1 "$TESTS/run" units
    [[ $output == "tests/run: TMPDIR=$T/none is no directory that one can write to" ]]
    run -0 "$TESTS/run" -h
    [[ ${lines[0]} == 'Runs the tests'* ]]
}

@test "make NAME ARGS=-h says what there is to say, and builds nothing" {
    local name

    unset MAKEFLAGS MFLAGS # of the make that runs the tests
    for name in attack chaos compare herd rivals scale soak portability fuzz; do
        run -0 make -s -C "$ROOT" BIN="$T/new" BUILD="$T/new" "$name" ARGS=-h
        [[ $output == *"$name"*-[a-z]* && ! -e $T/new ]]
    done
    run -0 make -s -C "$ROOT" BIN="$T/new" BUILD="$T/new" test TESTS=-h
    [[ $output == *'Runs the tests'* && ! -e $T/new ]]
}

@test "tests/run: a filter may match in some of the files, but not in none" {
    # shellcheck disable=SC2016 # not yet
    fake bats '[ "$1" != --version ] || { echo Bats 1.8.2 && exit; }' \
        'case $* in *others*units.bats) echo 1..1; echo ok 1 others ;; *) echo 1..0 ;; esac'
    PATH=$T/fake:$PATH MAKE=true FILTER='others' run -0 "$TESTS/run" units options
    [[ $output == $'ok units: others\n1 passed, 0 failed' ]]
    PATH=$T/fake:$PATH MAKE=true FILTER='some' run -1 "$TESTS/run" units options
    [[ ${lines[0]} == 'tests/run: no test matches FILTER=some' && ${#lines[@]} -eq 2 ]]
    PATH=$T/fake:$PATH MAKE=true FILTER='some' NOT='units' run -1 "$TESTS/run" units
    [[ ${lines[0]} == 'tests/run: NOT leaves out'* && ${#lines[@]} -eq 2 ]]
    PATH=$T/fake:$PATH MAKE=true FILTER='' run -1 "$TESTS/run" units # it lost its tests
    [[ $output == *'1 failed' ]]
}

@test "tests/run: a skipped test is told and let pass, but with CI=true it has failed" {
    # shellcheck disable=SC2016 # not yet
    fake bats '[ "$1" != --version ] || { echo Bats 1.8.2 && exit; }' 'echo 1..2' \
        'echo ok 1 fine' 'echo "ok 2 else # skip no tool"'
    PATH=$T/fake:$PATH MAKE=true CI='' run -0 "$TESTS/run" units
    [[ $output == *'ok units: else # skip no tool'*'1 passed, 0 failed, 1 skipped' ]]
    PATH=$T/fake:$PATH MAKE=true CI=true run -1 "$TESTS/run" units
    [[ $output == *'not ok units: else # skip no tool'*'1 passed, 1 failed' ]]
}

@test "tests/run: a file of tests whose judge was killed has failed" {
    # shellcheck disable=SC2016 # not yet
    fake bats '[ "$1" != --version ] || { echo Bats 1.8.2 && exit; }' 'echo 1..1' 'echo ok 1 fine'
    fake awk 'case $* in *name=units*) kill -s KILL $$ ;; esac' "exec $(command -v awk) \"\$@\""
    PATH=$T/fake:$PATH MAKE=true FILTER='' run -1 "$TESTS/run" units options
    [[ $output == *'ok options: fine'* && ${lines[-1]} == '1 passed, 1 failed' ]]
}

@test "usage errors: one line, status 2, nothing built" {
    local given

    for given in '-r nothing' '-r' '-z' 'musl' '-q -r musl,m32' \
        '-t nosuch -r musl' '-t units.c'; do
        # shellcheck disable=SC2086 # words
        portability $given
        [[ $status -eq 2 && ${#lines[@]} -eq 1 && $output == 'portability: '*'; try -h' ]]
        [[ ! -e $T/build && ! -e $T/results ]]
    done
    portability -h
    [[ $status -eq 0 && ${lines[0]} == 'usage: '* ]]
}

@test "a row whose compiler is missing fails, and says what to install" {
    fake musl-gcc 'exit 127'
    fake localedef ':'
    portability -r musl
    [[ $status -eq 1 && ${lines[0]} == *'apt-get install musl-tools' ]]
    grep -Eqx 'musl +missing: apt-get install musl-tools' "$T/results/portability.txt"
    portability -l
    [[ $status -eq 0 ]]
    grep -Eqx 'musl .* apt-get install musl-tools' <<<"$output"
    grep -Eqx 'gcc-O2 .* is there' <<<"$output"
}

@test "a directory that cannot be written to is named, and no compiler is blamed" {
    mkdir "$T/build"
    ln -s /proc "$T/build/portability" # not even root writes there
    portability -r gcc-O2 -t units
    [[ $status -eq 1 && ${#lines[@]} -eq 1 ]]
    [[ $output == "portability: cannot write into the directory $T/build/portability/gcc-O2" ]]
    rm "$T/build/portability"
    ln -s /proc/results "$T/results"
    portability -r gcc-O2 -t units
    [[ $status -eq 1 && $output == "portability: cannot write into the directory $T/results" ]]
}

@test "a row fails by a single word of a compiler, and by a build that fails silently" {
    fake make 'echo "a word" >&2'
    MAKE="make" portability -r gcc-O2
    [[ $status -eq 1 && $output == *'not built without a word:'*'a word'* ]]
    grep -Eqx 'gcc-O2 +gcc [0-9.]+ +[a-z0-9. ]+-bit [a-z]+-endian +1 +- +- +- +[0-9]+' \
        "$T/results/portability.txt"
    fake make 'exit 1'
    MAKE="make" portability -r gcc-O2
    [[ $status -eq 1 && $output == *'not built without a word:'* ]]
}

@test "what cannot work is skipped by its name, with the reason, and nothing else is" {
    printf '%s|%s|%s\n' portability 'what cannot work is skipped*' 'so it is' \
        portability 'usage errors' 'no' units 'what cannot work*' 'no' >"$T/impossible"
    # shellcheck disable=SC2317 # it is called there
    skip() {
        echo "skipped: $1"
    }
    IMPOSSIBLE=$T/impossible run leave_out_the_impossible
    unset -f skip
    [[ $status -eq 0 && $output == 'skipped: so it is' ]]
}

@test "interoperate: this build with itself; servers that serve nobody fail it" {
    mkdir "$T/clients" "$T/servers"
    run -2 "$TESTS/platforms/interoperate" "$BIN"
    run -0 "$TESTS/platforms/interoperate" -h
    [[ ${lines[0]} == 'interoperate - '* ]]
    TMPDIR=$T/tmp TEST_MARK=$T run -0 "$TESTS/platforms/interoperate" "$BIN" "$BIN"
    servers=("$ROOT"/server[0-9][0-9]_*)
    [[ $(grep -c "^ok interoperate: " <<<"$output") -gt ${#servers[@]} ]]
    ln -s "$BIN/client" "$T/clients/client"
    # shellcheck disable=SC2016 # not yet
    fake other 'echo "$0: listening on 127.0.0.1:1, pid $$"' 'exec sleep 60'
    for server in "${servers[@]}"; do
        ln -s "$T/fake/other" "$T/servers/$(basename "$server")"
    done
    TMPDIR=$T/tmp TEST_MARK=$T run -1 "$TESTS/platforms/interoperate" "$T/servers" "$T/clients"
    run ! grep '^ok' <<<"$output"
    nothing_marked
    nothing_in_tmp
}
