/*
 * hdr - the histogram of a time as a file for HdrHistogram's plotter.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "report.h"

enum { TICKS = 5 }; /* rows from each level to the one that is half as far from 100 % */

/* The largest value that falls into a slot, as HdrHistogram writes it: so it is true that so many
 * values are at or below. The report shows the slot's middle, up to half a thousandth less. */
static double
top_us(const struct histogram *histogram, size_t slot)
{
    uint64_t width, lowest = histogram_lowest(slot, &width);
    double top = (double)(lowest + width - 1);
    double most = histogram_most(histogram);

    return top < most ? top : most;
}

/* A row for each level 1 - (10 - i) / 10 / 2^halving, until one has all values at or below it:
 * all levels above it would say the same. */
static void
write_levels(FILE *file, const struct histogram *histogram)
{
    uint64_t count = 0; /* of values in the slots before `slot` */
    size_t slot = 0;

    for (unsigned tick = 0; count < histogram->count; tick++) {
        unsigned halving = tick / TICKS, tenths = 2 * TICKS - tick % TICKS;
        uint64_t above = histogram->count * tenths / (2 * TICKS) >> halving; /* at most */
        double inverse = 2.0 * TICKS * (double)((uint64_t)1 << halving) / tenths;

        /* The lowest level is the least value, not nothing. */
        while (slot < HISTOGRAM_SLOTS && (count == 0 || histogram->count - count > above)) {
            count += histogram->slots[slot++];
        }
        if (histogram->count - count > above || count == 0) {
            return; /* the level is among the values that overflowed: the last row */
        }
        fprintf(file, "%12.3f %2.12f %10" PRIu64 " %14.2f\n", top_us(histogram, slot - 1) / 1000,
                1 - 1 / inverse, count, inverse);
    }
}

bool
report_hdr(FILE *file, const struct histogram *histogram)
{
    double most = histogram_most(histogram) / 1000;
    bool written;
    int error;

    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    write_levels(file, histogram);
    if (histogram->count > 0) {
        fprintf(file, "%12.3f %2.12f %10" PRIu64 "\n", most, 1.0, histogram->count);
    }
    fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
            histogram_mean(histogram) / 1000, histogram_deviation(histogram) / 1000);
    fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", most, histogram->count);
    fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n", HISTOGRAM_BLOCKS - 1,
            2 * HISTOGRAM_HALF);
    /* Most errors show only when the bytes leave the buffer; ferror() knows of the earlier ones. */
    written = fflush(file) == 0 && !ferror(file);
    error = errno;
    if (fclose(file) != 0) {
        error = written ? errno : error; /* the first one is the reason */
        written = false;
    }
    errno = error;
    return written;
}
