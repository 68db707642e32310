#include "pacing.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "wait.h"

static const struct load *load;
static struct tally *tally;
static pid_t parent;
static uint64_t mine;       /* how many connections the process makes at most */
static int64_t deadline_ns; /* INT64_MAX: none */
static bool closed;         /* the deadline has passed, and what was due has been begun */

static volatile sig_atomic_t ticked;   /* time to look at the clock */
static volatile sig_atomic_t stopped;  /* begin no more */
static volatile sig_atomic_t orphaned; /* the parent has died: nobody wants the results */
static int64_t stopped_ns;             /* written by the handler, once, before `stopped` */

/* --- signals --------------------------------------------------------------------------------- */

static void
on_signal(int number)
{
    int saved = errno;

    if (number == SIGTERM && !stopped) {
        stopped_ns = clock_ns();
        stopped = 1;
    }
    if (number == SIGALRM && getppid() != parent) {
        orphaned = 1;
    }
    ticked = 1;
    errno = saved;
}

/* A signal may come just before a call that blocks, unseen. But the timer rings again and again, so
 * the call is interrupted a moment later: no race is lost for longer than that, and no connection
 * pays a system call for it. */
static void
listen_to_signals(void)
{
    static const int blocked[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD}; /* by the parent */
    struct itimerval tick = {.it_interval.tv_usec = PACING_TICK_MS * 1000,
                             .it_value.tv_usec = PACING_TICK_MS * 1000};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: calls must end */
    sigset_t ours;

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGALRM);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, NULL); /* a terminal sends it to all; the parent passes on TERM */
    sigemptyset(&ours);
    for (int i = 0; i < 4; i++) {
        sigaddset(&ours, blocked[i]);
    }
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
}

/* False if it was stopped before it could begin. */
static bool
wait_at_gate(int gatefd)
{
    ssize_t count;
    char go;

    do {
        count = read(gatefd, &go, 1);
    } while (count == -1 && errno == EINTR && !stopped && !orphaned); /* only a tick */
    if (count == -1 && errno != EINTR) {
        die("cannot wait for the start");
    }
    close(gatefd);
    if (count == 0) {
        orphaned = 1; /* the parent has not opened the gate, but died */
    }
    return !stopped && !orphaned;
}

/* --- beginning and end ----------------------------------------------------------------------- */

bool
pacing_open(const struct load *asked, struct tally *counts, pid_t starter, int gatefd)
{
    uint64_t total = load_total(asked);
    int64_t duration_ns = asked->schedule.duration_ns;

    load = asked;
    tally = counts;
    parent = starter;
    mine = total > 0 ? load_share(load, tally->number, total) : UINT64_MAX;
    listen_to_signals();
    if (!wait_at_gate(gatefd)) {
        return false;
    }
    /* A schedule, and a length of time, begin for all at the same time. */
    while (load_is_timed(load) && clock_ns() < tally->start_ns && !stopped && !orphaned) {
        wait_until(NULL, 0, tally->start_ns); /* a tick may end it early */
    }
    tally->started_ns = load_is_timed(load) ? tally->start_ns : clock_ns();
    deadline_ns = duration_ns > 0 ? tally->start_ns + duration_ns : INT64_MAX;
    return true;
}

void
pacing_end(void)
{
    struct rusage used;

    /* The end is when the last well-behaved connection was over. Without one, the process adds
     * nothing to the time of the run. */
    tally->ended_ns = tally->over_ns > 0 ? tally->over_ns : tally->started_ns;
    if (stopped) { /* nothing was begun since: the grace would only dilute the rate */
        tally->ended_ns = tally->last_ns > stopped_ns ? tally->last_ns : stopped_ns;
    }
    if (tally->ended_ns < tally->started_ns) {
        tally->ended_ns = tally->started_ns;
    }
    getrusage(RUSAGE_SELF, &used);
    tally->cpu_ns =
        (int64_t)(clock_timeval_us(used.ru_utime) + clock_timeval_us(used.ru_stime)) * 1000;
}

bool
pacing_over(int64_t now)
{
    return orphaned || (stopped && now - stopped_ns >= (int64_t)PACING_GRACE_MS * 1000000);
}

bool
pacing_ticked(void)
{
    bool was = ticked;

    if (was) {
        ticked = 0;
    }
    return was;
}

bool
pacing_orphaned(void)
{
    return orphaned;
}

/* --- the connections of this process --------------------------------------------------------- */

bool
pacing_more(int64_t now)
{
    if (stopped || orphaned || closed || counter_get(&tally->taken) >= mine) {
        return false;
    }
    return now < deadline_ns || load_is_open(load);
}

int64_t
pacing_due(void)
{
    uint64_t nth = load_nth(load, tally->number, counter_get(&tally->taken));

    return load_is_open(load) ? tally->start_ns + schedule_due(&load->schedule, nth) : 0;
}

void
pacing_begins(int64_t due, int64_t now, bool full)
{
    int64_t late = now - due;

    counter_set(&tally->last_begun_ns, (unsigned long long)(now - tally->start_ns));
    if (late > (int64_t)counter_get(&tally->most_late_ns)) {
        counter_set(&tally->most_late_ns, (unsigned long long)late);
    }
    if (late > LATE_NS) {
        counter_add(full ? &tally->late_full : &tally->late_busy, 1);
    }
}

int64_t
pacing_deadline(void)
{
    return deadline_ns;
}

void
pacing_close(bool full)
{
    if (full && !closed) {
        counter_set(&tally->left_full, mine - counter_get(&tally->taken));
    }
    closed = true;
}
