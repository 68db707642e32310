#include "gate.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/conn.h"
#include "../figures/tally.h"
#include "../report/duration.h"
#include "../figures/totals.h"

enum {
    LATENCY_OF_LOOP = -1,
    WHOLE_MOST = 13,    /* digits of a number before its point: 10^12 has so many */
    DECIMALS_MOST = 9,  /* and behind it */
    NUMBER = 64,        /* room for a number with an exponent */
    DECIMALS_SHOWN = 16 /* of a found value, at most: a double has no more to tell */
};

static const double value_most = 1e12;
static const char digits[] = "0123456789";
static const char blanks[] = " \t";

/* --- the metrics ----------------------------------------------------------------------------- */

enum kind {
    KIND_TIME,
    KIND_COUNT, /* whole numbers */
    KIND_RATIO
};

enum measure {
    MEASURE_LEAST,
    MEASURE_MEAN,
    MEASURE_PERCENTILE,
    MEASURE_MOST,
    MEASURE_FAILED,
    MEASURE_UNSENT,
    MEASURE_COMPLETED,
    MEASURE_CHILDREN,
    MEASURE_HELD,
    MEASURE_RATE,
    MEASURE_JAIN
};

/* Those of times are what a histogram knows, the others are of the run as a whole. */
static const struct metric {
    const char *name;
    enum kind kind;
    enum measure measure;
    uint32_t millionths; /* of a percentile */
} metrics[] = {
    {"min", KIND_TIME, MEASURE_LEAST, 0},
    {"mean", KIND_TIME, MEASURE_MEAN, 0},
    {"p25", KIND_TIME, MEASURE_PERCENTILE, 250000},
    {"p50", KIND_TIME, MEASURE_PERCENTILE, 500000},
    {"p75", KIND_TIME, MEASURE_PERCENTILE, 750000},
    {"p90", KIND_TIME, MEASURE_PERCENTILE, 900000},
    {"p95", KIND_TIME, MEASURE_PERCENTILE, 950000},
    {"p99", KIND_TIME, MEASURE_PERCENTILE, 990000},
    {"p999", KIND_TIME, MEASURE_PERCENTILE, 999000},
    {"p9999", KIND_TIME, MEASURE_PERCENTILE, 999900},
    {"max", KIND_TIME, MEASURE_MOST, 0},
    {"failed", KIND_COUNT, MEASURE_FAILED, 0},
    {"unsent", KIND_COUNT, MEASURE_UNSENT, 0},
    {"completed", KIND_COUNT, MEASURE_COMPLETED, 0},
    {"children", KIND_COUNT, MEASURE_CHILDREN, 0},
    {"held", KIND_COUNT, MEASURE_HELD, 0},
    {"rate", KIND_RATIO, MEASURE_RATE, 0},
    {"jain", KIND_RATIO, MEASURE_JAIN, 0},
};

enum { METRICS = sizeof metrics / sizeof metrics[0] };

static const char *const latency_names[LATENCY_KINDS] = {
    [LATENCY_CONNECT] = "connect",
    [LATENCY_FIRST_BYTE] = "first_byte",
    [LATENCY_SERVICE] = "service",
    [LATENCY_RESPONSE] = "response",
};

/* How far the decimal point moves from the unit to microseconds. */
static const struct unit {
    const char *name;
    int power;
} units[] = {{"us", 0}, {"ms", 3}, {"s", 6}};

enum { UNITS = sizeof units / sizeof units[0] };

static bool
is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* The place of the unit in the table, or UNITS. */
static size_t
find_unit(const char *text, size_t length)
{
    size_t unit = 0;

    while (unit < UNITS && !is_word(text, length, units[unit].name)) {
        unit++;
    }
    return unit;
}

/* --- reading a gate -------------------------------------------------------------------------- */

/* What these take is read from `*text`, which is moved behind it. They return what is wrong, or
 * NULL. */

static void
skip_blanks(const char **text)
{
    *text += strspn(*text, blanks);
}

static const char *
take_latency(struct gate *gate, const char **text, size_t length)
{
    gate->latency = LATENCY_OF_LOOP;
    if (!memchr(*text, '.', length)) {
        return NULL;
    }
    for (int i = 0; i < LATENCY_KINDS; i++) {
        size_t name = strlen(latency_names[i]);

        if (strncmp(*text, latency_names[i], name) == 0 && (*text)[name] == '.') {
            gate->latency = i;
            *text += name + 1;
            return NULL;
        }
    }
    return "in front of a time connect., first_byte., service. or response. is allowed";
}

