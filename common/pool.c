#include "pool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "clock.h"
#include "die.h"

enum { YOUNG_US = 1000 * 1000, PAUSE_LEAST_US = 100 * 1000, PAUSE_MOST_US = 5 * 1000 * 1000 };

void
pool_open(struct pool *pool, unsigned size)
{
    *pool = (struct pool){.size = size, .wanted = size};
    pool->child = calloc(size + 1, sizeof *pool->child);
    if (!pool->child) {
        die("a pool of %u children", size);
    }
}

/* A child that pauses has its place among those wanted: else, where there are more numbers than are
 * wanted, another number would do without the pause. */
unsigned
pool_due(const struct pool *pool)
{
    int64_t now = clock_us();
    unsigned taken = pool->alive, due = 0;

    for (unsigned i = 1; taken < pool->wanted && i <= pool->size; i++) {
        if (pool->child[i].pid == 0) {
            taken += pool->child[i].due > now;
            due = due == 0 && pool->child[i].due <= now ? i : due;
        }
    }
    return taken < pool->wanted ? due : 0;
}

int64_t
pool_wait_us(const struct pool *pool)
{
    bool leaving = pool->replacing && pool->child[pool->replacing].pid != 0;
    int64_t next = leaving ? pool->replaced_until : INT64_MAX;
    int64_t now = clock_us();

    for (unsigned i = 1; pool->alive < pool->wanted && i <= pool->size; i++) {
        if (pool->child[i].pid == 0 && pool->child[i].due < next) {
            next = pool->child[i].due;
        }
    }
    if (next == INT64_MAX) {
        return -1;
    }
    return next > now ? next - now : 0;
}

void
pool_started(struct pool *pool, unsigned number, pid_t pid)
{
    pool->child[number].pid = pid;
    pool->child[number].started = clock_us();
    pool->child[number].asked = false;
    pool->alive++;
    pool->started++;
}

static int64_t
pause_us(unsigned young)
{
    int64_t pause = PAUSE_LEAST_US;

    if (young <= 1) {
        return 0;
    }
    for (unsigned i = 2; i < young && pause < PAUSE_MOST_US; i++) {
        pause *= 2;
    }
    return pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US;
}

void
pool_not_started(struct pool *pool, unsigned number)
{
    struct pool_child *child = &pool->child[number];

    warn_seldom(&pool->quiet_until, "cannot start child %u, trying again", number);
    child->young += child->young == 0 ? 2 : 1; /* never at once */
    child->due = clock_us() + pause_us(child->young);
}

static unsigned
number_of(const struct pool *pool, pid_t pid)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        if (pool->child[i].pid == pid) {
            return i;
        }
    }
    return 0;
}

unsigned
pool_ended(struct pool *pool, pid_t pid, int status)
{
    unsigned number = number_of(pool, pid);
    struct pool_child *child = &pool->child[number];
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    int64_t now = clock_us();

    if (number == 0) {
        return 0;
    }
    if (!child->asked && !clean) {
        pool->lost++;
        warnx("child %u, pid %ld, %s %d", number, (long)pid,
              WIFSIGNALED(status) ? "died of signal" : "ended with status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    child->young = child->asked || now - child->started >= YOUNG_US ? 0 : child->young + 1;
    child->due = now + pause_us(child->young);
    child->pid = 0;
    pool->alive--;
    return number;
}

void
pool_kill(struct pool *pool, int signal)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        if (pool->child[i].pid != 0) {
            pool->child[i].asked = true;
            kill(pool->child[i].pid, signal);
        }
    }
}

void
pool_forgive(struct pool *pool)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        pool->child[i].due = 0;
        pool->child[i].young = 0;
    }
}

void
pool_replace_all(struct pool *pool)
{
    pool->replacing = 1;
    pool->replaced_until = 0;
}

unsigned
pool_replace_next(struct pool *pool, int patience_s)
{
    int64_t now = clock_us();
    struct pool_child *child;

    while (pool->replacing > 0) {
        child = &pool->child[pool->replacing];
        if (pool->replaced_until == 0 && child->pid != 0) {
            pool->replaced_until = now + (int64_t)(patience_s > 0 ? patience_s : 1) * 1000000;
            child->asked = true;
            return pool->replacing;
        }
        if (child->pid != 0 && child->asked && now < pool->replaced_until) {
            return 0; /* it has not left yet */
        }
        if (child->pid == 0 && child->due > now) {
            return 0; /* nor has its successor come */
        }
        pool->replacing = pool->replacing < pool->size ? pool->replacing + 1 : 0;
        pool->replaced_until = 0;
    }
    return 0;
}
