#include "size.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/signals.h"
#include "../common/spawn.h"

enum { SECOND_US = 1000 * 1000, SOON_US = 100 * 1000, BURST_MOST = 32 };

struct channel *channels;

static const struct settings *settings;
static int64_t next_look; /* -s auto: clock_us() */

void
size_open(struct server *server, const struct settings *taken, const char *program)
{
    settings = taken;
    crew.ready_us = settings->ready_us;
    crew_open(server, program, settings->most);
    crew.board->retire_after = settings->retire_after;
    crew.board->own_channels = settings->piped;
    server->board.slots = board_slots(crew.board);
    counter_set(&server->board.slots[0].pid, (unsigned long long)getpid());
    next_look = clock_us() + SECOND_US;
}

/* --- starting -------------------------------------------------------------------------------- */

static void
start_handler(unsigned number)
{
    struct channel *channel = &channels[settings->piped ? number : 1];
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    crew_starts(number);
    if (channel_open(channel, SOCK_STREAM) &&
        spawn_actions(&actions, number, channel->receiver, crew.boardfd)) {
        int error = posix_spawnp(&pid, crew.program, &actions, &spawn_attributes, crew.arguments,
                                 spawn_environment());

        posix_spawn_file_actions_destroy(&actions);
        pid = error == 0 ? pid : -1;
        errno = error;
    }
    crew_started(number, pid);
}

/* A seat whose channel has connections in it must get a handler, even if fewer are wanted now. */
static void
start_for_what_is_inside(void)
{
    for (unsigned i = 1; settings->piped && i <= crew.pool->highest; i++) {
        if (crew.pool->child[i].pid == 0 && pool_may_start(crew.pool) &&
            channels[i].given != atomic_load(&crew.board->seat[i].done)) {
            start_handler(i);
        }
    }
}

/* --- how many -------------------------------------------------------------------------------- */

/* TTOU, and -s auto: while more stay than must. Dismisses an idle handler, if any is; the last. */
static void
shed_handlers(void)
{
    while (crew.pool->starting == 0 && crew.pool->staying > crew.pool->wanted) {
        unsigned idle = 0, any = 0;

        for (unsigned i = 1; i <= crew.pool->highest; i++) {
            if (crew_stays(i)) {
                any = i;
                idle = crew_state(i) == HANDLER_IDLE && !crew.pool->child[i].stopped ? i : idle;
            }
        }
        pool_ask(crew.pool, idle != 0 ? idle : any, SIGHUP);
    }
}

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
    for (unsigned i = 1; i <= crew.pool->highest; i++) {
        idle += crew_stays(i) && !crew.pool->child[i].stopped &&
                (crew_state(i) == HANDLER_STARTING || crew_state(i) == HANDLER_IDLE);
    }
    if (idle >= settings->min_spare) {
        burst = 1;
        warned = false;
        want_more(idle > settings->max_spare ? -1 : 0);
    } else if (crew.pool->wanted < crew.pool->size) {
        want_more((int)burst);
        burst = burst < BURST_MOST ? burst * 2 : BURST_MOST;
    } else if (!warned) {
        warnx("all %u handlers are busy: -x allows no more", settings->most);
        warned = true;
    }
}

/* --- the turns of the loop ------------------------------------------------------------------- */

/* What it was serving is over. What it had not received is still in its channel, for a successor.
 */
static void
settle(unsigned number)
{
    unsigned received = settings->piped ? channels[number].given - channel_inside(&channels[number])
                                        : atomic_load(&crew.board->seat[number].received);

    crew_vacate(number, received);
}

static void
reap(void)
{
    unsigned number;
    int status;

    while ((number = crew_reap(&status)) != 0) {
        pool_ended(crew.pool, crew.server, crew.pool->child[number].pid, status);
        settle(number);
    }
    crew_notice_ready();
}

void
size_turn(bool full)
{
    unsigned number;

    reap();
    want_more(signals_more);
    signals_more = 0;
    if (settings->automatic) {
        look_at_spare(full);
    }
    shed_handlers();
    pool_replace(crew.pool, crew.server);
    crew_look_at_leaving();
    start_for_what_is_inside();
    while ((number = pool_due(crew.pool)) != 0) {
        start_handler(number);
    }
}

void
size_end_turn(bool left)
{
    struct pool *pool = crew.pool;

    reap();
    start_for_what_is_inside();
    if (left && !settings->piped && pool->starting == 0 && pool_may_start(pool) &&
        pool->alive < (unsigned)crew.server->options.children) {
        start_handler(pool_number(pool, 0));
    }
    atomic_store(&crew.board->waits, 1);
}

void
size_report(bool at_the_end)
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
    crew.server->board.children = crew.pool->highest;
    stats_print(stats, &crew.server->board, &crew.server->options, at_the_end);
    free(text);
}
