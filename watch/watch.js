// The page of bin/watch: draws the last snapshot, and asks for what its buttons say. A snapshot is
// whole, so what is drawn depends on the last ones alone; the same functions draw a recording.
// Names and logs come from outside: they become text, never HTML.
"use strict";

const KEPT_MS = 10000; // of snapshots; the lints look back four seconds
const SEATS = 40; // rows of a model, at most
const COLUMNS = 120; // half seconds of a load that are shown, as watch has them
const RETRY_MS = [500, 1000, 2000, 4000, 8000]; // between attempts to connect again

const page = {
    frames: [], // the last ones, of which the last is shown
    stage: [], // names of the one or two services that are shown
    bases: new Map(), // of each load: the statistics of its service when it began
    said: new Map(), // lints, and when they held last
    drawn: "", // which columns the charts show
    record: null, // the frames of a recording, and where it is
    due: null, // the next drawing
    waiting: [], // who waits for a snapshot: [what it must be like, resolve]
};

const at = (id) => document.getElementById(id);
const figure = charts.number;
const shown = () => page.frames.at(-1);
const sum = (list, field) => list.reduce((total, each) => total + (each[field] ?? 0), 0);
const service_of = (name) => lints.service_of(shown(), name);

// --- the document ------------------------------------------------------------------------------

function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

function mark(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    }
}

function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    mark(node, attributes);
    node.append(...children);
    return node;
}

const copy_of = (template) => at(template).content.firstElementChild.cloneNode(true);

// One child for each item, in their order; a child that is there already, by its key, stays.
function keep(parent, items, key, create, update) {
    const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    items.forEach((item, i) => {
        const name = String(key(item));
        const node = old.get(name) ?? create(item);
        old.delete(name);
        node.dataset.key = name;
        if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
        update(node, item);
    });
    for (const node of old.values()) node.remove();
}

// watch has the texts inside; a recording can only name them.
function point(link, file, heading = "") {
    const name = file && !page.record ? "README" : file;
    write(link, heading ? `${file}, \u201c${heading}\u201d` : name);
    link.hidden = !file; // the program is not of this suite
    if (file && !page.record) mark(link, { href: `/${file}` });
}

// Buttons that ask watch for what their data say; one listener, at the end, serves them all. One
// that asks for something else now is the same: so it keeps the focus.
function keep_buttons(parent, list) {
    keep(parent, list, (each) => list.indexOf(each), () => element("button", { type: "button" }),
        (node, each) => {
            write(node, each.text);
            mark(node, { "aria-label": each.label ?? each.text, title: each.title ?? "" });
            node.disabled = each.disabled ?? false;
            Object.assign(node.dataset, each.asks);
        });
}

// What a screen reader is told: at most one sentence every two seconds, the last of them.
let telling = null;
function tell(text) {
    clearTimeout(telling);
    telling = setTimeout(() => write(at("news"), text), 2000);
}

function say_trouble(text) {
    write(at("trouble"), text);
}

// --- asking --------------------------------------------------------------------------------------

async function ask(what) {
    const token = document.querySelector("meta[name=token]").content;
    const body = new URLSearchParams({ ...what, token });
    try {
        const reply = await fetch("/do", { method: "POST", body });
        say_trouble(reply.ok ? "" : `Refused: ${await reply.text()}`);
        return reply.ok;
    } catch {
        say_trouble("watch does not answer.");
        return false;
    }
}

// Resolves when a snapshot is like that, or false after so long.
function until(like, ms) {
    return new Promise((resolve) => {
        page.waiting.push([like, resolve]);
        setTimeout(resolve, ms, false);
    });
}

// Whether it runs, at last; if not, the page says so. (Snapshots of before the start may still
// come: only one that is a second younger can say that it has failed.)
async function start_service(name) {
    const is = (state) => service_of(name)?.state === state;
    if (is("stopping")) await until(() => !is("stopping"), 10000);
    if (is("running")) return true;
    if (!is("starting") && !await ask({ what: "service", name, do: "start" })) return false;
    const failed_ms = shown().time_ms + 1000;
    await until(() => is("running") || (is("failed") && shown().time_ms > failed_ms), 10000);
    if (is("running")) return true;
    say_trouble(`No load: ${name} does not run. ${service_of(name)?.ended ?? ""}`);
    return false;
}

// --- the list of services ------------------------------------------------------------------------

