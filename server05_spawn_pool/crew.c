#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "channels.h"
#include "spawn.h"
#include "status.h"

enum {
    PAUSE_US = 100 * 1000,
    PAUSE_MOST_US = 5 * 1000 * 1000,
    LOOK_US = 1000 * 1000,  /* between two looks at the number of idle handlers */
    START_US = 10 * 1000000 /* within which a handler is to be ready */
};

static struct crew_plan plan;
static struct board *board;
static int boardfd;
static struct pool pool;         /* of as many as there are seats */
static struct handler *handlers; /* handlers[1..pool.size] */
static unsigned highest;         /* handlers with a higher number have never been */
static unsigned target;          /* how many there are to be */
static bool there;               /* the first ones have got ready */
static unsigned nstarting;       /* started, not yet ready */
static unsigned failures;        /* how many in a row ended before they were ready */
static int64_t start_after;      /* clock_us(): then the next one is tried */
static int64_t next_look;        /* clock_us() */
static unsigned usual;           /* how many there were to be when the end began */
static bool replace_again;       /* when the last HUP has been done */
static bool replacement_failed;  /* a successor has: so nobody else is given up for one */

void
crew_open(struct board *shared, int fd, const struct crew_plan *what)
{
    plan = *what;
    board = shared;
    boardfd = fd;
    target = plan.handlers;
    pool_open(&pool, board->seats);
    handlers = calloc(board->seats + 1, sizeof *handlers);
    if (!handlers) {
        die("%u handlers", board->seats);
    }
    next_look = clock_us() + LOOK_US;
}

static unsigned
state_of(unsigned number)
{
    return atomic_load(&board->seat[number].state);
}

static bool
is_alive(unsigned number)
{
    return pool.child[number].pid != 0;
}

static bool
is_leaving(unsigned number)
{
    return is_alive(number) && handlers[number].dismissed_at != 0;
}

static unsigned
count_surplus(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= highest; i++) {
        count += is_alive(i) && handlers[i].surplus;
    }
    return count;
}

/* --- starting -------------------------------------------------------------------------------- */

/* Without a first handler there is nothing to serve with. */
static void
clear_away(void)
{
    pool_kill(&pool, SIGKILL);
    listen_remove(plan.options);
}

/* After one that ended before it was ready they are tried one at a time, with growing pauses: a
 * broken program is not to keep the machine busy. */
static void
failed_to_start(void)
{
    int64_t pause = PAUSE_US;

    for (unsigned i = 0; i < failures && pause < PAUSE_MOST_US; i++) {
        pause *= 2;
    }
    failures++;
    replacement_failed = replacement_failed || pool.replacing != 0;
    start_after = clock_us() + (pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US);
}

static void
not_started(unsigned number, int error)
{
    if (!there && error != EAGAIN && error != ENOMEM) {
        clear_away();
        die_error(error, "handler %s", plan.program);
    }
    atomic_store(&board->seat[number].state, HANDLER_FREE);
    failed_to_start();
    errno = error;
    pool_not_started(&pool, number);
}

static void
start_handler(unsigned number)
{
    int channel = channels_create(number);
    int error;
    pid_t pid;

    highest = number > highest ? number : highest;
    if (channel == -1) {
        not_started(number, errno);
        return;
    }
    atomic_store(&board->seat[number].state, HANDLER_STARTING); /* while the seat is still ours */
    error = spawn_handler(plan.program, plan.arguments, number, channel, boardfd, &pid);
    if (error != 0) {
        not_started(number, error);
        return;
    }
    handlers[number] = (struct handler){.starts = handlers[number].starts + 1, .pid = pid};
    pool_started(&pool, number, pid);
    nstarting++;
}

static void
start_handlers(void)
{
    unsigned number;

    while ((number = pool_due(&pool)) != 0) {
        if (failures > 0 && (nstarting > 0 || clock_us() < start_after)) {
            break;
        }
        start_handler(number);
    }
}

static void
is_ready(unsigned number)
{
    handlers[number].ready = true;
    nstarting--;
    failures = 0;
    replacement_failed = false;
    if (!is_leaving(number) && !handlers[number].stopped) {
        channels_admit(number);
    }
}

