/*
 * fuzz_gate - client/ask/gate.c: the conditions of -f and -r max@, and what is told of them.
 *
 * The oracle is a regular expression for times, and one for the other metrics. Both must agree on
 * what is a gate, and on its value. What holds is computed anew; and the figure that people are
 * shown must be on the side of the limit on which the value is.
 */
#include <regex.h>
#include <string.h>

#include "fuzz.h"

#include "../../client/ask/gate.c"

enum { TEXT_MOST = 200 };

/* --- the oracle ------------------------------------------------------------------------------ */

#define BLANKS "[ \t]*"
#define OPERATOR BLANKS "(<|<=|>|>=|==)" BLANKS
#define WHOLE "[0-9]{1,13}"
#define DECIMAL WHOLE "([.][0-9]{1,9})?"

/* The first is that of times. */
static const char *const forms[] = {
    "^" BLANKS "((connect|first_byte|service|response)[.])?"
    "(min|mean|p25|p50|p75|p90|p95|p99|p999|p9999|max)" OPERATOR DECIMAL BLANKS "(us|ms|s)" BLANKS
    "$",
    "^" BLANKS "(failed|unsent|completed|children|held)" OPERATOR WHOLE BLANKS "$",
    "^" BLANKS "(rate|jain)" OPERATOR DECIMAL BLANKS "$",
};

enum { FORMS = sizeof forms / sizeof forms[0] };

struct expected {
    bool valid, is_time;
    char operator[3];
    double value; /* us where it is a time */
};

static struct expected
understand(const char *text)
{
    static regex_t expressions[FORMS];
    struct expected expected = {.valid = false};
    const char *operator= strpbrk(text, "<>=");
    size_t form = 0;
    char *unit;

    for (size_t i = 0; i < FORMS && expressions[FORMS - 1].re_nsub == 0; i++) {
        CHECK(regcomp(&expressions[i], forms[i], REG_EXTENDED) == 0, "regcomp: %s", forms[i]);
    }
    while (form < FORMS && regexec(&expressions[form], text, 0, NULL, 0) != 0) {
        form++;
    }
    if (form < FORMS) {
        memcpy(expected.operator, operator, operator[1] == '=' ? 2 : 1);
        expected.value = strtod(operator+ strlen(expected.operator), &unit);
        expected.valid = expected.value <= 1e12;
        expected.is_time = form == 0;
        unit += strspn(unit, " \t");
        expected.value *= *unit == 'm' ? 1e3 : *unit == 's' ? 1e6 : 1;
    }
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
