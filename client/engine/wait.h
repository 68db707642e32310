/*
 * wait - the clock, and poll(2) to the microsecond.
 */
#ifndef CLIENT_ENGINE_WAIT_H
#define CLIENT_ENGINE_WAIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline int64_t
clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t
clock_earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Waits as poll() does, but until `until_ns` by clock_ns(); INT64_MAX: without end.
 *
 * poll() counts in milliseconds: a client of 10,000 connections per second would be ten connections
 * late in each. So this calls pselect(), as long as the descriptors fit into its sets, and poll(),
 * up to a millisecond late, where they do not; and clock_nanosleep() where there are none.
 */
int wait_until(struct pollfd *polls, size_t count, int64_t until_ns);

#endif
