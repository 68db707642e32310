/*
 * check - what must hold in a test in C: the first check that fails says so and ends the program.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define CHECK_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CHECK_PRINTF(text, first)
#endif

/* Ends the program with a message if the condition is false. */
#define CHECK(holds, ...) ((holds) ? (void)0 : check_failed(__FILE__, __LINE__, __VA_ARGS__))

/* The same if two whole numbers differ. */
#define CHECK_IS(is, wanted, what)                                                                 \
    check_is(__FILE__, __LINE__, (long long)(is), (long long)(wanted), what)

static const char *check_subject = ""; /* what is being checked: stands in front of the message */

static inline _Noreturn void check_failed(const char *file, int line, const char *format, ...)
    CHECK_PRINTF(3, 4);

static inline _Noreturn void
check_failed(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: ", file, line, check_subject);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

static inline void
check_is(const char *file, int line, long long is, long long wanted, const char *what)
{
    if (is != wanted) {
        check_failed(file, line, "%s: %lld instead of %lld", what, is, wanted);
    }
}

#endif
