/*
 * histogram_test - the client's histogram against exact sorting, on many distributions. Says what
 * is wrong and fails, or says nothing.
 *
 * Times are in ns as they are recorded and in us as they are told. The bound of a percentile's
 * error is the one that histogram.h promises.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../client/figures/histogram.h"
#include "../../common/scoreboard.h"
#include "../helpers/check.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define SECOND (1000 * MS)

enum { VALUES = 10007, PARTS = 3, LIVE_VALUES = 500 * 1000 };

static uint64_t random_state;

/* Parameters are rounded to a double; the i387 compares expressions with more digits than that. */
static void
check_near(const char *what, double is, double wanted, double bound)
{
    CHECK(is - wanted <= bound && wanted - is <= bound, "%s: %.6f instead of %.6f", what, is,
          wanted);
}

/* --- the distributions ----------------------------------------------------------------------- */

/* Any value of it; with a step, one after the other, over and over. */
struct range {
    int64_t least, most, step;
};

struct distribution {
    const char *name;
    struct range often, rare;
    unsigned every;   /* each so-many-th value is of the rare ones; 0: none */
    unsigned octaves; /* and is doubled up to so many times, less one */
};

static const struct distribution distributions[] = {
    {"uniform", {US, 10 * MS, 0}, {0}, 0, 1},
    {"uniform over all", {0, 60 * SECOND, 0}, {0}, 0, 1},
    {"log-uniform, some overflow", {US, 2 * US, 0}, {0}, 0, 26},
    {"bimodal", {40 * US, 60 * US, 0}, {180 * MS, 220 * MS, 0}, 10, 1},
    {"all equal", {123456789, 123456789, 0}, {0}, 0, 1},
    {"all zero", {0, 0, 0}, {0}, 0, 1},
    {"few", {US, 3 * US, US}, {10 * US, 100 * US, 90 * US}, 3, 1},
    {"sorted", {0, SECOND, 997}, {0}, 0, 1},
    {"reversed", {5000 * MS, 0, -499979}, {0}, 0, 1},
    {"near 2048 us, where slots get wider", {2040 * US, 2060 * US, 100}, {0}, 0, 1},
    {"below a microsecond", {0, 999, 0}, {0}, 0, 1},
    {"near 60 s", {60 * SECOND - US, 60 * SECOND + US, 100}, {0}, 0, 1},
    {"hours", {MS, 2 * MS, 0}, {3600 * SECOND, 36000 * SECOND, 0}, 3, 1},
    {"overflow alone", {61 * SECOND, 62 * SECOND, 1}, {0}, 0, 1},
    {"negative, which must not harm", {-5 * MS, -5 * MS, 0}, {7 * MS, 7 * MS, 0}, 2, 1},
};

/* Splitmix64: the same values in every run. */
static uint64_t
any_bits(void)
{
    uint64_t bits = random_state += 0x9e3779b97f4a7c15u;

    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

static int64_t
nth_value(const struct distribution *of, size_t n)
{
    bool is_rare = of->every > 0 && n % of->every == 0;
    const struct range *range = is_rare ? &of->rare : &of->often;
    int64_t width = range->most - range->least;

    if (range->step != 0) {
        return range->least + (int64_t)n % (width / range->step + 1) * range->step;
    }
    return (range->least + (int64_t)(any_bits() % (uint64_t)(width + 1))) *
           ((int64_t)1 << any_bits() % of->octaves);
}

/* --- against sorting ------------------------------------------------------------------------- */

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

    return us == 0 ? 1 : us < 2048 ? 0.5 : (double)us / 2048;
}

static void
check_percentile(const struct histogram *histogram, const int64_t *sorted, uint64_t count,
                 uint32_t millionths)
{
    /* count is so small that this cannot overflow */
    uint64_t rank = (count * millionths + 999999) / 1000000;
    int64_t ns = sorted[rank > 0 ? rank - 1 : 0];
    double exact = (double)ns / US, value = histogram_percentile(histogram, millionths);

    CHECK(value >= histogram_least(histogram), "%.6f is below the least", value);
    CHECK(value <= histogram_most(histogram), "%.6f is above the most", value);
    if (rank <= 1 || rank == count) {
        check_near("lowest or highest rank", value, exact, 0);
    } else if (rounded(ns) > HISTOGRAM_MOST_US) {
        check_near("percentile of an overflow", value, (double)sorted[count - 1] / US, 0);
    } else {
        check_near("percentile", value, exact, bound_of(ns));
    }
}

