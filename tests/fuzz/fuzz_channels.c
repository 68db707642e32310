/*
 * fuzz_channels - server05_spawn_pool/channels.c and common/fdpass.c: the distributor's side of the
 * channels, with handlers that do anything.
 *
 * under test: common/fdpass.c
 *
 * An input is a sequence of what the distributor and its handlers do, with real sockets. Honest
 * handlers receive and report, and may be killed, also between the two; then no connection may be
 * lost or counted wrongly, although passing one fails now and then. Hostile ones also write into
 * the channel, send descriptors, shut it down, take without a word, and scribble over their seats:
 * then the distributor must stay alive, come back from every call, and leak nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/fdpass.h"
#include "dying.h"

static int sending(int channel, int fd, unsigned char byte);

#define fdpass_send(channel, fd, byte) sending(channel, fd, byte)
#include "../../server05_spawn_pool/channels.c"
#undef fdpass_send

enum { SEATS = 3, STEPS_MOST = 200, HIGHEST_FD = 128 };

/* A handler: what it would have inherited, and what it holds. */
static struct handler {
    int fd; /* -1: it does not live */
    unsigned serving;
} handlers[SEATS + 1];

static struct {
    bool hostile; /* at least once: the counters may say anything */
    int null;     /* what stands for connections are copies of this descriptor */
    unsigned passed, received, taken;
    unsigned failing; /* so many times passing a descriptor is going to fail */
    struct board *board;
} now;

/* As if the system had no memory for it, or this user had too many on their way. */
static int
sending(int channel, int fd, unsigned char byte)
{
    if (now.failing > 0) {
        errno = now.failing-- % 2 ? ENOBUFS : EAGAIN;
        return -1;
    }
    return fdpass_send(channel, fd, byte);
}

/* --- what the distributor does --------------------------------------------------------------- */

static void
start_handler(unsigned number)
{
    struct handler *handler = &handlers[number];
    int fd;

    if (handler->fd != -1) {
        return;
    }
    fd = channels_create(number);
    CHECK(fd != -1, "no channel: %s", strerror(errno));
    CHECK(way == CHANNELS_QUEUED || now.hostile || !is_empty(&channels[number]) ||
              held_by(number) == 0,
          "handler %u is new, and holds %u", number, held_by(number));
    handler->fd = dup(fd); /* as its process inherits it */
    handler->serving = 0;
    atomic_store(&now.board->seat[number].state, HANDLER_IDLE);
    channels_admit(number);
}

static void
end_handler(unsigned number)
{
    struct handler *handler = &handlers[number];

    if (handler->fd != -1) {
        close(handler->fd);
        *handler = (struct handler){.fd = -1};
        channels_ended(number);
    }
}

/* Passes what waits, or a new one, to whom it is to get. */
static void
pass(bool waiting)
{
    unsigned number = channels_choose();
    int connfd = -1;

    CHECK(number <= SEATS, "handler %u is chosen", number);
    CHECK(way == CHANNELS_QUEUED || number == 0 || channels[number].admitted,
          "handler %u is chosen, which is not to get anything", number);
    if (number == 0 || (held_back != -1 && !waiting)) {
        return;
    }
    if (waiting) {
        connfd = channels_take_waiting();
        now.taken += connfd != -1;
    }
    if (connfd == -1) {
        connfd = dup(now.null);
    }
    CHECK(connfd >= 0, "a connection is %d", connfd);
    channels_pass(number, connfd);
    now.passed++;
}

static void
take_waiting(void)
{
    int connfd = channels_take_waiting();

    CHECK(connfd >= -1, "what waits is %d", connfd);
    if (connfd != -1) {
        now.taken++;
        close(connfd);
    }
}

/* It sleeps, and handlers wake it. */
static void
listen_to_handlers(void)
{
    fd_set readable;
    int most;

    FD_ZERO(&readable);
    most = channels_expect(&readable);
    CHECK(most < FD_SETSIZE, "descriptor %d in a set", most);
    channels_hear(&readable);
}

static void
level(void)
{
    int64_t us = channels_level_us();

    CHECK(us >= -1 && us <= 100000, "in %lld us", (long long)us);
    channels_level();
}

/* --- what a handler does --------------------------------------------------------------------- */

/* Receives one; `says`: and reports it. */
static void
receive(unsigned number, bool says)
{
    struct handler *handler = &handlers[number];
    int connfd;

    if (handler->fd == -1 || (handler->serving > 0 && says)) {
        return;
    }
    connfd = fdpass_receive(handler->fd, false);
    if (connfd < 0) {
        CHECK(now.hostile || errno == EAGAIN, "a channel fails: %s", strerror(errno));
        return;
    }
    close(connfd);
    now.received++;
    now.hostile = now.hostile || !says;
    if (says) {
        atomic_fetch_add(&now.board->seat[number].received, 1);
        handler->serving = 1;
    }
}

static void
finish(unsigned number)
{
    if (handlers[number].serving > 0) {
        handlers[number].serving = 0;
        atomic_fetch_add(&now.board->seat[number].done, 1);
    }
}

/* Receives one, and is killed before it can say so. */
static void
die_between(unsigned number)
{
    int connfd = handlers[number].fd == -1 ? -1 : fdpass_receive(handlers[number].fd, false);

    if (connfd >= 0) {
        close(connfd);
        now.received++;
        end_handler(number);
    }
}

