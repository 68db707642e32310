/* leave.c - lets children be asked for leaks, too (make sanitize).
 *
 * LeakSanitizer looks when a program leaves by exit(). The children of servers 01, 03 and 04 leave
 * by _exit(), as they should; so the linker puts this in its place (--wrap). One child in eight is
 * asked: each look takes some milliseconds, and what leaks with a connection does so in all. */

#include <sanitizer/lsan_interface.h>
#include <unistd.h>

enum { ASKED_EVERY = 8 };

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void
__wrap__exit(int status)
{
    if (getpid() % ASKED_EVERY == 0) {
        __lsan_do_leak_check();
    }
    __real__exit(status);
}
