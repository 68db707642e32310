#include "histogram.h"

#include <stddef.h>
#include <string.h>

enum { MILLION = 1000000 };

/* A value's slot: shifted right until it fits into a block pair; each shift is a block further. */
static size_t
slot_of(uint64_t us)
{
    size_t block = 0;

    while (us >= 2 * HISTOGRAM_HALF) {
        us >>= 1;
        block++;
    }
    return block * HISTOGRAM_HALF + (size_t)us;
}

uint64_t
histogram_lowest(size_t slot, uint64_t *width)
{
    size_t block = slot < 2 * HISTOGRAM_HALF ? 0 : slot / HISTOGRAM_HALF - 1;

    *width = (uint64_t)1 << block;
    return (uint64_t)(slot - block * HISTOGRAM_HALF) << block;
}

/* The middle of a slot's values. */
static double
middle_of(size_t slot)
{
    uint64_t width, lowest = histogram_lowest(slot, &width);

    return (double)lowest + (double)(width - 1) / 2;
}

void
histogram_record(struct histogram *histogram, int64_t nanoseconds)
{
    uint64_t ns = nanoseconds > 0 ? (uint64_t)nanoseconds : 0;
    uint64_t us = (ns + 500) / 1000;
    double exact_us = (double)ns / 1000;

    if (histogram->count == 0 || ns < histogram->least_ns) {
        histogram->least_ns = ns;
    }
    if (ns > histogram->most_ns) {
        histogram->most_ns = ns;
    }
    histogram->count++;
    histogram->sum_ns += ns;
    histogram->squares_us += exact_us * exact_us;
    if (us > HISTOGRAM_MOST_US) {
        histogram->overflow++;
    } else {
        size_t slot = slot_of(us > 0 ? us : 1);

        histogram->touched |= (uint32_t)1 << slot / HISTOGRAM_HALF;
        histogram->slots[slot]++;
    }
}

static void
clear_block(struct histogram *histogram, size_t block)
{
    memset(&histogram->slots[block * HISTOGRAM_HALF], 0,
           HISTOGRAM_HALF * sizeof histogram->slots[0]);
}

void
histogram_clear(struct histogram *histogram)
{
    for (size_t block = 0; block < HISTOGRAM_BLOCKS; block++) {
        if (histogram->touched >> block & 1) {
            clear_block(histogram, block);
        }
    }
    histogram->count = histogram->overflow = histogram->sum_ns = 0;
    histogram->least_ns = histogram->most_ns = 0;
    histogram->squares_us = 0;
    histogram->touched = 0;
}

/* Adds a block of slots and returns how many values that were. Each slot is read once: the
 * next time it may hold more. */
static uint64_t
add_block(struct histogram *histogram, const volatile struct histogram *more, size_t block)
{
    uint64_t count = 0;

    for (size_t i = block * HISTOGRAM_HALF; i < (block + 1) * HISTOGRAM_HALF; i++) {
        uint64_t values = more->slots[i];

        histogram->slots[i] += values;
        count += values;
    }
    return count;
}

/* Widens the ends to those of `more`, which is not empty. */
static void
add_ends(struct histogram *histogram, const volatile struct histogram *more)
{
    uint64_t least_ns = more->least_ns, most_ns = more->most_ns;

    if (histogram->count == 0 || least_ns < histogram->least_ns) {
        histogram->least_ns = least_ns;
    }
    if (most_ns > histogram->most_ns) {
        histogram->most_ns = most_ns;
    }
}

void
histogram_add(struct histogram *histogram, const volatile struct histogram *more)
{
    uint32_t touched = more->touched;
    uint64_t overflow = more->overflow, count = overflow;

    for (size_t block = 0; block < HISTOGRAM_BLOCKS; block++) {
        /* Reading shared memory that nobody wrote would allocate it: whole blocks are skipped. */
        if (touched >> block & 1) {
            count += add_block(histogram, more, block);
        }
    }
    if (count == 0) {
        return;
    }
    /* After the slots: a value widens the ends before it is counted. */
    add_ends(histogram, more);
    histogram->touched |= touched;
    histogram->overflow += overflow;
    histogram->count += count; /* of the slots as read: `more` may have another count by now */
    histogram->sum_ns += more->sum_ns;
    histogram->squares_us += more->squares_us;
}

