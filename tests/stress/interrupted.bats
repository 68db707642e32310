#!/usr/bin/env bats
# The scripts that run the tests, interrupted: what they have begun ends with them, and nobody else
# does, not even who is in the same process group.

load ../helpers

# A program that stands for another; its name is at the end of its command line.
stand_in() { # PATH LINE...
    mkdir -p "${1%/*}"
    printf '%s\n' '#!/bin/sh' "${@:2}" >"$1"
    chmod +x "$1"
}

runs() { # PATTERN
    local pid

    for pid in $(marked); do
        if { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -Eq -- "$1"; then
            return 0
        fi
    done
    return 1
}

# Starts the script in a process group that a bystander is in too, and sends it the signal when such
# a program runs: that is its STATUS; the bystander lives, and nothing else is left.
interrupt() { # SIGNAL PATTERN SCRIPT...
    local script other

    rm -f "$T/other"

    set -m # a group of its own, and INT is not ignored
    (
        TEST_MARK='' sleep 1000 &
        echo $! >"$T/other"
        # (INT is ignored in what a shell without job control puts into the background)
        TMPDIR=$T/tmp TEST_MARK=$T exec env --default-signal=INT "${@:3}"
    ) >"$T/said" 2>&1 3>&- &
    script=$!
    set +m
    eventually test -s "$T/other"
    read -r other <"$T/other"
    HELPERS+=("$other" "$script") # to be killed if what follows does not hold
    eventually runs "$2"
    kill -s "$1" "$script"
    eventually dead "$script"
    STATUS=0
    wait "$script" || STATUS=$?
    echo "status $STATUS, and said: $(cat "$T/said")"
    nothing_marked # it has waited for the end of them
    nothing_in_tmp
    kill "$other" # it lives
}

@test "tests/run" {
    local signal

    # shellcheck disable=SC2016 # not yet
    stand_in "$T/fake/bats" '[ "$1" = --version ] && echo Bats 1.8.2 && exit' \
        'echo 1..1; sleep 1001 & sleep 1002'
    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" 'sleep 1002' \
            env PATH="$T/fake:$PATH" MAKE=true "$TESTS/run" units options
        [[ $STATUS -eq ${signal#*:} ]]
        says "$T/said" '^tests/run: interrupted, after 0 tests$'
    done
    # And make, which passes it on to what it runs, if there is no shell in between.
    interrupt TERM 'sleep 1002' env -u MAKEFLAGS PATH="$T/fake:$PATH" \
        make -s -C "$ROOT" BIN="$BIN" BUILD="$BUILD" test TESTS=units
    says "$T/said" '^tests/run: interrupted, after 0 tests$'
    run ! grep -nE '^.@?[A-Z]+=' "$ROOT/Makefile"
    stand_in "$T/fake/make" 'exec sleep 1002'
    interrupt TERM 'sleep 1002' env PATH="$T/fake:$PATH" MAKE="$T/fake/make" "$TESTS/run" units
    [[ $STATUS -eq 143 ]]
}

@test "tests/fuzz/run, in its workers' targets" {
    local signal tool

    for tool in clang llvm-cov llvm-profdata; do
        stand_in "$T/fake/$tool" ':'
    done
    for tool in fuzz_conn fuzz_clock fuzz_gate; do
        stand_in "$T/build/fuzz/tests/fuzz/$tool" 'exec sleep 1002'
        stand_in "$T/build/fuzz/cover/tests/fuzz/$tool" ':'
    done
    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" 'sleep 1002' env PATH="$T/fake:$PATH" MAKE=true BUILD="$T/build" \
            "$TESTS/fuzz/run" fuzz_conn fuzz_clock fuzz_gate
        [[ $STATUS -eq ${signal#*:} && ! -e $T/build/fuzz/taken/fuzz_gate ]]
        says "$T/said" '^tests/fuzz/run: interrupted, after 0 of 3 targets$'
    done
    stand_in "$T/fake/make" 'exec sleep 1002'
    interrupt TERM 'sleep 1002' env PATH="$T/fake:$PATH" MAKE="$T/fake/make" BUILD="$T/build" \
        "$TESTS/fuzz/run" fuzz_conn
    [[ $STATUS -eq 143 ]]
}

@test "tests/platforms/portability, while it builds and while it tests" {
    local signal make

    stand_in "$T/fake/make" 'exec sleep 1002'
    # shellcheck disable=SC2016 # not yet
    stand_in "$T/fake/bats" '[ "$1" = --version ] && echo Bats 1.8.2 && exit' \
        'echo 1..1; sleep 1001 & sleep 1002'
    for make in "$T/fake/make" true; do
        for signal in INT:130 TERM:143; do
            interrupt "${signal%:*}" 'sleep 1002' env PATH="$T/fake:$PATH" MAKE="$make" \
                BUILD="$T/build" RESULTS="$T/results" \
                "$TESTS/platforms/portability" -r gcc-O2 -t units
            [[ $STATUS -eq ${signal#*:} && ! -e $T/results/portability.txt ]]
            says "$T/said" '^portability: interrupted, after 0 of 1 rows$'
        done
    done
}

@test "tests/stress/chaos, while it disturbs: it ends by that signal" {
    local signal

    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" '/disturb .* kills' "$TESTS/stress/chaos" -d 180 \
            -s 'prefork accept'
        [[ $STATUS -eq ${signal#*:} ]]
        says "$T/said" '^chaos: interrupted, after 0 of 1 servers and variants$'
    done
}

@test "tests/stress/soak: it ends by that signal, and its table says so" {
    local signal

    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" '/client ' "$TESTS/stress/soak" -N 9000000 -s 00 -o "$T/results"
        [[ $STATUS -eq ${signal#*:} ]]
        says "$T/said" '^soak: interrupted, after 0 of 1 servers and variants$'
        says "$T/results/soak.txt" "^INTERRUPTED \\(${signal%:*}\\), after 0 of 1 "
    done
}

@test "tests/stress/attack: it ends by that signal, and its table says so, also in its last lines" {
    local signal

    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" '/poke ' "$TESTS/stress/attack" -s 00 -a silent,half \
            -T 10 -w 30 -o "$T/results"
        [[ $STATUS -eq ${signal#*:} ]]
        says "$T/said" '^attack: interrupted, after 0 of 2$'
        tail -n 4 "$T/results/attack.txt" >"$T/last"
        says "$T/last" "^INTERRUPTED \\(${signal%:*}\\): 2 of 2 were not run to their end$"
        says "$T/last" '^0 of 2 held: '
    done
}

@test "tests/platforms/interoperate, while its server starts and while its client waits" {
    local signal server clients=$T/clients

    stand_in "$clients/client" 'exec sleep 1002'
    for signal in INT:130 TERM:143; do
        interrupt "${signal%:*}" 'sleep 1002' "$TESTS/platforms/interoperate" "$BIN" "$clients"
        [[ $STATUS -eq ${signal#*:} ]]
    done
    for server in "$ROOT"/server[0-9][0-9]_*; do
        stand_in "$T/servers/${server##*/}" 'exec sleep 1003'
    done
    interrupt TERM 'sleep 1003' "$TESTS/platforms/interoperate" "$T/servers" "$clients"
    [[ $STATUS -eq 143 ]]
}
