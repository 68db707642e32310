/*
 * sketch08 - one process serves all clients: epoll keeps the list of those who have news.
 *
 * The model on one page, as textbooks print it: each socket is registered once, and epoll_wait()
 * hands out those with news. `breaks N` stands where the world breaks it: README.md shows each of
 * these faults; server08_epoll is the same without them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_reply(int child);
static void serve(int connfd);
static int check(long result, const char *call);

enum { EVENTS = 64, BLOCK = 256 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char reply[BLOCK + 61]; /* stamp (docs/protocol.md); from reply + 61 on letters alone */

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1, epollfd, connfd;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    dprintf(STDOUT_FILENO, "sketch08: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    make_reply(0);
    epollfd = check(epoll_create1(0), "epoll_create1");
    event.data.fd = listenfd;
    check(epoll_ctl(epollfd, EPOLL_CTL_ADD, listenfd, &event), "epoll_ctl");
    for (;;) {
        int count = check(epoll_wait(epollfd, events, EVENTS, -1), "epoll_wait");

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listenfd) {
                serve(events[i].data.fd);
            } else if ((connfd = accept(listenfd, NULL, NULL)) == -1) {
                perror("accept"); /* breaks 3: for want of a descriptor, without a pause */
            } else {
                event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = connfd};
                check(epoll_ctl(epollfd, EPOLL_CTL_ADD, connfd, &event), "epoll_ctl");
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

/* breaks 1: what this one read() leaves in the socket is no news, so nobody comes back for it */
static void
serve(int connfd)
{
    char line[64] = "";

    if (read(connfd, line, sizeof line - 1) <= 0) {
        close(connfd); /* no other process has it open: so this ends the registration, too */
        return;
    }
    for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
        /* breaks 2: it waits for a client that does not read, and all others wait with it
         * breaks 4: a client that leaves within its reply ends it, and all other connections */
        left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