function put_on_stage(names) {
    page.stage = names;
    page.drawn = "";
    history.replaceState(history.state, "", `#${names.map(encodeURIComponent).join(",")}`);
    draw();
}

// Somebody may have typed them: each counts once, and what is none leads to none.
function names_in(hash) {
    try {
        return [...new Set(hash.split(",").filter(Boolean).map(decodeURIComponent))];
    } catch {
        return [];
    }
}

function new_row({ name }) {
    const row = copy_of("service-row");
    row.querySelector(".show").addEventListener("click", () => put_on_stage([name]));
    row.querySelector(".beside").addEventListener("click", () => {
        const others = page.stage.filter((each) => each !== name);
        if (others.length === page.stage.length) put_on_stage([page.stage[0], name]);
        else if (others.length > 0) put_on_stage(others);
    });
    return row;
}

// The one button that each service has. One that is started again by itself can be stopped, too.
function run_button({ name, state, restart }) {
    const idle = state === "stopped" || (state === "failed" && !restart);
    const [text, verb] = idle ? ["Start", "start"] : ["Stop", "stop"];
    return { text, title: idle ? "" : "TERM, then its grace", label: `${text} ${name}`,
        asks: { what: "service", name, do: verb } };
}

function draw_row(row, service) {
    const { name, state, program } = service;
    const place = page.stage.indexOf(name);
    write(row.querySelector(".show"), name);
    mark(row.querySelector(".show"), { "aria-pressed": place >= 0, title: program });
    mark(row.querySelector(".beside"),
        { "aria-pressed": place === 1, "aria-label": `Beside: ${name}` });
    draw_state(row.querySelector(".state"), state);
    keep_buttons(row.querySelector(".run"), [run_button(service)]);
}

function draw_state(node, state) {
    write(node, state);
    mark(node, { "data-state": state });
}

const past_service = (name, ms) => {
    const frame = lints.past(page.frames, ms);
    return frame && lints.service_of(frame, name);
};

// --- the picture of a model ----------------------------------------------------------------------

function draw_model(article, service) {
    const { name, state } = service;
    const about = [service.pid ? `pid ${service.pid}` : service.ended, service.address,
        service.state === "running" ? `up ${figure(service.uptime_s, "s")}` : "",
        service.restarts > 0 ? `restarted ${service.restarts} times` : ""];
    mark(article, { "aria-label": name });
    write(article.querySelector("h3"), name);
    write(article.querySelector(".program"), [service.program, ...service.arguments].join(" "));
    draw_state(article.querySelector(".state"), state);
    write(article.querySelector(".facts"), about.filter(Boolean).join(" \u00b7 "));
    point(article.querySelector(".readme"), service.readme);
    keep_buttons(article.querySelector(".buttons"), service_buttons(service));
    draw_figures(article.querySelector(".figures"), service);
    draw_queue(article.querySelector(".queue"), service);
    draw_tree(article, service);
    draw_log(article.querySelector(".log pre"), service);
}

const CAN = {
    hup: ["Replace children", "HUP: one by one, without closing the socket"],
    more: ["One more", "TTIN: one child more"],
    fewer: ["One fewer", "TTOU: one child fewer"],
};

function service_buttons(service) {
    const { name, state, can, min, max, asked } = service;
    const asks = (verb) => ({ what: "service", name, do: verb });
    const key = { more: "max", fewer: "min" };
    const bound = (verb) => asked && asked === { max, min }[key[verb]] &&
        `${key[verb]} = ${asked} in the ini file`;
    if (state !== "running") return [run_button(service)];
    return [
        run_button(service),
        { text: "Restart", asks: asks("restart"), label: `Restart ${name}` },
        ...can.filter((each) => CAN[each]).map((each) => ({ text: CAN[each][0],
            title: bound(each) || CAN[each][1], disabled: Boolean(bound(each)), asks: asks(each),
            label: `${CAN[each][0]}: ${name}` })),
    ];
}

function draw_figures(list, service) {
    const recent = lints.rates(past_service(service.name, lints.LASTS_MS), service);
    const { stats, processes } = service;
    const of = (field, unit = "") => figure(recent?.[field], unit);
    const add = (field) => (processes.length > 0 ? sum(processes, field) : null);
    const trouble = ["rejected", "timed_out", "broken", "children_lost"]
        .filter((field) => stats?.[field] > 0)
        .map((field) => [field.replace("_", " "), figure(stats[field]), "bad"]);
    const items = [
        ["connections", of("per_second", "/s")],
        ["CPU per connection", of("cpu_us", "us")],
        ["wake-ups per connection", of("wakeups")],
        ["switches per connection", of("switches")],
        ["CPU in use", percent(service)],
        ["memory", figure(add("rss_kib"), "KiB")],
        ["threads", figure(add("threads"))],
        ["served in all", figure(stats?.connections)],
        ...trouble,
    ];
    keep(list, items, ([term]) => term,
        ([term]) => element("div", {}, element("dt", {}, term), element("dd", {})),
        (node, [, value, kind]) => {
            node.className = kind ?? "";
            write(node.lastChild, value);
        });
}

