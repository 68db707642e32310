# data.awk - the CSV files that report.js draws from, as one JSON object: of each experiment the
# lines of its files, every value a string. For a <script> of HTML, so no "<" is in it. After
# csv.awk; REPORT_DIR in the environment says where the files are.

BEGIN {
    dir = ENVIRON["REPORT_DIR"] "/"
    n = split("compare herd scale rivals", experiment, " ")
    printf "{"
    for (i = 1; i <= n; i++) {
        printf "%s%s:{\n", (i > 1 ? "," : ""), quoted(experiment[i])
        lines("rows", experiment[i] "-rows.csv", "row usual")
        printf ",\n"
        lines("loads", experiment[i] "-loads.csv", "load title x_name")
        printf ",\n"
        lines("children", experiment[i] "-children.csv", "round row load connections")
        printf ",\n"
        lines("figures", experiment[i] ".csv", "row load x figure unit median min max why")
        printf "}\n"
    }
    print "}"
}

# lines(NAME, FILE, WANTED) - "NAME":[[WANTED values of a line], ...]
function lines(name, file, wanted,    t, rows, k, c, columns, heading) {
    rows = csv_read(dir file, t)
    columns = split(wanted, heading, " ")
    printf "%s:[", quoted(name)
    for (k = 1; k <= rows; k++) {
        printf "%s[", (k > 1 ? ",\n" : "")
        for (c = 1; c <= columns; c++) printf "%s%s", (c > 1 ? "," : ""), quoted(t[k, heading[c]])
        printf "]"
    }
    printf "]"
}

# As JSON has it. (No awk agrees with another about backslashes in gsub().)
function quoted(text,    i, c, out) {
    if (text !~ /["\\<\001-\037]/) return "\"" text "\""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\"" || c == "\\") c = "\\" c
        else if (c == "<") c = "\\u003c"
        else if (c ~ /[\001-\037]/) c = " "
        out = out c
    }
    return "\"" out "\""
}
