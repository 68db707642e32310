/*
 * sleeper - a process sleeps until another one, with which it shares this memory, wakes it. Both
 * can write here, and neither needs to trust the other: the worst is a sleep that ends too soon or
 * too late. (Without futexes a POSIX semaphore does it. glibc's can be scribbled upon so that a
 * wait ends its process, by SIGABRT.)
 */
#ifndef COMMON_SLEEPER_LINUX_H
#define COMMON_SLEEPER_LINUX_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

/* Who is about to sleep stores what it waits for, then a fence, then looks once more whether that
 * has come. Who has made it come: a fence, then looks in here, and wakes it. */
struct sleeper {
    _Alignas(64) atomic_uint waits_for; /* 0: it is awake */
    sem_t semaphore;
};

/* In zeroed shared memory, once. Dies on failure. */
void sleeper_make(struct sleeper *sleeper);

/* Sleeps while it waits for `what`: until it is woken, a signal comes (EINTR) or `us` microseconds
 * have passed. It may also return at once. */
void sleeper_sleep(struct sleeper *sleeper, unsigned what, int64_t us);

/* If the other process waits for `what`, wakes it. */
void sleeper_wake(struct sleeper *sleeper, unsigned what);

#endif
