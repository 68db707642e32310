/*
 * progress - a line on the terminal that tells how far the load has come; none if stderr is no
 * terminal or the user wants quiet.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>

#include "load.h"

enum { PROGRESS_MS = 200 }; /* between two of them */

void progress_open(const struct load *load, const struct tally *tallies);
bool progress_shown(void);

/* Prints it anew, if it is time. */
void progress_print(void);

/* Erases it. */
void progress_close(void);

#endif
