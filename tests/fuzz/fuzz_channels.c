/*
 * fuzz_channels - common/channel.c and common/fdpass.c: a sender, and receivers that do anything.
 *
 * under test: common/fdpass.c
 *
 * An input is a sequence of what a sender and the receivers of its channels do, with real sockets.
 * Receivers may die and have successors, and sending fails now and then. Then no connection is lost
 * or counted wrongly. Hostile receivers also write into the channel, send descriptors, shut it
 * down, and make it non-blocking: then the sender must stay alive, come back from every call, and
 * leak nothing.
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
#include "../../common/channel.c"
#undef fdpass_send

enum { CHANNELS = 3, STEPS_MOST = 200, HIGHEST_FD = 128 };

static struct {
    struct channel *channels;
    int receiver[CHANNELS + 1];    /* as a child inherits it; -1: no child lives */
    unsigned inside[CHANNELS + 1]; /* what the oracle says */
    bool hostile;                  /* at least once: the counts may say anything */
    unsigned failing;              /* so many times sending a descriptor is going to fail */
    int null;                      /* what stands for connections are copies of this descriptor */
} now;

static int
sending(int channel, int fd, unsigned char byte)
{
    if (now.failing > 0) {
        errno = now.failing-- % 2 ? ENOBUFS : EAGAIN;
        return -1;
    }
    return fdpass_send(channel, fd, byte);
}

static void
check_inside(unsigned number)
{
    unsigned inside = channel_inside(&now.channels[number]);

    CHECK(now.hostile || inside == now.inside[number], "%u are inside channel %u, and not %u",
          inside, number, now.inside[number]);
}

static void
send_one(unsigned number)
{
    int connfd = dup(now.null);

    CHECK(connfd != -1, "dup: %s", strerror(errno));
    if (channel_send(&now.channels[number], connfd)) {
        CHECK(fcntl(connfd, F_GETFD) == -1, "the sender has kept its copy");
        now.inside[number]++;
    } else {
        CHECK(now.hostile || errno == ENOBUFS || errno == EAGAIN, "sending: %s", strerror(errno));
        CHECK(close(connfd) == 0, "it is not the caller's any more");
    }
}

static void
receive_one(unsigned number)
{
    int connfd;

    if (now.receiver[number] == -1) {
        now.receiver[number] = dup(now.channels[number].receiver); /* a successor */
    }
    connfd = channel_receive(now.receiver[number], false);
    if (connfd >= 0) {
        CHECK(close(connfd) == 0, "what came is no descriptor");
        CHECK(now.hostile || now.inside[number] > 0, "one came that was not sent");
        now.inside[number]--;
    } else {
        CHECK(now.hostile || (connfd == CHANNEL_END && now.inside[number] == 0),
              "%d, and %u are inside", connfd, now.inside[number]);
    }
}

static void
die_one(unsigned number)
{
    if (now.receiver[number] != -1) {
        close(now.receiver[number]);
        now.receiver[number] = -1;
    }
}

static void
misuse(unsigned number, struct input *input)
{
    static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    char bytes[40] = "hostile";
    uint8_t how = input_byte(input);
    int receiver = now.channels[number].receiver;

    now.hostile = true;
    switch (how % 4) {
    case 0:
        send(receiver, bytes, how % sizeof bytes, MSG_DONTWAIT);
        break;
    case 1:
        shutdown(receiver, ways[how / 4 % 3]);
        break;
    case 2:
        fcntl(receiver, F_SETFL, O_NONBLOCK);
        break;
    default:
        fdpass_send(receiver, now.null, how);
    }
}

static void
step(uint8_t what, struct input *input, bool may_be_hostile)
{
    unsigned number = 1 + what / 8 % CHANNELS;

    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        send_one(number);
        break;
    case 3:
    case 4:
        receive_one(number);
        break;
    case 5:
        die_one(number);
        break;
    case 6:
        now.failing = what / 64;
        break;
    default:
        if (may_be_hostile) {
            misuse(number, input);
        }
    }
    check_inside(number);
}

static void
run(struct input *input, uint8_t flags)
{
    bool any = false;

    for (int i = 0; i < STEPS_MOST && input->left > 0; i++) {
        step(input_byte(input), input, flags & 1);
    }
    for (unsigned i = 1; i <= CHANNELS; i++) {
        any = any || now.inside[i] > 0;
    }
    CHECK(now.hostile || channels_any_inside(now.channels, CHANNELS) == any, "any inside?");
    for (unsigned i = 1; i <= CHANNELS; i++) {
        close(now.channels[i].sender);
    }
    for (unsigned i = 1; i <= CHANNELS; i++) {
        unsigned most = now.hostile ? 0 : now.inside[i];

        while (most-- > 0) {
            receive_one(i);
        }
        CHECK(now.hostile || channel_receive(now.channels[i].receiver, true) == CHANNEL_END,
              "no end behind what was inside");
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input; /* static: setjmp() need not keep what is in registers */
    static unsigned before, after;

    if (now.null == 0) {
        now.null = open("/dev/null", O_RDWR);
        signal(SIGPIPE, SIG_IGN);
    }
    input = (struct input){data, size};
    before = count_descriptors();
    now.hostile = false;
    now.failing = 0;
    memset(now.inside, 0, sizeof now.inside);
    memset(now.receiver, -1, sizeof now.receiver);
    if (dying_tries() != 0) {
        CHECK(false, "it dies: %s", dying_text);
    }
    now.channels = channels_new(CHANNELS, 1);
    for (unsigned i = 1; i <= CHANNELS; i++) {
        CHECK(channel_open(&now.channels[i], SOCK_STREAM), "channel %u does not open", i);
    }
    run(&input, input_byte(&input));
    for (unsigned i = 1; i <= CHANNELS; i++) {
        die_one(i);
        close(now.channels[i].receiver);
    }
    free(now.channels);
    after = count_descriptors();
    CHECK(before == after, "%u descriptors before, %u after", before, after);
    return 0;
}
