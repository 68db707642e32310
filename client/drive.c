#include "drive.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "../common/conn.h"
#include "../common/die.h"
#include "distribution.h"
#include "source.h"
#include "visit.h"

enum {
    TICK_US = 100 * 1000, /* how often a blocking call is interrupted, to look at the flags */
    RETRY_MS = 1,         /* and how often one asks for room where poll() cannot tell */
    SENT_AT_ONCE = 4000   /* bytes that every socket takes without waiting for the server */
};

/* All that the event loop has. Invariant: polls[i] belongs to visits[i]. */
struct loop {
    struct visit *visits;
    struct pollfd *polls;
    size_t size;        /* -m, or fewer */
    size_t open;        /* visits under way */
    size_t idle;        /* places without a visit, where one may begin */
    bool crowded;       /* some wait for room in the queue of the server's Unix socket */
    struct visit queue; /* head of the ring of open visits, the one that began first in front */
};

static void listen_to_signals(pid_t parent);
static bool wait_at_gate(int gatefd);
static bool blocking(void);
static void one_by_one(void);
static void many_at_once(void);
static void open_loop(struct loop *loop);
static void turn(struct loop *loop);
static void leave(struct loop *loop, struct visit *visit, enum visit_result result);

static const struct load *load;
static struct tally *tally;
static struct distribution distribution;
static int64_t timeout_ns; /* -T; INT64_MAX: never */

static pid_t parent;
static volatile sig_atomic_t ticked;   /* time to look at the clock */
static volatile sig_atomic_t stopped;  /* begin no more */
static volatile sig_atomic_t orphaned; /* nobody wants the results */
static int64_t stopped_ns;             /* written by the handler, once, before `stopped` */

int
drive(const struct load *asked, struct tally *counts, pid_t starter, int gatefd, int pipefd)
{
    load = asked;
    tally = counts;
    timeout_ns = load->timeout_s > 0 ? (int64_t)load->timeout_s * 1000000000 : INT64_MAX;
    visit_open(load, tally, &distribution);
    conn_filler(0); /* made now, not while the first reply waits */
    listen_to_signals(starter);

    if (wait_at_gate(gatefd)) {
        tally->started_ns = clock_ns();
        if (blocking()) {
            one_by_one();
        } else {
            many_at_once();
        }
        tally->ended_ns = clock_ns();
        if (stopped) { /* then nothing was begun, and the grace would only dilute the rate */
            tally->ended_ns = tally->last_ns > stopped_ns ? tally->last_ns : stopped_ns;
        }
        tally->known = check_known();
        tally->one_source = !source_spreads();
    }
    if (orphaned || !distribution_send(&distribution, pipefd)) {
        return EXIT_FAILURE;
    }
    distribution_close(&distribution);
    return EXIT_SUCCESS;
}

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

/* A signal may come just before a call that blocks, unseen. But the timer goes on ringing, so the
 * call is interrupted a moment later: no race is lost for longer than that, and no connection
 * pays a system call for it. */
static void
listen_to_signals(pid_t starter)
{
    struct itimerval tick = {.it_interval.tv_usec = TICK_US, .it_value.tv_usec = TICK_US};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: calls must end */
    sigset_t ours;

    parent = starter;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGALRM);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, NULL); /* a terminal sends it to all; the parent passes on TERM */
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGALRM);
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &ours, NULL); /* the parent had blocked them */
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
    close(gatefd);
    if (count == 0) {
        orphaned = 1; /* the parent has not opened it, but died */
    }
    return !stopped && !orphaned;
}

/* True if the visits under way are to be ended too. */
static bool
over(int64_t now)
{
    return orphaned || (stopped && now - stopped_ns >= (int64_t)DRIVE_GRACE_MS * 1000000);
}

static bool
more(void)
{
    return !stopped && !orphaned && counter_get(&tally->begun) < load->connections;
}

/* --- one at a time --------------------------------------------------------------------------- */

