/*
 * shift - a client process's working time: when it starts, which connection it is to begin next
 * and when, and when it is to stop.
 */
#ifndef CLIENT_ENGINE_PACING_H
#define CLIENT_ENGINE_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "../figures/tally.h"
#include "wait.h"

enum {
    PACING_TICK_US =
        100 * 1000,        /* how often a blocking call is interrupted, to look at the flags */
    PACING_GRACE_MS = 1000 /* after TERM, for the connections that are under way */
};

/* Listens to signals, then waits for a byte from `gatefd`, which starts all processes together.
 * False if it is not to begin: TERM came first, or `parent` has died. */
bool pacing_open(const struct load *load, struct tally *tally, pid_t parent, int gatefd);

/* True if there is, or will be, another connection to begin. */
bool pacing_more(int64_t now);

/* When it is due, by clock_ns(); 0 in the closed loop, where it always is. */
int64_t pacing_due(void);

/* In the open loop, a connection that was due at that time begins now. `full`: it has had to wait
 * since there was no room for it. */
void pacing_begins(int64_t due, int64_t now, bool full);

/* When the time of -d is over; INT64_MAX: never. In the open loop what was due before, and has
 * found room, is begun a moment later all the same; then the owner says that this is done, and
 * whether there was no room for what is left. */
int64_t pacing_deadline(void);
void pacing_close(bool full);

/* True if time is up also for the connections under way. */
bool pacing_over(int64_t now);

/* True once after each tick and signal: it is time to look at the clock. */
bool pacing_ticked(void);
bool pacing_orphaned(void);

/* Notes when it ended and what it cost. */
void pacing_end(void);

#endif
