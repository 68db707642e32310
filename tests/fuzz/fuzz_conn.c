/*
 * fuzz_conn - common/conn.c: the request parser and the steps of a connection.
 *
 * An input is what a client sends. It comes three times: step by step in small pieces, with replies
 * that leave in small pieces too, as server02 has it; the same within conn_serve(), as the others
 * have it; and all at once. Each time what is sent must be, byte by byte, what the oracle expects:
 * it is read off docs/protocol.md and docs/http.md, from the whole text, without states. So must be
 * the counters, the work done, and how it ends. (Of HTTP's error lines it knows only that they are
 * whole: their words are taken from common/http.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "expected_http.h"
#include "stopping.h"

static ssize_t feed_read(void *bytes, size_t size);
static ssize_t sink_writev(const struct iovec *piece, int count);
static time_t virtual_time(void);
static int virtual_clock(clockid_t clock, struct timespec *now);
static int virtual_sleep(const struct timespec *nap);
static int note_flags(int fd, int command, ...);

#define read(fd, bytes, size) feed_read(bytes, size)
#define writev(fd, piece, count) sink_writev(piece, count)
#define time(at) virtual_time()
#define clock_gettime(clock, now) virtual_clock(clock, now)
#define nanosleep(nap, rest) virtual_sleep(nap)
#define fcntl(...) note_flags(__VA_ARGS__)
#define shutdown(fd, how) peer_shutdown(how)

#include "../../common/conn.c"

enum {
    REQUESTS_MOST = 256,
    LONG_REPLY = CONN_CHUNK + 1000, /* of a longer one, only so much is sent, and its end */
    SERVED_MOST = 1 << 20,          /* bytes of replies that are worth sending all */
    STEPS_MOST = 10 * 1000 * 1000,
    LOOK_US = 5 * 1000 * 1000, /* what a look at the processor's clock takes */
    WAIT_US = 6 * 1000 * 1000, /* and a wait for the socket: two in a row are more than -T */
    CHILD = 7,
    FD = 1000, /* nothing is behind it */
    NINETIES = 784111777
};

#define MODEL "server05_spawn_pool"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* --- the oracle ------------------------------------------------------------------------------ */

struct reply {
    uint64_t bytes, cpu_us, wait_us; /* of its content */
    const char *text;                /* the content, if it is no stamp and filler */
    bool refused;                    /* that is an error line */
    bool last;                       /* no other follows */
    struct expected_http http;       /* its request; all zero: a line */
    size_t end;                      /* of that, in the text */
};

/* What the protocol says of a text. */
static struct {
    struct reply replies[REQUESTS_MOST];
    size_t count;
    uint64_t bytes;          /* of the contents of those that are not refused */
    int64_t cpu_us, wait_us; /* in all */
    unsigned refused;
    bool unfinished; /* a part of a request is left: of a line, if the client resets */
} expected;

static char page_text[1024], stamp_text[64];

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

static void
add_reply(const struct reply *reply)
{
    expected.replies[expected.count++] = *reply;
    expected.refused += reply->refused;
    if (!reply->refused) {
        expected.bytes += reply->http.head_only ? 0 : reply->bytes;
        expected.cpu_us += (int64_t)reply->cpu_us;
        expected.wait_us += (int64_t)reply->wait_us;
    }
}

/* The next request, a line. `finished`: the client shuts down its side behind the text, so its last
 * line counts. Returns where it ends, or 0: it does not. */
static size_t
expect_line(const char *text, size_t length, size_t at, bool finished)
{
    const char *feed = memchr(text + at, '\n', length - at), *error;
    size_t end = feed ? (size_t)(feed - text) : length;
    uint64_t values[3] = {0};

    /* A line that can only be too long is one, whatever follows. */
    if (!feed && !finished && end - at <= 65) {
        expected.unfinished = true;
        return 0;
    }
    error = judge_line(text + at, end - at, values);
    if (error) {
        add_reply(&(struct reply){
            .bytes = strlen(error), .text = error, .refused = true, .last = true, .end = end + 1});
    } else {
        add_reply(&(struct reply){values[0], values[1], values[2], .end = end + 1});
    }
    return end + 1;
}

static size_t
expect_request(const char *text, size_t length, size_t at)
{
    struct expected_http is = expect_http(text + at, length - at);
    struct reply reply = {is.bytes, is.cpu_us, is.wait_us, .http = is, .last = is.last};
    struct http http = {.status = 0};
    size_t taken;

    if (is.status == 0) {
        expected.unfinished = is.begun;
        return 0;
    }
    http_take(&http, text + at, is.end, &taken);
    reply.refused = is.status != 200;
    reply.text = reply.refused ? http.error : is.bytes == 0 ? page_text : NULL;
    reply.bytes = reply.text ? strlen(reply.text) : is.bytes;
    reply.end = at + is.end;
    add_reply(&reply);
    return at + is.end;
}

