#!/usr/bin/env bats
# Arithmetic that needs no server: small programs in C, which say what is wrong.

load ../helpers

@test "common/pool: pauses before a restart, losses, replacement, by a clock of the test's own" {
    "$BUILD/tests/servers/pool_test"
}

@test "client/figures/histogram: against exact sorting" {
    "$BUILD/tests/client/histogram_test"
}

@test "client/ask/gate, client/report/hdr: gates, the values they find, files of a histogram" {
    "$BUILD/tests/client/gate_test"
}

@test "client/ask/schedule, client/ask/lottery: when connections are due, and which are drawn" {
    "$BUILD/tests/client/plan_test"
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
