#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/conn.h"
#include "attached.h"
#include "local_address.h"
#include "pacing.h"
#include "request.h"
#include "wait.h"

enum { SLOW_NS = 10 * 1000 * 1000 }; /* a slow one does not move a byte more often than that */

static enum connection_result connect_it(struct connection *conn);
static enum connection_result finish_connecting(struct connection *conn);
static enum connection_result send_request(struct connection *conn);
static enum connection_result receive(struct connection *conn);

static const struct load *load;
static struct tally *tally;
static struct distribution *distribution;
static int64_t schedule_ns;     /* how long the schedule lasts; 0: there is none */
static bool printing;           /* the replies are printed */
static char buffer[CONN_CHUNK]; /* for all: what was read is verified at once */

void
connection_open(const struct load *asked, struct tally *counts, struct distribution *shares)
{
    load = asked;
    tally = counts;
    distribution = shares;
    schedule_ns = load_schedule_ns(load);
    request_open(load, tally);
    verify_open(load);
    printing = load->message && load->verbose;
    replies_open(load, tally);
}

enum connection_result
connection_step(struct connection *conn)
{
    switch (conn->state) {
    case CONNECTION_OPENING:
        return connect_it(conn);
    case CONNECTION_CONNECTING:
        return finish_connecting(conn);
    case CONNECTION_SENDING:
        /* One that waits to send on is here because the server has something to say. */
        return conn->wake_ns != 0 ? receive(conn) : send_request(conn);
    case CONNECTION_RECEIVING:
        return receive(conn);
    default:
        return CONNECTION_OVER;
    }
}

/* --- the end --------------------------------------------------------------------------------- */

static enum connection_result
end(struct connection *conn, int64_t now)
{
    if (conn->fd != -1) {
        close(conn->fd);
    }
    attached_end();
    if (printing) {
        replies_end(&conn->printed);
    }
    if (conn->misbehaviour) {
        histogram_record(&tally->lasted[conn->kind], now - conn->opened_ns);
    } else {
        tally->over_ns = now;
    }
    conn->fd = -1;
    conn->wake_ns = 0;
    conn->state = CONNECTION_NONE;
    return CONNECTION_OVER;
}

static enum connection_result
complete(struct connection *conn, int64_t now)
{
    counter_add(&conn->outcome->completed[conn->trust], 1);
    return end(conn, now);
}

/* Nothing of the reply has come yet. (Of lines, no head ever does.) */
static bool
is_untouched(const struct connection *conn)
{
    return conn->reply.got == 0 && conn->head.size == 0;
}

/* The server has said that it does not do what was asked. */
static bool
is_refused(const struct connection *conn)
{
    return load->http ? head_refuses(&conn->head) : verify_is_error(&conn->reply);
}

/* A reply of HTTP whose head is to blame, or has not ended. */
static void
sample_head(struct sample *sample, const struct head *head)
{
    sample->got = head->size;
    sample->kept = (unsigned)strlen(head_words(head));
    sample->kept = sample->kept < SAMPLE_KEPT ? sample->kept : SAMPLE_KEPT;
    memcpy(sample->head, head_words(head), sample->kept);
    sample->why = head->why;
}

/* Keeps how a reply began, the first time; one that is wrong takes the place of one that is not. */
static void
keep_sample(const struct connection *conn, enum failure kind)
{
    struct sample *sample = &tally->sample;
    const struct reply *reply = &conn->reply;

    if (conn->misbehaviour || (sample->taken && sample->kind <= kind)) {
        return;
    }
    *sample = (struct sample){.kind = kind, .got = reply->got, .taken = true};
    sample->wrong_at = reply->wrong_at;
    sample->wanted = reply->wanted;
    sample->kept = (unsigned)(reply->kept < SAMPLE_KEPT ? reply->kept : SAMPLE_KEPT);
    memcpy(sample->head, reply->head, sample->kept);
    if (load->http && (conn->head.why || !conn->head.whole)) {
        sample_head(sample, &conn->head);
    }
}