static const char *
take_metric(struct gate *gate, const char **text)
{
    size_t length = strcspn(*text, " \t<>=!");
    const char *end = *text + length;
    const char *wrong = take_latency(gate, text, length);

    if (wrong) {
        return wrong;
    }
    length = (size_t)(end - *text);
    gate->metric = 0;
    while (gate->metric < METRICS && !is_word(*text, length, metrics[gate->metric].name)) {
        gate->metric++;
    }
    if (gate->metric == METRICS && ((*text)[0] == 'p' || gate->latency != LATENCY_OF_LOOP)) {
        return "of a time there are min, mean, p25, p50, p75, p90, p95, p99, p999, p9999, max";
    }
    if (gate->metric == METRICS) {
        return "the metrics are min, mean, p25 to p9999, max; failed, unsent, completed, children, "
               "held; rate, jain";
    }
    if (metrics[gate->metric].kind != KIND_TIME && gate->latency != LATENCY_OF_LOOP) {
        return "only a time (min, mean, p25 to p9999, max) may have a word in front";
    }
    *text = end;
    return NULL;
}

static const char *
take_operator(struct gate *gate, const char **text)
{
    /* The longer ones first, for `<` is also the beginning of `<=`. */
    static const struct {
        const char *text;
        enum gate_operator operator;
    } operators[] = {{"<=", GATE_AT_MOST},
                     {">=", GATE_AT_LEAST},
                     {"==", GATE_EQUAL},
                     {"<", GATE_LESS},
                     {">", GATE_MORE}};

    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t length = strlen(operators[i].text);

        if (strncmp(*text, operators[i].text, length) == 0) {
            gate->operator= operators[i].operator;
            *text += length;
            return NULL;
        }
    }
    return "behind the metric stands <, <=, >, >= or ==";
}

/* Finds the end of a number that the metric allows. */
static const char *
take_number(const char **text, enum kind kind)
{
    size_t whole = strspn(*text, digits), decimals = 0;
    bool fraction = (*text)[whole] == '.';

    if (fraction) {
        decimals = strspn(*text + whole + 1, digits);
    }
    if (whole == 0 || (fraction && decimals == 0)) {
        return "the value is a number such as 50 or 0.5: digits, on both sides of a point";
    }
    if (decimals > DECIMALS_MOST) {
        return "a number may have at most 9 decimals";
    }
    if (whole > WHOLE_MOST || strtod(*text, NULL) > value_most) {
        return "a number may be at most 1000000000000";
    }
    if (fraction && kind == KIND_COUNT) {
        return "a count is a whole number";
    }
    *text += whole + fraction + decimals;
    return NULL;
}

static const char *
take_unit(const char **text, enum kind kind, int *power)
{
    size_t length = strcspn(*text, blanks);
    size_t unit = find_unit(*text, length);

    *power = 0;
    if (kind != KIND_TIME) {
        return **text == '\0' ? NULL : "behind the number stands nothing: only a time has a unit";
    }
    if (length == 0) {
        return "a time needs a unit: us, ms or s";
    }
    if (unit == UNITS) {
        return "the unit of a time is us, ms or s";
    }
    *power = units[unit].power;
    *text += length;
    skip_blanks(text);
    return **text == '\0' ? NULL : "behind the unit stands nothing";
}

static const char *
take_value(struct gate *gate, const char **text)
{
    enum kind kind = metrics[gate->metric].kind;
    const char *begin = *text;
    const char *wrong = take_number(text, kind);
    int length = (int)(*text - begin), power;
    char number[NUMBER];

    if (!wrong) {
        skip_blanks(text);
        wrong = take_unit(text, kind, &power);
    }
    if (!wrong) {
        /* Not multiplied: 1.001 * 1000 is a little less than 1001, "1.001e3" is what it says. */
        snprintf(number, sizeof number, "%.*se%d", length, begin, power);
        gate->value = strtod(number, NULL);
    }
    return wrong;
}

bool
gate_parse(struct gate *gate, const char *text, const char **why)
{
    const char *rest = text;

    *gate = (struct gate){.text = text};
    skip_blanks(&rest);
    *why = *rest == '\0' ? "something like p99<50ms or failed==0 is allowed" : NULL;
    if (!*why) {
        *why = take_metric(gate, &rest);
    }
    if (!*why) {
        skip_blanks(&rest);
        *why = take_operator(gate, &rest);
    }
    if (!*why) {
        skip_blanks(&rest);
        *why = take_value(gate, &rest);
    }
    return !*why;
}

/* --- judging a run --------------------------------------------------------------------------- */

static struct judgement
look_at_time(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    const struct metric *metric = &metrics[gate->metric];
    int loop = tally_latency(load);
    int latency = gate->latency == LATENCY_OF_LOOP ? loop : gate->latency;
    const struct histogram *times = &totals->latencies[latency];
    struct judgement found = {.known = times->count > 0};

    switch (metric->measure) {
    case MEASURE_LEAST:
        found.value = histogram_least(times);
        break;
    case MEASURE_MEAN:
        found.value = histogram_mean(times);
        break;
    case MEASURE_MOST:
        found.value = histogram_most(times);
        break;
    default:
        found.value = histogram_percentile(times, metric->millionths);
    }
    return found;
}

