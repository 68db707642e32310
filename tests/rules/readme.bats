#!/usr/bin/env bats
# The READMEs do not lie: every block marked sh is run as a reader would. A line that starts with
# bin/server belongs into a terminal of its own: it runs in the background, on a free port in
# place of 2000, until the block is done. Every other line must succeed; one whose program is not
# here (curl, ab, wrk) makes the test a skipped one, after all the others.

load ../helpers

# The blocks of a README as files block.1, block.2 ...
blocks_of() {
    awk -v to="$T/block." '
        /^```sh$/ { inside = 1; file = to (++n); next }
        /^```/ { inside = 0 }
        inside { print > file }' "$1"
}

start_as_told() { # LINE
    local words

    read -ra words <<<"${1/-p 2000/-p 0}"
    words=("${words[@]/#.\//$T/reader/}") # what a block before has made
    launch "$BIN/${words[0]#bin/}" "${words[@]:1}"
    await_ready
}

run_block() { # FILE
    local line

    while IFS= read -r line <&4; do
        if [[ $line == @(curl|ab|wrk)\ * ]] && ! command -v "${line%% *}" >/dev/null; then
            MISSING=${line%% *}
            continue
        fi
        case $line in
        bin/server*)
            start_as_told "$line"
            ;;
        'make demo')
            make -s -C "$ROOT" BIN="$BIN" BUILD="$BUILD" demo >"$T/demo"
            ;;
        *)
            line=${line//-p 2000/-p $PORT}
            line=${line/#cc /${CC:-cc} ${CFLAGS:-} }
            [[ ! $line =~ (.*\ -[tk]\ [1-9][0-9]+)0(\ .*) ]] ||
                line=${BASH_REMATCH[1]}${BASH_REMATCH[2]} # a tenth of the work shows that it works
            line=${line//127.0.0.1\/2000/127.0.0.1/$PORT}
            line=${line//127.0.0.1:2000/127.0.0.1:$PORT}
            (cd "$T/reader" && timeout "$PATIENCE" bash -c "$line") >"$T/said" 2>&1 3>&- 4<&- || {
                echo "$1: not so: $line"
                cat "$T/said"
                return 1
            }
            ;;
        esac
    done 4<"$1"
    if [[ -n ${SERVER_PID:-} ]] && alive "$SERVER_PID"; then
        stop_server
    fi
}

try_readme() { # FOLDER
    local block

    rm -rf "$T/reader" "$T"/block.*
    mkdir "$T/reader"
    ln -s "$BIN" "$T/reader/bin"
    ln -s "$ROOT/bench" "$ROOT/handlers" "$ROOT"/server[0-9][0-9]_* "$T/reader"
    ln -s "$BUILD" "$T/reader/build"
    blocks_of "$ROOT/$1/README.md"
    test -s "$T/block.1"
    for block in "$T"/block.*; do
        run_block "$block"
    done
}

@test "the first README does as it says" {
    try_readme .
    [[ -z ${MISSING:-} ]] || skip "needs $MISSING"
}

@test "the README of each server does as it says" {
    local folder

    COMPLAINTS='died of signal|had to be killed|trying again|memory, retrying|FD_SETSIZE' # lessons
    for folder in "$ROOT"/server[0-9][0-9]_*; do
        if [[ $folder == */server13_* ]] && ! has_ring; then
            MISSING=$NO_RING
            continue
        fi
        try_readme "${folder##*/}"
    done
    [[ -z ${MISSING:-} ]] || skip "needs $MISSING"
}
