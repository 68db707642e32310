#include "snapshot.h"

#include <stdlib.h>

#include "../../common/die.h"
#include "../engine/wait.h"
#include "tally.h"

enum { SECOND_NS = 1000 * 1000 * 1000, ROWS_FIRST = 64, SHORT_NS = SECOND_NS / 10 };

static const struct load *load;
static const struct tally *tallies;
static int64_t start_ns;                     /* of the first row */
static int64_t earlier_ns, last_ns;          /* begin and end of the last one */
static int64_t next_ns;                      /* when the next one is complete */
static uint64_t total;                       /* connections of the run; 0: nobody knows */
static struct snapshot earlier, before, now; /* at the begin and end of the last row, and now */
static struct histogram between;

void
snapshot_take(struct snapshot *sample, const struct load *asked, const struct tally *counts)
{
    enum latency latency = tally_latency(asked);

    sample->completed = sample->failed = sample->requests = 0;
    histogram_clear(&sample->times);
    for (unsigned i = 0; i < asked->processes; i++) {
        sample->completed += outcome_completed(&counts[i].good);
        sample->failed += outcome_failed(&counts[i].good);
        for (int trust = 0; trust < TRUST_KINDS; trust++) {
            sample->requests += counter_get(&counts[i].requests[trust]);
            histogram_add(&sample->times, &counts[i].latencies[trust][latency]);
        }
    }
}

void
snapshot_start(const struct load *asked, const struct tally *counts, int64_t start)
{
    load = asked;
    tallies = counts;
    start_ns = last_ns = start;
    next_ns = load_is_timed(load) ? start + SECOND_NS : INT64_MAX;
    total = load_total(load);
    /* (The processes are at work by now, so a look at them would not find the beginning.) */
    before.completed = before.failed = before.requests = 0;
    histogram_clear(&before.times);
}

int64_t
snapshot_due(void)
{
    return next_ns;
}

/* How many connections were due so long after the start. */
static uint64_t
due_by(int64_t ns)
{
    uint64_t count = load_is_open(load) ? schedule_count(&load->schedule, ns) : 0;

    return count < total ? count : total;
}

static struct interval *
new_row(struct totals *totals)
{
    size_t count = totals->interval_count;

    /* Twice as many each time: when the count is a power of two, or there are none. */
    if (count == 0 || (count >= ROWS_FIRST && (count & (count - 1)) == 0)) {
        size_t size = count == 0 ? ROWS_FIRST : 2 * count;
        struct interval *rows = realloc(totals->intervals, size * sizeof *rows);

        if (!rows) {
            die("no memory for %zu seconds", size);
        }
        totals->intervals = rows;
    }
    return &totals->intervals[totals->interval_count++];
}

/* What has happened since a sample was taken, at `from_ns`. */
static struct interval
row_since(const struct snapshot *then, int64_t from_ns, int64_t now_ns)
{
    double length = (double)(now_ns - from_ns) / SECOND_NS;

    histogram_since(&between, &now.times, &then->times);
    return (struct interval){
        .from = (double)(from_ns - start_ns) / SECOND_NS,
        .length = length,
        .asked = (double)(due_by(now_ns - start_ns) - due_by(from_ns - start_ns)) / length,
        .completed = now.completed - then->completed,
        .failed = now.failed - then->failed,
        .requests = now.requests - then->requests,
        .p50 = histogram_percentile(&between, 500000),
        .p99 = histogram_percentile(&between, 990000),
    };
}

void
snapshot_row(struct totals *totals, bool over)
{
    int64_t now_ns = clock_ns();

    snapshot_take(&now, load, tallies);
    if (over && now.completed == before.completed && now.failed == before.failed &&
        now.requests == before.requests &&
        due_by(now_ns - start_ns) == due_by(last_ns - start_ns)) {
        return;
    }
    if (over && now_ns - last_ns < SHORT_NS && totals->interval_count > 0) {
        /* The rate of so short a time would mean nothing: it belongs to the row before. */
        totals->intervals[totals->interval_count - 1] = row_since(&earlier, earlier_ns, now_ns);
        return;
    }
    *new_row(totals) = row_since(&before, last_ns, now_ns);
    earlier = before;
    earlier_ns = last_ns;
    before = now;
    last_ns = now_ns;
    while (next_ns <= now_ns) {
        next_ns += SECOND_NS;
    }
}