static enum connection_result
fail(struct connection *conn, enum failure kind, int error)
{
    if (kind == FAILURE_SHORT || kind == FAILURE_CORRUPT) {
        keep_sample(conn, kind);
    }
    outcome_fail(conn->outcome, kind, error);
    end(conn, clock_ns());
    /* With -t, the sooner it has failed the better. */
    if (kind == FAILURE_REFUSED && !load_is_open(load) && load->connections == 0) {
        pacing_refused(clock_ns());
    }
    return kind == FAILURE_CLIENT_LIMITED ? CONNECTION_STRANDED : CONNECTION_OVER;
}

/* The error line; by HTTP, the status line without its version in front, if there is such a line.
 */
static void
keep_rejection(const struct connection *conn)
{
    const struct reply *reply = &conn->reply;
    int length = verify_is_error(reply) ? (int)reply->kept : 0;

    snprintf(tally->rejection, sizeof tally->rejection, "%s%s%.*s",
             load->http ? strchr(conn->head.said, ' ') + 1 : "",
             load->http && length > 0 ? ": " : "", length, reply->head);
    tally->rejection[strcspn(tally->rejection, "\r\n")] = '\0';
}

static enum connection_result
rejected(struct connection *conn)
{
    if (tally->rejection[0] == '\0' && !conn->misbehaviour) {
        keep_rejection(conn);
    }
    return fail(conn, FAILURE_REJECTED, 0);
}

static enum connection_result
fail_with_errno(struct connection *conn)
{
    if (is_refused(conn)) {
        return rejected(conn); /* the server said so before the connection broke */
    }
    return fail(conn, failure_of(errno), errno);
}

int64_t
connection_deadline(const struct connection *conn)
{
    /* While this process was suspended nobody could read a reply, or send a request: -T begins anew
     * when it goes on, so that what came in time is not too late. */
    int64_t resumed_ns = pacing_resumed();
    int64_t began_ns = conn->began_ns > resumed_ns ? conn->began_ns : resumed_ns;

    return load->timeout_ns > 0 ? began_ns + load->timeout_ns : INT64_MAX;
}

/* Ends it as a failure. */
static void
give_up(struct connection *conn, enum failure kind, int error)
{
    /* To a message, an error line counts as one when the server has closed. If it does not close,
     * it has said enough all the same. So has the head of one of HTTP. */
    if ((load->message || load->http) && is_refused(conn)) {
        rejected(conn);
    } else {
        fail(conn, kind, error);
    }
}

bool
connection_expire(struct connection *conn, int64_t now)
{
    bool late = now >= connection_deadline(conn);

    if (late) {
        give_up(conn, FAILURE_TIMED_OUT, 0);
    } else if (pacing_over(now)) {
        give_up(conn, FAILURE_OTHER, EINTR);
    }
    return conn->state == CONNECTION_NONE;
}

/* That the server has closed between two requests shows as a reset, a broken pipe or the end of the
 * file, as the packets happen to cross. All three are the same fault. */
static enum connection_result
fail_in_request(struct connection *conn)
{
    bool later = conn->request > conn->fresh && is_untouched(conn);

    if (later && (errno == EPIPE || errno == ECONNRESET)) {
        return fail(conn, FAILURE_SHORT, 0);
    }
    return fail_with_errno(conn);
}

