/*
 * sketch12 - a client of the same machine shares memory with a child, and they talk in there.
 *
 * The model on two pages, as a textbook would print it: sketch03, and ten more children that accept
 * at a Unix socket, ./sketch12.PORT. There a client gets the descriptor of memory with two rings;
 * bin/client -i shm:./sketch12.PORT is such a client. `breaks N` stands where the world breaks it:
 * README.md shows each of these faults; server12_shared_memory is the same model without them.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void child_main(int child, int listenfd, void (*serve)(int connfd));
static void make_reply(int child);
static void serve(int connfd);
static void attach(int connfd);
static void pass(int connfd, int fd);
static long take_line(int connfd, char *line);
static void put_reply(long bytes);
static int check(long result, const char *call);

enum { CHILDREN = 10, BLOCK = 64 * 61, REQUESTS = 4096, REPLIES = 256 * 1024 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 122]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */

/* Each ring: one side alone moves `put`, the other one `taken`; in cache lines of their own. */
static struct {
    _Alignas(64) atomic_uint request_put;
    _Alignas(64) atomic_uint request_taken;
    _Alignas(64) atomic_uint reply_put;
    _Alignas(64) atomic_uint reply_taken;
    _Alignas(64) char sleepers[128]; /* who sleeps, which a sketch does not */
    char request[REQUESTS], reply[REPLIES];
} * memory;

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    int memoryfd = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    snprintf(path.sun_path, sizeof path.sun_path, "sketch12.%d", ntohs(address.sin_port));
    unlink(path.sun_path);
    check(bind(memoryfd, (struct sockaddr *)&path, sizeof path), "bind");
    check(listen(memoryfd, SOMAXCONN), "listen");

    /* breaks 4: CHILDREN clients that keep their memory keep all others waiting */
    for (int child = 1; child <= 2 * CHILDREN; child++) {
        if (check(fork(), "fork") == 0) {
            child_main(child, child > CHILDREN ? memoryfd : listenfd,
                       child > CHILDREN ? attach : serve);
        }
    }
    dprintf(STDOUT_FILENO, "sketch12: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pause();
    }
}

static void
child_main(int child, int listenfd, void (*serve_it)(int connfd))
{
    make_reply(child);
    for (;;) {
        int connfd = check(accept(listenfd, NULL, NULL), "accept");

        serve_it(connfd);
        close(connfd);
    }
}

static void
make_reply(int child)
{
    int end = snprintf(reply, 32, "child %d pid %d", child, getpid());

    for (int i = end; i < BLOCK + 122; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
}

static void
serve(int connfd)
{
    char line[64] = "";

    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

/* The memory has a name only until it is open. */
static void
attach(int connfd)
{
    char name[32], line[64] = "";
    int fd;

    snprintf(name, sizeof name, "/sketch12.%d", getpid());
    fd = check(shm_open(name, O_RDWR | O_CREAT, 0600), "shm_open");
    check(shm_unlink(name), "shm_unlink");
    check(ftruncate(fd, sizeof *memory), "ftruncate");
    memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory == MAP_FAILED ? -1 : 0, "mmap");
    pass(connfd, fd);
    close(fd);
    while (take_line(connfd, line) > 0) {
        put_reply(atol(line));
    }
    munmap(memory, sizeof *memory);
}

/* A descriptor travels beside a byte of data. */
static void
pass(int connfd, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof fd)];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec byte = {.iov_base = "", .iov_len = 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.space};

    message.msg_controllen = sizeof control;
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    sendmsg(connfd, &message, MSG_NOSIGNAL);
}

/* breaks 1: it looks without a pause: a silent client costs a processor */
static long
take_line(int connfd, char *line)
{
    long length = 0;
    char byte;

    while (memory->request_taken == memory->request_put) {
        if (recv(connfd, &byte, 1, MSG_DONTWAIT) == 0) {
            return 0;
        }
    }
    while (memory->request_taken != memory->request_put) {
        /* breaks 2: it believes the index that the client writes: line[] overflows */
        line[length++] = memory->request[memory->request_taken++ % REQUESTS];
    }
    return length;
}

static void
put_reply(long bytes)
{
    for (long sent = 0; sent < bytes;) {
        const char *from = reply + (bytes >= 32 && sent < 32 ? sent : 61 + sent % 61);
        unsigned at = memory->reply_put % REPLIES;
        long most = REPLIES - at < BLOCK ? REPLIES - at : BLOCK;
        long piece = bytes - sent < most ? bytes - sent : most;

        /* breaks 3: if the client has died there will never be room: it waits for ever */
        while (memory->reply_put - memory->reply_taken > REPLIES - BLOCK) {
        }
        memcpy(memory->reply + at, from, piece);
        memory->reply_put += piece;
        sent += piece;
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
