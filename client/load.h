/*
 * load - what is asked for, and what became of it: the data that the client's processes share.
 */
#ifndef CLIENT_LOAD_H
#define CLIENT_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "../common/address.h"
#include "../common/scoreboard.h"
#include "histogram.h"
#include "mix.h"

/* What was asked for on the command line. */
struct load {
    const char *host;     /* -i */
    int port;             /* -p */
    unsigned processes;   /* -c */
    uint64_t connections; /* -t: of each process */
    uint64_t bytes;       /* -b: of each reply; with -M what -E says, or 0 */
    uint64_t requests;    /* -k: on each connection */
    unsigned in_flight;   /* -m: connections that a process has open at a time */
    int timeout_s;        /* -T: for connecting and a reply; 0 never */
    bool json;            /* -o */
    bool quiet;           /* -q */
    bool verbose;         /* -v */
    const char *message;  /* -M: sent as a frame in place of a line (frame.h); NULL: none */
    const char *expected; /* -E: the reply to it; NULL: any */
    uint64_t message_bytes;
    struct mix mix; /* -W, -S */
    struct address target;
};

enum failure {
    FAILURE_REFUSED,
    FAILURE_RESET,
    FAILURE_TIMED_OUT,
    FAILURE_SHORT,          /* the server closed before the end of its reply */
    FAILURE_CORRUPT,        /* a wrong byte, or one too many */
    FAILURE_REJECTED,       /* the server sent a line that begins with "error:" */
    FAILURE_CLIENT_LIMITED, /* ports, descriptors or memory of this machine have run out */
    FAILURE_OTHER,
    FAILURE_KINDS
};

/* Whether replies could be verified. Which of both a server is shows with its first reply, but a
 * reply without a stamp is known to be wrong only when any process has seen a stamp. So successes
 * without are kept apart until the end. */
enum trust { TRUST_VERIFIED, TRUST_UNVERIFIED, TRUST_KINDS };

enum latency { LATENCY_CONNECT, LATENCY_FIRST_BYTE, LATENCY_SERVICE, LATENCY_KINDS };

enum { LINE_KEPT = 128 }; /* bytes of an "error:" line that are kept */

/*
 * One per client process, in shared memory, so that it outlives a process that is killed. Written
 * by its process alone (`number`, `works`, `pid`, `died` by the parent). Invariant: begun <=
 * connections; and begun = completed + failed + those in flight. It is large, but memory that
 * nobody touches is not there: most of a histogram stays empty.
 */
struct tally {
    counter begun;
    counter connected; /* those that got as far */
    counter completed[TRUST_KINDS];
    counter requests[TRUST_KINDS]; /* replies received whole */
    counter bytes;                 /* received, good or bad */
    counter failed[FAILURE_KINDS];
    int error[FAILURE_KINDS];      /* the first one's errno, 0 if it has none */
    int64_t started_ns, ended_ns;  /* clock_ns(); 0: not yet */
    int64_t last_ns;               /* when its last connection was completed */
    bool known;                    /* the server is one of this suite */
    bool one_source;               /* it could not take several source addresses */
    int unshown;                   /* errno of the first reply that could not be printed */
    char rejection[LINE_KEPT + 1]; /* the first "error:" line, without its end */
    unsigned number;               /* of the process, from 0 */
    pid_t pid;
    bool died;                            /* it ended without saying how its connections ended */
    counter asked[MIX_CLASSES_MOST];      /* with -W: requests that were begun, by class */
    struct histogram *works[TRUST_KINDS]; /* their service times, by class; without -W NULL */
    struct histogram latencies[TRUST_KINDS][LATENCY_KINDS];
};

static inline uint64_t
tally_completed(const struct tally *tally)
{
    return counter_get(&tally->completed[TRUST_VERIFIED]) +
           counter_get(&tally->completed[TRUST_UNVERIFIED]);
}

static inline uint64_t
tally_failed(const struct tally *tally)
{
    uint64_t failed = 0;

    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        failed += counter_get(&tally->failed[kind]);
    }
    return failed;
}

static inline int64_t
clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
