/*
 * plan_test - when the connections of an open loop are due, and the lottery of -W and -x. Says what
 * is wrong and fails, or says nothing.
 */
#include <inttypes.h>

#include "../../client/ask/lottery.h"
#include "../../client/ask/load.h"
#include "../../client/ask/schedule.h"
#include "../helpers/check.h"

enum { SECOND = 1000 * 1000 * 1000 };

static void
check(const char *what, uint64_t nth, int64_t is, int64_t least, int64_t most)
{
    CHECK(is >= least && is <= most, "%s %" PRIu64 ": %" PRId64 " and not %" PRId64 " to %" PRId64,
          what, nth, is, least, most);
}

static struct schedule
rate_of(const char *value)
{
    struct schedule schedule = {.kind = SCHEDULE_CLOSED};

    schedule_take_rate(&schedule, value);
    return schedule;
}

/* Connection k is due at k / rate, to the nanosecond, however far on. */
static void
check_steady(const char *value, uint64_t rate)
{
    struct schedule schedule = rate_of(value);

    for (uint64_t k = 0; k < 1000; k++) {
        check(value, k, schedule_due(&schedule, k), (int64_t)(k * SECOND / rate),
              (int64_t)(k * SECOND / rate));
    }
    for (uint64_t seconds = 1; seconds <= SCHEDULE_SECONDS_MOST; seconds *= 3) {
        int64_t at = (int64_t)(seconds * SECOND);

        check(value, rate * seconds, schedule_due(&schedule, rate * seconds), at, at);
        check("of them are due in the seconds", seconds, (int64_t)schedule_count(&schedule, at),
              (int64_t)(rate * seconds), (int64_t)(rate * seconds));
    }
}

/* As many are due before a moment as have a due time before it. */
static void
check_count(const struct schedule *schedule, int64_t end)
{
    uint64_t total = schedule_count(schedule, end);

    check("the last is due after the end", total, schedule_due(schedule, total - 1), 0, end - 1);
    check("the next is due before the end", total, schedule_due(schedule, total), end, INT64_MAX);
    for (uint64_t k = 0; k < total; k += total / 1000 + 1) {
        int64_t due = schedule_due(schedule, k);

        check("due before the one before it", k, due, k > 0 ? schedule_due(schedule, k - 1) : 0,
              INT64_MAX);
        check("count at its due time", k, (int64_t)schedule_count(schedule, due + 1),
              (int64_t)k + 1, (int64_t)k + 1);
    }
}

/* Over the time, (from + to) / 2 per second; in each part of it the rate that belongs there. */
static void
check_ramp(const char *value, double from, double to, int64_t duration)
{
    struct schedule schedule = rate_of(value);
    double seconds = (double)duration / SECOND, parts = 100;

    schedule.duration_ns = duration;
    check_count(&schedule, duration);
    check(value, 0, (int64_t)schedule_count(&schedule, duration),
          (int64_t)((from + to) / 2 * seconds * 0.9999) - 1,
          (int64_t)((from + to) / 2 * seconds * 1.0001) + 1);
    for (double part = 0; part < parts; part++) {
        int64_t begin = (int64_t)(seconds * part / parts * SECOND);
        int64_t end = (int64_t)(seconds * (part + 1) / parts * SECOND);
        double rate = from + (to - from) * (part + 0.5) / parts;
        double count = rate * seconds / parts;

        check("connections in a part", (uint64_t)part,
              (int64_t)(schedule_count(&schedule, end) - schedule_count(&schedule, begin)),
              (int64_t)(count * 0.9999) - 1, (int64_t)(count * 1.0001) + 1);
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
                if (mine > 0) {
                    check("the last of a process", i, (int64_t)load_nth(&load, i, mine - 1), 0,
                          (int64_t)total - 1);
                }
                check("beyond the last of a process", i, (int64_t)load_nth(&load, i, mine),
                      (int64_t)total, INT64_MAX);
            }
            check("all processes together", processes, (int64_t)seen, (int64_t)total,
                  (int64_t)total);
        }
    }
}

/* Shares are kept within five standard deviations; seeds, processes and purposes differ. */
static void
check_draws(void)
{
    enum { DRAWS = 100000 };
    static const struct {
        uint32_t seed;
        unsigned process;
        enum lottery_purpose purpose;
    } keys[] = {{1, 0, LOTTERY_WORK},
                {2, 0, LOTTERY_WORK},
                {1, 1, LOTTERY_WORK},
                {1, 0, LOTTERY_MISBEHAVE}};
    static const struct lottery_option option = {'W', 1, "", ""};
    struct lottery tenth = {0}, all = {0};
    uint64_t first = lottery_key(1, 0, LOTTERY_WORK);

    lottery_add(&tenth, &option, "@0.1", "@0.1");
    lottery_add(&all, &option, "", "");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t key = lottery_key(keys[i].seed, keys[i].process, keys[i].purpose);
        int64_t below = 0, both = 0;

        for (uint64_t nth = 0; nth < DRAWS; nth++) {
            below += lottery_draw(&tenth, key, nth) == 0;
            both += lottery_draw(&tenth, key, nth) == 0 && lottery_draw(&tenth, first, nth) == 0;
        }
        check("a tenth of the draws", i, below, DRAWS / 10 - 475, DRAWS / 10 + 475);
        if (i > 0) { /* drawn independently: a tenth of the tenth */
            check("draws in common", i, both, DRAWS / 100 - 158, DRAWS / 100 + 158);
        }
    }
    check("the limit of all", 0, (int64_t)all.below[0], (int64_t)1 << 32, (int64_t)1 << 32);
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
