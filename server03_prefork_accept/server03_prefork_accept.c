/*
 * server03_prefork_accept - children forked beforehand share one listening socket.
 *
 * The parent opens the socket, forks -n children and from then on only looks after them: it never
 * sees a connection. Each child inherits the listening descriptor and does what server00_iterative
 * does: wait, accept, serve, close. The kernel decides which child gets a connection; -a chooses
 * how the children wait for it (ways.c and, for what only Linux has, ways_linux.c). A killed child
 * loses the connection that it serves; those in the backlog wait for another child.
 *
 * Cost: no fork per connection and no hand-over, the cheapest of the models with processes. It
 * breaks when all children are busy: then everybody else waits, as in server00. Compare with
 * server01_fork (a child per connection), and -a poll with -a accept (the thundering herd).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "ways.h"

static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number);
static int next_connection(int listenfd, struct slot *slot);
static const struct way *way_named(const char *name);

static const char help[] =
    "Children forked beforehand share one listening socket.\n\n"
    "  -n N        children (default 10); HUP replaces them one by one\n"
    "  -a WAY      how a child waits: accept (default), select, poll, lock-file,\n"
    "              lock-mutex; on Linux also epoll, epoll-exclusive, reuseport\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000 };

static struct server server;
static struct pool *pool;
static const struct way *way = ways;

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;
    unsigned number;

    server.options = options_default(CHILDREN);
    while (server_option(&server, argc, argv, "n:a:", help, CHILDREN_MAX) != -1) {
        way = way_named(optarg);
    }
    server_open(&server, way->name, true);
    server.listenfd = listen_open(&server.options);
    pool = pool_open((unsigned)server.options.children);
    if (way->wait && !way->unlock) { /* another child may be faster: accept() must not block */
        listen_nonblocking(server.listenfd);
    }
    if (way->prepare) {
        way->prepare(&server);
    }
    server_ready(&server); /* the kernel queues clients already */

    while (!signals_stop) { /* start whoever is missing, sleep until a signal comes */
        if ((number = pool_due(pool)) != 0) { /* one: signals must get their turn */
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

static void
start_child(unsigned number)
{
    pid_t pid = !way->open || way->open(server.listenfd) ? fork() : -1;

    if (pid == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
}

/* After HUP or TERM a child leaves between two connections. If the signal comes just before the
 * child blocks, the child sleeps on; SIGALRM, which comes every second, wakes it, and it sees the
 * flag. */
static void
child_main(unsigned number)
{
    struct worker worker = server_child(&server, number, &server.board.slots[number]);
    int listenfd = way->begin ? way->begin(server.listenfd, number) : server.listenfd;

    while (server_child_goes_on(&worker)) {
        int connfd = next_connection(listenfd, worker.slot);

        if (connfd != -1) {
            conn_serve(&worker, connfd);
            close(connfd);
        } else if (listen_exhausted()) { /* errno is that of next_connection() */
            listen_pause();
        }
    }
    _exit(EXIT_SUCCESS);
}

/* Returns -1 and errno if there is none: EINTR for a signal, EAGAIN if another child was faster. A
 * child that has waited long for a lock may have been told to leave meanwhile. */
static int
next_connection(int listenfd, struct slot *slot)
{
    int connfd = -1;

    if (way->wait && !way->wait(listenfd)) {
        return -1;
    }
    errno = EINTR; /* if accept() is left out: as if the signal had ended it */
    if (!signals_stop && !signals_replace) {
        connfd = accept(listenfd, NULL, NULL);
    }
    if (connfd == -1 && (!way->wait || way->unlock)) {
        listen_await(listenfd); /* accept() has not waited: somebody else set O_NONBLOCK */
    }
    if (way->unlock) {
        way->unlock();
        counter_add(&slot->wakeups, 1); /* from the wait for the lock; below: from accept() */
    }
    if (connfd != -1 || errno == EAGAIN || errno == EWOULDBLOCK) {
        counter_add(&slot->wakeups, 1);
        counter_add(&slot->wasted, connfd == -1);
    }
    return connfd;
}

static const struct way *
way_named(const char *name)
{
    static const struct way *const tables[] = {ways, ways_linux};

    for (int i = 0; i < 2; i++) {
        for (const struct way *each = tables[i]; each->name; each++) {
            if (strcmp(each->name, name) == 0) {
                return each;
            }
        }
    }
    die_usage("-a '%.60s': accept, select, poll, lock-file, lock-mutex or, on Linux, epoll, "
              "epoll-exclusive or reuseport is allowed; for example -a poll",
              name);
}
