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

struct crew {
    struct server *server;
    const struct settings *settings;
    struct board *board;
    int boardfd;
    struct channel *channels; /* piped: that of each number; queued: all receive from the first */
    struct pool *pool;
    unsigned highest; /* handlers with a higher number have never been */
    bool there;       /* the first ones have all got ready */
};
extern struct crew crew;

/* Once, before the first handler, when the channels are there: makes the board. Dies on failure. */
void crew_open(struct server *server, const struct settings *settings);

/* Whatever is due now: called in every turn of the distributor's loop. `full`: no handler has room
 * for one connection more. */
void crew_turn(bool full);

/* The same in every turn of the end. `left`: connections wait, and handlers are started for them if
 * some are missing. */
void crew_end_turn(bool left);

/* Does this handler take connections, and will it go on doing so? */
bool crew_takes(unsigned number);

/* Notes which handlers have got ready; true if any has. */
bool crew_notice_ready(void);

/* Prints the statistics if USR1 has asked for them, or the server has come to its end. */
void crew_report(bool at_the_end);

/* The handlers as a table (status.c), with a line of letters while any lives; or as members of a
 * JSON object, each with a comma in front. The caller frees it; NULL if there is no memory. */
char *status_text(bool json);

#endif
