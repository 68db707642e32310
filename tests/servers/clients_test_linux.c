/*
 * clients_test - an event that was taken out of epoll before its connection was closed is not
 * mistaken for one of the next connection with the same descriptor. No client can bring that about:
 * server08 closes no connection while it still has events in its array.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    CHECK_IS(write(pair[1], request, 1), 1, "written");
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
    return EXIT_SUCCESS;
}
