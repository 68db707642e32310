/*
 * report - prints the totals of a run, in four formats.
 */
#ifndef CLIENT_REPORT_REPORT_H
#define CLIENT_REPORT_REPORT_H

#include <stdio.h>

#include "../figures/totals.h"

/* For people, at most 100 columns wide; with -q only what went wrong. */
void report_text(const struct load *load, const struct totals *totals, const struct tally *tallies);

/* For programs: one object on one line. */
void report_json(const struct load *load, const struct totals *totals, const struct tally *tallies);

/* For tables: a line with the names of the columns, and one with their values. */
void report_csv(const struct load *load, const struct totals *totals);

/* In HdrHistogram's percentile format, which its plotter and others read: writes the histogram to
 * `file`, in milliseconds, and closes it. False with errno if that fails; then part of it may be
 * there. */
bool report_hdr(FILE *file, const struct histogram *histogram);

#endif
