# startup.awk - what it cost to start and stop a server, "CPU_US SWITCHES", from its statistics in
# JSON (the last line). After json.awk.

{ statistics = $0 }

END {
    if (!parse_json(statistics)) exit 1
    cpu_s = value["cpu_user_s"] + value["cpu_system_s"]
    printf "%d %d", cpu_s * 1e6, value["context_switches"]
}
