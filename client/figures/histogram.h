/*
 * histogram - many durations in little memory, in the layout of HdrHistogram: below 2048 us a slot
 * per microsecond, above it slots that double their width with every doubling of the value. There a
 * slot is never wider than 1/1024 of its values: three significant digits from 1 us to 60 s.
 */
#ifndef CLIENT_FIGURES_HISTOGRAM_H
#define CLIENT_FIGURES_HISTOGRAM_H

#include <stddef.h>
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
    uint32_t touched;  /* bit i is 0: all slots of block i are */
    uint64_t slots[HISTOGRAM_SLOTS];
};

/* The lowest value of a slot in microseconds, and how many microseconds it is wide. */
uint64_t histogram_lowest(size_t slot, uint64_t *width);

/* Counts one duration; its slot is that of the nearest microsecond, at least 1. */
void histogram_record(struct histogram *histogram, int64_t nanoseconds);

/* Empties it, writing only to the blocks of it that were touched. */
void histogram_clear(struct histogram *histogram);

/* Adds `more`, reading only the blocks of it that were touched. Another process may be recording
 * into it: the invariant is kept, with each slot as it was read; only the sums may be a few values
 * ahead of the slots or behind. */
void histogram_add(struct histogram *histogram, const volatile struct histogram *more);

/* Sets `difference`, which is empty or from an earlier call, to the values that were recorded into
 * `now` after `before` was made by adding `now` to an empty histogram. For a row of differences add
 * `now` to a copy first, the `before` of the next, so that no value falls between two.
 *
 * Its ends are not exact: they are the middles of its outermost slots; if values overflowed, the
 * maximum is that of `now`, perhaps of an earlier time. Its deviation means little if it is far
 * smaller than that of the values before. */
void histogram_since(struct histogram *difference, const volatile struct histogram *now,
                     const struct histogram *before);

/* The value in microseconds at the nearest rank of `millionths` (500000: the median). It is exact
 * at the lowest and the highest rank (0 and 1000000), elsewhere the middle of its slot: with u for
 * the value in whole microseconds, rounded, it is wrong by u/2048 at most, below 2048 us by 0.5 us,
 * and a u of 0 counts as 1 us. Of values that overflowed it is the maximum. This and the following
 * functions return 0 if there are no values. */
double histogram_percentile(const struct histogram *histogram, uint32_t millionths);

double histogram_least(const struct histogram *histogram);
double histogram_most(const struct histogram *histogram);
double histogram_mean(const struct histogram *histogram);

/* Of all values as they were measured, not of the slots. Rounding leaves it uncertain by about a
 * millionth of the mean. */
double histogram_deviation(const struct histogram *histogram);

/* sqrt(3) without libm, so that nothing in the suite needs -lm. */
double histogram_root(double square);

#endif
