/*
 * fuzz_visit - client/engine/connection.c, and through it verify.c, message.c and request.c:
 * a connection of the client from connect() to close(), with a server that sends anything.
 *
 * under test: client/engine/verify.c client/engine/request.c client/figures/outcome.c
 * under test: client/figures/distribution.c
 *
 * An input is what the server sends: some good replies, each when it was asked for, then others, in
 * pieces; then it closes, resets, or says nothing more. By HTTP it is one reply, with a good head
 * in front or without (fuzz_response is about heads). Requests leave in pieces too. It must end,
 * with the socket closed once and counted once, as what the oracle says of the whole; what it
 * believes (requests, who served them) must have been sent; and whoever is to be slow must be slow.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static int new_socket(void);
static int connecting(void);
static int ready(const struct pollfd *fds);
static int how_it_went(int *error, const socklen_t *length);
static int is_open(int fd);
static int note_close(int fd);
static ssize_t sink_write(const void *bytes, size_t size);
static ssize_t feed_read(void *bytes, size_t size);
static int virtual_clock(struct timespec *now);

#define socket(family, type, protocol) new_socket()
#define connect(fd, address, length) connecting()
#define poll(fds, count, timeout) ready(fds)
#define getsockopt(fd, level, name, value, length) ((void)(fd), how_it_went(value, length))
#define setsockopt(fd, level, name, value, length) ((void)(value), is_open(fd))
#define fcntl(fd, ...) is_open(fd)
#define shutdown(fd, how) peer_shutdown(how)
#define close(fd) note_close(fd)
#define write(fd, bytes, size) sink_write(bytes, size)
#define read(fd, bytes, size) feed_read(bytes, size)
#define clock_gettime(clock, now) virtual_clock(now)

#include "../../client/ask/message.c"
#include "../../client/engine/local_address.c"
#include "../../client/engine/connection.c"

#include "expected_reply.h"

enum {
    FD = 1000,
    BYTES_MOST = FUZZ_REPLY,
    REQUESTS_MOST = 4,
    STEPS_MOST = 200000,
    IDLE_MOST = 12 /* so often nothing happens, then patience is over */
};

enum end { END_OF_FILE, END_RESET, END_SILENCE, ENDS };

static struct load asked;
static struct tally *counts;
static struct distribution shares;

/* The peer's text is what comes behind the good replies. */
static struct {
    size_t good; /* replies that are right, each behind its request */
    enum end end;
    int connect_error; /* 0: it can be connected */
    bool at_once;      /* connect() need not be waited for */
    char good_reply[BYTES_MOST];
    uint64_t wanted;
    size_t request_length;   /* of what is to be sent each time */
    uint64_t sent, received; /* bytes; requests are all of one length */
    int64_t clock_ns;
    unsigned open, closed, steps;
} now;

/* --- the circumstances ----------------------------------------------------------------------- */

static int
new_socket(void)
{
    CHECK(now.open == 0, "a second socket");
    now.open++;
    return FD;
}

static int
connecting(void)
{
    if (now.at_once) {
        errno = now.connect_error;
        return now.connect_error == 0 ? 0 : -1;
    }
    errno = EINPROGRESS;
    return -1;
}

static int
ready(const struct pollfd *fds)
{
    CHECK(fds->fd == FD && fds->events == POLLOUT, "poll() for something else");
    return now.clock_ns % 2 == 0;
}

static int
how_it_went(int *error, const socklen_t *length)
{
    CHECK(*length == sizeof *error, "room for an error of %u bytes", (unsigned)*length);
    *error = now.connect_error;
    return 0;
}

static int
is_open(int fd)
{
    CHECK(fd == FD && now.closed == 0, "descriptor %d", fd);
    return 0;
}

static int
note_close(int fd)
{
    now.closed += is_open(fd) == 0;
    return 0;
}

static ssize_t
sink_write(const void *bytes, size_t size)
{
    ssize_t length;

    (void)bytes;
    CHECK(now.closed == 0, "written when it is closed");
    if (peer.ended) { /* the server has gone */
        errno = EPIPE;
        return -1;
    }
    length = peer_takes(size);
    if (length > 0) {
        peer.waits = 0;
        now.sent += (uint64_t)length;
    }
    return length;
}

