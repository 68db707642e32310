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
        "$BUILD/tests/fuzz/replay.o"
    printf '"aa"\nname="aaa"\n"aa"\n"bbb"\n"a"\n' >"$T/inputs.txt"
    run -1 "$T/bad" "$T/inputs.txt"
    [[ $output == *'FAILED: name (signal 6)'*"FAILED: $T/inputs.txt:4 ("*'5 inputs, 2 failed' ]]
    run -1 "$BUILD/tests/fuzz/fuzz_conn" "$T/tmp"
    [[ $output == *': 0 inputs, 0 failed' ]]
    run -2 "$BUILD/tests/fuzz/fuzz_conn" "$T/missing"
    run -2 "$BUILD/tests/fuzz/fuzz_conn"
    [[ $output == 'usage: '* ]]
}

@test "tests/fuzz/run refuses what it does not know" {
    local given

    for given in -x '-t 0' '-t 1x' '-t 86401' '-j 65' '-S 4294967296' -t 'fuzz_none' 'run'; do
        # shellcheck disable=SC2086 # words
        run -2 "$TESTS/fuzz/run" $given
        [[ $output == 'tests/fuzz/run: '*'; try -h' && ${#lines[@]} -eq 1 ]]
    done
    run -0 "$TESTS/fuzz/run" -h
    [[ $output == 'usage: '* ]]
}

@test "tests/fuzz/run -r replays the inputs that are kept, and nothing else" {
    local tool target=$T/build/fuzz/tests/fuzz/fuzz_conn

    mkdir -p "$T/fake" "${target%/*}" "$T/build/fuzz/work/fuzz_conn"
    for tool in clang llvm-cov llvm-profdata; do
        printf '#!/bin/sh\n' >"$T/fake/$tool"
    done
    chmod +x "$T/fake"/*
    echo found >"$T/build/fuzz/work/fuzz_conn/found"
    # shellcheck disable=SC2016 # not yet
    printf '%s\n' '#!/bin/sh' 'cat "$1"/* "$2"/*' 'exit 0' >"$target"
    chmod +x "$target"
    mkdir -p "$T/build/fuzz/cover/tests/fuzz"
    cp "$BUILD/tests/fuzz/fuzz_conn" "$T/build/fuzz/cover/tests/fuzz"
    PATH=$T/fake:$PATH MAKE=true BUILD=$T/build run -0 "$TESTS/fuzz/run" -r fuzz_conn
    [[ $output =~ fuzz_conn\ +0\ +0\ +0\ +([0-9]+)\ .*\ ok ]]
    [[ ${BASH_REMATCH[1]} -eq $(grep -vc '^#' "$TESTS/fuzz/corpus/fuzz_conn.txt") ]]
    [[ $(cat "$T/build/fuzz/logs"/fuzz_conn*) != *found* ]]
    [[ $(cat "$T/build/fuzz/work/fuzz_conn/found") == found ]]
}

@test "tests/fuzz/run: what was found comes last, with the input that repeats it" {
    local cover=$T/build/fuzz/cover/tests/fuzz target=$T/build/fuzz/tests/fuzz/fuzz_conn tool

    mkdir -p "$T/fake" "${target%/*}" "$cover"
    for tool in clang llvm-cov llvm-profdata; do
        printf '#!/bin/sh\n' >"$T/fake/$tool"
    done
    cat >"$target" <<'END'
#!/bin/sh
for each; do
    case $each in
    -artifact_prefix=*) echo bad >"${each#*=}crash-1" ;;
    esac
done
echo 'tests/fuzz/dying.h:34: what does not hold' >&2
echo 'Base64: YmFkCg==' >&2
exit 77
END
    printf '#!/bin/sh\n' >"$cover/fuzz_conn"
    chmod +x "$T/fake"/* "$target" "$cover/fuzz_conn"
    PATH=$T/fake:$PATH MAKE=true BUILD=$T/build run -1 "$TESTS/fuzz/run" -t 1 fuzz_conn
    [[ $output == *'FAILED'*'file under test'*$'\nfuzz_conn failed:\n'* ]]
    [[ ${lines[*]: -5:2} == *'dying.h:34: what does not hold'*'Base64: YmFkCg==' ]]
    [[ ${lines[*]: -3:1} == "  repeat it: $target $T/build/fuzz/artifacts/fuzz_conn-crash-1" ]]
    [[ ${lines[*]: -2:1} == "  its line: $cover/fuzz_conn -l $T/build/"*/fuzz_conn-crash-1 ]]
    [[ ${lines[*]: -1} == "  its log: $T/build/fuzz/logs/fuzz_conn" ]]
}

@test "tests/fuzz/run: a target whose worker was killed, and those left to it, have failed" {
    local tool targets=$T/build/fuzz/tests/fuzz cover=$T/build/fuzz/cover/tests/fuzz

    mkdir -p "$T/fake" "$targets" "$cover"
    for tool in clang llvm-cov llvm-profdata; do
        printf '#!/bin/sh\n' >"$T/fake/$tool"
    done
    # shellcheck disable=SC2016 # not yet
    printf '%s\n' '#!/bin/sh' 'kill -s KILL "$PPID"' >"$targets/fuzz_conn"
    printf '#!/bin/sh\n' | tee "$cover/fuzz_conn" "$cover/fuzz_gate" >"$targets/fuzz_gate"
    chmod +x "$T/fake"/* "$targets"/* "$cover"/*
    PATH=$T/fake:$PATH MAKE=true BUILD=$T/build run -1 "$TESTS/fuzz/run" -t 1 -j 1 \
        fuzz_conn fuzz_gate
    [[ $output == *'fuzz_conn failed:'*'its worker was killed'*'fuzz_gate failed:'* ]]
}

@test "tests/fuzz/run says what is missing" {
    mkdir "$T/few"
    for tool in sh dirname basename mktemp cat tr; do
        ln -s "$(command -v $tool)" "$T/few/$tool"
    done
    PATH=$T/few run -1 "$TESTS/fuzz/run"
    [[ $output == 'tests/fuzz/run: clang is missing: apt-get install '* && ${#lines[@]} -eq 1 ]]
}