static void
is_late(unsigned number)
{
    if (!there) {
        clear_away();
        diex("handler %s is not ready after 10 s", plan.program);
    }
    warnx("handler %u, pid %ld, is not ready after 10 s: killed", number,
          (long)pool.child[number].pid);
    handlers[number].killed = true;
    kill(pool.child[number].pid, SIGKILL);
}

/* Who has been starting, and says something else now. Who says nothing for too long is ended. */
static void
notice_ready(void)
{
    int64_t now = clock_us();

    for (unsigned i = 1; nstarting > 0 && i <= highest; i++) {
        if (!is_alive(i) || handlers[i].ready) {
            continue;
        }
        if (state_of(i) != HANDLER_STARTING) {
            is_ready(i);
        } else if (now - pool.child[i].started >= START_US && !handlers[i].killed) {
            is_late(i);
        }
    }
    there = there || (nstarting == 0 && pool.alive > 0);
}

bool
crew_is_there(void)
{
    return there;
}

bool
crew_is_starting(void)
{
    return nstarting > 0;
}

bool
crew_any_ready(void)
{
    for (unsigned i = 1; nstarting > 0 && i <= highest; i++) {
        if (is_alive(i) && !handlers[i].ready && state_of(i) != HANDLER_STARTING) {
            return true;
        }
    }
    return false;
}

/* --- leaving --------------------------------------------------------------------------------- */

/* It is to leave when it has served what it is serving; what waits for it, others get. */
static void
dismiss(unsigned number)
{
    if (is_leaving(number)) {
        return;
    }
    pool.child[number].asked = true;
    handlers[number].dismissed_at = clock_us();
    channels_dismiss(number);
    kill(pool.child[number].pid, SIGHUP);
}

/* Whom to do without: one that is not yet ready, else an idle one, else any; the last of them. */
static unsigned
dispensable(void)
{
    unsigned starting = 0, idle = 0, any = 0;

    for (unsigned i = 1; i <= highest; i++) {
        if (is_alive(i) && !is_leaving(i)) {
            any = i;
            starting = handlers[i].ready ? starting : i;
            idle = state_of(i) == HANDLER_IDLE && !handlers[i].stopped ? i : idle;
        }
    }
    return starting != 0 ? starting : idle != 0 ? idle : any;
}

/* Seats that pause because their handlers died young: those that are not wanted any more must not
 * keep others, which are, from being started (pool_due). */
static void
forgive(void)
{
    int64_t now = clock_us();
    unsigned taken = pool.alive;

    for (unsigned i = 1; i <= highest; i++) {
        if (!is_alive(i) && pool.child[i].due > now && taken++ >= target) {
            pool.child[i].due = 0;
            pool.child[i].young = 0;
        }
    }
}

/* TTOU, and -s auto: while more are there than are to be. */
static void
shed_handlers(void)
{
    forgive();
    while (pool.alive - count_surplus() > target) {
        unsigned number = dispensable();

        if (number == 0) {
            return;
        }
        dismiss(number);
        handlers[number].surplus = true;
    }
}

/* HUP: one by one, each when the last one's successor is ready: a new version that does not start
 * replaces no more than one. */
static void
replace_handlers(void)
{
    unsigned number;

    if (replace_again && pool.replacing == 0) {
        replace_again = false;
        pool_replace_all(&pool);
    }
    if (nstarting == 0 && !replacement_failed && pool.alive >= pool.wanted &&
        (number = pool_replace_next(&pool, plan.options->grace_s)) != 0) {
        dismiss(number);
    }
}

/* One that was asked to leave and has not done so in time: if it serves nobody it is not waited
 * for; else its successor is started, whenever it may leave. */
static void
insist_on(unsigned number)
{
    struct handler *handler = &handlers[number];

    if (handler->stopped || state_of(number) == HANDLER_WORKING) {
        handler->surplus = true;
    } else if (!handler->killed) {
        warnx("handler %u, pid %ld, does not leave: killed", number, (long)pool.child[number].pid);
        handler->killed = true;
        kill(pool.child[number].pid, SIGKILL);
    }
}

