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
 * convention of systemd's sd_listen_fds(3)); dies if it does not listen. Else -1, and the `address`
 * of -i and -p. For a Unix socket there, its path is this server's from then on, also if it ends by
 * exit(): a dead server's socket is removed. Dies if another server has it, or it is no socket. */
int listen_begin(const struct options *options, struct address *address);

/* Socket, options, bind, listen for -i, -p and -B, or the inherited socket. Dies on failure, and if
 * select() cannot watch the descriptor. server00_iterative has the same written out. */
int listen_open(const struct options *options);

/* O_NONBLOCK belongs to all who hold a socket. So no server relies on it for an inherited one,
 * whose flags another holder may change at any moment, and none changes them. */

/* Makes accept() on it return EAGAIN when no connection is there, unless it was inherited. Dies on
 * failure. */
void listen_nonblocking(int listenfd);

/* Before accept() in a server that must not block there: true if accept() will not, or, on an
 * inherited socket, only until SIGALRM comes in 10 ms. False, with errno, if none is waiting. */
bool listen_has_client(int listenfd);

/* After accept() has failed in a server that blocks there: does nothing but after EAGAIN, and then
 * waits for a connection or a signal. Keeps errno. */
void listen_await(int listenfd);

/* After bind(): a stop shuts this socket, see signals_shuts(). Notes which file bind() has made;
 * listen_remove() removes that file and the lock, if it is still the same; before the socket is
 * closed, so that no other file can have its number. */
void listen_bound(int listenfd);
void listen_remove(void);

/* Sorts what accept(2), or what waits for it, a lock around it included, may fail with: true if
 * descriptors or memory have run out, so that asking again at once would only spin (one child
 * warns, once a minute); false if the next accept may well succeed. Dies on an error that no
 * waiting mends. */
bool listen_exhausted(void);

/* Sleeps a tenth of a second, or until a signal: after listen_exhausted(). */
void listen_pause(void);

/* All three, after accept() has failed in a server that blocks there: comes back when the next one
 * may succeed. */
void listen_again(int listenfd);

/* On Linux, for -a reuseport: returns listeners[1..count], then 0: one for each child, all on the
 * port of `listenfd`, the first; the kernel deals connections out by a hash of their addresses. The
 * parent keeps all of them open: else those who wait in a queue would be reset. Dies on failure. */
int *listen_reuseport(int listenfd, unsigned count, int backlog);

/* In a child: closes all of them but `listenfd`, its own. */
void listen_keep(const int *listeners, int listenfd);

#endif
