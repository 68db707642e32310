/*
 * server12_shared_memory - clients of the same machine exchange bytes with a child through memory.
 *
 * It is server03_prefork_accept with a second door: a client that connects to the Unix socket of -S
 * gets the descriptor of memory that it shares with the child that has accepted it. From then on
 * requests and replies go through two rings in there, and the kernel is asked only when one side
 * has had nothing to do for a while. The connection stays open: its end shows that the other side
 * is gone. At the TCP port the same children serve everybody else; the protocol is the same.
 *
 * A child serves one client at a time, and who shares memory keeps it for long. So whenever the
 * last idle child gets busy the parent starts another one, up to -x (crowd.c).
 *
 * Cost: with two processors a round trip needs no system call; a client has a child and its memory
 * to itself. It breaks on one processor: there one side must sleep for the other one to run.
 * Compare with server03_prefork_accept -i PATH, the same over a Unix socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include "attach.h"
#include "crowd.h"

static void open_doors(void);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number);
static int next_client(struct slot *slot, bool *attaches);

static const char help[] =
    "Clients of the same machine exchange bytes with a child through shared memory.\n\n"
    "  -S PATH     the Unix socket where they get it: client -i shm:PATH; all others\n"
    "              come to the port, and without -S all\n"
    "  -n N        children at least (default 2); HUP replaces them one by one\n"
    "  -x N        the most children (default 64; with -n, no more than that)\n";

enum { PORT, MEMORY, DOORS };

static struct server server;
static struct pool *pool;
static const char *path; /* -S, or NULL */
static struct pollfd doors[DOORS] = {{.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};

int
main(int argc, char **argv)
{
    int letter, most = 0, tellfd, status = EXIT_SUCCESS;
    int64_t look_us;
    unsigned number;

    server.options = options_default(0);
    while ((letter = server_option(&server, argc, argv, "n:x:S:", help, CROWD_MAX)) != -1) {
        if (letter == 'x') {
            most = (int)options_number('x', optarg, 1, CROWD_MAX);
        } else {
            path = optarg;
        }
    }
    crowd_limits(&server.options, most);
    server_open(&server, "", true);
    server.board.children = 0; /* so far */
    open_doors();
    pool = pool_open((unsigned)server.options.children);
    tellfd = crowd_open(pool);
    server_ready(&server);

    while (!signals_stop) { /* start whoever is missing; sleep until all are busy, or a signal */
        if ((number = pool_due(pool)) != 0) {
            start_child(number);
        }
        pool_turn(pool, &server);
        look_us = crowd_adapt(&server);
        pool_wait(pool, &server, tellfd, -1, look_us);
    }

    listen_remove();
    close(doors[PORT].fd);
    if (path) {
        close(doors[MEMORY].fd);
    }
    while (pool_ending(pool, &server, false, &status)) {
    }
    return server_close(&server, status);
}

/* Behind each door there is one listening socket for all children. */
static void
open_doors(void)
{
    struct options options = server.options;

    if (path && (!strchr(path, '/') || strchr(options.host, '/'))) {
        die_usage("-S '%.60s': a path containing '/' is allowed, and not one for -i too; for "
                  "example -S /tmp/memory",
                  path);
    }
    server.listenfd = doors[PORT].fd = listen_open(&options);
    listen_nonblocking(server.listenfd);
    if (path) {
        options.host = path;
        doors[MEMORY].fd = listen_open(&options);
        if (fcntl(doors[MEMORY].fd, F_SETFL, O_NONBLOCK) == -1) {
            die("O_NONBLOCK");
        }
    }
}

static void
start_child(unsigned number)
{
    pid_t pid;

    crowd_idle(number); /* its predecessor may have died busy */
    pid = fork();
    if (pid == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
}

/* --- a child --------------------------------------------------------------------------------- */

/* HUP and TERM end it between two clients; should one come just before poll(), the tick does. */
static _Noreturn void
child_main(unsigned number)
{
    struct worker worker = server_child(&server, number, &server.board.slots[number]);
    bool attaches;

    while (server_child_goes_on(&worker)) {
        int connfd = next_client(worker.slot, &attaches);

        if (connfd != -1) {
            crowd_busy(number);
            (attaches ? attach : conn_serve)(&worker, connfd);
            close(connfd);
            crowd_idle(number);
        } else if (listen_exhausted()) {
            listen_pause();
        }
    }
    _exit(EXIT_SUCCESS);
}

/* All idle children wait here, and one is the fastest: but there are few of them. If clients wait
 * at both doors, they take turns: else a crowd at one door would keep the other door's waiting. */
static int
next_client(struct slot *slot, bool *attaches)
{
    static int door = PORT;
    int connfd, other = door == PORT ? MEMORY : PORT;

    if (poll(doors, DOORS, -1) == -1) {
        errno = errno == EAGAIN ? ENOMEM : errno; /* of poll(), EAGAIN means that, not "nobody" */
        return -1;
    }
    door = doors[other].revents != 0 ? other : door;
    *attaches = door == MEMORY;
    connfd = listen_has_client(doors[door].fd) ? accept(doors[door].fd, NULL, NULL) : -1;
    if (connfd != -1 || errno == EAGAIN || errno == EWOULDBLOCK) {
        counter_add(&slot->wakeups, 1);
        counter_add(&slot->wasted, connfd == -1);
    }
    return connfd;
}