static void
insist(void)
{
    int grace_s = plan.options->grace_s > 0 ? plan.options->grace_s : 1;
    int64_t now = clock_us();

    for (unsigned i = 1; i <= highest; i++) {
        if (is_alive(i) && !is_leaving(i) && state_of(i) == HANDLER_FINISHING) {
            handlers[i].dismissed_at = now; /* by itself: -R */
            channels_dismiss(i);
        }
        if (is_leaving(i) && now - handlers[i].dismissed_at > (int64_t)grace_s * 1000000) {
            insist_on(i);
        }
    }
}

/* --- how many -------------------------------------------------------------------------------- */

static unsigned
count_idle(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= highest; i++) {
        unsigned state = state_of(i);

        count += is_alive(i) && !is_leaving(i) && !handlers[i].stopped &&
                 (state == HANDLER_STARTING || state == HANDLER_IDLE);
    }
    return count;
}

/* -s auto: one look per second; earlier, but at most ten a second, when nobody has room. None while
 * some are missing: it would take the dead for busy ones. */
static void
scale_crew(void)
{
    int64_t now = clock_us();
    bool pressed = now >= next_look - LOOK_US + PAUSE_US && channels_choose() == 0;

    if (!there || failures > 0 || pool.alive < pool.wanted || (now < next_look && !pressed)) {
        return;
    }
    next_look = now + LOOK_US;
    crew_change(scale_look(&plan.scale, count_idle(), target));
}

void
crew_change(int more)
{
    int wanted = (int)target + more;

    target = wanted < 1 ? 1 : wanted > (int)pool.size ? pool.size : (unsigned)wanted;
}

void
crew_replace(void)
{
    replace_again = true;
    if (replacement_failed) { /* perhaps this version is better; else it costs one handler more */
        replacement_failed = false;
        pool.replacing = 0;
    }
}

/* --- ending ---------------------------------------------------------------------------------- */

static unsigned
handler_with(pid_t pid)
{
    for (unsigned i = 1; i <= highest; i++) {
        if (pool.child[i].pid == pid) {
            return i;
        }
    }
    return 0;
}

/* It never came to serve: the program is to blame, not what it was given. */
static void
ended_too_early(unsigned number, int status)
{
    if (!there) {
        clear_away();
        if (WIFSIGNALED(status)) {
            diex("handler %s died of signal %d before it was ready", plan.program,
                 WTERMSIG(status));
        }
        diex("handler %s ended with status %d before it was ready", plan.program,
             WEXITSTATUS(status));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        warnx("handler %u ended before it was ready", number); /* else pool_ended() complains */
    }
    failed_to_start();
}

/* Whether it was not its own fault: it had served its term (-R), or a terminal or a service manager
 * has sent to all of us what stops us, before it could prepare for that. */
static bool
excused(unsigned number, int status)
{
    unsigned state = state_of(number);

    if (state == HANDLER_FINISHING) {
        return true;
    }
    return state == HANDLER_STARTING && signals_stop && WIFSIGNALED(status) &&
           (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM);
}

static void
ended(unsigned number, pid_t pid, int status)
{
    struct pool_child *child = &pool.child[number];
    int64_t lived_us = clock_us() - child->started;

    child->asked = child->asked || excused(number, status);
    nstarting -= !handlers[number].ready;
    if (!child->asked && (!there || state_of(number) == HANDLER_STARTING)) {
        ended_too_early(number, status);
    } else if (!child->asked && !signals_stop && WIFEXITED(status) &&
               WEXITSTATUS(status) == EXIT_SUCCESS) {
        warnx("handler %u, pid %ld, left by itself", number, (long)pid);
    }
    pool_ended(&pool, pid, status);
    scoreboard_reaped(&board_slots(board)[number]);
    channels_ended(number);
    atomic_store(&board->seat[number].state, HANDLER_FREE);
    handlers[number] =
        (struct handler){.starts = handlers[number].starts, .pid = pid, .lived_us = lived_us};
}

