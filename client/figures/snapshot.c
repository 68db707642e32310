#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/die.h"
#include "../engine/wait.h"

enum { SECOND_NS = 1000 * 1000 * 1000, SHORT_NS = SECOND_NS / 10, ROWS_AT_ONCE = 64 };

static const struct load *load;
static const struct tally *tallies;
static int64_t start_ns;              /* of the first row */
static int64_t next_ns;               /* when the next row is complete */
static struct snapshot earlier, last; /* at the begin and at the end of the last row */
static struct snapshot now;

/* What a process that died has left open has failed, too. */
static void
add_failures(struct snapshot *snapshot, const struct tally *tally)
{
    const struct outcome *good = &tally->good;

    if (tally->died) {
        snapshot->errors[FAILURE_OTHER] +=
            counter_get(&good->begun) - outcome_completed(good) - outcome_failed(good);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        snapshot->errors[kind] += counter_get(&good->failed[kind]);
    }
}

void
snapshot_take(struct snapshot *snapshot, const struct load *asked, const struct tally *counts)
{
    enum latency latency = tally_latency(asked);

    snapshot->ns = clock_ns();
    snapshot->completed = snapshot->failed = snapshot->requests = 0;
    snapshot->doubtful = snapshot->doubtful_requests = 0;
    memset(snapshot->errors, 0, sizeof snapshot->errors);
    histogram_clear(&snapshot->times);
    for (unsigned i = 0; i < asked->processes; i++) {
        snapshot->completed += outcome_completed(&counts[i].good);
        add_failures(snapshot, &counts[i]);
        snapshot->doubtful += counter_get(&counts[i].good.completed[TRUST_UNVERIFIED]);
        snapshot->doubtful_requests += counter_get(&counts[i].requests[TRUST_UNVERIFIED]);
        for (int trust = 0; trust < TRUST_KINDS; trust++) {
            snapshot->requests += counter_get(&counts[i].requests[trust]);
            histogram_add(&snapshot->times, &counts[i].latencies[trust][latency]);
        }
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        snapshot->failed += snapshot->errors[kind];
    }
}

void
snapshot_start(const struct load *asked, const struct tally *counts, int64_t start)
{
    load = asked;
    tallies = counts;
    start_ns = last.ns = start;
    next_ns = load_is_timed(load) ? start + SECOND_NS : INT64_MAX;
    /* The processes are at work by now: a look at them would not find the beginning. */
    last.completed = last.failed = last.requests = last.doubtful = last.doubtful_requests = 0;
    histogram_clear(&last.times);
}

int64_t
snapshot_due(void)
{
    return next_ns;
}

/* How many connections were due by then. */
static uint64_t
due_by(const struct snapshot *then)
{
    uint64_t total = load_total(load);
    uint64_t count = load_is_open(load) ? schedule_count(&load->schedule, then->ns - start_ns) : 0;

    return count < total ? count : total;
}

static struct interval *
new_row(struct totals *totals)
{
    size_t count = totals->interval_count;

    if (count % ROWS_AT_ONCE == 0) {
        size_t size = count + ROWS_AT_ONCE;
        struct interval *rows = realloc(totals->intervals, size * sizeof *rows);

        if (!rows) {
            die("no memory for %zu seconds", size);
        }
        totals->intervals = rows;
    }
    return &totals->intervals[totals->interval_count++];
}

/* The row from then to now. */
static struct interval
row_since(const struct snapshot *then)
{
    static struct histogram between;
    double length = (double)(now.ns - then->ns) / SECOND_NS;

    histogram_since(&between, &now.times, &then->times);
    return (struct interval){
        .from = (double)(then->ns - start_ns) / SECOND_NS,
        .length = length,
        .asked = (double)(due_by(&now) - due_by(then)) / length,
        .completed = now.completed - then->completed,
        .failed = now.failed - then->failed,
        .requests = now.requests - then->requests,
        .doubtful = now.doubtful - then->doubtful,
        .doubtful_requests = now.doubtful_requests - then->doubtful_requests,
        .p50 = histogram_percentile(&between, 500000),
        .p99 = histogram_percentile(&between, 990000),
    };
}

void
snapshot_row(struct totals *totals, bool over)
{
    snapshot_take(&now, load, tallies);
    if (over && now.completed == last.completed && now.failed == last.failed &&
        now.requests == last.requests && due_by(&now) == due_by(&last)) {
        return;
    }
    if (over && now.ns - last.ns < SHORT_NS && totals->interval_count > 0) {
        /* The rate of so short a time would mean nothing: it belongs to the row before. */
        totals->intervals[totals->interval_count - 1] = row_since(&earlier);
        return;
    }
    *new_row(totals) = row_since(&last);
    earlier = last;
    last = now;
    while (next_ns <= now.ns) {
        next_ns += SECOND_NS;
    }
}