/* So much the server has sent by now: of good replies those that were asked for. */
static uint64_t
available(void)
{
    uint64_t requests = now.request_length > 0 ? now.sent / now.request_length : 0;

    if (asked.message || (requests > now.good) || asked.misbehaviours.lots.count > 0) {
        return now.good * now.wanted + peer.length;
    }
    return requests * now.wanted;
}

static ssize_t
nothing_more(void)
{
    if (now.end == END_SILENCE || now.received < now.good * now.wanted + peer.length) {
        peer.waits++;
        errno = EAGAIN;
        return -1;
    }
    peer.ended = true;
    errno = ECONNRESET;
    return now.end == END_RESET ? -1 : 0;
}

static ssize_t
feed_read(void *bytes, size_t size)
{
    ssize_t length = slices_next(&peer.reads, size);
    uint64_t left = available() - now.received, tail_from = now.good * now.wanted;
    uint64_t offset = now.received % now.wanted;
    bool is_good = now.received < tail_from;

    CHECK(size > 0 && now.closed == 0 && !peer.ended, "read when it may not be");
    if (length < 0) {
        peer.waits++;
        return -1;
    }
    if (left == 0) {
        return nothing_more();
    }
    if (is_good && left > now.wanted - offset) { /* to the end of a reply, at most */
        left = now.wanted - offset;
    }
    length = (uint64_t)length < left ? length : (ssize_t)left;
    memcpy(bytes,
           is_good ? now.good_reply + offset : (const char *)peer.text + (now.received - tail_from),
           (size_t)length);
    now.received += (uint64_t)length;
    peer.waits = 0;
    return length;
}

static int
virtual_clock(struct timespec *time)
{
    now.clock_ns += 1001;
    time->tv_sec = now.clock_ns / 1000000000;
    time->tv_nsec = (long)(now.clock_ns % 1000000000);
    return 0;
}

/* --- a visit --------------------------------------------------------------------------------- */

/* No slow one may be ahead of its time by more than the byte that shows what is too much. */
static void
check_pace(const struct connection *conn)
{
    const struct misbehaviour *ways = conn->misbehaviour;

    if (ways && ((ways->how == MISBEHAVE_SLOW_SEND && conn->state == CONNECTION_SENDING) ||
                 (ways->how == MISBEHAVE_SLOW_READ && conn->state == CONNECTION_RECEIVING))) {
        CHECK(conn->moved <= misbehave_allowed(ways, now.clock_ns - conn->asked_ns) + 1,
              "%llu bytes moved", (unsigned long long)conn->moved);
    }
}

/* What the event loop does with it. */
static void
go_through(struct connection *conn)
{
    enum connection_result result = connection_begin(conn, 1000, true);

    while (result == CONNECTION_GOES_ON || result == CONNECTION_WAITS) {
        CHECK(++now.steps < STEPS_MOST, "no end after %u steps", now.steps);
        check_pace(conn);
        CHECK(connection_events(conn) >= 0, "events");
        if (result == CONNECTION_WAITS && peer.waits >= IDLE_MOST && conn->wake_ns == 0) {
            give_up(conn, FAILURE_TIMED_OUT, 0);
            break;
        }
        if (result == CONNECTION_WAITS && conn->wake_ns != 0) {
            now.clock_ns = conn->wake_ns > now.clock_ns ? conn->wake_ns : now.clock_ns;
            conn->wake_ns = 0;
        }
        result = connection_step(conn);
    }
    CHECK_IS(conn->state, CONNECTION_NONE, "state when it is over");
    CHECK_IS(conn->fd, -1, "descriptor when it is over");
    CHECK_IS(now.closed, now.open, "sockets closed");
}

/* --- what should become of it ---------------------------------------------------------------- */

/* Bits: 1 << FAILURE_..., or this. */
enum { COMPLETED = 1 << FAILURE_KINDS };

