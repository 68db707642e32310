#!/usr/bin/env bats
# What server13_io_uring alone claims: who may not have a ring is told why; the kernel does what
# other servers make system calls for; and nothing that is under way is forgotten, or another's.

load ../helpers
load event_loop

SERVER=server13_io_uring

eval "shared_$(declare -f setup)"

setup() {
    shared_setup
    [[ -x $BIN/$SERVER ]] || skip 'Linux alone has io_uring'
}

# --- a kernel that refuses ------------------------------------------------------------------------

# The server as it is where io_uring_setup(), system call 425, fails so; or CALL.
refuses_ring() { # ERROR WHY [CALL]
    run --separate-stderr timeout "$PATIENCE" "$BUILD/tests/helpers/forbid_linux" "${3:-425}" "$1" \
        "$BIN/$SERVER" -p 0
    [[ $status -ne 125 ]] || skip "this kernel has no seccomp filters: $stderr"
    echo "$stderr"
    [[ $status -eq 1 && -z $output && ${#stderr_lines[@]} -eq 1 ]]
    [[ $stderr == "$SERVER: no io_uring: $2: "* ]]
}

@test "a seccomp filter forbids it, or hides it, or the kernel is older: it says which, status 1" {
    if grep -qsx '[12]' /proc/sys/kernel/io_uring_disabled; then
        skip 'the sysctl kernel.io_uring_disabled forbids it already'
    fi
    refuses_ring 1 'a seccomp filter forbids it, as those of many containers do' # EPERM
    refuses_ring 38 'a seccomp filter hides it, or this kernel has none'         # ENOSYS
    refuses_ring 22 "this kernel's is older than Linux 6.1"                      # EINVAL
    # shellcheck disable=SC2016 # no command
    refuses_ring 12 '`ulimit -l` allows this user no more rings, or memory has run out' # ENOMEM
    refuses_ring 24 'the kernel cannot make a ring now'                          # EMFILE
}

# io_uring_enter() and io_uring_register(): who has asked for a ring alone hears of it too late.
@test "a filter forbids one of the other two system calls alone: it says so before it listens" {
    local call

    if grep -qsx '[12]' /proc/sys/kernel/io_uring_disabled; then
        skip 'the sysctl kernel.io_uring_disabled forbids it already'
    fi
    for call in 426 427; do
        refuses_ring 1 'a seccomp filter forbids it, as those of many containers do' "$call"
        refuses_ring 38 'a seccomp filter hides it, or this kernel has none' "$call"
    done
}

# A file in the place of the sysctl, for this process alone: nobody else is to be without.
@test "the sysctl kernel.io_uring_disabled forbids it: it says so, and its value" {
    local value

    for value in 1 2; do
        echo "$value" >"$T/sysctl"
        # shellcheck disable=SC2016
        run unshare -m sh -c 'mount --bind "$1" /proc/sys/kernel/io_uring_disabled && shift &&
            exec "$@"' sh "$T/sysctl" "$BUILD/tests/helpers/forbid_linux" 425 1 "$BIN/$SERVER" -p 0
        [[ $output != *unshare:* && $output != *mount:* ]] ||
            skip "no file can be put in the place of the sysctl: $output"
        [[ $status -eq 1 && ${#lines[@]} -eq 1 && $output == \
            "$SERVER: no io_uring: the sysctl kernel.io_uring_disabled is $value, which forbids"* ]]
    done
}

# --- fewer system calls ---------------------------------------------------------------------------

# Where all are ready at once, a turn serves many; so the turns are fewer than the requests.
@test "100 clients ask at the same time: fewer system calls than requests" {
    local before child

    start_server -T "$PATIENCE"
    rm -f "$T/go"
    poke_away -j 100 "$ADDRESS" connect send:'33\n' reply:33 until:"$T/go" send:'4096\n' \
        reply:4096 half eof
    eventually server_counts requests 100
    child=$(children_of "$SERVER_PID")
    before=$(json_of wakeups)
    kill -s STOP "$child"
    touch "$T/go"
    pause 0.3
    kill -s CONT "$child"
    await_poke
    stop_server
    counted requests 200
    echo "wake-ups: $before and $(json_of wakeups)"
    # a request, its reply and the end: three completions each, and others would need four calls
    (($(json_of wakeups) - before < 100))
}

@test "the child calls neither accept, read, write nor close for a connection" {
    local calls=accept,accept4,read,recvfrom,recvmsg,write,writev,sendto,sendmsg,close

    command -v strace >/dev/null || skip 'strace is not installed'
    strace -D -qq -o "$T/try" -e trace=none true 2>"$T/why" && [[ ! -s $T/why ]] ||
        skip "strace may not trace here: $(head -n 1 "$T/why")"
    export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" # that does not work in a traced process
    launch strace -D -f -qq -o "$T/log" -e "trace=$calls,io_uring_enter" "$BIN/$SERVER" -p 0 -o json
    await_ready
    served_after
    grep -c . "$T/log" >"$T/before"
    poke -r 50 "$ADDRESS" connect send:'100\n' reply:100 half eof
    tail -n "+$(($(cat "$T/before") + 1))" "$T/log" >"$T/then"
    [[ $(grep -c io_uring_enter "$T/then") -ge 50 ]]
    # one look a second at who waits to be accepted
    [[ $(grep -Ec "(${calls//,/|})\(" "$T/then") -le $((LIMIT)) ]]
    stop_server
}

@test "3000 idle connections do not make the others' dearer" {
    idle_clients_cost_nothing
}

# --- what is under way ----------------------------------------------------------------------------

# What the child has open, when nobody is connected.
note_descriptors() {
    served_after
    eventually at_rest
    BEFORE=$(descriptors_of "$(children_of "$SERVER_PID")")
}

same_as_before() {
    [[ $(descriptors_of "$(children_of "$SERVER_PID")") == "$BEFORE" ]]
}

# Each of them is two submissions at the same look, more than the queue has room for; and those who
# come meanwhile get the numbers of those who go.
@test "-T 1: 1200 silent clients are closed at one look, and their successors are served" {
    ulimit -S -n "$(ulimit -H -n)"
    (($(ulimit -n) >= 4096)) || skip 'the limit on open files is below 4096'
    start_server -T 1
    note_descriptors
    poke_away "$ADDRESS" idle:1200 connect gone
    poke -j 4 -r 300 "$ADDRESS" connect send:'100\n' reply:100 half eof
    eventually server_counts timed_out 1201
    await_poke
    eventually same_as_before
    poke -j 4 -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    counted requests 1601
    counted broken 0
    counted timed_out 1201
}

@test "-T 1: closed while their replies are under way, and nothing stays open" {
    start_server -T 1
    note_descriptors
    hostile_away -j 30 -t 30 unread
    poke -j 2 -r 100 "$ADDRESS" connect send:'100\n' reply:100 half eof
    hostile_ends # for it has no connection any more
    eventually server_counts timed_out 30
    eventually same_as_before
    poke -j 30 "$ADDRESS" connect send:'70000\n' reply:70000 half eof
    stop_server
    counted broken 0
    counted timed_out 30
}

# While it works, the kernel accepts nobody for it; those who come are the other child's.
@test "-n 2: while one child works for long, every other client is served by the other one" {
    start_server -n 2
    occupy_child send:'10 0 2500000\n' reply:10 half eof
    touch "$T/go"
    poke -r 20 "$ADDRESS" connect send:'100\n' reply:100 half eof within:$((250 * LIMIT))
    await_poke
    stop_server
    counted requests 22
}

@test "-n 3: they take turns, each serves" {
    local served

    start_server -n 3
    eventually has_children "$SERVER_PID" 3
    served_after
    poke -r 60 "$ADDRESS" connect send:'100\n' reply:100 half eof
    stop_server
    for served in $(json_of 'children.*.connections'); do
        ((served > 0))
    done
}

@test "while the last replies are sent after TERM, new clients are refused" {
    local children

    for children in 1 3; do
        new_clients_are_refused_after_term -n "$children"
    done
}

@test "nothing that is left in a socket is forgotten" {
    what_is_left_is_served
}

@test "one that asks without end is served, and delays neither others nor limits" {
    who_asks_without_end_delays_none
}
