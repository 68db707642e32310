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
#include <time.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"

static int open_listener(const struct options *options);
static void serve_clients(int listenfd);

static const char help[] = "One process serves one client at a time.\n\n";

static struct options options;
static struct scoreboard board;
static struct stats stats = {.variant = ""};

int
main(int argc, char **argv)
{
    int listenfd, letter;

    die_begin(argv[0]);
    options = options_default(0);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS)) != -1) {
        options_take(&options, letter, help);
    }
    options_end(argc, argv);

    scoreboard_open(&board, 0);
    conn_start(&options);
    stats_start(&stats);
    listenfd = open_listener(&options);
    signals_open(options.grace_s, false);
    conn_identify(0, &board.slots[0]);
    listen_ready(&options, listenfd);

    serve_clients(listenfd);

    listen_remove(&options);
    stats_print(&stats, &board, &options);
    return EXIT_SUCCESS;
}

/* What the other servers call listen_open() for. */
static int
open_listener(const struct options *wanted)
{
    struct address address;
    char text[ADDRESS_TEXT];
    int on = 1;
    int listenfd = listen_inherited();

    if (listenfd != -1) {
        return listenfd; /* somebody else has done all this before starting us */
    }
    address_resolve(&address, wanted->host, wanted->port);
    listen_claim(&address);

    listenfd = socket(address.storage.ss_family, SOCK_STREAM, 0);
    if (listenfd == -1) {
        die("socket");
    }
    if (address.storage.ss_family != AF_UNIX) {
        /* Without it, bind() fails while connections of an earlier run are in TIME_WAIT. */
        if (setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1) {
            die("SO_REUSEADDR");
        }
        /* Inherited by every accepted socket: the end of a reply does not wait for an ACK. */
        if (setsockopt(listenfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1) {
            die("TCP_NODELAY");
        }
    }
    if (bind(listenfd, address_sockaddr(&address), address.length) == -1) {
        address_text(&address, text);
        die("cannot listen on %s", text);
    }
    if (listen(listenfd, wanted->backlog) == -1) {
        die("listen");
    }
    return listenfd;
}

static void
serve_clients(int listenfd)
{
    const struct timespec pause = clock_timespec(100 * 1000);
    struct slot *slot = &board.slots[0];

    signals_tick(); /* a signal that comes just before accept() blocks is seen a second later */
    while (!signals_stop) {
        int connfd = accept(listenfd, NULL, NULL);

        if (connfd != -1) {
            counter_add(&slot->wakeups, 1);
            conn_serve(connfd);
            close(connfd);
        } else if (listen_exhausted()) {
            nanosleep(&pause, NULL);
        }
        if (signals_report) {
            signals_report = 0;
            stats_print(&stats, &board, &options);
        }
    }
}
