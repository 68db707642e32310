# shellcheck shell=bash
# What all test files share. Each helper is named after what it does or waits for; all waiting has
# a limit, and nothing sleeps and hopes. teardown() makes every test end with the same questions:
# is anything left running, has anybody complained, is there a sanitizer's report?

bats_require_minimum_version 1.8.0

# (For each test anew: a process less is a millisecond of processor time.)
TESTS=${BATS_TEST_DIRNAME%/*}
ROOT=${TESTS%/*}
BIN=${BIN:-$ROOT/bin}
BUILD=${BUILD:-$ROOT/build}
[[ $BIN == /* ]] || BIN=$(cd "$BIN" && pwd)
[[ $BUILD == /* ]] || BUILD=$(cd "$BUILD" && pwd)
TOOLS=$BUILD/tests/helpers
if ! [[ -x $TOOLS/poke && -n ${BIN:-} ]]; then
    echo "the programs are not built: tests/run does that, and knows where"
    exit 1
fi
# Seconds, more of them on a slow or busy machine: what should end soon ends within a part of LIMIT;
# whatever else would end it takes at least LIMIT; and PATIENCE is for what is waited for.
LIMIT=$((20 * ${SLOWNESS:-1}))
export PATIENCE=$((3 * LIMIT))

PATH=$TOOLS:$PATH

# Where a test's clients go on when its server is gone, it listens on an address of its own: the
# port may be another test's by then. (Linux answers to all of 127.0.0.0/8.)
OWN_HOST=127.0.0.1
if [[ $OSTYPE == linux* ]]; then
    OWN_HOST=127.77.$((BASHPID / 250 % 250 + 1)).$((BASHPID % 250 + 1))
fi

# bats notes before each command where it stands: 0.1 ms each time, more processor time than all
# else. It is enough to look where a command has failed.
note_failure() {
    bats_check_status_from_trap
    [[ -n ${BATS_DEBUG_LAST_STACK_TRACE_IS_VALID:-} ]] || bats_capture_stack_trace
    BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
}

setup() {
    trap - DEBUG
    trap note_failure ERR
    BATS_DEBUG_LAST_STACK_TRACE=() BATS_DEBUG_LASTLAST_STACK_TRACE=()
    T=$BATS_TEST_TMPDIR
    mkdir -m 777 "$T/cwd" "$T/tmp" # server and handlers may be another user's
    SILENCE=$BATS_RUN_TMPDIR/silence # a FIFO into which nobody ever writes
    [[ -p $SILENCE ]] || mkfifo "$SILENCE" 2>/dev/null || [[ -p $SILENCE ]]
    ALL=()        # pids of all servers
    STARTED=()    # the same, empty where a test has awaited the end itself
    HELPERS=()    # pids of what else runs in the background
    COMPLAINTS='' # a pattern of what the servers may say on stderr; '' is nothing at all
    # Into files, whoever starts the program, whatever becomes of its stderr: a child, a client.
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$T/sanitizer"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$T/sanitizer"
    export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$T/sanitizer"
    leave_out_the_impossible
    [[ ${SERVER:-} != server13_* ]] || has_ring || skip "$NO_RING"
}

# Not every kernel, filter or emulator has io_uring for a process; server13 asks before it listens.
has_ring() {
    NO_RING=$("$BIN/server13_io_uring" -i /none/socket 2>&1) || :
    [[ $NO_RING != *'no io_uring: '* ]]
}

# What cannot work with this C library or under this emulator: platforms/portability knows, and why.
leave_out_the_impossible() {
    local file test why

    while IFS='|' read -r file test why; do
        # shellcheck disable=SC2053 # a pattern
        if [[ $BATS_TEST_FILENAME == */"$file".bats && $BATS_TEST_DESCRIPTION == $test ]]; then
            skip "$why"
        fi
    done <"${IMPOSSIBLE:-/dev/null}"
}

# --- processes -----------------------------------------------------------------------------------

