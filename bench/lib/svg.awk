# svg.awk - charts as SVG within HTML, for bench/report: bars, dots, curves and small multiples.
#
# A chart is begun by clearing its data (chart_begin), filled by bar() or point(), and printed.
# It is 480 units wide and scaled to the page. Each datum is one element of class "mark".
# A value that is missing has none. Styles s1 to s8 are a colour, a dash pattern and a shape of
# marker each, so that nobody depends on the colour.

BEGIN {
    WIDTH = 480
    LETTER = 7.9 # the width of an average letter of 13.5 units, estimated generously
    # The markers of the eight styles: where their outline begins, and how it goes on.
    SHAPE[1] = SHAPE[6] = "-4.5:0:a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z" # circle, ring
    SHAPE[2] = SHAPE[8] = "-4:-4:h8v8h-8z" # square, hollow square
    SHAPE[3] = "0:-5.6:l5.5 9.4h-11z" # triangle
    SHAPE[4] = "0:-5.8:l5.8 5.8l-5.8 5.8l-5.8 -5.8z" # diamond
    SHAPE[5] = "0:5.6:l-5.5 -9.4h11z" # triangle on its tip
    SHAPE[7] = "-5.5:-1.5:h4v-4h3v4h4v3h-4v4h-3v-4h-4z" # plus
}

# --- text ----------------------------------------------------------------------------------------

