/*
 * processes - forks the client processes, opens a gate for all of them at once, passes on signals,
 * and waits.
 */
#ifndef CLIENT_ENGINE_PROCESSES_H
#define CLIENT_ENGINE_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "../figures/totals.h"

enum { PROCESSES_MOST = 1000 };

/* Once, before all else: from now on INT and TERM stop the load. */
void processes_catch_signals(void);

/* Once, when the load is over: from now on INT and TERM interrupt what this process does, such as
 * writing a report that nobody reads, and one that is not the first ends it at once. */
void processes_end(void);

/* True once INT or TERM has come. */
bool processes_stopped(void);

/* Waits until `fd` is readable (-1: none), or a signal comes, or until `until_ns`, by clock_ns():
 * true if it is readable. A signal cannot slip in between a look at processes_stopped() and this.
 */
bool processes_wait(int fd, int64_t until_ns);

/* Makes one run of the load, and adds up its totals. */
void processes_run(const struct load *load, struct tally *tallies, struct totals *totals);

#endif
