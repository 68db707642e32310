/*
 * connect - what a TCP connection costs: alone, and with the barest loop of a server.
 *
 * In all rows the side that has accepted closes first. Then the TIME_WAIT of a minute is on its
 * side, where it needs no port but the listener's, and a client's port is free again at once: so
 * these loops never reach the end of the ephemeral ports (client/engine/local_address.h tells what
 * happens there).
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"

enum { REPLY = 4096 };

static int listenfd;
static struct sockaddr_in address;

void
connect_measure(int unused)
{
    double count = 0;

    (void)unused;
    listenfd = bench_listen(&address);
    bench_start(1);
    do {
        /* The kernel completes it before anybody accepts. */
        int fd = bench_connect(&address);
        int connfd = accept(listenfd, NULL, NULL);

        if (connfd == -1) {
            bench_fail("accept");
        }
        close(connfd);
        close(fd);
        count++;
    } while (!bench_over);
    bench_stop(count);
}

/* The barest server: what is less than this does not serve. A client that has been killed, when all
 * was measured, is no failure. */
static void
server_main(unsigned number)
{
    static char reply[REPLY];
    char request[64];

    (void)number;
    memset(reply, 'x', sizeof reply);
    for (;;) {
        int connfd = accept(listenfd, NULL, NULL);

        if (connfd == -1) {
            bench_fail("accept");
        }
        if (read(connfd, request, sizeof request) > 0 &&
            write(connfd, reply, sizeof reply) != REPLY) {
            bench_fail("write of a reply");
        }
        close(connfd);
    }
}

static void
client_main(unsigned number)
{
    static const char request[] = "4096\n";
    static char reply[REPLY];
    counter *served = bench_counter(number);

    close(listenfd); /* the servers' */
    for (;;) {
        int fd = bench_connect(&address);
        ssize_t count = write(fd, request, sizeof request - 1), received = 0;

        while (count > 0 && (count = read(fd, reply, sizeof reply)) > 0) {
            received += count;
        }
        if (count == -1 || received != REPLY) {
            bench_fail("%zd of %d bytes of a reply", received, REPLY);
        }
        close(fd);
        counter_add(served, 1);
    }
}

void
serve_measure(int many)
{
    unsigned clients = many & SERVE_MANY_CLIENTS ? bench.n : 1;
    unsigned servers = many & SERVE_MANY_SERVERS ? bench.n : 1;

    listenfd = bench_listen(&address);
    bench_counters(clients);
    for (unsigned i = 0; i < servers; i++) {
        bench_helper(BENCH_ANSWERS, server_main, i);
    }
    for (unsigned i = 0; i < clients; i++) {
        bench_helper(BENCH_ASKS, client_main, i);
    }
    bench_start(clients);
    bench_stop(bench_watch());
}
