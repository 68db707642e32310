#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/signals.h"
#include "spawn.h"

enum {
    SECOND_US = 1000 * 1000,
    SOON_US = 100 * 1000,
    ORPHAN_MS = 2000, /* for a request in progress when the distributor has died */
    BURST_MOST = 32
};

struct crew crew;

static int64_t next_look; /* -s auto: clock_us() */

/* (What stands on the board: see docs/handlers.md.) */
void
crew_open(struct server *server, const struct settings *settings)
{
    const struct options *options = &server->options;
    size_t size = board_size(settings->most);

    crew.server = server;
    crew.settings = settings;
    crew.boardfd = scoreboard_object(size);
    crew.board = scoreboard_map(crew.boardfd, size);
    crew.board->magic = BOARD_MAGIC;
    crew.board->seats = settings->most;
    crew.board->distributor = (int32_t)getpid();
    crew.board->timeout_ms = (int32_t)((options->timeout_us + 999) / 1000); /* 0 would be never */
    crew.board->grace_ms =
        options->grace_us < ORPHAN_MS * 1000 ? (int32_t)(options->grace_us / 1000) : ORPHAN_MS;
    crew.board->verbose = options->verbose;
    crew.board->retire_after = settings->retire_after;
    crew.board->own_channels = settings->piped;
    server->board.slots = board_slots(crew.board);
    counter_set(&server->board.slots[0].pid, (unsigned long long)getpid());
    crew.pool = pool_open(settings->most);
    crew.pool->wanted = (unsigned)options->children;
    crew.pool->spawned = true;
    next_look = clock_us() + SECOND_US;
}

static unsigned
state_of(unsigned number)
{
    return atomic_load(&crew.board->seat[number].state);
}

static bool
stays(unsigned number)
{
    return crew.pool->child[number].pid != 0 && !crew.pool->child[number].asked;
}

bool
crew_takes(unsigned number)
{
    return pool_takes(crew.pool, number) && state_of(number) != HANDLER_FINISHING;
}

/* --- starting -------------------------------------------------------------------------------- */

/* If it cannot be opened or started, pool_started() sees to it that it is tried again. */
static void
start_handler(unsigned number)
{
    struct channel *channel = &crew.channels[crew.settings->piped ? number : 1];
    pid_t pid = -1;

    atomic_store(&crew.board->seat[number].state,
                 HANDLER_STARTING); /* while the seat is still ours */
    if (channel_open(channel, SOCK_STREAM)) {
        pid = spawn_handler(crew.settings->program, crew.settings->arguments, number,
                            channel->receiver, crew.boardfd);
    }
    if (pid == -1) {
        if (!crew.there && errno != EAGAIN && errno != ENOMEM) {
            die("-e '%.200s'", crew.settings->program);
        }
        atomic_store(&crew.board->seat[number].state, HANDLER_FREE);
    } else {
        crew.highest = number > crew.highest ? number : crew.highest;
    }
    pool_started(crew.pool, number, pid);
}

/* A seat whose channel has connections in it must get a handler, even if fewer are wanted now. */
static void
start_for_what_is_inside(void)
{
    for (unsigned i = 1; crew.settings->piped && i <= crew.highest; i++) {
        if (crew.pool->child[i].pid == 0 && pool_may_start(crew.pool) &&
            crew.channels[i].given != atomic_load(&crew.board->seat[i].done)) {
            start_handler(i);
        }
    }
}

static void
kill_handler(unsigned number, const char *why)
{
    if (!crew.there) {
        diex("handler %s %s", crew.settings->program, why);
    }
    warnx("handler %u, pid %ld, %s: killed", number, (long)crew.pool->child[number].pid, why);
    crew.pool->child[number].told = SIGKILL;
    kill(crew.pool->child[number].pid, SIGKILL);
}

bool
crew_notice_ready(void)
{
    struct pool *pool = crew.pool;
    int64_t late = clock_us() - crew.settings->ready_us;
    unsigned before = pool->starting;

    for (unsigned i = 1; pool->starting > 0 && i <= crew.highest; i++) {
        if (pool->child[i].pid == 0 || pool->child[i].ready) {
            continue;
        }
        if (state_of(i) != HANDLER_STARTING) {
            pool_ready(pool, i);
        } else if (pool->child[i].started <= late && pool->child[i].told != SIGKILL) {
            kill_handler(i, "is not ready in time (-w)");
        }
    }
    return pool->starting < before;
}

/* --- leaving --------------------------------------------------------------------------------- */

/* TTOU, and -s auto: while more stay than must. Dismisses an idle handler, if any is; the last. */
static void
shed_handlers(void)
{
    while (crew.pool->starting == 0 && crew.pool->staying > crew.pool->wanted) {
        unsigned idle = 0, any = 0;

        for (unsigned i = 1; i <= crew.highest; i++) {
            if (stays(i)) {
                any = i;
                idle = state_of(i) == HANDLER_IDLE && !crew.pool->child[i].stopped ? i : idle;
            }
        }
        pool_ask(crew.pool, idle != 0 ? idle : any, SIGHUP);
    }
}

/* A handler leaves because it was asked, or by itself (-R). If it serves nobody it must have left
 * when the grace is over; a busy one cannot leave yet, so its grace begins with the first turn that
 * sees it idle, however late that turn comes. */
