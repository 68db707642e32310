/*
 * gate_test - -f, and the reports for other programs: the table and HdrHistogram's format. Says
 * what is wrong and fails, or says nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../client/ask/gate.h"
#include "../../client/report/report.h"

enum { VALUES = 10000, LINE = 8192, WHY_MOST = 100 };

static struct load load;
static struct totals totals;
static int failures;

static void
fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s\n", what, detail);
    failures++;
}

/* A run whose figures all differ: with VALUES times of each kind, 1 us apart. */
static void
make_run(void)
{
    for (int kind = 0; kind < LATENCY_KINDS; kind++) {
        for (int64_t i = 1; i <= VALUES; i++) {
            histogram_record(&totals.latencies[kind], (kind * 100000 + i) * 1000);
        }
    }
    load.schedule.kind = SCHEDULE_OPEN;
    load.held = 70;
    totals.completed = 1234;
    totals.failed = 5;
    totals.unsent = 6;
    totals.seconds = 2;
    totals.held.least = 64;
    totals.distribution.used = 7;
    totals.evenness = (struct evenness){.least = 8, .most = 9, .jain = 0.98765};
}

/* What a gate makes of the run; fails if it is none. */
static struct judgement
judge(const char *text)
{
    struct gate gate;
    const char *why;

    if (!gate_parse(&gate, text, &why)) {
        fail(text, why);
        return (struct judgement){.known = false};
    }
    if (gate.text != text || why) {
        fail(text, "read, but the text or the reason is wrong");
    }
    return gate_judge(&gate, &load, &totals);
}

static void
check_value(const char *text, double value)
{
    struct judgement found = judge(text);
    char detail[128];

    if (!found.known || found.value < value || found.value > value) {
        snprintf(detail, sizeof detail, "%sfound %.6f instead of %.6f", found.known ? "" : "none, ",
                 found.value, value);
        fail(text, detail);
    }
}

static void
check_holds(const char *text, bool holds)
{
    if (judge(text).holds != holds) {
        fail(text, holds ? "does not hold" : "holds");
    }
}

static void
check_unknown(const char *text)
{
    struct judgement found = judge(text);
    struct gate gate;
    const char *why;
    char shown[GATE_TEXT];

    if (found.known || found.holds) {
        fail(text, "is known");
    } else if (gate_parse(&gate, text, &why) &&
               strcmp(gate_found(&gate, &found, shown), "none") != 0) {
        fail(text, shown);
    }
}

/* --- metrics --------------------------------------------------------------------------------- */

/* All metrics of a time; `prefix` may be empty. */
static void
check_times(const char *prefix, const struct histogram *histogram)
{
    static const struct {
        const char *name;
        uint32_t millionths;
    } percentiles[] = {{"p25", 250000}, {"p50", 500000}, {"p75", 750000},  {"p90", 900000},
                       {"p95", 950000}, {"p99", 990000}, {"p999", 999000}, {"p9999", 999900}};
    char text[64];

    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        snprintf(text, sizeof text, "%s%s<1s", prefix, percentiles[i].name);
        check_value(text, histogram_percentile(histogram, percentiles[i].millionths));
    }
    snprintf(text, sizeof text, "%smin<1s", prefix);
    check_value(text, histogram_least(histogram));
    snprintf(text, sizeof text, "%smean<1s", prefix);
    check_value(text, histogram_mean(histogram));
    snprintf(text, sizeof text, "%smax<1s", prefix);
    check_value(text, histogram_most(histogram));
}

