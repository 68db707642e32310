// report.js - draws the charts of bench/report's page, from the JSON that is in it, with charts.js.
//
// Where charts belong the page has a box: data-charts names the plan, below, data-load the load.
// Each chart is a figure with its name in data-chart, and a caption that says how to look at it.
(function () {
    "use strict";

    const IN_A_CHART = 8; // curves that can be told apart
    const MANY_CHILDREN = 50; // more have a sentence, no picture

    // --- the data -----------------------------------------------------------------------------

    // What is no number is missing, and never 0.
    function toNumber(text) {
        return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : null;
    }

    // An experiment: its rows and loads in their order, and its figures by row, load, x and name.
    function read(name, {rows, loads, children, figures}) {
        const found = new Map(), units = new Map(), broken = new Map(), xs = new Map();
        const key = (...parts) => parts.join("\0");

        for (const [row, load, x, figure, unit, median, least, most, why] of figures) {
            if (figure === "breaks") broken.set(key(row, load), [toNumber(x) || 0, why]);
            if (unit) units.set(figure, unit);
            const value = toNumber(median);
            if (value === null || figure === "disturbed" || figure === "runs") continue;
            found.set(key(row, load, x, figure),
                {value, low: toNumber(least), high: toNumber(most)});
            if (!xs.has(load)) xs.set(load, new Set());
            xs.get(load).add(x);
        }
        return {
            name, children,
            rows: rows.map(([row]) => row),
            usual: rows.filter(([, usual]) => usual === "yes").map(([row]) => row),
            loads: new Map(loads.map(([load, title, x]) => [load, {title, x}])),
            unit: figure => units.get(figure) || "",
            get: (row, load, figure, x = "") =>
                found.get(key(row, load, x, figure)) || {value: null},
            xs: load => [...xs.get(load) || []].sort((a, b) => a - b),
            broken: (row, load) => broken.get(key(row, load)),
            has(load, figure) {
                return this.rows.some(row => this.xs(load).some(x =>
                    this.get(row, load, figure, x).value !== null));
            },
        };
    }

    // --- a chart ------------------------------------------------------------------------------

    // KIND is a function of charts. Nothing is drawn that has no value.
    function add(box, kind, name, caption, options) {
        const figure = document.createElement("figure");
        const drawing = document.createElement("div");
        const text = document.createElement("figcaption");
        figure.dataset.chart = name;
        text.textContent = caption;
        figure.append(drawing, text);
        box.append(figure);
        charts[kind](drawing, options);
    }

    // Logarithmic, if the values span so much that the small ones could not be told apart.
    function wide(values, ratio) {
        const positive = values.filter(value => value > 0);
        return Math.max(...positive) / Math.min(...positive) >= ratio &&
            values.every(value => value === null || value >= 0);
    }

    // Bars of one figure under one load. FROM may make another value of it.
    function bars(box, data, load, figure, title, caption, {rows = data.rows, from, log} = {}) {
        const known = rows.map(label => ({label, ...data.get(label, load, figure)}))
            .filter(each => each.value !== null || data.usual.includes(each.label));
        if (!known.some(each => each.value !== null)) return;
        const unit = data.unit(figure);
        add(box, "bars", `${load}-${figure}`, caption, {title, unit, log,
            rows: known.map(from || (each => each))});
    }

    // Of shares that failed: what was served.
    function served({label, value, low, high}) {
        const rest = share => share === null ? null : 100 - share;
        return {label, value: rest(value), low: rest(high), high: rest(low)};
    }

    const family = row => row.split(" ")[0];

    // The rows that have any of these points, some of them named and the others faint behind them.
    // The variants of one server need not say so each.
    function curves(rows, pointsOf, more, drawChart) {
        const same = rows.every(row => family(row) === family(rows[0]));
        const name = row => same && row.slice(family(row).length + 1) || row;
        const all = rows.map((row, i) =>
            ({label: name(row), i, points: pointsOf(row), ...more(row)}))
            .filter(each => each.broken || each.points.some(point => point[1] !== null));
        const parts = new Set(all.map(each => Math.floor(each.i / IN_A_CHART)));
        for (const part of parts) {
            drawChart(all.map(each => ({...each, style: each.i % IN_A_CHART + 1,
                faint: Math.floor(each.i / IN_A_CHART) !== part})), part ? `-${part + 1}` : "");
        }
    }

    const PERCENTILES = [[0, "min"], [50, "p50"], [90, "p90"], [99, "p99"], [99.9, "p999"]];

    function percentiles(box, data, kind, rows, name, title, caption) {
        const points = row => PERCENTILES.map(([at, time]) =>
            [at, data.get(row, "half", `${kind}_${time}`).value]);
        curves(rows, points, () => ({}), (series, part) => {
            const values = series.flatMap(each => each.points.map(point => point[1]));
            add(box, "percentiles", name + part, caption,
                {title, unit: "us", log: wide(values, 20), series});
        });
    }

    // A figure over x, of all rows.
    function overX(box, data, load, figure, label, caption) {
        const {x} = data.loads.get(load);
        const points = row => data.xs(load).map(at =>
            [toNumber(at) || 0, data.get(row, load, figure, at).value]);
        if (!data.has(load, figure)) return;
        curves(data.rows, points, row => ({broken: data.broken(row, load)}), (series, part) => {
            const values = series.flatMap(each => each.points.map(point => point[1]));
            add(box, "lines", `${data.name}-${load}-${figure}${part}`, caption, {
                title: `${label}, ${load}`, series,
                x: {label: x, log: wide(data.xs(load).map(Number), 20)},
                y: {unit: data.unit(figure), log: wide(values, 50)},
            });
        });
    }

    // From when it was due, if the load has a schedule.
    function p99(data, load) {
        return data.has(load, "response_p99") ? "response_p99" : "service_p99";
    }

    // --- the plans: what is drawn in which box ------------------------------------------------

    function choose(box, data) {
        const rows = data.usual.length ? data.usual : data.rows;
        const load = data.has("half", "response_p99") ? "half" : "few";
        const sorted = figure => rows.slice().sort((a, b) =>
            data.get(a, figure[0], figure[1]).value - data.get(b, figure[0], figure[1]).value);
        const cost = ["few", "cpu_us_per_connection"], slow = [load, p99(data, load)];

        bars(box, data, ...cost, "CPU per connection: what the model costs",
            "Processor time of all its processes for a short connection: shorter is better. Of " +
            "several runs a line is from the least to the largest; where lines overlap, treat " +
            "the models as the same. One run alone does not say how much it varies.",
            {rows: sorted(cost)});
        bars(box, data, ...slow, "p99: how long the slowest 1 % wait",
            load === "half" ? "Connections begin on schedule, the same for all models; the time " +
            "counts from when each was due." : "Few clients, one connection after the other.",
            {rows: sorted(slow), log: wide(rows.map(row => data.get(row, ...slow).value), 20)});
    }

    function limit(box, data) {
        for (const load of data.loads.keys()) {
            bars(box, data, load, "limit_share", `Share of the machine's limit, ${load}`,
                "100 % is the same exchange in the barest loop, see Limits of the machine; none: " +
                "bin/limits has no such loop for this model.");
        }
        bars(box, data, "highest", "highest_rate", "Highest rate",
            "A search in steps: differences of a few percent mean nothing.");
    }

    function cost(box, data) {
        bars(box, data, "few", "connections_per_second", "Throughput, few clients",
            "Client and server share the processors: compare the order, and where lines overlap.");
        bars(box, data, "few", "cpu_us_per_connection", "CPU per connection, few clients",
            "What a design costs, of all its processes: shorter is better.");
        bars(box, data, "many", "connections_per_second", "Throughput, many clients",
            "The same with many at once: who gains, who loses against the chart before?");
        bars(box, data, "many", "cpu_us_per_connection", "CPU per connection, many clients",
            "Does a connection get cheaper or dearer when many come at once?");
    }

    function control(box, data) {
        bars(box, data, "few", "control_cpu_us", "Process control CPU, few clients",
            "Left of 0 is cheaper than the iterative server in the same round.");
        bars(box, data, "many", "control_cpu_us", "Process control CPU, many clients",
            "Compare the lengths with those for few clients.");
    }

    // Of a child per connection there are too many for bars: then only the sentence.
    function children(box, data) {
        box.classList.add("small");
        for (const row of data.rows) {
            const values = data.children.filter(each => each[0] === "1" && each[1] === row &&
                each[2] === "few").map(each => toNumber(each[3])).filter(each => each !== null);
            if (values.length === 0) continue;
            const sum = values.reduce((all, each) => all + each, 0);
            const squares = values.reduce((all, each) => all + each * each, 0);
            const some = values.length <= MANY_CHILDREN;
            const jain = squares > 0 ? charts.number(sum * sum / values.length / squares) : "none";
            add(box, "distribution", "children-" + row, values.length === 1 ?
                `One served all ${charts.number(sum)}.` :
                `${values.length} children; fewest ${charts.number(Math.min(...values))}, most ` +
                `${charts.number(Math.max(...values))}, Jain ${jain}`,
            {title: row, fair: some && values.length > 1 ? sum / values.length : undefined,
                rows: some ? values.map((value, i) => ({label: String(i + 1), value})) : []});
        }
    }

    function waiting(box, data) {
        const usual = data.usual.length ? data.usual : data.rows;
        percentiles(box, data, "service", usual, "half-service", "Service time",
            "Look at the right end: who keeps the slowest requests short?");
        percentiles(box, data, "response", usual, "half-response", "Response time",
            "The same from when each was due: waiting before the start is in it.");
        for (const name of new Set(data.rows.map(family))) {
            const variants = data.rows.filter(row => family(row) === name);
            if (variants.length < 2) continue;
            percentiles(box, data, "service", variants, `half-service-${name}`,
                `Service time, the variants of ${name}`,
                "Do the variants part at the median, or only among the slowest?");
        }
    }

    function trouble(box, data) {
        const log = {log: true};
        bars(box, data, "heavy", "light_p50", "Light requests beside heavy ones: p50",
            "Half of the light requests are answered within this time.", log);
        bars(box, data, "heavy", "light_p99", "Light requests beside heavy ones: p99",
            "Do the many light requests wait behind the few heavy ones? Compare it with p50.", log);
        bars(box, data, "idle", "failed_share", "Served while idle connections are held",
            "Who still serves the others?", {from: served});
        bars(box, data, "attack", "failed_share", "Served beside slow senders",
            "Who still serves the others?", {from: served});
        for (const load of ["idle", "attack"]) {
            bars(box, data, load, p99(data, load), "p99 of those that were served beside " +
                (load === "idle" ? "idle connections" : "slow senders"),
            "Only those served have a time: read it together with the shares.", log);
        }
    }

    function memory(box, data) {
        bars(box, data, "memory", "private_kib", "Private memory",
            "Pages that processes share are not counted: what does one more process cost?");
        bars(box, data, "memory", "processes", "Processes",
            "How many there are at the same moment.");
        bars(box, data, "startup", "startup_cpu_ms", "CPU to start and stop",
            "What is paid before the first client: a pool is made in advance.");
    }

    function herd(box, data, load) {
        overX(box, data, load, "wakeups_per_connection", "Wake-ups per connection",
            "1 is enough; a way with a lock wakes twice. Which curves rise with the children?");
        overX(box, data, load, "wasted_per_connection", "Wasted wake-ups per connection",
            "Woken for nothing: somebody else had the connection already.");
        overX(box, data, load, "switches_per_connection", "Context switches per connection",
            "What the kernel had to do for it; failed attempts show only in part.");
        overX(box, data, load, "connections_per_second", "Connections/s",
            "Does the herd cost throughput?");
        overX(box, data, load, p99(data, load), "p99", "And the slowest 1 % of the clients?");
    }

    function scale(box, data, load) {
        overX(box, data, load, "connections_per_second", "Connections/s",
            "Where does each curve bend, and where does it end?");
        overX(box, data, load, "cpu_us_per_connection", "CPU per connection",
            "Level: each costs the same. Rising: the design pays.");
        overX(box, data, load, p99(data, load), "p99", "The slowest 1 % feel it first.");
        overX(box, data, load, "failed_share", "Share of connections that failed",
            "Above 0 some clients are not served at all.");
    }

    function rivals(box, data, load) {
        bars(box, data, load, "cpu_us_per_request", `CPU per request, ${load}`,
            "All processes of a server, as /proc has it: shorter is better.");
        bars(box, data, load, "requests_per_second", `Throughput, ${load}`,
            "Generator and server share the processors.");
        bars(box, data, load, "pss_kib", `Memory, ${load}`,
            "Under the load; pages that processes share are divided among them.");
    }

    const PLANS = {
        compare: {choose, limit, cost, control, children, waiting, trouble, memory},
        herd: {herd}, scale: {scale}, rivals: {rivals},
    };

    const json = JSON.parse(document.getElementById("data").textContent);
    for (const [name, plans] of Object.entries(PLANS)) {
        const data = read(name, json[name]);
        for (const box of document.querySelectorAll("[data-charts]")) {
            const plan = plans[box.dataset.charts];
            if (plan) plan(box, data, box.dataset.load);
        }
    }
}());
