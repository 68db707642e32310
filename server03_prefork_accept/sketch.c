/*
 * sketch03 - children, forked beforehand, share the listening socket: each accepts and serves.
 *
 * The model on one page, as a textbook prints it. The parent never sees a connection: the kernel
 * wakes one of the children that wait in accept(). `breaks N` stands where the world breaks it:
 * README.md shows each of these faults; server03_prefork_accept is the same model without them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void child_main(int child, int listenfd);
static void make_reply(int child);
static void serve(int connfd);
static int check(long result, const char *call);

enum { CHILDREN = 10, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 61]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");

    for (int child = 1; child <= CHILDREN; child++) {
        if (check(fork(), "fork") == 0) {
            child_main(child, listenfd);
        }
    }
    dprintf(STDOUT_FILENO, "sketch03: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pause(); /* breaks 1: a child that has died stays a zombie, and is not replaced */
    }
}

/* breaks 2: TERM ends the parent alone; the children go on, and keep the port */
static void
child_main(int child, int listenfd)
{
    make_reply(child);
    for (;;) {
        int connfd = check(accept(listenfd, NULL, NULL), "accept");

        serve(connfd);
        close(connfd);
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

static void
serve(int connfd)
{
    char line[64] = "";

    /* breaks 3: CHILDREN clients that say nothing keep all others waiting for ever */
    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            /* breaks 4: a client that leaves within its reply ends the child, by SIGPIPE or here */
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
