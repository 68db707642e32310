/*
 * gate_test - -f: conditions that a run must meet; and HdrHistogram's format. Says what is wrong
 * and fails, or says nothing. (The table of -o csv is checked in reports.bats.)
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../../client/ask/gate.h"
#include "../../client/report/report.h"
#include "../helpers/check.h"

enum { VALUES = 10000, LINE = 8192, WHY_MOST = 100 };

static struct load load;
static struct totals totals;

/* A run whose figures all differ: with VALUES times of each kind, 1 us apart. */
static void
make_run(void)
{
    for (int kind = 0; kind < LATENCY_KINDS; kind++) {
        for (int64_t i = 1; i <= VALUES; i++) {
            histogram_record(&totals.latencies[kind], (kind * 100000 + 1000 + i) * 1000);
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

static struct gate
parse(const char *text)
{
    struct gate gate;
    const char *why;

    check_subject = text;
    CHECK(gate_parse(&gate, text, &why), "no gate: %s", why);
    CHECK(gate.text == text && !why, "read, but the text or the reason is wrong");
    return gate;
}

/* What a gate makes of the run. */
static struct judgement
judge(const char *text)
{
    struct gate gate = parse(text);

    return gate_judge(&gate, &load, &totals);
}

static void
check_value(const char *text, double value)
{
    struct judgement found = judge(text);

    CHECK(found.known && found.value >= value && found.value <= value, "found %.6f and not %.6f",
          found.value, value);
}

static void
check_unknown(const char *text)
{
    struct gate gate = parse(text);
    struct judgement found = judge(text);
    char shown[GATE_TEXT];

    CHECK(!found.known && !found.holds, "is known");
    CHECK(strcmp(gate_found(&gate, &found, shown), "none") == 0, "%s is shown", shown);
}

/* --- metrics --------------------------------------------------------------------------------- */

/* (Which time is meant, reports.bats checks with the figures of real runs, too.) */
static void
check_metrics(void)
{
    const struct histogram *connect = &totals.latencies[LATENCY_CONNECT];
    const struct histogram *service = &totals.latencies[LATENCY_SERVICE];
    const struct histogram *response = &totals.latencies[LATENCY_RESPONSE];
    const struct {
        const char *text;
        double value;
    } cases[] = {{"connect.min<1s", histogram_least(connect)},
                 {"connect.mean<1s", histogram_mean(connect)},
                 {"connect.p25<1s", histogram_percentile(connect, 250000)},
                 {"connect.p50<1s", histogram_percentile(connect, 500000)},
                 {"connect.p75<1s", histogram_percentile(connect, 750000)},
                 {"connect.p90<1s", histogram_percentile(connect, 900000)},
                 {"connect.p95<1s", histogram_percentile(connect, 950000)},
                 {"connect.p99<1s", histogram_percentile(connect, 990000)},
                 {"connect.p999<1s", histogram_percentile(connect, 999000)},
                 {"connect.p9999<1s", histogram_percentile(connect, 999900)},
                 {"connect.max<1s", histogram_most(connect)},
                 {"first_byte.max<1s", histogram_most(&totals.latencies[LATENCY_FIRST_BYTE])},
                 {"service.max<1s", histogram_most(service)},
                 {"max<1s", histogram_most(response)},
                 {"response.max<1s", histogram_most(response)},
                 {"failed==0", 5},
                 {"unsent==0", 6},
                 {"completed==0", 1234},
                 {"children==0", 7},
                 {"held==0", 64},
                 {"rate>0.5", 617},
                 {"jain>0.5", 0.98765}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_value(cases[i].text, cases[i].value);
    }
    load.schedule.kind = SCHEDULE_RAMP;
    check_value("max<1s", histogram_most(response));
    load.schedule.kind = SCHEDULE_CLOSED;
    check_value("max<1s", histogram_most(service));
    load.schedule.kind = SCHEDULE_OPEN;
}

/* Twenty beyond the percentile, or ten in each quarter; and the time that is judged without what
 * the client itself was late. */
static void
check_search(void)
{
    const struct {
        const char *text;
        uint64_t connections;
    } cases[] = {{"p50<1s", 40},     {"p90<1s", 200},      {"p99<1s", 2000},
                 {"p999<1s", 20000}, {"p9999<1s", 200000}, {"service.p99<1s", 2000},
                 {"max<1s", 40},     {"min<1s", 40},       {"mean<1s", 40},
                 {"failed==0", 40}};
    const char *const times[] = {"p50<350ms", "response.p50<350ms", "service.p50<350ms"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gate gate = parse(cases[i].text);

        CHECK_IS(gate_connections(&gate), cases[i].connections, "connections");
    }
    for (int i = 0; i < VALUES; i++) {
        histogram_record(&totals.latencies[LATENCY_PUNCTUAL], (int64_t)400 * 1000000);
    }
    for (int i = 0; i < 3; i++) {
        struct gate gate = parse(times[i]);

        CHECK(gate_judge(&gate, &load, &totals).holds, "does not hold");
        CHECK_IS(gate_judge_punctual(&gate, &load, &totals).holds, i == 2, "holds");
    }
}

/* In a run without responses, idle connections, children, and time. */
static void
check_unknowns(void)
{
    totals.latencies[LATENCY_RESPONSE] = (struct histogram){.count = 0};
    load.held = 0;
    totals.distribution.used = 0;
    totals.seconds = 0;
    check_unknown("p99<50ms");
    check_unknown("p99>=0us");
    check_unknown("response.max<50ms");
    check_unknown("held<100");
    check_unknown("jain>=0");
    check_value("children==0", 0);
    check_value("rate>=0", 0);
    load.schedule.kind = SCHEDULE_CLOSED;
    check_unknown("response.min<50ms");
    CHECK(judge("p99<1s").holds, "does not hold of the closed loop");
}

/* --- operators, units, blanks ---------------------------------------------------------------- */

static void
check_holds(void)
{
    static const char *const right[] = {
        "failed<6", "failed<=5", "failed>4", "failed>=5", "failed==5",
        /* Which is not 1.001 * 1000 in a double: */
        "connect.min==1.001ms", "connect.min==1001us", "connect.min==0.001001s",
        "connect.min==01.001000000ms", "connect.min<1.001000001ms", "connect.min<1001s",
        "connect.min<1001ms", "connect.mean==6000.5us", "connect.max<1000000000000s",
        "completed<1000000000000", "rate<1000000000000.0", "failed == 5", "  failed\t==\t 5 \t",
        "p99 < 1 s", " service.p99  <=  1000.0\tms  "};
    static const char *const wrong[] = {"failed<5",
                                        "failed<=4",
                                        "failed>5",
                                        "failed>=6",
                                        "failed==4",
                                        "failed==6",
                                        "connect.min<1.001us",
                                        "connect.mean<=6000us"};

    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        CHECK(judge(right[i]).holds, "does not hold");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!judge(wrong[i]).holds, "holds");
    }
}

/* --- texts that are no gates ----------------------------------------------------------------- */

static const struct {
    const char *why; /* a part of the reason */
    const char *texts[20];
} malformed[] = {
    {"p99<50ms", {"", "  "}},
    {"behind the metric",
     {"p99", "failed", "failed 5", "p99=50ms", "p99=<50ms", "p99=>50ms", "p99!=50ms",
      "p99= =50ms"}},
    {"the metrics are",
     {"<50ms", "50ms", "-p99<50ms", "P99<50ms", "Failed==0", "faile==0", "failedd==0", "errors==0",
      "service<50ms", "service p99<50ms", "service .p99<50ms"}},
    {"of a time there are",
     {"p 99<50ms", "p98<50ms", "p99999<50ms", "p9<50ms", "service.<50ms", "service.p98<50ms",
      "service.service.p99<50ms", "service. p99<50ms"}},
    {"in front of a time",
     {"p99.9<50ms", ".p99<50ms", "serv.p99<50ms", "servicep.p99<50ms", "Service.p99<50ms"}},
    {"only a time", {"service.failed==0", "response.rate>5", "connect.jain>0.5"}},
    {"a number such as",
     {"p99<", "p99<ms", "p99<-50ms", "p99<+50ms", "p99<.5ms", "p99<5.ms", "p99<5. 5ms", "p99<<50ms",
      "p99<>50ms", "p99< =50ms", "p99===50ms", "p99<=<50ms", "failed==-1", "p99<nan", "p99<inf",
      "failed=="}},
    {"9 decimals", {"p99<1.0000000000ms", "jain>0.1234567891"}},
    {"at most",
     {"p99<1000000000001us", "p99<10000000000000us", "completed<99999999999999999999999999",
      "rate<1000000000000.1"}},
    {"whole number", {"failed==0.5", "failed==0.0", "children>1.5"}},
    {"needs a unit", {"p99<50", "p99<50 "}},
    {"unit of a time",
     {"p99<50m", "p99<50sec", "p99<50MS", "p99<50ns", "p99<50min", "p99<50m s", "p99<1e3ms",
      "p99<0x10ms", "p99<1,5ms", "p99<1.5.5ms", "p99<5 0ms", "p99<50ms\n", "p99<50ms,failed==0"}},
    {"behind the unit", {"p99<50ms x", "p99<50ms failed==0"}},
    {"only a time has a unit",
     {"failed==0ms", "failed==0 0", "failed==0x", "failed<1e3", "rate>5/s", "jain>0.9%"}},
};

static void
check_malformed(void)
{
    struct gate failed = parse("failed<5"), unsent = parse("unsent<5");

    CHECK(gate_is_about_failures(&failed) && !gate_is_about_failures(&unsent), "about failures");
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        for (const char *const *text = malformed[i].texts; *text; text++) {
            struct gate gate;
            const char *why = NULL;

            check_subject = *text;
            CHECK(!gate_parse(&gate, *text, &why), "taken for a gate");
            CHECK(why && strstr(why, malformed[i].why) && strlen(why) <= WHY_MOST, "%s", why);
        }
    }
}