static struct judgement
look_at_run(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    switch (metrics[gate->metric].measure) {
    case MEASURE_FAILED:
        return (struct judgement){.known = true, .value = (double)totals->failed};
    case MEASURE_UNSENT:
        return (struct judgement){.known = true, .value = (double)totals->unsent};
    case MEASURE_COMPLETED:
        return (struct judgement){.known = true, .value = (double)totals->completed};
    case MEASURE_CHILDREN:
        return (struct judgement){.known = true, .value = (double)totals->distribution.used};
    case MEASURE_HELD: /* of what nobody asked for, there is no number */
        return (struct judgement){.known = load->held > 0, .value = (double)totals->held.least};
    case MEASURE_RATE:
        return (struct judgement){.known = true, .value = totals_rate(totals, totals->completed)};
    default:
        return (struct judgement){.known = totals->distribution.used > 0,
                                  .value = totals->evenness.jain};
    }
}

static bool
compare(double value, enum gate_operator operator, double limit)
{
    switch (operator) {
    case GATE_LESS:
        return value < limit;
    case GATE_AT_MOST:
        return value <= limit;
    case GATE_MORE:
        return value > limit;
    case GATE_AT_LEAST:
        return value >= limit;
    default:
        return value == limit;
    }
}

struct judgement
gate_judge(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    bool is_time = metrics[gate->metric].kind == KIND_TIME;
    struct judgement found =
        is_time ? look_at_time(gate, load, totals) : look_at_run(gate, load, totals);

    found.holds = found.known && compare(found.value, gate->operator, gate->value);
    return found;
}

bool
gate_is_bound(const struct gate *gate)
{
    bool failures = gate_is_about_failures(gate);

    if (gate->operator== GATE_LESS || gate->operator== GATE_AT_MOST) {
        return failures || metrics[gate->metric].kind == KIND_TIME;
    }
    return failures && gate->operator== GATE_EQUAL;
}

static bool
is_of(const struct gate *gate, enum measure measure)
{
    return metrics[gate->metric].measure == measure;
}

const char *
gate_unfit(const struct gate *gate, const struct load *load)
{
    bool is_time = metrics[gate->metric].kind == KIND_TIME;
    bool stamped = !load->message && load->bytes >= CONN_STAMP;

    if (is_time && gate->latency == LATENCY_RESPONSE && !load_is_open(load)) {
        return "without -r there are no response times";
    }
    if (is_of(gate, MEASURE_HELD) && load->held == 0) {
        return "without -H no connection is held";
    }
    if (!stamped && (is_of(gate, MEASURE_CHILDREN) || is_of(gate, MEASURE_JAIN))) {
        return "replies to -M, and of less than 32 bytes, do not say which child sent them";
    }
    return NULL;
}

bool
gate_is_about_failures(const struct gate *gate)
{
    return metrics[gate->metric].measure == MEASURE_FAILED;
}

/* --- showing what was found ------------------------------------------------------------------ */

/* A number as it is printed. */
struct figure {
    double number;
    int decimals, power; /* the point of the number moves so far to that of the value */
    const char *blank, *unit;
};

static struct figure
figure_of(const struct metric *metric, double value)
{
    struct duration duration;

    switch (metric->measure) {
    case MEASURE_RATE:
        return (struct figure){value, 1, 0, "", "/s"};
    case MEASURE_JAIN:
        return (struct figure){value, 4, 0, "", ""};
    default:
        break;
    }
    if (metric->kind == KIND_COUNT) {
        return (struct figure){value, 0, 0, "", ""};
    }
    duration = duration_of(value);
    return (struct figure){duration.number, duration.decimals,
                           units[find_unit(duration.unit, strlen(duration.unit))].power, " ",
                           duration.unit};
}

static int
order(double left, double right)
{
    return (left > right) - (left < right);
}

/* True if who reads the figure sees whether the value is less than the limit, equal, or more. */
static bool
is_plain(const struct figure *figure, double value, double limit)
{
    char number[NUMBER];

    snprintf(number, sizeof number, "%.*fe%d", figure->decimals, figure->number, figure->power);
    return order(strtod(number, NULL), limit) == order(value, limit);
}

const char *
gate_found(const struct gate *gate, const struct judgement *judgement, char text[GATE_TEXT])
{
    struct figure figure = figure_of(&metrics[gate->metric], judgement->value);

    if (!judgement->known) {
        snprintf(text, GATE_TEXT, "none");
        return text;
    }
    while (figure.decimals < DECIMALS_SHOWN && !is_plain(&figure, judgement->value, gate->value)) {
        figure.decimals++;
    }
    snprintf(text, GATE_TEXT, "%.*f%s%s", figure.decimals, figure.number, figure.blank,
             figure.unit);
    return text;
}