/* A message that fills the socket's buffers must not be sent by blocking calls: a server that waits
 * until its reply is read, and reads no further, would never be heard. */
static bool
blocking(void)
{
    return load->in_flight == 1 && load->message_bytes < SENT_AT_ONCE;
}

/* After a tick: true if the visit was given up. */
static bool
out_of_time(struct visit *visit)
{
    int64_t now = clock_ns();

    ticked = 0;
    if (now - visit->began_ns >= timeout_ns) {
        visit_give_up(visit, FAILURE_TIMED_OUT, 0);
        return true;
    }
    if (over(now)) {
        visit_give_up(visit, FAILURE_OTHER, EINTR);
        return true;
    }
    return false;
}

/* A connect() that a signal has interrupted goes on in the kernel; it cannot be called again. */
static void
await_connected(const struct visit *visit)
{
    struct pollfd writable = {.fd = visit->fd, .events = POLLOUT};

    while (!ticked && poll(&writable, 1, TICK_US / 1000) < 1) {
        /* not yet */
    }
}

/* Blocking calls, one after the other; returns VISIT_OVER or VISIT_STRANDED. */
static enum visit_result
make_visit(struct visit *visit)
{
    enum visit_result result = visit_begin(visit, false);

    while (result == VISIT_GOES_ON || result == VISIT_WAITS) {
        if (ticked && out_of_time(visit)) {
            return VISIT_OVER;
        }
        if (visit->state == VISIT_CONNECTING) {
            await_connected(visit);
            if (ticked) {
                continue;
            }
        }
        result = visit_step(visit);
    }
    return result;
}

static void
one_by_one(void)
{
    struct visit visit;

    while (more() && make_visit(&visit) != VISIT_STRANDED) {
        /* the closed loop: the next begins when the last is over */
    }
}

/* --- many at once ---------------------------------------------------------------------------- */

static void
many_at_once(void)
{
    struct loop loop;

    open_loop(&loop);
    while (loop.open > 0 || (loop.idle > 0 && more())) {
        turn(&loop);
    }
    free(loop.visits);
    free(loop.polls);
}

static void
unqueue(struct visit *visit)
{
    visit->before->after = visit->after;
    visit->after->before = visit->before;
}

/* All have the same time to live, so the one that began last is due last: no sorting. */
static void
queue_last(struct loop *loop, struct visit *visit)
{
    visit->after = &loop->queue;
    visit->before = loop->queue.before;
    visit->before->after = visit;
    loop->queue.before = visit;
}

static void
watch(struct loop *loop, const struct visit *visit)
{
    struct pollfd *watched = &loop->polls[visit - loop->visits];

    watched->fd = visit->state == VISIT_OPENING ? -1 : visit->fd;
    loop->crowded = loop->crowded || visit->state == VISIT_OPENING;
    watched->events = visit->state == VISIT_RECEIVING ? POLLIN : POLLOUT;
    if (visit->state == VISIT_SENDING && load->message) {
        watched->events = POLLIN | POLLOUT;
    }
    watched->revents = 0;
}

/* Takes steps until the visit has to wait for the other side. A visit that receives goes back to
 * poll() after each piece, lest a long reply keeps all others waiting. */
static enum visit_result
advance(struct visit *visit)
{
    enum visit_result result;

    do {
        result = visit_step(visit);
    } while (result == VISIT_GOES_ON && visit->state != VISIT_RECEIVING);
    return result;
}

/* Begins a visit in a place that has none. */
static void
begin(struct loop *loop, struct visit *visit)
{
    enum visit_result result = visit_begin(visit, true);

    loop->idle--;
    loop->open++;
    queue_last(loop, visit);
    if (result == VISIT_GOES_ON) {
        result = advance(visit);
    }
    if (result == VISIT_OVER || result == VISIT_STRANDED) {
        leave(loop, visit, result);
    }
    watch(loop, visit);
}

