/*
 * A channel is a socketpair; connections go through it as ancillary data (common/fdpass). The
 * distributor keeps the handlers' end too, also when its handler has ended: what that had not
 * received is still there, and is given to another, or to its successor. A handler reports through
 * the board, where it costs the distributor no system call; only while that sleeps for it, with a
 * byte through the channel.
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

/* Invariant: piped, given - done connections are in service or in the channel, at most `queue`; of
 * these, given - received are in the channel. Queued, channels[0] is the one that all use. */
struct channel {
    int distributor_end, handler_end; /* -1: not yet made */
    unsigned given;                   /* connections passed, modulo 2^32 as `done` */
    unsigned char sent;               /* modulo 256: the number that the next message carries */
    bool admitted;
    bool silent; /* its handler has shut it down: it is readable for ever, and says nothing */
};

enum {
    FIRST_FREE_FD = 5,
    SPARE_FDS = 128,
    MESSAGE_BYTES = 1024, /* what a connection on its way takes of a socket's buffer, roughly */
    LEVEL_US = 10 * 1000,
    CORRECT_US = 100 * 1000
};

static struct board *board;
static enum channels_way way;
static enum channels_policy policy;
static unsigned queue, nadmitted;
static unsigned highest;         /* handlers with a higher number there have never been */
static struct channel *channels; /* channels[0..board->seats] */
static unsigned settled;         /* queued: of channels[0].given, how many are certainly over */
static bool clogged;             /* queued: the socket took no more */
static unsigned clogged_at;      /* when so many had been received */
static unsigned last_chosen;     /* where the turn goes on */
static int held_back = -1;       /* the connection that could not be passed; close-on-exec */

/* Both ends of each channel are open here; and Linux counts against this limit, for all but root,
 * what is on its way too. */
static void
raise_limit(void)
{
    rlim_t needed = 2 * (rlim_t)board->seats + SPARE_FDS;
    rlim_t wished = needed + (rlim_t)board->seats * queue;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= wished) {
        return;
    }
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) {
        diex("%u handlers need %llu descriptors: more than ulimit -Hn allows", board->seats,
             (unsigned long long)needed);
    }
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wished ? wished : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("setrlimit");
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
close_ends(struct channel *channel)
{
    int saved = errno;

    if (channel->distributor_end != -1) {
        close(channel->distributor_end);
    }
    if (channel->handler_end != -1) {
        close(channel->handler_end);
    }
    channel->distributor_end = channel->handler_end = -1;
    errno = saved;
}

/* SOCK_SEQPACKET, for on Linux a message then wakes one of the handlers that wait for it; in a
 * stream it wakes them all. Where the system has none, a stream is as good: each receives one byte
 * with one descriptor at a time. Both show the end when the distributor has closed its end, or
 * died.
 */
