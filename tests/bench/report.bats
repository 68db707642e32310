#!/usr/bin/env bats
# bench/report: the page says what the CSV files say, also of partial and failed results, and looks
# right in a browser, wide and narrow. The results are made up by results.awk.

load ../helpers

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

# The figure with this name.
chart() { # NAME
    awk -v begin="<figure data-chart=\"$1\"" 'index($0, begin) { on = 1 } on { print }
        /<\/figure>/ { on = 0 }' "$PAGE"
}

marks() { # NAME [CLASS]
    chart "$1" | grep -o "class=\"${2:-mark}[\" ]" | wc -l
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

@test "the page needs nothing: no script, no network, no other file" {
    copy
    report
    run ! grep -Eiq "<script|javascript:|url\(|@import|https?://|//[a-z]" "$PAGE"
    run ! grep -Eiq "<link|<img|<iframe| on[a-z]+=" "$PAGE"
    [[ $(grep -Eo '(href|src)="[^"]*"' "$PAGE" |
        grep -Evc '"(#[a-z]+|[a-z-]+\.(csv|txt))"') -eq 0 ]]
    grep -q '^<!DOCTYPE html>$' "$PAGE"
    shows '<html lang="en">' '<meta charset="utf-8">' 'name="viewport"' \
        'prefers-color-scheme: dark' \
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

# Marks that a chart has to have: lines with a median in the CSV file.
expected() { # EXP LOAD FIGURES [ROWS]
    awk -F, -v loaded="$2" -v figures="^($3)\$" -v rows="${4:-.}" '
        $2 == loaded && $4 ~ figures && $1 ~ rows && $6 != "" { n++ }
        END { print n + 0 }' "$T/r/$1.csv"
}

# shellcheck disable=SC2016
check_marks() {
    local usual='^(iterative|fork|select|prefork accept|fdpass first|spawn (queued|piped least.*))$'
    local times='(min|p50|p90|p99|p999)' load figure

    [[ $(marks few-cpu_us_per_connection) -eq $(expected compare few cpu_us_per_connection) ]]
    [[ $(marks many-control_cpu_us) -eq $(expected compare many control_cpu_us) ]]
    [[ $(marks half-service) -eq $(expected compare half "service_$times" "$usual") ]]
    [[ $(marks half-response) -eq $(expected compare half "response_$times" "$usual") ]]
    [[ $(marks half-service-prefork) -eq $(expected compare half "service_$times" ^prefork) ]]
    [[ $(marks half-service-spawn) -eq $(expected compare half "service_$times" ^spawn) ]]
    [[ $(marks heavy-light) -eq $(expected compare heavy 'light_(p50|p99|max)') ]]
    [[ $(marks idle-served) -eq $(expected compare idle failed_share) ]]
    [[ $(marks trouble-p99) -eq \
        $(expected compare idle response_p99)+$(expected compare attack response_p99) ]]
    for load in clients children idle bytes; do
        for figure in connections_per_second failed_share; do
            [[ $(marks "scale-$load-$figure") -eq $(expected scale $load $figure) ]]
            [[ $(marks "scale-$load-$figure" break) -eq \
                $(grep -c ",$load,.*,breaks," "$T/r/scale.csv") ]]
        done
    done
    [[ $(marks herd-busy-response_p99) -eq $(expected herd busy response_p99) ]]
}

@test "each datum is a mark in its chart, and in a table; a missing one is a gap" {
    copy
    # prefork poll was not measured, fdpass first at 20 children neither, the load large not at all
    sed -i -e '/^prefork poll,few,,cpu_us_per_connection/s/us,.*/us,,,,0,3,no run was good/' \
        -e '/,large,/d' "$T/r/compare.csv"
    sed -i '/^prefork accept,paced,10,wakeups/s/,,.*/,,nan,,,0,3,why not/' "$T/r/herd.csv"
    report
    check_marks
    [[ $(marks few-cpu_us_per_connection) -eq 16 ]]
    [[ $(marks herd-paced-wakeups_per_connection) -eq 55 ]]
    # a gap: the curve begins again after it
    chart herd-paced-wakeups_per_connection | grep -Eq 'class="line s4" d="M[^M"]*M[^M"]*"'
    [[ $(chart children | grep -c 'role="img"') -eq 17 && $(marks children) -eq 142 ]]
    shows '300 children' 'No run of it has a figure.'
}

@test "what has not been measured is one line, what is there is shown" {
    copy
    rm "$T/r"/herd* "$T/r"/scale* "$T/r/limits.csv" "$T/r/machine.csv" "$T/r"/compare-[cs]*.csv
    report
    shows 'Not measured yet: <code>make herd</code> adds it.' 'there is no machine.csv' \
        'data-chart="wrk-keep-cpu_us_per_request"' \
        'Not measured yet: <code>make scale</code> adds it.' 'data-chart="half-service"'
    run ! grep -q 'data-chart="\(herd\|scale\|children\)' "$PAGE"
    rm -r "$T/r"
    copy
    rm "$T/r"/compare*
    report
    shows 'Not measured yet: <code>make compare</code> adds it.' 'data-chart="herd-paced-'
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
    shows 'data-outcome="herd"' 'Not complete (interrupted)' 'data-failed="compare"' \
        'select, many: 1 of 3 runs failed: the server ended: signal 9'
}

@test "names are escaped" {
    local name="a <b>&\"it's\" & forty characters long, or so"

    name=${name//,/;}
    copy
    awk -v name="${name//&/\\\\&}" '{ gsub(/prefork poll/, name); print }' FS=, \
        "$T/r/compare.csv" >"$T/x"
    grep -qF "$name" "$T/x"
    mv "$T/x" "$T/r/compare.csv"
    report
    shows 'a &lt;b&gt;&amp;&quot;it&#39;s&quot; &amp; forty characters long; or so'
    run ! grep -qF 'a <b>' "$PAGE"
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
    PATH=$T/path:$PATH fails 'awk could not' -o "$T/r"
    printf '#!/bin/sh\necho half; exit 0\n' >"$T/path/awk"
    PATH=$T/path:$PATH fails 'could not be written' -o "$T/r"
    only herd.csv machine.csv report.html
    [[ $(cat "$T/r/report.html") == old ]]
}

@test "a directory that cannot be written" {
    local as=()

    ELSEWHERE=$(mktemp -d /tmp/report.XXXXXX) # where others may read it, too
    cp -R "$ROOT/bench" "$FULL" "$ELSEWHERE"
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

# What is wrong with a page, as one line of text for each fault; "measured" ends it.
measuring_script() {
    cat <<'EOS'
<script>
const faults = [];
onerror = message => faults.push('script: ' + message);
function overlap(a, b) {
    return Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 2 &&
        Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 4;
}
onload = () => {
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        faults.push('page: ' + root.scrollWidth + ' wide in ' + root.clientWidth);
    }
    let texts = 0, smallest = 99;
    for (const svg of document.querySelectorAll('figure svg[role=img]')) {
        const name = svg.closest('figure').dataset.chart, view = svg.viewBox.baseVal;
        const rect = svg.getBoundingClientRect();
        if (rect.left < 0 || rect.right > root.clientWidth + 0.5) faults.push(name + ': cut');
        if (!svg.querySelector('title') || !svg.querySelector('desc').textContent) {
            faults.push(name + ': no description');
        }
        const boxes = [...svg.querySelectorAll('text')].map(t => [t.getBBox(), t.textContent]);
        boxes.forEach(([box, text], i) => {
            texts++;
            smallest = Math.min(smallest, 13.5 * rect.width / view.width);
            if (box.x < -1 || box.y < -1 || box.x + box.width > view.width + 1 ||
                box.y + box.height > view.height + 1) {
                faults.push(name + ': sticks out: ' + text + ' to ' + (box.x + box.width));
            }
            for (const [other, what] of boxes.slice(i + 1)) {
                if (overlap(box, other)) faults.push(name + ': ' + text + ' over ' + what);
            }
        });
        for (const mark of svg.querySelectorAll('.mark, .break, .line')) {
            const box = mark.getBBox();
            if (!(box.x > -2 && box.y > -2 && box.x + box.width < view.width + 2 &&
                box.y + box.height < view.height + 2)) faults.push(name + ': a mark outside');
        }
    }
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const page = getComputedStyle(document.body).backgroundColor;
    faults.push('measured ' + root.clientWidth + ' ' + texts + ' ' + (smallest >= 9.5) + ' ' +
        (dark ? 'dark ' : 'light ') + page.replace(/ /g, ''));
    parent.postMessage(faults.join('\n'), '*');
};
</script>
EOS
}

# A page that shows others in frames and collects what they say in its own text.
wrapper() { # WIDTH:FILE...
    echo '<!DOCTYPE html><pre id="said"></pre><script>'
    cat <<"EOS"
onmessage = e => document.getElementById("said").append(e.data + "\n");</script>
EOS
    for each; do
        echo "<iframe src=\"${each#*:}\" width=\"${each%%:*}\" height=700 frameborder=0></iframe>"
    done
}

browse() { # FILE OPTION...
    timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars \
        --user-data-dir="$T/browser" --disable-dev-shm-usage --enable-logging=stderr \
        --virtual-time-budget=4000 --dump-dom "${@:2}" "file://$1" 2>"$T/said.err" >"$T/dom"
    sed -n '/<pre id="said">/,/<\/pre>/{ s/.*<pre id="said">//; s/<\/pre>.*//; p; }' "$T/dom" |
        grep . | sort -u
    grep -E 'CONSOLE' "$T/said.err" || :
}

# Results that are hard to draw.
hard_results() {
    awk -F, -v OFS=, '
        NR == 1 || $1 != "iterative" { print }
        $1 == "fork" { for (i = 1; i <= 13; i++) {
            $1 = "0" i % 10 " a row whose name has 40 characters " i
            $6 = $6 == "" ? "" : $6 * (i % 4 == 0 ? 1e6 : i % 4 == 1 ? 0.001 : i)
            $7 = $8 = $6
            print
        } }' "$FULL/compare.csv" >"$1/compare.csv"
    awk -F, -v OFS=, 'NR > 1 && $4 !~ /^(runs|breaks)$/ && NR % 3 { $6 = $7 = $8 = NR % 7 ? 10 : 0 }
        { print }' "$FULL/scale.csv" >"$1/scale.csv"
    # one point, and one row
    awk -F, 'NR == 1 || ($1 == "prefork poll" && $3 == 10)' "$FULL/herd.csv" >"$1/herd.csv"
}

@test "in a browser: wide, narrow, light, dark, and what is hard to draw" {
    command -v chromium >/dev/null || skip "needs chromium"
    copy
    report
    mv "$PAGE" "$T/report.html"
    hard_results "$T/r"
    report
    { cat "$T/report.html"; measuring_script; } >"$T/good.html"
    { cat "$PAGE"; measuring_script; } >"$T/hard.html"
    wrapper {400,1280,1920}:{good,hard}.html >"$T/all.html"
    run -0 browse "$T/all.html"
    echo "$output"
    [[ ${#lines[@]} -eq 6 ]]
    [[ $(grep -Ec '^measured (400|1280|1920) [0-9]{3,4} true light rgb\(255,255,255\)$' \
        <<<"$output") -eq 6 ]]
    wrapper 400:good.html >"$T/all.html"
    run -0 browse "$T/all.html" --blink-settings=preferredColorScheme=0
    echo "$output"
    [[ $output =~ ^measured\ 400\ [0-9]+\ true\ dark\ rgb\(20,23,27\)$ ]]
}
