#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/address.h"
#include "../../common/conn.h"
#include "../ask/message.h"
#include "request.h"
#include "../report/replies.h"
#include "local_address.h"

enum { SLOW_NS = 10 * 1000 * 1000 }; /* a slow one does not move a byte more often than that */

static enum visit_result connect_it(struct visit *visit);
static enum visit_result finish_connecting(struct visit *visit);
static enum visit_result send_request(struct visit *visit);
static enum visit_result receive(struct visit *visit);

static const struct load *load;
static struct tally *tally;
static struct distribution *distribution;
static int64_t schedule_ns;     /* how long the schedule lasts; 0: there is none */
static bool showing;            /* the replies are printed */
static char buffer[CONN_CHUNK]; /* for all visits: what was read is checked at once */

void
visit_open(const struct load *asked, struct tally *counts, struct distribution *shares)
{
    load = asked;
    tally = counts;
    distribution = shares;
    schedule_ns = load_schedule(load);
    request_open(load, tally);
    if (load->message) {
        check_open(0); /* no stamp is to be looked for */
        showing = load->verbose;
        show_open(load, tally);
        return;
    }
    check_open(load->bytes);
}

enum visit_result
visit_step(struct visit *visit)
{
    switch (visit->state) {
    case VISIT_OPENING:
        return connect_it(visit);
    case VISIT_CONNECTING:
        return finish_connecting(visit);
    case VISIT_SENDING:
        /* One that is waiting to send on is here since the server has something to say. */
        return visit->wake_ns != 0 ? receive(visit) : send_request(visit);
    case VISIT_RECEIVING:
        return receive(visit);
    case VISIT_NONE:
    case VISIT_RETIRED:
        break;
    }
    return VISIT_OVER;
}

/* --- the end --------------------------------------------------------------------------------- */

static enum visit_result
end(struct visit *visit, int64_t now)
{
    if (visit->fd != -1) {
        close(visit->fd);
    }
    if (showing) {
        show_end(&visit->shown);
    }
    if (visit->ways) {
        histogram_record(&tally->lasted[visit->kind], now - visit->opened_ns);
    } else {
        tally->over_ns = now;
    }
    visit->fd = -1;
    visit->wake_ns = 0;
    visit->state = VISIT_NONE;
    return VISIT_OVER;
}

static enum visit_result
complete(struct visit *visit, int64_t now)
{
    counter_add(&visit->outcome->completed[visit->trust], 1);
    return end(visit, now);
}

static enum visit_result
fail(struct visit *visit, enum failure kind, int error)
{
    outcome_fail(visit->outcome, kind, error);
    end(visit, clock_ns());
    return kind == FAILURE_CLIENT_LIMITED ? VISIT_STRANDED : VISIT_OVER;
}

static enum visit_result
rejected(struct visit *visit)
{
    if (tally->rejection[0] == '\0' && !visit->ways) {
        memcpy(tally->rejection, visit->reply.head, visit->reply.kept);
        tally->rejection[strcspn(tally->rejection, "\r\n")] = '\0';
    }
    return fail(visit, FAILURE_REJECTED, 0);
}

static bool
was_told_why(const struct visit *visit)
{
    if (visit->state != VISIT_SENDING && visit->state != VISIT_RECEIVING) {
        return false;
    }
    return load->message ? frame_is_error(&visit->reply) : check_is_error(&visit->reply);
}

static enum visit_result
fail_with_errno(struct visit *visit)
{
    if (was_told_why(visit)) {
        return rejected(visit); /* before the connection broke */
    }
    return fail(visit, outcome_of(errno), errno);
}

/* An error line that answers a message is known to be one when its end has come. A server that does
 * not close has said enough all the same. */
void
visit_give_up(struct visit *visit, enum failure kind, int error)
{
    if (load->message && was_told_why(visit)) {
        rejected(visit);
    } else {
        fail(visit, kind, error);
    }
}

