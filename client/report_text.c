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
    COLUMNS = 100,  /* no line is longer */
    GROUPED = 32,   /* room for a number with commas */
    TEXT = 512,     /* room for two or three lines */
    SHOWN = 128,    /* room for a line of the server's, escaped */
    SAID_MOST = 80, /* columns of it */
    BAR = 40,       /* columns of the longest bar */
    ROWS_MOST = 40, /* children that get a row each */
    LABEL = 25,     /* room for "cpu 1.00 ms wait 5.00 ms" */
    FIGURES = 8,    /* columns of a number of requests */
    BINS_MOST = 20  /* rows of the histogram that stands for more */
};

static void print_asked(const struct load *load);
static void print_times(const struct load *load, const struct result *result);
static void print_classes(const struct load *load, const struct result *result);
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
        print_classes(load, result);
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

struct duration {
    double number;
    int decimals;
    const char *unit;
};

/* Three digits or four, in the unit that fits. */
static struct duration
duration_of(double us)
{
    if (us < 999.5) {
        return (struct duration){us, us < 9.95 ? 1 : 0, "us"};
    }
    if (us < 999.5e3) {
        return (struct duration){us / 1e3, us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, "ms"};
    }
    return (struct duration){us / 1e6, 2, "s"};
}

static void
print_duration(double us)
{
    struct duration duration = duration_of(us);

    printf(" %6.*f %-2s", duration.decimals, duration.number, duration.unit);
}

/* Shows bytes that came from outside: what is not printable ASCII becomes \xNN. */
static const char *
escaped(char text[SHOWN], const char *from, size_t most)
{
    size_t used = 0;

    for (; *from != '\0' && used + 4 + strlen("...") <= most; from++) {
        unsigned char byte = (unsigned char)*from;

        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            text[used++] = *from;
        } else {
            used += (size_t)snprintf(text + used, SHOWN - used, "\\x%02x", byte);
        }
    }
    snprintf(text + used, SHOWN - used, "%s", *from != '\0' ? "..." : "");
    return text;
}

/* Prints a line; one that is too long is broken at blanks. */
static void
print_wrapped(const char *text)
{
    while (strlen(text) > COLUMNS) {
        size_t length = COLUMNS;

        while (length > 1 && text[length] != ' ') {
            length--;
        }
        printf("%.*s\n", (int)length, text);
        text += length + 1;
    }
    puts(text);
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

/* --- asked, times ---------------------------------------------------------------------------- */

static void
print_asked(const struct load *load)
{
    char target[ADDRESS_TEXT], shown[SHOWN], connections[GROUPED], requests[GROUPED],
        bytes[GROUPED], in_flight[GROUPED] = "", work[GROUPED * 2] = "", text[TEXT];
    const char *what = load->message ? "message" : "request";
    uint64_t size = load->message ? load->message_bytes : load->bytes;
    size_t length;

    address_text(&load->target, target);
    escaped(shown, target, COLUMNS - strlen("to "));
    if (load->in_flight > 1) {
        snprintf(in_flight, sizeof in_flight, " (%u at a time)", load->in_flight);
    }
    if (load->mix.classes > 0) {
        snprintf(work, sizeof work, ", %.9g%% with work (seed %" PRIu32 ")",
                 100 * (double)mix_share(&load->mix) / MIX_WHOLE, load->mix.seed);
    }
    length = (size_t)snprintf(
        text, sizeof text, "%u process%s x %s connection%s%s x %s %s%s of %s byte%s%s",
        load->processes, load->processes == 1 ? "" : "es", grouped(connections, load->connections),
        plural(load->connections), in_flight, grouped(requests, load->requests), what,
        plural(load->requests), grouped(bytes, size), plural(size), work);
    if (length + strlen(" to ") + strlen(shown) > COLUMNS) {
        print_wrapped(text);
        printf("to %s\n\n", shown);
    } else {
        printf("%s to %s\n\n", text, shown);
    }
}

static const char times_heading[] = "    min       p50       p90       p99     p99.9       max";

static void
print_durations(const struct histogram *histogram)
{
    static const uint32_t ranks[] = {500000, 900000, 990000, 999000};

    print_duration(histogram_least(histogram));
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        print_duration(histogram_percentile(histogram, ranks[i]));
    }
    print_duration(histogram_most(histogram));
    putchar('\n');
}

