/*
 * bench - what the process that measures a row needs: the time, helpers that play the other part,
 * counters, and the result, which it sends to limits through a pipe.
 *
 * A row is measured by a process of its own, so that what one leaves behind (memory, mappings,
 * descriptors) costs the next nothing. It is the leader of a process group, in which its helpers
 * are too: limits can end them all at once. A timer interrupts it: when the time is over, and at
 * least twice a second to see whether limits still lives. Helpers have an alarm(2) of their own.
 */
#ifndef LIMITS_BENCH_H
#define LIMITS_BENCH_H

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>

#include "../../common/die.h"
#include "../../common/scoreboard.h"

enum { BENCH_N_MOST = 200, BENCH_PATIENCE_S = 4, BENCH_WHY = 160 };

enum bench_outcome {
    BENCH_MEASURED,
    BENCH_UNAVAILABLE, /* this system or this build does not have it */
    BENCH_FAILED
};

/* Goes through a pipe in one piece: smaller than PIPE_BUF. */
struct bench_result {
    enum bench_outcome outcome;
    unsigned n; /* how many do it at a time */
    double count;
    double elapsed_us;
    double cpu_us;        /* of all processes, user and system */
    double answer_cpu_us; /* of those that answer; 0 if nobody does */
    double switches;      /* voluntary context switches of all */
    double faults;        /* page faults of all that needed no disk */
    char why[BENCH_WHY];  /* if it was not measured */
};

struct bench {
    const char *program; /* argv[0] */
    int64_t duration_us;
    unsigned n;    /* -n */
    int report_fd; /* for the result */
};

/* Who asks waits in bench_helper() until the time starts; who answers is ready before that. */
enum bench_role { BENCH_ASKS, BENCH_ANSWERS, BENCH_ROLES };

extern struct bench bench;
extern volatile sig_atomic_t bench_over; /* the time is over, or limits has been stopped */

/* Once, in the process that will measure: signals, the helpers' gate. */
void bench_open(const struct bench *setup);

/* Forks a process that runs `helper_main(number)`; it is killed when all is measured. */
void bench_helper(enum bench_role role, void (*helper_main)(unsigned), unsigned number);

/* Counters that the helpers forked later share, numbers 0 to `count` - 1. */
void bench_counters(unsigned count);
counter *bench_counter(unsigned number);

/* The time starts, for those who ask too; `n` do it at a time. */
void bench_start(unsigned n);

/* Sleeps until the time is over and something has been counted; returns the sum of the counters. */
double bench_watch(void);

/* The time stops. If `count` is negative, context switches are what was to be counted. */
void bench_stop(double count);

/* Ends the helpers, adds up the processor time and sends the result. */
_Noreturn void bench_report(void);

/* Instead of a result, in any of the row's processes: what went wrong, and errno. */
_Noreturn void bench_fail(const char *format, ...) DIE_PRINTF(1, 2);
_Noreturn void bench_unavailable(const char *format, ...) DIE_PRINTF(1, 2);

/* A socket that listens on 127.0.0.1, on a port that the kernel chooses: the address is set. */
int bench_listen(struct sockaddr_in *address);

/* A new connection to it. */
int bench_connect(const struct sockaddr_in *address);

#endif
