# page.awk - the page that bench/report makes of a results directory. Needs csv.awk and svg.awk.
#
# The environment says where: REPORT_DIR has the CSV files, REPORT_LIB the style sheet. The figures
# of the four experiments are in D[experiment, row, load, x, figure, "median" or another column].

BEGIN {
    dir = ENVIRON["REPORT_DIR"] "/"
    NEXPERIMENTS = split("compare herd scale rivals", EXPERIMENTS, " ")
    know_figures()
    for (i = 1; i <= NEXPERIMENTS; i++) load_experiment(EXPERIMENTS[i])
    choose_styles()
    page_head()
    part_machine()
    part_summary()
    part_compare()
    part_herd()
    part_scale()
    part_rivals()
    part_limits()
    part_made()
    part_cannot()
    part_files()
    print "</main>\n</body>\n</html>"
}

# --- what is known of a figure -------------------------------------------------------------------

# figure(NAME, GROUP, HEADING, AXIS) - tables keep a group together; AXIS is for charts.
function figure(name, group, heading, axis_text) {
    FIGURE[++NFIGURES] = name
    GROUP[name] = group
    HEADING[name] = heading
    AXIS[name] = axis_text == "" ? heading : axis_text
    UNIT[name] = ""
}

function know_figures(    time, label, i, n, f, g, kind) {
    figure("connections_per_second", 1, "connections/s")
    figure("requests_per_second", 1, "requests/s")
    figure("mib_per_second", 1, "MiB/s")
    figure("highest_rate", 1, "highest rate", "connections/s")
    figure("failed_share", 1, "failed", "share of connections that failed")
    figure("limit_share", 1, "of the machine's limit", "share of the machine's limit")
    figure("cpu_us_per_connection", 1, "CPU per connection", "CPU time per connection")
    figure("cpu_us_per_request", 1, "CPU per request", "CPU time per request")
    figure("others_share", 2, "taken by others", "processors' time that others took")
    figure("control_cpu_us", 2, "process control CPU", "CPU time per connection above server00's")
    figure("switches_per_connection", 2, "switches per connection",
        "context switches per connection")
    figure("wakeups_per_connection", 2, "wake-ups per connection")
    figure("wasted_per_connection", 2, "wasted wake-ups per connection")
    figure("private_kib", 2, "private memory", "memory of its own, all processes together")
    figure("processes", 2, "processes")
    figure("startup_cpu_ms", 2, "CPU to start", "CPU time from start to stop, without a client")
    figure("server_share", 2, "server's CPU", "processor time of the server in that time")
    figure("generator_share", 2, "generator's CPU", "processor time of the generator in that time")
    figure("pss_kib", 2, "memory (PSS)", "memory, with its part of shared pages")
    figure("children_served", 3, "children that served")
    figure("children_min", 3, "fewest of a child")
    figure("children_max", 3, "most of a child")
    figure("jain", 3, "Jain's index", "Jain's fairness index")
    n = split("min p50 p90 p99 p999 max", time, " ")
    split("min p50 p90 p99 p99.9 max", label, " ")
    for (g = 1; g <= 3; g++) {
        kind = g == 1 ? "service" : g == 2 ? "response" : "light"
        for (i = 1; i <= n; i++) {
            f = kind "_" time[i]
            figure(f, 3 + g, (g == 3 ? "light" : kind) " " label[i],
                label[i] " of the " kind " time")
        }
    }
    UNIT["served"] = "%"
    AXIS["served"] = "share of the good clients that were served"
}

# --- reading -------------------------------------------------------------------------------------

function row_add(e, row, server, usual) {
    if ((e, row) in ROW) return
    ROW[e, row] = ++NROWS[e]
    ROWS[e, NROWS[e]] = row
    SERVER[e, row] = server
    if (!(row in USUAL)) {
        ALL[++NALL] = row
        USUAL[row] = 0
    }
    USUAL[row] = USUAL[row] || usual == "yes"
}

function load_add(e, load, title, x_name, client, expect) {
    if ((e, load) in LOAD) return
    LOAD[e, load] = ++NLOADS[e]
    LOADS[e, NLOADS[e]] = load
    TITLE[e, load] = title == "" ? load : title
    XNAME[e, load] = x_name
    CLIENT[e, load] = client
    EXPECT[e, load] = expect
}

function figure_add(name, unit) {
    if (!(name in HEADING)) figure(name, 9, name)
    if (unit != "") UNIT[name] = unit
}

# The values of x, each once, in their order.
function x_add(e, load, x,    i) {
    if ((e, load, x) in XSEEN) return
    XSEEN[e, load, x] = 1
    for (i = ++NX[e, load]; i > 1 && X[e, load, i - 1] + 0 > x + 0; i--) {
        X[e, load, i] = X[e, load, i - 1]
    }
    X[e, load, i] = x
}

function load_experiment(e,    table, n, i) {
    NROWS[e] = NLOADS[e] = 0
    MEASURED[e] = csv_exists(dir e ".csv")
    n = csv_read(dir e "-rows.csv", table)
    for (i = 1; i <= n; i++) row_add(e, table[i, "row"], table[i, "server"], table[i, "usual"])
    n = csv_read(dir e "-loads.csv", table)
    for (i = 1; i <= n; i++) {
        load_add(e, table[i, "load"], table[i, "title"], table[i, "x_name"], table[i, "client"],
            table[i, "expect"])
    }
    n = csv_pairs(dir e "-about.csv", table)
    for (i = 1; i <= n; i++) ABOUT[e, table[i, 1]] = table[i, 2]
    n = csv_read(dir e ".csv", table)
    for (i = 1; i <= n; i++) load_line(e, table, i)
}