static void
check_percentiles(const struct histogram *histogram, const int64_t *sorted, size_t count)
{
    static const uint32_t ends[] = {0, 1, 99, 100, 999, 999000, 999900, 999990, 999999, 1000000};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        check_percentile(histogram, sorted, count, ends[i]);
    }
    for (uint32_t millionths = 2500; millionths < 1000000; millionths += 2500) {
        check_percentile(histogram, sorted, count, millionths);
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
    CHECK_IS(histogram->sum_ns, sum, "sum");
    check_near("mean", histogram_mean(histogram), mean, 0);
    check_near("standard deviation", histogram_deviation(histogram), deviation,
               (deviation + mean) / 1000000);
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
    CHECK_IS(count, histogram->count, "slots and overflow");
    CHECK_IS(untouched, 0, "in blocks that were not touched");
    CHECK_IS(histogram->slots[0], 0, "in the slot of 0 us");
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
    CHECK_IS(histogram->count, count, "count");
    CHECK_IS(histogram->overflow, overflow, "overflow");
    check_near("least", histogram_least(histogram), (double)values[0] / US, 0);
    check_near("most", histogram_most(histogram), (double)values[count - 1] / US, 0);
    check_consistent(histogram);
    check_percentiles(histogram, values, count);
    check_moments(histogram, values, count);
}

/* Counted alike, slot by slot. The sums of squares may differ by their rounding, which is that of
 * the whole sum. */
static void
check_same(const struct histogram *is, const struct histogram *wanted, double whole)
{
    check_consistent(is);
    CHECK_IS(is->count, wanted->count, "count of both");
    CHECK_IS(is->overflow, wanted->overflow, "overflow of both");
    CHECK_IS(is->sum_ns, wanted->sum_ns, "sum of both");
    check_near("squares of both", is->squares_us, wanted->squares_us, whole / 1e10);
    CHECK(memcmp(is->slots, wanted->slots, sizeof is->slots) == 0, "slots of both differ");
}

/* In parts of different sizes; the last one is empty, and is added first and last. */
static void
check_merge(const struct histogram *all, const int64_t *values, size_t count)
{
    static struct histogram parts[PARTS + 1], sum;

    empty(&sum);
    memset(parts, 0, sizeof parts);
    for (size_t i = 0; i < count; i++) {
        histogram_record(&parts[i % 7 % PARTS], values[i]);
    }
    histogram_add(&sum, &parts[PARTS]);
    for (size_t i = 0; i <= PARTS; i++) {
        histogram_add(&sum, &parts[i]);
    }
    check_same(&sum, all, all->squares_us);
    CHECK_IS(sum.least_ns, all->least_ns, "least of both");
    CHECK_IS(sum.most_ns, all->most_ns, "most of both");
}

