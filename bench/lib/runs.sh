# shellcheck shell=sh
# runs.sh - one server, one client, the figures of both: what compare, herd and scale are made of.
#
# Sourced, with $tool set to the name of the experiment and $root to the tree. It keeps, in $out:
#
#   $tool-runs.csv      every figure of every run: round,row,load,x,figure,unit,value,why
#                       (the figure `run` is 1, or 0 for a run that failed, and then why says how)
#   $tool-children.csv  who served how many: round,row,load,x,child,connections
#   $tool-rows.csv      row,server,usual: the servers that were compared
#   $tool-loads.csv     load,title,x_name,client,expect: what was asked of them
#   $tool-about.csv     key,value: the command, when, how long, complete or interrupted
#   machine.csv         key,value
#
# No value has a comma, a quote or a line feed in it: plain() sees to that. The command is the last
# of its line, and may have commas.

BIN=${BIN:-$root/bin}
lib=$root/bench/lib
ready_seconds=10 # a server needs some milliseconds for that
run_seconds=60   # limit of one client; the longest load takes a few seconds
stop_seconds=15  # the servers' own grace is 5
settle=0.05      # until a server's children are ready; many need longer

tmp=      # directory for what is said
server=   # pids, while these run
client=
watchdog=
signal=   # the one that ended it
began=    # when, in seconds
failed=0  # runs
locked=   # true while $out is ours

# --- ending ------------------------------------------------------------------------------------

# A signal only leaves a note, and ends what we wait for.
note_signals() {
    for each in HUP INT PIPE TERM; do
        # shellcheck disable=SC2064 # $each is meant to be expanded now
        trap "signal=$each; end_client" "$each"
    done
    trap clean_up EXIT
}

end_client() {
    [ -z "$client" ] || kill -TERM "$client" 2>/dev/null || :
}

clean_up() {
    trap '' HUP INT PIPE TERM
    progress
    [ -z "$client" ] || { kill -KILL "$client" 2>/dev/null || :; }
    [ -z "$server" ] || stop_server || :
    [ -z "$watchdog" ] || unwatch
    [ -z "$locked" ] || rm -rf "$out/.running"
    [ -z "$tmp" ] || rm -rf "$tmp"
}

# By the signal that came, so that make and the shell know.
leave() {
    clean_up
    trap - EXIT
    if [ -n "$signal" ]; then
        trap - "$signal"
        kill -s "$signal" $$
    fi
    exit "$1"
}

fail() {
    progress
    printf '%s: %s\n' "$tool" "$1" >&2
    exit 1
}

wrong() {
    printf '%s: %s; try -h\n' "$tool" "$1" >&2
    exit 2
}

# --- what is said ------------------------------------------------------------------------------

# progress [TEXT] - the line on the terminal, or nothing.
progress() {
    if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r%s\033[K' "${1:-}" >&2 || :
    fi
}

# plain TEXT - fit for a value of a CSV, and for awk -v, which takes backslashes for its own.
plain() {
    printf '%s' "$1" | tr '\n,"\\' " ;'/"
}

# typed WORD... - the words as one would type them.
typed() {
    for each; do
        case $each in
        *[!A-Za-z0-9_./,:=-]* | '') printf " '%s'" "$each" ;;
        *) printf ' %s' "$each" ;;
        esac
    done | tr '\n\\' ' /'
}

duration() {
    if [ "$1" -ge 60 ]; then
        printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
    else
        printf '%d s' "$1"
    fi
}

# --- the files ---------------------------------------------------------------------------------

