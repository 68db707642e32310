/*
 * result - what all client processes did, added up.
 */
#ifndef CLIENT_RESULT_H
#define CLIENT_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "distribution.h"
#include "load.h"

/* Invariant: scheduled = completed + failed + unsent, in connections. */
struct result {
    uint64_t scheduled, connected, completed, failed, unsent;
    uint64_t errors[FAILURE_KINDS]; /* failed, by kind */
    int error[FAILURE_KINDS];       /* an errno of each kind, or 0 */
    uint64_t requests, bytes;
    double seconds;   /* from the first process's start to the last one's end */
    bool foreign;     /* replies came, but none that could be verified */
    bool identified;  /* replies told who sent them */
    bool interrupted; /* by a signal */
    bool one_source;  /* could not use several addresses */
    unsigned died;    /* processes that ended without saying how */
    struct histogram latencies[LATENCY_KINDS];
    struct distribution distribution;
    struct evenness evenness;
};

/* Adds up the tallies of processes that have all ended, and drops their histograms. The caller has
 * received the distribution already. */
void result_add_up(struct result *result, const struct load *load, struct tally *tallies);

/* 0 all good, 1 something failed, 3 nothing could connect, 4 this machine was the limit. */
int result_status(const struct result *result);

/* What the user should know about ports and the like, one sentence; the `nth`, NULL after the last.
 */
const char *result_hint(const struct result *result, const struct load *load, unsigned nth);

/* The name of a kind of failure, as in JSON. */
const char *result_kind(enum failure kind);

#endif
