// What snapshots say, in numbers and in words. No part of the page is touched here: each function
// takes snapshots, as watch sends them, and returns values; tests/watch/lints.mjs calls them.
"use strict";

const lints = (() => {
    // For so long something must hold before it is said: no flicker. Each half of it is two
    // seconds, for a child publishes its switches and its CPU that often: in less there would be
    // one tick of them or two, and in turns too few and too many for each connection.
    const LASTS_MS = 4000;
    const ENOUGH = 30; // connections in each half of that; fewer say nothing about "per connection"

    const WORDS = {
        "_": "waits", W: "works", S: "starts", G: "finishes", U: "unresponsive", T: "stopped",
        Z: "has ended", ".": "nobody",
    };

    const sum = (list, field) => list.reduce((total, each) => total + each[field], 0);
    const round = (value) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
    const milliseconds = (us) => `${round(us / 1000)} ms`;
    const service_of = (frame, name) => frame.services.find((each) => each.name === name);

    // The newest frame that is at least so much older than the last one.
    function past(frames, ms) {
        const now = frames.at(-1).time_ms;
        return frames.findLast((frame) => now - frame.time_ms >= ms);
    }

    // What happened between two looks at the statistics of a service; null if that cannot be said.
    function rates(before, now) {
        const a = before?.stats, b = now?.stats;
        const seconds = (now?.stats_ms - before?.stats_ms) / 1000;
        if (!a || !b || before.pid !== now.pid || !(seconds > 0)) return null;
        const delta = (field) => b[field] - a[field];
        const connections = delta("connections");
        const each = (value) => (connections > 0 ? value / connections : null);
        return {
            seconds, connections,
            per_second: connections / seconds,
            requests_per_second: delta("requests") / seconds,
            wakeups: each(delta("wakeups")),
            wasted: each(delta("wasted_wakeups")),
            switches: each(delta("context_switches")),
            cpu_us: each((delta("cpu_user_s") + delta("cpu_system_s")) * 1e6),
            started: delta("children_started"), lost: delta("children_lost"),
            timed_out: delta("timed_out"),
        };
    }

    // Processor time that a process has had between two snapshots, in percent of one processor.
    function processor(before, now, ms) {
        const used = before && now ? now.cpu_ms - before.cpu_ms : NaN;
        return used >= 0 && ms > 0 ? Math.min(100 * used / ms, 100 * now.threads) : null;
    }

    // Apache's letter for who serves. The server's own scoreboard knows best; else the kernel's
    // state and the counters say it: who has served since the look before has worked. (A process
    // that is ready to run, but has not run since, only waits for a processor.) Between two short
    // requests a busy seat says that it waits: but it has served. A server's own loop serves nobody
    // itself: its wake-ups tell, beyond those for the questions of watch, one or two in that time.
    function letter_of(row, before, process, listed, cpu_ms) {
        if (process?.state === "T" || process?.state === "t") return "T";
        if (process?.state === "Z") return "Z";
        const served = before && row.requests > before.requests;
        if (listed) return listed === "_" && served ? "W" : listed;
        if (row.pid === 0) return ".";
        const turns = row.child === 0 && !row.thread && row.wakeups > before?.wakeups + 4;
        const runs = !row.thread && process?.state === "R" && !(process.cpu_ms <= cpu_ms);
        return served || turns || runs ? "W" : "_";
    }

    const key_of = (row) => `${row.child}.${row.thread ?? 0}`;

    // A seat for each child, with its threads. Statistics have a row for each; of a server that
    // has no rows (a child for each connection) its processes are the seats.
    function seats(service, before) {
        const processes = new Map(service.processes.map((each) => [each.pid, each]));
        const rows = service.stats?.children ?? [];
        const old = new Map((before?.stats?.children ?? []).map((row) => [key_of(row), row]));
        const used = new Map((before?.processes ?? []).map((each) => [each.pid, each.cpu_ms]));
        const board = service.stats?.scoreboard ?? "";
        const made = new Map();
        rows.forEach((row, i) => {
            const place = row.thread ? i : row.child - 1;
            const process = processes.get(row.pid);
            const letter = letter_of(row, old.get(key_of(row)), process, board[place],
                used.get(row.pid));
            const place_of = made.get(row.child) ?? seat_of(row, letter, process);
            if (row.thread) add_thread(place_of, row, letter);
            made.set(row.child, place_of);
        });
        return made.size > 0 ? [...made.values()] : by_process(service);
    }

    function seat_of(row, letter, process) {
        return {
            child: row.child, pid: row.pid, letter, process, threads: [],
            connections: row.thread ? 0 : row.connections, requests: row.thread ? 0 : row.requests,
            wakeups: row.thread ? 0 : row.wakeups,
            switches: row.thread ? null : row.context_switches, // POSIX has no thread's
        };
    }

    function add_thread(seat, row, letter) {
        seat.threads.push({ thread: row.thread, letter, connections: row.connections });
        seat.connections += row.connections;
        seat.requests += row.requests;
        seat.wakeups += row.wakeups;
        if (letter === "W" && seat.letter === "_") seat.letter = "W";
    }

    function by_process(service) {
        const children = service.processes.filter((each) => each.parent === service.pid);
        return children.map((process, i) => ({
            child: i + 1, pid: process.pid, process, threads: [], connections: null, requests: null,
            wakeups: null, switches: null, letter: letter_of({ pid: process.pid }, null, process),
        }));
    }

    // --- the lints: each takes [then, between, now] of one service, and what happened in each
    // half; it returns null, or what is said, why, and where one can read on ----------------------

    const busy = (halves) => halves.every((each) => each.connections >= ENOUGH);

    // A connection costs a child two switches, three with a lock, however many children there are
    // (docs/results.md). Half of all children and four at least: that is a herd. Those who wait
    // have a row in the statistics; a child for one connection has none, and never waits.
    function herd({ halves, now }) {
        const waiting = now.stats.children.filter((row) => row.child > 0 || row.thread > 0);
        const most = Math.max(4, waiting.length / 2);
        if (waiting.length < 4 || !busy(halves)) return null;
        if (!halves.every((each) => each.switches >= most)) return null;
        const who = waiting[0].thread ? "threads" : "children";
        return {
            words: `Many ${who} wake for each connection: ` +
                `${round(halves[1].switches)} switches.`,
            why: `${waiting.length} ${who} wait for the same socket in a way that wakes all of ` +
                "them; one gets the connection, the others wake for nothing.",
            where: ["server03_prefork_accept/README.md", "Why"],
        };
    }

    // Fewer than four may be what arrives between two looks. More than there are seats, for four
    // seconds: the wait for a seat is longer than the service.
    function backlog({ steps, now }) {
        const waiting = steps.map((each) => each.backlog ?? 0);
        const seated = seats(steps[2]);
        const places = seated.reduce((all, { threads }) => all + (threads.length || 1), 0);
        const whose = places > seated.length ? "threads" : "children";
        const full = Math.min(...waiting) >= Math.max(4, places);
        const grows = waiting[2] >= 8 && waiting[0] < waiting[1] && waiting[1] < waiting[2];
        if (!full && !grows) return null;
        const how = grows ? `the backlog grows: ${waiting.join(", ")} connections wait`
            : `${waiting[2]} connections wait in the backlog all the time`;
        return {
            words: `${places > 1 ? `All ${whose} are busy` : "Who accepts is busy"}, ${how}.`,
            why: "The kernel has made these connections, but nobody has accepted them: their " +
                "clients wait before they are served at all.",
            where: [now.readme || "server03_prefork_accept/README.md", "What breaks"],
        };
    }

    // 95 %: with two children alike, chance does not do that to 30 connections (2 in 10 million).
    function lonely({ steps, halves }) {
        const counts = steps.map((each) => seats(each).filter((seat) => seat.child > 0));
        if (counts[2].length < 2 || !busy(halves)) return null;
        const shares = [1, 2].map((i) => {
            const before = counts[i - 1];
            const grown = counts[i].map((seat, k) => seat.connections - before[k]?.connections);
            const total = grown.reduce((a, b) => a + b, 0);
            const best = grown.indexOf(Math.max(...grown));
            return { best, share: total > 0 ? grown[best] / total : 0 };
        });
        if (shares[0].best !== shares[1].best || !shares.every((each) => each.share >= 0.95)) {
            return null;
        }
        const { child } = counts[2][shares[1].best];
        return {
            words: `One child of ${counts[2].length} serves ` +
                `${Math.round(100 * shares[1].share)} %: child ${child}.`,
            why: "Whoever is first in line, and free again in time, gets the next connection " +
                "too. Good for its caches; but then a smaller pool would do for this load.",
            where: ["server04_fdpass/README.md", "Why"],
        };
    }

    // Nine of ten connections cost a new process: then that price is the service's price.
    function forks({ halves }) {
        const each = (half) => half.started >= 0.9 * half.connections;
        if (!busy(halves) || !halves.every(each)) return null;
        return {
            words: `Each connection costs a new child: ${Math.round(halves[1].started /
                halves[1].seconds)} a second, ${Math.round(halves[1].cpu_us)} us of CPU each.`,
            why: "Creating and ending a process costs more than a small request. Children that " +
                "are created beforehand serve the same for less.",
            where: ["server01_fork/README.md", "Why: what a fork costs"],
        };
    }

    // One may be killed by hand. Two in each half die of something that goes on.
    function dying({ halves }) {
        if (!halves.every((each) => each.lost >= 2)) return null;
        return {
            words: `Children die again and again: ${sum(halves, "lost")} in the last seconds.`,
            why: "Each takes at least its connection with it. The pool waits longer and longer " +
                "before it starts another, 5 s at most.",
            where: ["docs/reliability.md", "What is promised"],
        };
    }

    function stopped({ steps }) {
        const asleep = steps.map((each) => new Set(each.processes
            .filter((process) => process.state === "T").map((process) => process.pid)));
        const pids = [...asleep[2]].filter((pid) => asleep[0].has(pid) && asleep[1].has(pid));
        if (pids.length === 0) return null;
        return {
            words: `Stopped by a signal: process ${pids.join(", ")}.`,
            why: "It keeps its connection, and whatever lock it has, until CONT comes; its " +
                "client waits, the other children go on.",
            where: ["server03_prefork_accept/README.md", "What breaks"],
        };
    }

    // Any: a healthy client is never given up.
    function silent({ halves }) {
        if (!halves.every((each) => each.timed_out > 0)) return null;
        return {
            words: `Clients are given up: ${sum(halves, "timed_out")} in the last seconds sent ` +
                "no request, or took no reply, within -T.",
            why: "Until then each of them has had a seat, a thread or a descriptor that another " +
                "client could have used.",
            where: ["docs/measuring.md", "Idle and misbehaving clients"],
        };
    }

    // --- and of a load ------------------------------------------------------------------------

    const is_open = (load) => load.arguments.some((word) => word.startsWith("-r"));

    // The medians of the last eight half seconds in which a reply came: each pair above the one
    // before, doubled in all, and beyond 10 ms, which a busy machine's scheduler may cost for a
    // moment.
    function late({ load }) {
        const medians = load.columns.map((column) => column.p50_us).filter((us) => us > 0)
            .slice(-8);
        const pairs = [0, 2, 4, 6].map((i) => (medians[i] + medians[i + 1]) / 2);
        const rises = pairs.every((value, i) => i === 0 || value > pairs[i - 1]);
        if (load.state !== "running" || !is_open(load) || medians.length < 8) return null;
        if (!rises || pairs[3] < 2 * pairs[0] || pairs[3] < 10000) return null;
        return {
            words: `Users wait longer and longer: a response took ${milliseconds(pairs[0])}, now ` +
                `${milliseconds(pairs[3])}.`,
            why: "More connections are due each second than the server completes, so a queue " +
                "grows for as long as the load lasts.",
            where: ["docs/measuring.md", "Open loop"],
        };
    }

    // Ten: at twice, the scheduler may be to blame; ten times is a queue.
    function waiting({ load }) {
        const { service_us: service, response_us: response } = load.result ?? {};
        const ratio = response?.p99 / service?.p99;
        if (!(response?.count >= 1000) || !(ratio >= 10)) return null;
        return {
            words: `Responses wait ${Math.round(ratio)} times longer than service: p99 is ` +
                `${milliseconds(response.p99)} and ${milliseconds(service.p99)}.`,
            why: "The service time begins when a connection begins; the response time when it " +
                "was due. What lies between is the queue that users stand in.",
            where: ["docs/measuring.md", "Open loop"],
        };
    }

    const OF_SERVICES = { herd, backlog, lonely, forks, dying, stopped, silent };
    const OF_LOADS = { late, waiting };

    function ask(table, name, about) {
        return Object.entries(table).flatMap(([kind, lint]) => {
            const said = lint(about);
            return said ? [{ key: `${name} ${kind}`, kind, name, ...said }] : [];
        });
    }

    // All that is to be said about the last of these frames.
    function look(frames) {
        const found = [];
        const last = frames.at(-1);
        const before = [past(frames, LASTS_MS), past(frames, LASTS_MS / 2)];
        for (const now of before[0] ? last.services : []) {
            const steps = [...before.map((frame) => service_of(frame, now.name)), now];
            const halves = [rates(steps[0], steps[1]), rates(steps[1], steps[2])];
            if (now.state !== "running" || halves.includes(null)) continue;
            found.push(...ask(OF_SERVICES, now.name, { steps, halves, now }));
        }
        for (const load of last.loads) found.push(...ask(OF_LOADS, load.name, { load }));
        return found;
    }

    return { LASTS_MS, look, past, processor, rates, seats, service_of, words: WORDS };
})();
