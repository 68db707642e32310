#include "report.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { MILLION = 1000000 };

static long
processors(void)
{
#ifdef _SC_NPROCESSORS_ONLN /* not in POSIX, but nearly everywhere */
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? count : 1;
#else
    return 1;
#endif
}

/* --- arithmetic ------------------------------------------------------------------------------ */

static double
per_second(const struct bench_result *result)
{
    return result->elapsed_us > 0 ? result->count * MILLION / result->elapsed_us : 0;
}

/* As long as one takes for whoever does it: of n at a time, n times as long as between two. */
static double
us_each(const struct bench_result *result)
{
    return result->count > 0 ? result->elapsed_us * result->n / result->count : 0;
}

static double
share(const struct bench_result *result, double of_all)
{
    return result->count > 0 ? of_all / result->count : 0;
}

/* --- text ------------------------------------------------------------------------------------ */

static void
start_text(const struct report *report, const struct utsname *machine)
{
    double seconds = (double)report->setup.duration_us / MILLION;

    if (report->quiet) {
        return;
    }
    printf("%.20s %.30s %.20s, %ld processors; %g s a row, n = %u\n\n", machine->sysname,
           machine->release, machine->machine, processors(), seconds, report->setup.n);
    printf("%-14s %10s %8s %8s %8s %8s\n", "", "", "us each", "CPU us", "CPU us,", "switches");
    printf("%-14s %10s %8s %8s %8s %8s  %s\n", "row", "per second", "(wall)", "(all)", "answerer",
           "each", "what");
}

/* A figure with as many decimals as make sense. */
static void
print_figure(int width, double figure)
{
    printf(" %*.*f", width, figure < 10 ? 2 : figure < 1000 ? 1 : 0, figure);
}

static void
print_row(const struct row *row, const struct bench_result *result)
{
    printf("%-14s", row->name);
    if (result->outcome != BENCH_MEASURED) {
        printf(" %s: %.66s\n", result->outcome == BENCH_FAILED ? "failed" : "not available",
               result->why);
        return;
    }
    print_figure(10, per_second(result));
    print_figure(8, us_each(result));
    print_figure(8, share(result, result->cpu_us));
    if (result->answer_cpu_us > 0) {
        print_figure(8, share(result, result->answer_cpu_us));
    } else {
        printf(" %8s", "-");
    }
    print_figure(8, share(result, result->switches));
    printf("  %s\n", row->what);
}

/* What a fork costs says how dear server01 is here. (bench/lib/csv.awk writes the same.) */
static void
print_fork(const struct bench_result *fork)
{
    printf("\nA fork, with exit and wait, costs %.0f page faults; here that is %.0f us of CPU.\n"
           "Above 300 us expect server01, which pays it for each connection, to be 10 to\n"
           "30 times as dear as server00.\n",
           share(fork, fork->faults), share(fork, fork->cpu_us));
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void
print_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            printf("\\%c", *text);
        } else if ((unsigned char)*text < ' ') {
            printf("\\u%04x", (unsigned)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

static void
print_member(const char *name, const char *text)
{
    printf("\"%s\":", name);
    print_string(text);
}

static void
start_json(const struct report *report, const struct utsname *machine)
{
    printf("{\"machine\":{");
    print_member("sysname", machine->sysname);
    putchar(',');
    print_member("release", machine->release);
    putchar(',');
    print_member("machine", machine->machine);
    printf(",\"processors\":%ld},\"seconds\":%.6f,\"n\":%u,\"rows\":[", processors(),
           (double)report->setup.duration_us / MILLION, report->setup.n);
}

static void
print_json_row(const struct row *row, const struct bench_result *result)
{
    static const char *const outcomes[] = {[BENCH_MEASURED] = "measured",
                                           [BENCH_UNAVAILABLE] = "unavailable",
                                           [BENCH_FAILED] = "failed"};

    putchar('{');
    print_member("name", row->name);
    putchar(',');
    print_member("what", row->what);
    printf(",\"per_second\":%.3f,\"us_each\":%.4f,\"cpu_us_each\":%.4f", per_second(result),
           us_each(result), share(result, result->cpu_us));
    printf(",\"answer_cpu_us_each\":%.4f,\"switches_each\":%.4f,\"faults_each\":%.4f,\"n\":%u,",
           share(result, result->answer_cpu_us), share(result, result->switches),
           share(result, result->faults), result->n);
    print_member("outcome", outcomes[result->outcome]);
    putchar(',');
    print_member("why", result->why);
    putchar('}');
}

/* --- both ------------------------------------------------------------------------------------ */

void
report_start(const struct report *report)
{
    struct utsname machine;

    if (uname(&machine) == -1) {
        die("uname");
    }
    if (report->json) {
        start_json(report, &machine);
    } else {
        start_text(report, &machine);
    }
}

void
report_row(struct report *report, const struct row *row, const struct bench_result *result)
{
    if (!report->json) {
        print_row(row, result);
        if (row->measure == fork_measure && row->argument == 0) {
            report->fork = *result;
        }
        fflush(stdout); /* the next one takes its time */
        return;
    }
    if (report->json_rows++ > 0) {
        putchar(',');
    }
    print_json_row(row, result);
}

void
report_end(const struct report *report)
{
    if (report->json) {
        printf("],\"interrupted\":%s}\n", report->interrupted ? "true" : "false");
    } else if (report->fork.count > 0 && !report->quiet) {
        print_fork(&report->fork);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        die("cannot print the report");
    }
}

void
report_list(void)
{
    for (size_t i = 0; i < rows_count; i++) {
        printf("%-14s  %s\n", rows[i].name, rows[i].what);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        die("cannot print the list");
    }
}
