# parts.awk - the text and the tables of the page of bench/report; report.js adds the charts. After
# table.awk and html.awk. The environment says where: REPORT_DIR has the CSV files, REPORT_ROOT the
# README with the models. Variable: part - front, compare, herd, scale, rivals or rest.

BEGIN {
    dir = ENVIRON["REPORT_DIR"] "/"
    split("compare herd scale rivals", EXPERIMENTS, " ")
    if (part == "front") front()
    else if (part == "rest") rest()
    else experiment(part)
}

# --- which model, and the machine ----------------------------------------------------------------

function front() {
    read_results(dir, "compare")
    headline(2, "Which model, and why?", "choose")
    if (csv_exists(dir "compare.csv")) choose()
    else {
        not_measured("compare")
        contents()
    }
    machine()
}

function not_measured(e) {
    para("Not measured yet: " code("make " e) " adds it.")
}

# Behind the first picture, which is what a reader came for.
function contents(    n, i, t) {
    n = split("machine|Machine|compare|The designs compared|herd|The thundering herd|" \
        "scale|Scale, and where each breaks|rivals|Beside nginx, Apache and Python|" \
        "limits|Limits of the machine|made|How it was made|cannot|What these numbers cannot say|" \
        "files|Files", t, "|")
    print "<nav aria-label=\"Contents\"><ul>"
    for (i = 1; i < n; i += 2) item("<a href=\"#" t[i] "\">" t[i + 1] "</a>")
    print "</ul></nav>"
}

function choose() {
    doubts("compare")
    charts("choose")
    contents()
    decisions()
    failed_runs("compare")
    said("compare-best.csv", "Who did best at what",
        "Only of rows with three runs or more from which nobody else took the processors. Rows " \
        "whose ranges overlap are not told apart.")
    said("compare-sentences.csv", "Model by model",
        "Each figure is the median of its runs; with -q most were run once.")
}

# Of each question one figure.
function decisions(    i, r, slow) {
    read_crashes()
    slow = has("half", "response_p99") ? "half" SUBSEP "" SUBSEP "response_p99" : \
        "few" SUBSEP "" SUBSEP "service_p99"
    table_open("The table to decide by", "<model|CPU of a short connection|p99|served beside idle " \
        "clients|requests that compute, /s|requests that wait, /s|memory for 100 clients|<a " \
        "crash ends")
    for (i = 1; i <= nrows; i++) {
        r = row[i]
        if (!usual[r] && any_usual()) continue
        tr(r)
        td_figure(r SUBSEP "few" SUBSEP "" SUBSEP "cpu_us_per_connection", "us")
        td_figure(r SUBSEP slow, "us")
        td(known(r, "idle", "", "failed_share") ? \
            percent(100 - med[r, "idle", "", "failed_share"]) " %" : "")
        td_figure(r SUBSEP "cpu" SUBSEP "" SUBSEP "connections_per_second")
        td_figure(r SUBSEP "blocking" SUBSEP "" SUBSEP "connections_per_second")
        td_figure(r SUBSEP "memory" SUBSEP "" SUBSEP "private_kib", "KiB")
        td_text(esc(crash[substr(server[r], 7, 2)]))
        print "</tr>"
    }
    table_close()
    para("A short connection is one of five clients, with one small request" told("few") "; p99 " \
        "is of " (slow ~ /^half/ ? "connections that begin on schedule, from when each was due" \
            told("half") : "the same") ". Beside idle clients: how many of the others were " \
        "served" told("idle") ". Requests that compute take 1 ms of a processor" told("cpu") ", " \
        "those that wait do so for 5 ms" told("blocking") ". Memory is of its own, all " \
        "processes together" told("memory") ". A crash: who suffers if a request kills whoever " \
        "serves it, as README.md has it. " code("docs/choosing.md") " reads such a table aloud.")
}

function told(l) {
    return " (" code(l) ")"
}

function any_usual(    i) {
    for (i = 1; i <= nrows; i++) {
        if (usual[row[i]]) return 1
    }
    return 0
}

# The column "a crash ends" of the table of models, by the server's number.
function read_crashes(    file, line, n, cell_) {
    file = ENVIRON["REPORT_ROOT"] "/README.md"
    while ((getline line < file) > 0) {
        n = split(line, cell_, / *[|] */)
        if (n > 6 && cell_[2] ~ /^[0-9][0-9]$/) crash[cell_[2]] = cell_[6]
    }
    close(file)
}

function has(l, name,    i) {
    for (i = 1; i <= nrows; i++) {
        if (known(row[i], l, "", name)) return 1
    }
    return 0
}

