/*
 * pacing - when a client process starts, which connection it begins next and when, and when it
 * stops.
 */
#ifndef CLIENT_ENGINE_PACING_H
#define CLIENT_ENGINE_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "../figures/tally.h"

enum {
    PACING_TICK_MS = 100,  /* how often a blocking call is interrupted, to look at the flags */
    PACING_GRACE_MS = 1000 /* after TERM, for the connections that are under way */
};

/* Listens to signals, then waits for a byte from `gatefd`, which starts all processes together.
 * False if the process must not begin: TERM came first, or `parent` has died. */
bool pacing_open(const struct load *load, struct tally *tally, pid_t parent, int gatefd);

/* True if there is, or will be, another connection to begin. */
bool pacing_more(int64_t now);

/* True if there may be another request on a connection that has got a reply. (In the open loop -d
 * says how many connections are due: their requests are all asked.) */
bool pacing_asks_on(int64_t now);

/* When the next connection is due, by clock_ns(). In the closed loop it always is (0), unless it
 * has to rest. */
int64_t pacing_due(void);

/* In a closed loop: nobody has accepted a connection, or somebody has. If nobody has, the next one
 * begins after a pause, from 1 ms on twice as long each time, at most 100 ms. */
void pacing_refused(int64_t now);
void pacing_accepted(void);

/* In the open loop: notes that a connection which was due at `due` begins now. What it has waited
 * since `full_ns` was for room (INT64_MAX: nothing was); what it waited before that was for this
 * process, and is the result. */
int64_t pacing_begins(int64_t due, int64_t now, int64_t full_ns);

/* When the time of -d is over; INT64_MAX: never. In the open loop the caller then begins those
 * connections that were due before and find room, and calls pacing_close(): no more will begin. If
 * some have found none, they have waited as pacing_begins() says. */
int64_t pacing_deadline(void);
void pacing_close(int64_t now, int64_t full_ns);

/* True if time is up also for the connections under way. */
bool pacing_over(int64_t now);

/* True once after each tick and signal: it is time to look at the clock. */
bool pacing_ticked(void);

/* When the process last came back from a time of half a second and more in which it did not run:
 * somebody had suspended it, or the machine was busy. 0: it always ran. */
int64_t pacing_resumed(void);

/* True if the parent has died. */
bool pacing_orphaned(void);

/* Notes when the process ended and the processor time that it used. */
void pacing_end(void);

#endif