/* Between two requests on a connection: a server that has closed it shows as a reset, a broken pipe
 * or the end of the file, as the packets happen to cross. It is the same fault. */
static enum visit_result
fail_in_request(struct visit *visit)
{
    if (visit->request > 0 && visit->reply.got == 0 && (errno == EPIPE || errno == ECONNRESET)) {
        return fail(visit, FAILURE_SHORT, 0);
    }
    return fail_with_errno(visit);
}

static bool
not_yet(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

/* --- connecting ------------------------------------------------------------------------------ */

int
visit_next(void)
{
    return request_kind(counter_get(&tally->taken));
}

void
visit_omit(int kind)
{
    counter_add(&tally->taken, 1);
    counter_add(&tally->omitted[kind], 1);
}

/* What the next visit is to be. Returns which connection it is, of this run and those before. */
static uint64_t
take_next(struct visit *visit, int64_t due_ns)
{
    uint64_t nth = load->earlier + load_nth(load, tally->number, counter_get(&tally->taken));

    visit->kind = visit_next();
    visit->ways = visit->kind == MANNERS_GOOD ? NULL : &load->manners.kinds[visit->kind];
    visit->outcome = visit->ways ? &tally->bad[visit->kind] : &tally->good;
    counter_add(&tally->taken, 1);
    counter_add(&visit->outcome->begun, 1);
    visit->trust = TRUST_VERIFIED;
    visit->request = 0;
    visit->state = VISIT_OPENING;
    visit->due_ns = due_ns;
    visit->wake_ns = 0;
    visit->shown = (struct shown){.used = 0};
    return nth;
}

/* Who reads slowly must not let the kernel read for it. */
static bool
narrow(const struct visit *visit)
{
    int window = MANNERS_WINDOW;

    return !visit->ways || visit->ways->manner != MANNER_SLOW_READ ||
           setsockopt(visit->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0;
}

enum visit_result
visit_begin(struct visit *visit, int64_t due_ns, bool nonblocking)
{
    uint64_t nth = take_next(visit, due_ns);

    visit->opened_ns = visit->began_ns = clock_ns();
    visit->fd = socket(load->target.storage.ss_family, SOCK_STREAM, 0);
    if (visit->fd == -1) {
        return fail_with_errno(visit);
    }
    if (nonblocking && fcntl(visit->fd, F_SETFL, O_NONBLOCK) == -1) {
        return fail_with_errno(visit);
    }
    if (!source_bind(visit->fd, nth) || !narrow(visit)) {
        return fail_with_errno(visit);
    }
    visit->opened_ns = visit->began_ns = clock_ns();
    return VISIT_GOES_ON;
}

static void
ask(struct visit *visit, int64_t now)
{
    visit->asked_ns = now;
    visit->class = visit->ways ? 0 : request_draw();
    visit->sent = 0;
    visit->moved = 0;
    visit->broken = 0;
    visit->state = VISIT_SENDING;
    if (visit->ways && visit->ways->manner == MANNER_SILENT) {
        visit->state = VISIT_RECEIVING;
    }
    if (load->message) {
        frame_begin(&visit->reply);
    } else {
        check_begin(&visit->reply);
    }
}

static enum visit_result
connected(struct visit *visit)
{
    int64_t now = clock_ns();

    counter_add(&visit->outcome->connected, 1);
    visit->connected_ns = now - visit->began_ns;
    ask(visit, now);
    return VISIT_GOES_ON;
}

/* A handshake over loopback is done when connect() returns. To look only in the next turn of the
 * event loop would be to measure that turn. */
static enum visit_result
go_on_connecting(struct visit *visit)
{
    struct pollfd writable = {.fd = visit->fd, .events = POLLOUT};

    visit->state = VISIT_CONNECTING;
    return poll(&writable, 1, 0) == 1 ? VISIT_GOES_ON : VISIT_WAITS;
}

static enum visit_result
connect_it(struct visit *visit)
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX;

    if (connect(visit->fd, address_sockaddr(&load->target), load->target.length) == 0) {
        return connected(visit);
    }
    switch (errno) {
    case EISCONN: /* of a Unix socket, called again */
        return connected(visit);
    case EINTR:
        /* POSIX: the connection is being made all the same, and calling again would be wrong. But
         * on Linux a Unix socket that waited for room in the queue has given up its place. */
        if (is_unix) {
            return VISIT_WAITS;
        }
        visit->state = VISIT_CONNECTING;
        return VISIT_WAITS;
    case EINPROGRESS:
    case EALREADY:
        return go_on_connecting(visit);
    case EAGAIN:
        /* A Unix socket, and no room in the server's queue: a blocking call would wait for it. */
        return is_unix ? VISIT_WAITS : fail_with_errno(visit);
    default:
        return fail_with_errno(visit);
    }
}

/* Called when it is writable: then SO_ERROR says how connect() went. */
static enum visit_result
finish_connecting(struct visit *visit)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(visit->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) {
        return fail_with_errno(visit);
    }
    if (error != 0) {
        return fail(visit, outcome_of(error), error);
    }
    return connected(visit);
}

