/*
 * The ways that only Linux has. epoll keeps the wait set in the kernel; each child has an instance
 * of its own, and all of them wake, as with poll. EPOLLEXCLUSIVE (Linux 4.5) asks for one instead.
 * SO_REUSEPORT (Linux 3.9) gives each child a listening socket of its own, on the same port.
 */
#include "ways.h"

#ifdef __linux__

#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../common/listen.h"

static int *listeners; /* reuseport: listeners[1..-n], one per child, and 0 */

/* --- epoll, epoll-exclusive ------------------------------------------------------------------ */

static int epollfd = -1; /* the instance of this child; in the parent, of the last one */

/* Here, not in the child: if descriptors have run out the others must not be replaced by children
 * that cannot wait. */
static bool
open_epoll(int listenfd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    if (epollfd != -1) {
        close(epollfd);
    }
    epollfd = epoll_create1(0);
    return epollfd != -1 && epoll_ctl(epollfd, EPOLL_CTL_ADD, listenfd, &event) != -1;
}

static bool
open_for_all(int listenfd)
{
    return open_epoll(listenfd, EPOLLIN);
}

static bool
open_exclusively(int listenfd)
{
    return open_epoll(listenfd, EPOLLIN | EPOLLEXCLUSIVE);
}

static bool
wait_by_epoll(int listenfd)
{
    struct epoll_event event;

    (void)listenfd;
    return epoll_wait(epollfd, &event, 1, -1) != -1;
}

/* --- reuseport ------------------------------------------------------------------------------- */

static void
prepare_reuseport(const struct server *server)
{
    listeners = listen_reuseport(server->listenfd, (unsigned)server->options.children,
                                 server->options.backlog);
}

static int
begin_reuseport(int listenfd, unsigned child)
{
    (void)listenfd;
    listen_keep(listeners, listeners[child]); /* not the other children's */
    return listeners[child];
}

#endif

const struct way ways_linux[] = {
#ifdef __linux__
    {.name = "epoll", .open = open_for_all, .wait = wait_by_epoll},
    {.name = "epoll-exclusive", .open = open_exclusively, .wait = wait_by_epoll},
    {.name = "reuseport", .prepare = prepare_reuseport, .begin = begin_reuseport},
#endif
    {.name = NULL},
};
