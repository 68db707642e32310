/*
 * sketch13 - one process serves all clients: the kernel does what stands in a ring, and says so.
 *
 * The model on two pages, with nothing but system calls: what is to be done is written into one
 * queue, what has been done is read from another one, and one system call is for both. The kernel's
 * structures are in calls_linux.h. `breaks N` stands where the world breaks it: README.md shows
 * each of these faults; server13_io_uring is the same without them.
 */
#define _GNU_SOURCE /* syscall() */
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls_linux.h"

enum what { ACCEPT, RECEIVE, SEND }; /* the name of a submission: its descriptor, and this */

static void open_ring(void);
static void ask(enum what what, int fd, const void *bytes, size_t length);
static void serve(enum what what, int fd, int result);
static void send_some(int connfd);
static void make_reply(int child);
static int check(long result, const char *call);

enum { ENTRIES = 128, CLIENTS = 65536, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 61]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */

static struct {
    char line[64];
    long bytes, sent; /* of the reply */
} clients[CLIENTS];   /* by descriptor; the kernel receives into `line` */

/* Shared with the kernel. It writes `made` of what is done, and we what we have `taken`. */
static int ringfd;
static _Atomic unsigned *asks_made, *done_made, *done_taken;
static struct io_uring_sqe *asks;
static struct io_uring_cqe *done;

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    unsigned submitted = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    open_ring();
    dprintf(STDOUT_FILENO, "sketch13: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0);
    ask(ACCEPT, listenfd, NULL, 0); /* breaks 1: it ends for want of room, and nobody asks again */
    for (;;) {
        unsigned made = *asks_made, taken = *done_taken;

        /* if a signal ends it, there is just nothing new */
        syscall(__NR_io_uring_enter, ringfd, made - submitted, 1, IORING_ENTER_GETEVENTS, NULL, 0);
        submitted = made;
        /* acquire: no completion is read before the kernel has said that it is there */
        for (; taken != atomic_load_explicit(done_made, memory_order_acquire); taken++) {
            struct io_uring_cqe *one = &done[taken % (2 * ENTRIES)];

            serve(one->user_data & 3, (int)(one->user_data >> 2), one->res);
        }
        /* release: and it gets back the places of those that have been read */
        atomic_store_explicit(done_taken, taken, memory_order_release);
    }
}

static void
open_ring(void)
{
    struct io_uring_params params = {.flags = 0};
    char *indices;

    ringfd = check(syscall(__NR_io_uring_setup, ENTRIES, &params), "io_uring_setup");
    indices = mmap(NULL, params.cq_off.cqes + 2 * ENTRIES * sizeof *done, PROT_READ | PROT_WRITE,
                   MAP_SHARED, ringfd, IORING_OFF_SQ_RING);
    asks = mmap(NULL, ENTRIES * sizeof *asks, PROT_READ | PROT_WRITE, MAP_SHARED, ringfd,
                IORING_OFF_SQES);
    check(indices == MAP_FAILED || asks == MAP_FAILED ? -1 : 0, "mmap");
    asks_made = (_Atomic unsigned *)(indices + params.sq_off.tail);
    done_taken = (_Atomic unsigned *)(indices + params.cq_off.head);
    done_made = (_Atomic unsigned *)(indices + params.cq_off.tail);
    done = (struct io_uring_cqe *)(indices + params.cq_off.cqes);
    for (unsigned i = 0; i < ENTRIES; i++) {
        ((unsigned *)(indices + params.sq_off.array))[i] = i; /* entry i is submitted as the i-th */
    }
}

/* breaks 2: more than ENTRIES in one turn, and the last overwrite the first */
static void
ask(enum what what, int fd, const void *bytes, size_t length)
{
    static const uint8_t codes[] = {IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_SEND};
    unsigned made = *asks_made;

    asks[made % ENTRIES] =
        (struct io_uring_sqe){.opcode = codes[what],
                              .how = what == ACCEPT ? IORING_ACCEPT_MULTISHOT : 0,
                              .fd = fd,
                              .addr = (uintptr_t)bytes,
                              .len = (unsigned)length,
                              .user_data = (uint64_t)fd << 2 | what};
    /* release: the kernel sees the entry before it sees that there is one more */
    atomic_store_explicit(asks_made, made + 1, memory_order_release);
}

static void
serve(enum what what, int fd, int result)
{
    if (what == ACCEPT) {
        if (result >= 0) { /* the new client */
            ask(RECEIVE, result, clients[result].line, sizeof clients->line - 1);
        }
    } else if (result <= 0) {
        close(fd);
    } else if (what == RECEIVE) { /* breaks 3: a line that comes in two pieces is two requests */
        clients[fd].line[result] = '\0';
        clients[fd].bytes = atol(clients[fd].line);
        clients[fd].sent = 0;
        send_some(fd);
    } else {
        clients[fd].sent += result; /* it may be less than was asked for */
        send_some(fd);
    }
}

/* The rest of the reply, a block at most; when there is none, the next request. */
static void
send_some(int connfd)
{
    long at = clients[connfd].sent, left = clients[connfd].bytes - at;
    bool stamped = clients[connfd].bytes >= 32 && at < 61;

    if (left > 0) {
        ask(SEND, connfd, reply + (stamped ? at : 61 + at % 61),
            (size_t)(left < BLOCK - 61 ? left : BLOCK - 61));
    } else {
        ask(RECEIVE, connfd, clients[connfd].line, sizeof clients->line - 1);
    }
}

static void
make_reply(int child)
{
    int end = snprintf(reply, 32, "child %d pid %d", child, getpid());

    for (int i = end; i < BLOCK + 61; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
