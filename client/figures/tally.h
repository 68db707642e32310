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
    LATENCY_KINDS,
    LATENCY_PUNCTUAL = LATENCY_KINDS, /* response, less what this process itself was late by: what
                                         a search, and who asks for a queue, judge by */
    LATENCY_ALL
};

enum {
    LINE_KEPT = 128,            /* bytes of an "error:" line that are kept */
    REJECTION = LINE_KEPT + 80, /* room for one, and for a status line in front */
    SAMPLE_KEPT = 40,           /* bytes of a reply that is no line */
    LATE_NS = 1000 * 1000,      /* a connection that begins so long after it was due is late */
    QUARTERS = 4,               /* of a schedule */
    EARLY_CONNECTS = 1000,      /* of a process: later ones may have to search for a port */
    QUARTER_LEAST = 10,         /* fewer connections tell nothing about a quarter */
    BEYOND_LEAST = 20,          /* fewer times beyond a percentile tell nothing about it */
    WORK_TIMES = 2              /* of each class of -W: service, response */
};

/* No byte is wrong, but the reply before it on the connection had no stamp. */
#define LATE_STAMP UINT64_MAX

/* The beginning of a reply that a user had better look at. */
struct sample {
    enum failure kind; /* why it is wrong; FAILURE_KINDS: it is not, but nothing verified it */
    uint64_t got;      /* bytes that came; 0 and no `kept`: perhaps there is no sample */
    uint64_t wrong_at; /* of a corrupt one: the place of the first wrong byte, or LATE_STAMP */
    uint64_t wanted;   /* bytes of a whole one */
    const char *why;   /* by HTTP: what the head has to do with it (head.h); NULL: nothing */
    unsigned kept;
    bool taken;
    char head[SAMPLE_KEPT];
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
    counter reopened;                   /* made again: the server closed, -k wanted more */
    counter late;                       /* began more than LATE_NS after they were due */
    counter most_late_ns;               /* the latest of all */
    double room_s, own_s;  /* how long all waited to begin: while the -m places were taken, and for
                              this process; those never begun waited until time was over */
    counter last_begun_ns; /* when the last connection began, after the start */
    int64_t start_ns;      /* clock_ns(): the start of the run, the same for all */
    int64_t started_ns, ended_ns; /* of this process; 0: not yet */
    int64_t last_ns;              /* when its last connection was completed */
    int64_t over_ns;              /* when its last one was over, completed or failed */
    int64_t early_connect_ns;     /* how long the first EARLY_CONNECTS took to connect */
    int64_t cpu_ns;               /* processor time that it has used, user and system */
    int64_t starved_ns;           /* how long it waited for a processor, ready to run */
    int64_t away_ns;              /* the longest time in which it did not run (pacing.h) */
    bool known;                   /* a stamp has shown a server of this suite */
    bool one_source;              /* this machine gave it only one source address */
    int unprinted;                /* errno of the first reply that could not be printed */
    struct sample sample;         /* of the first short or corrupt reply, or unverified one */
    char rejection[REJECTION];    /* the first "error:" line, without its end; or a status */
    unsigned number;              /* of the process, from 0 */
    pid_t pid;
    bool reaped;                               /* the process has ended */
    bool died;                                 /* the process ended before it had counted all */
    counter asked[WORK_CLASSES_MOST];          /* with -W: requests begun, by class */
    struct histogram *work_times[TRUST_KINDS]; /* with -W: WORK_TIMES for each class; else NULL */
    struct histogram lasted[MISBEHAVE_MOST];   /* how long connections lasted, to any end, by -x */
    struct histogram latencies[TRUST_KINDS][LATENCY_ALL];
    /* In the open loop: punctual times of the connections' first requests, by the quarter of the
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
