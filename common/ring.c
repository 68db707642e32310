#include "ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sleeper_linux.h"

enum {
    LINE_BYTES = 64,        /* of a cache line */
    REQUESTS = 4 * 1024,    /* bytes; powers of two, for the indices run on and wrap */
    REPLIES = 256 * 1024,   /* four times what a reply's piece has */
    SPINS_MOST = 30 * 1000, /* some 60 us: longer than a sleep across processors takes */
    SPINS_LEAST = 500,
    SPINS_SHORT = 16,         /* the peer was faster: that teaches nothing */
    SPINS_LONG = 1000,        /* two us */
    PROBE_OFTEN = 16,         /* that spinning does not pay may have changed, */
    PROBE_SELDOM = 16 * 1024, /* or not */
    NOTHING_MOST = 16,        /* wake-ups for nothing, before the sleeper suspects its peer */
    SLEEP_US = 100 * 1000,
    NAP_NS = 1000 * 1000
};

/* Else it would be guarded by a lock, of which each process has its own. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "an index is moved by one instruction");

/* Each index in a cache line of its own: else each side would slow the other one down. */
struct direction {
    _Alignas(LINE_BYTES) atomic_uint put;
    _Alignas(LINE_BYTES) atomic_uint taken;
};

struct ring_memory {
    struct direction requests, replies;
    struct sleeper client, server;
    _Alignas(LINE_BYTES) char request[REQUESTS];
    char reply[REPLIES];
};

size_t
ring_size(void)
{
    return sizeof(struct ring_memory);
}

void
ring_make(void *memory)
{
    struct ring_memory *made = memory;

    sleeper_make(&made->client);
    sleeper_make(&made->server);
}

/* (POSIX has no name for the number of processors online; the systems that it describes have. A
 * process that its starter has bound to one learns it by spinning in vain.) */
struct ring
ring_open(void *memory, int fd, bool serves)
{
    struct ring opened = {.memory = memory,
                          .fd = fd,
                          .serves = serves,
                          .most = SPINS_MOST,
                          .probe_every = PROBE_OFTEN};

#ifdef _SC_NPROCESSORS_ONLN
    opened.most = sysconf(_SC_NPROCESSORS_ONLN) == 1 ? 0 : SPINS_MOST;
#endif
    opened.spins = opened.most;
    return opened;
}

/* --- the bytes ------------------------------------------------------------------------------- */

static struct direction *
out_of(const struct ring *ring)
{
    return ring->serves ? &ring->memory->replies : &ring->memory->requests;
}

static struct direction *
into(const struct ring *ring)
{
    return ring->serves ? &ring->memory->requests : &ring->memory->replies;
}

/* How many bytes have room; more than the ring has: nonsense. The acquire pairs with the release of
 * `taken` in the peer's ring_take(): where the peer has read from may be written. */
static unsigned
room(struct ring *ring)
{
    unsigned size = ring->serves ? REPLIES : REQUESTS;

    ring->seen = atomic_load_explicit(&out_of(ring)->taken, memory_order_acquire);
    return size - (ring->put - ring->seen); /* wraps if more is used than there is */
}

/* What there was at least, when it was last seen, is enough mostly: then the peer's cache line
 * stays with the peer. */
static unsigned
room_for(struct ring *ring, const struct iovec *pieces, int count)
{
    unsigned size = ring->serves ? REPLIES : REQUESTS, before = size - (ring->put - ring->seen);
    size_t wanted = 0;

    for (int i = 0; i < count; i++) {
        wanted += pieces[i].iov_len;
    }
    return wanted <= before && before <= size ? before : room(ring);
}

/* How many bytes are there; more than the ring has: nonsense. The acquire pairs with the release of
 * `put` in the peer's ring_put(): what the peer wrote before it moved its index is seen. */
static unsigned
input(const struct ring *ring)
{
    return atomic_load_explicit(&into(ring)->put, memory_order_acquire) - ring->taken;
}

/* An index was moved: the peer may sleep for just that. The fence pairs with the one in
 * ring_wait(): either the peer sees the new index before it sleeps, or this side sees that the peer
 * is about to sleep. */
static void
wake(struct ring *ring, enum ring_wish wish)
{
    atomic_thread_fence(memory_order_seq_cst);
    sleeper_wake(ring->serves ? &ring->memory->client : &ring->memory->server, wish);
}

/* How many bytes from `at` on lie in one piece: the rest begins at the ring's start. */
static size_t
piece(unsigned size, unsigned at, size_t length)
{
    size_t whole = size - at % size;

    return whole < length ? whole : length;
}

/* One index for all pieces: the peer sees them at once. */
ssize_t
ring_put(struct ring *ring, const struct iovec *pieces, int count)
{
    unsigned size = ring->serves ? REPLIES : REQUESTS, free = room_for(ring, pieces, count);
    unsigned before = ring->put;
    char *to = ring->serves ? ring->memory->reply : ring->memory->request;

    if (free == 0 || free > size) {
        errno = free == 0 ? EAGAIN : EPROTO;
        return -1;
    }
    for (int i = 0; i < count && free > 0; i++) {
        const char *bytes = pieces[i].iov_base;
        size_t length = pieces[i].iov_len < free ? pieces[i].iov_len : free;
        size_t first = piece(size, ring->put, length);

        memcpy(to + ring->put % size, bytes, first);
        memcpy(to, bytes + first, length - first);
        ring->put += (unsigned)length;
        free -= (unsigned)length;
    }
    atomic_store_explicit(&out_of(ring)->put, ring->put, memory_order_release);
    wake(ring, RING_INPUT);
    return (ssize_t)(ring->put - before);
}

