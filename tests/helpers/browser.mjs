// A page in headless Chromium, and what every page of the suite must hold: no error in its console,
// nothing for axe to say, nothing that overflows, nothing asked of another machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { BROWSER, CHROMIUM, LIMIT } = process.env;
const from = createRequire(`${BROWSER}/`);
const { chromium } = from("playwright-core");
const AXE = readFileSync(from.resolve("axe-core"), "utf8");

// Runs the steps with a browser, which ends whatever becomes of them.
export async function browse(steps) {
    const browser = await chromium.launch({ executablePath: CHROMIUM,
        args: ["--no-sandbox", "--disable-background-networking"] });
    try {
        await steps(browser);
    } finally {
        await browser.close();
    }
}

// A page of its own, and the list of what went wrong in it.
export async function open(browser, url, { width = 1280, height = 800, scheme = "light",
    motion = "no-preference", script = true } = {}) {
    const context = await browser.newContext({ viewport: { width, height },
        colorScheme: scheme, reducedMotion: motion, javaScriptEnabled: script });
    const page = await context.newPage();
    const wrong = [];
    page.setDefaultTimeout(1000 * LIMIT);
    page.on("console", (said) => /error|warning/.test(said.type()) && wrong.push(said.text()));
    page.on("pageerror", (error) => wrong.push(String(error.stack)));
    page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    page.on("request", (asked) => {
        const { origin, protocol } = new URL(asked.url());
        const ours = protocol === "data:" || origin === new URL(url).origin;
        if (!ours) wrong.push(`asks ${asked.url()}`);
    });
    await page.goto(url);
    return { page, wrong };
}

// axe is put into the page by the debugger, which no policy of the page forbids.
export async function accessible(page) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const said = violations.map((each) => `${each.id}: ${each.help}\n` +
        each.nodes.slice(0, 3).map((node) => `    ${node.html.slice(0, 200)}`).join("\n"));
    assert.deepEqual(said, []);
}

// Nothing goes beyond the right edge, but in what scrolls by itself.
export async function fits(page) {
    const outside = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const scrolls = (node) => node && (scrolls(node.parentElement) ||
            /(auto|scroll|hidden)/.test(getComputedStyle(node).overflowX));
        return [...document.body.querySelectorAll("*")]
            .filter((node) => node.getBoundingClientRect().right > width + 1 &&
                node.checkVisibility() && !scrolls(node.parentElement))
            .map((node) => node.outerHTML.slice(0, 100));
    });
    assert.deepEqual(outside.slice(0, 5), []);
}