/* --- a request and its reply ----------------------------------------------------------------- */

/* The message cannot be sent on. Perhaps the server has refused it and says why, or does not read
 * on before what it has sent is read: so this reads, even when the connection is broken. */
static enum visit_result
read_while_sending(struct visit *visit)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return receive(visit);
    }
    if (errno != EPIPE && errno != ECONNRESET) {
        return not_yet(errno) ? VISIT_WAITS : fail_with_errno(visit);
    }
    visit->broken = errno;
    visit->state = VISIT_RECEIVING;
    return VISIT_GOES_ON;
}

/* How many of `most` bytes a visit may move now, if it is slow in that. If none: when to wake. */
static size_t
allowance(struct visit *visit, enum manner manner, size_t most)
{
    int64_t now;
    uint64_t allowed;

    if (!visit->ways || visit->ways->manner != manner) {
        return most;
    }
    now = clock_ns();
    allowed = manners_allowed(visit->ways, now - visit->asked_ns);
    allowed -= visit->moved < allowed ? visit->moved : allowed; /* one may be ahead: receive() */
    if (allowed == 0) {
        visit->wake_ns = visit->asked_ns + manners_due(visit->ways, visit->moved);
        if (visit->wake_ns < now + SLOW_NS) {
            visit->wake_ns = now + SLOW_NS;
        }
    }
    return allowed < most ? (size_t)allowed : most;
}

/* The request has been sent. */
static enum visit_result
await_reply(struct visit *visit)
{
    static const struct linger at_once = {.l_onoff = 1};

    visit->moved = 0;
    visit->state = VISIT_RECEIVING;
    if (!visit->ways) {
        return VISIT_GOES_ON;
    }
    if (visit->ways->manner == MANNER_RESET) {
        /* POSIX leaves the rest to the system: with a linger of 0 s TCP resets the connection. */
        if (setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == -1) {
            return fail_with_errno(visit);
        }
        return complete(visit, clock_ns());
    }
    if (visit->ways->manner == MANNER_HALF_CLOSE && visit->request + 1 == load->requests &&
        shutdown(visit->fd, SHUT_WR) == -1) {
        return fail_with_errno(visit);
    }
    return VISIT_GOES_ON;
}

static enum visit_result
send_request(struct visit *visit)
{
    size_t length, most;
    const char *request = request_bytes(visit->ways, visit->class, &length);
    ssize_t count;

    most = allowance(visit, MANNER_SLOW_SEND, length - visit->sent);
    if (most == 0) {
        return VISIT_WAITS;
    }
    count = write(visit->fd, request + visit->sent, most);
    if (count == -1 && load->message) {
        return read_while_sending(visit);
    }
    if (count == -1) {
        return not_yet(errno) ? VISIT_WAITS : fail_in_request(visit);
    }
    visit->sent += (size_t)count;
    visit->moved += (size_t)count;
    if (visit->sent == length) {
        return await_reply(visit);
    }
    /* If there is no more room, others may get on meanwhile. A slow one learns when to wake. */
    return visit->ways ? VISIT_GOES_ON : VISIT_WAITS;
}

