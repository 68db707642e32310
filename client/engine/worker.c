#include "worker.h"

#include <poll.h>
#include <stdlib.h>

#include "../../common/conn.h"
#include "connection.h"
#include "event_loop.h"
#include "local_address.h"
#include "pacing.h"
#include "wait.h"

enum { SENT_AT_ONCE = 4000 }; /* bytes that every socket takes without waiting for the server */

/* Blocking calls suffice if a process has one connection and nothing else to look at. But a message
 * that fills the socket's buffers must not be sent by them: a server that waits until its reply is
 * read, and reads no further, would wait for ever, and so would this. */
static bool
one_at_a_time(const struct load *load)
{
    return load->in_flight == 1 && load->misbehaviours.lots.count == 0 && !load_is_open(load) &&
           load->message_bytes < SENT_AT_ONCE;
}

/* A connect() that a signal has interrupted goes on in the kernel; it cannot be called again. The
 * next tick interrupts this too. */
static bool
await_connected(const struct connection *conn)
{
    struct pollfd writable = {.fd = conn->fd, .events = POLLOUT};

    return poll(&writable, 1, PACING_TICK_MS) == 1;
}

/* Makes a connection by blocking calls; returns CONNECTION_OVER or CONNECTION_STRANDED. */
static enum connection_result
make(struct connection *conn)
{
    enum connection_result result = connection_begin(conn, 0, false);

    while (result == CONNECTION_GOES_ON || result == CONNECTION_WAITS) {
        if (pacing_ticked() && connection_expire(conn, clock_ns())) {
            return CONNECTION_OVER;
        }
        if (conn->state != CONNECTION_CONNECTING || await_connected(conn)) {
            result = connection_step(conn);
        }
    }
    return result;
}

int
worker_main(const struct load *load, struct tally *tally, pid_t parent, int gatefd, int pipefd)
{
    static struct distribution distribution;
    struct connection conn;

    connection_open(load, tally, &distribution);
    conn_filler(0); /* made now, not while the first reply waits */

    if (pacing_open(load, tally, parent, gatefd)) {
        if (one_at_a_time(load)) {
            while (pacing_more(clock_ns()) && make(&conn) != CONNECTION_STRANDED) {
                /* the closed loop: the next begins when the last is over */
                if (pacing_due() > 0) {
                    wait_until(NULL, 0, pacing_due());
                }
            }
        } else {
            event_loop_run(load);
        }
        pacing_end();
        tally->known = verify_known();
        tally->one_source = !local_address_spreads();
    }
    return !pacing_orphaned() && distribution_send(&distribution, pipefd) ? EXIT_SUCCESS
                                                                          : EXIT_FAILURE;
}