static void
expect(const char *text, size_t length, bool finished)
{
    bool lines = length == 0 || !memchr(LETTERS, text[0], strlen(LETTERS)), last = false;

    memset(&expected, 0, sizeof expected);
    for (size_t at = 0; at < length && !last && expected.count < REQUESTS_MOST;) {
        at = lines ? expect_line(text, length, at, finished) : expect_request(text, length, at);
        if (at == 0) {
            return;
        }
        last = expected.replies[expected.count - 1].last;
    }
}

/* --- the circumstances ----------------------------------------------------------------------- */

enum end { END_OF_FILE, END_RESET, END_PIPE, ENDS };

static struct {
    enum end end;
    uint64_t pipe_after;    /* END_PIPE: the client resets after so many bytes of replies */
    size_t stop_at;         /* the server is told to stop when it serves this request, from 1 */
    bool over_at_once;      /* without grace */
    bool stopped;           /* before the connection was opened */
    bool patient;           /* -T 0; else the client may be too late */
    bool verbose;           /* -v */
    int64_t burned, waited; /* us in all */
    size_t reply;           /* which one is being sent */
    char head[HTTP_HEAD];   /* of that, `head_size` bytes; 0 in lines */
    size_t head_size;
    uint64_t offset;          /* in head and content */
    uint64_t sent, written;   /* bytes of contents, without error lines; bytes in all */
    unsigned served, refused; /* replies that were sent whole */
    unsigned dates;           /* heads that were made */
    bool closed;              /* the client has gone */
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

static const char *
status_line(int status)
{
    static const char *const lines[] = {
        "200 OK",
        "400 Bad Request",
        "404 Not Found",
        "405 Method Not Allowed\r\nAllow: GET, HEAD",
        "411 Length Required",
        "413 Content Too Large",
        "414 URI Too Long",
        "431 Request Header Fields Too Large",
        "501 Not Implemented",
        "505 HTTP Version Not Supported",
    };
    size_t i = 0;

    while (strtol(lines[i], NULL, 10) != status) {
        i++;
    }
    return lines[i];
}

/* The head of a reply is made: once, while the clock goes on. */
static time_t
virtual_time(void)
{
    const struct reply *reply = &expected.replies[now.reply];
    time_t time = NINETIES + (time_t)now.dates++ * 86399;
    char date[64];

    CHECK(now.reply < expected.count && now.offset == 0, "a head within a reply, or without one");
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&time));
    now.head_size =
        (size_t)snprintf(now.head, sizeof now.head,
                         "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                         "Content-Length: %llu\r\n%s\r\n",
                         status_line(reply->http.status), date, (unsigned long long)reply->bytes,
                         reply->last || signals_stop ? "Connection: close\r\n"
                         : reply->http.is_1_0        ? "Connection: keep-alive\r\n"
                                                     : "");
    return time;
}

/* So many bytes of the content from `at` on. */
static void
make_content(char *to, size_t length, const struct reply *reply, uint64_t at)
{
    if (length > 0 && reply->text) {
        memcpy(to, reply->text + at, length);
    } else if (length > 0) {
        fuzz_reply(to, length, reply->bytes, at, stamp_text);
    }
}

