#include "crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/signals.h"

enum { LEAST = 2, MOST = 64, LOOK_US = 1000 * 1000 };

static struct pool *pool;
static unsigned least;  /* -n, and what TTIN and TTOU made of it */
static int all_busy[2]; /* a pipe: a byte in it says that a child was the last idle one */
static struct {
    atomic_bool full;                /* there are -x children */
    atomic_bool busy[CROWD_MAX + 1]; /* by number */
} * shared;

void
crowd_limits(struct options *options, int most)
{
    int asked = options->children;

    least = asked > 0 ? (unsigned)asked : most == 1 ? 1 : LEAST;
    most = most > 0 ? most : asked > 0 ? asked : MOST;
    if (most < (int)least) {
        die_usage("-n %u: -x %d allows no more", least, most);
    }
    options->children = most;
}

int
crowd_open(struct pool *opened)
{
    pool = opened;
    pool->wanted = least;
    shared = scoreboard_memory(sizeof *shared);
    if (pipe(all_busy) == -1 || fcntl(all_busy[0], F_SETFL, O_NONBLOCK) == -1 ||
        fcntl(all_busy[1], F_SETFL, O_NONBLOCK) == -1) {
        die("pipe");
    }
    return all_busy[0];
}

/* TTIN and TTOU. */
static void
move_least(void)
{
    int most = (int)pool->size, now = (int)least + signals_more;

    signals_more = 0;
    least = (unsigned)(now < 1 ? 1 : now > most ? most : now);
}

/* One more if all are busy; one fewer if two have been idle for a second. A child that is stopped
 * is no help: pool_takes() is false for it. */
int64_t
crowd_adapt(struct server *server)
{
    static int64_t looked_at;
    unsigned idle = 0, last = 0;
    char bytes[64];

    move_least();
    while (read(all_busy[0], bytes, sizeof bytes) > 0) {
    }
    for (unsigned i = 1; i <= server->board.children; i++) {
        if (pool_takes(pool, i) && !shared->busy[i]) {
            idle++;
            last = i;
        }
    }
    if (pool->wanted < least || (idle == 0 && pool->staying == pool->wanted)) {
        pool->wanted += pool->wanted < pool->size;
        looked_at = clock_us();
    } else if (pool->wanted > least && clock_us() - looked_at >= LOOK_US) {
        looked_at = clock_us();
        if (idle > 1 && pool->staying == pool->wanted) {
            pool->wanted--;
            pool_ask(pool, last, SIGHUP);
        }
    }
    shared->full = pool->wanted == pool->size;
    return pool->wanted > least ? LOOK_US : -1;
}

/* Of two that get busy at once, at least one sees both flags. */
void
crowd_busy(unsigned number)
{
    bool all = !shared->full;

    shared->busy[number] = true;
    for (unsigned i = 1; all && i <= pool->size; i++) {
        all = shared->busy[i] || !pool_takes(pool, i);
    }
    if (all && write(all_busy[1], "", 1) == -1) {
        errno = 0; /* the pipe is full: then it has said so */
    }
}

void
crowd_idle(unsigned number)
{
    shared->busy[number] = false;
}
