/*
 * sketch04 - the parent accepts, and passes each connection to a child that is free.
 *
 * A free child writes its number into a pipe. The parent reads a number, accepts, and sends the
 * connection's descriptor through the socket pair of that child: nearly the last preforked server
 * of UNP. `breaks N` marks the faults that README.md shows; server04_fdpass has none of them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void child_main(int child, int idle, int channel);
static int check(long result, const char *call);

enum { CHILDREN = 10, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static union { /* room for one descriptor, aligned as its header must be */
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
} rights = {{.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
static struct iovec byte = {&(char){0}, 1}; /* one must go along with a descriptor */
static struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = rights.space};

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int child, connfd, idle[2], pair[2], channel[CHILDREN + 1];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");

    message.msg_controllen = sizeof rights;
    check(pipe(idle), "pipe");
    for (child = 1; child <= CHILDREN; child++) {
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
        if (check(fork(), "fork") == 0) {
            close(listenfd);
            close(pair[0]); /* breaks 4: the parent's ends of the children before stay open */
            child_main(child, idle[1], pair[1]);
        }
        close(pair[1]);
        channel[child] = pair[0];
    }
    dprintf(STDOUT_FILENO, "sketch04: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        check(read(idle[0], &child, sizeof child), "read");
        connfd = check(accept(listenfd, NULL, NULL), "accept");
        *(int *)CMSG_DATA(&rights.header) = connfd;
        check(sendmsg(channel[child], &message, 0), "sendmsg"); /* breaks 1: SIGPIPE, if it died */
        close(connfd);
    }
}

static void
child_main(int child, int idle, int channel)
{
    static char line[64], reply[BLOCK + 61]; /* stamp, docs/protocol.md; letters alone from 61 on */
    int end = snprintf(reply, 32, "child %d pid %d", child, getpid());

    for (int i = end; i < BLOCK + 61; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
    while (write(idle, &child, sizeof child) > 0 && recvmsg(channel, &message, 0) > 0) {
        int connfd = *(int *)CMSG_DATA(&rights.header);

        while (read(connfd, line, sizeof line - 1) > 0) { /* breaks 3: a silent client */
            for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
                /* breaks 2: a client that leaves within its reply ends the child for good */
                left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
            }
        }
        close(connfd);
    }
    exit(0);
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
