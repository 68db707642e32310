#!/usr/bin/env bats
# The page of bin/watch: what it says of snapshots, without a browser; and all of it in Chromium.

load ../helpers
load ../helpers/browser

# A foreign tool: without it this is skipped, and fails in CI.
needs_node() {
    command -v node >/dev/null || skip "no node here"
}

ask_lints() { # PART
    needs_node
    timeout "$LIMIT" node "$ROOT/tests/watch/lints.mjs" "$1"
}

@test "lints: each is said of the run that shows it, with a section that is there" {
    ask_lints lints
}

@test "lints: nothing is said of what is good, small, or does not last" {
    ask_lints quiet
}

@test "lints: who sits where, and does what" {
    ask_lints seats
}

@test "lints: what happened between two snapshots" {
    ask_lints rates
}

@test "lints: switches that children publish every two seconds" {
    ask_lints ticks
}

@test "charts: figures as people read them" {
    ask_lints numbers
}

# A recording that was made up, in a browser.
see_record() { # PART
    needs_browser
    browse "$ROOT/tests/watch/recorded.mjs" "$T/record.html" "$1"
}

@test "page: what comes from outside is text; nothing overflows, axe has nothing to say" {
    see_record wide
}

@test "page: the same on a telephone, without motion" {
    see_record narrow
}

@test "page: the same in the dark" {
    see_record dark
}

@test "page: a recording is replayed, by keys alone" {
    see_record replay
}

# bin/watch with three services, one that is never ready, and one that cannot be started; and its
# page in a browser.
see_watch() { # PART [FILE]
    needs_browser
    printf '%s\n' '[pool]' 'program = server03_prefork_accept' 'options = -n 3' 'can = hup' \
        'autostart = yes' '[loop]' "program = $BIN/server02_select" '[crew]' \
        'program = server05_spawn_pool' 'options = -n 2 -x 3' 'can = more fewer' 'min = 2' \
        'max = 3' '[mute]' "program = $T/mute" '[absent]' "program = $T/absent" 'restart = yes' \
        >"$T/services.ini"
    printf '%s\n' '#!/bin/sh' 'exec sleep 1000' >"$T/mute"
    chmod 755 "$T/mute"
    set -- "$1" "${2:-}" "$BIN/watch" -g "$LIMIT" -f "$T/services.ini"
    launch "${@:3}" -p 0
    await_ready
    browse "$ROOT/tests/watch/live.mjs" "$1" "$ADDRESS" "${2:-$SERVER_PID}" "${@:3}"
}

@test "page: a child that is killed under load, one that is stopped: both are seen" {
    see_watch children
}

@test "page: the first screen has a model with its seats, and the load; what is opened stays open" {
    see_watch screen
}

@test "page: two models under one load, side by side" {
    see_watch compare
}

@test "page: what is recorded is replayed from a file" {
    see_watch record "$T/record.html"
}

@test "page: a refusal is said, a hidden page has no stream, a lost one is said" {
    see_watch stream
}

@test "page: watch is started anew: the page loads itself anew, and steers that one" {
    see_watch again
}

@test "page: no more and no fewer children than the ini file says" {
    see_watch bounds
}

@test "page: one that never gets ready, or cannot be started, is stopped; a load on it is refused" {
    see_watch odd
}

@test "page: what stands in the address is a model, or nothing" {
    see_watch address
}

@test "page: what fails is told by kind while the load runs" {
    see_watch failures
}
