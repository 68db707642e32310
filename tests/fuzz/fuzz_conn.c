/*
 * fuzz_conn - common/conn.c: the request parser and the steps of a connection.
 *
 * An input is what a client sends. It comes three times: step by step in small pieces, with replies
 * that leave in small pieces too, as server02 has it; the same within conn_serve(), as the others
 * have it; and all at once. Each time what is sent must be, byte by byte, what the oracle expects:
 * it is read off the protocol of docs/protocol.md, from the whole text, without states. So must be
 * the counters, the work done, and how it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "stopping.h"

static ssize_t feed_read(void *bytes, size_t size);
static ssize_t sink_writev(const struct iovec *piece, int count);
static int virtual_clock(clockid_t clock, struct timespec *now);
static int virtual_sleep(const struct timespec *nap);
static int note_flags(int fd, int command, ...);
static int note_line(const char *format, ...) CHECK_PRINTF(1, 2);

#define read(fd, bytes, size) feed_read(bytes, size)
#define writev(fd, piece, count) sink_writev(piece, count)
#define clock_gettime(clock, now) virtual_clock(clock, now)
#define nanosleep(nap, rest) virtual_sleep(nap)
#define fcntl(...) note_flags(__VA_ARGS__)
#define shutdown(fd, how) peer_shutdown(how)
#define dprintf(fd, ...) note_line(__VA_ARGS__)

#include "../../common/conn.c"

enum {
    REQUESTS_MOST = 256,
    LONG_REPLY = CONN_CHUNK + 1000, /* of a longer one, only so much is sent, and its end */
    SERVED_MOST = 1 << 20,          /* bytes of replies that are worth sending all */
    STEPS_MOST = 10 * 1000 * 1000,
    LOOK_US = 5 * 1000 * 1000, /* what a look at the processor's clock takes */
    WAIT_US = 6 * 1000 * 1000, /* and a wait for the socket: two in a row are more than -T */
    CHILD = 7,
    FD = 1000 /* nothing is behind it */
};

/* --- the oracle ------------------------------------------------------------------------------ */

struct request {
    uint64_t bytes, cpu_us, wait_us;
};

/* What the protocol says of a text. */
static struct {
    struct request requests[REQUESTS_MOST];
    size_t count;
    uint64_t bytes;          /* of all replies */
    int64_t cpu_us, wait_us; /* in all */
    const char *error;       /* the line after the replies; NULL: none */
} expected;

/* What is wrong with a line, or NULL. A field is what stands between spaces; in front of a space at
 * the beginning is an empty one, spaces at the end are followed by none. */
static const char *
judge_line(const char *line, size_t length, uint64_t values[3])
{
    static const struct {
        uint64_t least, most;
        const char *error;
    } fields[] = {
        {1, 1073741824, "error: BYTES must be a number from 1 to 1073741824\n"},
        {0, 10000000, "error: CPU_US must be a number from 0 to 10000000\n"},
        {0, 10000000, "error: WAIT_US must be a number from 0 to 10000000\n"},
    };
    size_t at = 0;

    length -= length > 0 && line[length - 1] == '\r';
    if (length > 64) {
        return "error: a request line has at most 64 bytes\n";
    }
    for (size_t i = 0; i < 3 && (i == 0 || at < length); i++) {
        size_t begin = at;

        while (at < length && line[at] != ' ') {
            at++;
        }
        if (!fuzz_number(line + begin, at - begin, fields[i].most, &values[i]) ||
            values[i] < fields[i].least) {
            return fields[i].error;
        }
        while (at < length && line[at] == ' ') {
            at++;
        }
    }
    return at < length ? "error: a request is BYTES [CPU_US [WAIT_US]] and nothing else\n" : NULL;
}

/* `finished`: the client shuts down its side behind the text, so its last line counts. */
static void
expect(const char *text, size_t length, bool finished)
{
    size_t at = 0;

    memset(&expected, 0, sizeof expected);
    while (at < length && !expected.error && expected.count < REQUESTS_MOST) {
        const char *feed = memchr(text + at, '\n', length - at);
        size_t end = feed ? (size_t)(feed - text) : length;
        uint64_t values[3] = {0};

        /* A line that can only be too long is one, whatever follows. */
        if (!feed && !finished && end - at <= 65) {
            return;
        }
        expected.error = judge_line(text + at, end - at, values);
        if (!expected.error) {
            expected.requests[expected.count++] = (struct request){values[0], values[1], values[2]};
            expected.bytes += values[0];
            expected.cpu_us += (int64_t)values[1];
            expected.wait_us += (int64_t)values[2];
        }
        at = end + 1;
    }
}

/* --- the circumstances ----------------------------------------------------------------------- */

enum end { END_OF_FILE, END_RESET, END_PIPE, ENDS };

