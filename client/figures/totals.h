/*
 * result - what all client processes did, added up.
 */
#ifndef CLIENT_FIGURES_TOTALS_H
#define CLIENT_FIGURES_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "distribution.h"
#include "tally.h"

/* Exit statuses, beside 0 and 2. */
enum { STATUS_FAILED = 1, STATUS_UNREACHABLE = 3, STATUS_LIMITED = 4 };

/* A part of the run, about a second: what ended in it. */
struct interval {
    double from, length;        /* seconds since the start */
    double asked;               /* connections per second that were due in it; 0 in a closed loop */
    uint64_t completed, failed; /* connections */
    uint64_t requests;
    double p50, p99; /* us: response in the open loop, else service; 0 if nothing succeeded */
};

/* What became of the connections of one -x. */
struct misbehaved {
    uint64_t begun, omitted, unsent, connected, completed, failed;
    uint64_t errors[FAILURE_KINDS];
    struct histogram lasted;
};

/* -H. */
struct held_totals {
    uint64_t asked, opened, closed, failed, least, open;
    int error;
    bool died; /* the process that held them, before its time */
};

/* A step of -r max. */
struct step {
    uint32_t rate;
    double achieved; /* completed connections per second */
    bool known;      /* there is a value */
    double value;    /* of what the bound is about */
    bool beyond;     /* the rate was not reached, or the server did not keep up */
    bool kept;       /* it keeps the bound, at that rate, and nothing failed */
    const char *why; /* if it does not */
};

/* Invariant: scheduled = completed + failed + unsent, in well-behaved connections. */
struct totals {
    uint64_t scheduled, connected, completed, failed, unsent;
    uint64_t errors[FAILURE_KINDS]; /* failed, by kind */
    int error[FAILURE_KINDS];       /* an errno of each kind, or 0 */
    uint64_t requests, bytes;
    double seconds;     /* from the start to the end of the last connection, or of the schedule */
    double cpu_seconds; /* processor time of the client's processes */
    uint64_t late_full, late_busy; /* began late: there was no room; their process came late */
    uint64_t left_full;            /* never begun: there was no room for them when time was over */
    double most_late_us;           /* the latest of all */
    double last_begun_s;           /* when the last one began, in seconds after the start */
    bool foreign;                  /* replies came, but none that could be verified */
    bool identified;               /* replies told who sent them */
    bool interrupted;              /* by a signal */
    bool killed;     /* and then the processes were not left the time to end by themselves */
    bool one_source; /* could not use several addresses */
    unsigned died;   /* processes that ended without saying how */
    struct histogram latencies[LATENCY_KINDS];
    struct histogram quarters[QUARTERS]; /* response, of what was due in each of the schedule */
    uint64_t asked[WORK_CLASSES_MOST];   /* with -W: requests begun, by class */
    struct histogram work_times[WORK_CLASSES_MOST][WORK_TIMES]; /* times of those that succeeded */
    struct misbehaved misbehaved[MISBEHAVE_MOST];               /* with -x */
    struct held_totals held;                                    /* with -H */
    struct interval *intervals; /* `interval_count` of them, with -r or -d */
    size_t interval_count;
    struct judgement judgements[GATES_MOST]; /* of load->gates */
    unsigned broken;                         /* how many of those do not hold */
    struct step *steps;                      /* `step_count` of them, with -r max */
    size_t step_count;
    const char *ended_early; /* why the search could not go on; NULL: it could */
    uint32_t found;          /* the highest rate that keeps the bound; 0: none does */
    struct distribution distribution;
    struct evenness evenness;
};

/* Adds up the tallies of processes that have all ended. The caller has received the distribution
 * already. */
void totals_add_up(struct totals *totals, const struct load *load, const struct tally *tallies);

/* How long the schedule, or the time of -d, lasts, in seconds; 0 if there is none. */
double result_schedule(const struct load *load);

/* With -W: the part of all requests begun that was of this class. */
double totals_part(const struct totals *totals, unsigned class);

/* So many per second. */
double totals_rate(const struct totals *totals, uint64_t count);

/* The lines that servers sent instead of replies, each once; NULL after the last. */
const char *totals_rejection(const struct load *load, const struct tally *tallies, unsigned nth);

/* 0 all good, 1 something failed or was interrupted, 3 nothing could connect, 4 this machine was
 * the limit. */
int totals_status(const struct totals *totals);

/* Frees what it holds; it can be used again when it is zeroed. */
void totals_close(struct totals *totals);

#endif
