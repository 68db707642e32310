/*
 * ring - what a process shares with the kernel: a queue of submissions (what we ask for), a queue
 * of completions (what has come of it), and a queue of buffers into which the kernel receives.
 */
#ifndef SERVER13_RING_LINUX_H
#define SERVER13_RING_LINUX_H

#include <signal.h>
#include <stdint.h>

#include "calls_linux.h"

/* Dies, and says why, if this process gets no ring from the kernel. */
void ring_try(void);

/* Makes the ring of this process, which waits with this signal mask. A forked child does not
 * inherit a ring. Dies on failure. */
void ring_open(const sigset_t *waiting);

/* A submission, all zero but for these three: `name` comes back in its completion. The caller fills
 * in the rest; the kernel gets it with the next ring_wait(). */
struct io_uring_sqe *ring_ask(uint8_t what, int fd, uint64_t name);

/* Hands the kernel what was asked for, and waits until something has completed, a signal has come,
 * or `ms` have passed: one system call. Returns how many completions there are. */
unsigned ring_wait(int ms);

/* A completion. */
struct done {
    uint64_t name;  /* of what was asked */
    int32_t result; /* what the system call would have returned; or -errno */
    uint32_t flags; /* IORING_CQE_F_... */
};

/* Takes the next one: as often as ring_wait() has said. */
struct done ring_take(void);

/* The bytes of a completion that has IORING_CQE_F_BUFFER; and their buffer, back to the kernel. */
const char *ring_bytes(const struct done *done);
void ring_give_back(const struct done *done);

#endif
