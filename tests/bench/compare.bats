#!/usr/bin/env bats
# bench/compare: its arithmetic on made-up runs, what it does when something breaks, and all of it,
# quickly. Which server is the better one is not tested: that belongs to a machine.

load ../helpers

AWKS=$ROOT/bench/lib

TOOL=compare

compare() { # OPTION... [SERVER...]
    [[ -d $T/bin ]] || own_bin
    use_tool "$@"
}

# From now on others take so much of the processors' time from each run.
others_took() { # PERCENT
    fake awk <<<"case \"\$*\" in *others.awk*) echo $1 ;; *) exec $(command -v awk) \"\$@\" ;; esac"
    PATH=$T/bin:$PATH
}

# --- made-up runs --------------------------------------------------------------------------------

# Round by round: what 00 and another row cost.
costs() { # ROW COST_OF_00 COST...
    local row=$1 round=0

    shift
    while (($#)); do
        round=$((round + 1))
        echo "$round,iterative,few,,run,,1,"
        echo "$round,iterative,few,,cpu_us_per_connection,us,$1,"
        echo "$round,$row,few,,run,,1,"
        echo "$round,$row,few,,cpu_us_per_connection,us,$2,"
        shift 2
    done
}

@test "the median of an odd number of runs is the middle one, of an even number between two" {
    made_up < <(costs 'prefork accept' 10 31 20 7 30 1000)
    compare -n
    [[ $STATUS -eq 0 ]]
    [[ $(figure 'prefork accept' few cpu_us_per_connection 6-9) == 31,7,1000,3 ]]

    made_up < <(costs 'prefork accept' 10 9 20 100 30 30 40 20)
    compare -n
    [[ $(figure 'prefork accept' few cpu_us_per_connection 6) == 25 ]]
    [[ $(figure iterative few cpu_us_per_connection 6) == 25 ]]
}

@test "process-control CPU is the difference to the iterative server in the same round" {
    # Differences 10, -5, 100. Of the medians it would be 30 - 20.
    made_up < <(costs fork 20 30 10 5 30 130)
    compare -n
    [[ $(figure fork few control_cpu_us 6-8) == 10,-5,100 ]]
    [[ $(figure iterative few control_cpu_us 6) == 0 ]]
    # In another order of the rounds the medians are the same and the differences are not.
    made_up < <(costs fork 10 30 20 5 30 130)
    compare -n
    [[ $(figure fork few control_cpu_us 6) == 20 ]]
    grep -E '^fork +20.0 +-15.0 +100$' "$T/stdout"
    # A round in which the iterative server failed has no difference.
    costs fork 10 30 20 25 |
        sed '/^2,iterative,few,,cpu/d
            s/^2,iterative,few,,run,,1,/2,iterative,few,,run,,0,it died/' | made_up
    compare -n
    [[ $(figure fork few control_cpu_us 6) == 20 && $(figure fork few control_cpu_us 9) == 1 ]]
    [[ $(figure fork few cpu_us_per_connection 9) == 2 ]]
}

@test "CPU as a multiple of server03's is of the same round, too" {
    {
        costs 'prefork accept' 10 10 10 20 10 40
        costs select 10 20 10 20 10 20
    } | awk '!seen[$0]++' | made_up
    compare -n
    [[ $(figure select few cpu_ratio 6) == 1 ]] # 2, 1, 0.5
    [[ $(figure 'prefork accept' few cpu_ratio 8) == 1 && -z $(figure fork few cpu_ratio 6) ]]
    grep -E '^select +1.00 +0.50 +2.00$' "$T/stdout"
}

@test "a failed run is in no median: it is counted, and its reason told" {
    {
        costs select 10 30 10 40
        echo '3,select,few,,run,,0,7 of 5000 connections failed: reset 7'
    } | made_up
    compare -n
    [[ $(figure select few runs 6) == 2 && $(figure select few runs 10) == 3 ]]
    [[ $(figure select few cpu_us_per_connection 6-10) == 35,30,40,2,3 ]]
    grep -E '^select .* \*$' "$T/stdout"
    grep -Fx '* select: 1 of 3 runs failed: 7 of 5000 connections failed: reset 7' "$T/stdout"
    echo failed_runs,1 >>"$T/results/compare-about.csv"
    compare -n
    grep -Fx '1 run FAILED.' "$T/stdout"
    tr '\n' ' ' <"$T/stdout" | grep '1 of its runs failed and is in no figure'
}

@test "the share of the machine's limit: that of the server's own model" {
    {
        costs fork 10 400
        costs 'prefork accept' 10 40
        costs fdpass 10 50
        costs select 10 20
        costs thread 10 80
        costs 'prethread accept' 10 40
    } | sed 's/^1,fdpass,/1,fdpass first,/' | awk '!seen[$0]++' | made_up
    compare -n
    [[ -z $(figure fork few limit_share 6) ]] # no limits, no share
    cat >"$T/results/limits.csv" <<'END'
name,what,per_second,us_each,cpu_us_each,answer_cpu_us_each,switches_each,n,outcome,why
serve_n_1,x,1,1,99,8,1,5,measured,
serve_n_n,x,1,1,99,20,1,5,measured,
fork,x,1,1,150,0,1,1,measured,
fork_static,x,1,1,92,0,1,1,measured,
thread,x,1,1,12,0,1,1,measured,
fdpass,x,1,1,5,0,1,1,measured,
END
    compare -n
    [[ $(figure iterative few limit_share 6) == 80 ]]          # 8 of 10
    [[ $(figure fork few limit_share 6) == 25 ]]          # 8 + 92 of 400
    [[ $(figure select few limit_share 6) == 40 ]]          # 8 of 20
    [[ $(figure thread few limit_share 6) == 25 ]]        # 8 + 12 of 80
    [[ $(figure 'prefork accept' few limit_share 6) == 50 ]] # 20 of 40
    [[ $(figure 'prethread accept' few limit_share 6) == 50 ]]
    [[ $(figure 'fdpass first' few limit_share 6) == 50 ]]  # 20 + 5 of 50
}

# What is said of who did best.
best() {
    sed -n '/^Who did best/,/^Model/p' "$T/stdout" | tr -s ' '
}

@test "nothing is best unless three undisturbed runs of each row say so" {
    local disturbed='1,select,few,,others_share,%,50,'

    {
        costs select 10 20 10 21 10 22
        costs 'prefork poll' 10 24 10 22 10 24
        costs fork 10 40 10 44 10 40
    } | awk '!seen[$0]++' | sed '/,iterative,/d' >"$T/runs"
    made_up <"$T/runs"
    compare -n
    best | grep -x 'few clients: CPU us per connection select 21.0, not to be told from prefork'
    best | grep -x ' poll; worst fork 40.0'
    { cat "$T/runs" && echo "$disturbed"; } | made_up
    compare -n
    best | grep -x 'Nothing can be said: it takes three undisturbed runs .*'
    says "$T/stdout" '^select .* ~$'
    [[ $(figure select few disturbed 6) == 1 ]]
    { cat "$T/runs" && echo "${disturbed/50/10}"; } | made_up
    compare -n
    best | grep 'poll; worst fork'
    grep -v '^3,fork' "$T/runs" | made_up
    compare -n
    best | grep -x 'Nothing can be said: .*'
    sed 's/poll,few,,cpu.*,us,2[24]/poll,few,,cpu_us_per_connection,us,30/' "$T/runs" | made_up
    compare -n
    best | grep -x 'few clients: CPU us per connection select 21.0; worst fork 40.0'
}

# Three rounds of one figure, 1 % apart.
rounds() { # ROW LOAD FIGURE VALUE
    awk -v row="$1" -v loaded="$2" -v figure="$3" -v value="$4" 'BEGIN {
        for (r = 1; r <= 3; r++) {
            print r "," row "," loaded ",,run,,1,"
            print r "," row "," loaded ",," figure ",," value * (0.99 + r / 200) ","
        }
    }' | awk '!seen[$0]++'
}

@test "a sentence says which of its figures are of one run, and how long nobody was served" {
    {
        costs select 10 30 10 40
        rounds select idle failed_share 100
        echo '1,select,many,,run,,1,'
        echo '1,select,many,,cpu_us_per_connection,us,20,'
        echo '1,select,idle,,others_share,%,50,'
        echo '1,select,attack,,others_share,%,50,'
    } | sed 's/failed_share,,.*/failed_share,%,100,/' | made_up
    sed -i 's/^\(idle,.*\),-c 5,/\1,-c 5 -T 3,/' "$T/results/compare-loads.csv"
    compare -n
    grep "^select,35.0 us .* (3.50 times the iterative server's), 20.0 with many; " \
        "$T/results/compare-sentences.csv" |
        grep -F '; beside 1000 idle connections nobody else is served within 3 s; ' |
        grep -F '; of one run: many; ~ idle.'
    [[ $(grep -c '^~ disturbed' "$T/stdout") -eq 1 ]] # for two loads of one table
    says "$T/stdout" '^all rows: ~ disturbed: '
}

@test "who serves one of ten is not the best one under attack, however quickly" {
    {
        for row in 'prefork accept:100' fork:400 select:500; do
            rounds "${row%:*}" attack response_p99 "${row#*:}"
            rounds "${row%:*}" attack failed_share $((${row#*:} == 100 ? 90 : 0))
        done
    } | awk '!seen[$0]++' | made_up
    compare -n
    best | tr -s ' \n' ' ' | grep -F 'under attack: p99 in us fork'
    says "$T/stdout" '^Good clients beside an attack .-c 5.$' # and idle ones were not run
    best | tr -s ' \n' ' ' | grep -F 'of 3 rows 1 left more than 1 % unserved'
}

@test "a search that another run refutes is said to be wrong, and not how good the server is" {
    {
        rounds select highest highest_rate 6
        rounds select few connections_per_second 278
        rounds select few service_p99 9000
        rounds fork highest highest_rate 5000
        rounds fork half asked_rate 2500
        rounds fork half response_p90 90000
        rounds 'prefork accept' highest highest_rate 5000
        rounds 'prefork accept' half asked_rate 2500
        rounds 'prefork accept' half response_p99 2000
    } | awk '!seen[$0]++' | made_up
    compare -n
    tr -s ' \n' ' ' <"$T/stdout" >"$T/said"
    grep -F 'select: its highest rate is wrong: with few clients it did 277/s with p99' "$T/said"
    grep -F 'fork: its highest rate is wrong: at 2,500/s its p90 was 89' "$T/said"
    [[ $(grep -oF 'ms; and the one rate for all, 2,500/s, is half of it' "$T/said" | wc -l) -eq 1 ]]
    run ! grep -E 'up to (6|5,000) .*fork: |highest rate +(select|fork|prefork)' "$T/said"
    grep -F 'accept: up to 5,000 connections/s with p90 below 20 ms (p99 2.00 ms at 2,500/s)' \
        "$T/said"
}

# --- one run's figures ---------------------------------------------------------------------------

SERVER_SAID='{"connections":100,"requests":200,"wakeups":150,"wasted_wakeups":50,
"context_switches":330,"cpu_user_s":0.002,"cpu_system_s":0.004,"children":[
{"child":1,"connections":75},{"child":2,"connections":25},{"child":3,"connections":0}]}'
CLIENT_SAID='{"scheduled":100,"completed":100,"failed":0,"unsent":0,"seconds":0.5,
"client_cpu_s":0.003,"connections_per_second":200,"requests_per_second":400,
"bytes_received":1048576,"errors":{"reset":0},
"service_us":{"count":100,"min":1,"p50":10,"p90":20,"p99":30,"p999":40,"max":50},
"response_us":{"count":0},"classes":[],"search":null}'

# The figures of one run, from what client and server said (variables above).
figures_of() { # AWK_OPTION... (the last value of a variable counts)
    echo "$CLIENT_SAID" | tr -d '\n' >"$T/client.json"
    echo "$SERVER_SAID" | tr -d '\n' >"$T/server.json"
    : >"$T/children"
    STATUS=0
    awk -f "$AWKS/json.awk" -f "$AWKS/figures.awk" -v round=1 -v row=03 -v name=few -v expect=all \
        -v children="$T/children" "$@" "$T/client.json" "$T/server.json" >"$T/figures" || STATUS=$?
    echo "status $STATUS"
    cat "$T/figures"
}

is() { # FIGURE VALUE
    [[ $(awk -F, -v figure="$1" '$5 == figure { print $7 }' "$T/figures") == "$2" ]]
}

@test "a run's figures: start-up is taken off, the distribution counts idle children" {
    figures_of -v startup='1000 30'
    [[ $STATUS -eq 0 ]]
    is run 1
    is cpu_us_per_connection 50 # 6000 us less 1000, for 100
    is cpu_us_per_request 25
    is switches_per_connection 3
    is wakeups_per_connection 1.5
    is wasted_per_connection 0.5
    is connections_per_second 200
    is mib_per_second 2
    is service_max 50
    run -1 grep service_p999 "$T/figures" # of a hundred: no
    CLIENT_SAID=${CLIENT_SAID/'"service_us":{"count":100'/'"service_us":{"count":11000'}
    figures_of -v startup='1000 30'
    is service_p999 40
    is client_cpu_us 30
    is failed_share 0
    is children_served 2
    is children_min 0
    is children_max 75
    is jain 0.533333 # 100 * 100 / 3 / (75 * 75 + 25 * 25)
    [[ $(cat "$T/children") == $'1,03,few,,1,75\n1,03,few,,2,25\n1,03,few,,3,0' ]]
    run -1 grep response_ "$T/figures"
    figures_of -v startup='1000 30 50 100 90 30' -v name=busy1 # what was before the load
    is cpu_us_per_connection 100
    is cpu_us_per_request 50
    is switches_per_connection 6
    is wakeups_per_connection 1.2
    is wasted_per_connection 0.4
    run -1 grep children_ "$T/figures"
}

@test "a thread has a row of its own" {
    SERVER_SAID=${SERVER_SAID/'"child":2,'/'"child":1,"thread":10,'}
    SERVER_SAID=${SERVER_SAID/'"child":1,'/'"child":1,"thread":2,'}
    figures_of
    is children_served 2
    [[ $(cat "$T/children") == $'1,03,few,,1.2,75\n1,03,few,,1.10,25\n1,03,few,,3,0' ]]
}

@test "a loop that hands requests to its children has no column among them" {
    SERVER_SAID=${SERVER_SAID/'"child":1,'/'"child":0,'}
    figures_of
    is children_served 1
    is children_max 25
    is jain 0.5
    [[ $(cat "$T/children") == $'1,03,few,,2,25\n1,03,few,,3,0' ]]
}

@test "ten connections are more than nine" {
    SERVER_SAID=${SERVER_SAID/:75/:10}
    SERVER_SAID=${SERVER_SAID/:25/:9}
    SERVER_SAID=${SERVER_SAID/'"connections":0}'/'"connections":9}'}
    figures_of
    is children_min 9
    is children_max 10
}

@test "connections that fail spoil a run, unless that is what is looked at" {
    CLIENT_SAID=${CLIENT_SAID/'"completed":100,"failed":0'/'"completed":90,"failed":7'}
    CLIENT_SAID=${CLIENT_SAID/'"unsent":0'/'"unsent":3'}
    CLIENT_SAID=${CLIENT_SAID/'"reset":0'/'"reset":5,"timed_out":2'}
    figures_of
    [[ $STATUS -eq 1 ]]
    [[ $(cat "$T/figures") == '1,03,few,,run,,0,10 of 100 connections failed: reset 5'* ]]
    [[ $(cat "$T/figures") == *': reset 5 timed_out 2 unsent 3' ]]

    figures_of -v expect=some -v words=': it groaned'
    [[ $STATUS -eq 0 ]]
    is run 1
    is failed_share 10
    grep -F 'failed_share,%,10,reset 5 timed_out 2 unsent 3: it groaned' "$T/figures"
}

@test "what it costs to start is not known, or others are connected beside: no cost" {
    figures_of
    [[ $STATUS -eq 0 ]]
    is connections_per_second 200
    run -1 grep -E ',cpu_us|switches' "$T/figures"
    CLIENT_SAID=${CLIENT_SAID/'"classes"'/'"held":{"asked":1000,"least":3},"classes"'}
    figures_of -v startup='1000 30' -v name=idle -v expect=some
    is held_least 3
    run -1 grep -E ',cpu_us|switches' "$T/figures"
}

@test "no report, no statistics, a reason from outside: a failed run" {
    figures_of -v why='it did not start'
    [[ $STATUS -eq 1 && $(cat "$T/figures") == '1,03,few,,run,,0,it did not start' ]]
    SERVER_SAID='server03: listening' figures_of
    [[ $STATUS -eq 1 && $(cat "$T/figures") == *',run,,0,the server printed no statistics' ]]
    CLIENT_SAID='{"completed":' figures_of
    [[ $STATUS -eq 1 && $(cat "$T/figures") == *',run,,0,the client printed no report' ]]
    CLIENT_SAID='{"completed":0,"scheduled":0,"search":{"rate":0,"ended_early":""}}' \
        figures_of -v name=highest
    [[ $STATUS -eq 1 && $(cat "$T/figures") == *',run,,0,no rate kept the bound' ]]
}

@test "its JSON: nested, escaped, long; and what is none" {
    local bad

    cat >"$T/print.awk" <<'END'
{
    print parse_json($0), value["a.1.b"], value["a.2"], value["a.#"], value["s"], value["e.#"],
        length(value["l"])
}
END
    awk -f "$AWKS/json.awk" -f "$T/print.awk" >"$T/values" \
        <<<'{"a":[{"b":-1.5e3},true],"s":"x\"},[y","o":{},"e":[],"l":"'"$(printf '%9000s' '')"'"}'
    cat "$T/values"
    [[ $(cat "$T/values") == '1 -1.5e3 true 2 x"},[y 0 9000' ]]
    for bad in '{' '{"a":1}}' '{"a" 1}' '{a:1}' '[1,]' '{"a":1,}' ' '; do
        [[ $(awk -f "$AWKS/json.awk" -f "$T/print.awk" <<<"$bad") == '0 '* ]]
    done
}

# --- against another time ------------------------------------------------------------------------

# Three rounds of six rows around the cost given for each, 1 % apart.
six_rows() { # COST...
    local row=0 cost

    for cost; do
        for round in 1 2 3; do
            echo "$round,0$row,few,,run,,1,"
            awk -v cost="$cost" -v round="$round" -v row="$row" 'BEGIN {
                printf "%d,0%d,few,,cpu_us_per_connection,us,%.4f,\n", round, row,
                    cost * (0.98 + round / 100)
            }'
        done
        row=$((row + 1))
    done
}

against_old() {
    compare -n --against "$T/old.csv"
    [[ $STATUS -eq 0 ]]
    sed -n '/^Against/,$p' "$T/stdout" >"$T/against"
}

@test "--against: one row that costs more is found; the noise is not" {
    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$T/results/compare.csv" "$T/old.csv"
    against_old
    grep -Fx '0 figures changed beyond the noise, 6 did not.' "$T/against"

    six_rows 10 20.4 30 40 65 60 | made_up # 2 % and 30 %
    against_old
    grep -E '^04 +few +cpu_us_per_connection +50.0 -> +65.0 +\+30 %' "$T/against"
    grep -Fx '1 figure changed beyond the noise, 5 did not.' "$T/against"
}

@test "--against: what all rows have in common is the machine, and said once" {
    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$T/results/compare.csv" "$T/old.csv"
    six_rows 13 26 39 52 65 39 | made_up # 30 % slower, and the last one half as much as that
    against_old
    grep -E '^common to all rows: few +cpu_us_per_connection +\+30 %$' "$T/against"
    grep -E '^05 +few .* 60.0 -> +39.0 +-35 % \(all rows: \+30 %\)$' "$T/against"
    grep -Fx '1 figure changed beyond the noise, 5 did not.' "$T/against"
}

@test "--against: what is no compare.csv is refused, and an awk that fails is no success" {
    local table=$T/results/compare.csv

    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$table" "$T/old.csv"
    refused() { # what comes on stdin
        cat >"$T/given"
        compare -n --against "$T/given"
        [[ $STATUS -eq 1 && ! -s $T/stdout ]]
        [[ $(cat "$T/stderr") == "compare: --against $T/given: that is no compare.csv" ]]
    }
    refused </dev/null
    printf 'garbage\n\0\377\n' | refused
    { printf '\357\273\277' && cat "$table"; } | refused
    tr , ';' <"$table" | refused
    head -n 1 "$table" | refused
    head -c -9 "$table" | refused
    head -c -1 "$table" | refused
    { head -n 1 "$table" && echo a,b,,d,e,f,g,h,i,j,k; } | refused
    sed 's/connection,us,/&x/' "$table" | refused
    sed 's/,3,3,$/,3,0,/' "$table" | refused
    sed 's/,few,,/,few,10,/' "$table" | refused # of scale
    refused <"$T/results/compare-runs.csv"
    fake awk <<<"case \"\$*\" in *against.awk*) exit 2 ;; *) exec $(command -v awk) \"\$@\" ;; esac"
    PATH=$T/bin:$PATH compare -n --against "$T/old.csv"
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == 'compare: awk has failed at '*against.awk ]]
    sed 's/^0/1/' "$table" >"$T/given"
    compare -n --against "$T/given"
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == *"given: it has none of the rows that are compared" ]]
    sed 's/,few,/,many,/' "$table" >"$T/old.csv"
    against_old
    says "$T/stdout" '^Not run that time: 00 few, 01 few, 02 few, 03 few, 04 few, 05 few$'
    says "$T/stdout" '^No figure was measured both times.$'
    head -n 3 "$table" >"$T/old.csv"
    against_old
    says "$T/stdout" '^Not run that time: 01 all, 02 all, 03 all, 04 all, 05 all$'
}