static void
check_metrics(void)
{
    check_times("connect.", &totals.latencies[LATENCY_CONNECT]);
    check_times("first_byte.", &totals.latencies[LATENCY_FIRST_BYTE]);
    check_times("service.", &totals.latencies[LATENCY_SERVICE]);
    check_times("response.", &totals.latencies[LATENCY_RESPONSE]);
    check_times("", &totals.latencies[LATENCY_RESPONSE]);
    load.schedule.kind = SCHEDULE_RAMP;
    check_times("", &totals.latencies[LATENCY_RESPONSE]);
    load.schedule.kind = SCHEDULE_CLOSED;
    check_times("", &totals.latencies[LATENCY_SERVICE]);
    load.schedule.kind = SCHEDULE_OPEN;
    check_value("failed==0", 5);
    check_value("unsent==0", 6);
    check_value("completed==0", 1234);
    check_value("children==0", 7);
    check_value("held==0", 64);
    check_value("rate>0.5", 617);
    check_value("jain>0.5", 0.98765);
}

static void
check_unknowns(void)
{
    static struct histogram some;

    some = totals.latencies[LATENCY_RESPONSE];
    totals.latencies[LATENCY_RESPONSE] = (struct histogram){.count = 0};
    check_unknown("p99<50ms");
    check_unknown("p99>=0us");
    check_unknown("response.max<50ms");
    load.schedule.kind = SCHEDULE_CLOSED;
    check_unknown("response.min<50ms");
    check_holds("p99<1s", true);
    load.schedule.kind = SCHEDULE_OPEN;
    totals.latencies[LATENCY_RESPONSE] = some;
    load.held = 0;
    check_unknown("held<100");
    load.held = 70;
    totals.distribution.used = 0;
    check_unknown("jain>=0");
    check_value("children==0", 0);
    totals.distribution.used = 7;
    totals.seconds = 0;
    check_value("rate>=0", 0);
    totals.seconds = 2;
}

/* --- operators, units, blanks ---------------------------------------------------------------- */

static void
check_operators(void)
{
    static const struct {
        const char *operator;
        bool below, equal, above; /* does it hold of 4, 5, 6 failures where 5 stands? */
    } cases[] = {{"<", true, false, false},
                 {"<=", true, true, false},
                 {">", false, false, true},
                 {">=", false, true, true},
                 {"==", false, true, false}};
    char text[32];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "failed%s5", cases[i].operator);
        totals.failed = 4;
        check_holds(text, cases[i].below);
        totals.failed = 5;
        check_holds(text, cases[i].equal);
        totals.failed = 6;
        check_holds(text, cases[i].above);
        totals.failed = 5;
    }
}

/* One connect time of so many nanoseconds. */
static void
set_time(int64_t nanoseconds)
{
    totals.latencies[LATENCY_CONNECT] = (struct histogram){.count = 0};
    histogram_record(&totals.latencies[LATENCY_CONNECT], nanoseconds);
}

static void
check_units(void)
{
    set_time(1001000);
    check_holds("connect.max==1001us", true);
    check_holds("connect.max==1.001ms", true); /* which is not 1.001 * 1000 in a double */
    check_holds("connect.max==0.001001s", true);
    check_holds("connect.max==01.001000000ms", true);
    check_holds("connect.max<1.001000001ms", true);
    check_holds("connect.max<1001s", true);
    check_holds("connect.max<1001ms", true);
    check_holds("connect.max<1.001us", false);
    set_time(1500);
    check_holds("connect.max==1.5us", true);
    check_holds("connect.max<=1us", false);
    check_holds("connect.max<1000000000000s", true);
    check_holds("completed<1000000000000", true);
    check_holds("rate<1000000000000.0", true);
}

static void
check_blanks(void)
{
    check_holds("failed==5", true);
    check_holds("failed == 5", true);
    check_holds("  failed\t==\t 5 \t", true);
    check_holds("p99 < 1 s", true);
    check_holds(" service.p99  <=  1000.0\tms  ", true);
}

/* --- what is no gate ------------------------------------------------------------------------- */

