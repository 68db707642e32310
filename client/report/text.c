/*
 * report_text - the report for people: what was asked, times, totals, failures, who served whom.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../common/address.h"
#include "../ask/lottery.h"
#include "../figures/tally.h"
#include "duration.h"
#include "advice.h"
#include "report.h"
#include "tables.h"
#include "format.h"

enum {
    TEXT = 600,     /* room for two or three lines */
    PHRASE = 256,   /* room for a part of a line */
    SAID_MOST = 80, /* columns of what the server said */
    ROWS_MOST = 40, /* children that get a row each */
    LABEL = 25,     /* room for "cpu 1.00 ms wait 5.00 ms" */
    FIGURES = 8,    /* columns of a number of requests */
    BINS_MOST = 20  /* rows of the histogram that stands for more */
};

static void print_first(const struct load *load, const struct totals *totals);
static void print_asked(const struct load *load);
static void print_times(const struct load *load, const struct totals *totals);
static void print_classes(const struct load *load, const struct totals *totals);
static void print_totals(const struct load *load, const struct totals *totals);
static void print_failures(const struct load *load, const struct totals *totals,
                           const struct tally *tallies);
static void print_processes(const struct load *load, const struct tally *tallies);
static void print_distribution(const struct load *load, const struct totals *totals);

void
report_text(const struct load *load, const struct totals *totals, const struct tally *tallies)
{
    print_first(load, totals);
    if (!load->quiet) {
        print_asked(load);
        print_times(load, totals);
        print_classes(load, totals);
        print_totals(load, totals);
        print_misbehaved(load, totals);
    }
    print_held(load, totals);
    print_failures(load, totals, tallies);
    print_gates(load, totals);
    if (load->quiet) {
        return;
    }
    print_intervals(load, totals);
    if (load->verbose) {
        print_processes(load, tallies);
    }
    print_distribution(load, totals);
}

/* --- asked, times ---------------------------------------------------------------------------- */

/* What must not be overlooked: what has been found, and that a rate was not reached. */
static void
print_first(const struct load *load, const struct totals *totals)
{
    char text[ADVICE_TEXT], shown[FORMAT_SHOWN];

    if (load->label && !load->quiet) {
        printf("Run: %s\n\n", format_escaped(shown, load->label, FORMAT_COLUMNS - strlen("Run: ")));
    }
    print_steps(load, totals);
    if (totals->step_count == 0 && advice_rate(totals, load, text)) {
        format_paragraph(text);
        if (!load->quiet) {
            putchar('\n');
        }
    }
}

/* "10 s", "0.5 s". */
static const char *
seconds_text(char text[FORMAT_DURATION], const struct load *load)
{
    snprintf(text, FORMAT_DURATION, "%.9g s", (double)load_schedule_ns(load) / 1e9);
    return text;
}

/* "5 processes", and what they do when: the connections of the run. */
static void
phrase_connections(char text[PHRASE], const struct load *load)
{
    const struct schedule *schedule = &load->schedule;
    char count[FORMAT_GROUPED], rate[FORMAT_GROUPED], to[FORMAT_GROUPED], length[FORMAT_DURATION];
    char processes[FORMAT_GROUPED * 2];

    snprintf(processes, sizeof processes, "%u process%s", load->processes,
             load->processes == 1 ? "" : "es");
    format_grouped(count, load->connections);
    format_grouped(rate, schedule->rate);
    format_grouped(to, schedule->rate_to);
    seconds_text(length, load);
    if (schedule->kind == SCHEDULE_RAMP) {
        snprintf(text, PHRASE, "%s to %s connections/s over %s from %s", rate, to, length,
                 processes);
    } else if (load_is_open(load) && load->connections == 0) {
        snprintf(text, PHRASE, "%s connections/s for %s from %s", rate, length, processes);
    } else if (load_is_open(load)) {
        format_grouped(count, load_total(load));
        snprintf(text, PHRASE, "%s connection%s at %s/s from %s", count,
                 format_plural(load_total(load)), rate, processes);
    } else if (load->connections == 0) {
        snprintf(text, PHRASE, "%s for %s", processes, length);
    } else {
        snprintf(text, PHRASE, "%s x %s connection%s", processes, count,
                 format_plural(load->connections));
    }
}