@test "--against: of one run nothing can be said; wide ranges are no change" {
    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$T/results/compare.csv" "$T/old.csv"
    six_rows 10 20 30 40 50 90 | grep -v '^[23],05' | made_up
    against_old
    grep -F '0 figures changed beyond the noise, 5 did not; of 1 it cannot be said' "$T/against"
    # Twice as much, but its range is so wide that it nearly touches the old one.
    six_rows 10 20 30 40 50 60 | sed 's/^1,05,few,,cpu.*/1,05,few,,cpu_us_per_connection,us,61,/
        s/^2,05,few,,cpu.*/2,05,few,,cpu_us_per_connection,us,120,/
        s/^3,05,few,,cpu.*/3,05,few,,cpu_us_per_connection,us,130,/' | made_up
    against_old
    grep -Fx '0 figures changed beyond the noise, 6 did not.' "$T/against"
}

@test "--against: where all rows move, one that moves some more is no change" {
    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$T/results/compare.csv" "$T/old.csv"
    six_rows 10 17.6 33.6 35 56.5 78 | made_up # 12 to 13 % up and down; and 30 %
    against_old
    grep -Fx '0 figures changed beyond the noise, 6 did not.' "$T/against"
}

# --- how it is done ------------------------------------------------------------------------------

# What look() of runs.sh prints: ticks, and seconds of shell and children.
look() { # USER IDLE STEAL SECONDS
    echo "cpu $1 0 0 $2 0 0 0 $3 0 0"
    echo 0m0.00s 0m0.00s
    echo "$(($4 / 60))m$(($4 % 60)).50s 0m0.25s"
}

