/*
 * listen - the listening socket: made once here, accepted from in every server's own file.
 */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include <stdbool.h>

#include "address.h"
#include "options.h"

extern bool listen_was_inherited; /* so its file is not ours to remove */

/* The socket inherited as descriptor 3 (LISTEN_PID is this process, LISTEN_FDS at least 1: the
 * convention of systemd's sd_listen_fds(3)), or -1. Dies if it does not listen. */
int listen_inherited(void);

/* Makes way for a Unix socket at the address: removes a dead server's; dies if a server has it or
 * is about to have it, or if it is not a socket. Does nothing for TCP. From then on the socket's
 * file is removed also if this process ends by exit(). */
void listen_claim(const struct address *address);

/* Socket, options, bind, listen for -i, -p and -B, or the inherited socket. Dies on failure, and if
 * select() cannot watch the descriptor. server00_iterative has the same written out. */
int listen_open(const struct options *options);

/* Makes accept() on it return EAGAIN when no connection is there. Dies on failure. */
void listen_nonblocking(int listenfd);

/* The first time: prints the first line, "NAME: listening on ADDRESS, pid PID", unless -q. */
void listen_ready(const struct options *options, int listenfd);

/* Removes the file of the Unix socket that this server has made, if it is still the same. */
void listen_remove(void);

/* Sorts what accept(2), or what waits for it, a lock around it included, may fail with: true if
 * descriptors or memory have run out, so that asking again at once would only spin (one child
 * warns, once a minute); false if the next accept may well succeed. Dies on an error that no
 * waiting mends. */
bool listen_exhausted(void);

/* Sleeps a tenth of a second, or until a signal: after listen_exhausted(). */
void listen_pause(void);

#endif