/* What is asked on each connection. */
static void
phrase_requests(char text[PHRASE], const struct load *load)
{
    char requests[FORMAT_GROUPED], bytes[FORMAT_GROUPED];
    uint64_t size = load->message ? load->message_bytes : load->bytes;
    int used =
        snprintf(text, PHRASE, "%s %s%s of %s byte%s", format_grouped(requests, load->requests),
                 load->message ? "message" : "request", format_plural(load->requests),
                 format_grouped(bytes, size), format_plural(size));

    if (load->work.lots.count > 0) {
        snprintf(text + used, PHRASE - (size_t)used, ", %.9g%% with work (seed %" PRIu32 ")",
                 100 * (double)lottery_share(&load->work.lots) / LOTTERY_WHOLE, load->seed);
    }
}

static void
print_asked(const struct load *load)
{
    char target[ADDRESS_TEXT], shown[FORMAT_SHOWN], connections[PHRASE], requests[PHRASE],
        in_flight[FORMAT_GROUPED] = "", text[TEXT];
    size_t length;

    address_text(&load->target, target);
    format_escaped(shown, target, FORMAT_COLUMNS - strlen("to "));
    phrase_connections(connections, load);
    phrase_requests(requests, load);
    if (load->in_flight > 1 && !load_is_open(load)) {
        snprintf(in_flight, sizeof in_flight, " (%u at a time)", load->in_flight);
    }
    length = (size_t)snprintf(text, sizeof text, "%s%s x %s", connections, in_flight, requests);
    if (length + strlen(" to ") + strlen(shown) > FORMAT_COLUMNS) {
        format_paragraph(text);
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

    format_column(histogram_least(histogram));
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        format_column(histogram_percentile(histogram, ranks[i]));
    }
    format_column(histogram_most(histogram));
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
        format_column(histogram_percentile(histogram, ranks[i]));
    }
    format_column(histogram_mean(histogram));
    format_column(histogram_deviation(histogram));
    putchar('\n');
}

