/*
 * server07_poll - one process serves all clients at once, as server02_select, but with poll().
 *
 * poll() takes an array of descriptors, not a set of bits: so nothing ends at FD_SETSIZE, and there
 * can be as many connections as the process may have descriptors. A connection's place in the array
 * says nothing about its descriptor: the struct conn stands at the same place of a second array.
 * When a connection ends, the last one moves into its place, so that the arrays have no holes.
 *
 * It costs what server02_select costs; and as there, each turn costs time for every connection that
 * is open, also for those that say nothing: at thousands of them that is nearly all that it does.
 * The work of a request (CPU_US, WAIT_US) stalls all clients. Compare with server02_select.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"

static void turn(void);
static void look_after(nfds_t i, int64_t now);
static void drop(nfds_t i);
static void accept_clients(int most);
static void raise_limit(void);

enum { BURST = 64, PAUSE_US = 1000 * 1000, LOOK_MS = 1000, ENDING_MS = 50, MOST = 100000 };

static const char help[] = "One process serves all clients at once with poll().\n\n";

static struct server server; /* its listenfd is -1 after a stop signal */
static struct worker worker;

/* Invariant: polled[0] is the listener; for each i from 1 to count - 1 polled[i] is the descriptor
 * of conns[i], and the event that its state waits for. */
static struct pollfd *polled;
static struct conn *conns;
static nfds_t count, places; /* entries in use; in all: as many as there may be descriptors */
static int64_t accept_after; /* clock_us(): until then the listener is left out of the wait */

int
main(int argc, char **argv)
{
    server.options = options_default(0);
    while (server_option(&server, argc, argv, "", help, 0) != -1) {
    }
    raise_limit();
    polled = calloc(places, sizeof *polled);
    conns = calloc(places, sizeof *conns); /* memory that is not touched costs none */
    if (!polled || !conns) {
        die("%lu connections", (unsigned long)places);
    }
    server_open(&server, "", false);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    worker = conn_worker(0, 0, &server.board.slots[0]);
    polled[count++] = (struct pollfd){.events = POLLIN};
    /* POSIX.1-2008 has no poll() with a mask. */
    pthread_sigmask(SIG_SETMASK, &server.waiting, NULL);
    server_ready(&server);

    while (!signals_stop) {
        turn();
    }
    listen_remove();
    close(server.listenfd);
    server.listenfd = -1;
    while (count > 1) { /* until the grace is over, at most */
        turn();
    }
    return server_close(&server, EXIT_SUCCESS);
}

/* One turn of the loop: wait, then let every connection that is ready get on by one step. A signal
 * ends the wait; one that comes just before it is seen when the wait ends by itself, after a second
 * at most. After a signal the turn looks at the sockets without waiting: before that no time limit
 * counts (signals could put the limits off for ever), and the array says what was before. */
static void
turn(void)
{
    static bool interrupted;
    int64_t now;
    int ready;

    server_report_if_asked(&server);
    /* An entry of -1 is passed over. */
    polled[0].fd = count == places || clock_us() < accept_after ? -1 : server.listenfd;
    ready = poll(polled, count, interrupted ? 0 : signals_stop ? ENDING_MS : LOOK_MS);
    interrupted = ready == -1;
    if (interrupted && errno == EINVAL) {
        raise_limit(); /* somebody has lowered it below `count` */
        return;
    }
    if (interrupted) {
        signals_wait_failed(&server.waiting);
        return;
    }
    now = clock_us();
    counter_add(&worker.slot->wakeups, 1);
    for (nfds_t i = count - 1; i > 0; i--) { /* downwards: who is moved by drop() has had a turn */
        look_after(i, now);
    }
    if (polled[0].revents != 0) {
        accept_clients(ready > 2 ? BURST : 1); /* when much is ready a turn is long */
    }
}

/* A connection's turn. A step is at most one read(), the work, and one write(): the reply is tried
 * at once, without asking poll(), for nearly always there is room for its first part. Whatever
 * poll() has found (also an error or a hang-up that it was not asked for), the step finds out. */
static void
look_after(nfds_t i, int64_t now)
{
    struct conn *conn = &conns[i];
    bool closed = polled[i].revents != 0 && !signals_over() && conn_step(conn) == CONN_CLOSED;

    if (closed || conn_given_up(conn, now)) {
        drop(i);
    } else {
        bool reads = conn->state == CONN_READING || conn->state == CONN_DRAINING;

        polled[i].events = reads ? POLLIN : POLLOUT;
    }
}

static void
drop(nfds_t i)
{
    close(polled[i].fd);
    count--;
    polled[i] = polled[count];
    conns[i] = conns[count];
    accept_after = 0;
}

/* The listener is non-blocking too: the client may be gone since poll() announced it. */
static void
accept_clients(int most)
{
    static atomic_llong quiet_until;

    for (int i = 0; i < most && count < places; i++) {
        int connfd = listen_has_client(server.listenfd) ? accept(server.listenfd, NULL, NULL) : -1;

        if (connfd == -1) {
            counter_add(&worker.slot->wasted, i == 0);
            if (listen_exhausted()) {
                accept_after = clock_us() + PAUSE_US;
            }
            return;
        }
        if (fcntl(connfd, F_SETFL, O_NONBLOCK) == -1) {
            warn_seldom(&quiet_until, "cannot watch a connection: closing it");
            close(connfd); /* the other clients must not wait for this one */
            continue;
        }
        conn_open(&conns[count], &worker, connfd);
        polled[count++] = (struct pollfd){.fd = connfd, .events = POLLIN};
    }
}

/* Descriptors are connections: as many as may be had, up to a limit for the sake of memory. (poll()
 * refuses an array that is longer than the process's limit.) */
static void
raise_limit(void)
{
    nfds_t limit = descriptors_raise(MOST);

    if (count > limit) {
        diex("ulimit -Hn is below the %lu descriptors of connections", (unsigned long)count);
    }
    places = places > 0 ? places : limit;
}
