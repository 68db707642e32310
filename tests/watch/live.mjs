// The page of a running bin/watch, used as a person would: services "pool" (server03, three
// children), which runs, "loop" (server02) and "crew" (server05, two or three handlers), which do
// not; "mute", which never gets ready, and "absent", which cannot be started, again and again.
// Which part is asked by a word.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { accessible, browse, fits, open } from "../helpers/browser.mjs";

const [part, url, file, ...command] = process.argv.slice(2);
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const article = (page, name) => page.getByRole("article", { name });
const seat = (page, child) => article(page, "pool").getByRole("row", { name: `child ${child}` });
const text_of = (place) => place.innerText();

// Waits until what is said at a place is like that.
async function says(place, pattern) {
    await place.filter({ hasText: pattern }).first().waitFor();
}

async function come(browser, options) {
    const { page, wrong } = await open(browser, url, options);
    await says(page.locator("#link"), /^live$/);
    await says(article(page, "pool"), /running/);
    return { page, wrong };
}

// A load of two clients, fifty times a second: the machine has other tests to run.
async function load(page, more = {}) {
    await page.locator("#options summary").click();
    await page.locator("[name=kind]").selectOption("open");
    for (const [name, value] of Object.entries({ rate: 50, c: 2, d: 600, ...more })) {
        await page.locator(`[name=${name}]`).fill(String(value));
    }
    await press(page, "Start the load");
    await page.locator("#options summary").click();
    await says(page.locator("#results"), /running/);
}

const focus = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label"));

// Whole, on the first screen. (On a busy machine what the client says of it stands above them.)
async function seen(page, ...places) {
    const said = await page.locator("#hints").evaluate((each) => each.offsetHeight);
    for (const place of places) {
        const box = await place.boundingBox();
        const { height } = page.viewportSize();
        assert.ok(box.y >= 0 && box.y + box.height <= height + said,
            `${place}: ${JSON.stringify(box)}`);
    }
}

const number = async (place) => Number((await text_of(place)).replace(/[^0-9.]/g, ""));

async function grows(place) {
    const before = await number(place);
    for (let i = 0; i < 600; i++) {
        if (await number(place) > before) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`it does not grow: ${before}`);
}

// Runs a command as often as it ends: the port may not be free yet. Returns what ends that.
function start_again([program, ...words]) {
    let over = false, child;
    const start = () => {
        child = spawn(program, words, { stdio: "ignore" });
        child.on("exit", () => over || setTimeout(start, 100));
    };
    start();
    return async () => {
        over = true;
        if (child.kill()) await once(child, "exit");
    };
}

