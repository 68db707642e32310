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

static int epollfd = -1; /* this child's instance */
static int *listeners;   /* reuseport: listeners[1..nlisteners], one per child */
static unsigned nlisteners;

/* --- epoll, epoll-exclusive ------------------------------------------------------------------ */

static int
begin_epoll(int listenfd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    epollfd = epoll_create1(0);
    if (epollfd == -1 || epoll_ctl(epollfd, EPOLL_CTL_ADD, listenfd, &event) == -1) {
        die("epoll");
    }
    return listenfd;
}

static int
begin_epoll_all(int listenfd, unsigned child)
{
    (void)child;
    return begin_epoll(listenfd, EPOLLIN);
}

static int
begin_epoll_exclusive(int listenfd, unsigned child)
{
    (void)child;
    return begin_epoll(listenfd, EPOLLIN | EPOLLEXCLUSIVE);
}

static int
take_epoll(int listenfd, struct slot *slot)
{
    struct epoll_event event;

    if (epoll_wait(epollfd, &event, 1, -1) == -1) {
        return -1;
    }
    return ways_accept_awake(listenfd, slot);
}

/* --- reuseport ------------------------------------------------------------------------------- */

static int
open_reuseport(const struct address *address, int backlog)
{
    int on = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM, 0);

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
        (address->storage.ss_family != AF_UNIX &&
         setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1) ||
        bind(fd, address_sockaddr(address), address->length) == -1 || listen(fd, backlog) == -1) {
        die("reuseport");
    }
    return fd;
}

/* The parent keeps all listeners open: when a child dies, those who wait in its queue are served by
 * its successor, which inherits it. */
static void
prepare_reuseport(int listenfd, const struct options *options)
{
    struct address bound = {.length = sizeof bound.storage};
    int on = 1;

    if (getsockname(listenfd, (struct sockaddr *)&bound.storage, &bound.length) == -1) {
        die("getsockname");
    }
    if (bound.storage.ss_family == AF_UNIX || listen_was_inherited) {
        if (!listen_was_inherited) {
            unlink(options->host);
        }
        diex("-a reuseport: only for a TCP socket of its own");
    }
    nlisteners = (unsigned)options->children;
    listeners = calloc(nlisteners + 1, sizeof *listeners);
    if (!listeners || setsockopt(listenfd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1) {
        die("%u listeners", nlisteners);
    }
    for (unsigned i = 1; i <= nlisteners; i++) {
        listeners[i] = open_reuseport(&bound, options->backlog);
    }
    /* The first one takes the place of the socket that has held the port until now. */
    if (dup2(listeners[1], listenfd) == -1) {
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

const struct way ways_linux[] = {
    {"epoll", ways_nonblocking, begin_epoll_all, take_epoll},
    {"epoll-exclusive", ways_nonblocking, begin_epoll_exclusive, take_epoll},
    {"reuseport", prepare_reuseport, begin_reuseport, ways_accept_blocking},
    {.name = NULL},
};

#endif
