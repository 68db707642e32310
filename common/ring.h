/*
 * ring - two processes exchange bytes through shared memory, without a system call per message: a
 * ring of bytes for each direction. Each ring has one producer, who alone moves `put`, and one
 * consumer, who alone moves `taken`.
 *
 * Neither side trusts the other one. All that the peer can write (the whole memory) is read once
 * and checked; an end keeps its own two indices in its own memory; bytes are copied out before they
 * are looked at. That the peer has died shows as the end of file on a socket between the two.
 */
#ifndef COMMON_RING_H
#define COMMON_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ring_memory;

/* One of the two ends. */
struct ring {
    struct ring_memory *memory;
    int fd;              /* the socket; the caller's */
    bool serves;         /* takes requests and puts replies */
    unsigned put, taken; /* its own indices: nobody else can change these */
    unsigned seen;       /* the peer's `taken`, when it was last looked at */
    int spins, most;     /* how often it looks before it sleeps, and the most that it may */
    unsigned misses, probe_every; /* sleeps since spinning was last tried; tried every so many */
    long interrupted;             /* how often, when it last asked */
    unsigned for_nothing;         /* how often it was woken without a reason */
};

/* What an end waits for, and what became of it. */
enum ring_wish { RING_INPUT = 1, RING_ROOM };
enum ring_wait { RING_READY, RING_NOT_YET, RING_OVER };

/* The bytes of memory that a pair of rings needs. */
size_t ring_size(void);

/* Makes the rings in zeroed shared memory: once, by the server. Dies on failure. */
void ring_make(void *memory);

/* An end: `memory` and `fd` stay the caller's. */
struct ring ring_open(void *memory, int fd, bool serves);

/* As writev(2) and read(2) of a non-blocking descriptor: how many bytes were put or taken, or -1
 * with EAGAIN if there is no room or nothing to take, EPROTO if the peer's index is nonsense. */
ssize_t ring_put(struct ring *ring, const struct iovec *pieces, int count);
ssize_t ring_take(struct ring *ring, char *bytes, size_t length);

/* READY: the wish is fulfilled (or the peer's index is nonsense). NOT_YET: not so within a tenth of
 * a second, or a signal has come. OVER: the peer has gone, and left nothing. It spins before it
 * sleeps, for as long as that has paid lately; never where one processor is online. */
enum ring_wait ring_wait(struct ring *ring, enum ring_wish wish);

/* The socket has been closed, or shut down: the peer, if it sleeps, looks at it now. */
void ring_leave(struct ring *ring);

#endif