static const struct {
    const char *text, *why; /* a part of it */
} malformed[] = {
    {"", "p99<50ms"},
    {"  ", "p99<50ms"},
    {"p99", "behind the metric"},
    {"failed", "behind the metric"},
    {"failed 5", "behind the metric"},
    {"p99=50ms", "behind the metric"},
    {"p99=<50ms", "behind the metric"},
    {"p99=>50ms", "behind the metric"},
    {"p99!=50ms", "behind the metric"},
    {"p99= =50ms", "behind the metric"},
    {"p 99<50ms", "of a time there are"},
    {"<50ms", "the metrics are"},
    {"50ms", "the metrics are"},
    {"-p99<50ms", "the metrics are"},
    {"P99<50ms", "the metrics are"},
    {"Failed==0", "the metrics are"},
    {"faile==0", "the metrics are"},
    {"failedd==0", "the metrics are"},
    {"errors==0", "the metrics are"},
    {"p98<50ms", "of a time there are"},
    {"p99.9<50ms", "in front of a time"},
    {"p99999<50ms", "of a time there are"},
    {"p9<50ms", "of a time there are"},
    {"service.<50ms", "of a time there are"},
    {"service.p98<50ms", "of a time there are"},
    {"service.service.p99<50ms", "of a time there are"},
    {"service<50ms", "the metrics are"},
    {"service p99<50ms", "the metrics are"},
    {"service. p99<50ms", "of a time there are"},
    {"service .p99<50ms", "the metrics are"},
    {".p99<50ms", "in front of a time"},
    {"serv.p99<50ms", "in front of a time"},
    {"servicep.p99<50ms", "in front of a time"},
    {"Service.p99<50ms", "in front of a time"},
    {"service.failed==0", "only a time"},
    {"response.rate>5", "only a time"},
    {"connect.jain>0.5", "only a time"},
    {"p99<", "a number such as"},
    {"p99<ms", "a number such as"},
    {"p99<-50ms", "a number such as"},
    {"p99<+50ms", "a number such as"},
    {"p99<.5ms", "a number such as"},
    {"p99<5.ms", "a number such as"},
    {"p99<5. 5ms", "a number such as"},
    {"p99<<50ms", "a number such as"},
    {"p99<>50ms", "a number such as"},
    {"p99< =50ms", "a number such as"},
    {"p99===50ms", "a number such as"},
    {"p99<=<50ms", "a number such as"},
    {"failed==-1", "a number such as"},
    {"p99<nan", "a number such as"},
    {"p99<inf", "a number such as"},
    {"failed==", "a number such as"},
    {"p99<1.0000000000ms", "9 decimals"},
    {"jain>0.1234567891", "9 decimals"},
    {"p99<1000000000001us", "at most"},
    {"p99<10000000000000us", "at most"},
    {"completed<99999999999999999999999999", "at most"},
    {"rate<1000000000000.1", "at most"},
    {"failed==0.5", "whole number"},
    {"failed==0.0", "whole number"},
    {"children>1.5", "whole number"},
    {"p99<50", "needs a unit"},
    {"p99<50 ", "needs a unit"},
    {"p99<50m", "unit of a time"},
    {"p99<50sec", "unit of a time"},
    {"p99<50MS", "unit of a time"},
    {"p99<50ns", "unit of a time"},
    {"p99<50min", "unit of a time"},
    {"p99<50m s", "unit of a time"},
    {"p99<1e3ms", "unit of a time"},
    {"p99<0x10ms", "unit of a time"},
    {"p99<1,5ms", "unit of a time"},
    {"p99<1.5.5ms", "unit of a time"},
    {"p99<5 0ms", "unit of a time"},
    {"p99<50ms\n", "unit of a time"},
    {"p99<50ms,failed==0", "unit of a time"},
    {"p99<50ms x", "behind the unit"},
    {"p99<50ms failed==0", "behind the unit"},
    {"failed==0ms", "only a time has a unit"},
    {"failed==0 0", "only a time has a unit"},
    {"failed==0x", "only a time has a unit"},
    {"failed<1e3", "only a time has a unit"},
    {"rate>5/s", "only a time has a unit"},
    {"jain>0.9%", "only a time has a unit"},
};

