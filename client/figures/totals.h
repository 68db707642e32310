/*
 * totals - the tallies of all client processes, added up; and the other figures of a run.
 */
#ifndef CLIENT_FIGURES_TOTALS_H
#define CLIENT_FIGURES_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../engine/quota.h"
#include "distribution.h"
#include "tally.h"

/* Exit statuses, beside 0 and 2. */
enum { STATUS_FAILED = 1, STATUS_UNREACHABLE = 3, STATUS_LIMITED = 4 };

/* A part of the run, about a second: the connections that ended in it. */
struct interval {
    double from, length;        /* seconds since the start */
    double asked;               /* connections per second that were due in it; 0 in a closed loop */
    uint64_t completed, failed; /* connections */
    uint64_t requests;
    /* Of `completed` and `requests`, those without a stamp: totals_add_up() knows whether they are
     * right, and takes them off if not. Times cannot be taken off. */
    uint64_t doubtful, doubtful_requests;
    double p50, p99; /* us: response in the open loop, else service; 0 if nothing succeeded */
};

/* The connections of one -x. */
struct misbehaved {
    uint64_t begun, omitted, unsent, connected, completed, failed;
    uint64_t errors[FAILURE_KINDS];
    struct histogram lasted;
};

/* The idle connections of -H. */
struct held_totals {
    uint64_t asked, opened, closed, failed, least, open; /* see struct held in idle.c */
    int error;
    bool died; /* their process has, before its time */
};

/* A step of -r max. */
struct step {
    uint32_t rate;
    double achieved; /* completed connections per second */
    bool known;      /* there is a value */
    double value;    /* of the bound's metric */
    bool beyond;     /* the rate was not reached, or the server did not keep up */
    bool own;        /* it was lost by what the client itself was late */
    bool kept;       /* it keeps the bound, at that rate, and nothing failed */
    const char *why; /* if it does not */
};

/* Invariant: scheduled = completed + failed + unsent, in well-behaved connections. */
struct totals {
    uint64_t scheduled, connected, completed, failed, unsent;
    uint64_t errors[FAILURE_KINDS]; /* failed, by kind */
    int error[FAILURE_KINDS];       /* an errno of each kind, or 0 */
    uint64_t requests, bytes;
    uint64_t reopened;    /* connections made again, for the server announced that it closed */
    double seconds;       /* from the start to the end of the last connection, or of the schedule */
    double cpu_seconds;   /* processor time of the client's processes */
    double starved_s;     /* and how long they waited for a processor, ready to run */
    uint64_t late;        /* connections that began more than 1 ms after they were due */
    double most_late_us;  /* the latest of all */
    double room_s, own_s; /* how long all waited to begin: for room, and for the client itself */
    double away_s;        /* the longest time in which a client process did not run */
    double last_begun_s;  /* when the last one began, in seconds after the start */
    bool foreign;         /* replies came, but none that could be verified */
    bool identified;      /* replies told who sent them */
    bool interrupted;     /* a signal has stopped the load */
    bool killed;          /* and the processes had no time to end by themselves */
    struct sample sample; /* of one process */
    uint64_t early_connects; /* the first connections of each process, and */
    double early_connect_us; /* how long connecting them took, all together */
    struct quota quota;      /* of the run */
    bool one_source;         /* this machine gave a process only one source address */
    unsigned died;           /* processes that ended before they had counted all */
    struct histogram latencies[LATENCY_ALL];
    struct histogram quarters[QUARTERS]; /* punctual, by the quarter of the schedule */
    uint64_t asked[WORK_CLASSES_MOST];   /* with -W: requests begun, by class */
    struct histogram work_times[WORK_CLASSES_MOST][WORK_TIMES]; /* of requests that succeeded */
    struct misbehaved misbehaved[MISBEHAVE_MOST];
    struct held_totals held;
    struct interval *intervals; /* `interval_count` of them, with -r or -d */
    size_t interval_count;
    struct judgement judgements[GATES_MOST]; /* of load->gates */
    unsigned broken;                         /* how many gates do not hold */
    struct step *steps;                      /* `step_count` of them, with -r max */
    size_t step_count;
    const char *ended_early; /* why the search could not go on; NULL: it could */
    uint32_t found;          /* the highest rate that keeps the bound; 0: none does */
    bool lost_by_client;     /* the lowest rate that does not: the client itself was late */
    struct distribution distribution;
    struct evenness evenness;
};

/* Adds up the tallies of processes that have all ended, after the distribution was received. */
void totals_add_up(struct totals *totals, const struct load *load, const struct tally *tallies);

/* How many connections a process has not begun: well-behaved ones, and those of each -x. */
uint64_t totals_unsent(const struct load *load, const struct tally *tally,
                       uint64_t unsent[MISBEHAVE_MOST]);

/* With -W: the part of this class in all requests that were begun. */
double totals_part(const struct totals *totals, unsigned class);

/* So many per second. */
double totals_rate(const struct totals *totals, uint64_t count);

/* The lines that servers sent instead of replies, each once; NULL after the last. */
const char *totals_rejection(const struct load *load, const struct tally *tallies, unsigned nth);

/* The exit status: 0 if all was good. */
int totals_status(const struct totals *totals);

/* Frees the memory of the lists; zeroed, it can be used again. */
void totals_close(struct totals *totals);

#endif
