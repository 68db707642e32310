# medians.awk - the figures of all runs (TOOL-runs.csv) become medians with their least and most,
# one line per row, load, x and figure: "row,load,x,figure,unit,median,min,max,runs,of,why". After
# list.awk; files: the limits of the machine (limits.csv; may be empty), then the runs.
#
# Two figures are of two runs of the same round, as the machine is not the same in the next:
# control_cpu_us, Stevens' process-control CPU time (the processor time of a server beyond that of
# the iterative one, which does the same work and controls no process), and cpu_ratio, its processor
# time as a multiple of server03's with blocking accept.
#
# A run that failed is in no median. It is counted: `of` is how many were tried, and why says what
# failed. The figure `disturbed` counts the runs from which others took more than others_most
# percent of the processors' time; they are in the medians.

BEGIN { FS = "," }

FNR == 1 { file++; next } # the headings
file == 1 { answer_cpu[$1] = $6 + 0; cpu[$1] = $5 + 0; next }

$5 == "run" {
    key = $2 "," $3 "," $4
    if (!(key in of)) keys[++nkeys] = key
    of[key]++
    good[key] += $7
    if ($8 != "" && reason[key] == "") reason[key] = $8
    next
}

{
    add($1, $2 "," $3 "," $4, $5, $6, $7)
    if ($5 == "others_share") disturbed[$2 "," $3 "," $4] += $7 > others_most
    if ($8 != "" && note[$2 "," $3 "," $4 "," $5] == "") note[$2 "," $3 "," $4 "," $5] = $8
    if ($5 == "cpu_us_per_connection") cost[$1, $3 "," $4, $2] = $7
}

END {
    derive()
    print "row,load,x,figure,unit,median,min,max,runs,of,why"
    for (k = 1; k <= nkeys; k++) {
        key = keys[k]
        printf "%s,runs,,%d,,,%d,%d,%s\n", key, good[key], good[key], of[key], reason[key]
        if (disturbed[key]) printf "%s,disturbed,,%d,,,,,\n", key, disturbed[key]
        for (i = 1; i <= nfigures; i++) print_figure(key, figures[i])
    }
}

function add(round, key, figure, unit, number) {
    if (!(figure in units)) figures[++nfigures] = figure
    units[figure] = unit
    list[key, figure, ++count[key, figure]] = number + 0
}

# What follows from the figures of one run, or of two of the same round.
function derive(    each, part, key, least) {
    for (each in cost) {
        split(each, part, SUBSEP)
        key = part[3] "," part[2]
        if ((part[1], part[2], "iterative") in cost) {
            add(part[1], key, "control_cpu_us", "us",
                cost[each] - cost[part[1], part[2], "iterative"])
        }
        least = cost_of_accept(part[1], part[2])
        if (least > 0) add(part[1], key, "cpu_ratio", "", cost[each] / least)
        least = least_cpu(part[3])
        if (part[2] == "few," && least > 0 && cost[each] > 0) {
            add(part[1], key, "limit_share", "%", 100 * least / cost[each])
        }
    }
}

# Where there is no x: herd and scale have other questions.
function cost_of_accept(round, where) {
    if (where !~ /,$/ || !((round, where, "prefork accept") in cost)) return 0
    return cost[round, where, "prefork accept"]
}

# The processor time that the barest program of the same model takes on this machine: accept, read,
# write, close by one process or by several, with as many clients as the load `few` has; and a fork,
# a thread created, or a descriptor passed.
function least_cpu(row,    serve) {
    serve = answer_cpu[row ~ /^(iterative|fork|select|thread|poll|epoll)/ ? "serve_n_1" : "serve_n_n"]
    if (serve + 0 == 0) return 0
    if (row ~ /^fork/) return cpu["fork"] ? serve + smaller(cpu["fork"], cpu["fork_static"]) : 0
    if (row ~ /^thread/) return cpu["thread"] ? serve + cpu["thread"] : 0
    if (row ~ /^(fdpass|spawn)/) return cpu["fdpass"] ? serve + cpu["fdpass"] : 0
    return row ~ /^(iterative|select|poll|epoll|prefork|prethread|process)/ ? serve : 0
}

function smaller(a, b) {
    return b > 0 && b < a ? b : a
}

function print_figure(key, figure,    n, i, middle) {
    if (!((key, figure) in count)) return
    n = count[key, figure]
    for (i = 1; i <= n; i++) sorted[i] = list[key, figure, i]
    middle = median_of(sorted, n)
    printf "%s,%s,%s,%.6g,%.6g,%.6g,%d,%d,%s\n", key, figure, units[figure], middle, sorted[1],
        sorted[n], n, of[key], note[key "," figure]
}