static struct {
    enum end end;
    uint64_t pipe_after; /* END_PIPE: the client resets after so many bytes of replies */
    size_t stop_at;      /* the server is told to stop when it serves this request, from 1 */
    bool over_at_once;   /* without grace */
    bool stopped;        /* before the connection was opened */
    bool patient;        /* -T 0; else the client may be too late */
    bool verbose;        /* -v */
    char stamp[64];
    int64_t burned, waited; /* us in all */
    size_t reply;           /* which one is being sent */
    uint64_t offset;        /* in that */
    uint64_t sent;          /* of the bytes of replies, without the error line */
    bool closed;            /* the client has gone */
    size_t lines;           /* that -v has printed */
    unsigned steps;
    struct worker worker;
} now;

static int64_t
clock_now(void)
{
    return 1000000 + now.waited + (now.patient ? 0 : (int64_t)peer.waits * WAIT_US);
}

static bool
is_late(void)
{
    return !now.patient && peer.waits > 0;
}

static void
look_at_steps(void)
{
    CHECK(++now.steps < STEPS_MOST, "no end after %u system calls", now.steps);
}

/* While the server works on a reply, or sends it. */
static void
stop_in_time(void)
{
    look_at_steps();
    if (now.reply + 1 == now.stop_at) {
        signals_stop = 1;
        stopping_over = now.over_at_once;
    }
}

static ssize_t
feed_read(void *bytes, size_t size)
{
    look_at_steps();
    CHECK(!peer.ended || peer.shut || signals_stop, "read() after the end of the file");
    return peer_read(bytes, size);
}

/* What is sent is right, from where the last piece ended: replies, then perhaps the error line. */
static void
sink(const char *bytes, size_t length)
{
    static char wanted[CONN_CHUNK];
    bool is_reply = now.reply < expected.count;
    const char *error = expected.error ? expected.error : "";
    uint64_t whole = is_reply ? expected.requests[now.reply].bytes : strlen(error);

    CHECK(length <= whole - now.offset, "%zu bytes behind byte %llu of %llu: %.*s", length,
          (unsigned long long)now.offset, (unsigned long long)whole, (int)length, bytes);
    if (is_reply) {
        fuzz_reply(wanted, length, whole, now.offset, now.stamp);
    } else {
        memcpy(wanted, error + now.offset, length);
    }
    CHECK(memcmp(bytes, wanted, length) == 0, "reply %zu of %llu bytes is wrong behind byte %llu",
          now.reply, (unsigned long long)whole, (unsigned long long)now.offset);
    now.offset += length;
    now.sent += is_reply ? length : 0;
    if (is_reply && now.offset == whole) {
        now.reply++;
        now.offset = 0;
    }
}

static ssize_t
sink_writev(const struct iovec *piece, int count)
{
    size_t all = 0, rest;
    ssize_t length;

    stop_in_time();
    for (int i = 0; i < count; i++) {
        all += piece[i].iov_len;
    }
    CHECK(all <= CONN_CHUNK, "%zu bytes written at once", all);
    if (now.end == END_PIPE && now.sent >= now.pipe_after) {
        errno = EPIPE;
        now.closed = true;
        return -1;
    }
    length = peer_takes(all);
    rest = length < 0 ? 0 : (size_t)length;
    for (int i = 0; i < count && rest > 0; i++) {
        size_t part = piece[i].iov_len < rest ? piece[i].iov_len : rest;

        sink(piece[i].iov_base, part);
        rest -= part;
    }
    return length;
}

/* Each look at the processor's clock takes a while, so that burning needs few of them. */
static int
virtual_clock(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_MONOTONIC) {
        stop_in_time();
        now.burned += LOOK_US;
    }
    *time = clock_timespec(clock == CLOCK_MONOTONIC ? clock_now() : now.burned);
    return 0;
}

static int
virtual_sleep(const struct timespec *nap)
{
    int64_t us = nap->tv_sec * 1000000 + nap->tv_nsec / 1000;

    stop_in_time();
    CHECK(us > 0 && us <= 100000, "a nap of %lld us", (long long)us);
    now.waited += us;
    return 0;
}

static int
note_flags(int fd, int command, ...)
{
    CHECK(fd == FD && command == F_SETFL, "fcntl %d", command);
    return 0;
}

static int
note_line(const char *format, ...)
{
    char text[128];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CHECK(length < (int)sizeof text && strncmp(text, now.stamp, strlen(now.stamp)) == 0, "-v: %s",
          text);
    now.lines++;
    return length;
}

/* --- two ways to serve ----------------------------------------------------------------------- */

/* Of a long reply the middle is left out. */
static void
shorten(struct conn *conn)
{
    if (!conn->error && conn->bytes > 2 * LONG_REPLY && conn->sent > LONG_REPLY &&
        conn->sent < conn->bytes - LONG_REPLY) {
        now.offset += conn->bytes - LONG_REPLY - conn->sent;
        conn->sent = conn->bytes - LONG_REPLY;
    }
}

