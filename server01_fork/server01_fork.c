/*
 * server01_fork - the parent accepts, and forks a child for each connection.
 *
 * The parent does nothing but accept, fork and reap; the child serves its one client and ends. Both
 * have the connection after fork(), so each closes the descriptor that it does not need: the child
 * the listening socket, the parent the connection.
 *
 * The model is simple and safe: no client can harm another one, and the kernel frees whatever a
 * child forgets. It costs a fork per connection, several times as much as serving it (README.md
 * shows what a fork costs and why this program is linked statically). It breaks when more clients
 * come than processes can be had: at -n children the listener waits until one has ended. Compare
 * with server03_prefork_accept, which forks its children beforehand.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/conn.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"

static void serve_clients(void);
static bool start_children(void);
static bool start_child(int connfd);
static _Noreturn void child_main(unsigned number, unsigned serial, int connfd);
static void reap(void);
static int stop(void);

static const char help[] = "The parent accepts, and forks a child for each connection.\n\n"
                           "  -n N        most children alive at once (default 256)\n";

enum { CHILDREN = 256, CHILDREN_MAX = 30000, PAUSE_US = 100 * 1000, BURST = 64 };

static struct server server = {.stats = {.one_each = true}};
static struct pool *pool;
static int held_connfd = -1; /* accepted, but fork() failed: its client waits for the next try */

int
main(int argc, char **argv)
{
    server.options = options_default(CHILDREN);
    while (server_option(&server, argc, argv, "n:", help, CHILDREN_MAX) != -1) {
    }
    server_open(&server, "", false);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    pool = pool_open((unsigned)server.options.children);
    pool->wanted = 0; /* children come with clients, and are not replaced */
    server_ready(&server);

    serve_clients();

    listen_remove();
    close(server.listenfd);
    return server_close(&server, stop());
}

/* With -n children alive the parent leaves the listener out of the wait set: the kernel queues, and
 * the end of a child (SIGCHLD) wakes the parent. After a pause it tries again without a new event.
 */
static void
serve_clients(void)
{
    bool paused = false; /* something has run out: wait a moment */

    while (!signals_stop) {
        int watched = !paused && pool->alive < pool->size ? server.listenfd : -1;

        if (pool_wait(pool, &server, watched, -1, paused ? PAUSE_US : -1) || paused) {
            paused = !start_children();
        }
        reap();
        pool_turn(pool, &server);
    }
}

/* Several connections may wait; but not without a limit, since children that have ended must be
 * reaped. False if descriptors, memory or processes have run out. */
static bool
start_children(void)
{
    for (int i = 0; i < BURST && pool->alive < pool->size; i++) {
        int connfd = held_connfd;

        if (connfd == -1 && listen_has_client(server.listenfd)) {
            connfd = accept(server.listenfd, NULL, NULL);
        } else if (connfd != -1) {
            held_connfd = -1; /* written only then: after fork() a write copies a page */
        }
        if (connfd == -1) {
            return !listen_exhausted();
        }
        if (!start_child(connfd)) {
            held_connfd = connfd;
            return false;
        }
    }
    return true;
}

static bool
start_child(int connfd)
{
    unsigned number = pool_number(pool, 0);        /* the lowest that is free */
    unsigned serial = (unsigned)pool->started + 1; /* in the stamp: each child has its own */
    pid_t pid = fork();

    if (pid == 0) {
        close(server.listenfd); /* the parent's */
        child_main(number, serial, connfd);
    }
    pool_started(pool, number, pid);
    if (pid == -1) {
        return false;
    }
    close(connfd); /* the child's: a second copy here would keep the connection open */
    return true;
}

static void
child_main(unsigned number, unsigned serial, int connfd)
{
    struct worker worker = server_child(&server, serial, &server.board.slots[number]);

    conn_serve(&worker, connfd);
    _exit(EXIT_SUCCESS); /* not exit(): the stdio buffers are the parent's; and it closes connfd */
}

/* One SIGCHLD may stand for several children: so as many as have ended. Without this they would
 * stay in the process table, as zombies. (pool_turn() reaps too; the loop stands here because it
 * belongs to this model.) */
static void
reap(void)
{
    int status;
    pid_t pid;

    signals_ended = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        pool_ended(pool, &server, pid, status);
    }
}

/* Lets the children finish what they are serving. */
static int
stop(void)
{
    int status = EXIT_SUCCESS;

    do {
        if (held_connfd != -1 && start_child(held_connfd)) {
            held_connfd = -1;
        }
    } while (pool_ending(pool, &server, held_connfd != -1, &status));
    shutdown(held_connfd, SHUT_WR); /* not served: its client sees the end, not a reset */
    return status;
}