function esc(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    gsub(/'/, "\\&#39;", text)
    gsub(/[\001-\037]/, " ", text)
    return text
}

# Some awks (busybox) are built without log() and ^; so here is what the charts need of them.
function pow10(n,    p) {
    for (p = 1; n > 0; n--) p *= 10
    for (; n < 0; n++) p /= 10
    return p
}

# For v > 0: v is 10^tens * 2^twos * m, and 1 <= m < 2; then the series of artanh, z below 1/3.
function log10(v,    tens, twos, z, term, i, sum) {
    for (; v >= 10; tens++) v /= 10
    for (; v < 1; tens--) v *= 10
    for (; v >= 2; twos++) v /= 2
    z = term = (v - 1) / (v + 1)
    for (i = 1; i < 30; i += 2) {
        sum += term / i
        term *= z * z
    }
    return tens + (twos * 0.693147180559945 + 2 * sum) / 2.302585092994046
}

function floor(v,    i) {
    i = int(v)
    return i > v ? i - 1 : i
}

function abs(v) {
    return v < 0 ? -v : v
}

function thousands(digits,    sign, out) {
    sign = sub(/^-/, "", digits) ? "-" : ""
    while (length(digits) > 3) {
        out = "," substr(digits, length(digits) - 2) out
        digits = substr(digits, 1, length(digits) - 3)
    }
    return sign digits out
}

# Three significant digits, as people write them: 0.0123, 12.3, 12,300; a small whole number stays.
function digits3(v,    decimals, unit) {
    v += 0
    if (v == 0) return "0"
    if (v == int(v) && abs(v) < 1000) return v ""
    if (abs(v) < 1e-4 || abs(v) >= 1e10) return sprintf("%.3g", v)
    decimals = 2 - floor(log10(abs(v)) + 1e-9)
    if (decimals > 0 && abs(v) * pow10(decimals) >= 999.5) {
        decimals-- # 9.996 is 10.0
    }
    if (decimals > 0) return sprintf("%." decimals "f", v)
    unit = pow10(-decimals)
    return thousands(sprintf("%.0f", sprintf("%.0f", v / unit) * unit))
}

# A value with its unit; "" stays "". Times and sizes take the unit that suits them.
function pretty(v, unit) {
    if (v == "") return ""
    v += 0
    if (unit == "ms") {
        v *= 1000
        unit = "us"
    }
    if (unit == "us") {
        return abs(v) < 999.5 ? digits3(v) " us" : \
            abs(v) < 999500 ? digits3(v / 1e3) " ms" : digits3(v / 1e6) " s"
    }
    if (unit == "KiB") {
        return abs(v) < 9999.5 ? digits3(v) " KiB" : \
            abs(v) < 9999.5 * 1024 ? digits3(v / 1024) " MiB" : digits3(v / 1048576) " GiB"
    }
    return digits3(v) (unit == "" || unit == "/s" ? unit : " " unit)
}

# The same for an axis, short.
function tick_text(v, unit) {
    if (unit ~ /^(us|ms|KiB|%)$/) return pretty(v, unit)
    return abs(v) >= 1e6 ? digits3(v / 1e6) " M" : digits3(v)
}

# --- axes ----------------------------------------------------------------------------------------
# An axis is a name in A: A[name, "lo"], "hi", "log", "zero" (0 has a place of its own on it),
# "from" and "to" (units of the drawing), "unit"; n ticks at A[name, "tick", 1..n].

# A step of 1, 2 or 5 times a power of ten that cuts the span into some n pieces.
function nice_step(span, n,    raw, power) {
    raw = span / n
    power = pow10(floor(log10(raw) + 1e-9))
    raw /= power
    return power * (raw < 1.5 ? 1 : raw < 3.5 ? 2 : raw < 7.5 ? 5 : 10)
}

function axis_linear(a, lo, hi, n,    step, i, v) {
    if (hi - lo <= abs(hi) * 1e-9) {
        hi += hi == 0 ? 1 : abs(hi) * 0.1
        lo -= lo == 0 ? 0 : abs(lo) * 0.1
    }
    step = nice_step(hi - lo, n)
    lo = floor(lo / step + 1e-6) * step
    A[a, "log"] = A[a, "zero"] = 0
    A[a, "lo"] = lo
    for (i = 0; ; i++) {
        v = lo + i * step
        A[a, "tick", i + 1] = abs(v) < step / 1e6 ? 0 : v
        if (v >= hi - step * 1e-6) break
    }
    A[a, "hi"] = v
    A[a, "ticks"] = i + 1
}

# The numbers 1, 2 and 5 times a power of ten around the data, of wide ranges only the powers.
function axis_log(a, lo, hi, zero,    wide, n, power, i, first, last) {
    wide = hi / lo > 200
    first = floor(log10(lo) + 1e-9)
    last = -floor(-log10(hi) + 1e-9)
    A[a, "log"] = 1
    A[a, "zero"] = zero
    n = 0
    if (zero) A[a, "tick", ++n] = 0
    A[a, "lo"] = A[a, "hi"] = ""
    for (power = first; power <= last; power++) {
        for (i = 1; i <= (wide ? 1 : 5); i = i == 1 ? 2 : i == 2 ? 5 : 10) {
            n = log_tick(a, n, sprintf("%.0fe%d", i, power) + 0, lo, hi, wide)
        }
    }
    A[a, "ticks"] = n
}

# A tick at v, if the data need it: one below them, one above, and those between.
function log_tick(a, n, v, lo, hi, wide) {
    if (A[a, "hi"] != "" && A[a, "hi"] >= hi * 0.9999999 && A[a, "hi"] > A[a, "lo"]) return n
    if (A[a, "lo"] == "" || v <= lo * 1.0000001) {
        A[a, "lo"] = v
        n = A[a, "zero"]
    }
    A[a, "hi"] = v
    A[a, "tick", n + 1] = v
    return n + 1
}

# An axis that ends with the data: a tick beyond them would only take room.
function end_at(a, hi) {
    if (A[a, "hi"] > hi * 1.5 && A[a, "ticks"] > 2) {
        A[a, "ticks"]--
        A[a, "hi"] = hi
    }
}

# axis(NAME, UNIT, LO, HI, LOG, ZERO, FROM, TO) - LO and HI are of the data; on a log axis, of those
# above 0. ZERO: there is one.
function axis(a, unit, lo, hi, log_wanted, zero, from, to) {
    A[a, "unit"] = unit
    A[a, "from"] = from
    A[a, "to"] = to
    if (log_wanted) {
        axis_log(a, lo, hi, zero)
        if (a == "x") end_at(a, hi)
    } else {
        axis_linear(a, lo, hi, abs(to - from) < 330 ? 4 : 6)
    }
}

# Where a value lies. On a log axis 0 has its place at the very start, before a gap.
function place(a, v,    from, to, gap) {
    from = A[a, "from"]
    to = A[a, "to"]
    if (!A[a, "log"]) return from + (to - from) * (v - A[a, "lo"]) / (A[a, "hi"] - A[a, "lo"])
    gap = A[a, "zero"] ? (to > from ? 34 : -34) : 0
    if (v <= 0) return from
    return from + gap + (to - from - gap) * \
        log10(v / A[a, "lo"]) / log10(A[a, "hi"] / A[a, "lo"])
}

# --- pieces --------------------------------------------------------------------------------------

function svg_open(height, title, description) {
    printf "<svg role=\"img\" viewBox=\"0 0 %d %d\"><title>%s</title><desc>%s</desc>\n",
        WIDTH, height, esc(title), esc(description)
}

function attribute(name, value) {
    return value == "" ? "" : " " name "=\"" value "\""
}

function put(x, y, anchor, class, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\"%s%s>%s</text>\n", x, y,
        attribute("text-anchor", anchor == "start" ? "" : anchor), attribute("class", class),
        esc(what)
}

function stroke(class, x1, y1, x2, y2) {
    printf "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2
}

# The outline of a marker around x, y.
function outline(style, x, y,    part) {
    split(SHAPE[style], part, ":")
    return sprintf("M%.1f %.1f%s", x + part[1], y + part[2], part[3])
}

function marker(style, x, y, tip, class) {
    printf "<path class=\"%s s%d%s\" d=\"%s\">%s</path>\n", class, style,
        (style == 6 || style == 8) ? " open" : "", outline(style, x, y),
        (tip == "" ? "" : "<title>" esc(tip) "</title>")
}

# An X in the colour of its curve, and a thin line that leads to it from the last point.
function break_mark(style, from_x, x, y, tip) {
    if (from_x < x) stroke("lead s" style, from_x, y, x, y)
    printf "<path class=\"break s%d\" d=\"M%.1f %.1fl14 14m0 -14l-14 " \
        "14\"><title>%s</title></path>\n",
        style, x - 7, y - 7, esc(tip)
}

function figure_open(name, title, caption, class) {
    printf "<figure data-chart=\"%s\"%s>\n<figcaption><strong>%s</strong>", esc(name),
        attribute("class", class), esc(title)
    printf "<span>%s</span></figcaption>\n", esc(caption)
}

function legend_key(style) {
    print "<svg class=\"key\" viewBox=\"0 0 46 16\" aria-hidden=\"true\">"
    stroke("line s" style, 1, 8, 45, 8)
    marker(style, 23, 8, "", "mark-key")
    print "</svg>"
}

# --- the data of a chart -------------------------------------------------------------------------

function chart_begin() {
    split("", B)
    split("", C)
    split("", R)
    NBARS = NSERIES = NBREAKS = NVALUES = 0
}

function bar(label, style, med, min, max) {
    NBARS++
    B[NBARS, "label"] = label
    B[NBARS, "style"] = style
    B[NBARS, "med"] = is_number(med) ? med + 0 : ""
    B[NBARS, "min"] = is_number(min) ? min + 0 : B[NBARS, "med"]
    B[NBARS, "max"] = is_number(max) ? max + 0 : B[NBARS, "med"]
    note("x", B[NBARS, "min"])
    note("x", B[NBARS, "max"])
    rank(B[NBARS, "med"], label)
}

# A series is begun by its name; its points follow from left to right. y "" is a gap.
function series(label, style) {
    NSERIES++
    C[NSERIES, "label"] = label
    C[NSERIES, "style"] = style
    C[NSERIES, "n"] = 0
}

function point(x, y, tip,    n) {
    n = ++C[NSERIES, "n"]
    C[NSERIES, n, "x"] = x
    C[NSERIES, n, "y"] = is_number(y) ? y + 0 : ""
    C[NSERIES, n, "tip"] = tip
    note("x", x)
    note("y", C[NSERIES, n, "y"])
    rank(C[NSERIES, n, "y"], tip)
}

# The series that was begun last breaks at x.
function breaks_at(x, tip) {
    NBREAKS++
    C[NSERIES, "break"] = x
    C[NSERIES, "break tip"] = tip
    note("x", x)
}

# rank(V, NAME) - the highest and the lowest of all values, and their names.
function rank(v, name) {
    if (v == "") return
    if (NVALUES++ == 0 || v > HIGH) {
        HIGH = v
        HIGHEST = name
    }
    if (NVALUES == 1 || v < LOW) {
        LOW = v
        LOWEST = name
    }
}

# note(WHICH, V) - the least and the largest of all values, of those above 0, and whether 0 is met.
function note(which, v) {
    if (v == "") return
    if (R[which, "n"]++ == 0) R[which, "lo"] = R[which, "hi"] = v
    R[which, "lo"] = v < R[which, "lo"] ? v : R[which, "lo"]
    R[which, "hi"] = v > R[which, "hi"] ? v : R[which, "hi"]
    if (v > 0 && (R[which, "least"] == "" || v < R[which, "least"])) R[which, "least"] = v
    R[which, "zero"] = R[which, "zero"] || v == 0
}

# Logarithmic, if the values span so much that the small ones could not be told apart.
function wants_log(which, ratio) {
    return R[which, "least"] != "" && R[which, "lo"] >= 0 && R[which, "hi"] / R[which,
        "least"] >= ratio
}

# --- bars ----------------------------------------------------------------------------------------

# A label in one or two lines of at most 22 letters: LINES[1], LINES[2]; the rest is cut off, for
# the whole label is in the mark's tip and in the table.
function wrap(label, max,    at, i) {
    LINES[1] = label
    LINES[2] = ""
    if (length(label) <= max) return 1
    at = max
    for (i = max + 1; i > max / 3; i--) {
        if (substr(label, i, 1) == " ") {
            at = i
            break
        }
    }
    LINES[1] = substr(label, 1, at)
    LINES[2] = substr(label, at + 1)
    sub(/ $/, "", LINES[1])
    if (length(LINES[2]) > max) LINES[2] = substr(LINES[2], 1, max - 3) "..."
    return 2
}

# Who is highest and lowest, in a sentence.
function describe_bars(unit) {
    if (NVALUES == 0) return "No values."
    if (NVALUES == 1) return HIGHEST ": " pretty(HIGH, unit) "."
    return sprintf("%d bars. Highest: %s, %s; lowest: %s, %s.", NVALUES, HIGHEST,
        pretty(HIGH, unit), LOWEST, pretty(LOW, unit))
}

function range_text(i, unit) {
    return B[i, "min"] == B[i, "max"] ? "" : \
        " (" pretty(B[i, "min"], unit) " to " pretty(B[i, "max"], unit) ")"
}

# The left edge of the plot, for labels as long as these.
function label_width(    i, widest) {
    for (i = 1; i <= NBARS; i++) {
        wrap(B[i, "label"], 22)
        widest = length(LINES[1]) > widest ? length(LINES[1]) : widest
        widest = length(LINES[2]) > widest ? length(LINES[2]) : widest
    }
    return widest * LETTER + 8
}

function bar_name(i, y) {
    if (wrap(B[i, "label"], 22) == 1) {
        put(0, y + 16, "start", "", LINES[1])
    } else {
        put(0, y + 15, "start", "", LINES[1])
        put(0, y + 29, "start", "", LINES[2])
    }
}

function bar_height(i) {
    return wrap(B[i, "label"], 22) == 1 ? 24 : 36
}

function bar_row(i, y, unit,    from, to, zero, whisker) {
    bar_name(i, y)
    y += (bar_height(i) - 24) / 2
    if (B[i, "med"] == "") {
        put(WIDTH, y + 16, "end", "unit", "none")
        return
    }
    zero = place("x", 0)
    from = place("x", B[i, "med"])
    to = from > zero ? from : zero
    from = from > zero ? zero : from
    printf "<rect class=\"mark s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"16\">", \
        B[i, "style"], from, y + 4, (to - from < 0.75 ? 0.75 : to - from)
    printf "<title>%s</title></rect>\n", \
        esc(B[i, "label"] ": " pretty(B[i, "med"], unit) range_text(i, unit))
    if (B[i, "min"] != B[i, "max"]) {
        from = place("x", B[i, "min"])
        to = place("x", B[i, "max"])
        printf "<path class=\"whisker\" d=\"M%.1f %.1fv8m0 -4H%.1fm0 -4v8\"/>\n", from, y + 8, to
    }
    put(WIDTH, y + 16, "end", "", pretty(B[i, "med"], unit))
}

# Vertical lines with their numbers; where these would touch, each second has one, or each third.
function grid_x(a, top, bottom,    i, x, each, label, half, free) {
    free = -1e9
    each = A[a, "log"] ? 1 : label_step(a)
    for (i = 1; i <= A[a, "ticks"]; i++) {
        x = place(a, A[a, "tick", i])
        label = tick_text(A[a, "tick", i], A[a, "unit"])
        half = length(label) * LETTER / 2
        stroke("grid", x, top, x, bottom)
        if (x + half > WIDTH) { # the last one ends with the drawing
            x = WIDTH - half
        }
        if ((i - 1) % each == 0 && x - half >= free + 6) {
            put(x, bottom + 17, "middle", "", label)
            free = x + half
        }
    }
    if (A[a, "log"] && A[a, "zero"]) axis_gap(place(a, 0) + 17, bottom)
}

# Of how many ticks of a linear axis one can have its number.
function label_step(a,    each, n, wide, apart) {
    n = A[a, "ticks"]
    wide = tick_width(a) + 6
    apart = n > 1 ? place(a, A[a, "tick", 2]) - place(a, A[a, "tick", 1]) : wide
    for (each = 1; each < n && each * apart < wide; each++) ;
    return each
}

# Two strokes through the axis: what lies to both sides of them is not to scale.
function axis_gap(x, y) {
    printf "<path class=\"axis\" d=\"M%.1f %.1fl6 -10m4 0l-6 10\"/>\n", x - 5, y + 5
}

# bars(NAME, TITLE, CAPTION, UNIT, WHAT) - horizontal bars of all that bar() was told, with a
# whisker from the least to the largest; WHAT is written under the axis.
function bars(name, title, caption, unit, what,    i, y, left, right, widest) {
    for (i = 1; i <= NBARS; i++) {
        widest = length(pretty(B[i, "med"], unit)) > widest ? \
            length(pretty(B[i, "med"], unit)) : widest
        y += bar_height(i)
    }
    note("x", 0)
    left = label_width()
    right = WIDTH - (widest < 4 ? 4 : widest) * LETTER - 10
    axis("x", unit, R["x", "lo"], R["x", "hi"], 0, 0, left, right)
    figure_open(name, title, caption)
    svg_open(y + 46, title, describe_bars(unit))
    grid_x("x", 2, y + 4)
    put((left + right) / 2, y + 40, "middle", "unit", what)
    y = 2
    for (i = 1; i <= NBARS; i++) {
        bar_row(i, y, unit)
        y += bar_height(i)
    }
    stroke("axis", place("x", 0), 2, place("x", 0), y + 2)
    print "</svg>\n</figure>"
}

# --- dots: a line per label, a marker per series -------------------------------------------------

# dots(...) - series have points whose x is the number of a bar() (its label) and y the value.
function dots(name, title, caption, unit, what,    i, y, left) {
    for (i = 1; i <= NBARS; i++) y += bar_height(i)
    left = label_width() + 8
    value_axis("x", unit, 20, left, WIDTH - 30)
    figure_open(name, title, caption)
    svg_open(y + 46, title, describe_series())
    grid_x("x", 2, y + 4)
    put((left + WIDTH) / 2, y + 40, "middle", "unit", what scale_of("x"))
    dots_rows(2, unit, left)
    print "</svg>"
    legend()
    print "</figure>"
}

function dots_rows(y, unit, left,    i, s, middle) {
    for (i = 1; i <= NBARS; i++) {
        bar_name(i, y)
        middle = y + bar_height(i) / 2
        stroke("grid", left, middle, WIDTH - 10, middle)
        for (s = 1; s <= NSERIES; s++) {
            if (C[s, i, "y"] != "") {
                marker(C[s, "style"], place("x", C[s, i, "y"]), middle, C[s, i, "tip"], "mark")
            }
        }
        y += bar_height(i)
    }
}

# --- curves --------------------------------------------------------------------------------------

# The highest and the lowest point of all, in a sentence.
function describe_series() {
    if (NVALUES == 0) return "No values."
    return sprintf("%d points in %d series. Highest: %s; lowest: %s.%s", NVALUES, NSERIES, HIGHEST,
        LOWEST,
        NBREAKS ? " " NBREAKS (NBREAKS == 1 ? " series breaks" : " series break") " (X)." : "")
}

function legend(    s) {
    print "<ul class=\"legend\">"
    for (s = 1; s <= NSERIES; s++) {
        printf "<li>"
        legend_key(C[s, "style"])
        printf "%s</li>\n", esc(C[s, "label"])
    }
    print "</ul>"
}

# Each y tick with its line; the numbers stand left of the plot.
function grid_y(a, left, right,    i, y, free) {
    free = 1e9
    for (i = 1; i <= A[a, "ticks"]; i++) {
        y = place(a, A[a, "tick", i])
        stroke("grid", left, y, right, y)
        if (y <= free - 15) {
            put(left - 7, y + 4.5, "end", "", tick_text(A[a, "tick", i], A[a, "unit"]))
            free = y
        }
    }
}

# How wide the numbers of an axis are.
function tick_width(a,    i, widest, n) {
    for (i = 1; i <= A[a, "ticks"]; i++) {
        n = length(tick_text(A[a, "tick", i], A[a, "unit"]))
        widest = n > widest ? n : widest
    }
    return widest * LETTER
}

# A line from point to point; where a value is missing it has a gap.
function curve(s,    i, d, pen) {
    pen = "M"
    for (i = 1; i <= C[s, "n"]; i++) {
        if (C[s, i, "y"] == "") {
            pen = "M"
            continue
        }
        d = d sprintf("%s%.1f %.1f", pen, place("x", C[s, i, "x"]), place("y", C[s, i, "y"]))
        pen = "L"
    }
    if (d != "") printf "<path class=\"line s%d\" d=\"%s\"/>\n", C[s, "style"], d
}

function curve_marks(s,    i) {
    for (i = 1; i <= C[s, "n"]; i++) {
        if (C[s, i, "y"] != "") {
            marker(C[s, "style"], place("x", C[s, i, "x"]), place("y", C[s, i, "y"]),
                C[s, i, "tip"], "mark")
        }
    }
}

# A break is marked at its x, as high as its curve has been last.
function curve_break(s,    i, x, y, last) {
    x = C[s, "break"]
    if (x == "") return
    last = place("x", x)
    y = A["y", "from"]
    for (i = 1; i <= C[s, "n"] && C[s, i, "x"] <= x; i++) {
        if (C[s, i, "y"] == "") continue
        last = place("x", C[s, i, "x"])
        y = place("y", C[s, i, "y"])
    }
    break_mark(C[s, "style"], last, place("x", x), y, C[s, "break tip"])
}

# value_axis(AXIS, UNIT, RATIO, FROM, TO) - of the values of all points: from 0 if it is linear, and
# logarithmic if they span that ratio.
function value_axis(a, unit, ratio, from, to,    use_log) {
    use_log = wants_log("y", ratio)
    if (R["y", "n"] == 0) note("y", 0)
    axis(a, unit, use_log ? R["y", "least"] : R["y", "lo"] < 0 ? R["y", "lo"] : 0, R["y", "hi"],
        use_log, R["y", "zero"], from, to)
}

function scale_of(a) {
    return A[a, "log"] ? " (log scale)" : ""
}

# curves(NAME, TITLE, CAPTION, UNIT, WHAT, X_WHAT) - what series() and point() were told. X_WHAT is
# written under the x axis; "percentile" makes it the axis of percentiles.
function curves(name, title, caption, unit, what, x_what,    s, left, right, x_log) {
    value_axis("y", unit, 50, 278, 34)
    left = tick_width("y") + 9
    right = WIDTH - 14
    figure_open(name, title, caption)
    svg_open(322, title, describe_series())
    put(0, 14, "start", "unit", what scale_of("y"))
    grid_y("y", left, right)
    if (x_what == "percentile") {
        axis("x", "", 0, 3, 0, 0, left + 14, right)
        A["x", "hi"] = 3
        grid_percentile(26, 278)
        put((left + right) / 2, 316, "middle", "unit", "percentile of the requests")
    } else {
        x_log = wants_log("x", 20)
        axis("x", "", x_log ? R["x", "least"] : R["x", "lo"], R["x", "hi"], x_log, R["x", "zero"],
            left + 14, right)
        grid_x("x", 26, 278)
        put((left + right) / 2, 316, "middle", "unit", x_what scale_of("x"))
    }
    stroke("axis", left, 278, right, 278)
    if (A["y", "log"] && A["y", "zero"]) axis_gap(left, 278 - 17)
    for (s = 1; s <= NSERIES; s++) curve(s)
    for (s = 1; s <= NSERIES; s++) curve_marks(s)
    for (s = 1; s <= NSERIES; s++) curve_break(s)
    print "</svg>"
    legend()
}

# Percentile p lies at log10(1 / (1 - p)): 99 % as far from 90 % as 99.9 % from 99 %.
function grid_percentile(top, bottom,    i, n, at, label, x) {
    n = split("0 0.30103 1 2 3", at, " ")
    split("min 50 90 99 99.9", label, " ")
    for (i = 1; i <= n; i++) {
        x = place("x", at[i])
        stroke("grid", x, top, x, bottom)
        put(x, bottom + 17, i == n ? "end" : "middle", "", label[i])
    }
}

# --- small multiples -----------------------------------------------------------------------------

# small(LABEL, STYLE, N, VALUE, NOTE) - one picture of many: N narrow bars VALUE[1..n], on a
# scale of their own, and a line where all would be equal.
function small(label, style, n, value, remark,    i, most, sum, width, x, h) {
    for (i = 1; i <= n; i++) {
        most = value[i] > most ? value[i] : most
        sum += value[i]
    }
    printf "<svg role=\"img\" viewBox=\"0 0 240 128\"><title>%s</title><desc>%s</desc>\n",
        esc(label), esc(label ": " (n > 1 ? n " children, " : "") remark ".")
    put(0, 13, "start", "name", length(label) > 28 ? substr(label, 1, 25) "..." : label)
    width = n > 6 ? 240 / n : 40
    for (i = 1; i <= n; i++) {
        h = most > 0 ? 78 * value[i] / most : 0
        x = (i - 1) * width
        printf "<rect class=\"mark s%d\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\">",
            style, x, 100 - h, width * 0.86, h
        printf "<title>%s</title></rect>\n", "child " i ": " digits3(value[i])
    }
    stroke("axis", 0, 100, 240, 100)
    if (most > 0) stroke("equal", 0, 100 - 78 * sum / n / most, 240, 100 - 78 * sum / n / most)
    put(0, 120, "start", "unit", remark)
    print "</svg>"
}
