/* report - the figures as text, row by row, or as one JSON object. */
#ifndef LIMITS_REPORT_H
#define LIMITS_REPORT_H

#include <stdbool.h>

#include "bench.h"
#include "rows.h"

struct report {
    bool json;
    bool quiet;               /* rows only: no headings */
    struct bench_result fork; /* the row `fork`, when it is known */
    bool interrupted;
    struct bench setup;
    unsigned json_rows; /* how many have been printed */
};

void report_start(const struct report *report);
void report_row(struct report *report, const struct row *row, const struct bench_result *result);
void report_end(const struct report *report);

/* The names of all rows and what they count. */
void report_list(void);

#endif
