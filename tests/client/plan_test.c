/*
 * plan_test - when the connections of an open loop are due, and the lottery of -W and -x. Says what
 * is wrong and fails, or says nothing.
 */
#include <stdbool.h>

#include "../../client/ask/lottery.h"
#include "../../client/ask/load.h"
#include "../../client/ask/schedule.h"
#include "../helpers/check.h"

enum { SECOND = 1000 * 1000 * 1000 };

/* Is it within so many of that? */
static void
check_near(const char *what, double is, double wanted, double bound)
{
    CHECK(is >= wanted - bound && is <= wanted + bound, "%s: %.1f instead of %.1f", what, is,
          wanted);
}

static struct schedule
rate_of(const char *value)
{
    struct schedule schedule = {.kind = SCHEDULE_CLOSED};

    check_subject = value;
    schedule_take_rate(&schedule, value);
    return schedule;
}

/* Connection k is due at k / rate, to the nanosecond, however far on. */
static void
check_steady(const char *value, uint64_t rate)
{
    struct schedule schedule = rate_of(value);

    for (uint64_t k = 0; k < 1000; k++) {
        CHECK_IS(schedule_due(&schedule, k), k * SECOND / rate, "due");
    }
    for (uint64_t seconds = 1; seconds <= SCHEDULE_SECONDS_MOST; seconds *= 3) {
        int64_t at = (int64_t)(seconds * SECOND);

        CHECK_IS(schedule_due(&schedule, rate * seconds), at, "due");
        CHECK_IS(schedule_count(&schedule, at), rate * seconds, "count");
    }
}

/* As many are due before a moment as have a due time before it. */
static void
check_count(const struct schedule *schedule, int64_t end)
{
    uint64_t total = schedule_count(schedule, end);

    CHECK(schedule_due(schedule, total - 1) < end, "the last is due after the end");
    CHECK(schedule_due(schedule, total) >= end, "the next is due before the end");
    for (uint64_t k = 0; k < total; k += total / 1000 + 1) {
        int64_t due = schedule_due(schedule, k);

        CHECK(due >= (k > 0 ? schedule_due(schedule, k - 1) : 0), "due before the one before it");
        CHECK_IS(schedule_count(schedule, due + 1), k + 1, "count at its due time");
    }
}

/* Over the time, (from + to) / 2 per second; in each part of it the rate that belongs there. */
static void
check_ramp(const char *value, double from, double to, int64_t duration)
{
    struct schedule schedule = rate_of(value);
    double seconds = (double)duration / SECOND, parts = 100, all = (from + to) / 2 * seconds;

    schedule.duration_ns = duration;
    check_count(&schedule, duration);
    check_near("connections", (double)schedule_count(&schedule, duration), all, all / 10000 + 1);
    for (double part = 0; part < parts; part++) {
        int64_t begin = (int64_t)(seconds * part / parts * SECOND);
        int64_t end = (int64_t)(seconds * (part + 1) / parts * SECOND);
        double count = (from + (to - from) * (part + 0.5) / parts) * seconds / parts;

        check_near("connections in a part",
                   (double)(schedule_count(&schedule, end) - schedule_count(&schedule, begin)),
                   count, count / 10000 + 2);
    }
}

/* The processes share the row out: together they have all of it, each every so-and-so-many-th. */
static void
check_shares(void)
{
    for (unsigned processes = 1; processes < 20; processes++) {
        struct load load = {.processes = processes};

        for (uint64_t total = 0; total < 100; total++) {
            uint64_t seen = 0;

            for (unsigned i = 0; i < processes; i++) {
                uint64_t mine = load_share(&load, i, total);

                seen += mine;
                CHECK(mine == 0 || load_nth(&load, i, mine - 1) < total, "the last of process %u",
                      i);
                CHECK(load_nth(&load, i, mine) >= total, "beyond the last of process %u", i);
            }
            CHECK_IS(seen, total, "all processes together");
        }
    }
}

/* Shares are kept within five standard deviations; seeds, processes and purposes differ. */
static void
check_draws(void)
{
    enum { DRAWS = 100000 };
    static const struct lottery_option option = {'W', 1, "", ""};
    const uint64_t keys[] = {lottery_key(1, 0, LOTTERY_WORK), lottery_key(2, 0, LOTTERY_WORK),
                             lottery_key(1, 1, LOTTERY_WORK), lottery_key(1, 0, LOTTERY_MISBEHAVE)};
    struct lottery tenth = {0}, all = {0};

    check_subject = "lottery";
    lottery_add(&tenth, &option, "@0.1", "@0.1");
    lottery_add(&all, &option, "", "");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t below = 0, both = 0;

        for (uint64_t nth = 0; nth < DRAWS; nth++) {
            bool drawn = lottery_draw(&tenth, keys[i], nth) == 0;

            below += drawn;
            both += drawn && lottery_draw(&tenth, keys[0], nth) == 0;
        }
        check_near("a tenth of the draws", (double)below, DRAWS / 10, 475);
        if (i > 0) { /* drawn independently: a tenth of the tenth */
            check_near("draws in common", (double)both, DRAWS / 100, 158);
        }
    }
    CHECK_IS(all.below[0], (int64_t)1 << 32, "the limit of all");
}

int
main(void)
{
    check_steady("1", 1);
    check_steady("3", 3);
    check_steady("7000", 7000);
    check_steady("10000000", 10000000);
    check_count(&(struct schedule){.kind = SCHEDULE_OPEN, .rate = 999, .rate_to = 999},
                (int64_t)7 * SECOND / 2);
    check_ramp("100:1000", 100, 1000, (int64_t)10 * SECOND);
    check_ramp("1000:100", 1000, 100, (int64_t)10 * SECOND);
    check_ramp("1:10000000", 1, 10000000, (int64_t)60 * SECOND);
    check_ramp("10000000:1", 10000000, 1, (int64_t)60 * SECOND);
    check_ramp("500:500", 500, 500, (int64_t)3 * SECOND);
    check_ramp("20000:20001", 20000, 20001, (int64_t)SCHEDULE_SECONDS_MOST * SECOND);
    check_shares();
    check_draws();
    return EXIT_SUCCESS;
}
