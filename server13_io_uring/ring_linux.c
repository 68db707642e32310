/*
 * Who writes what: we fill submissions and move the tail of their queue, the kernel moves its head;
 * the kernel fills completions and moves the tail of theirs, we move its head. Whoever moves an
 * index says by it "what I did to the entries up to here is done"; so it is written with release,
 * and the other side reads it with acquire before it touches the entries:
 *
 *                    submissions            completions            buffers
 *     we acquire     head: free to fill     tail: filled
 *     we release     tail: filled           head: free to fill     tail: free to fill
 *
 * What one has written oneself, one reads without either. An acquire in the wrong place (of the
 * completions' head, which nobody else writes) or a barrier for the compiler alone works on x86,
 * whose processors keep loads in order, and stores; on ARM and POWER it reads completions that are
 * not there yet.
 */
#define _GNU_SOURCE /* MAP_POPULATE, _NSIG */

#include "ring_linux.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/conn.h"
#include "../common/die.h"
#include "../common/signals.h"

enum { SUBMISSIONS = 1024, COMPLETIONS = 4096, BUFFERS = 256 }; /* powers of two */
enum { BUFFERS_QUEUE = BUFFERS * sizeof(struct io_uring_buf) };

/* An index goes on beyond the size of its queue: the entry is [index % size]. */
typedef _Atomic uint32_t position;

static int ringfd = -1;
static const sigset_t *waiting; /* the signal mask while it waits */
static struct {
    position *head, *tail;
    struct io_uring_sqe *entry;
    uint32_t filled; /* our tail: released to the kernel before it is called */
} submissions;
static struct {
    position *head, *tail;
    const struct io_uring_cqe *entry;
    uint32_t taken; /* our head */
} completions;
static struct io_uring_buf *free_buffers;
static uint16_t buffers_filled; /* our tail of that */
static char buffers[BUFFERS][CONN_INPUT];

static const char *why_refused(void);
static void map_queues(const struct io_uring_params *params);
static void add_buffer(unsigned number);

/* SINGLE_ISSUER, DEFER_TASKRUN: this process alone uses the ring, and what there is to do when
 * something has come, the kernel does while this process waits, instead of interrupting it. Each of
 * the three system calls is made here, for a filter may forbid one alone. */
static void
setup(struct io_uring_params *params)
{
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS};

    *params =
        (struct io_uring_params){.cq_entries = COMPLETIONS,
                                 .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                                          IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    free_buffers =
        mmap(NULL, BUFFERS_QUEUE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (free_buffers == MAP_FAILED) {
        die("the buffers of the ring");
    }
    registration.ring_addr = (uintptr_t)free_buffers;
    ringfd = io_uring_setup(SUBMISSIONS, params);
    if (ringfd == -1 ||
        io_uring_register(ringfd, IORING_REGISTER_PBUF_RING, &registration, 1) == -1 ||
        io_uring_enter(ringfd, 0, 0, 0, NULL, 0) == -1) {
        die("no io_uring: %s", why_refused());
    }
}

void
ring_try(void)
{
    struct io_uring_params params;

    setup(&params);
    close(ringfd);
    munmap(free_buffers, BUFFERS_QUEUE);
}

/* A number behind a word in a file of /proc, or at its beginning; -1 if there is none. */
static int
number_in(const char *path, const char *word)
{
    FILE *file = fopen(path, "re");
    char line[128];
    int number = -1;

    while (file && number == -1 && fgets(line, sizeof line, file)) {
        if (strncmp(line, word, strlen(word)) == 0) {
            sscanf(line + strlen(word), "%d", &number);
        }
    }
    if (file) {
        fclose(file);
    }
    return number;
}

static const char *
why_refused(void)
{
    int saved = errno;
    int sysctl = number_in("/proc/sys/kernel/io_uring_disabled", "");
    bool filtered = number_in("/proc/self/status", "Seccomp:") > 0;

    errno = saved;
    switch (saved) {
    case ENOSYS:
        return filtered ? "a seccomp filter hides it, or this kernel has none"
                        : "this kernel has none";
    case EPERM:
        return sysctl == 2   ? "the sysctl kernel.io_uring_disabled is 2, which forbids it to all"
               : sysctl == 1 ? "the sysctl kernel.io_uring_disabled is 1, which forbids it to all "
                               "but the group kernel.io_uring_group and CAP_SYS_ADMIN"
               : filtered    ? "a seccomp filter forbids it, as those of many containers do"
                             : "a security module forbids it";
    case ENOMEM:
        return "`ulimit -l` allows this user no more rings, or memory has run out";
    case EINVAL:
        return "this kernel's is older than Linux 6.1";
    default:
        return "the kernel cannot make a ring now";
    }
}

void
ring_open(const sigset_t *mask)
{
    struct io_uring_params params;

    waiting = mask;
    setup(&params);
    map_queues(&params);
    for (unsigned i = 0; i < BUFFERS; i++) {
        add_buffer(i);
    }
}

static void *
map(size_t size, off_t what)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ringfd, what);

    if (memory == MAP_FAILED) {
        die("the queues of the ring");
    }
    return memory;
}