@test "what others took of the processors: what was used and is not ours" {
    others() { # USER IDLE STEAL SECONDS - since nothing
        awk -f "$AWKS/others.awk" -v tick_s=100 <(look 0 0 0 0) <(look "$@")
    }
    [[ $(others 1000 9000 0 10) == 0 && $(others 1000 9000 0 0) == 10 ]]
    [[ $(others 7000 1000 2000 70) == 20 && $(others 6900 3000 0 70) == 0 ]]
    [[ -z $(awk -f "$AWKS/others.awk" -v tick_s=100 /dev/null) ]]
}

@test "an awk that dies behind a run ends all: the run does not count as undisturbed" {
    own_bin
    fake awk <<<"case \"\$*\" in *others.awk*) exit 2 ;; *) exec $(command -v awk) \"\$@\" ;; esac"
    PATH=$T/bin:$PATH compare -q -l blocking 00
    [[ $STATUS -eq 1 && $(about outcome) == unfinished ]]
    [[ $(cat "$T/stderr") == 'compare: awk has failed at '*/others.awk ]]
}

@test "a disturbed run is repeated, within a bound, and marked; how long it takes is told" {
    own_bin
    mv "$T/bin/client" "$T/bin/client.less"
    fake client <<<"echo >>$T/calls; exec $T/bin/client.less \"\$@\""
    others_took 50
    fake date <<END # it makes leaps of ten seconds
[ "\$1" = +%s ] || exec $(command -v date) "\$@"
echo >>$T/dates
wc -l <$T/dates | sed 's/\$/1/'
END
    compare -q -r 1 -l blocking,cpu 00
    [[ $STATUS -eq 0 && $(wc -l <"$T/calls") -eq 3 ]] # three runs: one of them may be repeated
    [[ $(figure iterative blocking disturbed 6) == 1 && $(figure iterative cpu disturbed 6) == 1 ]]
    says "$T/stdout" '^iterative .* ~$'
    says "$T/stdout" '^2 of 3 runs were disturbed \(marked ~\): meanwhile other programs took more'
    says "$T/stdout" '^iterative: of requests that wait 5 ms, .* a time; ~ blocking\.$'
    says "$T/stdout" '^all rows: all figures are of one run; ~ disturbed: in some run other'
    says "$T/stderr" '^compare: 3 runs, which will take about [1-9].* s$'
    says "$T/stderr" '^compare: round 1 of 1, run [23] of 3, about [1-9].* left: iterative, '
}

