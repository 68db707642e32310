/*
 * A channel is a socketpair; connections go through it as ancillary data (common/fdpass). The
 * distributor keeps the handlers' end too: what a handler has not received when it dies, stops or
 * leaves is taken out again and given to another. A handler reports through the board, where
 * it costs the distributor no system call; only while that sleeps for it, with a byte through the
 * channel.
 */
#include "channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/die.h"
#include "../common/fdpass.h"

/* Invariant: piped, the handler holds given - done connections, in service or on their way, at most
 * `queue`. Queued, channels[0] is the one that all use. */
struct channel {
    int distributor_end, handler_end; /* -1: closed */
    unsigned given;                   /* connections passed, modulo 2^32 as `done` */
    bool admitted;
};

enum { FIRST_FREE_FD = 5, SPARE_FDS = 128, LEVEL_US = 10 * 1000, CORRECT_US = 100 * 1000 };

static struct board *board;
static enum channels_way way;
static enum channels_policy policy;
static unsigned queue, nadmitted;
static unsigned highest;         /* handlers with a higher number there have never been */
static struct channel *channels; /* channels[0..board->seats] */
static unsigned settled;         /* queued: of channels[0].given, how many are certainly over */
static unsigned last_chosen;     /* where the turn goes on */
static int *taken_back;          /* connections; close-on-exec */
static unsigned ntaken_back;     /* at most seats * queue, and one that could not be passed */

/* Both ends of each channel are open here. */
static void
raise_limit(void)
{
    rlim_t needed = 2 * (rlim_t)board->seats + SPARE_FDS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < needed) {
        limit.rlim_cur = needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            diex("%u handlers need %llu descriptors: more than ulimit -Hn allows", board->seats,
                 (unsigned long long)needed);
        }
    }
}

/* Above what a handler inherits, so that posix_spawn's dup2 never meets its own target. */
int
channels_stow(int fd)
{
    int stowed = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    int saved = errno;

    close(fd);
    errno = saved;
    return stowed;
}

static void
close_channel(struct channel *channel)
{
    if (channel->distributor_end != -1) {
        close(channel->distributor_end);
    }
    if (channel->handler_end != -1) {
        close(channel->handler_end);
    }
    channel->distributor_end = channel->handler_end = -1;
}

/* SOCK_SEQPACKET, for on Linux a message then wakes one of the handlers that wait for it; in a
 * stream it wakes them all. Where the system has none, a stream is as good: each receives one byte
 * with one descriptor at a time. Both show the end when the distributor has closed its end, or
 * died.
 */
static int
open_channel(struct channel *channel)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1 &&
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        return -1;
    }
    channel->distributor_end = channels_stow(pair[0]);
    channel->handler_end = channels_stow(pair[1]);
    if (channel->distributor_end >= FD_SETSIZE) {
        errno = EMFILE; /* select could not watch it */
        close_channel(channel);
    } else if (channel->distributor_end == -1 || channel->handler_end == -1 ||
               fcntl(channel->distributor_end, F_SETFL, O_NONBLOCK) == -1) {
        int saved = errno;

        close_channel(channel);
        errno = saved;
    }
    return channel->distributor_end == -1 ? -1 : 0;
}

void
channels_open(struct board *shared, enum channels_way how, enum channels_policy whom, unsigned most)
{
    board = shared;
    way = how;
    policy = whom;
    queue = most;
    raise_limit();
    channels = calloc(board->seats + 1, sizeof *channels);
    taken_back = calloc((size_t)board->seats * queue + 1, sizeof *taken_back);
    if (!channels || !taken_back) {
        die("%u channels", board->seats);
    }
    for (unsigned i = 0; i <= board->seats; i++) {
        channels[i].distributor_end = channels[i].handler_end = -1;
    }
    if (way == CHANNELS_QUEUED && open_channel(&channels[0]) == -1) {
        die("socketpair");
    }
}

int
channels_create(unsigned number)
{
    struct channel *channel = &channels[number];

    highest = number > highest ? number : highest;
    if (way == CHANNELS_QUEUED) {
        return channels[0].handler_end;
    }
    channel->given = atomic_load(&board->seat[number].done);
    return open_channel(channel) == -1 ? -1 : channel->handler_end;
}

void
channels_admit(unsigned number)
{
    nadmitted += !channels[number].admitted;
    channels[number].admitted = true;
}

/* --- choosing -------------------------------------------------------------------------------- */

static unsigned
held_by(unsigned number)
{
    return channels[number].given - atomic_load(&board->seat[number].done);
}

/* round-robin: the next in turn that has room. least-loaded: of those who hold the fewest, the next
 * in turn. */
static unsigned
choose_channel(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < highest; step++) {
        unsigned i = 1 + (last_chosen + step) % highest;
        unsigned held = channels[i].admitted ? held_by(i) : queue;

        if (held < best_held) {
            best = i;
            best_held = held;
        }
        if (best != 0 && (policy == CHANNELS_ROUND_ROBIN || best_held == 0)) {
            break;
        }
    }
    return best;
}

/* Adds up only when it seems full: as long as there is room, a late sum does no harm. What those
 * who leave or are stopped have in service does not count against the others. */
