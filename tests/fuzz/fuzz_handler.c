/*
 * fuzz_handler - handlers/handler.c: reading frames and answering them.
 *
 * An input is what a client sends: a length of four bytes and a message, or something else. The
 * request function answers with the message, cut to a size, or fails. What comes back must be what
 * the oracle says of the whole, whatever the pieces; what is counted too. And nothing may be
 * allocated for a length that is not allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stopping.h"

static ssize_t sink_write(const void *bytes, size_t size);
static int virtual_clock(struct timespec *now);
static int ignore(int fd, ...);
static void *limited_malloc(size_t size);
static void *limited_realloc(void *old, size_t size);

#define read(fd, bytes, size) peer_read(bytes, size)
#define write(fd, bytes, size) sink_write(bytes, size)
#define recv(fd, bytes, size, flags) ((void)(bytes), peer.at < peer.length)
#define clock_gettime(clock, now) ((void)(clock), virtual_clock(now))
#define shutdown(fd, how) peer_shutdown(how)
#define fcntl(...) ignore(__VA_ARGS__)
#define dprintf(...) ignore(__VA_ARGS__)
#define malloc(size) limited_malloc(size)
#define realloc(old, size) limited_realloc(old, size)

#include "../../handlers/handler.c"

#undef malloc
#undef realloc

enum { FD = 1000, REPLY_MOST = 3 << 20, LINE_MOST = 512, REPEATED_MOST = 2000, MEMORY = 4 << 20 };

static struct {
    bool broken;        /* the client takes no reply */
    size_t memory;      /* no more than that can be allocated at once */
    bool fails;         /* the request function does */
    size_t reply_bytes; /* else what it adds, the message over and over */
    char *sent;         /* what came back */
    size_t sent_bytes;
    size_t calls; /* of the request function */
    int64_t clock_us;
    bool refused_memory; /* more was asked for than there is */
} now;

/* --- the circumstances ----------------------------------------------------------------------- */

static ssize_t
sink_write(const void *bytes, size_t size)
{
    ssize_t length;

    if (now.broken) {
        errno = EPIPE;
        return -1;
    }
    length = peer_takes(size);
    if (length > 0) {
        CHECK(now.sent_bytes + (size_t)length <= REPLY_MOST, "a reply without end");
        memcpy(now.sent + now.sent_bytes, bytes, (size_t)length);
        now.sent_bytes += (size_t)length;
    }
    return length;
}

static int
virtual_clock(struct timespec *time)
{
    now.clock_us += 1000; /* and a wait for the socket takes 6 s */
    *time = clock_timespec(now.clock_us + (int64_t)peer.waits * 6000000);
    return 0;
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

    CHECK(length == peer.length - 4 || (length < peer.length - 4 && length > 0), "%zu of %zu bytes",
          length, peer.length);
    CHECK(memcmp(request, peer.text + 4, length) == 0, "the request is another");
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

static void refused(struct expected *expected, const char *format, ...) CHECK_PRINTF(2, 3);

static void
refused(struct expected *expected, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(expected->line, sizeof expected->line, format, arguments);
    va_end(arguments);
    expected->rejected = true;
}

/* What its header says; of none, 0. */
static size_t
length_of_frame(void)
{
    struct input header = {peer.text, peer.length};

    return peer.length < 4 ? 0 : input_number(&header, 4);
}

static void
expect(struct expected *expected)
{
    size_t length = length_of_frame();

    *expected = (struct expected){.bytes = 0};
    if (peer.length < 4) {
        expected->broken = peer.reset && peer.length > 0;
        if (peer.length > 0 && !peer.reset) {
            refused(expected, "error: the length takes 4 bytes, %zu came\n", peer.length);
        }
        return;
    }
    if (length == 0 || length > most) {
        refused(expected, "error: the length is %zu, 1 to %zu bytes are allowed\n", length, most);
    } else if (length > now.memory) {
        refused(expected, "error: no memory for %zu bytes\n", length);
    } else if (peer.length - 4 < length) {
        expected->broken = peer.reset;
        if (!peer.reset) {
            refused(expected, "error: the end came after %zu of %zu bytes\n", peer.length - 4,
                    length);
        }
    } else {
        expected->called = true;
        expected->bytes = reply_to(length);
        if (now.refused_memory) { /* how its memory grows is the library's choice */
            refused(expected, "error: no memory for the reply\n");
        } else if (now.fails) {
            refused(expected, "error: %zu bytes, %.*s\n", length, (int)length, "because");
        }
    }
}

static void
check_reply(const struct expected *expected)
{
    size_t bytes = expected->rejected ? strlen(expected->line) : expected->bytes;
    size_t length = length_of_frame();

    CHECK_IS(now.sent_bytes, bytes, "bytes that came back");
    CHECK(!expected->rejected || peer.shut, "an error line without shutdown()");
    CHECK(!expected->rejected || memcmp(now.sent, expected->line, bytes) == 0, "%.*s instead of %s",
          (int)bytes, now.sent, expected->line);
    for (size_t i = 0; !expected->rejected && i < bytes; i += length) {
        CHECK(memcmp(now.sent + i, peer.text + 4, bytes - i < length ? bytes - i : length) == 0,
              "the reply is wrong behind byte %zu", i);
    }
}

static void
check_counters(const struct slot *slot, const struct expected *expected)
{
    bool good = expected->called && !expected->rejected;

    CHECK_IS(counter_get(&slot->connections), 1, "connections");
    CHECK_IS(counter_get(&slot->serving), 0, "a request is in progress for ever");
    if (peer.waits > 0) {
        return; /* it may have timed out */
    }
    CHECK_IS(counter_get(&slot->timed_out), 0, "timed out");
    CHECK_IS(counter_get(&slot->rejected), expected->rejected, "rejected");
    CHECK_IS(counter_get(&slot->broken),
             expected->broken || (now.broken && good && expected->bytes > 0), "broken");
    CHECK_IS(now.calls, expected->called, "calls");
    if (!now.broken) {
        CHECK_IS(counter_get(&slot->requests), good, "requests");
        CHECK_IS(counter_get(&slot->bytes), good ? expected->bytes : 0, "bytes");
        check_reply(expected);
    }
}

static void
serve_it(struct slices reads, struct slices writes)
{
    static struct board place = {.timeout_ms = 10000};
    struct slot slot = {0};
    struct expected expected;

    board = &place;
    counts = &slot;
    number = 1;
    answer = answer_it;
    peer_begin(reads, writes);
    now.sent_bytes = now.calls = 0;
    now.clock_us = 1000000;
    now.refused_memory = false;
    serve_frame(FD);
    expect(&expected);
    check_counters(&slot, &expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slices whole = {.count = 0};
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    struct slices reads, writes;

    peer.reset = flags & 1;
    now.broken = flags & 2;
    now.fails = flags & 4;
    most = flags & 8 ? input_byte(&input) + 1u : (size_t)FRAME_DEFAULT;
    now.memory = flags & 16 ? input_number(&input, 2) : MEMORY;
    now.reply_bytes = flags & 32 ? input_number(&input, 3) % (REPLY_MOST / 2) : flags >> 6;
    reads = slices_take(&input);
    writes = slices_take(&input);
    peer.text = input.at;
    peer.length = input.left;
    if (!now.sent) {
        now.sent = malloc(REPLY_MOST);
        CHECK(now.sent, "no memory");
    }
    serve_it(whole, whole);
    serve_it(reads, writes);
    return 0;
}
