#!/usr/bin/env bats
# The fuzz targets, without a fuzzer: they take again every input in tests/fuzz/corpus, where also
# what was once found is kept. `make fuzz` invents new ones.

load ../helpers

targets() {
    find "$TESTS/fuzz" -name 'fuzz_*.c' | sed 's|.*/||; s|\.c$||' | sort
}

@test "every fuzz target takes its inputs, and finds nothing wrong" {
    local target

    for target in $(targets); do
        "$BUILD/tests/fuzz/$target" "$TESTS/fuzz/corpus/$target.txt"
    done
}

@test "every fuzz target has inputs, few and small; no inputs are left of another" {
    local target

    [[ $(ls "$TESTS/fuzz/corpus") == $(targets | sed 's/$/.txt/') ]]
    for target in $(targets); do
        [[ $(wc -l <"$TESTS/fuzz/corpus/$target.txt") -lt 200 ]]
        [[ $(wc -c <"$TESTS/fuzz/corpus/$target.txt") -lt 102400 ]]
    done
}

@test "inputs as lines and as files are the same inputs, whatever their bytes" {
    printf 'a\\\0\n"\377# ' >"$T/odd"
    mkdir "$T/files"
    "$BUILD/tests/fuzz/fuzz_conn" -l "$T/odd" >"$T/odd.txt"
    [[ $(cat "$T/odd.txt") == '"a\\\x00\n"\xff# "' ]]
    printf '# a comment\nnamed=' | cat - "$T/odd.txt" >"$T/more.txt"
    "$BUILD/tests/fuzz/fuzz_conn" -u "$T/files" "$T/more.txt" "$T/odd.txt"
    cmp "$T/odd" "$T/files/named"
    cmp "$T/odd" "$T/files/0002"
    echo 'no quotes' >>"$T/odd.txt"
    run -2 "$BUILD/tests/fuzz/fuzz_conn" "$T/odd.txt"
}

@test "a failing input is named, and the others are taken all the same" {
    printf '%s\n' '#include <stdlib.h>' '#include "fuzz.h"' \
        'int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)' \
        '{ if (data && size == 3) abort(); return 0; }' >"$T/bad.c"
    # shellcheck disable=SC2086 # words
    ${CC:-cc} -std=c11 ${CFLAGS:-} -I "$TESTS/fuzz" -o "$T/bad" "$T/bad.c" \
        "$BUILD/tests/fuzz/replay.o" "$BUILD/libcommon.a"
    printf '"aa"\nname="aaa"\n"aa"\n"bbb"\n"a"\n' >"$T/inputs.txt"
    run -1 "$T/bad" "$T/inputs.txt"
    [[ $output == *'FAILED: name (signal 6)'*"FAILED: $T/inputs.txt:4 ("*'5 inputs, 2 failed' ]]
    : >"$T/none.txt"
    run -1 "$BUILD/tests/fuzz/fuzz_conn" "$T/none.txt"
    [[ $output == *': 0 inputs, 0 failed' ]]
    run -2 "$BUILD/tests/fuzz/fuzz_conn" "$T/missing"
    run -2 "$BUILD/tests/fuzz/fuzz_conn"
    [[ $output == 'usage: '* ]]
}