static bool
not_yet(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

/* --- connecting ------------------------------------------------------------------------------ */

int
connection_next(void)
{
    return request_kind(counter_get(&tally->taken));
}

void
connection_omit(int kind)
{
    counter_add(&tally->taken, 1);
    counter_add(&tally->omitted[kind], 1);
}

/* Sets up the next connection. */
static void
take_next(struct connection *conn, int64_t due_ns)
{
    conn->nth = load->earlier + load_nth(load, tally->number, counter_get(&tally->taken));
    conn->kind = connection_next();
    conn->misbehaviour =
        conn->kind == MISBEHAVE_NOT ? NULL : &load->misbehaviours.kinds[conn->kind];
    conn->outcome = conn->misbehaviour ? &tally->bad[conn->kind] : &tally->good;
    counter_add(&tally->taken, 1);
    counter_add(&conn->outcome->begun, 1);
    conn->trust = TRUST_VERIFIED;
    conn->request = conn->fresh = 0;
    conn->state = CONNECTION_OPENING;
    conn->due_ns = due_ns;
    conn->wake_ns = 0;
    conn->printed = (struct printed){.used = 0};
    verify_begin(&conn->reply);
    head_begin(&conn->head);
}

static bool
does(const struct connection *conn, enum misbehave_how how)
{
    return conn->misbehaviour && conn->misbehaviour->how == how;
}

/* The kernel must not read ahead for one that reads slowly. */
static bool
narrow(const struct connection *conn)
{
    int window = MISBEHAVE_WINDOW;

    return !does(conn, MISBEHAVE_SLOW_READ) ||
           setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0;
}

static enum connection_result
make_socket(struct connection *conn)
{
    conn->state = CONNECTION_OPENING;
    conn->fd = local_address_socket(conn->nth + counter_get(&tally->reopened), conn->nonblocking);
    return conn->fd == -1 || !narrow(conn) ? fail_with_errno(conn) : CONNECTION_GOES_ON;
}

enum connection_result
connection_begin(struct connection *conn, int64_t due_ns, bool nonblocking)
{
    enum connection_result result;

    take_next(conn, due_ns);
    conn->nonblocking = nonblocking;
    conn->opened_ns = conn->began_ns = clock_ns();
    result = make_socket(conn);
    if (result == CONNECTION_GOES_ON) {
        conn->opened_ns = conn->began_ns = clock_ns();
    }
    return result;
}

/* By HTTP the server has said that its reply was the last here. (RFC 9112, 9.6: clients go on over
 * another connection.) Connecting is part of the next request's time. */
static enum connection_result
begin_again(struct connection *conn)
{
    close(conn->fd);
    attached_end();
    conn->fresh = conn->request;
    return make_socket(conn);
}

static void
ask(struct connection *conn, int64_t now)
{
    conn->asked_ns = now;
    conn->class = conn->misbehaviour ? 0 : request_class();
    conn->sent = 0;
    conn->moved = 0;
    conn->broken = 0;
    conn->state = does(conn, MISBEHAVE_SILENT) ? CONNECTION_RECEIVING : CONNECTION_SENDING;
    verify_begin(&conn->reply);
    if (load->http) {
        head_begin(&conn->head); /* of lines it stays as it was */
    }
}

static enum connection_result
connected(struct connection *conn)
{
    int64_t now;

    if (local_address_is_target(conn->fd)) {
        return fail(conn, FAILURE_REFUSED, ECONNREFUSED);
    }
    if (load->attaches && !attached_begin(conn->fd)) {
        return not_yet(errno) ? CONNECTION_WAITS : fail_with_errno(conn);
    }
    pacing_accepted();
    now = clock_ns();
    if (conn->request > 0) {
        counter_add(&tally->reopened, conn->misbehaviour ? 0 : 1);
        ask(conn, now);
        return CONNECTION_GOES_ON;
    }
    counter_add(&conn->outcome->connected, 1);
    conn->connected_ns = now - conn->began_ns;
    if (counter_get(&tally->good.connected) <= EARLY_CONNECTS && !conn->misbehaviour) {
        tally->early_connect_ns += conn->connected_ns;
    }
    ask(conn, now);
    return CONNECTION_GOES_ON;
}

/* A handshake over loopback is done when connect() returns. To look only in the next turn of the
 * event loop would be to measure that turn. */
static enum connection_result
go_on_connecting(struct connection *conn)
{
    struct pollfd writable = {.fd = conn->fd, .events = POLLOUT};

    conn->state = CONNECTION_CONNECTING;
    return poll(&writable, 1, 0) == 1 ? CONNECTION_GOES_ON : CONNECTION_WAITS;
}

static enum connection_result
connect_it(struct connection *conn)
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX;

    if (connect(conn->fd, &load->target.any, load->target.length) == 0) {
        return connected(conn);
    }
    if (is_unix && (errno == EINTR || errno == EAGAIN)) {
        /* There is no room in the server's queue. If a signal has ended the wait for some, Linux
         * has forgotten this socket: it has to call again. */
        return CONNECTION_WAITS;
    }
    switch (errno) {
    case EISCONN: /* of a Unix socket, called again */
        return connected(conn);
    case EINTR: /* POSIX: the connection is being made all the same; to call again would be wrong */
        conn->state = CONNECTION_CONNECTING;
        return CONNECTION_WAITS;
    case EINPROGRESS:
    case EALREADY:
        return go_on_connecting(conn);
    default:
        return fail_with_errno(conn);
    }
}

