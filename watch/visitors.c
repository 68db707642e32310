#include "visitors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/listen.h"
#include "request.h"
#include "site.h"

enum {
    SILENT_US = 10 * 1000 * 1000, /* without a whole request, or taking no byte of its answer */
    ASLEEP_US = 30 * 1000 * 1000, /* a stream that takes no byte of a frame */
    LINGER_US = 2 * 1000 * 1000,
    KERNEL_BYTES = 128 * 1024, /* that the kernel may keep for one that does not read */
    BURST = 16                 /* accepted in a turn */
};

enum visitor_state {
    VISITOR_NONE,
    VISITOR_READING,
    VISITOR_WRITING,
    VISITOR_STREAMING,
    VISITOR_DRAINING /* answered: read until it has closed, else the answer could be lost by a reset
                      */
};

static struct visitor {
    enum visitor_state state;
    int fd;
    int64_t since; /* clock_us() when it last got on */
    struct request request;
    size_t used;
    struct text *pieces[2]; /* to be sent: the head, then the body or a frame; NULL: nothing */
    size_t sent;            /* of the first one that is left */
    char input[REQUEST_MOST];
} visitors[VISITORS_MOST];

static int places[VISITORS_MOST]; /* of those in polled[], in the same order */
static int count, streams;        /* connections; those of them that stream */

static void
drop(struct visitor *visitor)
{
    streams -= visitor->state == VISITOR_STREAMING;
    count--;
    text_drop(visitor->pieces[0]);
    text_drop(visitor->pieces[1]);
    close(visitor->fd);
    visitor->state = VISITOR_NONE;
}

bool
visitors_have_place(void)
{
    return count < VISITORS_MOST;
}