@test "tests/fuzz/run refuses what it does not know" {
    local given

    for given in -x '-n 0' '-n 1000000001' '-t 0' '-t 1x' '-t 86401' '-j 65' '-S 4294967296' -t \
        'fuzz_none' 'run'; do
        # shellcheck disable=SC2086 # words
        run -2 "$TESTS/fuzz/run" $given
        [[ $output == 'tests/fuzz/run: '*'; try -h' && ${#lines[@]} -eq 1 ]]
    done
    run -0 "$TESTS/fuzz/run" -h
    [[ $output == 'usage: '* ]]
}

# tests/fuzz/run with programs that do nothing in place of clang's, and of the targets that it would
# build; but fuzz_conn does what stdin says.
run_fake() { # STATUS OPTION...
    local status=$1 target fuzz=$T/build/fuzz

    shift
    mkdir -p "$T/fake" "$fuzz/tests/fuzz" "$fuzz/cover/tests/fuzz"
    printf '#!/bin/sh\n' | tee "$T/fake"/{clang,llvm-cov,llvm-profdata} \
        "$fuzz/tests/fuzz"/fuzz_{conn,gate} >/dev/null
    cat >>"$fuzz/tests/fuzz/fuzz_conn"
    chmod +x "$T/fake"/* "$fuzz/tests/fuzz"/*
    cp "$BUILD/tests/fuzz"/fuzz_{conn,gate} "$fuzz/cover/tests/fuzz"
    PATH=$T/fake:$PATH MAKE=true BUILD=$T/build run "-$status" "$TESTS/fuzz/run" "$@"
}

@test "tests/fuzz/run -r replays the inputs that are kept, and nothing else" {
    mkdir -p "$T/build/fuzz/work/fuzz_conn"
    echo found >"$T/build/fuzz/work/fuzz_conn/found"
    run_fake 0 -r fuzz_conn <<<"cat \"\$1\"/* \"\$2\"/*; exit 0"
    [[ $output =~ fuzz_conn\ +0\ +0\ +0\ +([0-9]+)\ .*\ ok ]]
    [[ ${BASH_REMATCH[1]} -eq $(grep -vc '^#' "$TESTS/fuzz/corpus/fuzz_conn.txt") ]]
    [[ $(cat "$T/build/fuzz/logs"/fuzz_conn*) != *found* ]]
    [[ $(cat "$T/build/fuzz/work/fuzz_conn/found") == found ]]
}

@test "tests/fuzz/run -n ends each target after so many inputs, -t after its time" {
    run_fake 0 -n 7 -t 9 fuzz_conn <<<'echo "$@" >&2'
    [[ $(cat "$T/build/fuzz/logs/fuzz_conn") == *' -max_total_time=9 '*' -runs=7 '* ]]
    run_fake 0 -n 7 -r fuzz_conn <<<'echo "$@" >&2'
    [[ $(cat "$T/build/fuzz/logs/fuzz_conn") == *' -runs=0 '* ]]
}

@test "tests/fuzz/run: what was found comes last, with the input that repeats it" {
    local fuzz=$T/build/fuzz

    run_fake 1 -t 1 fuzz_conn <<'END'
for each; do
    case $each in
    -artifact_prefix=*) echo bad >"${each#*=}crash-1" ;;
    esac
done
echo 'tests/fuzz/dying.h:34: what does not hold' >&2
echo 'Base64: YmFkCg==' >&2
exit 77
END
    [[ $output == *'FAILED'*'file under test'*$'\nfuzz_conn failed, status 77:\n'* ]]
    [[ ${lines[*]: -5:2} == *'dying.h:34: what does not hold'*'Base64: YmFkCg==' ]]
    [[ ${lines[*]: -3:1} == "  repeat it: $fuzz/tests/fuzz/fuzz_conn $fuzz/"*/fuzz_conn-crash-1 ]]
    [[ ${lines[*]: -2:1} == "  its line: $fuzz/cover/tests/fuzz/fuzz_conn -l $fuzz/"*-crash-1 ]]
    [[ ${lines[*]: -1} == "  its log: $fuzz/logs/fuzz_conn" ]]
}

@test "tests/fuzz/run: a target whose worker was killed has failed" {
    run_fake 1 -t 1 -j 1 fuzz_conn fuzz_gate <<<"kill -s KILL \$PPID"
    [[ $output =~ fuzz_gate\ .*\ ok ]]
    [[ $output == *'fuzz_conn failed, status unknown: its worker was killed:'* ]]
    [[ $output != *'fuzz_gate failed'* ]]
}

@test "tests/fuzz/run says what is missing" {
    mkdir "$T/few"
    for tool in sh dirname find sed sort; do
        ln -s "$(command -v $tool)" "$T/few/$tool"
    done
    PATH=$T/few run -1 "$TESTS/fuzz/run"
    [[ $output == 'tests/fuzz/run: clang is missing: apt-get install '* && ${#lines[@]} -eq 1 ]]
}