int
connection_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

static enum connection_result
finish_connecting(struct connection *conn)
{
    int error = connection_error(conn->fd);

    return error == 0 ? connected(conn) : fail(conn, failure_of(error), error);
}

/* --- a request and its reply ----------------------------------------------------------------- */

/* The message cannot be sent on. Perhaps the server has refused it and says why, or reads no
 * further until its reply is read: so this reads, even when the connection is broken. */
static enum connection_result
read_while_sending(struct connection *conn)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return receive(conn);
    }
    if (errno != EPIPE && errno != ECONNRESET) {
        return not_yet(errno) ? CONNECTION_WAITS : fail_with_errno(conn);
    }
    conn->broken = errno;
    conn->state = CONNECTION_RECEIVING;
    return CONNECTION_GOES_ON;
}

/* How many of `most` bytes the connection may move now, if it is slow in that; if 0, it pauses. */
static size_t
allowance(struct connection *conn, enum misbehave_how how, size_t most)
{
    int64_t now;
    uint64_t allowed;

    if (!does(conn, how)) {
        return most;
    }
    now = clock_ns();
    allowed = misbehave_allowed(conn->misbehaviour, now - conn->asked_ns);
    allowed -= conn->moved < allowed ? conn->moved : allowed; /* it may be one ahead: receive() */
    if (allowed == 0) {
        conn->wake_ns = conn->asked_ns + misbehave_due(conn->misbehaviour, conn->moved);
        if (conn->wake_ns < now + SLOW_NS) {
            conn->wake_ns = now + SLOW_NS;
        }
    }
    return allowed < most ? (size_t)allowed : most;
}

/* The request has been sent. */
static enum connection_result
await_reply(struct connection *conn)
{
    static const struct linger at_once = {.l_onoff = 1};

    conn->moved = 0;
    conn->state = CONNECTION_RECEIVING;
    if (does(conn, MISBEHAVE_RESET)) {
        /* POSIX leaves the rest to the system: with a linger of 0 s TCP resets the connection. */
        if (setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == -1) {
            return fail_with_errno(conn);
        }
        return complete(conn, clock_ns());
    }
    if (does(conn, MISBEHAVE_HALF_CLOSE) && conn->request + 1 == load->requests &&
        shutdown(conn->fd, SHUT_WR) == -1) {
        return fail_with_errno(conn);
    }
    return CONNECTION_GOES_ON;
}

static enum connection_result
send_request(struct connection *conn)
{
    size_t length, most;
    const char *request = request_bytes(conn->misbehaviour, conn->class, &length);
    ssize_t count;

    most = allowance(conn, MISBEHAVE_SLOW_SEND, length - conn->sent);
    if (most == 0) {
        return CONNECTION_WAITS;
    }
    count = load->attaches ? attached_write(request + conn->sent, most)
                           : write(conn->fd, request + conn->sent, most);
    if (count == -1 && load->message) {
        return read_while_sending(conn);
    }
    if (count == -1) {
        return not_yet(errno) ? CONNECTION_WAITS : fail_in_request(conn);
    }
    conn->sent += (size_t)count;
    conn->moved += (size_t)count;
    if (conn->sent == length) {
        return await_reply(conn);
    }
    /* The socket has no more room; or the connection is slow, and the next step finds its pause. */
    return conn->misbehaviour ? CONNECTION_GOES_ON : CONNECTION_WAITS;
}

/* The quarter of the schedule in which the connection was due. */
static int64_t
quarter_of(const struct connection *conn)
{
    int64_t quarter = (conn->due_ns - tally->start_ns) * QUARTERS / (schedule_ns + 1);

    return quarter < QUARTERS ? quarter : QUARTERS - 1;
}

