#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum {
    PATIENCE_LEAST_US = 1000 * 1000,
    YOUNG_US = 1000 * 1000,
    REMIND_US = 1000 * 1000,
    FORGET_US = 20 * 1000 * 1000,
    PAUSE_LEAST_US = 100 * 1000,
    PAUSE_MOST_US = 5 * 1000 * 1000,
    ENDING_US = 100 * 1000 /* between two looks at the grace */
};

static struct pool *opened;
static pid_t opener;

/* Waits for them too: a killed child lives until it next runs, and holds the listener as long. */
static void
kill_all(void)
{
    for (unsigned i = 1; opener == getpid() && i <= opened->size; i++) { /* not in a child */
        pid_t pid = opened->child[i].pid;

        if (pid != 0 && kill(pid, SIGKILL) == 0) {
            while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) { /* the tick */
            }
        }
    }
}

struct pool *
pool_open(unsigned size)
{
    struct pool *pool = scoreboard_memory(sizeof *pool + (size + 1) * sizeof pool->child[0]);

    pool->size = pool->wanted = size;
    opened = pool;
    opener = getpid();
    if (atexit(kill_all) != 0) {
        die("atexit");
    }
    return pool;
}

/* --- starting -------------------------------------------------------------------------------- */

/* While spawned children do not get ready, they are tried one at a time: a broken program must not
 * keep the machine busy, nor take the place of children that serve. */
bool
pool_may_start(const struct pool *pool)
{
    return !pool->killed && !(pool->trying && pool->starting > 0) &&
           (pool->due == 0 || pool->due <= clock_us());
}

