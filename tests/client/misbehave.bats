#!/usr/bin/env bats
# Connections of the client that misbehave (-x), and idle ones (-H).

# shellcheck disable=SC2016 # what awk is to look at
load ../helpers

# --- misbehaviour: -x ----------------------------------------------------------------------------

# A field of every -x, in one line.
of_kinds() { # FIELD
    json_of "misbehaved.*.$1" | paste -sd' '
}

all_kinds() { # FIELD
    json_of "misbehaved.*.$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# Every connection of the run is either a good one or in one row of those that misbehave; there it
# has completed or failed, for one reason, and has lasted for some time.
check_kinds() { # CONNECTIONS
    local i

    [[ $(($(json_of scheduled) + $(all_kinds connections) + $(all_kinds omitted))) -eq $1 ]]
    for ((i = 0; i < $(json_of 'misbehaved.#'); i++)); do
        true_of '$1 == $2 + $3 && $1 == $4' \
            misbehaved.$i.{connections,completed,failed,lasted_us.count}
        [[ $(json_of "misbehaved.$i.errors.*" | awk '{ sum += $1 } END { print sum }') -eq \
            $(json_of "misbehaved.$i.failed") ]]
    done
}

# The good connections have all been served, and nothing of the others is in their figures.
check_good() {
    local requests

    requests=$(($(json_of completed) * $(json_of requests_per_connection)))
    counted failed 0
    counted unsent 0
    counted requests "$requests"
    counted bytes_received $((requests * $(json_of bytes)))
    counted connect_us.count "$(json_of completed)"
    counted first_byte_us.count "$requests"
    counted service_us.count "$requests"
    [[ $(json_of 'children.*.requests' | awk '{ sum += $1 } END { print sum + 0 }') -eq $requests ]]
}

# What became of all the connections of the NTH -x.
all_are() { # NTH FIELD
    counted "misbehaved.$1.connections" -ge 1
    counted "misbehaved.$1.$2" "$(json_of "misbehaved.$1.connections")"
}

# The server's -T has closed who was too slow or said nothing, and nobody else.
check_protected() { # JSON_OF_CLIENT OUT_OF_SERVER
    local closed rejected

    JSON=$(cat "$1") OUT=$2
    echo "$JSON"
    check_identity
    check_kinds 500
    check_good
    [[ $(json_of 'rejections.#') -eq 0 ]] # of the good ones
    all_are 0 failed                      # its five bytes take 4 s
    closed=$(($(all_kinds errors.short) + $(all_kinds errors.reset)))
    [[ $closed -eq $(($(json_of misbehaved.0.failed) + $(json_of misbehaved.4.failed))) ]]
    # It sees that when it happens, and not a byte or two later.
    true_of '$1 >= 900000 && $1 < 2500000' misbehaved.0.lasted_us.min
    all_are 1 completed # a fifth byte comes after 4/200 s
    true_of '$1 >= 20000' misbehaved.1.lasted_us.min
    all_are 2 completed
    all_are 3 completed
    all_are 4 errors.short
    true_of '$1 >= 900000' misbehaved.4.lasted_us.min
    all_are 5 errors.rejected
    rejected=$(json_of misbehaved.5.errors.rejected)
    # The server has seen the same, and has not lost a child.
    eventually server_counts timed_out "$closed"
    counted connections 500
    counted rejected "$rejected"
    counted children_lost 0
}

@test "-x: a select server and a pool deal with each kind, and serve the others" {
    local pool

    start_number 03 -n 40 -T 1
    pool=$SERVER_PID
    set -- -c 2 -t 250 -m 20 -T 20 -o json -x slow-send=1@0.02 -x slow-send=200@0.02 \
        -x half-close@0.04 -x reset@0.04 -x silent@0.02 -x garbage@0.04
    "$BIN/client" -p "$PORT" "$@" >"$T/report.pool" &
    HELPERS+=("$!")
    start_number 02 -T 1
    "$BIN/client" -p "$PORT" "$@" >"$T/report.select"
    check_protected "$T/report.select" "$T/out.1"
    eventually dead "${HELPERS[0]}"
    wait "${HELPERS[0]}"
    SERVER_PID=$pool
    check_protected "$T/report.pool" "$T/out.0"
}

# The client keeps a window of a few KiB for those that read slowly: else the kernel would read a
# whole reply for them, and no server would ever have to wait.
window_is_small() {
    local port

    port=$(printf ':%04X' "$PORT")
    # A server's socket that has bytes to send, and what has come at the other side meanwhile.
    awk -v port="$port" '$4 == "01" && $2 ~ port "$" && $5 !~ /^00000000/ { waits = 1 }
        $4 == "01" && $3 ~ port "$" { sub(/.*:/, "", $5); print $5 }
        END { exit !waits }' /proc/net/tcp >"$T/queues" || return 1
    grep -Eq '^0*[1-9A-F]' "$T/queues" && ! grep -Evq '^0000[0-7]' "$T/queues"
}

@test "-x slow-read: too slow for the server's -T, and fast enough" {
    local bytes large large_out

    start_number 02 -T 0
    client_away -c 1 -t 5 -T 0 -b 20000000 -x slow-read=1000
    eventually window_is_small
    kill -s KILL "$CLIENT"
    await_end "$CLIENT"
    start_number 02 -T 1
    large=$SERVER_PID large_out=$OUT
    client_away -c 1 -t 5 -T 8 -b 20000000 -x slow-read=1000
    start_number 04 -T 1
    ask_client -c 2 -t 20 -b 300000 -x slow-read=1000000@0.3
    [[ $STATUS -eq 0 ]]
    check_kinds 40
    check_good
    all_are 0 completed
    true_of '$1 >= 299000' misbehaved.0.lasted_us.min
    start_badserver long
    for bytes in 19 20 21 22 23 24; do # three at a time: some end with what it may read at once
        ask_client -c 1 -t 5 -b "$bytes" -x slow-read=300
        all_are 0 errors.corrupt
    done
    end_badserver
    start_badserver corrupt # the last byte is right again
    ask_client -c 2 -t 20 -b 3000 -x slow-read=20000@0.3
    all_are 0 errors.corrupt
    # It sees it when it comes to it, after two thirds of the reply.
    true_of '$1 >= 90000' misbehaved.0.lasted_us.min
    end_badserver
    await_end "$CLIENT"
    [[ $STATUS -eq 0 ]]
    check_identity
    check_kinds 5
    all_are 0 failed
    # It may learn of it only when it has read what is on its way; then it gives up before.
    true_of '$1 + $2 + $3 == $4' \
        misbehaved.0.{errors.timed_out,errors.short,errors.reset,connections}
    SERVER_PID=$large OUT=$large_out
    set -- "$(json_of misbehaved.0.connections)"
    eventually server_counts timed_out "$1"
}

@test "-x: what a server does wrong is noticed by those that misbehave as well" {
    local how

    set -- -c 2 -t 30 -m 10 -b 3000 -x slow-send=1000@0.2 -x slow-read=1000000@0.2 -x half-close@0.2
    for how in corrupt:corrupt long:corrupt short:short none:short reset:reset error:rejected \
        good:completed; do
        start_badserver "${how%:*}"
        ask_client "$@"
        check_kinds 60
        for i in 0 1 2; do
            if [[ $how == good:* ]]; then
                all_are "$i" completed
            else
                all_are "$i" "errors.${how#*:}"
                counted completed 0
            fi
        done
        end_badserver
    done
    PORT=1
    ask_client "$@"
    [[ $STATUS -eq 3 ]]
    check_kinds 60
    all_are 2 errors.refused
}

@test "-x: which ones they are depends on the seed, and on nothing else" {
    local how

    start_number 02
    set -- -t 500 -b 100 -x half-close@0.1 -x reset@0.2
    for how in '-m 1' '-m 20' '-k 3' '-r 8000' '-m 20 -S 1' '-k 3 -m 7 -r 8000'; do
        # shellcheck disable=SC2086 # into words
        ask_client -c 2 "$@" $how
        [[ $STATUS -eq 0 ]]
        check_kinds 1000
        check_good
        all_are 0 completed
        all_are 1 completed
        of_kinds connections >>"$T/same"
    done
    [[ $(sort -u "$T/same" | wc -l) -eq 1 ]]
    # Of 1000, the shares 0.1 and 0.2: each within 5 standard deviations.
    read -ra COUNTS <"$T/same"
    ((COUNTS[0] > 52 && COUNTS[0] < 148 && COUNTS[1] > 136 && COUNTS[1] < 264))
    for how in 0 2 3 4294967295; do
        ask_client -c 2 "$@" -S "$how"
        of_kinds connections >>"$T/others"
    done
    [[ $(cat "$T/same" "$T/others" | sort -u | wc -l) -ge 4 ]]
    # Two processes do not draw the same lots.
    ask_client -c 1 "$@"
    [[ $(of_kinds connections) != "$((COUNTS[0] / 2)) $((COUNTS[1] / 2))" ]]
    [[ $(of_kinds share) == '0.1 0.2' && $(json_of 'misbehaved.*.how') == $'half-close\nreset' ]]
}

@test "-x: with -k the slow ones are slow each time, and half-close comes at the end" {
    start_number 04
    ask_client -c 1 -t 60 -k 3 -m 5 -b 100000 -x slow-send=200@0.2 -x slow-read=1000000@0.2 \
        -x half-close@0.2 -x garbage@0.2
    [[ $STATUS -eq 0 ]]
    check_kinds 60
    check_good
    for i in 0 1 2; do
        all_are "$i" completed
    done
    all_are 3 errors.rejected
    # Seven bytes, of which six wait; a hundred thousand; and each three times.
    true_of '$1 >= 3 * 30000 && $2 >= 299000' misbehaved.{0,1}.lasted_us.min
}

resets_are() { # N
    [[ $(grep -cx reset "$OUT") -eq $1 ]]
}

@test "-x: no good ones at all" {
    start_number 02
    ask_client -c 2 -t 10 -x half-close
    [[ $STATUS -eq 0 ]]
    check_kinds 20
    check_good
    counted scheduled 0
    all_are 0 completed
    counted misbehaved.0.share 1
    start_badserver eof # no reply before the end of file
    ask_client -c 2 -t 5 -T 5 -x half-close
    all_are 0 completed
    ask_client -c 2 -t 5 -x reset # and this is not one
    eventually resets_are 10
    end_badserver
    start_number 02
    ask_client -c 2 -t 10 -x half-close@0.5 -x reset@0.25 -x garbage@0.25
    check_kinds 20
    counted scheduled 0
    ask_client -c 2 -t 10 -x half-close -f failed==0 -f 'p99<1s'
    [[ $STATUS -eq 1 && $(json_of 'gates.*.holds') == $'true\nfalse' ]]
    run -0 --separate-stderr "$BIN/client" -p "$PORT" -c 2 -t 10 -x half-close
    [[ -z $stderr && $output == *'No well-behaved connection was to be made.'* ]]
    grep -Eq '^half-close +20 +20 +0 +0 +0 +0 ' <<<"$output"
}

@test "-x: Ctrl-C ends them too" {
    local server start

    start_number 02 -T 0
    server=$SERVER_PID
    client_away -c 2 -d 1000 -T 0 -x silent@0.01 -x slow-send=1@0.01
    SERVER_PID=$server OUT=$T/out.0
    eventually server_counts connections -ge 500
    start=$(now_ms)
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    (($(now_ms) - start < 250 * LIMIT))
    [[ $STATUS -eq 1 && $(json_of interrupted) == true ]]
    check_identity
    check_kinds $(($(json_of scheduled) + $(all_kinds connections)))
    all_are 0 errors.other
    counted completed -ge 1
}

@test "-x: text has a row for each kind, and none of them in the other figures" {
    start_number 02 -T 1
    set -- -c 2 -t 100 -m 4 -b 100 -x slow-send=999999999@0.05 -x slow-read=999999999@0.05 \
        -x half-close@0.1 -x reset@0.1 -x silent@0.02 -x garbage@0.1
    "$BIN/client" -p "$PORT" "$@" >"$T/text" 2>&1 &
    HELPERS+=("$!")
    "$BIN/client" -p "$PORT" -q "$@" >"$T/quiet" 2>&1 &
    HELPERS+=("$!")
    ask_client "$@"
    eventually dead "${HELPERS[0]}"
    eventually dead "${HELPERS[1]}"
    output=$(cat "$T/text")
    [[ $(awk 'length($0) > 100' "$T/text") == '' ]]
    grep -Eq '^misbehaving +number +served +closed +rejected +gave up +other +lasted +longest' \
        <<<"$output"
    [[ $output == *"$(json_of completed) of $(json_of scheduled) connections completed"* ]]
    awk '/^misbehaving/ { on = 1; next } /^\(/ { on = 0 } on { print $1, $2, $3, $4, $5, $6, $7 }' \
        <<<"$output" >"$T/rows"
    json_of 'misbehaved.*'.{how,connections,completed,errors.short,errors.rejected} |
        awk '{ x[int((NR - 1) / 6)] = x[int((NR - 1) / 6)] }
            { f[int((NR - 1) / 6), (NR - 1) % 6] = $1 }
            END { for (i = 0; i < 6; i++)
                print f[0, i], f[1, i], f[2, i], f[3, i], f[4, i], 0, 0 }' | cmp - "$T/rows"
    [[ ! -s $T/quiet ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1
    [[ $output != *misbehaving* ]]
}

@test "-x: they take none of the places of the good ones, but 1000 of their own" {
    start_number 00 -B 4096 -T 0
    # On schedule, who finds no place of these is left out; else it would wait for one.
    set -- "$BIN/client" -p "$PORT" -c 1 -t 1100 -r 100000 -T $((LIMIT / 10)) -x silent
    "$@" >"$T/text" &
    HELPERS+=("$!")
    "$@" -o json >"$T/many" &
    HELPERS+=("$!")
    "$BIN/client" -p "$PORT" -c 1 -t 1100 -T 1 -x silent -o json >"$T/waits" &
    HELPERS+=("$!")
    start_number 02 -T 0
    ask_client -c 1 -t 20 -m 1 -T 1 -x silent@0.5
    [[ $STATUS -eq 0 ]]
    check_kinds 20
    check_good
    counted completed -ge 1
    all_are 0 errors.timed_out
    true_of '$1 >= 1000000 && $2 < 5000000' misbehaved.0.lasted_us.{min,max}
    true_of '$1 < 1' seconds # of the good ones; the run has waited for the others
    eventually dead "${HELPERS[0]}"
    eventually dead "${HELPERS[1]}"
    eventually dead "${HELPERS[2]}"
    JSON=$(cat "$T/many")
    check_kinds 1100
    counted misbehaved.0.connections -ge 1000 # more, if some are over before the last is begun
    counted misbehaved.0.omitted -ge 1
    JSON=$(cat "$T/waits")
    check_kinds 1100
    counted misbehaved.0.omitted 0
    says "$T/text" ' left out: a process has no more than 1000 at a time$'
    [[ $(awk 'length($0) > 100' "$T/text") == '' ]]
}

@test "-x: what is not allowed" {
    local kinds=() value

    for value in '' x slow slow-send slow-send= slow-send=0 slow-send=-1 slow-send=+1 slow-send=1x \
        slow-send=x slow-send=1.5 slow-send=0x5 'slow-send= 1' slow-send=1000000001 slow-send@0.5 \
        slow-send=@0.5 slow-read slow-read= slow-read=0 slow-read=99999999999999999999 slow_read=1 \
        half-close= half-close=5 half halfclose half-closed reset=1 resets silent=1 ' silent' \
        'silent ' SILENT garbage=1 garbag silent@ silent@0 silent@0.0 silent@x silent@-0.5 \
        silent@+0.5 silent@1.1 silent@1.000000001 silent@2 silent@.5 silent@1. silent@1e-3 \
        silent@0.0000000001 silent@0.5@0.5 silent@0.5x 'silent@ 0.5' silent@50% silent,0.5 \
        silent@0,5 @0.5 = @; do
        refuses "-x '$value': " '-x slow-send=10@0.1' -x "$value"
    done
    not_allowed 'such as 0.5 (not .5), to 9 decimals' -x silent@.5
    not_allowed "-x 'reset': the shares" -x silent@0.000000001 -x reset
    not_allowed "-x 'reset@0.5': the shares" -x silent@0.500000001 -x reset@0.5
    not_allowed '-x with -M' -x silent@0.5 -M hello
    not_allowed '-x with -M' -M hello -x silent@0.5 -S 5
    not_allowed '-x' -x
    for value in 1 2 3 4 5 6 7 8; do
        kinds+=(-x "slow-read=${value}000@0.1")
    done
    not_allowed "-x 'silent@0.1': at most 8" "${kinds[@]}" -x silent@0.1
    start_number 02
    ask_client -c 2 -t 500 -b 100 "${kinds[@]}" # and these are
    [[ $STATUS -eq 0 && $(json_of 'misbehaved.#') -eq 8 ]]
    check_kinds 1000
    check_good
    for value in 0 1 2 3 4 5 6 7; do
        all_are "$value" completed
        # Each within 5 standard deviations.
        true_of '$1 > 52 && $1 < 148' "misbehaved.$value.connections"
    done
    ask_client -c 1 -t 1 -x slow-send=0007@0.100000000 -S 5
    [[ $STATUS -eq 0 && $(of_kinds how) == slow-send=0007 && $(of_kinds share) == 0.1 ]]
}

# --- idle connections: -H ------------------------------------------------------------------------

# The server, which is one process, has so many descriptors of connections at least.
server_has() { # N
    [[ $(find "/proc/$SERVER_PID/fd" -lname 'socket:*' 2>/dev/null | wc -l) -gt $1 ]]
}

@test "-H: so many are open during the run, and none after it" {
    local server holder

    start_number 02 -T 0
    server=$SERVER_PID
    client_away -c 1 -d 1000 -r 10 -H 60
    SERVER_PID=$server OUT=$T/out.0
    eventually server_counts requests -ge 3
    server_has 60
    counted connections -le $(($(json_of requests) + 62)) # no more
    [[ $(children_of "$CLIENT" | wc -l) -eq 2 ]]
    # A terminal sends INT to all; but these stay until the load has ended.
    holder=$(children_of "$CLIENT" | head -n 1)
    kill -s INT "$holder"
    kill -s TERM "$holder"
    eventually server_counts requests -ge $(($(json_of requests) + 4))
    alive "$holder"
    server_has 60
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 ]]
    [[ $(json_of held.{asked,least,opened,closed,failed} | paste -sd' ') == '60 60 60 0 0' ]]
    [[ $(marked) == "$SERVER_PID" ]]
    eventually ends server_has 1
    ask_client -c 2 -t 20 -H 60 -f 'held>=60' -f 'held==60'
    [[ $STATUS -eq 0 && $(json_of 'gates.*.holds' | sort -u) == true ]]
    counted held.least 60
    counted completed 40
    check_good
    run -0 --separate-stderr "$BIN/client" -p "$PORT" -c 1 -t 5 -H 60
    [[ -z $stderr ]]
    output=${output//$'\n'/ } # it is wrapped
    [[ $output == *'Held 60 idle connections beside: at least 60 were open at all times; the '* ]]
}

@test "-H: the process that holds them dies: said, and exit 1" {
    local holder server

    start_number 04
    server=$SERVER_PID
    client_away -H 20 -c 1 -r 10 -d 2
    two() { [[ $(children_of "$CLIENT" | wc -l) -eq 2 ]]; }
    eventually two
    holder=$(children_of "$CLIENT" | head -n 1)
    kill -s KILL "$holder"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 ]]
    counted failed 0
    counted held.least 0
    counted held.open 0
    [[ $(json_of held.died interrupted) == $'true\nfalse' ]]
    # The same in a search, whose best step is over by then; and in text it is said.
    client_away -H 20 -c 1 -r 'max@p50<10s' -d 0.2
    eventually two
    kill -s KILL "$(children_of "$CLIENT" | head -n 1)"
    await_end "$CLIENT"
    [[ $STATUS -eq 1 && $(json_of held.died) == true ]]
    json_of search.ended_early | grep -q 'idle connections died'
    SERVER_PID=$server
}

