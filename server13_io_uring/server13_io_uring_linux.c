/*
 * server13_io_uring - the kernel does the input and output, and tells when it has been done.
 *
 * poll() and epoll tell what could be done without waiting; then the server does it, a system call
 * for each accept, read, write and close. Here it writes down what is to be done - accept whoever
 * comes, receive from this socket, send these bytes to that one, close - in a queue of memory that
 * it shares with the kernel, and finds in another one what has come of it. One system call,
 * io_uring_enter(), submits all that was written down, and waits for news: the more connections are
 * busy at the same time, the less of it each one costs. -n such children have a ring each, made
 * after the fork, and one listening socket; their parent only looks after them.
 *
 * One client at a time gains nothing. The work of a request stalls all clients of its process; a
 * process that is killed loses all of them. Not every kernel lets everybody have it. ring_linux.c
 * has the queues, clients_linux.c what is asked for a connection. Compare with server08_epoll.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "clients_linux.h"
#include "ring_linux.h"

static _Noreturn void child_main(unsigned number);
static void turn(void);
static void accept_on(void);
static void accepted(const struct done *done);
static void look_if_due(int64_t now);
static void accept_ends(void);
static void start_child(unsigned number);

enum { CHILDREN = 1, CHILDREN_MAX = 1000, CLIENTS_MAX = 100000 };
enum { LOOK_MS = 1000, ENDING_MS = 50 };

static const char help[] = "The kernel accepts, receives, sends and closes: io_uring.\n\n"
                           "  -n N        children (default 1); HUP replaces them one by one\n";

static struct server server;
static struct pool *pool;

/* Of a child. */
static struct worker worker;
static sigset_t waiting; /* the signal mask while it waits */
static bool accepting;   /* the kernel accepts for us until it says that it has stopped */
static int64_t look_at;  /* clock_us() of the next look at the time limits */
static unsigned full;    /* the clients that were open when descriptors had run out */

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;
    unsigned children, number;

    server.options = options_default(CHILDREN);
    while (server_option(&server, argc, argv, "n:", help, CHILDREN_MAX) != -1) {
    }
    children = (unsigned)server.options.children;
    server.options.children *= 2; /* numbers: a child that leaves keeps its own until its clients
                                   * have gone; its successor, which has another, need not wait */
    server_open(&server, "", true);
    server.board.children = children;
    ring_try();
    server.listenfd = listen_open(&server.options);
    clients_begin(descriptors_raise(CLIENTS_MAX));
    pool = pool_open(2 * children);
    pool->wanted = children;
    server_ready(&server); /* the kernel queues clients already */

    while (!signals_stop) {
        if ((number = pool_due(pool)) != 0) {
            start_child(number);
        }
        pool_turn(pool, &server);
        pool_wait(pool, &server, -1, -1, -1);
    }

    listen_remove();
    close(server.listenfd);
    while (pool_ending(pool, &server, false, &status)) {
    }
    return server_close(&server, status);
}

/* After HUP or TERM a child accepts no more, and leaves when its clients have gone: also those that
 * the kernel has accepted for it meanwhile. It waits in any case until the kernel no longer
 * accepts: what is under way when a process ends, the kernel takes back some time after, and until
 * then the port would be taken. */
static _Noreturn void
child_main(unsigned number)
{
    worker = server_child(&server, number, &server.board.slots[number]);
    signals_block(&waiting);
    worker.waiting = &waiting;
    clients_child(&worker);
    ring_open(&waiting);
    accept_on();
    while (server_child_goes_on(&worker)) {
        turn();
    }
    accept_ends();
    close(server.listenfd);
    server.listenfd = -1;
    while (accepting || (clients_open > 0 && !signals_over())) {
        turn();
    }
    _exit(EXIT_SUCCESS);
}

/* One turn of the loop: the kernel gets what the last turn has asked for, and this one takes what
 * is done. Once a second it looks at the time limits. Signals are delivered only while it
 * waits, and it does not wait when something is done already: then they are let in here. */
static void
turn(void)
{
    int64_t us = signals_stop ? ENDING_MS * 1000 : look_at - clock_us();
    unsigned count = ring_wait(us < 0 ? 0 : (int)(us / 1000) + 1);
    int64_t now = clock_us();

    counter_add(&worker.slot->wakeups, 1);
    signals_admit(&waiting);
    for (; count > 0; count--) {
        struct done done = ring_take();

        if (done.name == CLIENTS_LISTENER) {
            accepted(&done);
        } else if (done.name != CLIENTS_NOBODY) {
            clients_done(&done, now);
        }
    }
    look_if_due(now);
    if (!accepting && server.listenfd != -1 && clients_open < full) {
        accept_on();
    }
}

/* Multishot: from now on the kernel accepts whoever comes, each a completion, until one of them
 * says that it was the last (without IORING_CQE_F_MORE). Asking again before that would make two of
 * it. But not if several children share the listener. For a new client the kernel wakes the first
 * that waits there; a multishot accept stays the first, also while its process works or is stopped,
 * and all clients would wait for that. One that accepts once goes to the end of the queue with
 * each. */
static void
accept_on(void)
{
    struct io_uring_sqe *entry = ring_ask(IORING_OP_ACCEPT, server.listenfd, CLIENTS_LISTENER);

    entry->how = pool->wanted == 1 ? IORING_ACCEPT_MULTISHOT : 0;
    accepting = true;
    full = UINT_MAX;
}

/* If descriptors have run out it ends, and would at once end again. */
static void
accepted(const struct done *done)
{
    accepting = done->flags & IORING_CQE_F_MORE;
    if (done->result >= 0) {
        clients_add(done->result);
        return;
    }
    counter_add(&worker.slot->wasted, done->result != -ECANCELED);
    errno = -done->result;
    if (server.listenfd != -1 && listen_exhausted()) {
        full = clients_open;
    }
}

/* Once a second, all the time while the server stops. Accepting ends too, and begins anew in the
 * next turns: that finds a client for which the kernel has woken a child that is busy or stopped,
 * and the kernel goes by the limit on descriptors that there is then. */
static void
look_if_due(int64_t now)
{
    if (now < look_at && !signals_stop) {
        return;
    }
    look_at = now + LOOK_MS * 1000;
    clients_look(now);
    scoreboard_publish(worker.slot); /* of a child that leaves, too */
    full = UINT_MAX;                 /* perhaps somebody else has freed something */
    if (accepting) {
        accept_ends();
    }
}

/* Not at once: what has been accepted by then we still hear of, and then that it was the last. */
static void
accept_ends(void)
{
    struct io_uring_sqe *entry = ring_ask(IORING_OP_ASYNC_CANCEL, -1, CLIENTS_NOBODY);

    entry->addr = CLIENTS_LISTENER;
}

/* The child makes its ring itself: the kernel lets no other process have it. */
static void
start_child(unsigned number)
{
    pid_t pid = fork();

    if (pid == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
}