/* The ends of a difference: the middles of their slots. */
static void
check_ends_since(const struct histogram *since, const struct histogram *later,
                 const struct histogram *now)
{
    bool in_slots = later->count > later->overflow;

    if (in_slots) {
        check_near("least since", histogram_least(since), histogram_least(later),
                   bound_of((int64_t)later->least_ns));
    } else if (later->count > 0) {
        check_near("least since, of overflows", histogram_least(since), HISTOGRAM_MOST_US, 0);
    }
    if (later->overflow > 0) {
        CHECK_IS(since->most_ns, now->most_ns, "most since, with overflows");
    } else {
        check_near("most since", histogram_most(since), histogram_most(later),
                   in_slots ? bound_of((int64_t)later->most_ns) : 0);
    }
    for (uint32_t i = 0; i <= 1000000; i += 50000) {
        double value = histogram_percentile(since, i), exact = histogram_percentile(later, i);

        if (exact <= HISTOGRAM_MOST_US && value <= HISTOGRAM_MOST_US) {
            check_near("percentile since", value, exact, exact / 1024 + 1);
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
check_distribution(const struct distribution *distribution, size_t count)
{
    static int64_t values[VALUES];
    static struct histogram all;

    check_subject = distribution->name;
    empty(&all);
    for (size_t i = 0; i < count; i++) {
        values[i] = nth_value(distribution, i);
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

    check_subject = "each slot";
    for (int64_t us = 1; us + width - 1 <= HISTOGRAM_MOST_US; us += width) {
        width = us == 2048 * width ? 2 * width : width;
        values[count++] = us * US;
        values[count++] = (us + width - 1) * US;
    }
    for (size_t i = 0; i < count; i++) {
        histogram_record(&histogram, values[i]);
    }
    for (size_t slot = 1; slot <= count / 2; slot++) {
        CHECK_IS(histogram.slots[slot], 2, "in a slot");
    }
    check_against(&histogram, values, count);
}

/* --- while another process writes ------------------------------------------------------------ */

static _Noreturn void
record_in_child(struct histogram *live)
{
    for (size_t i = 0; i < LIVE_VALUES; i++) {
        histogram_record(live, US << any_bits() % 27);
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

    check_subject = "live";
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
    CHECK_IS(count, LIVE_VALUES, "count of all intervals");
    CHECK_IS(sum_ns, live->sum_ns, "sum of all intervals");
}

/* What another process has half written: a value is in its slot, but not yet in the rest; or the
 * other way round. Whoever reads goes by the slots. */
static void
check_half_written(void)
{
    static struct histogram writing, before, sum, since;

    check_subject = "half written";
    histogram_record(&writing, 5 * MS);
    histogram_add(&before, &writing);
    histogram_record(&writing, 5 * MS);
    writing.count += 3;
    histogram_add(&sum, &writing);
    check_consistent(&sum);
    CHECK_IS(sum.count, 2, "count of the slots");
    histogram_since(&since, &writing, &before);
    check_consistent(&since);
    CHECK_IS(since.count, 1, "count since");

    /* A slot, the overflow and the sums that seem to have shrunk. */
    before.slots[7] = before.overflow = 9;
    before.sum_ns = UINT64_MAX;
    before.squares_us = 1e30;
    writing.touched |= 1;
    histogram_since(&since, &writing, &before);
    check_consistent(&since);
    CHECK_IS(since.count, 1, "count since");
    CHECK_IS(since.sum_ns, 0, "sum since");
    check_near("squares since", since.squares_us, 0, 0);
    check_near("deviation since", histogram_deviation(&since), 0, 0);
}

/* Counted before it is in a slot, the first value is none yet; its ends are not either. */
static void
check_first_half_written(void)
{
    static struct histogram writing, sum, since;

    check_subject = "first value half written";
    writing.count = 1;
    writing.least_ns = writing.most_ns = writing.sum_ns = (uint64_t)(9 * MS);
    histogram_add(&sum, &writing);
    histogram_since(&since, &writing, &sum);
    CHECK_IS(sum.count, 0, "count");
    CHECK_IS(since.count, 0, "count since");
    histogram_record(&sum, 3 * MS);
    CHECK_IS(sum.least_ns, 3 * MS, "least");
    CHECK_IS(sum.most_ns, 3 * MS, "most");
}

/* --- ends of the arithmetic ------------------------------------------------------------------ */

static void
check_none(void)
{
    static struct histogram none;

    check_subject = "none";
    check_near("p0", histogram_percentile(&none, 0), 0, 0);
    check_near("median", histogram_percentile(&none, 500000), 0, 0);
    check_near("least", histogram_least(&none), 0, 0);
    check_near("most", histogram_most(&none), 0, 0);
    check_near("mean", histogram_mean(&none), 0, 0);
    check_near("deviation", histogram_deviation(&none), 0, 0);
}

/* So many values that rank times millionths would not fit into 64 bits. */
static void
check_many(void)
{
    static struct histogram histogram;
    const uint64_t half = (uint64_t)1 << 52;

    check_subject = "many";
    histogram.slots[10] = histogram.slots[20] = half;
    histogram.count = 2 * half;
    histogram.touched = 1;
    histogram.least_ns = 10 * US;
    histogram.most_ns = 20 * US;
    check_near("median", histogram_percentile(&histogram, 500000), 10, 0);
    check_near("just above", histogram_percentile(&histogram, 500001), 20, 0);
}

static void
check_root(void)
{
    check_subject = "root";
    check_near("of -1", histogram_root(-1), 0, 0);
    check_near("of 0", histogram_root(0), 0, 0);
    for (uint64_t root = 1; root < 1000000000; root = root * 3 + 1) {
        check_near("of a square", histogram_root((double)root * (double)root), (double)root, 0);
    }
    for (int i = 1; i <= 30; i++) {
        double root = 1 / (double)((uint64_t)1 << i);

        check_near("of a small square", histogram_root(root * root), root, 0);
    }
    check_near("of 2", histogram_root(2), 1.4142135623730951, 1e-15);
    check_near("of 1e300", histogram_root(1e300) / 1e150, 1, 1e-15);
}

int
main(void)
{
    static const size_t counts[] = {VALUES, 1000, 101, 100, 5, 2, 1};

    for (size_t i = 0; i < sizeof distributions / sizeof distributions[0]; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            check_distribution(&distributions[i], counts[j]);
        }
    }
    check_slots();
    check_live();
    check_half_written();
    check_first_half_written();
    check_none();
    check_many();
    check_root();
    return EXIT_SUCCESS;
}