static void
look_at_leaving(void)
{
    int64_t grace_us = crew.server->options.grace_us;
    int64_t now = clock_us(), late = now - (grace_us > SECOND_US ? grace_us : SECOND_US);

    for (unsigned i = 1; i <= crew.highest; i++) {
        struct pool_child *child = &crew.pool->child[i];

        if (stays(i) && state_of(i) == HANDLER_FINISHING) {
            pool_ask(crew.pool, i, 0);
        } else if (child->stopped || state_of(i) == HANDLER_WORKING) {
            child->asked = child->asked != 0 ? INT64_MAX : 0;
        } else if (child->asked == INT64_MAX) {
            child->asked = now;
        } else if (child->pid != 0 && child->asked != 0 && child->asked < late &&
                   child->told != SIGKILL) {
            kill_handler(i, "does not leave");
        }
    }
}

/* --- how many -------------------------------------------------------------------------------- */

static void
want_more(int by)
{
    int wanted = (int)crew.pool->wanted + by, most = (int)crew.pool->size;

    crew.pool->wanted = (unsigned)(wanted < 1 ? 1 : wanted > most ? most : wanted);
}

/* -s auto: a look per second, as Apache's prefork keeps spare servers; earlier, but at most ten a
 * second, when no handler has room. None while some are missing: the dead would be taken for busy
 * ones. The need doubles with every look that finds too few idle handlers, since a server that
 * starts them at the rate of a calm hour is too late for a rush; it is 1 again when there are
 * enough. */
static void
look_at_spare(bool full)
{
    static unsigned burst = 1;
    static bool warned;
    int64_t now = clock_us();
    unsigned idle = 0;

    if (!crew.there || crew.pool->staying < crew.pool->wanted ||
        now < (full ? next_look - SECOND_US + SOON_US : next_look)) {
        return;
    }
    next_look = now + SECOND_US;
    for (unsigned i = 1; i <= crew.highest; i++) {
        idle += stays(i) && !crew.pool->child[i].stopped &&
                (state_of(i) == HANDLER_STARTING || state_of(i) == HANDLER_IDLE);
    }
    if (idle >= crew.settings->min_spare) {
        burst = 1;
        warned = false;
        want_more(idle > crew.settings->max_spare ? -1 : 0);
    } else if (crew.pool->wanted < crew.pool->size) {
        want_more((int)burst);
        burst = burst < BURST_MOST ? burst * 2 : BURST_MOST;
    } else if (!warned) {
        warnx("all %u handlers are busy: -x allows no more", crew.settings->most);
        warned = true;
    }
}

/* --- ending ---------------------------------------------------------------------------------- */

/* What is to be said of a handler's end, besides what pool_ended() says of a loss. */
static void
judge(unsigned number, int status)
{
    const struct pool_child *child = &crew.pool->child[number];
    bool killed = WIFSIGNALED(status);

    if (state_of(number) == HANDLER_FINISHING) {
        pool_ask(crew.pool, number, 0); /* -R: it has served its term */
    }
    if (child->asked || signals_stop) {
        return;
    }
    if (!crew.there) {
        diex("handler %s %s %d before it was ready", crew.settings->program,
             killed ? "died of signal" : "ended with status",
             killed ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    if (status == 0) {
        warnx("handler %u, pid %ld, %s", number, (long)child->pid,
              child->ready ? "left by itself" : "ended before it was ready");
    }
}

/* What it was serving is over. What it had not received is still in its channel, for a successor.
 */
static void
settle(unsigned number)
{
    struct seat *seat = &crew.board->seat[number];
    unsigned inside = crew.settings->piped ? channel_inside(&crew.channels[number]) : 0;

    if (crew.settings->piped) {
        atomic_store(&seat->received, crew.channels[number].given - inside);
    }
    atomic_store(&seat->done, atomic_load(&seat->received));
    atomic_store(&seat->state, HANDLER_FREE);
}

static void
reap(void)
{
    unsigned number;
    int status;

    while ((number = pool_reap(crew.pool, &status)) != 0) {
        judge(number, status);
        pool_ended(crew.pool, crew.server, crew.pool->child[number].pid, status);
        settle(number);
    }
    crew_notice_ready();
    crew.there = crew.there || (crew.pool->starting == 0 && crew.pool->alive > 0);
}

/* --- the turns of the loop ------------------------------------------------------------------- */

void
crew_turn(bool full)
{
    unsigned number;

    reap();
    want_more(signals_more);
    signals_more = 0;
    if (crew.settings->automatic) {
        look_at_spare(full);
    }
    shed_handlers();
    pool_replace(crew.pool, crew.server);
    look_at_leaving();
    start_for_what_is_inside();
    while ((number = pool_due(crew.pool)) != 0) {
        start_handler(number);
    }
}

void
crew_end_turn(bool left)
{
    struct pool *pool = crew.pool;

    reap();
    start_for_what_is_inside();
    if (left && !crew.settings->piped && pool->starting == 0 && pool_may_start(pool) &&
        pool->alive < (unsigned)crew.server->options.children) {
        start_handler(pool_number(pool, 0));
    }
    atomic_store(&crew.board->waits, 1);
}

void
crew_report(bool at_the_end)
{
    struct stats *stats = &crew.server->stats;
    char *text;

    if (!signals_report && !at_the_end) {
        return;
    }
    signals_report = 0;
    text = status_text(crew.server->options.json);
    stats->more = text;
    stats->children_started = crew.pool->started;
    stats->children_lost = crew.pool->lost;
    crew.server->board.children = crew.highest;
    stats_print(stats, &crew.server->board, &crew.server->options, at_the_end);
    free(text);
}
