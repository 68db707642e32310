// Snapshots as watch would send them, made up: for the tests of lints.js, and of the page with what
// no server would ever say. Also: a page of the suite, and its scripts, without a browser.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const WATCH = new URL("../../watch/", import.meta.url);

export const read = (name) => readFileSync(new URL(name, WATCH), "utf8");

// What a plain script defines, with nothing of a browser but what is given.
export function script(name, given = {}) {
    const context = vm.createContext({ ...given });
    const value = name.replace(".js", "");
    return vm.runInContext(`${read(name)}\n;${value}`, context);
}

// The counters of a service at some time; each function may say what grows how.
export function service(name, seconds, changes = {}) {
    const { children = 4, per_second = 100, shares, letters = "", ...more } = changes;
    const total = Math.round(per_second * seconds);
    const rows = Array.from({ length: children }, (_, i) => {
        const connections = Math.round(total * (shares?.[i] ?? 1 / children));
        return { child: i + 1, pid: 1001 + i, connections, requests: connections, bytes: 0,
            wakeups: connections, wasted_wakeups: 0, context_switches: 2 * connections };
    });
    const stats = { server: "server03_prefork_accept", variant: "accept", pid: 1000,
        uptime_s: seconds,
        connections: total, requests: total, bytes: 0, rejected: 0, timed_out: 0, broken: 0,
        children_started: children, children_lost: 0, wakeups: total, wasted_wakeups: 0,
        context_switches: 2 * total, cpu_user_s: total * 1e-5, cpu_system_s: total * 2e-5,
        peak_rss_kib: 1800, children: rows, ...(letters ? { scoreboard: letters } : {}),
        ...more.stats };
    return { name, program: "server03_prefork_accept", arguments: ["-n", String(children)],
        readme: "server03_prefork_accept/README.md", state: "running", pid: 1000,
        address: "127.0.0.1:40000", uptime_s: seconds, ended: "", restarts: 0, restart: false,
        can: ["hup"], log: [], stats, stats_ms: 1e12 + 1000 * seconds, backlog: more.backlog ?? 0,
        processes: [{ pid: 1000, parent: 1, state: "S", cpu_ms: 0, rss_kib: 1800, threads: 1 },
            ...rows.map((row, i) => ({ pid: row.pid, parent: 1000, state: more.states?.[i] ?? "S",
                cpu_ms: 30 * seconds, rss_kib: 900, threads: 1 }))] };
}

// Half a second of a load.
export function column(begin_s, more = {}) {
    return { begin_s, end_s: begin_s + 0.5, completed: 50, failed: 0, requests: 50, p50_us: 300,
        p99_us: 2000, max_us: 2500, times: [[256, 25], [304, 20], [2048, 5]], ...more };
}

export function load(name, columns, more = {}) {
    return { name, arguments: ["-c", "5", "-d", "30"], state: "running", started_ms: 1e12, said: [],
        columns, result: null, ...more };
}

export function frame(seconds, services, loads = []) {
    return { version: 1, time_ms: 1e12 + 1000 * seconds, processors: 2, load: 0.7, recording: false,
        services, loads };
}

// A frame each half second; make(seconds) returns [services, loads].
export function frames(seconds, make) {
    return Array.from({ length: 2 * seconds + 1 }, (_, i) => frame(i / 2, ...make(i / 2)));
}

// The recorded page, as bin/watch writes it: everything in one file.
export function record(list) {
    const json = JSON.stringify(list).replaceAll("<", "\\u003c");
    const data = `<script type="application/json" id="record">${json}</script>\n`;
    return read("page.html")
        .replace(/<link rel="stylesheet" href="\/(.*)">/g, (whole, name) =>
            `<style>\n${read(name)}</style>`)
        .replace(/<script src="\/(.*)"><\/script>/g, (whole, name) =>
            `${name === "charts.js" ? data : ""}<script>\n${read(name)}</script>`);
}
