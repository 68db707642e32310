/*
 * sketch01 - the parent accepts, and forks a child for each connection.
 *
 * The model on one page, as a textbook prints it: after fork() both processes have both sockets, so
 * each closes the socket of the other. Only the talking is as in sketch00, with the same faults.
 *
 * `breaks N` stands where the world breaks the model. README.md shows each of these faults;
 * server01_fork is the same model without them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_reply(int child, int bytes);
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
    dprintf(STDOUT_FILENO, "sketch01: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0, BLOCK + 61); /* here, so that each child writes its stamp alone */
    for (int child = 1;; child++) {
        int connfd = check(accept(listenfd, NULL, NULL), "accept");

        /* breaks 2: a process for each client, however many come; and no fork() ends the server */
        if (check(fork(), "fork") == 0) {
            close(listenfd); /* the parent's */
            make_reply(child, 32);
            serve(connfd);
            exit(0); /* and breaks 1: nobody waits for the child, which stays as a zombie */
        }
        close(connfd); /* the child's */
    }
}

static void
make_reply(int child, int bytes)
{
    int end = snprintf(reply, 32, "child %d pid %d", child, getpid());

    for (int i = end; i < bytes; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
}

/* breaks 4: TERM ends the parent alone; the children serve on, and nobody knows of them */
static void
serve(int connfd)
{
    char line[64] = "";

    /* breaks 3: a client that says nothing keeps its child for ever */
    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