# True if the process exists and is no zombie: one whose first thread has ended, but others not yet
# (18th word), is none.
alive() {
    local status

    { read -r status <"/proc/$1/stat"; } 2>/dev/null || return
    status=${status##*) }
    # shellcheck disable=SC2086 # into words
    [[ $status != [ZX]* ]] || { set -- $status && [[ ${18} -gt 1 ]]; }
}

dead() {
    ! alive "$1"
}

# Stops a process, with all its threads: one that is not yet stopped may still take a connection.
suspend() { # PID
    kill -s STOP "$1"
    eventually suspended "$1"
}

suspended() { # PID
    ! cat "/proc/$1/task"/*/stat | grep -vq '^[0-9]* (.*) T '
}

# The pids of a process's children, zombies included, in the order of their birth: in CHILDREN.
find_children() { # PID
    local file pids

    CHILDREN=()
    if [[ -e /proc/$$/task/$$/children ]]; then
        for file in "/proc/$1/task"/*/children; do
            { read -ra pids <"$file"; } 2>/dev/null || :
            CHILDREN+=("${pids[@]}")
        done
    else
        mapfile -t CHILDREN < <(cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" \
            '{ pid = $1; sub(/^.*\) /, ""); if ($2 == parent) print pid }' | sort -n)
    fi
}

children_of() {
    find_children "$1"
    [[ ${#CHILDREN[@]} -eq 0 ]] || printf '%s\n' "${CHILDREN[@]}"
}

zombies_of() {
    local pid

    find_children "$1"
    for pid in "${CHILDREN[@]}"; do
        alive "$pid" || [[ ! -e /proc/$pid ]] || echo "$pid"
    done
}

no_zombies_of() {
    [[ -z $(zombies_of "$1") ]]
}

# True if the first threads of all these processes sleep.
sleep_all() { # PID...
    local pid status

    for pid; do
        { read -r status <"/proc/$pid/stat"; } 2>/dev/null || return
        [[ ${status##*) } == S* ]] || return
    done
}

# Nobody is connected, and nothing starts or ends: server01 has no children, none is a zombie, no
# handler of server05 is starting, server06 has its own two threads, and server11 all its children.
# (A server is ready before its children are there; but it does not sleep until it has forked them.)
at_rest() {
    no_zombies_of "$SERVER_PID" || return
    sleep_all "$SERVER_PID" || return
    find_children "$SERVER_PID"
    sleep_all "${CHILDREN[@]}" || return
    case $SERVER in
    server01_*) has_children "$SERVER_PID" 0 ;;
    server06_*) has_threads "$SERVER_PID" 2 ;;
    server05_*) handlers_are 0 starting ;;
    server11_*)
        ask_server
        has_children "$SERVER_PID" $(($(json_of 'children.#') - 1))
        ;;
    esac
}

has_children() { # PID N
    find_children "$1"
    [[ ${#CHILDREN[@]} -eq $2 ]]
}

# How many threads a process has, the first one too: THREADS. (But not ThreadSanitizer's own.)
count_threads() { # PID
    local tasks=("/proc/$1/task"/*)

    THREADS=${#tasks[@]}
    [[ ${CFLAGS:-} != *sanitize=thread* ]] || THREADS=$((THREADS - 1))
}

has_threads() { # PID N
    count_threads "$1"
    [[ $THREADS -eq $2 ]]
}

# The open descriptors of a server and its children, a line each.
descriptors_of() {
    local pid open

    find_children "$1"
    for pid in "$1" "${CHILDREN[@]}"; do
        open=("/proc/$pid/fd"/*)
        echo "${#open[@]}"
    done
}

# Processor time that a process has used, in ticks (1/100 s here). False if it is gone.
ticks_of() {
    local status

    { read -r status <"/proc/$1/stat"; } 2>/dev/null || return
    # shellcheck disable=SC2086 # into words
    set -- ${status##*) }
    echo $((${12} + ${13}))
}

# Everything that a test has started, also what lost its parent, carries this in its environment:
# the pids, in MARKED. Of all processes only those are asked that may be younger than the test, with
# a greater pid; pids may have begun anew meanwhile, also unseen where the test takes long.
find_marked() {
    local last pid young=()

    read -r _ _ _ _ last </proc/loadavg
    for pid in /proc/[0-9]*; do
        if ((${pid#/proc/} > $$ || last < $$ || SECONDS > 10)); then
            young+=("$pid/environ")
        fi
    done
    mapfile -t MARKED < <(exec grep -lsxz "TEST_MARK=$T" /dev/null "${young[@]}")
    MARKED=("${MARKED[@]//[!0-9]/}")
}

marked() {
    find_marked
    [[ ${#MARKED[@]} -eq 0 ]] || printf '%s\n' "${MARKED[@]}"
}

nothing_marked() {
    find_marked
    [[ ${#MARKED[@]} -eq 0 ]]
}

# --- waiting -------------------------------------------------------------------------------------

# Has somebody called listen() there? The file is there before, since bind().
listens_at() { # SOCKET
    grep -q " 00010000 .* $1\$" /proc/net/unix
}

# What sleep does, without a process of its own: hundreds of tests wait at the same time.
pause() { # SECONDS
    read -rt "$1" <>"$SILENCE" || :
}

# Until the command succeeds, or the test fails. It looks often at first, then less so.
eventually() {
    local end=$((SECONDS + PATIENCE)) turns=0

    until "$@"; do
        if ((SECONDS > end)); then
            echo "in $PATIENCE s not: $*"
            return 1
        fi
        pause "0.0$((++turns < 8 ? turns : 8))"
    done
}

# Until it fails.
ends() {
    ! "$@"
}

# Has the file a line with that? (Without a process: it is asked again and again.)
says() { # FILE PATTERN
    local line lines

    [[ -e $1 ]] || return
    mapfile -t lines <"$1"
    for line in "${lines[@]}"; do
        [[ ! $line =~ $2 ]] || return 0
    done
    return 1
}

now_ms() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# --- servers -------------------------------------------------------------------------------------

# Starts a program in the background in an empty directory: pid in SERVER_PID, output in OUT, ERR.
launch() {
    OUT=$T/out.${#STARTED[@]}
    ERR=$T/err.${#STARTED[@]}
    : >"$OUT"
    (
        cd "$T/cwd" || exit
        export TEST_MARK=$T TMPDIR=$T/tmp
        exec "$@" >"$OUT" 2>"$ERR" 3>&-
    ) &
    SERVER_PID=$!
    STARTED+=("$SERVER_PID")
    ALL+=("$SERVER_PID")
}

# Until the program in the background has said that it listens; ADDRESS and PORT are from there.
await_ready() {
    local end=$((SECONDS + PATIENCE)) line=''

    until read -r line <"$OUT"; do
        if ((SECONDS > end)) || dead "$SERVER_PID"; then
            echo "no ready line from pid $SERVER_PID: $(cat "$OUT" "$ERR")"
            return 1
        fi
        pause 0.01
    done
    ADDRESS=${line#* listening on }
    ADDRESS=${ADDRESS%, pid *}
    PORT=1 # of a Unix socket
    if [[ $ADDRESS != */* ]]; then
        PORT=${ADDRESS##*:}
    fi
}

# Starts $SERVER on a free port with these options and waits until it listens.
start_server() {
    launch "$BIN/$SERVER" -p 0 -o json "$@"
    await_ready
}

# Starts the server so that it can be refused processes and threads: root never is, so as a user of
# its own; with NPROC from the beginning.
start_as_somebody() {
    local program

    AS=()
    if [[ $(id -u) -ne 0 ]]; then
        start_server "$@"
        return
    fi
    AS=(setpriv --reuid $((60000 + BASHPID % 5000)) --clear-groups)
    ELSEWHERE=$(mktemp -d /tmp/tests.XXXXXX) # for this user may not enter bats' own
    chmod 755 "$ELSEWHERE"
    for program in "$BIN/$SERVER" "$BIN"/handler_*; do # a distributor needs its handlers
        [[ ! -e $program ]] || cp "$program" "$ELSEWHERE"
    done
    launch "${AS[@]}" ${NPROC:+prlimit --nproc="$NPROC:"} "$ELSEWHERE/$SERVER" -p 0 -o json "$@"
    await_ready
}

limit_processes() {
    "${AS[@]}" prlimit --pid "$SERVER_PID" --nproc="$1:"
}

# Fills the pipe in which standard output ends, and of which descriptor 5 is the other end.
fill_pipe() {
    timeout 1 cat /dev/zero >&5 || :
}

# Starts $SERVER so.
launch_into_pipe() { # OPTION...
    mkfifo "$T/pipe"
    exec 5<>"$T/pipe"
    (
        export TEST_MARK=$T
        exec "$BIN/$SERVER" "$@" 3>&- 5>&-
    ) >"$T/pipe" 2>"$T/err.pipe" &
    SERVER_PID=$!
    ALL+=("$SERVER_PID")
}

# The same of the server with that number.
start_number() { # NN OPTION...
    SERVER=$(basename "$ROOT/server$1"_*)
    shift
    start_server "$@"
}

# Has the server an option -n?
takes_children() {
    "$BIN/$SERVER" -h | grep -Eq '^ *-n N'
}

# Every way to serve that it has: the options.
ways() {
    case $SERVER in
    server03_*) printf -- '-a %s\n' accept select poll lock-file lock-mutex ;;
    server04_*) printf -- '-P %s\n' first round-robin ;;
    server05_*) printf -- '-d %s\n' queued piped ;;
    server08_*) printf -- '-a %s\n' level edge reuseport edge-reuseport ;;
    server09_*) printf -- '-a %s\n' accept mutex queue ;;
    server10_*) printf -- '-a %s\n' accept mutex ;;
    *) echo ;;
    esac
    if [[ $SERVER == server03_* && $OSTYPE == linux* ]]; then
        printf -- '-a %s\n' epoll epoll-exclusive reuseport
    fi
}

