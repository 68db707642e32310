/*
 * fuzz_ring - common/ring.c: one end of the rings, and a peer that does anything at any moment.
 *
 * An input says which end is ours, where the indices begin, what our end does, and what the peer
 * does meanwhile: each time that our end loads an index, half-way through each copy, whenever it
 * sleeps. An honest peer puts and takes: then no byte is lost, doubled or moved, in either
 * direction. A hostile one writes into indices, sleepers and bytes: then our end stays within the
 * memory and within what it was given, comes back from every call, and says nothing else than the
 * header allows.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "../../common/sleeper_linux.h"
#include "fuzz.h"

static unsigned loaded(const atomic_uint *index);
static void *copying(void *to, const void *from, size_t length);
static ssize_t receiving(int fd, char *byte);
static int resting(const struct timespec *nap);
static int using(struct rusage *usage);

#undef atomic_load_explicit
#define atomic_load_explicit(index, order) loaded(index)
#define memcpy(to, from, length) copying(to, from, length)
#define recv(fd, bytes, length, flags) receiving(fd, bytes)
#define nanosleep(nap, left) resting(nap)
#define getrusage(who, usage) using(usage)
#include "../../common/ring.c"
#undef memcpy
#undef atomic_load_explicit

enum { STEPS_MOST = 100, SPINS = 20, NOISE = 61 };

static struct ring_memory memory; /* the sanitizer watches its ends */

/* The peer. An honest one has its own indices, which run from 0; in memory they begin at `start`.
 */
static struct {
    struct ring ring; /* ours */
    bool hostile, gone, acts;
    unsigned start;
    struct input turns; /* what it does at its turns: a byte each, over and over */
    size_t turn;
    uint64_t sent, taken, put, came; /* by the peer; by our end */
    unsigned loads, sleeps;          /* of our end in this call */
} now;

/* The peer's direction. */
static struct direction *
from_peer(void)
{
    return into(&now.ring);
}

/* Where the nth byte of a direction has its place; how many of `most` lie there in one piece. */
static uint64_t
place(bool requests, uint64_t nth, uint64_t most, char **at)
{
    unsigned size = requests ? REQUESTS : REPLIES, offset = (now.start + (unsigned)nth) % size;

    *at = (requests ? memory.request : memory.reply) + offset;
    return most < size - offset ? most : size - offset;
}

static void
honest_put(uint64_t most)
{
    unsigned size = now.ring.serves ? REQUESTS : REPLIES;
    uint64_t free = size - ((unsigned)now.sent - (from_peer()->taken - now.start));

    CHECK(free <= size, "our end has taken %u, and the peer has put %u",
          from_peer()->taken - now.start, (unsigned)now.sent);
    most = most < free ? most : free;
    while (most > 0) {
        char *to;
        uint64_t piece = place(now.ring.serves, now.sent, most, &to);

        memcpy(to, fuzz_filler(now.sent), piece);
        now.sent += piece;
        most -= piece;
    }
    from_peer()->put = now.start + (unsigned)now.sent;
}

static void
honest_take(uint64_t most)
{
    unsigned size = now.ring.serves ? REPLIES : REQUESTS;
    uint64_t here = out_of(&now.ring)->put - now.start - (unsigned)now.taken;

    CHECK(here <= size, "%u bytes are in a ring of %u", (unsigned)here, size);
    most = most < here ? most : here;
    while (most > 0) {
        char *from;
        uint64_t piece = place(!now.ring.serves, now.taken, most, &from);

        CHECK(memcmp(from, fuzz_filler(now.taken), piece) == 0, "bytes from %u on to the peer",
              (unsigned)now.taken);
        now.taken += piece;
        most -= piece;
    }
    out_of(&now.ring)->taken = now.start + (unsigned)now.taken;
}

/* Values that may just do, or just not. */
static void
peer_scribbles(unsigned where, unsigned how)
{
    atomic_uint *words[] = {&memory.requests.put,     &memory.requests.taken,
                            &memory.replies.put,      &memory.replies.taken,
                            &memory.client.waits_for, &memory.server.waits_for};
    const unsigned own[] = {now.ring.put, now.ring.taken, 0, *words[where % 6]};
    const unsigned off[] = {0, 1, -1u, REQUESTS, REQUESTS + 1, REPLIES, REPLIES + 1, 1u << 31};

    *words[where % 6] =
        how & 32 ? own[how / 8 % 4] - off[how % 8] : own[how / 8 % 4] + off[how % 8];
    memory.request[how * NOISE % REQUESTS] = (char)how;
    memory.reply[how * NOISE % REPLIES] = (char)where;
}

static void
peer_turn(void)
{
    uint8_t what;

    if (now.turns.left == 0 || now.gone || !now.acts) {
        return;
    }
    what = now.turns.at[now.turn++ % now.turns.left];
    if (what >= 252) {
        now.gone = what == 255;
    } else if (now.hostile && what < 192) {
        peer_scribbles(what, now.turns.at[now.turn++ % now.turns.left]);
    } else if (!now.hostile && what % 3 == 1) {
        honest_put((uint64_t)what * what);
    } else if (!now.hostile && what % 3 == 2) {
        honest_take((uint64_t)what * what * 2);
    }
}

/* --- in place of what common/ring.c calls ---------------------------------------------------- */

static unsigned
loaded(const atomic_uint *index)
{
    peer_turn();
    CHECK(++now.loads < SPINS + 10, "it looks and looks");
    return *index;
}

