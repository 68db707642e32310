/*
 * What only Linux has, or only its C libraries. The write(2) inside of stdio cannot be wrapped, for
 * it stands in the library: so standard output becomes a stream with a write of its own,
 * fopencookie(), which glibc and musl have.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hook.h"

ssize_t __real_write(int fd, const void *bytes, size_t length);

static const char where; /* the calls come from within the C library: one place for all */

/* Returns 0 on failure, as fopencookie(3) asks for. */
static ssize_t
write_stdout(void *nothing, const char *bytes, size_t length)
{
    int error = hook_fails(FAULT_CALL_stdout, &where);
    ssize_t count;

    (void)nothing;
    if (error != 0) {
        errno = error;
        return 0;
    }
    count = __real_write(STDOUT_FILENO, bytes, length);
    return count == -1 ? 0 : count;
}

void
hook_stdout(void)
{
    cookie_io_functions_t functions = {.write = write_stdout};
    FILE *stream = fopencookie(NULL, "w", functions);

    if (stream) {
        stdout = stream;
    }
}

WRAP(int, accept4, -1, (int fd, struct sockaddr *to, socklen_t *length, int flags),
     (fd, to, length, flags))
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, epoll_ctl, -1, (int fd, int what, int on, struct epoll_event *event),
     (fd, what, on, event))
WRAP(int, epoll_pwait, -1,
     (int fd, struct epoll_event *events, int most, int ms, const sigset_t *mask),
     (fd, events, most, ms, mask))
WRAP(int, epoll_wait, -1, (int fd, struct epoll_event *events, int most, int ms),
     (fd, events, most, ms))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))

/* server13's own: in the other programs there are none. */
#pragma weak __real_io_uring_enter
#pragma weak __real_io_uring_register
#pragma weak __real_io_uring_setup
struct io_uring_params;
WRAP(int, io_uring_enter, -1,
     (int fd, unsigned submit, unsigned least, unsigned flags, const void *argument, size_t size),
     (fd, submit, least, flags, argument, size))
WRAP(int, io_uring_register, -1, (int fd, unsigned what, const void *argument, unsigned count),
     (fd, what, argument, count))
WRAP(int, io_uring_setup, -1, (unsigned entries, struct io_uring_params *params), (entries, params))
