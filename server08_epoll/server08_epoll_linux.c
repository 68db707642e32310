/*
 * server08_epoll - the kernel keeps the list of connections, and hands out those with news.
 *
 * poll() is told of every connection in every turn, and looks at all of them. epoll is told once,
 * when a connection begins, and epoll_pwait() returns those alone that have news: so connections
 * that say nothing cost nothing. -a level or edge: what counts as news; in clients_linux.c
 * clients_add(), stays_ready() and wait_for_news() make the difference. -n such children wait for
 * one listening socket, each with an epoll instance of its own (with -a reuseport also a listening
 * socket of its own); their parent only looks after them.
 *
 * An epoll_ctl() for each connection makes few clients no cheaper than with poll(). The work of a
 * request stalls all clients of its process; a process that is killed loses all of them. Compare
 * with server07_poll beside idle connections.
 */
#define _GNU_SOURCE /* accept4() */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
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

static _Noreturn void child_main(unsigned number);
static void turn(void);
static void look_if_due(int64_t now);
static bool accept_client(void);
static void start_child(unsigned number);
static bool listen_too(bool too);
static unsigned free_listener(void);

enum { CHILDREN = 1, CHILDREN_MAX = 1000, CLIENTS_MAX = 100000, EVENTS = 1024, BURST = 64 };
enum { LOOK_MS = 1000, ENDING_MS = 50 };
#define LISTENER UINT64_MAX /* in an event, instead of a client */

static const char help[] =
    "The kernel keeps the list of connections, and tells which have news: epoll.\n\n"
    "  -n N        children (default 1); HUP replaces them one by one\n"
    "  -a WAY      how epoll tells: level (default) or edge; with reuseport (level)\n"
    "              or edge-reuseport each child has a listening socket of its own\n";
static const char *const ways[] = {"level", "edge", "reuseport", "edge-reuseport", NULL};
enum { EDGE = 1, REUSEPORT = 2 }; /* bits of `way` */

static struct server server;
static struct pool *pool;
static unsigned way;
static int *listeners = (int[2]){0};   /* with REUSEPORT: listeners[1..-n], 0 */
static pid_t owners[CHILDREN_MAX + 1]; /* the child that accepts, or did, from each of these */

/* Of a child; the first two are made by its parent. */
static int epollfd, listenfd;
static struct worker worker;
static sigset_t waiting; /* the signal mask inside epoll_pwait() */
static int64_t look_at;  /* clock_us() of the next look at the time limits */
static bool listening;   /* epoll has the listener; false: taken out until clients_open < full */
static unsigned full;    /* the clients that were open when descriptors had run out */

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;
    unsigned children, number;

    server.options = options_default(CHILDREN);
    while (server_option(&server, argc, argv, "n:a:", help, CHILDREN_MAX) != -1) {
        way = (unsigned)options_word('a', optarg, ways);
    }
    children = (unsigned)server.options.children;
    server.options.children *= 2; /* numbers: a child that leaves keeps its own until its clients
                                   * have gone; its successor, which has another, need not wait */
    server_open(&server, ways[way], true);
    server.board.children = children;
    server.listenfd = listen_open(&server.options);
    if (way & REUSEPORT) {
        listeners = listen_reuseport(server.listenfd, children, server.options.backlog);
    }
    clients_begin(descriptors_raise(CLIENTS_MAX), way & EDGE);
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

/* After HUP or TERM a child accepts no more, and leaves when its clients have gone. Its epoll
 * instance would report the listener all the same if it did not take it out, for close() does not
 * unregister what another process, the parent, has open. */
static _Noreturn void
child_main(unsigned number)
{
    worker = server_child(&server, number, &server.board.slots[number]);
    signals_block(&waiting);
    worker.waiting = &waiting;
    listen_nonblocking(listenfd);
    clients_child(epollfd, &worker);
    listen_keep(listeners, listenfd);
    while (server_child_goes_on(&worker)) {
        turn();
    }
    listen_too(false);
    close(listenfd);
    listenfd = -1;
    while (clients_open > 0 && !signals_over()) {
        turn();
    }
    _exit(EXIT_SUCCESS);
}

/* One turn of the loop: wait for news, then let every client that is ready get on by one step. Once
 * a second it looks at the time limits. Signals are delivered only while it waits. */
static void
turn(void)
{
    static struct epoll_event events[EVENTS];
    int64_t us = signals_stop ? ENDING_MS * 1000 : look_at - clock_us();
    int ms = clients_ready > 0 || us < 0 ? 0 : (int)(us / 1000) + 1;
    int count = epoll_pwait(epollfd, events, EVENTS, ms, &waiting);
    int64_t now = clock_us();

    if (count == -1) {
        signals_wait_failed(&waiting);
    }
    counter_add(&worker.slot->wakeups, 1);
    signals_admit(&waiting);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == LISTENER) {
            int most = count > 2 ? BURST : 1,
                taken = 0; /* when there is much news a turn is long */

            while (taken < most && accept_client()) {
                taken++;
            }
            counter_add(&worker.slot->wasted, taken == 0);
        } else {
            clients_note(&events[i]);
        }
    }
    look_if_due(now);
    clients_serve(now);
    if (!listening && listenfd != -1 && clients_open < full) {
        listen_too(true);
    }
}

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
    if (listening) {
        accept_client(); /* in case a child that was woken alone did not, see listen_too() */
    }
}

/* False if there was none. Another child may be faster: the listener is non-blocking too. If
 * descriptors have run out it must be taken out: it would be reported again at once, and again. */
static bool
accept_client(void)
{
    int connfd = listen_has_client(listenfd) ? accept4(listenfd, NULL, NULL, SOCK_NONBLOCK) : -1;

    if (connfd != -1) {
        clients_add(connfd);
    } else if (listen_exhausted()) {
        listen_too(false);
        full = clients_open;
    }
    return connfd != -1;
}

/* The epoll instance is made here: if descriptors have run out, the children that are there must
 * not be replaced by some that cannot wait. It is the child's: so it is closed here. */
static void
start_child(unsigned number)
{
    unsigned which = way & REUSEPORT ? free_listener() : 0;
    pid_t pid = -1;

    listenfd = which > 0 ? listeners[which] : server.listenfd;
    epollfd = epoll_create1(0);
    if (epollfd != -1 && listen_too(true) && (pid = fork()) == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
    owners[which] = pid;
    if (epollfd != -1) {
        close(epollfd);
    }
}

/* EPOLLEXCLUSIVE: of the children that wait the kernel wakes one, not all, for a new client. If
 * that one is stopped or killed before it accepts, or out of descriptors, no other is told. */
static bool
listen_too(bool too)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = LISTENER};
    bool done = epoll_ctl(epollfd, too ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listenfd, &event) == 0;

    listening = too && done;
    return done;
}

/* With REUSEPORT, the first listener whose child has ended, or leaves. (child[0] is nobody.) */
static unsigned
free_listener(void)
{
    for (unsigned i = 1;; i++) {
        const struct pool_child *owner = &pool->child[pool_number(pool, owners[i])];

        if (owner->pid == 0 || owner->asked) {
            return i;
        }
    }
}
