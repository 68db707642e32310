/*
 * snapshot - adds up the tallies while the client processes go on writing them: for the progress
 * line, and for the rows of a second each. Nobody stops for it, so the counts are of about the same
 * moment.
 */
#ifndef CLIENT_FIGURES_SNAPSHOT_H
#define CLIENT_FIGURES_SNAPSHOT_H

#include "totals.h"

struct snapshot {
    int64_t ns;                           /* clock_ns(): when it was taken */
    uint64_t completed, failed, requests; /* of well-behaved connections */
    uint64_t errors[FAILURE_KINDS];       /* failed, by kind */
    uint64_t doubtful, doubtful_requests; /* of these, without a stamp: see struct interval */
    struct histogram times;               /* tally_latency() of their requests */
};

void snapshot_take(struct snapshot *snapshot, const struct load *load, const struct tally *tallies);

/* The rows of a run with -r or -d: the first begins at `start_ns`. */
void snapshot_start(const struct load *load, const struct tally *tallies, int64_t start_ns);

/* When the next row is complete; INT64_MAX: there are none. */
int64_t snapshot_due(void);

/* Adds a row to the totals, from the end of the row before it to now. At the end of the run
 * (`over`) only if something has happened since then. */
void snapshot_row(struct totals *totals, bool over);

#endif
