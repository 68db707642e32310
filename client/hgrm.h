/*
 * hgrm - a histogram as a file in HdrHistogram's percentile format, which its plotter and others
 * read.
 */
#ifndef CLIENT_HGRM_H
#define CLIENT_HGRM_H

#include <stdbool.h>

#include "histogram.h"

/* Writes the whole of it, in milliseconds. False with errno if the file cannot be opened, written
 * or closed; then part of it may be there. */
bool hgrm_write(const char *path, const struct histogram *histogram);

#endif
