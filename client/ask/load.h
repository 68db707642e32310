/*
 * load - what is asked for, and what became of it: the data that the client's processes share.
 */
#ifndef CLIENT_ASK_LOAD_H
#define CLIENT_ASK_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "../../common/address.h"
#include "../../common/scoreboard.h"
#include "gate.h"
#include "../figures/histogram.h"
#include "misbehave.h"
#include "work.h"
#include "../figures/outcome.h"
#include "schedule.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

/* What was asked for on the command line. */
struct load {
    const char *host;       /* -i */
    int port;               /* -p */
    unsigned processes;     /* -c */
    uint64_t connections;   /* -t: of each process; 0: -d says how long */
    uint64_t bytes;         /* -b: of each reply; with -M what -E says, or 0 */
    uint64_t requests;      /* -k: on each connection */
    unsigned in_flight;     /* -m: connections that a process has open at a time */
    int timeout_s;          /* -T: for connecting and a reply; 0 never */
    enum format format;     /* -o */
    const char *histogram;  /* -o hdr=FILE: the file; NULL: none */
    const char *label;      /* -L: NULL: none */
    bool quiet;             /* -q */
    bool verbose;           /* -v */
    const char *message;    /* -M: sent as a frame in place of a line (frame.h); NULL: none */
    const char *expected;   /* -E: the reply to it; NULL: any */
    uint64_t message_bytes; /* length of -M */
    struct plan plan;       /* -r, -d */
    struct mix mix;         /* -W */
    struct manners manners; /* -x */
    uint32_t seed;          /* -S */
    unsigned held;          /* -H: idle connections beside */
    struct gate gates[GATES_MOST]; /* -f */
    unsigned gate_count;
    struct gate bound; /* of -r max@ */
    uint64_t earlier;  /* connections that earlier runs have made: their ports are not free yet */
    struct address target;
};

/* What is measured of a request. Service and response end with its last byte; service begins with
 * the connection (of a later request: with the end of the last reply), response when the connection
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
    LATE_NS = 1000 * 1000, /* a connection that begins so much after it was due is late */
    QUARTERS = 4,          /* of a schedule */
    WORK_TIMES = 2         /* of each class of -W: service, response */
};

/*
 * One per client process, in shared memory, so that it outlives a process that is killed. Written
 * by its process alone (`number`, `start_ns`, `works`, `pid`, `died` by the parent). It is large,
 * but memory that nobody touches is not there: most of a histogram stays empty.
 */
struct tally {
    counter taken;       /* how far it is in the row of its connections, of whatever kind */
    struct outcome good; /* of the well-behaved ones: what the report is about */
    struct outcome bad[MANNERS_MOST];
    counter omitted[MANNERS_MOST]; /* of each -x: there were too many at a time */
    counter requests[TRUST_KINDS]; /* replies received whole, by the well-behaved ones */
    counter bytes;                 /* received by them, right or wrong */
    counter left_full;             /* never begun: when time was over all -m places were taken */
    counter late_full;             /* began late, for all -m places were taken */
    counter late_busy;             /* began late although there was one: this process came late */
    counter most_late_ns;          /* the latest of all */
    counter last_begun_ns;         /* when its last connection began, after the start */
    int64_t start_ns;              /* clock_ns(): the start of the run, the same for all */
    int64_t started_ns, ended_ns;  /* of this process; 0: not yet */
    int64_t last_ns;               /* when its last connection was completed */
    int64_t over_ns;               /* when its last one was over, completed or failed */
    int64_t cpu_ns;                /* processor time that it has used, of user and system */
    bool known;                    /* the server is one of this suite */
    bool one_source;               /* it could not take several source addresses */
    int unshown;                   /* errno of the first reply that could not be printed */
    char rejection[LINE_KEPT + 1]; /* the first "error:" line, without its end */
    unsigned number;               /* of the process, from 0 */
    pid_t pid;
    bool died;                       /* it ended without saying how its connections ended */
    counter asked[MIX_CLASSES_MOST]; /* with -W: requests that were begun, by class */
    /* With -W the times of each class: works[trust][WORK_TIMES * class], else NULL. */
    struct histogram *works[TRUST_KINDS];
    struct histogram lasted[MANNERS_MOST]; /* how long each kind of -x lasted, to whatever end */
    struct histogram latencies[TRUST_KINDS][LATENCY_KINDS];
    /* In the open loop: response times of the first requests of connections, by the quarter of the
     * schedule in which they were due. */
    struct histogram quarters[QUARTERS];
};

/* The row of connections of the run is dealt out in turn: the `nth` of this process is this one of
 * all. */
static inline uint64_t
load_nth(const struct load *load, unsigned process, uint64_t nth)
{
    return nth * load->processes + process;
}

/* How many of `total` are this process's. */
static inline uint64_t
load_share(const struct load *load, unsigned process, uint64_t total)
{
    return total / load->processes + (process < total % load->processes);
}

/* How many connections the run has in all; 0: as many as there is time for. */
static inline uint64_t
load_total(const struct load *load)
{
    if (load->connections > 0) {
        return load->connections * load->processes;
    }
    return plan_open(&load->plan) ? plan_count(&load->plan, load->plan.duration_ns) : 0;
}

/* How long the schedule, or the time of -d, lasts, in nanoseconds; 0 if there is none. */
static inline int64_t
load_schedule(const struct load *load)
{
    if (load->plan.duration_ns > 0) {
        return load->plan.duration_ns;
    }
    return plan_open(&load->plan) ? plan_due(&load->plan, load_total(load)) : 0;
}

static inline int64_t
clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
