/*
 * histogram_test - the client's histogram against exact sorting, on many distributions. Says what
 * is wrong and fails, or says nothing.
 *
 * Times are in ns as they are recorded and in us as they are told. The bound of a percentile's
 * error is the one that histogram.h promises.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../client/figures/histogram.h"
#include "../../common/scoreboard.h"

enum { VALUES = 10007, PARTS = 3, LIVE_VALUES = 500 * 1000, US = 1000, SHOWN = 40 };

static const int64_t ms = 1000 * 1000, second = 1000 * 1000 * 1000;

static int failures;
static const char *subject; /* what is being checked */
static uint64_t random_state;

static void
check(int good, const char *what, double is, double should_be)
{
    if (!good && failures++ < SHOWN) {
        printf("%s: %s: %.6f instead of %.6f\n", subject, what, is, should_be);
    }
}

/* Parameters are rounded to a double; the i387 compares expressions with more digits than that. */
static void
check_equal(const char *what, double is, double should_be)
{
    check(is == should_be, what, is, should_be);
}

static void
check_count(const char *what, uint64_t is, uint64_t should_be)
{
    check(is == should_be, what, (double)is, (double)should_be);
}

/* Splitmix64: the same values in every run. */
static uint64_t
any_bits(void)
{
    uint64_t bits = random_state += 0x9e3779b97f4a7c15u;

    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

/* Evenly spread over [least, most]. */
static int64_t
any_between(int64_t least, int64_t most)
{
    return least + (int64_t)(any_bits() % (uint64_t)(most - least + 1));
}

/*
 * The distributions: each makes the nth value of VALUES.
 */

static int64_t
uniform(size_t n)
{
    (void)n;
    return any_between(1 * US, 10 * ms);
}

static int64_t
uniform_over_all(size_t n)
{
    (void)n;
    return any_between(0, 60 * second);
}

/* As many between 1 us and 2 us as between 2 us and 4 us, and so on to 64 s: some overflow. */
static int64_t
log_uniform(size_t n)
{
    int64_t least = (int64_t)US << any_bits() % 26;

    (void)n;
    return any_between(least, 2 * least);
}

/* Von Neumann's way, by comparisons alone. A row of random numbers falls for a while; is the first
 * that does not fall at an odd place, then its head is the fraction, else the whole part grows. */
static int64_t
exponential(size_t n)
{
    const int64_t unit = 2 * ms;

    (void)n;
    for (int64_t whole = 0;; whole++) {
        int64_t head = any_between(0, unit - 1), last = head, next;
        int length = 1;

        while ((next = any_between(0, unit - 1)) < last) {
            last = next;
            length++;
        }
        if (length % 2 == 1) {
            return whole * unit + head;
        }
    }
}

/* A sum of twelve. */
static int64_t
normal(size_t n)
{
    int64_t sum = 0;

    (void)n;
    for (int i = 0; i < 12; i++) {
        sum += any_between(0, 1 * ms);
    }
    return sum;
}

/* Hits and misses of a cache. */
static int64_t
bimodal(size_t n)
{
    return n % 10 == 0 ? any_between(180 * ms, 220 * ms) : any_between(40 * US, 60 * US);
}

/* P(X > x) = 100 us / x. */
static int64_t
pareto(size_t n)
{
    (void)n;
    return 100 * US * second / any_between(1, second);
}

static int64_t
equal(size_t n)
{
    (void)n;
    return 123456789;
}

static int64_t
equal_zero(size_t n)
{
    (void)n;
    return 0;
}

static int64_t
few(size_t n)
{
    static const int64_t values[] = {1 * US, 2 * US, 3 * US, 10 * US, 100 * US};

    return values[n % 5];
}

static int64_t
sorted(size_t n)
{
    return (int64_t)n * 997;
}

static int64_t
reversed(size_t n)
{
    return (int64_t)(VALUES - n) * 499979;
}

/* Up to two microseconds off each power of two from 1 us to 2^25 us, in steps of 100 ns. */
static int64_t
near_powers(size_t n)
{
    return ((int64_t)US << n % 26) + ((int64_t)(n / 26 % 41) - 20) * 100;
}

/* In and around the first slots that are two microseconds wide; at the halves it is rounded. */
static int64_t
near_2048(size_t n)
{
    return 2040 * US + (int64_t)(n % 200) * 100;
}

static int64_t
below_a_microsecond(size_t n)
{
    (void)n;
    return any_between(0, 999);
}

static int64_t
near_60_seconds(size_t n)
{
    return 60 * second + ((int64_t)(n % 21) - 10) * 100;
}

static int64_t
hours(size_t n)
{
    return n % 3 == 0 ? any_between(3600 * second, 36000 * second) : any_between(1 * ms, 2 * ms);
}

static int64_t
overflow_alone(size_t n)
{
    return 61 * second + (int64_t)n;
}

/* Clocks that go back are not our business, but must not harm. */
static int64_t
negative(size_t n)
{
    return n % 2 == 0 ? -5 * ms : 7 * ms;
}

static const struct {
    const char *name;
    int64_t (*value)(size_t n);
} distributions[] = {
    {"uniform", uniform},
    {"uniform over all", uniform_over_all},
    {"log-uniform", log_uniform},
    {"exponential", exponential},
    {"normal", normal},
    {"bimodal", bimodal},
    {"Pareto", pareto},
    {"all equal", equal},
    {"all zero", equal_zero},
    {"few", few},
    {"sorted", sorted},
    {"reversed", reversed},
    {"near powers of two", near_powers},
    {"near 2048 us", near_2048},
    {"below a microsecond", below_a_microsecond},
    {"near 60 s", near_60_seconds},
    {"hours", hours},
    {"overflow alone", overflow_alone},
    {"negative", negative},
};

enum { DISTRIBUTIONS = sizeof distributions / sizeof distributions[0] };

static void
empty(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

static int
compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static double
distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

/* In whole microseconds, as they are counted. */
static int64_t
rounded(int64_t ns)
{
    return (ns + US / 2) / US;
}

/* How wrong the middle of a value's slot may be, in us. */
static double
bound_of(int64_t ns)
{
    int64_t us = rounded(ns);

    if (us == 0) {
        return 1;
    }
    return us < 2048 ? 0.5 : (double)us / 2048;
}

static void
check_percentile(const struct histogram *histogram, const int64_t *sorted_values, uint64_t count,
                 uint32_t millionths)
{
    /* count is so small that this cannot overflow */
    uint64_t rank = (count * millionths + 999999) / 1000000;
    int64_t ns = sorted_values[rank > 0 ? rank - 1 : 0];
    double exact = (double)ns / US, value = histogram_percentile(histogram, millionths);

    check(value >= histogram_least(histogram), "at least", value, histogram_least(histogram));
    check(value <= histogram_most(histogram), "at most", value, histogram_most(histogram));
    if (rank <= 1) {
        check(value == exact, "lowest rank", value, exact);
    } else if (rank == count) {
        check(value == exact, "highest rank", value, exact);
    } else if (rounded(ns) > HISTOGRAM_MOST_US) {
        double most = (double)sorted_values[count - 1] / US;

        check(value == most, "percentile of an overflow", value, most);
    } else {
        check(distance(value, exact) <= bound_of(ns), "percentile", value, exact);
        /* What the issue asks for; half a microsecond is the slot's, half the rounding's. */
        check(distance(value, exact) <= exact / 1024 + 1, "three digits", value, exact);
    }
}

static void
check_percentiles(const struct histogram *histogram, const int64_t *sorted_values, size_t count)
{
    static const uint32_t ends[] = {0, 1, 99, 100, 999, 999000, 999900, 999990, 999999, 1000000};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        check_percentile(histogram, sorted_values, count, ends[i]);
    }
    for (uint32_t millionths = 2500; millionths < 1000000; millionths += 2500) {
        check_percentile(histogram, sorted_values, count, millionths);
    }
}

static void
check_moments(const struct histogram *histogram, const int64_t *values, size_t count)
{
    uint64_t sum = 0;
    double squares = 0, mean, deviation;

    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)values[i];
    }
    mean = (double)sum / US / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += ((double)values[i] / US - mean) * ((double)values[i] / US - mean);
    }
    deviation = histogram_root(squares / (double)count);
    check_count("sum", histogram->sum_ns, sum);
    check(histogram_mean(histogram) == mean, "mean", histogram_mean(histogram), mean);
    check(distance(histogram_deviation(histogram), deviation) <= (deviation + mean) / 1000000,
          "standard deviation", histogram_deviation(histogram), deviation);
}

