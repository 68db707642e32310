/*
 * run - one run of the load: forks the client processes, opens a gate for all of them at once,
 * passes on signals, and waits.
 */
#ifndef CLIENT_ENGINE_PROCESSES_H
#define CLIENT_ENGINE_PROCESSES_H

#include <stdbool.h>
#include <sys/select.h>

#include "../ask/load.h"
#include "../figures/totals.h"

enum { RUN_PROCESSES_MOST = 1000, RUN_STATUS_LIMITED = 4 };

/* Once, before all else: INT and TERM stop the load from now on. */
void run_catch_signals(void);

/* True once one of them has come. */
bool run_stopped(void);

/* Waits until `fd` is readable (-1: none) or a signal comes or `until_ns`, by clock_ns(), is
 * reached: true if it is readable. A signal cannot slip in between a look at run_stopped() and
 * this. */
bool run_wait(int fd, int64_t until_ns);

/* Zeroed tallies for all client processes, and back. */
struct tally *run_open_tallies(const struct load *load);
void run_close_tallies(const struct load *load, struct tally *tallies);

/* Makes one run and adds up the result. */
void run_load(const struct load *load, struct tally *tallies, struct result *result);

#endif
