// The page with a recording that was made up: what no server would ever say, in all its looks.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { accessible, browse, fits, open } from "../helpers/browser.mjs";
import * as made from "./made.mjs";

const HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e\u0007";
const LONG = "a-word-without-end-".repeat(20);

// Two services: a pool with threads, a herd, a backlog; and one with names that are no names.
function hostile(seconds) {
    const pool = made.service("pool", seconds, { children: 60,
        stats: { context_switches: 9000 * seconds },
        backlog: 100 + Math.round(9 * seconds), states: ["T", "Z", "R"] });
    const other = made.service(HOSTILE, seconds, { children: 3 });
    const threads = Array.from({ length: 300 }, (_, i) => ({ child: 1 + Math.floor(i / 100),
        thread: 1 + i % 100, pid: 1001 + Math.floor(i / 100), connections: i, requests: i, bytes: 0,
        wakeups: i, wasted_wakeups: 0, context_switches: 0 }));
    Object.assign(other, { program: LONG, arguments: [HOSTILE, LONG], readme: HOSTILE,
        ended: HOSTILE,
        address: LONG, log: [HOSTILE, LONG], can: ["hup", "more", "fewer", "other"] });
    other.stats.children = threads;
    const idle = { ...made.service("idle", 0), state: "failed", stats: null, pid: 0, processes: [],
        backlog: null, ended: "killed by signal 9", address: "" };
    return [pool, other, idle];
}

function loads(seconds) {
    if (seconds < 1) return [];
    const ended = seconds >= 9;
    const result = { completed: 900, failed: 5, connections_per_second: 100,
        response_us: { count: 0 },
        errors: { reset: 5, short: 0 }, service_us: { count: 900, p50: 300, p99: 2000 },
        distribution: { mean: 300 }, children: [1, 2, 3].map((child) =>
            ({ child, pid: 1000 + child, connections: 300 })) };
    const columns = () => [made.column(seconds - 1, { failed: 1, errors: { reset: 1 } })];
    return ["pool", HOSTILE].map((name) => made.load(name, columns(), {
        started_ms: 1e12 + 1000, said: [HOSTILE, LONG], state: ended ? "failed" : "running",
        result: ended ? result : null }));
}

const [file, part] = process.argv.slice(2);
const FRAMES = made.frames(10, (seconds) => [hostile(seconds), loads(seconds)]);
writeFileSync(file, made.record(FRAMES));
const url = `${pathToFileURL(file)}#pool,${encodeURIComponent(HOSTILE)}`;
const seek = (page, place) => page.locator("#position").fill(String(place));

async function look({ width, scheme, motion }, browser) {
    const { page, wrong } = await open(browser, url, { width, scheme, motion });
    for (const place of [0, 1, 12, 20]) {
        await seek(page, place);
        await fits(page);
    }
    const bars = await page.locator("#failures rect.bar").evaluateAll((all) => all.map((each) =>
        [getComputedStyle(each).width, `${Number(each.getAttribute("width"))}px`]));
    assert.ok(bars.length === 2 && bars.every(([drawn, said]) => drawn === said), `${bars}`);
    await page.emulateMedia({ forcedColors: "active" });
    const painted = await page.locator(".tree .bar, .tree .bar i").evaluateAll((all) =>
        all.slice(0, 2).map((each) => getComputedStyle(each).backgroundColor));
    assert.notEqual(painted[0], painted[1]);
    await page.emulateMedia({ forcedColors: null });
    await page.locator("#large").click();
    await fits(page);
    await page.locator("details").evaluateAll((all) => {
        for (const each of all) each.open = true;
    });
    await fits(page);
    await accessible(page);
    const loud = ":is([aria-live], output, [role=status], [role=alert], [role=log])";
    assert.equal(await page.locator(`${loud}:not([aria-live=off])`).count(), 2);
    const moves = await page.locator(".bar i").first().evaluate((bar) =>
        getComputedStyle(bar).transitionDuration);
    assert.equal(moves === "0s", motion === "reduce");
    const colours = await page.locator("#legend [data-letter]").evaluateAll((letters) =>
        letters.map((each) => getComputedStyle(each).backgroundColor));
    assert.equal(new Set(colours).size, 4); // waits, works, odd and gone
    assert.ok(!colours.includes("rgba(0, 0, 0, 0)"));
    assert.equal(await page.locator("img, main script").count(), 0);
    assert.ok((await page.locator("#models").innerText()).includes("<img src=x onerror=alert(1)>"));
    assert.deepEqual(wrong, []);
}

const PARTS = {
    wide: (browser) => look({ width: 1280, scheme: "light" }, browser),
    narrow: (browser) => look({ width: 400, scheme: "light", motion: "reduce" }, browser),
    dark: async (browser) => {
        await look({ width: 1280, scheme: "dark" }, browser);
        await look({ width: 400, scheme: "dark" }, browser);
    },
    // Without a pointer: the slider, play, pause; and what is drawn is what was at that time.
    async replay(browser) {
        const { page, wrong } = await open(browser, url);
        const first = page.locator("article").first();
        const served = () => first.locator("tbody .count").nth(1).innerText();
        const text = (selector) => page.locator(selector).innerText();
        assert.equal(await served(), "0");
        assert.equal(await text("#machine"), "2 processors, load 0.7");
        await page.locator("#position").focus();
        for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowRight");
        assert.equal(await text("#at"), "4.0 s of 10.0 s");
        assert.equal(await served(), "5"); // 400 of 60 children: 7, less 2 before the load
        assert.equal(await text("#results tbody tr:first-child td:nth-child(3)"), "350");
        assert.match(await text("#results tbody tr:first-child"), /\b7: 7 reset\b/);
        assert.match(await text("#lints"), /pool: Many children wake for each .*: 90 switches/);
        const heat = () => page.locator("#heats svg").first().textContent();
        assert.match(await heat(), /30 s agonow$/);
        await seek(page, 0);
        assert.equal(await page.locator("#lints li").count(), 0);
        await page.locator("#speed").selectOption("5");
        await page.locator("#play").press("Enter");
        await page.waitForFunction(() => document.getElementById("position").value === "20");
        assert.equal(await text("#play"), "Play"); // at the end it stops by itself
        assert.match(await text("#results"), /900/);
        assert.match(await heat(), /60 s beforeended at \d\d:\d\d:\d\d$/);
        assert.equal(await page.locator("a[href^='/']").count(), 0); // nobody would answer
        assert.equal(await page.locator(".steers:visible").count(), 0);
        await page.getByRole("button", { name: "idle", exact: true }).press("Enter");
        assert.deepEqual(await page.locator("h3").allInnerTexts(), ["idle"]);
        assert.deepEqual(wrong, []);
    },
};

await browse(PARTS[part]);