/* The invariants that histogram.h tells. */
static void
check_consistent(const struct histogram *histogram)
{
    uint64_t count = histogram->overflow, untouched = 0;

    for (size_t i = 0; i < HISTOGRAM_SLOTS; i++) {
        count += histogram->slots[i];
        if ((histogram->touched >> i / HISTOGRAM_HALF & 1) == 0) {
            untouched += histogram->slots[i];
        }
    }
    check_count("slots and overflow", count, histogram->count);
    check_count("in blocks that were not touched", untouched, 0);
    check_count("in the slot of 0 us", histogram->slots[0], 0);
}

/* Sorts the values. */
static void
check_against(const struct histogram *histogram, int64_t *values, size_t count)
{
    uint64_t overflow = 0;

    qsort(values, count, sizeof *values, compare);
    for (size_t i = 0; i < count; i++) {
        overflow += rounded(values[i]) > HISTOGRAM_MOST_US;
    }
    check_count("count", histogram->count, count);
    check_count("overflow", histogram->overflow, overflow);
    check_count("least", histogram->least_ns, (uint64_t)values[0]);
    check_count("most", histogram->most_ns, (uint64_t)values[count - 1]);
    check_equal("least in us", histogram_least(histogram), (double)values[0] / US);
    check_equal("most in us", histogram_most(histogram), (double)values[count - 1] / US);
    check_consistent(histogram);
    check_percentiles(histogram, values, count);
    check_moments(histogram, values, count);
}

