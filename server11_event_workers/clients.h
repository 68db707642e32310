/*
 * clients - the connections of server11: which descriptors poll() watches, and for what; and the
 * queue of those that have asked, and wait for a worker.
 */
#ifndef SERVER11_CLIENTS_H
#define SERVER11_CLIENTS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/conn.h"
#include "frames.h"

struct client {
    struct conn conn;
    struct frame frame; /* of -e */
    struct worker
        worker;          /* has worked for its last request; a copy: it may be replaced meanwhile */
    uint32_t generation; /* counts the connections that had this descriptor */
    nfds_t place;        /* of its descriptor in clients_polled; 0: it is closed */
    unsigned child;      /* works for its request, which is */
    unsigned nth;        /* that child's nth; 0: no child does */
    bool retried;        /* a child that worked for it has died */
    bool queued;
    struct client *before, *next; /* in the queue */
};

enum { CLIENTS_MAX = 100000 };

/* Invariant: clients_polled[0..clients_first) are the caller's, [clients_first..clients_end) are
 * the clients, without holes. */
extern struct pollfd *clients_polled;
extern nfds_t clients_first, clients_end;

/* The grace was over while a request waited for a worker. */
extern bool clients_unhelped;

/* Room for `places` clients, with descriptors below `limit`, behind `first` entries. Dies if there
 * is no memory. */
void clients_open(nfds_t first, nfds_t places, nfds_t limit);

/* Have all places been taken? */
bool clients_full(void);

/* A new client, non-blocking, whose connection `worker` opens. One whose descriptor has no place is
 * closed, after a warning. */
void clients_add(int connfd, struct worker *worker);

/* Closes it: the last client moves into its place. */
void clients_drop(struct client *client);

/* Returns the client at a place; the one with this descriptor, if it still is that connection, else
 * NULL; the one whose request is this child's nth, which is not 0, or NULL. */
struct client *clients_at(nfds_t place);
struct client *clients_find(uint32_t descriptor, uint32_t generation);
struct client *clients_given(unsigned child, unsigned nth);

/* A turn of the client: at most one read() and one write(), as conn_step(); but the work of a
 * request is left to others. One that has asked is queued; one that has gone, or had enough, is
 * dropped: its `place` is 0 then. */
void clients_go_on(struct client *client);

/* After poll(), at the time `now`: a turn of each client that has news; who is overdue is dropped.
 * While a child works for a client no time limit counts but the grace. */
void clients_look_after(int64_t now);

/* The work is done, by this worker, which the reply names. A connection counts as that of the
 * worker who has worked for it first. */
void clients_worked_for(struct client *client, const struct worker *worker);

/* How many may still need a worker: they have not all of a request, or no answer to it. */
unsigned clients_unserved(void);

/* The queue: puts it at the end, or in front of all; takes the first, or NULL. */
void clients_queue(struct client *client, bool in_front);
struct client *clients_take(void);

/* In a forked child: closes all of them. */
void clients_forget(void);

#endif
