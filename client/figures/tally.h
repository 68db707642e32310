/*
 * tally - what one client process counts and measures, in memory that it shares with its parent.
 */
#ifndef CLIENT_FIGURES_TALLY_H
#define CLIENT_FIGURES_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../common/scoreboard.h"
#include "../ask/load.h"
#include "histogram.h"
#include "outcome.h"

/* The times of a request. Service and response end with its last byte. Service begins with the
 * connection (for a later request: when the reply before it has come), response when the connection
 * was due. In the closed loop nothing is due, and there are no response times. */
enum latency {
    LATENCY_CONNECT,
    LATENCY_FIRST_BYTE,
    LATENCY_SERVICE,
    LATENCY_RESPONSE,
    LATENCY_KINDS
};

enum {
    LINE_KEPT = 128,       /* bytes of an "error:" line that are kept */
    LATE_NS = 1000 * 1000, /* a connection that begins so long after it was due is late */
    QUARTERS = 4,          /* of a schedule */
    WORK_TIMES = 2         /* of each class of -W: service, response */
};

/*
 * One per client process; it outlives a process that is killed. The process alone writes it, but
 * for `number`, `start_ns`, `work_times`, `pid`, `reaped` and `died`, which the parent writes. Its
 * size costs nothing: the kernel makes a page when it is first touched, and most of a histogram
 * never is.
 */
struct tally {
    counter taken;       /* connections, of whatever kind, that were begun or left out */
    struct outcome good; /* of the well-behaved connections, which the report is about */
    struct outcome bad[MISBEHAVE_MOST]; /* of the others, by -x */
    counter omitted[MISBEHAVE_MOST];    /* left out by -x: too many were open */
    counter requests[TRUST_KINDS];      /* replies received whole on well-behaved connections */
    counter bytes;                      /* received there, right or wrong */
    counter left_full;                  /* not begun: time was over, and all -m places taken */
    counter late_full;                  /* began late: all -m places were taken */
    counter late_busy;                  /* began late with a place free: this process came late */
    counter most_late_ns;               /* the latest of all */
    counter last_begun_ns;              /* when the last connection began, after the start */
    int64_t start_ns;                   /* clock_ns(): the start of the run, the same for all */
    int64_t started_ns, ended_ns;       /* of this process; 0: not yet */
    int64_t last_ns;                    /* when its last connection was completed */
    int64_t over_ns;                    /* when its last one was over, completed or failed */
    int64_t cpu_ns;                     /* processor time that it has used, user and system */
    bool known;                         /* a stamp has shown a server of this suite */
    bool one_source;                    /* this machine gave it only one source address */
    int unprinted;                      /* errno of the first reply that could not be printed */
    char rejection[LINE_KEPT + 1];      /* the first "error:" line, without its end */
    unsigned number;                    /* of the process, from 0 */
    pid_t pid;
    bool reaped;                               /* the process has ended */
    bool died;                                 /* the process ended before it had counted all */
    counter asked[WORK_CLASSES_MOST];          /* with -W: requests begun, by class */
    struct histogram *work_times[TRUST_KINDS]; /* with -W: WORK_TIMES for each class; else NULL */
    struct histogram lasted[MISBEHAVE_MOST];   /* how long connections lasted, to any end, by -x */
    struct histogram latencies[TRUST_KINDS][LATENCY_KINDS];
    /* In the open loop: response times of the connections' first requests, by the quarter of the
     * schedule in which they were due. */
    struct histogram quarters[QUARTERS];
};

/* The time that a run is judged by: response in the open loop, else service. */
static inline enum latency
tally_latency(const struct load *load)
{
    return load_is_open(load) ? LATENCY_RESPONSE : LATENCY_SERVICE;
}

/* connect, first_byte, service, response: as in JSON. */
extern const char *const tally_latency_names[LATENCY_KINDS];

/* Tallies of zeros for all client processes, at the same address in each; and back. */
struct tally *tallies_open(const struct load *load);
void tallies_close(const struct load *load, struct tally *tallies);

#endif
