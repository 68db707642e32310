#!/usr/bin/env bats
# What others on the same machine may do to a server, and see of it: the file of its Unix socket,
# its shared memory, and what it prints of bytes that came from elsewhere. (What every server
# promises about its Unix socket while nobody means harm is in contract.bats.)

load ../helpers

SERVERS=("$ROOT"/server[0-9][0-9]_*)
SERVERS=("${SERVERS[@]##*/}")
NOBODY=65534

# A directory that every user may enter, with the programs in it; the suite's own are private.
open_place() {
    ELSEWHERE=$(mktemp -d /tmp/tests.XXXXXX)
    chmod 755 "$ELSEWHERE"
    cp "$BIN"/server0* "$BIN"/handler_* "$TOOLS/poke" "$ELSEWHERE"
    PLACE=$ELSEWHERE/place
    mkdir "$PLACE"
}

as_nobody() {
    setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups "$@"
}

need_root() {
    [[ $(id -u) -eq 0 ]] || skip 'only root can be another user too'
}

served() { # PATH
    poke "$1" connect send:'100\n' reply:100 half eof
}

# In one line, that names the path, and the file is what it was.
is_refused() { # PATH PATTERN
    local before

    before=$(stat -c '%d %i %F %y' "$1")
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$1"
    echo "$stderr"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "$SERVER: "*"$1"*$2* ]]
    [[ $(stat -c '%d %i %F %y' "$1") == "$before" ]]
}

# The server is gone, and its socket stays behind.
die_leaving() { # PATH
    kill -s KILL "$SERVER_PID"
    await_end
    eventually nothing_marked
    [[ -S $1 ]]
}

# --- whose socket it is ---------------------------------------------------------------------------

@test "a Unix socket's permissions are those that the umask leaves" {
    local mask

    for SERVER in "${SERVERS[@]}"; do
        for mask in 022:755 077:700 000:777; do
            umask "${mask%:*}"
            start_server -i "$T/socket"
            umask 022
            [[ $(stat -c %a "$T/socket") == "${mask#*:}" ]]
            stop_server
        done
    done
}

@test "another user can connect if the socket may be written, and its directory entered" {
    need_root
    open_place
    SERVER=server03_prefork_accept
    start_server -i "$PLACE/socket"
    run -1 as_nobody "$ELSEWHERE/poke" "$PLACE/socket" connect
    [[ $output == *'Permission denied'* ]]
    stop_server
    umask 0
    start_server -i "$PLACE/socket"
    as_nobody "$ELSEWHERE/poke" "$PLACE/socket" connect send:'100\n' reply:100 half eof
    chmod 700 "$PLACE"
    run -1 as_nobody "$ELSEWHERE/poke" "$PLACE/socket" connect
    [[ $output == *'Permission denied'* ]]
    served "$PLACE/socket"
    stop_server
    counted connections 2
}

# In a directory like /tmp. Neither the living server's socket nor, when it is dead, what is left.
@test "another user's server cannot take the socket, and root's takes a dead one of another user" {
    need_root
    open_place
    chmod 1777 "$PLACE"
    SERVER=server00_iterative
    umask 0
    start_server -i "$PLACE/socket"
    is_refused_to_nobody 'a server is listening there'
    served "$PLACE/socket"
    die_leaving "$PLACE/socket"
    is_refused_to_nobody 'Operation not permitted'
    rm "$PLACE/socket"
    as_nobody "$ELSEWHERE/poke" -L "$PLACE/socket" "$(type -P true)"
    chown "$NOBODY" "$PLACE/socket.lock"
    [[ -S $PLACE/socket && $(stat -c %u "$PLACE/socket") -eq $NOBODY ]]
    start_server -i "$PLACE/socket"
    [[ $(stat -c %u "$PLACE/socket") -eq 0 ]]
    served "$PLACE/socket"
}

