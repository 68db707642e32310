/*
 * csv - the report as a table of two lines (RFC 4180), to be appended to others: the names of the
 * columns, and their values. A value that is not known is an empty field, not 0.
 *
 * The same calls in the same order write both lines, and each call writes either the name or the
 * value of its column: so the lines cannot get out of step. No column depends on the run: the
 * tables of all runs can be put below each other.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../common/address.h"
#include "format.h"
#include "report.h"

enum { NAME = 64 }; /* room for the name of a column */

enum pass { PASS_NAMES, PASS_VALUES };

struct row {
    enum pass pass;
    bool begun;   /* there is a column already */
    bool unknown; /* the values of the next columns are */
};

/* --- a column -------------------------------------------------------------------------------- */

/* Begins a column, and writes its name. True if its value is wanted. */
static bool
column(struct row *row, const char *name)
{
    if (row->begun) {
        putchar(',');
    }
    row->begun = true;
    if (row->pass == PASS_NAMES) {
        fputs(name, stdout);
    }
    return row->pass == PASS_VALUES && !row->unknown;
}

/* A spreadsheet takes a text that begins with = + - or @ for a formula and runs it; a single quote
 * in front makes it text. The label gets one too: often a script took it from the name of a branch
 * or of a machine, and another person opens the table. The price: programs that are no spreadsheets
 * see the quote. So a label that is compared had better begin with a letter. */
static void
text_column(struct row *row, const char *name, const char *text)
{
    bool quoted = text[strcspn(text, ",\"")] != '\0';

    if (!column(row, name)) {
        return;
    }
    if (quoted) {
        putchar('"');
    }
    if (strspn(text, "=+-@\t\r") > 0) {
        putchar('\'');
    }
    while (*text != '\0') {
        size_t length = format_utf8(text);

        if (length == 0 && (*text < ' ' || *text > '~')) {
            printf("\\x%02x", (unsigned char)*text); /* a row is one line, whatever the label is */
        } else {
            printf("%s%.*s", *text == '"' ? "\"" : "", length > 0 ? (int)length : 1, text);
        }
        text += length > 0 ? length : 1;
    }
    if (quoted) {
        putchar('"');
    }
}

static void
count_column(struct row *row, const char *name, uint64_t count)
{
    if (column(row, name)) {
        printf("%" PRIu64, count);
    }
}

static void
number_column(struct row *row, const char *name, int decimals, double number)
{
    if (column(row, name)) {
        printf("%.*f", decimals, number);
    }
}

/* --- the columns ----------------------------------------------------------------------------- */

static void
asked_columns(struct row *row, const struct load *load)
{
    char target[ADDRESS_TEXT];

    address_text(&load->target, target);
    text_column(row, "label", load->label ? load->label : "");
    text_column(row, "target", target);
    text_column(row, "protocol", load_protocol(load));
    text_column(row, "path", load->path ? load->path : "");
    text_column(row, "mode", schedule_mode(&load->schedule));
    count_column(row, "rate", load->schedule.rate);
    count_column(row, "rate_to", load->schedule.rate_to);
    number_column(row, "duration_s", 3, (double)load->schedule.duration_ns / 1e9);
    count_column(row, "clients", load->processes);
    count_column(row, "connections_each", load->connections);
    count_column(row, "in_flight", load->in_flight);
    count_column(row, "bytes", load->bytes);
    count_column(row, "requests_per_connection", load->requests);
    count_column(row, "message_bytes", load->message_bytes);
    count_column(row, "held", load->held);
}

static void
total_columns(struct row *row, const struct totals *totals)
{
    count_column(row, "scheduled", totals->scheduled);
    count_column(row, "completed", totals->completed);
    count_column(row, "failed", totals->failed);
    count_column(row, "unsent", totals->unsent);
    count_column(row, "requests", totals->requests);
    count_column(row, "bytes_received", totals->bytes);
    count_column(row, "reopened", totals->reopened);
    number_column(row, "seconds", 6, totals->seconds);
    number_column(row, "connections_per_second", 1, totals_rate(totals, totals->completed));
    number_column(row, "requests_per_second", 1, totals_rate(totals, totals->requests));
    number_column(row, "client_cpu_s", 6, totals->cpu_seconds);
}

static void
error_columns(struct row *row, const struct totals *totals)
{
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        char name[NAME];

        snprintf(name, sizeof name, "errors_%s", outcome_name((enum failure)kind));
        count_column(row, name, totals->errors[kind]);
    }
}

static void
figure_column(struct row *row, const char *time, const char *figure, double us)
{
    char name[NAME];

    snprintf(name, sizeof name, "%s_us_%s", time, figure);
    number_column(row, name, 3, us);
}

/* Without a success there is no time. */
static void
time_columns(struct row *row, const char *time, const struct histogram *histogram)
{
    char name[NAME];

    snprintf(name, sizeof name, "%s_us_count", time);
    count_column(row, name, histogram->count);
    row->unknown = histogram->count == 0;
    figure_column(row, time, "min", histogram_least(histogram));
    figure_column(row, time, "mean", histogram_mean(histogram));
    figure_column(row, time, "stddev", histogram_deviation(histogram));
    figure_column(row, time, "p50", histogram_percentile(histogram, 500000));
    figure_column(row, time, "p90", histogram_percentile(histogram, 900000));
    figure_column(row, time, "p99", histogram_percentile(histogram, 990000));
    figure_column(row, time, "p999", histogram_percentile(histogram, 999000));
    figure_column(row, time, "max", histogram_most(histogram));
    row->unknown = false;
}

static void
rest_columns(struct row *row, const struct load *load, const struct totals *totals)
{
    uint64_t misbehaved = 0;

    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        misbehaved += totals->misbehaved[i].begun;
    }
    count_column(row, "late", totals->late);
    number_column(row, "most_late_us", 3, totals->most_late_us);
    count_column(row, "children", totals->distribution.used);
    row->unknown = totals->distribution.used == 0;
    count_column(row, "children_min", totals->evenness.least);
    count_column(row, "children_max", totals->evenness.most);
    number_column(row, "jain", 6, totals->evenness.jain);
    row->unknown = false;
    count_column(row, "misbehaved", misbehaved);
    count_column(row, "interrupted", totals->interrupted);
    row->unknown = totals->step_count == 0;
    count_column(row, "found_rate", totals->found);
    row->unknown = false;
}

void
report_csv(const struct load *load, const struct totals *totals)
{
    for (int pass = PASS_NAMES; pass <= PASS_VALUES; pass++) {
        struct row row = {.pass = (enum pass)pass};

        asked_columns(&row, load);
        total_columns(&row, totals);
        error_columns(&row, totals);
        for (int i = 0; i < LATENCY_KINDS; i++) {
            time_columns(&row, tally_latency_names[i], &totals->latencies[i]);
        }
        rest_columns(&row, load, totals);
        putchar('\n');
    }
}
