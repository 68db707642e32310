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
        share select 0 0 0 0
        share select 10 0 7 0
        share select 100 90 100 0
        share select 1000 100 100 100
        share fork 0 0 0 0
        share fork 10 0 0 0
    } | made_up
    use_tool -n
    [[ $STATUS -eq 0 ]]
    [[ $(breaks select) == 100 && -z $(breaks fork) ]]
    says "$T/stdout" '^ +select +at 100 .*timed_out'
    says "$T/stdout" '^ +fork +not up to 10 '
}

@test "idle clients: the iterative server breaks at the first, select does not, and a report" {
    own_bin
    use_tool -q idle 00 02
    [[ $(about outcome) == complete ]]
    [[ $(breaks iterative) == 10 ]]
    says "$T/stdout" '^Where each breaks'
    [[ $(figure iterative idle failed_share 6 10) == 100 ]]
    [[ $(figure select idle failed_share 6 10) != 100 && $(figure select idle runs 6 1000) == 1 ]]
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 100 && -s $T/results/report.html ]]
}

@test "busy clients beside idle ones: theirs alone is the cost, also where children serve" {
    local at_0 at_1000 of_children

    own_bin
    use_tool -q busy1 02 03
    [[ $STATUS -eq 0 && $(about outcome) == complete ]]
    at_0=$(figure select busy1 cpu_us_per_connection 6 0)
    at_1000=$(figure select busy1 cpu_us_per_connection 6 1000)
    of_children=$(figure 'prefork accept' busy1 cpu_us_per_connection 6 0)
    echo "select: $at_0 us, beside 1000 $at_1000; prefork: $of_children"
    awk -v a="$at_0" -v b="$at_1000" -v c="$of_children" 'BEGIN {
        exit !(b > 2 * a && c > a / 3 && c < 9 * a) }'
    [[ -z $(figure 'prefork accept' busy1 runs 6 10) ]] # nobody is served beside ten
    run ! says "$T/stdout" '^Where each breaks' # there is nothing below it
}

@test "other curves: every point of each" {
    own_bin
    use_tool -q clients children bytes 01 03
    [[ $(about outcome) == complete && $STATUS -eq $(($(about failed_runs) > 0)) ]]
    for row in fork 'prefork accept'; do
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
    [[ -z $(breaks select) || $(breaks select) -gt 10 ]]
    says "$T/stdout" 'descriptors'
}

@test "interrupted: what there is is kept and marked" {
    interrupt_tool TERM 2 -q -r 50 bytes 02
    kept_and_marked
}

@test "usage: what is wrong is named, and exit status 2" {
    refuses_all '-z' '-r 0' 'nonsense' 'a-b' '-o'
}
