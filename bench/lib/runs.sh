# shellcheck shell=sh
# runs.sh - runs one server and one client at a time and records their figures, for compare, herd,
# scale and rivals.
#
# Sourced, with $tool set to the name of the experiment and $root to the tree; it sources server.sh.
# It keeps, in $out:
#
#   $tool-runs.csv      every figure of every run: round,row,load,x,figure,unit,value,why
#                       (the figure `run` is 1, or 0 for a run that failed, and then why says how)
#   $tool-children.csv  who served how many: round,row,load,x,child,connections (or child.thread)
#   $tool-rows.csv      row,server,usual: the servers that were compared
#   $tool-loads.csv     load,title,x_name,client,expect: what was asked of them
#   $tool-about.csv     key,value: the command, when, how long, complete or interrupted
#   machine.csv         key,value
#
# No value has a comma, a quote or a line feed in it: plain() sees to that. The command is the last
# of its line, and may have commas.

lib=$root/bench/lib
# shellcheck source=bench/lib/server.sh
. "$lib/server.sh"

quick='' nothing='' rounds='' out=results # the options of all experiments
against=                                  # an option of compare alone
quick_rounds=1
settle=0.05 # until a server's children are ready; many need longer
began=      # when, in seconds
failed=0    # runs
repeats=0   # so many runs may still be repeated because others have disturbed them
beside=     # so many idle connections, of which the figures do not tell: hold and let_go of scale
others=     # percent of the processors' time that others took from the last run; or unknown
others_most=10 # so much they may take
promised=      # true when it has been said how long all runs will take

# --- the command line --------------------------------------------------------------------------

# take_options LETTERS WORD... - reads the options. Those in LETTERS go to own_option, a function of
# the tool. Afterwards the words from $OPTIND on are no options.
take_options() {
    letters=$1
    shift
    invocation="bench/$tool$(typed "$@")"
    while getopts ":qnr:o:hV$letters" letter; do
        case $letter${OPTARG-} in r | l | c | a) wrong "-$letter '': that is no value" ;; esac
        case $letter in
        q) quick=yes ;;
        n) nothing=yes ;;
        r) rounds=$OPTARG ;;
        o) out=$OPTARG ;;
        h) show_help ;;
        V) show_version ;;
        : | \?) wrong "-$OPTARG: not an option, or without its value" ;;
        *) own_option "$letter" ;;
        esac
    done
    if [ -n "$quick" ]; then
        : "${rounds:=$quick_rounds}"
    else
        : "${rounds:=3}"
    fi
    case $rounds in
    *[!0-9]* | 0* | ????*) wrong "-r '$rounds': a number from 1 to 999 is allowed" ;;
    esac
    check_out
}

# typed WORD... - the words as a user would type them in a shell.
typed() {
    for each; do
        case $each in
        *[!A-Za-z0-9_./,:=-]* | '') printf " '%s'" "$each" ;;
        *) printf ' %s' "$each" ;;
        esac
    done | tr '\n\\' ' /'
}

# plain TEXT - the text without what a value of a CSV and of awk -v must not have: commas, quotes,
# line feeds, backslashes.
plain() {
    printf '%s' "$1" | tr '\n,"\\' " ;'/"
}

duration() {
    if [ "$1" -ge 60 ]; then
        printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
    else
        printf '%d s' "$1"
    fi
}

# --- the files ---------------------------------------------------------------------------------

# check_out - makes $out a name that awk takes for a file's, not for an option or an assignment.
check_out() {
    case $out in
    '' | *\\*) wrong "-o '$out': a directory without a backslash in its name is allowed" ;;
    /*) ;;
    -* | *=*) out=./$out ;;
    esac
}

# lock_out - two experiments that write into one directory would mix their runs, and measure each
# other. (The lock of an experiment that was killed is taken over.)
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

# open_results - makes $out, and its files with their headings. After make_tmp.
open_results() {
    mkdir -p "$out" 2>/dev/null || fail "cannot make the directory $out"
    lock_out
    (: >"$out/$tool-runs.csv") 2>/dev/null || fail "cannot write into the directory $out"
    [ ! -s "$out/$tool.csv" ] || mv "$out/$tool.csv" "$out/$tool-before.csv"
    rm -f "$out/$tool.txt" "$out/$tool-sentences.csv" "$out/$tool-best.csv"
    echo round,row,load,x,figure,unit,value,why >"$out/$tool-runs.csv"
    echo round,row,load,x,child,connections >"$out/$tool-children.csv"
    echo row,server,usual >"$out/$tool-rows.csv"
    echo load,title,x_name,client,expect >"$out/$tool-loads.csv"
    date=$(date -u '+%Y-%m-%d %H:%M UTC')
    began=$(date +%s)
    load_average=$(uptime | sed 's/.*load average[s]*: *//; s/[, ].*//')
    describe_machine >"$out/machine.csv"
    about unfinished
}

