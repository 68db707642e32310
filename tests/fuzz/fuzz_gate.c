/*
 * fuzz_gate - client/ask/gate.c: the conditions of -f and -r max@, and what is told of them.
 *
 * The oracle takes an expression apart from its end: value and unit, operator, metric. Both must
 * agree on what is a gate, and the same text with other blanks must be the same gate. What holds is
 * computed anew; and the figure that people are shown must be on the side of the limit on which the
 * value is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "../../client/ask/gate.c"

enum { TEXT_MOST = 200 };

/* --- the oracle ------------------------------------------------------------------------------ */

static bool
is_among(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* Cuts blanks, spaces and tabs, off both ends. */
static char *
strip(char *text)
{
    size_t length;

    while (*text == ' ' || *text == '\t') {
        text++;
    }
    length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        text[--length] = '\0';
    }
    return text;
}

static bool
is_metric(const char *word, bool *is_time, bool *is_count)
{
    static const char *const times[] = {"min", "mean", "p25",  "p50",   "p75", "p90",
                                        "p95", "p99",  "p999", "p9999", "max", NULL};
    static const char *const counts[] = {"failed", "unsent", "completed", "children", "held", NULL};
    static const char *const ratios[] = {"rate", "jain", NULL};
    static const char *const fronts[] = {"connect.", "first_byte.", "service.", "response.", NULL};

    for (size_t i = 0; fronts[i]; i++) {
        if (strncmp(word, fronts[i], strlen(fronts[i])) == 0) {
            *is_time = true;
            *is_count = false;
            return is_among(word + strlen(fronts[i]), times);
        }
    }
    *is_time = is_among(word, times);
    *is_count = is_among(word, counts);
    return *is_time || *is_count || is_among(word, ratios);
}

/* 1 to 13 digits, and perhaps a point and 1 to 9 more; at most 10^12. */
static bool
is_number(const char *word, bool is_count)
{
    size_t whole = strspn(word, "0123456789");
    size_t more = word[whole] == '.' ? strspn(word + whole + 1, "0123456789") : 0;
    size_t length = whole + (more > 0 ? 1 + more : 0);

    if (whole < 1 || whole > 13 || more > 9 || word[length] != '\0' || (is_count && more > 0)) {
        return false;
    }
    return atof(word) <= 1e12;
}

