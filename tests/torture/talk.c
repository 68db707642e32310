/* Connections: what a client says and hears, every byte checked against docs/protocol.md. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "torture.h"

enum { PATIENCE_US = 8 * 1000 * 1000, STAMP = 32, PERIOD = 61 };

static const char letters[PERIOD + 1] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";

static void
went(struct talk *talk, enum how how, const char *what)
{
    if (talk->how == WENT_WELL) {
        talk->how = how;
        if (talk->tally->note[0] == '\0') {
            snprintf(talk->tally->note, sizeof talk->tally->note, "connection %u: %s",
                     talk->tally->connections, what);
        }
    }
}

void
talk_open(struct talk *talk, struct run *run, struct tally *tally)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)run->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    bool on_path = (run->variant->flags & ON_PATH) != 0;

    snprintf(un.sun_path, sizeof un.sun_path, "%.100s", run->path);
    *talk = (struct talk){.run = run, .tally = tally, .how = WENT_WELL};
    tally->connections++;
    talk->fd = socket(on_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    if (talk->fd == -1) {
        die("socket");
    }
    if (connect(talk->fd, on_path ? (struct sockaddr *)&un : (struct sockaddr *)&in,
                on_path ? sizeof un : sizeof in) == -1) {
        went(talk, GOT_LOST, "refused");
    }
}

static void
send_bytes(struct talk *talk, const char *bytes, size_t length)
{
    while (talk->how == WENT_WELL && length > 0) {
        ssize_t sent = send(talk->fd, bytes, length, MSG_NOSIGNAL);

        if (sent == -1) {
            went(talk, GOT_LOST, strerror(errno));
            return;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
}

void
talk_send(struct talk *talk, const char *text, unsigned requests)
{
    talk->tally->asked += requests;
    send_bytes(talk, text, strlen(text));
}

/* Some bytes; 0 at the end, however that came. */
static size_t
receive(struct talk *talk, char *bytes, size_t room)
{
    struct pollfd polled = {.fd = talk->fd, .events = POLLIN};
    int64_t end = clock_us() + PATIENCE_US;
    ssize_t count;

    end = end < talk->run->end_by_us ? end : talk->run->end_by_us;
    while (poll(&polled, 1, 20) < 1) {
        run_listen(talk->run, 0); /* a server that cannot write its output would stand still */
        if (clock_us() >= end) {
            went(talk, GOT_STUCK, "nothing came for 8 s, or the run took more than 60 s");
            return 0;
        }
    }
    count = recv(talk->fd, bytes, room, 0);
    return count > 0 ? (size_t)count : 0;
}

static bool
receive_all(struct talk *talk, char *bytes, size_t length)
{
    size_t got = 0;

    while (talk->how == WENT_WELL && got < length) {
        size_t count = receive(talk, bytes + got, length - got);

        if (count == 0) {
            went(talk, GOT_LOST, "the end came within a reply");
        }
        got += count;
    }
    return talk->how == WENT_WELL;
}

static void
check_stamp(struct talk *talk, const char text[STAMP])
{
    unsigned child;
    int used = 0;

    if (sscanf(text, "child %u pid %ld%n", &child, &talk->pid, &used) != 2 ||
        text[STAMP - 1] != '\n' || strspn(text + used, " ") != (size_t)(STAMP - 1 - used)) {
        went(talk, WENT_WRONG, "a wrong stamp");
    }
}

/* The bytes from `from` to `to` of a reply of `bytes`. */
void
talk_receive_part(struct talk *talk, uint64_t bytes, uint64_t from, uint64_t to)
{
    char part[16384];
    uint64_t at = from;

    if (bytes >= STAMP && from == 0 && receive_all(talk, part, STAMP)) {
        char stamp[STAMP + 1] = "";

        memcpy(stamp, part, STAMP);
        check_stamp(talk, stamp);
        at = STAMP;
    }
    while (talk->how == WENT_WELL && at < to) {
        size_t length = to - at < sizeof part ? (size_t)(to - at) : sizeof part;

        if (!receive_all(talk, part, length)) {
            return;
        }
        for (size_t i = 0; i < length; i++) {
            if (part[i] != letters[(at + i) % PERIOD]) {
                went(talk, WENT_WRONG, "a wrong byte");
                return;
            }
        }
        at += length;
    }
    if (talk->how == WENT_WELL && to == bytes) {
        talk->tally->answered++;
    }
}

void
talk_receive(struct talk *talk, uint64_t bytes)
{
    talk_receive_part(talk, bytes, 0, bytes);
}

void
talk_receive_error(struct talk *talk)
{
    static const char start[] = "error: ";
    char text[128];

    if (!receive_all(talk, text, sizeof start - 1)) {
        return;
    }
    if (memcmp(text, start, sizeof start - 1) != 0) {
        went(talk, WENT_WRONG, "no error line");
    }
    for (int i = 0; talk->how == WENT_WELL && i < 100; i++) {
        if (receive_all(talk, text, 1) && text[0] == '\n') {
            return;
        }
    }
    went(talk, WENT_WRONG, "an error line without an end");
}

/* A frame: its length in four bytes, and what it says comes back. */
void
talk_frame(struct talk *talk, const char *text)
{
    size_t length = strlen(text);
    uint32_t header = htonl((uint32_t)length);
    char *reply = malloc(length);

    if (!reply) {
        die("a reply");
    }
    talk->tally->asked++;
    send_bytes(talk, (const char *)&header, sizeof header);
    send_bytes(talk, text, length);
    if (receive_all(talk, reply, length)) {
        if (memcmp(reply, text, length) != 0) {
            went(talk,
                 memcmp(reply, "error: ", length < 7 ? length : 7) == 0 ? GOT_LOST : WENT_WRONG,
                 "another reply");
        } else {
            talk->tally->answered++;
        }
    }
    free(reply);
}

static void
count_in(struct talk *talk)
{
    struct tally *tally = talk->tally;

    tally->good += talk->how == WENT_WELL;
    tally->lost += talk->how == GOT_LOST;
    tally->wrong += talk->how == WENT_WRONG;
    tally->hung += talk->how == GOT_STUCK;
    close(talk->fd);
}

void
talk_end(struct talk *talk, bool expect_eof)
{
    char byte;

    if (talk->how == WENT_WELL && expect_eof) {
        shutdown(talk->fd, SHUT_WR);
        if (receive(talk, &byte, 1) != 0) {
            went(talk, WENT_WRONG, "bytes behind the last reply");
        }
    }
    count_in(talk);
}

/* As if the client's machine had lost its power: no farewell but a reset. Whether the server served
 * it until then, nobody knows, so it is not among the good ones, which the server must count. */
void
talk_reset(struct talk *talk)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    count_in(talk);
    talk->tally->good -= talk->how == WENT_WELL;
}
