#include "event_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../../common/die.h"
#include "connection.h"
#include "pacing.h"
#include "wait.h"

enum {
    RETRY_NS = 1000 * 1000, /* how often to ask for room where poll() cannot tell */
    BURST_MOST = 32         /* connections to begin before a look at those under way */
};

/* Invariant: polls[i] belongs to connections[i], and from `high` on there is no connection. */
struct loop {
    struct connection *connections; /* first `room` places for well-behaved ones, then the others */
    struct pollfd *polls;
    size_t room, size, high;
    /* The free places of both kinds, linked by `after`; the lowest in front, so that poll() need
     * not look far. A place that found no descriptor is not there any more. */
    struct connection *good, *bad;
    size_t open;     /* connections under way */
    bool stuck;      /* no room for the next one, and no place has become free since */
    int64_t full_ns; /* we are behind, and since then the due ones wait for room; INT64_MAX: not */
    bool crowded;    /* some wait for room in the queue of the server's Unix socket */
    int64_t wake_ns; /* when the first of the slow ones goes on; INT64_MAX: there is none */
    struct connection queue; /* head of the ring of open ones; the one that began first in front */
};

static const struct load *load;

/* --- places ---------------------------------------------------------------------------------- */

static uint64_t
least_of(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* The free places for connections of this kind. */
static struct connection **
places_of(struct loop *loop, int kind)
{
    return kind == MISBEHAVE_NOT ? &loop->good : &loop->bad;
}

static void
put_back(struct connection **places, struct connection *conn)
{
    conn->after = *places;
    *places = conn;
}

static void
open_loop(struct loop *loop)
{
    struct rlimit limit;
    /* There are no more places than descriptors: if these are the limit, the last places will find
     * none, and the report says so. */
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 0;
    uint64_t total = load_total(load), most = known ? limit.rlim_cur : UINT64_MAX;
    uint64_t mine = total > 0 ? total / load->processes + 1 : UINT64_MAX;
    uint64_t room = least_of(least_of(load->in_flight, mine), most);
    uint64_t beside = load->misbehaviours.lots.count > 0 ? least_of(MISBEHAVE_AT_ONCE, mine) : 0;

    if (beside > 0 && room == most && most > 1) {
        room--; /* at least one place is for misbehaving connections */
    }
    *loop = (struct loop){.room = (size_t)room, .full_ns = INT64_MAX, .wake_ns = INT64_MAX};
    loop->size = (size_t)(room + least_of(beside, most - room));
    loop->queue.before = loop->queue.after = &loop->queue;
    loop->connections = calloc(loop->size + 1, sizeof *loop->connections); /* never nothing */
    loop->polls = calloc(loop->size + 1, sizeof *loop->polls);
    if (!loop->connections || !loop->polls) {
        die("no memory for %zu connections in flight", loop->size);
    }
    for (size_t i = loop->size; i-- > 0;) {
        loop->connections[i].fd = loop->polls[i].fd = -1;
        put_back(i < loop->room ? &loop->good : &loop->bad, &loop->connections[i]);
    }
}

/* --- the queue of deadlines ------------------------------------------------------------------ */

static void
unqueue(struct connection *conn)
{
    conn->before->after = conn->after;
    conn->after->before = conn->before;
}

/* All have the same time to live, so the one that began last is due last: no sorting. */
static void
queue_last(struct loop *loop, struct connection *conn)
{
    conn->after = &loop->queue;
    conn->before = loop->queue.before;
    conn->before->after = conn;
    loop->queue.before = conn;
}

/* --- a connection ---------------------------------------------------------------------------- */

static void
watch(struct loop *loop, const struct connection *conn)
{
    struct pollfd *watched = &loop->polls[conn - loop->connections];

    watched->events = (short)connection_events(conn);
    watched->fd = watched->events != 0 ? conn->fd : -1;
    watched->revents = 0;
    loop->crowded = loop->crowded || conn->state == CONNECTION_OPENING;
    if (conn->wake_ns != 0 && conn->wake_ns < loop->wake_ns) {
        loop->wake_ns = conn->wake_ns;
    }
}

/* Takes steps until the connection has to wait for the server. One that receives goes back to
 * poll() after each piece: a long reply must not keep all others waiting. */
static enum connection_result
advance(struct connection *conn)
{
    enum connection_result result;

    do {
        result = connection_step(conn);
    } while (result == CONNECTION_GOES_ON && conn->state != CONNECTION_RECEIVING);
    return result;
}

/* It is over. The next may begin in its place, unless that would fail for the same lack. */
static void
leave(struct loop *loop, struct connection *conn, enum connection_result result)
{
    unqueue(conn);
    loop->open--;
    if (result != CONNECTION_STRANDED) {
        loop->stuck = false;
        put_back(places_of(loop, conn->kind), conn);
    }
    while (loop->high > 0 && loop->connections[loop->high - 1].fd == -1) {
        loop->high--;
    }
}

/* After steps. True if the connection is over. */
static bool
settle(struct loop *loop, struct connection *conn, enum connection_result result)
{
    bool over = result == CONNECTION_OVER || result == CONNECTION_STRANDED;

    watch(loop, conn);
    if (over) {
        leave(loop, conn, result);
    }
    return over;
}

static void
begin(struct loop *loop, struct connection *conn, int64_t due_ns)
{
    size_t place = (size_t)(conn - loop->connections);
    enum connection_result result = connection_begin(conn, due_ns, true);

    loop->open++;
    loop->high = place >= loop->high ? place + 1 : loop->high;
    queue_last(loop, conn);
    settle(loop, conn, result == CONNECTION_GOES_ON ? advance(conn) : result);
}

static void
step(struct loop *loop, struct connection *conn)
{
    int64_t began_ns = conn->began_ns;

    if (!settle(loop, conn, advance(conn)) && conn->began_ns != began_ns) {
        unqueue(conn); /* the next request has a time of its own */
        queue_last(loop, conn);
    }
}

/* --- beginning ------------------------------------------------------------------------------- */

/* A misbehaving connection for which there is no room is left out, so that the ones behind it need
 * not wait. But in a closed loop of none but misbehaving ones it has to wait for room. */
static bool
waits_for_room(int kind)
{
    return kind == MISBEHAVE_NOT ||
           (lottery_share(&load->misbehaviours.lots) == LOTTERY_WHOLE && !load_is_open(load));
}

/* Begins the next connection of this process, if there is room for it. */
static bool
begin_next(struct loop *loop, int64_t due, int64_t now)
{
    int kind = connection_next();
    struct connection **places = places_of(loop, kind), *conn = *places;
    int64_t own_ns = 0;

    if (!conn && waits_for_room(kind)) {
        return false;
    }
    if (load_is_open(load) && kind == MISBEHAVE_NOT) {
        own_ns = pacing_begins(due, now, loop->full_ns);
    }
    if (conn) {
        *places = conn->after;
        conn->own_ns = own_ns;
        begin(loop, conn, due);
    } else {
        connection_omit(kind);
    }
    return true;
}

/* Begins the connections that are due and find room; a few at a time, as those under way wait. */
static void
begin_due(struct loop *loop, int64_t now)
{
    loop->stuck = false;
    if (loop->full_ns < pacing_resumed()) {
        loop->full_ns = pacing_resumed(); /* before that they waited for this process */
    }
    for (int i = 0; pacing_more(now); i++) {
        int64_t due = pacing_due();

        if (due > now) {
            loop->full_ns = INT64_MAX; /* we are not behind */
            break;
        }
        if (i == BURST_MOST) {
            return;
        }
        if (!begin_next(loop, due, due > 0 ? clock_ns() : now)) {
            loop->stuck = true;
            loop->full_ns = clock_earlier(loop->full_ns, now);
            break;
        }
    }
    if (now >= pacing_deadline()) {
        pacing_close(now, loop->full_ns); /* those that wait for room will not begin */
    }
}

/* --- waiting --------------------------------------------------------------------------------- */

/* Until when to wait at most. */
static int64_t
patience(const struct loop *loop, int64_t now)
{
    const struct connection *first = loop->queue.after;
    int64_t until = loop->wake_ns;

    if (!loop->stuck && pacing_more(now)) {
        until = clock_earlier(until, pacing_due());
    }
    if (pacing_more(now)) {
        until = clock_earlier(until, pacing_deadline());
    }
    if (loop->crowded) {
        until = clock_earlier(until, now + RETRY_NS);
    }
    if (first != &loop->queue) {
        until = clock_earlier(until, connection_deadline(first));
    }
    return until;
}

static void
expire(struct loop *loop, int64_t now)
{
    struct connection *first;

    while ((first = loop->queue.after) != &loop->queue && connection_expire(first, now)) {
        watch(loop, first);
        leave(loop, first, CONNECTION_OVER);
    }
}

/* Tries again the connections that wait for room in the server's queue, the longest first. */
static void
retry(struct loop *loop)
{
    struct connection *next;

    loop->crowded = false;
    for (struct connection *each = loop->queue.after; each != &loop->queue; each = next) {
        next = each->after;
        if (each->state == CONNECTION_OPENING) {
            step(loop, each);
        }
        if (loop->crowded) {
            return;
        }
    }
}

/* Goes on with the slow ones whose time has come. They are among those that misbehave. */
static void
wake(struct loop *loop, int64_t now)
{
    loop->wake_ns = INT64_MAX;
    for (size_t i = loop->room; i < loop->high; i++) {
        struct connection *conn = &loop->connections[i];

        if (conn->wake_ns != 0 && conn->wake_ns <= now) {
            conn->wake_ns = 0;
            step(loop, conn);
        } else {
            watch(loop, conn);
        }
    }
}

/* After waiting: goes on with those that need not wait any more. Returns the time, clock_ns(). */
static int64_t
turn(struct loop *loop, int ready)
{
    int64_t now;

    if (loop->crowded) {
        retry(loop);
    }
    for (size_t i = 0; i < loop->high && ready > 0; i++) {
        if (loop->polls[i].revents != 0) {
            ready--;
            step(loop, &loop->connections[i]);
        }
    }
    now = clock_ns();
    if (now >= loop->wake_ns) {
        wake(loop, now);
    }
    pacing_ticked();
    expire(loop, now);
    return now;
}

void
event_loop_run(const struct load *asked)
{
    static struct loop loop;
    int64_t now = clock_ns();

    load = asked;
    open_loop(&loop);
    /* (Stuck with nothing open: all places have found no descriptor, and none will be free.) */
    while (loop.open > 0 || (!loop.stuck && pacing_more(now))) {
        int ready;

        begin_due(&loop, now);
        ready = wait_until(loop.polls, loop.high, patience(&loop, now));
        if (ready == -1 && errno != EINTR) {
            die("waiting for %zu connections", loop.open);
        }
        now = turn(&loop, ready);
    }
}
