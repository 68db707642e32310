#include "schedule.h"

#include <stdbool.h>
#include <string.h>

#include "../../common/die.h"
#include "../../common/options.h"
#include "../figures/histogram.h"
#include "number.h"

enum { NS = NUMBER_BILLION };

/* --- the options ----------------------------------------------------------------------------- */

static bool
take_rate(const char **text, uint32_t *rate)
{
    uint64_t number = 0;
    bool good = options_take_quantity(text, OPTIONS_NUMBER, 1, SCHEDULE_RATE_MOST, &number);

    *rate = (uint32_t)number;
    return good && number > 0;
}

void
schedule_take_rate(struct schedule *schedule, const char *value)
{
    static const char search[] = "max@";
    const char *text = value;
    bool good;

    if (strncmp(value, search, strlen(search)) == 0) {
        schedule->kind = SCHEDULE_SEARCH;
        schedule->bound = value + strlen(search);
        return;
    }
    schedule->kind = SCHEDULE_OPEN;
    good = take_rate(&text, &schedule->rate);
    schedule->rate_to = schedule->rate;
    if (good && *text == ':') {
        text++;
        schedule->kind = SCHEDULE_RAMP;
        good = take_rate(&text, &schedule->rate_to);
    }
    if (!good || *text != '\0') {
        die_usage("-r '%.60s': RATE, FROM:TO or max@BOUND is allowed, in whole connections per "
                  "second from 1 to %d; for example -r 1000",
                  value, SCHEDULE_RATE_MOST);
    }
}

int64_t
schedule_take_time(int letter, const char *value, int64_t least_us)
{
    int64_t most_us = (int64_t)SCHEDULE_SECONDS_MOST * 1000 * 1000;

    return options_quantity(letter, value, OPTIONS_TIME, least_us, most_us) * 1000;
}

const char *
schedule_mode(const struct schedule *schedule)
{
    static const char *const modes[] = {
        [SCHEDULE_CLOSED] = "closed",
        [SCHEDULE_OPEN] = "open",
        [SCHEDULE_RAMP] = "ramp",
        [SCHEDULE_SEARCH] = "open", /* each of its runs is one */
    };

    return modes[schedule->kind];
}

/* --- when connections are due ---------------------------------------------------------------- */

/* The rate grows by this in each second. */
static double
growth(const struct schedule *schedule)
{
    return ((double)schedule->rate_to - (double)schedule->rate) * NS /
           (double)schedule->duration_ns;
}

/* After t seconds, rate t + growth t^2 / 2 connections were due: that is k, solved for t in the way
 * that loses no digits where the growth is small. */
static int64_t
ramp_due(const struct schedule *schedule, uint64_t k)
{
    double rate = schedule->rate, count = (double)k;
    double square = rate * rate + 2 * growth(schedule) * count;

    return (int64_t)(2 * count / (rate + histogram_root(square)) * NS);
}

static uint64_t
ramp_count(const struct schedule *schedule, int64_t ns)
{
    double t = (double)ns / NS;

    return (uint64_t)(schedule->rate * t + growth(schedule) * t * t / 2);
}

int64_t
schedule_due(const struct schedule *schedule, uint64_t k)
{
    return schedule->kind == SCHEDULE_RAMP ? ramp_due(schedule, k)
                                           : (int64_t)number_scale(k, NS, schedule->rate);
}

uint64_t
schedule_count(const struct schedule *schedule, int64_t ns)
{
    bool ramp = schedule->kind == SCHEDULE_RAMP;
    uint64_t count;

    if (ns <= 0) {
        return 0;
    }
    if (ramp && ns > schedule->duration_ns) {
        ns = schedule->duration_ns;
    }
    count = 1 + (ramp ? ramp_count(schedule, ns) : number_scale((uint64_t)ns, schedule->rate, NS));
    /* Rounding may have it wrong by one or, with a ramp, by a few. */
    while (schedule_due(schedule, count - 1) >= ns) {
        count--;
    }
    while (schedule_due(schedule, count) < ns) {
        count++;
    }
    return count;
}
