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

struct client {
    struct conn conn;
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

/* Invariant: clients_polled[0..clients_first) are the caller's, [clients_first..clients_end) are
 * the clients, without holes. */
extern struct pollfd *clients_polled;
extern nfds_t clients_first, clients_end;

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

/* At most one read() and one write(), as conn_step(); but the work of a request is left to others:
 * it waits in CONN_WORKING. There a step is only made if the client has gone. */
enum conn_result clients_step(struct client *client);

/* The work is done, by this worker, which the reply names. A connection counts as that of the
 * worker who has worked for it first. */
void clients_worked_for(struct client *client, const struct worker *worker);

/* How many may still need a worker: they have not all of a request, or no answer to it. */
unsigned clients_unserved(void);

/* What poll() watches it for: news that its state waits for. A client that has asked is watched for
 * nothing, and what it sends more stays in its socket; poll() tells only that it has gone. */
void clients_watch(const struct client *client);

/* The queue: puts it at the end, or in front of all; takes the first, or NULL. */
void clients_queue(struct client *client, bool in_front);
struct client *clients_take(void);

/* In a child: closes all that the parent has open in clients_polled. */
void clients_forget(void);

#endif
