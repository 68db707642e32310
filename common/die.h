/*
 * die - messages on stderr: one write(2) each, with the program's name in front. If nobody makes
 * room there within a second, a message is lost.
 * All keep errno as it was. `die*` end the program: status 1, or 2 for wrong usage.
 */
#ifndef COMMON_DIE_H
#define COMMON_DIE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define DIE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define DIE_PRINTF(text, first)
#endif

/* To be called first. Takes the program's name from argv[0]; the last part of the path is what
 * messages show. Of descriptors 0, 1 and 2 those that are closed become /dev/null, for reading:
 * else a connection could become one, and its client get what is printed. Writing there still
 * fails. */
void die_begin(const char *argv0);
const char *die_program(void);

/* The rule for text from outside (a path, a name, an argument), wherever it is printed: a terminal
 * may read it, a program line by line or as JSON. So what is neither printable ASCII nor a tab,
 * and '"' and '\', become '?'. */
void die_printable(char *text);

/* The message, and what `error` means behind it (0: nothing). */
void warn_error(int error, const char *format, ...) DIE_PRINTF(2, 3);
#define die_error(error, ...) (warn_error(error, __VA_ARGS__), die_end(EXIT_FAILURE))

/* With errno, and without. */
#define die(...) die_error(errno, __VA_ARGS__)
#define diex(...) die_error(0, __VA_ARGS__)
#define warn(...) warn_error(errno, __VA_ARGS__)
#define warnx(...) warn_error(0, __VA_ARGS__)

/* Like warn(), but not within a minute of the last time at this `quiet_until` (a clock_us(), 0 at
 * first; children may share it): for troubles that come in floods. */
#define warn_seldom(quiet_until, ...) (warn_is_due(quiet_until) ? warn(__VA_ARGS__) : (void)0)
bool warn_is_due(atomic_llong *quiet_until);

/* Wrong usage: the message, then a hint at -h; status 2. */
#define die_usage(...) (warn_error(0, __VA_ARGS__), die_end(DIE_USAGE))

enum { DIE_USAGE = 2 };
_Noreturn void die_end(int status);

#endif