static void
count_times(const struct connection *conn, int64_t now)
{
    struct histogram *times = tally->latencies[conn->trust];
    struct histogram *work = tally->work_times[conn->trust]; /* NULL without -W */
    bool is_open = load_is_open(load);
    int64_t service_ns = now - conn->began_ns;
    /* A later request was due when the reply before it had come. */
    int64_t response_ns = conn->request == 0 ? now - conn->due_ns : service_ns;

    histogram_record(&times[LATENCY_FIRST_BYTE], conn->first_ns - conn->asked_ns);
    histogram_record(&times[LATENCY_SERVICE], service_ns);
    if (work) {
        histogram_record(&work[WORK_TIMES * conn->class], service_ns);
    }
    if (is_open) {
        int64_t own_ns = conn->request == 0 ? conn->own_ns : 0;

        histogram_record(&times[LATENCY_RESPONSE], response_ns);
        histogram_record(&times[LATENCY_PUNCTUAL], response_ns - own_ns);
    }
    if (is_open && work) {
        histogram_record(&work[WORK_TIMES * conn->class + 1], response_ns);
    }
    if (is_open && conn->request == 0) {
        histogram_record(&tally->quarters[quarter_of(conn)], response_ns - conn->own_ns);
    }
}

static void
count_request(const struct connection *conn, int64_t now)
{
    const struct reply *reply = &conn->reply;

    counter_add(&tally->requests[conn->trust], 1);
    count_times(conn, now);
    if (verify_identified(reply)) {
        struct share share = {
            .sender = reply->sender, .connections = conn->request == conn->fresh, .requests = 1};

        distribution_add(distribution, &share);
    }
}

/* The reply is here and right. */
static enum connection_result
replied(struct connection *conn, int64_t now)
{
    /* If this reply has a stamp and the one before had none, the one before was wrong. */
    bool late_stamp = conn->trust == TRUST_UNVERIFIED && !conn->reply.unverified;

    /* Nobody may have looked at the clock since -T was over. */
    if (now >= connection_deadline(conn)) {
        return fail(conn, FAILURE_TIMED_OUT, 0);
    }
    if (late_stamp) {
        conn->reply.wrong_at = LATE_STAMP;
        return fail(conn, FAILURE_CORRUPT, 0);
    }
    conn->trust = conn->reply.unverified ? TRUST_UNVERIFIED : TRUST_VERIFIED;
    if (!conn->misbehaviour) {
        count_request(conn, now);
    }
    if (conn->reply.unverified) {
        keep_sample(conn, FAILURE_KINDS);
    }
    conn->request++;
    if (conn->request < load->requests && pacing_asks_on(now)) {
        conn->began_ns = now;
        if (conn->head.closes) {
            return begin_again(conn);
        }
        ask(conn, now);
        return CONNECTION_GOES_ON;
    }
    if (!conn->misbehaviour) {
        /* Only now, so that no failed connection is among the times. */
        histogram_record(&tally->latencies[conn->trust][LATENCY_CONNECT], conn->connected_ns);
        tally->last_ns = now;
    }
    return complete(conn, now);
}

/* How much to read at once: never exactly the rest of the reply, so that a byte too many shows. (A
 * head of HTTP may come with its content and fill the buffer to the last byte. Nobody knows.) */
static size_t
portion(const struct reply *reply)
{
    bool exact = reply->got + sizeof buffer == reply->wanted;

    return exact ? sizeof buffer - 1 : sizeof buffer;
}

/* The server has closed: so the reply to a message ends. */
static enum connection_result
ended(struct connection *conn)
{
    enum verdict verdict = verify_end(&conn->reply);
    int64_t now = clock_ns();

    if (verdict == VERDICT_REJECTED || is_refused(conn)) {
        return rejected(conn);
    }
    if (load->message && conn->state == CONNECTION_SENDING) {
        conn->broken = EPIPE; /* to send on would show just that */
    }
    if (conn->broken != 0) {
        return fail(conn, failure_of(conn->broken), conn->broken);
    }
    if (conn->reply.got == 0) {
        conn->first_ns = now; /* of an empty reply, the end comes first */
    }
    if (verdict == VERDICT_WHOLE) {
        return replied(conn, now);
    }
    return fail(conn, verdict == VERDICT_MORE ? FAILURE_SHORT : FAILURE_CORRUPT, 0);
}