@test "one rate for all: half of the lowest that was found, but not of a search that went wrong" {
    own_bin
    others_took 0
    echo $'600\n2\n400' >"$T/rates"
    mv "$T/bin/client" "$T/bin/client.less"
    fake client <<END
case \$* in *max@*) ;; *) exec $T/bin/client.less "\$@" ;; esac
echo '{"scheduled":1,"completed":1,"failed":0,"unsent":0,"search":{"rate":'\$(sed 1q $T/rates)'}}'
sed -i 1d $T/rates
END
    compare -q -r 1 -l highest,half 02 'server03_prefork_accept -n 2'
    [[ $(figure select highest highest_rate 6) == 2 ]]
    for row in iterative select 'prefork -n 2'; do
        [[ $(figure "$row" half asked_rate 6) == 200 ]]
    done
    tr -s ' \n' ' ' <"$T/stdout" | grep -F "slowest row's (client -c 5 -b 4096 -r 200 -d"
}

@test "demo: starting and stopping is not in the CPU time; what a fork costs, beside server01" {
    "$ROOT/bench/demo" server05_spawn_pool >"$T/stdout"
    awk '/ us of CPU, / { own[++n] = $3 } /^spawn -n 10/ { rows++; less += $(NF - 4) < own[rows] }
        END { exit n != 2 || rows != 2 || less != 2 }' "$T/stdout"
    run ! grep '^A fork' "$T/stdout"
    "$ROOT/bench/demo" server01_fork >"$T/stdout"
    says "$T/stdout" '^A fork, with exit and wait, costs [1-9]'
}

