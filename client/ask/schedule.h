/*
 * schedule - -r and -d: when each connection of the run is due, and when the run is over.
 *
 * In the closed loop nothing is due: a connection begins when another one has ended. In the open
 * loop connection k is due k/RATE seconds after the start, whatever became of those before it; in a
 * ramp the rate grows (or falls) steadily from RATE to RATE_TO over the duration. Each due time is
 * computed from k alone, so no errors add up.
 */
#ifndef CLIENT_ASK_SCHEDULE_H
#define CLIENT_ASK_SCHEDULE_H

#include <stdint.h>

enum { SCHEDULE_RATE_MOST = 10 * 1000 * 1000, SCHEDULE_SECONDS_MOST = 86400 };

enum schedule_kind {
    SCHEDULE_CLOSED,
    SCHEDULE_OPEN,  /* -r RATE */
    SCHEDULE_RAMP,  /* -r RATE:RATE_TO */
    SCHEDULE_SEARCH /* -r max@BOUND: runs of SCHEDULE_OPEN, at rates that search.h chooses */
};

/* Invariant, after the options: a ramp and the steps of a search have a duration. */
struct schedule {
    enum schedule_kind kind;
    uint32_t rate, rate_to; /* connections per second of all processes; they differ in a ramp */
    const char *bound;      /* of a search: the text behind max@ */
    int64_t duration_ns;    /* -d: begin nothing after that; 0: until -t are made */
};

/* Takes the value of -r. Wrong usage if it is not allowed. */
void schedule_take_rate(struct schedule *schedule, const char *value);

/* The value of an option that is a time, in nanoseconds. Wrong usage if it is not allowed. */
int64_t schedule_take_time(int letter, const char *value, int64_t least_us);

/* closed, open or ramp. */
const char *schedule_mode(const struct schedule *schedule);

/* When connection `k` (from 0) is due, in nanoseconds after the start. */
int64_t schedule_due(const struct schedule *schedule, uint64_t k);

/* How many are due before `ns` nanoseconds after the start: the inverse of schedule_due(), but that
 * a ramp has an end. */
uint64_t schedule_count(const struct schedule *schedule, int64_t ns);

#endif