/* A stopped handler gets nothing until it is continued. */
static void
suspended(unsigned number, bool stopped)
{
    handlers[number].stopped = stopped;
    if (stopped) {
        channels_dismiss(number);
    } else if (is_leaving(number)) {
        handlers[number].dismissed_at = clock_us(); /* it could not hear it before */
    } else if (handlers[number].ready) {
        channels_admit(number);
    }
}

/* One SIGCHLD may stand for several handlers; it also comes when one is stopped or continued. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        unsigned number = handler_with(pid);

        if (number == 0) {
            continue;
        }
        if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
            suspended(number, WIFSTOPPED(status));
        } else {
            ended(number, pid, status);
        }
    }
}

/* --- the turns of the loop ------------------------------------------------------------------- */

void
crew_look_after(bool child_ended)
{
    unsigned wanted;

    if (child_ended) {
        reap();
    }
    notice_ready();
    if (plan.automatic) {
        scale_crew();
    }
    wanted = target + count_surplus();
    pool.wanted = wanted < pool.size ? wanted : pool.size;
    if (nstarting == 0 && pool.alive >= pool.wanted) {
        failures = 0; /* nobody is missing, so there is nothing to be careful about */
    }
    start_handlers();
    shed_handlers();
    replace_handlers();
    insist();
}

static int64_t
sooner(int64_t wait_us, int64_t other_us)
{
    return wait_us == -1 || wait_us > other_us ? other_us : wait_us;
}

/* What is due at once has just been done, or has to wait for something else: hence at least a
 * pause, so that nothing spins. */
int64_t
crew_due_us(void)
{
    int64_t wait_us = pool_wait_us(&pool);
    int64_t held_us = failures > 0 ? start_after - clock_us() : 0;

    if (wait_us != -1) {
        wait_us = wait_us > held_us ? wait_us : held_us;
        wait_us = wait_us > PAUSE_US ? wait_us : PAUSE_US;
    }
    for (unsigned i = 1; i <= highest; i++) {
        if (is_alive(i) && (is_leaving(i) || !handlers[i].ready)) {
            wait_us = sooner(wait_us, LOOK_US);
        }
    }
    if (plan.automatic) {
        wait_us = sooner(wait_us, channels_choose() == 0 ? PAUSE_US : LOOK_US);
    }
    return wait_us;
}

/* Ready handlers are told to leave when there is nothing left for them. One that is not yet would
 * not live to hear it: it goes on, if anything is left; else it is not needed. (In this order:
 * while it is starting, it takes nothing.) */
static void
tell_to_leave(void)
{
    bool any_left = channels_any_left();

    for (unsigned i = 1; i <= highest; i++) {
        struct handler *handler = &handlers[i];

        if (!is_alive(i) || handler->told) {
            continue;
        }
        if (handler->ready || (!any_left && state_of(i) == HANDLER_STARTING)) {
            pool.child[i].asked = true;
            handler->told = true;
            handler->dismissed_at = handler->dismissed_at ? handler->dismissed_at : clock_us();
            kill(pool.child[i].pid, handler->ready ? SIGTERM : SIGKILL);
        }
    }
}

void
crew_prepare_end(void)
{
    pool_forgive(&pool);
    failures = 0;
    usual = pool.wanted;
}

bool
crew_end(bool at_once)
{
    reap();
    notice_ready();
    if (at_once) {
        pool_kill(&pool, SIGKILL);
        return pool.alive == 0;
    }
    if (nstarting == 0 && pool.alive < usual && channels_any_left()) { /* one has been killed */
        pool.wanted = pool.alive + 1;
        start_handlers();
    }
    tell_to_leave();
    return pool.alive == 0 && !channels_any_left();
}

unsigned
crew_alive(void)
{
    return pool.alive;
}

void
crew_report(struct stats *stats)
{
    struct scoreboard rows = {.slots = board_slots(board), .children = highest};
    char *text = status_text(board, &pool, handlers, highest, plan.options->json);

    stats->more = text;
    stats->children_started = pool.started;
    stats->children_lost = pool.lost;
    stats_print(stats, &rows, plan.options);
    stats->more = NULL;
    free(text);
}
