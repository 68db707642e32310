/*
 * clients - the connections of a child of server13. For each of them the kernel has at most one
 * thing to do: to receive a request, or to send a piece of a reply.
 */
#ifndef SERVER13_CLIENTS_LINUX_H
#define SERVER13_CLIENTS_LINUX_H

#include <stdint.h>

#include "../common/conn.h"
#include "ring_linux.h"

/* As the name of what is asked: not a client's. CLIENTS_NOBODY: nobody asks what has come of it. */
#define CLIENTS_LISTENER UINT64_MAX
#define CLIENTS_NOBODY (UINT64_MAX - 1)

extern unsigned clients_open; /* how many connections there are */

/* In the parent: room for clients with descriptors below `places`. Dies if there is no memory. */
void clients_begin(unsigned places);

/* In a child: `worker` serves. */
void clients_child(struct worker *worker);

/* A new client: begins to receive. One that has no place is closed, after a warning. */
void clients_add(int connfd);

/* What was asked for a client has been done: asks for the next thing, or closes. `now` is as in
 * conn_given_up(). */
void clients_done(const struct done *done, int64_t now);

/* Ends those whose time is over. */
void clients_look(int64_t now);

#endif
