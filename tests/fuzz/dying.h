/*
 * dying - common/die for targets whose code may end the program: the message is kept, and the
 * target goes on behind the call. No file of the suite that a target includes may hold memory or
 * descriptors at such a moment, or the sanitizer tells of a leak.
 */
#ifndef FUZZ_DYING_H
#define FUZZ_DYING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/die.h"
#include "fuzz.h"

enum { DYING_TEXT = 1024, DYING_FAILED = 1, DYING_USAGE = 2, DYING_SAID = 3 };

static jmp_buf dying_back;
static char dying_text[DYING_TEXT];

/* `if (dying_tries() == 0) { what may die } else { it has died }`; the value tells how. */
#define dying_tries() setjmp(dying_back)

/* What is wrong stands behind what the user has written, and common/die cuts a line that is too
 * long: so only of a message with errno, of which it keeps that, may the text be of any length. */
void
warn_error(int error, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(dying_text, sizeof dying_text, format, arguments);
    va_end(arguments);
    CHECK(length > 0 && (error != 0 || length < DYING_TEXT - 70),
          "a message of %d bytes does not fit", length);
}

void
die_end(int status)
{
    longjmp(dying_back, status == DIE_USAGE ? DYING_USAGE : DYING_FAILED);
}

bool
warn_is_due(atomic_llong *quiet_until)
{
    (void)quiet_until;
    return false;
}

void
die_printable(char *text)
{
    (void)text;
}

const char *
die_program(void)
{
    return "fuzz";
}

void
die_begin(const char *argv0)
{
    (void)argv0;
}

/* In place of exit() and printf() where a program prints its help and leaves. */
static inline _Noreturn void
dying_politely(int status)
{
    CHECK(status == 0, "-h or -V end with %d", status);
    longjmp(dying_back, DYING_SAID);
}

static inline int dying_no_text(const char *format, ...) CHECK_PRINTF(1, 2);

static inline int
dying_no_text(const char *format, ...)
{
    return (int)strlen(format);
}

/* What was tried has died of its command line: the message names an option. */
static inline void
dying_check_usage(int how)
{
    CHECK(how == DYING_SAID || *dying_text == '-' || *dying_text == '\'' ||
              strstr(dying_text, "nothing is allowed after the options"),
          "it does not name an option: %s", dying_text);
}

/* The lines of a text become the arguments of a program. Returns argc. */
enum { ARGUMENTS_MOST = 48 };

static inline int
dying_arguments(char *text, char *argv[ARGUMENTS_MOST + 2])
{
    static char program[] = "program";
    int argc = 0;

    argv[argc++] = program;
    for (char *line = strtok(text, "\n"); line && argc <= ARGUMENTS_MOST;
         line = strtok(NULL, "\n")) {
        argv[argc++] = line;
    }
    argv[argc] = NULL;
    return argc;
}

#endif
