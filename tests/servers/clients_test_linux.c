/*
 * clients_test - an event that was taken out of epoll before its connection was closed is not
 * mistaken for one of the next connection with the same descriptor. No client can bring that about:
 * server08 closes no connection while it still has events in its array. And a client of which the
 * kernel has not told is served, not closed, when its time is over; one that has asked for nothing
 * is closed.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../server08_epoll/clients_linux.c"
#include "../helpers/check.h"

/* A new client with news for the server; returns the client's end. */
static int
client_asks(int *connfd, const char *request)
{
    int pair[2];

    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0, "socketpair");
    *connfd = pair[0];
    clients_add(*connfd);
    CHECK_IS(write(pair[1], request, strlen(request)), (ssize_t)strlen(request), "written");
    return pair[1];
}

/* Only who raises the limit of a running child brings that about. */
static void
check_no_place(int fd)
{
    char said[200] = "";
    int ends[2], far = fcntl(fd, F_DUPFD, 64), kept = dup(STDERR_FILENO);

    CHECK_IS(pipe(ends), 0, "pipe");
    dup2(ends[1], STDERR_FILENO);
    errno = 0;
    clients_add(far);
    dup2(kept, STDERR_FILENO);
    CHECK(read(ends[0], said, sizeof said - 1) > 0 && strstr(said, strerror(EMFILE)), "%s", said);
    CHECK_IS(fcntl(far, F_GETFD), -1, "closed");
}

/* Two more clients, of which epoll has not told: the time of all is over. */
static void
check_overdue(void)
{
    struct options options = {.timeout_us = 1};
    char reply[8];
    int silent, asks, silent_end, asks_end;

    conn_start(&options, "server08_epoll");
    silent_end = client_asks(&silent, "");
    asks_end = client_asks(&asks, "3\n");
    clients_serve(0); /* nobody is ready */
    CHECK_IS(read(asks_end, reply, sizeof reply), -1, "read before the look");

    clients_look(clock_us() + 1);
    clients_serve(clock_us() + 1);
    CHECK_IS(read(asks_end, reply, sizeof reply), 3, "read of the one that has asked");
    CHECK_IS(read(silent_end, reply, sizeof reply), 0, "read of the other: the end of the file");
    CHECK_IS(clients_open, 1, "open: the one that has asked");
}

int
main(void)
{
    static struct slot slot;
    struct worker serves = conn_worker(1, 0, &slot);
    int first, second, epoll = epoll_create1(0);
    struct epoll_event old, new;

    clients_begin(64, false);
    clients_child(epoll, &serves);

    shutdown(client_asks(&first, "x"), SHUT_RDWR);
    CHECK_IS(epoll_wait(epoll, &old, 1, -1), 1, "events of the first");
    drop(&clients[first]);
    client_asks(&second, "y");
    CHECK_IS(second, first, "descriptor of the second");
    CHECK_IS(epoll_wait(epoll, &new, 1, -1), 1, "events of the second");

    clients_note(&old);
    CHECK_IS(clients_ready, 0, "ready because of the first one's event");
    clients_note(&new);
    clients_note(&new);
    CHECK_IS(clients_ready, 1, "ready because of its own, told twice");
    clients_serve(0);
    CHECK_IS(clients_ready, 0, "ready after its step");
    CHECK_IS(clients_open, 1, "open");
    check_no_place(second);
    CHECK_IS(clients_open, 1, "open");
    check_overdue();
    return EXIT_SUCCESS;
}