static void
check_malformed(void)
{
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct gate gate;
        const char *why = NULL;

        if (gate_parse(&gate, malformed[i].text, &why)) {
            fail(malformed[i].text, "taken for a gate");
        } else if (!why || !strstr(why, malformed[i].why) || strlen(why) > WHY_MOST) {
            fail(malformed[i].text, why ? why : "no reason");
        }
    }
}

static void
check_about_failures(void)
{
    struct gate gate;
    const char *why;

    if (!gate_parse(&gate, "failed<5", &why) || !gate_is_about_failures(&gate)) {
        fail("failed<5", "not about failures");
    }
    if (!gate_parse(&gate, "unsent<5", &why) || gate_is_about_failures(&gate)) {
        fail("unsent<5", "about failures");
    }
}

/* --- what is shown --------------------------------------------------------------------------- */

static void
check_shown(const char *text, double value, const char *expected)
{
    struct judgement found = {.known = true, .value = value};
    struct gate gate;
    const char *why;
    char shown[GATE_TEXT], detail[128];

    if (!gate_parse(&gate, text, &why)) {
        fail(text, why);
        return;
    }
    if (strcmp(gate_found(&gate, &found, shown), expected) != 0) {
        snprintf(detail, sizeof detail, "shows %.9g as %s, not as %s", value, shown, expected);
        fail(text, detail);
    }
}

static void
check_found(void)
{
    check_shown("p99<50ms", 61234, "61.2 ms");
    check_shown("p99<50ms", 3.21, "3.2 us");
    check_shown("p99<50ms", 512, "512 us");
    check_shown("p99<50ms", 1234, "1.23 ms");
    check_shown("p99<50ms", 512345, "512 ms");
    check_shown("p99<50ms", 1234567, "1.23 s");
    check_shown("failed==0", 1234567, "1234567");
    check_shown("rate>1000", 980.04, "980.0/s");
    check_shown("jain>0.9", 0.54321, "0.5432");
    /* By a hair. */
    check_shown("p99<50ms", 50000, "50.0 ms");
    check_shown("p99<50ms", 50004, "50.004 ms");
    check_shown("p99<50ms", 50040, "50.04 ms");
    check_shown("p99<50ms", 49996, "49.996 ms");
    check_shown("p99<50ms", 50000.001, "50.000001 ms");
    check_shown("p99<=50.04ms", 50040, "50.04 ms");
    check_shown("p99<1s", 999600, "0.9996 s");
    check_shown("p99<1s", 1000001, "1.000001 s");
    check_shown("p99<512us", 512.4, "512.4 us");
    check_shown("p99<999.7us", 999.8, "1.00 ms");
    check_shown("p99<1ms", 999.8, "0.9998 ms");
    check_shown("rate>=1000", 999.96, "999.96/s");
    check_shown("rate>=1000", 1000, "1000.0/s");
    check_shown("jain==1", 0.99999, "0.99999");
    check_shown("jain==1", 1, "1.0000");
    check_shown("jain<0.33333", 1.0 / 3, "0.333333");
}

/* --- HdrHistogram's format ------------------------------------------------------------------- */

static char path[256];

static void
make_path(void)
{
    const char *folder = getenv("TMPDIR");
    int fd;

    snprintf(path, sizeof path, "%s/gate_test.XXXXXX", folder ? folder : "/tmp");
    fd = mkstemp(path);
    if (fd == -1) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    close(fd);
}

/* How many of the `times`, which are sorted, are at or below so many milliseconds. */
static uint64_t
at_or_below(const int64_t *times, size_t count, double ms)
{
    uint64_t below = 0;

    while (below < count && (double)((times[below] + 500) / 1000) / 1000 <= ms + 1e-9) {
        below++;
    }
    return below;
}

/* Rows must rise, and be true of the times: so many are at or below, and that is the part that the
 * level says. Returns how many rows there are. */
