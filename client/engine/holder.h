/*
 * holder - -H, the parent's side: starts and ends the process that holds idle connections (hold.h).
 */
#ifndef CLIENT_ENGINE_HOLDER_H
#define CLIENT_ENGINE_HOLDER_H

#include "../ask/load.h"
#include "../figures/totals.h"

/* Forks it, if there is a -H, and waits until it is ready, or a signal stops all. */
void holder_start(const struct load *load);

/* In a process forked after that: closes what is not its own. */
void holder_forget(void);

/* Adds what it has done so far to the result of a run. */
void holder_note(struct result *result);

/* A process has ended before its time: perhaps it is this one. */
void holder_died(pid_t pid);

/* Ends it: it closes its connections. */
void holder_end(void);

#endif