unsigned
pool_due(const struct pool *pool)
{
    return pool->staying < pool->wanted && pool_may_start(pool) ? pool_number(pool, 0) : 0;
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

/* Only a child that did not get ready gives cause for a pause the first time. */
static void
note_failure(struct pool *pool, bool was_ready)
{
    int64_t now = clock_us(), pause = PAUSE_LEAST_US;

    if (now - pool->failed_at >= FORGET_US) {
        pool->failures = 0;
    }
    pool->failures += was_ready || pool->failures > 0 ? 1 : 2;
    pool->failed_at = now;
    pool->trying = pool->trying || !was_ready;
    for (unsigned i = 2; i < pool->failures && pause < PAUSE_MOST_US; i++) {
        pause *= 2;
    }
    pause = pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US;
    pool->due = pool->failures < 2 ? 0 : now + pause;
    if (!was_ready && pool->replace_before != 0) {
        warnx("HUP: a successor did not get ready, the other children stay");
        pool->replace_before = 0;
    }
}

void
pool_started(struct pool *pool, unsigned number, pid_t pid)
{
    struct pool_child *child = &pool->child[number];

    if (pid == -1) {
        warn_seldom(&pool->quiet_until, "cannot start child %u, trying again", number);
        note_failure(pool, false);
        return;
    }
    *child = (struct pool_child){
        .pid = pid, .last_pid = pid, .starts = child->starts + 1, .started = clock_us()};
    pool->highest = number > pool->highest ? number : pool->highest;
    pool->alive++;
    pool->staying++;
    pool->starting++;
    pool->started++;
    if (!pool->spawned) {
        pool_ready(pool, number);
    }
}

void
pool_ready(struct pool *pool, unsigned number)
{
    pool->child[number].ready = true;
    pool->starting--;
    pool->trying = false;
    pool->due = 0;
}

/* --- ending ---------------------------------------------------------------------------------- */

void
pool_ask(struct pool *pool, unsigned number, int signal)
{
    struct pool_child *child = &pool->child[number];

    pool->staying -= !child->asked;
    child->asked = clock_us();
    pool->remind_at = child->asked + REMIND_US;
    kill(child->pid, signal);
}

/* A child takes a HUP from us alone; but one from somebody else that was still pending when ours
 * came is all that it has seen. */
static void
remind(struct pool *pool, int64_t now)
{
    for (unsigned i = 1; i <= pool->size && pool->alive > pool->staying; i++) {
        if (pool->child[i].pid != 0 && pool->child[i].asked != 0) {
            kill(pool->child[i].pid, SIGHUP);
        }
    }
    pool->remind_at = now + REMIND_US;
}

/* The flag is cleared before each question: in a server that does not block the signal, another one
 * may come at any moment. One SIGCHLD may stand for several children: so it is asked again. */
unsigned
pool_reap(struct pool *pool, int *status)
{
    while (signals_ended) {
        unsigned number;
        pid_t pid;

        signals_ended = 0;
        pid = waitpid(-1, status, WNOHANG | WUNTRACED | WCONTINUED);
        if (pid <= 0) {
            continue;
        }
        signals_ended = 1;
        number = pool_number(pool, pid);
        if (number != 0 && (WIFEXITED(*status) || WIFSIGNALED(*status))) {
            return number;
        }
        pool->child[number].stopped = WIFSTOPPED(*status); /* (child[0] is nobody) */
    }
    return 0;
}

/* A terminal or a service manager may send the signal that stops us to our children too: before
 * they can catch it they die of it. */
static bool
is_clean(int status)
{
    return WIFSIGNALED(status)
               ? signals_stop && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT)
               : WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Of several young children that die together only the first counts as a failure: the others were
 * started before it. */
unsigned
pool_ended(struct pool *pool, struct server *server, pid_t pid, int status)
{
    unsigned number = pool_number(pool, pid);
    struct pool_child *child = &pool->child[number];

    if (number == 0) {
        return 0; /* a child of the program that was this process before exec */
    }
    if (!child->asked && !is_clean(status)) {
        pool->lost++;
        warnx("child %u, pid %ld, %s %d", number, (long)pid,
              WIFSIGNALED(status) ? "died of signal" : "ended with status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    child->ended = clock_us();
    if (!child->asked && child->started >= pool->failed_at &&
        (!child->ready || child->ended - child->started < YOUNG_US)) {
        note_failure(pool, child->ready);
    }
    pool->alive--;
    pool->staying -= !child->asked;
    pool->starting -= !child->ready;
    child->pid = 0;
    scoreboard_reaped(&server->board, number);
    return number;
}

static void
reap(struct pool *pool, struct server *server)
{
    unsigned number;
    int status;

    while ((number = pool_reap(pool, &status)) != 0) {
        pool_ended(pool, server, pool->child[number].pid, status);
    }
    server->stats.children_started = pool->started;
    server->stats.children_lost = pool->lost;
    if (server->board.children < pool->highest) {
        server->board.children = pool->highest;
    }
}

bool
pool_ending(struct pool *pool, struct server *server, bool more, int *status)
{
    bool over = signals_over();

    if (!pool->ending) { /* from here on nothing is due, and a start need not wait out a pause */
        pool->ending = true;
        pool->trying = false;
        pool->wanted = pool->failures = 0;
        pool->due = 0;
    }
    reap(pool, server);
    if (pool->alive == 0 && (over || !more)) {
        if (more) {
            warnx("connections that had been accepted were not served");
            *status = EXIT_FAILURE;
        }
        return false;
    }
    if (over && !pool->killed) {
        warnx("%u child%s had to be killed", pool->alive, pool->alive == 1 ? "" : "ren");
        *status = EXIT_FAILURE;
        pool->killed = true;
    }
    for (unsigned i = 1; i <= pool->size; i++) {
        struct pool_child *child = &pool->child[i];
        int signal = over || !child->ready ? SIGKILL : SIGTERM;

        /* Again and again: TERM that came just before a child began to wait has not ended it. */
        if (child->pid != 0 && (child->ready || over || !more) &&
            (child->told != signal || clock_us() - child->asked >= ENDING_US)) {
            child->told = signal;
            pool_ask(pool, i, signal);
        }
    }
    pool_wait(pool, server, -1, -1, ENDING_US);
    return true;
}

/* --- the parent's loop ----------------------------------------------------------------------- */

/* A child that leaves keeps its number. Nobody is asked to leave while all numbers are in use:
 * there would be none for a successor. (Without numbers to spare the successor gets that of the
 * child.) */
static bool
lacks_number(const struct pool *pool)
{
    return pool->alive == pool->size && pool->size > pool->wanted;
}

void
pool_replace(struct pool *pool, const struct server *server)
{
    int64_t grace_us = server->options.grace_us;
    int64_t now;

    if (pool->alive == pool->staying && pool->replace_before == 0 && !signals_replace) {
        return;
    }
    now = clock_us();
    if (pool->alive > pool->staying && now >= pool->remind_at) {
        remind(pool, now);
    }
    if (signals_replace) {
        signals_replace = 0;
        pool->replace_before = now;
        pool->replaced_until = INT64_MAX;
    }
    if (pool->replace_before == 0 || pool->starting > 0) {
        return;
    }
    if (pool->staying < pool->wanted && now < pool->replaced_until) {
        return;
    }
    for (unsigned i = 1; i <= pool->size; i++) {
        struct pool_child *child = &pool->child[i];

        if (child->pid != 0 && !child->asked && child->started < pool->replace_before) {
            if (lacks_number(pool)) {
                return;
            }
            pool_ask(pool, i, SIGHUP);
            if (!pool->spawned) {
                pool->replaced_until =
                    now + (grace_us > PATIENCE_LEAST_US ? grace_us : PATIENCE_LEAST_US);
            }
            return;
        }
    }
    pool->replace_before = 0;
}

void
pool_look(struct pool *pool, struct server *server)
{
    reap(pool, server);
    pool_replace(pool, server);
}

void
pool_turn(struct pool *pool, struct server *server)
{
    pool_look(pool, server);
    server_report_if_asked(server);
}

int64_t
pool_wait_us(const struct pool *pool)
{
    bool missing = pool->staying < pool->wanted && pool->alive < pool->size &&
                   !(pool->trying && pool->starting > 0);
    int64_t next = missing ? pool->due : INT64_MAX;
    int64_t now;

    if (pool->replace_before != 0 && !lacks_number(pool) && pool->replaced_until < next) {
        next = pool->replaced_until;
    }
    if (pool->alive > pool->staying && !pool->ending && pool->remind_at < next) {
        next = pool->remind_at;
    }
    if (next == INT64_MAX) {
        return -1;
    }
    now = clock_us();
    return next > now ? next - now : 0;
}

bool
pool_wait(struct pool *pool, struct server *server, int readable, int writable, int64_t most_us)
{
    int nfds = 1 + (readable > writable ? readable : writable);
    int64_t us = pool_wait_us(pool);
    struct timespec timeout;
    fd_set reads, writes;
    int ready;

    FD_ZERO(&reads);
    FD_ZERO(&writes);
    if (readable != -1) {
        FD_SET(readable, &reads);
    }
    if (writable != -1) {
        FD_SET(writable, &writes);
    }
    us = us == -1 || (most_us != -1 && most_us < us) ? most_us : us;
    timeout = clock_timespec(us);
    ready = pselect(nfds, &reads, writable == -1 ? NULL : &writes, NULL, us == -1 ? NULL : &timeout,
                    &server->waiting);
    if (ready > 0) {
        counter_add(&server->board.slots[0].wakeups, 1);
        signals_admit(&server->waiting);
    } else if (ready == -1) {
        signals_wait_failed(&server->waiting);
    }
    return ready > 0;
}
