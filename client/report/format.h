/*
 * text - how the report for people writes numbers, lines and bars.
 */
#ifndef CLIENT_REPORT_FORMAT_H
#define CLIENT_REPORT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum {
    FORMAT_COLUMNS = 100, /* no line is longer */
    FORMAT_GROUPED = 32,  /* room for a number with commas */
    FORMAT_SHOWN = 128,   /* room for bytes from outside, escaped */
    FORMAT_BAR = 40       /* columns of the longest bar, where there is room for it */
};

/* 1234567 as 1,234,567. */
const char *format_grouped(char text[FORMAT_GROUPED], uint64_t number);

/* Bytes that came from outside, in at most `most` columns: what is not printable ASCII becomes
 * \xNN. */
const char *format_escaped(char text[FORMAT_SHOWN], const char *from, size_t most);

/* "s" unless it is 1. */
const char *format_plural(uint64_t count);

/* Prints a duration in a column of 10. */
void format_column(double us);

/* Prints a line; one that is too long is broken at blanks. */
void format_paragraph(const char *text);

/* Prints the rest of a line: a bar that is to `columns` as `value` is to `most`. */
void format_bar(uint64_t value, uint64_t most, unsigned columns);

#endif