static bool
queue_has_room(void)
{
    int limit = (int)(nadmitted * queue);

    if ((int)(channels[0].given - settled) >= limit) {
        settled = 0;
        for (unsigned i = 1; i <= highest; i++) {
            struct seat *seat = &board->seat[i];

            settled += atomic_load(channels[i].admitted ? &seat->done : &seat->received);
        }
    }
    return (int)(channels[0].given - settled) < limit;
}

unsigned
channels_choose(void)
{
    return way == CHANNELS_PIPED ? choose_channel() : queue_has_room();
}

/* --- passing --------------------------------------------------------------------------------- */

/* Whatever the distributor keeps is closed when it spawns. What it passes at once needs no such
 * call: nothing is spawned in between. */
static void
put_back(int connfd)
{
    fcntl(connfd, F_SETFD, FD_CLOEXEC);
    taken_back[ntaken_back++] = connfd;
}

bool
channels_pass(unsigned number, int connfd)
{
    static atomic_llong quiet_until;
    struct channel *channel = &channels[way == CHANNELS_PIPED ? number : 0];

    if (fdpass_send(channel->distributor_end, connfd) == -1) {
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            warn_seldom(&quiet_until, "cannot pass a connection, trying again");
        }
        put_back(connfd);
        return false;
    }
    channel->given++;
    last_chosen = number;
    close(connfd); /* the channel has it now; a second copy would keep the connection open */
    return true;
}

/* Receives in the handler's place; if that is faster, it serves them. */
static void
take_back(unsigned number)
{
    struct channel *channel = &channels[number];
    int connfd;

    if (way == CHANNELS_QUEUED || channel->handler_end == -1) {
        return; /* what is in the common channel, others receive */
    }
    while ((connfd = fdpass_receive(channel->handler_end, false)) >= 0) {
        channel->given--;
        put_back(connfd);
    }
    if (connfd == FDPASS_NONE && errno == EBADMSG) {
        warnx("handler %u: connections in its channel are lost: out of descriptors", number);
    }
}

void
channels_dismiss(unsigned number)
{
    nadmitted -= channels[number].admitted;
    channels[number].admitted = false;
    take_back(number);
}

void
channels_ended(unsigned number)
{
    struct seat *seat = &board->seat[number];

    channels_dismiss(number);
    if (way == CHANNELS_PIPED) {
        close_channel(&channels[number]);
    }
    atomic_store(&seat->done, atomic_load(&seat->received)); /* what it was serving is over */
}

int
channels_taken_back(void)
{
    return ntaken_back > 0 ? taken_back[--ntaken_back] : -1;
}

bool
channels_any_taken_back(void)
{
    return ntaken_back > 0;
}

static bool
queue_is_empty(void)
{
    char byte;

    return recv(channels[0].handler_end, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1;
}

bool
channels_any_waiting(void)
{
    return ntaken_back > 0 || (way == CHANNELS_QUEUED && !queue_is_empty());
}

/* --- news ------------------------------------------------------------------------------------ */

int
channels_expect(fd_set *readable)
{
    int most = -1;

    atomic_store(&board->waits, 1);
    for (unsigned i = 0; i <= highest; i++) {
        if (channels[i].distributor_end != -1) {
            FD_SET(channels[i].distributor_end, readable);
            most = channels[i].distributor_end > most ? channels[i].distributor_end : most;
        }
    }
    return most;
}

void
channels_hear(const fd_set *readable)
{
    char bytes[16];

    atomic_store(&board->waits, 0);
    for (unsigned i = 0; i <= highest; i++) {
        int fd = channels[i].distributor_end;

        if (fd != -1 && FD_ISSET(fd, readable)) {
            recv(fd, bytes, sizeof bytes, MSG_DONTWAIT); /* that it came is all it says */
        }
    }
}

/* --- levelling ------------------------------------------------------------------------------- */

/* A handler that holds more than what it is serving, or 0. */
static unsigned
crowded(void)
{
    for (unsigned i = 1; i <= highest; i++) {
        if (channels[i].admitted && held_by(i) > 1) {
            return i;
        }
    }
    return 0;
}

static void
level_channels(void)
{
    unsigned to, from;

    while ((from = crowded()) != 0 && (to = choose_channel()) != 0 && held_by(to) == 0) {
        int connfd = fdpass_receive(channels[from].handler_end, false);

        if (connfd < 0) {
            return;
        }
        channels[from].given--;
        if (!channels_pass(to, connfd)) {
            return;
        }
    }
}

int64_t
channels_level_us(void)
{
    if (way == CHANNELS_QUEUED) {
        return nadmitted > 0 && !queue_has_room() ? CORRECT_US : -1;
    }
    return policy == CHANNELS_LEAST_LOADED && queue > 1 && crowded() != 0 ? LEVEL_US : -1;
}

/* Queued: a handler that was killed after it had received a connection, before it could say so, has
 * left one too many in the sum. When the channel is empty, what was received is what was given. */
static void
correct_queue(void)
{
    if (queue_is_empty()) {
        channels[0].given = 0;
        for (unsigned i = 1; i <= highest; i++) {
            channels[0].given += atomic_load(&board->seat[i].received);
        }
    }
}

void
channels_level(void)
{
    if (way == CHANNELS_QUEUED) {
        correct_queue();
    } else if (policy == CHANNELS_LEAST_LOADED) {
        level_channels();
    }
}