const PARTS = {
    // A child is killed, and another one stopped and let go on, under a load.
    async children(browser) {
        const { page, wrong } = await come(browser);
        await load(page);
        assert.match(await text_of(page.locator("#command")), /^client -r 50 -c 2 -d 600$/);
        await grows(seat(page, 1).locator(".count"));
        const pid = await text_of(seat(page, 1).locator("small"));
        await press(page, "KILL child 1 of pool");
        await says(article(page, "pool").locator(".figures"), /children lost\s*1/);
        const another = new RegExp(`child 1\\s*pid (?!${pid.slice(4)}\\b)`);
        await says(article(page, "pool").locator("tbody tr"), another);
        await grows(seat(page, 1).locator(".count")); // its successor serves
        await page.getByRole("button", { name: "STOP child 2 of pool" }).press("Enter");
        await page.locator("tr[data-letter=T]").waitFor();
        assert.equal(await focus(page), "CONT child 2 of pool"); // what has the focus keeps it
        await says(page.locator("#lints"), /pool: Stopped by a signal/);
        const [readme] = await Promise.all([page.context().waitForEvent("page"),
            page.locator("#lints a").click()]);
        assert.match(await readme.locator("body").innerText(), /^# server03[^]*## What breaks/);
        await readme.close();
        await accessible(page);
        await press(page, "CONT child 2 of pool");
        await press(page, "Stop the load");
        await says(page.locator("#results"), /stopped/);
        await page.locator("#lints li", { hasText: "Stopped by" }).waitFor({ state: "detached" });
        assert.deepEqual(wrong, []);
    },

    // On a projector, also in large text, and on a telephone what moves comes first, with the load;
    // what somebody has opened stays so.
    async screen(browser) {
        for (const [width, height] of [[1280, 720], [400, 800]]) {
            const { page, wrong } = await come(browser, { width, height });
            const services = page.locator("#services");
            const pool = article(page, "pool");
            const first = [page.locator("#begin"), pool.locator("tbody tr").first()];
            await pool.getByRole("button", { name: "Stop pool" }).click();
            await says(pool, /stopped/);
            await pool.getByRole("button", { name: "Start pool" }).click();
            await says(pool, /running/);
            await seen(page, ...first);
            await press(page, "Large text");
            await fits(page);
            if (width === 400) await press(page, "Large text");
            await seen(page, ...first);
            await load(page);
            await seen(page, ...first);
            assert.equal(await services.getAttribute("open"), null);
            await services.locator("summary").click();
            await page.reload();
            await says(pool, /running/);
            assert.equal(await services.getAttribute("open"), "");
            await press(page, "Stop the load");
            await says(page.locator("#results"), /stopped/);
            assert.deepEqual(wrong, []);
            await page.context().close();
        }
    },

    // Two side by side under one load: the one that does not run is started by itself.
    async compare(browser) {
        const { page, wrong } = await come(browser, { height: 720, scheme: "dark" });
        await press(page, "Beside: loop");
        await load(page, { d: 3 });
        await says(article(page, "loop"), /running/);
        await says(page.locator("#results"), /\(done\)[^]*\(done\)/);
        assert.equal(await page.locator("#results tbody tr").count(), 2);
        for (const cell of await page.locator("#results tbody td:nth-child(3)").all()) {
            assert.equal(await text_of(cell), "150");
        }
        await page.locator("#heats svg").nth(1).waitFor();
        for (const chart of ["rate", "latency", "percentiles"]) {
            const said = await page.locator(`#${chart} svg`).textContent();
            assert.match(said, /pool/);
            assert.match(said, /loop/);
        }
        await fits(page);
        await accessible(page);
        assert.equal(await article(page, "pool").locator(".readme").isVisible(), true);
        assert.equal(await article(page, "loop").locator(".readme").isVisible(), false); // a path
        await page.evaluate(() => { document.querySelector("#options").open = true; });
        await page.setViewportSize({ width: 1270, height: 720 }); // as does find in page: it stays
        await page.waitForFunction(() => innerWidth === 1270);
        assert.equal(await page.locator("#options").getAttribute("open"), "");
        await page.setViewportSize({ width: 1280, height: 720 });
        await page.locator("#options summary").click();
        await page.reload(); // what is shown is in the address
        await article(page, "loop").waitFor();
        await press(page, "STOP child 2 of pool"); // that stands out, in a line: the rest is folded
        const lint = page.locator("#lints li", { hasText: "pool: Stopped by a signal" });
        await lint.waitFor();
        assert.equal(await lint.locator("a").isVisible(), false);
        await seen(page, seat(page, 3));
        await lint.locator("summary").click();
        assert.equal(await lint.locator("a").isVisible(), true);
        await press(page, "pool"); // alone there is room for it
        await lint.locator("a").waitFor();
        await press(page, "CONT child 2 of pool");
        await press(page, "loop");
        await article(page, "loop").getByRole("button", { name: "Stop loop" }).click();
        await says(article(page, "loop"), /stopped/);
        assert.deepEqual(wrong, []);
    },

    // What is recorded is replayed from a file, without watch.
    async record(browser) {
        const { page, wrong } = await come(browser, { width: 400 });
        await press(page, "Record");
        await says(page.locator("#recorder"), /Stop recording/);
        await load(page, { d: 2 });
        await says(page.locator("#results"), /\(done\)/);
        await press(page, "Stop recording");
        await page.locator("#recorded").waitFor();
        await page.reload();
        await page.locator("#recorded").waitFor();
        assert.deepEqual(wrong, []);
        writeFileSync(file, await (await page.request.get(`${url}record.html`)).body());
        await page.context().close();

        const replay = await open(browser, pathToFileURL(file).href, { width: 400 });
        const position = replay.page.locator("#position");
        await position.fill(await position.getAttribute("max"));
        await says(replay.page.locator("#results"), /-r 50 -c 2 -d 2 \(done\)\s*100/);
        await replay.page.locator("#rate .curve").waitFor();
        await fits(replay.page);
        await accessible(replay.page);
        assert.deepEqual(replay.wrong, []);
    },

    // What watch refuses is said; a page that is hidden has no stream; without watch it says so.
    async stream(browser) {
        const { page, wrong } = await come(browser);
        const hide = (hidden) => page.evaluate((value) => {
            Object.defineProperty(document, "hidden", { value, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
        const streams = () => page.evaluate(() => stream.source !== null);
        await hide(true);
        assert.equal(await streams(), false);
        await hide(false);
        assert.equal(await streams(), true);
        await says(page.locator("#link"), /^live$/);
        assert.deepEqual(wrong, []);
        await page.locator("#options summary").click();
        await page.locator("[name=W]").fill("nonsense");
        await press(page, "Start the load");
        await says(page.locator("#results"), /failed[^]*nonsense/);
        process.kill(Number(file), "SIGTERM"); // the pid of watch
        await says(page.locator("#trouble"), /The connection to watch is lost/);
        await says(page.locator("#link"), /lost; again in/);
        assert.equal(await page.locator("#models article").count(), 1); // what was seen stays
    },

    // Watch is ended and started anew: the page finds that out, has the new token, and steers.
    async again(browser) {
        const { page } = await come(browser);
        const token = await page.locator("meta[name=token]").getAttribute("content");
        process.kill(Number(file), "SIGTERM");
        await says(page.locator("#trouble"), /The connection to watch is lost/);
        const end = start_again([...command, "-q", "-p", new URL(url).port]);
        try {
            await page.waitForFunction((old) =>
                document.querySelector("meta[name=token]").content !== old, token);
            await says(page.locator("#link"), /^live$/);
            await says(article(page, "pool"), /running/);
            await article(page, "pool").getByRole("button", { name: "Stop pool" }).click();
            await says(article(page, "pool"), /stopped/);
            assert.equal(await text_of(page.locator("#trouble")), "");
        } finally {
            await end();
        }
    },

    // At the bounds of the ini file the buttons are grey, and say why.
    async bounds(browser) {
        const { page, wrong } = await come(browser);
        const button = (name) => page.getByRole("button", { name: `${name}: crew` });
        const is_grey = async (name, why) => {
            await page.locator(`button[title="${why}"]:disabled`).waitFor();
            assert.equal(await button(name).getAttribute("title"), why);
        };
        await press(page, "crew");
        await article(page, "crew").getByRole("button", { name: "Start crew" }).click();
        await is_grey("One fewer", "min = 2 in the ini file");
        await button("One more").click();
        await is_grey("One more", "max = 3 in the ini file");
        await accessible(page);
        await says(article(page, "crew"), /child 3/);
        await button("One fewer").click();
        await is_grey("One fewer", "min = 2 in the ini file");
        assert.equal(await button("One more").isEnabled(), true);
        assert.deepEqual(wrong, []);
    },

    // In each state there is a button that gets it out of there, in the list as in the picture.
    async odd(browser) {
        const { page, wrong } = await come(browser);
        const facts = (name) => article(page, name).locator(".about");
        const press_one = async (label) => {
            const name = label.replace(/.* /, "");
            const both = page.getByRole("button", { name: label, exact: true });
            await both.nth(1).waitFor();
            assert.equal(await article(page, name).getByRole("button", { name: label }).count(), 1);
            await article(page, name).getByRole("button", { name: label }).press("Enter");
        };
        await press(page, "mute");
        await press_one("Start mute");
        await says(facts("mute"), /starting/);
        assert.equal(await focus(page), "Stop mute");
        await press_one("Stop mute");
        await says(facts("mute"), /stopped/);
        await press(page, "absent");
        await press_one("Start absent");
        await says(facts("absent"), /failed cannot be started: .*restarted/);
        await press(page, "Start the load");
        await says(page.locator("#trouble"), /^No load: absent does not run. cannot be started: /);
        await press_one("Stop absent");
        await says(facts("absent"), /stopped/);
        await page.getByRole("button", { name: "Start absent" }).nth(1).waitFor();
        assert.equal(await text_of(page.locator("#trouble")), "");
        assert.deepEqual(wrong, []);
    },

    async address(browser) {
        for (const hash of ["#%", "#nobody,,", "#pool,pool"]) {
            const { page, wrong } = await open(browser, url + hash);
            await says(article(page, "pool"), /served in all\s*0/); // the second snapshot, or later
            assert.equal(await page.locator("#models article").count(), 1);
            assert.deepEqual(wrong, []);
            await page.context().close();
        }
    },

    // A server that is stopped under load: what fails is told by kind while the load runs.
    async failures(browser) {
        const { page, wrong } = await come(browser);
        await press(page, "loop");
        await load(page, { T: "200ms" });
        await press(page, "STOP the server loop");
        await says(page.locator("#results tbody"), /running[^]*: [0-9,]+ timed out/);
        const chart = await page.locator("#failures").textContent();
        assert.match(chart, /last minute/);
        assert.match(chart, /loop: timed out/);
        await press(page, "CONT the server loop");
        await press(page, "Stop the load");
        await says(page.locator("#results tbody"), /stopped[^]*: [0-9,]+ timed out/);
        assert.deepEqual(wrong, []);
    },
};

await browse(PARTS[part]);
