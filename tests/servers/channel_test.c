/*
 * channel_test - a channel that is full: the sender is told, and does not wait. Nothing that was
 * sent is lost, whoever receives it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/channel.h"
#include "../helpers/check.h"

enum { MANY = 10000 };

int
main(void)
{
    struct channel *channels = channels_new(1, 1), *channel = &channels[1];
    unsigned sent = 0, received = 0;
    int bytes = 1, connfd;

    CHECK_IS(channel_inside(channel), 0, "nothing is in a channel that is not open");
    CHECK_IS(channel_open(channel, SOCK_STREAM), true, "it opens");
    CHECK_IS(fcntl(channel->sender, F_GETFD) & fcntl(channel->receiver, F_GETFD), FD_CLOEXEC,
             "no program that is started gets it");
    setsockopt(channel->sender, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    alarm(20); /* ends a sender that waits */
    while (sent < MANY && channel_send(channel, connfd = dup(STDIN_FILENO))) {
        sent++;
    }
    alarm(0);
    CHECK_IS(sent > 0 && sent < MANY, true, "it gets full");
    CHECK_IS(fcntl(connfd, F_GETFD) != -1, true, "what was not sent is still the sender's");
    CHECK_IS(channel_inside(channel), sent < 256 ? sent : channel_inside(channel),
             "all are inside");
    while ((connfd = channel_receive(channel->receiver, false)) >= 0) {
        close(connfd);
        received++;
    }
    CHECK_IS(received, sent, "all are received");
    CHECK_IS(connfd, CHANNEL_END, "then there are no more");
    CHECK_IS(channel_send(channel, dup(STDIN_FILENO)), true, "and there is room again");
    free(channels);
    return 0;
}
