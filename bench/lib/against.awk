# against.awk - what has changed since another time, beyond the noise. After table.awk; variables:
# old and new, two results of compare (compare.csv); name, what the old one is called.
#
# Two runs of one program never agree. So a figure counts as changed only if all this holds:
#   - both times it is the median of at least two runs: the noise of a single run is not known;
#   - the two ranges lie apart, by more than half of the wider one: with a few runs each, ranges
#     that merely do not overlap come by chance too often among some hundred figures;
#   - the change is more than 10 %, after the change that all rows have in common has been taken
#     off: if all rows became slower by a fifth, that is the machine, and it is said once;
#   - the change is at least the fourth power of the median factor by which the other rows moved
#     from what they have in common: a disturbance of some seconds does not hit all rows alike.
# With less than five rows the common change and the movement of rows are not known: then the ranges
# must lie apart by the whole of the wider one.

BEGIN {
    n = split("connections_per_second cpu_us_per_connection " \
        "service_p50 service_p99 response_p50 response_p99 light_p99 switches_per_connection " \
        "failed_share highest_rate private_kib startup_cpu_ms", judged, " ")
    for (i = 1; i <= n; i++) is_judged[judged[i]] = 1
    read_figures(old)
    for (key in med) {
        was[key] = med[key]; was_least[key] = least[key]; was_most[key] = most[key]
        was_runs[key] = runs[key]; was_of[key] = of[key]
    }
    split("", med)
    read_figures(new)
    find_common()
    report()
}

# Of new / old over the rows, for each load and figure that five rows or more have: the median, and
# how far from it the rows are, at the median.
function find_common(    key, part, i, k, m) {
    for (key in med) {
        split(key, part, SUBSEP)
        if (!(part[4] in is_judged) || !(key in was) || was[key] <= 0 || med[key] <= 0) continue
        k = part[2] SUBSEP part[3] SUBSEP part[4]
        ratio[k, ++nratios[k]] = med[key] / was[key]
    }
    for (k in nratios) {
        m = nratios[k]
        if (m < 5) continue
        for (i = 1; i <= m; i++) sorted[i] = ratio[k, i]
        common[k] = median_of(sorted, m)
        for (i = 1; i <= m; i++) sorted[i] = away(ratio[k, i] / common[k])
        moved[k] = median_of(sorted, m)
    }
}

# How far a ratio is from 1, to either side, as a factor.
function away(r) {
    return r < 1 ? 1 / r : r
}

# True if it fell or rose beyond the noise.
function changed(key, k,    low, high, gap, wide, by) {
    low = was_least[key] * common_of(k)
    high = was_most[key] * common_of(k)
    gap = least[key] > high ? least[key] - high : low - most[key]
    wide = high - low > most[key] - least[key] ? high - low : most[key] - least[key]
    if (gap <= wide * (k in common ? 0.5 : 1)) return 0
    if (was[key] <= 0 || med[key] <= 0) return 1 # from nothing, or to nothing
    by = away(med[key] / was[key] / common_of(k))
    return by > 1.1 && (!(k in moved) || by > moved[k] * moved[k] * moved[k] * moved[k])
}

function report(    key, part, k, lines, i, unknown, same) {
    for (key in med) {
        split(key, part, SUBSEP)
        if (!(part[4] in is_judged) || !(key in was)) continue
        if (runs[key] < 2 || was_runs[key] < 2) {
            unknown++
            continue
        }
        k = part[2] SUBSEP part[3] SUBSEP part[4]
        if (changed(key, k)) lines[++nlines] = line_of(key, part, k)
        else same++
    }
    print "Against " name ":"
    print ""
    tell_gone()
    tell_common()
    sort_list(lines, nlines)
    for (i = 1; i <= nlines; i++) print lines[i]
    if (nlines + same + unknown == 0) print "No figure was measured both times."
    printf "%s%s changed beyond the noise, %d did not", (nlines ? "\n" : ""),
        plural(nlines + 0, "figure"), same
    if (unknown) printf "; of %d it cannot be said, for they were run once", unknown
    print "."
}

function line_of(key, part, k) {
    return sprintf("%-24s %-8s %-24s %9s -> %9s%s%s", part[1], part[2], part[4],
        number(was[key]), number(med[key]),
        was[key] > 0 ? sprintf("   %+.0f %%", 100 * (med[key] / was[key] - 1)) : "",
        away(common_of(k)) > 1.005 ? \
            sprintf(" (all rows: %+.0f %%)", 100 * (common_of(k) - 1)) : "")
}

function common_of(k) {
    return k in common ? common[k] : 1
}

# What was measured one time only, and rows of which more runs fail.
function tell_gone(    key, part) {
    for (key in was) {
        split(key, part, SUBSEP)
        if (part[4] != "runs" || !was[key] || !(key in med)) continue
        if (med[key] / of[key] < was[key] / was_of[key]) {
            printf "%s %s: %d of %s failed, of %d then %d\n", part[1], part[2],
                of[key] - med[key], plural(of[key], "run"), was_of[key], was_of[key] - was[key]
        }
    }
    tell_lacking(was, med, "Not run this time: ")
    tell_lacking(med, was, "Not run that time: ")
}

# The rows and loads of one time that the other lacks; of a row without any, the name is enough.
function tell_lacking(has, lacks, text,    key, part, rows, names, n, i) {
    for (key in lacks) {
        split(key, part, SUBSEP)
        rows[part[1]]
    }
    for (key in has) {
        split(key, part, SUBSEP)
        if (part[4] != "runs" || !has[key] || key in lacks) continue
        if (!(part[1] in rows)) part[2] = "all"
        if (!((part[1], part[2]) in names)) list[++n] = part[1] " " part[2]
        names[part[1], part[2]]
    }
    if (!n) return
    sort_list(list, n)
    for (i = 1; i <= n; i++) text = text (i > 1 ? ", " : "") list[i]
    wrap(text, 4)
    print ""
}

# What all rows share, where it is more than 10 %.
function tell_common(    k, part, any) {
    for (k in common) {
        if (away(common[k]) < 1.1) continue
        split(k, part, SUBSEP)
        printf "common to all rows: %-8s %-24s %+.0f %%\n", part[1], part[3], 100 * (common[k] - 1)
        any = 1
    }
    if (any) {
        print "(That is the machine, or the client: what changed below has changed by more.)\n"
    }
}
