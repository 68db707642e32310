/*
 * text - the report for people: the load, times, totals, failures, and the children that served.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "format.h"
#include "report.h"
#include "tables.h"

enum {
    LINE = 600,     /* room for two or three lines */
    SAID_MOST = 80, /* columns of the line that the server sent in place of a reply */
    ROWS_MOST = 40, /* children, or threads, that get a row each */
    LABEL = 24,     /* columns of "cpu 1.00 ms wait 5.00 ms" */
    FIGURES = 8,    /* columns of a number of requests */
    BINS_MOST = 20  /* rows of the histogram that stands for more of them */
};

/* --- the load -------------------------------------------------------------------------------- */

/* The news: the rate that a search has found, or that a rate was not reached. */
static void
print_first(const struct load *load, const struct totals *totals)
{
    char text[ADVICE_TEXT];

    if (load->label && !load->quiet) {
        printf("Run: %s\n\n", format_escaped(load->label, FORMAT_COLUMNS - strlen("Run: ")).text);
    }
    print_steps(load, totals);
    if (totals->step_count == 0 && advice_rate(totals, load, text)) {
        format_paragraph("%s", text);
        if (!load->quiet) {
            putchar('\n');
        }
    }
}

/* Writes the connections of the run: how many processes make how many of them, or how long. */
static int
phrase_connections(char text[LINE], const struct load *load)
{
    const struct schedule *schedule = &load->schedule;
    const char *plural = load->processes == 1 ? "" : "es";
    double seconds = (double)load_schedule_ns(load) / 1e9;
    uint64_t total = load_total(load);
    int used = 0;

    if (schedule->kind == SCHEDULE_RAMP) {
        used = snprintf(text, LINE, "%s to %s connections/s (-r) over %.9g s (-d) from ",
                        format_grouped(schedule->rate).text, format_grouped(schedule->rate_to).text,
                        seconds);
    } else if (load_is_open(load) && load->connections == 0) {
        used = snprintf(text, LINE, "%s connections/s (-r) for %.9g s (-d) from ",
                        format_grouped(schedule->rate).text, seconds);
    } else if (load_is_open(load)) {
        used =
            snprintf(text, LINE, "%s connection%s at %s/s (-r) from ", format_grouped(total).text,
                     format_plural(total), format_grouped(schedule->rate).text);
    }
    used +=
        snprintf(text + used, LINE - (size_t)used, "%u process%s (-c)", load->processes, plural);
    if (!load_is_open(load) && load->connections == 0) {
        used += snprintf(text + used, LINE - (size_t)used, " for %.9g s (-d)", seconds);
    } else if (!load_is_open(load)) {
        used += snprintf(text + used, LINE - (size_t)used, " x %s connection%s (-t)",
                         format_grouped(load->connections).text, format_plural(load->connections));
    }
    if (load->in_flight > 1 && !load_is_open(load)) {
        used += snprintf(text + used, LINE - (size_t)used, " (-m %u at a time)", load->in_flight);
    }
    return used;
}

/* What is asked for on each connection. */
static int
phrase_requests(char *text, size_t room, const struct load *load)
{
    uint64_t size = load->message ? load->message_bytes : load->bytes;
    int used = snprintf(text, room, " x %s %s%s%s", format_grouped(load->requests).text,
                        load->message ? "message"
                        : load->http  ? "GET"
                                      : "request",
                        format_plural(load->requests), load->message ? "" : " (-k)");

    if (load->path) {
        return used + snprintf(text + used, room - (size_t)used, " of %s (-u)",
                               format_escaped(load->path, FORMAT_COLUMNS / 2).text);
    }
    return used + snprintf(text + used, room - (size_t)used, " of %s byte%s (%s)",
                           format_grouped(size).text, format_plural(size),
                           load->message ? "-M" : "-b");
}

