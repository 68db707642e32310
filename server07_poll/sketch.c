/*
 * sketch07 - one process serves all clients: poll() tells which of them have something to say.
 *
 * The model on one page, as textbooks print it: an array of descriptors, the listening socket
 * first. When a connection ends, the last entry moves into its place. `breaks N` stands where the
 * world breaks it: README.md shows each of these faults; server07_poll is the same without them.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_reply(int child);
static void serve(struct pollfd *client);
static int check(long result, const char *call);

enum { CLIENTS = 100, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 61]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */
static struct pollfd polled[1 + CLIENTS];
static nfds_t count; /* polled[0..count) are the listening socket, and all connections */

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
    dprintf(STDOUT_FILENO, "sketch07: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0);
    polled[count++] = (struct pollfd){.fd = listenfd, .events = POLLIN};
    for (;;) {
        check(poll(polled, count, -1), "poll");
        for (nfds_t i = count - 1; i > 0; i--) { /* downwards: the last one has had its turn */
            if (polled[i].revents != 0) {
                serve(&polled[i]);
            }
        }
        if (polled[0].revents == 0 || count > CLIENTS) {
            continue; /* breaks 2: with all places taken it asks again at once, and again */
        } else if ((polled[count].fd = accept(listenfd, NULL, NULL)) == -1) {
            perror("accept"); /* breaks 3: for want of a descriptor, without a pause */
        } else {
            polled[count++].events = POLLIN;
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
serve(struct pollfd *client)
{
    char line[64] = "";

    if (read(client->fd, line, sizeof line - 1) <= 0) {
        close(client->fd);
        *client = polled[--count];
        return;
    }
    for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
        /* breaks 1: it waits for a client that does not read, and all others wait with it
         * breaks 4: a client that leaves within its reply ends it, and all other connections */
        left -= check(write(client->fd, reply + at, left < BLOCK ? left : BLOCK), "write");
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
