/*
 * connection - one connection to the server, from connect() to close(), step by step.
 *
 * Each step does one thing to the socket: connects it, writes, or reads. With a blocking socket the
 * steps follow each other in a loop; with a non-blocking one, the event loop calls the next when
 * poll() says so. Once the connection is over, its outcome is counted in the tally.
 */
#ifndef CLIENT_ENGINE_CONNECTION_H
#define CLIENT_ENGINE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../figures/distribution.h"
#include "../report/replies.h"
#include "head.h"
#include "verify.h"

enum connection_state {
    CONNECTION_NONE,       /* there is none */
    CONNECTION_OPENING,    /* before connect(); if that has to wait, poll() cannot tell when to
                              call it again */
    CONNECTION_CONNECTING, /* connect() goes on in the kernel: wait for writability */
    CONNECTION_SENDING,    /* the request. A message: wait for a reply, too */
    CONNECTION_RECEIVING   /* the reply; on a silent connection, what the server does about it */
};

enum connection_result {
    CONNECTION_GOES_ON, /* take the next step */
    CONNECTION_WAITS,   /* not yet ready, or a signal came: wait, look at the flags, step again */
    CONNECTION_OVER,    /* completed or failed, counted, closed */
    CONNECTION_STRANDED /* the same, and this machine has no means for another one */
};

struct connection {
    enum connection_state state;
    int fd;
    int kind;                                /* of -x, or MISBEHAVE_NOT */
    const struct misbehaviour *misbehaviour; /* NULL: it is well-behaved */
    struct outcome *outcome;                 /* where it is counted */
    enum trust trust;                        /* whether its replies could be verified */
    uint64_t request;                        /* how many replies have come */
    uint64_t fresh; /* and had when it was made: not 0, if it was made again */
    uint64_t nth;   /* its number among the connections of this run and the runs before */
    bool nonblocking;
    unsigned class;       /* of the request: its work; 0 without -W */
    size_t sent;          /* bytes of the request */
    int broken;           /* errno of sending a message, while the reply is read yet; or 0 */
    int64_t due_ns;       /* in the open loop: when it was due */
    int64_t own_ns;       /* and by how much this process itself began it late */
    int64_t opened_ns;    /* just before connect() */
    int64_t began_ns;     /* the same; for a later request, when the reply before it had come */
    int64_t connected_ns; /* how long connecting took */
    int64_t asked_ns;     /* when sending the request began */
    int64_t first_ns;     /* when the first byte of the reply had come */
    int64_t wake_ns;      /* not 0: it is slow, and does nothing before that */
    uint64_t moved;       /* bytes that a slow one has sent of this request, or read of its reply */
    struct reply reply;   /* by HTTP: its content */
    struct head head;     /* by HTTP: what comes before the content */
    struct printed printed;
    struct connection *before, *after; /* for the owner: its queue of deadlines */
};

/* Once per process. The connections are counted in `tally` and `distribution`. */
void connection_open(const struct load *load, struct tally *tally,
                     struct distribution *distribution);

/* The kind of the process's next connection: of -x, or MISBEHAVE_NOT. */
int connection_next(void);

/* Begins the next connection: makes its socket. `due_ns` only matters in the open loop. */
enum connection_result connection_begin(struct connection *conn, int64_t due_ns, bool nonblocking);

/* Leaves out the next connection, which is of that kind of -x: too many are open. */
void connection_omit(int kind);

enum connection_result connection_step(struct connection *conn);

/* The events to wait for with poll(); 0: only for time. */
int connection_events(const struct connection *conn);

/* How connecting went, called when the socket is writable: 0 or an errno. */
int connection_error(int fd);

/* When -T is over, by clock_ns(); INT64_MAX: never. */
int64_t connection_deadline(const struct connection *conn);

/* Gives the connection up if it has had its time, or if time is over for all. True if so. */
bool connection_expire(struct connection *conn, int64_t now);

#endif
