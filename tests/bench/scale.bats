#!/usr/bin/env bats
# bench/scale: where a server breaks, on made-up runs and for real. How fast it is is not tested.

load ../helpers

TOOL=scale

# share ROW X FAILED_SHARE... - one round for each.
share() {
    local row=$1 x=$2 round=0 each

    shift 2
    for each; do
        round=$((round + 1))
        echo "$round,$row,idle,$x,run,,1,"
        echo "$round,$row,idle,$x,failed_share,%,$each,${each/#[1-9]*/timed_out $each}"
    done
}

breaks() { # ROW
    awk -F, -v row="$1" '$1 == row && $4 == "breaks" { print $3 }' "$T/results/scale.csv"
}

@test "it breaks where most runs have failures: the first such point, not a single bad run" {
    {
        share 02 0 0 0 0
        share 02 10 0 7 0
        share 02 100 90 100 0
        share 02 1000 100 100 100
        share 01 0 0 0 0
        share 01 10 0 0 0
    } | made_up
    use_tool -n
    [[ $STATUS -eq 0 ]]
    [[ $(breaks 02) == 100 && -z $(breaks 01) ]]
    says "$T/stdout" '^ +02 +at 100 .*timed_out'
    says "$T/stdout" '^ +01 +not up to 10 '
}

@test "idle clients: the iterative server breaks at the first, select does not, and a report" {
    use_tool -q idle 00 02
    [[ $(about outcome) == complete ]]
    [[ $(breaks 00) == 10 ]]
    [[ $(figure 00 idle failed_share 6 10) == 100 ]]
    [[ $(figure 02 idle failed_share 6 10) != 100 && $(figure 02 idle runs 6 1000) == 1 ]]
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 100 && -s $T/results/report.html ]]
}

@test "other curves: every point of each" {
    use_tool -q clients children bytes 01 03
    [[ $(about outcome) == complete && $STATUS -eq $(($(about failed_runs) > 0)) ]]
    for row in 01 '03 accept'; do
        for x in 1 10 100 1000; do
            [[ $(figure "$row" clients runs 10 $x) == 1 ]]
        done
        for x in 1 10 100; do
            [[ $(figure "$row" children runs 10 $x) == 1 ]]
        done
        for x in 1 4096 1048576; do
            [[ $(figure "$row" bytes runs 10 $x) == 1 ]]
        done
    done
}

@test "where this machine has too few descriptors, that is said, and is not the server's doing" {
    (
        ulimit -n 300
        use_tool -q idle 02
    )
    [[ -z $(breaks 02) || $(breaks 02) -gt 10 ]]
    says "$T/stdout" 'descriptors'
}

@test "interrupted: what there is is kept and marked" {
    interrupt_tool TERM 2 -q -r 50 bytes 02
    kept_and_marked
}

@test "usage: what is wrong is named, and exit status 2" {
    refuses_all '-z' '-r 0' 'nonsense' 'a-b' '-o'
}