static void
record(enum trust trust, enum latency latency, int64_t nanoseconds)
{
    histogram_record(&tally->latencies[trust][latency], nanoseconds);
}

/* When the request should have begun: with the connection, or when the last reply had come. */
static int64_t
due_of(const struct visit *visit)
{
    return visit->request == 0 ? visit->due_ns : visit->began_ns;
}

/* Of the schedule, when it was due. */
static int64_t
quarter_of(const struct visit *visit)
{
    int64_t quarter = (visit->due_ns - tally->start_ns) * QUARTERS / (schedule_ns + 1);

    return quarter < QUARTERS ? quarter : QUARTERS - 1;
}

static void
record_work(const struct visit *visit, int64_t now)
{
    struct histogram *times = &tally->works[visit->trust][WORK_TIMES * visit->class];

    histogram_record(&times[0], now - visit->began_ns);
    if (plan_open(&load->plan)) {
        histogram_record(&times[1], now - due_of(visit));
    }
}

static void
count_request(const struct visit *visit, int64_t now)
{
    const struct reply *reply = &visit->reply;

    counter_add(&tally->requests[visit->trust], 1);
    record(visit->trust, LATENCY_FIRST_BYTE, visit->first_ns - visit->asked_ns);
    record(visit->trust, LATENCY_SERVICE, now - visit->began_ns);
    if (plan_open(&load->plan)) {
        record(visit->trust, LATENCY_RESPONSE, now - due_of(visit));
        if (visit->request == 0) { /* the further ones have not waited for their turn */
            histogram_record(&tally->quarters[quarter_of(visit)], now - due_of(visit));
        }
    }
    if (load->mix.classes > 0) {
        record_work(visit, now);
    }
    if (check_identified(reply)) {
        struct share share = {.child = reply->child,
                              .pid = reply->pid,
                              .connections = visit->request == 0,
                              .requests = 1};

        distribution_add(distribution, &share);
    }
}

/* The child that begins a connection serves it to its end. */
static bool
same_child(struct visit *visit)
{
    const struct reply *reply = &visit->reply;

    if (visit->request == 0) {
        visit->child = reply->child;
        visit->pid = reply->pid;
    }
    return !check_identified(reply) || (visit->child == reply->child && visit->pid == reply->pid);
}

/* A reply is here and right. */
static enum visit_result
replied(struct visit *visit, int64_t now)
{
    if (visit->trust == TRUST_UNVERIFIED && !visit->reply.unverified) {
        /* It has a stamp. So the one before should have had one. */
        return fail(visit, FAILURE_CORRUPT, 0);
    }
    if (!same_child(visit)) {
        return fail(visit, FAILURE_CORRUPT, 0);
    }
    visit->trust = visit->reply.unverified ? TRUST_UNVERIFIED : TRUST_VERIFIED;
    if (!visit->ways) {
        count_request(visit, now);
    }
    visit->request++;
    if (visit->request < load->requests) {
        visit->began_ns = now;
        ask(visit, now);
        return VISIT_GOES_ON;
    }
    if (!visit->ways) {
        /* Only now, so that no failed connection is among the times. */
        record(visit->trust, LATENCY_CONNECT, visit->connected_ns);
        tally->last_ns = now;
    }
    return complete(visit, now);
}

/* How much to read at once: never exactly what is still to come, so that a byte too many shows. */
static size_t
portion(const struct reply *reply)
{
    bool exact = reply->got + sizeof buffer == load->bytes;

    return exact ? sizeof buffer - 1 : sizeof buffer;
}