@test "demo: threads that serve are counted as children are" {
    local client=$BIN/client

    own_bin
    fake client <<<"'$client' \"\$@\" | sed 's/^1 child:/1 thread:/'"
    "$ROOT/bench/demo" server00_iterative >"$T/stdout"
    says "$T/stdout" '^iterative .* 1 +1500 +1500$'
}

@test "the reader goes away: no complaint" {
    made_up < <(costs 01 10 30 20 40)
    run -141 bash -c "set -o pipefail; '$ROOT/bench/compare' -n -o '$T/results' | :"
    [[ -z $output ]]
}

# --- what breaks ---------------------------------------------------------------------------------

@test "a server that fails is reported and in no median, and the others are measured" {
    own_bin
    fake server02_select <<<'echo "server02_select: out of luck" >&2; exit 1'
    compare -q -r 1 -l blocking server02 'server03_prefork_accept -n 5'
    [[ $STATUS -eq 1 ]]
    [[ $(figure select blocking runs 6) == 0 && $(figure select blocking runs 10) == 1 ]]
    [[ $(figure select blocking runs 11) == 'it did not start: server02_select: out of luck' ]]
    [[ -z $(figure select blocking cpu_us_per_connection 6) ]]
    [[ $(figure 'prefork -n 5' blocking runs 6) == 1 ]]
    [[ $(about failed_runs) == 2 && $(about outcome) == complete ]] # startup and few
    says "$T/stdout" '2 runs FAILED'
    says "$T/stderr" '^compare: 2 of 6 runs failed: see above$'
    grep -F 'out of luck' "$T/results/report.html"
}

