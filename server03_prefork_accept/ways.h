/*
 * ways - the ways in which a child of server03 can wait for its next connection.
 */
#ifndef SERVER03_WAYS_H
#define SERVER03_WAYS_H

#include "../common/options.h"
#include "../common/scoreboard.h"

struct way {
    const char *name; /* for -a */
    /* In the parent, before it forks; takes over the listening socket. May be NULL. */
    void (*prepare)(int listenfd, const struct options *options);
    /* In a child, before its first wait: returns the socket that it accepts from. May be NULL. */
    int (*begin)(int listenfd, unsigned child);
    /* Waits and returns a connection; or -1 and errno: EINTR for a signal, EAGAIN if there was
     * none after all. Counts each return from waiting in slot->wakeups, wasted ones in
     * slot->wasted. */
    int (*take)(int listenfd, struct slot *slot);
};

extern const struct way ways[];       /* ends with name NULL */
extern const struct way ways_linux[]; /* likewise; only where the program is built for Linux */

/* Blocks in accept: the whole of `accept` and `reuseport`. */
int ways_accept_blocking(int listenfd, struct slot *slot);

/* A non-blocking accept after a wake-up, for the ways that wait before: counts both. */
int ways_accept_awake(int listenfd, struct slot *slot);

/* prepare() of the ways that wait before accepting. */
void ways_nonblocking(int listenfd, const struct options *options);

#endif
