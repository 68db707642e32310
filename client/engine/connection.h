/*
 * visit - one connection to the server, from connect() to close(), step by step.
 *
 * Each step does one thing to the socket: connect it, read from it. With a blocking socket the
 * steps follow each other in a loop; with a non-blocking one, the event loop calls the next when
 * poll() says so. The steps are the same. What became of the visit is in the tally when it is over.
 */
#ifndef CLIENT_ENGINE_CONNECTION_H
#define CLIENT_ENGINE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../figures/distribution.h"
#include "../figures/tally.h"
#include "../report/replies.h"
#include "verify.h"

enum connection_state {
    CONNECTION_NONE,    /* there is no connection */
    CONNECTION_RETIRED, /* nor will there be one: for the owner, after VISIT_STRANDED */
    CONNECTION_OPENING, /* to be connected; if it has to wait, call it again: poll() knows nothing
                         */
    CONNECTION_CONNECTING, /* connect() goes on without us: wait for writability */
    CONNECTION_SENDING,  /* the request; a message does not stop a reply from coming: wait for both
                          */
    CONNECTION_RECEIVING /* the reply; of one that is silent, what the server does about it */
};

enum connection_result {
    CONNECTION_GOES_ON, /* take the next step */
    CONNECTION_WAITS, /* not yet ready, or a signal came: wait, look at the flags, take it again */
    CONNECTION_OVER,  /* completed or failed, counted, closed */
    CONNECTION_STRANDED /* likewise, and this machine has no means for another one */
};

struct connection {
    enum connection_state state;
    int fd;
    int kind;                                /* of -x, or MANNERS_GOOD */
    const struct misbehaviour *misbehaviour; /* how it misbehaves; NULL: it does not */
    struct outcome *outcome;                 /* where it is counted */
    enum trust trust;                        /* whether its replies could be verified */
    uint64_t request;                        /* how many replies have come */
    unsigned class;                          /* of the request: its work (mix.h); 0 without -W */
    size_t sent;                             /* bytes of the request */
    int broken;           /* errno of sending a message; what the server had to say is read yet */
    int64_t due_ns;       /* in the open loop: when it was to begin */
    int64_t opened_ns;    /* just before connect() */
    int64_t began_ns;     /* that; of a later request, the end of the last */
    int64_t connected_ns; /* how long it took to be connected */
    int64_t asked_ns;     /* when sending the request began */
    int64_t first_ns;     /* when the first byte of the reply was there */
    int64_t wake_ns;      /* not 0: it is slow, and does nothing before that */
    uint64_t moved;       /* bytes that a slow one has sent of this request, or read of its reply */
    struct reply reply;
    struct printed printed;
    uint64_t child, pid; /* who sent the first reply, if it says so: it must send all */
    struct connection *before, *after; /* for the owner: its queue of deadlines */
};

/* Once per process. The visits count in `tally` and `distribution`. */
void connection_open(const struct load *load, struct tally *tally,
                     struct distribution *distribution);

/* The kind of the connection that is next in the row of this process: of -x, or MANNERS_GOOD. */
int connection_next(void);

/* Begins the next visit: makes its socket. `due_ns` only matters in the open loop. */
enum connection_result connection_begin(struct connection *conn, int64_t due_ns, bool nonblocking);

/* The next visit is of that kind of -x, and there are too many already: leaves it out. */
void connection_omit(int kind);

enum connection_result connection_step(struct connection *conn);

/* What poll() is to wait for, as its events; 0: nothing but time. */
int connection_events(const struct connection *conn);

/* Ends it as a failure: the owner's patience is over. */
void connection_give_up(struct connection *conn, enum failure kind, int error);

#endif
