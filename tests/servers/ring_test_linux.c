/*
 * ring_test - server13's clients, with this program in the place of the kernel: completions come in
 * an order, and fail in ways, that no client and no kernel can be made to show when a test wants
 * it.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server13_io_uring/clients_linux.c"
#include "../../common/clock.h"
#include "../helpers/check.h"

enum { ASKED_MOST = 16 };

static struct io_uring_sqe asked[ASKED_MOST];
static unsigned nasked, given_back;
static const char *bytes = "";
static struct slot slot;

struct io_uring_sqe *
ring_ask(uint8_t what, int fd, uint64_t name)
{
    struct io_uring_sqe *entry = &asked[nasked++ % ASKED_MOST];

    *entry = (struct io_uring_sqe){.opcode = what, .fd = fd, .user_data = name};
    return entry;
}

const char *
ring_bytes(const struct done *done)
{
    (void)done;
    return bytes;
}

void
ring_give_back(const struct done *done)
{
    (void)done;
    given_back++;
}

static const struct io_uring_sqe *
last(void)
{
    return &asked[(nasked - 1) % ASKED_MOST];
}

static void
receives(uint64_t name, const char *text)
{
    struct done done = {.name = name, .result = (int)strlen(text), .flags = IORING_CQE_F_BUFFER};

    bytes = text;
    clients_done(&done, clock_us());
}

static void
is_done(uint64_t name, int result)
{
    struct done done = {.name = name, .result = result};

    clients_done(&done, clock_us());
}

/* A new client; returns the name of what was asked for it, a receipt. */
static uint64_t
client_comes(int fd)
{
    clients_add(fd);
    CHECK_IS(last()->opcode, IORING_OP_RECV, "asked for a new client");
    CHECK_IS(last()->flags, IOSQE_BUFFER_SELECT, "its buffer");
    return last()->user_data;
}

/* What the kernel still has to say of a receipt that was taken back is not its successor's. */
static void
check_old_receipt(int fd)
{
    uint64_t first = client_comes(fd), second;

    receives(first, "10");
    cut_off(&clients[fd]);
    CHECK_IS(last()->opcode, IORING_OP_CLOSE, "asked at the end of one that was receiving");
    CHECK_IS(clients_open, 0, "its place is free at once");
    second = client_comes(fd);
    CHECK(first != second, "both are named %llx", (unsigned long long)first);
    given_back = 0;
    receives(first, "0\n");
    CHECK_IS(given_back, 1, "the buffer of the old one");
    CHECK_IS(last()->user_data, second, "what was asked last");
    receives(second, "7\n");
    CHECK_IS(last()->opcode, IORING_OP_SENDMSG, "asked for the request of the new one");
    is_done(second, 7);
    CHECK_IS(counter_get(&slot.bytes), 7, "bytes of the reply: not of 100");
    is_done(second, 0);
    CHECK_IS(clients_open, 0, "open after the end");
}

/* What is being sent stands in the client's place: so it is not free before that has ended. */
static void
check_sending(int fd)
{
    uint64_t name = client_comes(fd);

    receives(name, "100\n");
    is_done(name, 60);
    CHECK_IS(last()->opcode, IORING_OP_SENDMSG, "asked after a part of the reply");
    CHECK_IS(((struct msghdr *)(uintptr_t)last()->addr)->msg_iov->iov_len, 40, "the rest");
    cut_off(&clients[fd]);
    CHECK_IS(last()->opcode, IORING_OP_ASYNC_CANCEL, "asked at the end of one that is sending");
    CHECK_IS(last()->addr, name, "what is taken back");
    CHECK_IS(clients_open, 1, "open while the kernel may still read the reply");
    clients_look(INT64_MAX);
    CHECK_IS(last()->opcode, IORING_OP_ASYNC_CANCEL, "asked by a look meanwhile");
    is_done(name, -ECANCELED);
    CHECK_IS(last()->opcode, IORING_OP_CLOSE, "asked when the kernel has let go");
    CHECK_IS(clients_open, 0, "open");
}

static void
check_asked_again(int fd)
{
    static const int errors[] = {ENOBUFS, EINTR, EAGAIN};
    uint64_t name = client_comes(fd);

    for (int i = 0; i < 3; i++) {
        unsigned before = nasked;

        is_done(name, -errors[i]);
        CHECK_IS(nasked, before + 1, "asked again");
        CHECK_IS(last()->opcode, IORING_OP_RECV, "the same");
    }
    is_done(name, -ECONNRESET);
    CHECK_IS(last()->opcode, IORING_OP_CLOSE, "after an error of the connection");
    CHECK_IS(counter_get(&slot.broken), 0, "broken, before a request");
}

int
main(void)
{
    static const struct options options = {.timeout_us = 10000000};
    struct worker serves = conn_worker(1, 0, &slot);
    int pair[2], far;

    conn_start(&options, "ring_test");
    clients_begin(64);
    clients_child(&serves);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    check_old_receipt(pair[0]);
    check_sending(pair[0]);
    check_asked_again(pair[0]);
    far = fcntl(pair[0], F_DUPFD, 64);
    clients_add(far); /* says so */
    CHECK_IS(fcntl(far, F_GETFD), -1, "closed, for it has no place");
    return EXIT_SUCCESS;
}
