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
    bool killed;      /* and then the processes were not left the time to end by themselves */
    bool one_source;  /* could not use several addresses */
    unsigned died;    /* processes that ended without saying how */
    struct histogram latencies[LATENCY_KINDS];
    uint64_t asked[MIX_CLASSES_MOST];         /* with -W: requests begun, by class */
    struct histogram works[MIX_CLASSES_MOST]; /* and the service times of those that succeeded */
    struct distribution distribution;
    struct evenness evenness;
};

/* Adds up the tallies of processes that have all ended. The caller has received the distribution
 * already. */
void result_add_up(struct result *result, const struct load *load, const struct tally *tallies);

/* With -W: the part of all requests begun that was of this class. */
double result_part(const struct result *result, unsigned class);

/* So many per second. */
double result_rate(const struct result *result, uint64_t count);

/* The lines that servers sent instead of replies, each once; NULL after the last. */
const char *result_rejection(const struct load *load, const struct tally *tallies, unsigned nth);

/* 0 all good, 1 something failed or was interrupted, 3 nothing could connect, 4 this machine was
 * the limit. */
int result_status(const struct result *result);

/* What the user should know about ports and the like, one sentence; the `nth`, NULL after the last.
 */
const char *result_hint(const struct result *result, const struct load *load, unsigned nth);

/* The name of a kind of failure, as in JSON. */
const char *result_kind(enum failure kind);

#endif
