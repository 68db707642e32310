/*
 * fuzz_handler - server05_spawn_pool/handlers/handler.c: reading frames and answering them.
 *
 * An input is what a client sends: a length of four bytes and a message, or something else. The
 * request function answers with the message, cut to a size, or fails. What comes back must be what
 * the oracle says of the whole, whatever the pieces; what is counted too. And nothing may be
 * allocated for a length that is not allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static ssize_t feed_read(void *bytes, size_t size);
static ssize_t sink_write(const void *bytes, size_t size);
static ssize_t peek(void *bytes, size_t size);
static int virtual_clock(struct timespec *now);
static int ignore(int fd, ...);
static void *limited_malloc(size_t size);
static void *limited_realloc(void *old, size_t size);
static int note_shutdown(int how);

#define read(fd, bytes, size) feed_read(bytes, size)
#define write(fd, bytes, size) sink_write(bytes, size)
#define recv(fd, bytes, size, flags) peek(bytes, size)
#define clock_gettime(clock, now) ((void)(clock), virtual_clock(now))
#define shutdown(fd, how) note_shutdown(how)
#define fcntl(...) ignore(__VA_ARGS__)
#define dprintf(...) ignore(__VA_ARGS__)
#define malloc(size) limited_malloc(size)
#define realloc(old, size) limited_realloc(old, size)

#include "../../server05_spawn_pool/handlers/handler.c"

#undef read
#undef write
#undef recv
#undef clock_gettime
#undef shutdown
#undef fcntl
#undef dprintf
#undef malloc
#undef realloc

enum { FD = 1000, REPLY_MOST = 3 << 20, LINE_MOST = 512, REPEATED_MOST = 2000, MEMORY = 4 << 20 };

static struct {
    const uint8_t *text; /* what the client sends */
    size_t length, at;
    bool reset;         /* in place of the end of the file */
    bool broken;        /* the client takes no reply */
    size_t memory;      /* no more than that can be allocated at once */
    bool fails;         /* the request function does */
    size_t reply_bytes; /* else what it adds, the message over and over */
    struct slices reads, writes;
    char *sent; /* what came back */
    size_t sent_bytes;
    size_t calls; /* of the request function */
    int64_t clock_us;
    bool shut, late;
    bool refused_memory; /* what was asked for was too much */
} now;

volatile sig_atomic_t signals_stop, signals_report, signals_replace, signals_ended, signals_ticked,
    signals_alone;

void
signals_spawned(pid_t distributor, int grace_s)
{
    (void)distributor;
    (void)grace_s;
}

bool
signals_over(void)
{
    return false;
}

/* --- the circumstances ----------------------------------------------------------------------- */

static ssize_t
not_now(long why)
{
    now.clock_us += 6000000;
    now.late = true;
    errno = why == SLICE_AGAIN ? EAGAIN : EINTR;
    return -1;
}

static ssize_t
feed_read(void *bytes, size_t size)
{
    long length = slices_next(&now.reads, size);

    if (length < 0) {
        return not_now(length);
    }
    if (now.at == now.length) {
        errno = ECONNRESET;
        return now.reset ? -1 : 0;
    }
    if ((size_t)length > now.length - now.at) {
        length = (long)(now.length - now.at);
    }
    memcpy(bytes, now.text + now.at, (size_t)length);
    now.at += (size_t)length;
    return length;
}

static ssize_t
sink_write(const void *bytes, size_t size)
{
    long length = slices_next(&now.writes, size);

    CHECK(!now.shut, "written after shutdown()");
    if (now.broken) {
        errno = EPIPE;
        return -1;
    }
    if (length < 0) {
        return not_now(length);
    }
    CHECK(now.sent_bytes + (size_t)length <= REPLY_MOST, "a reply without end");
    memcpy(now.sent + now.sent_bytes, bytes, (size_t)length);
    now.sent_bytes += (size_t)length;
    return length;
}

/* Is there more than the frame? */
static ssize_t
peek(void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    return now.at < now.length ? 1 : 0;
}

static int
virtual_clock(struct timespec *time)
{
    now.clock_us += 1000;
    *time = clock_timespec(now.clock_us);
    return 0;
}

static int
note_shutdown(int how)
{
    return shut_once(how, &now.shut);
}

static int
ignore(int fd, ...)
{
    (void)fd;
    return 0;
}

static void *
limited_malloc(size_t size)
{
    CHECK(size >= 1 && size <= most, "%zu bytes allocated for a request, %zu are allowed", size,
          most);
    now.refused_memory = size > now.memory;
    return now.refused_memory ? NULL : malloc(size);
}

static void *
limited_realloc(void *old, size_t size)
{
    now.refused_memory = now.refused_memory || size > now.memory;
    return size > now.memory ? NULL : realloc(old, size);
}

/* The reply to a message of so many bytes: not a megabyte byte by byte. */
static size_t
reply_to(size_t length)
{
    return now.reply_bytes < REPEATED_MOST * length ? now.reply_bytes : REPEATED_MOST * length;
}

static bool
answer_it(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    size_t left = reply_to(length);

    CHECK(length == now.length - 4 || (length < now.length - 4 && length > 0), "%zu of %zu bytes",
          length, now.length);
    CHECK(memcmp(request, now.text + 4, length) == 0, "the request is another");
    CHECK(reply->length == 0 && !reply->no_memory, "the reply is not empty");
    now.calls++;
    for (; left > length; left -= length) {
        handler_add(reply, request, length);
    }
    handler_add(reply, request, left);
    return now.fails ? handler_fail(reply, "%zu bytes, %.*s", length, (int)length, "because")
                     : true;
}

