#include "gate.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/conn.h"
#include "../figures/totals.h"
#include "../report/format.h"

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

/* Of a time, which a histogram tells: up to MEAN; whole numbers of the run: up to HELD; ratios. */
enum measure {
    MEASURE_PERCENTILE,
    MEASURE_MEAN,
    MEASURE_FAILED,
    MEASURE_UNSENT,
    MEASURE_COMPLETED,
    MEASURE_CHILDREN,
    MEASURE_HELD,
    MEASURE_RATE,
    MEASURE_JAIN
};

static const struct metric {
    const char *name;
    enum measure measure;
    uint32_t millionths; /* of a percentile; the least is the one of 0, the greatest of a million */
} metrics[] = {{"min", MEASURE_PERCENTILE, 0},
               {"mean", MEASURE_MEAN, 0},
               {"p25", MEASURE_PERCENTILE, 250000},
               {"p50", MEASURE_PERCENTILE, 500000},
               {"p75", MEASURE_PERCENTILE, 750000},
               {"p90", MEASURE_PERCENTILE, 900000},
               {"p95", MEASURE_PERCENTILE, 950000},
               {"p99", MEASURE_PERCENTILE, 990000},
               {"p999", MEASURE_PERCENTILE, 999000},
               {"p9999", MEASURE_PERCENTILE, 999900},
               {"max", MEASURE_PERCENTILE, 1000000},
               {"failed", MEASURE_FAILED, 0},
               {"unsent", MEASURE_UNSENT, 0},
               {"completed", MEASURE_COMPLETED, 0},
               {"children", MEASURE_CHILDREN, 0},
               {"held", MEASURE_HELD, 0},
               {"rate", MEASURE_RATE, 0},
               {"jain", MEASURE_JAIN, 0}};

enum { METRICS = sizeof metrics / sizeof metrics[0] };

static enum measure
measure_of(const struct gate *gate)
{
    return metrics[gate->metric].measure;
}

static bool
is_time(const struct gate *gate)
{
    return measure_of(gate) <= MEASURE_MEAN;
}

static bool
is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* --- reading a gate -------------------------------------------------------------------------- */

/* These functions take a part of the gate from `*text`, and move `*text` behind it. They return
 * the reason if it is not allowed, or NULL. */

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
        size_t name = strlen(tally_latency_names[i]);

        if (strncmp(*text, tally_latency_names[i], name) == 0 && (*text)[name] == '.') {
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
    if (!is_time(gate) && gate->latency != LATENCY_OF_LOOP) {
        return "only a time (min, mean, p25 to p9999, max) may have a word in front";
    }
    *text = end;
    return NULL;
}

static const char *
take_operator(struct gate *gate, const char **text)
{
    /* The longer ones first: `<` is also the beginning of `<=`. */
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

/* Only finds the end of the number. */
static const char *
take_number(const struct gate *gate, const char **text)
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
    if (fraction && !is_time(gate) && measure_of(gate) <= MEASURE_HELD) {
        return "a count is a whole number";
    }
    *text += whole + fraction + decimals;
    return NULL;
}

/* The decimal point moves by `*power` from the unit to microseconds. */
static const char *
take_unit(const struct gate *gate, const char **text, int *power)
{
    static const char *const units[] = {"us", "ms", "s"};
    size_t length = strcspn(*text, blanks), unit = 0;

    *power = 0;
    if (!is_time(gate)) {
        return **text == '\0' ? NULL : "behind the number stands nothing: only a time has a unit";
    }
    if (length == 0) {
        return "a time needs a unit: us, ms or s";
    }
    while (unit < 3 && !is_word(*text, length, units[unit])) {
        unit++;
    }
    if (unit == 3) {
        return "the unit of a time is us, ms or s";
    }
    *power = 3 * (int)unit;
    *text += length;
    skip_blanks(text);
    return **text == '\0' ? NULL : "behind the unit stands nothing";
}

