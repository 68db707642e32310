// The page of bench/report in a browser, as report.bats asks:
//
//     node report.mjs marks PAGE       of each chart its name, its marks, and how many curves break
//     node report.mjs look PAGE...     nothing is wrong with it: wide, narrow, dark, in print
//     node report.mjs axe PAGE         nor for those who cannot see it, or not well
//     node report.mjs tables PAGE      without scripts
//     node report.mjs hostile PAGE TEXT
import assert from "node:assert/strict";
import { accessible, browse, fits, open } from "../helpers/browser.mjs";

const [what, ...names] = process.argv.slice(2);
const url = (name) => new URL(name, "file://").href;

// Of each chart what it has drawn; runs in the page.
function drawn() {
    return [...document.querySelectorAll("figure[data-chart]")].map((figure) => ({
        name: figure.dataset.chart,
        marks: figure.querySelectorAll(".mark, .bar, .seat").length,
        broken: figure.querySelectorAll(".broken").length,
        gaps: [...figure.querySelectorAll(".curve")].filter((curve) =>
            curve.getAttribute("d").split("M").length > 2).length,
    }));
}

// What sticks out of a chart, lies over another text, or is too small to read; runs in the page.
function misdrawn() {
    const faults = [];
    const apart = (a, b) => Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) < 2 ||
        Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) < 4;
    for (const svg of document.querySelectorAll("svg[role=img]")) {
        const name = svg.closest("figure").dataset.chart, view = svg.viewBox.baseVal;
        const scale = svg.getBoundingClientRect().width / view.width;
        const outside = (box) => box.x < -2 || box.y < -2 || box.x + box.width > view.width + 2 ||
            box.y + box.height > view.height + 2;
        const texts = [...svg.querySelectorAll("text")].map((text) => [text.getBBox(), text]);
        if (!svg.getAttribute("aria-label")) faults.push(`${name}: says nothing`);
        if (13 * scale < 9.5) faults.push(`${name}: letters of ${13 * scale} pixels`);
        for (const [i, [box, text]] of texts.entries()) {
            if (outside(box)) faults.push(`${name}: ${text.textContent} sticks out`);
            const over = texts.slice(i + 1).find(([other]) => !apart(box, other));
            if (over) faults.push(`${name}: ${text.textContent} over ${over[1].textContent}`);
        }
        for (const mark of svg.querySelectorAll(".mark, .bar, .seat, .curve, .broken, .range")) {
            const m = mark.getCTM().multiply(svg.getCTM().inverse()), box = mark.getBBox();
            if (outside({ ...{ width: box.width, height: box.height },
                x: box.x + m.e / scale, y: box.y + m.f / scale })) {
                faults.push(`${name}: a mark is outside`);
            }
        }
    }
    return faults;
}

async function look(browser, name) {
    for (const [width, scheme] of [[400, "light"], [1280, "dark"], [1920, "light"]]) {
        const { page, wrong } = await open(browser, url(name), { width, scheme });
        const seen = await page.evaluate(() => document.querySelectorAll("svg[role=img]").length);
        assert.ok(seen > 0);
        const first = await page.locator("main :is(svg, nav)").first().evaluate((it) => it.tagName);
        assert.equal(first, "svg"); // a picture before the table of contents
        assert.deepEqual((await page.evaluate(misdrawn)).slice(0, 9), [], `${width} ${scheme}`);
        await fits(page);
        const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(back, scheme === "dark" ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
        assert.deepEqual(wrong, []);
        await page.context().close();
    }
}

// It looks at each element, and takes its time: for a page that is not large.
async function axe(browser, name) {
    for (const scheme of ["light", "dark"]) {
        const { page } = await open(browser, url(name), { width: 400, scheme });
        await accessible(page);
    }
}

// On paper: light, nothing cut off at its width, no navigation; and it becomes a PDF.
async function print(browser, name) {
    const { page, wrong } = await open(browser, url(name), { width: 1280, scheme: "dark" });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.setViewportSize({ width: 718, height: 1000 }); // A4 without its margins
    await page.waitForFunction(() => { // until each is drawn again
        const text = parseFloat(getComputedStyle(document.documentElement).fontSize);
        return [...document.querySelectorAll("svg[role=img]")].every((svg) => {
            const wide = Math.max(240, svg.getBoundingClientRect().width * 16 / text);
            return Math.abs(svg.viewBox.baseVal.width - wide) < 2;
        });
    });
    assert.deepEqual((await page.evaluate(misdrawn)).slice(0, 9), []);
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
        "rgb(255, 255, 255)");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 718, `${wide} pixels wide`);
    assert.ok((await page.pdf()).length > 20000);
    assert.deepEqual(wrong, []);
}

// Without scripts: each figure of the charts stands in a table, and no place is kept for charts.
async function tables(browser, name) {
    const { page, wrong } = await open(browser, url(name), { width: 400, script: false });
    assert.equal(await page.locator("noscript").isVisible(), true);
    assert.equal(await page.locator("svg").count(), 0);
    assert.ok(await page.evaluate(() => [...document.querySelectorAll(".charts-box")].every((box) =>
        getComputedStyle(box).display === "none")));
    assert.ok(await page.locator("table:visible").count() > 10);
    await fits(page);
    assert.deepEqual(wrong, []);
}

// A name that would be markup is text: in the tables, and in the charts.
async function hostile(browser, name, text) {
    const { page, wrong } = await open(browser, url(name));
    const found = await page.evaluate((wanted) => ({
        tables: [...document.querySelectorAll("th")].filter((th) =>
            th.textContent === wanted).length,
        charts: [...document.querySelectorAll("figure")].filter((each) =>
            [...each.querySelectorAll("text, title, p")].some((node) =>
                node.textContent.startsWith(wanted))).length,
        scripts: document.scripts.length, images: document.images.length,
    }), text);
    assert.ok(found.tables > 2 && found.charts > 2, JSON.stringify(found));
    assert.deepEqual([found.scripts, found.images], [3, 0]);
    assert.deepEqual(wrong, []);
}

await browse(async (browser) => {
    if (what === "marks") {
        const { page } = await open(browser, url(names[0]));
        for (const chart of await page.evaluate(drawn)) {
            console.log(chart.name, chart.marks, chart.broken, chart.gaps);
        }
    } else if (what === "look") {
        for (const name of names) {
            await look(browser, name);
            await print(browser, name);
        }
    } else if (what === "axe") {
        await axe(browser, names[0]);
    } else if (what === "tables") {
        await tables(browser, names[0]);
    } else {
        await hostile(browser, ...names);
    }
});
