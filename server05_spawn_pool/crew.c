#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/signals.h"
#include "spawn.h"

enum {
    SECOND_US = 1000 * 1000,
    PAUSE_US = 100 * 1000,
    START_US = 10 * SECOND_US, /* within which a handler must be ready */
    ORPHAN_S = 2,              /* for a request in progress when the distributor has died */
    BURST_MOST = 32
};

struct crew crew;

static unsigned failures;      /* how many in a row ended before they were ready */
static int64_t start_after;    /* clock_us(): then the next one is tried */
static int64_t replace_before; /* HUP: clock_us(); handlers started earlier are replaced; 0: none */
static int64_t next_look;      /* -s auto: clock_us() */
static unsigned burst = 1;     /* -s auto: how many the next look starts */

/* So that none is left when the distributor dies of an error. */
static void
kill_all(void)
{
    pool_kill(crew.pool, SIGKILL);
}

/* What the distributor and the handlers share: see docs/handlers.md. */
static void
open_board(void)
{
    const struct options *options = &crew.server->options;
    size_t size = board_size(crew.settings->most);

    crew.boardfd = scoreboard_object(size);
    crew.board = scoreboard_map(crew.boardfd, size);
    crew.board->magic = BOARD_MAGIC;
    crew.board->seats = crew.settings->most;
    crew.board->distributor = (int32_t)getpid();
    crew.board->timeout_s = options->timeout_s;
    crew.board->grace_s = options->grace_s < ORPHAN_S ? options->grace_s : ORPHAN_S;
    crew.board->verbose = options->verbose;
    crew.board->retire_after = crew.settings->retire_after;
    crew.board->own_channels = crew.settings->piped;
    crew.server->board.slots = board_slots(crew.board);
    counter_set(&crew.server->board.slots[0].pid, (unsigned long long)getpid());
}

void
crew_open(struct server *server, const struct settings *settings)
{
    crew.server = server;
    crew.settings = settings;
    open_board();
    crew.target = (unsigned)server->options.children;
    crew.pool = pool_open(settings->most);
    crew.handlers = calloc(settings->most + 1, sizeof *crew.handlers);
    if (!crew.handlers || atexit(kill_all) != 0) {
        die("%u handlers", settings->most);
    }
    next_look = clock_us() + SECOND_US;
}

static unsigned
state_of(unsigned number)
{
    return atomic_load(&crew.board->seat[number].state);
}

static bool
is_alive(unsigned number)
{
    return crew.pool->child[number].pid != 0;
}

static bool
stays(unsigned number)
{
    return is_alive(number) && crew.handlers[number].leaving_since == 0;
}

/* How many stay: the others leave, and their successors need not wait for that. */
static unsigned
staying(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= crew.highest; i++) {
        count += stays(i);
    }
    return count;
}

bool
crew_takes(unsigned number)
{
    const struct handler *handler = &crew.handlers[number];

    return stays(number) && handler->ready && !handler->stopped &&
           state_of(number) != HANDLER_FINISHING;
}

/* --- starting -------------------------------------------------------------------------------- */

/* After a handler that ended before it was ready they are tried one at a time, with growing pauses:
 * a broken program must not keep the machine busy, nor take the place of those that serve. */
static void
failed_to_start(void)
{
    failures++;
    if (replace_before != 0) {
        warnx("HUP: a successor did not get ready, the other handlers stay");
    }
    replace_before = 0;
    start_after = clock_us() + pool_pause_us(1 + failures);
}

static void
start_handler(unsigned number)
{
    struct handler *handler = &crew.handlers[number];
    int channel = crew.channels[crew.settings->piped ? number : 1].receiver;
    pid_t pid;

    atomic_store(&crew.board->seat[number].state,
                 HANDLER_STARTING); /* while the seat is still ours */
    pid = spawn_handler(crew.settings->program, crew.settings->arguments, number, channel,
                        crew.boardfd);
    if (pid == -1) {
        if (!crew.there && errno != EAGAIN && errno != ENOMEM) {
            die("-e '%.200s'", crew.settings->program);
        }
        atomic_store(&crew.board->seat[number].state, HANDLER_FREE);
        failed_to_start();
    } else {
        *handler = (struct handler){.starts = handler->starts + 1, .pid = pid};
        crew.highest = number > crew.highest ? number : crew.highest;
        crew.starting++;
    }
    pool_started(crew.pool, number, pid);
}

/* The seat that must get a handler now: one whose channel has connections in it, else the lowest
 * that is due; 0: none. */
static unsigned
seat_due(void)
{
    if (failures > 0 && (crew.starting > 0 || clock_us() < start_after)) {
        return 0;
    }
    for (unsigned i = 1; i <= crew.highest; i++) {
        if (crew.handlers[i].inside > 0 && pool_is_due(crew.pool, i)) {
            return i;
        }
    }
    return pool_due(crew.pool);
}

static void
kill_handler(unsigned number, const char *why)
{
    if (!crew.there) {
        diex("handler %s %s", crew.settings->program, why);
    }
    warnx("handler %u, pid %ld, %s: killed", number, (long)crew.pool->child[number].pid, why);
    crew.handlers[number].killed = true;
    kill(crew.pool->child[number].pid, SIGKILL);
}