/* The visit in a place is over; the next may begin there, unless it would fail for the same lack.
 */
static void
leave(struct loop *loop, struct visit *visit, enum visit_result result)
{
    unqueue(visit);
    loop->open--;
    if (result == VISIT_STRANDED) {
        visit->state = VISIT_RETIRED;
    } else {
        loop->idle++;
    }
}

static void
step(struct loop *loop, struct visit *visit)
{
    int64_t began_ns = visit->began_ns;
    enum visit_result result = advance(visit);

    if (result == VISIT_OVER || result == VISIT_STRANDED) {
        leave(loop, visit, result);
    } else if (visit->began_ns != began_ns) {
        unqueue(visit); /* the next request has a time of its own */
        queue_last(loop, visit);
    }
    watch(loop, visit);
}

static void
open_loop(struct loop *loop)
{
    uint64_t size = load->in_flight;
    struct rlimit limit;

    size = size < load->connections ? size : load->connections;
    /* poll() takes no more places than there may be descriptors. If that is the limit, the last
     * places will find no descriptor, and the report says so. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 0 && limit.rlim_cur < size) {
        size = limit.rlim_cur;
    }
    *loop = (struct loop){.size = (size_t)size, .idle = (size_t)size};
    loop->queue.before = loop->queue.after = &loop->queue;
    loop->visits = calloc(loop->size, sizeof *loop->visits);
    loop->polls = calloc(loop->size, sizeof *loop->polls);
    if (!loop->visits || !loop->polls) {
        die("no memory for %zu connections in flight", loop->size);
    }
    for (size_t i = 0; i < loop->size; i++) {
        loop->visits[i].fd = loop->polls[i].fd = -1;
    }
}

/* Milliseconds until the first visit in the queue has had its time; -1: never. */
static int
patience(const struct loop *loop)
{
    const struct visit *first = loop->queue.after;
    int64_t left;

    if (loop->idle > 0 && more()) {
        return 0;
    }
    if (loop->crowded) {
        return RETRY_MS;
    }
    if (first == &loop->queue || timeout_ns == INT64_MAX) {
        return -1;
    }
    left = first->began_ns + timeout_ns - clock_ns();
    return left > 0 ? (int)(left / 1000000) + 1 : 0;
}

static void
expire(struct loop *loop)
{
    int64_t now = clock_ns();
    bool all = over(now);

    ticked = 0;
    for (struct visit *first = loop->queue.after; first != &loop->queue;
         first = loop->queue.after) {
        bool late = now - first->began_ns >= timeout_ns;

        if (!late && !all) {
            return;
        }
        visit_give_up(first, late ? FAILURE_TIMED_OUT : FAILURE_OTHER, late ? 0 : EINTR);
        leave(loop, first, VISIT_OVER);
        watch(loop, first);
    }
}

/* Those who have waited longest for room in the server's queue first, as far as there is some. */
static void
retry(struct loop *loop)
{
    struct visit *next;

    loop->crowded = false;
    for (struct visit *each = loop->queue.after; each != &loop->queue; each = next) {
        next = each->after;
        if (each->state == VISIT_OPENING) {
            step(loop, each);
        }
        if (loop->crowded) {
            return;
        }
    }
}

static void
turn(struct loop *loop)
{
    int ready = poll(loop->polls, (nfds_t)loop->size, patience(loop));

    if (ready == -1 && errno != EINTR) {
        die("poll of %zu connections", loop->size);
    }
    if (loop->crowded) {
        retry(loop);
    }
    for (size_t i = 0; i < loop->size && (ready > 0 || loop->idle > 0); i++) {
        struct visit *visit = &loop->visits[i];

        if (ready > 0 && loop->polls[i].revents != 0) {
            ready--;
            step(loop, visit);
        }
        if (visit->state == VISIT_NONE && more()) {
            begin(loop, visit);
        }
    }
    if (ticked || loop->queue.after != &loop->queue) {
        expire(loop);
    }
}