/* What an event-driven server does, when its descriptor is always ready. */
static void
serve_steps(struct worker *worker, int fd)
{
    struct conn conn;
    enum conn_result result = CONN_OK;

    conn_open(&conn, worker, fd);
    while (result != CONN_CLOSED) {
        switch (conn.state) {
        case CONN_READING:
        case CONN_DRAINING:
            result = conn_read(&conn);
            break;
        case CONN_WORKING:
            result = conn_work(&conn);
            break;
        case CONN_WRITING:
            shorten(&conn);
            result = conn_write(&conn);
            break;
        }
        CHECK(conn.used <= conn.have && conn.have <= CONN_INPUT, "used %zu of %zu", conn.used,
              conn.have);
        CHECK((result == CONN_BAD) <= (conn.error && conn.state == CONN_WRITING), "bad, but %d",
              conn.state);
        if (clock_now() >= conn_deadline(&conn)) {
            CHECK(is_late(), "a deadline in the past");
            conn_timed_out(&conn);
            return;
        }
    }
}

/* --- what must hold then --------------------------------------------------------------------- */

static void
check_counters(const struct slot *slot)
{
    CHECK_IS(counter_get(&slot->connections), 1, "connections");
    CHECK_IS(counter_get(&slot->requests), now.reply, "requests");
    CHECK_IS(counter_get(&slot->bytes), now.sent, "bytes");
    CHECK(counter_get(&slot->rejected) <= (expected.error && now.reply == expected.count),
          "rejected, but it is good");
    CHECK_IS(counter_get(&slot->serving), 0, "a request is in progress for ever");
    CHECK(counter_get(&slot->rejected) + counter_get(&slot->timed_out) +
                  counter_get(&slot->broken) <=
              1,
          "counted as several troubles");
    CHECK_IS(now.lines, now.verbose ? now.reply : 0, "lines of -v");
}

/* When nothing has ended it early. */
static void
check_whole(const struct slot *slot)
{
    int64_t looks_us = 2 * LOOK_US * (int64_t)expected.count;

    CHECK_IS(now.reply, expected.count, "replies");
    CHECK(peer.ended, "not read to the end");
    CHECK_IS(now.offset, expected.error ? strlen(expected.error) : 0, "bytes of the error line");
    CHECK_IS(peer.shut, expected.error != NULL, "shutdown()");
    CHECK_IS(counter_get(&slot->rejected), expected.error != NULL, "rejected");
    CHECK_IS(counter_get(&slot->broken), now.end == END_RESET && !expected.error, "broken");
    CHECK_IS(counter_get(&slot->timed_out), 0, "timed out");
    CHECK(now.burned >= expected.cpu_us && now.burned <= expected.cpu_us + looks_us,
          "burned %lld us instead of %lld", (long long)now.burned, (long long)expected.cpu_us);
    CHECK_IS(now.waited, expected.wait_us, "us waited");
}

/* When the server was told to stop, as long as nothing else has. */
static void
check_stopped(void)
{
    size_t most = now.stopped || now.stop_at == 0 ? 1 : now.stop_at;

    CHECK(now.reply <= most, "%zu requests served after the stop", now.reply - most);
    CHECK(now.over_at_once || is_late() || now.closed || now.offset == 0 ||
              now.reply >= expected.count,
          "a reply was cut off within the grace");
}

static void
run(void serve(struct worker *worker, int fd), const char *way, struct slices reads,
    struct slices writes)
{
    struct options options = {.timeout_s = now.patient ? 0 : 10, .verbose = now.verbose};
    struct slot slot = {0};

    check_subject = way;
    peer_begin(reads, writes);
    now.reply = now.lines = now.steps = 0;
    now.offset = now.sent = 0;
    now.burned = now.waited = 0;
    now.closed = false;
    signals_stop = now.stopped;
    stopping_over = false;
    conn_start(&options);
    now.worker = conn_worker(CHILD, 0, &slot);
    serve(&now.worker, FD);
    check_counters(&slot);
    if (signals_stop) {
        check_stopped();
    } else if (now.closed) {
        CHECK_IS(counter_get(&slot.broken) + counter_get(&slot.rejected), 1, "not broken");
    } else if (!is_late()) {
        check_whole(&slot);
    }
}

static void
take_circumstances(struct input *input)
{
    uint8_t flags = input_byte(input);

    now.end = (enum end)(flags % ENDS);
    peer.reset = now.end == END_RESET;
    now.verbose = flags & 4;
    now.patient = !(flags & 8);
    now.over_at_once = flags & 16;
    now.stopped = flags & 32;
    now.stop_at = flags & 64 ? input_byte(input) : 0;
    now.pipe_after = now.end == END_PIPE ? input_number(input, 3) : 0;
    snprintf(now.stamp, sizeof now.stamp, "child %d pid %ld", CHILD, (long)getpid());
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slices whole = {.count = 0};
    struct input input = {data, size};
    struct slices reads, writes;

    take_circumstances(&input);
    reads = slices_take(&input);
    writes = slices_take(&input);
    peer.text = input.at;
    peer.length = input.left;
    expect((const char *)input.at, input.left, !peer.reset);
    if (expected.count == REQUESTS_MOST) {
        return 0; /* more than the oracle has room for */
    }
    run(serve_steps, "whole", whole, whole);
    run(serve_steps, "steps", reads, writes);
    if (expected.bytes <= SERVED_MOST) {
        run(conn_serve, "blocking", reads, writes);
        run(conn_serve, "blocking, whole", whole, whole);
    }
    return 0;
}