# check_out - what awk would not take for a file's name.
check_out() {
    case $out in
    '' | *\\*) wrong "-o '$out': a directory without a backslash in its name is allowed" ;;
    /*) ;;
    -* | *=*) out=./$out ;;
    esac
}

# make_tmp - and from now on it is removed, whatever happens.
make_tmp() {
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/$tool.XXXXXX") || fail 'no temporary directory'
    note_signals
}

# Two that write into one directory would mix their runs, and measure each other. (A lock that a
# killed one has left is taken over.)
lock_out() {
    if ! mkdir "$out/.running" 2>/dev/null; then
        other=$(cat "$out/.running/pid" 2>/dev/null || :)
        if [ -n "$other" ] && kill -0 "$other" 2>/dev/null; then
            fail "$out is in use by another run, pid $other"
        fi
    fi
    (echo $$ >"$out/.running/pid") 2>/dev/null || fail "cannot write into the directory $out"
    locked=yes
}

# open_results COMMAND - makes $out, and its files with their headings. After make_tmp.
open_results() {
    for each in client limits; do
        [ -x "$BIN/$each" ] || fail "there is no program $BIN/$each: 'make' builds it"
    done
    mkdir -p "$out" 2>/dev/null || fail "cannot make the directory $out"
    lock_out
    (: >"$out/$tool-runs.csv") 2>/dev/null || fail "cannot write into the directory $out"
    [ ! -s "$out/$tool.csv" ] || mv "$out/$tool.csv" "$out/$tool-before.csv"
    rm -f "$out/$tool.txt" "$out/$tool-sentences.csv" "$out/$tool-best.csv"
    echo round,row,load,x,figure,unit,value,why >"$out/$tool-runs.csv"
    echo round,row,load,x,child,connections >"$out/$tool-children.csv"
    echo row,server,usual >"$out/$tool-rows.csv"
    echo load,title,x_name,client,expect >"$out/$tool-loads.csv"
    command=$1
    date=$(date -u '+%Y-%m-%d %H:%M UTC')
    began=$(date +%s)
    load_average=$(uptime | sed 's/.*load average[s]*: *//; s/[, ].*//')
    describe_machine >"$out/machine.csv"
    about unfinished
}

# about OUTCOME - as things stand: written at the start, so that a run that was killed is known.
about() {
    cat >"$out/$tool-about.csv" <<END
key,value
command,$command
started,$date
seconds,$(($(date +%s) - began))
rounds,$rounds
load,$load_average
outcome,$1
failed_runs,$failed
END
}

# cpuinfo KEY - the first such value, where there is a /proc.
cpuinfo() {
    sed -n "s/^$1[^:]*: *//p" "${2:-/proc/cpuinfo}" 2>/dev/null | sed 1q
}

describe_machine() {
    cat <<END
key,value
date,$date
system,$(plain "$(uname -s) $(uname -r)")
machine,$(plain "$(uname -m)")
processors,$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo '?')
processor,$(plain "$(cpuinfo 'model name')")
memory,$(cpuinfo MemTotal /proc/meminfo | awk '{ printf "%.1f GiB", $1 / 1048576 }')
libc,$(plain "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo '?')")
END
}

# --- the servers -------------------------------------------------------------------------------

# Every variant of a server: "usual?|row|command line". A server that is not known here has one.
variants() {
    number=${1#server}
    number=${number%%_*}
    case $1 in
    server03_*)
        ways='accept select poll lock-file lock-mutex'
        [ "$(uname)" != Linux ] || ways="$ways epoll epoll-exclusive reuseport"
        for way in $ways; do
            echo "$([ "$way" = accept ] && echo yes || echo no)|$number $way|$1 -a $way"
        done
        ;;
    server04_*)
        for policy in first round-robin least-recent; do
            echo "$([ "$policy" = first ] && echo yes || echo no)|$number $policy|$1 -P $policy"
        done
        ;;
    server05_*) # as many children as the others
        echo "yes|$number queued|$1 -n 10"
        echo "no|$number piped round-robin|$1 -n 10 -d piped -P round-robin"
        echo "no|$number piped least-loaded|$1 -n 10 -d piped -P least-loaded"
        ;;
    server01_*) echo "yes|$number|$1 -n 2000" ;; # by default 256 idle clients would stop it
    *) echo "yes|$number|$1" ;;
    esac
}

