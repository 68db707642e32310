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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static ssize_t feed_read(void *bytes, size_t size);
static ssize_t sink_writev(const struct iovec *piece, int count);
static int virtual_clock(clockid_t clock, struct timespec *now);
static int virtual_sleep(const struct timespec *nap);
static int note_flags(int fd, int command, ...);
static int note_line(const char *format, ...) FUZZ_PRINTF(1, 2);
static int note_shutdown(int how);

#define read(fd, bytes, size) feed_read(bytes, size)
#define writev(fd, piece, count) sink_writev(piece, count)
#define clock_gettime(clock, now) virtual_clock(clock, now)
#define nanosleep(nap, rest) virtual_sleep(nap)
#define fcntl(...) note_flags(__VA_ARGS__)
#define shutdown(fd, how) note_shutdown(how)
#define dprintf(fd, ...) note_line(__VA_ARGS__)

#include "../../common/conn.c"

#undef read
#undef writev
#undef clock_gettime
#undef nanosleep
#undef fcntl
#undef shutdown
#undef dprintf

enum {
    REQUESTS_MOST = 256,
    LONG_REPLY = CONN_CHUNK + 1000, /* of a longer one, only so much is sent, and its end */
    SERVED_MOST = 1 << 20,          /* bytes of replies that are worth sending all */
    STEPS_MOST = 10 * 1000 * 1000,
    LOOK_US = 5 * 1000 * 1000, /* what a look at the processor's clock takes */
    CHILD = 7,
    FD = 1000 /* nothing is behind it */
};

/* --- the oracle ------------------------------------------------------------------------------ */

struct request {
    uint64_t bytes;
    uint64_t cpu_us, wait_us;
};

/* What the protocol says of a text. */
struct expected {
    struct request requests[REQUESTS_MOST];
    size_t count;
    const char *error; /* the line after the replies; NULL: none */
    bool unfinished;   /* the text ends within a line */
};

struct field {
    const char *text;
    size_t length;
};

/* The value of a field: ASCII digits and nothing else, least to most. */
static bool
field_value(struct field field, uint64_t least, uint64_t most, uint64_t *value)
{
    char digits[16];

    for (size_t i = 0; i < field.length; i++) {
        if (!strchr("0123456789", field.text[i]) || field.text[i] == '\0') {
            return false;
        }
    }
    if (field.length == 0) {
        return false;
    }
    while (field.length > 1 && *field.text == '0') {
        field.text++;
        field.length--;
    }
    if (field.length >= sizeof digits) {
        return false;
    }
    memcpy(digits, field.text, field.length);
    digits[field.length] = '\0';
    *value = strtoull(digits, NULL, 10);
    return *value >= least && *value <= most;
}

/* The fields of a line: what stands between its spaces. In front of a space at the beginning is an
 * empty one; spaces at the end are followed by none. */
static size_t
split(const char *line, size_t length, struct field fields[4])
{
    size_t count = 0, at = 0;

    while (count < 4 && (at < length || count == 0)) {
        fields[count].text = line + at;
        while (at < length && line[at] != ' ') {
            at++;
        }
        fields[count].length = (size_t)(line + at - fields[count].text);
        count++;
        while (at < length && line[at] == ' ') {
            at++;
        }
    }
    return count;
}

/* What is wrong with a line, or NULL. */
static const char *
judge_line(const char *line, size_t length, struct request *request)
{
    struct field fields[4];
    size_t count;

    *request = (struct request){0};
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (length > 64) {
        return "error: a request line has at most 64 bytes\n";
    }
    count = split(line, length, fields);
    if (!field_value(fields[0], 1, 1073741824, &request->bytes)) {
        return "error: BYTES must be a number from 1 to 1073741824\n";
    }
    if (count > 1 && !field_value(fields[1], 0, 10000000, &request->cpu_us)) {
        return "error: CPU_US must be a number from 0 to 10000000\n";
    }
    if (count > 2 && !field_value(fields[2], 0, 10000000, &request->wait_us)) {
        return "error: WAIT_US must be a number from 0 to 10000000\n";
    }
    return count > 3 ? "error: a request is BYTES [CPU_US [WAIT_US]] and nothing else\n" : NULL;
}