function load_line(e, table, i,    row, load, x, f, key, column, c, n) {
    row = table[i, "row"]
    load = table[i, "load"]
    x = table[i, "x"]
    f = table[i, "figure"]
    if (row == "" || load == "" || f == "") {
        return # a line that was cut off
    }
    row_add(e, row)
    load_add(e, load)
    key = e SUBSEP row SUBSEP load SUBSEP x SUBSEP f
    n = split("median min max runs of why", column, " ")
    for (c = 1; c <= n; c++) D[key, column[c]] = table[i, column[c]]
    if (f == "breaks") {
        BREAK[e, row, load] = x
        BREAK_WHY[e, row, load] = table[i, "why"]
    } else if (f == "runs") {
        note_failed(e, row, load, x, table[i, "median"], table[i, "of"], table[i, "why"])
        RUNS[e] += table[i, "of"]
    } else if (f == "disturbed") {
        DISTURBED[e] += table[i, "median"]
    } else {
        figure_add(f, table[i, "unit"])
    }
    if (f !~ /^(breaks|runs|disturbed)$/ && is_number(table[i, "median"])) {
        x_add(e, load, x)
        HAS[e, load, f]++
        HAS[e, row, load, f]++
        if (f == "failed_share") add_served(e SUBSEP row SUBSEP load SUBSEP x SUBSEP, e, load)
    }
}

# Of connections that may fail: what the good ones got.
function add_served(key, e, load) {
    HAS[e, load, "served"]++
    D[key "served", "median"] = 100 - D[key "failed_share", "median"]
    D[key "served", "min"] = rest(D[key "failed_share", "max"])
    D[key "served", "max"] = rest(D[key "failed_share", "min"])
}

function rest(share) {
    return is_number(share) ? 100 - share : ""
}

function note_failed(e, row, load, x, good, of, why,    where) {
    if (good + 0 >= of + 0 && why == "" || why ~ /not installed$/) return
    where = row ", " load (x == "" ? "" : ", " XNAME[e, load] " " x)
    FAILED[e, ++NFAILED[e]] = where ": " (of - good) " of " of + 0 (of == 1 ? " run" : " runs") \
        " failed" (why == "" ? "" : ": " why)
}

function median(e, row, load, x, f) {
    return D[e, row, load, x, f, "median"]
}

# --- styles --------------------------------------------------------------------------------------

# The usual rows get a style each, so that a row looks the same in all charts. The others take those
# that the rows of their own server, with which they will be shown, have left.
function choose_styles(    i, row, n) {
    for (i = 1; i <= NALL; i++) {
        if (USUAL[ALL[i]]) take_style(ALL[i], n++ % 8 + 1)
    }
    for (i = 1; i <= NALL; i++) {
        if (!USUAL[ALL[i]]) take_style(ALL[i], free_style(family(ALL[i])))
    }
}

function family(row) {
    sub(/ .*/, "", row)
    return row
}

function take_style(row, style) {
    STYLE[row] = style
    TAKEN[family(row), style] = 1
    if (!(family(row) in FAMILY_STYLE)) FAMILY_STYLE[family(row)] = style
}

function free_style(name,    s) {
    for (s = 8; s >= 1; s--) {
        if (!((name, s) in TAKEN)) return s
    }
    return NEXT_STYLE++ % 8 + 1
}

# --- pieces of the page --------------------------------------------------------------------------

function headline(level, what, id) {
    printf "<h%d%s>%s</h%d>\n", level, attribute("id", id), esc(what), level
}

function para(what) {
    print "<p>" what "</p>"
}

function code(what) {
    return "<code>" esc(what) "</code>"
}

function item(what) {
    print "<li>" what "</li>"
}

function table_open(title) {
    print "<div class=\"box\" tabindex=\"0\"><table>"
    if (title != "") printf "<caption>%s</caption>\n", esc(title)
}

# table_head(A, B, ...) - headings, separated by "|"; one that begins with "<" is of a text column.
function table_head(headings,    n, i, cell, left) {
    n = split(headings, cell, "|")
    printf "<thead><tr>"
    for (i = 1; i <= n; i++) {
        left = sub(/^</, "", cell[i])
        printf "<th scope=\"col\"%s>%s</th>", attribute("class", left ? "text" : ""), esc(cell[i])
    }
    print "</tr></thead>\n<tbody>"
}

function table_close() {
    print "</tbody></table></div>"
}

function tr(name) {
    printf "<tr><th scope=\"row\">%s</th>", esc(name)
}

function td(what) {
    printf "<td class=\"number\">%s</td>", (what == "" ? "&ndash;" : esc(what))
}

function td_text(what) {
    printf "<td class=\"text\">%s</td>", what
}

# The median, and below it from where to where.
function td_figure(key, unit,    v, min, max) {
    v = D[key, "median"]
    if (!is_number(v)) {
        td("")
        return
    }
    printf "<td class=\"number\">%s", esc(pretty(v, unit))
    min = D[key, "min"]
    max = D[key, "max"]
    if (is_number(min) && is_number(max)) {
        printf "<small>%s</small>", esc(pretty(min, unit) " to " pretty(max, unit))
    }
    printf "</td>"
}