// Of all its processes that were there a second ago, too.
function percent({ name, processes }) {
    const shares = processes.map((process) => share_of(name, process)).filter(Number.isFinite);
    return shares.length > 0 ? `${Math.round(shares.reduce((a, b) => a + b, 0))} %` : figure(null);
}

function share_of(name, process) {
    const frame = lints.past(page.frames, 1000);
    const service = frame && lints.service_of(frame, name);
    const before = service?.processes.find((each) => each.pid === process?.pid);
    return frame ? lints.processor(before, process, shown().time_ms - frame.time_ms) : null;
}

// The connections that wait for somebody to accept them: a dot for each, as far as there is room.
function draw_queue(node, { backlog }) {
    const dots = Math.min(backlog ?? 0, 60);
    node.hidden = backlog === null || backlog === undefined;
    write(node.querySelector("b"), figure(backlog));
    write(node.querySelector(".dots"), "\u25cf".repeat(dots) + (backlog > dots ? "\u2026" : ""));
    mark(node, { "data-many": backlog > dots });
}

// The statistics of a service when its load began. (Of a load that is older than all that was
// seen there are none: then all is counted.)
function base_of(service) {
    const load = shown().loads.find((each) => each.name === service.name);
    if (!load) return null;
    const key = `${load.name} ${load.started_ms}`;
    if (!page.bases.has(key)) {
        const frames = page.record?.frames ?? page.frames;
        const frame = frames.findLast((each) => each.time_ms <= load.started_ms);
        page.bases.set(key, (frame && lints.service_of(frame, service.name)) ?? null);
        page.bases = new Map([...page.bases].slice(-10)); // of older loads nothing is shown
    }
    const base = page.bases.get(key);
    return base?.pid === service.pid ? base : null;
}

function draw_tree(article, service) {
    const body = article.querySelector("tbody");
    const then = lints.seats(base_of(service) ?? { processes: [] });
    const base = new Map(then.map((seat) => [seat.child, seat.connections]));
    const all = lints.seats(service, past_service(service.name, 500));
    if (service.pid > 0 && all[0]?.child !== 0) all.unshift(root_of(service));
    const counted = all.map((seat) => ({ ...seat, served: seat.connections === null ? null :
        seat.connections - (base.get(seat.child) ?? 0) }));
    const rows = counted.slice(0, SEATS);
    const serving = counted.filter((seat) => seat.child > 0 || counted.length === 1);
    const fair = serving.length > 1 ? sum(serving, "served") / serving.length : null;
    const most = Math.max(8, ...counted.map((seat) => seat.served ?? 0));
    const scale = 2 ** Math.ceil(Math.log2(most)); // a step at a time: so bars are seen to grow
    article.querySelector("table").hidden = rows.length === 0;
    mark(article.querySelector("table"), { "aria-label": `Processes of ${service.name}` });
    keep(body, rows, (seat) => seat.child, () => copy_of("seat"),
        (row, seat) => draw_seat(row, seat, { name: service.name, scale, fair }));
    write(article.querySelector(".more"), [counted.length > SEATS ?
        `And ${counted.length - SEATS} more. ` : "", base.size > 0 ?
        "Connections are counted since the load began." : ""].join(""));
}

// Of a server whose statistics have no row for itself.
function root_of({ name, pid, processes }) {
    const process = processes.find((each) => each.pid === pid);
    const runs = process?.state === "R" && share_of(name, process) > 0;
    const letter = process?.state === "T" ? "T" : runs ? "W" : "_";
    return { child: 0, pid, process, letter, threads: [], connections: null, wakeups: null,
        switches: null };
}

