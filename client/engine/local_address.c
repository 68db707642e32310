#include "local_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../figures/totals.h"
#include "wait.h"

enum { PER_ADDRESS = 6000, ADDRESSES = 250 };

static struct address target;
static int family;
static bool spreads;
static uint32_t network; /* 127.A.B.0, host byte order */
static uint64_t skipped; /* addresses that turned out to have no ports left */

/* A datagram needs a local address as a connection does, but none of its ports. */
static void
find_address(void)
{
    int probe = family == AF_UNIX ? -1 : socket(family, SOCK_DGRAM, 0);

    if (probe != -1 && connect(probe, &target.any, target.length) == -1 && errno == EADDRNOTAVAIL) {
        warn("no address of this machine leads to the server");
        exit(STATUS_UNREACHABLE);
    }
    if (probe != -1) {
        close(probe);
    }
}

void
local_address_open(const struct load *load)
{
    uint32_t run = (uint32_t)getpid() + (uint32_t)(clock_ns() / 1000);

    target = load->target;
    family = target.storage.ss_family;
    spreads = family == AF_INET && ntohl(target.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    find_address();
    network = (uint32_t)IN_LOOPBACKNET << 24 | (1 + run % 250) << 16 | (run / 250 % 256) << 8;
}

bool
local_address_spreads(void)
{
    return spreads;
}

static bool
bind_nth(int fd, uint64_t nth)
{
    struct sockaddr_in source = {.sin_family = AF_INET};

    for (int attempt = 0; spreads && attempt < ADDRESSES; attempt++) {
        /* All addresses are good for 1.5 million; by then the first ones are free again. */
        uint64_t address = nth / PER_ADDRESS + skipped;

        source.sin_addr.s_addr = htonl(network | (uint32_t)(1 + address % ADDRESSES));
        if (bind(fd, (const struct sockaddr *)&source, sizeof source) == 0) {
            return true;
        }
        if (errno == EADDRINUSE) {
            skipped++; /* the next address may have some */
        } else if (errno == EADDRNOTAVAIL) {
            spreads = false; /* not every system answers to all of 127.0.0.0/8 */
        } else {
            return false;
        }
    }
    return !spreads;
}

int
local_address_socket(uint64_t nth, bool nonblocking)
{
    int fd = socket(family, SOCK_STREAM, 0);
    int error;

    if (fd == -1 || ((!nonblocking || fcntl(fd, F_SETFL, O_NONBLOCK) == 0) && bind_nth(fd, nth))) {
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool
local_address_is_target(int fd)
{
    static const struct linger reset = {.l_onoff = 1};
    struct address own = {.length = sizeof own.storage};

    /* Addresses of 127.0.0.0/8 that we have bound are none of a server. */
    if (spreads || family == AF_UNIX || getsockname(fd, &own.any, &own.length) == -1 ||
        own.length != target.length || memcmp(&own.storage, &target.storage, own.length) != 0) {
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset); /* no TIME_WAIT */
    return true;
}