/* A piece of the reply, or of its content. */
static enum connection_result
take_piece(struct connection *conn, const char *data, size_t length, bool first)
{
    bool sending = load->message && conn->state == CONNECTION_SENDING;
    enum verdict verdict;

    if (!conn->misbehaviour) {
        counter_add(&tally->bytes, (unsigned long long)length);
    }
    if (load->http && is_refused(conn)) {
        return verify_refusal(&conn->reply, data, length) ? rejected(conn) : CONNECTION_GOES_ON;
    }
    verdict = verify_take(&conn->reply, data, length);
    if (printing) {
        replies_take(&conn->printed, data, length);
    }
    if (verdict == VERDICT_WHOLE) {
        /* Of a reply that came in one piece, the first byte came with the last. */
        return replied(conn, first ? conn->first_ns : clock_ns());
    }
    if (verdict == VERDICT_CORRUPT) {
        return fail(conn, FAILURE_CORRUPT, 0);
    }
    /* While a message is being sent the server need not take the rest of it. Once it is sent, only
     * the end of the file shows that the line was all of the reply. */
    if (verdict == VERDICT_REJECTED && (sending || !load->message)) {
        return rejected(conn);
    }
    return sending ? CONNECTION_WAITS : CONNECTION_GOES_ON;
}

/* The content that the head has announced. False: it is not the one that was asked for. */
static bool
expect_content(struct connection *conn)
{
    struct head *head = &conn->head;

    verify_expect(&conn->reply, head->length);
    if (!head_refuses(head) && !load->path && head->length != load->bytes) {
        head->why = ", but with another Content-Length than asked for";
    }
    return !head->why;
}

/* By HTTP the head comes first: `*taken` of the bytes in the buffer. WHOLE: go on with the rest. */
static enum head_result
take_head(struct connection *conn, size_t length, size_t *taken)
{
    struct head *head = &conn->head;
    enum head_result result = head_take(head, buffer, length, taken);

    if (result == HEAD_WHOLE && !expect_content(conn)) {
        return HEAD_BAD;
    }
    return result == HEAD_WHOLE && *taken == length && head->length > 0 ? HEAD_MORE : result;
}

static enum connection_result
receive(struct connection *conn)
{
    struct reply *reply = &conn->reply;
    bool first = is_untouched(conn);
    size_t most = allowance(conn, MISBEHAVE_SLOW_READ, portion(reply)), taken = 0;
    ssize_t count;

    if (most == 0) {
        return CONNECTION_WAITS;
    }
    if (reply->got + most == reply->wanted && most < sizeof buffer) {
        most++; /* a slow one too must see a byte too many */
    }
    count = load->attaches ? attached_read(buffer, most) : read(conn->fd, buffer, most);
    if (count == -1) {
        return not_yet(errno) ? CONNECTION_WAITS : fail_in_request(conn);
    }
    if (count == 0) {
        return ended(conn);
    }
    if (first) {
        conn->first_ns = clock_ns();
    }
    if (conn->state == CONNECTION_RECEIVING) {
        conn->moved += (size_t)count;
    }
    if (load->http && !conn->head.whole) {
        switch (take_head(conn, (size_t)count, &taken)) {
        case HEAD_MORE:
            return CONNECTION_GOES_ON;
        case HEAD_BAD:
            return fail(conn, FAILURE_CORRUPT, 0);
        case HEAD_WHOLE:
            break;
        }
    }
    return take_piece(conn, buffer + taken, (size_t)count - taken, first);
}

/* --- waiting --------------------------------------------------------------------------------- */

int
connection_events(const struct connection *conn)
{
    bool pauses = conn->wake_ns != 0;

    switch (conn->state) {
    case CONNECTION_CONNECTING:
        return POLLOUT;
    case CONNECTION_SENDING:
        /* The server may have had enough of one that sends slowly. */
        return pauses ? POLLIN : load->message ? POLLIN | POLLOUT : POLLOUT;
    case CONNECTION_RECEIVING:
        return pauses ? 0 : POLLIN;
    default:
        return 0;
    }
}
