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

@test "charts: figures as people read them" {
    ask_lints numbers
}

# A recording that was made up, in a browser.
see_record() { # PART
    needs_browser
    browse "$ROOT/tests/watch/recorded.mjs" "$T/record.html" "$1"
}

@test "page: names, logs and labels from outside are text; nothing overflows, axe has nothing to say" {
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
