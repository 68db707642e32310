#!/usr/bin/env bats
# The command line of every program: section 4 of the design. Hardly anything here starts to serve.

load ../helpers

programs() {
    (cd "$BIN" && echo server[0-9][0-9]_* client)
}

# The letters that a program must know.
letters_of() {
    case $1 in
    client) echo i p c t d r m b k P u W x H S M E T f L o q v h V ;;
    server00* | server02* | server07*) echo i p B T g o q v h V ;;
    server03* | server08* | server09*) echo i p B T g o q v h V n a ;;
    server04*) echo i p B T g o q v h V n P Q ;;
    server11*) echo i p B T g o q v h V n Q e l ;;
    server05*) echo i p B T g o q v h V n d P Q e s m M x R w ;;
    server06*) echo i p B T g o q v h V n s ;;
    server10*) echo i p B T g o q v h V n t a ;;
    server12*) echo i p B T g o q v h V n x S ;;
    *) echo i p B T g o q v h V n ;;
    esac
}

@test "-h: on stdout, exit 0, names every option, fits 80 columns" {
    local columns letter program

    for program in $(programs); do
        columns=$([[ $program == client ]] && echo 100 || echo 79)
        run -0 --separate-stderr "$BIN/$program" -h
        [[ -z $stderr && $output == "usage: $program"* ]]
        for letter in $(letters_of "$program"); do
            grep -Eq "^ +-$letter " <<<"$output" || fail_naming "$program" "$letter"
        done
        # and none that it does not know
        [[ $(grep -Eo '^ +-[A-Za-z]' <<<"$output" | sort -u | wc -l) -eq \
            $(letters_of "$program" | wc -w) ]]
        [[ $(awk -v columns="$columns" 'length($0) > columns' <<<"$output") == '' ]]
        case $program in
        client) continue ;;
        server0[3458]* | server1[0-3]*)
            [[ $output =~ HUP\ replaces\ the(m|\ handlers)\ one\ by\ one ]]
            ;;
        *) [[ $output == *'HUP ends it at once, without statistics'* ]] ;;
        esac
        [[ $(grep -cE '\<HUP\>|looked at about|^Exit status' <<<"$output") -eq 3 ]] # HUP: once
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