# chosen NAME - the variants of the servers that this is the beginning of.
chosen() {
    for folder in "$root"/server[0-9][0-9]_*/; do
        folder=${folder%/}
        folder=${folder##*/}
        case $folder in "$1"* | server"$1"*) variants "$folder" ;; esac
    done
}

# --- one server --------------------------------------------------------------------------------

# watch PID SECONDS - kills it if it takes longer than that, until unwatch. (To poll would cost
# processor time, and that is what is measured.)
watch() {
    rm -f "$tmp/pause"
    (
        sleep "$2" &
        echo $! >"$tmp/pause"
        wait $! && kill -0 $$ && kill -KILL "$1"
    ) 2>/dev/null &
    watchdog=$!
}

unwatch() {
    turns=100000
    until [ -s "$tmp/pause" ] || [ "$((turns -= 1))" -le 0 ]; do :; done # it is about to write that
    read -r pause <"$tmp/pause" && kill "$pause" 2>/dev/null || :
    { wait "$watchdog" || :; } 2>/dev/null # without its pause it ends
    watchdog=
}

# gone PID SECONDS - true when it has ended, within so long.
gone() {
    turns=$(($2 * 50))
    while kill -0 "$1" 2>/dev/null; do
        [ "$((turns -= 1))" -ge 0 ] || return 1
        sleep 0.02 || :
    done
}

# start_server 'PROGRAM OPTION...' - then $server is its pid and $port its port; false if it does
# not start.
start_server() {
    : >"$tmp/server"
    : >"$tmp/server.err"
    # shellcheck disable=SC2086 # several words
    "$BIN"/$1 -p 0 -o json >"$tmp/server" 2>"$tmp/server.err" &
    server=$!
    turns=$((ready_seconds * 50))
    until read -r line <"$tmp/server"; do
        if [ -n "$signal" ] || ! kill -0 "$server" 2>/dev/null || [ "$turns" -le 0 ]; then
            why="it did not start$(its_words)"
            stop_server || :
            return 1
        fi
        turns=$((turns - 1))
        sleep 0.02 || :
    done
    port=${line%, pid *}
    port=${port##*:}
}

# its_words - what the server said on stderr, as the end of a sentence.
its_words() {
    if [ -s "$tmp/server.err" ]; then
        printf ': %s' "$(sed 1q "$tmp/server.err")"
    fi
}

# stop_server - false if it did not end well; then $status is how.
stop_server() {
    kill -TERM "$server" 2>/dev/null || :
    gone "$server" "$stop_seconds" || kill -KILL "$server" 2>/dev/null || :
    status=0
    wait "$server" 2>/dev/null || status=$?
    server=
    [ "$status" -eq 0 ]
}

# await_client - then $status is the client's.
await_client() {
    watch "$client" "$run_seconds"
    while :; do
        wait "$client" 2>/dev/null && status=0 || status=$?
        kill -0 "$client" 2>/dev/null || break
    done
    unwatch
    client=
}

# --- one run -----------------------------------------------------------------------------------

# run ROUND ROW SERVER LOAD X CLIENT_OPTIONS EXPECT - its figures, into the files; false if it
# failed.
run() {
    why=
    limited=
    # shellcheck disable=SC2086 # several words
    if start_server "$3"; then
        sleep "$settle" || : # its children are ready some time after its first line
        "$BIN/client" -p "$port" -o json $6 >"$tmp/client" 2>"$tmp/client.err" &
        client=$!
        sampled=
        [ "$4" != memory ] || sample "$server"
        await_client
        client_status=$status
        [ "$status" -ne 4 ] || limited=yes # by this machine, not by the server
        stop_server || why="the server ended with status $status$(its_words)"
        if [ "$client_status" -gt 4 ] || [ "$client_status" -eq 2 ] || [ ! -s "$tmp/client" ]; then
            why="the client ended with status $client_status: $(sed 1q "$tmp/client.err")"
        fi
    fi
    [ -z "$signal" ] || return 1 # what was cut short says nothing
    record "$@"
}

# record, with the same arguments - what the run has left in $tmp.
record() {
    sed -n '$p' "$tmp/server" >"$tmp/server.json"
    [ -z "$why" ] || : >"$tmp/client"
    outcome=0
    awk -f "$lib/json.awk" -f "$lib/figures.awk" -v round="$1" -v row="$2" -v name="$4" \
        -v x="$5" -v expect="$7" -v why="$(plain "$why")" -v words="$(plain "$(its_words)")" \
        -v startup="$(startup_of "$1" "$3")" -v sampled="$sampled" \
        -v limited="$limited" -v children="$out/$tool-children.csv" \
        "$tmp/client" "$tmp/server.json" >>"$out/$tool-runs.csv" || outcome=$?
    case $outcome in
    0) return 0 ;;
    1) ;;
    4) [ "$tool" != scale ] || return 1 ;; # where it looks for limits, that one is a result
    *) fail "cannot write the figures of $2, $4 into $out" ;;
    esac
    failed=$((failed + 1))
    return 1
}

