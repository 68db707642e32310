/*
 * outcome - how connections end: completed, or failed in one of several ways.
 */
#ifndef CLIENT_FIGURES_OUTCOME_H
#define CLIENT_FIGURES_OUTCOME_H

#include <stdint.h>

#include "../../common/scoreboard.h"

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

/* Whether replies could be verified. The first reply with a stamp shows, to any process, that the
 * server sends stamps; before that a reply without one may be right. So the successes without a
 * stamp are counted apart until the end. */
enum trust { TRUST_VERIFIED, TRUST_UNVERIFIED, TRUST_KINDS };

/* In shared memory, written by one client process: the well-behaved connections, or those of one
 * -x. Invariant: begun = completed + failed + in flight. */
struct outcome {
    counter begun;
    counter connected; /* of those begun */
    counter completed[TRUST_KINDS];
    counter failed[FAILURE_KINDS];
    int error[FAILURE_KINDS]; /* of the first of each kind; 0 if it has none */
};

uint64_t outcome_completed(const struct outcome *outcome);
uint64_t outcome_failed(const struct outcome *outcome);

/* Counts a failure; `error` is its errno, or 0. */
void outcome_fail(struct outcome *outcome, enum failure kind, int error);

/* The kind of failure if connecting, reading or writing fails with that errno. */
enum failure failure_of(int error);

/* The name of a kind of failure, as in JSON. */
const char *outcome_name(enum failure kind);

#endif
