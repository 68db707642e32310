# shellcheck shell=sh
# server.sh - starts a server on a free port, awaits it and its client, and stops both.
#
# The one way for all scripts of bench/ and of tests/ to do so. Sourced, with $tool, the script's
# name, and $root, the tree; the programs come from $BIN (default: bin/ of the tree). Then
#
#   make_tmp              makes the directory $tmp and removes it at the end. From here on a signal
#                         ends the client and leaves its name in $signal, for the script to look at
#   start_server 'PROGRAM OPTION...'
#                         true when it listens: then $server is its pid and $port its port. What it
#                         prints is in $tmp/server and $tmp/server.err. False: $why says why
#   "$BIN/client" -p "$port" ... & client=$!; await_client
#                         waits for the client, at most $run_seconds; then $status is the client's
#   stop_server           by TERM; its statistics are the end of $tmp/server. False if it did not
#                         end well: $status says how
#   leave STATUS          ends the script; by $signal, if one has come
#
# --help and --version, anywhere among the script's words, are answered here.
#
# With $through, a function or command, that starts the server: it is given the program and its options.
#
# A sketch (bin/sketch03) starts and stops in the same way: stop_server writes its CPU time, which
# it reads from the /proc of Linux, in place of the statistics, and kills its processes.

BIN=${BIN:-$root/bin}
form=json        # of the server's statistics; or text
ready_seconds=10 # a server needs some milliseconds for that
run_seconds=300  # a load takes seconds; a search, where little is served, minutes
stop_seconds=15  # the servers' own grace is 5
listen_on=0      # the port of a server; 0 lets the kernel choose

tmp=    # directory for what the programs say
out=    # directory of the results, of scripts that have one
locked= # true while $out/.running is ours
server= # pids, while these run
client=
client_signal=TERM # what ends it, if the script is to end
holder= # of scale: the client with the idle connections
watchdog=
signal= # the one that ended the script
said_at=$(date +%s) # when progress() has last written a line where there is no terminal

# --- ending ------------------------------------------------------------------------------------