static void
print_row(const char *name, const struct histogram *histogram)
{
    printf("%-10s", name);
    print_durations(histogram);
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
    printf("%-10s%s\n", "", times_heading);
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

/* --- work ------------------------------------------------------------------------------------ */

static size_t
add_work(char label[LABEL], size_t used, const char *name, uint32_t us)
{
    struct duration duration = duration_of(us);

    return used + (size_t)snprintf(label + used, LABEL - used, "%s%s %.*f %s", used > 0 ? " " : "",
                                   name, duration.decimals, duration.number, duration.unit);
}

/* A class of -W: "plain", "cpu 20.0 ms", "wait 5.00 ms", "cpu 1.00 ms wait 5.00 ms". */
static const char *
label_of(char label[LABEL], const struct mix *mix, unsigned class)
{
    const struct work *work = &mix->works[class];
    size_t used = 0;

    if (class >= mix->options) {
        return "plain";
    }
    if (work->cpu_us > 0 || work->wait_us == 0) {
        used = add_work(label, used, "cpu", work->cpu_us);
    }
    if (work->wait_us > 0) {
        add_work(label, used, "wait", work->wait_us);
    }
    return label;
}

/* A number of requests; a hundred million and more in millions. */
static void
print_figure(uint64_t number)
{
    if (number < 100000000) {
        printf(" %*" PRIu64, FIGURES, number);
    } else {
        printf(" %*" PRIu64 " M", FIGURES - 2, (number + 500000) / 1000000);
    }
}

/* -W: how many requests of each class succeeded, the part of it in all that were begun, and the
 * times. Of none there are no times. */
static void
print_classes(const struct load *load, const struct result *result)
{
    char label[LABEL];

    if (result->requests == 0 || load->mix.classes == 0) {
        return;
    }
    printf("%-*s %*s  share%s\n", LABEL - 1, "service by work", FIGURES, "requests", times_heading);
    for (unsigned i = 0; i < load->mix.classes; i++) {
        double percent = 100 * result_part(result, i);

        printf("%-*s", LABEL - 1, label_of(label, &load->mix, i));
        print_figure(result->works[i].count);
        printf(" %5.*f%%", percent < 9.995 ? 2 : 1, percent);
        if (result->works[i].count > 0) {
            print_durations(&result->works[i]);
        } else {
            putchar('\n');
        }
    }
    putchar('\n');
}

/* --- totals ---------------------------------------------------------------------------------- */

static void
print_totals(const struct load *load, const struct result *result)
{
    char completed[GROUPED], scheduled[GROUPED], rate[GROUPED], requests[2 * GROUPED] = "";
    char text[TEXT];

    if (load->requests > 1) {
        grouped(rate, (uint64_t)(result_rate(result, result->requests) + 0.5));
        snprintf(requests, sizeof requests, ", %s requests/s", rate);
    }
    grouped(rate, (uint64_t)(result_rate(result, result->completed) + 0.5));
    snprintf(text, sizeof text,
             "%s of %s connections completed in %.3f s: %s connections/s%s, %.1f MiB/s",
             grouped(completed, result->completed), grouped(scheduled, result->scheduled),
             result->seconds, rate, requests, result_rate(result, result->bytes) / (1 << 20));
    print_wrapped(text);
    printf(
        "Closed loop: a process begins a connection when another one has ended. So a slow server "
        "is asked\nless often, and the waiting of those who would have come meanwhile is in none "
        "of these times.\n");
}

/* --- failures -------------------------------------------------------------------------------- */

static const char *
reason(const struct result *result, enum failure kind)
{
    bool killed = result->killed && result->error[kind] == 0;

    if (kind == FAILURE_OTHER && (result->error[kind] == EINTR || killed)) {
        return "under way when the client was stopped";
    }
    if (kind == FAILURE_OTHER && result->died > 0 && result->error[kind] == 0) {
        return "under way when their client process died";
    }
    return result->error[kind] != 0 ? strerror(result->error[kind]) : "";
}

static void
print_rejections(const struct load *load, const struct tally *tallies)
{
    char shown[SHOWN];
    const char *rejection;

    for (unsigned i = 0; (rejection = result_rejection(load, tallies, i)); i++) {
        printf("  the server said: %s\n", escaped(shown, rejection, SAID_MOST));
    }
}

/* The processes that did not end by themselves. */
static void
print_dead(const struct result *result)
{
    if (result->died > 0) {
        printf("%u client process%s %s; of %s the distribution lacks what was not yet told.\n",
               result->died, result->died == 1 ? "" : "es",
               result->killed ? "had to be ended" : "died", result->died == 1 ? "it" : "them");
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
    print_dead(result);
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

        printf("%7u %8ld %10" PRIu64 " %9" PRIu64 " %10" PRIu64 " %8.3f%s\n", i + 1,
               (long)tally->pid, tally_completed(tally), tally_failed(tally),
               load->connections - (uint64_t)counter_get(&tally->begun),
               (double)(tally->ended_ns - tally->started_ns) / 1e9,
               tally->died ? "  did not finish" : "");
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
print_no_distribution(const struct load *load, const struct result *result)
{
    if (result->requests > 0) {
        printf("\nReplies to -M carry no stamp, so there is no distribution; they were %s.\n",
               load->expected ? "compared with -E" : "not compared with anything");
    }
}

static void
print_distribution(const struct load *load, const struct result *result)
{
    const struct evenness *even = &result->evenness;
    char text[TEXT];

    if (load->message) {
        print_no_distribution(load, result);
        return;
    }
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
    snprintf(text, sizeof text,
             "%zu child%s: min %" PRIu64 ", max %" PRIu64 ", mean %.1f, standard deviation %.1f; "
             "Jain's fairness index %.4f",
             result->distribution.used, result->distribution.used == 1 ? "" : "ren", even->least,
             even->most, even->mean, even->deviation, even->jain);
    putchar('\n');
    print_wrapped(text);
}
