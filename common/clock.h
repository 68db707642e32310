/* clock - monotonic time and durations, in microseconds. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static inline int64_t
clock_read_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t
clock_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

static inline struct timespec
clock_timespec(int64_t us)
{
    return (struct timespec){.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};
}

static inline unsigned long long
clock_timeval_us(struct timeval time)
{
    return (unsigned long long)time.tv_sec * 1000000 + (unsigned long long)time.tv_usec;
}

#endif
