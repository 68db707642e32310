/*
 * plan - -r and -d: when each connection of the run is due, and when the run is over.
 *
 * In the closed loop nothing is due: a connection begins when another one has ended. In the open
 * loop connection k is due k/RATE seconds after the start, whatever became of those before it; of
 * a ramp the rate grows (or falls) steadily from RATE to RATE_TO over the duration. Each due time
 * is computed from k alone, so nothing adds up.
 */
#ifndef CLIENT_ASK_SCHEDULE_H
#define CLIENT_ASK_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_RATE_MOST = 10 * 1000 * 1000, PLAN_SECONDS_MOST = 86400, PLAN_LEAST_NS = 1000 * 1000 };

enum plan_kind {
    PLAN_CLOSED,
    PLAN_OPEN,  /* -r RATE */
    PLAN_RAMP,  /* -r RATE:RATE_TO */
    PLAN_SEARCH /* -r max@BOUND: runs of PLAN_OPEN, at rates that search.h chooses */
};

/* Invariant, after the options: a ramp and the steps of a search have a duration. */
struct plan {
    enum plan_kind kind;
    uint32_t rate, rate_to; /* connections per second of all processes; the same but in a ramp */
    const char *bound;      /* of a search: what stands behind max@ */
    int64_t duration_ns;    /* -d: begin nothing after that; 0: until -t are made */
};

/* Take the value of -r, of -d. Wrong usage if it is not allowed. */
void plan_take_rate(struct plan *plan, const char *value);
void plan_take_duration(struct plan *plan, const char *value);

/* True in the open loop: connections are due at a time. */
bool plan_open(const struct plan *plan);

/* True if there is a time at which the run begins for all processes: the open loop, and -d. */
bool plan_timed(const struct plan *plan);

/* When connection `k` (from 0) is due, in nanoseconds after the start. */
int64_t plan_due(const struct plan *plan, uint64_t k);

/* How many are due before that time after the start. Inverse of plan_due(), but that a ramp has an
 * end. */
uint64_t plan_count(const struct plan *plan, int64_t ns);

#endif
