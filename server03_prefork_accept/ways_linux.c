/*
 * The ways that only Linux has. epoll keeps the wait set in the kernel; each child has an instance
 * of its own, and all of them wake, as with poll. EPOLLEXCLUSIVE (Linux 4.5) asks for one instead.
 * SO_REUSEPORT (Linux 3.9) gives each child a listening socket of its own on the same port: the
 * kernel deals connections out by a hash of their addresses, and nobody shares a queue.
 */
#define _DEFAULT_SOURCE /* SO_REUSEPORT is not in POSIX */

#include "ways.h"

#ifdef __linux__

#include <stdint.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/die.h"
#include "../common/listen.h"

static int *listeners; /* reuseport: listeners[1..nlisteners], one per child */
static unsigned nlisteners;

/* --- epoll, epoll-exclusive ------------------------------------------------------------------ */

static int
take_by_epoll(int listenfd, uint32_t events, struct slot *slot)
{
    static int epollfd = -1; /* this child's instance */
    struct epoll_event event = {.events = events};

    if (epollfd == -1 && ((epollfd = epoll_create1(0)) == -1 ||
                          epoll_ctl(epollfd, EPOLL_CTL_ADD, listenfd, &event) == -1)) {
        die("epoll");
    }
    if (epoll_wait(epollfd, &event, 1, -1) == -1) {
        return -1;
    }
    return ways_accept_awake(listenfd, slot);
}

static int
take_epoll(int listenfd, struct slot *slot)
{
    return take_by_epoll(listenfd, EPOLLIN, slot);
}

static int
take_epoll_exclusive(int listenfd, struct slot *slot)
{
    return take_by_epoll(listenfd, EPOLLIN | EPOLLEXCLUSIVE, slot);
}

/* --- reuseport ------------------------------------------------------------------------------- */

static int
open_reuseport(const struct address *address, int backlog)
{
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        bind(fd, &address->any, address->length) == -1 || listen(fd, backlog) == -1) {
        die("reuseport");
    }
    return fd;
}

/* The parent keeps all listeners open: when a child dies, those who wait in its queue are served by
 * its successor, which inherits it. */
static void
prepare_reuseport(const struct server *server)
{
    struct address bound = {.length = sizeof bound.storage};
    int on = 1;

    if (getsockname(server->listenfd, &bound.any, &bound.length) == -1) {
        die("getsockname");
    }
    if (bound.any.sa_family == AF_UNIX || listen_was_inherited) {
        diex("-a reuseport: only for a TCP socket of its own");
    }
    nlisteners = (unsigned)server->options.children;
    listeners = calloc(nlisteners + 1, sizeof *listeners);
    if (!listeners ||
        setsockopt(server->listenfd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1) {
        die("%u listeners", nlisteners);
    }
    for (unsigned i = 1; i <= nlisteners; i++) {
        listeners[i] = open_reuseport(&bound, server->options.backlog);
    }
    /* The first one takes the place of the socket that has held the port until now. */
    if (dup2(listeners[1], server->listenfd) == -1) {
        die("dup2");
    }
}

static int
begin_reuseport(int listenfd, unsigned child)
{
    close(listenfd); /* the first child's, under its other number */
    for (unsigned i = 1; i <= nlisteners; i++) {
        if (i != child) {
            close(listeners[i]); /* the other children's */
        }
    }
    return listeners[child];
}

#endif

const struct way ways_linux[] = {
#ifdef __linux__
    {.name = "epoll", .waits = true, .take = take_epoll},
    {.name = "epoll-exclusive", .waits = true, .take = take_epoll_exclusive},
    {"reuseport", false, prepare_reuseport, begin_reuseport, ways_accept_blocking},
#endif
    {.name = NULL},
};
