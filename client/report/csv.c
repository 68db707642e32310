/*
 * report_csv - the report as a table of two lines (RFC 4180), to be appended to others: the names
 * of the columns, and their values. What is not known is an empty field, not 0.
 *
 * The table is walked twice, each time by the same calls in the same order, and a column is a call
 * that writes either its name or its value. So the two lines cannot get out of step. No column
 * depends on the run: the tables of all runs can be put below each other.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../common/address.h"
#include "../figures/outcome.h"
#include "report.h"

enum { NAME = 64 }; /* room for the name of a column */

enum pass { PASS_NAMES, PASS_VALUES };

struct row {
    enum pass pass;
    bool begun;   /* there is a column already */
    bool unknown; /* the values of the next columns are */
};

static void write_row(enum pass pass, const struct load *load, const struct result *result);
static void asked_columns(struct row *row, const struct load *load);
static void total_columns(struct row *row, const struct result *result);
static void error_columns(struct row *row, const struct result *result);
static void latency_columns(struct row *row, const struct result *result);
static void rest_columns(struct row *row, const struct load *load, const struct result *result);

void
report_csv(const struct load *load, const struct result *result)
{
    write_row(PASS_NAMES, load, result);
    write_row(PASS_VALUES, load, result);
}

static void
write_row(enum pass pass, const struct load *load, const struct result *result)
{
    struct row row = {.pass = pass};

    asked_columns(&row, load);
    total_columns(&row, result);
    error_columns(&row, result);
    latency_columns(&row, result);
    rest_columns(&row, load, result);
    putchar('\n');
}

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

/*
 * A spreadsheet takes what begins with = + - or @ for a formula and runs it; a single quote in
 * front makes it text. The label gets one too, though whoever runs the client chose it: often that
 * is a script, which took it from the name of a branch or of a machine, and who opens the table is
 * somebody else. The price: programs that are no spreadsheets see the quote. So a label that is to
 * be compared had better begin with a letter.
 */
static void
text_column(struct row *row, const char *name, const char *text)
{
    bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';

    if (!column(row, name)) {
        return;
    }
    if (quoted) {
        putchar('"');
    }
    if (strspn(text, "=+-@\t\r") > 0) {
        putchar('\'');
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putchar('"');
        }
        putchar(*text);
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
    static const char *const modes[] = {
        [PLAN_CLOSED] = "closed",
        [PLAN_OPEN] = "open",
        [PLAN_RAMP] = "ramp",
        [PLAN_SEARCH] = "open", /* each of its runs is one */
    };
    char target[ADDRESS_TEXT];

    address_text(&load->target, target);
    text_column(row, "label", load->label ? load->label : "");
    text_column(row, "target", target);
    text_column(row, "mode", modes[load->plan.kind]);
    count_column(row, "rate", load->plan.rate);
    count_column(row, "rate_to", load->plan.rate_to);
    number_column(row, "duration_s", 3, (double)load->plan.duration_ns / 1e9);
    count_column(row, "clients", load->processes);
    count_column(row, "connections_each", load->connections);
    count_column(row, "in_flight", load->in_flight);
    count_column(row, "bytes", load->bytes);
    count_column(row, "requests_per_connection", load->requests);
    count_column(row, "message_bytes", load->message_bytes);
    count_column(row, "held", load->held);
}

static void
total_columns(struct row *row, const struct result *result)
{
    count_column(row, "scheduled", result->scheduled);
    count_column(row, "completed", result->completed);
    count_column(row, "failed", result->failed);
    count_column(row, "unsent", result->unsent);
    count_column(row, "requests", result->requests);
    count_column(row, "bytes_received", result->bytes);
    number_column(row, "seconds", 6, result->seconds);
    number_column(row, "connections_per_second", 1, result_rate(result, result->completed));
    number_column(row, "requests_per_second", 1, result_rate(result, result->requests));
    number_column(row, "client_cpu_s", 6, result->cpu_seconds);
}

static void
error_columns(struct row *row, const struct result *result)
{
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        char name[NAME];

        snprintf(name, sizeof name, "errors_%s", outcome_name((enum failure)kind));
        count_column(row, name, result->errors[kind]);
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
    static const struct {
        const char *name;
        uint32_t millionths;
    } ranks[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p999", 999000}};
    char name[NAME];

    snprintf(name, sizeof name, "%s_us_count", time);
    count_column(row, name, histogram->count);
    row->unknown = histogram->count == 0;
    figure_column(row, time, "min", histogram_least(histogram));
    figure_column(row, time, "mean", histogram_mean(histogram));
    figure_column(row, time, "stddev", histogram_deviation(histogram));
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        figure_column(row, time, ranks[i].name,
                      histogram_percentile(histogram, ranks[i].millionths));
    }
    figure_column(row, time, "max", histogram_most(histogram));
    row->unknown = false;
}

static void
latency_columns(struct row *row, const struct result *result)
{
    time_columns(row, "connect", &result->latencies[LATENCY_CONNECT]);
    time_columns(row, "first_byte", &result->latencies[LATENCY_FIRST_BYTE]);
    time_columns(row, "service", &result->latencies[LATENCY_SERVICE]);
    time_columns(row, "response", &result->latencies[LATENCY_RESPONSE]);
}

/* Of no children, there is no least, no most and no index. */
static void
children_columns(struct row *row, const struct result *result)
{
    count_column(row, "children", result->distribution.used);
    row->unknown = result->distribution.used == 0;
    count_column(row, "children_min", result->evenness.least);
    count_column(row, "children_max", result->evenness.most);
    number_column(row, "jain", 6, result->evenness.jain);
    row->unknown = false;
}

static void
rest_columns(struct row *row, const struct load *load, const struct result *result)
{
    uint64_t misbehaved = 0;

    for (unsigned i = 0; i < load->manners.count; i++) {
        misbehaved += result->misbehaved[i].begun;
    }
    count_column(row, "late", result->late_full + result->late_busy);
    number_column(row, "most_late_us", 3, result->most_late_us);
    children_columns(row, result);
    count_column(row, "misbehaved", misbehaved);
    count_column(row, "interrupted", result->interrupted);
    row->unknown = result->step_count == 0;
    count_column(row, "found_rate", result->found);
    row->unknown = false;
}
