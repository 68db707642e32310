#include "live.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../engine/wait.h"
#include "../figures/snapshot.h"

enum { HALF_SECOND_NS = 500 * 1000 * 1000, SLOTS_PER_DOUBLING = 4 };

static const struct load *load;
static const struct tally *tallies;
static int64_t start_ns, next_ns = INT64_MAX;
static struct snapshot last, now;

void
live_open(const struct load *asked, const struct tally *counts, int64_t start)
{
    load = asked;
    tallies = counts;
    start_ns = last.ns = start;
    next_ns = load->format == FORMAT_LIVE ? start + HALF_SECOND_NS : INT64_MAX;
    /* The processes are at work by now: a look at them would not find the beginning. */
    last.completed = last.failed = last.requests = 0;
    memset(last.errors, 0, sizeof last.errors);
    histogram_clear(&last.times);
}

int64_t
live_due(void)
{
    return next_ns;
}

/* The lowest value of a quarter: each doubling from 4 us on has four, as wide as each other. */
static uint64_t
quarter_of(uint64_t us)
{
    unsigned shift = 0;

    while (us >> shift >= 2 * SLOTS_PER_DOUBLING) {
        shift++;
    }
    return us >> shift << shift;
}

struct pair {
    uint64_t us, count; /* the lowest value of a quarter, and how many times were in it */
};

static void
print_pair(const struct pair *pair, bool *first)
{
    if (pair->count > 0) {
        printf("%s[%" PRIu64 ",%" PRIu64 "]", *first ? "" : ",", pair->us, pair->count);
        *first = false;
    }
}

static void
print_times(const struct histogram *times)
{
    struct pair pair = {0, 0};
    bool first = true;

    for (size_t slot = 0; slot <= HISTOGRAM_SLOTS; slot++) { /* the last stands for the overflow */
        bool over = slot == HISTOGRAM_SLOTS;
        uint64_t count = over ? times->overflow : times->slots[slot], width;
        uint64_t us = quarter_of(over ? HISTOGRAM_MOST_US : histogram_lowest(slot, &width));

        if (count > 0 && us != pair.us) {
            print_pair(&pair, &first);
            pair = (struct pair){us, 0};
        }
        pair.count += count;
    }
    print_pair(&pair, &first);
}

/* The kinds of which there are some; most lines have none. */
static void
print_errors(void)
{
    const char *before = ",\"errors\":{";

    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        uint64_t count = now.errors[kind] - last.errors[kind];

        if (count > 0) {
            printf("%s\"%s\":%" PRIu64, before, outcome_name((enum failure)kind), count);
            before = ",";
        }
    }
    printf("%s", now.failed > last.failed ? "}" : "");
}

static void
print_us(const char *name, bool known, double us)
{
    if (known) {
        printf("\"%s\":%.3f,", name, us);
    } else {
        printf("\"%s\":null,", name);
    }
}

static void
print_line(void)
{
    static struct histogram times;

    histogram_since(&times, &now.times, &last.times);
    printf("{\"begin_s\":%.3f,\"end_s\":%.3f,", (double)(last.ns - start_ns) / 1e9,
           (double)(now.ns - start_ns) / 1e9);
    printf("\"completed\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"requests\":%" PRIu64 ",",
           now.completed - last.completed, now.failed - last.failed, now.requests - last.requests);
    print_us("p50_us", times.count > 0, histogram_percentile(&times, 500000));
    print_us("p99_us", times.count > 0, histogram_percentile(&times, 990000));
    print_us("max_us", times.count > 0, histogram_most(&times));
    printf("\"times\":[");
    print_times(&times);
    putchar(']');
    print_errors();
    printf("}\n");
    fflush(stdout);
}

void
live_print(bool over)
{
    if (next_ns == INT64_MAX || (!over && clock_ns() < next_ns)) {
        return;
    }
    snapshot_take(&now, load, tallies);
    if (!over || now.completed != last.completed || now.failed != last.failed ||
        now.requests != last.requests) {
        print_line();
    }
    last = now;
    while (next_ns <= now.ns) {
        next_ns += HALF_SECOND_NS;
    }
}