# In one line, that is not cut before it has said what is wrong.
refuses_long() { # PROGRAM ARGUMENT...
    run "$BIN/$1" "${@:2}"
    [[ $status -eq 1 || $status -eq 2 && ${#lines[@]} -eq 2 ]]
    [[ ${lines[0]} == "$1: "*xxx*': '* && ${lines[0]} != *... && ${#lines[0]} -lt 400 ]]
}

@test "of an argument that is very long the beginning is shown, then the reason" {
    local given long program

    long=$(printf '%03000d' 0 | tr 0 x)
    for program in $(programs); do
        for given in '' -p -i -i/; do
            # shellcheck disable=SC2086 # without -p or -i: behind the options
            refuses_long "$program" ${given:+"$given"}"$long"
        done
    done
    for given in server03_prefork_accept:-a server04_fdpass:-P server05_spawn_pool:-d \
        server05_spawn_pool:-e server08_epoll:-a; do
        refuses_long "${given%:*}" "${given#*:}$long"
    done
}

@test "a message with a path that is too long for it is cut, but not its reason" {
    run -1 "$BIN/client" -M "@$(printf '%03000d' 0 | tr 0 x)"
    [[ ${#lines[0]} -lt 1024 && ${lines[0]} =~ ^client:\ -M\ \'@x+\.\.\.:\ [A-Z][a-z]+ ]]
}

@test "--help and --version are -h and -V, wherever an option may stand" {
    local program

    for program in $(cd "$BIN" && echo server[0-9][0-9]_*); do
        [[ $("$BIN/$program" -q --help) == "$("$BIN/$program" -h)" ]]
        [[ $("$BIN/$program" --version) == "$("$BIN/$program" -V)" ]]
        refused "$program" "-o '--help'" -o --help # the value of an option
        refused "$program" "'--helpx' is not an option of this program" --helpx
    done
}

@test "a time has decimals or a unit, us, ms, s or m, and nothing else" {
    local value

    SERVER=server00_iterative
    for value in 0 10 0.5 007 500ms 1.5s 2m 0.000001 1us 86400 86400s 44440.000000000 1440m \
        86400000000us; do
        "$BIN/$SERVER" -T "$value" -g "$value" -V
    done
    for value in '' x 10x ' 5' '5 ' +5 -1 .5 5. . 1.5.5 1e3 0x5 5h 5S '5 s' 5sm 5mss ms \
        0.5us 1.0000001 0.0000000001 86401 86400.000001 1441m \
        99999999999999999999 18446744073709551616us; do
        refused "$SERVER" "-T '$value': a time in seconds from 0 to 86400 is allowed" -T "$value"
        refused "$SERVER" \
            ", in whole microseconds, such as 0.5, or with one of the units us, ms, s, m; for" \
            -g "$value"
    done
}

@test "-T 500ms: sooner than a second's -T, and never at once" {
    SERVER=server00_iterative
    start_server -T 500ms
    poke "$ADDRESS" connect send:'33\n' reply:33 eof
    stop_server
    counted requests 1
    counted timed_out 1
}

@test "HUP ends servers without a pool at once, without statistics, as -h says" {
    [[ $(trap -p HUP) == '' ]] || skip "HUP is ignored here, as under nohup"
    for SERVER in $(programs); do
        [[ $SERVER != client && $SERVER != server0[3458]* && $SERVER != server1[0-3]* ]] || continue
        start_server
        stop_server HUP
        [[ $STATUS -eq 129 ]]
        [[ $(<"$OUT") != *connections* ]]
    done
}

@test "a number that is none is refused, with the option, the value and what is allowed" {
    local letter program value

    for program in $(programs); do
        for letter in $("$BIN/$program" -h | awk '$1 ~ /^-[A-Za-z]$/ &&
            $2 ~ /^(N|PORT|BYTES)$/ { print substr($1, 2) }'); do
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
        for letter in n B Q c t b k m H; do
            if "$BIN/$program" -h | grep -Eq "^ +-$letter "; then
                refused "$program" "-$letter '0'" -"$letter" 0
                refused "$program" "-$letter '2000000000'" -"$letter" 2000000000
            fi
        done
    done
    refused client "-b '1073741825'" -b 1073741825
    refused client "-p '0'" -p 0
    refused client "-H '65537'" -H 65537
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

@test "the client's -h says what each value is, and -o what it may be" {
    local word

    run -0 "$BIN/client" -h
    [[ $(awk 'length($0) > 79' <<<"$output") == '' ]]
    for word in '-d TIME' '-T TIME' '-b SIZE' '-r RATE' '-x HOW' '-H N' '-S SEED' '-f GATE' \
        '-L LABEL' '-W WORK' '-o FORMAT'; do
        grep -Eq "^ +$word " <<<"$output"
    done
    for word in FROM:TO max@BOUND slow-send=BYTES slow-read=BYTES half-close reset silent garbage \
        p9999 response. failed jain held hdr=FILE csv live; do
        [[ $output == *"$word"* ]]
    done
    for word in xml '' TEXT text,json hdr hdr= HDR=x csv=x; do
        refused client "-o '$word': text, json, csv, live or hdr=FILE is allowed" -o "$word"
    done
}

@test "the client's lengths, rates and labels: what is none is refused, with an example" {
    local value

    for value in '' x 0 0.0 10x x10 ' 5' '5 ' +5 -1 .5 5. . 1.5.5 1e3 0x5 1:2 5x 0.0009 999us \
        1441m 0.5us 0.0000000001 5.0000000001 86401 86400.000000001 99999999999999999999; do
        refused client "-d '$value': a time in seconds from 0.001 to 86400 is " -d "$value"
        [[ ${stderr_lines[0]} == *' us, ms, s, m; for example -d 10' ]]
    done
    for value in '' x 0 -1 +1 10x ' 5' '5 ' 1.5 1e3 0x5 : 5: :5 0:5 5:0 5:-1 5:x 5:6:7 '5: 6' 5,6 \
        10000001 5:10000001 99999999999999999999 18446744073709551617 max max: maxp99 MAX@p99 \
        5max@p99 5@p99; do
        refused client "-r '$value': " -r "$value"
        [[ ${stderr_lines[0]} == *' from 1 to 10000000; for example -r 1000' ]]
    done
    for value in '' x p99 'p99<' 'p99<5' 'p99<5m' 'p98<5ms' 'foo<1' 'p99<5ms@5' 100 \
        'max@p99<5ms'; do
        refused client "-r 'max@" -r "max@$value"
        [[ ${stderr_lines[0]} == *"'max@$value'"*"; for example -r 'max@p99<50ms'"* ]]
    done
    refused client '-r FROM:TO without -d' -r 5:6
    [[ ${stderr_lines[0]} == *' For example -d 10' ]]
    refused client '-r FROM:TO without -d' -r 5:6 -t 5
    refused client '-d with -t' -d 5 -t 5
    refused client '-d with -t' -t 5 -r 5 -d 5
    refused client '-t with -r max' -r 'max@p99<5ms' -t 5
    refused client '-S without -W or -x' -S 5
    refused client '-S without -W or -x' -S 5 -r 5 -d 1 -H 5
    for value in '' x 0 -1 1.5 10x 65537; do
        refused client "-H '$value': a whole number from 1 to 65536 is allowed" -H "$value"
    done
    refused client "-x 'slow-send': it needs =BYTES" -x slow-send
    refused client "-f 'p99': behind the metric" -f p99
    refused client "-L '': 1 to 80 bytes are allowed; for example" -L ''
    # What is shown of a value, however long it is, leaves room for what is wrong.
    for value in d r x f L o; do
        refused client "-$value 'zzzzz" "-$value" "$(printf '%200s' '' | tr ' ' z)"
        ((${#stderr_lines[0]} < 250))
    done
}

@test "an unknown option, a missing value, an operand are refused" {
    local letter program

    for program in $(programs); do
        refused "$program" -Z -Z
        refused "$program" '' --hel
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
