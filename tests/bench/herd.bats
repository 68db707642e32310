#!/usr/bin/env bats
# bench/herd: its sentences on made-up runs, and a quick run of two ways. Which way is the better
# one is not tested: that belongs to a machine.

load ../helpers

TOOL=herd

# What a way costs with some numbers of children, paced: three rounds, SWITCHES in each.
way() { # NAME CHILDREN:SWITCHES...
    local name=$1 each round x

    shift
    for each; do
        x=${each%:*}
        for round in 1 2 3; do
            while read -r figure; do
                echo "$round,prefork $name,paced,$x,$figure,"
            done <<END
run,,1
switches_per_connection,,${each#*:}
cpu_us_per_connection,us,$((${each#*:} * 4))
wakeups_per_connection,,1
wasted_per_connection,,0
children_min,,$((100 / x))
children_max,,$((100 / x))
children_served,,$x
jain,,1
END
        done
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

@test "one round, disturbed ones, and ranges that say both are no conclusion; cells are marked" {
    { way accept 1:2 20:2 && way poll 1:2 20:21; } >"$T/runs"
    grep '^1,' "$T/runs" | made_up
    use_tool -n
    [[ $(sentences) == *'Of these nothing can be said, '*': accept, poll.'* ]]
    [[ $(sentences) != *' herd'* && $(sentences) != *'The worst'* ]]
    [[ $(sentences) != *'Blocking accept'* && $(sentences) != *'served any'* ]]
    { cat "$T/runs" && echo '2,prefork poll,paced,20,others_share,%,50,'; } | made_up
    use_tool -n
    [[ $(sentences) == *'one kind: poll.'*'No herd'*': accept 0.00.'* ]]
    says "$T/stdout" '^poll +2.0 2.0-2.0 +21~21-21$'
    says "$T/stdout" '^poll +1.00 .0.00. +1.00~.0.00.$'
    says "$T/stdout" '^1 of 12 runs was disturbed .marked ~.'
    sed '/^3,prefork poll,paced,20,sw/s/,21,/,4,/' "$T/runs" | made_up
    use_tool -n
    [[ $(sentences) == *'one kind: poll.'*'No herd'* ]]
}

# Fifteen at a time, with 20 children: connections/s in as many rounds.
rates() { # NAME RATE...
    local name=$1 round=0 rate

    shift
    for rate; do
        echo "$((round += 1)),prefork $name,fifteen,20,run,,1,"
        echo "$round,prefork $name,fifteen,20,connections_per_second,/s,$rate,"
    done
}

@test "connections/s are its conclusion only if three rounds are apart" {
    way accept 1:2 20:2 >"$T/paced"
    way poll 1:2 20:21 >>"$T/paced"
    { cat "$T/paced" && rates poll 1308 && rates accept 326; } | made_up
    use_tool -n
    [[ $(sentences) == *'The worst is poll'* && $(sentences) != *'connections/s'* ]]
    { cat "$T/paced" && rates poll 130 1308 160 && rates accept 326 330 340; } | made_up
    use_tool -n
    [[ $(sentences) != *'connections/s'* ]]
    { cat "$T/paced" && rates poll 130 150 160 && rates accept 326 330 340; } | made_up
    use_tool -n
    [[ $(sentences) == *'are apart from accept'"'"'s: poll 150 connections/s, accept 330.'* ]]
}

@test "two ways, quickly: every number of children under every load, and a report" {
    own_bin
    use_tool -q accept poll
    [[ $(about outcome) == complete && $STATUS -eq $(($(about failed_runs) > 0)) ]]
    for way in accept poll; do
        for children in 1 5 20 50; do
            for load in paced saturated; do
                [[ $(figure "prefork $way" $load runs 10 $children) == 1 ]]
            done
            [[ $(figure "prefork $way" startup startup_cpu_ms 9 $children) == 1 ]]
        done
        for children in 5 20; do
            [[ $(figure "prefork $way" busy runs 10 $children) == 1 ]]
        done
    done
    # Who waits in accept itself returns with a connection, always.
    [[ $(figure 'prefork accept' saturated wakeups_per_connection 6 20) == 1 ]]
    [[ $(figure 'prefork accept' saturated wasted_per_connection 6 20) == 0 ]]
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
