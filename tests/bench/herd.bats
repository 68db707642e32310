#!/usr/bin/env bats
# bench/herd: its sentences on made-up runs, and a quick run of two ways. Which way is the better
# one is not tested: that belongs to a machine.

load ../helpers

TOOL=herd

# What a way costs with some numbers of children, paced: one round, SWITCHES for each.
way() { # NAME CHILDREN:SWITCHES...
    local name=$1 each x

    shift
    for each; do
        x=${each%:*}
        echo "1,03 $name,paced,$x,run,,1,"
        echo "1,03 $name,paced,$x,switches_per_connection,,${each#*:},"
        echo "1,03 $name,paced,$x,cpu_us_per_connection,us,$((${each#*:} * 4)),"
        echo "1,03 $name,paced,$x,wakeups_per_connection,,1,"
        echo "1,03 $name,paced,$x,wasted_per_connection,,0,"
        echo "1,03 $name,paced,$x,children_min,,$((100 / x)),"
        echo "1,03 $name,paced,$x,children_max,,$((100 / x)),"
        echo "1,03 $name,paced,$x,children_served,,$x,"
        echo "1,03 $name,paced,$x,jain,,1,"
    done
}

sentences() {
    sed -n '/^What follows/,$p' "$T/stdout" | tr '\n' ' ' | sed 's/  */ /g'
}

@test "its sentences come from the figures: who wakes all, and who does not" {
    { way accept 1:2 20:2 && way poll 1:2 20:21; } | made_up
    use_tool -n
    [[ $STATUS -eq 0 ]]
    [[ $(sentences) == *'each further child'*'so many switches: poll 1.0. Not so: accept 0.00'* ]]
    [[ $(sentences) == *'accept: 2.0 switches per connection with 1 child, 2.0 with 20 children'* ]]

    # The other way round, as on a kernel that wakes all for accept.
    { way poll 1:2 20:2 && way accept 1:2 20:21; } | made_up
    use_tool -n
    [[ $(sentences) == *'so many switches: accept 1.0. Not so: poll 0.00'* ]]
    [[ $(sentences) != *'One child is woken for a connection'* ]]
}

@test "two ways, quickly: every number of children under every load, and a report" {
    use_tool -q accept poll
    [[ $(about outcome) == complete && $STATUS -eq $(($(about failed_runs) > 0)) ]]
    for way in accept poll; do
        for children in 1 5 20 50; do
            for load in paced saturated; do
                [[ $(figure "03 $way" $load runs 10 $children) == 1 ]]
            done
            [[ $(figure "03 $way" startup startup_cpu_ms 9 $children) == 1 ]]
        done
        for children in 5 20; do
            [[ $(figure "03 $way" busy runs 10 $children) == 1 ]]
        done
    done
    # Who waits in accept itself returns with a connection, always.
    [[ $(figure '03 accept' saturated wakeups_per_connection 6 20) == 1 ]]
    [[ $(figure '03 accept' saturated wasted_per_connection 6 20) == 0 ]]
    # What the children have served is what has been made.
    awk -F, '$4 != "" && !/^round/ { children[$2 " " $3 " " $4]++ }
        END {
            for (each in children) {
                split(each, part, " ")
                if (children[each] != part[4]) bad = 1
            }
            exit bad
        }' \
        "$T/results/herd-children.csv"
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 100 && -s $T/results/report.html ]]
}

@test "interrupted: what there is is kept and marked" {
    interrupt_tool TERM 2 -q -r 50 accept
    kept_and_marked
}

@test "usage: what is wrong is named, and exit status 2" {
    refuses_all '-z' '-r 0' '-r 2x' 'nonsense' '-o'
}
