# scale.awk - what bench/scale shows. After table.awk; variables: dir; want: breaks (lines for
# scale.csv: where each server breaks, and how it says so) or tables.
#
# A server breaks at the first x at which more than half of the runs had connections that failed, or
# could not be run. If it is the client that had not enough descriptors, that is this machine's
# limit: then nobody knows what the server would have done.

BEGIN {
    read_results(dir, "scale")
    count_runs(dir "/scale-runs.csv")
    if (want == "breaks") {
        print_breaks()
    } else {
        print_head(dir)
        for (i = 1; i <= nloads; i++) curve(load[i])
        list_breaks()
    }
}

# --- where each breaks -------------------------------------------------------------------------

# tried[row, load, x], and bad[] of them; said[]: how the first bad one says so; machine[]: so many
# are the machine's limit; remark[]: what the server says where all were served.
function count_runs(file,    line, f, key) {
    while ((getline line < file) > 0) {
        split(line, f, ",")
        key = f[2] SUBSEP f[3] SUBSEP f[4]
        if (f[5] == "run") {
            tried[key]++
            if (f[7] + 0 == 0) note_bad(key, f[8])
        } else if (f[5] == "failed_share" && f[7] + 0 > 0) {
            note_bad(key, f[8])
        } else if (f[5] == "failed_share" && f[8] != "") {
            remark[key] = f[8]
        }
    }
    close(file)
}

function note_bad(key, text) {
    bad[key]++
    if (text ~ /^this machine was the limit/) machine[key]++
    if (said[key] == "") said[key] = text
}

# breaks_at(ROW, LOAD) - the x, or "" if there is none; then limit is the x from which on the client
# could not ask for more, and reached is the last one before either.
function breaks_at(r, name,    i, key) {
    limit = reached = ""
    for (i = 1; i <= nx[name]; i++) {
        key = r SUBSEP name SUBSEP x[name, i]
        if (!(key in tried)) continue
        if (2 * bad[key] > tried[key]) {
            if (2 * machine[key] <= tried[key]) return x[name, i]
            limit = x[name, i]
            return ""
        }
        reached = x[name, i]
    }
    return ""
}

function print_breaks(    l, i, where) {
    for (l = 1; l <= nloads; l++) {
        for (i = 1; i <= nrows; i++) {
            where = breaks_at(row[i], load[l])
            if (where == "") continue
            print row[i] "," load[l] "," where ",breaks,,,,,,," saying(row[i], load[l], where)
        }
    }
}

# saying(ROW, LOAD, X) - what client and server say; the server names itself.
function saying(r, name, where,    key, text) {
    key = r SUBSEP name SUBSEP where
    text = said[key]
    if (known(r, name, where, "failed_share")) {
        text = number(med[r, name, where, "failed_share"]) " % failed: " text
    }
    if (known(r, name, where, "disturbed")) text = text "; but others had the processors, too"
    if (text ~ /: server/ || runs[r, name, where, "runs"] == 0) return text
    return text "; the server says nothing"
}

function list_breaks(    l, i, n, name) {
    for (l = 1; l <= nloads; l++) {
        name = load[l]
        if (name == "startup" || name ~ /^busy/ || !nx[name]) continue
        print ""
        if (n++ == 0) {
            wrap("Where each breaks, and how it says so (the client counts failures by kind)", 4)
            print ""
        }
        print name ":"
        for (i = 1; i <= nrows; i++) {
            if (any(row[i], name)) say("  " sprintf("%-15s", row[i]) verdict(row[i], name))
        }
    }
}

function any(r, name,    i) {
    for (i = 1; i <= nx[name]; i++) {
        if ((r, name, x[name, i]) in tried) return 1
    }
    return 0
}

function verdict(r, name,    where, text) {
    where = breaks_at(r, name)
    if (where != "") return "at " count_of(name, where) ": " saying(r, name, where)
    if (limit != "") {
        text = "not known from " count_of(name, limit) " on: " said[r, name, limit]
    } else {
        text = "not up to " count_of(name, reached)
    }
    return text exceptions(r, name)
}