function seconds_text(s,    minutes) {
    if (!is_number(s)) return s
    if (s < 120) return sprintf("%.0f s", s)
    minutes = int(s / 60 + 0.5)
    return minutes < 120 ? minutes " min" : int(minutes / 60) " h " minutes % 60 " min"
}

# --- the head, the machine, the summary ----------------------------------------------------------

function page_head(    css, text_line) {
    css = ENVIRON["REPORT_LIB"] "/page.css"
    print "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"
    print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    print "<title>Concurrent servers: what each costs</title>\n<style>"
    while ((getline text_line < css) > 0) print text_line
    close(css)
    print "</style>\n</head>\n<body>\n<header>\n<h1>Concurrent servers: what each costs</h1>"
    para("Small TCP servers, one concurrency model each, driven by the same client on the same " \
        "machine: how many connections each serves, what processor time that takes, how long the " \
        "clients wait, and where each breaks. Each figure is the median of its runs, with the " \
        "least and the largest where there were several. If the ranges of two rows overlap " \
        "widely, treat the rows as the same.")
    print "<nav aria-label=\"Contents\"><ul>"
    item("<a href=\"#machine\">Machine</a>")
    item("<a href=\"#summary\">Summary</a>")
    item("<a href=\"#compare\">The designs compared</a>")
    item("<a href=\"#herd\">The thundering herd</a>")
    item("<a href=\"#scale\">Scale, and where each breaks</a>")
    item("<a href=\"#rivals\">Beside nginx, Apache and Python</a>")
    item("<a href=\"#limits\">Limits of the machine</a>")
    item("<a href=\"#made\">How it was made</a>")
    item("<a href=\"#cannot\">What these numbers cannot say</a>")
    item("<a href=\"#files\">Files</a>")
    print "</ul></nav>\n</header>\n<main>"
}

function part_machine(    table, n, i) {
    headline(2, "Machine, and what was run", "machine")
    n = csv_pairs(dir "machine.csv", table)
    for (i = 1; i <= n; i++) MACHINE[table[i, 1]] = table[i, 2]
    if (n > 0) definitions(table, n)
    else para("The machine was not noted: there is no machine.csv.")
    table_open("What was run")
    table_head("|<command|<started|took|rounds|<outcome|failed runs|load average before")
    for (i = 1; i <= NEXPERIMENTS; i++) about_row(EXPERIMENTS[i])
    table_close()
    for (i = 1; i <= NEXPERIMENTS; i++) busy_banner(EXPERIMENTS[i])
}

function busy_banner(e) {
    if (!DISTURBED[e] && ABOUT[e, "load"] + 0 <= MACHINE["processors"] / 2) return
    printf "<div class=\"bad\" data-busy=\"%s\"><strong>A busy machine.</strong> ", e
    print "Load average before " e " began: " esc(ABOUT[e, "load"]) ". "
    if (DISTURBED[e]) {
        print DISTURBED[e] " of its " RUNS[e] " runs were disturbed: others took over a tenth of " \
            "processors' time. "
    }
    print "Expect noise.</div>"
}

function about_row(e,    outcome) {
    tr(e)
    if (!MEASURED[e]) {
        printf "<td class=\"text soft\" colspan=\"7\">not measured yet: %s adds it</td></tr>\n",
            code("make " e)
        return
    }
    outcome = outcome_of(e)
    td_text(code(ABOUT[e, "command"]))
    td_text(esc(ABOUT[e, "started"]))
    td(seconds_text(ABOUT[e, "seconds"]))
    td(ABOUT[e, "rounds"])
    td_text(outcome == "complete" ? outcome : "<strong>" esc(outcome) "</strong>")
    td(ABOUT[e, "failed_runs"])
    td(ABOUT[e, "load"] "") # (gawk 5.2 mistakes it later if it is passed before it has a type)
    print "</tr>"
}

function outcome_of(e) {
    return ABOUT[e, "outcome"] == "" ? "unknown" : ABOUT[e, "outcome"]
}

# The state of an experiment at the top of its part; false if there is nothing to show.
function part_state(e,    i, n) {
    if (!MEASURED[e]) {
        para("Not measured yet: " code("make " e) " adds it.")
        return 0
    }
    if (outcome_of(e) != "complete") {
        printf "<div class=\"bad\" data-outcome=\"%s\"><strong>Not complete (%s).</strong> ", e,
            esc(outcome_of(e))
        print "Some rows or rounds are missing; the figures below are of what was run until " \
            "then.</div>"
    }
    n = NFAILED[e]
    if (n) {
        printf "<div class=\"bad\" data-failed=\"%s\"><strong>Failed runs.</strong> ", e
        print "They are not in the figures.\n<ul>"
        for (i = 1; i <= n; i++) item(esc(FAILED[e, i]))
        print "</ul></div>"
    }
    return 1
}

function part_summary() {
    headline(2, "Summary", "summary")
    if (!csv_exists(dir "compare-sentences.csv")) {
        para("Not measured yet: " code("make compare") " adds it.")
        return
    }
    said("compare-best.csv", "Who did best at what",
        "Only of rows with three runs or more from which nobody else took the processors. Rows " \
        "whose ranges overlap are not told apart.")
    said("compare-sentences.csv", "Model by model",
        "Each figure is the median of its runs; with -q most were run once.")
}

