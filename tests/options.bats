#!/usr/bin/env bats
# The command line of every program: section 4 of the design. Nothing here ever starts to serve.

load helpers

programs() {
    (cd "$ROOT" && echo server[0-9][0-9]_* client)
}

# The letters that a program must know.
letters_of() {
    case $1 in
    client) echo i p c t b k W S m M E T o q v h V ;;
    server00* | server02*) echo i p B T g o q v h V ;;
    server03*) echo i p B T g o q v h V n a ;;
    server04*) echo i p B T g o q v h V n P Q ;;
    server05*) echo i p B T g o q v h V n d P Q e s m M x R ;;
    *) echo i p B T g o q v h V n ;;
    esac
}

# A usage error: nothing on stdout, on stderr one line with what is named and one with the hint.
refused() { # PROGRAM NAMED ARGUMENT...
    local program=$1 named=$2

    shift 2
    run -2 --separate-stderr timeout 10 "$BIN/$program" "$@"
    echo "$program $*: $output $stderr"
    [[ -z $output && ${#stderr_lines[@]} -eq 2 ]]
    [[ ${stderr_lines[0]} == "$program: "*"$named"* ]]
    [[ ${stderr_lines[1]} == "$program: "*"-h"* ]]
}

@test "-h: on stdout, exit 0, names every option, fits 100 columns" {
    local letter program

    for program in $(programs); do
        run -0 --separate-stderr "$BIN/$program" -h
        [[ -z $stderr && $output == "usage: $program"* ]]
        for letter in $(letters_of "$program"); do
            grep -Eq "^ +-$letter " <<<"$output" || fail_naming "$program" "$letter"
        done
        # and none that it does not know
        [[ $(grep -Eo '^ +-[A-Za-z]' <<<"$output" | sort -u | wc -l) -eq \
            $(letters_of "$program" | wc -w) ]]
        [[ $(awk 'length($0) > 100' <<<"$output") == '' ]]
    done
}

fail_naming() {
    echo "$1 -h does not name -$2"
    return 1
}

@test "-V: the program's name and version, the same for all" {
    local program versions=()

    for program in $(programs); do
        run -0 --separate-stderr "$BIN/$program" -V
        [[ -z $stderr && ${#lines[@]} -eq 1 && $output =~ ^$program\ [0-9]+\.[0-9]+ ]]
        versions+=("${output#* }")
    done
    [[ $(printf '%s\n' "${versions[@]}" | sort -u | wc -l) -eq 1 ]]
}

@test "a number that is none is refused, with the option, the value and what is allowed" {
    local letter program value

    for program in $(programs); do
        for letter in $("$BIN/$program" -h | awk '$1 ~ /^-[A-Za-z]$/ &&
            $2 ~ /^(N|PORT|SECONDS|BYTES)$/ { print substr($1, 2) }'); do
            for value in '' x 10x x10 ' 5' '5 ' +5 0x10 1.5 1e3 -1 --5 99999999999999999999 \
                18446744073709551617 -99999999999999999999 $'5\t'; do
                refused "$program" "-$letter '$value'" "-$letter" "$value"
                [[ ${stderr_lines[0]} =~ from\ [0-9]+\ to\ [0-9]+ ]]
            done
        done
    done
}

@test "a number out of its range is refused" {
    local letter program

    for program in $(programs); do
        refused "$program" "-p '70000'" -p 70000
        refused "$program" "-p '65536'" -p 65536
        for letter in n B Q c t b k m; do
            if "$BIN/$program" -h | grep -Eq "^ +-$letter "; then
                refused "$program" "-$letter '0'" -"$letter" 0
                refused "$program" "-$letter '2000000000'" -"$letter" 2000000000
            fi
        done
    done
    refused client "-b '1073741825'" -b 1073741825
    refused client "-p '0'" -p 0
}

@test "a word that is none of those allowed is refused, and they are named" {
    local letter program

    for program in $(programs); do
        refused "$program" "-o 'xml'" -o xml
        [[ ${stderr_lines[0]} == *text*json* ]]
        refused "$program" "-o ''" -o ''
        refused "$program" "-i ''" -i ''
        for letter in a P; do
            if "$BIN/$program" -h | grep -Eq "^ +-$letter "; then
                refused "$program" "-$letter ''" "-$letter" ''
                refused "$program" "-$letter 'acceptx'" "-$letter" acceptx
            fi
        done
    done
}

@test "an unknown option, a missing value, an operand are refused" {
    local letter program

    for program in $(programs); do
        refused "$program" -Z -Z
        refused "$program" '' --help
        refused "$program" extra extra
        # (server05's handler gets what stands behind --.)
        [[ $program == server05* ]] || refused "$program" extra -q -- extra
        for letter in $("$BIN/$program" -h | awk '$1 ~ /^-[A-Za-z]$/ &&
            $2 ~ /^[A-Z]+$/ { print substr($1, 2) }'); do
            refused "$program" "-$letter" -q "-$letter"
        done
    done
}

@test "the last of several counts, and options may stand together" {
    SERVER=$(programs)
    SERVER=${SERVER%% *}
    launch "$BIN/$SERVER" -o text -ojson -p 1 -p0 -vT5
    await_ready
    poke "$ADDRESS" connect send:'7\n' reply:7 half eof
    stop_server
    counted connections 1
    says "$OUT" '7 bytes'
}
