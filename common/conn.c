#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "decimal.h"
#include "die.h"
#include "signals.h"

enum {
    DRAIN_US = 2 * 1000 * 1000, /* how long a refused client may take to hang up */
    STOP_US = 100 * 1000,       /* when the server stops: how long after its last step a connection
                                 * may take to send the next request */
    NAP_US = 100 * 1000,        /* how long a wait goes on before the flags are looked at */
};

static char *filler; /* on the heap: among the variables it would scatter them over more pages */
static int64_t timeout_us; /* 0: never */
static bool verbose;
static const char *model;

const char *
conn_filler(uint64_t offset)
{
    static const char letters[CONN_PERIOD + 1] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";

    if (!filler) {
        filler = malloc(CONN_CHUNK + CONN_PERIOD);
        if (!filler) {
            die("the filler of replies");
        }
        for (size_t i = 0; i < CONN_CHUNK + CONN_PERIOD; i++) {
            filler[i] = letters[i % CONN_PERIOD];
        }
    }
    return filler + offset % CONN_PERIOD;
}

void
conn_start(const struct options *options, const char *name)
{
    model = name;
    timeout_us = options->timeout_us;
    verbose = options->verbose;
    conn_filler(0); /* here, once: else each child would fill 16 pages of its own */
}

struct worker
conn_worker(unsigned child, unsigned thread, struct slot *slot)
{
    return conn_worker_of(child, thread, slot, getpid());
}

struct worker
conn_worker_of(unsigned child, unsigned thread, struct slot *slot, pid_t pid)
{
    struct worker worker = {.slot = slot, .thread = thread, .due = INT64_MAX};
    char *end;

    counter_set(&slot->pid, (unsigned long long)pid);
    memset(worker.stamp, ' ', CONN_STAMP);
    memcpy(worker.stamp, "child ", 6);
    end = decimal_put(worker.stamp + 6, child);
    if (thread > 0) {
        *end = '.';
        end = decimal_put(end + 1, thread);
    }
    memcpy(end, " pid ", 5);
    end = decimal_put(end + 5, (uint64_t)pid);
    worker.named = end < worker.stamp + CONN_STAMP ? (int)(end - worker.stamp) : CONN_STAMP - 1;
    worker.stamp[CONN_STAMP - 1] = '\n';
    return worker;
}

void
conn_open(struct conn *conn, struct worker *worker, int fd)
{
    *conn = (struct conn){.worker = worker, .fd = fd, .state = CONN_READING, .since = clock_us()};
    counter_add(&worker->slot->connections, 1);
}

/* --- the request ----------------------------------------------------------------------------- */

/* The client gets this line, and no reply. */
static void
answer_by_error(struct conn *conn, const char *error)
{
    conn->error = error;
    conn->bytes = strlen(error);
    conn->sent = 0;
    conn->last = true;
    conn->state = CONN_WRITING;
}

enum conn_result
conn_refuse(struct conn *conn, const char *error)
{
    counter_add(&conn->worker->slot->rejected, 1);
    answer_by_error(conn, error);
    return CONN_OK;
}

static enum conn_result
accept_request(struct conn *conn, uint64_t bytes, uint64_t cpu_us, uint64_t wait_us)
{
    conn->error = NULL;
    conn->bytes = bytes;
    conn->sent = 0;
    conn->cpu_us = (uint32_t)cpu_us;
    conn->wait_us = (uint32_t)wait_us;
    conn->state = CONN_WORKING;
    counter_add(&conn->worker->slot->serving, 1);
    return CONN_OK;
}

/* Reads a number up to a space or the end, and the spaces. */
static bool
take_number(const char **text, const char *end, uint64_t most, uint64_t *value)
{
    if (!decimal_take(text, end, most, value) || (*text < end && **text != ' ')) {
        return false;
    }
    while (*text < end && **text == ' ') {
        ++*text;
    }
    return true;
}

