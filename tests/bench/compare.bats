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

# A bin/ of symbolic links to the real programs, for tests that replace or remove some. Limits are
# measured for a moment only.
own_bin() {
    mkdir "$T/bin"
    ln -s "$BIN"/* "$T/bin"
    fake limits <<<"exec $BIN/limits \"\$@\" -t 0.01"
    BIN=$T/bin
    export BIN
}

# A program in it that is a script.
fake() { # NAME, script on stdin
    rm -f "$T/bin/$1"
    {
        echo '#!/bin/sh'
        cat
    } >"$T/bin/$1"
    chmod 755 "$T/bin/$1"
}

# --- made-up runs --------------------------------------------------------------------------------

# Round by round: what 00 and another row cost.
costs() { # ROW COST_OF_00 COST...
    local row=$1 round=0

    shift
    while (($#)); do
        round=$((round + 1))
        echo "$round,00,few,,run,,1,"
        echo "$round,00,few,,cpu_us_per_connection,us,$1,"
        echo "$round,$row,few,,run,,1,"
        echo "$round,$row,few,,cpu_us_per_connection,us,$2,"
        shift 2
    done
}

@test "the median of an odd number of runs is the middle one, of an even number between two" {
    made_up < <(costs '03 accept' 10 31 20 7 30 1000)
    compare -n
    [[ $STATUS -eq 0 ]]
    [[ $(figure '03 accept' few cpu_us_per_connection 6) == 31 ]]
    [[ $(figure '03 accept' few cpu_us_per_connection 7) == 7 ]]
    [[ $(figure '03 accept' few cpu_us_per_connection 8) == 1000 ]]
    [[ $(figure '03 accept' few cpu_us_per_connection 9) == 3 ]]

    made_up < <(costs '03 accept' 10 9 20 100 30 30 40 20)
    compare -n
    [[ $(figure '03 accept' few cpu_us_per_connection 6) == 25 ]]
    [[ $(figure 00 few cpu_us_per_connection 6) == 25 ]]
}

@test "process-control CPU is the difference to the iterative server in the same round" {
    # Differences 10, -5, 100. Of the medians it would be 30 - 20.
    made_up < <(costs 01 20 30 10 5 30 130)
    compare -n
    [[ $(figure 01 few control_cpu_us 6) == 10 ]]
    [[ $(figure 01 few control_cpu_us 7) == -5 ]]
    [[ $(figure 01 few control_cpu_us 8) == 100 ]]
    [[ $(figure 00 few control_cpu_us 6) == 0 ]]
    # In another order of the rounds the medians are the same and the differences are not.
    made_up < <(costs 01 10 30 20 5 30 130)
    compare -n
    [[ $(figure 01 few control_cpu_us 6) == 20 ]]
    grep -E '^01 +20.0 +-15.0 +100$' "$T/stdout"
    # A round in which the iterative server failed has no difference.
    costs 01 10 30 20 25 |
        sed '/^2,00,few,,cpu/d; s/^2,00,few,,run,,1,/2,00,few,,run,,0,it died/' | made_up
    compare -n
    [[ $(figure 01 few control_cpu_us 6) == 20 && $(figure 01 few control_cpu_us 9) == 1 ]]
    [[ $(figure 01 few cpu_us_per_connection 9) == 2 ]]
}

@test "CPU as a multiple of server03's is of the same round, too" {
    {
        costs '03 accept' 10 10 10 20 10 40
        costs 02 10 20 10 20 10 20
    } | awk '!seen[$0]++' | made_up
    compare -n
    [[ $(figure 02 few cpu_ratio 6) == 1 ]] # 2, 1, 0.5
    [[ $(figure '03 accept' few cpu_ratio 8) == 1 && -z $(figure 01 few cpu_ratio 6) ]]
    grep -E '^02 +1.00 +0.50 +2.00$' "$T/stdout"
}

@test "a failed run is in no median: it is counted, and its reason told" {
    {
        costs 02 10 30 10 40
        echo '3,02,few,,run,,0,7 of 5000 connections failed: reset 7'
    } | made_up
    compare -n
    [[ $(figure 02 few runs 6) == 2 && $(figure 02 few runs 10) == 3 ]]
    [[ $(figure 02 few cpu_us_per_connection 6) == 35 ]]
    [[ $(figure 02 few cpu_us_per_connection 10) == 3 ]]
    grep -E '^02 .* \*$' "$T/stdout"
    grep -Fx '* 02: 1 of 3 runs failed: 7 of 5000 connections failed: reset 7' "$T/stdout"
    tr '\n' ' ' <"$T/stdout" | grep '1 of its runs failed and is in no figure'
}

@test "the share of the machine's limit: that of the server's own model" {
    {
        costs 01 10 400
        costs '03 accept' 10 40
        costs 04 10 50
        costs 02 10 20
    } | sed 's/^1,04,/1,04 first,/' | awk '!seen[$0]++' | made_up
    compare -n
    [[ -z $(figure 01 few limit_share 6) ]] # no limits, no share
    cat >"$T/results/limits.csv" <<'END'
name,what,per_second,us_each,cpu_us_each,answer_cpu_us_each,switches_each,n,outcome,why
serve_n_1,x,1,1,99,8,1,5,measured,
serve_n_n,x,1,1,99,20,1,5,measured,
fork,x,1,1,150,0,1,1,measured,
fork_static,x,1,1,92,0,1,1,measured,
fdpass,x,1,1,5,0,1,1,measured,
END
    compare -n
    [[ $(figure 00 few limit_share 6) == 80 ]]          # 8 of 10
    [[ $(figure 01 few limit_share 6) == 25 ]]          # 8 + 92 of 400
    [[ $(figure 02 few limit_share 6) == 40 ]]          # 8 of 20
    [[ $(figure '03 accept' few limit_share 6) == 50 ]] # 20 of 40
    [[ $(figure '04 first' few limit_share 6) == 50 ]]  # 20 + 5 of 50
}

@test "one run has no range: what is within 15 % of the best is not called worse" {
    {
        costs 02 10 20
        costs '03 poll' 10 22
        costs 01 10 40
    } | awk '!seen[$0]++' | sed '/,00,/d' | made_up
    compare -n
    grep -E '^few clients: CPU.* 02 20.0 \(03 poll\); worst 01 40.0$' "$T/stdout"
}

@test "the best one, and who cannot be told from it" {
    {
        costs '03 accept' 10 20 10 30
        costs '03 poll' 10 29 10 33
        costs 02 10 31 10 32
    } | awk '!seen[$0]++' | sed '/,00,/d' | made_up
    compare -n
    # 03 accept is 20 to 30, 03 poll 29 to 33, 02 31 to 32.
    grep -E '^few clients: CPU.* 03 accept 25.0 \(03 poll\); worst 02 31.5$' "$T/stdout"
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
    grep -Fx '1 figures changed beyond the noise, 5 did not.' "$T/against"
}

@test "--against: what all rows have in common is the machine, and said once" {
    six_rows 10 20 30 40 50 60 | made_up
    compare -n
    cp "$T/results/compare.csv" "$T/old.csv"
    six_rows 13 26 39 52 65 39 | made_up # 30 % slower, and the last one half as much as that
    against_old
    grep -E '^common to all rows: few +cpu_us_per_connection +\+30 %$' "$T/against"
    grep -E '^05 +few .* -50 % more than common$' "$T/against"
    grep -Fx '1 figures changed beyond the noise, 5 did not.' "$T/against"
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

# --- what breaks ---------------------------------------------------------------------------------

@test "a server that fails is reported and in no median, and the others are measured" {
    own_bin
    fake server02_select <<<'echo "server02_select: out of luck" >&2; exit 1'
    compare -q -r 1 -l blocking server02 'server03_prefork_accept -n 5'
    [[ $STATUS -eq 1 ]]
    [[ $(figure 02 blocking runs 6) == 0 && $(figure 02 blocking runs 10) == 1 ]]
    [[ $(figure 02 blocking runs 11) == 'it did not start: server02_select: out of luck' ]]
    [[ -z $(figure 02 blocking cpu_us_per_connection 6) ]]
    [[ $(figure '03 -n 5' blocking runs 6) == 1 ]]
    [[ $(about failed_runs) == 2 && $(about outcome) == complete ]] # startup and few
    grep '2 runs FAILED' "$T/stdout"
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
    [[ $STATUS -eq 1 && $(figure 02 startup runs 6) == 1 ]]
    [[ $(figure 02 blocking runs 11) == *' connections failed: '*refused* ]] ||
        [[ $(figure 02 blocking runs 11) == *'printed no statistics'* ]]

    fake server02_select <<END
$BIN/server00_iterative "\$@" &
trap 'kill \$!' TERM
wait
wait
exit 3
END
    compare -q -r 1 -l blocking server02
    [[ $STATUS -eq 1 ]]
    [[ $(figure 02 blocking runs 11) == 'the server ended with status 3' ]]

    fake server02_select <<'END'
badserver corrupt 100 &
trap 'kill $!; echo "{\"cpu_user_s\":0}"; exit 0' TERM
wait
END
    compare -q -r 1 -l blocking server02
    [[ $STATUS -eq 1 && $(figure 00 blocking runs 6) == 1 ]]
    [[ $(figure 02 blocking runs 11) == *' connections failed: corrupt '* ]]
}

@test "-s: a sketch's CPU is read from outside; where it breaks its row says so, and all goes on" {
    own_bin
    fake sketch02 <<END # (a server says where it listens, too)
exec $BIN/server03_prefork_accept -n 3 -p 0
END
    fake sketch00 <<END
exec $BIN/server00_iterative -p 0
END
    fake sketch03 <<'END'
badserver corrupt 100
END
    compare -q -r 1 -l few,cpu,memory -s 02 'server03_prefork_accept -n 2'
    [[ $STATUS -eq 0 && $(about failed_runs) == 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-rows.csv" | paste -sd,) == \
        'row,00,02,03 -n 2,sketch00,sketch02,sketch03' ]]
    [[ $(figure sketch02 few cpu_us_per_connection 6) =~ ^[1-9] ]]
    [[ -z $(figure sketch02 few switches_per_connection 6) ]]
    [[ $(figure sketch02 few children_served 6) == 3 ]]
    [[ $(figure sketch02 memory processes 6) == 4 ]]
    [[ $(figure sketch03 few runs 6) == 0 ]]
    [[ $(figure 02 cpu runs 6) == 1 && -z $(figure sketch02 cpu runs 6) ]] # it does no work
    says "$T/stdout" '^\* sketch03: 1 of 1 runs failed: .* of 5000 connections failed: corrupt '
}

@test "-c: a load of one's own, alone or beside others" {
    compare -r 2 -c '-c 2 -t 50 -b 1000 -W 0:2000@0.1' 02
    [[ $STATUS -eq 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-loads.csv" | paste -sd,) == 'load,startup,own' ]]
    [[ $(figure 02 own cpu_us_per_connection 9) == 2 && -n $(figure 02 own light_p99 6) ]]
    [[ $(figure 02 own peak_rss_kib 6) -gt 0 ]]
    says "$T/stdout" '^own: a load of your own \(client -c 2 -t 50 -b 1000 -W 0:2000@0.1\)$'
    compare -q -r 1 -l few -c '-c 2 -t 50' 02
    [[ -n $(figure 02 own runs 6) && -n $(figure 02 few runs 6) ]]
}


@test "a server that fails only when nobody is there: no cost is made up" {
    own_bin
    fake server02_select <<END
[ -e $T/started ] || { : >$T/started; exit 1; }
exec $BIN/server00_iterative "\$@"
END
    compare -q -r 1 -l few server02
    [[ $STATUS -eq 1 && $(figure 02 startup runs 6) == 0 && $(figure 02 few runs 6) == 1 ]]
    [[ -z $(figure 02 few cpu_us_per_connection 6) ]]
    grep -F '* 02: 1 of 1 runs failed: it did not start' "$T/stdout"
}

@test "against its own results: they are read before they are written" {
    compare -r 2 -l blocking 02
    compare -r 2 -l blocking --against "$T/results/compare.csv" 02
    [[ $STATUS -eq 0 ]]
    grep -Fx "Against $T/results/compare.csv:" "$T/stdout"
    grep -E '^[0-9]+ figures changed beyond the noise, [1-9][0-9]* did not' "$T/stdout"
    [[ -s $T/results/compare-before.csv ]]
    # And what was there then and is not now is named.
    compare -q -r 1 -l memory --against "$T/results/compare.csv" 02
    grep -E '^Not run this time: .*0[02] blocking' "$T/stdout"
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
    made_up < <(costs 01 10 30 20 40)
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
    interrupt_tool TERM 5 -q -r 500 -l few 02
    kept_and_marked
    [[ $(figure 00 few runs 6) -ge 1 && -n $(figure 00 few cpu_us_per_connection 6) ]]
    [[ ! -s $ERR ]]
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
    compare -l ''
    [[ $STATUS -eq 2 && ! -e $T/results ]]
    refuses_all '-z' '-r' '-r 0' '-r 1x' '-l nonsense' '-l own' '-l half' 'server99' '--against'
    compare --against "$T/none.csv" -l few 02
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == *"cannot read"* ]]
    run -0 "$ROOT/bench/compare" -h
    [[ $output == *'usage: bench/compare'* && $output != *set\ -eu* ]]
}

# --- all of it -----------------------------------------------------------------------------------

@test "a server of one's own, with options: named, beside the iterative one" {
    compare -r 2 -l startup,blocking,memory 'server03_prefork_accept -n 3 -a poll'
    [[ $STATUS -eq 0 ]]
    [[ $(cut -d, -f1 "$T/results/compare-rows.csv" | paste -sd,) == 'row,00,03 -n 3 -a poll' ]]
    [[ $(figure '03 -n 3 -a poll' blocking runs 6) == 2 ]]
    [[ $(figure '03 -n 3 -a poll' memory processes 6) == 4 ]]
    [[ $(figure 00 memory processes 6) == 1 ]]
    [[ $(grep -c '^1,03 -n 3 -a poll,blocking,,[123],' "$T/results/compare-children.csv") -eq 3 ]]
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
    compare -q -r 1 -l idle,memory
    check_all_there 6 3
    # With 100 clients: one process, one, or ten and their parent. (On a busy machine server01 may
    # not have come to all of them when its children are counted.)
    [[ $(for row in 00 02 '03 accept' '04 first' '05 queued'; do
        figure "$row" memory processes 6
    done | paste -sd' ') == '1 1 11 11 11' && $(figure 01 memory processes 6) -le 102 ]]
    # Who is busy with idle clients does not serve others; select does.
    [[ $(figure 00 idle failed_share 6) == 100 ]]
    [[ $(figure 02 idle failed_share 6) =~ ^[0-9]?[0-9](\.|$) ]] # and not 100
    [[ $(grep -vF "$T" "$T/stdout" | wc -L) -le 100 ]]
    says "$T/stdout" '^Model by model$'
}
