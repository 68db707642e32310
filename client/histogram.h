/*
 * histogram - many durations in little memory, in the layout of HdrHistogram: below 2048 us a slot
 * per microsecond, above it slots that double their width with every doubling of the value. A slot
 * is never wider than 1/1024 of its value: three significant digits from 1 us to 60 s.
 */
#ifndef CLIENT_HISTOGRAM_H
#define CLIENT_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_HALF = 1024, /* half of the 2048 sub-buckets */
    HISTOGRAM_BLOCKS = 17, /* 2 below 2048 us, 15 doublings up to 67 s */
    HISTOGRAM_SLOTS = HISTOGRAM_HALF * HISTOGRAM_BLOCKS,
    HISTOGRAM_MOST_US = 60 * 1000 * 1000
};

/* All zero is an empty one. Invariant: the slots and `overflow` add up to `count`. */
struct histogram {
    uint64_t count;
    uint64_t overflow; /* above HISTOGRAM_MOST_US: in no slot, but in all else */
    uint64_t least_ns; /* exact; unused while count is 0 */
    uint64_t most_ns;  /* exact */
    uint64_t sum_ns;   /* exact */
    double squares_us; /* the sum of the squares, for the standard deviation */
    uint32_t touched;  /* bit i: a slot of block i is not zero */
    uint64_t slots[HISTOGRAM_SLOTS];
};

/* Counts one duration; its slot is that of the nearest microsecond, at least 1. */
void histogram_record(struct histogram *histogram, int64_t nanoseconds);

/* Adds `more`, reading only the blocks of it that were touched. */
void histogram_add(struct histogram *histogram, const struct histogram *more);

/* The value in microseconds at the nearest rank of `millionths` (500000: the median); exact at both
 * ends, elsewhere the middle of its slot. 0 if there are none, in all that follow too. */
double histogram_percentile(const struct histogram *histogram, uint32_t millionths);

double histogram_least(const struct histogram *histogram);
double histogram_most(const struct histogram *histogram);
double histogram_mean(const struct histogram *histogram);

/* Of all values as they were measured, not of the slots. */
double histogram_deviation(const struct histogram *histogram);

/* sqrt(3) without libm, so that nothing in the suite needs -lm. */
double histogram_root(double square);

#endif
