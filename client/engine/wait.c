#include "wait.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/select.h>

enum { NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

/* The sets of pselect(). */
struct sets {
    fd_set readable, writable;
    int width; /* the highest descriptor and one; 0: there is none */
};

/* False if a descriptor is too large for them. */
static bool
fill(struct sets *sets, const struct pollfd *polls, size_t count)
{
    FD_ZERO(&sets->readable);
    FD_ZERO(&sets->writable);
    sets->width = 0;
    for (size_t i = 0; i < count; i++) {
        int fd = polls[i].fd;

        if (fd >= FD_SETSIZE) {
            return false;
        }
        if (fd < 0) {
            continue;
        }
        if (polls[i].events & POLLIN) {
            FD_SET((unsigned)fd, &sets->readable); /* unsigned: for musl and -Wconversion */
        }
        if (polls[i].events & POLLOUT) {
            FD_SET((unsigned)fd, &sets->writable);
        }
        sets->width = fd >= sets->width ? fd + 1 : sets->width;
    }
    return true;
}

/* Writes the result as poll() would have. */
static int
read_out(const struct sets *sets, struct pollfd *polls, size_t count)
{
    int ready = 0;

    for (size_t i = 0; i < count; i++) {
        polls[i].revents = 0;
        if (polls[i].fd >= 0) {
            if (FD_ISSET((unsigned)polls[i].fd, &sets->readable)) {
                polls[i].revents |= POLLIN;
            }
            if (FD_ISSET((unsigned)polls[i].fd, &sets->writable)) {
                polls[i].revents |= POLLOUT;
            }
            ready += polls[i].revents != 0;
        }
    }
    return ready;
}

static struct timespec
timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static int
select_for(struct sets *sets, struct pollfd *polls, size_t count, int64_t left_ns)
{
    struct timespec left = timespec_of(left_ns);
    int ready = pselect(sets->width, &sets->readable, &sets->writable, NULL, &left, NULL);

    return ready > 0 ? read_out(sets, polls, count) : ready;
}

static int
sleep_until(int64_t until_ns)
{
    struct timespec until = timespec_of(until_ns);
    int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);

    errno = error;
    return error == 0 ? 0 : -1;
}

int
wait_until(struct pollfd *polls, size_t count, int64_t until_ns)
{
    struct sets sets;
    int64_t left_ns;

    if (until_ns == INT64_MAX) {
        return poll(polls, (nfds_t)count, -1);
    }
    left_ns = until_ns - clock_ns();
    if (left_ns <= 0) {
        return poll(polls, (nfds_t)count, 0);
    }
    if (!fill(&sets, polls, count)) {
        return poll(polls, (nfds_t)count, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
    }
    return sets.width > 0 ? select_for(&sets, polls, count, left_ns) : sleep_until(until_ns);
}
