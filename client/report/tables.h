/*
 * tables - the parts of the report for people that only some runs have. Each prints nothing
 * where there is nothing to say.
 */
#ifndef CLIENT_REPORT_TABLES_H
#define CLIENT_REPORT_TABLES_H

#include "../figures/totals.h"

/* -r max: the rate that was found, and, without -q, the steps to it. */
void print_steps(const struct load *load, const struct totals *totals);

/* -x: the misbehaving connections, by kind. */
void print_misbehaved(const struct load *load, const struct totals *totals);

/* -H: with -q only if something went wrong. */
void print_held(const struct load *load, const struct totals *totals);

/* -f: with -q only those that do not hold. */
void print_gates(const struct load *load, const struct totals *totals);

/* A ramp, and with -v every run with -r or -d: a row for each second. */
void print_intervals(const struct load *load, const struct totals *totals);

#endif
