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
#include <sys/types.h>

#include "server.h"

struct pool_child {
    pid_t pid, last_pid;    /* 0: none; it, or the one that has ended */
    bool ready;             /* it serves; a forked child does from the start */
    int told;               /* KILL, if sent; TERM, if sent because the server stops; else 0 */
    bool stopped;           /* by SIGSTOP or the like */
    unsigned starts;        /* how many children have had this number */
    int64_t started, ended; /* clock_us(), of the last one */
    int64_t asked; /* clock_us() when told to leave: its end is no loss, and it gets nothing more
                    * to do; 0: it was not. (server05 sets it later while the child is busy.) */
};

/* Invariant: alive is the number of children, staying that of the children not asked to leave,
 * starting that of the children not ready. */
struct pool {
    unsigned size;   /* child[1..size] */
    unsigned wanted; /* how many of them must stay: all, if the server does not change it */
    unsigned alive, staying, starting;
    unsigned highest;                 /* children with a higher number have never been */
    bool spawned;                     /* children say themselves when they are ready */
    bool trying;                      /* the last one did not get ready: one at a time */
    unsigned failures;                /* one after the other, none FORGET_US after the last */
    int64_t failed_at;                /* clock_us() of the last failure */
    int64_t due;                      /* clock_us() from which a child may be started; 0: now */
    int64_t replace_before;           /* HUP: children started earlier are replaced; 0: none */
    int64_t replaced_until;           /* clock_us() at which the next one's turn comes anyway */
    int64_t remind_at;                /* clock_us() at which those that leave are told again */
    bool ending, killed;              /* the server stops; KILL was sent to all */
    unsigned long long started, lost; /* lost: ended unasked, by a signal or with an error */
    atomic_llong quiet_until; /* of the warning that no child can be started (or, in server11, be
                               * given work: what has run out is the same) */
    struct pool_child child[];
};

/* Does this child get more to do? */
static inline bool
pool_takes(const struct pool *pool, unsigned number)
{
    const struct pool_child *child = &pool->child[number];

    return child->pid != 0 && child->ready && !child->asked && !child->stopped;
}

/* Room for `size` children, all due now. (Shared memory, so that the parent's writes do not copy a
 * page after each fork.) If this process ends by exit(), its children are killed, and have ended
 * when it does. Dies if there is no memory. */
struct pool *pool_open(unsigned size);

/* The lowest number that has no child, if a child is missing and may be started now; else 0. After
 * a failure (a child could not be started, ended before it was ready or within a second) the next
 * one may be started at once, after the second failure in 100 ms, then in twice that, up to 5 s. */
unsigned pool_due(const struct pool *pool);
bool pool_may_start(const struct pool *pool);

/* The number of the child with this pid, or 0; with pid 0 the lowest number that no child has. */
unsigned pool_number(const struct pool *pool, pid_t pid);

/* What fork() returned: notes the child; after -1 warns, and counts a failure. */
void pool_started(struct pool *pool, unsigned number, pid_t pid);

/* A spawned child says that it serves. */
void pool_ready(struct pool *pool, unsigned number);

/* Asks the child to leave, by this signal. */
void pool_ask(struct pool *pool, unsigned number, int signal);

/* Returns the number of a child that has ended, and its status; 0: no more have. Notes which
 * children have been stopped and continued. */
unsigned pool_reap(struct pool *pool, int *status);

/* Notes what wait(2) told, warns of a loss, and returns the child's number (0: not one of ours). */
unsigned pool_ended(struct pool *pool, struct server *server, pid_t pid, int status);

/* After HUP replaces the children one by one, by HUP. The next one's turn comes when this one's
 * successor is ready; among forked children also after the grace, at least a second. While no
 * number is free for a successor, HUP stays pending. */
void pool_replace(struct pool *pool, const struct server *server);

/* A turn of the parent's loop: reaps the children that have ended, and replaces them after HUP; the
 * turn then also prints the statistics after USR1. */
void pool_look(struct pool *pool, struct server *server);
void pool_turn(struct pool *pool, struct server *server);

/* Microseconds until the pool must be looked at again, if no signal comes; -1: no limit. */
int64_t pool_wait_us(const struct pool *pool);

/* Sleeps until a signal comes, one of these descriptors (-1: none) is ready (then it returns true)
 * or a child is due, at most `most_us` microseconds (-1: no limit). Only in here signals are
 * delivered, so none can come between a test of a flag and the wait. */
bool pool_wait(struct pool *pool, struct server *server, int readable, int writable,
               int64_t most_us);

/* A turn of the end: reaps; TERM for the children that are ready, KILL for the others if the server
 * has not said that `more` must be served; KILL for all that are left after the grace (then says
 * so, and sets `status` to failure); waits a moment. False when all have ended, and no more must be
 * served, or the grace is over (then it says so too). */
bool pool_ending(struct pool *pool, struct server *server, bool more, int *status);

#endif
