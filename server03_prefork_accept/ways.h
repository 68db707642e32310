/*
 * ways - the ways in which a child of server03 can wait for its next connection.
 */
#ifndef SERVER03_WAYS_H
#define SERVER03_WAYS_H

#include <stdbool.h>

#include "../common/server.h"

struct way {
    const char *name; /* for -a */
    /* In the parent, before it forks. May be NULL. */
    void (*prepare)(const struct server *server);
    /* In the parent, before each fork: false and errno if the child would lack what it waits with.
     * May be NULL. */
    bool (*open)(int listenfd);
    /* In a child, before its first wait: returns the socket that it accepts from. May be NULL. */
    int (*begin)(int listenfd, unsigned child);
    /* Waits until accept() may be called; false and errno if it may not: EINTR for a signal. NULL:
     * accept() itself waits. */
    bool (*wait)(int listenfd);
    /* After accept(), for a lock; errno is kept. NULL: accept() must not block, since another child
     * that woke too may have been faster. */
    void (*unlock)(void);
};

extern const struct way ways[];       /* ends with name NULL */
extern const struct way ways_linux[]; /* likewise; empty where the program is not for Linux */

#endif
