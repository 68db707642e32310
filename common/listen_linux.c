/* What of listen.h only Linux has (3.9 and later): several sockets that listen on one port. */
#define _DEFAULT_SOURCE /* SO_REUSEPORT is not in POSIX */

#include "listen.h"

#ifdef __linux__

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "die.h"
#include "signals.h"

static int
open_another(const struct address *address, int backlog)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0), on = 1;

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        bind(fd, &address->any, address->length) == -1 || listen(fd, backlog) == -1) {
        die("reuseport");
    }
    signals_shuts(fd);
    return fd;
}

int *
listen_reuseport(int listenfd, unsigned count, int backlog)
{
    struct address bound = {.length = sizeof bound.storage};
    int *listeners, on = 1;

    if (getsockname(listenfd, &bound.any, &bound.length) == -1) {
        die("getsockname");
    }
    if (bound.any.sa_family == AF_UNIX || listen_was_inherited) {
        diex("-a reuseport needs a TCP socket that this server opens itself (not a Unix or "
             "inherited one)");
    }
    descriptors_allow(count, 0);
    listeners = calloc(count + 2, sizeof *listeners);
    if (!listeners) {
        die("%u listeners", count);
    }
    if (setsockopt(listenfd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1) {
        die("reuseport");
    }
    listeners[1] = listenfd;
    for (unsigned i = 2; i <= count; i++) {
        listeners[i] = open_another(&bound, backlog);
    }
    return listeners;
}

void
listen_keep(const int *listeners, int listenfd)
{
    for (const int *each = listeners + 1; *each != 0; each++) {
        if (*each != listenfd) {
            close(*each);
        }
    }
}

#endif