function machine(    t, n, i) {
    headline(2, "Machine, and what was run", "machine")
    n = csv_pairs(dir "machine.csv", t)
    if (n > 0) definitions(t, n)
    else para("The machine was not noted: there is no machine.csv.")
    table_open("What was run", "<experiment|<command|<started|took|rounds|<outcome|failed runs|load average " \
        "before")
    for (i = 1; i <= 4; i++) what_was_run(EXPERIMENTS[i])
    table_close()
}

function what_was_run(e) {
    tr(e)
    if (!csv_exists(dir e ".csv")) {
        printf "<td class=\"text soft\" colspan=\"7\">not measured yet: %s adds it</td></tr>\n",
            code("make " e)
        return
    }
    read_about(e)
    td_text(code(about["command"]))
    td_text(esc(about["started"]))
    td(minutes(about["seconds"]))
    td(about["rounds"] "")
    td_text(outcome() == "complete" ? "complete" : "<strong>" esc(outcome()) "</strong>")
    td(about["failed_runs"] "")
    td(about["load"] "")
    print "</tr>"
}

function read_about(e,    t, n, i) {
    split("", about)
    n = csv_pairs(dir e "-about.csv", t)
    for (i = 1; i <= n; i++) about[t[i, 1]] = t[i, 2]
}

function outcome() {
    return about["outcome"] == "" ? "unknown" : about["outcome"]
}

function minutes(s) {
    if (!is_number(s)) return s ""
    return s < 120 ? sprintf("%.0f s", s) : sprintf("%.0f min", s / 60)
}

# --- an experiment -------------------------------------------------------------------------------

function experiment(e) {
    read_results(dir, e)
    headline(2, e == "compare" ? "The designs compared" : e == "herd" ? "The thundering herd" : \
        e == "scale" ? "Scale, and where each breaks" : "Beside nginx, Apache and Python", e)
    if (!csv_exists(dir e ".csv")) {
        not_measured(e)
        return
    }
    if (e == "compare") {
        compare()
        return
    }
    doubts(e)
    failed_runs(e)
    if (e == "herd") herd()
    else if (e == "scale") scale()
    else rivals()
}

# What is missing, and how busy the machine was.
function doubts(e,    key, part_, disturbed, all, t, n, i, processors, busy) {
    if (outcome() != "complete") {
        warning("outcome", e, "Not complete (" esc(outcome()) ").", \
            "Some rows or rounds are missing; the figures below are of what was run until then.")
    }
    for (key in runs) {
        split(key, part_, SUBSEP)
        if (part_[4] == "disturbed") disturbed += med[key]
        if (part_[4] == "runs") all += of[key]
    }
    n = csv_pairs(dir "machine.csv", t)
    for (i = 1; i <= n; i++) {
        if (t[i, 1] == "processors") processors = t[i, 2]
    }
    busy = about["load"] + 0 > processors / 2
    if (!busy && !disturbed) return
    warning("busy", e, "A busy machine.", "Load average before " e " began: " esc(about["load"]) \
        ". " (disturbed ? disturbed " of its " all " runs were disturbed: others took over a " \
        "tenth of the processors' time. " : "") "Expect noise.")
}

function failed_runs(e,    l, i, k, text, n) {
    for (l = 1; l <= nloads; l++) {
        for (i = 1; i <= nrows; i++) {
            n = nx[load[l]]
            for (k = 1; k <= n; k++) text = text failed_run(row[i], load[l], x[load[l], k])
        }
    }
    if (text == "") return
    warning("failed", e, "Failed runs.", "They are not in the figures.\n<ul>\n" text "</ul>")
}

function failed_run(r, l, value,    key, lost) {
    key = r SUBSEP l SUBSEP value SUBSEP "runs"
    lost = of[key] - runs[key]
    if (!(key in of) || lost <= 0 && why[key] == "" || why[key] ~ ABSENT) return ""
    return "<li>" esc(r ", " l (value == "" ? "" : ", " x_name[l] " " value) ": " lost " of " \
        plural(of[key], "run") " failed" (why[key] == "" ? "" : ": " why[key])) "</li>\n"
}

# Wherever there are figures of server01.
function fork_costs(    text) {
    text = fork_text(dir)
    if (text != "") para(esc(text))
}

function compare() {
    fork_costs()
    if (has("few", "limit_share") || has("highest", "highest_rate")) {
        headline(3, "How close to what the machine can do")
        para("The barest program of the same model, which does nothing but accept, read, write " \
            "and close, needs so much of the processor time that the server needs: 100 % would " \
            "be as cheap as can be. Of all figures this one depends least on the machine: it " \
            "was divided by what the same machine needed (" code("bin/limits") ").")
        charts("limit")
    }
    headline(3, "Throughput and cost")
    charts("cost")
    process_control()
    children()
    waiting()
    if (has("memory", "processes") || has("startup", "startup_cpu_ms")) {
        headline(3, "Memory and processes")
        charts("memory")
    }
    headline(3, "All figures", "compare-tables")
    load_tables()
}

