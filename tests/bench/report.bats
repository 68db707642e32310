#!/usr/bin/env bats
# bench/report: the page says what the CSV files say, also of partial and failed results, and looks
# right in a browser, wide and narrow. The results are made up by results.awk.

load ../helpers
load ../helpers/browser

# One directory of complete results for the whole file; who changes them takes a copy.
setup_file() {
    export FULL=$BATS_FILE_TMPDIR/full
    mkdir "$FULL"
    awk -v dir="$FULL" -f "$BATS_TEST_DIRNAME/results.awk"
}

# Its copy in $T/r
copy() {
    cp -R "$FULL" "$T/r"
    PAGE=$T/r/report.html
}

report() {
    run -0 --separate-stderr "$ROOT/bench/report" -o "$T/r"
    [[ $output == "$PAGE" && -z $stderr ]]
}

# A failure with this line, and nothing left behind.
fails() { # TEXT OPTION...
    local text=$1

    shift
    run -1 --separate-stderr "$ROOT/bench/report" "$@"
    echo "$stderr"
    [[ -z $output && ${#stderr_lines[@]} -eq 1 && $stderr == "report: "*"$text"* ]]
}

only() { # FILE... - nothing else is in $T/r
    diff <(printf '%s\n' "$@" | sort) <(cd "$T/r" && find . -mindepth 1 | sed 's|^\./||' | sort)
}

shows() { # TEXT...
    local text

    for text; do
        grep -Fq -- "$text" "$PAGE" || {
            echo "not in the page: $text"
            return 1
        }
    done
}

# The JSON of the page, on one line.
data() {
    awk '/<\/script>/ { on = 0 } on { print } /id="data">$/ { on = 1 }' "$PAGE" | tr -d '\n'
}

# --- the page ------------------------------------------------------------------------------------

@test "a page of all four experiments" {
    copy
    report
    diff -r "$FULL" "$T/r" | diff - <(echo "Only in $T/r: report.html")
    shows 'href="compare.csv"' 'href="machine.csv"' 'made up by tests/bench/results.awk' \
        'bench/compare -o results' '90 min' 'serves 12000 connections/s' \
        'fork_static' 'unavailable' 'costs 20 page faults; here that is 158 us' \
        'server03_prefork_accept -n 10 -a epoll-exclusive' 'client -c 15 -m 10 -t 900 -b 4096' \
        'id="herd-paced"' 'docs/measuring.md' 'Where each breaks'
    run ! grep -q -e 'Not measured yet' -e 'Not complete' -e 'Failed runs' "$PAGE"
}

@test "the page needs nothing: no network, no other file" {
    copy
    report
    [[ $(grep -Eo 'https?://[^"]*' "$PAGE" | sort -u) == http://www.w3.org/2000/svg ]]
    run ! grep -Eiq '<link|<img|<iframe|<object|<base|@import|url\(|javascript:|src=' "$PAGE"
    run ! grep -Eq 'fetch\(|XMLHttp|import\(|innerHTML|eval\(' "$PAGE"
    [[ $(grep -c '<script' "$PAGE") -eq 3 && $(grep -c '</script>' "$PAGE") -eq 3 ]]
    [[ $(grep -Eo '<a href="[^"]*"' "$PAGE" |
        grep -Evc '"(#[a-z]+|[a-z-]+\.(csv|txt))"') -eq 0 ]]
    grep -q '^<!DOCTYPE html>$' "$PAGE"
    shows '<html lang="en">' '<meta charset="utf-8">' 'name="viewport"' \
        'prefers-color-scheme: dark' "default-src 'none'" \
        'color-scheme: light dark' '@media print'
    # Each id is there once, and each link leads to one.
    [[ -z $(grep -Eo ' id="[^"]*"' "$PAGE" | sort | uniq -d) ]]
    for each in $(grep -Eo 'href="#[a-z]+"' "$PAGE" | tr -d '"#' | sed 's/href=//'); do
        shows "id=\"$each\""
    done
}

@test "each row of a table has as many cells as its head" {
    copy
    report
    awk '/<table>/ { n = 0 } /<thead>/ { n = gsub(/<th /, "") }
        /^<tr>/ && !/colspan/ { cells = 0 }
        /^<tr>/, /<\/tr>/ { cells += gsub(/<t[hd][ >]/, "")
            if (/colspan/) cells = n
            if (/<\/tr>/ && cells != n) { print; bad++ } }
        END { exit bad > 0 }' "$PAGE"
}

@test "the page's data are those of the CSV files" {
    local column tool

    copy
    report
    for tool in compare herd scale rivals; do
        for column in 1:1 2:2 3:3 4:4 6:6 7:7 8:8 9:11; do
            diff <(data | json "$tool.figures.*.$((${column%:*} - 1))") \
                <(awk -F, -v column="${column#*:}" 'NR > 1 { print $column }' "$T/r/$tool.csv")
        done
        diff <(data | json "$tool.rows.*.0") <(sed '1d; s/,.*//' "$T/r/$tool-rows.csv")
    done
    diff <(data | json 'compare.children.*.3') <(sed '1d; s/.*,//' "$T/r/compare-children.csv")
}

# The cells of a row in the first table with this caption: their text, separated by |.
row_of() { # CAPTION ROW
    awk -v caption="<caption>$1</caption>" -v row=">$2</th>" 'index($0, caption) { on = 1 }
        /<\/table>/ { on = 0 }
        on && index($0, row) { sub(/.*<\/th>/, ""); gsub(/<small>[^<]*<\/small>/, "")
            gsub(/<[^>]*>/, "|"); gsub(/[|]+/, "|"); print; exit }' "$PAGE"
}

@test "the table to decide by has a figure for each question, and what a crash ends" {
    copy
    sed -i 's/^\(select,few,,cpu_us_per_connection,us\),.*/\1,12.3,1,2,3,3,/
        s/^select,half,,response_p99,.*/select,half,,response_p99,us,45600,1,2,3,3,/
        s/^select,idle,,failed_share,.*/select,idle,,failed_share,%,0.5,1,2,3,3,/
        s/^select,cpu,,connections_per.*/select,cpu,,connections_per_second,\/s,1234,1,2,3,3,/
        s/^select,blocking,,conn.*/select,blocking,,connections_per_second,\/s,,,,0,3,why/
        s/^select,memory,,private_kib.*/select,memory,,private_kib,KiB,20480,1,2,3,3,/' \
        "$T/r/compare.csv"
    report
    row_of 'The table to decide by' select
    [[ $(row_of 'The table to decide by' select) == \
        '|12.3 us|45.6 ms|99.5 %|1,234|&ndash;|20.0 MiB|everything|' ]]
    [[ $(row_of 'The table to decide by' 'prefork accept') == *'|its connection|' ]]
    [[ -z $(row_of 'The table to decide by' 'prefork poll') ]] # no usual one
    [[ $(row_of few 'prefork poll') == '|'*'/s|'* ]]
}

@test "what has not been measured is one line, what is there is shown" {
    copy
    rm "$T/r"/herd* "$T/r"/scale* "$T/r/limits.csv" "$T/r/machine.csv" "$T/r"/compare-[cs]*.csv
    report
    shows 'Not measured yet: <code>make herd</code> adds it.' 'there is no machine.csv' \
        'data-charts="rivals" data-load="wrk-keep"' 'data-charts="waiting"' \
        'Not measured yet: <code>make scale</code> adds it.'
    run ! grep -q 'data-charts="\(herd\|scale\)' "$PAGE"
    rm -r "$T/r"
    copy
    rm "$T/r"/compare*
    report
    shows 'Not measured yet: <code>make compare</code> adds it.' \
        'data-charts="herd" data-load="paced"'
    run ! grep -q 'The table to decide by' "$PAGE"
}

@test "interrupted and failed runs are marked" {
    copy
    sed -i 's/^outcome,.*/outcome,interrupted/' "$T/r/herd-about.csv"
    sed -i 's/^load,.*/load,7.25/' "$T/r/herd-about.csv"
    echo 'select,few,,disturbed,,2,,,,,' >>"$T/r/compare.csv"
    sed -i '/^select,many,,runs,/s/.*/select,many,,runs,,2,2,2,2,3,the server ended: signal 9/' \
        "$T/r/compare.csv"
    report
    [[ $(grep -c 'data-outcome=' "$PAGE") -eq 1 && $(grep -c 'data-failed=' "$PAGE") -eq 1 ]]
    shows 'data-busy="compare"' '2 of its ' 'data-busy="herd"' 'herd began: 7.25' '>7.25</td>'
    run ! grep -q 'data-busy="scale"' "$PAGE"
    [[ $(row_of few select) == *' ~|'* && $(row_of few fork) != *'~'* ]]
    [[ $(row_of 'The table to decide by' select) == '|'*' ~|'* ]]
    shows "<p>~ disturbed: "
    shows 'data-outcome="herd"' 'Not complete (interrupted)' 'data-failed="compare"' \
        'select, many: 1 of 3 runs failed: the server ended: signal 9'
}

# A name that is markup where there must be text; no CSV file of ours has a comma inside.
HOSTILE="</script><script>alert(1)</script><img src=x onerror=alert(2)> ]]> \"'&<!-- "

# Results with that name for a row, and as a load's title.
hostile_results() {
    local each

    for each in "$T/r"/*.csv; do
        name=$HOSTILE awk 'BEGIN { FS = OFS = ","; name = ENVIRON["name"] }
            FILENAME ~ /best|sentences/ && NR > 1 { $1 = name }
            { for (i = 1; i <= NF; i++) if ($i == "prefork poll") $i = name }
            FILENAME ~ /loads/ && NR > 1 { $2 = name } { print }' "$each" >"$T/x"
        mv "$T/x" "$each"
    done
}

@test "names are escaped: in the tables and in the data" {
    local escaped

    copy
    hostile_results
    grep -qF "$HOSTILE" "$T/r/compare.csv"
    report
    shows '&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;'
    run ! grep -qF -e '<script>alert' -e '<img' -e '<!-- ' "$PAGE"
    escaped=${HOSTILE//</\\u003c} # as JSON has it
    escaped=${escaped//\"/\\\"}
    [[ $(data | json 'compare.rows.*.0' | grep -cxF "$escaped") -eq 1 ]]
    [[ $(data | json 'herd.loads.0.1') == "$escaped" ]]
}

# --- the command line ----------------------------------------------------------------------------

@test "-h, -q, wrong usage" {
    run -0 --separate-stderr "$ROOT/bench/report" -h
    [[ $output == 'report - '* && $output == *'Exit status'* && -z $stderr ]]
    copy
    run -0 --separate-stderr "$ROOT/bench/report" -q -o "$T/r"
    [[ -z $output && -z $stderr && -s $PAGE ]]
    for each in -x -o results; do
        run -2 --separate-stderr "$ROOT/bench/report" "$each"
        [[ -z $output && $stderr == 'report: '*'try -h' ]]
    done
}

@test "failures: one line, status 1, nothing left behind" {
    fails 'there is no directory' -o "$T/nowhere"
    mkdir "$T/r"
    cp "$FULL/machine.csv" "$T/r"
    fails 'no results' -o "$T/r"
    only machine.csv
    cp "$FULL/herd.csv" "$T/r"
    mkdir "$T/r/report.html"
    fails 'is a directory' -o "$T/r"
    only herd.csv machine.csv report.html
    rmdir "$T/r/report.html"
    echo old >"$T/r/report.html"
    mkdir "$T/path"
    printf '#!/bin/sh\necho half; exit 2\n' >"$T/path/awk"
    chmod +x "$T/path/awk"
    PATH=$T/path:$PATH fails 'could not be made' -o "$T/r"
    only herd.csv machine.csv report.html
    [[ $(cat "$T/r/report.html") == old ]]
}

@test "a directory that cannot be written" {
    local as=()

    ELSEWHERE=$(mktemp -d /tmp/report.XXXXXX) # where others may read it, too
    cp -R "$ROOT/bench" "$ROOT/watch" "$FULL" "$ELSEWHERE"
    chmod -R a+rX "$ELSEWHERE"
    chmod 555 "$ELSEWHERE/full"
    if [[ $(id -u) -eq 0 ]]; then
        command -v setpriv >/dev/null || skip "needs setpriv(1), being root"
        as=(setpriv --reuid 65534 --clear-groups)
    fi
    cd /
    run -1 --separate-stderr "${as[@]}" "$ELSEWHERE/bench/report" -o "$ELSEWHERE/full"
    echo "$stderr"
    [[ -z $output && $stderr == "report: cannot write into $ELSEWHERE/full" ]]
    chmod 755 "$ELSEWHERE/full"
    diff -r "$FULL" "$ELSEWHERE/full"
}

# --- in a browser --------------------------------------------------------------------------------

# What a chart has drawn: its marks, the curves that break, the curves with a gap.
drawn() { # NAME
    awk -v name="$1" '{ said = $0; sub(/( [0-9]+){3}$/, ""); if ($0 == name) {
        sub(/.* /, "", $0); n = split(said, part, " ")
        print part[n - 2], part[n - 1], part[n]; exit } }' "$T/marks"
}

# How many lines of a CSV file have a median; those are the marks that a chart must have.
expected() { # EXP LOAD FIGURES [ROWS]
    awk -F, -v loaded="$2" -v figures="^($3)\$" -v rows="${4:-.}" '
        $2 == loaded && $4 ~ figures && $1 ~ rows && $6 ~ /^-?[0-9]/ { n++ }
        END { print n + 0 }' "$T/r/$1.csv"
}

has_marks() { # CHART EXP LOAD FIGURES [ROWS]
    local said

    said=$(drawn "$1")
    echo "$1: ${said:-nothing}"
    [[ ${said%% *} -gt 0 && ${said%% *} -eq $(expected "${@:2}") ]]
}

@test "in a browser: each datum is a mark in its chart, and a missing one is a gap" {
    local usual='^(iterative|fork|select|prefork accept|fdpass first|spawn (queued|piped least.*))$'
    local times='(min|p50|p90|p99|p999)' load figure

    needs_browser
    copy
    # prefork poll was not measured, prefork accept at 10 children neither; large not at all
    sed -i -e '/^prefork poll,few,,cpu_us_per_connection/s/us,.*/us,,,,0,3,no run was good/' \
        -e '/,large,/d' "$T/r/compare.csv"
    sed -i '/^prefork accept,paced,10,wakeups/s/,,.*/,,nan,,,0,3,why not/' "$T/r/herd.csv"
    report
    browse "$BATS_TEST_DIRNAME/report.mjs" marks "$PAGE" >"$T/marks"
    has_marks few-cpu_us_per_connection compare few cpu_us_per_connection "$usual"
    has_marks many-control_cpu_us compare many control_cpu_us
    has_marks few-connections_per_second compare few connections_per_second
    has_marks half-service compare half "service_$times" "$usual"
    has_marks half-response compare half "response_$times" "$usual"
    has_marks half-service-prefork compare half "service_$times" ^prefork
    has_marks heavy-light_p99 compare heavy light_p99
    has_marks idle-failed_share compare idle failed_share
    has_marks attack-response_p99 compare attack response_p99
    for load in clients children idle bytes; do
        for figure in connections_per_second failed_share; do
            has_marks "scale-$load-$figure" scale $load $figure
            [[ $(drawn "scale-$load-$figure" | cut -d' ' -f2) -eq \
                $(grep -c ",$load,.*,breaks," "$T/r/scale.csv") ]]
        done
    done
    has_marks herd-busy-response_p99 herd busy response_p99
    has_marks wrk-keep-cpu_us_per_request rivals wrk-keep cpu_us_per_request
    [[ $(drawn herd-paced-wakeups_per_connection) == '55 0 1' ]]
    [[ $(grep -c '^children-' "$T/marks") -eq 17 && $(drawn 'children-fdpass first') == '10 '* ]]
    shows 'No run of it has a figure.'
}

# Results that are hard to draw.
hard_results() {
    awk -F, -v OFS=, '
        NR == 1 || $1 != "iterative" { print }
        $1 == "fork" { for (i = 1; i <= 13; i++) {
            $1 = "0" i % 10 " a row whose name has 40 characters " i
            $6 = $6 == "" ? "" : $6 * (i % 4 == 0 ? 1e4 : i % 4 == 1 ? 0.001 : i)
            $7 = $8 = $6
            print
        } }' "$FULL/compare.csv" >"$1/compare.csv"
    for i in {1..13}; do
        echo "0$((i % 10)) a row whose name has 40 characters $i,server01_fork,yes"
    done >>"$1/compare-rows.csv"
    awk -F, -v OFS=, 'NR > 1 && $4 !~ /^(runs|breaks)$/ && NR % 3 { $6 = $7 = $8 = NR % 7 ? 10 : 0 }
        { print }' "$FULL/scale.csv" >"$1/scale.csv"
    # one point, and one row
    awk -F, 'NR == 1 || ($1 == "prefork poll" && $3 == 10)' "$FULL/herd.csv" >"$1/herd.csv"
}

@test "in a browser: wide, narrow, dark, on paper, and what is hard to draw" {
    needs_browser
    copy
    report
    mv "$PAGE" "$T/easy.html"
    hard_results "$T/r"
    report
    browse "$BATS_TEST_DIRNAME/report.mjs" look "$T/easy.html" "$PAGE"
}

@test "in a browser: without scripts there are the tables" {
    needs_browser
    copy
    report
    browse "$BATS_TEST_DIRNAME/report.mjs" tables "$PAGE"
}

# With few rows and loads, for each element takes its time.
@test "in a browser: accessible, as axe sees it; and names that are markup are text" {
    needs_browser
    copy
    hostile_results
    sed -i -E -e '/^(fork|prefork ([sle]|reuse)|fdpass|spawn|epoll|python|apache)/d' \
        -e '/^([^,]*,)?(saturated|busy|children|bytes|hundred|keep|large|cpu),/d' "$T/r"/*[a-z].csv
    report
    browse "$BATS_TEST_DIRNAME/report.mjs" hostile "$PAGE" "$HOSTILE"
    browse "$BATS_TEST_DIRNAME/report.mjs" axe "$PAGE"
}
