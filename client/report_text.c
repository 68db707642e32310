/*
 * report_text - the report for people: what was asked, times, totals, failures, who served whom.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../common/address.h"
#include "report.h"

enum {
    GROUPED = 32,   /* room for a number with commas */
    SHOWN = 128,    /* room for a line of the server's, escaped */
    BAR = 40,       /* columns of the longest bar */
    ROWS_MOST = 40, /* children that get a row each */
    BINS_MOST = 20  /* rows of the histogram that stands for more */
};

static void print_asked(const struct load *load);
static void print_times(const struct load *load, const struct result *result);
static void print_totals(const struct load *load, const struct result *result);
static void print_failures(const struct load *load, const struct result *result,
                           const struct tally *tallies);
static void print_processes(const struct load *load, const struct tally *tallies);
static void print_distribution(const struct load *load, const struct result *result);

void
report_text(const struct load *load, const struct result *result, const struct tally *tallies)
{
    if (!load->quiet) {
        print_asked(load);
        print_times(load, result);
        print_totals(load, result);
    }
    print_failures(load, result, tallies);
    if (load->quiet) {
        return;
    }
    if (load->verbose) {
        print_processes(load, tallies);
    }
    print_distribution(load, result);
}

/* --- numbers --------------------------------------------------------------------------------- */

/* 1234567 as 1,234,567. */
static const char *
grouped(char text[GROUPED], uint64_t number)
{
    char digits[GROUPED];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;

    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* Three digits or four, in the unit that fits. */
static void
print_duration(double us)
{
    if (us < 999.5) {
        printf(" %6.*f us", us < 9.95 ? 1 : 0, us);
    } else if (us < 999.5e3) {
        printf(" %6.*f ms", us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, us / 1e3);
    } else {
        printf(" %6.2f s ", us / 1e6);
    }
}

/* Shows bytes that came from outside: what is not printable ASCII becomes \xNN. */
static const char *
escaped(char text[SHOWN], const char *from)
{
    size_t used = 0;

    for (; *from != '\0' && *from != '\n' && used + 8 < SHOWN; from++) {
        unsigned char byte = (unsigned char)*from;

        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            text[used++] = *from;
        } else {
            used += (size_t)snprintf(text + used, SHOWN - used, "\\x%02x", byte);
        }
    }
    snprintf(text + used, SHOWN - used, "%s", *from != '\0' && *from != '\n' ? "..." : "");
    return text;
}

static void
print_bar(uint64_t value, uint64_t most)
{
    uint64_t length = most > 0 ? (uint64_t)((double)value / (double)most * BAR + 0.5) : 0;

    if (length > 0) {
        printf("  ");
    }
    for (uint64_t i = 0; i < length; i++) {
        putchar('#');
    }
    putchar('\n');
}

static const char *
plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- asked, times, totals -------------------------------------------------------------------- */

static void
print_asked(const struct load *load)
{
    char target[ADDRESS_TEXT], shown[SHOWN], connections[GROUPED], requests[GROUPED],
        bytes[GROUPED];

    address_text(&load->target, target);
    printf("%u process%s x %s connection%s", load->processes, load->processes == 1 ? "" : "es",
           grouped(connections, load->connections), plural(load->connections));
    if (load->in_flight > 1) {
        printf(" (%u at a time)", load->in_flight);
    }
    printf(" x %s request%s of %s byte%s", grouped(requests, load->requests),
           plural(load->requests), grouped(bytes, load->bytes), plural(load->bytes));
    printf(" to %s\n\n", escaped(shown, target));
}

static void
print_row(const char *name, const struct histogram *histogram)
{
    static const uint32_t ranks[] = {500000, 900000, 990000, 999000};

    printf("%-10s", name);
    print_duration(histogram_least(histogram));
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        print_duration(histogram_percentile(histogram, ranks[i]));
    }
    print_duration(histogram_most(histogram));
    putchar('\n');
}

