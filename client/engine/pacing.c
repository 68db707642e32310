#include "pacing.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "quota.h"
#include "wait.h"

static int64_t deadline_ns = INT64_MAX; /* of -d; this: none */
static const struct load *load;
static struct tally *tally;
static pid_t parent;
static uint64_t mine;      /* how many connections the process makes at most */
static int64_t starved_ns; /* quota_starved_ns() at the start */
static bool closed;        /* the deadline has passed, and what was due has been begun */
static int64_t rest_ns;    /* in the closed loop: begin nothing before that */
static int64_t pause_ns;   /* the last rest was so long; 0: there was none since a success */

enum { PAUSE_LEAST_NS = 1000 * 1000, PAUSE_MOST_NS = 100 * 1000 * 1000 };

static volatile sig_atomic_t ticked;   /* time to look at the clock */
static volatile sig_atomic_t stopped;  /* begin no more */
static volatile sig_atomic_t orphaned; /* the parent has died: nobody wants the results */
static int64_t stopped_ns;             /* written by the handler, once, before `stopped` */
static int64_t tick_ns, resumed_ns;    /* by the handler: the last tick, and pacing_resumed() */

enum { AWAY_NS = 500 * 1000 * 1000 }; /* so late is no tick of a process that runs */

/* --- signals --------------------------------------------------------------------------------- */

/* The tick comes first when a process that was suspended goes on: before it looks at anything. */
static void
note_tick(int64_t now)
{
    int64_t away_ns = now - tick_ns;

    if (away_ns > AWAY_NS) {
        resumed_ns = now;
        tally->away_ns = away_ns > tally->away_ns ? away_ns : tally->away_ns;
    }
    tick_ns = now;
}

static void
on_signal(int number)
{
    int saved = errno;

    if (number == SIGTERM && !stopped) {
        stopped_ns = clock_ns();
        stopped = 1;
    }
    if (number == SIGALRM) {
        orphaned = orphaned || getppid() != parent;
        note_tick(clock_ns());
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
    tick_ns = clock_ns();
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
    starved_ns = quota_starved_ns();
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
    tally->starved_ns = quota_starved_ns() - starved_ns;
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
pacing_asks_on(int64_t now)
{
    return !stopped && !orphaned && (now < deadline_ns || load_is_open(load));
}

bool
pacing_more(int64_t now)
{
    return pacing_asks_on(now) && !closed && counter_get(&tally->taken) < mine;
}

int64_t
pacing_due(void)
{
    uint64_t nth = load_nth(load, tally->number, counter_get(&tally->taken));

    return load_is_open(load) ? tally->start_ns + schedule_due(&load->schedule, nth) : rest_ns;
}

void
pacing_refused(int64_t now)
{
    if (now < rest_ns) {
        return; /* there were several at a time */
    }
    pause_ns = pause_ns == 0 ? PAUSE_LEAST_NS : clock_earlier(2 * pause_ns, PAUSE_MOST_NS);
    rest_ns = now + pause_ns;
}

void
pacing_accepted(void)
{
    rest_ns = pause_ns = 0;
}

int64_t
pacing_begins(int64_t due, int64_t now, int64_t full_ns)
{
    int64_t late = now - due, own = late;

    if (full_ns < now) {
        own = full_ns > due ? full_ns - due : 0;
    }
    counter_set(&tally->last_begun_ns, (unsigned long long)(now - tally->start_ns));
    if (late > (int64_t)counter_get(&tally->most_late_ns)) {
        counter_set(&tally->most_late_ns, (unsigned long long)late);
    }
    counter_add(&tally->late, late > LATE_NS);
    tally->own_s += (double)own / 1e9;
    tally->room_s += (double)(late - own) / 1e9;
    return own;
}

int64_t
pacing_deadline(void)
{
    return deadline_ns;
}

/* Those that are left were due one after the other, from the first of them to the deadline: so this
 * adds up what they have waited, however many they are. */
void
pacing_close(int64_t now, int64_t full_ns)
{
    double left = (double)(mine - counter_get(&tally->taken)), own;
    double all = (double)(deadline_ns - pacing_due()) / 1e9;
    double late = (double)(now - deadline_ns) / 1e9,
           before = (double)(full_ns - pacing_due()) / 1e9;

    if (load_is_open(load) && !closed && left > 0 && all > 0) {
        own = before > all ? before - all / 2 : before > 0 ? before * before / all / 2 : 0;
        tally->own_s += left * own;
        tally->room_s += left * (late + all / 2 - own);
    }
    closed = true;
}

int64_t
pacing_resumed(void)
{
    return resumed_ns;
}