static size_t
check_rows(FILE *file, const int64_t *times, size_t count)
{
    char line[LINE];
    double last = -1, last_level = -1;
    size_t rows = 0;

    while (fgets(line, sizeof line, file) && line[0] != '#') {
        double value, level, inverse;
        uint64_t total;
        int fields = sscanf(line, "%lf %lf %" SCNu64 " %lf", &value, &level, &total, &inverse);

        if (fields != (level < 1 ? 4 : 3)) {
            fail("a row of hgrm", line);
        } else if (value < last || level <= last_level) {
            fail("a row of hgrm that does not rise", line);
        } else if (total != at_or_below(times, count, level < 1 ? value : 1e9) ||
                   (double)total + 1e-6 < level * (double)count) {
            fail("a row of hgrm that is not true", line);
        } else if (fields == 4 && (inverse * (1 - level) > 1.01 || inverse * (1 - level) < 0.99)) {
            fail("a row of hgrm whose last column is wrong", line);
        }
        last = value;
        last_level = level;
        rows++;
    }
    if (count > 0 && last_level < 1) {
        fail("hgrm", "no last row");
    }
    return rows;
}

/* Of `count` sorted times. */
static void
check_hgrm(const int64_t *times, size_t count, size_t least_rows)
{
    static struct histogram histogram;
    static const char heading[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n";
    char line[LINE] = "", end[64];
    FILE *file;

    histogram = (struct histogram){.count = 0};
    for (size_t i = 0; i < count; i++) {
        histogram_record(&histogram, times[i]);
    }
    if (!report_hdr(path, &histogram)) {
        fail(path, strerror(errno));
        return;
    }
    file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file) || strcmp(line, heading) != 0 ||
        !fgets(line, sizeof line, file) || strcmp(line, "\n") != 0) {
        fail("the head of hgrm", line);
    } else if (check_rows(file, times, count) < least_rows) {
        fail("hgrm", "too few rows");
    } else if (!fgets(line, sizeof line, file) || strncmp(line, "#[Max     = ", 12) != 0) {
        fail("hgrm's line with the maximum", line);
    }
    snprintf(end, sizeof end, "Total count    = %12zu]\n", count);
    if (!strstr(line, end)) {
        fail("hgrm's line with the count", line);
    }
    if (file) {
        fclose(file);
    }
}

static void
check_hgrms(void)
{
    static int64_t times[VALUES];

    check_hgrm(times, 0, 0);
    for (int64_t i = 0; i < VALUES; i++) {
        times[i] = 300 + i * i * 377; /* 300 ns to 37 ms */
    }
    check_hgrm(times, 1, 2);
    check_hgrm(times, 2, 2); /* in one slot */
    check_hgrm(times, 20, 18);
    check_hgrm(times, 1000, 45);
    check_hgrm(times, VALUES, 60);
    times[VALUES - 2] = INT64_C(61000000000); /* longer than what has a slot */
    times[VALUES - 1] = INT64_C(70000000000);
    check_hgrm(times, VALUES, 60);
    check_hgrm(times + VALUES - 2, 2, 1);
    if (report_hdr("/", &totals.latencies[LATENCY_SERVICE]) || errno != EISDIR) {
        fail("hgrm into a directory", strerror(errno));
    }
    if (access("/dev/full", W_OK) == 0 &&
        (report_hdr("/dev/full", &totals.latencies[LATENCY_SERVICE]) || errno != ENOSPC)) {
        fail("hgrm onto a full disk", strerror(errno));
    }
}

/* --- the table ------------------------------------------------------------------------------- */

/* Takes a field off a line, without its quotes. NULL behind the last, or if it is malformed. */
static char *
take_field(char **line)
{
    char *from = *line, *to = *line, *field = *line;
    bool quoted = *from == '"';

    if (*from == '\0') {
        return NULL;
    }
    from += quoted;
    while (quoted ? *from != '"' || from[1] == '"' : *from != ',' && *from != '\n') {
        if (*from == '\0' || (!quoted && *from == '"')) {
            return NULL;
        }
        from += *from == '"';
        *to++ = *from++;
    }
    from += quoted;
    *line = from + (*from == ',' || *from == '\n');
    if (*from != ',' && *from != '\n') {
        return NULL;
    }
    *to = '\0';
    return field;
}

