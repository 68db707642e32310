/*
 * pass - what it costs to pass an open descriptor to another process, as server04_fdpass does.
 */
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/fdpass.h"
#include "bench.h"
#include "rows.h"

enum { SENDER, RECEIVER };

static int channel[2];
static bool answers;

/* It ends when the sender has ended. */
static void
receiver_main(unsigned number)
{
    counter *received = bench_counter(number);
    char byte = 0;
    int fd;

    close(channel[SENDER]); /* the other's: else its end would go unnoticed */
    while ((fd = fdpass_receive(channel[RECEIVER], true)) != FDPASS_END) {
        if (fd == FDPASS_NONE) {
            bench_fail("receive a descriptor");
        }
        close(fd);
        counter_add(received, 1);
        if (answers && write(channel[RECEIVER], &byte, 1) != 1) {
            bench_fail("answer");
        }
    }
}

/* The descriptor passed is that of a TCP socket, as a server's would be. */
void
pass_measure(int answered)
{
    struct sockaddr_in address;
    int listenfd = bench_listen(&address);
    char byte;

    answers = answered != 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == -1) {
        bench_fail("socketpair");
    }
    bench_counters(1);
    bench_helper(BENCH_ANSWERS, receiver_main, 0);
    close(channel[RECEIVER]); /* the helper's */
    bench_start(1);
    do {
        if (fdpass_send(channel[SENDER], listenfd, 0) == -1) {
            bench_fail("pass a descriptor");
        }
        if (answers && read(channel[SENDER], &byte, 1) != 1) {
            bench_fail("await an answer");
        }
    } while (!bench_over);
    bench_stop(bench_watch()); /* what has arrived counts */
}