static void
print_asked(const struct load *load)
{
    char target[ADDRESS_TEXT], text[LINE];
    struct escaped_text to;
    int used = phrase_connections(text, load);

    used += phrase_requests(text + used, LINE - (size_t)used, load);
    if (load->work.lots.count > 0) {
        used +=
            snprintf(text + used, LINE - (size_t)used, ", %.9g%% with work (-W, -S %" PRIu32 ")",
                     100 * (double)lottery_share(&load->work.lots) / LOTTERY_WHOLE, load->seed);
    }
    address_text(&load->target, target);
    to = format_escaped(target, FORMAT_COLUMNS - strlen("to "));
    if ((size_t)used + strlen(" to ") + strlen(to.text) > format_prose()) {
        format_paragraph("%s", text);
        printf("to %s\n\n", to.text);
    } else {
        printf("%s to %s\n\n", text, to.text);
    }
}

/* --- times ----------------------------------------------------------------------------------- */

static const char times_heading[] = "    min       p50       p90       p99     p99.9       max";

/* Without a success there is no time. */
static void
print_ranks(const struct histogram *histogram, const uint32_t *millionths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (histogram->count > 0) {
            format_column(histogram_percentile(histogram, millionths[i]));
        } else {
            format_absent();
        }
    }
}

/* The columns of times_heading. */
static void
print_durations(const struct histogram *histogram)
{
    static const uint32_t ranks[] = {0, 500000, 900000, 990000, 999000, 1000000};

    print_ranks(histogram, ranks, sizeof ranks / sizeof ranks[0]);
    putchar('\n');
}

/* -v: the rest of the distribution of a time. */
static void
print_more(const struct histogram *histogram)
{
    static const uint32_t ranks[] = {250000, 750000, 950000, 999900};

    print_ranks(histogram, ranks, sizeof ranks / sizeof ranks[0]);
    if (histogram->count > 0) {
        format_column(histogram_mean(histogram));
        format_column(histogram_deviation(histogram));
    } else {
        format_absent();
        format_absent();
    }
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
        printf("%-10s", names[i]);
        print_durations(&totals->latencies[i]);
    }
    if (load->verbose) {
        printf("\n%-10s    p25       p75       p95    p99.99      mean   std dev\n", "");
    }
    for (int i = 0; i < kinds && load->verbose; i++) {
        printf("%-10s", names[i]);
        print_more(&totals->latencies[i]);
    }
    if (overflow > 0) {
        printf("%" PRIu64 " took more than 60 s.\n", overflow);
    }
    if (advice_response(totals, load, text)) {
        format_paragraph("%s", text);
    }
    putchar('\n');
}

/* --- work ------------------------------------------------------------------------------------ */

/* A class of -W: "plain", "cpu 20.0 ms", "wait 5.00 ms", "cpu 1.00 ms wait 5.00 ms". */
static void
print_label(const struct work *work, unsigned class)
{
    struct number_text cpu = format_duration(work->classes[class].cpu_us);
    struct number_text wait = format_duration(work->classes[class].wait_us);
    bool waits = work->classes[class].wait_us > 0;
    char label[2 * FORMAT_NUMBER + LABEL] = "plain";

    if (class < work->lots.count && waits && work->classes[class].cpu_us > 0) {
        snprintf(label, sizeof label, "cpu %s wait %s", cpu.text, wait.text);
    } else if (class < work->lots.count) {
        snprintf(label, sizeof label, waits ? "wait %s" : "cpu %s", waits ? wait.text : cpu.text);
    }
    printf("%-*s", LABEL, label);
}

/* -W: how many requests of each class succeeded, the part of the class in all that were begun, and
 * the times; `which` is 0 for service, 1 for response. */