# about OUTCOME - written at the start, too: so the results of a killed experiment are marked.
about() {
    cat >"$out/$tool-about.csv" <<END
key,value
command,$invocation
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
    name=$(name_of "$1")
    case $1 in
    server03_* | server08_*) # the usual one first
        ways='accept select poll lock-file lock-mutex'
        [ "$(uname)" != Linux ] || ways="$ways epoll epoll-exclusive reuseport"
        [ "$name" != epoll ] || ways='level edge reuseport edge-reuseport'
        for way in $ways; do
            echo "$([ "$way" = "${ways%% *}" ] && echo yes || echo no)|$name $way|$1 -a $way"
        done
        ;;
    server04_*)
        echo "yes|$name first|$1 -P first"
        echo "no|$name round-robin|$1 -P round-robin"
        ;;
    server05_*) # as many children as the others
        echo "yes|$name queued|$1 -n 10"
        echo "no|$name piped round-robin|$1 -n 10 -d piped -P round-robin"
        echo "no|$name piped least-loaded|$1 -n 10 -d piped -P least-loaded"
        ;;
    server09_*)
        for way in accept mutex queue; do
            echo "$([ "$way" = accept ] && echo yes || echo no)|$name $way|$1 -a $way"
        done
        ;;
    server10_*) # as many threads as the others
        for way in accept mutex; do
            echo "$([ "$way" = accept ] && echo yes || echo no)|$name $way|$1 -n 2 -t 5 -a $way"
        done
        ;;
    server12_*) echo "yes|$name|$1 -n 10" ;;
    server0[16]_*) echo "yes|$name|$1 -n 2000" ;; # by default 256 idle clients would stop it
    *) echo "yes|$name|$1" ;;
    esac
}

# chosen NAME - the variants of the servers that this is the beginning of, with or without what
# stands before its name: server03, 03 or prefork.
chosen() {
    for folder in "$root"/server[0-9][0-9]_*/; do
        folder=${folder%/}
        folder=${folder##*/}
        case $folder in "$1"* | server"$1"* | server[0-9][0-9]_"$1"*) variants "$folder" ;; esac
    done
}

# --- one run -----------------------------------------------------------------------------------

# run ROUND ROW SERVER LOAD X CLIENT_OPTIONS EXPECT - its figures, into the files; false if it
# failed. If others had the processors meanwhile it is run once more, as long as $repeats lasts.
run() {
    run_once "$@"
    if [ -z "$signal$why" ] && [ "${others:-0}" -gt "$others_most" ] && [ "$repeats" -gt 0 ] &&
        [ "$4" != highest ]; then # a search has repeated its steps itself
        repeats=$((repeats - 1))
        run_once "$@"
    fi
    [ -z "$signal" ] || return 1 # a run that was cut short has no figures
    record "$@"
}

run_once() {
    why=
    limited=
    look >"$tmp/before" || :
    # shellcheck disable=SC2086 # several words
    if start_server "$3"; then
        sleep "$settle" || : # its children are ready some time after its first line
        [ -z "$beside" ] || hold "$@"
        "$BIN/client" -p "$port" -o json $6 >"$tmp/client" 2>"$tmp/client.err" &
        client=$!
        sampled=
        [ "$4" != memory ] || sample "$server"
        await_client
        client_status=$status
        [ -z "$beside" ] || let_go "$@"
        [ "$status" -ne 4 ] || limited=yes # by this machine, not by the server
        stop_server || why="the server ended with status $status$(its_words)"
        if [ "$client_status" -gt 4 ] || [ "$client_status" -eq 2 ] || [ ! -s "$tmp/client" ]; then
            why="the client ended with status $client_status: $(sed 1q "$tmp/client.err")"
        fi
    fi
    look_again
}