bool
crew_notice_ready(void)
{
    int64_t late = clock_us() - START_US;
    unsigned before = crew.starting;

    for (unsigned i = 1; crew.starting > 0 && i <= crew.highest; i++) {
        if (!is_alive(i) || crew.handlers[i].ready) {
            continue;
        }
        if (state_of(i) != HANDLER_STARTING) {
            crew.handlers[i].ready = true;
            crew.starting--;
            failures = 0;
        } else if (crew.pool->child[i].started <= late && !crew.handlers[i].killed) {
            kill_handler(i, "is not ready after 10 s");
        }
    }
    crew.there = crew.there || (crew.starting == 0 && crew.pool->alive > 0);
    return crew.starting < before;
}

/* --- leaving --------------------------------------------------------------------------------- */

static void
dismiss(unsigned number)
{
    crew.pool->child[number].asked = true;
    crew.handlers[number].leaving_since = clock_us();
    kill(crew.pool->child[number].pid, SIGHUP);
}

/* TTOU, and -s auto: while more stay than must. Dismisses an idle handler, if any is; the last. */
static void
shed_handlers(void)
{
    while (crew.starting == 0 && staying() > crew.target) {
        unsigned idle = 0, any = 0;

        for (unsigned i = 1; i <= crew.highest; i++) {
            if (stays(i)) {
                any = i;
                idle = state_of(i) == HANDLER_IDLE && !crew.handlers[i].stopped ? i : idle;
            }
        }
        dismiss(idle != 0 ? idle : any);
    }
}

/* HUP: one by one, each when the last one's successor is ready: so a new version that does not
 * start costs one handler. */
static void
replace_handlers(void)
{
    if (replace_before == 0 || crew.starting > 0 || staying() < crew.target) {
        return;
    }
    for (unsigned i = 1; i <= crew.highest; i++) {
        if (stays(i) && crew.pool->child[i].started < replace_before) {
            dismiss(i);
            return;
        }
    }
    replace_before = 0;
}

/* A handler that leaves by itself (-R) is noted. One that was told to leave and serves nobody must
 * have left when the grace is over. */
static void
look_at_leaving(void)
{
    int grace_s = crew.server->options.grace_s;
    int64_t now = clock_us(), late = now - (grace_s > 0 ? grace_s : 1) * 1000000LL;

    for (unsigned i = 1; i <= crew.highest; i++) {
        struct handler *handler = &crew.handlers[i];
        bool leaves = is_alive(i) && (!stays(i) || state_of(i) == HANDLER_FINISHING);
        bool busy = handler->stopped || state_of(i) == HANDLER_WORKING;

        if (leaves && (busy || handler->leaving_since == 0)) {
            handler->leaving_since = now; /* a busy one cannot leave yet */
        } else if (leaves && handler->leaving_since < late && !handler->killed) {
            kill_handler(i, "does not leave");
        }
    }
}

/* --- how many -------------------------------------------------------------------------------- */

static void
change_target(int by)
{
    int wanted = (int)crew.target + by, most = (int)crew.pool->size;

    crew.target = (unsigned)(wanted < 1 ? 1 : wanted > most ? most : wanted);
}

/* -s auto: a look per second, as Apache's prefork keeps spare servers; earlier, but at most ten a
 * second, when no handler has room. None while some are missing: the dead would be taken for busy
 * ones. The need doubles with every look that finds too few idle handlers, since a server that
 * starts them at the rate of a calm hour is too late for a rush; it is 1 again when there are
 * enough. */
static void
look_at_spare(bool full)
{
    int64_t now = clock_us();
    static bool warned;
    unsigned idle = 0;

    if (!crew.there || failures > 0 || staying() < crew.target ||
        now < (full ? next_look - SECOND_US + PAUSE_US : next_look)) {
        return;
    }
    next_look = now + SECOND_US;
    for (unsigned i = 1; i <= crew.highest; i++) {
        idle += stays(i) && !crew.handlers[i].stopped &&
                (state_of(i) == HANDLER_STARTING || state_of(i) == HANDLER_IDLE);
    }
    if (idle >= crew.settings->min_spare) {
        burst = 1;
        warned = false;
        change_target(idle > crew.settings->max_spare ? -1 : 0);
    } else if (crew.target < crew.pool->size) {
        change_target((int)burst);
        burst = burst < BURST_MOST ? burst * 2 : BURST_MOST;
    } else if (!warned) {
        warnx("all %u handlers are busy: -x allows no more", crew.settings->most);
        warned = true;
    }
}

/* --- ending ---------------------------------------------------------------------------------- */

