# shellcheck shell=bash
# What server08_epoll and server13_io_uring both claim: their children serve many clients each in
# one loop. Each function starts the server with the options that it is given.

ns_used() { # CHILD - for 2000 connections, one at a time
    local after before

    read -r before _ <"/proc/$1/schedstat"
    "$BIN/client" -p "$PORT" -c 1 -t 2000 -b 100 -q >"$T/client"
    read -r after _ <"/proc/$1/schedstat"
    NS=$((after - before))
}

# Ten times as many that say nothing: with poll() each turn would cost ten times as much.
idle_clients_cost_nothing() { # [OPTION...]
    local child idle=0 none try

    ulimit -S -n "$(ulimit -H -n)"
    (($(ulimit -n) >= 8192)) || skip 'the limit on open files is below 8192'
    start_server -T 0 "$@"
    served_after
    child=$(children_of "$SERVER_PID")
    [[ -r /proc/$child/schedstat ]] || skip 'this kernel does not say what a process has used'
    ns_used "$child"
    none=$NS
    rm -f "$T/go"
    poke_away -j 3 "$ADDRESS" idle:1000 connect until:"$T/go" send:'33\n' reply:33 half eof
    eventually server_counts connections 5004
    for ((try = 0; try < 3 && (idle == 0 || idle >= 2 * none); try++)); do
        ns_used "$child" # more than once if another program has had the caches meanwhile
        idle=$NS
        echo "$*: $none and $idle ns"
    done
    ((idle < 2 * none))
    touch "$T/go"
    await_poke
}

# Requests that come in one piece are more than is received at once; and the replies more than a
# socket takes at once.
what_is_left_is_served() { # [OPTION...]
    local i pipelined=() text=''

    for ((i = 1; i <= 500; i++)); do
        text+="$((i % 90 + 1))\n"
        pipelined+=(reply:"$((i % 90 + 1))")
    done
    start_server "$@"
    poke "$ADDRESS" connect send:"$text" half "${pipelined[@]}" eof
    poke "$ADDRESS" connect send:"$text" "${pipelined[@]}" send:"$text" "${pipelined[@]}"
    poke -j 3 "$ADDRESS" buffer:4096 connect send:'3000000\n100\n' reply:3000000 reply:100 \
        slow:2:'300000\n33' reply:300000 half reply:33 eof
    poke "$ADDRESS" connect send:'100\nabc\n33\n' fill:100000 reply:100 line:'error: ' eof
    stop_server
    counted requests 1513
    counted rejected 1
    counted broken 0
}

who_asks_without_end_delays_none() { # [OPTION...]
    start_server -T 1 "$@"
    exec 6<>"/dev/tcp/127.0.0.1/$PORT"
    yes 1 >&6 3>&- &
    HELPERS+=($!)
    cat <&6 >/dev/null 3>&- &
    HELPERS+=($!)
    exec 6>&-
    eventually server_counts requests -ge 1000
    poke -r 50 "$ADDRESS" connect send:'1000\n' reply:1000 half eof within:$((750 * LIMIT))
    poke "$ADDRESS" connect mark eof after:800 within:$((200 * LIMIT))
    server_counts timed_out 1
    end_helpers || : # killed
    HELPERS=()
    stop_server
    [[ $STATUS -eq 0 ]]
}

# Nobody listens for them any more.
new_clients_are_refused_after_term() { # [OPTION...]
    rm -f "$T/go" "$T/working"
    start_server -i "$OWN_HOST" -g "$PATIENCE" "$@"
    poke_away "$ADDRESS" buffer:4096 connect send:'1\n4194304\n' reply:1 more \
        touch:"$T/working" until:"$T/go" reply:4194304 eof
    eventually test -e "$T/working"
    kill -s TERM "$SERVER_PID"
    eventually poke "$ADDRESS" refused
    touch "$T/go"
    await_poke
    await_end
    [[ $STATUS -eq 0 ]]
    counted broken 0
}