function draw_seat(row, seat, { name, scale, fair }) {
    const word = lints.words[seat.letter] ?? seat.letter;
    const each = (value) => (value !== null && seat.connections > 0 ?
        figure(value / seat.connections) : "");
    const share = share_of(name, seat.process);
    row.classList.toggle("child", seat.child > 0);
    mark(row, { "data-letter": seat.letter });
    write(row.querySelector(".letter"), seat.letter);
    write(row.querySelector(".word"), word);
    write(row.querySelector("th b"), seat.child > 0 ? `child ${seat.child}` : "server");
    write(row.querySelector("th small"), seat.pid > 0 ? `pid ${seat.pid}` : "");
    draw_bar(row, seat.served, scale, seat.child > 0 ? fair : null);
    write(row.querySelector(".wakeups"), each(seat.wakeups));
    write(row.querySelector(".switches"), each(seat.switches));
    write(row.querySelector(".cpu"), share === null ? "" : `${Math.round(share)} %`);
    write(row.querySelector(".memory"), seat.process ? figure(seat.process.rss_kib, "KiB") : "");
    keep_buttons(row.querySelector(".signals"), signal_buttons(seat, name));
    draw_threads(row.querySelector(".threads"), seat.threads);
}

function draw_bar(row, served, scale, fair) {
    const bar = row.querySelector(".bar");
    bar.hidden = served === null;
    bar.firstChild.style.width = `${100 * (served ?? 0) / scale}%`;
    bar.lastChild.hidden = !(fair > 0);
    bar.lastChild.style.left = `${100 * (fair ?? 0) / scale}%`;
    write(row.querySelector(".count"), served === null ? "" : figure(served));
}

function signal_buttons({ child, pid, process }, name) {
    if (!process || process.state === "Z") return [];
    const whom = child > 0 ? `child ${child} of ${name}` : `the server ${name}`;
    const [text, verb] = process.state === "T" ? ["CONT", "cont"] : ["STOP", "stop"];
    return [["KILL", "kill"], [text, verb]].map(([word, order]) => ({ text: word,
        asks: { what: "child", name, pid, do: order }, label: `${word} ${whom}` }));
}

// A square for each thread: its letter is its colour, and it fills with what it has served.
function draw_threads(node, threads) {
    const most = Math.max(1, ...threads.map((each) => each.connections));
    const busy = threads.filter((each) => each.letter === "W").length;
    node.hidden = threads.length === 0;
    mark(node, { "aria-label": `${threads.length} threads, ${busy} of them at work`,
        "data-many": threads.length > 32 });
    keep(node, threads, (each) => each.thread, () => element("i", {}), (square, each) => {
        mark(square, { "data-letter": each.letter });
        mark(square, { title: `thread ${each.thread}: ${lints.words[each.letter]}, ` +
            `${each.connections} served` });
        square.style.setProperty("--full", `${Math.round(100 * each.connections / most)}%`);
        write(square, threads.length > 32 ? "" : each.letter);
    });
}

function draw_log(node, { log }) {
    const text = log.length > 0 ? log.join("\n") : "It has said nothing.";
    if (node.textContent === text) return;
    const below = node.scrollHeight - node.scrollTop - node.clientHeight < 20;
    node.textContent = text;
    if (below) node.scrollTop = node.scrollHeight;
}

// --- lints ---------------------------------------------------------------------------------------

// What has stood out stays for three seconds more, else words come and go while one reads.
function draw_lints() {
    const now = shown().time_ms;
    for (const each of lints.look(page.frames)) {
        if (!page.said.has(each.key)) tell(`${each.name}: ${each.words}`);
        page.said.set(each.key, { ...each, seen: now });
    }
    for (const [key, { seen }] of page.said) {
        if (Math.abs(now - seen) > 3000) page.said.delete(key);
    }
    at("nothing").hidden = page.said.size > 0;
    const place = page.stage.length; // if that changes, each is made anew
    keep(at("lints"), [...page.said.values()], (each) => `${each.key} ${place}`, new_lint,
    (node, each) => {
        write(node.querySelector("summary"), `${each.name}: ${each.words}`);
        write(node.querySelector("span"), each.why);
        point(node.querySelector("a"), ...each.where);
    });
}

// Two models side by side want the screen for themselves: there the reason is folded.
function new_lint({ kind }) {
    const whole = element("details", {}, element("summary", {}), element("span", {}), " ",
        element("cite", {}, element("a", { target: "_blank" })));
    whole.open = page.stage.length < 2;
    return element("li", { "data-kind": kind }, whole);
}

// --- what the load did ---------------------------------------------------------------------------

