#include "scale.h"

#include "../common/die.h"

enum { BURST_MOST = 32 };

/* At the maximum: said once, until it is left again. */
static void
warn_once(struct scale *scale)
{
    if (!scale->warned) {
        warnx("all %u handlers are busy: -x allows no more", scale->most);
        scale->warned = true;
    }
}

/* The need doubles with every look that finds too few, for one that starts at the rate of a calm
 * hour is too late for a rush; and is 1 again when there are enough. */
int
scale_look(struct scale *scale, unsigned idle, unsigned alive)
{
    unsigned room = alive < scale->most ? scale->most - alive : 0;
    unsigned start = scale->burst < room ? scale->burst : room;

    if (idle >= scale->min_spare) {
        scale->burst = 1;
        return idle > scale->max_spare ? -1 : 0;
    }
    if (room == 0) {
        warn_once(scale);
        return 0;
    }
    scale->warned = false;
    scale->burst = scale->burst < BURST_MOST ? scale->burst * 2 : BURST_MOST;
    return (int)start;
}
