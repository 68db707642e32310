/*
 * ways - the ways in which a child of server03 can wait for its next connection.
 */
#ifndef SERVER03_WAYS_H
#define SERVER03_WAYS_H

#include <stdbool.h>

#include "../common/server.h"

struct way {
    const char *name; /* for -a */
    /* It waits first and accepts then, from a non-blocking socket: blocking, a child that wakes too
     * late would sit in accept(), deaf to the rest. */
    bool waits;
    /* In the parent, before it forks. May be NULL. */
    void (*prepare)(const struct server *server);
    /* In a child, before its first wait: returns the socket that it accepts from. May be NULL. */
    int (*begin)(int listenfd, unsigned child);
    /* Waits and returns a connection; or -1 and errno: EINTR for a signal, EAGAIN if there was
     * none after all. Counts each return from waiting in slot->wakeups, wasted ones in
     * slot->wasted. */
    int (*take)(int listenfd, struct slot *slot);
};

extern const struct way ways[];       /* ends with name NULL */
extern const struct way ways_linux[]; /* likewise; empty where the program is not for Linux */

/* Blocks in accept: the whole of `accept` and `reuseport`. */
int ways_accept_blocking(int listenfd, struct slot *slot);

/* A non-blocking accept after a wake-up, for the ways that wait before: counts both. */
int ways_accept_awake(int listenfd, struct slot *slot);

#endif