ssize_t
ring_take(struct ring *ring, char *bytes, size_t length)
{
    unsigned size = ring->serves ? REQUESTS : REPLIES, here = input(ring);
    const char *from = ring->serves ? ring->memory->request : ring->memory->reply;
    size_t first;

    if (here == 0 || here > size) {
        errno = here == 0 ? EAGAIN : EPROTO;
        return -1;
    }
    length = length < here ? length : here;
    first = piece(size, ring->taken, length);
    memcpy(bytes, from + ring->taken % size, first);
    memcpy(bytes + first, from, length - first);
    ring->taken += (unsigned)length;
    atomic_store_explicit(&into(ring)->taken, ring->taken, memory_order_release);
    wake(ring, RING_ROOM);
    return (ssize_t)length;
}

/* --- waiting --------------------------------------------------------------------------------- */

static bool
fulfilled(struct ring *ring, enum ring_wish wish)
{
    return wish == RING_INPUT ? input(ring) > 0 : room(ring) > 0;
}

/* On one processor spinning seems to pay, too, when the scheduler takes the processor away and the
 * peer runs meanwhile: that this process was interrupted since it last asked tells so. (Asking
 * costs more than most waits last: only after long ones. POSIX knows no ru_nivcsw; all systems do.)
 */
static bool
was_interrupted(struct ring *ring)
{
    struct rusage usage;
    long before = ring->interrupted;

    getrusage(RUSAGE_SELF, &usage);
    ring->interrupted = usage.ru_nivcsw;
    return usage.ru_nivcsw != before;
}

/* Spinning has paid: next time it may take longer. Or it was in vain: less long, in the end not at
 * all. Then it is tried again now and then, with longer and longer pauses. */
static void
learn(struct ring *ring, bool paid, bool probed)
{
    if (paid) {
        ring->spins = ring->spins < ring->most / 2 ? 2 * ring->spins + SPINS_LEAST : ring->most;
        ring->probe_every = PROBE_OFTEN;
    } else {
        ring->spins -= (ring->spins + 3) / 4;
    }
    ring->misses = paid || probed ? 0 : ring->misses + 1;
    if (probed && !paid && ring->probe_every < PROBE_SELDOM) {
        ring->probe_every *= 2;
    }
}

/* Between two looks. The bytes that are to come have a cache line of their own: asked for together
 * with the index, both come at once, and not one after the other. (An access it is not: the peer
 * may write there.) The fence is a pause: it orders nothing, but without it the processor begins
 * many looks ahead, and must throw them all away when the index moves. */
static void
look_again(const struct ring *ring)
{
#ifdef __GNUC__
    if (ring->serves) {
        __builtin_prefetch(ring->memory->request + ring->taken % REQUESTS);
    } else {
        __builtin_prefetch(ring->memory->reply + ring->taken % REPLIES);
    }
#endif
    atomic_thread_fence(memory_order_seq_cst);
}

static bool
spin(struct ring *ring, enum ring_wish wish)
{
    bool probes = ring->spins == 0 && ring->misses >= ring->probe_every, done = false;
    int most = probes ? ring->most : ring->spins, looks = 0;

    while (looks < most && !(done = fulfilled(ring, wish))) {
        looks++;
        look_again(ring);
    }
    if (!done || looks > SPINS_SHORT) {
        learn(ring, done && (looks < SPINS_LONG || !was_interrupted(ring)), probes);
    }
    return done;
}

/* The peer can wake this side for nothing, again and again. Then this side naps: it wastes the
 * peer's time, and no processor. */
static void
sleep_for_it(struct ring *ring, struct sleeper *own, enum ring_wish wish)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};

    sleeper_sleep(own, wish, SLEEP_US);
    ring->for_nothing = fulfilled(ring, wish) ? 0 : ring->for_nothing + 1;
    if (ring->for_nothing >= NOTHING_MOST) {
        nanosleep(&nap, NULL);
    }
}

/* The peer has closed the socket. (A byte there is none of this protocol: the same.) */
static bool
is_abandoned(const struct ring *ring)
{
    char byte;
    ssize_t count = recv(ring->fd, &byte, 1, MSG_DONTWAIT);

    return count != -1 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum ring_wait
ring_wait(struct ring *ring, enum ring_wish wish)
{
    struct sleeper *own = ring->serves ? &ring->memory->server : &ring->memory->client;

    if (spin(ring, wish)) {
        return RING_READY;
    }
    atomic_store_explicit(&own->waits_for, wish, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (!fulfilled(ring, wish)) { /* else it came before the peer could see the wish */
        sleep_for_it(ring, own, wish);
    }
    atomic_store_explicit(&own->waits_for, 0, memory_order_relaxed);
    if (fulfilled(ring, wish)) {
        return RING_READY;
    }
    /* What came before the end of file counts. */
    return !is_abandoned(ring) ? RING_NOT_YET : fulfilled(ring, wish) ? RING_READY : RING_OVER;
}

/* Whatever it waits for: neither will come. */
void
ring_leave(struct ring *ring)
{
    wake(ring, RING_INPUT);
    wake(ring, RING_ROOM);
}
