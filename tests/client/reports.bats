#!/usr/bin/env bats
# What the client reports: gates (-f), labels (-L), tables and files for other programs (-o csv,
# -o live, -o hdr=FILE), and the line on the terminal.

# shellcheck disable=SC2016 # what awk is to look at
load ../helpers

# --- gates: -f -----------------------------------------------------------------------------------

@test "-f: one that holds and one that is broken, in text and JSON" {
    start_number 02
    set -- -c 2 -t 20 -f failed==0 -f 'completed >= 40' -f 'p99<50s' -f 'rate>0.5'
    ask_client "$@"
    [[ $STATUS -eq 0 && $(json_of 'gates.#') -eq 4 ]]
    [[ $(json_of 'gates.*.holds' | sort -u) == true ]]
    [[ $(json_of gates.{0,1}.value | paste -sd' ') == '0.000000 40.000000' ]]
    [[ $(json_of gates.1.gate) == 'completed >= 40' ]]
    run -0 "$BIN/client" -p "$PORT" "$@"
    [[ $output == *'Gate holds: failed==0, it is 0'* && $output != *broken* ]]
    [[ $output == *'Gate holds: completed >= 40, it is 40'* ]]
    run -0 "$BIN/client" -p "$PORT" -q "$@"
    [[ -z $output ]]
    ask_client "$@" -f 'completed<40'
    [[ $STATUS -eq 1 ]]
    [[ $(json_of 'gates.*.holds' | paste -sd' ') == 'true true true true false' ]]
    run -1 "$BIN/client" -p "$PORT" "$@" -f 'completed<40' -f 'max<1us'
    [[ $output == *'Gate broken: completed<40, but it is 40'* ]]
    [[ $output == *'Gate holds: p99<50s'* ]]
    grep -Eq '^Gate broken: max<1us, but it is [0-9.]+ (us|ms|s)$' <<<"$output"
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -q "$@" -f 'completed<40'
    [[ -z $stderr && ${#lines[@]} -eq 1 && $output == 'Gate broken: completed<40, but it is 40' ]]
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -o csv "$@" -f 'completed<40'
    [[ ${#lines[@]} -eq 2 && $stderr == 'client: gate broken: completed<40, but it is 40' ]]
}

@test "-f: of what did not succeed there is no time" {
    start_badserver corrupt
    ask_client -c 1 -t 3 -f 'p99<1000s' -f 'service.min>=0s' -f failed==3 -f completed==0 \
        -f 'jain<=1'
    [[ $STATUS -eq 1 ]]
    [[ $(json_of 'gates.*.holds' | paste -sd' ') == 'false false true true false' ]]
    [[ $(json_of gates.{0,1}.value | sort -u) == null ]]
    run -1 "$BIN/client" -p "$PORT" -q -c 1 -t 3 -f 'p99<1000s'
    [[ $output == *'Gate broken: p99<1000s, but it is none'* ]]
    end_badserver
}

@test "of connections that all failed there is no time: a dash, null, an empty field" {
    start_badserver once # the first of two replies comes
    ask_client -c 1 -t 3 -k 2 -r 1000
    [[ $STATUS -eq 1 ]]
    counted completed 0
    counted service_us.count 3
    [[ $(json_of connect_us.{min,mean,stddev,p50,p90,p99,p999,max} | sort -u) == null ]]
    [[ $(json_of {service,response}_us.{min,p50,max} intervals.0.p99_us) != *null* ]]
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -c 1 -t 3 -k 2 -W 10 -x silent@0.01 -v
    [[ $(grep -Ec '^connect( +-){6}$' <<<"$output") -eq 2 ]]
    [[ $(grep -Ec '^service( +[0-9.]+ (us|ms|s)){6}$' <<<"$output") -eq 2 ]]
    grep -Eq '^silent .* 0( +-){2}$' <<<"$output"
    "$BIN/client" -p "$PORT" -c 1 -t 3 -k 2 -o csv >"$T/csv" || [[ $? -eq 1 ]]
    [[ $(field "$T/csv" connect_us_min) == '' && $(field "$T/csv" connect_us_max) == '' ]]
    [[ $(field "$T/csv" service_us_min) != '' ]]
    end_badserver
}

# Runs the client with these gates, without and with a word in front; the word for those without
# is the loop's.
check_figures() { # LOOP METRIC... -- OPTION...
    local fields=() gates=() loop=$1 metric prefix

    shift
    while [[ $1 != -- ]]; do
        metric=$1
        for prefix in '' connect. first_byte. service. "$loop."; do
            gates+=(-f "$prefix$metric>0us")
            prefix=${prefix:-$loop.}
            fields+=("${prefix%.}_us.$metric")
        done
        shift
    done
    shift
    ask_client "$@" "${gates[@]}"
    [[ $STATUS -eq 0 ]]
    paste <(json_of 'gates.*.value') <(json_of "${fields[@]}") | awk '
        { d = $1 - $2 } NF != 2 || d > 0.001 || d < -0.001 { print; bad = 1 }
        END { exit bad || NR == 0 }'
}

@test "-f: each metric is the figure of the report" {
    local metrics

    start_number 04
    for metrics in 'min mean p50' 'p90 p99' 'p999 max'; do
        # shellcheck disable=SC2086 # into words
        check_figures service $metrics -- -c 1 -t 30
        # One place and more to do than it can: so the response times are others.
        # shellcheck disable=SC2086
        check_figures response $metrics -- -c 1 -t 30 -m 1 -r 2000 -W 0:2000
        true_of '$1 > 1.5 * $2' response_us.p99 service_us.p99
    done
    ask_client -c 1 -t 30 -H 3 -f 'p25<9s' -f 'p75<9s' -f 'p95<9s' -f 'p9999<9s' -f failed==0 \
        -f unsent==0 -f completed==30 -f 'children>=1' -f held==3 -f 'rate>=0' -f 'jain>0'
    [[ $STATUS -eq 0 ]]
    [[ $(json_of gates.{4,5,6,8}.value | paste -sd' ') == \
        '0.000000 0.000000 30.000000 3.000000' ]]
    true_of '$1 - $2 < 0.06 && $2 - $1 < 0.06 && $3 == $4 && $5 == $6' \
        gates.9.value connections_per_second gates.7.value distribution.children \
        gates.10.value distribution.jain
}

@test "-f: what is not allowed" {
    local gates=() value

    not_allowed "-f 'response.p99<5s': without -r" -f 'response.p99<5s'
    not_allowed "-f 'held>=1': without -H" -f 'held>=1'
    for value in 'jain>2' 'jain<0' 'failed<0' 'p99<0ms' 'completed>=6'; do
        not_allowed "-f '$value': no run of these" -c 1 -t 5 -f "$value"
    done
    not_allowed "-r 'max@p99<0ms': no run of these" -r 'max@p99<0ms'
    not_allowed "-o 'csv' with -o json" -o json -o csv
    not_allowed "-o 'hdr=$T/b': there is one" -o "hdr=$T/a" -o "hdr=$T/b"
    not_allowed "-f 'jain>0.5': replies" -b 31 -f 'jain>0.5'
    not_allowed "-f 'children>0': replies" -M hello -f 'children>0'
    for value in '' ' ' x p99 'p99<' '<5ms' '<' 'p99<50' 'p99<5m' 'p99<5MS' 'p99<5 mss' 'p99=5ms' \
        'p99!=5ms' 'p99<<5ms' 'p99=<5ms' 'p99<>5ms' 'p99<5ms x' 'p99<5ms<6ms' 'p98<5ms' 'P99<5ms' \
        'p<5ms' 'p100<5ms' 'p99.9<5ms' 'p99<.5ms' 'p99<5.ms' 'p99<1e3ms' 'p99<+5ms' 'p99<-5ms' \
        'p99<0x5ms' 'p99<nanms' 'p99<xms' 'p99<9999999999999us' 'p99<0.0000000001ms' 'foo<1' \
        'foo.p99<5ms' '.p99<5ms' 'service.<5ms' 'service.rate<5' 'service.failed==0' \
        'service.service.p99<5ms' 'failed==0ms' 'failed==0.5' 'failed<-1' 'failed 0' 'rate<5/s' \
        'jain>0.9 ms' 'failed==0,p99<5ms'; do
        refuses "-f '$value': " 'p99<50ms' -f "$value"
    done
    not_allowed '-f' -f
    for value in {1..16}; do
        gates+=(-f "failed<$value")
    done
    not_allowed "-f 'failed<17': at most 16" "${gates[@]}" -f 'failed<17'
    start_number 02
    ask_client -c 1 -t 1 "${gates[@]}" # and these are
    [[ $STATUS -eq 0 && $(json_of 'gates.#') -eq 16 ]]
    ask_client -c 1 -t 1 -f $' \tp99 <= 1000000 ms ' -f 'p99<0000000000099.000000001s'
    [[ $STATUS -eq 0 ]]
}

# --- labels, tables, files -----------------------------------------------------------------------

@test "-L: names the run in text, JSON and CSV" {
    local label

    start_number 02
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L 'before the change'
    [[ ${lines[0]} == 'Run: before the change' ]]
    ask_client -c 1 -t 1 -L 'before the change'
    [[ $(json_of label) == 'before the change' ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L 'before the change' -o csv
    [[ ${lines[0]} == label,* && ${lines[1]} == 'before the change,127.0.0.1:'* ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L quiet -q
    [[ -z $output ]]
    ask_client -c 1 -t 1
    [[ -z $(json_of label) ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1
    [[ $output != *Run:* ]]
    not_allowed "-L '': 1 to 80 bytes" -L ''
    [[ ${stderr_lines[0]} == *'for example -L before'* ]]
    not_allowed "-L 'xxxxxxxxx" -L "$(printf '%81s' '' | tr ' ' x)"
    not_allowed -L -L
    label=$(printf '%80s' '' | tr ' ' x)
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label"
    [[ ${lines[0]} == "Run: $label" ]]
    ask_client -c 1 -t 1 -L "$label"
    [[ $(json_of label) == "$label" ]]
}

@test "-L: hostile bytes are escaped in text and JSON, and quoted in CSV" {
    local label=$'a,"b"\n\033[2Jc\\d\xff\r'

    start_number 02
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label"
    [[ ${lines[0]} == 'Run: a,"b"\x0a\x1b[2Jc\x5cd\xff\x0d' ]]
    ask_client -c 1 -t 1 -L "$label"
    [[ $(json_of label) == 'a,\"b\"\u000a\u001b[2Jc\\d\u00ff\u000d' ]]
    "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label" -o csv >"$T/csv"
    # A row is one line. Within the quotes a quote stands for itself twice.
    [[ $(wc -l <"$T/csv") -eq 2 ]]
    [[ $(tail -n 1 "$T/csv") == '"a,""b""\x0a\x1b[2Jc\d\xff\x0d",'* ]]
    # What is UTF-8 stays, but for what commands a terminal; text is ASCII.
    label=$'\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80'
    ask_client -c 1 -t 1 -L "$label"$'\xc3\xc2\x9b\xed\xa0\x80'
    [[ $(json_of label) == "$label"'\u00c3\u00c2\u009b\u00ed\u00a0\u0080' ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label"$'\x9b' -o csv
    [[ ${lines[1]} == "$label\x9b,"* ]]
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label"
    [[ ${lines[0]} == 'Run: \xc3\xbc \xe2'* ]]
    for label in '=1+1' '+1' '-1' '@x'; do
        run -0 "$BIN/client" -p "$PORT" -c 1 -t 1 -L "$label" -o csv
        [[ ${lines[1]} == "'$label,"* ]] # no spreadsheet takes it for a formula
    done
}

# The field of that name.
field() { # FILE NAME
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR == 2 { if (!at) exit 1; print $at }' "$1"
}

@test "-o csv: a line of names and a line of values, which are those of the run" {
    local name

    start_number 02 -T 0
    ask_csv() {
        STATUS=0
        "$BIN/client" -p "$PORT" -o csv "$@" >"$T/csv" 2>"$T/stderr" || STATUS=$?
        [[ ! -s $T/stderr && $(wc -l <"$T/csv") -eq 2 ]]
        [[ $(awk -F, '{ print NF }' "$T/csv" | sort -u | wc -l) -eq 1 ]]
        [[ $(head -n 1 "$T/csv" | tr , '\n' | sort | uniq -d) == '' ]]
        run ! grep -q '[^a-z0-9_,]' <(head -n 1 "$T/csv")
        head -n 1 "$T/csv" >>"$T/names"
    }
    is_field() { # NAME VALUE
        [[ $(field "$T/csv" "$1") == "$2" ]] || {
            echo "$1 is '$(field "$T/csv" "$1")' and not '$2'"
            return 1
        }
    }
    ask_csv -c 2 -t 50 -k 3 -m 4 -b 777 -H 3 -x half-close@0.2 -x reset@0.2 -L here
    [[ $STATUS -eq 0 ]]
    for name in label:here target:127.0.0.1:$PORT mode:closed rate:0 rate_to:0 duration_s:0.000 \
        clients:2 connections_each:50 in_flight:4 bytes:777 requests_per_connection:3 held:3 \
        failed:0 unsent:0 reopened:0 interrupted:0 children:1 errors_refused:0 \
        errors_client_limited:0 response_us_count:0 response_us_p99: response_us_max: \
        jain:1.000000; do
        is_field "${name%%:*}" "${name#*:}"
    done
    [[ $(($(field "$T/csv" scheduled) + $(field "$T/csv" misbehaved))) -eq 100 ]]
    is_field completed "$(field "$T/csv" scheduled)"
    is_field misbehaved "$((100 - $(field "$T/csv" completed)))"
    is_field requests "$((3 * $(field "$T/csv" completed)))"
    is_field service_us_count "$(field "$T/csv" requests)"
    is_field bytes_received "$((777 * $(field "$T/csv" requests)))"
    for name in min p50 p90 p99 p999 max; do
        field "$T/csv" "service_us_$name"
    done | sort -g -c
    awk -v p50="$(field "$T/csv" service_us_p50)" 'BEGIN { exit !(p50 > 0) }'
    ask_csv -c 1 -r 100:300 -d 0.25
    [[ $STATUS -eq 0 ]]
    for name in label: mode:ramp rate:100 rate_to:300 duration_s:0.250 connections_each:0 held:0; do
        is_field "${name%%:*}" "${name#*:}"
    done
    is_field response_us_count "$(field "$T/csv" requests)"
    PORT=1
    ask_csv -c 2 -t 3 -b 5
    [[ $STATUS -eq 3 ]]
    for name in failed:6 errors_refused:6 completed:0 service_us_count:0 service_us_min: jain: \
        children:0 children_min:; do
        is_field "${name%%:*}" "${name#*:}"
    done
    [[ $(sort -u "$T/names" | wc -l) -eq 1 ]] # no column depends on the run
}

# Is it a histogram in HdrHistogram's format of so many values?
is_histogram() { # FILE COUNT
    [[ $(head -n 1 "$1") =~ ^\ *Value\ +Percentile\ +TotalCount\ +1/\(1-Percentile\)$ ]]
    grep -Eqx "#\[Max += +[0-9.]+, Total count += +$2\]" "$1"
    grep -Eq '^#\[Mean += +[0-9.]+, StdDeviation += +[0-9.]+\]' "$1"
    # Values, levels and counts grow; the last row is that of all.
    awk -v all="$2" 'NR > 2 && !/^#/ {
            if ($1 < value || $2 < level || $3 < count || (NF == 4 && $2 >= 1)) bad = 1
            value = $1; level = $2; count = $3; rows++
        } END { exit bad || level != 1 || count != all || rows < 5 }' "$1"
}

# Is its greatest value, in ms, that of the report, in us?
is_most() { # FILE TIMES
    sed -n 's/^#\[Max *= *\([0-9.]*\),.*/\1/p' "$1" | awk -v us="$(json_of "$2.max")" '
        { d = $1 * 1000 - us } END { exit !(NR == 1 && us > 0 && d < 0.6 && d > -0.6) }'
}

@test "-o hdr=FILE: the histogram of the times, beside the report" {
    start_number 02
    ask_client -c 2 -t 50 -k 3 -o "hdr=$T/hgrm" # ask_client has -o json
    [[ $STATUS -eq 0 ]]
    counted requests 300
    is_histogram "$T/hgrm" 300
    is_most "$T/hgrm" service_us
    # In the open loop it is that of the response times.
    ask_client -c 1 -t 30 -m 1 -r 2000 -W 0:2000 -o "hdr=$T/hgrm"
    is_histogram "$T/hgrm" 30
    is_most "$T/hgrm" response_us
    counted response_us.count 30
    run -0 "$BIN/client" -p "$PORT" -c 1 -t 9 -o "hdr=$T/hgrm"
    [[ $output == *'9 of 9 connections completed'* ]]
    grep -Eq 'Total count += +9\]' "$T/hgrm"
    for format in text json csv; do
        run -1 --separate-stderr "$BIN/client" -p "$PORT" -c 1 -t 9 -o "$format" \
            -o "hdr=$T/no/such/file" # known before the run
        [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *"'$T/no/such/file'"* ]]
    done
    run -1 --separate-stderr "$BIN/client" -p "$PORT" -q -c 1 -t 9 -o hdr=/dev/full
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *"'/dev/full'"* ]]
    PORT=1
    ask_client -c 1 -t 1 -o "hdr=$T/hgrm"
    [[ $STATUS -eq 3 ]]
    grep -Eq 'Total count += +0\]' "$T/hgrm"
}

# A figure of each line.
halves() { # NAME
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$T/halves"
}

@test "-o live: a line for each half second, then the report; together they are the run" {
    local field line pairs

    start_number 02
    timeout $((5 * LIMIT)) "$BIN/client" -p "$PORT" -c 2 -m 4 -k 2 -d 1.6 -W 0:1000@0.3 -o live \
        >"$T/said"
    head -n -1 "$T/said" >"$T/halves"
    tail -n 1 "$T/said" >"$T/report"
    take_json "$T/report"
    [[ $(json_of completed) -gt 0 && $(wc -l <"$T/halves") -ge 3 ]]
    run ! grep errors "$T/halves"
    [[ $(halves end_s | head -n -1) == "$(halves begin_s | tail -n +2)" ]]
    for field in completed requests; do
        [[ $(halves "$field" | awk '{ sum += $1 } END { print sum }') -eq $(json_of "$field") ]]
    done
    # The times of a line are as many as its requests, and ascend; p50 lies among them.
    while read -r line; do
        pairs=${line##*\"times\":[}
        echo "$line"
        echo "${pairs%]*}" | tr -d '[' | tr ']' '\n' | awk -F, -v line="$line" '
            NF > 1 { us = $(NF - 1); if (us <= last) exit 1; last = us; sum += $NF }
            END {
                split(line, part, /"requests":/)
                exit sum != part[2] + 0 || (sum > 0 && line ~ /"p50_us":null/)
            }'
    done <"$T/halves"
}

@test "-o live: what fails, by kind, in the line of its half second" {
    start_badserver reset 3
    run -1 timeout $((5 * LIMIT)) "$BIN/client" -p "$PORT" -c 1 -d 1.6 -r 50 -o live
    head -n -1 <<<"$output" >"$T/halves"
    tail -n 1 <<<"$output" >"$T/report"
    take_json "$T/report"
    cat "$T/halves"
    grep -Eq '\],"errors":\{"reset":[1-9][0-9]*\}\}$' <(head -n 1 "$T/halves")
    [[ $(halves failed | awk '{ n += $1 } END { print n }') -eq $(json_of failed) ]]
    [[ $(halves reset | awk '{ n += $1 } END { print n }') -eq $(json_of errors.reset) ]]
    end_badserver
}

# --- the line on the terminal --------------------------------------------------------------------

# Runs the client with stderr on a terminal: what it writes there is in $T/terminal, as it is, and
# in $T/lines, each of the lines that overwrite each other on one of its own. Returns its status.
on_terminal() { # OPTION...
    local status=0

    TERM=${terminal:-xterm} script -qec "${before:-}$BIN/client -p $PORT $* >$T/report" \
        /dev/null </dev/null >"$T/terminal" || status=$?
    tr '\r' '\n' <"$T/terminal" | sed 's/\x1b\[K//g' | grep . >"$T/lines" || :
    cat "$T/lines"
    [[ $(awk 'length($0) >= 80' "$T/lines") == '' ]]
    return $status
}

# The line has been erased, and nothing has come after that.
is_erased() {
    tail -c 4 "$T/terminal" | cmp - <(printf '\r\033[K')
}

all_lines_are() { # PATTERN
    [[ -s $T/lines ]] && ! grep -Evq "^$1\$" "$T/lines"
}

@test "the line on a terminal: how far it is, the rate, p99 and failures" {
    local time='[0-9]+\.[0-9] s' p99='[0-9.]+ (us|ms|s)'

    start_number 02
    on_terminal -c 1 -d 0.7 -r 200
    all_lines_are "$time: [0-9]+, [01] s left, [0-9]+/s, p99 $p99, 0 failed"
    is_erased
    # Half of the time and more has gone: the rate is known about.
    tail -n 1 "$T/lines" | sed 's/.*: \([0-9]*\), .* \([0-9]*\)\/s.*/\1 \2/' |
        awk '{ exit !($1 >= 20 && $1 <= 140 && $2 > 100 && $2 < 300) }'
    [[ $(sort -u "$T/lines" | wc -l) -ge 2 ]]
    on_terminal -c 1 -t 15 -W 0:20000
    all_lines_are "$time: [0-9]+ of 15, [0-9]+/s, p99 $p99, 0 failed"
    is_erased
    on_terminal -c 1 -d 0.4
    all_lines_are "$time: [0-9]+, [01] s left, [0-9]+/s, p99 $p99, 0 failed"
    on_terminal -c 1 -t 15 -W 0:20000 -q
    [[ ! -s $T/terminal && ! -s $T/report ]]
    # One that cannot erase shows nothing; on a narrow one no line is wrapped.
    terminal=dumb on_terminal -c 1 -d 0.3
    [[ ! -s $T/terminal ]]
    before='stty columns 20;' on_terminal -c 1 -d 0.4
    all_lines_are "$time: .*"
    [[ $(awk 'length($0) >= 20' "$T/lines") == '' ]]
}

@test "the line on a terminal: failures, steps of a search, and what -H is about" {
    PORT=1
    run on_terminal -c 1 -d 0.5 -r max@failed==0
    [[ $status -ne 0 ]]
    all_lines_are \
        'step 1, 100/s: [0-9.]+ s: [1-9][0-9]*, [01] s left, 0/s, p99 -, [1-9][0-9]* failed'
    is_erased
    start_number 02
    on_terminal -c 1 -d 0.3 -H 5 -r 100
    [[ $(head -n 1 "$T/lines") == 'opening the idle connections of -H' ]]
    is_erased
    on_terminal -c 1 -t 1 -H 5 # too short for a line of its own
    is_erased
}
