# shellcheck shell=sh
# end_workers.sh - the end of what a script has put into the background, and of nothing else: its
# process group may also be that of whoever called it. For the scripts in tests/ that have workers.

# descendants_of PID... - these, if they are children of this shell (a number that was waited for
# may be another's by now), and all that come from them; parents first: they start nobody then.
descendants_of() {
    table=$(ps -A -o pid= -o ppid=)
    echo "$table" | awk -v shell="$$" -v roots="$*" '
        { children[$2] = children[$2] " " $1 }
        function show(pid,    each, n, i) {
            print pid
            n = split(children[pid], each, " ")
            for (i = 1; i <= n; i++) show(each[i])
        }
        END {
            n = split(roots, root, " ")
            for (i = 1; i <= n; i++) {
                if (index(children[shell] " ", " " root[i] " ")) show(root[i])
            }
        }'
}

# end_workers PID... - by TERM, and by KILL what is still there after five seconds. A stopped one
# takes its TERM only when it goes on.
end_workers() {
    turns=50
    while descendants=$(descendants_of "$@") && [ -n "$descendants" ]; do
        sort=TERM
        [ "$((turns -= 1))" -gt 0 ] || sort=KILL
        for each in $descendants; do
            kill -s "$sort" "$each" 2>/dev/null || :
        done
        for each in $descendants; do
            kill -s CONT "$each" 2>/dev/null || :
        done
        [ "$turns" -gt -50 ] || return 0
        sleep 0.1 || :
    done
}
