#include "source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    UNBOUND = 12000,   /* the first connections, from wherever the kernel chooses */
    PER_ADDRESS = 6000 /* the next ones */
};

static bool spreads;
static uint32_t network; /* 127.A.B.0, host byte order */

void
source_open(const struct load *load)
{
    const struct sockaddr_in *target = (const struct sockaddr_in *)&load->target.storage;
    uint32_t run = (uint32_t)getpid();

    spreads = load->target.storage.ss_family == AF_INET &&
              ntohl(target->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    network = (uint32_t)IN_LOOPBACKNET << 24 | (1 + run % 250) << 16 | (run / 250 % 256) << 8;
}

bool
source_spreads(void)
{
    return spreads;
}

bool
source_bind(int fd, uint64_t nth)
{
    struct sockaddr_in source = {.sin_family = AF_INET};

    if (!spreads || nth < UNBOUND) {
        return true;
    }
    /* 250 addresses are good for 1.5 million; by then the first ones are free again. */
    source.sin_addr.s_addr = htonl(network | (uint32_t)(1 + (nth - UNBOUND) / PER_ADDRESS % 250));
    if (bind(fd, (const struct sockaddr *)&source, sizeof source) == 0) {
        return true;
    }
    if (errno == EADDRNOTAVAIL) {
        spreads = false; /* not everybody answers to all of 127.0.0.0/8 */
        return true;
    }
    return false;
}