function process_control() {
    if (!has("few", "control_cpu_us") && !has("many", "control_cpu_us")) return
    headline(3, "Process control")
    para("Stevens&#39; first table: processor time per connection above that of the iterative " \
        "server in the same round. It is the price of the concurrency alone; below 0 " \
        "where the iterative server, which sleeps and is woken for most connections, costs more.")
    charts("control")
    column("few clients", "few", "", "control_cpu_us")
    column("many clients", "many", "", "control_cpu_us")
    figures_table("Process control CPU per connection", "range")
}

function children() {
    if (!has("few", "children_served") && !has("many", "children_served")) return
    headline(3, "Distribution over the children")
    para("Stevens&#39; second table: how evenly the connections fall on the children. " \
        "Jain&#39;s index is 1 if all served alike, 1/n if one of n served everybody. Where " \
        "threads serve, each counts as a child here.")
    charts("children")
    children_columns("few")
    children_columns("many")
    figures_table("Connections per child (median of the rounds)")
}

function children_columns(l) {
    column(l ": children that served", l, "", "children_served")
    column("fewest", l, "", "children_min")
    column("most", l, "", "children_max")
    column("Jain", l, "", "jain")
}

function waiting() {
    if (has("half", "service_p50")) {
        headline(3, "How long the clients wait")
        para("Connections begin on schedule (" esc(title["half"]) "). Service time counts from " \
            "when a connection really began, response time from when it was due. To the right " \
            "are the slowest: p99 is 1 request in 100, p99.9 is 1 in 1000.")
        charts("waiting")
    }
    if (has("heavy", "light_p99") || has("idle", "failed_share") || has("attack", "failed_share")) {
        headline(3, "Heavy requests, idle connections, slow senders")
        charts("trouble")
    }
}

function herd() {
    para("Children that wait for the same connection: how many of them wake up for each, and " \
        "what is it good for? The rows are the ways of server03 in which children share a " \
        "listening socket.")
    said("herd-sentences.csv", "What follows", "Made of the figures below.")
    x_loads("herd")
}

function scale(    l, i, k) {
    fork_costs()
    para("One thing grows, all else stays. An X marks where a model breaks: the first point at " \
        "which a connection fails, or that could not be run.")
    table_open("Where each breaks, and how it says so", "<row|<load|at|<how it says so")
    for (l = 1; l <= nloads; l++) {
        for (i = 1; i <= nrows; i++) {
            for (k = 1; k <= nx[load[l]]; k++) broken(row[i], load[l], x[load[l], k])
        }
    }
    table_close()
    if (!nbroken) para("None of them broke in the range that was measured.")
    x_loads("scale")
}

function broken(r, l, value) {
    if (!((r, l, value, "breaks") in of)) return
    nbroken++
    tr(r)
    td_text(esc(l))
    td(pretty(value + 0) " " x_name[l])
    td_text(esc(why[r, l, value, "breaks"]))
    print "</tr>"
}

function rivals(    i) {
    para("The same number of bytes over HTTP, from servers that others have written. 100 % of " \
        "CPU is one processor; where the generator has one for itself, requests/s is its limit.")
    said("rivals-sentences.csv", "What follows from it", "Made of the figures below.")
    for (i = 1; i <= nloads; i++) {
        headline(3, capital(load[i]) ": " title[load[i]], "rivals-" load[i])
        charts("rivals", load[i])
    }
    headline(3, "All figures", "rivals-tables")
    load_tables()
}

# --- tables of all figures -----------------------------------------------------------------------

# The figures that a load has any values of: LIST[1..n].
function figures_of(l, list,    key, part_, i, n, there) {
    for (key in med) {
        split(key, part_, SUBSEP)
        if (part_[2] == l) there[part_[4]] = 1
    }
    delete there["runs"]
    delete there["disturbed"]
    for (i = 1; i <= nfigures; i++) {
        if (figure_name[i] in there) list[++n] = figure_name[i]
    }
    return n + 0
}

# cpu_us_per_connection is "CPU per connection", service_p999 "service p99.9".
function heading_of(name) {
    sub(/_per_second$/, "/s", name)
    sub(/_us_per_/, " per ", name)
    sub(/_(us|ms|kib)$/, "", name)
    sub(/p999$/, "p99.9", name)
    sub(/^mib/, "MiB", name)
    sub(/cpu/, "CPU", name)
    gsub(/_/, " ", name)
    return name
}

