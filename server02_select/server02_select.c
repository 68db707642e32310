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
 * everybody, and an fd_set ends at FD_SETSIZE, so at most that many connections can be open.
 * Compare with server00_iterative (the same process, but one client at a time).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"

static void stay_below_fd_setsize(void);
static void serve_clients(int listenfd);
static void turn(int listenfd);
static int64_t fill_sets(int listenfd, fd_set *readable, fd_set *writable);
static bool accept_client(int listenfd);
static void step(struct conn *conn);
static enum conn_result work(struct conn *conn);
static void look_after(struct conn *conn, int64_t now);
static void drop(struct conn *conn);

enum { BURST = 64 };

static const char help[] = "One process serves all clients at once with select().\n\n";

static struct options options;
static struct scoreboard board;
static struct stats stats = {.variant = ""};
static sigset_t waiting; /* the signal mask inside pselect(): outside, TERM and USR1 are blocked */

/* Invariant: conns[fd] is a connection if and only if fd is in `open_fds`; then fd <= highest. */
static struct conn conns[FD_SETSIZE];
static fd_set open_fds;
static int highest = -1;
static int nconns;
static bool limited;         /* by FD_SETSIZE, not by ulimit -n */
static int64_t accept_after; /* clock_us(): until then the listener is left out of the wait set */

int
main(int argc, char **argv)
{
    int listenfd, letter;

    die_begin(argv[0]);
    options = options_default(0);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS)) != -1) {
        options_take(&options, letter, help);
    }
    options_end(argc, argv);

    scoreboard_open(&board, 0);
    conn_start(&options);
    stats_start(&stats);
    stay_below_fd_setsize();
    listenfd = listen_open(&options);
    signals_open(options.grace_s, false);
    signals_block(&waiting);
    if (fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }
    conn_identify(0, &board.slots[0]);
    listen_ready(&options, listenfd);

    serve_clients(listenfd);

    stats_print(&stats, &board, &options);
    return EXIT_SUCCESS;
}

/* FD_SET() of a larger descriptor would write beyond the set. So the kernel is asked not to hand
 * out any: then accept() fails with EMFILE, the new client stays in the backlog, and nothing else
 * needs to care. */
static void
stay_below_fd_setsize(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= FD_SETSIZE) {
        limit.rlim_cur = FD_SETSIZE;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            die("setrlimit");
        }
        limited = true;
    }
}

/* Goes on after the stop signal until the requests in progress are served or the grace is over. */
static void
serve_clients(int listenfd)
{
    bool listening = true;

    while (!signals_over() && (!signals_stop || nconns > 0)) {
        turn(listening ? listenfd : -1);
        if (signals_report) {
            signals_report = 0;
            stats_print(&stats, &board, &options);
        }
        if (signals_stop && listening) {
            listen_remove(&options);
            close(listenfd);
            listening = false;
        }
    }
    for (int fd = 0; fd <= highest; fd++) {
        if (FD_ISSET(fd, &open_fds)) {
            if (!conn_idle(&conns[fd])) {
                conn_cut(&conns[fd]);
            }
            drop(&conns[fd]);
        }
    }
}

/* One turn of the loop: wait, then let every connection that is ready get on by one step. */
static void
turn(int listenfd)
{
    fd_set readable, writable;
    int64_t wait = fill_sets(listenfd, &readable, &writable);
    struct timespec timeout = clock_timespec(wait);
    int last = highest > listenfd ? highest : listenfd;
    int ready = pselect(last + 1, &readable, &writable, NULL, &timeout, &waiting);
    int64_t now = clock_us();

    if (ready == -1) {
        signals_wait_failed(&waiting);
        FD_ZERO(&readable); /* the sets mean nothing */
        FD_ZERO(&writable);
    } else {
        counter_add(&board.slots[0].wakeups, 1);
        signals_admit(&waiting);
    }
    for (int fd = 0; fd <= last; fd++) {
        if (fd == listenfd) {
            /* When much is ready a turn is long: then take in several. */
            for (int i = 0; FD_ISSET(fd, &readable) && i < (ready > 2 ? BURST : 1); i++) {
                if (!accept_client(listenfd)) {
                    counter_add(&board.slots[0].wasted, i == 0);
                    break;
                }
            }
        } else if (FD_ISSET(fd, &open_fds)) {
            if (FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable)) {
                step(&conns[fd]);
            }
            look_after(&conns[fd], now);
        }
    }
}