# The cost of starting and stopping is not a connection's: it is measured without a client, once a
# round, and taken off. "CPU_US SWITCHES"; where this round's run failed, of an earlier one; or
# nothing if it is not known.
startup_of() {
    round=$1
    while [ "$round" -gt 0 ]; do
        cat "$(startup_file "$round" "$2")" 2>/dev/null && return
        round=$((round - 1))
    done
}

startup_file() {
    printf '%s/startup.%s.%s' "$tmp" "$1" "$(printf '%s' "$2" | tr ' /' '__')"
}

# start_only ROUND ROW SERVER [X] - measures that, and it is a figure.
start_only() {
    start_and_stop "$3"
    [ -z "$signal" ] || return 1
    record "$1" "$2" "$3" startup "${4:-}" '' all || return 1
    keep_startup "$1" "$3"
}

# start_once ROUND SERVER - measures that if it is not known; it is no figure.
start_once() {
    [ -z "$(startup_of "$1" "$2")" ] || return 0
    start_and_stop "$2"
    [ -z "$signal$why" ] || return 1
    keep_startup "$1" "$2"
}

# start_and_stop SERVER - without a client.
start_and_stop() {
    why=
    limited=
    sampled=
    : >"$tmp/client"
    if start_server "$1"; then
        sleep "$settle" || :
        sleep 0.05 || :
        stop_server || why="the server ended with status $status$(its_words)"
    fi
}

# keep_startup ROUND SERVER - from what it has left.
keep_startup() {
    awk -f "$lib/json.awk" -f "$lib/startup.awk" "$tmp/server" >"$(startup_file "$1" "$2")" ||
        fail "cannot write into $tmp"
}

# --- memory ------------------------------------------------------------------------------------

# family PID - it and all that come from it.
family() {
    ps -A -o pid= -o ppid= | awk -v root="$1" '
        { parent[$1] = $2 }
        END {
            for (pid in parent) {
                for (each = pid; each in parent && each != root; each = parent[each]) ;
                if (each == root) print pid
            }
        }'
}

# sample PID - then $sampled is "PRIVATE_KIB PROCESSES", the largest of three looks while the client
# is at work; where there is no smaps_rollup the first is "-".
sample() {
    for _ in 1 2 3; do
        sleep 0.15 || :
        family "$1" >"$tmp/family"
        while read -r pid; do
            [ ! -r "/proc/$pid/smaps_rollup" ] || cat "/proc/$pid/smaps_rollup"
        done <"$tmp/family" 2>/dev/null | awk -v processes="$(wc -l <"$tmp/family")" '
            /^Private_(Clean|Dirty):/ { sum += $2; known = 1 }
            END { print (known ? sum : "-"), processes + 0 }'
    done >"$tmp/samples"
    sampled=$(sort -n "$tmp/samples" | sed -n '$p')
}

# --- all runs ----------------------------------------------------------------------------------

