#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum {
    DISCARD_READS = 4096,       /* 1 MiB at most: a client that never stops is not waited for */
    DRAIN_US = 2 * 1000 * 1000, /* how long a refused client may take to hang up */
    NAP_US = 100 * 1000         /* how long a wait goes on before the flags are looked at */
};

static char *filler; /* on the heap: among the variables it would scatter them over more pages */
static int64_t timeout_us; /* 0: never */
static bool verbose;

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

/* Appends `text` or the digits of `value` by hand: in server01 each child stamps anew, and printf()
 * alone would cost it several page faults. */
static char *
put_text(char *to, const char *text)
{
    size_t length = strlen(text);

    memcpy(to, text, length);
    return to + length;
}

static char *
put_number(char *to, unsigned long value)
{
    char digits[3 * sizeof value];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

void
conn_start(const struct options *options)
{
    timeout_us = (int64_t)options->timeout_s * 1000000;
    verbose = options->verbose;
    conn_filler(0); /* here, once: else each child would fill 16 pages of its own */
}

struct worker
conn_worker(unsigned child, unsigned thread, struct slot *slot)
{
    struct worker worker = {.slot = slot};
    unsigned long pid = (unsigned long)getpid();
    char text[80]; /* "child 4294967295.256 pid 4194304" has 32 bytes, but a pid may be a long */
    char *end;

    counter_set(&slot->pid, pid);
    memset(text, ' ', sizeof text);
    end = put_text(text, "child ");
    end = put_number(end, child);
    if (thread > 0) {
        end = put_text(end, ".");
        end = put_number(end, thread);
    }
    end = put_text(end, " pid ");
    end = put_number(end, pid);
    worker.named = end - text < CONN_STAMP ? (int)(end - text) : CONN_STAMP - 1;
    memcpy(worker.stamp, text, CONN_STAMP - 1);
    worker.stamp[CONN_STAMP - 1] = '\n';
    return worker;
}

void
conn_open(struct conn *conn, struct worker *worker, int fd)
{
    conn->worker = worker;
    conn->fd = fd;
    conn->state = CONN_READING;
    conn->eof = false;
    conn->error = NULL;
    conn->used = conn->have = 0;
    conn->since = clock_us();
    counter_add(&worker->slot->connections, 1);
}

/* --- the request ----------------------------------------------------------------------------- */

static enum conn_result
refuse(struct conn *conn, const char *error)
{
    counter_add(&conn->worker->slot->rejected, 1);
    conn->error = error;
    conn->bytes = strlen(error);
    conn->sent = 0;
    conn->state = CONN_WRITING;
    return CONN_BAD;
}

/* Reads digits up to a space or the end; false if there are none or the value exceeds `most`. */
static bool
take_number(const char **text, const char *end, uint64_t most, uint64_t *value)
{
    const char *digit = *text;

    for (*value = 0; digit < end && *digit >= '0' && *digit <= '9'; digit++) {
        *value = *value * 10 + (uint64_t)(*digit - '0');
        if (*value > most) {
            return false;
        }
    }
    if (digit == *text || (digit < end && *digit != ' ')) {
        return false;
    }
    while (digit < end && *digit == ' ') {
        digit++;
    }
    *text = digit;
    return true;
}

static enum conn_result
parse(struct conn *conn, const char *text, const char *end)
{
    uint64_t bytes, cpu_us = 0, wait_us = 0;

    if (end > text && end[-1] == '\r') {
        end--;
    }
    if (end - text > CONN_LINE_MAX) {
        return refuse(conn, "error: a request line has at most 64 bytes\n");
    }
    if (!take_number(&text, end, CONN_BYTES_MAX, &bytes) || bytes == 0) {
        return refuse(conn, "error: BYTES must be a number from 1 to 1073741824\n");
    }
    if (text < end && !take_number(&text, end, CONN_WORK_MAX, &cpu_us)) {
        return refuse(conn, "error: CPU_US must be a number from 0 to 10000000\n");
    }
    if (text < end && !take_number(&text, end, CONN_WORK_MAX, &wait_us)) {
        return refuse(conn, "error: WAIT_US must be a number from 0 to 10000000\n");
    }
    if (text < end) {
        return refuse(conn, "error: a request is BYTES [CPU_US [WAIT_US]] and nothing else\n");
    }
    conn->bytes = bytes;
    conn->sent = 0;
    conn->cpu_us = (uint32_t)cpu_us;
    conn->wait_us = (uint32_t)wait_us;
    conn->state = CONN_WORKING;
    counter_set(&conn->worker->slot->serving, 1);
    return CONN_OK;
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
may_retry(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

static enum conn_result
lost(struct conn *conn)
{
    if (may_retry()) {
        return CONN_AGAIN;
    }
    conn_cut(conn);
    return CONN_CLOSED;
}

/* A refused client's remaining input is thrown away: closing a socket with unread input would send
 * a reset, and the reset could overtake the error line. */
static enum conn_result
drain(struct conn *conn)
{
    ssize_t count = read(conn->fd, conn->input, sizeof conn->input);

    return count > 0 || (count == -1 && may_retry()) ? CONN_AGAIN : CONN_CLOSED;
}

enum conn_result
conn_read(struct conn *conn)
{
    ssize_t count;

    if (conn->state == CONN_DRAINING) {
        return drain(conn);
    }
    memmove(conn->input, conn->input + conn->used, conn->have - conn->used);
    conn->have -= conn->used;
    conn->used = 0;
    count = read(conn->fd, conn->input + conn->have, sizeof conn->input - conn->have);
    if (count == -1) {
        return lost(conn);
    }
    conn->eof = count == 0;
    conn->have += (size_t)count;
    return take_line(conn);
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

enum conn_result
conn_work(struct conn *conn)
{
    if (conn->cpu_us > 0) {
        burn(conn->cpu_us);
    }
    if (conn->wait_us > 0) {
        wait_for(conn->wait_us);
    }
    if (conn->cpu_us + conn->wait_us > 0 && signals_over()) {
        conn_cut(conn); /* cut short: no reply may say that it was done */
        return CONN_CLOSED;
    }
    conn->since = clock_us();
    conn->state = CONN_WRITING;
    return CONN_OK;
}

/* --- the reply ------------------------------------------------------------------------------- */

/* The pieces of the reply from conn->sent on, at most CONN_CHUNK bytes; returns their number. */
static int
pieces(const struct conn *conn, struct iovec piece[2])
{
    uint64_t left = conn->bytes - conn->sent;
    size_t head = 0;

    if (conn->error) {
        piece[0].iov_base = (char *)conn->error + conn->sent;
        piece[0].iov_len = (size_t)left;
        return 1;
    }
    if (conn->bytes >= CONN_STAMP && conn->sent < CONN_STAMP) {
        head = CONN_STAMP - (size_t)conn->sent;
        piece[0].iov_base = conn->worker->stamp + conn->sent;
        piece[0].iov_len = head;
    }
    left = left < CONN_CHUNK ? left : CONN_CHUNK;
    piece[head > 0].iov_base = (char *)conn_filler(conn->sent + head);
    piece[head > 0].iov_len = (size_t)left - head;
    return 1 + (head > 0);
}

static void
tell(const struct conn *conn)
{
    dprintf(STDOUT_FILENO, "%.*s: %llu bytes, %lu us cpu, %lu us wait\n", conn->worker->named,
            conn->worker->stamp, (unsigned long long)conn->bytes, (unsigned long)conn->cpu_us,
            (unsigned long)conn->wait_us);
}

/* Throws away the pipelined requests that are here: with unread input, close() would send a reset
 * and forget what the client has not received of the last reply. */
static void
discard(struct conn *conn)
{
    int most = DISCARD_READS;

    fcntl(conn->fd, F_SETFL, O_NONBLOCK);
    while (most-- > 0 && read(conn->fd, conn->input, sizeof conn->input) > 0) {
    }
}

static enum conn_result
reply_sent(struct conn *conn)
{
    enum conn_result next;

    if (conn->error) {
        shutdown(conn->fd, SHUT_WR);
        conn->state = CONN_DRAINING;
        return CONN_OK;
    }
    counter_add(&conn->worker->slot->requests, 1);
    counter_set(&conn->worker->slot->serving, 0);
    if (verbose) {
        tell(conn);
    }
    if (signals_stop) { /* no further request is begun */
        discard(conn);
        return CONN_CLOSED;
    }
    conn->state = CONN_READING;
    next = take_line(conn); /* a pipelined request may be here already; then state says so */
    return next == CONN_CLOSED ? CONN_CLOSED : CONN_OK;
}

enum conn_result
conn_write(struct conn *conn)
{
    struct iovec piece[2];
    int count = pieces(conn, piece);
    ssize_t sent = writev(conn->fd, piece, count);

    if (sent == -1) {
        return lost(conn);
    }
    conn->sent += (uint64_t)sent;
    conn->since = clock_us();
    if (!conn->error) {
        counter_add(&conn->worker->slot->bytes, (unsigned long long)sent);
    }
    return conn->sent == conn->bytes ? reply_sent(conn) : CONN_AGAIN;
}

/* --- the whole ------------------------------------------------------------------------------- */

int64_t
conn_deadline(const struct conn *conn)
{
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

/* A refused connection has been counted. */
static void
ends_as(const struct conn *conn, counter *counted)
{
    if (!conn->error) {
        counter_add(counted, 1);
        counter_set(&conn->worker->slot->serving, 0);
    }
}

void
conn_cut(struct conn *conn)
{
    ends_as(conn, &conn->worker->slot->broken);
}

void
conn_timed_out(struct conn *conn)
{
    if (conn->state == CONN_WRITING) {
        conn_reset(conn->fd);
    }
    ends_as(conn, &conn->worker->slot->timed_out);
}

bool
conn_idle(const struct conn *conn)
{
    return conn->state == CONN_READING && conn->used == conn->have;
}

/* True if the connection is to be ended although its client has not: looked at when it is stuck. */
static bool
given_up(struct conn *conn)
{
    if (signals_stop && conn_idle(conn)) {
        return true;
    }
    if (signals_over()) {
        conn_cut(conn);
        return true;
    }
    if (clock_us() < conn_deadline(conn)) {
        return false;
    }
    conn_timed_out(conn);
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
    }
    while (result != CONN_CLOSED) {
        errno = 0;
        switch (conn.state) {
        case CONN_READING:
        case CONN_DRAINING:
            result = conn_read(&conn);
            break;
        case CONN_WORKING:
            result = conn_work(&conn);
            break;
        case CONN_WRITING:
            result = conn_write(&conn);
            break;
        }
        if (signals_ticked) {
            signals_ticked = 0;
            scoreboard_publish(worker->slot);
        }
        if (result == CONN_AGAIN) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                fcntl(fd, F_SETFL, 0); /* some systems, not Linux: inherited from the listener */
            }
            if (given_up(&conn)) {
                return;
            }
        }
    }
}
