/*
 * sample - looks at the tallies while the client processes go on writing them: for the progress
 * line, and for the rows of a second each. Nobody stops for it, so the counts are those of about
 * the same moment.
 */
#ifndef CLIENT_FIGURES_SNAPSHOT_H
#define CLIENT_FIGURES_SNAPSHOT_H

#include "tally.h"
#include "totals.h"

struct snapshot {
    uint64_t completed, failed, requests; /* of well-behaved connections */
    struct histogram times; /* of their requests: response in the open loop, service */
};

/* What there is so far. */
void snapshot_take(struct snapshot *sample, const struct load *load, const struct tally *tallies);

/* The rows of a run with -r or -d: the first begins at `start_ns`. */
void snapshot_start(const struct load *load, const struct tally *tallies, int64_t start_ns);

/* When the next row is complete; INT64_MAX: there are none. */
int64_t snapshot_due(void);

/* Adds a row to the result, from the end of the last one to now. `over`: the run is, and if
 * nothing has happened since the last row there is none. */
void snapshot_row(struct totals *totals, bool over);

#endif
