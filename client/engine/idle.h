/*
 * idle - -H: a process of its own opens N connections before the load begins, sends nothing on
 * them, and keeps them open until the load is over: many idle clients beside the few busy ones.
 *
 * It throws away whatever the server sends. It counts a connection that the server closes (as ours
 * do after their -T), and makes it again a second later; likewise one that could not be made. A
 * connection that waits for room in the server's queue has not failed, and goes on waiting.
 */
#ifndef CLIENT_ENGINE_IDLE_H
#define CLIENT_ENGINE_IDLE_H

#include <sys/types.h>

#include "../figures/totals.h"

/* Forks the process, if there is a -H, and waits until each connection is open or has failed once;
 * at most 10 s (or -T, if that is shorter), or until a signal stops all. */
void idle_start(const struct load *load);

/* In a process forked after that: closes the parent's descriptor. */
void idle_forget(void);

/* Adds to the totals of a run what the process has counted so far. */
void idle_note(struct totals *totals);

/* A process of this pid has ended before its time: perhaps it is this one. */
void idle_died(pid_t pid);

/* Ends the process, and with it its connections. */
void idle_end(void);

#endif