static enum conn_result
parse(struct conn *conn, const char *text, const char *end)
{
    static const struct {
        uint64_t most;
        const char *error;
    } fields[] = {
        {CONN_BYTES_MAX, "error: BYTES must be a number from 1 to 1073741824\n"},
        {CONN_WORK_MAX, "error: CPU_US must be a number from 0 to 10000000\n"},
        {CONN_WORK_MAX, "error: WAIT_US must be a number from 0 to 10000000\n"},
    };
    uint64_t values[3] = {0};

    if (end > text && end[-1] == '\r') {
        end--;
    }
    if (end - text > CONN_LINE_MAX) {
        return conn_refuse(conn, "error: a request line has at most 64 bytes\n");
    }
    for (int i = 0; i < 3 && (i == 0 || text < end); i++) {
        if (!take_number(&text, end, fields[i].most, &values[i]) || values[0] == 0) {
            return conn_refuse(conn, fields[i].error);
        }
    }
    if (text < end) {
        return conn_refuse(conn, "error: a request is BYTES [CPU_US [WAIT_US]] and nothing else\n");
    }
    return accept_request(conn, values[0], values[1], values[2]);
}

/* Consumes the next line of the input, if it is complete or can only be bad. */
static enum conn_result
take_line(struct conn *conn)
{
    char *text = conn->input + conn->used;
    size_t length = conn->have - conn->used;
    char *end = memchr(text, '\n', length);

    if (end) {
        conn->used += (size_t)(end - text) + 1;
    } else if (length > CONN_LINE_MAX + 1 || (conn->eof && length > 0)) {
        end = text + length; /* too long, or unfinished at end of file */
        conn->used = conn->have;
    } else {
        return conn->eof ? CONN_CLOSED : CONN_AGAIN;
    }
    return parse(conn, text, end);
}

static bool
is_idle(const struct conn *conn)
{
    return conn->state == CONN_READING && conn->used == conn->have && !http_begun(&conn->http);
}

void
conn_request_over(const struct conn *conn)
{
    counter *serving = &conn->worker->slot->serving;

    counter_set(serving, counter_get(serving) - 1);
}

/* Counts how the connection ends. One whose last request was refused has been counted; one that is
 * drained has had its replies. */
static enum conn_result
ends_as(const struct conn *conn, counter *counted)
{
    if (conn->state != CONN_DRAINING && (!conn->error || !conn->last)) {
        counter_add(counted, 1);
        if (conn->state != CONN_READING && !conn->error) {
            conn_request_over(conn);
        }
    }
    return CONN_CLOSED;
}

/* True if no further request is waited for: the server stops; or this child is replaced, and the
 * protocol lets a client know that. */
static bool
leaves(const struct conn *conn)
{
    return signals_stop || (signals_replace && conn->protocol == CONN_HTTP);
}

static void begin_reply(struct conn *conn);

/* Consumes what is here of an HTTP request. */
static enum conn_result
take_http(struct conn *conn)
{
    struct http *http = &conn->http;
    size_t taken;
    int status = http_take(http, conn->input + conn->used, conn->have - conn->used, &taken);

    conn->used += taken;
    if (status == 0 && !conn->eof) {
        return CONN_AGAIN;
    }
    if (status == 0) {
        return is_idle(conn) ? CONN_CLOSED : ends_as(conn, &conn->worker->slot->broken);
    }
    conn->nth = 0;
    if (http->error) {
        conn_refuse(conn, http->error);
        begin_reply(conn);
        return CONN_OK;
    }
    if (http->bytes == 0) {
        conn->nth = counter_get(&conn->worker->slot->connections);
    }
    return accept_request(conn, http->bytes, http->cpu_us, http->wait_us);
}

/* Consumes the next request, if it is complete or can only be bad. */
static enum conn_result
take_request(struct conn *conn)
{
    if (conn->protocol == CONN_UNDECIDED && conn->have > 0) {
        char first = (char)(conn->input[0] | 0x20); /* a letter in lower case */

        conn->protocol = first >= 'a' && first <= 'z' ? CONN_HTTP : CONN_LINES;
    }
    return conn->protocol == CONN_HTTP ? take_http(conn) : take_line(conn);
}

/* A read() or write() has failed: the connection is broken only inside a request or its reply. */
static enum conn_result
failed(const struct conn *conn)
{
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) {
        return CONN_AGAIN;
    }
    return is_idle(conn) ? CONN_CLOSED : ends_as(conn, &conn->worker->slot->broken);
}

size_t
conn_room(struct conn *conn, char **to)
{
    if (conn->state == CONN_DRAINING) {
        conn->used = conn->have;
    }
    memmove(conn->input, conn->input + conn->used, conn->have - conn->used);
    conn->have -= conn->used;
    conn->used = 0;
    *to = conn->input + conn->have;
    return sizeof conn->input - conn->have;
}

