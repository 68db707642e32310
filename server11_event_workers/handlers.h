/*
 * handlers - the children of server11 with -e: they are spawned, not forked. These take the place
 * of what workers.c does for forked children.
 *
 * A request that a handler has in hand is an errand. The handler gets a connection, as
 * docs/handlers.md says; but it is one end of a socket pair, made for this request alone, and the
 * loop has the other one: it writes the frame, and reads the reply. So no late reply can reach
 * another client.
 */
#ifndef SERVER11_HANDLERS_H
#define SERVER11_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>

#include "clients.h"

struct errand {
    int fd;       /* the loop's end; does not block; -1: closed */
    size_t given; /* bytes of the frame that the handler has got */
    bool broken;  /* a call of ours has failed: what has come of the reply may not be all */
    unsigned long long requests, rejected, failed; /* the handler's counters when it began */
};

/* Starts one, if that is possible now; its seat is free. */
void handlers_start(unsigned number);

/* Sends it on this client's errand. False, after a warning, if that is not possible now. */
bool handlers_give(unsigned number, struct client *client);

/* A turn: reaps those that have ended, replaces them, reports; and the first of it alone. */
void handlers_look(void);
void handlers_reap(void);

/* Before poll(): watches what a handler has in hand. False if poll() cannot see how that goes on:
 * the handler works for nobody, or has closed the pair, and not said that it has finished. */
bool handlers_watch(unsigned number);

/* After poll(): takes what there is of its reply, and settles what has ended. */
void handlers_hear(unsigned number);

#endif