/* `finished`: the client shuts down its side behind the text, so its last line counts. */
static void
expect(struct expected *expected, const char *text, size_t length, bool finished)
{
    size_t at = 0;

    *expected = (struct expected){.count = 0};
    while (at < length && !expected->error && expected->count < REQUESTS_MOST) {
        size_t end = at;

        while (end < length && text[end] != '\n') {
            end++;
        }
        /* A line that can only be too long is one, whatever follows. */
        if (end == length && !finished && end - at <= 65) {
            expected->unfinished = true;
            return;
        }
        expected->error = judge_line(text + at, end - at, &expected->requests[expected->count]);
        expected->count += !expected->error;
        at = end + 1;
    }
}

/* --- the circumstances ----------------------------------------------------------------------- */

enum end { END_OF_FILE, END_RESET, END_PIPE, ENDS };

static struct {
    struct expected expected;
    const char *text; /* what the client sends, and how it ends */
    size_t length, at;
    enum end end;
    uint64_t pipe_after; /* END_PIPE: the client resets after so many bytes of replies */
    size_t stop_at;      /* the server is told to stop when it serves this request, from 1 */
    bool over_at_once;   /* without grace */
    bool stopped;        /* before the connection was opened */
    bool patient;        /* -T 0; else the client may be too late */
    bool verbose;        /* -v */
    struct slices reads, writes;
    int64_t clock_us, cpu_us;
    int64_t burned, waited; /* in all */
    size_t reply;           /* which one is being sent */
    uint64_t offset;        /* in that */
    uint64_t sent;          /* of the bytes of replies, without the error line */
    bool shut, ended;       /* what has been seen: shutdown(), the end of the file */
    bool closed, late;      /* the client has gone, or has made the server wait */
    size_t lines;           /* that -v has printed */
    unsigned steps;
    struct worker worker;
} now;

volatile sig_atomic_t signals_stop, signals_report, signals_replace, signals_ended, signals_ticked,
    signals_alone;
static bool over;

bool
signals_over(void)
{
    return over;
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
        over = now.over_at_once;
    }
}

/* The socket is not ready, and that takes its time: twice in a row is more than -T. */
static ssize_t
not_now(long why)
{
    now.clock_us += now.patient ? 0 : 6000000;
    now.late = !now.patient;
    errno = why == SLICE_AGAIN ? EAGAIN : EINTR;
    return -1;
}

static ssize_t
feed_read(void *bytes, size_t size)
{
    long length = slices_next(&now.reads, size);

    look_at_steps();
    CHECK(size > 0, "read() of nothing looks like the end of the file");
    CHECK(!now.ended || now.shut || signals_stop, "read() after the end of the file");
    if (length < 0) {
        return not_now(length);
    }
    if (now.at == now.length) {
        now.ended = true;
        errno = ECONNRESET;
        return now.end == END_RESET ? -1 : 0;
    }
    if ((size_t)length > now.length - now.at) {
        length = (long)(now.length - now.at);
    }
    memcpy(bytes, now.text + now.at, (size_t)length);
    now.at += (size_t)length;
    return length;
}

/* The first `length` bytes of what a reply must be from `offset` on. */
static void
wanted_reply(const struct request *request, uint64_t offset, char *wanted, size_t length)
{
    static char first[64];

    if (first[0] == '\0') {
        snprintf(first, sizeof first, "child %d pid %ld%32s", CHILD, (long)getpid(), "");
        first[31] = '\n';
    }
    memcpy(wanted, fuzz_filler(offset), length);
    if (request->bytes >= 32 && offset < 32) {
        memcpy(wanted, first + offset, (size_t)(length < 32 - offset ? length : 32 - offset));
    }
}

/* The reply is right, from where the last piece ended. */
static void
sink_reply(const char *bytes, size_t length)
{
    static char wanted[CONN_CHUNK];
    const struct request *request = &now.expected.requests[now.reply];

    CHECK(length <= request->bytes - now.offset, "reply %zu has more than %llu bytes", now.reply,
          (unsigned long long)request->bytes);
    wanted_reply(request, now.offset, wanted, length);
    CHECK(memcmp(bytes, wanted, length) == 0, "reply %zu of %llu bytes is wrong behind byte %llu",
          now.reply, (unsigned long long)request->bytes, (unsigned long long)now.offset);
    now.offset += length;
    now.sent += length;
    if (now.offset == request->bytes) {
        now.reply++;
        now.offset = 0;
    }
}

