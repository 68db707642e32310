/*
 * hgrm - a histogram as a file in HdrHistogram's percentile format, which its plotter and others
 * read.
 */
#ifndef CLIENT_REPORT_HDR_H
#define CLIENT_REPORT_HDR_H

#include <stdbool.h>

#include "../figures/histogram.h"

/* Writes the whole of it, in milliseconds. False with errno if the file cannot be opened, written
 * or closed; then part of it may be there. */
bool report_hdr(const char *path, const struct histogram *histogram);

#endif
