/*
 * sketch05 - a distributor accepts; handlers, programs of their own, take connections from a queue.
 *
 * The queue is a socket pair: the distributor sends descriptors in, and all handlers wait at the
 * other end. They are spawned (`sketch05 handler NUMBER QUEUE`), not forked. `breaks N` marks the
 * faults that README.md shows; server05_spawn_pool has none of them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int handler_main(int number, int queue);
static int check(long result, const char *call);

enum { HANDLERS = 10, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static union { /* room for one descriptor, aligned as its header must be */
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
} rights = {{.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
static struct iovec byte = {&(char){0}, 1}; /* one must go along with a descriptor */
static struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = rights.space};
extern char **environ;

int
main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listenfd, connfd, queue[2], on = 1;
    char number[12], end[12], *handler[] = {argv[0], "handler", number, end, NULL};

    message.msg_controllen = sizeof rights;
    if (argc == 4) {
        return handler_main(atoi(argv[2]), atoi(argv[3]));
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, queue), "socketpair"); /* breaks 1: a herd */
    snprintf(end, sizeof end, "%d", queue[1]);
    for (int i = 1; i <= HANDLERS; i++) {
        snprintf(number, sizeof number, "%d", i);
        /* breaks 3: a handler inherits listenfd and queue[0], and keeps them when we are dead */
        errno = posix_spawnp(&(pid_t){0}, argv[0], NULL, NULL, handler, environ);
        check(errno == 0 ? 0 : -1, "posix_spawn");
    }
    dprintf(STDOUT_FILENO, "sketch05: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) { /* breaks 2: a handler that dies stays a zombie, and is not replaced */
        *(int *)CMSG_DATA(&rights.header) = connfd = check(accept(listenfd, NULL, NULL), "accept");
        check(sendmsg(queue[0], &message, 0), "sendmsg");
        close(connfd);
    }
}

static int
handler_main(int number, int queue)
{
    static char line[64], reply[BLOCK + 61]; /* stamp, docs/protocol.md; letters alone from 61 on */
    int end = snprintf(reply, 32, "child %d pid %d", number, getpid());

    for (int i = end; i < BLOCK + 61; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
    while (recvmsg(queue, &message, 0) > 0) {
        int connfd = *(int *)CMSG_DATA(&rights.header);

        while (read(connfd, line, sizeof line - 1) > 0) {
            for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
                left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
            }
        }
        close(connfd);
    }
    return 0;
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
