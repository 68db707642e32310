/*
 * run - one run of the load: forks the client processes, opens a gate for all of them at once,
 * passes on signals, and waits.
 */
#ifndef CLIENT_ENGINE_PROCESSES_H
#define CLIENT_ENGINE_PROCESSES_H

#include <stdbool.h>
#include <sys/select.h>

#include "../figures/tally.h"
#include "../figures/totals.h"
#include "wait.h"

enum { PROCESSES_MOST = 1000 };

/* Once, before all else: INT and TERM stop the load from now on. */
void processes_catch_signals(void);

/* True once one of them has come. */
bool processes_stopped(void);

/* Waits until `fd` is readable (-1: none) or a signal comes or `until_ns`, by clock_ns(), is
 * reached: true if it is readable. A signal cannot slip in between a look at run_stopped() and
 * this. */
bool processes_wait(int fd, int64_t until_ns);

/* Makes one run and adds up the result. */
void processes_run(const struct load *load, struct tally *tallies, struct totals *totals);

#endif