static void
sink_error(const char *bytes, size_t length)
{
    const char *error = now.expected.error;

    CHECK(error, "an error line where none is due: %.*s", (int)length, bytes);
    CHECK(now.offset + length <= strlen(error) && memcmp(error + now.offset, bytes, length) == 0,
          "the error line is %.*s instead of %s", (int)length, bytes, error + now.offset);
    now.offset += length;
}

static void
sink(const char *bytes, size_t length)
{
    if (now.reply < now.expected.count) {
        sink_reply(bytes, length);
    } else {
        sink_error(bytes, length);
    }
}

static ssize_t
sink_writev(const struct iovec *piece, int count)
{
    size_t all = 0, rest;
    long length;

    stop_in_time();
    CHECK(!now.shut, "written after shutdown()");
    for (int i = 0; i < count; i++) {
        all += piece[i].iov_len;
    }
    CHECK(all <= CONN_CHUNK, "%zu bytes written at once", all);
    length = slices_next(&now.writes, all);
    if (now.end == END_PIPE && now.sent >= now.pipe_after) {
        errno = EPIPE;
        now.closed = true;
        return -1;
    }
    if (length < 0) {
        return not_now(length);
    }
    rest = (size_t)length;
    for (int i = 0; i < count && rest > 0; i++) {
        size_t part = piece[i].iov_len < rest ? piece[i].iov_len : rest;

        sink(piece[i].iov_base, part);
        rest -= part;
    }
    return length;
}

/* Each look at a clock takes a while, so that burning needs few of them. */
static int
virtual_clock(clockid_t clock, struct timespec *time)
{
    int64_t *us = clock == CLOCK_MONOTONIC ? &now.clock_us : &now.cpu_us;

    if (clock != CLOCK_MONOTONIC) {
        stop_in_time();
        *us += LOOK_US;
        now.burned += LOOK_US;
    }
    *time = (struct timespec){.tv_sec = *us / 1000000, .tv_nsec = (long)(*us % 1000000 * 1000)};
    return 0;
}

