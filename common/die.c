#include "die.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

enum { SELDOM_US = 60 * 1000 * 1000, PATIENCE_MS = 1000 };

static char program[65] = "?";

void
die_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text < ' ' && *text != '\t') || *text > '~' || *text == '"' || *text == '\\') {
            *text = '?';
        }
    }
}

void
die_begin(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    snprintf(program, sizeof program, "%s", slash ? slash + 1 : argv0);
    die_printable(program);
    for (char *tab; (tab = strchr(program, '\t')) != NULL; *tab = '?') { /* JSON has it escaped */
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDONLY) != fd) {
            die("/dev/null in place of descriptor %d", fd);
        }
    }
}

const char *
die_program(void)
{
    return program;
}

/* One write, so that the messages of several processes never mix within a line. One that is too
 * long for it, with a path or an argument of a user in it, is cut, but not the reason behind it. */
void
warn_error(int error, const char *format, ...)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    int saved = errno;
    char text[1024], reason[128] = "";
    size_t room, used, length;
    va_list arguments;

    if (error != 0) {
        snprintf(reason, sizeof reason, ": %s", strerror(error));
    }
    room = sizeof text - 1 - strlen(reason); /* the line feed always fits */
    used = (size_t)snprintf(text, room, "%s: ", program);
    va_start(arguments, format);
    length = used + (size_t)vsnprintf(text + used, room - used, format, arguments);
    va_end(arguments);
    if (length >= room) {
        length = room - sizeof "...";
        length += (size_t)snprintf(text + length, sizeof "...", "...");
    }
    snprintf(text + length, sizeof text - length, "%s", reason);
    die_printable(text);
    used = strlen(text);
    text[used++] = '\n';
    if (poll(&out, 1, PATIENCE_MS) == 1 && write(STDERR_FILENO, text, used) == -1) {
        /* Nowhere is left to complain. (Nor if nobody reads: that must not hold a server.) */
    }
    errno = saved;
}

bool
warn_is_due(atomic_llong *quiet_until)
{
    long long now = clock_us();
    long long quiet = atomic_load(quiet_until);

    /* Of several processes, the one that moves the time says it. */
    return now >= quiet && atomic_compare_exchange_strong(quiet_until, &quiet, now + SELDOM_US);
}

void
die_end(int status)
{
    if (status == DIE_USAGE) {
        warnx("try '%s -h'", program);
    }
    exit(status);
}