enum conn_result
conn_received(struct conn *conn, ssize_t count)
{
    if (conn->state == CONN_DRAINING && count >= 0) {
        return count > 0 ? CONN_AGAIN : CONN_CLOSED;
    }
    if (count == -1) {
        bool waits = conn->state != CONN_DRAINING || !signals_stop || errno == EINTR;

        return waits ? failed(conn) : CONN_CLOSED;
    }
    conn->eof = count == 0;
    conn->have += (size_t)count;
    conn->more = conn->have == sizeof conn->input;
    return take_request(conn);
}

static enum conn_result
read_on(struct conn *conn)
{
    char *to;
    size_t room = conn_room(conn, &to);

    return conn_received(conn, read(conn->fd, to, room));
}

/* --- the work -------------------------------------------------------------------------------- */

/* Hashes until the thread's own clock says that it has used so much processor time. */
static void
burn(int64_t cpu_us)
{
    volatile uint32_t seed = 2166136261u; /* volatile: the compiler cannot leave the sum out */
    int64_t end = clock_read_us(CLOCK_THREAD_CPUTIME_ID) + cpu_us;
    uint32_t hash = seed;

    while (clock_read_us(CLOCK_THREAD_CPUTIME_ID) < end && !signals_over()) {
        for (uint32_t i = 0; i < 2000; i++) {
            hash = (hash ^ (i & 0xff)) * 16777619u; /* FNV-1a */
        }
        seed = hash;
    }
}

static void
wait_for(int64_t wait_us)
{
    int64_t end = clock_us() + wait_us;
    int64_t left;

    while ((left = end - clock_us()) > 0 && !signals_over()) {
        struct timespec nap = {.tv_nsec = (long)(left < NAP_US ? left : NAP_US) * 1000};

        nanosleep(&nap, NULL); /* ending early is as good */
    }
}

/* In an event loop, nobody else is served meanwhile. Signals get through, so that the grace can
 * end. */
enum conn_result
conn_work(struct conn *conn)
{
    const sigset_t *waiting = conn->worker->waiting;
    bool works = conn->cpu_us > 0 || conn->wait_us > 0;
    sigset_t blocked;

    if (works) {
        counter_set(&conn->worker->slot->since, (unsigned long long)clock_us());
    }
    if (works && waiting) {
        pthread_sigmask(SIG_SETMASK, waiting, &blocked);
    }
    if (conn->cpu_us > 0) {
        burn(conn->cpu_us);
    }
    if (conn->wait_us > 0) {
        wait_for(conn->wait_us);
    }
    if (works && waiting) {
        pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    }
    if (works) {
        counter_set(&conn->worker->slot->since, 0);
    }
    if (works && signals_over()) {
        return ends_as(conn, &conn->worker->slot->broken); /* no reply may say that it was done */
    }
    conn_worked(conn);
    return CONN_OK;
}

/* --- the reply ------------------------------------------------------------------------------- */

/* What GET / gives; the same each time it is made for a request. Returns its length. */
static size_t
page(const struct conn *conn, char text[CONN_PAGE])
{
    const struct worker *worker = conn->worker;
    int length =
        snprintf(text, CONN_PAGE,
                 "%.40s\n"
                 "%.*s serves this connection, one of %llu that it has had.\n\n"
                 "Ask for more:\n"
                 "  /BYTES                  1 to %d bytes, which begin with who serves\n"
                 "  /BYTES?cpu=US&wait=US   after so many microseconds of processor time,\n"
                 "                          and of waiting (at most %d each)\n"
                 "or send lines, BYTES [CPU_US [WAIT_US]], on a connection of their own.\n",
                 model, worker->named, worker->stamp, conn->nth, CONN_BYTES_MAX, CONN_WORK_MAX);

    return (size_t)length;
}

/* Of HTTP: sets out what stays the same while the head and the content are sent. */
static void
begin_reply(struct conn *conn)
{
    char text[CONN_PAGE];

    if (conn->nth > 0) {
        conn->bytes = page(conn, text);
    }
    conn->date = time(NULL);
    conn->last = conn->http.last || leaves(conn);
}

static void
got_on(struct conn *conn)
{
    conn->since = conn->worker->dates_late ? 0 : clock_us();
}

void
conn_worked(struct conn *conn)
{
    got_on(conn);
    conn->state = CONN_WRITING;
    if (conn->protocol == CONN_HTTP) {
        begin_reply(conn);
    }
}

