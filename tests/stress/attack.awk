# attack.awk - attack.csv as a table for people: one for each attack, a line for each server.

BEGIN {
    title["silent"] = "twice as many connections as it has places, at once; they send nothing"
    title["dribble"] = "%d connections send a byte of a request 5 times a second, never its end"
    title["keep"] = "%d connections ask for one byte 5 times a second, and stay"
    title["sip"] = "%d connections ask for 1 GiB each, and read 16 KiB of it 5 times a second"
    title["unread"] = "%d connections ask for 1 GiB each and never read"
    title["pipeline"] = "%d connections send a million requests of 1000 bytes each, and never read"
    title["reset"] = "1000 connections a second, at most %d at once, reset in every state"
    title["garbage"] = "200 connections a second, at most %d at once, each 64 KiB of no request"
    title["half"] = "1000 connections a second, at most %d at once, half-closed in every state"
    title["flood"] = "%d silent connections, more than the queue holds; new ones for those that end"
    columns = "%-21s%7s|%8s%7s%7s|%6s|%5s%5s%5s|%6s%7s| %s\n"
    heading = sprintf(columns, "", "quiet", "during", "the", "attack", "again", "MiB", "", "pro-",
        "CPU", "ms", "") sprintf(columns, "", "p99", "failed", "p50", "p99", "after", "one", "all",
        "cess", "quiet", "attack", "")
    gsub(/ *\n/, "\n", heading)
}

NR == 1 {
    for (i = 1; i <= NF; i++) at[$i] = i
    next
}

function of(name) {
    return $at[name]
}

# Three digits are enough.
function us(value) {
    if (value == "-") return "-"
    if (value < 1000) return sprintf("%d us", value)
    if (value < 9995) return sprintf("%.1f ms", value / 1000)
    if (value < 999500) return sprintf("%.0f ms", value / 1000)
    return sprintf("%.1f s", value / 1000000)
}

function mib(kib) {
    return sprintf("%.1f", kib / 1024)
}

# What there is to say of it: what failed, or what the model did.
function verdict() {
    if (of("why") != "") return "FAILED"
    if (of("served_percent") < 99) return "waits"
    return of("promised") == "yes" ? "withstands" : "gets by"
}

!(of("attack") in lines) {
    order[++nattacks] = of("attack")
    title[of("attack")] = sprintf(title[of("attack")], of("connections"))
}

{
    attack = of("attack")
    lines[attack] = lines[attack] sprintf(columns, of("row"), us(of("quiet_p99_us")),
        of("asked") - of("completed") "/" of("asked"), us(of("p50_us")), us(of("p99_us")),
        us(of("again_ms") * 1000), mib(of("peak_rss_kib")), mib(of("private_kib")),
        of("processes_during"), of("quiet_cpu_ms"), of("attack_cpu_ms"), verdict())
    if (of("kernel_tcp_kib") > kernel[attack] + 0) kernel[attack] = of("kernel_tcp_kib")
    timeout = of("timeout_s")
    cells++
    if (of("why") != "") failures[++nfailures] = of("row") ", " attack ": " of("why")
}

function introduce() {
    print "Attacks: what good clients see of them, and what is left of them"
    print ""
    print command
    print date ", " seconds " s; " machine
    if (interrupted != "") print "INTERRUPTED (" interrupted "): not all was run"
    print ""
    printf "Good clients make 200 connections per second for 1000 bytes each, and wait %d s.\n",
        patience
    print ""
    explain("quiet", "their p99 without an attack")
    explain("the attack", "how many of them failed while it lasted; p50 and p99 of their response")
    explain("", "time")
    explain("again after", "until one was served when it was over (silent stays: since it began)")
    explain("MiB", "the largest process ever; and what all of them had for themselves")
    explain("process", "how many there were")
    explain("CPU ms", "what the server used without the attack and with it, while good clients")
    explain("", "were measured: " measured " s, and as long as they wait in vain")
    explain("withstands", "99 % of them or more were served, as the model promises")
    explain("gets by", "the same, although it does not promise it")
    explain("waits", "no place for them, until -T or the end of the attack gives one back")
    print ""
    print "The servers ran with -T " timeout "; with their default, 10, what -T ends takes longer."
}

function explain(word, what) {
    printf "%-16s%s\n", word, what
}

END {
    introduce()
    for (i = 1; i <= nattacks; i++) {
        printf "\n%s: %s\n\n%s%s", order[i], title[order[i]], heading, lines[order[i]]
        printf "(TCP buffers of this machine, both ends: up to %s MiB)\n", mib(kernel[order[i]])
    }
    print ""
    for (i = 1; i <= nfailures; i++) print "FAILED: " failures[i]
    if (interrupted != "") {
        printf "INTERRUPTED (%s): %d of %d were not run to their end\n", interrupted, \
            total - cells, total
    }
    printf "%d of %d held: alive, served where that is promised, served again, memory, processes", \
        cells - nfailures, total
    print "\nand descriptors back, idle afterwards, nothing said but warnings of its own."
}
