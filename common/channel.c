#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"
#include "fdpass.h"
#include "listen.h"

enum { SPARE_FDS = 128 }; /* beside both ends of each channel */

/* For both ends of each channel; and, if it may be, for what is on its way, which Linux counts
 * against this limit too, but for root. */
static void
raise_limit(unsigned count, unsigned queue)
{
    rlim_t needed = 2 * (rlim_t)count + SPARE_FDS;
    rlim_t wished = needed + (rlim_t)count * queue;
    struct rlimit limit;
    bool enough;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wished) {
        return;
    }
    enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wished;
    limit.rlim_cur = enough ? wished : limit.rlim_max;
    if (limit.rlim_cur < needed || setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        diex("-n %u needs %llu descriptors: more than ulimit -Hn allows", count,
             (unsigned long long)needed);
    }
}

struct channel *
channels_open(unsigned count, unsigned queue, int type)
{
    struct channel *channels = calloc(count + 1, sizeof *channels);
    int pair[2];

    if (!channels) {
        die("%u channels", count);
    }
    if (count > 1) { /* (one more pair always fits) */
        raise_limit(count, queue);
    }
    for (unsigned i = 1; i <= count; i++) {
        if ((socketpair(AF_UNIX, type, 0, pair) == -1 &&
             (type == SOCK_STREAM || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)) ||
            fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ||
            fcntl(pair[0], F_SETFD, FD_CLOEXEC) == -1 ||
            fcntl(pair[1], F_SETFD, FD_CLOEXEC) == -1) {
            die("socketpair");
        }
        channels[i] = (struct channel){.sender = pair[0], .receiver = pair[1]};
    }
    return channels;
}

int
channels_child(struct channel *channels, unsigned count, unsigned number)
{
    channels_shut(channels, count); /* the parent's: a copy here would hide its death */
    for (unsigned i = 1; i <= count; i++) {
        if (i != number) {
            close(channels[i].receiver); /* another child's */
        }
    }
    return channels[number].receiver;
}

void
channels_shut(struct channel *channels, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        if (channels[i].sender != -1) {
            close(channels[i].sender);
            channels[i].sender = -1;
        }
    }
}

/* The socket takes no more at the moment; or too many descriptors of this user are on their way. */
static bool
is_full(int error)
{
#ifdef ETOOMANYREFS /* not in POSIX */
    if (error == ETOOMANYREFS) {
        return true;
    }
#endif
    return error == EAGAIN || error == EWOULDBLOCK;
}

bool
channel_send(struct channel *channel, int connfd)
{
    static atomic_llong quiet_until;

    if (fdpass_send(channel->sender, connfd, (unsigned char)channel->given) == -1) {
        if (!is_full(errno)) { /* then there will be room */
            warn_seldom(&quiet_until, "cannot pass a connection, trying again");
        }
        return false;
    }
    channel->given++;
    close(connfd); /* it is the receiver's now: a second copy would keep the connection open */
    return true;
}

unsigned
channel_inside(const struct channel *channel)
{
    unsigned char first;
    ssize_t count;

    /* A reset, when the other end was closed with a byte unread, is told once; what was sent is
     * still there. */
    do {
        count = recv(channel->receiver, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    } while (count == -1 && (errno == EINTR || errno == ECONNRESET));
    return count < 1 ? 0 : 1 + (unsigned char)(channel->given - 1 - first);
}

bool
channels_any_inside(const struct channel *channels, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        if (channel_inside(&channels[i]) > 0) {
            return true;
        }
    }
    return false;
}

int
channel_receive(int receiver, bool wait)
{
    static atomic_llong quiet_until;
    int connfd = fdpass_receive(receiver, wait);

    if (connfd >= 0) {
        return connfd;
    }
    if (connfd == FDPASS_END || (errno == EAGAIN && !wait)) {
        return CHANNEL_END;
    }
    switch (errno) {
    case EBADMSG:
        warnx("a connection was lost on the way: out of descriptors?");
        return CHANNEL_LOST;
    case EAGAIN: /* another process that has this end has changed it */
        fcntl(receiver, F_SETFL, 0);
        return CHANNEL_NONE;
    case EINTR:
    case ECONNRESET: /* the sender died before it read a byte of ours; the end comes next */
        return CHANNEL_NONE;
    case ENOMEM: /* the connection stays inside until another process frees something */
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
        warn_seldom(&quiet_until, "cannot receive connections, trying again");
        listen_pause();
        return CHANNEL_NONE;
    default:
        die("cannot receive connections"); /* never again: a successor will do better */
    }
}