# look - the processor time that all have used, where there is /proc/stat, and that of this script
# with the servers and clients that have ended.
look() {
    read -r all </proc/stat && echo "$all" && times
} 2>/dev/null

# look_again - after look >"$tmp/before": sets $others.
look_again() {
    look >"$tmp/after" || :
    others=$(awk -v tick_s="$(getconf CLK_TCK)" -f "$lib/others.awk" "$tmp/before" "$tmp/after") ||
        [ -n "$signal" ] || fail "awk has failed at $lib/others.awk"
}

# record, with the same arguments - the figures of the reports in $tmp.
record() {
    sed -n '$p' "$tmp/server" >"$tmp/server.json"
    [ -z "$why" ] || : >"$tmp/client"
    outcome=0
    awk -f "$lib/json.awk" -f "$lib/figures.awk" -v round="$1" -v row="$2" -v name="$4" \
        -v x="$5" -v expect="$7" -v why="$(plain "$why")" -v words="$(plain "$(its_words)")" \
        -v startup="$(startup_of "$1" "$3")" -v sampled="$sampled" -v others="$others" \
        -v limited="$limited" -v children="$out/$tool-children.csv" \
        "$tmp/client" "$tmp/server.json" >>"$out/$tool-runs.csv" || outcome=$?
    case $outcome in
    0) return 0 ;;
    1) ;;
    4) [ "$tool" != scale ] || return 1 ;; # scale looks for limits: this machine's is a result
    *) fail "cannot write the figures of $2, $4 into $out" ;;
    esac
    case $3 in sketch*) ;; *) failed=$((failed + 1)) ;; esac # that a sketch fails is a result
    return 1
}

# startup_of ROUND SERVER - what startup.awk says of starting and stopping it without a client. That
# is measured once a round and taken off the other runs: from this round, or from an earlier one if
# it failed in this; nothing if it is not known.
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

# start_only ROUND ROW SERVER [X] - starts and stops the server, and records the cost as a figure.
start_only() {
    start_and_stop "$3"
    [ -z "$signal" ] || return 1
    record "$1" "$2" "$3" startup "${4:-}" '' all || return 1
    keep_startup "$1" "$3"
}

# start_once ROUND SERVER - the same where the cost is not known; it is no figure.
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
    others=
    : >"$tmp/client"
    if start_server "$1"; then
        sleep "$settle" || :
        sleep 0.05 || :
        stop_server || why="the server ended with status $status$(its_words)"
    fi
}

# keep_startup ROUND SERVER [FILE] - from its statistics.
keep_startup() {
    awk -f "$lib/json.awk" -f "$lib/startup.awk" "${3:-$tmp/server}" \
        >"$(startup_file "$1" "$2")" || fail "cannot write into $tmp"
}

# --- memory ------------------------------------------------------------------------------------

# sample PID - sets $sampled to "PRIVATE_KIB PROCESSES" of the process and its children, the largest
# of the samples while the client is at work; without smaps_rollup PRIVATE_KIB is "-".
sample() {
    : >"$tmp/samples"
    looks=20
    while kill -0 "$client" 2>/dev/null && [ "$((looks -= 1))" -ge 0 ]; do
        sleep 0.15 || :
        memory_of "$1" 'Private_(Clean|Dirty)' >>"$tmp/samples"
    done
    sampled=$(sort -n "$tmp/samples" | sed -n '$p')
}

# memory_of PID WHICH - "KIB PROCESSES": the sum of these lines of smaps_rollup, or "-" without it.
memory_of() {
    family "$1" >"$tmp/family"
    while read -r pid; do
        cat "/proc/$pid/smaps_rollup" || : # a zombie has none, and others go on
    done <"$tmp/family" 2>/dev/null | awk -v which="^$2:" -v processes="$(wc -l <"$tmp/family")" '
        $0 ~ which { sum += $2; known = 1 }
        END { print (known ? sum : "-"), processes + 0 }'
}

# --- all runs ----------------------------------------------------------------------------------

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
                if (server[r] ~ /^sketch/ && options[l] ~ /-W/) continue # it would do no work
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

# describe_plan - writes the rows and loads into the results.
describe_plan() {
    while IFS='|' read -r usual row line; do
        echo "$row,$(plain "$line"),$usual"
    done <"$tmp/rows" >>"$out/$tool-rows.csv"
    awk -F'|' '{ print $1 "," $6 "," $7 "," $5 "," $4 }' "$tmp/loads" >>"$out/$tool-loads.csv"
}

