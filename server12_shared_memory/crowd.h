/* crowd - how many children there are: as many as are busy and one more, within limits. */
#ifndef SERVER12_CROWD_H
#define SERVER12_CROWD_H

#include "../common/pool.h"
#include "../common/server.h"

enum { CROWD_MAX = 1000 };

/* Takes -n (0: not given) from `options` and -x (0: not given), and sets options->children to the
 * most that there can be. Ends the program if the two do not fit. */
void crowd_limits(struct options *options, int most);

/* In the parent, once: how many are wanted at first; the descriptor that pool_wait() must watch. */
int crowd_open(struct pool *pool);

/* In the parent, each time that it wakes: one more is wanted, or the last idle one is sent away.
 * Returns after how many microseconds it must look again (-1: when it is told). */
int64_t crowd_adapt(struct server *server);

/* The child with this number has got a client, or has none (any more). */
void crowd_busy(unsigned number);
void crowd_idle(unsigned number);

#endif