static void
begin(int fd)
{
    struct visitor *visitor = visitors;
    int bytes = KERNEL_BYTES;

    while (visitor->state != VISITOR_NONE) {
        visitor++;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    memset(visitor, 0, offsetof(struct visitor, input));
    visitor->state = VISITOR_READING;
    visitor->fd = fd;
    visitor->since = clock_us();
    count++;
}

void
visitors_accept(int listenfd)
{
    int fd = 0;

    for (int i = 0; i < BURST && fd != -1 && visitors_have_place(); i++) {
        fd = listen_has_client(listenfd) ? accept(listenfd, NULL, NULL) : -1;
        if (fd != -1) {
            begin(fd);
        } else if (listen_exhausted()) {
            listen_pause();
        }
    }
}

int
visitors_watch(struct pollfd *polled)
{
    int watched = 0;

    for (int i = 0; i < VISITORS_MOST; i++) {
        const struct visitor *visitor = &visitors[i];
        bool writes = visitor->pieces[0] || visitor->pieces[1];
        bool reads = visitor->state != VISITOR_WRITING;

        if (visitor->state != VISITOR_NONE) {
            places[watched] = i;
            polled[watched].fd = visitor->fd;
            polled[watched++].events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        }
    }
    return watched;
}

static const char *
status_words(int status)
{
    static const struct {
        int status;
        const char *words;
    } all[] = {{200, "OK"},
               {204, "No Content"},
               {400, "Bad Request"},
               {403, "Forbidden"},
               {404, "Not Found"},
               {405, "Method Not Allowed"},
               {413, "Content Too Large"},
               {415, "Unsupported Media Type"},
               {421, "Misdirected Request"},
               {431, "Request Header Fields Too Large"},
               {503, "Service Unavailable"}};
    int i = 0;

    while (all[i].status != status) {
        i++;
    }
    return all[i].words;
}

static void
answer(struct visitor *visitor, const struct answer *with)
{
    struct text *head = text_new();

    text_say(head, "HTTP/1.1 %d %s\r\nConnection: close\r\nCache-Control: no-store\r\n",
             with->status, status_words(with->status));
    text_say(head, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                   "Cross-Origin-Resource-Policy: same-origin\r\n"
                   "Cross-Origin-Opener-Policy: same-origin\r\n");
    if (with->type) {
        text_say(head, "Content-Type: %s\r\n", with->type);
    }
    if (with->policy) {
        text_say(head, "Content-Security-Policy: %s\r\n", with->policy);
    }
    if (with->status == 405) {
        text_say(head, "Allow: %s\r\n", strstr(with->body->bytes, "POST") ? "POST" : "GET");
    }
    if (with->status == 503) {
        text_say(head, "Retry-After: 5\r\n");
    }
    if (!with->stream && with->status != 204) {
        text_say(head, "Content-Length: %zu\r\n", with->body ? with->body->length : 0);
    }
    text_say(head, "\r\n");
    visitor->pieces[0] = head;
    visitor->pieces[1] = with->body;
    visitor->state = with->stream ? VISITOR_STREAMING : VISITOR_WRITING;
    streams += with->stream;
}

static void
take_request(struct visitor *visitor)
{
    const char *why = NULL;
    int status = request_read(&visitor->request, visitor->input, visitor->used, &why);
    struct answer with;

    if (status == REQUEST_MORE) {
        return;
    }
    with = status == REQUEST_HERE ? site_answer(&visitor->request) : site_refuse(status, why);
    if (with.stream && streams == STREAMS_MOST) {
        with = site_refuse(503, "as many pages as may be are open already: close one");
    }
    answer(visitor, &with);
}

/* False: it has closed, or sends where it only has to listen. */
static bool
hear(struct visitor *visitor)
{
    bool reads = visitor->state == VISITOR_READING, listens = visitor->state == VISITOR_STREAMING;
    char *to = reads ? visitor->input + visitor->used : visitor->input;
    ssize_t got = read(visitor->fd, to,
                       reads ? sizeof visitor->input - visitor->used : sizeof visitor->input);

    if (got == -1) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (got > 0 && reads) {
        visitor->used += (size_t)got;
        take_request(visitor);
    }
    return got > 0 && !listens;
}

static void
done_writing(struct visitor *visitor)
{
    if (visitor->state == VISITOR_WRITING) {
        shutdown(visitor->fd, SHUT_WR);
        visitor->state = VISITOR_DRAINING;
    }
}

/* One write. False: it is gone. */
static bool
tell(struct visitor *visitor)
{
    struct iovec parts[2];
    int used = 0;
    ssize_t gone;

    for (int i = 0; i < 2; i++) {
        if (visitor->pieces[i]) {
            size_t from = used == 0 ? visitor->sent : 0;

            parts[used++] =
                (struct iovec){visitor->pieces[i]->bytes + from, visitor->pieces[i]->length - from};
        }
    }
    gone = used > 0 ? writev(visitor->fd, parts, used) : 0;
    if (gone == -1) {
        return errno == EAGAIN || errno == EINTR;
    }
    visitor->since = gone > 0 ? clock_us() : visitor->since;
    visitor->sent += (size_t)gone;
    for (int i = 0; i < 2; i++) {
        if (visitor->pieces[i] && visitor->sent >= visitor->pieces[i]->length) {
            visitor->sent -= visitor->pieces[i]->length;
            text_drop(visitor->pieces[i]);
            visitor->pieces[i] = NULL;
        } else if (visitor->pieces[i]) {
            return true;
        }
    }
    done_writing(visitor);
    return true;
}

void
visitors_serve(const struct pollfd *polled, int watched)
{
    for (int i = 0; i < watched; i++) {
        struct visitor *visitor = &visitors[places[i]];
        int events = polled[i].revents;

        if ((events & ~POLLOUT && visitor->state != VISITOR_WRITING && !hear(visitor)) ||
            (events != 0 && (visitor->pieces[0] || visitor->pieces[1]) && !tell(visitor))) {
            drop(visitor);
        }
    }
}

bool
visitors_stream(void)
{
    return streams > 0;
}

void
visitors_frame(struct text *frame)
{
    for (int i = 0; i < VISITORS_MOST; i++) {
        struct visitor *visitor = &visitors[i];

        if (visitor->state == VISITOR_STREAMING && !visitor->pieces[0] && !visitor->pieces[1]) {
            visitor->pieces[1] = text_share(frame);
            visitor->since = clock_us();
            if (!tell(visitor)) {
                drop(visitor);
            }
        }
    }
}

void
visitors_turn(void)
{
    int64_t now = clock_us();

    for (int i = 0; i < VISITORS_MOST; i++) {
        struct visitor *visitor = &visitors[i];
        int64_t patience = visitor->state == VISITOR_STREAMING  ? ASLEEP_US
                           : visitor->state == VISITOR_DRAINING ? LINGER_US
                                                                : SILENT_US;

        if (visitor->state != VISITOR_NONE && now - visitor->since >= patience) {
            drop(visitor);
        }
    }
}