# run_all - runs the plan. `one ROUND ROW SERVER LOAD OPTIONS EXPECT X`, a run, is a function of the
# tool.
run_all() {
    plan >"$tmp/plan"
    total=$(wc -l <"$tmp/plan")
    done=0 spent=0 runs_began=$(date +%s)
    left=$(awk -F'|' '{ sum += $5 } END { print sum }' "$tmp/plan")
    repeats=$((total / 4 + 1))
    while IFS='|' read -r round load x expect weight row server_line options <&3; do
        [ -z "$signal" ] || return 0
        show_progress
        one "$round" "$row" "$server_line" "$load" "$options" "$expect" "$x" || :
        done=$((done + 1)) spent=$((spent + weight)) left=$((left - weight))
    done 3<"$tmp/plan"
}

# The weights say how long a run takes on a quick machine; of each, 0.2 s are for starting and
# stopping, and these last ten times as long on a slow one. So they are measured: by the first runs.
show_progress() {
    soon=
    if [ "$done" -ge 6 ] || [ $((4 * done)) -gt "$total" ]; then
        fixed=$((($(date +%s) - runs_began) * 10 - spent + 2 * done)) # for them, so far, in 0.1 s
        [ "$fixed" -gt 0 ] || fixed=0
        seconds=$(((left - 2 * (total - done) + fixed * (total - done) / done) / 10))
        soon=", about $(duration $seconds) left"
        if [ -z "$promised" ] && [ "$seconds" -gt 10 ]; then
            progress
            echo "$tool: $total runs, which will take about $(duration $seconds)" >&2
        fi
        promised=yes
    fi
    progress "round $round of $rounds, run $((done + 1)) of $((total))$soon: $row, $load${x:+ $x}"
}

# begin - makes $tmp, and keeps a copy of the old figures of -a: the new ones may overwrite them.
begin() {
    make_tmp
    [ -z "$against" ] || cp "$against" "$tmp/old.csv" || fail "cannot read $against"
}

# prepare ROWS - makes the files and the plan of all runs. `loads` is a function of the tool.
prepare() {
    # shellcheck disable=SC2046 # the names have no blanks
    check_programs client limits $(echo "$1" | sed 's/.*|//; /^rival /d; s/ .*//' | sort -u)
    begin
    echo "$1" >"$tmp/rows"
    loads >"$tmp/loads"
    open_results
    describe_plan
}

# finish - after run_all.
finish() {
    if [ -n "$signal" ]; then
        about interrupted
    else
        about complete
    fi
    show_results
    [ "$failed" -eq 0 ] || echo "$tool: $failed of $total runs failed: see above" >&2
    leave $((failed > 0))
}

# show_nothing_new - with -n: shows the results that $out has, and leaves.
show_nothing_new() {
    [ -n "$nothing" ] || return 0
    [ -s "$out/$tool-runs.csv" ] || fail "there are no results in $out: leave out -n"
    begin
    show_results
    leave 0
}

# show_results - makes and prints the medians, the tables and the report. `tables`, which writes
# $out/$tool.txt, is a function of the tool. (Only compare measures the limits of the machine.)
show_results() {
    [ -f "$out/limits.csv" ] || echo name >"$out/limits.csv"
    awk -f "$lib/list.awk" -f "$lib/medians.awk" -v others_most="$others_most" \
        "$out/limits.csv" "$out/$tool-runs.csv" >"$out/$tool.csv" ||
        fail "cannot write $out/$tool.csv"
    tables
    "$root/bench/report" -q -o "$out"
    {
        cat "$out/$tool.txt"
        printf '\nAll of it: %s\n' "$out/report.html"
        echo "The figures: $out/$tool.csv; of each run: $out/$tool-runs.csv"
    } >"$tmp/shown"
    print "$tmp/shown"
}

# table_awk PROGRAM [OPTION...] - runs an awk program of lib/ with the functions that tables need.
table_awk() {
    awk_name=$1
    shift
    awk -v dir="$out" -v others_most="$others_most" -f "$lib/csv.awk" -f "$lib/list.awk" \
        -f "$lib/table.awk" -f "$lib/$awk_name.awk" "$@" ||
        fail "awk has failed at $lib/$awk_name.awk"
}