/* The tail, as the reply to a line behind `good` right ones. */
static unsigned
expect_reply(bool stamps)
{
    const char *text = (const char *)peer.text;
    size_t length = peer.length;
    struct facts facts = look_at(text, length, (size_t)now.wanted);
    bool is_last = now.good + 1 == asked.requests;
    enum verdict verdict = judge(&facts, length, stamps).verdict;
    unsigned closed = now.end == END_OF_FILE ? FAILURE_SHORT
                      : now.end == END_RESET ? FAILURE_RESET
                                             : FAILURE_TIMED_OUT;
    unsigned next = is_last
                        ? COMPLETED
                        : 1u << FAILURE_CORRUPT | 1u << FAILURE_SHORT | 1u << FAILURE_TIMED_OUT |
                              1u << FAILURE_REJECTED | 1u << FAILURE_RESET | COMPLETED;

    switch (verdict) {
    case VERDICT_WHOLE: /* but who has sent it may be another than before */
        return next | (now.good > 0 ? 1u << FAILURE_CORRUPT : 0);
    case VERDICT_REJECTED:
        return 1u << FAILURE_REJECTED;
    case VERDICT_CORRUPT:
        /* Right up to its length, and then too much: it may come when the visit is over. */
        return 1u << FAILURE_CORRUPT | (length > now.wanted && peer.reads.count > 0 ? next : 0);
    default:
        break;
    }
    if (facts.alike == 6) {
        return now.end == END_SILENCE ? 1u << FAILURE_TIMED_OUT : 1u << FAILURE_REJECTED;
    }
    if (now.end == END_OF_FILE && length >= now.wanted) {
        return 1u << FAILURE_CORRUPT; /* "err", where three bytes were asked for */
    }
    return 1u << closed | (now.good > 0 && length == 0 ? 1u << FAILURE_SHORT : 0);
}

/* The tail, as the one reply by HTTP. (A byte too many may come when the visit is over.) */
static unsigned
expect_get(bool stamps)
{
    unsigned closed = now.end == END_OF_FILE ? FAILURE_SHORT
                      : now.end == END_RESET ? FAILURE_RESET
                                             : FAILURE_TIMED_OUT;
    const char *text = (const char *)peer.text;
    enum head_result result;
    enum verdict verdict;
    struct facts facts;
    struct head head;
    size_t taken;

    head_begin(&head);
    result = head_take(&head, text, peer.length, &taken);
    if (result == HEAD_WHOLE && head_refuses(&head)) {
        return 1u << FAILURE_REJECTED;
    }
    if (result == HEAD_BAD || (result == HEAD_WHOLE && head.length != now.wanted)) {
        return 1u << FAILURE_CORRUPT;
    }
    facts = look_at(text + taken, peer.length - taken, (size_t)now.wanted);
    facts.alike = 0; /* a content is no error line */
    verdict = judge(&facts, peer.length - taken, stamps).verdict;
    if (result == HEAD_MORE || verdict == VERDICT_MORE) {
        return 1u << closed;
    }
    return verdict == VERDICT_WHOLE
               ? COMPLETED
               : 1u << FAILURE_CORRUPT | (peer.length - taken > now.wanted ? COMPLETED : 0);
}

/* All that came, as the reply to a message. */
static unsigned
expect_frame(void)
{
    const char *text = (const char *)peer.text;
    size_t length = peer.length, wanted = asked.expected ? strlen(asked.expected) : 0;
    size_t same = 0;
    const char *feed = length > 0 ? memchr(text, '\n', length) : NULL;
    bool error = length >= 6 && memcmp(text, "error:", 6) == 0;
    unsigned broken = now.end == END_SILENCE ? 1u << FAILURE_TIMED_OUT : 1u << FAILURE_RESET;
    bool unsent = now.sent < now.request_length;
    bool open = length < 6 && memcmp(text, "error:", length) == 0; /* what it is to be */

    if (error && (!feed || feed == text + length - 1)) {
        return 1u << FAILURE_REJECTED;
    }
    while (asked.expected && same < length && same < wanted && text[same] == asked.expected[same]) {
        same++;
    }
    broken |= error ? 1u << FAILURE_REJECTED : 0; /* seen before it was all there */
    if (asked.expected && same < length) {
        return 1u << FAILURE_CORRUPT | (unsent || (open && now.end != END_OF_FILE) ? broken : 0);
    }
    if (now.end != END_OF_FILE || unsent) {
        return broken;
    }
    if (!asked.expected && length == 0) {
        return 1u << FAILURE_SHORT;
    }
    return asked.expected && length < wanted ? 1u << FAILURE_SHORT : COMPLETED;
}