/* Counted alike, slot by slot. The sums of squares may differ by their rounding, which is that of
 * the whole sum. */
static void
check_same(const struct histogram *is, const struct histogram *should_be, double whole)
{
    double squares = should_be->squares_us;

    check_consistent(is);
    check_count("count of both", is->count, should_be->count);
    check_count("overflow of both", is->overflow, should_be->overflow);
    check_count("sum of both", is->sum_ns, should_be->sum_ns);
    check(distance(is->squares_us, squares) <= whole / 1e10, "squares of both", is->squares_us,
          squares);
    for (size_t i = 0; i < HISTOGRAM_SLOTS; i++) {
        if (is->slots[i] != should_be->slots[i]) {
            check_count("slot of both", is->slots[i], should_be->slots[i]);
        }
    }
}

/* In parts of different sizes; the last one is empty, and is added first and last. */
static void
check_merge(const struct histogram *all, const int64_t *values, size_t count)
{
    static struct histogram parts[PARTS + 1], sum;

    empty(&sum);
    for (size_t i = 0; i <= PARTS; i++) {
        empty(&parts[i]);
    }
    for (size_t i = 0; i < count; i++) {
        histogram_record(&parts[i % 7 % PARTS], values[i]);
    }
    histogram_add(&sum, &parts[PARTS]);
    for (size_t i = 0; i <= PARTS; i++) {
        histogram_add(&sum, &parts[i]);
    }
    check_same(&sum, all, all->squares_us);
    check_count("least of both", sum.least_ns, all->least_ns);
    check_count("most of both", sum.most_ns, all->most_ns);
}

/* The ends of a difference: the middles of their slots. */
static void
check_ends_since(const struct histogram *since, const struct histogram *later,
                 const struct histogram *now)
{
    uint64_t in_slots = later->count - later->overflow;
    double least = histogram_least(later), most = histogram_most(later);

    if (in_slots > 0) {
        check(distance(histogram_least(since), least) <= bound_of((int64_t)later->least_ns),
              "least since", histogram_least(since), least);
    } else if (later->count > 0) {
        check(histogram_least(since) == HISTOGRAM_MOST_US, "least since, of overflows",
              histogram_least(since), HISTOGRAM_MOST_US);
    }
    if (later->overflow > 0) {
        check_count("most since, with overflows", since->most_ns, now->most_ns);
    } else if (in_slots > 0) {
        check(distance(histogram_most(since), most) <= bound_of((int64_t)later->most_ns),
              "most since", histogram_most(since), most);
    } else {
        check(histogram_most(since) == 0, "most since, of none", histogram_most(since), 0);
    }
    for (uint32_t i = 0; i <= 1000000; i += 50000) {
        double value = histogram_percentile(since, i), exact = histogram_percentile(later, i);

        if (exact <= HISTOGRAM_MOST_US && value <= HISTOGRAM_MOST_US) {
            check(distance(value, exact) <= exact / 1024 + 1, "percentile since", value, exact);
        }
    }
}