/* -v: the rest of the distribution of a time. */
static void
print_more(const char *name, const struct histogram *histogram)
{
    static const uint32_t ranks[] = {250000, 750000, 950000, 999900};

    printf("%-10s", name);
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        print_duration(histogram_percentile(histogram, ranks[i]));
    }
    print_duration(histogram_mean(histogram));
    print_duration(histogram_deviation(histogram));
    putchar('\n');
}

static void
print_times(const struct load *load, const struct result *result)
{
    static const char *const names[LATENCY_KINDS] = {"connect", "first byte", "service"};
    uint64_t overflow = result->latencies[LATENCY_SERVICE].overflow;

    if (result->requests == 0) {
        return;
    }
    printf("%-10s%7s%10s%10s%10s%10s%10s\n", "", "min", "p50", "p90", "p99", "p99.9", "max");
    for (int i = 0; i < LATENCY_KINDS; i++) {
        print_row(names[i], &result->latencies[i]);
    }
    if (load->verbose) {
        printf("\n%-10s%7s%10s%10s%10s%10s%10s\n", "", "p25", "p75", "p95", "p99.99", "mean",
               "std dev");
        for (int i = 0; i < LATENCY_KINDS; i++) {
            print_more(names[i], &result->latencies[i]);
        }
    }
    if (overflow > 0) {
        printf("%" PRIu64 " took more than 60 s.\n", overflow);
    }
    putchar('\n');
}

static double
per_second(double count, double seconds)
{
    return seconds > 0 ? count / seconds : 0;
}

static void
print_totals(const struct load *load, const struct result *result)
{
    double seconds = result->seconds;
    char completed[GROUPED], scheduled[GROUPED], rate[GROUPED];

    printf("%s of %s connections completed in %.3f s", grouped(completed, result->completed),
           grouped(scheduled, result->scheduled), seconds);
    printf(": %s connections/s",
           grouped(rate, (uint64_t)(per_second((double)result->completed, seconds) + 0.5)));
    if (load->requests > 1) {
        printf(", %s requests/s",
               grouped(rate, (uint64_t)(per_second((double)result->requests, seconds) + 0.5)));
    }
    printf(", %.1f MiB/s\n", per_second((double)result->bytes, seconds) / (1 << 20));
    printf(
        "Closed loop: a process begins a connection when another one has ended. So a slow server "
        "is asked\nless often, and the waiting of those who would have come meanwhile is in none "
        "of these times.\n");
}

/* --- failures -------------------------------------------------------------------------------- */

static const char *
reason(const struct result *result, enum failure kind)
{
    if (kind == FAILURE_OTHER && result->error[kind] == EINTR) {
        return "under way when the client was stopped";
    }
    if (kind == FAILURE_OTHER && result->died > 0 && result->error[kind] == 0) {
        return "under way when their client process died";
    }
    return result->error[kind] != 0 ? strerror(result->error[kind]) : "";
}

/* The lines that servers sent instead of replies, each once. */
static void
print_rejections(const struct load *load, const struct tally *tallies)
{
    char shown[SHOWN];

    for (unsigned i = 0; i < load->processes; i++) {
        bool new = tallies[i].rejection[0] != '\0';

        for (unsigned j = 0; new &&j < i; j++) {
            new = strcmp(tallies[i].rejection, tallies[j].rejection) != 0;
        }
        if (new) {
            printf("  the server said: %s\n", escaped(shown, tallies[i].rejection));
        }
    }
}

static void
print_failures(const struct load *load, const struct result *result, const struct tally *tallies)
{
    char count[GROUPED];
    const char *hint;

    if (result->failed > 0) {
        printf("%sFailed: %s\n", load->quiet ? "" : "\n", grouped(count, result->failed));
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        if (result->errors[kind] > 0) {
            const char *why = reason(result, (enum failure)kind);

            printf("  %-14s %12s  %s\n", result_kind((enum failure)kind),
                   grouped(count, result->errors[kind]), why);
        }
    }
    print_rejections(load, tallies);
    if (result->unsent > 0) {
        printf("Never begun: %s%s\n", grouped(count, result->unsent),
               result->interrupted ? " (interrupted)" : "");
    } else if (result->interrupted) {
        printf("Interrupted.\n");
    }
    if (result->died > 0) {
        printf("%u client process%s died; of %s the distribution lacks what was not yet told.\n",
               result->died, result->died == 1 ? "" : "es", result->died == 1 ? "it" : "them");
    }
    for (unsigned i = 0; (hint = result_hint(result, load, i)); i++) {
        printf("%s\n", hint);
    }
}

