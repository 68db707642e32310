#include "errands.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"

static unsigned long long
failures(const struct slot *counters)
{
    return counter_get(&counters->timed_out) + counter_get(&counters->broken);
}

/* (Both ends are close-on-exec: another handler may be started meanwhile.) */
bool
errand_begin(struct errand *errand, struct channel *channel, const struct slot *counters)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        warn_seldom(&crew.pool->quiet_until, "cannot hand out a request, trying again");
        return false;
    }
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 || fcntl(pair[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(pair[1], F_SETFD, FD_CLOEXEC) == -1 || !channel_send(channel, pair[1])) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    *errand = (struct errand){.fd = pair[0],
                              .requests = counter_get(&counters->requests),
                              .rejected = counter_get(&counters->rejected),
                              .failed = failures(counters)};
    return true;
}

/* Of a reply that is too long to hold more is read when the client has taken all that is here: so
 * the handler waits for it. */
static bool
wants_more(const struct frame *frame)
{
    return frame->streams ? frame->reply.have == 0 : frame->reply.have <= frames_most;
}

struct pollfd
errand_watch(const struct errand *errand, const struct frame *frame)
{
    int events =
        (wants_more(frame) ? POLLIN : 0) | (errand->given < frame->request.have ? POLLOUT : 0);

    return (struct pollfd){.fd = events != 0 ? errand->fd : -1, .events = (short)events};
}

/* How many bytes read() or write() has moved. The pair is closed at the end of the file; a reset is
 * one too, of a handler that has left some of the frame. But one that has not replied either has
 * had no descriptor for its end of the pair. */
static size_t
moved(struct errand *errand, ssize_t count, bool replied)
{
    if (count == 0 || (count == -1 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        errand->broken = count == -1 && (errno != ECONNRESET || !replied);
        errand_close(errand);
    }
    return count > 0 ? (size_t)count : 0;
}

/* A handler that has closed its end needs no more of the frame; what it has said can be read. */
static void
give_on(struct errand *errand, const struct buffer *request)
{
    const char *rest = request->bytes + errand->given;
    ssize_t count = write(errand->fd, rest, request->have - errand->given);

    if (count == -1 && (errno == EPIPE || errno == ECONNRESET)) {
        errand->given = request->have;
    } else {
        errand->given += moved(errand, count, true);
    }
}

void
errand_step(struct errand *errand, struct frame *frame)
{
    struct buffer *reply = &frame->reply;

    if (errand->given < frame->request.have) {
        give_on(errand, &frame->request);
    }
    if (errand->fd != -1 && wants_more(frame) && buffer_grow(reply, frames_most + 1)) {
        bool replied = reply->have > 0 || frame->streams;
        char *end = reply->bytes + reply->have;
        ssize_t count = read(errand->fd, end, reply->room - reply->have);

        reply->have += moved(errand, count, replied);
    }
}

void
errand_close(struct errand *errand)
{
    if (errand->fd != -1) {
        close(errand->fd);
        errand->fd = -1;
    }
}

/* (Of each connection a handler counts one of these, before it closes; or none.) */
enum errand_end
errand_end(const struct errand *errand, const struct slot *counters, bool done)
{
    bool good = counter_get(&counters->requests) != errand->requests;
    bool refused = counter_get(&counters->rejected) != errand->rejected;

    if (failures(counters) == errand->failed && !done && !good && !refused) {
        return ERRAND_UNKNOWN;
    }
    if (errand->broken || failures(counters) != errand->failed) {
        return ERRAND_CUT;
    }
    return refused ? ERRAND_REFUSED : ERRAND_GOOD;
}