// Slots of times of all columns, added.
function slots_of(columns) {
    const slots = new Map();
    for (const [time, count] of columns.flatMap((column) => column.times)) {
        slots.set(time, (slots.get(time) ?? 0) + count);
    }
    return [...slots].sort((a, b) => a[0] - b[0]);
}

function percentiles_of(columns) {
    const slots = slots_of(columns);
    const total = slots.reduce((before, [, count]) => before + count, 0);
    const wanted = [0, 25, 50, 75, 90, 95, 99, 99.9, 99.99]
        .filter((p) => p < 99 || total * (100 - p) >= 100); // of so few there is no such one
    let seen = 0, i = 0;
    return total === 0 ? [] : wanted.map((p) => {
        while (i < slots.length - 1 && seen + slots[i][1] < total * p / 100) seen += slots[i++][1];
        return [p, slots[i][0]];
    });
}

function draw_results(loads) {
    at("done").hidden = loads.length === 0;
    keep(at("results").tBodies[0], loads, (load) => load.name,
        () => element("tr", {}, element("th", { scope: "row" }), ...Array.from({ length: 8 },
            () => document.createElement("td"))),
        (row, load) => result_cells(load).forEach((text, i) => write(row.children[i], text)));
    keep(at("hints"), loads.flatMap(({ name, result }) => (result?.hints ?? [])
        .map((hint) => `${name}: ${hint}`)), (text) => text, () => element("li", {}), write);
}

// Failures by kind: of all of it, or while it runs of the columns that are here.
function kinds_of({ result, columns }) {
    const kinds = new Map();
    for (const { errors } of result ? [result] : columns) {
        for (const [kind, count] of Object.entries(errors ?? {}).filter((each) => each[1] > 0)) {
            kinds.set(kind, (kinds.get(kind) ?? 0) + count);
        }
    }
    return [...kinds].map(([kind, count]) => [kind.replace("_", " "), count]);
}

function result_cells(load) {
    const { result, columns } = load;
    const kinds = kinds_of(load).map(([kind, count]) => ` ${figure(count)} ${kind}`).join();
    const failed = (count) => figure(count) + (kinds ? `:${kinds}` : "");
    const last = columns.at(-1);
    const over = columns[0]?.begin_s > 0.1 ? "over " : ""; // the first columns are gone
    const times = result?.response_us?.count > 0 ? result.response_us : result?.service_us;
    const rate = last ? last.completed / (last.end_s - last.begin_s) : null;
    const what = [load.name, `${load.arguments.join(" ")} (${load.state})`];
    const said = load.said.join(" ");
    if (result) {
        return [...what, figure(result.completed), failed(result.failed), figure(result.unsent),
            figure(result.connections_per_second), figure(times.p50, "us"),
            figure(times.p99, "us"), said];
    }
    return [...what, over + figure(sum(columns, "completed")),
        over + failed(sum(columns, "failed")), figure(null), figure(rate),
        figure(last?.p50_us, "us"), figure(last?.p99_us, "us"), said];
}

// The charts, if there is something new to draw.
function draw_charts(loads) {
    const state = loads.map((load) => [load.name, load.started_ms, load.columns.length,
        load.columns.at(-1)?.end_s, load.state]).join();
    at("charts").hidden = loads.every((load) => load.columns.length === 0);
    if (state === page.drawn || at("charts").hidden) return;
    page.drawn = state;
    draw_over_time(loads);
    draw_distributions(loads);
}

function draw_over_time(loads) {
    const several = loads.length > 1;
    const label = (load, what) => (several ? `${what} ${load.name}` : what);
    const line = (load, what, value) => ({ label: what, // a model has the same colour in all charts
        style: several ? loads.indexOf(load) + 1 : undefined,
        points: columns_of(load).map((column) => [column.end_s, value(column)]) });
    const x = { label: "seconds since the load began", unit: "" };
    charts.lines(at("rate"), { title: "Connections per second", x, y: { unit: "" },
        series: loads.map((load) => line(load, several ? load.name : "done",
            (column) => column.completed / (column.end_s - column.begin_s))) });
    charts.lines(at("latency"), { title: `${kind_of_time(loads)}, of each half second`, x,
        y: { unit: "us", log: true },
        series: loads.flatMap((load) => [line(load, label(load, "p50"), (column) => column.p50_us),
            line(load, label(load, "p99"), (column) => column.p99_us)]) });
    keep(at("heats"), loads, (load) => load.name, () => element("figure", {}), (node, load) => {
        const title = `${load.name}: ${kind_of_time([load]).toLowerCase()}s, last minute`;
        const end = new Date(load.started_ms + 1000 * (load.columns.at(-1)?.end_s ?? 0));
        const ended = load.state === "running" ? "" : `ended at ${end.toTimeString().slice(0, 8)}`;
        const columns = load.columns.map((column) => ({ t: column.begin_s, cells: column.times }));
        charts.heat(node, { title, unit: "us", seconds: COLUMNS / 2, columns, ended });
    });
}

