#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "scoreboard.h"

enum {
    GRACE_LEAST_US = 100 * 1000, /* even idle children need a moment to leave */
    ONE_STOP_US = 250 * 1000,    /* timeout(1) sends TERM to a server and to its group: one wish */
    PAUSE_US = 100 * 1000
};

atomic_int signals_stop, signals_report, signals_replace, signals_ended, signals_ticked,
    signals_alone, signals_more;

static int64_t grace_us;
static atomic_llong stopped_at; /* when the first stop came, or the parent was missed */
static pid_t server;            /* the process that all others of this server come from */
static bool server_ticks;       /* this process too; children always do */
static atomic_int orphaned;     /* in a child: the server has died */
static int64_t orphan_us;       /* how long a request may go on after that */

/* Invariant: listenfds[0..nlisten) are the sockets that the first stop shuts. */
static int *listenfds;
static size_t nlisten;
static atomic_bool *shut; /* shared: children find it out by accept(), before their TERM */

/* By asking, not by a variable that a child sets: the write would cost each child of server01 a
 * copy of the page. */
static bool
is_child(void)
{
    return getpid() != server;
}

/* In the handler, since a server that serves by itself may be busy for long. */
static void
shut_listeners(void)
{
    for (size_t i = 0; i < nlisten; i++) {
        *shut = true;
        shutdown(listenfds[i], SHUT_RD); /* async-signal-safe */
    }
}

/* XCPU comes each second, and TERM from the parent again and again: one wish. */
static void
note_stop(int number, pid_t sender)
{
    int64_t now = clock_us(); /* clock_gettime() is async-signal-safe */

    signals_alone = is_child() && sender != server;
    if (signals_stop == 0) {
        stopped_at = now;
        signals_stop = 1;
        if (!is_child()) {
            shut_listeners();
        }
    } else if (number != SIGXCPU && !is_child() && now - stopped_at >= ONE_STOP_US) {
        signals_stop = 2;
    }
}

static void
note_tick(void)
{
    if (is_child() && getppid() != server && !orphaned) {
        stopped_at = clock_us();
        orphaned = 1;
        signals_stop = 2;
    }
    signals_ticked = 1;
    if (server_ticks || is_child()) { /* else it is signals_write()'s, or came with exec */
        alarm(1);
    }
}

/* A signal of the kernel, which a terminal makes it send to the whole group, is for the server; its
 * children get what it wants them to have from the server itself. */
static void
on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)context;
    switch (number) {
    case SIGTERM:
    case SIGINT:
    case SIGXCPU:
        note_stop(number, info->si_pid);
        break;
    case SIGUSR1:
        signals_report = 1;
        break;
    case SIGHUP:
        signals_replace |= !is_child() || info->si_pid == server;
        break;
    case SIGTTIN:
    case SIGTTOU:
        signals_more += info->si_code > 0 ? 0 : number == SIGTTIN ? 1 : -1;
        break;
    case SIGALRM:
        note_tick();
        break;
    default: /* SIGCHLD */
        signals_ended = 1;
        break;
    }
    errno = saved;
}

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
static const int loop_signals[] = {SIGTERM, SIGINT, SIGXCPU, SIGUSR1,
                                   SIGCHLD, SIGHUP, SIGTTIN, SIGTTOU};
enum { LOOP_SIGNALS = 8, NOT_OF_POOL = 5 };

/* SIGCHLD also comes when a child is stopped: so its parent looks again. */
void
signals_open(int64_t grace, bool pool, sigset_t *waiting)
{
    sigset_t set;

    grace_us = grace > GRACE_LEAST_US ? grace : GRACE_LEAST_US;
    server = getpid();
    handle(SIGPIPE, false);
    handle(SIGXFSZ, false);
    handle(SIGALRM, true);
    sigemptyset(&set);
    for (int i = 0; i < LOOP_SIGNALS; i++) {
        sigaddset(&set, loop_signals[i]);
        if (pool || i < NOT_OF_POOL) {
            handle(loop_signals[i], true);
        }
    }
    /* These alone, whatever the starter may have blocked. */
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    sigemptyset(waiting);
}

/* Stop signals are blocked meanwhile: see signals_open(). */
void
signals_shuts(int listenfd)
{
    int *more = realloc(listenfds, (nlisten + 1) * sizeof *more);

    if (!more) {
        die("listening sockets");
    }
    listenfds = more;
    listenfds[nlisten++] = listenfd;
    if (!shut) {
        shut = scoreboard_memory(sizeof *shut);
    }
}

bool
signals_have_shut(void)
{
    return shut && *shut;
}

/* Lets pending signals in, and those of the next `us` microseconds. */
static void
let_in(const sigset_t *waiting, int64_t us)
{
    const struct timespec pause = clock_timespec(us);
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, waiting, &blocked);
    nanosleep(&pause, NULL);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
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
        die("waiting for events");
    }
    warn_seldom(&quiet_until, "waiting for events: out of memory, retrying");
    let_in(waiting, PAUSE_US);
}

/* The alarm ends a write that waits for its reader, so that a stop signal which came just before it
 * is noticed too; and the next pselect(), if the stop came after its flag was tested. A tick does
 * that as well; begun anew with each line of a busy process, it would never come. */
bool
signals_write(const char *text, size_t length)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    bool child = is_child(), ticks = child || server_ticks;
    int stops = signals_stop;
    sigset_t ending, before;
    ssize_t count;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, child ? SIGTERM : SIGINT); /* children have it blocked, see below */
    pthread_sigmask(SIG_UNBLOCK, &ending, &before);
    do {
        if (!ticks) {
            alarm(1);
        }
        errno = EINTR; /* if it ends between two writes */
        count = write(STDOUT_FILENO, text, length);
        if (count > 0) {
            text += count;
            length -= (size_t)count;
        } else if (errno == EAGAIN) { /* somebody else who has it open has made it O_NONBLOCK */
            poll(&output, 1, PAUSE_US / 1000);
        }
    } while (length > 0 && (errno == EINTR || errno == EAGAIN) && signals_stop == stops &&
             !signals_over());
    if (!ticks) {
        alarm(1);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return length == 0;
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
    pthread_sigmask(SIG_SETMASK, &child, NULL);
    alarm(1);
}

void
signals_block(sigset_t *waiting)
{
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < LOOP_SIGNALS; i++) {
        sigaddset(&set, loop_signals[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, waiting);
}

/* Unlike in a forked child, nothing is inherited that would have to be forgotten: what has come
 * since the program began is meant for it. */
void
signals_spawned(pid_t distributor, int64_t grace)
{
    server = distributor;
    orphan_us = grace;
    handle(SIGPIPE, false);
    handle(SIGXFSZ, false);
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
    server_ticks = true;
    pthread_sigmask(SIG_SETMASK, waiting, NULL);
    alarm(1);
}

void
signals_idle(void)
{
    signals_ticked = 0;
    alarm(2);
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
