#!/usr/bin/env bats
# What server07_poll alone claims: thousands of connections in one process, in arrays without holes.

load ../helpers

SERVER=server07_poll

@test "3000 connections are open at once; some leave, from all places, and each is served" {
    local i steps=()

    ulimit -S -n "$(ulimit -H -n)"
    (($(ulimit -n) >= 8192)) || skip 'the limit on open files is below 8192'
    start_server -T "$PATIENCE"
    for ((i = 0; i < 20; i++)); do
        steps+=(send:'1000\n' reply:1000)
    done
    poke_away -j 3 "$ADDRESS" idle:500 connect send:'33\n' reply:33 idle:500 touch:"$T/open" \
        until:"$T/go" drop:700 send:'33\n' reply:33 half eof
    eventually server_counts connections 3003
    poke -j 20 "$ADDRESS" connect "${steps[@]}" half eof
    touch "$T/go"
    await_poke
    poke -j 20 "$ADDRESS" connect "${steps[@]}" half eof
    stop_server
    counted connections 3043
    counted requests 806
    counted broken 0
}

@test "clients that reset, or hang up within a reply, end their own connection, and nothing spins" {
    local before

    start_server -T "$PATIENCE"
    poke_away "$ADDRESS" idle:20 connect touch:"$T/open" until:"$T/go" send:'33\n' reply:33 half eof
    eventually test -e "$T/open"
    poke -r 50 "$ADDRESS" connect reset
    poke -r 50 "$ADDRESS" connect send:'16777216\n' more reset
    poke -r 50 "$ADDRESS" connect send:'16777216\n' more half reset
    eventually server_counts broken 100
    before=$(ticks_of "$SERVER_PID")
    pause 1
    (($(ticks_of "$SERVER_PID") - before < 20))
    touch "$T/go"
    await_poke
}

@test "the limit lowered while it runs, below what is open: raised again, and all are served" {
    start_server -T "$PATIENCE"
    poke_away "$ADDRESS" idle:60 connect touch:"$T/open" until:"$T/go" send:'33\n' reply:33 half eof
    eventually test -e "$T/open"
    eventually server_counts connections 61
    limit_descriptors 20 "$SERVER_PID"
    touch "$T/go"
    await_poke
    served_after
}