// Without what was still under way when the load was over: that is no rate.
function columns_of({ columns, result }) {
    const end = result?.duration_s > 0 ? result.duration_s : Infinity;
    return columns.filter((column) => column.begin_s < end);
}

function kind_of_time(loads) {
    const open = loads.some((load) => load.arguments.some((word) => word.startsWith("-r")));
    return open ? "Response time" : "Service time";
}

function draw_distributions(loads) {
    charts.percentiles(at("percentiles"), { title: "Times by percentile", unit: "us", log: true,
        series: loads.map(({ name, columns }) => ({ label: name,
            points: percentiles_of(columns) })) });
    const rows = loads.flatMap((load) => kinds_of(load)
        .map(([kind, value]) => ({ label: `${load.name}: ${kind}`, value })));
    const title = `Failures by kind${loads.every((load) => load.result) ? "" : ", last minute"}`;
    at("failures").hidden = rows.length === 0;
    if (rows.length > 0) charts.bars(at("failures"), { title, unit: "", rows });
    const told = loads.filter((load) => load.result?.children.length > 0);
    keep(at("seen"), told, (load) => load.name, () => element("figure", {}), draw_seen);
}

// Who served, as the client saw it.
function draw_seen(node, { name, result }) {
    const seen = new Map(); // a child that was replaced has a row for each process
    const rows = result.children.slice(0, SEATS).map((each) => {
        const child = `child ${each.child}${each.thread ? `.${each.thread}` : ""}`;
        const nth = (seen.get(child) ?? 0) + 1;
        seen.set(child, nth);
        return { value: each.connections, label: nth > 1 ? `${child} (${nth})` : child,
            title: `pid ${each.pid}`, state: "served" };
    });
    const rest = result.children.length - rows.length;
    charts.distribution(node, { title: `${name}: who served, says the client` +
        (rest > 0 ? ` (and ${rest} more)` : ""), fair: result.distribution.mean, rows });
}

// --- the form of the load ------------------------------------------------------------------------

const PRESETS = [
    ["a steady load", { c: 5, d: 30 }],
    ["a herd: one at a time, with pauses", { kind: "open", rate: 100, c: 1, d: 30 }],
    ["requests that compute", { c: 20, d: 30, W: "1ms" }],
    ["requests that wait for a database", { c: 20, d: 30, W: "0:50ms" }],
    ["one in a hundred takes 200 ms", { c: 10, d: 30, W: "0:200ms@0.01" }],
    ["more than it can do: a ramp", { kind: "ramp", rate: 100, rate_to: 3000, d: 30, W: "1ms" }],
    ["slow readers among them", { c: 10, d: 30, b: "1m", x: "slow-read=1000", share: 0.1 }],
    ["silent clients among them", { c: 10, d: 30, x: "silent", share: 0.02 }],
    ["a thousand idle connections beside", { c: 5, d: 30, H: 1000 }],
];

// The options of the client, as words.
function options_of(form) {
    const value = (name) => form.elements[name].value.trim();
    const words = [];
    const put = (letter, text) => text && words.push(`-${letter}`, text);
    if (value("kind") === "open") put("r", value("rate"));
    if (value("kind") === "ramp") put("r", `${value("rate")}:${value("rate_to")}`);
    put("c", value("c"));
    if (value("t")) put("t", value("t"));
    else put("d", value("d"));
    for (const letter of ["m", "b", "k", "W"]) put(letter, value(letter));
    put("x", value("x") && value("x") + (value("share") ? `@${value("share")}` : ""));
    for (const letter of ["H", "T", "S", "P"]) put(letter, value(letter));
    return words.join(" ");
}

function fill_form(form, values) {
    const chosen = at("preset").value;
    form.reset();
    at("preset").value = chosen;
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    show_form(form);
}

function show_form(form) {
    const kind = form.elements.kind.value;
    for (const label of form.querySelectorAll("[data-of]")) {
        label.hidden = !label.dataset.of.split(" ").includes(kind);
    }
    write(at("command"), `client ${options_of(form)}`);
}

