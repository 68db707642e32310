#!/usr/bin/env bats
# Arithmetic that needs no server: small programs in C, which say what is wrong.

load ../helpers

@test "common/pool: pauses before a restart, losses, replacement, by a clock of the test's own" {
    "$BUILD/tests/servers/pool_test"
}

@test "common/channel: full, it makes nobody wait, and loses nothing" {
    "$BUILD/tests/servers/channel_test"
}

@test "common/http: each row of the table in docs/http.md, in any pieces; heads and their dates" {
    "$BUILD/tests/servers/http_test" "$ROOT/docs/http.md"
}

@test "common/ring: bytes in order, wrapped indices, two processes, a peer that lies or leaves" {
    "$BUILD/tests/servers/ring_test"
    "$BUILD/tests/servers/ring_semaphore_test"
}

@test "common/ring: of two threads at the same rings ThreadSanitizer has nothing to say" {
    local compile=("${CC:-cc}" -std=c11 -D_XOPEN_SOURCE=700 -O1 -g -w -fsanitize=thread -pthread)

    echo 'int main(void) { return 0; }' >"$T/probe.c"
    "${compile[@]}" -o "$T/probe" "$T/probe.c" && "$T/probe" || skip 'no ThreadSanitizer here'
    "${compile[@]}" -o "$T/ring_test" "$TESTS/servers/ring_test.c" \
        "$ROOT"/common/{die,scoreboard,sleeper_linux}.c
    "$T/ring_test" threads
}

@test "server08_epoll/clients: old events are nobody's; who is overdue gets one more step" {
    [[ -x $BIN/server08_epoll ]] || skip 'Linux alone has epoll'
    "$BUILD/tests/servers/clients_test_linux"
}

@test "server11_event_workers/workers: a request of which no child has died is not held to it" {
    [[ -x $BIN/server11_event_workers ]] || skip 'server11 is not here'
    "$BUILD/tests/servers/workers_test_11"
}

@test "server13_io_uring/clients: old completions, sends under way at the end, no buffer left" {
    [[ -x $BIN/server13_io_uring ]] || skip 'Linux alone has io_uring'
    "$BUILD/tests/servers/ring_test_linux" 2>"$T/said"
    grep -q 'no place for a connection' "$T/said"
}

@test "client/figures/histogram: against exact sorting" {
    "$BUILD/tests/client/histogram_test"
}

@test "client/ask/gate, client/report/hdr: gates, the values they find, files of a histogram" {
    "$BUILD/tests/client/gate_test"
}

@test "client/report/advice: what it says of figures" {
    "$BUILD/tests/client/advice_test"
}

@test "client/ask/schedule, client/ask/lottery: when connections are due, and which are drawn" {
    "$BUILD/tests/client/plan_test"
}

@test "client/engine/head: heads of HTTP replies, good and bad, wherever they are cut" {
    "$BUILD/tests/client/head_test"
}

@test "client/engine/wait: to the microsecond, and with more descriptors than a set has room for" {
    "$BUILD/tests/client/wait_test"
}

@test "the tests' own JSON checker is strict" {
    local bad

    json <<<'{"a":[1,-2.5e+3,"x\n\u00e9",true,null,{}],"b":{"c":[]}}'
    for bad in '' '{' '{}x' '{"a":01}' '{"a":1,}' '[1,]' "{'a':1}" '{"a":.5}' '{"a" 1}' '{a:1}' \
        '{"a":1.}' '"\x"' 'nul' '{}{}' '{"a":-}' '["a]' '+1'; do
        run ! json <<<"$bad"
    done
    run ! json <<<$'{}\n{}'
    run -0 json a.1 b.c.# 'a.*' <<<'{"a":[1,"zwei"],"b":{"c":[]}}'
    [[ ${lines[*]} == "zwei 0 1 zwei" ]]
    run ! json c <<<'{"a":1}'
}
