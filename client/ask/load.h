/*
 * load - the load that the command line asks for.
 */
#ifndef CLIENT_ASK_LOAD_H
#define CLIENT_ASK_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/address.h"
#include "gate.h"
#include "misbehave.h"
#include "schedule.h"
#include "work.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_LIVE };

struct load {
    const char *host;         /* -i */
    bool attaches;            /* -i shm:PATH: to the server's memory */
    int port;                 /* -p */
    unsigned processes;       /* -c */
    uint64_t connections;     /* -t: of each process; 0: -d says how long */
    uint64_t bytes;           /* -b: of each reply; with -M the length of -E, or 0; with -u 0 */
    uint64_t requests;        /* -k: on each connection */
    unsigned in_flight;       /* -m: connections that a process has open at a time */
    int64_t timeout_ns;       /* -T: for connecting and a reply; 0 never */
    enum format format;       /* -o */
    const char *histogram;    /* -o hdr=FILE: the file; NULL: none */
    const char *label;        /* -L; NULL: none */
    bool quiet;               /* -q */
    bool verbose;             /* -v */
    bool http, lines;         /* -P: HTTP, also with -u; lines, where somebody has said so */
    const char *path;         /* -u: asked for in place of `bytes`; NULL: none */
    const char *message;      /* -M: sent as a frame in place of a line (message.h); NULL: none */
    const char *expected;     /* -E: the reply to the message; NULL: any */
    uint64_t message_bytes;   /* length of -M */
    struct schedule schedule; /* -r, -d */
    struct work work;         /* -W */
    struct misbehaviours misbehaviours; /* -x */
    uint32_t seed;                      /* -S */
    unsigned held;                      /* -H: idle connections beside the others */
    struct gate gates[GATES_MOST];      /* -f: `gate_count` of them */
    unsigned gate_count;
    struct gate bound; /* of -r max@ */
    uint64_t earlier;  /* connections of the runs before this one: their ports are not free yet */
    struct address target;
};

/* The protocol, as in JSON. */
static inline const char *
load_protocol(const struct load *load)
{
    return load->message ? "frames" : load->http ? "http" : "lines";
}

/* True in the open loop: each connection is due at a time of its own. */
static inline bool
load_is_open(const struct load *load)
{
    return load->schedule.kind != SCHEDULE_CLOSED;
}

/* True if the run begins for all processes at one time: in the open loop, and with -d. */
static inline bool
load_is_timed(const struct load *load)
{
    return load_is_open(load) || load->schedule.duration_ns > 0;
}

/* The connections of the run are dealt out to the processes in turn: the number, among all, of the
 * `nth` connection of this process. */
static inline uint64_t
load_nth(const struct load *load, unsigned process, uint64_t nth)
{
    return nth * load->processes + process;
}

/* How many of `total` connections this process makes. */
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
    return load_is_open(load) ? schedule_count(&load->schedule, load->schedule.duration_ns) : 0;
}

/* How long the schedule, or the time of -d, lasts, in nanoseconds; 0 if there is none. */
static inline int64_t
load_schedule_ns(const struct load *load)
{
    if (load->schedule.duration_ns > 0) {
        return load->schedule.duration_ns;
    }
    return load_is_open(load) ? schedule_due(&load->schedule, load_total(load)) : 0;
}

#endif