// The services are started if need be, and a load that runs is stopped: then this one begins.
async function begin_load(form) {
    const names = [...page.stage];
    const over = () => !shown().loads.some((load) => load.state === "running");
    if (!over() && !(await ask({ what: "load", do: "stop" }) && await until(over, 10000))) return;
    for (const name of names) {
        if (!await start_service(name)) return;
    }
    await ask({ what: "load", do: "start", names: names.join(","), options: options_of(form) });
}

function make_form(form) {
    const preset = at("preset");
    preset.append(...PRESETS.map(([title], i) => element("option", { value: i }, title)));
    preset.addEventListener("change", () => fill_form(form, PRESETS[preset.value][1]));
    form.addEventListener("input", (event) => event.target !== preset && show_form(form));
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        begin_load(form);
    });
    fill_form(form, PRESETS[0][1]);
}

// --- a snapshot ----------------------------------------------------------------------------------

function draw() {
    const frame = shown();
    page.due = null;
    if (!frame) return;
    const names = frame.services.map((service) => service.name);
    const running = frame.services.filter((service) => service.state === "running");
    page.stage = page.stage.filter((name) => names.includes(name));
    if (page.stage.length === 0) {
        const first = running[0] ?? frame.services[0];
        page.stage = first ? [first.name] : [];
    }
    const loads = frame.loads.filter((load) => page.stage.includes(load.name));
    document.body.classList.toggle("two", page.stage.length > 1);
    write(at("machine"), `${frame.processors} processors` +
        (frame.load === null ? "" : `, load ${frame.load.toFixed(1)}`));
    write(at("running"), `${running.length} of ${frame.services.length} running`);
    keep(at("list"), frame.services, (service) => service.name, new_row, draw_row);
    keep(at("models"), page.stage.map(service_of), (service) => service.name,
        () => copy_of("model"), draw_model);
    draw_lints();
    draw_results(loads);
    draw_charts(loads);
    at("end").disabled = !frame.loads.some((load) => load.state === "running");
    write(at("recorder"), frame.recording ? "Stop recording" : "Record");
    at("recorded").hidden = !frame.recorded;
}

// What a screen reader should hear of: a service or a load has another state.
function tell_changes(before, now) {
    const all = (frame) => [...frame.services, ...frame.loads.map((load) =>
        ({ name: `the load on ${load.name}`, state: load.state, ended: "" }))];
    const old = new Map(all(before).map((each) => [each.name, each.state]));
    for (const { name, state, ended } of all(now)) {
        if (old.get(name) !== state) tell(`${name}: ${state}${ended ? `, ${ended}` : ""}`);
    }
}

function take(frame) {
    const before = shown();
    page.frames = page.frames.filter((each) => frame.time_ms - each.time_ms < KEPT_MS);
    page.frames.push(frame);
    if (before) tell_changes(before, frame);
    page.due ??= requestAnimationFrame(draw); // of several frames only the last is drawn
    page.waiting = page.waiting.filter(([like, resolve]) => !(like() && (resolve(true), true)));
}

// --- the stream ----------------------------------------------------------------------------------

const stream = { source: null, attempts: 0, timer: null, heard: 0 };

function say_link(state, text) {
    write(at("link"), text);
    mark(at("link"), { "data-state": state });
}

function open_stream() {
    close_stream();
    if (document.hidden) return;
    const source = new EventSource("/events");
    stream.source = source;
    stream.heard = Date.now();
    source.addEventListener("message", ({ data }) => {
        if (stream.attempts > 0) say_trouble("");
        stream.attempts = 0;
        stream.heard = Date.now();
        say_link("live", "live");
        const frame = JSON.parse(data);
        if (shown() && shown().first_ms !== frame.first_ms) location.reload(); // another watch
        else take(frame);
    });
    source.addEventListener("error", () => lose_stream());
}

function close_stream() {
    clearTimeout(stream.timer);
    stream.source?.close();
    stream.source = null;
}

function lose_stream() {
    const pause = RETRY_MS[Math.min(stream.attempts++, RETRY_MS.length - 1)];
    close_stream();
    say_trouble("The connection to watch is lost. What you see is old.");
    say_link("lost", `lost; again in ${pause / 1000} s`);
    stream.timer = setTimeout(open_stream, pause);
}

