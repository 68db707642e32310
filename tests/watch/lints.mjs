// What lints.js says of snapshots that were made up, and how figures are written. Which part is
// asked by a word: lints, quiet, seats, rates, ticks or numbers. Says what failed, exit status 1.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { column, frame, frames, load, script, service } from "./made.mjs";

const lints = script("lints.js");
const ROOT = new URL("../../", import.meta.url);

const one = (changes) => frames(6, (s) => [[service("a", s,
    typeof changes === "function" ? changes(s) : changes)], []]);
const kinds = (list) => [...lints.look(list)].map((each) => each.kind).join();
const stats = (more) => (s) => ({ stats: more(s) });
const slow = (s, p50) => [[], [load("a", [0, 1, 2, 3, 4, 5, 6, 7].map((i) => column(s + i / 2,
    { p50_us: p50(i) })), { arguments: ["-r", "500"] })]];
// One process, one seat: with thirty threads.
const crew = (backlog) => (s) => ({ backlog, stats: { children: Array.from({ length: 30 }, (_, i) =>
    ({ child: 0, thread: i + 1, pid: 1000, connections: s, requests: s, wakeups: 0 })) } });
const ended = (response, served) => [frame(9, [], [load("a", [], { state: "done", result: {
    response_us: { count: 5000, p99: response }, service_us: { count: 5000, p99: served } } })])];

// Each has a run that shows it, and what must stand in its words.
const SHOWN = [
    ["herd", one(stats((s) => ({ context_switches: 500 * s }))), "5 switches"],
    ["herd", one(stats((s) => ({ context_switches: 500 * s, children: [1, 2, 3, 4].map((thread) =>
        ({ child: 0, thread, pid: 1000, connections: 25 * s, requests: 25 * s, wakeups: 0 })) }))),
    "Many threads wake"],
    ["backlog", one((s) => ({ backlog: 10 * s })), "grows: 20, 40, 60"],
    ["backlog", one({ backlog: 30 }), "All children are busy, 30 connections wait"],
    ["backlog", one(crew(30)), "All threads are busy, 30 connections wait"],
    ["lonely", one({ shares: [0, 0, 1, 0] }), "100 %: child 3"],
    ["forks", one(stats((s) => ({ children_started: 100 * s }))), "100 a second, 30 us"],
    ["dying", one(stats((s) => ({ children_lost: 2 * s }))), "8 in the last"],
    ["stopped", one({ states: ["S", "T"] }), "process 1002"],
    ["silent", one(stats((s) => ({ timed_out: 2 * s }))), "8 in the last"],
    ["late", [frame(0, ...slow(0, (i) => 20000 + 10000 * i))], "25 ms, now 85 ms"],
    ["waiting", ended(300000, 1000), "300 times longer than service: p99 is 300 ms and 1 ms"],
];

// And just below its threshold, or not for long enough, nothing is said.
const QUIET = [
    ["an idle service", one({ per_second: 0 })],
    ["a good run", one({})],
    ["three switches each", one(stats((s) => ({ context_switches: 300 * s })))],
    ["a child for each connection, five switches", // on a busy machine; they wait for no socket
        one(stats((s) => ({ children: [], context_switches: 500 * s })))],
    ["ten children, four switches",
        one((s) => ({ children: 10, stats: { context_switches: 400 * s } }))],
    ["few connections that wake all",
        one((s) => ({ per_second: 5, stats: { context_switches: 100 * s } }))],
    ["as many wait as arrive between two looks", one({ backlog: 3 })],
    ["fewer wait than there are threads", one(crew(29))],
    ["a backlog for a second", one((s) => ({ backlog: s > 5 ? 50 : 0 }))],
    ["a herd for two seconds",
        one(stats((s) => ({ context_switches: 200 * s + 800 * Math.max(0, s - 4) })))],
    ["one child of one", one({ children: 1 })],
    ["nine tenths", one({ shares: [0.9, 0.05, 0.05, 0] })],
    ["two children that are killed by hand",
        one(stats((s) => ({ children_lost: s > 5 ? 2 : s > 4 ? 1 : 0 })))],
    ["a child that has just been stopped", one((s) => ({ states: [s > 5 ? "T" : "S"] }))],
    ["response as service", ended(1500, 1000)],
    ["times that go up and down",
        [frame(0, ...slow(0, (i) => [20, 20, 60, 60, 30, 30, 60, 60][i] * 1000))]],
    ["half seconds without a reply",
        [frame(0, ...slow(0, (i) => (i < 2 ? null : 20000 + 10000 * i)))]],
    ["times of microseconds", [frame(0, ...slow(0, (i) => 100 + 100 * i))]],
    ["three seconds of snapshots", one({ backlog: 30 }).slice(0, 7)],
    ["a service that was started anew", frames(6, (s) => [[{ ...service("a", s, { backlog: 30 }),
        pid: s > 5 ? 2 : 1 }], []])],
    ["one without statistics",
        frames(6, (s) => [[{ ...service("a", s, { backlog: 30 }), stats: null }], []])],
];

