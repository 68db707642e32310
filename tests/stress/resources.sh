# shellcheck shell=sh
# resources.sh - what a server and its children hold at the moment, from /proc; and the options that
# chaos and soak have alike. Functions only; numbers on stdout.

# children_of PID - also zombies, a line each: pid and state. (Not every kernel lists them.)
children_of() {
    files=$(sed 's|[0-9][0-9]*|/proc/&/stat|g' /proc/"$1"/task/*/children 2>/dev/null) ||
        files='/proc/[0-9]*/stat'
    # shellcheck disable=SC2086 # several, or a pattern
    cat /dev/null $files 2>/dev/null | awk -v parent="$1" '
        { pid = $1; sub(/^.*\) /, "") }
        $2 == parent { print pid, $1 }' || :
}

# descriptors_of PID - how many are open; 0: there is no such process.
descriptors_of() {
    set -- /proc/"$1"/fd/*
    [ ! -e "$1" ] && [ ! -h "$1" ] || echo "$#"
}

# rss_of PID - in KiB; from the page tables, for the counter in status may be some hundred KiB off.
rss_of() {
    awk '/^(Vm)?R[sS][sS]:/ { print $2; exit }' "/proc/$1/smaps_rollup" 2>/dev/null ||
        awk '/^VmRSS:/ { print $2 }' "/proc/$1/status" 2>/dev/null || :
}

# shape_of PID - children, its own descriptors, the least and the most descriptors of a child,
# zombies. They are looked at one after the other: it is meant for a server at rest.
shape_of() {
    children_of "$1" | {
        count=0 least=0 most=0 zombies=0
        while read -r pid state; do
            count=$((count + 1))
            [ "$state" != Z ] || zombies=$((zombies + 1))
            n=$(descriptors_of "$pid")
            n=${n:-0}
            [ "$least" -ne 0 ] && [ "$least" -le "$n" ] || least=$n
            [ "$most" -ge "$n" ] || most=$n
        done
        own=$(descriptors_of "$1")
        echo "$count ${own:-0} $least $most $zombies"
    }
}

# memory_of PID - RSS in KiB: its own, and the most of a child (0 if it has none).
memory_of() {
    own=$(rss_of "$1")
    children_of "$1" | {
        most=0
        while read -r pid _; do
            n=$(rss_of "$pid")
            [ "${n:-0}" -le "$most" ] || most=$n
        done
        echo "${own:-0} $most"
    }
}

# owned_by PID - the memory of the whole family in KiB that is not a file's: each page once, however
# many of them share it (PSS), anonymous and shared memory. (Of the pages of programs and libraries
# the share depends on who else on this machine uses them.) Nothing where the kernel does not tell.
owned_by() {
    {
        cat "/proc/$1/smaps_rollup"
        children_of "$1" | while read -r pid _; do
            cat "/proc/$pid/smaps_rollup"
        done
    } 2>/dev/null | awk '/^Pss_(Anon|Shmem):/ { sum += $2; known = 1 } END { if (known) print sum }'
}

# --- the command line ----------------------------------------------------------------------------

# check_number LETTER VALUE MOST
check_number() {
    case $2 in
    '' | *[!0-9]* | 0 | 0?* | ???????????*) wrong "-$1 '$2': a number from 1 to $3 is allowed" ;;
    esac
    [ "$2" -le "$3" ] || wrong "-$1 '$2': a number from 1 to $3 is allowed"
}

# chosen_rows NAMES ALL - of the tool's `rows`, those that a line of NAMES names; without any, the
# usual ones, or all if ALL is not empty.
chosen_rows() {
    rows | awk -F'|' -v chosen="$1" -v all="$2" '
        BEGIN { n = split(chosen, name, "\n") }
        {
            for (i = 1; i < n; i++) {
                if ($2 == name[i] || index($3, name[i]) == 1 || index($3, "server" name[i]) == 1) {
                    print
                    next
                }
            }
            usual = $1 == "yes" || $2 ~ /mutex|least-loaded$/
            if (chosen == "" && (all != "" || usual)) print
        }'
}

# check_chosen NAMES - each names some.
check_chosen() {
    printf %s "$1" | while IFS= read -r each; do
        [ -n "$(chosen_rows "$each
" '')" ] || wrong "-s '$each': neither a server nor a variant"
    done
}