check_rounds() {
    case $rounds in
    *[!0-9]* | 0* | ????*) wrong "-r '$rounds': a number from 1 to 999 is allowed" ;;
    esac
}

# check_programs ROWS
check_programs() {
    echo "$1" | while IFS='|' read -r _ _ line; do
        [ -x "$BIN/${line%% *}" ] || fail "there is no program $BIN/${line%% *}: 'make' builds it"
    done
}

# plan - "round|load|x|expect|weight|row|server|options" of every run, in order: in each round,
# each load with each of its x on all rows, every other round from the last row to the first.
# It is made of $tmp/rows, "usual?|row|server", and of $tmp/loads,
# "name|rounds|weight|expect|options|title", and where there is an x "|x_name|every x|rows": these
# rows alone, with a semicolon before and after each (none: all).
plan() {
    awk -F'|' -v rounds="$rounds" '
        FNR == NR { row[++nrows] = $2; server[nrows] = $3; next }
        {
            load[++nloads] = $1; times[nloads] = $2; rest[nloads] = $4 "|" $3; options[nloads] = $5
            every[nloads] = $8; only[nloads] = $9
        }
        function all_rows(round, l, x,    i, r) {
            for (i = 1; i <= nrows; i++) {
                r = round % 2 ? i : nrows + 1 - i
                if (only[l] != "" && index(only[l], ";" row[r] ";") == 0) continue
                print round "|" load[l] "|" x "|" rest[l] "|" row[r] "|" server[r] "|" options[l]
            }
        }
        END {
            for (round = 1; round <= rounds; round++) {
                for (l = 1; l <= nloads; l++) {
                    if (round > times[l]) continue
                    n = split(every[l], x, " ")
                    if (n == 0) all_rows(round, l, "")
                    for (i = 1; i <= n; i++) all_rows(round, l, x[i])
                }
            }
        }' "$tmp/rows" "$tmp/loads"
}

# describe_plan - for those who read the results.
describe_plan() {
    while IFS='|' read -r usual row line; do
        echo "$row,$(plain "$line"),$usual"
    done <"$tmp/rows" >>"$out/$tool-rows.csv"
    awk -F'|' '{ print $1 "," $6 "," $7 "," $5 "," $4 }' "$tmp/loads" >>"$out/$tool-loads.csv"
}

# run_all - of the plan. The tool has `one ROUND ROW SERVER LOAD OPTIONS EXPECT X`: one run of it.
run_all() {
    plan >"$tmp/plan"
    total=$(wc -l <"$tmp/plan")
    done=0 spent=0 runs_began=$(date +%s)
    left=$(awk -F'|' '{ sum += $5 } END { print sum }' "$tmp/plan")
    while IFS='|' read -r round load x expect weight row server_line options <&3; do
        [ -z "$signal" ] || return 0
        show_progress
        one "$round" "$row" "$server_line" "$load" "$options" "$expect" "$x" || :
        done=$((done + 1)) spent=$((spent + weight)) left=$((left - weight))
    done 3<"$tmp/plan"
}

show_progress() {
    if [ $((10 * done)) -gt "$total" ]; then # before that it would be a guess
        soon=", $(duration $((($(date +%s) - runs_began) * left / spent))) left"
    else
        soon=
    fi
    progress "round $round of $rounds, run $((done + 1)) of $((total))$soon: $row, $load${x:+ $x}"
}

# medians - of all runs, into $out/$tool.csv. (What the machine can do is measured by compare
# alone.)
medians() {
    [ -f "$out/limits.csv" ] || echo name >"$out/limits.csv"
    awk -f "$lib/medians.awk" -v base=00 "$out/limits.csv" "$out/$tool-runs.csv" \
        >"$out/$tool.csv" ||
        fail "cannot write $out/$tool.csv"
}

# finish - after run_all: the tool has `results`, which shows what there is.
finish() {
    if [ -n "$signal" ]; then
        about interrupted
    else
        about complete
    fi
    results
    if [ "$failed" -gt 0 ]; then
        leave 1
    fi
    leave 0
}