/* The second half alone is what was recorded since the first. The difference's memory holds what it
 * held of the distribution before, so that it has to be cleared. */
static void
check_since(const int64_t *values, size_t first, size_t count)
{
    static struct histogram before, later, now, since;

    empty(&before);
    empty(&later);
    empty(&now);
    for (size_t i = 0; i < first; i++) {
        histogram_record(&now, values[i]);
    }
    histogram_add(&before, &now);
    for (size_t i = first; i < count; i++) {
        histogram_record(&now, values[i]);
        histogram_record(&later, values[i]);
    }
    histogram_since(&since, &now, &before);
    check_same(&since, &later, now.squares_us);
    check_ends_since(&since, &later, &now);
}

static void
check_distribution(int64_t (*value)(size_t n), size_t count)
{
    static int64_t values[VALUES];
    static struct histogram all;

    empty(&all);
    for (size_t i = 0; i < count; i++) {
        values[i] = value(i);
        histogram_record(&all, values[i]);
        values[i] = values[i] > 0 ? values[i] : 0;
    }
    check_merge(&all, values, count);
    check_since(values, count, count);
    check_since(values, count / 2, count);
    check_since(values, 0, count);
    check_against(&all, values, count);
}

/* The lowest and the highest value of every slot: the slots adjoin, and none is left out. */
static void
check_slots(void)
{
    static struct histogram histogram;
    static int64_t values[2 * HISTOGRAM_SLOTS];
    size_t count = 0;
    int64_t width = 1;

    subject = "each slot";
    for (int64_t us = 1; us + width - 1 <= HISTOGRAM_MOST_US; us += width) {
        width = us == 2048 * width ? 2 * width : width;
        values[count++] = us * US;
        values[count++] = (us + width - 1) * US;
    }
    for (size_t i = 0; i < count; i++) {
        histogram_record(&histogram, values[i]);
    }
    for (size_t slot = 1; slot <= count / 2; slot++) {
        check_count("slot", histogram.slots[slot], 2);
    }
    check_against(&histogram, values, count);
}

static _Noreturn void
record_in_child(struct histogram *live)
{
    for (size_t i = 0; i < LIVE_VALUES; i++) {
        histogram_record(live, log_uniform(i));
    }
    _exit(0);
}

/* As for the table of intervals: another process records while this one reads. Whenever that is,
 * what is read is consistent in itself, and nothing is lost or counted twice. */
static void
check_live(void)
{
    static struct histogram copies[2], since;
    struct histogram *live = scoreboard_memory(sizeof *live);
    pid_t pid = fork(), ended = 0;
    uint64_t count = 0, sum_ns = 0;

    subject = "live";
    if (pid == 0) {
        record_in_child(live);
    }
    for (size_t i = 0; pid > 0 && ended == 0; i++) {
        struct histogram *now = &copies[i % 2], *before = &copies[(i + 1) % 2];

        ended = waitpid(pid, NULL, WNOHANG); /* before the reading, so that the last sees all */
        empty(now);
        histogram_add(now, live);
        check_consistent(now);
        histogram_since(&since, now, before);
        check_consistent(&since);
        count += since.count;
        sum_ns += since.sum_ns;
        histogram_since(&since, live, now);
        check_consistent(&since);
    }
    check_count("count of all intervals", count, LIVE_VALUES);
    check_count("sum of all intervals", sum_ns, live->sum_ns);
}

/* What another process has half written: a value is in its slot, but not yet in the rest; or the
 * other way round. Whoever reads goes by the slots. */
