/*
 * server02_select - one process serves all clients at once, by never waiting for one of them.
 *
 * All sockets are non-blocking. select() says which of them can be read or written; each such
 * connection gets on by one step, at most one read() and one write(), and it is the next one's
 * turn. What a thread or a process would keep on its stack (how much of the request is here, how
 * much of the reply is sent) is kept in a struct conn.
 *
 * It costs no process per client and no hand-over, but a system call and a scan over all
 * descriptors per turn. It breaks in two places: the work of a request (CPU_US, WAIT_US) stalls
 * all clients, and an fd_set ends at FD_SETSIZE, so at most that many connections can be open.
 * Compare with server00_iterative (the same process, but one client at a time).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"

static void turn(void);
static void fill_sets(fd_set *readable, fd_set *writable);
static void accept_clients(int most);
static void look_after(struct conn *conn, bool ready, int64_t now);
static enum conn_result step(struct conn *conn);
static enum conn_result work(struct conn *conn);
static void drop(struct conn *conn);
static void stay_below_fd_setsize(void);

enum { BURST = 64, PAUSE_US = 1000 * 1000, LOOK_US = 1000 * 1000, ENDING_US = 100 * 1000 };

static const char help[] = "One process serves all clients at once with select().\n\n";

static struct server server; /* its listenfd is -1 after a stop signal */
static struct worker worker;

/* Invariant: conns[fd] is a connection if and only if fd is in `open_fds`; then fd <= highest. */
static struct conn conns[FD_SETSIZE];
static fd_set open_fds;
static int highest = -1;
static int nconns;
static int64_t accept_after; /* clock_us(): until then the listener is left out of the wait set */

int
main(int argc, char **argv)
{
    server.options = options_default(0);
    while (server_option(&server, argc, argv, "", help, 0) != -1) {
    }
    stay_below_fd_setsize();
    server_open(&server, "", false);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    worker = conn_worker(0, 0, &server.board.slots[0]);
    listen_ready(&server.options, server.listenfd);

    while (!signals_stop) {
        turn();
    }
    listen_remove();
    close(server.listenfd);
    server.listenfd = -1;
    while (nconns > 0) { /* until the grace is over, at most */
        turn();
    }
    return server_close(&server, EXIT_SUCCESS);
}

/* One turn of the loop: wait, then let every connection that is ready get on by one step. Signals
 * are delivered only while it waits; at least once a second it looks at the time limits. */
static void
turn(void)
{
    const struct timespec timeout = clock_timespec(signals_stop ? ENDING_US : LOOK_US);
    int last = highest > server.listenfd ? highest : server.listenfd;
    fd_set readable, writable;
    int64_t now;
    int ready;

    fill_sets(&readable, &writable);
    ready = pselect(last + 1, &readable, &writable, NULL, &timeout, &server.waiting);
    now = clock_us();
    if (ready == -1) {
        signals_wait_failed(&server.waiting);
        FD_ZERO(&readable); /* the sets mean nothing */
        FD_ZERO(&writable);
    } else {
        counter_add(&worker.slot->wakeups, 1);
        signals_admit(&server.waiting);
    }
    for (int fd = 0; fd <= highest; fd++) {
        if (FD_ISSET(fd, &open_fds)) {
            look_after(&conns[fd], FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable), now);
        }
    }
    if (server.listenfd != -1 && FD_ISSET(server.listenfd, &readable)) {
        accept_clients(ready > 2 ? BURST : 1); /* when much is ready a turn is long */
    }
    server_report_if_asked(&server);
}

/* What each socket waits for. */
static void
fill_sets(fd_set *readable, fd_set *writable)
{
    FD_ZERO(readable);
    FD_ZERO(writable);
    for (int fd = 0; fd <= highest; fd++) {
        if (FD_ISSET(fd, &open_fds)) {
            bool reads = conns[fd].state == CONN_READING || conns[fd].state == CONN_DRAINING;

            FD_SET(fd, reads ? readable : writable);
        }
    }
    if (server.listenfd != -1 && clock_us() >= accept_after) {
        FD_SET(server.listenfd, readable);
    }
}

/* The listener is non-blocking too: the client may be gone since select() announced it. */
static void
accept_clients(int most)
{
    static atomic_llong quiet_until;

    for (int i = 0; i < most; i++) {
        int connfd = accept(server.listenfd, NULL, NULL);

        if (connfd == -1) {
            counter_add(&worker.slot->wasted, i == 0);
            if (errno == EMFILE && highest == FD_SETSIZE - 1) {
                warn_seldom(&quiet_until, "%d connections, no more fit into an fd_set (FD_SETSIZE)",
                            nconns);
            } else if (!listen_exhausted()) {
                return;
            }
            accept_after = clock_us() + PAUSE_US;
            return;
        }
        if (connfd >= FD_SETSIZE || fcntl(connfd, F_SETFL, O_NONBLOCK) == -1) {
            /* The other clients must not wait for this one. */
            warn_seldom(&quiet_until, "cannot watch a connection: closing it");
            counter_add(&worker.slot->connections, 1);
            counter_add(&worker.slot->broken, 1);
            close(connfd);
            continue;
        }
        conn_open(&conns[connfd], &worker, connfd);
        FD_SET(connfd, &open_fds);
        highest = connfd > highest ? connfd : highest;
        nconns++;
    }
}

/* A connection's turn. When the server stops, an idle one gets a last step, since its next request
 * may be here already; then it is closed. */
static void
look_after(struct conn *conn, bool ready, int64_t now)
{
    bool ended = (ready || (signals_stop && conn_idle(conn))) && step(conn) == CONN_CLOSED;

    if (!ended && signals_over()) {
        conn_cut(conn);
        ended = true;
    } else if (!ended && now >= conn_deadline(conn)) {
        conn_timed_out(conn);
        ended = true;
    }
    if (ended || (signals_stop && conn_idle(conn))) {
        drop(conn);
    }
}

/* At most one read, the work, and one write. The reply is tried at once, without asking select():
 * nearly always there is room for its first part. */
static enum conn_result
step(struct conn *conn)
{
    enum conn_result result = CONN_OK;

    if (conn->state == CONN_READING || conn->state == CONN_DRAINING) {
        result = conn_read(conn);
    }
    if (conn->state == CONN_WORKING) {
        result = work(conn);
    }
    if (conn->state == CONN_WRITING) {
        result = conn_write(conn);
    }
    return result;
}

/* Blocks as long as the request asks: meanwhile no other client is served. Only a stop signal gets
 * through, so that the grace can end. */
static enum conn_result
work(struct conn *conn)
{
    enum conn_result result;
    sigset_t blocked;

    if (conn->cpu_us == 0 && conn->wait_us == 0) {
        return conn_work(conn);
    }
    sigprocmask(SIG_SETMASK, &server.waiting, &blocked);
    result = conn_work(conn);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    return result;
}

static void
drop(struct conn *conn)
{
    FD_CLR(conn->fd, &open_fds);
    close(conn->fd);
    nconns--;
    accept_after = 0;
    while (highest >= 0 && !FD_ISSET(highest, &open_fds)) {
        highest--;
    }
}

/* FD_SET() of a larger descriptor would write beyond the set. So the kernel is asked not to hand
 * out any: then accept() fails with EMFILE, and the new client waits in the kernel's queue. */
static void
stay_below_fd_setsize(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > FD_SETSIZE) {
        limit.rlim_cur = FD_SETSIZE;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            die("setrlimit");
        }
    }
}
