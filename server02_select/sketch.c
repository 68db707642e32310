/*
 * sketch02 - one process serves all clients: select() tells which of them have something to say.
 *
 * The model on one page, as textbooks and the manual of the GNU C library print it: if the
 * listening socket is ready, accept a client; if a connection is ready, serve one request.
 * `breaks N` stands where the world breaks it: README.md shows each of these faults;
 * server02_select is the same model without them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_reply(int child);
static void serve(int connfd);
static int check(long result, const char *call);

enum { BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 61]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */
static fd_set open_fds;        /* the listening socket, and all connections */

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
    dprintf(STDOUT_FILENO, "sketch02: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0);
    FD_SET(listenfd, &open_fds);
    for (;;) {
        fd_set ready = open_fds;

        check(select(FD_SETSIZE, &ready, NULL, NULL, NULL), "select");
        for (int connfd, fd = 0; fd < FD_SETSIZE; fd++) {
            if (!FD_ISSET(fd, &ready)) {
                continue;
            } else if (fd != listenfd) {
                serve(fd);
            } else if ((connfd = accept(listenfd, NULL, NULL)) == -1) {
                perror("accept"); /* breaks 3: for want of a descriptor, without a pause */
            } else {
                FD_SET(connfd, &open_fds); /* breaks 2: from FD_SETSIZE on, beyond the set */
            }
        }
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

    if (read(connfd, line, sizeof line - 1) <= 0) {
        FD_CLR(connfd, &open_fds);
        close(connfd);
    }
    for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
        /* breaks 1: it waits for a client that does not read, and all others wait with it
         * breaks 4: a client that leaves within its reply ends it, and all other connections */
        left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
