/*
 * report_text - the report for people: what was asked, times, totals, failures, who served whom.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../common/address.h"
#include "../ask/lottery.h"
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

static void print_first(const struct load *load, const struct result *result);
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
    print_first(load, result);
    if (!load->quiet) {
        print_asked(load);
        print_times(load, result);
        print_classes(load, result);
        print_totals(load, result);
        print_misbehaved(load, result);
    }
    print_held(load, result);
    print_failures(load, result, tallies);
    print_gates(load, result);
    if (load->quiet) {
        return;
    }
    print_intervals(load, result);
    if (load->verbose) {
        print_processes(load, tallies);
    }
    print_distribution(load, result);
}

/* --- asked, times ---------------------------------------------------------------------------- */

/* What must not be overlooked: what has been found, and that a rate was not reached. */
static void
print_first(const struct load *load, const struct result *result)
{
    char text[REMARK_TEXT], shown[TEXT_SHOWN];

    if (load->label && !load->quiet) {
        printf("Run: %s\n\n", text_escaped(shown, load->label, TEXT_COLUMNS - strlen("Run: ")));
    }
    print_steps(load, result);
    if (result->step_count == 0 && remark_rate(result, load, text)) {
        text_wrapped(text);
        if (!load->quiet) {
            putchar('\n');
        }
    }
}

/* "10 s", "0.5 s". */
static const char *
seconds_text(char text[DURATION_TEXT], const struct load *load)
{
    snprintf(text, DURATION_TEXT, "%.9g s", (double)load_schedule(load) / 1e9);
    return text;
}

/* "5 processes", and what they do when: the connections of the run. */
static void
phrase_connections(char text[PHRASE], const struct load *load)
{
    const struct plan *plan = &load->plan;
    char count[TEXT_GROUPED], rate[TEXT_GROUPED], to[TEXT_GROUPED], length[DURATION_TEXT];
    char processes[TEXT_GROUPED * 2];

    snprintf(processes, sizeof processes, "%u process%s", load->processes,
             load->processes == 1 ? "" : "es");
    text_grouped(count, load->connections);
    text_grouped(rate, plan->rate);
    text_grouped(to, plan->rate_to);
    seconds_text(length, load);
    if (plan->kind == PLAN_RAMP) {
        snprintf(text, PHRASE, "%s to %s connections/s over %s from %s", rate, to, length,
                 processes);
    } else if (plan_open(plan) && load->connections == 0) {
        snprintf(text, PHRASE, "%s connections/s for %s from %s", rate, length, processes);
    } else if (plan_open(plan)) {
        text_grouped(count, load_total(load));
        snprintf(text, PHRASE, "%s connection%s at %s/s from %s", count,
                 text_plural(load_total(load)), rate, processes);
    } else if (load->connections == 0) {
        snprintf(text, PHRASE, "%s for %s", processes, length);
    } else {
        snprintf(text, PHRASE, "%s x %s connection%s", processes, count,
                 text_plural(load->connections));
    }
}

/* What is asked on each connection. */
static void
phrase_requests(char text[PHRASE], const struct load *load)
{
    char requests[TEXT_GROUPED], bytes[TEXT_GROUPED];
    uint64_t size = load->message ? load->message_bytes : load->bytes;
    int used =
        snprintf(text, PHRASE, "%s %s%s of %s byte%s", text_grouped(requests, load->requests),
                 load->message ? "message" : "request", text_plural(load->requests),
                 text_grouped(bytes, size), text_plural(size));

    if (load->mix.classes > 0) {
        snprintf(text + used, PHRASE - (size_t)used, ", %.9g%% with work (seed %" PRIu32 ")",
                 100 * (double)mix_share(&load->mix) / DRAW_WHOLE, load->seed);
    }
}

static void
print_asked(const struct load *load)
{
    char target[ADDRESS_TEXT], shown[TEXT_SHOWN], connections[PHRASE], requests[PHRASE],
        in_flight[TEXT_GROUPED] = "", text[TEXT];
    size_t length;

    address_text(&load->target, target);
    text_escaped(shown, target, TEXT_COLUMNS - strlen("to "));
    phrase_connections(connections, load);
    phrase_requests(requests, load);
    if (load->in_flight > 1 && !plan_open(&load->plan)) {
        snprintf(in_flight, sizeof in_flight, " (%u at a time)", load->in_flight);
    }
    length = (size_t)snprintf(text, sizeof text, "%s%s x %s", connections, in_flight, requests);
    if (length + strlen(" to ") + strlen(shown) > TEXT_COLUMNS) {
        text_wrapped(text);
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

    text_duration(histogram_least(histogram));
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        text_duration(histogram_percentile(histogram, ranks[i]));
    }
    text_duration(histogram_most(histogram));
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
        text_duration(histogram_percentile(histogram, ranks[i]));
    }
    text_duration(histogram_mean(histogram));
    text_duration(histogram_deviation(histogram));
    putchar('\n');
}

