#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../../common/conn.h"
#include "../figures/distribution.h"
#include "../figures/tally.h"
#include "connection.h"
#include "event_loop.h"
#include "local_address.h"
#include "pacing.h"
#include "wait.h"

enum { SENT_AT_ONCE = 4000 }; /* bytes that every socket takes without waiting for the server */

static bool one_at_a_time(void);
static void one_by_one(void);

static const struct load *load;
static struct tally *tally;
static struct distribution distribution;

int
drive(const struct load *asked, struct tally *counts, pid_t parent, int gatefd, int pipefd)
{
    load = asked;
    tally = counts;
    connection_open(load, tally, &distribution);
    conn_filler(0); /* made now, not while the first reply waits */

    if (pacing_open(load, tally, parent, gatefd)) {
        if (one_at_a_time()) {
            one_by_one();
        } else {
            event_loop_run(load);
        }
        pacing_end();
        tally->known = verify_known();
        tally->one_source = !local_address_spreads();
    }
    if (pacing_orphaned() || !distribution_send(&distribution, pipefd)) {
        return EXIT_FAILURE;
    }
    distribution_close(&distribution);
    return EXIT_SUCCESS;
}

/* --- one at a time --------------------------------------------------------------------------- */

/* Blocking calls do where a process has one connection and need not look at anything else. But a
 * message that fills the socket's buffers must not be sent by them: a server that waits until its
 * reply is read, and reads no further, would never be heard. */
static bool
one_at_a_time(void)
{
    return load->in_flight == 1 && load->misbehaviours.lots.count == 0 && !load_is_open(load) &&
           load->message_bytes < SENT_AT_ONCE;
}

/* After a tick: true if the visit was given up. */
static bool
out_of_time(struct connection *conn)
{
    int64_t now = clock_ns();

    if (load->timeout_s > 0 && now - conn->began_ns >= (int64_t)load->timeout_s * 1000000000) {
        connection_give_up(conn, FAILURE_TIMED_OUT, 0);
        return true;
    }
    if (pacing_over(now)) {
        connection_give_up(conn, FAILURE_OTHER, EINTR);
        return true;
    }
    return false;
}

/* A connect() that a signal has interrupted goes on in the kernel; it cannot be called again. The
 * next tick interrupts this too. */
static bool
await_connected(const struct connection *conn)
{
    struct pollfd writable = {.fd = conn->fd, .events = POLLOUT};

    return poll(&writable, 1, PACING_TICK_US / 1000) == 1;
}

/* Blocking calls, one after the other; returns VISIT_OVER or VISIT_STRANDED. */
static enum connection_result
make_visit(struct connection *conn)
{
    enum connection_result result = connection_begin(conn, 0, false);

    while (result == CONNECTION_GOES_ON || result == CONNECTION_WAITS) {
        if (pacing_ticked() && out_of_time(conn)) {
            return CONNECTION_OVER;
        }
        if (conn->state != CONNECTION_CONNECTING || await_connected(conn)) {
            result = connection_step(conn);
        }
    }
    return result;
}

static void
one_by_one(void)
{
    struct connection conn;

    while (pacing_more(clock_ns()) && make_visit(&conn) != CONNECTION_STRANDED) {
        /* the closed loop: the next begins when the last is over */
    }
}
