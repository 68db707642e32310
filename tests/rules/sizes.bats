#!/usr/bin/env bats
# How large what may be. The table is printed at each run; a figure that must grow is changed here,
# in sight, with the reason behind it.

load ../helpers

cd "$ROOT" || exit

# MEASURE MOST FILES. Files are patterns; a folder stands for all files in it; sketches are left
# out. Measures: lines and files in all; of a function, the most lines and the deepest block.
# More than a server's 220 lines: server02 keeps its select() loop and the limit of an fd_set in
# sight, server04 the whole hand-over. More than 5000 in all: each promise has its lines.
table() {
    cat <<'END'
lines 220 server00_iterative/server00_iterative.c
lines 220 server01_fork/server01_fork.c
lines 246 server02_select/server02_select.c
lines 220 server03_prefork_accept/server03_prefork_accept.c
lines 260 server04_fdpass/server04_fdpass.c
lines 220 server05_spawn_pool/server05_spawn_pool.c
lines 1300 server05_spawn_pool/*.[ch]
lines 5426 common/*.[ch] server0[0-5]_*/*.[ch]
lines 15800 client bench
lines 25500 tests
files 150 tests
function 40 server[0-9][0-9]_*/*.c
function 40 common/*.c
function 50 client bench
function 50 tests
nesting 3 server[0-9][0-9]_*/*.c
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
        mapfile -t files < <(find $patterns -type f ! -name sketch.c)
        is=$(measure "$measure" "${files[@]}")
        printf '# %-9s %6d  %7d  %s\n' "$measure" "$is" "$most" "$patterns" >&3
        [[ ${#files[@]} -gt 0 && $is -gt 0 && $is -le $most ]] || bad+=" $measure of $patterns"
    done < <(table)
    echo "too large:$bad"
    [[ -z $bad ]]
}
