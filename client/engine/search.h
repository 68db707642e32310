/*
 * search - -r max@BOUND: looks for the highest rate of an open loop that keeps a bound.
 */
#ifndef CLIENT_ENGINE_SEARCH_H
#define CLIENT_ENGINE_SEARCH_H

#include "../figures/totals.h"

/* A run and all that belongs to it. */
struct trial {
    struct load load; /* at the rate of this step */
    struct tally *tallies;
    struct totals totals;
};

/* Makes runs of -d each, at rates that it multiplies by 4 until one does not keep the bound, and
 * then halves the distance (as a ratio) between the highest that does and the lowest that does not,
 * until it is 5 %. At each rate two runs of three decide. 100 runs at most.
 *
 * A run lasts longer than -d where it would have too few connections to tell (gate_connections());
 * the first rate is such that it need not, if that is at most 10,000 per second.
 *
 * A run keeps the bound if it does, if connections began on schedule and ended as fast, and if
 * nothing failed, unless the bound says how much may.
 *
 * Returns the run at the highest rate that was kept, with the steps in its totals; the last run if
 * there is none. */
struct trial *search_run(const struct load *load);

enum { SEARCH_SECONDS = 1 }; /* of a step, without -d */

#endif