/* What a counter has grown by. It never shrinks, but if read half-written it could seem to. */
static uint64_t
growth(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Sets a block of slots, counts its values: the first is the least so far, the last the most. */
static void
subtract_block(struct histogram *difference, const volatile struct histogram *now,
               const struct histogram *before, size_t block)
{
    for (size_t i = block * HISTOGRAM_HALF; i < (block + 1) * HISTOGRAM_HALF; i++) {
        uint64_t values = growth(now->slots[i], before->slots[i]);

        difference->slots[i] = values;
        if (values > 0) {
            difference->most_ns = (uint64_t)(middle_of(i) * 1000);
            if (difference->count == 0) {
                difference->least_ns = difference->most_ns;
            }
            difference->count += values;
        }
    }
}

void
histogram_since(struct histogram *difference, const volatile struct histogram *now,
                const struct histogram *before)
{
    uint32_t touched = now->touched;
    double squares_us = now->squares_us - before->squares_us;

    difference->count = difference->least_ns = difference->most_ns = 0;
    for (size_t block = 0; block < HISTOGRAM_BLOCKS; block++) {
        if (touched >> block & 1) {
            subtract_block(difference, now, before, block);
        } else if (difference->touched >> block & 1) {
            clear_block(difference, block);
        }
    }
    difference->touched = touched;
    /* The values in no slot: no more is known of them than the limit and the maximum. */
    difference->overflow = growth(now->overflow, before->overflow);
    if (difference->overflow > 0 && difference->count == 0) {
        difference->least_ns = (uint64_t)HISTOGRAM_MOST_US * 1000;
    }
    if (difference->overflow > 0) {
        difference->most_ns = now->most_ns;
    }
    difference->count += difference->overflow;
    difference->sum_ns = growth(now->sum_ns, before->sum_ns);
    difference->squares_us = squares_us > 0 ? squares_us : 0;
}

double
histogram_least(const struct histogram *histogram)
{
    return histogram->count > 0 ? (double)histogram->least_ns / 1000 : 0;
}

double
histogram_most(const struct histogram *histogram)
{
    return (double)histogram->most_ns / 1000;
}

/* The rank that a percentile means: the smallest that has so large a part of all at or below it. */
static uint64_t
nearest_rank(uint64_t count, uint32_t millionths)
{
    /* In two steps: count * millionths might overflow. */
    uint64_t rank = count / MILLION * millionths;

    rank += (count % MILLION * millionths + MILLION - 1) / MILLION;
    return rank > 0 ? rank : 1;
}

double
histogram_percentile(const struct histogram *histogram, uint32_t millionths)
{
    uint64_t left = nearest_rank(histogram->count, millionths);
    double least = histogram_least(histogram), most = histogram_most(histogram);

    if (left >= histogram->count) {
        return most;
    }
    if (left == 1) {
        return least;
    }
    for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        if (histogram->slots[slot] >= left) {
            double value = middle_of(slot);

            /* A slot's middle may lie beyond the one value in it. */
            return value < least ? least : value > most ? most : value;
        }
        left -= histogram->slots[slot];
    }
    return most; /* among the values that overflowed */
}

double
histogram_mean(const struct histogram *histogram)
{
    return histogram->count > 0 ? (double)histogram->sum_ns / 1000 / (double)histogram->count : 0;
}

double
histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);

    if (histogram->count == 0) {
        return 0;
    }
    return histogram_root(histogram->squares_us / (double)histogram->count - mean * mean);
}

/* Heron's method. From above it only falls, until rounding stops it. */
double
histogram_root(double square)
{
    double root = square > 1 ? square : 1, next;

    if (!(square > 0)) {
        return 0; /* rounding may make a variance of 0 negative */
    }
    while ((next = (root + square / root) / 2) < root) {
        root = next;
    }
    return root;
}