is_refused_to_nobody() { # PATTERN
    local before

    before=$(stat -c %i "$PLACE/socket")
    run -1 --separate-stderr as_nobody timeout $((LIMIT / 2)) "$ELSEWHERE/$SERVER" \
        -i "$PLACE/socket"
    echo "$stderr"
    [[ ${#stderr_lines[@]} -eq 1 && $stderr == *"$PLACE/socket"*"$1"* ]]
    [[ $(stat -c %i "$PLACE/socket") == "$before" ]]
    [[ $(echo "$PLACE"/*) == "$PLACE/socket $PLACE/socket.lock" ]]
}

@test "a living server's socket is not taken while it is stopped, its queue full; nor is it told" {
    for SERVER in "${SERVERS[@]}"; do
        start_server -i "$T/socket" -B 1
        served "$T/socket"
        kill -s STOP "$SERVER_PID" # (server03's children and those of 05 go on)
        is_refused "$T/socket" 'a server is listening there'
        poke "$T/socket" idle:2 touch:"$T/full" until:"$T/go" 3>&- >/dev/null 2>&1 &
        HELPERS+=($!)
        eventually test -e "$T/full"
        is_refused "$T/socket" 'a server is listening there'
        kill -s CONT "$SERVER_PID"
        touch "$T/go"
        wait "${HELPERS[-1]}"
        rm "$T/full" "$T/go"
        served "$T/socket"
        stop_server
        [[ $STATUS -eq 0 ]]
        counted connections 4 # nobody's look was one
        counted broken 0
    done
}

# Who comes too late ends with one line; nobody takes away the socket of who was first.
@test "several servers at once where a dead one's socket is: one of them runs, and can be reached" {
    local i round pids ready late

    for SERVER in server00_iterative server03_prefork_accept; do
        for round in {1..5}; do
            start_server -i "$T/socket"
            die_leaving "$T/socket"
            pids=()
            for i in {1..5}; do
                launch "$BIN/$SERVER" -i "$T/socket" -o json
                pids+=("$SERVER_PID:$OUT:$ERR")
            done
            late=0 ready=0
            for i in "${pids[@]}"; do
                IFS=: read -r SERVER_PID OUT ERR <<<"$i"
                decided() { says "$OUT" 'listening on' || dead "$SERVER_PID"; }
                eventually decided
                if says "$OUT" 'listening on'; then
                    WINNER=$SERVER_PID ready=$((ready + 1))
                else
                    await_end
                    [[ $STATUS -eq 1 && $(wc -l <"$ERR") -eq 1 ]]
                    rm "$ERR"
                    late=$((late + 1))
                fi
            done
            echo "$SERVER, round $round: $ready ready, $late too late"
            [[ $ready -eq 1 && $late -eq 4 ]]
            served "$T/socket"
            SERVER_PID=$WINNER
            stop_server
            counted connections 1
            [[ $STATUS -eq 0 && -z $(find "$T" -name 'socket*') ]]
        done
    done
}

# --- what is not its own --------------------------------------------------------------------------

@test "a link, to nothing or to a living server's socket, is neither followed nor removed" {
    for SERVER in "${SERVERS[@]}"; do
        start_server -i "$T/socket"
        ln -s nothing "$T/dangling"
        ln -s socket "$T/alias"
        for each in dangling alias; do
            run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$T/$each"
            [[ -z $output && $stderr == "$SERVER: $T/$each: exists and is not a socket" ]]
            [[ -L $T/$each ]]
        done
        [[ ! -e $T/nothing && -S $T/socket ]]
        served "$T/alias"
        rm "$T/dangling" "$T/alias"
        stop_server
    done
}

@test "what has taken the socket's place while the server ran is not removed at its end" {
    for SERVER in "${SERVERS[@]}"; do
        start_server -i "$T/socket"
        rm "$T/socket"
        poke -L "$T/socket" "$(type -P true)"
        stop_server
        [[ $STATUS -eq 0 && -S $T/socket ]]
        rm "$T/socket"
        start_server -i "$T/socket"
        rm "$T/socket" # and if there is nothing, there is nothing to complain about
        stop_server
        [[ $STATUS -eq 0 ]]
    done
}

@test "the longest path that fits is served, and a dead server's replaced; a byte more is refused" {
    local path

    SERVER=server00_iterative
    path=$T/
    while ((${#path} < 107)); do
        path+=x
    done
    ((${#path} == 107)) || skip "$T is too long for this test"
    start_server -i "$path"
    served "$path"
    die_leaving "$path"
    start_server -i "$path"
    served "$path"
    stop_server
    [[ -z $(find "$T" -name 'xx*') ]]
    run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "${path}x"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == *'at most 107 bytes' ]]
}

@test "PATH.lock: a link is not followed, and a file with something in it is not taken" {
    poke -L "$T/socket" "$(type -P true)"
    echo precious >"$T/file"
    ln -s "$T/file" "$T/socket.lock"
    for SERVER in "${SERVERS[@]}"; do
        run -1 --separate-stderr timeout 10 "$BIN/$SERVER" -i "$T/socket"
        [[ -z $output && ${#stderr_lines[@]} -eq 1 ]]
        [[ $stderr == *"cannot listen on $T/socket: $T/socket.lock: "* ]]
        [[ $(cat "$T/file") == precious && -L $T/socket.lock && -S $T/socket ]]
        mv "$T/file" "$T/socket.lock" # a file of somebody else's
        run -1 --separate-stderr timeout 10 "$BIN/$SERVER" -i "$T/socket"
        [[ -z $output && $stderr == *"$T/socket.lock: exists, and is not a lock" ]]
        mv "$T/socket.lock" "$T/file"
        ln -s "$T/file" "$T/socket.lock"
    done
}

# A process's lock, which no child inherits: it ends with the server, whoever has its socket still.
@test "a path is its server's until that ends, also without the file; then it is free at once" {
    for SERVER in server00_iterative server03_prefork_accept; do
        start_server -i "$T/socket"
        rm "$T/socket"
        run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$T/socket"
        [[ ${#stderr_lines[@]} -eq 1 && $stderr == *"$T/socket: another server has the lock"* ]]
        [[ ! -e $T/socket && -e $T/socket.lock ]]
        kill -s KILL "$SERVER_PID"
        await_end
        start_server -i "$T/socket"
        served "$T/socket"
        stop_server
        [[ $STATUS -eq 0 && -z $(find "$T" -name 'socket*') ]]
    done
}

# --- shared memory and lock files -----------------------------------------------------------------

# The files that a server and its children share in memory, or have open there or from tmpfile().
hidden_files() {
    local pid

    for pid in "$SERVER_PID" $(children_of "$SERVER_PID"); do
        awk '$2 ~ /s$/ { print $6, $7 }' "/proc/$pid/maps" || dead "$pid"
        find "/proc/$pid/fd" \( -lname '/dev/shm/*' -o -lname '/tmp/tmp*' -o -lname '/tmp/#*' \) \
            -printf '%l\n' || dead "$pid"
    done
}

@test "shared memory and lock file have no name, and cannot be opened by another user" {
    local file files variant

    for variant in "${SERVERS[@]}" 'server03_prefork_accept -a lock-file' \
        'server03_prefork_accept -a lock-mutex'; do
        SERVER=${variant%% *}
        # shellcheck disable=SC2086 # options
        start_server ${variant#"$SERVER"}
        served "$ADDRESS"
        files=$(hidden_files)
        echo "$variant: $files"
        [[ -n $files ]]
        # (server13 shares its ring with the kernel.)
        run ! grep -vE '\(deleted\)$|^anon_inode:\[io_uring\]' <<<"$files"
        for file in "/proc/$SERVER_PID/fd"/*; do
            [[ $(readlink "$file") == *'(deleted)' ]] || continue
            [[ $(stat -L -c '%a %h' "$file") == '600 0' ]]
            if [[ $(id -u) -eq 0 ]]; then
                run ! as_nobody cat "$file"
            fi
        done
        [[ -z $(find /dev/shm -newer "$T/cwd" \( -name 'sem.*' -o -name "*$SERVER_PID*" \)) ]]
        kill -s KILL "$SERVER_PID"
        await_end
        eventually nothing_marked
        [[ -z $(find /dev/shm "$T/cwd" "$T/tmp" -name "*$SERVER_PID*") ]]
    done
}

# --- no reset -------------------------------------------------------------------------------------

# docs/protocol.md: unlike over TCP, what is in the buffer can be read, and then comes the end.
@test "-T in a reply: over a Unix socket the client sees end of file, for there is no reset" {
    for SERVER in server02_select server03_prefork_accept; do
        start_server -i "$T/socket" -T 1
        poke_away "$T/socket" connect send:'100000000\n' read:1000 until:"$T/go" cut
        eventually server_counts timed_out 1
        touch "$T/go"
        run ! await_poke
        [[ $output == *'instead of a reset: end of file'* ]]
        stop_server
        [[ $STATUS -eq 0 ]]
        counted requests 0
        rm "$T/go"
    done
}

# --- what reaches a terminal ----------------------------------------------------------------------

# Nothing but printable ASCII and line feeds.
is_plain() { # FILE...
    local file

    for file; do
        if LC_ALL=C grep -n '[^ -~]' "$file" | cat -v | head -n 5 | grep .; then
            echo "in $file"
            return 1
        fi
    done
}

HOSTILE=$'\e]0;title\a\e[2J\e[1;31m\r\b\x7f\x9b5n\xc3\xff'

@test "nothing that a client sends is printed: -v, statistics, warnings" {
    for SERVER in "${SERVERS[@]}"; do
        start_server -o text -v
        poke "$ADDRESS" connect send:'33\n'"$HOSTILE"'\n' reply:33 line:error: eof >"$T/reply"
        poke "$ADDRESS" connect send:"$HOSTILE$HOSTILE$HOSTILE" half line:error: eof >>"$T/reply"
        poke "$ADDRESS" connect send:"100 $HOSTILE" reset
        served "$ADDRESS"
        stop_server
        says "$OUT" '^child .*33 bytes'
        [[ ! -s $ERR ]]
        is_plain "$OUT" "$T/reply"
        [[ $(wc -l <"$T/reply") -eq 2 ]]
    done
}

@test "nor what is in frames, by the handlers that come with this; nor do they send it back" {
    local handler

    for SERVER in server05_spawn_pool server11_event_workers; do
        for handler in handler_clock handler_primes; do
            start_server -o text -v -e "$handler"
            poke "$ADDRESS" connect send:'\0\0\0'$'\x1a'"{\"$HOSTILE" fill:20 line:'error: ' eof \
                >"$T/reply"
            stop_server
            says "$OUT" '^child .*request of 26 bytes'
            is_plain "$OUT" "$ERR" "$T/reply"
        done
    done
}

@test "names and paths of the starter's own are printed so that a line stays a line" {
    local name=$'a\e]0;title\a"b\\\n\xff' handler

    for SERVER in "${SERVERS[@]}"; do
        run -1 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -i "$T/$name/socket"
        [[ ${#stderr_lines[@]} -eq 1 ]]
        is_plain <(echo "$stderr")
        run -2 --separate-stderr timeout $((LIMIT / 2)) "$BIN/$SERVER" -p "$name"
        [[ ${#stderr_lines[@]} -eq 2 ]]
        is_plain <(echo "$stderr")
        mkdir "$T/$name"
        start_server -i "$T/$name/socket"
        [[ $(<"$OUT") == *' on '*'/a?]0;title??b???/socket, pid '[0-9]* ]]
        stop_server
        is_plain "$OUT"
        rmdir "$T/$name"
        ln -s "$BIN/$SERVER" "$T/$name"
        handler=()
        if [[ $SERVER == server05_* ]]; then
            handler=(-e "$BIN/handler_bytes")
        fi
        launch "$T/$name" -p 0 -o json "${handler[@]}"
        await_ready
        stop_server
        echo "$JSON"
        rm "$T/$name"
        is_plain "$OUT" "$ERR"
        [[ $STATUS -eq 0 && $(json_of server) == 'a?]0;title??b???' ]]
    done
}

@test "the client prints a hostile server's error line escaped, in each of its formats" {
    local format

    start_badserver escapes
    for format in text json csv; do
        run -1 --separate-stderr "$BIN/client" -p "$PORT" -c 1 -t 3 -o "$format"
        echo "$output"
        is_plain <(echo "$output$stderr")
        if [[ $format != csv ]]; then
            [[ $output == *title*' no'* ]]
        fi
    done
    end_badserver
}
