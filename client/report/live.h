/*
 * live - with -o live a line for each half second of a run, as soon as that is over: for a program
 * that shows the load while it lasts. Each line is a JSON object; the report is the last one.
 */
#ifndef CLIENT_REPORT_LIVE_H
#define CLIENT_REPORT_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "../figures/tally.h"

/* A run begins: its first half second begins at `start_ns`, by clock_ns(). */
void live_open(const struct load *load, const struct tally *tallies, int64_t start_ns);

/* When the next line is due, by clock_ns(); INT64_MAX: none is asked for. */
int64_t live_due(void);

/* Prints the line from the end of the last one to now: if it is due, or, when the run is over, if
 * there is anything to tell. */
void live_print(bool over);

#endif