static unsigned
expect(bool stamps)
{
    unsigned connect_fails = 1u << failure_of(now.connect_error);

    if (now.connect_error != 0) {
        return connect_fails;
    }
    if (asked.message) {
        return expect_frame();
    }
    if (asked.http) {
        return expect_get(stamps);
    }
    return now.good >= asked.requests ? COMPLETED : expect_reply(stamps || now.good > 0);
}

static unsigned
what_it_was(const struct outcome *outcome)
{
    unsigned found = 0;

    CHECK_IS(counter_get(&outcome->begun), 1, "begun");
    CHECK_IS(outcome_completed(outcome) + outcome_failed(outcome), 1, "completed or failed");
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        found |= counter_get(&outcome->failed[kind]) > 0 ? 1u << kind : 0;
    }
    return found != 0 ? found : COMPLETED;
}

/* What the process tells its parent. */
static void
check_tally(unsigned found)
{
    uint64_t requests = counter_get(&counts->requests[0]) + counter_get(&counts->requests[1]);
    uint64_t met = 0, connects = 0;
    bool behaved = asked.misbehaviours.lots.count == 0;

    for (size_t i = 0; i < shares.size; i++) {
        met += shares.places[i].requests;
    }
    for (int trust = 0; trust < TRUST_KINDS; trust++) {
        connects += counts->latencies[trust][LATENCY_CONNECT].count;
    }
    CHECK(met <= requests, "more requests of children than in all");
    CHECK_IS(connects, found == COMPLETED && behaved, "times of connecting");
    CHECK(!behaved || found != COMPLETED || requests == asked.requests, "completed early");
    CHECK(asked.message || requests * now.wanted <= now.received, "more replies than were sent");
    CHECK(asked.http ? counter_get(&counts->bytes) <= now.received
                     : counter_get(&counts->bytes) == (behaved ? now.received : 0),
          "bytes");
    CHECK_IS(counts->rejection[0] != '\0', found == 1u << FAILURE_REJECTED && behaved,
             "a line is kept");
    CHECK(!strpbrk(counts->rejection, "\r\n"), "more than a line is kept");
}

/* --- inputs ---------------------------------------------------------------------------------- */

/* It has megabytes, nearly all of them untouched: new ones for each visit would be slow. */
static void
clear_counts(void)
{
    counts = counts ? counts : tallies_open(&asked);
    for (int i = 0; i < MISBEHAVE_MOST; i++) {
        histogram_clear(&counts->lasted[i]);
    }
    for (int i = 0; i < TRUST_KINDS * LATENCY_ALL; i++) {
        histogram_clear(&counts->latencies[i / LATENCY_ALL][i % LATENCY_ALL]);
    }
    for (int i = 0; i < QUARTERS; i++) {
        histogram_clear(&counts->quarters[i]);
    }
    memset(counts, 0, offsetof(struct tally, lasted));
}

/* Other connections before it, and a tally of its own. */
static void
begin(bool stamps)
{
    static struct reply reply;

    clear_counts();
    distribution_close(&shares);
    connection_open(&asked, counts, &shares);
    if (stamps && !asked.message) {
        verify_begin(&reply);
        verify_take(&reply, now.good_reply, now.wanted < STAMP ? now.wanted : STAMP);
    }
    request_bytes(asked.misbehaviours.lots.count > 0 ? &asked.misbehaviours.kinds[0] : NULL, 0,
                  &now.request_length);
}

