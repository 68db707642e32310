/* leave.c - lets children be asked for leaks, too (make sanitize).
 *
 * LeakSanitizer looks when a program leaves by exit(). The children of servers 01, 03 and 04 leave
 * by _exit(), as they should; so the linker puts this in its place (--wrap). Each look takes some
 * milliseconds: of children that live for one connection, one in eight is asked. What leaks with a
 * connection does so in all. */

#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

enum { ASKED_EVERY = 8, SHORT_MS = 100 };

static struct timespec born;

static void
note_birth(void)
{
    clock_gettime(CLOCK_MONOTONIC, &born);
}

__attribute__((constructor)) static void
note_births(void)
{
    pthread_atfork(NULL, NULL, note_birth);
}

static bool
is_short_lived(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - born.tv_sec) * 1000 + (now.tv_nsec - born.tv_nsec) / 1000000 < SHORT_MS;
}

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void
__wrap__exit(int status)
{
    if (!is_short_lived() || getpid() % ASKED_EVERY == 0) {
        __lsan_do_leak_check();
    }
    __real__exit(status);
}
