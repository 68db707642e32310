/*
 * stats - what a server says when it is stopped, and on SIGUSR1.
 */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdint.h>

#include "options.h"
#include "scoreboard.h"

struct stats {
    const char *variant; /* how this server was told to work, "" if there is only one way */
    bool one_each;       /* a child per connection: no rows */
    int64_t started;     /* clock_us() */
    unsigned long long children_started;
    unsigned long long children_lost; /* died of a signal or an error, unasked */
    const char *more; /* what only this server says: lines of text above the rows, or members at
                       * the end of the JSON object, each with a comma in front; NULL: nothing */
};

/* The server starts now: what its process has used before (in the shell, before exec) does not
 * count. But nothing can be taken from a maximum: a large launcher shows in peak_rss_kib. */
void stats_start(struct stats *stats, const char *variant);

/* Prints it to stdout, as text or as one line of JSON; with -q no text when the server stops. The
 * context switches and processor time of living children are as of their last tick between two
 * steps of a connection: a second old, and without the work of the request in hand. */
void stats_print(const struct stats *stats, const struct scoreboard *board,
                 const struct options *options);

#endif
