#define _GNU_SOURCE /* syscall() */

#include "calls_linux.h"

#include <sys/syscall.h>
#include <unistd.h>

int
io_uring_setup(unsigned entries, struct io_uring_params *params)
{
    return (int)syscall(__NR_io_uring_setup, entries, params);
}

int
io_uring_enter(int fd, unsigned submit, unsigned least, unsigned flags, const void *argument,
               size_t size)
{
    return (int)syscall(__NR_io_uring_enter, fd, submit, least, flags, argument, size);
}

int
io_uring_register(int fd, unsigned what, const void *argument, unsigned count)
{
    return (int)syscall(__NR_io_uring_register, fd, what, argument, count);
}