# What it said although all were served, and single runs that had failures.
function exceptions(r, name,    i, key, text) {
    for (i = 1; i <= nx[name]; i++) {
        key = r SUBSEP name SUBSEP x[name, i]
        if (bad[key] && x[name, i] != limit) {
            text = text sprintf("; at %s in %d of %s: %s", number_of(x[name, i]), bad[key],
                plural(tried[key], "run"), said[key])
        } else if (key in remark) {
            text = text "; at " number_of(x[name, i]) " it says: " remark[key]
        }
    }
    return text
}

function count_of(name, value) {
    if (name == "bytes") return bytes(value) " bytes"
    return number_of(value) (name == "clients" ? " in flight" : name == "idle" ? " idle" : " " name)
}

# 65536 is 64 Ki.
function bytes(value) {
    value += 0
    if (value >= 1048576) return value / 1048576 " Mi"
    if (value >= 10240) return value / 1024 " Ki"
    return value
}

# --- tables ------------------------------------------------------------------------------------

function curve(name) {
    if (name == "startup" || !nx[name]) return
    print ""
    wrap(name ": " title[name] " (client " asked[name] ")", 4)
    if (name == "bytes") {
        print_table(name, "mib_per_second", "MiB per second")
        if (largest(name, "peak_rss_kib") > 0) {
            print_table(name, "peak_rss_kib", "Memory: the largest process of the server, KiB")
        }
    } else {
        print_table(name, "connections_per_second", "Connections per second")
    }
    if (name != "idle") {
        print_table(name, "cpu_us_per_connection", "CPU us per connection, of the server")
    }
    print_table(name, p99(name), "p99 in ms (" (p99(name) ~ /^r/ ? "response" : "service") " time)")
    if (name == "children") {
        print_table("startup", "startup_cpu_ms", "Starting and stopping it, CPU ms")
    }
    if (largest(name, "failed_share") > 0) {
        print_table(name, "failed_share", "Connections that failed, %")
    }
    if (name == "idle") {
        print ""
        wrap("The idle ones connect just before the load begins: a server that forks for each " \
            "may still be forking. CPU per connection is left out: the share of the idle " \
            "connections in it is not known.", 0)
    }
    widest(name)
}

function p99(name) {
    return asked[name] ~ / -r / ? "response_p99" : "service_p99"
}

function largest(name, what,    i, c, key, value) {
    for (i = 1; i <= nrows; i++) {
        for (c = 1; c <= nx[name]; c++) {
            key = row[i] SUBSEP name SUBSEP x[name, c] SUBSEP what
            if (key in med && med[key] > value) value = med[key]
        }
    }
    return value + 0
}

function print_table(name, what, caption,    i, c, line) {
    print ""
    print caption
    line = sprintf("%-14s", "")
    for (c = 1; c <= nx[name]; c++) {
        line = line sprintf("%8s", name == "bytes" ? bytes(x[name, c]) : number_of(x[name, c]))
    }
    print line
    for (i = 1; i <= nrows; i++) {
        if (!any(row[i], name)) continue
        line = sprintf("%-14s", row[i])
        for (c = 1; c <= nx[name]; c++) {
            line = line sprintf("%8s", content(row[i], name, x[name, c], what))
        }
        print line
    }
}

# A number of things has no decimals.
function number_of(value) {
    return value + 0 < 100 ? value : number(value + 0)
}

function content(r, name, value, what,    figure) {
    if (!known(r, name, value, what)) return "-"
    figure = med[r, name, value, what] / (what ~ /_p99$/ ? 1000 : 1)
    return figure == 0 ? "0" : number(figure)
}

# How far the rounds were apart: without it nobody knows which differences mean something.
function widest(name,    i, c, key, ratio, n, list) {
    if (about["rounds"] + 0 < 2) return
    for (i = 1; i <= nrows; i++) {
        for (c = 1; c <= nx[name]; c++) {
            key = row[i] SUBSEP name SUBSEP x[name, c] SUBSEP "cpu_us_per_connection"
            if (!(key in med) || runs[key] < 2 || med[key] <= 0) continue
            list[++n] = (most[key] - least[key]) / med[key]
        }
    }
    if (n < 2) return
    ratio = median_of(list, n)
    print ""
    say(sprintf("Between rounds: CPU per connection differed by %.0f %% in half of these cells, " \
        "by up to %.0f %% in one.", 100 * ratio, 100 * list[n]))
}
