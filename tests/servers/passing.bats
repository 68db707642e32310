#!/usr/bin/env bats
# What server04 and server05, both ways, promise alike: a connection that was passed, and that waits
# behind a busy child, is served, whatever becomes of the child or the server.

load ../helpers

# With a queue of four for each child: each of them one after the other.
each_way() { # COMMAND
    local way

    for way in '04_fdpass' '05_spawn_pool -d queued' '05_spawn_pool -d piped -P round-robin' \
        '05_spawn_pool -d piped -P least-loaded'; do
        SERVER=server${way%% *} WAY=${way#"${way%% *}"}
        [[ -d $ROOT/$SERVER ]] || continue
        echo "$way"
        HELPERS=()
        rm -f "$T"/{go,late,working,queued} "$T"/{ready,queued}.*
        "$@"
    done
}

start() { # OPTION...
    # shellcheck disable=SC2086 # options
    start_server -Q 4 -T "$PATIENCE" "$@" $WAY
}

serves_after_kill() {
    start -n 1
    COMPLAINTS='died of signal 9'
    occupy_child gone
    queue 3 500
    kill -s KILL "$CHILD"
    touch "$T/go"
    await_all
    poke -r 8 "$ADDRESS" connect send:'100\n' reply:100 half eof # its successor has room
    stop_server
    counted connections 12
    counted requests 12
    counted children_lost 1
}

@test "connections that a killed child had not begun are served by others" {
    each_way serves_after_kill
}

# What they ask comes late: one that stops with the server would not wait for it.
serves_after_term_to_one() {
    local i

    start -n 1
    COMPLAINTS='left by itself'
    occupy_child eof
    for i in 1 2 3; do
        poke_away "$ADDRESS" connect touch:"$T/queued.$i" until:"$T/late" send:'100\n' reply:100 \
            half eof
    done
    for i in 1 2 3; do
        eventually test -e "$T/queued.$i"
    done
    ask_server
    ask_server # between the two it has accepted and passed them
    kill -s TERM "$CHILD"
    eventually dead "$CHILD"
    touch "$T/go" "$T/late"
    await_all
    stop_server
    [[ $STATUS -eq 0 ]]
    counted requests 4
    [[ $SERVER != server04_* ]] || counted children_lost 0
}

@test "TERM to one child: what it had not begun is served by its successor" {
    each_way serves_after_term_to_one
}

serves_before_the_end() {
    start -n 1 -g "$LIMIT"
    poke_away "$ADDRESS" connect send:'1\n100 0 2000000\n' reply:1 touch:"$T/working" reply:100 eof
    eventually test -e "$T/working"
    queue 3 300
    kill -s TERM "$SERVER_PID"
    await_end
    await_all
    [[ $STATUS -eq 0 ]]
    counted requests 5
    counted broken 0
}

@test "TERM: what is queued is served before the end" {
    each_way serves_before_the_end
}

serves_after_term_to_all() {
    start -n 2 -g "$LIMIT"
    COMPLAINTS='left by itself'
    occupy_child eof
    occupy_child eof
    queue 6 300
    # shellcheck disable=SC2046
    kill -s TERM $(children_of "$SERVER_PID") "$SERVER_PID"
    await_end
    touch "$T/go"
    await_all
    [[ $STATUS -eq 0 ]]
    counted requests 8
    counted broken 0
}

# As a service manager stops whatever belongs to a service; some children have left before the
# parent has heard of it.
@test "TERM to all its processes at once: what is queued is served before the end" {
    each_way serves_after_term_to_all
}

serves_after_term_and_kill() {
    start -n 1 -g "$LIMIT"
    COMPLAINTS='died of signal 9'
    poke_away "$ADDRESS" connect send:'1\n' reply:1 touch:"$T/working" send:'1 0 9000000\n' gone
    eventually test -e "$T/working"
    queue 3 300
    kill -s TERM "$SERVER_PID"
    kill -s KILL "$(children_of "$SERVER_PID" | head -n 1)"
    await_end
    await_all
    [[ $STATUS -eq 0 ]]
    counted connections 4
    counted requests 4
    counted children_started 2
}

@test "TERM, and the only child is killed then: what it had not begun is served all the same" {
    each_way serves_after_term_and_kill
}

serves_although_one_is_busy() {
    start -n 2 -g 4
    COMPLAINTS='died of signal 9|1 child had to be killed|were not served'
    occupy_child send:'1 0 9000000\n' gone
    occupy_child send:'1 0 9000000\n' gone
    touch "$T/go"
    poke_away -k -j 4 "$ADDRESS" connect send:'100\n' silent:500 touch:"$T/queued" reply:100 half \
        eof
    eventually test -e "$T/queued"
    kill -s TERM "$SERVER_PID"
    kill -s KILL "$CHILD"
    await_end
    counted requests -ge 4 # one of each child, and the two that waited for the killed one
    counted children_started 3
}

# Both children are busy for longer than the grace: what waited for the killed one does not wait for
# the other.
@test "TERM, and one of two busy children is killed: what it had not begun is served all the same" {
    each_way serves_although_one_is_busy
}