/* Cuts the unit, and blanks in front of it, off the value. */
static bool
cut_unit(char *value, double *factor)
{
    static const struct {
        const char *name;
        double factor;
    } names[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
    size_t length = strlen(value);

    for (size_t i = 0; i < 3; i++) {
        size_t unit = strlen(names[i].name);

        if (length > unit && strcmp(value + length - unit, names[i].name) == 0) {
            value[length - unit] = '\0';
            *factor = names[i].factor;
            strip(value);
            return true;
        }
    }
    return false;
}

struct expected {
    bool valid, is_time;
    char operator[3];
    double value; /* us where it is a time */
};

static struct expected
understand(const char *original)
{
    struct expected expected = {.valid = false};
    char text[TEXT_MOST + 1], *place, *value;
    double factor = 1;
    bool is_count;
    size_t length;

    strcpy(text, original);
    place = strpbrk(text, "<>=!");
    if (!place) {
        return expected;
    }
    length = place[0] == '=' || place[1] == '=' ? 2 : 1;
    memcpy(expected.operator, place, length);
    if (place[0] == '!' || (place[0] == '=' && place[1] != '=')) {
        return expected;
    }
    value = strip(place + length);
    *place = '\0';
    if (!is_metric(strip(text), &expected.is_time, &is_count)) {
        return expected;
    }
    if (expected.is_time && !cut_unit(value, &factor)) {
        return expected;
    }
    expected.valid = is_number(value, is_count);
    expected.value = atof(value) * factor;
    return expected;
}

static bool
holds(double value, const char *operator, double limit)
{
    switch (operator[0]) {
    case '<':
        return operator[1] ? value <= limit : value<limit;
    case '>':
        return operator[1] ? value >= limit : value> limit;
    default:
        return value == limit;
    }
}

/* --- a run ----------------------------------------------------------------------------------- */

static struct load load;
static struct totals totals;

/* The figures of a run, near the limit or anywhere. */
static void
make_run(struct input *input, double limit)
{
    uint8_t flags = input_byte(input);
    uint64_t value = input_number(input, 4);

    memset(&load, 0, sizeof load);
    totals = (struct totals){.seconds = 0};
    load.schedule.kind = flags & 1 ? SCHEDULE_OPEN : SCHEDULE_CLOSED;
    load.held = flags & 2;
    load.bytes = flags & 4 ? 100 : 10;
    if (flags & 8 && limit < 4e9) {
        value = (uint64_t)limit + value % 3 - (limit >= 1);
    }
    totals.failed = totals.unsent = totals.completed = value;
    totals.held.least = value;
    totals.distribution.used = flags & 16 ? (size_t)value : 0;
    totals.evenness.jain = (double)value / 4294967296.0;
    totals.seconds = 1 + flags % 7;
    for (int kind = 0; kind < LATENCY_KINDS && flags & 32; kind++) {
        histogram_record(&totals.latencies[kind], (int64_t)(value * (1 + flags / 64)));
    }
}

/* "1.23 ms" read back, as a number in the unit of the gate's value. */
static double
read_back(const char *shown)
{
    static const struct {
        const char *name;
        int power;
    } units[] = {{" us", 0}, {" ms", 3}, {" s", 6}, {"/s", 0}, {"", 0}};
    size_t digits_shown = strspn(shown, "0123456789."), unit = 0;
    char text[GATE_TEXT + 4];

    while (unit < 4 && strcmp(shown + digits_shown, units[unit].name) != 0) {
        unit++;
    }
    CHECK(shown[digits_shown] == '\0' || unit < 4, "%s", shown);
    snprintf(text, sizeof text, "%.*se%d", (int)digits_shown, shown, units[unit].power);
    return strtod(text, NULL);
}

static void
judge_run(const struct gate *gate, const struct expected *expected, struct input *input)
{
    struct judgement found;
    char text[GATE_TEXT];
    double shown;

    make_run(input, gate->value);
    found = gate_judge(gate, &load, &totals);
    CHECK(found.holds == (found.known && holds(found.value, expected->operator, gate->value)),
          "%s with %.17g: %d", gate->text, found.value, found.holds);
    CHECK(gate_found(gate, &found, text) == text && strlen(text) < GATE_TEXT - 1, "%s", text);
    if (!found.known) {
        CHECK(strcmp(text, "none") == 0, "%s", text);
        return;
    }
    shown = read_back(text);
    CHECK((shown < gate->value) == (found.value < gate->value) &&
              (shown > gate->value) == (found.value > gate->value),
          "%s: %.17g is shown as %s", gate->text, found.value, text);
    CHECK(gate_unfit(gate, &load) == NULL || strlen(gate_unfit(gate, &load)) > 0, "no reason");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct input part = input_part(&input, input_byte(&input));
    char *text = input_text(&part, TEXT_MOST);
    struct expected expected;
    struct gate gate;
    const char *why;

    if (!text) {
        return 0;
    }
    expected = understand(text);
    CHECK(gate_parse(&gate, text, &why) == expected.valid, "'%s' is %s", text,
          expected.valid ? "refused" : "taken");
    CHECK(expected.valid == (why == NULL) && (!why || why[strlen(why) - 1] != '.'), "%s", text);
    if (expected.valid) {
        CHECK(gate.value >= expected.value * (1 - 1e-15) &&
                  gate.value <= expected.value * (1 + 1e-15),
              "%s is %.17g instead of %.17g", text, gate.value, expected.value);
        CHECK(!gate_is_bound(&gate) || gate_is_about_failures(&gate) || expected.is_time, "%s",
              text);
        judge_run(&gate, &expected, &input);
    }
    free(text);
    return 0;
}