# make_tmp - and removes it, whatever happens.
make_tmp() {
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/$tool.XXXXXX") || fail 'no temporary directory'
    case $tmp in /*) ;; *) tmp=$PWD/$tmp ;; esac # awk would take a=b/file for an assignment
    for each in HUP INT QUIT PIPE TERM; do
        # shellcheck disable=SC2064 # $each is meant to be expanded now
        trap "signal=$each; end_client" "$each"
    done
    trap clean_up EXIT
}

end_client() {
    [ -z "$client" ] || kill -s "$client_signal" "$client" 2>/dev/null || :
}

clean_up() {
    trap '' HUP INT QUIT PIPE TERM
    progress
    [ -z "$client" ] || { kill -KILL "$client" 2>/dev/null || :; }
    [ -z "$holder" ] || { kill -TERM "$holder" 2>/dev/null || :; }
    [ -z "$server" ] || stop_server || :
    [ -z "$watchdog" ] || unwatch
    [ -z "$locked" ] || rm -rf "$out/.running"
    [ -z "$tmp" ] || rm -rf "$tmp"
}

# leave STATUS - or by the signal that came, so that make and the shell know.
leave() {
    clean_up
    trap - EXIT
    if [ -n "$signal" ]; then
        trap - "$signal"
        kill -s "$signal" $$
        exit 1 # some shells survive QUIT
    fi
    exit "$1"
}

fail() {
    progress
    printf '%s: %s\n' "$tool" "$1" >&2
    exit 1
}

wrong() {
    case $1 in "'-"*) set -- "${1%%:*}: options come before all else" ;; esac
    printf '%s: %s; try -h\n' "$tool" "$1" >&2
    exit 2
}

# --- what is said ------------------------------------------------------------------------------

# show_help - the head of the script.
show_help() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit 0
}

show_version() {
    echo "$tool $(sed -n 's/^#define VERSION "\(.*\)"/\1/p' "$root/common/options.c")"
    exit 0
}

# progress [TEXT] - the line on the terminal, or nothing. Where there is none, a line is written
# every ten seconds.
progress() {
    if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r%s\033[K' "${1:-}" >&2 || :
    elif [ -n "${1:-}" ] && [ $(($(date +%s) - said_at)) -ge 10 ]; then
        said_at=$(date +%s)
        printf '%s: %s\n' "$tool" "$1" >&2 || :
    fi
}

# print FILE - to stdout; if the reader has gone, as head does, there is nothing more to do.
print() {
    progress
    status=0
    cat "$1" || status=$?
    [ "$status" -ne 0 ] || return 0
    [ "$status" -ne 141 ] || signal=PIPE # 128 + its number
    leave 1
}

# its_words - what the server said on stderr, as the end of a sentence.
its_words() {
    if [ -s "$tmp/server.err" ]; then
        printf ': %s' "$(sed 1q "$tmp/server.err")"
    fi
}

# --- one server --------------------------------------------------------------------------------

# name_of SERVER - server03_prefork_accept is called prefork; io_uring is one word.
name_of() {
    name=${1#server[0-9][0-9]_}
    case $name in
    io_uring*) echo io_uring ;;
    *) echo "${name%%_*}" ;;
    esac
}

# check_programs NAME...
check_programs() {
    for each; do
        [ -x "$BIN/$each" ] || fail "there is no program $BIN/$each: 'make' builds it"
    done
}

start_server() {
    : >"$tmp/server"
    : >"$tmp/server.err"
    # shellcheck disable=SC2086 # several words
    case $1 in
    sketch*) exec "$BIN/$1" 0 ;;
    *) ${through:-exec} "$BIN"/$1 -p "$listen_on" -o "$form" ;;
    esac >"$tmp/server" 2>"$tmp/server.err" &
    server=$!
    program=${1%% *}
    turns=$((ready_seconds * 50))
    until read -r line <"$tmp/server"; do
        if ! kill -0 "$server" 2>/dev/null || [ "$turns" -le 0 ]; then
            why="it did not start$(its_words)"
            stop_server || :
            return 1
        fi
        turns=$((turns - 1))
        sleep 0.02 || :
    done
    port=${line%, pid *}
    port=${port##*:}
    # Not before: between fork and exec the shell would swallow the TERM.
    [ -z "$signal" ] || { stop_server || :; return 1; }
}

stop_server() {
    case $program in sketch*) end_sketch ;; esac
    kill -TERM "$server" 2>/dev/null || :
    gone "$server" "$stop_seconds" || kill_family "$server"
    status=0
    wait "$server" 2>/dev/null || status=$?
    server=
    case $program in sketch*) return 0 ;; esac # it was killed
    [ "$status" -eq 0 ]
}

# gone PID SECONDS - true when it has ended, within so long.
gone() {
    turns=$(($2 * 50))
    while kill -0 "$1" 2>/dev/null; do
        [ "$((turns -= 1))" -ge 0 ] || return 1
        sleep 0.02 || :
    done
}

await_client() {
    watch "$client" "$run_seconds"
    while :; do
        wait "$client" 2>/dev/null && status=0 || status=$?
        kill -0 "$client" 2>/dev/null || break
    done
    unwatch
    client=
}

# watch PID SECONDS - kills it if it takes longer than that, until unwatch. (A loop that looks again
# and again would cost processor time, and that is what is measured.)
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

# --- processes ---------------------------------------------------------------------------------

# family PID - the process and all that come from it.
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

# cpu_of PID - the seconds of processor time that the process and all that come from it have used;
# nothing where there is no such /proc. Of a thread that is still there, also of a zombie, schedstat
# has the time in nanoseconds; a process has the sum of its threads, with those that have ended, in
# ticks, and that of the children that it has waited for.
cpu_of() {
    for pid in $(family "$1"); do
        echo "/proc/$pid/stat" "/proc/$pid/task"/*/schedstat
    done | awk -v tick_s="$(getconf CLK_TCK)" '
        function first_line(file,    text) {
            if ((getline text < file) <= 0) text = ""
            close(file)
            return text
        }
        {
            running = 0
            for (i = 2; i <= NF; i++) running += first_line($i) / 1e9
            stat = first_line($1)
            sub(/.*[)] /, "", stat)
            if (split(stat, field, " ") < 15) next
            own = (field[12] + field[13]) / tick_s
            cpu_s += (own > running ? own : running) + (field[14] + field[15]) / tick_s
            known = 1
        }
        END { if (known) printf "%.6f", cpu_s }'
}

# kill_family PID - the process first, or it might start others.
kill_family() {
    family "$1" >"$tmp/family"
    kill -KILL "$1" 2>/dev/null || :
    while read -r each; do
        kill -KILL "$each" 2>/dev/null || :
    done <"$tmp/family"
}

# end_sketch - writes its CPU time and kills all of its processes.
end_sketch() {
    cpu_s=$(cpu_of "$server")
    [ -z "$cpu_s" ] || echo "{\"cpu_user_s\":0,\"cpu_system_s\":$cpu_s}" >>"$tmp/server"
    kill_family "$server"
}

for each; do
    case $each in
    --help) show_help ;;
    --version) show_version ;;
    --against) ;; # of compare
    --?*) wrong "$each: not an option" ;;
    esac
done