static void
print_times(const struct load *load, const struct result *result)
{
    static const char *const names[LATENCY_KINDS] = {"connect", "first byte", "service",
                                                     "response"};
    int kinds = plan_open(&load->plan) ? LATENCY_KINDS : LATENCY_RESPONSE;
    uint64_t overflow = result->latencies[kinds - 1].overflow;
    char text[REMARK_TEXT];

    if (result->requests == 0) {
        return;
    }
    printf("%-10s%s\n", "", times_heading);
    for (int i = 0; i < kinds; i++) {
        print_row(names[i], &result->latencies[i]);
    }
    if (load->verbose) {
        printf("\n%-10s%7s%10s%10s%10s%10s%10s\n", "", "p25", "p75", "p95", "p99.99", "mean",
               "std dev");
        for (int i = 0; i < kinds; i++) {
            print_more(names[i], &result->latencies[i]);
        }
    }
    if (overflow > 0) {
        printf("%" PRIu64 " took more than 60 s.\n", overflow);
    }
    if (remark_response(result, load, text)) {
        text_wrapped(text);
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
print_class_times(const struct load *load, const struct result *result, const char *heading,
                  int which)
{
    char label[LABEL];

    printf("%-*s %*s  share%s\n", LABEL - 1, heading, FIGURES, "requests", times_heading);
    for (unsigned i = 0; i < load->mix.classes; i++) {
        const struct histogram *times = &result->works[i][which];
        double percent = 100 * result_part(result, i);

        printf("%-*s", LABEL - 1, label_of(label, &load->mix, i));
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
print_classes(const struct load *load, const struct result *result)
{
    if (result->requests == 0 || load->mix.classes == 0) {
        return;
    }
    print_class_times(load, result, "service by work", 0);
    if (plan_open(&load->plan)) {
        print_class_times(load, result, "response by work", 1);
    }
}

/* --- totals ---------------------------------------------------------------------------------- */

/* Which loop it was, and what that means for the times. */
static void
print_loop(const struct load *load, const struct result *result)
{
    uint64_t late = result->late_full + result->late_busy;
    char count[TEXT_GROUPED], most[DURATION_TEXT], text[TEXT];

    if (!plan_open(&load->plan)) {
        text_wrapped("Closed loop: a process begins a connection when another one has ended. So a "
                     "slow server is asked less often, and the waiting of those who would have "
                     "come meanwhile is in none of these times.");
        return;
    }
    snprintf(text, sizeof text,
             "Open loop: connections begin on schedule, whatever becomes of the others; service "
             "counts from the real beginning, response from when it was due. %s began more than "
             "1 ms late, the latest %s.",
             text_grouped(count, late), duration_text(result->most_late_us, most));
    text_wrapped(text);
}

static void
print_totals(const struct load *load, const struct result *result)
{
    char completed[TEXT_GROUPED], scheduled[TEXT_GROUPED], rate[TEXT_GROUPED],
        requests[2 * TEXT_GROUPED] = "";
    char text[TEXT];

    if (result->scheduled == 0) {
        text_wrapped("No well-behaved connection was to be made.");
        return;
    }
    if (load->requests > 1) {
        text_grouped(rate, (uint64_t)(result_rate(result, result->requests) + 0.5));
        snprintf(requests, sizeof requests, ", %s requests/s", rate);
    }
    text_grouped(rate, (uint64_t)(result_rate(result, result->completed) + 0.5));
    snprintf(text, sizeof text,
             "%s of %s connections completed in %.3f s: %s connections/s%s, %.1f MiB/s",
             text_grouped(completed, result->completed), text_grouped(scheduled, result->scheduled),
             result->seconds, rate, requests, result_rate(result, result->bytes) / (1 << 20));
    text_wrapped(text);
    print_loop(load, result);
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
    char shown[TEXT_SHOWN];
    const char *rejection;

    for (unsigned i = 0; (rejection = result_rejection(load, tallies, i)); i++) {
        printf("  the server said: %s\n", text_escaped(shown, rejection, SAID_MOST));
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
    char count[TEXT_GROUPED];
    char text[REMARK_TEXT];

    if (result->failed > 0) {
        printf("%sFailed: %s\n", load->quiet ? "" : "\n", text_grouped(count, result->failed));
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        if (result->errors[kind] > 0) {
            const char *why = reason(result, (enum failure)kind);

            printf("  %-14s %12s%s%s\n", outcome_name((enum failure)kind),
                   text_grouped(count, result->errors[kind]), *why != '\0' ? "  " : "", why);
        }
    }
    print_rejections(load, tallies);
    if (result->unsent > 0) {
        printf("Never begun: %s%s\n", text_grouped(count, result->unsent),
               result->interrupted          ? " (interrupted)"
               : result->died > 0           ? " (their client process died)"
               : load->plan.duration_ns > 0 ? " (time was over before there was room for them)"
                                            : "");
    } else if (result->interrupted) {
        printf("Interrupted.\n");
    }
    print_dead(result);
    for (unsigned i = 0; remark_limit(result, load, i, text); i++) {
        text_wrapped(text);
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
        text_bar(share->connections, result->evenness.most, TEXT_BAR);
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
        char range[2 * TEXT_GROUPED];

        snprintf(range, sizeof range, width > 1 ? "%" PRIu64 " to %" PRIu64 : "%" PRIu64,
                 least + i * width, least + (i + 1) * width - 1);
        printf("%-15s %9" PRIu64, range, bins[i]);
        text_bar(bins[i], most, TEXT_BAR);
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
    text_wrapped(text);
}
