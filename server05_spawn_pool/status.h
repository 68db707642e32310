/*
 * status - what server05 says about its handlers, besides what all servers say.
 */
#ifndef SERVER05_STATUS_H
#define SERVER05_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/pool.h"
#include "board.h"

/* What the distributor knows of a handler, besides what the pool and its seat say. */
struct handler {
    unsigned starts;      /* how often one was started in this seat */
    pid_t pid;            /* of the last one */
    int64_t lived_us;     /* how old the last one got, when it has ended */
    bool ready;           /* it has said that it takes connections */
    bool stopped;         /* by SIGSTOP or the like */
    int64_t dismissed_at; /* clock_us() when it was asked to leave; 0: it was not */
    bool surplus; /* it leaves, and its successor has not to wait for that, or there is none */
    bool told;    /* that the server stops */
    bool killed;  /* since it did not do what it was to do */
};

/* handlers[1..count] as a table, with a line of letters while any lives; or as members of a JSON
 * object, each with a comma in front. To be freed; NULL if there is no memory. */
char *status_text(struct board *board, const struct pool *pool, const struct handler *handlers,
                  unsigned count, bool json);

#endif
