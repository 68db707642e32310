# csv.awk - reads the files of a results directory. They are kept simple by those who write them: a
# comma, a quote or a line feed is never inside a value, so splitting at commas is all it takes.

# csv_read(FILE, TABLE) - the number of rows, -1 if there is no such file; then TABLE[row, heading].
function csv_read(file, table,    line, heading, field, n, i, rows) {
    split("", table)
    if ((getline line < file) < 0) return -1
    sub(/\r$/, "", line)
    n = split(line, heading, ",")
    rows = 0
    while ((getline line < file) > 0) {
        sub(/\r$/, "", line)
        if (line == "") continue
        rows++
        split("", field)
        split(line, field, ",")
        for (i = 1; i <= n; i++) table[rows, heading[i]] = field[i]
    }
    close(file)
    return rows
}

# csv_pairs(FILE, TABLE) - the same of two columns; all after the first comma is the second one, so
# that a sentence may have commas. TABLE[row, 1] and TABLE[row, 2].
function csv_pairs(file, table,    line, at, rows) {
    split("", table)
    if ((getline line < file) < 0) return -1
    rows = 0
    while ((getline line < file) > 0) {
        sub(/\r$/, "", line)
        at = index(line, ",")
        if (at) {
            rows++
            table[rows, 1] = substr(line, 1, at - 1)
            table[rows, 2] = substr(line, at + 1)
        }
    }
    close(file)
    return rows
}

# csv_exists(FILE) - also if it is empty.
function csv_exists(file,    line, there) {
    there = (getline line < file) >= 0
    close(file)
    return there
}

# fork_text(DIR) - what a fork costs, as bench/limits/report.c says it; "" if it was not measured.
function fork_text(dir,    t, n, i) {
    n = csv_read(dir "/limits.csv", t)
    for (i = 1; i <= n; i++) {
        if (t[i, "name"] != "fork" || !is_number(t[i, "faults_each"])) continue
        return sprintf("A fork, with exit and wait, costs %.0f page faults; here that is %.0f us " \
            "of CPU. Above 300 us expect server01, which pays it for each connection, to be 10 " \
            "to 30 times as dear as server00.", t[i, "faults_each"], t[i, "cpu_us_each"])
    }
    return ""
}

# is_number(TEXT) - what is none ("", "nan", "-") is a missing value, and never 0.
function is_number(text) {
    return text + 0 < 1e300 && text + 0 > -1e300 && \
        text ~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/
}
