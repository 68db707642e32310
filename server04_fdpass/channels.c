/*
 * A channel is a Unix domain socketpair; connections go through it as ancillary data
 * (common/fdpass). The reports come back through shared memory, where they cost the parent
 * no system call: it reads them when it has to choose. Only while it sleeps because no child has
 * room must one of them wake it, with a byte through a pipe.
 */
#include "channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/die.h"
#include "../common/fdpass.h"
#include "../common/scoreboard.h"

/* The parent keeps the child's end open too: so what a dead child has not received is not lost.
 * Invariant: the child holds given - done connections, at most `queue`. */
struct channel {
    int parent_end, child_end; /* -1: closed */
    unsigned given;            /* connections passed, modulo 2^32 as `done` */
    unsigned long long last;   /* the sequence number of the last one */
};

struct shared {
    atomic_uint parent_waits; /* for a child to get free: then, and only then, wake it */
    struct {
        _Alignas(SLOT_BYTES) atomic_uint done; /* connections served; its child is the one writer */
    } child[];
};

enum { SPARE_FDS = 128 };

enum policy { FIRST, ROUND_ROBIN, LEAST_RECENT, POLICIES };

static const char *const names[POLICIES] = {"first", "round-robin", "least-recent"};

static enum policy policy;
static unsigned queue, nchildren;
static struct channel *channels; /* channels[1..nchildren] */
static struct shared *shared;    /* with the children */
static int wake[2];              /* a pipe: children write, the parent reads */
static int *taken_back;          /* connections of dead children, in a ring: the oldest first */
static unsigned oldest;          /* where the ring begins */
static unsigned ntaken_back;     /* at most nchildren * queue, and one that could not be passed */
static unsigned room;            /* so many */
static unsigned last_chosen;     /* where round-robin goes on */
static unsigned long long sequence; /* connections passed so far */

int
channels_policy(const char *name)
{
    for (int i = 0; i < POLICIES; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

const char *
channels_policy_name(int number)
{
    return names[number];
}

/* Both ends of each channel are open here, and connections on their way; if it may be, also what
 * all children together had not begun when they are killed. */
static void
raise_limit(unsigned children, unsigned most)
{
    rlim_t needed = 2 * (rlim_t)children + SPARE_FDS;
    rlim_t wished = needed + (rlim_t)children * most;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wished) {
        bool enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wished;

        limit.rlim_cur = enough ? wished : limit.rlim_max;
        if (limit.rlim_cur < needed || setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            diex("-n %u needs %llu descriptors: more than ulimit -Hn allows", children,
                 (unsigned long long)needed);
        }
    }
}

int
channels_open(unsigned children, unsigned most, int how)
{
    raise_limit(children, most);
    nchildren = children;
    queue = most;
    policy = (enum policy)how;
    channels = calloc(children + 1, sizeof *channels);
    room = children * queue + 1;
    taken_back = calloc(room, sizeof *taken_back);
    if (!channels || !taken_back) {
        die("%u channels", children);
    }
    for (unsigned i = 0; i <= children; i++) {
        channels[i].parent_end = channels[i].child_end = -1;
    }
    shared = scoreboard_memory(sizeof *shared + (children + 1) * sizeof shared->child[0]);
    if (pipe(wake) == -1 || fcntl(wake[0], F_SETFL, O_NONBLOCK) == -1 ||
        fcntl(wake[1], F_SETFL, O_NONBLOCK) == -1) {
        die("pipe");
    }
    return wake[0];
}

/* A stream, not datagrams: so the child sees end of file when the parent closes its end or dies. If
 * the last one could not be emptied yet, no other can take its place. */
int
channels_create(unsigned number)
{
    struct channel *channel = &channels[number];
    int pair[2];

    if (!channels_take_back(number)) {
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        return -1;
    }
    *channel = (struct channel){.parent_end = pair[0], .child_end = pair[1]};
    channel->given = atomic_load(&shared->child[number].done);
    return 0;
}

/* With a copy of a parent's end, a child would hide the parent's death from the others. */
int
channels_child(unsigned number)
{
    close(wake[0]); /* the parent's */
    for (unsigned i = 1; i <= nchildren; i++) {
        if (channels[i].parent_end != -1) {
            close(channels[i].parent_end); /* the parent's */
        }
        if (channels[i].child_end != -1 && i != number) {
            close(channels[i].child_end); /* another child's */
        }
    }
    for (unsigned i = 0; i < ntaken_back; i++) {
        close(taken_back[(oldest + i) % room]); /* connections that are still the parent's */
    }
    return channels[number].child_end;
}

/* --- choosing -------------------------------------------------------------------------------- */

static unsigned
in_hand(unsigned number)
{
    return channels[number].given - atomic_load(&shared->child[number].done);
}

static unsigned
held_by(unsigned number)
{
    if (channels[number].parent_end == -1) {
        return queue; /* no child, or one that is leaving: it has no room */
    }
    return in_hand(number);
}

/* Among those who hold least, the policy's first: a free child always comes before a queue. */
unsigned
channels_choose(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < nchildren; step++) {
        unsigned i = 1 + (policy == ROUND_ROBIN ? (last_chosen + step) % nchildren : step);
        unsigned held = held_by(i);

        if (held < best_held || (policy == LEAST_RECENT && best != 0 && held == best_held &&
                                 channels[i].last < channels[best].last)) {
            best = i;
            best_held = held;
        }
        if (held == 0 && policy != LEAST_RECENT) {
            break;
        }
    }
    return best;
}

