// charts.js - the charts of the live page and of bench/report's page: SVG, without any library.
//
// Each function draws into an element, or draws anew what it has drawn there before, with the nodes
// that are there already: a live page may call it several times a second. A chart is as wide as its
// element, and is drawn again when that changes. Colours come from charts.css. All text goes in as
// text, so names from outside may have any letter.
//
//   charts.bars(element, {title, unit, log, rows})
//       rows: {label, value, low, high, note}; low to high is drawn as a line with ends; value may
//       be null, then note stands there
//   charts.lines(element, {title, x, y, series})
//       x, y: {label, log, unit}; series: {label, points: [[x, y], ...], faint, style, broken}; a y
//       that is null is a gap; faint is a grey line without a name; style is 1 to 8; broken is
//       [x, why]: a cross there
//   charts.percentiles(element, {title, unit, log, series})
//       the same, with points [percentile, value]; 100 is the largest value of all
//   charts.heat(element, {title, unit, columns, seconds, ended})
//       columns: {t, cells: [[value, count], ...]}; value is the lower edge of a cell, of which
//       there are four per doubling; t, in seconds, is where the column begins; ended stands at
//       the right, where else it is now
//   charts.distribution(element, {title, fair, rows})
//       rows: {label, value, letter, state, title}; state: idle, busy, dead or another word;
//       without any letter there are no seats, only bars
//   charts.number(value, unit)
//       a figure as people read it: three digits, with the unit that suits it
//
// `charts` is the only name that this file adds to the page.
var charts = (function () {
    "use strict";

    const SVG = "http://www.w3.org/2000/svg";
    const FONT = "13px system-ui, sans-serif"; // as charts.css has it
    const LINE = 17; // from one line of text to the next
    const STYLES = 8;
    const CELL = Math.pow(2, 1 / 4); // a cell's upper edge, divided by its lower one

    // The outlines of marks, each around 0, 0.
    const SHAPES = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", "M-3.7 -3.7h7.4v7.4h-7.4z",
        "M0 -5l5 8.6h-10z", "M0 -5.4l5.4 5.4l-5.4 5.4l-5.4 -5.4z", "M0 5l5 -8.6h-10z",
        "M-5 -1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z", "M-2.6 -5h5.2v10h-5.2z",
        "M-5 -2.6h10v5.2h-10z"];

    const drawings = new WeakMap(); // by element

    const watcher = new ResizeObserver(entries => {
        for (const entry of entries) {
            const drawing = drawings.get(entry.target);
            if (drawing.width !== widthOf(drawing)) repaint(drawing);
        }
    });

    // --- figures ------------------------------------------------------------------------------

    function isNumber(value) {
        return typeof value === "number" && isFinite(value);
    }

    // Three significant digits: 0.0123, 12.3, 12,300; a small whole number stays as it is.
    function digits(value) {
        const size = Math.abs(value);
        if (Number.isInteger(value) && size < 1000) return String(value);
        if (size < 1e-4 || size >= 1e10) return value.toPrecision(3);
        const rounded = Number(value.toPrecision(3));
        const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
        return rounded.toFixed(places).replace(/\B(?=(\d{3})+$)/g, places ? "" : ",");
    }

    // Times and sizes: their units, and how many of the one before make one.
    const LADDERS = [
        [["us", 1], ["ms", 1000], ["s", 1000]],
        [["B", 1], ["KiB", 1024], ["MiB", 1024], ["GiB", 1024]],
    ];

    function number(value, unit) {
        if (!isNumber(value)) return "\u2013";
        for (const ladder of LADDERS) {
            let at = ladder.findIndex(step => step[0] === unit);
            if (at < 0) continue;
            for (; at > 0 && ladder === LADDERS[0]; at--) value *= ladder[at][1];
            const most = ladder === LADDERS[0] ? 999.5 : 9999.5;
            while (at + 1 < ladder.length && Math.abs(value) >= most) value /= ladder[++at][1];
            return digits(value) + " " + ladder[at][0];
        }
        return digits(value) + (unit && unit !== "/s" ? " " + unit : unit || "");
    }

    // The same beside an axis: without zeros that say nothing, and with short units alone.
    function tickText(value, unit) {
        return number(value, /^(us|ms|s|B|KiB|%)$/.test(unit) ? unit : "")
            .replace(/(\.\d*?)0+(?!\d)/, "$1").replace(/\.(?!\d)/, "");
    }

    // --- drawing ------------------------------------------------------------------------------

    // Puts nodes one after the other into an svg: those that are there already, if they fit.
    function penFor(svg) {
        let at = 0;

        function place(tag) {
            const old = svg.childNodes[at++];
            if (old && old.localName === tag) return old;
            const fresh = document.createElementNS(SVG, tag);
            if (old) svg.replaceChild(fresh, old);
            else svg.append(fresh);
            return fresh;
        }

        return {
            // Text, and the title that a pointer shows, are optional.
            put(tag, attributes, text = "", title = "") {
                const node = place(tag);
                for (const {name} of [...node.attributes]) {
                    if (!(name in attributes)) node.removeAttribute(name);
                }
                for (const [name, value] of Object.entries(attributes)) {
                    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
                }
                const words = text + "\n" + title;
                if (node.words === words) return;
                node.words = words;
                node.textContent = text;
                if (!title) return;
                const tip = document.createElementNS(SVG, "title");
                tip.textContent = title;
                node.append(tip);
            },
            end() {
                while (svg.childNodes[at]) svg.lastChild.remove();
            },
        };
    }

    // In units of which 16 are as large as the page's text: larger text makes a chart larger too.
    function widthOf(drawing) {
        const text = parseFloat(getComputedStyle(document.documentElement).fontSize);
        const width = drawing.svg.getBoundingClientRect().width;
        return Math.max(240, Math.floor(width * 16 / text) || 480);
    }

    function draw(element, paint, options) {
        let drawing = drawings.get(element);
        if (!drawing) {
            const title = document.createElement("p");
            const svg = document.createElementNS(SVG, "svg");
            title.className = "charts-title";
            svg.setAttribute("class", "charts");
            svg.setAttribute("role", "img");
            element.replaceChildren(title, svg);
            drawing = {title, svg};
            drawings.set(element, drawing);
            watcher.observe(element);
        }
        drawing.paint = paint;
        drawing.options = options;
        repaint(drawing);
    }

    // A paint function says how high the drawing is, and what it shows in a sentence.
    function repaint(drawing) {
        const {title, svg, options} = drawing;
        const width = drawing.width = widthOf(drawing);
        const pen = penFor(svg);
        const {height, says} = drawing.paint(pen, width, options);
        const name = options.title || "";
        pen.end();
        if (title.textContent !== name) title.textContent = name;
        svg.setAttribute("viewBox", `0 0 ${width} ${Math.ceil(height)}`);
        svg.setAttribute("aria-label", name ? name + ". " + says : says);
    }

    // --- text ---------------------------------------------------------------------------------

    const ruler = document.createElement("canvas").getContext("2d");

    function textWidth(text, bold) {
        ruler.font = bold ? "600 " + FONT : FONT;
        return ruler.measureText(text).width;
    }

    // As much of the text as there is room for.
    function clip(text, room, bold) {
        if (textWidth(text, bold) <= room) return text;
        let length = text.length;
        while (length > 1 && textWidth(text.slice(0, length) + "\u2026", bold) > room) length--;
        return text.slice(0, length) + "\u2026";
    }

    // A text that fits: cut off if need be, and then whole in its title.
    function write(pen, x, y, text, {anchor, room, style} = {}) {
        const short = room === undefined ? text : clip(text, room, /name/.test(style));
        const attributes = {x: x.toFixed(1), y: y.toFixed(1)};
        if (anchor) attributes["text-anchor"] = anchor;
        if (style) attributes.class = style;
        pen.put("text", attributes, short, short === text ? "" : text);
    }

    function stroke(pen, style, x1, y1, x2, y2) {
        pen.put("path", {class: style, d: `M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ` +
            y2.toFixed(1)});
    }

    // "Highest: a, 3 ms; lowest: b, 1 ms."
    function describe(values, unit) {
        const known = values.filter(each => isNumber(each.value));
        if (known.length === 0) return "No values.";
        const sorted = known.slice().sort((a, b) => b.value - a.value);
        const say = each => `${each.label}, ${number(each.value, unit)}`;
        if (known.length === 1) return say(known[0]) + ".";
        return `${known.length} values. Highest: ${say(sorted[0])}; lowest: ` +
            say(sorted[sorted.length - 1]) + ".";
    }

    // --- axes ---------------------------------------------------------------------------------

    // Ticks of 1, 2 or 5 times a power of ten, some n of them.
    function linearTicks(low, high, n) {
        const raw = (high - low) / n;
        const power = Math.pow(10, Math.floor(Math.log10(raw) + 1e-9));
        const step = power * [1, 2, 5, 10].find(each => each >= raw / power * 0.7);
        const ticks = [];
        for (let k = Math.floor(low / step + 1e-6); ; k++) {
            ticks.push(k * step);
            if (k * step >= high - step * 1e-6) return ticks;
        }
    }

    // 1, 2 and 5 times powers of ten; of wide ranges the powers alone, or some of them.
    function logTicks(low, high) {
        const first = Math.floor(Math.log10(low) + 1e-9);
        const last = Math.ceil(Math.log10(high) - 1e-9);
        const each = last - first > 8 ? 2 : 1;
        const steps = high / low > 200 ? [1] : [1, 2, 5];
        const all = [];
        for (let power = first; power <= last; power += each) {
            for (const step of steps) all.push(step * Math.pow(10, power));
        }
        const begin = all.filter(tick => tick <= low * 1.0000001).pop();
        const end = all.find(tick => tick >= high * 0.9999999 && tick > begin);
        return all.filter(tick => tick >= begin && tick <= (end || high));
    }

    // An axis for these values, from one place of the drawing to another. On a log axis what is not
    // above 0 has a place of its own before the others. A tight one ends with the values, if the
    // tick beyond them is far away.
    function axis(values, {log, unit, label, tight}, from, to) {
        const positive = values.filter(value => value > 0);
        const isLog = Boolean(log) && positive.length > 0;
        const seen = isLog ? positive : values.length ? values : [0, 1];
        let low = Math.min(...seen), high = Math.max(...seen);
        if (!isLog) low = Math.min(0, low);
        if (high <= low) high = low === 0 ? 1 : isLog ? low * 10 : low + Math.abs(low) * 0.1;
        const room = Math.abs(to - from);
        const ticks = isLog ? logTicks(low, high) : linearTicks(low, high, room < 330 ? 4 : 6);
        if (tight && ticks.length > 2 && ticks[ticks.length - 1] > high * 1.5) ticks.pop();
        const zero = isLog && positive.length < values.length;
        const start = zero ? from + Math.sign(to - from) * 30 : from;
        low = Math.min(low, ticks[0]);
        high = Math.max(high, ticks[ticks.length - 1]);

        function place(value) {
            if (!isLog) return from + (to - from) * (value - low) / (high - low);
            if (value <= 0) return from;
            return start + (to - start) * Math.log(value / low) / Math.log(high / low);
        }
        return {ticks: zero ? [0, ...ticks] : ticks, place, unit: unit || "", label: label || "",
            text: value => tickText(value, unit || "")};
    }

    // Vertical lines with their numbers; where these would touch, some have none.
    function gridX(pen, scale, top, bottom, width) {
        let free = -Infinity;
        for (const tick of scale.ticks) {
            const text = scale.text(tick), half = textWidth(text) / 2;
            const x = scale.place(tick);
            const at = Math.max(half, Math.min(x, width - half));
            stroke(pen, "grid", x, top, x, bottom);
            if (at - half < free + 8) continue;
            write(pen, at, bottom + LINE, text, {anchor: "middle"});
            free = at + half;
        }
    }

    function gridY(pen, scale, left, right) {
        let free = Infinity;
        for (const tick of scale.ticks) {
            const y = scale.place(tick);
            stroke(pen, "grid", left, y, right, y);
            if (y > free - LINE + 2) continue;
            write(pen, left - 6, y + 4.5, scale.text(tick), {anchor: "end"});
            free = y;
        }
    }

    function widest(texts, bold) {
        return Math.max(0, ...texts.map(text => textWidth(text, bold)));
    }

    // --- bars ---------------------------------------------------------------------------------

    // Names stand to the left of the bars if there is room, else above them.
    function paintBars(pen, width, {unit = "", log, rows}) {
        const names = widest(rows.map(row => row.label)) + 10;
        const above = names > width * 0.42;
        const left = above ? 6 : names; // room for a mark
        const right = width - widest(rows.map(row => number(row.value, unit))) - 12;
        const values = rows.flatMap(row => [row.value, row.low, row.high]).filter(isNumber);
        const scale = axis(values, {log, unit}, left, right);
        const heights = rows.map(row => LINE + 5 + (above ? LINE : 0) +
            (row.note && isNumber(row.value) ? LINE : 0));
        const bottom = heights.reduce((sum, each) => sum + each, 4);
        let y = 4;

        if (values.length) gridX(pen, scale, 0, bottom, width);
        rows.forEach((row, i) => {
            paintBar(pen, row, {y, left, right, width, above, unit, log, scale});
            y += heights[i];
        });
        return {height: values.length ? bottom + LINE + 8 : bottom, says: describe(rows, unit)};
    }

    function paintBar(pen, row, {y, left, right, width, above, unit, log, scale}) {
        const soft = {style: "soft", room: width - left - 4};

        if (above) {
            write(pen, 0, y + 13, row.label, {room: width});
            y += LINE;
        } else {
            write(pen, left - 10, y + 14, row.label, {anchor: "end"});
        }
        if (!isNumber(row.value)) {
            write(pen, left + 4, y + 14, row.note || "none", soft);
            return;
        }
        const zero = scale.place(0), x = scale.place(row.value);
        const known = [row.low, row.high].filter(isNumber);
        const range = known.length === 2 && row.low !== row.high;
        const title = `${row.label}: ${number(row.value, unit)}` + (range ?
            ` (${number(row.low, unit)} to ${number(row.high, unit)})` : "");
        if (log) {
            stroke(pen, "stem", left, y + 10, x, y + 10);
            pen.put("path", {class: "mark s1", d: SHAPES[0], transform:
                `translate(${x.toFixed(1)} ${y + 10})`}, "", title);
        } else {
            pen.put("rect", {class: "bar", x: Math.min(x, zero).toFixed(1), y: y + 3,
                width: Math.max(1, Math.abs(x - zero)).toFixed(1), height: 14}, "", title);
        }
        if (range) {
            const from = scale.place(row.low).toFixed(1), to = scale.place(row.high).toFixed(1);
            pen.put("path", {class: "range", d: `M${from} ${y + 6}v8m0 -4H${to}m0 -4v8`});
        }
        write(pen, width, y + 14, number(row.value, unit), {anchor: "end"});
        if (row.note) {
            write(pen, left + 4, y + 14 + LINE, row.note, soft);
        }
    }

    // --- lines and percentiles ----------------------------------------------------------------

    function paintLines(pen, width, {x = {}, y = {}, series, ticks}) {
        const named = series.filter(each => !each.faint);
        const points = series.flatMap(each => each.points);
        const known = points.map(point => point[1]).filter(isNumber);
        const names = named.map(each => each.label);
        const room = Math.min(widest(names, true) + 16, width * 0.4);
        const top = y.label ? LINE + 8 : 8;
        const bottom = top + Math.max(170, 15 * named.length);
        const up = axis(known, y, bottom, top);
        const left = widest(up.ticks.map(up.text)) + 10;
        const right = width - room;
        const crosses = named.filter(each => each.broken).map(each => each.broken[0]);
        const across = axis([...points.map(point => point[0]), ...crosses], {...x, tight: true},
            left, right - 8);

        if (ticks) {
            across.ticks = ticks;
            across.text = value => ticks.names.get(value);
        }
        if (y.label) write(pen, 0, 13, y.label, {style: "soft", room: width});
        gridX(pen, across, top, bottom, width);
        gridY(pen, up, left, right);
        stroke(pen, "axis", left, bottom, right, bottom);
        for (const each of series.filter(one => one.faint)) {
            curve(pen, each.points, across, up, "faint");
        }
        const ends = named.map((each, i) => paintSeries(pen, each, i, across, up));
        nameEnds(pen, ends.filter(Boolean), right, room - 14, top, bottom);
        if (x.label) {
            write(pen, left, bottom + 2 * LINE, x.label, {style: "soft", room: width - left});
        }
        return {height: bottom + LINE + (x.label ? LINE : 0) + 8,
            says: describe(named.flatMap(each => each.points.map(point =>
                ({label: each.label, value: point[1]}))), y.unit)};
    }

    function curve(pen, points, across, up, style) {
        let path = "", begun = false;
        for (const [x, y] of points) {
            if (isNumber(y)) {
                path += `${begun ? "L" : "M"}${across.place(x).toFixed(1)} ` +
                    up.place(y).toFixed(1);
            }
            begun = isNumber(y);
        }
        if (path) pen.put("path", {class: style, d: path});
    }

    // Where its name should stand.
    function paintSeries(pen, each, i, across, up) {
        const style = each.style || i % STYLES + 1;
        const known = each.points.filter(point => isNumber(point[1]));
        const last = known[known.length - 1];

        curve(pen, each.points, across, up, "curve s" + style);
        for (const [x, y] of known.length <= 30 ? known : []) {
            pen.put("path", {class: "mark s" + style, d: SHAPES[style - 1], transform:
                `translate(${across.place(x).toFixed(1)} ${up.place(y).toFixed(1)})`}, "",
                `${each.label}, ${across.text(x) || digits(x)}: ${number(y, up.unit)}`);
        }
        if (!last && !each.broken) return null;
        const end = {label: each.label, style, x: last ? across.place(last[0]) : across.place(0),
            y: last ? up.place(last[1]) : up.place(up.ticks[0])};
        if (each.broken) {
            const x = across.place(each.broken[0]);
            stroke(pen, "lead s" + style, end.x, end.y, x, end.y);
            pen.put("path", {class: "broken s" + style, d: `M${(x - 6).toFixed(1)} ` +
                `${(end.y - 6).toFixed(1)}l12 12m0 -12l-12 12`}, "",
                `${each.label} breaks at ${digits(each.broken[0])}: ${each.broken[1]}`);
            end.x = x;
        }
        return end;
    }

    // Names to the right of the ends of their curves, moved apart where they would touch.
    function nameEnds(pen, ends, right, room, top, bottom) {
        ends.sort((a, b) => a.y - b.y);
        const step = Math.min(15, (bottom - top) / Math.max(1, ends.length - 1));
        ends.forEach((end, i) => {
            end.at = Math.max(end.y, i ? ends[i - 1].at + step : top);
        });
        for (let i = ends.length - 1, most = bottom; i >= 0; i--, most -= step) {
            ends[i].at = most = Math.min(ends[i].at, most);
        }
        for (const end of ends) {
            stroke(pen, "lead s" + end.style, end.x, end.y, right + 4, end.at);
            write(pen, right + 8, end.at + 4.5, end.label,
                {style: "name s" + end.style, room});
        }
    }

    // A percentile's place is 1 / (1 - p), on a log axis: each further nine is as wide as the one
    // before. 100 stands where the next nine would.
    function paintPercentiles(pen, width, {unit, log, series}) {
        const asked = series.flatMap(each => each.points.map(point => point[0]));
        const most = Math.max(90, ...asked.filter(p => p < 100));
        const far = Math.pow(10, Math.ceil(Math.log10(100 / (100 - most)) + 0.5));
        const place = p => p >= 100 ? far : 100 / (100 - p);
        const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter(p => p <= most).map(place);

        ticks.names = new Map(ticks.map(x => [x, Number((100 - 100 / x).toFixed(4)) + " %"]));
        if (Math.max(...asked) >= 100) {
            ticks.push(far);
            ticks.names.set(far, "all");
        }
        return paintLines(pen, width, {x: {log: true, label: "share that took no longer"},
            y: {unit, log}, ticks,
            series: series.map(each => ({...each, points: each.points.map(([p, value]) =>
                [place(p), value])}))});
    }

    // --- heat map -----------------------------------------------------------------------------

    // All cells of one heat are one path: a minute has some thousand cells.
    function paintHeat(pen, width, {unit = "us", columns, seconds = 60, ended}) {
        const top = 8, bottom = 178, heats = 7;
        const now = columns.length ? columns[columns.length - 1] : {t: 0};
        const usual = columns.length > 1 ? now.t - columns[columns.length - 2].t : 0.5;
        const end = now.t + usual, begin = end - seconds;
        const shown = columns.filter(each => each.t >= begin - 1e-9);
        const cells = shown.flatMap(each => each.cells);
        const edges = cells.flatMap(([value]) => [value, value * CELL]).filter(v => v > 0);
        const up = axis(edges.length ? edges : [100, 10000], {log: true, unit}, bottom, top);
        const left = widest(up.ticks.map(up.text)) + 10;
        const place = t => left + (width - left) * (t - begin) / seconds;
        const most = Math.max(1, ...cells.map(([, count]) => count));
        const paths = new Array(heats + 1).fill("");

        shown.forEach((each, i) => {
            const x = place(each.t);
            const wide = place(i + 1 < shown.length ? shown[i + 1].t : end) - x + 0.3;
            for (const [value, count] of each.cells) {
                if (!(count > 0 && value > 0)) continue;
                const heat = 1 + Math.round((heats - 1) * (most > 1 ?
                    Math.log(count) / Math.log(most) : 1));
                const y = up.place(value * CELL);
                paths[heat] += `M${x.toFixed(1)} ${y.toFixed(1)}h${wide.toFixed(1)}v` +
                    `${(up.place(value) - y + 0.3).toFixed(1)}h${(-wide).toFixed(1)}z`;
            }
        });
        gridY(pen, up, left, width);
        paths.forEach((path, heat) => {
            if (path) pen.put("path", {class: "heat" + heat, d: path});
        });
        stroke(pen, "axis", left, bottom, width, bottom);
        for (const ago of ended ? [seconds, 0] : [seconds, seconds / 2, 0]) {
            const text = ago ? `${digits(ago)} s ${ended ? "before" : "ago"}` : ended || "now";
            write(pen, place(end - ago), bottom + LINE, text,
                {anchor: ago === seconds ? "start" : ago ? "middle" : "end"});
        }
        return {height: bottom + LINE + 8, says: heatSays(cells, most, unit)};
    }

    function heatSays(cells, most, unit) {
        if (cells.length === 0) return "No values.";
        const values = cells.map(([value]) => value);
        const top = cells.find(([, count]) => count === most) || cells[0];
        return `From ${number(Math.min(...values), unit)} to ` +
            `${number(Math.max(...values), unit)}; most at about ${number(top[0], unit)}.`;
    }

    // --- distribution -------------------------------------------------------------------------

    // Rows in as many columns as there is room for, if there are many.
    function paintDistribution(pen, width, {fair, rows}) {
        const across = Math.max(1, Math.min(Math.floor(width / 200), Math.ceil(rows.length / 12)));
        const down = Math.ceil(rows.length / across);
        const wide = (width - 20 * (across - 1)) / across;
        const names = Math.min(widest(rows.map(row => row.label)), wide * 0.4) + 8;
        const figures = widest(rows.map(row => number(row.value))) + 8;
        const most = Math.max(1, fair || 0, ...rows.map(row => row.value).filter(isNumber));
        const square = rows.some(row => row.letter) ? 22 : 0;
        const bar = wide - names - figures - square - 2;
        const room = {names, figures, square, bar, wide, most, fair};

        rows.forEach((row, i) => {
            seat(pen, row, Math.floor(i / down) * (wide + 20), 2 + i % down * 20, room);
        });
        return {height: down * 20 + 4, says: describe(rows) +
            (isNumber(fair) ? ` Fair share: ${number(fair)}.` : "")};
    }

    function seat(pen, row, x, y, {names, figures, square, bar, wide, most, fair}) {
        const title = row.title || "";
        const begin = x + names + square;
        const length = isNumber(row.value) ? bar * row.value / most : 0;
        const state = {class: "seat", "data-state": row.state || ""};

        write(pen, x, y + 13, row.label, {room: names - 6});
        if (square) {
            pen.put("rect", {...state, x: (x + names).toFixed(1), y, width: 17, height: 17, rx: 3},
                "", title);
            write(pen, x + names + 8.5, y + 13, row.letter || "",
                {anchor: "middle", style: "letter"});
        }
        pen.put("rect", {...state, x: begin.toFixed(1), y: y + 2,
            width: Math.max(0, length).toFixed(1), height: 13}, "", title);
        if (isNumber(fair)) {
            const at = begin + bar * fair / most;
            stroke(pen, "fair", at, y - 1, at, y + 18);
        }
        write(pen, x + wide, y + 13, number(row.value), {anchor: "end", room: figures});
    }

    return {
        bars: (element, options) => draw(element, paintBars, options),
        lines: (element, options) => draw(element, paintLines, options),
        percentiles: (element, options) => draw(element, paintPercentiles, options),
        heat: (element, options) => draw(element, paintHeat, options),
        distribution: (element, options) => draw(element, paintDistribution, options),
        number,
    };
}());