void
conn_unworkable(struct conn *conn, const char *error)
{
    ends_as(conn, &conn->worker->slot->broken);
    got_on(conn);
    answer_by_error(conn, error);
    if (conn->protocol == CONN_HTTP) {
        conn->nth = 0;
        conn->http.status = 503;
        begin_reply(conn);
    }
}

/* How much is sent in all. */
static uint64_t
whole(const struct conn *conn)
{
    return conn->head + (conn->http.method == HTTP_HEAD_ONLY ? 0 : conn->bytes);
}

/* The content from `at` on, at most CONN_CHUNK bytes: how many pieces. */
static int
content(const struct conn *conn, uint64_t at, char text[CONN_PAGE], struct iovec piece[2])
{
    uint64_t left = conn->bytes - at;
    size_t stamp = 0;

    if (conn->error || conn->nth > 0) {
        piece[0].iov_base = (conn->error ? (char *)conn->error : text) + at;
        piece[0].iov_len = (size_t)left;
        if (!conn->error) {
            page(conn, text);
        }
        return 1;
    }
    if (conn->bytes >= CONN_STAMP && at < CONN_STAMP) {
        stamp = CONN_STAMP - (size_t)at;
        piece[0].iov_base = conn->worker->stamp + at;
        piece[0].iov_len = stamp;
    }
    left = left < CONN_CHUNK ? left : CONN_CHUNK;
    piece[stamp > 0].iov_base = (char *)conn_filler(at + stamp);
    piece[stamp > 0].iov_len = (size_t)left - stamp;
    return 1 + (stamp > 0);
}

void
conn_pieces(struct conn *conn, struct conn_pieces *pieces)
{
    uint64_t at = conn->sent < conn->head ? 0 : conn->sent - conn->head;

    pieces->count = 0;
    if (conn->protocol == CONN_HTTP && (conn->sent == 0 || conn->sent < conn->head)) {
        conn->head = http_head(&conn->http, conn->bytes, conn->date, conn->last, pieces->head);
        pieces->piece[0].iov_base = pieces->head + conn->sent;
        pieces->piece[0].iov_len = conn->head - (size_t)conn->sent;
        pieces->count = 1;
    }
    if (whole(conn) > conn->head) {
        pieces->count += content(conn, at, pieces->page, pieces->piece + pieces->count);
    }
}

/* -v: a line for the request. One that cannot be written is lost: there is no other place. */
static void
tell(const struct conn *conn)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%.*s: %llu bytes, %lu us cpu, %lu us wait\n",
                          conn->worker->named, conn->worker->stamp,
                          (unsigned long long)(whole(conn) - conn->head),
                          (unsigned long)conn->cpu_us, (unsigned long)conn->wait_us);

    signals_write(line, (size_t)length);
}

static enum conn_result
reply_sent(struct conn *conn)
{
    enum conn_result next;

    if (!conn->error) {
        counter_add(&conn->worker->slot->requests, 1);
        conn_request_over(conn);
        if (verbose) {
            tell(conn);
        }
    }
    if (signals_stop) {
        fcntl(conn->fd, F_SETFL, O_NONBLOCK); /* to wait for nothing more */
    }
    /* No further request is begun. A lingering close: what else comes is read and thrown away until
     * the client has closed, for to close a socket with unread input sends a reset, which could
     * overtake the reply. */
    if (conn->last || signals_stop) {
        shutdown(conn->fd, SHUT_WR);
        conn->state = CONN_DRAINING;
        return CONN_OK;
    }
    conn->error = NULL;
    conn->state = CONN_READING;
    if (conn->protocol == CONN_HTTP) {
        conn->http = (struct http){0};
    }
    next = take_request(conn); /* a pipelined one may be here already; then state says so */
    return next == CONN_CLOSED ? CONN_CLOSED : CONN_OK;
}

enum conn_result
conn_sent(struct conn *conn, ssize_t count)
{
    uint64_t before = conn->sent;

    if (count == -1) {
        return failed(conn);
    }
    conn->sent += (uint64_t)count;
    got_on(conn);
    if (!conn->error && conn->sent > conn->head) {
        before = before > conn->head ? before : conn->head;
        counter_add(&conn->worker->slot->bytes, conn->sent - before);
    }
    return conn->sent == whole(conn) ? reply_sent(conn) : CONN_AGAIN;
}

