/*
 * crew - the lives of the handlers: how they are started, noticed, replaced, made more and fewer,
 * and ended. Which handler gets a connection is server05_spawn_pool.c's affair.
 */
#ifndef SERVER05_CREW_H
#define SERVER05_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/channel.h"
#include "../common/pool.h"
#include "board.h"
#include "settings.h"

/* What the distributor knows of a handler, besides what the pool and its seat say. */
struct handler {
    unsigned starts;       /* how often one was started in this seat */
    pid_t pid;             /* of the last one */
    int64_t lived_us;      /* how old the last one got, when it has ended */
    bool ready;            /* it has said that it takes connections */
    bool stopped;          /* by SIGSTOP or the like */
    bool killed;           /* since it did not do what it was told */
    bool told;             /* by TERM, since the server stops */
    int64_t leaving_since; /* clock_us() when it was told to leave; 0: it was not */
    unsigned inside;       /* connections that the one that ended has left in its channel */
};

struct crew {
    struct server *server;
    const struct settings *settings;
    struct board *board;
    int boardfd;
    struct channel *channels; /* piped: that of each number; queued: all receive from the first */
    struct pool *pool;
    struct handler *handlers; /* handlers[1..pool->size] */
    unsigned highest;         /* handlers with a higher number have never been */
    unsigned target;          /* how many there must be */
    unsigned starting;        /* started, not yet ready */
    bool there;               /* the first ones have all got ready */
};
extern struct crew crew;

/* Once, before the first handler, when the channels are there: makes the board. Dies on failure. */
void crew_open(struct server *server, const struct settings *settings);

/* Whatever is due now: called in every turn of the distributor's loop. `full`: no handler has room
 * for one connection more. */
void crew_turn(bool full);

/* Does this handler take connections, and will it go on doing so? */
bool crew_takes(unsigned number);

/* Notes which handlers have got ready; true if any has. */
bool crew_notice_ready(void);

/* Microseconds until something may be due that pool_wait() does not know of. */
int64_t crew_due_us(bool full);

/* A turn of the end: TERM for the handlers; `left`: connections wait, and handlers are started for
 * them if some are missing; with `over` all are killed. Waits a moment. False when all have ended.
 */
bool crew_ending(bool left, bool over);

/* Prints the statistics. */
void crew_report(void);

/* The handlers as a table (status.c), with a line of letters while any lives; or as members of a
 * JSON object, each with a comma in front. The caller frees it; NULL if there is no memory. */
char *status_text(bool json);

#endif
