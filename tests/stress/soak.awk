# soak.awk - what tests/stress/soak reads out of reports, statistics and samples. -v want=
#
# After bench/lib/json.awk, from a report or statistics:
#   errors    of a client: how many of its connections failed, and how
#   failed    how many; seconds: how long it took
#   counts    of a server: connections requests bytes rejected timed_out broken children_lost
#
# With -F, and -v row=, from the samples (soak.csv):
#   uneven    a line for everything that is not flat
#   row       its line of the table; -v failed= connections that failed, -v bad= not empty: verdict;
#             -v few= not empty: they show nothing about memory
#   heading   the table's

function format_row(server, count, seconds, rate, memory, rss, processes, fds, lost, how) {
    printf "%-22s %11s %8s %8s %25s %9s %9s %5s %7s  %s\n", server, count, seconds, rate, \
        memory, rss, processes, fds, lost, how
}

function errors_of(    name, text) {
    for (name in value) {
        if (name ~ /^errors\./ && value[name] > 0) {
            text = text ", " substr(name, 8) " " value[name]
        }
    }
    return value["failed"] + 0 " connections failed" text
}

# The line through the last half of the samples: by how much it rises from the half to the end.
function rise(    i, from, count, x, y, xx, xy, slope) {
    from = samples - int(samples / 2) + 1
    for (i = from; i <= samples; i++) {
        count++
        x += at[i]
        y += memory[i]
    }
    x /= count
    y /= count
    for (i = from; i <= samples; i++) {
        xx += (at[i] - x) * (at[i] - x)
        xy += (at[i] - x) * (memory[i] - y)
    }
    slope = xx > 0 ? xy / xx : 0
    return slope * at[samples] / 2
}

function uneven(    i, grown) {
    grown = rise()
    if (grown > tolerance_kib) {
        printf "memory is not flat: over the last half it grew by %d KiB (%.1f bytes for each " \
            "connection), and %d are tolerated\n", grown, grown * 1024 / (at[samples] / 2), \
            tolerance_kib
    }
    for (i = 2; i <= samples; i++) {
        if (objects[i] != objects[1]) {
            print "after " at[i] " connections it has " objects[i] " objects in /dev/shm, and " \
                "had " objects[1]
            return
        }
    }
}

want == "heading" { exit }

want ~ /^(errors|failed|seconds|counts)$/ {
    if (!parse_json($0)) {
        next
    }
    if (want == "errors") print errors_of()
    if (want == "failed" || want == "seconds") print value[want] + 0
    if (want == "counts") {
        print value["connections"], value["requests"], value["bytes"], value["rejected"], \
            value["timed_out"], value["broken"], value["children_lost"]
    }
    next
}

$1 == row {
    at[++samples] = $2
    seconds = $3
    memory[samples] = $4 == "" ? $5 : $4 # not every kernel tells it
    largest = $5 > largest ? $5 + 0 : largest
    largest = $6 > largest ? $6 + 0 : largest
    processes = $7
    descriptors = $8
    objects[samples] = $9
    peak = memory[samples] > peak ? memory[samples] + 0 : peak
}

END {
    if (want == "heading") {
        format_row("server", "connections", "seconds", "conn./s", "memory: begin  end  peak", \
            "max. RSS", "processes", "fds", "failed", "")
    } else if (want == "uneven" && samples > 3) {
        uneven()
    } else if (want == "row") {
        format_row(row, at[samples], sprintf("%.1f", seconds), \
            seconds > 0 ? sprintf("%d", at[samples] / seconds) : "-", \
            sprintf("%d %d %d", memory[1], memory[samples], peak), largest, \
            processes, descriptors, failed + 0, bad ? "FAILED" : few ? "too few" : "flat")
    }
}
