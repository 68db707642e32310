/*
 * format - how the report for people writes numbers, durations, lines and bars.
 *
 * The functions that return a text return it in a struct: printf("%s", format_grouped(7).text).
 */
#ifndef CLIENT_REPORT_FORMAT_H
#define CLIENT_REPORT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "../../common/die.h"

enum {
    FORMAT_COLUMNS = 100, /* no line is longer */
    FORMAT_NUMBER = 32,   /* room for a number, with commas or a unit */
    FORMAT_ESCAPED = 128, /* room for bytes from outside, escaped */
    FORMAT_BAR = 40       /* columns of the longest bar, where there is room for it */
};

struct number_text {
    char text[FORMAT_NUMBER];
};

struct escaped_text {
    char text[FORMAT_ESCAPED];
};

/* A duration as people write it: three digits or four, in the unit that fits. */
struct duration {
    double number;
    int decimals;
    const char *unit; /* us, ms or s: 10^power us */
    int power;
};

struct duration format_split(double us);

/* "1.23 ms". */
struct number_text format_duration(double us);

/* 1234567 as 1,234,567. */
struct number_text format_grouped(uint64_t number);

/* Bytes that came from outside, in at most `most` columns: bytes that are not printable ASCII
 * become \xNN. */
struct escaped_text format_escaped(const char *from, size_t most);

/* So many per second, with three digits at least: 0.33, 12.5, 1,234. */
struct number_text format_rate(double rate);

/* The same of so many bytes, of any kind. */
struct escaped_text format_bytes(const char *from, size_t length, size_t most);

/* The bytes of the UTF-8 character beyond ASCII that `text` begins with; 0 if it begins with none,
 * or with one that commands a terminal. In JSON and CSV these stay as they are. */
size_t format_utf8(const char *text);

/* "s" unless it is 1. */
const char *format_plural(uint64_t count);

/* Prints a duration in a column of 10. */
void format_column(double us);

/* The same where there is none: a dash. */
void format_absent(void);

/* How long a line of prose may be: 79, or what COLUMNS in the environment says. */
size_t format_prose(void);

/* Prints a line of prose; a longer one is broken at blanks, within no term. */
void format_paragraph(const char *format, ...) DIE_PRINTF(1, 2);

/* Prints the rest of a line: a bar that is to `columns` as `value` is to `most`. */
void format_bar(uint64_t value, uint64_t most, unsigned columns);

#endif
