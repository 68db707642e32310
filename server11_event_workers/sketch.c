/*
 * sketch11 - one process has the clients, in an event loop; other processes work for them.
 * A request is a message to a worker, which sends it back; then the loop replies. So no slow client
 * holds a worker, and work holds up no client. `breaks N` marks the faults that README.md shows.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void start_worker(int child);
static void serve(int i);
static int check(long result, const char *call);

enum { WORKERS = 10, MOST = 1 << 20, BLOCK = 256 * 61 }; /* MOST: more than descriptors */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char line[64], reply[1 + WORKERS][BLOCK + 61]; /* stamp; from byte 61 on letters alone */
static struct pollfd polled[MOST]; /* the listening socket, the workers' channels, the clients */
static int count, request[2];      /* the client's descriptor, and BYTES */

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    polled[0] = (struct pollfd){.fd = listenfd, .events = POLLIN};
    for (count = 1; count <= WORKERS; start_worker(count++)) {
    }
    dprintf(STDOUT_FILENO, "sketch11: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    while (check(poll(polled, (nfds_t)count, -1), "poll") > 0) {
        for (int i = count - 1; i >= 0; i--) { /* downwards: the last one has had its turn */
            if (polled[i].revents != 0) {
                serve(i);
            }
        }
    }
}

static void
start_worker(int child)
{
    int pair[2], pid;

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    pid = check(fork(), "fork"); /* breaks 1: nobody sees its death; breaks 2: nor it the loop's */
    while (pid == 0 && check(read(pair[1], request, sizeof request), "read") > 0) {
        check(write(pair[1], request, sizeof request), "write"); /* here it would work */
    }
    for (int i = snprintf(reply[child], 32, "child %d pid %d", child, pid); i < BLOCK + 61; i++) {
        reply[child][i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
    polled[child] = (struct pollfd){.fd = pair[0], .events = POLLIN};
}

static void
serve(int i)
{
    if (i == 0) {
        polled[count++] =
            (struct pollfd){check(accept(polled[0].fd, NULL, NULL), "accept"), POLLIN, 0};
    } else if (i <= WORKERS) { /* breaks 3: the descriptor may be another client's by now */
        check(read(polled[i].fd, request, sizeof request), "read");
        for (int left = request[1], at = left < 32 ? 61 : 0; left > 0; at = 61) {
            /* breaks 4: it waits for one that does not read; breaks 5: one that leaves ends it */
            left -= check(write(request[0], reply[i] + at, left < BLOCK ? left : BLOCK), "write");
        }
    } else if (read(polled[i].fd, line, sizeof line - 1) > 0) {
        request[0] = polled[i].fd;
        request[1] = atoi(line);
        check(write(polled[1 + request[0] % WORKERS].fd, request, sizeof request), "write");
    } else {
        close(polled[i].fd);
        polled[i] = polled[--count];
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
