#include "outcome.h"

#include <errno.h>

uint64_t
outcome_completed(const struct outcome *outcome)
{
    return counter_get(&outcome->completed[TRUST_VERIFIED]) +
           counter_get(&outcome->completed[TRUST_UNVERIFIED]);
}

uint64_t
outcome_failed(const struct outcome *outcome)
{
    uint64_t failed = 0;

    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        failed += counter_get(&outcome->failed[kind]);
    }
    return failed;
}

void
outcome_fail(struct outcome *outcome, enum failure kind, int error)
{
    if (counter_get(&outcome->failed[kind]) == 0) {
        outcome->error[kind] = error; /* one example of each kind is enough to explain it */
    }
    counter_add(&outcome->failed[kind], 1);
}

enum failure
failure_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: /* no such Unix socket: nobody is there either */
        return FAILURE_REFUSED;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return FAILURE_RESET;
    case ETIMEDOUT:
        return FAILURE_TIMED_OUT;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN: /* of connect(): no port is left */
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return FAILURE_CLIENT_LIMITED;
    default:
        return FAILURE_OTHER;
    }
}

const char *
outcome_name(enum failure kind)
{
    static const char *const names[FAILURE_KINDS] = {[FAILURE_REFUSED] = "refused",
                                                     [FAILURE_RESET] = "reset",
                                                     [FAILURE_TIMED_OUT] = "timed_out",
                                                     [FAILURE_SHORT] = "short",
                                                     [FAILURE_CORRUPT] = "corrupt",
                                                     [FAILURE_REJECTED] = "rejected",
                                                     [FAILURE_CLIENT_LIMITED] = "client_limited",
                                                     [FAILURE_OTHER] = "other"};

    return names[kind];
}