@test "a server that ends badly, dies under load, or whose replies are wrong" {
    own_bin
    fake server02_select <<END
[ -e $T/fine ] || { : >$T/fine; exec $BIN/server00_iterative "\$@"; }
$BIN/server00_iterative "\$@" &
server=\$!
sleep 0.1
kill -KILL \$server
END
    compare -q -r 1 -l blocking server02 # its start-up is fine
    [[ $STATUS -eq 1 && $(figure select startup runs 6) == 1 ]]
    [[ $(figure select blocking runs 11) == *' connections failed: '*refused* ]] ||
        [[ $(figure select blocking runs 11) == *'printed no statistics'* ]]

    fake server02_select <<END
trap 'kill \$!' TERM
$BIN/server00_iterative "\$@" &
wait
wait
exit 3
END
    compare -q -r 1 -l blocking server02
    [[ $STATUS -eq 1 ]]
    [[ $(figure select blocking runs 11) == 'the server ended with status 3' ]]

    fake server02_select <<'END'
trap 'kill $!; echo "{\"cpu_user_s\":0}"; exit 0' TERM
badserver corrupt 5 &
wait
END
    compare -q -r 1 -l blocking server02
    [[ $STATUS -eq 1 && $(figure iterative blocking runs 6) == 1 ]]
    [[ $(figure select blocking runs 11) == *' connections failed: corrupt '* ]]
}

