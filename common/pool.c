#include "pool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum {
    YOUNG_US = 1000 * 1000,
    PAUSE_LEAST_US = 100 * 1000,
    PAUSE_MOST_US = 5 * 1000 * 1000,
    ENDING_US = 100 * 1000 /* between two looks at the grace */
};

struct pool *
pool_open(unsigned size)
{
    struct pool *pool = scoreboard_memory(sizeof *pool + (size + 1) * sizeof pool->child[0]);

    pool->size = pool->wanted = size;
    return pool;
}

/* --- starting -------------------------------------------------------------------------------- */

bool
pool_is_due(const struct pool *pool, unsigned number)
{
    return pool->child[number].pid == 0 && pool->child[number].due <= clock_us();
}

/* A child waiting out its restart delay counts as wanted: otherwise another number would be started
 * at once, and the delay would be void. */
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

unsigned
pool_number(const struct pool *pool, pid_t pid)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        if (pool->child[i].pid == pid) {
            return i;
        }
    }
    return 0;
}

int64_t
pool_pause_us(unsigned young)
{
    int64_t pause = young <= 1 ? 0 : PAUSE_LEAST_US;

    while (young-- > 2 && pause < PAUSE_MOST_US) {
        pause *= 2;
    }
    return pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US;
}

void
pool_started(struct pool *pool, unsigned number, pid_t pid)
{
    struct pool_child *child = &pool->child[number];

    if (pid == -1) {
        warn_seldom(&pool->quiet_until, "cannot start child %u, trying again", number);
        child->young += child->young == 0 ? 2 : 1; /* never at once */
        child->due = clock_us() + pool_pause_us(child->young);
        return;
    }
    child->pid = pid;
    child->started = clock_us();
    child->asked = pool->ending;
    pool->alive++;
    pool->started++;
    if (pool->ending) {
        kill(pid, SIGTERM); /* as all the others were told */
    }
}

/* --- ending ---------------------------------------------------------------------------------- */

unsigned
pool_ended(struct pool *pool, struct server *server, pid_t pid, int status)
{
    unsigned number = pool_number(pool, pid);
    struct pool_child *child = &pool->child[number];
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    int64_t now = clock_us();

    if (number == 0) {
        return 0; /* a child of the program that was this process before exec */
    }
    if (!child->asked && !clean) {
        pool->lost++;
        warnx("child %u, pid %ld, %s %d", number, (long)pid,
              WIFSIGNALED(status) ? "died of signal" : "ended with status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    child->young = child->asked || now - child->started >= YOUNG_US ? 0 : child->young + 1;
    child->due = now + pool_pause_us(child->young);
    child->pid = 0;
    pool->alive--;
    scoreboard_reaped(&server->board.slots[number]);
    return number;
}

static void
reap(struct pool *pool, struct server *server)
{
    int status;
    pid_t pid;

    while (signals_ended && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
        pool_ended(pool, server, pid, status); /* one SIGCHLD may stand for several children */
    }
    signals_ended = 0;
    server->stats.children_started = pool->started;
    server->stats.children_lost = pool->lost;
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

/* From here on nothing is due; what may still be started need not wait out a delay. */
static void
begin_end(struct pool *pool)
{
    pool->ending = true;
    pool->wanted = 0;
    pool_kill(pool, SIGTERM);
    for (unsigned i = 1; i <= pool->size; i++) {
        pool->child[i].due = 0;
        pool->child[i].young = 0;
    }
}

bool
pool_ending(struct pool *pool, struct server *server, bool more, int *status)
{
    bool over = signals_over();

    if (!pool->ending) {
        begin_end(pool);
    }
    if (pool->alive == 0 && (over || !more)) {
        return false;
    }
    if (over && !pool->killed) {
        warnx("%u children had to be killed", pool->alive);
        pool_kill(pool, SIGKILL);
        *status = EXIT_FAILURE;
        pool->killed = true;
    }
    pool_wait(pool, server, 0, NULL, NULL, ENDING_US);
    reap(pool, server);
    return true;
}

/* --- the parent's loop ----------------------------------------------------------------------- */

unsigned
pool_replace_next(struct pool *pool, int patience_s)
{
    int64_t now = clock_us();

    for (; pool->replacing > 0; pool->replaced_until = 0) {
        struct pool_child *child = &pool->child[pool->replacing];

        if (pool->replaced_until == 0 && child->pid != 0) {
            pool->replaced_until = now + (int64_t)(patience_s > 0 ? patience_s : 1) * 1000000;
            child->asked = true;
            return pool->replacing;
        }
        if (child->pid != 0 && child->asked && now < pool->replaced_until) {
            return 0; /* it has not left yet */
        }
        if (child->pid == 0) {
            pool->replaced_until = now; /* so that its successor, when it lives, is not told */
            return 0;
        }
        pool->replacing = pool->replacing < pool->size ? pool->replacing + 1 : 0;
    }
    return 0;
}

void
pool_turn(struct pool *pool, struct server *server)
{
    unsigned number;

    reap(pool, server);
    if (signals_replace) {
        signals_replace = 0;
        pool->replacing = 1;
        pool->replaced_until = 0;
    }
    if ((number = pool_replace_next(pool, server->options.grace_s)) != 0) {
        kill(pool->child[number].pid, SIGHUP);
    }
    server_report_if_asked(server);
}

int64_t
pool_wait_us(const struct pool *pool)
{
    bool leaving = pool->replacing && pool->child[pool->replacing].pid != 0;
    int64_t now = clock_us();
    int64_t next = leaving ? pool->replaced_until : INT64_MAX;

    if (pool_due(pool) != 0) {
        return 0;
    }
    for (unsigned i = 1; pool->alive < pool->wanted && i <= pool->size; i++) {
        if (pool->child[i].pid == 0 && pool->child[i].due > now && pool->child[i].due < next) {
            next = pool->child[i].due;
        }
    }
    return next == INT64_MAX ? -1 : next > now ? next - now : 0;
}

bool
pool_wait(struct pool *pool, struct server *server, int nfds, fd_set *readable, fd_set *writable,
          int64_t most_us)
{
    int64_t wait_us = pool_wait_us(pool);
    struct timespec timeout;
    int ready;

    wait_us = wait_us == -1 || (most_us != -1 && most_us < wait_us) ? most_us : wait_us;
    timeout = clock_timespec(wait_us);
    ready =
        pselect(nfds, readable, writable, NULL, wait_us == -1 ? NULL : &timeout, &server->waiting);
    if (ready > 0) {
        counter_add(&server->board.slots[0].wakeups, 1);
        signals_admit(&server->waiting);
        return true;
    }
    if (ready == -1) {
        signals_wait_failed(&server->waiting);
    }
    if (readable) {
        FD_ZERO(readable);
    }
    if (writable) {
        FD_ZERO(writable);
    }
    return false;
}
