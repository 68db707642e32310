# others.awk - the percent of the processors' time that others, or the hypervisor, have taken during
# a run: of what was used, what the script, its servers and its clients have not. Two files, each
# what look() in runs.sh prints: the first line of /proc/stat, in ticks, and two lines of times.
# Variable: tick_s, ticks in a second. Prints nothing where there is no /proc/stat.

$1 == "cpu" {
    looks++
    sign = looks == 1 ? -1 : 1
    for (i = 2; i <= 9; i++) all += sign * $i
    used += sign * ($2 + $3 + $4 + $7 + $8 + $9) # not idle, and not waiting for a disk
    next
}

{ used -= sign * (seconds($1) + seconds($2)) * tick_s } # those of the shell, or of its children

END { if (looks == 2 && all > 0) printf "%.0f", (used > 0 ? 100 * used / all : 0) }

# seconds(TEXT) - of 1m2.34s.
function seconds(text,    part) {
    split(text, part, "m")
    return part[1] * 60 + part[2]
}