/* --- processes and children ------------------------------------------------------------------ */

static void
print_processes(const struct load *load, const struct tally *tallies)
{
    printf("\nprocess      pid  completed    failed     unsent  seconds\n");
    for (unsigned i = 0; i < load->processes; i++) {
        const struct tally *tally = &tallies[i];
        uint64_t begun = counter_get(&tally->begun), failed = 0;

        for (int kind = 0; kind < FAILURE_KINDS; kind++) {
            failed += counter_get(&tally->failed[kind]);
        }
        printf("%7u %8ld %10" PRIu64 " %9" PRIu64 " %10" PRIu64 " %8.3f%s\n", i + 1,
               (long)tally->pid,
               (uint64_t)(counter_get(&tally->completed[TRUST_VERIFIED]) +
                          counter_get(&tally->completed[TRUST_UNVERIFIED])),
               failed, load->connections - begun,
               (double)(tally->ended_ns - tally->started_ns) / 1e9, tally->died ? "  died" : "");
    }
}

static void
print_rows(const struct load *load, const struct result *result)
{
    double total = (double)(result->evenness.total > 0 ? result->evenness.total : 1);
    bool several = load->requests > 1;

    printf("\nchild      pid  connections%s  share\n", several ? "    requests" : "");
    for (size_t i = 0; i < result->distribution.used; i++) {
        const struct share *share = &result->distribution.places[i];

        printf("%5" PRIu64 " %8" PRIu64 " %12" PRIu64, share->child, share->pid,
               share->connections);
        if (several) {
            printf(" %11" PRIu64, share->requests);
        }
        printf(" %5.1f%%", 100 * (double)share->connections / total);
        print_bar(share->connections, result->evenness.most);
    }
}

/* How many children served how many: equal steps from the least to the most. */
static void
print_bins(const struct result *result)
{
    uint64_t bins[BINS_MOST] = {0}, most = 0;
    uint64_t least = result->evenness.least;
    uint64_t width = (result->evenness.most - least) / BINS_MOST + 1;

    for (size_t i = 0; i < result->distribution.used; i++) {
        uint64_t bin = (result->distribution.places[i].connections - least) / width;

        bins[bin]++;
        most = bins[bin] > most ? bins[bin] : most;
    }
    printf("\nconnections      children\n");
    for (uint64_t i = 0; least + i * width <= result->evenness.most; i++) {
        char range[2 * GROUPED];

        snprintf(range, sizeof range, width > 1 ? "%" PRIu64 " to %" PRIu64 : "%" PRIu64,
                 least + i * width, least + (i + 1) * width - 1);
        printf("%-15s %9" PRIu64, range, bins[i]);
        print_bar(bins[i], most);
    }
}

static void
print_distribution(const struct load *load, const struct result *result)
{
    const struct evenness *even = &result->evenness;

    if (result->foreign) {
        printf("\nThe server does not identify its children: the replies were counted, their bytes "
               "not verified.\n");
        return;
    }
    if (result->distribution.used == 0) {
        if (result->requests > 0) {
            printf("\nReplies of less than 32 bytes have no room to say who sent them.\n");
        }
        return;
    }
    if (result->distribution.used <= ROWS_MOST) {
        print_rows(load, result);
    } else {
        print_bins(result);
    }
    printf("\n%zu child%s: min %" PRIu64 ", max %" PRIu64 ", mean %.1f, standard deviation %.1f",
           result->distribution.used, result->distribution.used == 1 ? "" : "ren", even->least,
           even->most, even->mean, even->deviation);
    printf("; Jain's fairness index %.4f\n", even->jain);
}
