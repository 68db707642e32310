# html.awk - pieces of the page of bench/report: text, lists and tables. After table.awk.

function esc(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    gsub(/'/, "\\&#39;", text)
    gsub(/[\001-\037]/, " ", text)
    return text
}

# Below, what is called HTML may have marks of its own; all other text is escaped.

function headline(level, text, id) {
    printf "<h%d%s>%s</h%d>\n", level, (id == "" ? "" : " id=\"" esc(id) "\""), esc(text), level
}

function para(html) {
    print "<p>" html "</p>"
}

function code(text) {
    return "<code>" esc(text) "</code>"
}

function item(html) {
    print "<li>" html "</li>"
}

function capital(text) {
    return toupper(substr(text, 1, 1)) substr(text, 2)
}

# warning(NAME, EXPERIMENT, TITLE, HTML)
function warning(name, e, title_, html) {
    printf "<div class=\"bad\" data-%s=\"%s\"><strong>%s</strong> %s</div>\n", name, e, title_, html
}

# Where report.js draws: its plan of this name, for this load.
function charts(plan, l) {
    printf "<div class=\"charts-box\" data-charts=\"%s\" data-load=\"%s\"></div>\n", plan, esc(l)
}

# A file of two columns; what several lines have in common stands once.
function definitions(table, n,    i, last) {
    if (table[1, 1] == "") {
        plain_list(table, n)
        return
    }
    print "<dl class=\"said\">"
    for (i = 1; i <= n; i++) {
        if (table[i, 1] != last) print "<dt>" esc(table[i, 1]) "</dt>"
        print "<dd>" esc(table[i, 2]) "</dd>"
        last = table[i, 1]
    }
    print "</dl>"
}

function plain_list(table, n,    i) {
    print "<ul>"
    for (i = 1; i <= n; i++) item(esc(table[i, 1] (table[i, 1] == "" ? "" : ": ") table[i, 2]))
    print "</ul>"
}

# What the experiments' own scripts have written; nothing if they have not.
function said(file, heading, html,    t, n, i, first) {
    n = csv_pairs(dir file, t)
    first = t[1, 1] ~ /^(row|what|about)$/ # its headings
    for (i = 1; i <= n - first; i++) {
        t[i, 1] = t[i + first, 1]
        t[i, 2] = t[i + first, 2]
    }
    if (n - first < 1) return
    headline(3, heading)
    para(html)
    definitions(t, n - first)
}

# --- tables --------------------------------------------------------------------------------------

# table_open(CAPTION, HEADINGS) - separated by "|"; one that begins with "<" is of a text column.
function table_open(caption, headings,    n, i, heading, left) {
    print "<div class=\"box\" tabindex=\"0\" role=\"group\" aria-label=\"" \
        esc(caption) "\"><table>\n<caption>" esc(caption) "</caption>"
    n = split(headings, heading, "|")
    printf "<thead><tr>"
    for (i = 1; i <= n; i++) {
        left = sub(/^</, "", heading[i])
        printf "<th scope=\"col\"%s>%s</th>", (left ? " class=\"text\"" : ""), esc(heading[i])
    }
    print "</tr></thead>\n<tbody>"
}

# What its marks mean is said below it.
function table_close() {
    print "</tbody></table></div>"
    if (tildes) para(esc(DISTURBED "."))
    tildes = 0
}

function tr(name) {
    printf "<tr><th scope=\"row\">%s</th>", esc(name)
}

function td(text) {
    printf "<td class=\"number\">%s</td>", (text == "" ? "&ndash;" : esc(text))
}

function td_text(html) {
    printf "<td class=\"text\">%s</td>", html
}

# A value with its unit, times and sizes in the unit that suits them.
function pretty(v, unit) {
    if (unit == "ms") return pretty(v * 1000, "us")
    if (unit == "us" && (v >= 99.95 || v <= -99.95)) return time(v)
    if (unit == "KiB" && v >= 9999.5) return number(v / 1024) " MiB"
    return (v == int(v) && v < 1000 && v > -1000 ? v "" : number(v)) \
        (unit == "" || unit == "/s" ? unit : " " unit)
}

# column(HEADING, LOAD, X, FIGURE) - one of the table that comes next: figures_table(CAPTION, HOW)
# has the rows that have any such figure. HOW: "range" adds from where to where, below the median.
function column(text, l, x_, name) {
    headings = headings "|" text
    of_column[++ncolumns] = l SUBSEP x_ SUBSEP name
    column_unit[ncolumns] = unit_of[name]
}

function figures_table(caption, how,    r, c, key) {
    table_open(caption, "<row" headings)
    for (r = 1; r <= nrows; r++) {
        if (!row_has(row[r])) continue
        tr(row[r])
        for (c = 1; c <= ncolumns; c++) {
            td_figure(row[r] SUBSEP of_column[c], column_unit[c], how)
        }
        print "</tr>"
    }
    table_close()
    ncolumns = 0
    headings = ""
}

function row_has(r,    c) {
    for (c = 1; c <= ncolumns; c++) {
        if ((r SUBSEP of_column[c]) in med) return 1
    }
    return 0
}

function td_figure(key, unit, how) {
    if (how != "range" || !(key in med) || runs[key] < 2) {
        td(key in med ? pretty(med[key], unit) tilde(key) : "")
        return
    }
    printf "<td class=\"number\">%s<small>%s</small></td>", esc(pretty(med[key], unit) tilde(key)),
        esc(pretty(least[key], unit) " to " pretty(most[key], unit))
}

function tilde(key) {
    sub(/[^\034]*$/, "disturbed", key) # \034 is SUBSEP
    if (!(key in med)) return ""
    tildes = 1
    return " ~"
}
