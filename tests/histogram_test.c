/*
 * histogram_test - the client's histogram against exact sorting. Says what is wrong and fails, or
 * says nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../client/histogram.h"

enum { VALUES = 20000 };

static int failures;

static void
check(int good, const char *what, double is, double should_be)
{
    if (!good) {
        printf("%s: %.6f instead of %.6f\n", what, is, should_be);
        failures++;
    }
}

/* Within three significant digits, or half a microsecond below 1 ms. */
static int
is_close(double value, double exact)
{
    double distance = value > exact ? value - exact : exact - value;

    return distance <= exact / 1000 || distance <= 0.5;
}

static int
compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* Pseudo-random durations in nanoseconds from `least` up, spread over `digits` decimal digits. */
static int64_t
any_value(uint64_t *seed, int64_t least, int digits)
{
    int64_t most = least;

    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    for (uint64_t i = (*seed >> 60) % (uint64_t)digits + 1; i > 0; i--) {
        most *= 10;
    }
    return least + (int64_t)((*seed >> 12) % (uint64_t)(most - least + 1));
}

static void
check_against(const struct histogram *histogram, int64_t *values, size_t count)
{
    static const uint32_t ranks[] = {1, 100000, 250000, 500000, 900000, 990000, 999000, 999999};
    double sum = 0, squares = 0, mean, deviation;

    qsort(values, count, sizeof *values, compare);
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i] / 1000;
    }
    mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += ((double)values[i] / 1000 - mean) * ((double)values[i] / 1000 - mean);
    }
    deviation = histogram_root(squares / (double)count);
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        size_t rank = (size_t)(((uint64_t)ranks[i] * count + 999999) / 1000000);
        double exact = (double)values[rank - 1] / 1000;
        double value = histogram_percentile(histogram, ranks[i]);

        check(is_close(value, exact), "percentile", value, exact);
    }
    check(histogram->count == count, "count", (double)histogram->count, (double)count);
    check(histogram_least(histogram) * 1000 == (double)values[0], "least",
          histogram_least(histogram), (double)values[0] / 1000);
    check(histogram_most(histogram) * 1000 == (double)values[count - 1], "most",
          histogram_most(histogram), (double)values[count - 1] / 1000);
    check(is_close(histogram_mean(histogram) * 1000, mean * 1000), "mean",
          histogram_mean(histogram), mean);
    check(is_close(histogram_deviation(histogram), deviation), "standard deviation",
          histogram_deviation(histogram), deviation);
}

/* Half of the values in one histogram, half in another; then both together. */
static void
check_values(uint64_t seed, int64_t least, int digits)
{
    static int64_t values[VALUES];
    static struct histogram halves[2];

    halves[0] = halves[1] = (struct histogram){.count = 0};
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = any_value(&seed, least, digits);
        histogram_record(&halves[i % 2], values[i]);
    }
    histogram_add(&halves[0], &halves[1]);
    check_against(&halves[0], values, VALUES);
}

static void
check_few(void)
{
    static struct histogram histogram, empty;
    static int64_t one[] = {1234567};

    check(histogram_percentile(&empty, 500000) == 0, "median of nothing", -1, 0);
    check(histogram_mean(&empty) == 0, "mean of nothing", -1, 0);
    check(histogram_deviation(&empty) == 0, "deviation of nothing", -1, 0);
    histogram_record(&histogram, one[0]);
    check_against(&histogram, one, 1);
    histogram_add(&histogram, &empty);
    check_against(&histogram, one, 1);
}

int
main(void)
{
    check_few();
    check_values(1, 1000, 1);         /* 1 us to 10 us */
    check_values(2, 1000, 4);         /* to 10 ms */
    check_values(3, 10 * 1000, 6);    /* 10 us to 10 s */
    check_values(4, 1000 * 1000, 4);  /* 1 ms to 10 s */
    check_values(5, 6000000000LL, 1); /* 6 s to 60 s */
    check_values(6, 2040 * 1000, 1);  /* around the first doubling */
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
