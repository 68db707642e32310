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
    bool one_each;       /* a child or a thread per connection: no rows */
    bool threads;        /* the rows are threads: of this process, or of its children */
    int64_t started;     /* clock_us() */
    unsigned long long children_started;
    unsigned long long children_lost; /* died of a signal or an error, unasked */
    const char *more; /* what only this server says: lines of text above the rows, or members at
                       * the end of the JSON object, each with a comma in front; NULL: nothing */
};

/* The server starts now: what its process has used before (in the shell, before exec) does not
 * count. (A child from before exec does, when it ends. And where there is no /proc, a launcher that
 * was larger shows in peak_rss_kib, for nothing can be taken from a maximum.) */
void stats_start(struct stats *stats, const char *variant);

/* Prints it to stdout, as text or as one line of JSON; with -q no text at the end. Dies on failure
 * at the end; else, also while clients are served to their end after a stop, it only warns. The
 * context switches and processor time of living children are as of their last tick between two
 * steps of a connection: up to two seconds old (signals_idle()), and without the work of the
 * request in hand. */
void stats_print(const struct stats *stats, const struct scoreboard *board,
                 const struct options *options, bool at_the_end);

#endif
