/*
 * Who has the descriptor of a memory object may truncate it, and a process that touches what is
 * gone gets SIGBUS: a hostile client would end its child. Linux has objects whose size is sealed.
 * Elsewhere the child dies, alone, and is replaced.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "sealed_linux.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/scoreboard.h"

#ifdef F_ADD_SEALS
int
sealed_object(size_t size)
{
    int fd = memfd_create("server12", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd != -1 && (ftruncate(fd, (off_t)size) == -1 ||
                     fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
#else
int
sealed_object(size_t size)
{
    return scoreboard_object(size);
}
#endif
