# limits.awk - the report of `limits -o json` as CSV. After json.awk.

BEGIN {
    n = split("name what per_second us_each cpu_us_each answer_cpu_us_each switches_each n " \
        "outcome why faults_each", column, " ")
    for (i = 1; i <= n; i++) printf "%s%s", column[i], (i < n ? "," : "\n")
}

{
    good = parse_json($0) && value["rows.#"] > 0
    for (r = 1; r <= value["rows.#"]; r++) {
        for (i = 1; i <= n; i++) {
            text = value["rows." r "." column[i]]
            gsub(/,/, ";", text)
            gsub(/"/, "'", text)
            printf "%s%s", text, (i < n ? "," : "\n")
        }
    }
}

END { exit !good }
