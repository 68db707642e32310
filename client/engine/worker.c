#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../../common/conn.h"
#include "../figures/distribution.h"
#include "event_loop.h"
#include "pacing.h"
#include "local_address.h"
#include "connection.h"

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
    visit_open(load, tally, &distribution);
    conn_filler(0); /* made now, not while the first reply waits */

    if (shift_open(load, tally, parent, gatefd)) {
        if (one_at_a_time()) {
            one_by_one();
        } else {
            loop_run(load);
        }
        shift_end();
        tally->known = check_known();
        tally->one_source = !source_spreads();
    }
    if (shift_orphaned() || !distribution_send(&distribution, pipefd)) {
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
    return load->in_flight == 1 && load->manners.count == 0 && !plan_open(&load->plan) &&
           load->message_bytes < SENT_AT_ONCE;
}

/* After a tick: true if the visit was given up. */
static bool
out_of_time(struct visit *visit)
{
    int64_t now = clock_ns();

    if (load->timeout_s > 0 && now - visit->began_ns >= (int64_t)load->timeout_s * 1000000000) {
        visit_give_up(visit, FAILURE_TIMED_OUT, 0);
        return true;
    }
    if (shift_over(now)) {
        visit_give_up(visit, FAILURE_OTHER, EINTR);
        return true;
    }
    return false;
}

/* A connect() that a signal has interrupted goes on in the kernel; it cannot be called again. The
 * next tick interrupts this too. */
static bool
await_connected(const struct visit *visit)
{
    struct pollfd writable = {.fd = visit->fd, .events = POLLOUT};

    return poll(&writable, 1, SHIFT_TICK_US / 1000) == 1;
}

/* Blocking calls, one after the other; returns VISIT_OVER or VISIT_STRANDED. */
static enum visit_result
make_visit(struct visit *visit)
{
    enum visit_result result = visit_begin(visit, 0, false);

    while (result == VISIT_GOES_ON || result == VISIT_WAITS) {
        if (shift_ticked() && out_of_time(visit)) {
            return VISIT_OVER;
        }
        if (visit->state != VISIT_CONNECTING || await_connected(visit)) {
            result = visit_step(visit);
        }
    }
    return result;
}

static void
one_by_one(void)
{
    struct visit visit;

    while (shift_more(clock_ns()) && make_visit(&visit) != VISIT_STRANDED) {
        /* the closed loop: the next begins when the last is over */
    }
}