static int
virtual_sleep(const struct timespec *nap)
{
    int64_t us = nap->tv_sec * 1000000 + nap->tv_nsec / 1000;

    stop_in_time();
    CHECK(us > 0 && us <= 100000, "a nap of %lld us", (long long)us);
    now.clock_us += us;
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
note_shutdown(int how)
{
    return shut_once(how, &now.shut);
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
    CHECK(length < (int)sizeof text && strncmp(text, "child 7 pid ", 12) == 0, "-v: %s", text);
    now.lines++;
    return length;
}

/* --- three ways to serve --------------------------------------------------------------------- */

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
serve_steps(void)
{
    struct conn conn;
    enum conn_result result = CONN_OK;

    conn_open(&conn, &now.worker, FD);
    while (result != CONN_CLOSED) {
        enum conn_state state = conn.state;

        switch (state) {
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
        if (now.clock_us >= conn_deadline(&conn)) {
            CHECK(now.late, "a deadline in the past");
            conn_timed_out(&conn);
            return;
        }
    }
}

/* What the others do. */
static void
serve_blocking(void)
{
    conn_serve(&now.worker, FD);
}

/* --- what must hold then --------------------------------------------------------------------- */

static void
check_counters(const struct slot *slot, const char *way)
{
    const struct expected *expected = &now.expected;
    bool rejected = expected->error && now.reply == expected->count;

    CHECK(counter_get(&slot->connections) == 1, "%s: %llu connections", way,
          counter_get(&slot->connections));
    CHECK(counter_get(&slot->requests) == now.reply, "%s: %llu requests of %zu counted", way,
          counter_get(&slot->requests), now.reply);
    CHECK(counter_get(&slot->bytes) == now.sent, "%s: %llu bytes of %llu counted", way,
          counter_get(&slot->bytes), (unsigned long long)now.sent);
    CHECK(counter_get(&slot->rejected) <= rejected, "%s: rejected, but it is good", way);
    CHECK(counter_get(&slot->serving) == 0, "%s: a request is in progress for ever", way);
    CHECK(counter_get(&slot->rejected) + counter_get(&slot->timed_out) +
                  counter_get(&slot->broken) <=
              1,
          "%s: counted as several troubles", way);
    CHECK(!now.verbose || now.lines == now.reply, "%s: %zu lines about %zu requests", way,
          now.lines, now.reply);
}

/* When nothing has ended it early. */
static void
check_whole(const struct slot *slot, const char *way)
{
    const struct expected *expected = &now.expected;
    int64_t burned = 0, waited = 0;

    for (size_t i = 0; i < expected->count; i++) {
        burned += (int64_t)expected->requests[i].cpu_us;
        waited += (int64_t)expected->requests[i].wait_us;
    }
    CHECK(now.reply == expected->count, "%s: %zu replies to %zu requests", way, now.reply,
          expected->count);
    CHECK(now.ended, "%s: not read to the end", way);
    CHECK(now.offset == (expected->error ? strlen(expected->error) : 0),
          "%s: the error line ends early: %s", way, expected->error ? expected->error : "");
    CHECK(now.shut == (expected->error != NULL), "%s: shutdown() or not", way);
    CHECK(counter_get(&slot->rejected) == (expected->error != NULL), "%s: rejected %llu", way,
          counter_get(&slot->rejected));
    CHECK(counter_get(&slot->broken) == (now.end == END_RESET && !expected->error),
          "%s: broken %llu", way, counter_get(&slot->broken));
    CHECK(counter_get(&slot->timed_out) == 0, "%s: timed out", way);
    CHECK(now.burned >= burned && now.burned <= burned + 2 * LOOK_US * (int64_t)expected->count,
          "%s: burned %lld us instead of %lld", way, (long long)now.burned, (long long)burned);
    CHECK(now.waited == waited, "%s: waited %lld us instead of %lld", way, (long long)now.waited,
          (long long)waited);
}

/* When the server was told to stop, as long as nothing else has. */
static void
check_stopped(const char *way)
{
    size_t most = now.stopped || now.stop_at == 0 ? 1 : now.stop_at;

    CHECK(now.reply <= most, "%s: %zu requests served after the stop", way, now.reply - most);
    CHECK(now.over_at_once || now.late || now.closed || now.offset == 0 ||
              now.reply >= now.expected.count,
          "%s: a reply was cut off within the grace", way);
}

static void
run(void serve(void), const char *way, struct slices reads, struct slices writes)
{
    struct options options = {.timeout_s = now.patient ? 0 : 10, .verbose = now.verbose};
    struct slot slot = {0};

    now.reads = reads;
    now.writes = writes;
    now.at = now.reply = now.lines = now.steps = 0;
    now.offset = now.sent = 0;
    now.burned = now.waited = 0;
    now.clock_us = now.cpu_us = 1000000;
    now.shut = now.ended = now.closed = now.late = false;
    signals_stop = now.stopped;
    over = false;
    conn_start(&options);
    now.worker = conn_worker(CHILD, 0, &slot);
    serve();
    check_counters(&slot, way);
    if (signals_stop) {
        check_stopped(way);
    } else if (now.closed) {
        CHECK(counter_get(&slot.broken) + counter_get(&slot.rejected) == 1, "%s: not broken", way);
    } else if (!now.late) {
        check_whole(&slot, way);
    }
}

static void
take_circumstances(struct input *input)
{
    uint8_t flags = input_byte(input);

    now.end = (enum end)(flags % ENDS);
    now.verbose = flags & 4;
    now.patient = !(flags & 8);
    now.over_at_once = flags & 16;
    now.stopped = flags & 32;
    now.stop_at = flags & 64 ? input_byte(input) : 0;
    now.pipe_after = now.end == END_PIPE ? input_number(input, 3) : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct slices reads, writes;
    uint64_t all = 0;

    take_circumstances(&input);
    reads = slices_take(&input);
    writes = slices_take(&input);
    now.text = (const char *)input.at;
    now.length = input.left;
    expect(&now.expected, now.text, now.length, now.end != END_RESET);
    if (now.expected.count == REQUESTS_MOST) {
        return 0; /* more than the oracle has room for */
    }
    for (size_t i = 0; i < now.expected.count; i++) {
        all += now.expected.requests[i].bytes;
    }
    run(serve_steps, "whole", slices_whole(), slices_whole());
    run(serve_steps, "steps", reads, writes);
    if (all <= SERVED_MOST) {
        run(serve_blocking, "blocking", reads, writes);
        run(serve_blocking, "blocking, whole", slices_whole(), slices_whole());
    }
    return 0;
}
