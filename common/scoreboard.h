/*
 * scoreboard - counters in memory that a server shares with its children. Each process has a slot
 * of its own and is the only one that writes it, so nothing needs a lock, and what a child
 * counted outlives the child.
 */
#ifndef COMMON_SCOREBOARD_H
#define COMMON_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef atomic_ullong counter; /* 64 bits everywhere; relaxed, for it orders nothing else */

enum { SLOT_BYTES = 128 }; /* two cache lines: neighbours' counters never share one */

/* Invariant: written by the process that owns it while it lives, by its parent once it is reaped.
 * If the scoreboard is `apart`, the parent always writes what is counted of connections, requests
 * and replies (connections to broken, and serving). */
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
    counter serving;  /* how many requests are in progress */
    counter pid;      /* the owner; after its end the last one */
    counter peak_kib; /* the most memory that an owner has used, as far as published */
    counter since;    /* clock_us() when it began to work for its request, or 0 */
};

struct scoreboard {
    struct slot *slots; /* slots[0] is the server's own, slots[1..] the children's */
    unsigned children;
    unsigned threads; /* each child has a slot for each of its threads; 0: one slot */
    bool apart; /* the server itself has the connections, and counts for the children that work for
                 * them: a request in progress outlives its child */
};

/* Maps a zeroed scoreboard that children created by fork() share; its `threads` must be set. Dies
 * on failure. */
void scoreboard_open(struct scoreboard *board, unsigned children);

/* How many slots the children have; the first one of a child. */
unsigned scoreboard_count(const struct scoreboard *board);
struct slot *scoreboard_child(const struct scoreboard *board, unsigned number);

/* Zeroed memory of `size` bytes shared with children forked later; page aligned. Dies on failure.
 */
void *scoreboard_memory(size_t size);

/* The two halves of it, for memory that programs share which do not come by fork(): an object
 * without a name, whose descriptor (close-on-exec) is the caller's to pass on and to close, and its
 * mapping. Die on failure. */
int scoreboard_object(size_t size);
void *scoreboard_map(int fd, size_t size);

/* The owner notes its context switches, processor time and memory, as getrusage(2) says them. */
void scoreboard_publish(struct slot *slot);

/* The parent, when it has reaped this child: from now on getrusage(RUSAGE_CHILDREN) has them. The
 * requests that were in progress count as broken. */
void scoreboard_reaped(const struct scoreboard *board, unsigned number);

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