static void
check_half_written(void)
{
    static struct histogram writing, before, sum, since;

    subject = "half written";
    histogram_record(&writing, 5 * ms);
    histogram_add(&before, &writing);
    histogram_record(&writing, 5 * ms);
    writing.count += 3;
    histogram_add(&sum, &writing);
    check_consistent(&sum);
    check_count("count of the slots", sum.count, 2);
    histogram_since(&since, &writing, &before);
    check_consistent(&since);
    check_count("count since", since.count, 1);

    /* A slot, the overflow and the sums that seem to have shrunk. */
    before.slots[7] = before.overflow = 9;
    before.sum_ns = UINT64_MAX;
    before.squares_us = 1e30;
    writing.touched |= 1;
    histogram_since(&since, &writing, &before);
    check_consistent(&since);
    check_count("count since", since.count, 1);
    check_count("sum since", since.sum_ns, 0);
    check(since.squares_us == 0, "squares since", since.squares_us, 0);
    check(histogram_deviation(&since) == 0, "deviation since", histogram_deviation(&since), 0);
}

/* Counted before it is in a slot, the first value is none yet; its ends are not either. */
static void
check_first_half_written(void)
{
    static struct histogram writing, sum, since;

    subject = "first value half written";
    writing.count = 1;
    writing.least_ns = writing.most_ns = writing.sum_ns = (uint64_t)(9 * ms);
    histogram_add(&sum, &writing);
    histogram_since(&since, &writing, &sum);
    check_count("count", sum.count, 0);
    check_count("count since", since.count, 0);
    histogram_record(&sum, 3 * ms);
    check_count("least", sum.least_ns, (uint64_t)(3 * ms));
    check_count("most", sum.most_ns, (uint64_t)(3 * ms));
}

static void
check_none(void)
{
    static struct histogram none;

    subject = "none";
    check(histogram_percentile(&none, 0) == 0, "p0", histogram_percentile(&none, 0), 0);
    check(histogram_percentile(&none, 500000) == 0, "median", histogram_percentile(&none, 500000),
          0);
    check(histogram_least(&none) == 0, "least", histogram_least(&none), 0);
    check(histogram_most(&none) == 0, "most", histogram_most(&none), 0);
    check(histogram_mean(&none) == 0, "mean", histogram_mean(&none), 0);
    check(histogram_deviation(&none) == 0, "deviation", histogram_deviation(&none), 0);
}

/* So many values that rank times millionths would not fit into 64 bits. */
static void
check_many(void)
{
    static struct histogram histogram;
    const uint64_t half = (uint64_t)1 << 52;

    subject = "many";
    histogram.slots[10] = histogram.slots[20] = half;
    histogram.count = 2 * half;
    histogram.touched = 1;
    histogram.least_ns = 10 * US;
    histogram.most_ns = 20 * US;
    check(histogram_percentile(&histogram, 500000) == 10, "median",
          histogram_percentile(&histogram, 500000), 10);
    check(histogram_percentile(&histogram, 500001) == 20, "just above",
          histogram_percentile(&histogram, 500001), 20);
}

static void
check_root(void)
{
    subject = "root";
    check(histogram_root(-1) == 0, "of -1", histogram_root(-1), 0);
    check(histogram_root(0) == 0, "of 0", histogram_root(0), 0);
    for (uint64_t root = 1; root < 1000000000; root = root * 3 + 1) {
        double square = (double)root * (double)root;

        check(histogram_root(square) == (double)root, "of a square", histogram_root(square),
              (double)root);
    }
    for (int i = 1; i <= 30; i++) {
        double root = 1 / (double)((uint64_t)1 << i);

        check(histogram_root(root * root) == root, "of a small square", histogram_root(root * root),
              root);
    }
    check(distance(histogram_root(2), 1.4142135623730951) < 1e-15, "of 2", histogram_root(2),
          1.4142135623730951);
    check(distance(histogram_root(1e300) / 1e150, 1) < 1e-15, "of 1e300", histogram_root(1e300),
          1e150);
}

int
main(void)
{
    static const size_t counts[] = {VALUES, 1000, 101, 100, 5, 2, 1};

    for (size_t i = 0; i < DISTRIBUTIONS; i++) {
        subject = distributions[i].name;
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            check_distribution(distributions[i].value, counts[j]);
        }
    }
    check_slots();
    check_live();
    check_half_written();
    check_first_half_written();
    check_none();
    check_many();
    check_root();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