@test "-s: a sketch's CPU is read from outside; where it breaks its row says so, and all goes on" {
    own_bin
    fake sketch02 <<END # (a server says where it listens, too)
exec $BIN/server03_prefork_accept -n 3 -p 0
END
    fake sketch00 <<'END'
badserver corrupt 100
END
    compare -q -r 1 -l cpu,memory -c '-c 2 -t 50' -s 02
    [[ $STATUS -eq 0 && $(about failed_runs) == 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-rows.csv" | paste -sd,) == \
        'row,iterative,select,iterative sketch,select sketch' ]]
    [[ $(figure 'select sketch' own cpu_us_per_connection 6) =~ ^[1-9] ]]
    [[ -z $(figure 'select sketch' own switches_per_connection 6) ]]
    [[ $(figure 'select sketch' own children_served 6) == 3 ]]
    [[ $(figure 'select sketch' memory processes 6) == 4 ]]
    [[ $(figure 'iterative sketch' own runs 6) == 0 ]]
    # It does no work.
    [[ $(figure select cpu runs 6) == 1 && -z $(figure 'select sketch' cpu runs 6) ]]
    says "$T/stdout" '^\* iterative sketch: 1 of 1 run failed: .* of 100 connections'
}

@test "-s: the threads of a sketch cost too, not its first one alone" {
    [[ -d $ROOT/server09_prethread ]] || skip 'there is no server with threads'
    compare -q -r 1 -c '-c 2 -t 900' -s server09
    [[ $STATUS -eq 0 ]]
    awk -v sketch="$(figure 'prethread sketch' own cpu_us_per_connection 6)" \
        -v server="$(figure 'prethread accept' own cpu_us_per_connection 6)" \
        'BEGIN { print sketch, server; exit !(sketch > server / 3) }'
}

@test "-c: a load of one's own, alone or beside others" {
    compare -r 2 -c '-c 2 -t 50 -b 1000 -W 0:2000@0.1' 02
    [[ $STATUS -eq 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-loads.csv" | paste -sd,) == 'load,startup,own' ]]
    [[ $(figure select own cpu_us_per_connection 9) == 2 && -n $(figure select own light_p99 6) ]]
    [[ $(figure select own peak_rss_kib 6) -gt 0 ]]
    says "$T/stdout" '^own: a load of your own \(client -c 2 -t 50 -b 1000 -W 0:2000@0.1\)$'
    compare -q -r 1 -l cpu -c '-c 2 -t 50' 02
    [[ -n $(figure select own runs 6) && -n $(figure select cpu runs 6) ]]
}

@test "a server that fails only when nobody is there: no cost is made up" {
    own_bin
    fake server02_select <<END
[ -e $T/started ] || { : >$T/started; exit 1; }
exec $BIN/server00_iterative "\$@"
END
    compare -q -r 1 -l cpu server02
    [[ $STATUS -eq 1 && $(figure select startup runs 6) == 0 && $(figure select cpu runs 6) == 1 ]]
    [[ -z $(figure select cpu cpu_us_per_connection 6) ]]
    grep -F '* select: 1 of 1 run failed: it did not start' "$T/stdout"
}

@test "against its own results: they are read before they are written" {
    compare -r 2 -c '-c 2 -t 20' 00
    compare -r 2 -c '-c 2 -t 20' --against "$T/results/compare.csv" 00
    [[ $STATUS -eq 0 ]]
    grep -Fx "Against $T/results/compare.csv:" "$T/stdout"
    grep -E '^[0-9]+ figures? changed beyond the noise, [1-9][0-9]* did not' "$T/stdout"
    [[ -s $T/results/compare-before.csv ]]
    # And what was there then and is not now is named.
    compare -q -r 1 -l startup --against "$T/results/compare.csv" 00 03
    says "$T/stdout" '^Not run this time: iterative own'
    [[ $(cut -d, -f1 "$T/results/compare-rows.csv" | paste -sd,) == \
        'row,iterative,prefork accept' ]]
}

@test "two at a time do not write into one directory" {
    own_bin
    launch "$ROOT/bench/compare" -o "$T/results" -q -r 500 -l blocking 02
    eventually runs_recorded 1
    run -1 --separate-stderr "$ROOT/bench/compare" -o "$T/results" -q -l blocking 02
    [[ $stderr == "compare: $T/results is in use by another run, pid $SERVER_PID" ]]
    kill -TERM "$SERVER_PID"
    eventually dead "$SERVER_PID"
    wait "$SERVER_PID" || :
    STARTED[-1]=
    eventually nothing_marked
    [[ ! -e $T/results/.running ]]
}

@test "a directory with a blank, an equals sign, a dash in its name" {
    cd "$T"
    made_up < <(costs fork 10 30 20 40)
    for each in 'a b' a=b -c; do
        cp -r results "./$each"
        run -0 "$ROOT/bench/compare" -n -o "$each"
        [[ $output == *'30.0'* ]]
        [[ -s ./$each/report.html && -s ./$each/compare.csv ]]
    done
}

@test "a missing program is named before anything is begun" {
    own_bin
    rm "$BIN/server01_fork"
    compare -q -l few 01
    [[ $STATUS -eq 1 && ! -e $T/results && -z $(cat "$T/stdout") ]]
    grep -Fx "compare: there is no program $BIN/server01_fork: 'make' builds it" "$T/stderr"
    rm "$BIN/client"
    compare -q -l few 02
    [[ $STATUS -eq 1 && ! -e $T/results ]]
    grep -Fx "compare: there is no program $BIN/client: 'make' builds it" "$T/stderr"
}

@test "a directory that cannot be made or written is one line, and nothing is begun" {
    : >"$T/file"
    compare -q -l few -o "$T/file/results" 02
    [[ $STATUS -eq 1 && -z $(cat "$T/stdout") ]]
    [[ $(cat "$T/stderr") == "compare: cannot make the directory $T/file/results" ]]
    mkdir -p "$T/results/compare-runs.csv"
    compare -q -l few 02
    [[ $STATUS -eq 1 && -z $(cat "$T/stdout") ]]
    [[ $(cat "$T/stderr") == "compare: cannot write into the directory $T/results" ]]
}

@test "interrupted: what there is is kept, printed and marked, and nothing is left behind" {
    own_bin
    interrupt_tool TERM 5 -q -r 500 -l cpu 02
    kept_and_marked
    [[ $(figure iterative cpu runs 6) -ge 1 && -n $(figure iterative cpu cpu_us_per_request 6) ]]
    run ! grep -v "^compare: " "$ERR"
}

@test "killed at once: the results say that they are unfinished" {
    own_bin
    interrupt_tool KILL 3 -q -r 500 -l blocking 02
    [[ $(about outcome) == unfinished ]]
    marked | xargs -r kill -TERM # its server and client knew nothing
    eventually nothing_marked
    rm -r "$T"/tmp/compare.*
}

@test "usage: what is wrong is named, and exit status 2" {
    for each in r a l c; do
        compare "-$each" ''
        [[ $STATUS -eq 2 && ! -e $T/results ]]
        [[ $(cat "$T/stderr") == "compare: -$each '': that is no value; try -h" ]]
    done
    refuses_all '-z' '-l ,' '-r' '-r 0' '-r 1x' '-l nonsense' '-l own' '-l half' 'server99' \
        '--against'
    compare -c '-c 0' 00
    [[ $STATUS -eq 2 && ! -e $T/results ]]
    says "$T/stderr" "^compare: -c '-c 0': client: -c '0': a whole number .*; try -h$"
    compare --against "$T/none.csv" -l few 02
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == *"cannot read"* ]]
    for tool in calls cluster compare demo herd report rivals scale; do
        run -0 "$ROOT/bench/$tool" -h
        [[ $output == "$tool - "*"usage: bench/$tool"* && $output != *set\ -eu* ]]
        [[ $(wc -L <<<"$output") -le 80 && $output == "$("$ROOT/bench/$tool" --help)" ]]
        [[ $("$ROOT/bench/$tool" -V) == "$tool "[0-9]* ]]
        [[ $("$ROOT/bench/$tool" --version) == "$("$ROOT/bench/$tool" -V)" ]]
        for each in --foo --help=1; do
            run -2 "$ROOT/bench/$tool" "$each"
            [[ $output == "$tool: $each: not an option; try -h" ]]
        done
    done
    [[ $("$ROOT/bench/demo" server02_select -h) == "$("$ROOT/bench/demo" -h)" ]]
}

# --- all of it -----------------------------------------------------------------------------------

@test "a server of one's own, with options: named, beside the iterative one" {
    compare -r 1 -l startup,blocking,memory 'server03_prefork_accept -n 3 -a poll'
    [[ $STATUS -eq 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-rows.csv" | paste -sd,) == \
        'row,iterative,prefork -n 3 -a poll' ]]
    [[ $(figure 'prefork -n 3 -a poll' blocking runs 6) == 1 ]]
    [[ $(figure 'prefork -n 3 -a poll' memory processes 6) == 4 ]]
    [[ $(figure iterative memory processes 6) == 1 ]]
    [[ $(grep -c '^1,prefork -n 3 .*,blocking,,[123],' "$T/results/compare-children.csv") -eq 3 ]]
}

# Each load on each row, and each run either has its figures or is among the failed.
check_all_there() { # ROWS LOADS
    awk -F, -v all=$(($1 * $2)) '
        FILENAME ~ /rows/ { if (FNR > 1) rows[$1]; next }
        FILENAME ~ /loads/ { if (FNR > 1) loads[$1]; next }
        $4 == "runs" { of[$1, $2] = $10; good[$1, $2] = $6; failed += $10 - $6; next }
        { figures[$1, $2]++ }
        END {
            for (row in rows) for (load in loads) {
                if (!((row, load) in of)) print row, load, "was not run"
                else if (good[row, load] && !figures[row, load]) print row, load, "has no figures"
                else count++
            }
            if (count != all) print count " of " all
            print failed + 0 >"/dev/stderr"
        }' "$T"/results/compare-{rows,loads}.csv "$T/results/compare.csv" >"$T/gaps" 2>"$T/failed"
    cat "$T/gaps"
    [[ ! -s $T/gaps && $(about outcome) == complete ]]
    [[ $(about failed_runs) == "$(cat "$T/failed")" ]]
    # On a machine that does much else a rate may not be kept, and that must be said.
    [[ $STATUS -eq $(($(cat "$T/failed") > 0)) ]]
    [[ -s $T/results/report.html ]]
}

@test "every load that is there, and a report" {
    compare -q -r 1 00
    check_all_there 1 13
}

@test "one variant of each server, and a report" {
    compare -q -r 1 -l memory
    check_all_there "$(find "$ROOT" -maxdepth 1 -name 'server[0-9][0-9]_*' | wc -l)" 2
    # With 100 clients: one process, one, or ten and their parent. (On a busy machine server01 may
    # not have come to all of them when its children are counted.)
    [[ $(for row in iterative select 'prefork accept' 'fdpass first' 'spawn queued'; do
        figure "$row" memory processes 6
    done | paste -sd' ') == '1 1 11 11 11' && $(figure fork memory processes 6) -le 102 ]]
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 100 ]]
    says "$T/stdout" '^Model by model$'
}
