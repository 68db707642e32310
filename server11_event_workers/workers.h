/*
 * workers - what the loop of server11 has given to its children, and takes back from them: answers,
 * and the requests of those that have died or been stopped. The server itself starts them, and
 * chooses which one gets a request.
 */
#ifndef SERVER11_WORKERS_H
#define SERVER11_WORKERS_H

#include <stdbool.h>

#include "../common/pool.h"
#include "../common/server.h"
#include "clients.h"
#include "desks.h"

/* Invariant: desks[i] is that of child i; clients_polled[i] watches its descriptor, and
 * clients_polled[0] the listener. */
extern struct desk *desks;

/* Once: room for -n children and the clients; of `program`, the handler, if not NULL. Dies if there
 * is not enough memory, or descriptors. */
struct pool *workers_open(struct server *server, const char *program);

/* How many requests it has in hand; whether it may get one more (-Q says how many). */
unsigned workers_held(unsigned number);
bool workers_has_room(unsigned number);

/* Gives the request of this client to a child that has room. False if that is not possible now. */
bool workers_give(unsigned number, struct client *client);

/* The child that had it has died or been stopped: it waits again, in front; or gets an error, if
 * the child had `begun` with it and it has cost another one already. */
void workers_take_back(struct client *client, bool begun);

/* May another child take this number? No while there may still be answers of the last one. */
bool workers_may_start(unsigned number);

/* A turn: reaps and replaces children; takes back what stopped ones have not begun. */
void workers_look(void);

/* Before poll(): what it watches, and how long it waits at most, in milliseconds. */
int workers_watch(void);

/* After it: one answer of each child that has some. An answer to a client that has gone reaches
 * nobody. */
void workers_hear(void);

/* While the server stops: as many children that can work stay as there are clients that may still
 * need one. When the grace is over none is needed: those without a request, which lose nothing, are
 * killed without a word. True while there are such. */
bool workers_release(void);

/* In a forked child: closes what the loop has of the others. */
void workers_forget(void);

/* A turn of the end, when no client is left: as pool_ending(). */
bool workers_ending(int *status);

#endif