/* Both queues of indices are in one piece. Between the submissions' indices and the entries is one
 * more array, with which entries could be submitted in another order: here it is 0, 1, 2 ... */
static void
map_queues(const struct io_uring_params *params)
{
    size_t order = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t entries = params->cq_off.cqes + params->cq_entries * sizeof *completions.entry;
    char *queues = map(order > entries ? order : entries, IORING_OFF_SQ_RING);

    submissions.head = (position *)(queues + params->sq_off.head);
    submissions.tail = (position *)(queues + params->sq_off.tail);
    submissions.entry = map(params->sq_entries * sizeof *submissions.entry, IORING_OFF_SQES);
    for (uint32_t i = 0; i < params->sq_entries; i++) {
        ((uint32_t *)(queues + params->sq_off.array))[i] = i;
    }
    completions.head = (position *)(queues + params->cq_off.head);
    completions.tail = (position *)(queues + params->cq_off.tail);
    completions.entry = (const struct io_uring_cqe *)(queues + params->cq_off.cqes);
}

static void
add_buffer(unsigned number)
{
    struct io_uring_buf *place = &free_buffers[buffers_filled % BUFFERS];

    place->addr = (uintptr_t)buffers[number];
    place->len = CONN_INPUT;
    place->number = (uint16_t)number;
    buffers_filled++;
    atomic_store_explicit((_Atomic uint16_t *)&free_buffers->tail, buffers_filled,
                          memory_order_release);
}

const char *
ring_bytes(const struct done *done)
{
    return buffers[done->flags >> IORING_CQE_BUFFER_SHIFT];
}

void
ring_give_back(const struct done *done)
{
    add_buffer(done->flags >> IORING_CQE_BUFFER_SHIFT);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* The kernel takes the submissions in order, and copies them: after the call their places, and what
 * they point to, but not what is sent, are ours again. It takes fewer if it has no memory. */
static int
enter(unsigned least, unsigned flags, const struct io_uring_getevents_arg *argument)
{
    uint32_t head = atomic_load_explicit(submissions.head, memory_order_acquire);

    atomic_store_explicit(submissions.tail, submissions.filled, memory_order_release);
    return io_uring_enter(ringfd, submissions.filled - head, least, flags, argument,
                          argument ? sizeof *argument : 0);
}

struct io_uring_sqe *
ring_ask(uint8_t what, int fd, uint64_t name)
{
    struct io_uring_sqe *entry;

    while (submissions.filled - atomic_load_explicit(submissions.head, memory_order_acquire) ==
           SUBMISSIONS) {
        if (enter(0, 0, NULL) == -1) {
            signals_wait_failed(waiting);
        }
    }
    entry = &submissions.entry[submissions.filled++ % SUBMISSIONS];
    *entry = (struct io_uring_sqe){.opcode = what, .fd = fd, .user_data = name};
    return entry;
}

unsigned
ring_wait(int ms)
{
    const int64_t most[2] = {ms / 1000, ms % 1000 * 1000000};
    const struct io_uring_getevents_arg argument = {
        .sigmask = (uintptr_t)waiting, .sigmask_size = _NSIG / 8, .timeout = (uintptr_t)most};

    if (enter(1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument) == -1 &&
        errno != ETIME && errno != EBUSY) {
        signals_wait_failed(waiting);
    }
    return atomic_load_explicit(completions.tail, memory_order_acquire) - completions.taken;
}

struct done
ring_take(void)
{
    const struct io_uring_cqe *entry = &completions.entry[completions.taken++ % COMPLETIONS];
    struct done done = {.name = entry->user_data, .result = entry->res, .flags = entry->flags};

    atomic_store_explicit(completions.head, completions.taken, memory_order_release);
    return done;
}