static enum conn_result
write_on(struct conn *conn)
{
    struct conn_pieces pieces;

    conn_pieces(conn, &pieces);
    /* A blocked call keeps to itself what it has sent, and when: at each look it is asked. */
    atomic_store_explicit(&conn->worker->due, 0, memory_order_relaxed);
    return conn_sent(conn, writev(conn->fd, pieces.piece, pieces.count));
}

/* --- the whole ------------------------------------------------------------------------------- */

enum conn_result
conn_step(struct conn *conn)
{
    enum conn_result result = CONN_OK;

    if (conn->state == CONN_READING || conn->state == CONN_DRAINING) {
        result = read_on(conn);
    }
    if (conn->state == CONN_WORKING) {
        result = conn_work(conn);
    }
    if (conn->state == CONN_WRITING) {
        result = write_on(conn);
    }
    return result;
}

/* The clock_us() at which the connection has had its time. When the server stops, one without a
 * request has a moment left, in which a request that is on its way arrives. */
static int64_t
deadline(const struct conn *conn)
{
    if ((leaves(conn) && is_idle(conn)) || (signals_stop && conn->state == CONN_DRAINING)) {
        return conn->since + STOP_US;
    }
    if (conn->state == CONN_DRAINING) {
        return conn->since + DRAIN_US;
    }
    return timeout_us > 0 ? conn->since + timeout_us : INT64_MAX;
}

/* After a plain close() the kernel would keep what is in the socket's buffer, some MiB, and offer
 * it for minutes to a client that does not read: -T would free a place, and not the memory.
 * (SO_LINGER does nothing in a Unix socket, and POSIX has no other way; that Linux resets one which
 * is closed with input unread does not help, for the request has been read. There the client gets
 * what is in the buffer, then the end of the file.) */
void
conn_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

bool
conn_is_overdue(const struct conn *conn, int64_t now)
{
    return signals_over() || now >= deadline(conn);
}

bool
conn_given_up(struct conn *conn, int64_t now)
{
    struct slot *slot = conn->worker->slot;
    bool over = signals_over(), more = conn->more;

    conn->more = false; /* the next look is at what this one has left */
    if (conn->since == 0) {
        conn->since = now;
    }
    if ((more && !over) || !conn_is_overdue(conn, now)) {
        return false;
    }
    if (!over && conn->state == CONN_WRITING) {
        conn_reset(conn->fd);
    }
    if (!leaves(conn) || !is_idle(conn)) {
        ends_as(conn, over ? &slot->broken : &slot->timed_out);
    }
    return true;
}

bool
conn_given_up_unseen(struct conn *conn, int64_t now)
{
    struct pollfd watched = {.fd = conn->fd,
                             .events = conn->state == CONN_WRITING ? POLLOUT : POLLIN};

    return conn_is_overdue(conn, now) && poll(&watched, 1, 0) == 0 && conn_given_up(conn, now);
}

/* A step of a blocking connection got nowhere. False if the connection must be ended; but never
 * because of a signal alone: this process may have been suspended for long, and what has come in
 * time counts. So it looks once more, without waiting. */
static bool
goes_on(struct conn *conn)
{
    if (errno == EINTR) {
        if (leaves(conn) || clock_us() >= deadline(conn)) {
            fcntl(conn->fd, F_SETFL, O_NONBLOCK);
        }
        return true;
    }
    if (conn_given_up(conn, clock_us())) {
        return false;
    }
    if (leaves(conn) && is_idle(conn)) {
        wait_for(deadline(conn) - clock_us());
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        fcntl(conn->fd, F_SETFL, 0); /* on some systems, not Linux, inherited from the listener */
    }
    return true;
}

void
conn_serve(struct worker *worker, int fd)
{
    struct conn conn;
    enum conn_result result = CONN_OK;

    conn_open(&conn, worker, fd);
    if (signals_stop) { /* it has waited in a queue: serve what has come, wait for nothing */
        fcntl(fd, F_SETFL, O_NONBLOCK);
        conn.since -= STOP_US;
    }
    do {
        errno = 0;
        atomic_store_explicit(&worker->due, deadline(&conn), memory_order_relaxed);
        result = conn_step(&conn);
        if (signals_ticked && worker->thread == 0) {
            signals_ticked = 0;
            scoreboard_publish(worker->slot);
        }
    } while (result != CONN_CLOSED && (result != CONN_AGAIN || goes_on(&conn)));
    atomic_store_explicit(&worker->due, INT64_MAX, memory_order_relaxed);
}