bool
channels_full(void)
{
    if (channels_choose() != 0) {
        return false;
    }
    atomic_store(&shared->parent_waits, 1);
    return channels_choose() == 0; /* one may have got free before it could see that we wait */
}

void
channels_awake(void)
{
    char bytes[16];

    atomic_store(&shared->parent_waits, 0);
    if (read(wake[0], bytes, sizeof bytes) == -1) {
        /* Nothing is there any more; or it stays, and wakes us once more. */
    }
}

/* In this order, with sequentially consistent atomics: either the parent, after it has said that it
 * waits, sees the new `done`, or this child sees that the parent waits. No wake-up is lost. */
void
channels_done(unsigned number)
{
    atomic_fetch_add(&shared->child[number].done, 1);
    if (atomic_load(&shared->parent_waits) && atomic_exchange(&shared->parent_waits, 0)) {
        if (write(wake[1], "", 1) == -1) {
            /* Full, so it is readable; or the parent has died. */
        }
    }
}

/* Also behind what a child serves that is to leave then (HUP): that may take long. */
static bool
is_queued(unsigned number)
{
    return channels[number].child_end != -1 && in_hand(number) > 1;
}

/* True if a connection waits in the queue of a child although another child is free. */
static bool
find_waiting(unsigned *from, unsigned *to)
{
    *to = channels_choose();
    for (*from = 1; *to != 0 && held_by(*to) == 0 && *from <= nchildren; ++*from) {
        if (is_queued(*from)) {
            return true;
        }
    }
    return false;
}

bool
channels_any_queued(void)
{
    for (unsigned i = 1; queue > 1 && i <= nchildren; i++) {
        if (is_queued(i)) {
            return true;
        }
    }
    return false;
}

/* Receives in the child's place. FDPASS_NONE: nothing is there, or errno says why not. */
static int
take_from(unsigned number)
{
    int connfd;

    while ((connfd = fdpass_take_back(channels[number].child_end)) == FDPASS_NONE &&
           errno == EBADMSG) {
        warnx("child %u: a message in its channel carried no connection", number);
        channels[number].given--;
    }
    channels[number].given -= connfd != FDPASS_NONE;
    return connfd;
}

/* If the child is faster, there is nothing to move. */
void
channels_level(void)
{
    unsigned from, to;

    /* Not while some wait here that could not be passed: these come first. */
    while (ntaken_back == 0 && find_waiting(&from, &to)) {
        int connfd = take_from(from);

        if (connfd == FDPASS_NONE) {
            return;
        }
        if (!channels_pass(to, connfd)) {
            return;
        }
    }
}

/* --- passing --------------------------------------------------------------------------------- */

bool
channels_pass(unsigned number, int connfd)
{
    static atomic_llong quiet_until;
    struct channel *channel = &channels[number];

    if (fdpass_send(channel->parent_end, connfd, 0) == -1) {
        warn_seldom(&quiet_until, "cannot pass a connection, trying again");
        oldest = (oldest + room - 1) % room; /* it came before those that wait there */
        taken_back[oldest] = connfd;
        ntaken_back++;
        return false;
    }
    channel->given++;
    channel->last = ++sequence;
    last_chosen = number;
    close(connfd); /* it is the child's now; a second copy would keep the connection open */
    return true;
}

void
channels_retire(unsigned number)
{
    struct channel *channel = &channels[number];

    if (channel->parent_end != -1) {
        close(channel->parent_end); /* after what is in the channel, the child reads end of file */
        channel->parent_end = -1;
    }
}

/* What cannot be received for want of memory, or of descriptors, stays in the channel. */
bool
channels_take_back(unsigned number)
{
    struct channel *channel = &channels[number];
    int connfd;

    channels_retire(number);
    if (channel->child_end == -1) {
        return true;
    }
    while ((connfd = take_from(number)) != FDPASS_NONE) {
        taken_back[(oldest + ntaken_back++) % room] = connfd;
    }
    if (fdpass_exhausted()) {
        return false;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        warn("child %u: connections in its channel are lost", number);
    }
    close(channel->child_end);
    channel->child_end = -1;
    return true;
}

int
channels_taken_back(void)
{
    int connfd;

    if (ntaken_back == 0) {
        return -1;
    }
    connfd = taken_back[oldest];
    oldest = (oldest + 1) % room;
    ntaken_back--;
    return connfd;
}

bool
channels_any_taken_back(void)
{
    return ntaken_back > 0;
}