# What the experiments' own scripts have written, in two columns.
function said(file, title, about,    table, n) {
    n = csv_pairs(dir file, table)
    if (n < 1) return
    headline(3, title)
    para(about)
    definitions(table, n)
}

# In two columns; what several have in common stands once.
function definitions(table, n,    i, last) {
    print "<dl class=\"said\">"
    for (i = 1; i <= n; i++) {
        if (table[i, 1] != last) printf "<dt>%s</dt>\n", esc(table[i, 1])
        printf "<dd>%s</dd>\n", esc(table[i, 2])
        last = table[i, 1]
    }
    print "</dl>"
}

# --- compare -------------------------------------------------------------------------------------

function part_compare(    e) {
    e = "compare"
    headline(2, "The designs compared", e)
    if (!part_state(e)) return
    para_fork()
    compare_limit(e)
    compare_cost(e)
    compare_control(e)
    compare_children(e)
    compare_latency(e)
    compare_trouble(e)
    compare_memory(e)
    headline(3, "All figures", "compare-tables")
    para("Each cell: the median, and from the least to the largest of the runs. A dash: no such " \
        "figure.")
    load_tables(e)
}

# Wherever there are figures of server01.
function para_fork(    text_) {
    text_ = fork_text(dir)
    if (text_ != "") para(esc(text_))
}

function charts_open() {
    print "<div class=\"charts\">"
}

function charts_close() {
    print "</div>"
}

# Bars of one figure under one load, all rows. Variants of a server share its colour, for they stand
# beside each other with their names.
function row_bars(e, load, f, title, caption,    i, row) {
    if (!HAS[e, load, f]) return
    chart_begin()
    for (i = 1; i <= NROWS[e]; i++) {
        row = ROWS[e, i]
        bar(row, FAMILY_STYLE[family(row)], median(e, row, load, "", f),
            D[e, row, load, "", f, "min"], D[e, row, load, "", f, "max"])
    }
    bars(load "-" f, title, caption, UNIT[f], AXIS[f])
}

function either(e, f, loads,    load, i, n) {
    n = split(loads, load, " ")
    for (i = 1; i <= n; i++) {
        if (HAS[e, load[i], f]) return 1
    }
    return 0
}

function cap(text_) {
    return text_ ~ /^p[0-9]/ ? text_ : toupper(substr(text_, 1, 1)) substr(text_, 2)
}

function compare_cost(e) {
    headline(3, "Throughput and cost")
    charts_open()
    row_bars(e, "few", "connections_per_second", "Throughput, few clients",
        "Client and server share the processors: compare the order, and where the whiskers " \
        "overlap.")
    row_bars(e, "few", "cpu_us_per_connection", "CPU per connection, few clients",
        "What a design costs, of all its processes: shorter is better.")
    row_bars(e, "many", "connections_per_second", "Throughput, many clients",
        "The same with many at once: who gains, who loses against the chart above?")
    row_bars(e, "many", "cpu_us_per_connection", "CPU per connection, many clients",
        "Does a connection get cheaper or dearer when many come at once?")
    charts_close()
}

# Stevens' first table: what a design pays on top of the iterative server.
function compare_control(e,    f, i, n, part, each) {
    f = "control_cpu_us"
    if (!either(e, f, "few many")) return
    headline(3, "Process control")
    para("Stevens&#39; first table: processor time per connection above that of the iterative " \
        "server in the same round. It is the price of the concurrency alone; around 0 " \
        "it may be negative.")
    charts_open()
    row_bars(e, "few", f, "Process control CPU, few clients",
        "Left of 0 is cheaper than the iterative server in the same round.")
    row_bars(e, "many", f, "Process control CPU, many clients",
        "Compare the lengths with those for few clients.")
    charts_close()
    n = split("few median|few min|few max|many median|many min|many max", part, "|")
    for (i = 1; i <= n; i++) {
        split(part[i], each, " ")
        column_add(each[1], "", f, each[2])
    }
    table_print(e, "Process control CPU per connection",
        "|few: median|min|max|many: median|min|max")
}

function value_text(v, unit) {
    return is_number(v) ? pretty(v, unit) : ""
}

# Stevens' second table, and a picture of it.
function compare_children(e,    i, n, f) {
    if (!either(e, "children_served", "few many")) return
    headline(3, "Distribution over the children")
    para("Stevens&#39; second table: how evenly the connections fall on the children. " \
        "Jain&#39;s index is 1 if all served alike, 1/n if one of n served everybody. Where " \
        "threads serve, each counts as a child here.")
    children_chart(e, "few")
    n = split("children_served children_min children_max jain", f, " ")
    for (i = 1; i <= 2 * n; i++) {
        column_add(i <= n ? "few" : "many", "", f[(i - 1) % n + 1], "median")
    }
    table_print(e, "Connections per child (median of the rounds)", "|few: children that " \
        "served|fewest|most|Jain|many: children that served|fewest|most|Jain")
}

# Who served how many in that round, from EXP-children.csv: K[row, 1..NK[row]] in the server's order
function read_children(e, load, round,    table, n, i, row) {
    split("", K)
    split("", NK)
    n = csv_read(dir e "-children.csv", table)
    for (i = 1; i <= n; i++) {
        if (table[i, "round"] != round || table[i, "load"] != load || \
            !is_number(table[i, "connections"])) {
            continue
        }
        row = table[i, "row"]
        K[row, ++NK[row]] = table[i, "connections"] + 0
    }
}