static int
open_channel(struct channel *channel, unsigned room)
{
    int pair[2], bytes = (int)room * MESSAGE_BYTES;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1 &&
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        return -1;
    }
    channel->distributor_end = channels_stow(pair[0]);
    channel->handler_end = channels_stow(pair[1]);
    if (channel->distributor_end >= FD_SETSIZE) {
        errno = EMFILE; /* select could not watch it */
        close_ends(channel);
        return -1;
    }
    if (channel->distributor_end == -1 || channel->handler_end == -1 ||
        fcntl(channel->distributor_end, F_SETFL, O_NONBLOCK) == -1) {
        close_ends(channel);
        return -1;
    }
    /* For all that may be on its way; the system may grant less. */
    setsockopt(channel->distributor_end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return 0;
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
    if (!channels) {
        die("%u channels", board->seats);
    }
    for (unsigned i = 0; i <= board->seats; i++) {
        channels[i].distributor_end = channels[i].handler_end = -1;
    }
    if (way == CHANNELS_QUEUED && open_channel(&channels[0], board->seats * queue) == -1) {
        die("socketpair");
    }
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

/* One that has said that it leaves is not given anything more. */
static bool
is_open(unsigned number)
{
    return channels[number].admitted &&
           atomic_load(&board->seat[number].state) != HANDLER_FINISHING;
}

/* round-robin: the next in turn that has room. least-loaded: of those who hold the fewest, the next
 * in turn. */
static unsigned
choose_channel(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < highest; step++) {
        unsigned i = 1 + (last_chosen + step) % highest;
        unsigned held = is_open(i) ? held_by(i) : queue;

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

/* Adds up what is over. What those who leave or are stopped have in service counts as over: it
 * takes no room from the others. */
static void
settle(void)
{
    settled = 0;
    for (unsigned i = 1; i <= highest; i++) {
        struct seat *seat = &board->seat[i];

        settled += atomic_load(channels[i].admitted ? &seat->done : &seat->received);
    }
}

static unsigned
count_received(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= highest; i++) {
        count += atomic_load(&board->seat[i].received);
    }
    return count;
}

/* Adds up only when it seems full: as long as there is room, a late sum does no harm. Signed, for a
 * corrected sum (correct_queue) may be some ahead. */
static bool
queue_has_room(void)
{
    int limit = (int)(nadmitted * queue);

    if (clogged && count_received() == clogged_at) {
        return false;
    }
    clogged = false;
    if ((int)(channels[0].given - settled) >= limit) {
        settle();
    }
    return (int)(channels[0].given - settled) < limit;
}

unsigned
channels_choose(void)
{
    return way == CHANNELS_PIPED ? choose_channel() : queue_has_room();
}

/* --- passing --------------------------------------------------------------------------------- */

/* The socket, or the system, takes no more at the moment: no error. In the common queue there will
 * be room when a handler has received. */
static bool
is_full(int error)
{
    bool full = error == EAGAIN || error == EWOULDBLOCK;

#ifdef ETOOMANYREFS /* not in POSIX: Linux, if all that this user has on its way is too much */
    full = full || error == ETOOMANYREFS;
#endif
    if (!full) {
        return false;
    }
    if (way == CHANNELS_QUEUED) {
        clogged = true;
        clogged_at = count_received();
    }
    return true;
}

bool
channels_pass(unsigned number, int connfd)
{
    static atomic_llong quiet_until;
    struct channel *channel = &channels[way == CHANNELS_PIPED ? number : 0];

    if (fdpass_send(channel->distributor_end, connfd, channel->sent) == -1) {
        int saved = errno;

        if (!is_full(saved)) {
            warn_seldom(&quiet_until, "cannot pass a connection, trying again");
        }
        fcntl(connfd, F_SETFD, FD_CLOEXEC); /* what is passed at once meets no spawn */
        held_back = connfd;
        return false;
    }
    channel->given++;
    channel->sent++;
    last_chosen = number;
    close(connfd); /* the channel has it now; a second copy would keep the connection open */
    return true;
}

/* How many connections are in the channel, whatever the counters say: messages are numbered in
 * their order, and the first that is still there tells its number. (Piped: less than 256 are.)
 * None, if a handler has shut it down and it is empty: its end is no connection, and looking on
 * would not end. -1 and errno if that cannot be told. */
static int
count_inside(const struct channel *channel)
{
    int first = fdpass_peek(channel->handler_end);

    if (first != -1) {
        return (unsigned char)(channel->sent - first);
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || channel->handler_end == -1 ? 0 : -1;
}

static bool
is_empty(const struct channel *channel)
{
    return fdpass_peek(channel->handler_end) == -1;
}

/* A channel whose handler does not take what is in it, or 0. The counters tell where to look; the
 * channel itself, whether it is so: a handler may be stopped between receiving and saying so. */
static unsigned
abandoned(void)
{
    for (unsigned i = 1; way == CHANNELS_PIPED && i <= highest; i++) {
        struct channel *channel = &channels[i];

        if (channel->admitted || channel->given == atomic_load(&board->seat[i].received)) {
            continue;
        }
        if (!is_empty(channel)) {
            return i;
        }
    }
    return 0;
}

/* Receives in the handler's place. FDPASS_NONE: it was faster, or errno says why not. */
static int
take_from(unsigned number)
{
    struct channel *channel = &channels[number];
    int connfd = fdpass_take_back(channel->handler_end);

    if (connfd != FDPASS_NONE) {
        channel->given--;
    } else if (errno == EBADMSG) {
        channel->given--;
        warnx("handler %u: a message in its channel carried no connection", number);
        errno = EAGAIN;
    }
    return connfd;
}

int
channels_take_waiting(void)
{
    static atomic_llong quiet_until;
    int connfd = held_back;
    unsigned number;

    held_back = -1;
    while (connfd == -1 && (number = abandoned()) != 0) {
        connfd = take_from(number);
        if (connfd != FDPASS_NONE || errno == EAGAIN || errno == EWOULDBLOCK) {
            continue;
        }
        if (fdpass_exhausted()) {
            warn_seldom(&quiet_until,
                        "handler %u: cannot take back what waits for it, trying again", number);
            return CHANNELS_LATER;
        }
        warn("handler %u: what is in its channel is lost", number);
        close_ends(&channels[number]);
    }
    return connfd;
}

bool
channels_any_waiting(void)
{
    return held_back != -1 || abandoned() != 0;
}

bool
channels_any_left(void)
{
    return channels_any_waiting() || (way == CHANNELS_QUEUED && !is_empty(&channels[0]));
}

/* What its last handler had not received waits for the next one (or for whoever is free before
 * that: channels_take_waiting). Else it gets a new channel, for a handler may have spoilt the old
 * one. The count begins anew: a handler that was killed after it had received a connection, before
 * it could say so, leaves no mistake. */
static int
prepare_channel(unsigned number)
{
    struct channel *channel = &channels[number];
    int inside = count_inside(channel);

    if (inside == -1) {
        return -1;
    }
    if (inside == 0) {
        struct channel fresh = {0};

        if (open_channel(&fresh, queue) == -1) {
            return -1;
        }
        close_ends(channel);
        *channel = fresh;
    }
    channel->given = atomic_load(&board->seat[number].received) + (unsigned)inside;
    return 0;
}

int
channels_create(unsigned number)
{
    if (way == CHANNELS_PIPED && prepare_channel(number) == -1) {
        return -1;
    }
    highest = number > highest ? number : highest;
    return channels[way == CHANNELS_PIPED ? number : 0].handler_end;
}

void
channels_dismiss(unsigned number)
{
    nadmitted -= channels[number].admitted;
    channels[number].admitted = false;
}

void
channels_ended(unsigned number)
{
    struct seat *seat = &board->seat[number];

    channels_dismiss(number);
    atomic_store(&seat->done, atomic_load(&seat->received)); /* what it was serving is over */
}

/* --- news ------------------------------------------------------------------------------------ */

int
channels_expect(fd_set *readable)
{
    int most = -1;

    atomic_store(&board->waits, 1);
    for (unsigned i = 0; i <= highest; i++) {
        if (channels[i].distributor_end != -1 && !channels[i].silent) {
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

        if (fd != -1 && FD_ISSET(fd, readable)) { /* that it came is all it says */
            channels[i].silent = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == 0;
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

static bool
levels(void)
{
    return way == CHANNELS_PIPED && policy == CHANNELS_LEAST_LOADED && queue > 1;
}

int64_t
channels_level_us(void)
{
    if (way == CHANNELS_QUEUED) {
        return nadmitted > 0 && !queue_has_room() ? CORRECT_US : -1;
    }
    return levels() && crowded() != 0 ? LEVEL_US : -1;
}

/* Not while a connection is held back: there is only one place more for what cannot be passed, and
 * those that wait here come first. */
static void
level_channels(void)
{
    unsigned to, from;

    while (held_back == -1 && (from = crowded()) != 0 && (to = choose_channel()) != 0 &&
           held_by(to) == 0) {
        int connfd = take_from(from);

        if (connfd < 0 || !channels_pass(to, connfd)) {
            return;
        }
    }
}

/* Queued: a handler that was killed after it had received a connection, before it could say so, has
 * left one too many in the sum. When the channel is empty, what was received is what was given. */
static void
correct_queue(void)
{
    if (is_empty(&channels[0])) {
        clogged = false; /* by what others of this user have on their way, if it was */
        channels[0].given = count_received();
    }
}

void
channels_level(void)
{
    if (way == CHANNELS_QUEUED) {
        correct_queue();
    } else if (levels()) {
        level_channels();
    }
}