static void *
copying(void *to, const void *from, size_t length)
{
    memcpy(to, from, length / 2);
    peer_turn();
    return memcpy((char *)to + length / 2, (const char *)from + length / 2, length - length / 2);
}

static ssize_t
receiving(int fd, char *byte)
{
    CHECK(fd == now.ring.fd, "another descriptor");
    *byte = '?';
    peer_turn(); /* its last words, */
    peer_turn(); /* and its end */
    errno = EAGAIN;
    return now.gone ? 0 : -1;
}

static int
resting(const struct timespec *nap)
{
    CHECK(nap->tv_sec == 0, "it rests for %d s", (int)nap->tv_sec);
    now.sleeps++;
    return 0;
}

static int using(struct rusage *usage)
{
    usage->ru_nivcsw = now.turn % 2;
    return 0;
}

void
sleeper_make(struct sleeper *sleeper)
{
    sleeper->waits_for = 0;
}

void
sleeper_sleep(struct sleeper *sleeper, unsigned what, int64_t us)
{
    (void)sleeper;
    CHECK(what == RING_INPUT || what == RING_ROOM, "it waits for %u", what);
    CHECK(us > 0 && us <= 1000000, "it sleeps for %d us", (int)us);
    now.sleeps++;
    peer_turn();
}

void
sleeper_wake(struct sleeper *sleeper, unsigned what)
{
    if (sleeper->waits_for == what) {
        sleeper->waits_for = 0;
    }
}

/* --- our end --------------------------------------------------------------------------------- */

static void
check_result(ssize_t count, size_t most, size_t size)
{
    most = most < size ? most : size;
    CHECK(count <= (ssize_t)most && count != 0, "%d of %u bytes", (int)count, (unsigned)most);
    CHECK(count > 0 || errno == EAGAIN || (now.hostile && errno == EPROTO), "%s", strerror(errno));
}

/* In two pieces, each of its exact size. */
static ssize_t
put_some(size_t length)
{
    size_t first = length / 3, rest = length - first;
    char *one = malloc(first + (first == 0)), *two = malloc(rest);
    const struct iovec pieces[] = {{one, first}, {two, rest}};
    unsigned before = now.ring.put;
    ssize_t count;

    CHECK(one && two, "no memory");
    memcpy(one, fuzz_filler(now.put), first);
    memcpy(two, fuzz_filler(now.put + first), rest);
    count = ring_put(&now.ring, pieces, 2);
    check_result(count, length, now.ring.serves ? REPLIES : REQUESTS);
    now.put += count > 0 ? (uint64_t)count : 0;
    CHECK(now.ring.put - before == (unsigned)(count > 0 ? count : 0), "its own index is wrong");
    free(one);
    free(two);
    return count;
}

static ssize_t
take_some(size_t length)
{
    char *bytes = malloc(length);
    unsigned before = now.ring.taken;
    ssize_t count;

    CHECK(bytes, "no memory");
    count = ring_take(&now.ring, bytes, length);
    check_result(count, length, now.ring.serves ? REQUESTS : REPLIES);
    CHECK(count == -1 || now.hostile || memcmp(bytes, fuzz_filler(now.came), (size_t)count) == 0,
          "bytes from %u on from the peer", (unsigned)now.came);
    now.came += count > 0 ? (uint64_t)count : 0;
    CHECK(now.ring.taken - before == (unsigned)(count > 0 ? count : 0), "its own index is wrong");
    free(bytes);
    return count;
}

/* Whoever is told that it is ready gets on. */
static void
wait_for_it(enum ring_wish wish)
{
    enum ring_wait end = ring_wait(&now.ring, wish);

    CHECK(end != RING_OVER || now.gone, "the peer is there");
    CHECK(end != RING_OVER || now.hostile || wish != RING_INPUT || now.came == now.sent,
          "what came before the end is lost");
    if (end == RING_READY && !now.hostile) {
        now.acts = false;
        CHECK((wish == RING_INPUT ? take_some(1) : put_some(1)) == 1, "nothing is ready");
        now.acts = true;
    }
    CHECK(now.sleeps <= 2, "it sleeps %u times", now.sleeps);
}

static void
step(uint8_t what, struct input *input)
{
    size_t length = 1 + input_number(input, what & 8 ? 2 : 1);

    now.loads = now.sleeps = 0;
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        put_some(length);
        break;
    case 3:
    case 4:
        take_some(length);
        break;
    case 5:
        wait_for_it(RING_INPUT);
        break;
    case 6:
        wait_for_it(RING_ROOM);
        break;
    default:
        peer_turn();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);

    memset(&now, 0, sizeof now);
    now.hostile = flags & 1;
    now.start = input_number(&input, 4);
    now.turns = input_part(&input, flags / 8);
    ring_make(&memory);
    memory.requests.put = memory.requests.taken = now.start;
    memory.replies.put = memory.replies.taken = now.start;
    now.ring = ring_open(&memory, -1, flags & 2);
    now.ring.put = now.ring.taken = now.ring.seen = now.start;
    now.ring.most = now.ring.spins = flags & 4 ? SPINS : 0;
    now.acts = true;
    for (int i = 0; i < STEPS_MOST && input.left > 0; i++) {
        step(input_byte(&input), &input);
    }
    ring_leave(&now.ring);
    return 0;
}
