/*
 * clients - the connections of a child of server08: registered with its epoll instance, level- or
 * edge-triggered, and which of them are ready: can get on without waiting.
 */
#ifndef SERVER08_CLIENTS_LINUX_H
#define SERVER08_CLIENTS_LINUX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../common/conn.h"

extern unsigned clients_open;  /* how many connections there are */
extern unsigned clients_ready; /* how many of them are ready */

/* In the parent: room for clients with descriptors below `places`. Dies if there is no memory. */
void clients_begin(unsigned places, bool edge);

/* In a child: it registers with this instance, and `worker` serves. */
void clients_child(int epollfd, struct worker *worker);

/* A new client, non-blocking. One that cannot be registered is closed, after a warning. */
void clients_add(int connfd);

/* There is news of a client: it is ready now, unless the event is of an earlier connection. */
void clients_note(const struct epoll_event *event);

/* Lets each client that is ready get on by one step; then those that must wait are ready no more.
 */
void clients_serve(int64_t now);

/* Those whose time is over: ready, if there is news of them; else they are closed. */
void clients_look(int64_t now);

#endif