/* Who waits for what; returns for how many microseconds to wait at most. */
static int64_t
fill_sets(int listenfd, fd_set *readable, fd_set *writable)
{
    int64_t now = clock_us();
    int64_t first = now + (signals_stop ? 100 * 1000 : 3600LL * 1000 * 1000);

    FD_ZERO(readable);
    FD_ZERO(writable);
    for (int fd = 0; fd <= highest; fd++) {
        if (FD_ISSET(fd, &open_fds)) {
            bool reads = conns[fd].state == CONN_READING || conns[fd].state == CONN_DRAINING;
            int64_t deadline = conn_deadline(&conns[fd]);

            FD_SET(fd, reads ? readable : writable);
            first = deadline < first ? deadline : first;
        }
    }
    if (listenfd != -1 && now >= accept_after) {
        FD_SET(listenfd, readable);
    } else if (listenfd != -1 && accept_after < first) {
        first = accept_after;
    }
    return first > now ? first - now : 0;
}

/* Non-blocking too: the client may be gone since select() announced it. */
static bool
accept_client(int listenfd)
{
    static bool said;
    static atomic_llong quiet_until;
    int connfd = accept(listenfd, NULL, NULL);

    if (connfd == -1) {
        if (errno == EMFILE && limited && nconns > 0) {
            if (!said) {
                warnx("%d connections: no more fit into an fd_set (FD_SETSIZE), others must wait",
                      nconns);
            }
            said = true;
            accept_after = INT64_MAX; /* until drop() frees one */
        } else if (listen_exhausted()) {
            accept_after = clock_us() + 1000 * 1000;
        }
        return false;
    }
    conn_open(&conns[connfd], connfd);
    if (fcntl(connfd, F_SETFL, O_NONBLOCK) == -1) { /* the others must not wait for this one */
        warn_seldom(&quiet_until, "O_NONBLOCK: clients are let go");
        conn_cut(&conns[connfd]);
        close(connfd);
        return true;
    }
    FD_SET(connfd, &open_fds);
    highest = connfd > highest ? connfd : highest;
    nconns++;
    return true;
}

/* At most one read, the work, and one write. The reply is tried at once, without asking select():
 * nearly always there is room for its first part. */
static void
step(struct conn *conn)
{
    enum conn_result result = CONN_OK;

    if (conn->state == CONN_READING || conn->state == CONN_DRAINING) {
        result = conn_read(conn);
    }
    if (conn->state == CONN_WORKING) {
        result = work(conn);
    }
    if (conn->state == CONN_WRITING && result != CONN_CLOSED) {
        result = conn_write(conn);
    }
    if (result == CONN_CLOSED) {
        drop(conn);
    }
}

/* Blocks as long as the request asks: meanwhile nobody else is served. Only a stop signal gets
 * through, so that the grace can end. */
static enum conn_result
work(struct conn *conn)
{
    enum conn_result result;

    if (conn->cpu_us == 0 && conn->wait_us == 0) {
        return conn_work(conn);
    }
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    result = conn_work(conn);
    signals_block(NULL);
    return result;
}

/* Ends it if it had its time, or if the server stops and nothing is in progress. */
static void
look_after(struct conn *conn, int64_t now)
{
    if (!FD_ISSET(conn->fd, &open_fds)) {
        return; /* its last step has ended it */
    }
    if (now >= conn_deadline(conn)) {
        conn_timed_out(conn);
        drop(conn);
    } else if (signals_stop && conn_idle(conn)) {
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
    while (highest >= 0 && !FD_ISSET(highest, &open_fds)) {
        highest--;
    }
}
