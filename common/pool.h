/*
 * pool - the bookkeeping of a pool of children, as plain data: which child is to be started now,
 * how long until the next one, who is replaced next. The servers fork, wait and kill; this file
 * only does the arithmetic they share. Children are numbered from 1, as their scoreboard slots.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pool_child {
    pid_t pid;       /* 0: none */
    int64_t started; /* clock_us() */
    int64_t due;     /* clock_us() from which it may be started (again) */
    unsigned young;  /* how often in a row it died young */
    bool asked;      /* told to leave, so that its end is no loss */
};

struct pool {
    struct pool_child *child; /* child[1..size] */
    unsigned size;
    unsigned wanted; /* how many of them are to be alive: all, if the server does not change it */
    unsigned alive;
    atomic_llong quiet_until; /* of the warning that none can be started */
    unsigned replacing;       /* the child that is being replaced; 0: none */
    int64_t replaced_until;   /* clock_us() at which the next one's turn comes anyway */
    unsigned long long started, lost;
};

/* Room for `size` children, all due now. Dies if there is no memory. */
void pool_open(struct pool *pool, unsigned size);

/* The lowest child that is due, or 0; 0 too if as many as are wanted are alive. */
unsigned pool_due(const struct pool *pool);

/* Microseconds until something is to be done; -1: nothing until a signal comes. */
int64_t pool_wait_us(const struct pool *pool);

void pool_started(struct pool *pool, unsigned number, pid_t pid);

/* fork() failed: try again after a pause. */
void pool_not_started(struct pool *pool, unsigned number);

/* Notes the end that wait(2) told, decides when the child may be started again, and returns its
 * number (0: not one of ours). A child that lived less than a second died young: it is started
 * again at once the first time, then after 100 ms, doubled each time up to 5 s. */
unsigned pool_ended(struct pool *pool, pid_t pid, int status);

/* Asks all children to end, by this signal: their end will be no loss. */
void pool_kill(struct pool *pool, int signal);

/* Who died young need not pause any more: before the last ones, who serve what is left. */
void pool_forgive(struct pool *pool);

/* SIGHUP: replace all, one by one. */
void pool_replace_all(struct pool *pool);

/* The child to be told to leave now, or 0; the next one's turn comes when the last has been
 * replaced, or after `patience_s`, at least a second. */
unsigned pool_replace_next(struct pool *pool, int patience_s);

#endif