# A client like all others gets its reply; and the server has closed the connection.
served_after() {
    poke "$ADDRESS" connect send:'100\n' reply:100 half eof
}

# Waits for a server's end: STATUS, and JSON, its last line.
await_end() {
    local pid=${1:-$SERVER_PID} i

    eventually dead "$pid"
    STATUS=0
    wait "$pid" || STATUS=$?
    for i in "${!STARTED[@]}"; do
        if [[ ${STARTED[i]} == "$pid" ]]; then
            take_json "$T/out.$i"
            STARTED[i]=
        fi
    done
}

stop_server() { # [SIGNAL]
    kill -s "${1:-TERM}" "$SERVER_PID"
    await_end
}

# Statistics of the running server: the JSON line that USR1 makes it print.
ask_server() {
    local lines

    mapfile -t lines <"$OUT"
    kill -s USR1 "$SERVER_PID"
    eventually more_lines "$OUT" "${#lines[@]}"
    take_json "$OUT"
}

more_lines() { # FILE NUMBER
    local lines

    mapfile -t lines <"$1"
    [[ ${#lines[@]} -gt $2 ]]
}

# The last line of a file is JSON: reads it. (Statistics may also be text.)
take_json() { # FILE
    local lines

    mapfile -t lines <"$1"
    JSON=${lines[*]: -1}
    [[ $JSON != '{'* ]] || read_json
}

# Checks the text in JSON. FIELDS becomes its values, each in a line "PATH VALUE"; "PATH.# N" says
# how many members an object or array has. One process, for however many questions.
read_json() {
    [[ -z $JSON || ${READ_JSON:-} != "$JSON" ]] || return 0
    READ_JSON=
    FIELDS=$(json -a <<<"$JSON") || return
    FIELDS=$'\n'$FIELDS$'\n'
    READ_JSON=$JSON
}

# Prints parts of the statistics, by paths such as children.0.pid; * is each member. Fails if a path
# leads nowhere.
json_of() { # PATH...
    local found line lines path

    read_json || return
    for path; do
        found=
        if [[ $path != *'*'* ]]; then
            [[ ! $FIELDS =~ $'\n'"$path "([^$'\n']*$'\n') ]] || found=${BASH_REMATCH[1]}
        else
            mapfile -t lines <<<"$FIELDS"
            for line in "${lines[@]}"; do
                # shellcheck disable=SC2053 # a pattern
                [[ $line != ${path//\*/+([^.#])}\ * ]] || found+=${line#* }$'\n'
            done
        fi
        printf %s "$found"
        [[ -n $found ]] || return
    done
}

# Is it so, of fields of the report? `true_of '$1 <= $2 && $3 > 0' a b c`
true_of() { # CONDITION FIELD...
    local condition=$1 values

    shift
    values=$(json_of "$@") || return 1
    if ! paste -sd' ' <<<"$values" | awk "{ exit !($condition) }"; then
        echo "not so: $condition, of $*: $(paste -sd' ' <<<"$values")"
        return 1
    fi
}

# Are the statistics so? `counted connections 3` or `counted connections -ge 3`
counted() {
    local value

    read_json
    [[ $FIELDS =~ $'\n'"$1 "([^$'\n']*) ]]
    value=${BASH_REMATCH[1]}
    if [[ $# -eq 2 ]]; then
        set -- "$1" -eq "$2"
    fi
    if ! test "$value" "$2" "$3"; then
        echo "$1 is $value, and not $2 $3: $JSON"
        return 1
    fi
}

# The same of the running server, as it comes to be.
server_counts() {
    ask_server && counted "$@" >/dev/null
}

# How many of server05's handlers are in a state: handlers_are 3 idle
handlers_are() { # N STATE
    ask_server
    [[ $(grep -Ec "^handlers\.[0-9]+\.state $2\$" <<<"$FIELDS") -eq $1 ]]
}

byte_of() { # N
    case $1 in
    0) printf '\\0' ;;
    10) printf '\\n' ;;
    92) printf '\134\134' ;;
    *) printf %b "\\x$(printf %02x "$1")" ;;
    esac
}

# A frame's length, as poke sends it; below 16 MiB.
length_of() { # N
    printf '\\0%s%s%s' "$(byte_of $(($1 / 65536)))" "$(byte_of $(($1 / 256 % 256)))" \
        "$(byte_of $(($1 % 256)))"
}

# Runs poke in the background against the server; its pid is in POKE.
poke_away() {
    poke "$@" >"$T/poke.${#HELPERS[@]}" 2>&1 3>&- &
    POKE=$!
    HELPERS+=("$POKE")
}

# Waits for it; fails as it did.
await_poke() { # [PID]
    local pid=${1:-$POKE} status=0

    eventually dead "$pid"
    wait "$pid" || status=$?
    if ((status != 0)); then
        cat "$T"/poke.*
    fi
    return $status
}

# An attack of poke in the background against the server; its pid is in HOSTILE, and what it says in
# $T/hostile.
hostile_away() { # OPTION... ATTACK
    : >"$T/hostile"
    poke -d 60 "${@:1:$#-1}" -a "${!#}" "$ADDRESS" >"$T/hostile" 2>&1 3>&- &
    HOSTILE=$!
    HELPERS+=("$HOSTILE")
    eventually says "$T/hostile" 'in place'
}

# Waits for its end, of itself or with a signal; then prints parts of its report.
hostile_ends() { # [SIGNAL]
    [[ $# -eq 0 ]] || kill -s "$1" "$HOSTILE"
    eventually dead "$HOSTILE"
    wait "$HOSTILE"
}

hostile_says() { # FIELD...
    tail -n 1 "$T/hostile" | json "$@" | paste -sd' '
}

# --- processes of the server ---------------------------------------------------------------------

# A connection in the background that has been served once; the child's pid is in CHILD. It asks
# once more when $T/go exists, and then takes these steps.
occupy_child() { # STEP...
    local ready=$T/ready.${#HELPERS[@]}

    poke_away "$ADDRESS" connect send:'33\n' reply:33 who touch:"$ready" until:"$T/go" "$@"
    eventually test -e "$ready"
    read -r _ _ _ CHILD <"$T/poke.$((${#HELPERS[@]} - 1))"
}

# So many connections that wait in silence behind busy children. (Each says so in a file of its own:
# where the machine is busy the last begins when the first has long waited.)
queue() { # N MS STEP...
    local i

    for ((i = 1; i <= $1; i++)); do
        poke_away "$ADDRESS" mark connect send:'100\n' silent:"$2" touch:"$T/queued.$i" reply:100 \
            "${@:3}" half eof
    done
    for ((i = 1; i <= $1; i++)); do
        eventually test -e "$T/queued.$i"
    done
}

await_all() {
    for POKE in "${HELPERS[@]}"; do
        await_poke
    done
}

# The processes that have the listening socket.
acceptors() {
    local inode pid

    inode=$(awk -v port="$(printf ':%04X' "$PORT")" \
        '$2 ~ port "$" && $4 == "0A" { print $10; exit }' /proc/net/tcp) # the listeners come first
    find_children "$SERVER_PID"
    for pid in "$SERVER_PID" "${CHILDREN[@]}"; do
        if find "/proc/$pid/fd" -lname "socket:\[$inode\]" 2>/dev/null | grep -q .; then
            echo "$pid"
        fi
    done
}

limit_descriptors() { # SOFT PID...
    local limit=$1 pid

    shift
    for pid; do
        prlimit --pid "$pid" --nofile="$limit:"
    done
}

# A hundred connections, four at a time.
serve_some() {
    poke -j 4 -r 25 "$ADDRESS" connect send:'100\n' reply:100 half eof
}

# Each child is killed, and then there are as many again.
kill_each_child() {
    local child children

    mapfile -t children < <(children_of "$SERVER_PID")
    for child in "${children[@]}"; do
        kill -s KILL "$child"
        eventually says "$ERR" "pid $child, died of signal 9"
        eventually has_children "$SERVER_PID" "${#children[@]}"
        serve_some
    done
}

# kill -9 of the parent: its children leave within two seconds, and the port, on OWN_HOST, is free.
orphans_leave() {
    local start

    start=$(now_ms)
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    (($(now_ms) - start < 250 * LIMIT))
    poke "$OWN_HOST:$PORT" refused
}

# Four connections are open, and the parent has a descriptor for none of them.
parent_holds_none() {
    local before

    before=$(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l)
    poke_away "$ADDRESS" idle:4 touch:"$T/open" until:"$T/go"
    eventually test -e "$T/open"
    eventually server_counts connections 4
    [[ $(find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l) -eq $before ]]
    touch "$T/go"
    await_poke
    rm "$T/open" "$T/go"
}

# --- the end of each test ------------------------------------------------------------------------

complain() {
    echo "# teardown: $*"
    PROBLEMS=1
}

end_helpers() {
    local pid

    for pid in "${HELPERS[@]}"; do
        if alive "$pid"; then
            kill -s KILL "$pid" 2>/dev/null
        fi
        wait "$pid" 2>/dev/null
    done
}

end_servers() {
    local pid

    for pid in "${STARTED[@]}"; do
        [[ -n $pid ]] || continue
        kill -s TERM "$pid" 2>/dev/null
        if ! eventually dead "$pid"; then
            complain "server $pid did not stop"
            kill -s KILL "$pid"
        fi
        wait "$pid" || complain "server $pid ended with status $?"
    done
    eventually nothing_marked || {
        complain "left running: ${MARKED[*]}"
        kill -s KILL "${MARKED[@]}"
    }
}

# It is the last: from here on a pattern that nothing matches is no word.
look_at_remains() {
    local file pid remains

    shopt -s nullglob dotglob
    for file in "$T"/err.*; do
        [[ -s $file ]] || continue
        if [[ -z $COMPLAINTS ]] || grep -Evq -- "$COMPLAINTS" "$file" ||
            grep -Eq 'Sanitizer|runtime error:' "$file"; then
            complain "$file: $(head -c 2000 "$file")"
        fi
    done
    for file in "$T"/sanitizer*; do
        complain "$(head -c 4000 "$file")"
    done
    remains=("$T"/cwd/* "$T"/tmp/*)
    for pid in "${ALL[@]}"; do
        remains+=(/dev/shm/*".$pid".*)
    done
    if [[ ${#remains[@]} -gt 0 ]]; then
        complain "left behind: ${remains[*]}"
    fi
}

teardown() {
    PROBLEMS=
    end_helpers
    end_servers
    [[ -z ${ELSEWHERE:-} ]] || rm -r "$ELSEWHERE"
    look_at_remains
    [[ -z $PROBLEMS ]]
}

# --- the client ----------------------------------------------------------------------------------

start_badserver() { # HOW [EVERY]
    launch "$TOOLS/badserver" "$@"
    await_ready
}

# The badserver has no end of its own; the rest of the suite's servers say goodbye.
end_badserver() {
    kill -s KILL "$SERVER_PID"
    await_end
}

# Runs the client with a JSON report: STATUS, JSON. What always holds is checked at once.
ask_client() { # OPTION...
    STATUS=0
    timeout -k 5 $((5 * LIMIT)) "$BIN/client" -p "$PORT" -T "$LIMIT" -o json "$@" \
        >"$T/report" 2>"$T/stderr" || STATUS=$?
    take_json "$T/report"
    echo "status $STATUS"
    cat "$T/stderr"
    check_identity
}

check_identity() {
    local each x

    mapfile -t x < <(json_of scheduled completed failed unsent 'errors.*')
    [[ ${#x[@]} -gt 4 && ${x[0]} -eq $((x[1] + x[2] + x[3])) ]] # fewer: there is no report
    for each in "${x[@]:4}"; do
        ((x[2] -= each, 1))
    done
    [[ ${x[2]} -eq 0 ]]
}

# One that serves several clients at a time, as many as -n says, blocked or not.
some_server() {
    SERVER=$(cd "$ROOT" && grep -l '^  -n N\|"  -n N' server[0-9][0-9]_*/*.c | tail -n 1)
    SERVER=${SERVER%%/*}
}

# In the background, with requests without end.
client_away() {
    launch "$BIN/client" -p "$PORT" -o json "$@"
    CLIENT=$SERVER_PID
    eventually ends has_children "$CLIENT" 0
}

# A usage error: nothing on stdout, on stderr one line with what is named and one with the hint.
# (What `run --separate-stderr` does, at a third of its cost: there are a thousand of these.)
refused() { # PROGRAM NAMED ARGUMENT...
    local program=$1 named=$2 status=0

    shift 2
    timeout $((LIMIT / 2)) "$BIN/$program" "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
    mapfile -t stderr_lines <"$T/stderr"
    echo "$program $*: status $status, ${stderr_lines[*]}"
    [[ $status -eq 2 && ! -s $T/stdout && ${#stderr_lines[@]} -eq 2 ]]
    [[ ${stderr_lines[0]} == "$program: "*"$named"* ]]
    [[ ${stderr_lines[1]} == "$program: "*"-h"* ]]
}

# One of the client's that names all this.
not_allowed() { # NAMED OPTION...
    local named=$1

    shift
    refused client "$named" -p 1 "$@"
}

# A usage error that names all this and gives that example: as not_allowed, but for long lists.
refuses() { # NAMED EXAMPLE OPTION...
    local example=$2 named=$1 status=0

    shift 2
    "$BIN/client" -p 1 "$@" >"$T/stdout" 2>"$T/stderr" || status=$?
    mapfile -t LINES_SAID <"$T/stderr"
    [[ $status -eq 2 && ! -s $T/stdout && ${#LINES_SAID[@]} -eq 2 && \
        ${LINES_SAID[0]} == "client: $named"*'; for example '*"$example"* && \
        ${LINES_SAID[1]} == *'client -h'* ]] || {
        echo "status $status:" "$@" "${LINES_SAID[@]}"
        return 1
    }
}

# Of soak and attack, to stderr: a line every ten seconds, which a quick machine does not need.
says_only_how_far() {
    run ! grep -Ev '^(soak|attack): (.*: starting|.* of [0-9]+( connections|: .*)|.*, quiet)$' \
        "$T/stderr"
}

# --- bench/compare, herd, scale and rivals: $TOOL is which, $T/results where ---------------------

# Runs it in the foreground: STATUS, what it said in $T/stdout and $T/stderr.
use_tool() { # OPTION...
    STATUS=0
    mkdir -p "$T/tmp with blanks"
    TMPDIR="$T/tmp with blanks" TEST_MARK=$T "$ROOT/bench/$TOOL" -o "$T/results" "$@" \
        >"$T/stdout" 2>"$T/stderr" 3>&- || STATUS=$?
    echo "status $STATUS"
    cat "$T/stderr" "$T/stdout"
    nothing_in_tmp
}

# A bin/ of symbolic links to the real programs, some of which a test may replace or remove. The
# limits are what they were once; the client does a part of what it is told (but its searches).
own_bin() {
    mkdir "$T/bin"
    ln -s "$BIN"/* "$T/bin"
    fake limits <<END
cd "$BATS_FILE_TMPDIR"
[ -s limits ] || { "$BIN/limits" "\$@" -t 0.01 >limits.new && mv limits.new limits; }
cat limits
END
    fake client <<END
case " \$* " in
*max@*) ;;
*' -t 1000 '*) set -- "\$@" -t 100 ;;
*' -d 0.'*) set -- "\$@" -d $((50 * ${SLOWNESS:-1}))ms ;;
esac
exec "$BIN/client" "\$@"
END
    BIN=$T/bin
    export BIN
}

# A program in it that is a script.
fake() { # NAME, script on stdin
    rm -f "$T/bin/$1"
    {
        echo '#!/bin/sh'
        cat
    } >"$T/bin/$1"
    chmod 755 "$T/bin/$1"
}

# Each of these options or words is refused: one line, and nothing is begun.
refuses_all() { # OPTIONS...
    local given

    for given; do
        # shellcheck disable=SC2086 # words
        use_tool $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && ! -e $T/results ]]
        [[ $(cat "$T/stderr") == "$TOOL: "*"; try -h" ]]
    done
    use_tool -n
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == *'there are no results in'* ]]
}

# It, in the background, until it has recorded so many runs; then a signal.
interrupt_tool() { # SIGNAL RUNS OPTION...
    local signal=$1 wanted=$2

    shift 2
    COMPLAINTS="^$TOOL: (round|runs:) " # how far it is
    launch env BIN="$BIN" "$ROOT/bench/$TOOL" -o "$T/results" "$@"
    eventually runs_recorded "$wanted"
    kill -s "$signal" "$SERVER_PID"
    eventually dead "$SERVER_PID"
    STATUS=0
    wait "$SERVER_PID" || STATUS=$?
    STARTED[-1]=
}

# After that signal: what there was is kept and marked, in text and report, and nothing is left.
kept_and_marked() {
    [[ $STATUS -eq 143 && $(about outcome) == interrupted ]]
    eventually nothing_marked
    nothing_in_tmp
    says "$OUT" 'INTERRUPTED: not all was run'
    grep -iq interrupted "$T/results/report.html"
    [[ ! -e $T/results/.running ]]
}

nothing_in_tmp() {
    [[ -z $(find "$T"/tmp* -mindepth 1) ]]
}

runs_recorded() { # N
    [[ $(grep -c ,run, "$T/results/$TOOL-runs.csv" 2>/dev/null) -ge $1 ]]
}

# One field of a figure's line, or several (6-9): row,load,x,figure,unit,median,min,max,runs,of,why.
figure() { # ROW LOAD FIGURE FIELD [X]
    awk -F, -v row="$1" -v loaded="$2" -v figure="$3" -v x="${5:-}" '
        $1 == row && $2 == loaded && $3 == x && $4 == figure' "$T/results/$TOOL.csv" |
        cut -d, -f"$4"
}

about() { # KEY
    sed -n "s/^$1,//p" "$T/results/$TOOL-about.csv"
}

# The files of a run that was made up; its figures come on stdin:
# round,row,load,x,figure,unit,value,why.
made_up() {
    local files=$T/results/$TOOL

    mkdir -p "$T/results"
    {
        echo round,row,load,x,figure,unit,value,why
        cat
    } >"$files-runs.csv"
    awk -F, 'BEGIN { print "row,server,usual" }
        NR > 1 && !seen[$2]++ { print $2 ",server" $2 ",yes" }' "$files-runs.csv" >"$files-rows.csv"
    awk -F, 'BEGIN { print "load,title,x_name,client,expect" }
        NR > 1 && !seen[$3]++ { print $3 ",the load " $3 ",,-c 5,all" }' "$files-runs.csv" \
        >"$files-loads.csv"
    printf 'key,value\ncommand,made up\nstarted,never\nseconds,1\nrounds,3\noutcome,complete\n' \
        >"$files-about.csv"
    echo round,row,load,x,child,connections >"$files-children.csv"
    printf 'key,value\nsystem,none\n' >"$T/results/machine.csv"
}

# --- bench/cluster -------------------------------------------------------------------------------

# What bench/cluster keeps of its acts, in DIR: one request of 100 lost in each of the acts named.
made_up_acts() { # DIR ACT...
    local act dir=$1 lost

    shift
    mkdir -p "$dir"
    printf '10 1\n20 2\n21 2\n' >"$dir/pids"
    for act in 1 2 3 4 5; do
        lost=0
        [[ " $* " != *" $act "* ]] || lost=1
        echo "$act|the act $act|3 1 7 2" >>"$dir/acts"
        {
            printf '{"scheduled":100,"failed":%d,"unsent":0,"errors":{"reset":%d},' $lost $lost
            echo -n '"response_us":{"count":99,"p50":21500,"p99":30250,"max":40000},"children":['
            echo -n '{"pid":10,"connections":40},{"pid":20,"connections":29},'
            echo '{"pid":21,"connections":30}]}'
        } >"$dir/act.$act"
    done
}

# Its table and sentences: what it ends with.
cluster_table() { # DIR
    awk -v dir="$1" -v copies=2 -f "$ROOT/bench/lib/json.awk" -f "$ROOT/bench/lib/cluster.awk" \
        "$1/acts"
}

# --- watch ---------------------------------------------------------------------------------------

# Starts it on a free port: its pid in WATCH, TOKEN from its page.
start_watch() { # OPTION...
    launch "$BIN/watch" -p 0 "$@"
    await_ready
    WATCH=$SERVER_PID
    ADDRESS=${ADDRESS#http://}
    ADDRESS=${ADDRESS%/}
    PORT=${ADDRESS##*:}
    HOST=127.0.0.1:$PORT
    get /
    [[ $STATUS -eq 200 ]]
    TOKEN=${BODY#*name=\"token\" content=\"}
    TOKEN=${TOKEN%%\"*}
}

# The same with services of this test; the ini file is on stdin.
start_watch_with() { # OPTION...
    cat >"$T/services.ini"
    start_watch -f "$T/services.ini" "$@"
}

# Sends it these bytes (with \r\n) and takes the whole answer: STATUS, HEAD, BODY.
ask_bytes() { # TEXT
    exec 4<>"/dev/tcp/${ADDRESS%:*}/$PORT"
    printf %b "$1" >&4
    HEAD=$(timeout "$PATIENCE" cat <&4 && echo .) # else the end of lines at its end would be lost
    exec 4>&-
    BODY=${HEAD#*$'\r\n\r\n'}
    BODY=${BODY%.}
    BODY=${BODY%$'\n'}
    HEAD=${HEAD%%$'\r\n\r\n'*}
    STATUS=${HEAD#HTTP/1.1 }
    STATUS=${STATUS%% *}
}

get() { # TARGET [FIELD\r\n...]
    ask_bytes "GET $1 HTTP/1.1\r\nHost: $HOST\r\n${2:-}\r\n"
}

# A form, as it stands: FIELDS are what tells where it comes from.
post_form() { # FORM FIELD\r\n...
    local type='Content-Type: application/x-www-form-urlencoded'

    ask_bytes "POST /do HTTP/1.1\r\nHost: $HOST\r\n${2:-}$type\r\nContent-Length: ${#1}\r\n\r\n$1"
}

# As the page does.
post() { # FORM
    post_form "token=$TOKEN&$1" "Origin: http://$HOST\r\n"
}

# It is done; or it is refused, with a line that has PATTERN in it.
does() { # FORM
    post "$1"
    echo "$1: $STATUS $BODY"
    [[ $STATUS -eq 204 && -z $BODY ]]
}

does_not() { # PATTERN FORM
    post "$2"
    echo "$2: $STATUS $BODY"
    [[ $STATUS -eq 400 && $BODY =~ $1 && $BODY != *$'\n'* ]]
}

# What it knows now: in JSON and FIELDS. (Its own answer is one line.)
look() {
    get /status.json
    [[ $STATUS -eq 200 ]]
    JSON=$BODY
    read_json
}

# Parts of what it knows of a service, by its name.
of_service() { # NAME FIELD...
    local field fields=() service=$1

    shift
    look
    [[ $FIELDS =~ $'\n'"services."([0-9]+)".name $service"$'\n' ]] || return
    for field; do
        fields+=("services.${BASH_REMATCH[1]}.$field")
    done
    json_of "${fields[@]}"
}

service_is() { # NAME FIELD VALUE
    [[ $(of_service "$1" "$2") == "$3" ]]
}

service_runs() { # NAME
    service_is "$1" state running
}