/* --- the oracle ------------------------------------------------------------------------------ */

/* What comes back, and what is counted. */
struct expected {
    char line[LINE_MOST]; /* the error line; "": none */
    size_t bytes;         /* of the reply */
    bool called, rejected, broken;
};

static void refused(struct expected *expected, const char *format, ...) FUZZ_PRINTF(2, 3);

static void
refused(struct expected *expected, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(expected->line, sizeof expected->line, format, arguments);
    va_end(arguments);
    expected->rejected = true;
}

/* A message of so many bytes is here. */
static void
expect_reply(struct expected *expected, size_t length)
{
    expected->called = true;
    expected->bytes = reply_to(length);
    if (now.refused_memory) { /* how its memory grows is the library's choice */
        refused(expected, "error: no memory for the reply\n");
    } else if (now.fails) {
        refused(expected, "error: %zu bytes, %.*s\n", length, (int)length, "because");
    }
}

static void
expect(struct expected *expected)
{
    const uint8_t *text = now.text;
    size_t length;

    *expected = (struct expected){.bytes = 0};
    if (now.length < 4) {
        expected->broken = now.reset;
        if (now.length > 0 && !now.reset) {
            refused(expected, "error: the length takes 4 bytes, %zu came\n", now.length);
        }
        return;
    }
    length = (size_t)text[0] << 24 | (size_t)text[1] << 16 | (size_t)text[2] << 8 | text[3];
    if (length == 0 || length > most) {
        refused(expected, "error: the length is %zu, 1 to %zu bytes are allowed\n", length, most);
    } else if (length > now.memory) {
        refused(expected, "error: no memory for %zu bytes\n", length);
    } else if (now.length - 4 < length) {
        expected->broken = now.reset;
        if (!now.reset) {
            refused(expected, "error: the end came after %zu of %zu bytes\n", now.length - 4,
                    length);
        }
    } else {
        expect_reply(expected, length);
    }
}

static void
check_reply(const struct expected *expected)
{
    size_t bytes = expected->rejected ? strlen(expected->line) : expected->bytes;
    size_t length = now.length > 4 ? now.length - 4 : 1;

    CHECK(now.sent_bytes == bytes, "%zu bytes came back instead of %zu", now.sent_bytes, bytes);
    if (expected->rejected) {
        CHECK(memcmp(now.sent, expected->line, bytes) == 0, "%.*s instead of %s", (int)bytes,
              now.sent, expected->line);
        CHECK(now.shut, "an error line without shutdown()");
        return;
    }
    length = now.calls > 0 ? (size_t)now.text[2] << 8 | now.text[3] : length;
    length |= now.calls > 0 ? (size_t)now.text[0] << 24 | (size_t)now.text[1] << 16 : 0;
    for (size_t i = 0; i < bytes; i += length) {
        CHECK(memcmp(now.sent + i, now.text + 4, bytes - i < length ? bytes - i : length) == 0,
              "the reply is wrong behind byte %zu", i);
    }
}

static void
check_counters(const struct slot *slot, const struct expected *expected)
{
    bool replied = expected->called && !expected->rejected && !now.broken;
    unsigned long long broken = expected->broken || (now.broken && expected->called &&
                                                     !expected->rejected && expected->bytes > 0);

    CHECK(counter_get(&slot->connections) == 1, "%llu connections",
          counter_get(&slot->connections));
    CHECK(counter_get(&slot->serving) == 0, "a request is in progress for ever");
    if (now.late) {
        return; /* it may have timed out */
    }
    CHECK(counter_get(&slot->timed_out) == 0, "timed out");
    CHECK(counter_get(&slot->rejected) == expected->rejected, "%llu rejected",
          counter_get(&slot->rejected));
    CHECK(counter_get(&slot->broken) == broken, "%llu broken", counter_get(&slot->broken));
    CHECK(now.calls == expected->called, "%zu calls", now.calls);
    if (!now.broken) {
        CHECK(counter_get(&slot->requests) == replied, "%llu requests",
              counter_get(&slot->requests));
        CHECK(counter_get(&slot->bytes) == (replied ? expected->bytes : 0), "%llu bytes",
              counter_get(&slot->bytes));
        check_reply(expected);
    }
}

static void
serve_it(struct slices reads, struct slices writes)
{
    static struct board place = {.timeout_s = 10};
    struct slot slot = {0};
    struct expected expected;

    board = &place;
    counts = &slot;
    number = 1;
    answer = answer_it;
    now.reads = reads;
    now.writes = writes;
    now.at = now.sent_bytes = now.calls = 0;
    now.clock_us = 1000000;
    now.shut = now.late = now.refused_memory = false;
    serve_frame(FD);
    expect(&expected);
    check_counters(&slot, &expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    struct slices reads, writes;

    now.reset = flags & 1;
    now.broken = flags & 2;
    now.fails = flags & 4;
    most = flags & 8 ? input_byte(&input) + 1u : (size_t)FRAME_DEFAULT;
    now.memory = flags & 16 ? input_number(&input, 2) : MEMORY;
    now.reply_bytes = flags & 32 ? input_number(&input, 3) % (REPLY_MOST / 2) : flags >> 6;
    reads = slices_take(&input);
    writes = slices_take(&input);
    now.text = input.at;
    now.length = input.left;
    if (!now.sent) {
        now.sent = malloc(REPLY_MOST);
        CHECK(now.sent, "no memory");
    }
    serve_it(slices_whole(), slices_whole());
    serve_it(reads, writes);
    return 0;
}