static void
print_class_times(const struct load *load, const struct totals *totals, const char *heading,
                  int which)
{
    printf("%-*s %*s  share%s\n", LABEL, heading, FIGURES, "requests", times_heading);
    for (unsigned i = 0; i < work_classes(&load->work); i++) {
        const struct histogram *times = &totals->work_times[i][which];
        double percent = 100 * totals_part(totals, i);

        print_label(&load->work, i);
        if (times->count < 100000000) {
            printf(" %*" PRIu64, FIGURES, times->count);
        } else {
            printf(" %*" PRIu64 " M", FIGURES - 2, (times->count + 500000) / 1000000);
        }
        printf(" %5.*f%%", percent < 9.995 ? 2 : 1, percent);
        print_durations(times);
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

static void
print_totals(const struct load *load, const struct totals *totals)
{
    struct number_text seconds = format_duration(totals->seconds * 1e6);
    char requests[2 * FORMAT_NUMBER] = "";

    if (totals->scheduled == 0) {
        format_paragraph("No well-behaved connection was to be made.");
        return;
    }
    if (totals->completed == 0 && totals->scheduled == 1) {
        format_paragraph("The one connection was not completed, in %s.", seconds.text);
        return;
    }
    if (totals->completed == 0) {
        format_paragraph("None of %s connections was completed, in %s.",
                         format_grouped(totals->scheduled).text, seconds.text);
        return;
    }
    if (load->requests > 1) {
        snprintf(requests, sizeof requests, ", %s requests/s",
                 format_rate(totals_rate(totals, totals->requests)).text);
    }
    format_paragraph("%s of %s connection%s completed in %s: %s connections/s%s, %.1f MiB/s",
                     format_grouped(totals->completed).text, format_grouped(totals->scheduled).text,
                     format_plural(totals->scheduled), seconds.text,
                     format_rate(totals_rate(totals, totals->completed)).text, requests,
                     totals_rate(totals, totals->bytes) / (1 << 20));
    if (load_is_open(load)) {
        format_paragraph("Open loop: connections begin on schedule, whatever becomes of the "
                         "others; service counts from the real beginning, response from when it "
                         "was due. %s began more than 1 ms late, the latest %s.",
                         format_grouped(totals->late).text,
                         format_duration(totals->most_late_us).text);
    } else {
        format_paragraph("Closed loop: a process begins a connection when another one has ended. "
                         "So a slow server is asked less often, and the waiting of those who would "
                         "have come meanwhile is in none of these times.");
    }
}

/* The replies told who sent them. */
static bool
has_distribution(const struct load *load, const struct totals *totals)
{
    return !load->quiet && !load->message && !totals->foreign && totals->distribution.used > 0;
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
print_kinds(const struct load *load, const struct totals *totals, const struct tally *tallies)
{
    const char *rejection;

    if (totals->failed > 0) {
        printf("%sFailed: %s\n", load->quiet ? "" : "\n", format_grouped(totals->failed).text);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        if (totals->errors[kind] > 0) {
            const char *why = reason(totals, (enum failure)kind);

            printf("  %-14s %12s%s%s\n", outcome_name((enum failure)kind),
                   format_grouped(totals->errors[kind]).text, *why != '\0' ? "  " : "", why);
        }
    }
    for (unsigned i = 0; (rejection = totals_rejection(load, tallies, i)); i++) {
        printf("  the server said: %s\n", format_escaped(rejection, SAID_MOST).text);
    }
}

static void
print_failures(const struct load *load, const struct totals *totals, const struct tally *tallies)
{
    char text[ADVICE_TEXT];

    print_kinds(load, totals, tallies);
    if (totals->unsent > 0) {
        printf("Never begun: %s%s\n", format_grouped(totals->unsent).text,
               totals->interrupted              ? " (interrupted)"
               : totals->died > 0               ? " (their client process died)"
               : load->schedule.duration_ns > 0 ? " (time was over)"
                                                : "");
    } else if (totals->interrupted) {
        printf("Interrupted.\n");
    }
    if (totals->died > 0) {
        format_paragraph(
            "%u client process%s %s%s.", totals->died, totals->died == 1 ? "" : "es",
            totals->killed ? "had to be ended" : "died",
            has_distribution(load, totals) ? "; the distribution lacks what was not yet told" : "");
    }
    for (unsigned i = 0; advice_any(totals, load, ADVICE_REST, i, text); i++) {
        format_paragraph("%s", text);
    }
}

/* --- processes and children ------------------------------------------------------------------ */

static void
print_processes(const struct load *load, const struct tally *tallies)
{
    uint64_t misbehaving[MISBEHAVE_MOST];

    printf("\nprocess      pid  completed    failed     unsent  seconds\n");
    for (unsigned i = 0; i < load->processes; i++) {
        const struct tally *tally = &tallies[i];

        printf("%7u %8ld %10" PRIu64 " %9" PRIu64 " %10" PRIu64 " %8.3f%s\n", i + 1,
               (long)tally->pid, outcome_completed(&tally->good), outcome_failed(&tally->good),
               totals_unsent(load, tally, misbehaving),
               (double)(tally->ended_ns - tally->started_ns) / 1e9,
               tally->died ? "  did not finish" : "");
    }
}

static void
print_rows(const struct load *load, const struct totals *totals)
{
    double total = (double)(totals->evenness.total > 0 ? totals->evenness.total : 1);
    const char *heading = totals->evenness.threads ? "child.thread" : "child";
    int columns = (int)strlen(heading); /* the more of them, the shorter are the bars */
    bool several = load->requests > 1;

    printf("\n%s      pid  connections%s  share\n", heading, several ? "    requests" : "");
    for (size_t i = 0; i < totals->distribution.used; i++) {
        const struct share *share = &totals->distribution.places[i];
        char name[2 * FORMAT_NUMBER];

        snprintf(name, sizeof name, share->sender.thread > 0 ? "%" PRIu64 ".%" PRIu64 : "%" PRIu64,
                 share->sender.child, share->sender.thread);
        printf("%*s %8" PRIu64 " %12" PRIu64, columns, name, share->sender.pid, share->connections);
        if (several) {
            printf(" %11" PRIu64, share->requests);
        }
        printf(" %5.1f%%", 100 * (double)share->connections / total);
        format_bar(share->connections, totals->evenness.most, FORMAT_BAR + 5 - columns);
    }
}

/* How many children or threads served how many connections: equal steps from least to most. */
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
    printf("\nconnections       %s\n", totals->evenness.threads ? " threads" : "children");
    for (uint64_t i = 0; least + i * width <= totals->evenness.most; i++) {
        char range[2 * FORMAT_NUMBER];

        snprintf(range, sizeof range, width > 1 ? "%" PRIu64 " to %" PRIu64 : "%" PRIu64,
                 least + i * width, least + (i + 1) * width - 1);
        printf("%-15s %9" PRIu64, range, bins[i]);
        format_bar(bins[i], most, FORMAT_BAR);
    }
}

/* Prints why replies that came make no distribution. (If those who met them have died, that has
 * been said.) */
static void
print_lack(const struct load *load, const struct totals *totals)
{
    if (totals->requests == 0 || totals->identified) {
        return;
    }
    putchar('\n');
    if (load->message) {
        format_paragraph("Replies to -M carry no stamp, so there is no distribution; they were %s.",
                         load->expected ? "compared with -E" : "not compared with anything");
    } else if (totals->foreign) {
        format_paragraph("The server does not identify its children: the replies were counted, "
                         "their bytes not verified.");
    } else {
        format_paragraph("Replies of less than 32 bytes have no room to say who sent them.");
    }
}

static void
print_distribution(const struct load *load, const struct totals *totals)
{
    const struct evenness *even = &totals->evenness;
    size_t senders = totals->distribution.used;
    const char *plural = senders == 1 ? "" : even->threads ? "s" : "ren";

    print_lack(load, totals);
    if (!has_distribution(load, totals)) {
        return;
    }
    if (senders <= ROWS_MOST) {
        print_rows(load, totals);
    } else {
        print_bins(totals);
    }
    putchar('\n');
    printf("%zu %s%s: min %" PRIu64 ", max %" PRIu64 ", mean %.1f, standard deviation %.1f;\n"
           "Jain's fairness index %.4f\n",
           senders, even->threads ? "thread" : "child", plural, even->least, even->most, even->mean,
           even->deviation, even->jain);
    if (load->requests > 1 && totals->failed > 0) {
        format_paragraph("(A connection counts with its first reply, also if it failed later.)");
    }
}

/* --- the report ------------------------------------------------------------------------------ */

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