/* What is sent is right, from where the last piece ended: heads and contents of replies. */
static void
sink(const char *bytes, size_t length)
{
    static char wanted[CONN_CHUNK + HTTP_HEAD];
    const struct reply *reply = &expected.replies[now.reply];
    uint64_t whole = now.head_size + (reply->http.head_only ? 0 : reply->bytes);
    size_t head = now.offset < now.head_size ? now.head_size - (size_t)now.offset : 0;

    CHECK(now.reply < expected.count, "%zu bytes behind the last reply", length);
    CHECK(length <= whole - now.offset, "%zu bytes behind byte %llu of %llu: %.*s", length,
          (unsigned long long)now.offset, (unsigned long long)whole, (int)length, bytes);
    head = head < length ? head : length;
    memcpy(wanted, now.head + (head > 0 ? now.offset : 0), head);
    make_content(wanted + head, length - head, reply, now.offset + head - now.head_size);
    CHECK(memcmp(bytes, wanted, length) == 0, "reply %zu of %llu bytes is wrong behind byte %llu",
          now.reply, (unsigned long long)whole, (unsigned long long)now.offset);
    now.offset += length;
    now.written += length;
    now.sent += reply->refused ? 0 : length - head;
    if (now.offset == whole) {
        now.served += !reply->refused;
        now.refused += reply->refused;
        now.reply++;
        now.offset = now.head_size = 0;
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
    CHECK(all <= CONN_CHUNK + HTTP_HEAD, "%zu bytes written at once", all);
    if (now.end == END_PIPE && now.written >= now.pipe_after) {
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

/* --- two ways to serve ----------------------------------------------------------------------- */

/* Of a long reply the middle is left out. */
static void
shorten(struct conn *conn)
{
    uint64_t rest = conn->head + conn->bytes - LONG_REPLY;

    if (!conn->error && conn->bytes > 2 * LONG_REPLY && conn->sent > conn->head + LONG_REPLY &&
        conn->sent < rest) {
        now.offset += rest - conn->sent;
        conn->sent = rest;
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
        if (conn.state == CONN_WRITING) {
            shorten(&conn);
        }
        result = conn_step(&conn);
        CHECK(conn.used <= conn.have && conn.have <= CONN_INPUT, "used %zu of %zu", conn.used,
              conn.have);
        if (result != CONN_CLOSED && conn_given_up(&conn, clock_now())) {
            CHECK(is_late() || stopping_over, "a deadline in the past");
            return;
        }
    }
}

/* --- what must hold then --------------------------------------------------------------------- */

/* True if what is not sent whole is an error behind which nothing comes: it has been counted, and
 * how the connection ends is not. */
static bool
refused_at_last(const struct slot *slot)
{
    return now.reply < expected.count && expected.replies[now.reply].last &&
           counter_get(&slot->rejected) > now.refused;
}

static void
check_counters(const struct slot *slot)
{
    unsigned long long rejected = counter_get(&slot->rejected);
    unsigned long long cut = counter_get(&slot->timed_out) + counter_get(&slot->broken);
    bool refuses = now.reply < expected.count && expected.replies[now.reply].refused;
    bool was_last = now.reply > 0 && expected.replies[now.reply - 1].last;

    CHECK_IS(counter_get(&slot->connections), 1, "connections");
    CHECK_IS(counter_get(&slot->requests), now.served, "requests");
    CHECK_IS(counter_get(&slot->bytes), now.sent, "bytes");
    CHECK(rejected - now.refused <= refuses, "rejected: %llu instead of %u", rejected, now.refused);
    CHECK_IS(counter_get(&slot->serving), 0, "a request is in progress for ever");
    CHECK(cut <= !(was_last || refused_at_last(slot)), "counted as several troubles");
    CHECK_IS(stopping_lines, now.verbose ? now.served : 0, "lines of -v");
}

/* When nothing has ended it early. */
static void
check_whole(const struct slot *slot)
{
    int64_t looks_us = 2 * LOOK_US * (int64_t)expected.count;
    const struct reply *end = expected.count > 0 ? &expected.replies[expected.count - 1] : NULL;
    bool last = end && end->last;

    CHECK_IS(now.reply, expected.count, "replies");
    CHECK(peer.ended, "not read to the end");
    CHECK_IS(now.offset, 0, "bytes of another reply");
    CHECK_IS(peer.shut, last, "shutdown()");
    CHECK_IS(counter_get(&slot->rejected), expected.refused, "rejected");
    CHECK_IS(counter_get(&slot->broken), expected.unfinished, "broken");
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
    struct options options = {.timeout_us = now.patient ? 0 : 10000000, .verbose = now.verbose};
    struct slot slot = {0};

    check_subject = way;
    peer_begin(reads, writes);
    now.reply = now.head_size = 0;
    now.offset = now.sent = now.written = 0;
    now.served = now.refused = now.dates = now.steps = stopping_lines = 0;
    now.burned = now.waited = 0;
    now.closed = false;
    signals_stop = now.stopped;
    stopping_over = false;
    conn_start(&options, MODEL);
    now.worker = conn_worker(CHILD, 0, &slot);
    serve(&now.worker, FD);
    check_counters(&slot);
    if (signals_stop) {
        check_stopped();
    } else if (now.closed) {
        CHECK_IS(counter_get(&slot.broken) + refused_at_last(&slot), 1, "not broken");
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
    snprintf(stamp_text, sizeof stamp_text, "child %d pid %ld", CHILD, (long)getpid());
    snprintf(page_text, sizeof page_text,
             "%s\n%s serves this connection, one of 1 that it has had.\n\nAsk for more:\n"
             "  /BYTES                  1 to 1073741824 bytes, which begin with who serves\n"
             "  /BYTES?cpu=US&wait=US   after so many microseconds of processor time,\n"
             "                          and of waiting (at most 10000000 each)\n"
             "or send lines, BYTES [CPU_US [WAIT_US]], on a connection of their own.\n",
             MODEL, stamp_text);
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
