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
static void drop(struct conn *conn);
static void stay_below_fd_setsize(void);

enum { BURST = 64, PAUSE_US = 1000 * 1000, LOOK_US = 1000 * 1000, ENDING_US = 50 * 1000 };

static const char help[] = "One process serves all clients at once with select().\n\n";

static struct server server; /* its listenfd is -1 after a stop signal */
static struct worker worker;

/* Invariant: conns[fd] is a connection if and only if fd is in `open_fds`; then fd <= highest, and
 * so is the listener. */
static struct conn conns[FD_SETSIZE];
static fd_set open_fds;
static int highest;
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
    highest = server.listenfd;
    worker = conn_worker(0, 0, &server.board.slots[0]);
    worker.waiting = &server.waiting;
    server_ready(&server);

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
 * are delivered only while it waits; at least once a second it looks at the time limits. After a
 * signal it looks at the sockets without waiting: before that no time limit counts. */
static void
turn(void)
{
    static bool interrupted;
    const struct timespec timeout = clock_timespec(interrupted    ? 0
                                                   : signals_stop ? ENDING_US
                                                                  : LOOK_US);
    fd_set readable, writable;
    int64_t now;
    int ready;

    server_report_if_asked(&server);
    fill_sets(&readable, &writable);
    ready = pselect(highest + 1, &readable, &writable, NULL, &timeout,
                    interrupted ? NULL : &server.waiting);
    interrupted = ready == -1;
    if (interrupted) {
        signals_wait_failed(&server.waiting);
        return;
    }
    now = clock_us();
    counter_add(&worker.slot->wakeups, 1);
    signals_admit(&server.waiting);
    for (int fd = 0; fd <= highest; fd++) {
        if (FD_ISSET(fd, &open_fds)) {
            look_after(&conns[fd], FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable), now);
        }
    }
    if (!signals_stop && FD_ISSET(server.listenfd, &readable)) {
        accept_clients(ready > 2 ? BURST : 1); /* when much is ready a turn is long */
    }
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

/* accept() must not block: the client may be gone since select() announced it. */
static void
accept_clients(int most)
{
    static atomic_llong quiet_until;

    for (int i = 0; i < most; i++) {
        int connfd = listen_has_client(server.listenfd) ? accept(server.listenfd, NULL, NULL) : -1;

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
            /* The other clients must not wait for this one; and it may be that prlimit(1) has
             * raised the limit. */
            warn_seldom(&quiet_until, "cannot watch a connection: closing it");
            counter_add(&worker.slot->connections, 1);
            counter_add(&worker.slot->broken, 1);
            close(connfd);
            stay_below_fd_setsize();
            continue;
        }
        conn_open(&conns[connfd], &worker, connfd);
        FD_SET(connfd, &open_fds);
        highest = connfd > highest ? connfd : highest;
        nconns++;
    }
}

/* A connection's turn. A step is at most one read(), the work, and one write(): the reply is tried
 * at once, without asking select(), for nearly always there is room for its first part. */
static void
look_after(struct conn *conn, bool ready, int64_t now)
{
    bool ended = ready && !signals_over() && conn_step(conn) == CONN_CLOSED;

    if (ended || conn_given_up(conn, now)) {
        drop(conn);
    }
}

static void
drop(struct conn *conn)
{
    FD_CLR(conn->fd, &open_fds);
    close(conn->fd);
    nconns--;
    accept_after = 0;
    while (highest > server.listenfd && !FD_ISSET(highest, &open_fds)) {
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