function children_chart(e, load,    i, any) {
    read_children(e, load, 1)
    for (i = 1; i <= NROWS[e]; i++) any += NK[ROWS[e, i]] > 0
    if (!any) return
    figure_open("children", "Connections of each child, few clients, first round",
        "Level bars: all serve alike. The dashed line is the equal share; each picture has its " \
        "own scale. A server without children has one bar.", "wide")
    print "<div class=\"many\">"
    for (i = 1; i <= NROWS[e]; i++) {
        if (NK[ROWS[e, i]] > 0) children_small(ROWS[e, i], NK[ROWS[e, i]])
    }
    print "</div>\n</figure>"
}

# Of a child per connection there are too many for bars: then only the sentence.
function children_small(row, n,    i, value, least, most, sum, squares, remark) {
    for (i = 1; i <= n; i++) {
        value[i] = K[row, i]
        least = i == 1 || value[i] < least ? value[i] : least
        most = value[i] > most ? value[i] : most
        sum += value[i]
        squares += value[i] * value[i]
    }
    remark = n == 1 ? "served all " digits3(sum) : "min " digits3(least) ", max " digits3(most) \
        ", Jain " (squares > 0 ? digits3(sum * sum / n / squares) : "-")
    small(row, FAMILY_STYLE[family(row)], n > 200 ? 0 : n, value,
        n > 200 ? digits3(n) " children, " digits3(least) " to " digits3(most) " each" : remark)
}

# --- latency -------------------------------------------------------------------------------------

function compare_latency(e,    i, name, first) {
    if (!either(e, "service_p50", "half")) return
    headline(3, "How long the clients wait")
    para("Connections begin on schedule (" esc(TITLE[e, "half"]) "). " \
        "Service time counts from when a connection really began, " \
        "response time from when it was due. To the right are the slowest: p99 is 1 request in " \
        "100, p99.9 is 1 in 1000.")
    charts_open()
    curve_charts(e, "half", "service_p50", "usual", "half-service", "Service time, the usual rows",
        "Look at the right end: who keeps the slowest requests short?")
    curve_charts(e, "half", "response_p50", "usual", "half-response",
        "Response time, the usual rows",
        "The same from when each was due: waiting before the start is in it.")
    for (i = 1; i <= NROWS[e]; i++) {
        name = family(ROWS[e, i])
        if (first[name]++ || variants(e, name) < 2) continue
        curve_charts(e, "half", "service_p50", name, "half-service-" name,
            "Service time, the variants of " name,
            "Do the variants part at the median, or only among the slowest?")
    }
    charts_close()
}

function variants(e, name,    i, n) {
    for (i = 1; i <= NROWS[e]; i++) n += family(ROWS[e, i]) == name
    return n
}

# Curves of the rows that have the figure, of those in a group: "usual", the variants of a server,
# or "" for all. After eight of them another chart goes on. What is over x has a table, too.
function curve_charts(e, load, f, group, name, title, caption,    i, row, from, chart) {
    chart_begin()
    from = 1
    for (i = 1; i <= NROWS[e]; i++) {
        row = ROWS[e, i]
        if (!HAS[e, row, load, f] || !belongs(row, group)) continue
        if (NSERIES == 8) {
            curve_chart(e, load, f, name more(++chart), title, caption, from, i - 1)
            chart_begin()
            from = i
        }
        series(row, chart_style(row))
        if (e == "compare") percentile_points(e, row, load, f)
        else x_points(e, row, load, f)
    }
    if (NSERIES) {
        curve_chart(e, load, f, name more(++chart), title, caption, from, NROWS[e])
    }
}

function more(chart) {
    return chart > 1 ? "-" chart : ""
}

function belongs(row, group) {
    return group == "" || (group == "usual" ? USUAL[row] : family(row) == group)
}

function curve_chart(e, load, f, name, title, caption, from, to) {
    if (e == "compare") {
        curves(name, title, caption, UNIT[f], time_of(f) " time", "percentile")
    } else {
        curves(name, title, caption, UNIT[f], AXIS[f], XNAME[e, load])
        print "<details><summary>The figures</summary>"
        x_table(e, load, f, from, to)
        print "</details>"
    }
    print "</figure>"
}

function time_of(f) {
    sub(/_.*/, "", f)
    return f
}

function percentile_points(e, row, load, f,    n, i, time, label, at, v) {
    n = split("min p50 p90 p99 p999", time, " ")
    split("min p50 p90 p99 p99.9", label, " ")
    split("0 0.30103 1 2 3", at, " ")
    for (i = 1; i <= n; i++) {
        v = median(e, row, load, "", time_of(f) "_" time[i])
        point(at[i] + 0, v, row ", " label[i] ": " value_text(v, "us"))
    }
}

function x_points(e, row, load, f,    i, x, v) {
    for (i = 1; i <= NX[e, load]; i++) {
        x = X[e, load, i]
        v = median(e, row, load, x, f)
        point(x + 0, v, row ", " digits3(x) " " XNAME[e, load] ": " value_text(v, UNIT[f]))
    }
    if ((e, row, load) in BREAK) {
        x = BREAK[e, row, load]
        breaks_at(x + 0, row " breaks at " digits3(x) " " XNAME[e, load] ": " \
            BREAK_WHY[e, row, load])
    }
}