# Of at most eight columns each, so that few have to be scrolled.
function load_tables(    i, l, n, k, list) {
    for (i = 1; i <= nloads; i++) {
        l = load[i]
        headline(4, l ": " title[l])
        n = figures_of(l, list)
        if (!n) para("No run of it has a figure.")
        for (k = 1; k <= n; k++) {
            column(heading_of(list[k]), l, "", list[k])
            if (k % 8 == 0 || k == n) figures_table(l (k > 8 ? ", more" : ""), "range")
        }
    }
}

# Of each load of herd or scale: its charts, and a table for each figure, rows by values of x.
function x_loads(e,    i, k, n, l, list, c) {
    for (i = 1; i <= nloads; i++) {
        l = load[i]
        headline(3, capital(l) ": " title[l], e "-" l)
        charts(e, l)
        n = figures_of(l, list)
        print "<details><summary>The figures of " esc(l) "</summary>"
        for (k = 1; k <= n; k++) {
            for (c = 1; c <= nx[l]; c++) column(pretty(x[l, c] + 0), l, x[l, c], list[k])
            figures_table(capital(heading_of(list[k])) " by " x_name[l] ", " l, "range")
        }
        print "</details>"
    }
}

# --- limits, how it was made, what it cannot say, files ------------------------------------------

function rest() {
    limits()
    made()
    cannot()
    files()
}

function limits(    t, n, i, c, name, unit) {
    headline(2, "Limits of the machine", "limits")
    n = csv_read(dir "limits.csv", t)
    if (n <= 0) {
        not_measured("compare")
        return
    }
    para("What this machine can do at all, measured by " code("bin/limits") \
        " without a server of the suite.")
    fork_costs()
    split("per_second us_each cpu_us_each answer_cpu_us_each switches_each n", name, " ")
    split("|us|us|us||", unit, "|")
    table_open("Limits", "<name|<what|per second|each takes|CPU of each|CPU of the answerer|switches " \
        "of each|at once")
    for (i = 1; i <= n; i++) {
        tr(t[i, "name"])
        td_text(esc(t[i, "what"]))
        if (t[i, "outcome"] != "" && t[i, "outcome"] != "measured") {
            printf "<td class=\"text\" colspan=\"6\"><strong>%s</strong> %s</td></tr>\n",
                esc(t[i, "outcome"]), esc(t[i, "why"])
            continue
        }
        for (c = 1; c <= 6; c++) {
            td(is_number(t[i, name[c]]) ? pretty(t[i, name[c]] + 0, unit[c]) : "")
        }
        print "</tr>"
    }
    table_close()
}

function made(    i) {
    headline(2, "How it was made", "made")
    para("Each run has a fresh server on a fresh port (" code("-p") \
        ", left out here) and one client; the rows take turns in each round.")
    for (i = 1; i <= 4; i++) {
        if (csv_exists(dir EXPERIMENTS[i] ".csv")) made_of(EXPERIMENTS[i])
    }
}

function made_of(e,    i, l, has_x) {
    read_about(e)
    read_results(dir, e)
    has_x = e == "herd" || e == "scale"
    headline(3, capital(e))
    para("Made by " code(about["command"]) ".")
    table_open("Rows of " e, "<row|<server|<usual")
    for (i = 1; i <= nrows; i++) {
        tr(row[i])
        td_text(code(server[row[i]]))
        td_text(usual[row[i]] ? "yes" : "")
        print "</tr>"
    }
    table_close()
    table_open("Loads of " e, "<load|<what|<client" (has_x ? " (X: see x)|<x" : "") \
        "|<if a connection fails")
    for (i = 1; i <= nloads; i++) {
        l = load[i]
        tr(l)
        td_text(esc(title[l]))
        td_text(asked[l] == "" ? "none" : code((e == "rivals" ? "" : "client ") asked[l]))
        if (has_x) td_text(esc(x_name[l]))
        td_text(expect[l] == "some" ? "it is a figure" : "the run has failed")
        print "</tr>"
    }
    table_close()
}

function cannot() {
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

function files(    n, i, j, end) {
    headline(2, "Files", "files")
    para("The figures of this page, beside it:")
    print "<ul>"
    file_item("machine.csv")
    file_item("limits.csv")
    n = split(".csv -runs.csv -children.csv -rows.csv -loads.csv -about.csv -sentences.csv " \
        "-best.csv .txt", end, " ")
    for (i = 1; i <= 4; i++) {
        for (j = 1; j <= n; j++) file_item(EXPERIMENTS[i] end[j])
    }
    print "</ul>"
}

function file_item(name) {
    if (csv_exists(dir name)) item("<a href=\"" name "\">" name "</a>")
}
