/*
 * stream - how many bytes per second go through a TCP connection on loopback.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"

enum { MOST = 256 * 1024, MIB = 1 << 20 };

static int connfd, fd;
static char data[MOST];

/* It ends when the sender has ended. */
static void
receiver_main(unsigned number)
{
    counter *received = bench_counter(number);
    ssize_t count;

    close(fd); /* the sender's */
    while ((count = read(connfd, data, sizeof data)) > 0) {
        counter_add(received, (unsigned long long)count);
    }
}

void
stream_measure(int bytes)
{
    struct sockaddr_in address;
    int listenfd = bench_listen(&address);

    fd = bench_connect(&address);
    connfd = accept(listenfd, NULL, NULL);
    if (connfd == -1) {
        bench_fail("accept");
    }
    memset(data, 'x', sizeof data); /* real pages, and not one page of zeros over and over */
    bench_counters(1);
    bench_helper(BENCH_ANSWERS, receiver_main, 0);
    close(connfd); /* the helper's */
    bench_start(1);
    do {
        if (write(fd, data, (size_t)bytes) == -1) {
            bench_fail("write");
        }
    } while (!bench_over);
    bench_stop(bench_watch() / MIB); /* what has arrived counts */
}