static void
scribble(unsigned number, struct input *input)
{
    struct seat *seat = &now.board->seat[number];

    now.hostile = true;
    atomic_store(&seat->received, input_number(input, 1) - 2u);
    atomic_store(&seat->done, input_number(input, 1) - 2u);
    atomic_store(&seat->state, input_byte(input));
}

static void
misuse(unsigned number, struct input *input)
{
    static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    char bytes[40] = "hostile";
    struct handler *handler = &handlers[number];
    uint8_t how = input_byte(input);

    if (handler->fd == -1) {
        return;
    }
    now.hostile = true;
    switch (how % 4) {
    case 0:
        send(handler->fd, bytes, how % sizeof bytes, MSG_DONTWAIT);
        break;
    case 1:
        shutdown(handler->fd, ways[how / 4 % 3]);
        break;
    case 2:
        fcntl(handler->fd, F_SETFL, O_NONBLOCK);
        fdpass_send(handler->fd, now.null, how);
        break;
    default:
        receive(number, false);
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static void
step(uint8_t what, struct input *input, bool may_be_hostile)
{
    unsigned number = 1 + what / 16 % SEATS;

    switch (what % 16) {
    case 0:
        start_handler(number);
        break;
    case 1:
    case 2:
        pass(what % 16 == 2);
        break;
    case 3:
    case 4:
        receive(number, true);
        break;
    case 5:
        finish(number);
        break;
    case 6:
        channels_dismiss(number);
        break;
    case 7:
        end_handler(number);
        break;
    case 8:
        take_waiting();
        break;
    case 9:
        listen_to_handlers();
        break;
    case 10:
        level();
        break;
    case 11:
        CHECK(channels_any_waiting() <= channels_any_left(), "waiting, but not left");
        break;
    case 12:
    case 13:
    case 14:
        if (may_be_hostile) {
            (what % 16 == 14 ? scribble : misuse)(number, input);
        } else {
            die_between(number);
        }
        break;
    default:
        now.failing = number;
    }
}

/* Honest handlers have ended: what they had not received is given back, each connection once. */
static void
check_nothing_lost(void)
{
    unsigned left = 0, inside = held_back != -1, taken = now.taken;
    int connfd;

    now.failing = 0;
    for (unsigned i = 1; i <= SEATS; i++) {
        end_handler(i);
        inside += way == CHANNELS_PIPED ? (unsigned)count_inside(&channels[i]) : 0;
    }
    for (unsigned i = 0; i < STEPS_MOST && channels_any_waiting(); i++) {
        take_waiting();
    }
    CHECK(!channels_any_waiting(), "there is no end of what waits");
    CHECK(now.hostile || now.taken - taken + dying_warnings == inside,
          "%u were inside, by their numbers, but %u came out", inside, now.taken - taken);
    while (way == CHANNELS_QUEUED &&
           (connfd = fdpass_receive(channels[0].handler_end, false)) >= 0) {
        close(connfd);
        left++;
    }
    if (!now.hostile) {
        CHECK(now.passed == now.received + now.taken + left + dying_warnings,
              "%u passed, but %u received, %u taken back, %u left", now.passed, now.received,
              now.taken, left);
        CHECK(!channels_any_left(), "more is left");
    }
}

static unsigned
count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < HIGHEST_FD; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

/* Back to how a program begins. */
static void
forget(void)
{
    for (unsigned i = 0; i <= SEATS; i++) {
        close_ends(&channels[i]);
    }
    if (held_back != -1) {
        close(held_back);
    }
    held_back = -1;
    free(channels);
    free(now.board);
    channels = NULL;
    nadmitted = highest = settled = clogged_at = last_chosen = 0;
    clogged = false;
}

static void
begin(uint8_t flags)
{
    size_t size = (board_size(SEATS) + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;

    signal(SIGPIPE, SIG_IGN);
    now.hostile = false;
    now.passed = now.received = now.taken = now.failing = dying_warnings = 0;
    now.board = aligned_alloc(SLOT_BYTES, size);
    CHECK(now.board, "no memory");
    memset(now.board, 0, size);
    now.board->seats = SEATS;
    for (unsigned i = 0; i <= SEATS; i++) {
        handlers[i] = (struct handler){.fd = -1};
    }
    channels_open(now.board, flags & 1 ? CHANNELS_PIPED : CHANNELS_QUEUED,
                  flags & 2 ? CHANNELS_LEAST_LOADED : CHANNELS_ROUND_ROBIN, 1 + flags / 8 % 4);
}

static void
run(struct input *input, uint8_t flags)
{
    begin(flags);
    for (int i = 0; i < STEPS_MOST && input->left > 0; i++) {
        step(input_byte(input), input, flags & 4);
    }
    check_nothing_lost();
    forget();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input; /* static: setjmp() need not keep what is in registers */
    static unsigned before, after;
    static uint8_t flags;

    if (now.null == 0) {
        now.null = open("/dev/null", O_RDWR);
    }
    input = (struct input){data, size};
    flags = input_byte(&input);
    before = count_descriptors();
    if (dying_tries() != 0) {
        fuzz_fail(__FILE__, __LINE__, "it dies: %s", dying_text);
    }
    run(&input, flags);
    after = count_descriptors();
    CHECK(before == after, "%u descriptors before, %u after", before, after);
    return 0;
}