// A watch that is stopped keeps its connections, and says nothing.
function look_at_stream() {
    const silent = Math.round((Date.now() - stream.heard) / 1000);
    if (stream.source && silent >= 5) say_link("lost", `no news for ${silent} s`);
}

// --- a recording ---------------------------------------------------------------------------------

// Frames have the columns that are new since the frame before: put together once, and cut when
// shown.
function columns_together(frames) {
    const all = new Map();
    for (const load of frames.flatMap((frame) => frame.loads)) {
        const key = `${load.name} ${load.started_ms}`;
        const columns = all.get(key) ?? [];
        columns.push(...load.columns);
        all.set(key, columns);
        load.ends = columns.length;
        load.all = columns;
    }
}

function show_frame(place) {
    const { frames } = page.record;
    const last = frames[place];
    page.record.place = place;
    page.frames = frames.slice(0, place + 1)
        .filter((each) => last.time_ms - each.time_ms < KEPT_MS);
    for (const load of last.loads) {
        load.columns = load.all.slice(Math.max(0, load.ends - COLUMNS), load.ends);
    }
    at("position").value = place;
    const text = `${((last.time_ms - frames[0].time_ms) / 1000).toFixed(1)} s of ` +
        `${((frames.at(-1).time_ms - frames[0].time_ms) / 1000).toFixed(1)} s`;
    mark(at("position"), { "aria-valuetext": text });
    write(at("at"), text);
    draw();
}

function play(on) {
    const { frames, place, timer } = page.record;
    clearTimeout(timer);
    if (on && place + 1 >= frames.length) show_frame(0);
    page.record.plays = on;
    write(at("play"), on ? "Pause" : "Play");
    if (on) play_on();
}

function play_on() {
    const { frames, place } = page.record;
    if (place + 1 >= frames.length) {
        play(false);
        return;
    }
    const pause = (frames[place + 1].time_ms - frames[place].time_ms) / at("speed").value;
    page.record.timer = setTimeout(() => {
        show_frame(place + 1);
        play_on();
    }, Math.max(20, Math.min(pause, 5000)));
}

function open_record(frames) {
    document.body.classList.add("replays");
    at("replay").hidden = false;
    say_link("replay", "a recording");
    columns_together(frames);
    page.record = { frames, place: 0, plays: false, timer: null };
    at("position").max = frames.length - 1;
    at("position").addEventListener("input", () => {
        play(false);
        show_frame(Number(at("position").value));
    });
    at("play").addEventListener("click", () => play(!page.record.plays));
    show_frame(0);
}

// --- the beginning -------------------------------------------------------------------------------

// Where the list of services has a place beside the models it is open, until somebody closes it;
// the tab remembers that.
function fold() {
    const root = document.documentElement;
    const wide = root.clientWidth >= 62 * parseFloat(getComputedStyle(root).fontSize);
    document.body.classList.toggle("wide", wide);
    at("services").open = history.state?.services ?? wide;
}

function open_live() {
    document.addEventListener("click", (event) => {
        const asks = event.target.closest("button[data-what]")?.dataset;
        if (!asks) return;
        const { key, ...what } = asks;
        ask(what);
    });
    document.addEventListener("visibilitychange", () => {
        if (document.hidden) close_stream();
        else open_stream();
    });
    at("recorder").addEventListener("click", () => ask({ what: "record",
        do: shown()?.recording ? "stop" : "start" }));
    at("end").addEventListener("click", () => ask({ what: "load", do: "stop" }));
    setInterval(look_at_stream, 1000);
    open_stream();
}

function begin() {
    const record = at("record");
    page.stage = names_in(location.hash.slice(1)).slice(0, 2);
    at("legend").append(...Object.entries(lints.words).map(([letter, word]) => element("li", {},
        element("span", { class: "letter", "data-letter": letter }, letter), ` ${word}`)),
    element("li", {}, "(Most servers tell no letters: W has served in the last half second.)"));
    for (const node of document.querySelectorAll("details[id]")) {
        node.open = history.state?.[node.id] ?? false;
        node.firstElementChild.addEventListener("click", () =>
            history.replaceState({ ...history.state, [node.id]: !node.open }, ""));
    }
    addEventListener("resize", fold);
    fold();
    at("large").addEventListener("click", () => {
        const on = document.documentElement.classList.toggle("large");
        mark(at("large"), { "aria-pressed": on });
        fold();
        page.drawn = "";
        draw();
    });
    make_form(at("ask"));
    if (record) open_record(JSON.parse(record.textContent));
    else open_live();
}

begin();
