/*
 * sketch00 - an iterative server: one process serves one client after the other.
 *
 * The model on one page, as a textbook prints it. A client sends a line with the number BYTES; the
 * server answers with so many. They begin with a stamp, which tells who serves; letters of period
 * 61 follow, which the client compares (docs/protocol.md). Run bin/sketch00, and bin/client -p 2000
 * in a second terminal.
 *
 * `breaks N` stands where the world breaks the sketch. README.md shows each of these faults;
 * server00_iterative is the same model without them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_reply(int child);
static void serve(int connfd);
static int check(long result, const char *call);

enum { BLOCK = 256 * 61 };
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
    dprintf(STDOUT_FILENO, "sketch00: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0);
    for (;;) {
        /* breaks 4: one accept that fails, say for want of a descriptor, ends the server */
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

    /* breaks 1: a client that says nothing keeps all others waiting for ever
     * breaks 2: a line that comes in two pieces counts as two requests */
    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            /* breaks 3: a client that leaves within its reply ends the server, mostly by SIGPIPE */
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