/* --- the value that is shown ----------------------------------------------------------------- */

static void
check_shown(void)
{
    static const struct {
        const char *text;
        double value;
        const char *shown;
    } cases[] = {
        {"p99<50ms", 61234, "61.2 ms"},
        {"p99<50ms", 3.21, "3.2 us"},
        {"p99<50ms", 512, "512 us"},
        {"p99<50ms", 1234, "1.23 ms"},
        {"p99<50ms", 512345, "512 ms"},
        {"p99<50ms", 1234567, "1.23 s"},
        {"failed==0", 1234567, "1234567"},
        {"rate>1000", 980.04, "980.0/s"},
        {"jain>0.9", 0.54321, "0.5432"},
        /* By a hair. */
        {"p99<50ms", 50000, "50.0 ms"},
        {"p99<50ms", 50004, "50.004 ms"},
        {"p99<50ms", 50040, "50.04 ms"},
        {"p99<50ms", 49996, "49.996 ms"},
        {"p99<50ms", 50000.001, "50.000001 ms"},
        {"p99<=50.04ms", 50040, "50.04 ms"},
        {"p99<1s", 999600, "0.9996 s"},
        {"p99<1s", 1000001, "1.000001 s"},
        {"p99<512us", 512.4, "512.4 us"},
        {"p99<999.7us", 999.8, "1.00 ms"},
        {"p99<1ms", 999.8, "0.9998 ms"},
        {"rate>=1000", 999.96, "999.96/s"},
        {"rate>=1000", 1000, "1000.0/s"},
        {"jain==1", 0.99999, "0.99999"},
        {"jain==1", 1, "1.0000"},
        {"jain<0.33333", 1.0 / 3, "0.333333"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct judgement found = {.known = true, .value = cases[i].value};
        struct gate gate = parse(cases[i].text);
        char shown[GATE_TEXT];

        CHECK(strcmp(gate_found(&gate, &found, shown), cases[i].shown) == 0, "%s instead of %s",
              shown, cases[i].shown);
    }
}

/* --- HdrHistogram's format ------------------------------------------------------------------- */

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
 * level says. */
static void
check_rows(FILE *file, const int64_t *times, size_t count, size_t least_rows)
{
    char line[LINE] = "", end[64];
    double last = -1, last_level = -1;
    size_t rows = 0;

    for (; fgets(line, sizeof line, file) && line[0] != '#'; rows++) {
        double value, level, inverse;
        uint64_t total;
        int fields = sscanf(line, "%lf %lf %" SCNu64 " %lf", &value, &level, &total, &inverse);

        CHECK_IS(fields, level < 1 ? 4 : 3, "fields of a row");
        CHECK(value >= last && level > last_level, "does not rise: %s", line);
        CHECK(total == at_or_below(times, count, level < 1 ? value : 1e9) &&
                  (double)total + 1e-6 >= level * (double)count,
              "not true: %s", line);
        CHECK(fields == 3 || (inverse * (1 - level) < 1.01 && inverse * (1 - level) > 0.99),
              "the last column is wrong: %s", line);
        last = value;
        last_level = level;
    }
    CHECK(count == 0 || last_level >= 1, "no last row");
    CHECK(rows >= least_rows, "%zu rows of %zu times", rows, count);
    snprintf(end, sizeof end, "Total count    = %12zu]\n", count);
    CHECK(fgets(line, sizeof line, file) && strncmp(line, "#[Max     = ", 12) == 0 &&
              strstr(line, end),
          "maximum and count: %s", line);
}

/* Of `count` sorted times. */
static void
check_hgrm(const char *path, const int64_t *times, size_t count, size_t least_rows)
{
    static struct histogram histogram;
    static const char heading[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n";
    char line[LINE] = "";
    FILE *file;

    histogram = (struct histogram){.count = 0};
    for (size_t i = 0; i < count; i++) {
        histogram_record(&histogram, times[i]);
    }
    file = fopen(path, "w");
    CHECK(file && report_hdr(file, &histogram), "%s: %s", path, strerror(errno));
    file = fopen(path, "r");
    CHECK(file && fgets(line, sizeof line, file) && strcmp(line, heading) == 0 &&
              fgets(line, sizeof line, file) && strcmp(line, "\n") == 0,
          "the head: %s", line);
    check_rows(file, times, count, least_rows);
    fclose(file);
}

static void
check_hgrms(void)
{
    static int64_t times[VALUES];
    const char *folder = getenv("TMPDIR");
    char path[256];

    check_subject = "hgrm";
    snprintf(path, sizeof path, "%s/gate_test.%ld", folder ? folder : "/tmp", (long)getpid());
    check_hgrm(path, times, 0, 0);
    for (int64_t i = 0; i < VALUES; i++) {
        times[i] = 300 + i * i * 377; /* 300 ns to 37 ms */
    }
    check_hgrm(path, times, 1, 2);
    check_hgrm(path, times, 2, 2); /* in one slot */
    check_hgrm(path, times, 20, 18);
    check_hgrm(path, times, 1000, 45);
    check_hgrm(path, times, VALUES, 60);
    times[VALUES - 2] = INT64_C(61000000000); /* longer than what has a slot */
    times[VALUES - 1] = INT64_C(70000000000);
    check_hgrm(path, times, VALUES, 60);
    check_hgrm(path, times + VALUES - 2, 2, 1);
    unlink(path);
}

int
main(void)
{
    make_run();
    check_metrics();
    check_holds();
    check_malformed();
    check_shown();
    check_hgrms();
    check_search();
    check_unknowns(); /* changes the run */
    return EXIT_SUCCESS;
}