/* The two lines of the table; what is in quotes may have line ends of its own. */
static void
read_table(char text[2 * LINE])
{
    int out = dup(STDOUT_FILENO);
    FILE *file;
    size_t length = 0;

    fflush(stdout);
    if (out == -1 || !freopen(path, "w", stdout)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    report_csv(&load, &totals);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    file = fopen(path, "r");
    if (file) {
        length = fread(text, 1, 2 * LINE - 1, file);
        fclose(file);
    }
    text[length] = '\0';
}

/* Fails unless the table has this value in that column. */
static void
check_csv(const char *wanted, const char *expected)
{
    static char text[2 * LINE];
    char *names = text, *name = NULL, *value = NULL, *end, *values;

    read_table(text);
    end = strchr(text, '\n');
    values = end ? end + 1 : text;
    while (end && names <= end && (name = take_field(&names)) && (value = take_field(&values))) {
        if (strcmp(name, wanted) == 0) {
            break;
        }
    }
    if (!name || !value || strcmp(name, wanted) != 0 || strcmp(value, expected) != 0) {
        fail(wanted, value ? value : "not in the table");
    }
}

/* The names and the values are as many and end with a line end, and all runs have the same names.
 */
static void
check_shape(void)
{
    static char text[2 * LINE], first[2 * LINE];
    char *rest = text, *end, *field;
    size_t names = 0, fields = 0;

    read_table(text);
    end = strchr(text, '\n');
    if (first[0] == '\0') {
        strcpy(first, text);
    }
    if (end && strncmp(text, first, (size_t)(end - text) + 1) != 0) {
        fail("the names of the columns differ from run to run", text);
    }
    while (end && rest <= end && (field = take_field(&rest))) {
        if (strspn(field, "abcdefghijklmnopqrstuvwxyz_0123456789") != strlen(field)) {
            fail("a name of a column", field);
        }
        names++;
    }
    while (take_field(&rest)) {
        fields++;
    }
    if (names < 60 || names != fields || *rest != '\0') {
        char detail[64];

        snprintf(detail, sizeof detail, "%zu names, %zu values", names, fields);
        fail("the table", detail);
    }
}

static void
check_table(void)
{
    static const char *const labels[][2] = {
        {"plain", "plain"},
        {"a,b", "a,b"},
        {"\"", "\""},
        {",\"\",\"", ",\"\",\""},
        {"two\nlines\r", "two\nlines\r"},
        {"=1+1", "'=1+1"},
        {"-k4, twice", "'-k4, twice"},
        {"@x", "'@x"},
        {"+\"", "'+\""},
        {"a=b", "a=b"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        load.label = labels[i][0];
        check_shape();
        check_csv("label", labels[i][1]);
    }
    load.label = NULL;
    check_csv("label", "");
    check_csv("mode", "open");
    check_csv("completed", "1234");
    check_csv("connections_per_second", "617.0");
    check_csv("errors_refused", "0");
    check_csv("service_us_count", "10000");
    check_csv("service_us_max", "210000.000");
    check_csv("jain", "0.987650");
    check_csv("interrupted", "0");
    totals.latencies[LATENCY_RESPONSE] = (struct histogram){.count = 0};
    totals.distribution.used = 0;
    check_shape();
    check_csv("response_us_count", "0");
    check_csv("response_us_p99", "");
    check_csv("jain", "");
}

int
main(void)
{
    make_run();
    check_metrics();
    check_unknowns();
    check_operators();
    check_malformed();
    check_about_failures();
    check_found();
    check_blanks();
    check_units();
    make_path();
    check_hgrms();
    check_table();
    unlink(path);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