static void
run(struct slices reads, struct slices writes, bool stamps)
{
    static struct connection conn;
    unsigned found;

    peer_begin(reads, writes);
    now.sent = now.received = 0;
    now.clock_ns = 1000000000;
    now.open = now.closed = now.steps = 0;
    begin(stamps);
    go_through(&conn);
    found = what_it_was(asked.misbehaviours.lots.count > 0 ? &counts->bad[0] : &counts->good);
    if (asked.misbehaviours.lots.count == 0) {
        CHECK(found & expect(stamps), "outcome %x instead of %x", found, expect(stamps));
    }
    check_tally(found);
}

static void
take_manner(struct input *input)
{
    uint8_t how = input_byte(input);

    asked.misbehaviours.lots.count = 1;
    asked.misbehaviours.kinds[0] = (struct misbehaviour){
        .text = "x",
        .length = 1,
        .how = (enum misbehave_how)(how % 6),
    };
    asked.misbehaviours.lots.below[0] = UINT64_C(1) << 32;
    if (how % 6 <= MISBEHAVE_SLOW_READ) {
        asked.misbehaviours.kinds[0].pace = 1 + input_number(input, 2);
    }
}

/* -M and -E; the messages are few, for what comes back is what matters. */
static void
take_message(uint8_t how)
{
    static const char *const texts[] = {"hello", "error: no", "error: no\nreally", "x"};

    asked.message = "how are you?";
    asked.expected = how % 8 < 4 ? texts[how % 4] : NULL;
    free(message.memory);
    free(expected.memory);
    message = expected = (struct content){.length = 0};
    message_open(&asked);
}

static void
take_circumstances(struct input *input, uint8_t flags)
{
    static const int errors[] = {0, 0, 0, 0, 0, ECONNREFUSED, ETIMEDOUT, EADDRNOTAVAIL};
    uint8_t more = input_byte(input);

    now.end = (enum end)(more % ENDS);
    now.at_once = more & 4;
    now.connect_error = errors[more / 8 % 8];
    asked = (struct load){.host = "x", .processes = 1, .in_flight = 1, .seed = 1};
    asked.http = more & 64 && !(flags & 1);
    asked.requests = asked.http ? 1 : 1 + flags / 4 % REQUESTS_MOST;
    asked.schedule.kind = flags & 64 ? SCHEDULE_OPEN : SCHEDULE_CLOSED;
    asked.schedule.rate = asked.schedule.rate_to = 1;
    asked.schedule.duration_ns = 1000000000;
    asked.target.storage.ss_family = AF_INET;
}

/* A good one, in front of the tail. */
static char *
put_head_in_front(char *tail, size_t bytes)
{
    char head[HEAD_LINE], *both;
    int length = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes);

    both = malloc((size_t)length + peer.length);
    CHECK(both, "no memory");
    memcpy(both, head, (size_t)length);
    memcpy(both + length, tail, peer.length);
    peer.length += (size_t)length;
    free(tail);
    return both;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slices whole = {.count = 0};
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    size_t right = 0, bytes;
    struct slices reads, writes;
    char *tail;

    take_circumstances(&input, flags);
    /* (One that misbehaves may take a step per byte.) */
    bytes = 1 + ((flags & 18) == 16 ? input_number(&input, 3) % BYTES_MOST : input_byte(&input));
    fuzz_reply(now.good_reply, bytes, bytes, 0, "child 12 pid 3456");
    asked.bytes = now.wanted = bytes;
    now.good = 0;
    if (flags & 1) {
        asked.requests = 1;
        take_message(input_byte(&input));
    } else {
        now.good = input_byte(&input) % (asked.http ? 1 : REQUESTS_MOST + 1);
        right = flags & 32 ? input_number(&input, 3) % (bytes + 1) : 0;
    }
    if (flags & 2 && !(flags & 1)) {
        take_manner(&input);
    }
    reads = slices_take(&input);
    writes = slices_take(&input);
    tail = make_reply(&input, right, bytes, &peer.length);
    if (asked.http && flags & 4) {
        tail = put_head_in_front(tail, bytes);
    }
    peer.text = (const uint8_t *)tail;
    run(whole, whole, flags & 128);
    run(reads, writes, flags & 128);
    free(tail);
    return 0;
}
