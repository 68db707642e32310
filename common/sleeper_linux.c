/* A futex waits by the monotonic clock, and its word is all that the kernel reads of the memory. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "sleeper_linux.h"

#include <stddef.h>
#include <stdbool.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "clock.h"
#include "die.h"

static bool
woke(struct sleeper *sleeper, unsigned what)
{
    return atomic_load_explicit(&sleeper->waits_for, memory_order_relaxed) == what &&
           atomic_compare_exchange_strong(&sleeper->waits_for, &what, 0);
}

#if defined SYS_futex && !defined SLEEPER_SEMAPHORE
enum {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1
}; /* as in linux/futex.h, which comes with the kernel alone */
_Static_assert(sizeof(atomic_uint) == 4, "a futex has 32 bits");

void
sleeper_make(struct sleeper *sleeper)
{
    (void)sleeper;
}

/* (The call's time has two longs, also where time_t has been made longer.) */
void
sleeper_sleep(struct sleeper *sleeper, unsigned what, int64_t us)
{
    const long most[2] = {(long)(us / 1000000), (long)(us % 1000000) * 1000};

    syscall(SYS_futex, &sleeper->waits_for, FUTEX_WAIT, what, most, NULL, 0);
}

void
sleeper_wake(struct sleeper *sleeper, unsigned what)
{
    if (woke(sleeper, what)) {
        syscall(SYS_futex, &sleeper->waits_for, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}
#else
void
sleeper_make(struct sleeper *sleeper)
{
    if (sem_init(&sleeper->semaphore, 1, 0) == -1) {
        die("a semaphore in shared memory");
    }
}

/* (If somebody sets this clock back, the wait lasts until the next signal: the caller's tick.) */
void
sleeper_sleep(struct sleeper *sleeper, unsigned what, int64_t us)
{
    struct timespec until = clock_timespec(clock_read_us(CLOCK_REALTIME) + us);

    if (atomic_load(&sleeper->waits_for) == what) {
        sem_timedwait(&sleeper->semaphore, &until);
    }
}

void
sleeper_wake(struct sleeper *sleeper, unsigned what)
{
    if (woke(sleeper, what)) {
        sem_post(&sleeper->semaphore);
    }
}
#endif