static const char *
take_value(struct gate *gate, const char **text)
{
    const char *begin = *text;
    const char *wrong = take_number(gate, text);
    int length = (int)(*text - begin), power;
    char number[NUMBER];

    if (!wrong) {
        skip_blanks(text);
        wrong = take_unit(gate, text, &power);
    }
    if (!wrong) {
        /* Not multiplied: 1.001 * 1000 is a little less than 1001, but "1.001e3" is 1001. */
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

bool
gate_is_about_failures(const struct gate *gate)
{
    return measure_of(gate) == MEASURE_FAILED;
}

bool
gate_is_bound(const struct gate *gate)
{
    if (gate->operator== GATE_LESS || gate->operator== GATE_AT_MOST) {
        return is_time(gate) || gate_is_about_failures(gate);
    }
    return gate->operator== GATE_EQUAL && gate_is_about_failures(gate);
}

/* The most that the metric can be in a run of this load. */
static double
most_of(const struct gate *gate, const struct load *load)
{
    enum measure measure = measure_of(gate);
    bool is_count = measure >= MEASURE_FAILED && measure <= MEASURE_CHILDREN;
    bool known = load->schedule.kind != SCHEDULE_SEARCH && load_total(load) > 0;

    if (measure == MEASURE_JAIN) {
        return 1;
    }
    if (measure == MEASURE_HELD) {
        return load->held;
    }
    return is_count && known ? (double)load_total(load) : DBL_MAX;
}

/* True if some value from 0 to `most` passes. (Jain's index is more than 0.) */
static bool
is_passable(const struct gate *gate, double most)
{
    double least = measure_of(gate) == MEASURE_JAIN ? DBL_MIN : 0;

    if (gate->operator== GATE_LESS) {
        return gate->value > least;
    }
    if (gate->operator== GATE_MORE) {
        return gate->value < most;
    }
    return (gate->operator== GATE_AT_LEAST || gate->value >= least) &&
           (gate->operator== GATE_AT_MOST || gate->value <= most);
}

const char *
gate_unfit(const struct gate *gate, const struct load *load)
{
    bool stamped = !load->message && (load->path || load->bytes >= CONN_STAMP);
    enum measure measure = measure_of(gate);

    if (is_time(gate) && gate->latency == LATENCY_RESPONSE && !load_is_open(load)) {
        return "without -r there are no response times";
    }
    if (measure == MEASURE_HELD && load->held == 0) {
        return "without -H no connection is held";
    }
    if (!stamped && (measure == MEASURE_CHILDREN || measure == MEASURE_JAIN)) {
        return "replies to -M, and of less than 32 bytes, do not say which child sent them";
    }
    if (!is_passable(gate, most_of(gate, load))) {
        return "no run of these options can have such a value";
    }
    return NULL;
}

/* --- judging a run --------------------------------------------------------------------------- */

const char *
gate_time(const struct gate *gate, const struct load *load)
{
    int latency = gate->latency == LATENCY_OF_LOOP ? (int)tally_latency(load) : gate->latency;

    return is_time(gate) ? tally_latency_names[latency] : NULL;
}

static struct judgement
find_time(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    int latency = gate->latency == LATENCY_OF_LOOP ? (int)tally_latency(load) : gate->latency;
    const struct histogram *times = &totals->latencies[latency];
    uint32_t millionths = metrics[gate->metric].millionths;

    return (struct judgement){
        .known = times->count > 0,
        .value = measure_of(gate) == MEASURE_MEAN ? histogram_mean(times)
                                                  : histogram_percentile(times, millionths),
    };
}

static struct judgement
find(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    switch (measure_of(gate)) {
    case MEASURE_FAILED:
        return (struct judgement){.known = true, .value = (double)totals->failed};
    case MEASURE_UNSENT:
        return (struct judgement){.known = true, .value = (double)totals->unsent};
    case MEASURE_COMPLETED:
        return (struct judgement){.known = true, .value = (double)totals->completed};
    case MEASURE_CHILDREN:
        return (struct judgement){.known = true, .value = (double)totals->distribution.used};
    case MEASURE_HELD: /* without -H there is no number */
        return (struct judgement){.known = load->held > 0, .value = (double)totals->held.least};
    case MEASURE_RATE:
        return (struct judgement){.known = true, .value = totals_rate(totals, totals->completed)};
    case MEASURE_JAIN:
        return (struct judgement){.known = totals->distribution.used > 0,
                                  .value = totals->evenness.jain};
    default:
        return find_time(gate, load, totals);
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
    struct judgement found = find(gate, load, totals);

    found.holds = found.known && compare(found.value, gate->operator, gate->value);
    return found;
}

struct judgement
gate_judge_punctual(const struct gate *gate, const struct load *load, const struct totals *totals)
{
    struct gate punctual = *gate;

    if (gate->latency == LATENCY_OF_LOOP || gate->latency == LATENCY_RESPONSE) {
        punctual.latency = LATENCY_PUNCTUAL;
    }
    return gate_judge(&punctual, load, totals);
}

uint64_t
gate_connections(const struct gate *gate)
{
    uint64_t whole = 1000 * 1000, beyond = whole - metrics[gate->metric].millionths;
    bool ranked = measure_of(gate) == MEASURE_PERCENTILE && beyond > 0;
    uint64_t count = ranked ? BEYOND_LEAST * whole / beyond : 0;

    return count > QUARTERS * QUARTER_LEAST ? count : QUARTERS * QUARTER_LEAST;
}

/* --- showing the value that was found -------------------------------------------------------- */

/* The value as a number that is printed with its unit behind it. */
static struct duration
split(const struct gate *gate, double value)
{
    switch (measure_of(gate)) {
    case MEASURE_RATE:
        return (struct duration){value, 1, "/s", 0};
    case MEASURE_JAIN:
        return (struct duration){value, 4, "", 0};
    default:
        return is_time(gate) ? format_split(value) : (struct duration){value, 0, "", 0};
    }
}

static int
order(double left, double right)
{
    return (left > right) - (left < right);
}

/* True if the printed number shows whether the value is less than the limit, equal, or more. */
static bool
is_plain(const struct duration *number, double value, double limit)
{
    char text[NUMBER];

    snprintf(text, sizeof text, "%.*fe%d", number->decimals, number->number, number->power);
    return order(strtod(text, NULL), limit) == order(value, limit);
}

const char *
gate_found(const struct gate *gate, const struct judgement *judgement, char text[GATE_TEXT])
{
    struct duration number = split(gate, judgement->value);

    if (!judgement->known) {
        snprintf(text, GATE_TEXT, "none");
        return text;
    }
    while (number.decimals < DECIMALS_SHOWN && !is_plain(&number, judgement->value, gate->value)) {
        number.decimals++;
    }
    snprintf(text, GATE_TEXT, "%.*f%s%s", number.decimals, number.number, is_time(gate) ? " " : "",
             number.unit);
    return text;
}
