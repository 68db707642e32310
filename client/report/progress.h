/*
 * progress - a line on the terminal that tells how far the load has come; none if stderr is no
 * terminal or the user wants quiet.
 */
#ifndef CLIENT_REPORT_PROGRESS_H
#define CLIENT_REPORT_PROGRESS_H

#include <stdint.h>

#include "../engine/wait.h"
#include "../figures/tally.h"

enum { PROGRESS_MS = 200 }; /* between two of them */

/* Sets the beginning of the lines of the next run, such as "step 3, 400/s: ". It must last. */
void progress_prefix(const char *text);

/* A run begins. */
void progress_open(const struct load *load, const struct tally *tallies);

/* When it is time for the next one, by clock_ns(); INT64_MAX: none is shown. */
int64_t progress_due(void);

/* Prints it anew, if it is time. */
void progress_print(void);

/* Prints a line that will be overwritten by the next, now. */
void progress_say(const struct load *load, const char *text);

/* Erases it. */
void progress_close(void);

#endif