/* The server has closed. */
static enum visit_result
ended(struct visit *visit)
{
    if (check_is_error(&visit->reply)) {
        return rejected(visit);
    }
    /* All bytes and yet no verdict: they are the beginning of "error:". */
    return fail(visit, visit->reply.got >= load->bytes ? FAILURE_CORRUPT : FAILURE_SHORT, 0);
}

/* The same after a message: this is how every reply ends. */
static enum visit_result
ended_after_message(struct visit *visit)
{
    int64_t now = clock_ns();

    if (frame_is_error(&visit->reply)) {
        return rejected(visit);
    }
    if (visit->state == VISIT_SENDING) {
        visit->broken = EPIPE; /* to send on would show just that */
    }
    if (visit->broken != 0) {
        return fail(visit, outcome_of(visit->broken), visit->broken);
    }
    if (visit->reply.got == 0) {
        visit->first_ns = now; /* of an empty reply, the end comes first */
    }
    switch (frame_end(&visit->reply)) {
    case CHECK_WHOLE:
        return replied(visit, now);
    case CHECK_MORE:
        return fail(visit, FAILURE_SHORT, 0);
    default:
        return fail(visit, FAILURE_CORRUPT, 0);
    }
}

/* A piece of the reply to a message. */
static enum visit_result
take_piece(struct visit *visit, size_t length)
{
    bool sending = visit->state == VISIT_SENDING;
    enum verdict verdict = frame_take(&visit->reply, buffer, length);

    if (showing) {
        show_take(&visit->shown, buffer, length);
    }
    if (verdict == CHECK_CORRUPT) {
        return fail(visit, FAILURE_CORRUPT, 0);
    }
    if (verdict == CHECK_REJECTED && sending) {
        return rejected(visit); /* the server need not take the rest. Else its end must follow. */
    }
    return sending ? VISIT_WAITS : VISIT_GOES_ON;
}

static enum visit_result
receive(struct visit *visit)
{
    struct reply *reply = &visit->reply;
    bool first = reply->got == 0;
    size_t most = allowance(visit, MANNER_SLOW_READ, portion(reply));
    ssize_t count;

    if (most == 0) {
        return VISIT_WAITS;
    }
    if (reply->got + most == load->bytes && most < sizeof buffer) {
        most++; /* a slow one too is to see a byte too many */
    }
    count = read(visit->fd, buffer, most);
    if (count == -1) {
        return not_yet(errno) ? VISIT_WAITS : fail_in_request(visit);
    }
    if (count == 0) {
        return load->message ? ended_after_message(visit) : ended(visit);
    }
    if (first) {
        visit->first_ns = clock_ns();
    }
    if (visit->state == VISIT_RECEIVING) {
        visit->moved += (size_t)count;
    }
    if (!visit->ways) {
        counter_add(&tally->bytes, (unsigned long long)count);
    }
    if (load->message) {
        return take_piece(visit, (size_t)count);
    }
    switch (check_take(reply, buffer, (size_t)count)) {
    case CHECK_WHOLE:
        /* Of a reply that came in one piece, the first byte came with the last. */
        return replied(visit, first ? visit->first_ns : clock_ns());
    case CHECK_CORRUPT:
        return fail(visit, FAILURE_CORRUPT, 0);
    case CHECK_REJECTED:
        return rejected(visit);
    case CHECK_MORE:
        break;
    }
    return VISIT_GOES_ON;
}

/* --- what to wait for ------------------------------------------------------------------------ */

int
visit_events(const struct visit *visit)
{
    bool pauses = visit->wake_ns != 0;

    switch (visit->state) {
    case VISIT_CONNECTING:
        return POLLOUT;
    case VISIT_SENDING:
        /* The server may have had enough of one that sends slowly. */
        return pauses ? POLLIN : load->message ? POLLIN | POLLOUT : POLLOUT;
    case VISIT_RECEIVING:
        return pauses ? 0 : POLLIN;
    default:
        return 0;
    }
}
