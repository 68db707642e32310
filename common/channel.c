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

enum { SPARE_FDS = 128 };
#ifndef ETOOMANYREFS
#define ETOOMANYREFS EAGAIN /* not in POSIX */
#endif

void
descriptors_allow(unsigned count, unsigned more)
{
    rlim_t needed = (rlim_t)count + SPARE_FDS, wished = needed + more;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    if (limit.rlim_cur < wished) {
        limit.rlim_cur = wished < limit.rlim_max ? wished : limit.rlim_max;
        if (limit.rlim_cur < needed) {
            diex("%llu descriptors are needed: more than ulimit -Hn allows",
                 (unsigned long long)needed);
        }
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            die("setrlimit");
        }
    }
}

unsigned
descriptors_raise(unsigned most)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("setrlimit");
    }
    return (unsigned)limit.rlim_cur;
}

struct channel *
channels_new(unsigned count, unsigned queue)
{
    struct channel *channels = calloc(count + 1, sizeof *channels);

    if (!channels) {
        die("%u channels", count);
    }
    if (count > 1) {                                 /* (one more pair always fits) */
        descriptors_allow(2 * count, count * queue); /* Linux counts what is on its way too */
    }
    for (unsigned i = 1; i <= count; i++) {
        channels[i].sender = channels[i].receiver = -1;
    }
    return channels;
}

bool
channel_open(struct channel *channel, int type)
{
    int pair[2];

    if (channel->receiver != -1) {
        return true;
    }
    if (socketpair(AF_UNIX, type, 0, pair) == -1 &&
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        return false;
    }
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 || fcntl(pair[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(pair[1], F_SETFD, FD_CLOEXEC) == -1) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    *channel = (struct channel){.sender = pair[0], .receiver = pair[1]};
    return true;
}

/* (It writes nothing into `channels`: that would copy their pages.) */
int
channels_child(const struct channel *channels, unsigned count, unsigned number)
{
    for (unsigned i = 1; i <= count; i++) {
        if (channels[i].receiver != -1) {
            close(channels[i].sender); /* the parent's */
            if (i != number) {
                close(channels[i].receiver); /* another child's */
            }
        }
    }
    return channels[number].receiver;
}

bool
channel_send(struct channel *channel, int connfd)
{
    static atomic_llong quiet_until;

    if (fdpass_send(channel->sender, connfd, (unsigned char)channel->given) == -1) {
        /* Else there will be room; or too many descriptors of this user are on their way. */
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ETOOMANYREFS) {
            warn_seldom(&quiet_until, "cannot pass a connection, trying again");
        }
        return false;
    }
    channel->given++;
    /* (macOS is said to lose a descriptor that is closed before it has been received: unmended.) */
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
