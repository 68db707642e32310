#include "schedule.h"

#include <stddef.h>
#include <string.h>

#include "../../common/die.h"
#include "number.h"
#include "../figures/histogram.h"

enum { NS = DIGITS_BILLION };

/* --- the options ----------------------------------------------------------------------------- */

static _Noreturn void
rate_not_allowed(const char *value)
{
    die_usage("-r '%.60s': RATE, FROM:TO or max@BOUND is allowed, in whole connections per second "
              "from 1 to %d; for example -r 1000",
              value, PLAN_RATE_MOST);
}

static bool
take_rate(const char **text, uint32_t *rate)
{
    return digits_take(text, PLAN_RATE_MOST, rate) && *rate > 0;
}

void
plan_take_rate(struct plan *plan, const char *value)
{
    static const char search[] = "max@";
    const char *text = value;

    if (strncmp(value, search, strlen(search)) == 0) {
        plan->kind = PLAN_SEARCH;
        plan->bound = value + strlen(search);
        return;
    }
    plan->kind = PLAN_OPEN;
    if (!take_rate(&text, &plan->rate)) {
        rate_not_allowed(value);
    }
    plan->rate_to = plan->rate;
    if (*text == ':') {
        text++;
        plan->kind = PLAN_RAMP;
        if (!take_rate(&text, &plan->rate_to)) {
            rate_not_allowed(value);
        }
    }
    if (*text != '\0') {
        rate_not_allowed(value);
    }
}

void
plan_take_duration(struct plan *plan, const char *value)
{
    const char *text = value;
    uint64_t ns;

    if (!digits_take_decimal(&text, PLAN_SECONDS_MOST, &ns) || *text != '\0' ||
        ns < PLAN_LEAST_NS || ns > (uint64_t)PLAN_SECONDS_MOST * NS) {
        die_usage("-d '%.60s': seconds from 0.001 to %d are allowed, with up to 9 decimals; for "
                  "example -d 10",
                  value, PLAN_SECONDS_MOST);
    }
    plan->duration_ns = (int64_t)ns;
}

/* --- when what is due ------------------------------------------------------------------------ */

bool
plan_open(const struct plan *plan)
{
    return plan->kind != PLAN_CLOSED;
}

bool
plan_timed(const struct plan *plan)
{
    return plan_open(plan) || plan->duration_ns > 0;
}

/* The rate grows by this in each second. */
static double
growth(const struct plan *plan)
{
    return ((double)plan->rate_to - (double)plan->rate) * NS / (double)plan->duration_ns;
}

/* After t seconds, rate t + growth t^2 / 2 connections were due: that is k, solved for t in the way
 * that loses no digits where the growth is small. */
static int64_t
ramp_due(const struct plan *plan, uint64_t k)
{
    double rate = plan->rate, count = (double)k;
    double square = rate * rate + 2 * growth(plan) * count;

    return (int64_t)(2 * count / (rate + histogram_root(square)) * NS);
}

static uint64_t
ramp_count(const struct plan *plan, int64_t ns)
{
    double t = (double)ns / NS;
    double count = plan->rate * t + growth(plan) * t * t / 2;

    return (uint64_t)count + 1;
}

int64_t
plan_due(const struct plan *plan, uint64_t k)
{
    if (plan->kind == PLAN_RAMP) {
        return ramp_due(plan, k);
    }
    /* In two steps: k * 10^9 might overflow. */
    return (int64_t)(k / plan->rate * NS + k % plan->rate * NS / plan->rate);
}

uint64_t
plan_count(const struct plan *plan, int64_t ns)
{
    uint64_t time, count;

    if (ns <= 0) {
        return 0;
    }
    if (plan->kind == PLAN_RAMP && ns > plan->duration_ns) {
        ns = plan->duration_ns;
    }
    time = (uint64_t)ns;
    count = plan->kind == PLAN_RAMP ? ramp_count(plan, ns)
                                    : time / NS * plan->rate + time % NS * plan->rate / NS + 1;
    /* Rounding may have it wrong by one or, with a ramp, by a few. */
    while (plan_due(plan, count - 1) >= ns) {
        count--;
    }
    while (plan_due(plan, count) < ns) {
        count++;
    }
    return count;
}