static void
print_times(const struct load *load, const struct totals *totals)
{
    static const char *const names[LATENCY_KINDS] = {"connect", "first byte", "service",
                                                     "response"};
    int kinds = load_is_open(load) ? LATENCY_KINDS : LATENCY_RESPONSE;
    uint64_t overflow = totals->latencies[kinds - 1].overflow;
    char text[ADVICE_TEXT];

    if (totals->requests == 0) {
        return;
    }
    printf("%-10s%s\n", "", times_heading);
    for (int i = 0; i < kinds; i++) {
        print_row(names[i], &totals->latencies[i]);
    }
    if (load->verbose) {
        printf("\n%-10s%7s%10s%10s%10s%10s%10s\n", "", "p25", "p75", "p95", "p99.99", "mean",
               "std dev");
        for (int i = 0; i < kinds; i++) {
            print_more(names[i], &totals->latencies[i]);
        }
    }
    if (overflow > 0) {
        printf("%" PRIu64 " took more than 60 s.\n", overflow);
    }
    if (advice_response(totals, load, text)) {
        format_paragraph(text);
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
label_of(char label[LABEL], const struct work *work, unsigned class)
{
    const struct work_class *asked = &work->classes[class];
    size_t used = 0;

    if (class >= work->lots.count) {
        return "plain";
    }
    if (asked->cpu_us > 0 || asked->wait_us == 0) {
        used = add_work(label, used, "cpu", asked->cpu_us);
    }
    if (asked->wait_us > 0) {
        add_work(label, used, "wait", asked->wait_us);
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
print_class_times(const struct load *load, const struct totals *totals, const char *heading,
                  int which)
{
    char label[LABEL];

    printf("%-*s %*s  share%s\n", LABEL - 1, heading, FIGURES, "requests", times_heading);
    for (unsigned i = 0; i < work_classes(&load->work); i++) {
        const struct histogram *times = &totals->work_times[i][which];
        double percent = 100 * totals_part(totals, i);

        printf("%-*s", LABEL - 1, label_of(label, &load->work, i));
        print_figure(times->count);
        printf(" %5.*f%%", percent < 9.995 ? 2 : 1, percent);
        if (times->count > 0) {
            print_durations(times);
        } else {
            putchar('\n');
        }
    }
    putchar('\n');
}

static void
print_classes(const struct load *load, const struct totals *totals)
{
    if (totals->requests == 0 || load->work.lots.count == 0) {
        return;
    }
    print_class_times(load, totals, "service by work", 0);
    if (load_is_open(load)) {
        print_class_times(load, totals, "response by work", 1);
    }
}

/* --- totals ---------------------------------------------------------------------------------- */

/* Which loop it was, and what that means for the times. */
static void
print_loop(const struct load *load, const struct totals *totals)
{
    uint64_t late = totals->late_full + totals->late_busy;
    char count[FORMAT_GROUPED], most[FORMAT_DURATION], text[TEXT];

    if (!load_is_open(load)) {
        format_paragraph(
            "Closed loop: a process begins a connection when another one has ended. So a "
            "slow server is asked less often, and the waiting of those who would have "
            "come meanwhile is in none of these times.");
        return;
    }
    snprintf(text, sizeof text,
             "Open loop: connections begin on schedule, whatever becomes of the others; service "
             "counts from the real beginning, response from when it was due. %s began more than "
             "1 ms late, the latest %s.",
             format_grouped(count, late), format_duration(totals->most_late_us, most));
    format_paragraph(text);
}

static void
print_totals(const struct load *load, const struct totals *totals)
{
    char completed[FORMAT_GROUPED], scheduled[FORMAT_GROUPED], rate[FORMAT_GROUPED],
        requests[2 * FORMAT_GROUPED] = "";
    char text[TEXT];

    if (totals->scheduled == 0) {
        format_paragraph("No well-behaved connection was to be made.");
        return;
    }
    if (load->requests > 1) {
        format_grouped(rate, (uint64_t)(totals_rate(totals, totals->requests) + 0.5));
        snprintf(requests, sizeof requests, ", %s requests/s", rate);
    }
    format_grouped(rate, (uint64_t)(totals_rate(totals, totals->completed) + 0.5));
    snprintf(text, sizeof text,
             "%s of %s connections completed in %.3f s: %s connections/s%s, %.1f MiB/s",
             format_grouped(completed, totals->completed),
             format_grouped(scheduled, totals->scheduled), totals->seconds, rate, requests,
             totals_rate(totals, totals->bytes) / (1 << 20));
    format_paragraph(text);
    print_loop(load, totals);
}

/* --- failures -------------------------------------------------------------------------------- */

static const char *
reason(const struct totals *totals, enum failure kind)
{
    bool killed = totals->killed && totals->error[kind] == 0;

    if (kind == FAILURE_OTHER && (totals->error[kind] == EINTR || killed)) {
        return "under way when the client was stopped";
    }
    if (kind == FAILURE_OTHER && totals->died > 0 && totals->error[kind] == 0) {
        return "under way when their client process died";
    }
    return totals->error[kind] != 0 ? strerror(totals->error[kind]) : "";
}

static void
print_rejections(const struct load *load, const struct tally *tallies)
{
    char shown[FORMAT_SHOWN];
    const char *rejection;

    for (unsigned i = 0; (rejection = totals_rejection(load, tallies, i)); i++) {
        printf("  the server said: %s\n", format_escaped(shown, rejection, SAID_MOST));
    }
}

/* The processes that did not end by themselves. */
static void
print_dead(const struct totals *totals)
{
    if (totals->died > 0) {
        printf("%u client process%s %s; of %s the distribution lacks what was not yet told.\n",
               totals->died, totals->died == 1 ? "" : "es",
               totals->killed ? "had to be ended" : "died", totals->died == 1 ? "it" : "them");
    }
}

static void
print_failures(const struct load *load, const struct totals *totals, const struct tally *tallies)
{
    char count[FORMAT_GROUPED];
    char text[ADVICE_TEXT];

    if (totals->failed > 0) {
        printf("%sFailed: %s\n", load->quiet ? "" : "\n", format_grouped(count, totals->failed));
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        if (totals->errors[kind] > 0) {
            const char *why = reason(totals, (enum failure)kind);

            printf("  %-14s %12s%s%s\n", outcome_name((enum failure)kind),
                   format_grouped(count, totals->errors[kind]), *why != '\0' ? "  " : "", why);
        }
    }
    print_rejections(load, tallies);
    if (totals->unsent > 0) {
        printf("Never begun: %s%s\n", format_grouped(count, totals->unsent),
               totals->interrupted              ? " (interrupted)"
               : totals->died > 0               ? " (their client process died)"
               : load->schedule.duration_ns > 0 ? " (time was over before there was room for them)"
                                                : "");
    } else if (totals->interrupted) {
        printf("Interrupted.\n");
    }
    print_dead(totals);
    for (unsigned i = 0; advice_limit(totals, load, i, text); i++) {
        format_paragraph(text);
    }
}

/* --- processes and children ------------------------------------------------------------------ */

/* How many of its connections a process has not begun. */
static uint64_t
left_of(const struct load *load, const struct tally *tally)
{
    uint64_t total = load_total(load), taken = counter_get(&tally->taken);

    return total > 0 ? load_share(load, tally->number, total) - taken : 0;
}

static void
print_processes(const struct load *load, const struct tally *tallies)
{
    printf("\nprocess      pid  completed    failed     unsent  seconds\n");
    for (unsigned i = 0; i < load->processes; i++) {
        const struct tally *tally = &tallies[i];

        printf("%7u %8ld %10" PRIu64 " %9" PRIu64 " %10" PRIu64 " %8.3f%s\n", i + 1,
               (long)tally->pid, outcome_completed(&tally->good), outcome_failed(&tally->good),
               left_of(load, tally), (double)(tally->ended_ns - tally->started_ns) / 1e9,
               tally->died ? "  did not finish" : "");
    }
}

static void
print_rows(const struct load *load, const struct totals *totals)
{
    double total = (double)(totals->evenness.total > 0 ? totals->evenness.total : 1);
    bool several = load->requests > 1;

    printf("\nchild      pid  connections%s  share\n", several ? "    requests" : "");
    for (size_t i = 0; i < totals->distribution.used; i++) {
        const struct share *share = &totals->distribution.places[i];

        printf("%5" PRIu64 " %8" PRIu64 " %12" PRIu64, share->child, share->pid,
               share->connections);
        if (several) {
            printf(" %11" PRIu64, share->requests);
        }
        printf(" %5.1f%%", 100 * (double)share->connections / total);
        format_bar(share->connections, totals->evenness.most, FORMAT_BAR);
    }
}

/* How many children served how many: equal steps from the least to the most. */
static void
print_bins(const struct totals *totals)
{
    uint64_t bins[BINS_MOST] = {0}, most = 0;
    uint64_t least = totals->evenness.least;
    uint64_t width = (totals->evenness.most - least) / BINS_MOST + 1;

    for (size_t i = 0; i < totals->distribution.used; i++) {
        uint64_t bin = (totals->distribution.places[i].connections - least) / width;

        bins[bin]++;
        most = bins[bin] > most ? bins[bin] : most;
    }
    printf("\nconnections      children\n");
    for (uint64_t i = 0; least + i * width <= totals->evenness.most; i++) {
        char range[2 * FORMAT_GROUPED];

        snprintf(range, sizeof range, width > 1 ? "%" PRIu64 " to %" PRIu64 : "%" PRIu64,
                 least + i * width, least + (i + 1) * width - 1);
        printf("%-15s %9" PRIu64, range, bins[i]);
        format_bar(bins[i], most, FORMAT_BAR);
    }
}

static void
print_no_distribution(const struct load *load, const struct totals *totals)
{
    if (totals->requests > 0) {
        printf("\nReplies to -M carry no stamp, so there is no distribution; they were %s.\n",
               load->expected ? "compared with -E" : "not compared with anything");
    }
}

static void
print_distribution(const struct load *load, const struct totals *totals)
{
    const struct evenness *even = &totals->evenness;
    char text[TEXT];

    if (load->message) {
        print_no_distribution(load, totals);
        return;
    }
    if (totals->foreign) {
        printf("\nThe server does not identify its children: the replies were counted, their bytes "
               "not verified.\n");
        return;
    }
    if (totals->distribution.used == 0) {
        if (totals->requests > 0) {
            printf("\nReplies of less than 32 bytes have no room to say who sent them.\n");
        }
        return;
    }
    if (totals->distribution.used <= ROWS_MOST) {
        print_rows(load, totals);
    } else {
        print_bins(totals);
    }
    snprintf(text, sizeof text,
             "%zu child%s: min %" PRIu64 ", max %" PRIu64 ", mean %.1f, standard deviation %.1f; "
             "Jain's fairness index %.4f",
             totals->distribution.used, totals->distribution.used == 1 ? "" : "ren", even->least,
             even->most, even->mean, even->deviation, even->jain);
    putchar('\n');
    format_paragraph(text);
}
