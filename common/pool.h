/*
 * pool - looks after the children of a server: which one must be started now, when the next one,
 * which one ended and why, who is replaced next, and how all of them are ended. The servers fork
 * (or spawn); nothing else of a child's life is in their own files. Children are numbered from 1,
 * as their scoreboard slots.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/types.h>

#include "server.h"

struct pool_child {
    pid_t pid;       /* 0: none */
    bool asked;      /* told to leave: its end is no loss, and it gets nothing more to do */
    unsigned young;  /* how often in a row it died young, within a second */
    int64_t started; /* clock_us() */
    int64_t due;     /* clock_us() from which it may be started (again) */
};

struct pool {
    unsigned size;   /* child[1..size] */
    unsigned wanted; /* how many of them must be alive: all, if the server does not change it */
    unsigned alive;
    unsigned replacing;               /* HUP: the child that is being replaced; 0: none */
    int64_t replaced_until;           /* clock_us() at which the next one's turn comes anyway */
    bool ending, killed;              /* TERM was sent to all; KILL was */
    unsigned long long started, lost; /* lost: ended unasked, by a signal or with an error */
    atomic_llong quiet_until;         /* of the warning that no child can be started */
    struct pool_child child[];
};

/* Room for `size` children, all due now. (Shared memory, so that the parent's writes do not copy a
 * page after each fork.) Dies if there is no memory. */
struct pool *pool_open(unsigned size);

/* The lowest child that is due; 0: none is, or as many as are wanted are alive or pause. */
unsigned pool_due(const struct pool *pool);

/* True if this child does not live, and need not wait out a restart delay. */
bool pool_is_due(const struct pool *pool, unsigned number);

/* The number of the child with this pid, or 0; with pid 0 the lowest number that no child has. */
unsigned pool_number(const struct pool *pool, pid_t pid);

/* How long a child must wait that died young (or was not started) so many times in a row. */
int64_t pool_pause_us(unsigned young);

/* What fork() returned: notes the child (and tells it to end, once all are told); after -1 warns,
 * and the child is due again later. */
void pool_started(struct pool *pool, unsigned number, pid_t pid);

/* Notes what wait(2) told, warns of a loss, decides when the child is due again, and returns its
 * number (0: not one of ours). A child that lived less than a second died young: it is due at once
 * the first time, then after 100 ms, doubled each time up to 5 s. */
unsigned pool_ended(struct pool *pool, struct server *server, pid_t pid, int status);

/* A turn of the parent's loop: reaps the children that have ended; after HUP replaces the children
 * one by one, by HUP, each when the last one's successor runs; after USR1 prints the statistics. */
void pool_turn(struct pool *pool, struct server *server);

/* After HUP: the child that must leave now, or 0. The next one's turn comes when this one has been
 * replaced, or after `patience_s` seconds, at least one. */
unsigned pool_replace_next(struct pool *pool, int patience_s);

/* Sleeps until a signal comes, a descriptor is ready or a child is due, at most `most_us`
 * microseconds (-1: no limit). The sets may be NULL; they are empty if nothing is ready. Only in
 * here signals are delivered, so none can come between a test of a flag and the wait. */
bool pool_wait(struct pool *pool, struct server *server, int nfds, fd_set *readable,
               fd_set *writable, int64_t most_us);

/* Microseconds until pool_wait() must return; -1: only for a signal or a descriptor. */
int64_t pool_wait_us(const struct pool *pool);

/* Sends the signal to all children: their end will be no loss. */
void pool_kill(struct pool *pool, int signal);

/* A turn of the end: TERM for all children, KILL for those that are left after the grace (then
 * says so, and sets `status` to failure); waits a moment, and reaps. False when all have ended, and
 * the server has not said that it must start `more`, or the grace is over. */
bool pool_ending(struct pool *pool, struct server *server, bool more, int *status);

#endif
