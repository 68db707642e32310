#!/usr/bin/env bats
# The page of bin/watch: what it says of snapshots, without a browser; and all of it in Chromium.

load ../helpers

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
