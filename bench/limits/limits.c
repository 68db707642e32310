/*
 * limits - what this machine can do at all, per second: connections, processes, threads, messages,
 * context switches, bytes. A server's figures are a share of the row that applies to its model: no
 * server that forks for each connection serves more of them than there are forks.
 *
 * The rows are in rows.c. Each is measured for -t seconds, one after the other, by a process of its
 * own (run.c), in loops that do nothing else (connect.c, process.c, pass.c, trip.c, stream.c) with
 * the help of bench.c, and printed (report.c). docs/limits.md says what each figure is, and what it
 * cannot say.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../../common/options.h"
#include "bench.h"
#include "report.h"
#include "rows.h"
#include "run.h"

static void measure_for_other(int argc, char **argv);
static void take_options(int argc, char **argv);
static void take_rows(int argc, char **argv);
static bool measure(size_t number);
static bool is_bad(enum bench_outcome outcome);

enum {
    ROWS_MOST = 64,
    N_DEFAULT = 10, /* as many children as the servers' pools have */
    LEAST_US = 10 * 1000,
    MOST_US = 60 * 1000 * 1000
};

static const char help[] =
    "Measures what this machine can do at all, per second. Names of rows after the\n"
    "options choose these; without, all are measured.\n"
    "\n"
    "  -t TIME     measure each row for so long, from 0.01 to 60 seconds (default 1)\n"
    "  -n N        clients, servers or pairs in the rows that end in _n (default 10)\n"
    "  -o FORMAT   the report as text (default) or json\n"
    "  -l          list the rows and do nothing else\n"
    "  -q          quiet: the rows without headings, no progress line\n"
    "  -h          this help\n"
    "  -V          the version\n"
    "\n"
    "A TIME is in seconds, or has one of the units us, ms, s, m: 2, 0.5, 500ms.\n"
    "Ctrl-C ends it; the rows that are complete are still reported.\n"
    "Exit status: 0 all is well, 1 a row has failed, or is named and not available,\n"
    "or it was interrupted, 2 wrong usage.\n"
    "\n"
    "  limits                          everything, in half a minute\n"
    "  limits -t 0.2 fork thread       a first impression of two rows\n"
    "  limits -n 50 serve_n_n          50 clients, 50 servers\n"
    "  limits -o json >limits.json     a report for programs\n";

static struct report report = {.setup = {.duration_us = 1000 * 1000, .n = N_DEFAULT}};
static bool wanted[ROWS_MOST]; /* by the number of the row */
static size_t wanted_count;
static bool list;  /* -l */
static bool named; /* by the user, and not all of them */

int
main(int argc, char **argv)
{
    bool good = true;

    measure_for_other(argc, argv);
    die_begin(argv[0]);
    report.setup.program = argv[0];
    take_options(argc, argv);
    take_rows(argc, argv);
    if (list) {
        report_list();
        return EXIT_SUCCESS;
    }
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY) { /* see die_begin() */
        diex("cannot print the report: standard output is not open for writing");
    }
    run_catch_signals();
    report_start(&report);
    for (size_t i = 0; i < rows_count && !report.interrupted; i++) {
        if (wanted[i] && !measure(i)) {
            good = false;
        }
    }
    report_end(&report);
    if (report.interrupted) {
        warnx("interrupted");
    }
    return good && !report.interrupted ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- started by itself ----------------------------------------------------------------------- */

/* As a program to be spawned, or, linked statically, as the process that measures a row. */
static void
measure_for_other(int argc, char **argv)
{
    struct bench setup;
    const struct row *row;

    if (argc > 0 && strcmp(argv[0], process_exit_name) == 0) {
        _exit(EXIT_SUCCESS);
    }
    if (argc != 5 || strcmp(argv[0], process_row_name) != 0) {
        return;
    }
    row = rows_find(argv[1]);
    if (!row) {
        _exit(EXIT_FAILURE);
    }
    setup = (struct bench){
        .program = argv[0],
        .report_fd = (int)strtol(argv[2], NULL, 10),
        .duration_us = strtoll(argv[3], NULL, 10),
        .n = (unsigned)strtoul(argv[4], NULL, 10),
    };
    run_measure(row, &setup);
}

/* --- the command line ------------------------------------------------------------------------ */

static void
take_options(int argc, char **argv)
{
    struct options options = options_default(N_DEFAULT);
    int letter;

    while ((letter = options_next(argc, argv, ":t:n:o:lqhV")) != -1) {
        switch (letter) {
        case 't':
            report.setup.duration_us =
                options_quantity('t', optarg, OPTIONS_TIME, LEAST_US, MOST_US);
            break;
        case 'n':
            report.setup.n = (unsigned)options_number('n', optarg, 1, BENCH_N_MOST);
            break;
        case 'l':
            list = true;
            break;
        case 'o':
        case 'q':
            options_take(&options, letter, help);
            break;
        default:
            options_rest(letter, help);
        }
    }
    report.json = options.json;
    report.quiet = options.quiet;
}

static void
take_rows(int argc, char **argv)
{
    named = optind < argc;
    for (int i = optind; i < argc; i++) {
        const struct row *row = rows_find(argv[i]);

        if (!row) {
            die_usage("'%.60s': there is no such row, see -l; for example fork", argv[i]);
        }
        wanted[row - rows] = true;
    }
    for (size_t i = 0; i < rows_count; i++) {
        wanted[i] = wanted[i] || !named;
        wanted_count += wanted[i];
    }
}

/* --- measuring ------------------------------------------------------------------------------- */

/* A line on the terminal that the next one overwrites; NULL erases it. */
static void
show_progress(const struct row *row)
{
    static size_t begun;
    char line[100];

    if (report.quiet || !isatty(STDERR_FILENO)) {
        return;
    }
    if (row) {
        snprintf(line, sizeof line, "\r%zu of %zu: %s\033[K", ++begun, wanted_count, row->name);
    } else {
        snprintf(line, sizeof line, "\r\033[K");
    }
    if (write(STDERR_FILENO, line, strlen(line)) == -1) {
        report.quiet = true; /* the terminal has gone */
    }
}

/* Measures a row and prints it; false if it should not be so. */
static bool
measure(size_t number)
{
    struct bench_result result;
    bool known;

    show_progress(&rows[number]);
    known = !run_stopped() && run_row(&rows[number], &report.setup, &result);
    show_progress(NULL);
    if (!known) {
        report.interrupted = true;
        return false;
    }
    report_row(&report, &rows[number], &result);
    return !is_bad(result.outcome);
}

/* What this system does not have is no failure, unless the user has asked for just that. */
static bool
is_bad(enum bench_outcome outcome)
{
    return outcome == BENCH_FAILED || (outcome == BENCH_UNAVAILABLE && named);
}
