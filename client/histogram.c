#include "histogram.h"

#include <stddef.h>

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

/* The middle of a slot's values. */
static double
middle_of(size_t slot)
{
    size_t block = slot < 2 * HISTOGRAM_HALF ? 0 : slot / HISTOGRAM_HALF - 1;
    uint64_t width = (uint64_t)1 << block;
    uint64_t lowest = (uint64_t)(slot - block * HISTOGRAM_HALF) << block;

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

void
histogram_add(struct histogram *histogram, const struct histogram *more)
{
    if (more->count == 0) {
        return;
    }
    if (histogram->count == 0 || more->least_ns < histogram->least_ns) {
        histogram->least_ns = more->least_ns;
    }
    if (more->most_ns > histogram->most_ns) {
        histogram->most_ns = more->most_ns;
    }
    histogram->count += more->count;
    histogram->overflow += more->overflow;
    histogram->sum_ns += more->sum_ns;
    histogram->squares_us += more->squares_us;
    histogram->touched |= more->touched;
    for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        /* Reading shared memory that nobody wrote would allocate it: whole blocks are skipped. */
        if (more->touched >> slot / HISTOGRAM_HALF & 1) {
            histogram->slots[slot] += more->slots[slot];
        } else {
            slot += HISTOGRAM_HALF - 1;
        }
    }
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
    /* In two steps, for count * millionths might overflow. */
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
    for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        if (histogram->slots[slot] >= left) {
            double value = middle_of(slot);

            /* A slot's middle may lie beyond the one value in it. */
            return value < least ? least : value > most ? most : value;
        }
        left -= histogram->slots[slot];
    }
    return most; /* among those that overflowed */
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
        return 0; /* also what rounding made of a variance of nothing */
    }
    while ((next = (root + square / root) / 2) < root) {
        root = next;
    }
    return root;
}
