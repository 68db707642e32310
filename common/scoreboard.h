/*
 * scoreboard - counters in memory that a server shares with its children. Each process has a slot
 * of its own and is the only one that writes it, so nothing needs a lock, and what a child
 * counted outlives the child.
 */
#ifndef COMMON_SCOREBOARD_H
#define COMMON_SCOREBOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

typedef atomic_ullong counter; /* 64 bits everywhere; relaxed, for it orders nothing else */

enum { SLOT_BYTES = 128 }; /* two cache lines: neighbours' counters never share one */

/* Invariant: written by the process that owns it while it lives, by its parent once it is reaped.
 */
struct slot {
    _Alignas(SLOT_BYTES) counter connections;
    counter requests;  /* replies sent whole */
    counter bytes;     /* of replies */
    counter rejected;  /* connections that sent a bad line */
    counter timed_out; /* connections closed after -T seconds */
    counter broken;    /* connections that ended inside a request or a reply */
    counter wakeups;   /* returns from waiting for a connection */
    counter wasted;    /* of these, how many found none */
    counter switches;  /* voluntary context switches of reaped owners */
    counter running_switches, running_user_us, running_system_us; /* of the living owner */
    counter serving; /* 1: a request is in progress (where one at a time is served) */
    counter pid;     /* the owner; after its end the last one */
};

struct scoreboard {
    struct slot *slots; /* slots[0] is the server's own, slots[1..children] the children's */
    unsigned children;
};

/* Maps a zeroed scoreboard that children created by fork() share. Dies on failure. */
void scoreboard_open(struct scoreboard *board, unsigned children);

/* Zeroed memory of `size` bytes shared with children forked later; page aligned. Dies on failure.
 */
void *scoreboard_memory(size_t size);

/* The two halves of it, for memory that programs share which do not come by fork(): an object
 * without a name, whose descriptor (close-on-exec) is the caller's to pass on and to close, and its
 * mapping. Die on failure. */
int scoreboard_object(size_t size);
void *scoreboard_map(int fd, size_t size);

/* The owner notes its context switches and processor time, as getrusage(2) says them. */
void scoreboard_publish(struct slot *slot);

/* The parent, when it has reaped the owner: from now on getrusage(RUSAGE_CHILDREN) has them. A
 * request that was in progress counts as broken. */
void scoreboard_reaped(struct slot *slot);

static inline unsigned long long
counter_get(const counter *counted)
{
    return atomic_load_explicit(counted, memory_order_relaxed);
}

static inline void
counter_set(counter *counted, unsigned long long value)
{
    atomic_store_explicit(counted, value, memory_order_relaxed);
}

/* Not a read-modify-write instruction: there is one writer, and it need not pay for more. */
static inline void
counter_add(counter *counted, unsigned long long more)
{
    counter_set(counted, counter_get(counted) + more);
}

#endif