@test "-H: Ctrl-C while they are being opened: nothing is begun" {
    # A queue that is full: those that do not get in wait for it.
    start_number 00 -i "$T/socket" -B 1 -T 0
    launch "$BIN/client" -i "$T/socket" -H 50 -c 2 -t 10 -o json
    CLIENT=$SERVER_PID
    holder() { [[ -n $(children_of "$CLIENT") ]]; }
    eventually holder
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    SERVER_PID=${ALL[0]}
    [[ $STATUS -eq 1 ]]
    check_identity
    counted unsent 20
    kill -s KILL "$SERVER_PID" # it serves the idle ones, one after the other, for ever
    await_end "$SERVER_PID"
}

# More connections than requests and than the first so many idle ones: they were made again.
made_again() { # N
    ask_server
    [[ $(json_of connections) -ge $(($(json_of requests) + 2 * $1)) ]]
}

@test "-H: who is closed is made again; who waits for room has not failed" {
    local closed server

    start_number 00 -i "$T/taken" -B 1 -T 0 # takes only one
    "$BIN/client" -i "$T/taken" -c 1 -t 1 -H 20 -T 1 -o json >"$T/report.taken" &
    HELPERS+=("$!")
    start_number 02 -T 1
    server=$SERVER_PID
    client_away -c 1 -d 1000 -r 10 -H 20
    SERVER_PID=$server OUT=$T/out.1
    eventually made_again 20
    kill -s INT "$CLIENT"
    await_end "$CLIENT"
    counted held.closed -ge 20
    counted held.opened -ge 40
    counted held.least -lt 20
    counted held.failed 0
    counted failed 0
    # The run is over before those that the server has closed are made again.
    SERVER_PID=$server OUT=$T/out.1
    run -0 "$BIN/client" -p "$PORT" -r 20 -d 1.5 -H 5
    output=${output//$'\n'/ } # it is wrapped
    closed='the server closed [1-9][0-9]* \(each is made again after a second\), and at the end '
    [[ $output =~ ${closed}[0-9]+' w'(as|ere)' open.' ]]
    eventually dead "${HELPERS[0]}"
    JSON=$(cat "$T/report.taken")
    check_identity
    counted errors.timed_out 1
    counted held.failed 0
    counted held.least -lt 20
}

@test "-H: nobody there" {
    PORT=1
    ask_client -c 1 -t 2 -H 5
    [[ $STATUS -eq 3 ]]
    counted held.asked 5
    counted held.failed -ge 5
    counted held.opened 0
    counted held.least 0
    ask_client -c 1 -t 2 -H 5 -x silent # no good connection that fails
    [[ $STATUS -eq 3 ]]
    counted held.failed -ge 5
    ask_client -c 1 -t 2 -x silent
    [[ $STATUS -eq 3 ]]
    run -3 "$BIN/client" -p 1 -c 1 -t 2 -H 5
    output=${output//$'\n'/ } # it is wrapped
    [[ $output == *'at times none was open'*' attempts failed: Connection refused'* ]]
}

@test "-H and -x: as many descriptors as are allowed; if they do not suffice, exit 4 and a hint" {
    start_number 02
    set -- "$BIN/client" -p "$PORT" -c 1 -t 20 -H 100 -x half-close@0.2 -m 5
    JSON=$(bash -c 'ulimit -S -n 30; exec "$@"' bash "$@" -o json) # the client raises it
    counted held.least 100
    run -4 --separate-stderr bash -c 'ulimit -n 30; exec "$@"' bash "$@" -o json
    JSON=$output
    [[ -z $stderr ]]
    check_identity
    counted completed "$(json_of scheduled)"
    counted held.failed -ge 1
    counted held.least -ge 10
    counted held.least -lt 30
    [[ $(json_of 'hints.*') == *'-H'*'ulimit -n'* ]]
    run -4 bash -c 'ulimit -n 30; exec "$@"' bash "$@"
    [[ $output == *'ulimit -n'* ]]
}

@test "-H: kill -9 of the client, and nobody holds anything" {
    local child children server

    start_number 02 -T 0
    server=$SERVER_PID
    client_away -c 1 -d 1000 -r 10 -H 20
    SERVER_PID=$server OUT=$T/out.0
    eventually server_counts requests -ge 1
    children=$(children_of "$CLIENT")
    [[ $(wc -w <<<"$children") -eq 2 ]]
    kill -s KILL "$CLIENT"
    await_end "$CLIENT"
    for child in $children; do
        eventually dead "$child"
    done
    eventually ends server_has 1
}

@test "-H: a Unix socket, also one whose queue is short" {
    start_number 02 -i "$T/socket" -B 1 -T 0
    ask_client -i "$T/socket" -c 2 -t 50 -H 200
    [[ $STATUS -eq 0 ]]
    [[ $(json_of held.{least,opened,closed,failed} | paste -sd' ') == '200 200 0 0' ]]
    counted completed 100
    ask_server
    counted connections 300
}