# The style of a row, or, if another of this chart has it already, one that is free.
function chart_style(row,    s, i, used) {
    for (i = 1; i <= NSERIES; i++) used[C[i, "style"]] = 1
    if (!(STYLE[row] in used)) return STYLE[row]
    for (s = 1; s < 8 && s in used; s++) continue
    return s
}

# --- heavy, idle, attack, memory, limit ----------------------------------------------------------

function dot_series(e, label, style, load, f,    i, row, v) {
    series(label, style)
    for (i = 1; i <= NROWS[e]; i++) {
        row = ROWS[e, i]
        v = median(e, row, load, "", f)
        point(i, v, row ", " label ": " value_text(v, "us"))
    }
}

function dot_rows(e,    i) {
    chart_begin()
    for (i = 1; i <= NROWS[e]; i++) bar(ROWS[e, i], 1)
}

# The best p99 that there is: from when it was due, if the load has a schedule.
function p99(e, load) {
    return HAS[e, load, "response_p99"] ? "response_p99" : "service_p99"
}

function compare_trouble(e) {
    if (!either(e, "light_p50", "heavy") && !either(e, "failed_share", "idle attack")) return
    headline(3, "Heavy requests, idle connections, slow senders")
    charts_open()
    if (HAS[e, "heavy", "light_p50"]) {
        dot_rows(e)
        dot_series(e, "p50", 1, "heavy", "light_p50")
        dot_series(e, "p99", 2, "heavy", "light_p99")
        dot_series(e, "slowest", 3, "heavy", "light_max")
        dots("heavy-light", "Light requests beside heavy ones",
            "Do the many light requests wait behind the few heavy ones? Look at the distance " \
            "from p50 to p99.", "us", "response time of the light ones")
    }
    row_bars(e, "idle", "served", "Served while idle connections are held",
        cap(TITLE[e, "idle"]) ". Who still serves?")
    row_bars(e, "attack", "served", "Served beside slow senders",
        cap(TITLE[e, "attack"]) ". Who still serves the others?")
    if (HAS[e, "idle", p99(e, "idle")] || HAS[e, "attack", p99(e, "attack")]) {
        dot_rows(e)
        dot_series(e, "idle connections", 1, "idle", p99(e, "idle"))
        dot_series(e, "slow senders", 2, "attack", p99(e, "attack"))
        dots("trouble-p99", "p99 of the clients that were served",
            "Only those served have a time: read it together with the shares.", "us", "p99")
    }
    charts_close()
}

function compare_memory(e) {
    if (!HAS[e, "memory", "private_kib"] && !HAS[e, "memory", "processes"] && \
        !HAS[e, "startup", "startup_cpu_ms"]) {
        return
    }
    headline(3, "Memory and processes")
    charts_open()
    row_bars(e, "memory", "private_kib", "Private memory", cap(TITLE[e, "memory"]) \
        ". Pages that processes share are not counted: what does one more process cost?")
    row_bars(e, "memory", "processes", "Processes", "How many there are at the same moment.")
    row_bars(e, "startup", "startup_cpu_ms", "CPU to start and stop",
        "What is paid before the first client: a pool is made in advance.")
    charts_close()
}

function compare_limit(e,    i, load, any) {
    for (i = 1; i <= NLOADS[e]; i++) any = any || HAS[e, LOADS[e, i], "limit_share"]
    if (!any && !HAS[e, "highest", "highest_rate"]) return
    headline(3, "How close to what the machine can do")
    para("The barest program of the same model, which does nothing but accept, read, write and " \
        "close, needs so much of the processor time that the server needs: 100 % would be as " \
        "cheap as can be. Of all figures this one depends least on the machine: it was divided " \
        "by what the same machine needed (" code("bin/limits") ").")
    charts_open()
    for (i = 1; i <= NLOADS[e]; i++) {
        load = LOADS[e, i]
        row_bars(e, load, "limit_share", "Share of the machine's limit" \
            (load == "highest" ? "" : ", " load),
            "100 % is the same exchange in the barest loop, see Limits of the machine.")
    }
    row_bars(e, "highest", "highest_rate", "Highest rate", cap(TITLE[e, "highest"]) \
        ". A search in steps: differences of a few percent mean nothing.")
    charts_close()
}

# --- tables of a load ----------------------------------------------------------------------------

function load_tables(e,    i) {
    for (i = 1; i <= NLOADS[e]; i++) load_table(e, LOADS[e, i])
}

# Groups of figures fill tables of at most eight columns, so that few have to be scrolled.
function load_table(e, load,    g, i, k, heads, any, group) {
    headline(4, load ": " TITLE[e, load])
    for (g = 1; g <= 9; g++) {
        k = 0
        for (i = 1; i <= NFIGURES; i++) {
            if (GROUP[FIGURE[i]] == g && HAS[e, load, FIGURE[i]]) group[++k] = FIGURE[i]
        }
        any += k
        if (NCOLUMNS > 0 && NCOLUMNS + k > 8) {
            table_print(e, "", heads)
            heads = ""
        }
        for (i = 1; i <= k; i++) {
            column_add(load, "", group[i], "")
            heads = heads "|" HEADING[group[i]]
        }
    }
    if (NCOLUMNS) table_print(e, "", heads)
    if (!any) para("No run of it has a figure.")
}

