#!/usr/bin/env bats
# How large what may be. The table is printed at each run; a figure that must grow is changed here,
# in sight, with the reason behind it.

load ../helpers

cd "$ROOT" || exit

# MEASURE MOST FILES. Files are patterns; a folder stands for all files in it; sketches are left
# out. Measures: lines and files in all; of a function, the most lines and the deepest block.
# More than a server's 220 lines: server08 has its parent and the loop of its children in one file,
# and with -a reuseport a listening socket for each child. server13 has no library, but the kernel's
# structures and its queues in files of its own. server11 in all: two kinds of workers, forked ones
# and handlers; and for these frames, replies that wait for slow readers, and what becomes of a
# request when its handler dies, or leaves before it has received it.
#
# common/ with the first six is more than 5000: times with units, output that waits for its reader,
# listeners that others share, what wakes threads, a stop that refuses new clients at once, and
# comments that say why at the place have their lines; 970 are for HTTP, which every server speaks
# (common/http with a picture of its states, common/decimal, the replies in conn); then the rings of
# server12, which its client shares, and why they prefetch; and what server05 and server11 share of
# handlers (the board, their start, their lives).
#
# client and bench: shares of who was late, and sentences that are said only if the figures carry
# them; the heads of HTTP replies, whose words a user needs to see what is wrong; connections that
# are made again when a server announces its close; the lines of -o live; 120 for bench/rings.
#
# watch: 400 of its lines are headers; it reads HTTP and ini files, checks and makes JSON, has other
# programs run and reads /proc, in a file of about 200 lines each; a client or a guardian that is
# stopped, or does not end; how many children may be asked for.
#
# Tests: 100 for handlers of server11 that have no descriptor, die, or wait for a slow client; 1100
# for HTTP, with cases for each row of docs/http.md, and an oracle that the fuzz targets share; 350
# for a peer that writes into the rings at any moment, and for two threads there; 900 for what watch
# refuses and withstands, and 700 for its page: a made-up run for each sentence that it may say, and
# for each that it must not, and a browser, which looks at the report's charts too; 600 for the fuzz
# targets of what watch reads, each with an oracle of its own.
table() {
    cat <<'END'
lines 220 server00_iterative/server00_iterative.c
lines 220 server01_fork/server01_fork.c
lines 220 server02_select/server02_select.c
lines 220 server03_prefork_accept/server03_prefork_accept.c
lines 220 server04_fdpass/server04_fdpass.c
lines 220 server05_spawn_pool/server05_spawn_pool.c
lines 220 server06_thread/server06_thread.c
lines 220 server07_poll/server07_poll.c
lines 241 server08_epoll/server08_epoll_linux.c
lines 471 server08_epoll/*.[ch]
lines 220 server09_prethread/server09_prethread.c
lines 220 server10_process_threads/server10_process_threads.c
lines 274 server10_process_threads/*.[ch]
lines 220 server13_io_uring/server13_io_uring_linux.c
lines 878 server13_io_uring/*.[ch]
lines 1300 server05_spawn_pool/*.[ch]
lines 7561 common/*.[ch] server0[0-5]_*/*.[ch]
lines 255 server11_event_workers/server11_event_workers.c
lines 1692 server11_event_workers/*.[ch]
lines 18010 client bench
lines 37810 tests
lines 3593 watch/*.[ch]
lines 1141 watch/watch.js watch/lints.js
lines 220 server12_shared_memory/server12_shared_memory.c
lines 500 server12_shared_memory/*.[ch]
files 165 tests
function 40 server[0-9][0-9]_*/*.c
function 40 common/*.c
function 50 client bench
function 50 tests
nesting 3 server[0-9][0-9]_*/*.c
function 40 watch/*.c
nesting 3 watch/*.c
END
}

# Files without their comments and strings, and empty lines.
code_of() { # FILE...
    sed 's/\\"//g; s/"[^"]*"//g; s|/\*.*\*/||' "$@"
}

measure() { # MEASURE FILE...
    local measure=$1

    shift
    case $measure in
    lines) cat "$@" | wc -l ;;
    files) echo $# ;;
    function) awk 'FILENAME !~ /\.c$/ { next } /^\{/ { start = FNR }
        /^\}/ && start { if (FNR - start >= most) most = FNR - start + 1; start = 0 }
        END { print most + 0 }' "$@" ;;
    nesting) code_of "$@" | awk '{ depth += gsub(/\{/, "") - gsub(/\}/, "") }
        depth > most { most = depth } END { print most - 1 }' ;;
    esac
}

@test "sizes: of each server, of what they share, of client, bench and tests" {
    local bad='' files is measure most patterns

    echo "# measure       is  at most" >&3
    while read -r measure most patterns; do
        # shellcheck disable=SC2086 # patterns
        mapfile -t files < <(find $patterns -type f ! -name 'sketch*.c')
        is=$(measure "$measure" "${files[@]}")
        printf '# %-9s %6d  %7d  %s\n' "$measure" "$is" "$most" "$patterns" >&3
        [[ ${#files[@]} -gt 0 && $is -gt 0 && $is -le $most ]] || bad+=" $measure of $patterns"
    done < <(table)
    echo "too large:$bad"
    [[ -z $bad ]]
}
