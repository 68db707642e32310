#!/usr/bin/env bats
# bench/rivals: what it says of made-up figures, and a quick run of some rivals. Who is the better
# one is not tested: that belongs to a machine.

load ../helpers

TOOL=rivals

# As root, nginx and Apache serve as somebody else, who must get to their files below $T.
let_in() {
    local each=$T

    [[ $EUID -eq 0 ]] || return 0
    while [[ $each == /*/* ]]; do
        chmod a+x "$each"
        each=${each%/*}
    done
}

needs() { # PROGRAM...
    local each

    for each; do
        PATH=$PATH:/usr/sbin command -v "$each" >/dev/null || skip "needs $each"
    done
}

# A PATH that has all programs but these, and what is in $T/fake.
without() { # PROGRAM...
    mkdir -p "$T/path" "$T/fake"
    ln -s /usr/bin/* /bin/* "$T/path" 2>/dev/null || :
    (cd "$T/path" && rm -f "$@")
    PATH=$T/fake:$T/path
}

# A wrk that prints this about a load that it does not make, after so many SECONDS (0.6).
fake_wrk() { # LINE...
    mkdir -p "$T/fake"
    {
        printf '#!/bin/sh\nsleep %s\ncat <<END\n' "${SECONDS_OF_WRK:-0.6}"
        printf '%s\n' ' 50% 100.00us' ' 99% 1.50ms' '2000 requests in 1.00s, 8MB read' \
            "$@" END
    } >"$T/fake/wrk"
    chmod 755 "$T/fake/wrk"
}

# One row under the load hundred, three rounds: one figure of requests/s, or one of each round.
row() { # NAME 'REQUESTS_PER_SECOND...' CPU_US GENERATOR_SHARE
    local each round

    read -ra each <<<"$2 $2 $2"
    for round in 1 2 3; do
        echo "$round,$1,hundred,,run,,1,"
        echo "$round,$1,hundred,,requests_per_second,/s,${each[round - 1]},"
        echo "$round,$1,hundred,,others_share,%,${DISTURBED:-0},"
        echo "$round,$1,hundred,,cpu_us_per_request,us,$3,"
        echo "$round,$1,hundred,,server_share,%,20,"
        echo "$round,$1,hundred,,generator_share,%,$4,"
    done
}

follows() {
    made_up
    printf '%s\n' load,title,x_name,client,expect 'hundred,siege: 100 at a time,,siege,all' \
        >"$T/results/rivals-loads.csv"
    sed -i -e 's/^prefork accept,[^,]*/prefork accept,server03_prefork_accept/' \
        -e 's/^process accept,[^,]*/process accept,server10_process_threads/' \
        "$T/results/rivals-rows.csv"
    use_tool -n
    [[ $STATUS -eq 0 ]]
    FOLLOWS=$(sed -n '/^What follows/,$p' "$T/stdout" | tr '\n' ' ' | sed 's/  */ /g')
}

@test "its sentences come from the figures: the claim, nginx beside, the generator's limit" {
    local each

    follows < <(
        row 'python pool' 4000 180 30 && row 'python forking' 500 2000 30
        row 'python threading' 2000 400 59
        row 'prefork accept' 9000 25 61 && row fork 5000 150 40 && row thread 4500 40 40
        row 'process accept' 9900 75 40
        row 'nginx 1' 8000 30 50 && row 'epoll level' 8000 21 50
        for round in 1 2 3; do
            echo "$round,apache event,hundred,,run,,0,apache is not installed"
        done
    )
    [[ $FOLLOWS == *"The claim, from the page of Python's PooledProcessMixIn"*'siege -b -c 100'* ]]
    [[ $FOLLOWS == *'python pool beside python forking: 4,000 requests/s against 500, a '* ]]
    [[ $FOLLOWS == *'500, a factor of 8.0: true here; beside python threading: 4,000 '* ]]
    [[ $FOLLOWS == *'prefork accept beside fork: 25.0 us of CPU per request against 150 '* ]]
    [[ $FOLLOWS == *"150 (requests/s is siege's limit), a factor of 6.0: true here of CPU; "* ]]
    [[ $FOLLOWS == *'limit), a factor of 1.6: not true here of CPU. - hundred: process '* ]]
    [[ $FOLLOWS == *'process accept beside fork: 9,900 requests/s'*'2.0: not true here; beside'* ]]
    [[ $FOLLOWS == *'epoll) takes 21.0 us'*'one worker 30.0 us: 0.70 times as much.'* ]]
    [[ $FOLLOWS == *"its limit rather than the server's: prefork accept."* ]]
    [[ $FOLLOWS == *'Not installed, so not measured: apache event.'* ]]
    run ! grep -q '^apache' "$T/stdout"
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 80 ]]
    for each in 50 54 58; do # a name is not broken
        COLUMNS=$each use_tool -n
        run ! grep -E ' (apache|nginx|prefork|python)$' "$T/stdout"
    done
}