# column_add(LOAD, X, FIGURE, WHICH) - a column of the table that table_print() prints next. WHICH:
# median, min or max; if it is "", a cell has all three. table_print(E, TITLE, HEADINGS, FROM, TO)
# prints all rows of the experiment, or the rows from FROM to TO that have the figure.
function column_add(load, x, f, which) {
    COLUMN[++NCOLUMNS] = load SUBSEP x SUBSEP f
    WHICH[NCOLUMNS] = which
    UNIT_OF[NCOLUMNS] = UNIT[f]
}

function table_print(e, title, heads, from, to,    r, c, key, part) {
    table_open(title)
    table_head(heads)
    split(COLUMN[1], part, SUBSEP)
    for (r = from ? from : 1; r <= (to ? to : NROWS[e]); r++) {
        if (to && !HAS[e, ROWS[e, r], part[1], part[3]]) continue
        tr(ROWS[e, r])
        for (c = 1; c <= NCOLUMNS; c++) {
            key = e SUBSEP ROWS[e, r] SUBSEP COLUMN[c]
            if (WHICH[c] != "") td(value_text(D[key, WHICH[c]], UNIT_OF[c]))
            else td_figure(key, UNIT_OF[c])
        }
        print "</tr>"
    }
    table_close()
    NCOLUMNS = 0
}

# --- herd and scale: curves over x ---------------------------------------------------------------

function x_chart(e, load, f, caption) {
    curve_charts(e, load, f, "", e "-" load "-" f, cap(AXIS[f]) ", " load, caption)
}

# Rows by values of x, of one figure.
function x_table(e, load, f, from, to,    i, heads) {
    for (i = 1; i <= NX[e, load]; i++) {
        column_add(load, X[e, load, i], f, "")
        heads = heads "|" thousands(X[e, load, i])
    }
    table_print(e, cap(HEADING[f]) " by " XNAME[e, load] ", " load, heads, from, to)
}

# The figures of a load that no chart shows.
function other_tables(e, load, charted,    i, f, any) {
    for (i = 1; i <= NFIGURES; i++) {
        f = FIGURE[i]
        if (HAS[e, load, f] && index(" " charted " ", " " f " ") == 0) {
            if (!any++) print "<details><summary>All other figures of " esc(load) "</summary>"
            x_table(e, load, f, 1, NROWS[e])
        }
    }
    if (any) print "</details>"
}

function part_herd(    e) {
    e = "herd"
    headline(2, "The thundering herd", e)
    if (!part_state(e)) return
    para("Children that wait for the same connection: how many of them wake up for each, and " \
        "what is it good for? The rows are the ways of server03 in which children share a " \
        "listening socket.")
    said("herd-sentences.csv", "What follows", "Made of the figures below.")
    x_loads(e, "wakeups_per_connection=1 is enough; a way with a lock wakes twice. Which curves " \
        "rise with the children?" \
        "|wasted_per_connection=Woken for nothing: somebody else had the connection already." \
        "|switches_per_connection=What the kernel had to do for it; failed attempts show only in " \
        "part." \
        "|connections_per_second=Does the herd cost throughput?" \
        "|p99=And the slowest 1 % of the clients?")
}

# x_loads(E, CHARTS) - of each load these charts, "FIGURE=CAPTION|...", and tables of all else.
function x_loads(e, charts,    i, k, n, load, chart, part, charted) {
    n = split(charts, chart, "|")
    for (i = 1; i <= NLOADS[e]; i++) {
        load = LOADS[e, i]
        charted = ""
        headline(3, cap(load) ": " TITLE[e, load], e "-" load)
        charts_open()
        for (k = 1; k <= n; k++) {
            split(chart[k], part, "=")
            if (part[1] == "p99") part[1] = p99(e, load)
            x_chart(e, load, part[1], part[2])
            charted = charted " " part[1]
        }
        charts_close()
        other_tables(e, load, charted)
    }
}

function part_scale(    e) {
    e = "scale"
    headline(2, "Scale, and where each breaks", e)
    if (!part_state(e)) return
    para_fork()
    para("One thing grows, all else stays. An X marks where a model breaks: the first point at " \
        "which a connection fails, or that could not be run.")
    break_table(e)
    x_loads(e, "connections_per_second=Where does each curve bend, and where does it end?" \
        "|cpu_us_per_connection=Level: each costs the same. Rising: the design pays." \
        "|p99=The slowest 1 % feel it first." \
        "|failed_share=Above 0 some clients are not served at all.")
}

function break_table(e,    l, r, load, row, any) {
    for (l = 1; l <= NLOADS[e]; l++) {
        load = LOADS[e, l]
        for (r = 1; r <= NROWS[e]; r++) {
            row = ROWS[e, r]
            if ((e, row, load) in BREAK) {
                if (!any++) {
                    table_open("Where each breaks, and how it says so")
                    table_head("|<load|at|<how it says so")
                }
                tr(row)
                td_text(esc(load))
                td(thousands(BREAK[e, row, load]) " " XNAME[e, load])
                td_text(esc(BREAK_WHY[e, row, load]))
                print "</tr>"
            }
        }
    }
    if (any) table_close()
    else para("None of them broke in the range that was measured.")
}

# --- rivals --------------------------------------------------------------------------------------

