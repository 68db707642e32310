/*
 * text - how the report for people writes numbers, lines and bars.
 */
#ifndef CLIENT_REPORT_FORMAT_H
#define CLIENT_REPORT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum {
    TEXT_COLUMNS = 100, /* no line is longer */
    TEXT_GROUPED = 32,  /* room for a number with commas */
    TEXT_SHOWN = 128,   /* room for bytes from outside, escaped */
    TEXT_BAR = 40       /* columns of the longest bar, where there is room for it */
};

/* 1234567 as 1,234,567. */
const char *text_grouped(char text[TEXT_GROUPED], uint64_t number);

/* Bytes that came from outside, in at most `most` columns: what is not printable ASCII becomes
 * \xNN. */
const char *text_escaped(char text[TEXT_SHOWN], const char *from, size_t most);

/* "s" unless it is 1. */
const char *text_plural(uint64_t count);

/* Prints a duration in a column of 10. */
void text_duration(double us);

/* Prints a line; one that is too long is broken at blanks. */
void text_wrapped(const char *text);

/* Prints the rest of a line: a bar that is to `columns` as `value` is to `most`. */
void text_bar(uint64_t value, uint64_t most, unsigned columns);

#endif