@test "which of two rows is ahead is said only of three rounds, and if their ranges lie apart" {
    local many='1800 2000 2200'

    follows < <(
        row 'python pool' "$many" 1 1 && row 'python forking' 1000 1 1
        row 'python threading' '900 1700 1850' 1 1
    )
    [[ $FOLLOWS == *'against 1,000, a factor of 2.0 (1.8 to 2.2): not decided in this run; '* ]]
    [[ $FOLLOWS == *'against 1,700, not decided in this run (the ranges overlap).'* ]]
    [[ $FOLLOWS != *'limit rather'* && $FOLLOWS != *true* ]]
    follows < <(
        row 'python pool' "$many" 1 1 && row 'python threading' 900 1 1 | grep -v ^3
        DISTURBED=11 row 'python forking' 890 1 1 && row 'nginx 1' 1 3 1 | grep -v ^3
        row 'epoll level' 1 2 1
    )
    [[ $FOLLOWS == *'against 890, a factor of 2.2: true here (disturbed: ~); beside python t'* ]]
    [[ $FOLLOWS == *'against 900, not decided in this run (of 2 runs).'* ]]
    [[ $FOLLOWS == *'3.0 us: which takes less is not decided in this run (of 2 runs).'* ]]
}

@test "memory and processes are those under the load, or there are none" {
    needs nginx python3
    let_in
    SECONDS_OF_WRK=2 fake_wrk
    PATH=$T/fake:$PATH
    use_tool -q -l wrk-keep 'nginx 2' 'python pool' 00
    [[ $STATUS -eq 0 && $(figure 'nginx 2' wrk-keep processes 6) -eq 3 ]]
    [[ $(figure 'python pool' wrk-keep processes 6) -eq 3 ]]
    [[ $(figure 'python pool' wrk-keep pss_kib 6) -gt 1000 ]]
    says "$T/stdout" '^python pool .* [0-9.]+ +3( ~)?$'
    says "$T/stdout" '^\(No row iterative: '
    SECONDS_OF_WRK=0 fake_wrk
    use_tool -q -l wrk-keep 'nginx 2'
    [[ $STATUS -eq 0 && -z $(figure 'nginx 2' wrk-keep processes 6) ]]
    says "$T/stdout" '^nginx 2 .* - +-( ~)?$'
}

@test "rivals and one of ours, quickly: a table, figures, a report, and nothing is left" {
    local each figure

    needs wrk nginx apache2 python3
    let_in
    use_tool -q -l wrk-close 'nginx 2' 'apache prefork' 'python pool' 'python threading' select
    [[ $STATUS -eq 0 && $(about outcome) == complete ]]
    for each in 'nginx 2' 'apache prefork' 'python pool' 'python threading' select; do
        for figure in requests_per_second cpu_us_per_request service_p99 server_share \
            generator_share; do
            awk -v is="$(figure "$each" wrk-close "$figure" 6)" 'BEGIN { exit !(is > 0) }'
        done
        says "$T/stdout" "^$each +[1-9][0-9,.]* "
    done
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 80 && -s $T/results/report.html ]]
    says "$T/stdout" '^CPU us per request: '
    nothing_marked
    run -1 pgrep -f "$T/tmp"
}

@test "interrupted: what there is is kept and marked, and no rival is left" {
    needs wrk nginx apache2
    let_in
    interrupt_tool TERM 1 -q -r 50 -l wrk-close 'nginx 1' 'apache prefork'
    kept_and_marked
    run -1 pgrep -f "$T"
}

@test "an answer that is wrong, or not as long as the others', is no figure" {
    fake_wrk '  Socket errors: connect 0, read 3, write 0, timeout 1' \
        '  Non-2xx or 3xx responses: 7'
    PATH=$T/fake:$PATH
    use_tool -q -l wrk-keep select
    [[ $STATUS -eq 1 && $(figure select wrk-keep runs 9) == 0 ]]
    [[ $(figure select wrk-keep runs 11) == 'wrk counts 11 failures beside 2000 requests' ]]
    says "$T/stdout" '^select .* - .*\*~?$'
    fake_wrk
    use_tool -q -l wrk-keep select
    [[ $STATUS -eq 0 && $(figure select wrk-keep requests_per_second 6) -eq 2000 ]]
    [[ $(figure select wrk-keep service_p99 6) -eq 1500 ]]
    own_bin
    fake client <<<'echo "{\"bytes_received\":4095,\"rejections\":[{\"no\"}],\"hints\":[]}"'
    use_tool -q -l wrk-keep select
    [[ $STATUS -eq 1 ]]
    [[ $(figure select wrk-keep runs 11) == "it does not reply with 4096 bytes: {'no'}" ]]
}

@test "what is not installed is left out and named; without wrk and ab there is nothing" {
    without wrk ab siege python3
    use_tool -q
    [[ $STATUS -eq 1 && ! -e $T/results ]]
    [[ $(cat "$T/stderr") == 'rivals: wrk and ab are missing '* ]]
    fake_wrk
    use_tool -q -l wrk-close select 'python pool'
    [[ $STATUS -eq 0 ]]
    says "$T/stderr" '^rivals: siege is not installed'
    says "$T/stdout" '^- Not installed, so not measured: python pool\.$'
    says "$T/stdout" '^select +2,000 '
    use_tool -q -l ab-keep select
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == *'nothing that is installed makes these loads'* ]]
}

@test "usage: what is wrong is named, and exit status 2" {
    refuses_all '-z' '-r 0' '-l nonsense' '-l ,' 'nonsense' '-o'
}