const PARTS = {
    lints() {
        for (const [kind, run, words] of SHOWN) {
            const [said] = [...lints.look(run)].filter((each) => each.kind === kind);
            assert.ok(said, `${kind} is not said`);
            assert.ok(said.words.includes(words), `${kind}: ${said.words}`);
            const [file, heading] = said.where;
            assert.ok(existsSync(new URL(file, ROOT)), file);
            const text = readFileSync(new URL(file, ROOT), "utf8");
            assert.match(text, new RegExp(`^## ${heading}$`, "m"));
        }
    },
    quiet() {
        for (const [what, run] of QUIET) assert.equal(kinds(run), "", what);
    },
    seats() {
        const letters = (a, b) => [...lints.seats(a, b)].map((seat) => seat.letter).join("");
        const calm = service("a", 1, { per_second: 0 });
        assert.equal(letters(calm, calm), "____");
        assert.equal(letters(service("a", 1), service("a", 0)), "WWWW"); // all have served since
        const states = service("a", 1, { per_second: 0, states: ["S", "T", "R", "S"] });
        const earlier = service("a", 0.5, { per_second: 0 });
        assert.equal(letters(states, earlier), "_TW_");
        assert.equal(letters(states, states), "_T__"); // ready, but it has not run since
        assert.equal(letters(service("a", 1, { letters: "_WG." })), "_WG."); // the scoreboard's own
        const short = [service("a", 1, { letters: "__G." }), service("a", 0.5)];
        assert.equal(letters(...short), "WWG."); // a letter between two requests, but it has served
        const own = (wakeups) => ({ ...calm, processes: [], stats: { ...calm.stats, children:
            [{ child: 0, pid: 1000, connections: 0, requests: 0, wakeups }] } });
        assert.equal(letters(own(14), own(10)), "_"); // the questions of watch
        assert.equal(letters(own(15), own(10)), "W"); // a loop serves nobody itself
        assert.equal(letters(own(15)), "_");
        const threads = { ...calm, stats: { ...calm.stats, scoreboard: "_WUW", children: [1, 2]
            .flatMap((child) => [1, 2].map((thread) => ({ child, thread, pid: 1000 + child,
                connections: 5, requests: 5, wakeups: 5, context_switches: 0 }))) } };
        const [first, second] = [...lints.seats(threads)];
        assert.deepEqual([first.letter, first.connections, first.switches], ["W", 10, null]);
        assert.equal([...second.threads].map((each) => each.letter).join(""), "UW");
        const forked = { ...calm, stats: { ...calm.stats, children: [] } };
        assert.equal(lints.seats(forked).length, 4); // its processes
        assert.equal(lints.seats({ ...forked, stats: null, processes: [] }).length, 0);
    },
    rates() {
        const { per_second, cpu_us, switches } = lints.rates(service("a", 1), service("a", 3));
        assert.deepEqual([per_second, Math.round(cpu_us), switches], [100, 30, 2]);
        assert.equal(lints.rates(service("a", 1), service("a", 1)), null);
        assert.equal(lints.rates(undefined, service("a", 1)), null);
        const idle = (seconds) => service("a", seconds, { per_second: 0 });
        assert.equal(lints.rates(idle(1), idle(2)).switches, null);
        const used = (ms, threads = 1) =>
            lints.processor({ cpu_ms: 0 }, { cpu_ms: ms, threads }, 1000);
        assert.deepEqual([used(300), used(1200), used(1200, 2)], [30, 100, 120]);
        assert.equal(lints.processor(undefined, { cpu_ms: 1, threads: 1 }, 1000), null);
    },
    // Children that publish their switches every two seconds: whenever one looks, each half has one
    // such tick, and the figure is right.
    ticks() {
        for (const phase of [0, 0.5, 1, 1.5]) {
            const run = frames(12, (s) => [[service("a", s, { stats: {
                context_switches: 2100 * 2 * Math.floor((s + phase) / 2) } })], []]);
            for (let shown = 9; shown <= run.length; shown++) {
                const seen = run.slice(0, shown);
                const before = lints.past(seen, lints.LASTS_MS);
                const { switches } = lints.rates(before.services[0], seen.at(-1).services[0]);
                assert.equal(switches, 21);
                const [herd] = lints.look(seen);
                assert.ok(herd?.words.endsWith(": 21 switches."), herd?.words);
            }
        }
    },
    numbers() {
        const nothing = class { observe() {} };
        const canvas = { getContext: () => ({ measureText: () => ({ width: 0 }) }) };
        const { number } = script("charts.js", { ResizeObserver: nothing,
            document: { createElement: () => canvas } });
        const is = [[0, "", "0"], [12.34, "us", "12.3 us"], [1234.5, "us", "1.23 ms"],
            [2500000, "us", "2.50 s"], [28571.4, "", "28,600"], [28571.4, "/s", "28,600/s"],
            [10752, "KiB", "10.5 MiB"], [3, "KiB", "3 KiB"], [null, "us", "\u2013"]];
        for (const [value, unit, wanted] of is) assert.equal(number(value, unit), wanted);
    },
};

const part = PARTS[process.argv[2]];
assert.ok(part, `which part? ${Object.keys(PARTS).join(", ")}`);
part();
