# generators.awk - one run of bench/rivals: what wrk, ab or siege said becomes lines
# "round,row,load,x,figure,unit,value,why". Files: what it printed; ab's percentiles (may be empty);
# two lines of /proc/PID/stat of the script, from before and after. Variables:
#
#   round, row, name  of the run; name is its load (`load` is a keyword of gawk)
#   generator         wrk, ab or siege
#   why               the run has failed already, and why
#   cpu_s             processor time of the server during the load
#   sampled           "PSS_KIB PROCESSES" while the generator was at work; or nothing
#   others            percent of the processors' time that others have taken
#   tick_s            ticks in a second
#
# Exit status 1 if the run has failed: then the only line is the figure `run` with the value 0.

FILENAME == ARGV[3] {
    sub(/.*[)] /, "")
    generator_s += (FNR == 1 ? -1 : 1) * ($14 + $15) / tick_s
    next
}

FILENAME == ARGV[2] {
    split($0, field, ",")
    if (field[1] == "50") p50 = field[2] * 1000
    if (field[1] == "99") p99 = field[2] * 1000
    next
}

# wrk
/^ +50%/ { p50 = us($2) }
/^ +99%/ { p99 = us($2) }
/ requests in / { requests = $1; elapsed = us($4) / 1e6 }
/Socket errors:/ { failures += $4 + $6 + $8 + $10 }
/Non-2xx or 3xx responses:/ { failures += $NF }

# ab
/^Complete requests:/ { requests = $3 }
/^Time taken for tests:/ { elapsed = $5 }
/^(Failed requests|Write errors):/ { failures += $3 }
/^Non-2xx responses:/ { failures += $3 }
/^Keep-Alive requests:/ { kept = $3 }

# siege
/"(transactions|elapsed_time|failed_transactions)":/ {
    gsub(/[^a-z_0-9.]+/, " ")
    if ($1 == "transactions") requests = $2
    if ($1 == "elapsed_time") elapsed = $2
    if ($1 == "failed_transactions") failures = $2
}

END {
    judge()
    print head() ",run,," (why == "") "," why
    if (why != "") exit 1
    put("requests_per_second", "/s", requests / elapsed)
    put("cpu_us_per_request", "us", cpu_s * 1e6 / requests)
    if (p99 > 0) put("service_p50", "us", p50)
    if (p99 > 0) put("service_p99", "us", p99)
    put("server_share", "%", 100 * cpu_s / elapsed)
    put("generator_share", "%", 100 * generator_s / elapsed)
    split(sampled, sample, " ")
    if (sample[1] > 0) put("pss_kib", "KiB", sample[1])
    if (sample[2] > 0) put("processes", "", sample[2])
    if (others != "") put("others_share", "%", others)
}

function judge() {
    if (why != "") return
    if (failures > 0) {
        why = generator " counts " failures " failures beside " requests " requests"
    } else if (requests == 0 || elapsed == 0) {
        why = generator " counts no request"
    } else if (generator "-keep" == name && generator == "ab" && kept != requests) {
        why = "ab counts " requests " requests but kept the connection after " kept + 0
    }
}

function head() {
    return round "," row "," name ","
}

function put(figure, unit, number) {
    printf "%s,%s,%s,%.6g,\n", head(), figure, unit, number
}

# us(TEXT) - of 12.34us, 1.20ms, 2.00s or 1.50m.
function us(text) {
    if (text ~ /us$/) return text + 0
    if (text ~ /ms$/) return text * 1e3
    return text * (text ~ /m$/ ? 6e7 : 1e6)
}
