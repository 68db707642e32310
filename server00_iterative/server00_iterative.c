/*
 * server00_iterative - one process serves one client at a time.
 *
 * The whole of a TCP server in the order in which every other server of this suite does it too:
 * socket, bind, listen; then, for ever, accept a connection, serve it, close it. While it serves
 * one client, the kernel keeps the next ones in the listen queue (-B): they are connected, but
 * nobody talks to them.
 *
 * It is the least that a server can do, and the baseline. Nothing is handed over; but nothing
 * overlaps either: while a client is thinking, the process waits. It breaks as soon as one client
 * is slow: all the others wait behind it. Compare with server01_fork, which gives each client a
 * process of its own.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"

static int open_listener(const struct options *options);
static void serve_clients(void);

static const char help[] = "One process serves one client at a time.\n\n";

static struct server server;

int
main(int argc, char **argv)
{
    server.options = options_default(0);
    while (server_option(&server, argc, argv, "", help, 0) != -1) {
    }
    server_open(&server, "", false);
    server.listenfd = open_listener(&server.options);
    server_ready(&server);

    serve_clients();

    listen_remove();
    return server_close(&server, EXIT_SUCCESS);
}

/* What the other servers call listen_open() for. */
static int
open_listener(const struct options *options)
{
    struct address address;
    char text[ADDRESS_TEXT];
    int on = 1;
    int listenfd = listen_begin(options, &address);

    if (listenfd != -1) {
        return listenfd; /* somebody else has done all this before starting us */
    }
    listenfd = socket(address.storage.ss_family, SOCK_STREAM, 0);
    if (listenfd == -1) {
        die("socket");
    }
    if (address.storage.ss_family != AF_UNIX) {
        /* Without it, bind() fails while connections of an earlier run are in TIME_WAIT. */
        if (setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1) {
            die("SO_REUSEADDR");
        }
        /* The end of a reply shall not wait for an ACK. Accepted sockets inherit this on Linux, the
         * BSDs and macOS; POSIX does not say so. */
        if (setsockopt(listenfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1) {
            die("TCP_NODELAY");
        }
    }
    if (bind(listenfd, &address.any, address.length) == -1) {
        address_text(&address, text);
        die("cannot listen on %s", text);
    }
    listen_bound(listenfd);
    if (listen(listenfd, options->backlog) == -1) {
        die("listen");
    }
    return listenfd;
}

static void
serve_clients(void)
{
    struct worker worker = conn_worker(0, 0, &server.board.slots[0]);

    signals_tick(&server.waiting); /* accept() blocks: once a second it must look at the flags */
    while (!signals_stop) {
        int connfd = accept(server.listenfd, NULL, NULL);

        if (connfd != -1) {
            counter_add(&worker.slot->wakeups, 1);
            conn_serve(&worker, connfd);
            close(connfd);
        } else {
            listen_again(server.listenfd);
        }
        server_report_if_asked(&server);
    }
}
