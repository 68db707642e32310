#include "signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"

enum {
    GRACE_LEAST_US = 100 * 1000, /* even idle children need a moment to leave */
    PAUSE_US = 100 * 1000
};

volatile sig_atomic_t signals_stop;
volatile sig_atomic_t signals_report;
volatile sig_atomic_t signals_replace;
volatile sig_atomic_t signals_ended;
volatile sig_atomic_t signals_ticked;
volatile sig_atomic_t signals_alone;
volatile sig_atomic_t signals_more;

static int64_t grace_us;
static volatile int64_t stopped_at;    /* when the first stop came, or the parent was missed */
static pid_t server;                   /* the process that all others of this server come from */
static volatile sig_atomic_t orphaned; /* in a child: the server has died */
static int64_t orphan_us;              /* how long a request may go on after that */

/* By asking, not by a variable that a child sets: the write would cost each child of server01 a
 * copy of the page. */
static bool
is_child(void)
{
    return getpid() != server;
}

static void
on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)context;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        if (info->si_pid != server && is_child()) {
            signals_alone = 1;
        }
        if (signals_stop == 0) {
            stopped_at = clock_us(); /* clock_gettime() is async-signal-safe */
        }
        signals_stop++;
        break;
    case SIGUSR1:
        signals_report = 1;
        break;
    case SIGHUP:
        signals_replace = 1;
        break;
    case SIGTTIN:
    case SIGTTOU:
        signals_more += number == SIGTTIN ? 1 : -1;
        break;
    case SIGALRM:
        if (is_child() && getppid() != server && !orphaned) {
            stopped_at = clock_us();
            orphaned = 1;
            signals_stop = 2;
        }
        signals_ticked = 1;
        alarm(1);
        break;
    default: /* SIGCHLD */
        signals_ended = 1;
        break;
    }
    errno = saved;
}

/* By on_signal(), or not at all. */
static void
handle(int number, bool handled)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    if (handled) {
        action.sa_flags = SA_SIGINFO; /* no SA_RESTART: waiting calls must end */
        action.sa_sigaction = on_signal;
    }
    sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, NULL) == -1) {
        die("sigaction");
    }
}

/* The signals that a pselect() loop keeps blocked while it is not waiting; the last three are those
 * of a pool. */
static const int loop_signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGHUP, SIGTTIN, SIGTTOU};
enum { LOOP_SIGNALS = 7, NOT_OF_POOL = 4 };

/* SIGCHLD also comes when a child is stopped: so its parent looks again. */
void
signals_open(int grace_s, bool pool, sigset_t *waiting)
{
    sigset_t set;

    grace_us = grace_s > 0 ? (int64_t)grace_s * 1000000 : GRACE_LEAST_US;
    server = getpid();
    sigemptyset(&set);
    handle(SIGPIPE, false);
    handle(SIGALRM, true);
    for (int i = 0; i < LOOP_SIGNALS; i++) {
        sigaddset(&set, loop_signals[i]);
        if (pool || i < NOT_OF_POOL) {
            handle(loop_signals[i], true);
        }
    }
    sigprocmask(SIG_BLOCK, &set, waiting);
    for (int i = 0; i < LOOP_SIGNALS; i++) { /* the starter may have left them blocked */
        sigdelset(waiting, loop_signals[i]);
    }
    sigdelset(waiting, SIGALRM);
}

/* Lets pending signals in, and those of the next `us` microseconds. */
static void
let_in(const sigset_t *waiting, int64_t us)
{
    const struct timespec pause = clock_timespec(us);
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, waiting, &blocked);
    nanosleep(&pause, NULL);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

void
signals_admit(const sigset_t *waiting)
{
    static int64_t next;
    int64_t now = clock_us();

    if (now >= next) {
        next = now + PAUSE_US;
        let_in(waiting, 0);
    }
}

void
signals_wait_failed(const sigset_t *waiting)
{
    static atomic_llong quiet_until;

    if (errno == EINTR) {
        return;
    }
    if (errno != ENOMEM && errno != EAGAIN) {
        die("pselect");
    }
    warn_seldom(&quiet_until, "pselect: waiting until something is freed");
    let_in(waiting, PAUSE_US);
}

void
signals_printing(bool begins)
{
    static sigset_t blocked;
    sigset_t both;

    if (begins) {
        sigemptyset(&both);
        sigaddset(&both, SIGTERM);
        sigaddset(&both, SIGINT);
        sigprocmask(SIG_UNBLOCK, &both, &blocked);
        return;
    }
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    raise(SIGCHLD); /* TERM may have come, and its flag has been tested: this one stays pending */
}

void
signals_child(const sigset_t *waiting)
{
    sigset_t child = *waiting;

    if (signals_stop || signals_report || signals_replace || signals_ticked) {
        signals_stop = signals_report = signals_replace = signals_ticked = 0;
    }
    sigaddset(&child, SIGINT); /* a terminal sends it to all; the parent passes on TERM */
    sigaddset(&child, SIGUSR1);
    signals_tick(&child);
}

/* Unlike in a forked child, nothing is inherited that would have to be forgotten: what has come
 * since the program began is meant for it. */
void
signals_spawned(pid_t distributor, int grace_s)
{
    server = distributor;
    orphan_us = (int64_t)grace_s * 1000000;
    handle(SIGPIPE, false);
    handle(SIGINT, false);
    handle(SIGUSR1, false);
    handle(SIGTERM, true);
    handle(SIGHUP, true);
    handle(SIGALRM, true);
    alarm(1);
}

void
signals_tick(const sigset_t *waiting)
{
    sigprocmask(SIG_SETMASK, waiting, NULL);
    alarm(1);
}

bool
signals_over(void)
{
    if (orphaned) {
        return clock_us() - stopped_at >= orphan_us;
    }
    if (signals_stop == 0 || is_child()) { /* while it lives the parent decides, and kills */
        return false;
    }
    return signals_stop > 1 || clock_us() - stopped_at >= grace_us;
}
