/*
 * quota - a limit of processor time for the group that this process is in, such as a container's
 * (Linux: cgroups). Elsewhere nothing is known of one.
 */
#ifndef CLIENT_ENGINE_QUOTA_H
#define CLIENT_ENGINE_QUOTA_H

#include <stdint.h>

struct quota {
    uint64_t periods;   /* of some ms each, in which the group was at work */
    uint64_t throttled; /* periods in which it had used up its time, and had to wait */
};

/* Adds what has happened so far to this group and to all above it, times `sign`. */
void quota_add(struct quota *quota, int sign);

/* For how long this process could have run, but others had the processors; 0 where nobody says. */
int64_t quota_starved_ns(void);

#endif