function part_rivals(    e, i, load) {
    e = "rivals"
    headline(2, "Beside nginx, Apache and Python", e)
    if (!part_state(e)) return
    para("The same number of bytes over HTTP, from servers that others have written. 100 % of " \
        "CPU is one processor; where the generator has one for itself, requests/s is its limit.")
    said("rivals-sentences.csv", "What follows from it", "Made of the figures below.")
    for (i = 1; i <= NLOADS[e]; i++) {
        load = LOADS[e, i]
        headline(3, cap(load) ": " TITLE[e, load], e "-" load)
        charts_open()
        row_bars(e, load, "cpu_us_per_request", "CPU per request, " load,
            "All processes of a server, as /proc has it: shorter is better.")
        row_bars(e, load, "requests_per_second", "Throughput, " load,
            "Generator and server share the processors.")
        row_bars(e, load, "pss_kib", "Memory, " load,
            "Under the load; pages that processes share are divided among them.")
        charts_close()
    }
    headline(3, "All figures", "rivals-tables")
    load_tables(e)
}

# --- limits, how it was made, what it cannot say, files ------------------------------------------

function part_limits(    table, n, i, c, f, column) {
    headline(2, "Limits of the machine", "limits")
    n = csv_read(dir "limits.csv", table)
    if (n <= 0) {
        para("Not measured yet: " code("make compare") " adds it.")
        return
    }
    para("What this machine can do at all, measured by " code("bin/limits") \
        " without a server of the suite.")
    para_fork()
    table_open("")
    table_head("|<what|per second|each takes|CPU of each|CPU of the answerer|switches of " \
        "each|at once")
    for (i = 1; i <= n; i++) {
        tr(table[i, "name"])
        td_text(esc(table[i, "what"]))
        if (table[i, "outcome"] != "" && table[i, "outcome"] != "measured") {
            printf "<td class=\"text\" colspan=\"6\"><strong>%s</strong> %s</td></tr>\n",
                esc(table[i, "outcome"]), esc(table[i, "why"])
            continue
        }
        td(value_text(table[i, "per_second"], ""))
        f = split("us_each cpu_us_each answer_cpu_us_each", column, " ")
        for (c = 1; c <= f; c++) td(value_text(table[i, column[c]], "us"))
        td(value_text(table[i, "switches_each"], ""))
        td(value_text(table[i, "n"], ""))
        print "</tr>"
    }
    table_close()
}

function part_made(    i, e, any) {
    headline(2, "How it was made", "made")
    para("Each run has a fresh server on a fresh port (" code("-p") \
        ", left out here) and one client; the rows take turns in each round.")
    for (i = 1; i <= NEXPERIMENTS; i++) {
        e = EXPERIMENTS[i]
        if (MEASURED[e]) {
            any = 1
            headline(3, cap(e))
            para("Made by " code(ABOUT[e, "command"]) ".")
            made_rows(e)
            made_loads(e)
        }
    }
}

function made_rows(e,    i, row) {
    table_open("Rows of " e)
    table_head("|<server|<usual")
    for (i = 1; i <= NROWS[e]; i++) {
        row = ROWS[e, i]
        tr(row)
        td_text(code(SERVER[e, row]))
        td_text(USUAL[row] ? "yes" : "")
        print "</tr>"
    }
    table_close()
}

function made_loads(e,    i, load) {
    table_open("Loads of " e)
    table_head("|<what|<client" (has_x(e) ? " (X: see x)|<x" : "") "|<if a connection fails")
    for (i = 1; i <= NLOADS[e]; i++) {
        load = LOADS[e, i]
        tr(load)
        td_text(esc(TITLE[e, load]))
        td_text(CLIENT[e, load] == "" ? "none" : \
            code((e == "rivals" ? "" : "client ") CLIENT[e, load]))
        if (has_x(e)) td_text(esc(XNAME[e, load]))
        td_text(EXPECT[e, load] == "some" ? "it is a figure" : "the run has failed")
        print "</tr>"
    }
    table_close()
}

function has_x(e) {
    return e == "herd" || e == "scale"
}

function part_cannot() {
    headline(2, "What these numbers cannot say", "cannot")
    print "<ul>"
    item("They belong to this machine, kernel and hour. On another, even the order may differ.")
    item("All goes over loopback: there is no network, no delay and no loss in them.")
    item("Client and server share the processors, and the client costs more than a good server. " \
        "So good designs look alike in connections/s; compare CPU per connection.")
    item("Only sums of user and system time are shown: for processes that live shorter than a " \
        "tick of the clock the split is not real.")
    item("The port cliff (Linux searches for a free port once half of the range is in use) is " \
        "avoided: the client takes source addresses of its own, and each run a fresh port. A " \
        "real client on one address may meet it.")
    item("With one client at a time, what is measured is mostly how fast the machine wakes a " \
        "process on another processor, not the server.")
    print "</ul>"
    para("More of it, and how to get figures that hold: " code("docs/measuring.md") ".")
}

function part_files(    n, i, j, part, name) {
    headline(2, "Files", "files")
    para("The figures of this page, beside it:")
    print "<ul>"
    file_item("machine.csv")
    file_item("limits.csv")
    n = split( \
        ".csv|-runs.csv|-children.csv|-rows.csv|-loads.csv|-about.csv|-sentences.csv|-best.csv" \
        "|.txt", part, "|")
    for (i = 1; i <= NEXPERIMENTS; i++) {
        for (j = 1; j <= n; j++) file_item(EXPERIMENTS[i] part[j])
    }
    print "</ul>"
}

function file_item(name) {
    if (csv_exists(dir name)) item("<a href=\"" name "\">" name "</a>")
}