/* Its program is to blame, not a request. */
static void
ended_too_early(unsigned number, int status)
{
    bool killed = WIFSIGNALED(status);

    if (!crew.there) {
        diex("handler %s %s %d before it was ready", crew.settings->program,
             killed ? "died of signal" : "ended with status",
             killed ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    if (!killed && WEXITSTATUS(status) == EXIT_SUCCESS) {
        warnx("handler %u ended before it was ready", number); /* else pool_ended() complains */
    }
    failed_to_start();
}

/* True if its end is no loss: it was told, or has served its term (-R); or a terminal or a service
 * manager has sent to all of us the signal that stops us, before it could prepare for that. */
static bool
may_end(unsigned number, int status)
{
    unsigned state = state_of(number);

    return crew.pool->child[number].asked || state == HANDLER_FINISHING ||
           (state == HANDLER_STARTING && signals_stop && WIFSIGNALED(status) &&
            (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM));
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
    crew.handlers[number].inside = inside;
}

static void
ended(unsigned number, pid_t pid, int status)
{
    struct handler *handler = &crew.handlers[number];
    struct pool_child *child = &crew.pool->child[number];
    int64_t lived_us = clock_us() - child->started;

    crew.starting -= !handler->ready;
    child->asked = may_end(number, status);
    if (!child->asked && (!crew.there || state_of(number) == HANDLER_STARTING)) {
        ended_too_early(number, status);
    } else if (!child->asked && !signals_stop && status == 0) {
        warnx("handler %u, pid %ld, left by itself", number, (long)pid);
    }
    pool_ended(crew.pool, crew.server, pid, status);
    *handler = (struct handler){.starts = handler->starts, .pid = pid, .lived_us = lived_us};
    settle(number);
}

/* One SIGCHLD may stand for several handlers. It also comes when one is stopped or continued, and
 * from handlers that wake the distributor. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while (signals_ended && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        unsigned number = pool_number(crew.pool, pid);

        if (number != 0 && (WIFSTOPPED(status) || WIFCONTINUED(status))) {
            crew.handlers[number].stopped = WIFSTOPPED(status);
        } else if (number != 0) {
            ended(number, pid, status);
        }
    }
    signals_ended = 0;
}

/* --- the turns of the loop ------------------------------------------------------------------- */

void
crew_turn(bool full)
{
    unsigned number;

    reap();
    crew_notice_ready();
    if (signals_replace) {
        signals_replace = 0;
        replace_before = clock_us();
    }
    change_target(signals_more);
    signals_more = 0;
    if (crew.settings->automatic) {
        look_at_spare(full);
    }
    shed_handlers();
    replace_handlers();
    look_at_leaving();
    number = crew.target + crew.pool->alive - staying(); /* and a place for each that leaves */
    crew.pool->wanted = number < crew.pool->size ? number : crew.pool->size;
    while ((number = seat_due()) != 0) {
        start_handler(number);
    }
    crew.pool->wanted = failures > 0 ? 0 : crew.pool->wanted; /* pool_wait() need not wake for it */
}

/* Handlers are told to leave, by TERM, when they are ready: before that it would kill them. One
 * that is not ready is not needed if nothing is left. If a killed handler has left connections in
 * its channel, another handler is started for them. */
static void
end_handlers(bool left)
{
    unsigned number;

    for (unsigned i = 1; crew.settings->piped && i <= crew.highest; i++) {
        crew.handlers[i].inside = is_alive(i) ? 0 : channel_inside(&crew.channels[i]);
    }
    crew.pool->wanted =
        crew.settings->piped || !left || staying() >= crew.target ? 0 : crew.pool->alive + 1;
    if (crew.starting == 0 && (number = seat_due()) != 0) {
        start_handler(number);
    }
    crew.pool->wanted = 0;
    for (unsigned i = 1; i <= crew.highest; i++) {
        struct handler *handler = &crew.handlers[i];

        if (is_alive(i) && !handler->told && (handler->ready || !left)) {
            crew.pool->child[i].asked = handler->told = true;
            kill(crew.pool->child[i].pid, handler->ready ? SIGTERM : SIGKILL);
        }
    }
}

bool
crew_ending(bool left, bool over)
{
    static bool begun;

    for (unsigned i = 1; !begun && i <= crew.highest; i++) {
        crew.pool->child[i].due = 0; /* those for the end need not wait out a delay */
    }
    failures = begun ? failures : 0;
    begun = true;
    reap();
    crew_notice_ready();
    if (crew.pool->alive == 0 && (over || !left)) {
        return false;
    }
    if (over) {
        pool_kill(crew.pool, SIGKILL);
    } else {
        end_handlers(left);
    }
    atomic_store(&crew.board->waits, 1);
    pool_wait(crew.pool, crew.server, 0, NULL, NULL, crew_notice_ready() ? 0 : PAUSE_US);
    return true;
}

int64_t
crew_due_us(bool full)
{
    return failures > 0 || (full && crew.settings->automatic) ? PAUSE_US : SECOND_US;
}

void
crew_report(void)
{
    char *text = status_text(crew.server->options.json);

    crew.server->stats.more = text;
    crew.server->stats.children_started = crew.pool->started;
    crew.server->stats.children_lost = crew.pool->lost;
    crew.server->board.children = crew.highest;
    stats_print(&crew.server->stats, &crew.server->board, &crew.server->options);
    crew.server->stats.more = NULL;
    free(text);
}
