/*
 * run - measures a row in a process of its own, which it ends, with all its helpers, whatever
 * becomes of it.
 */
#ifndef LIMITS_RUN_H
#define LIMITS_RUN_H

#include <stdbool.h>

#include "bench.h"
#include "rows.h"

/* Once: INT and TERM are noted from now on. */
void run_catch_signals(void);

/* True when one of them has come. */
bool run_stopped(void);

/* Measures a row; false if it was stopped before there was a result. `setup` says how; its
 * report_fd is not used. */
bool run_row(const struct row *row, const struct bench *setup, struct bench_result *result);

/* The part that runs in the row's process. */
_Noreturn void run_measure(const struct row *row, const struct bench *setup);

#endif
