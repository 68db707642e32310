# startup.awk - what was before the load, mostly starting and stopping the server: "CPU_US SWITCHES
# CONNECTIONS REQUESTS WAKEUPS WASTED" from its statistics in JSON (the last line). After json.awk.

{ statistics = $0 }

END {
    if (!parse_json(statistics)) exit 1
    cpu_s = value["cpu_user_s"] + value["cpu_system_s"]
    printf "%d %d %d %d %d %d", cpu_s * 1e6, value["context_switches"],
        value["connections"], value["requests"], value["wakeups"], value["wasted_wakeups"]
}
