#include "seats.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/server.h"

void
seat_take(struct seat *seat, int fd, const struct worker *worker)
{
    *seat = (struct seat){.fd = fd, .worker = *worker};
}

void
seat_give(struct seat *seat, const struct message *message)
{
    seat->given++;
    seat->out = *message;
    seat->unsent = sizeof seat->out;
    seat_send(seat);
}

/* An error that lasts means that the child has died: seat_hear() is told so, too. */
void
seat_send(struct seat *seat)
{
    const char *end = (const char *)(&seat->out + 1);

    if (seat->unsent > 0) {
        ssize_t count = write(seat->fd, end - seat->unsent, seat->unsent);

        seat->unsent -= count > 0 ? (size_t)count : 0;
    }
}

enum seat_news
seat_hear(struct seat *seat)
{
    char *to = (char *)&seat->in + seat->received;
    ssize_t count = read(seat->fd, to, sizeof seat->in - seat->received);

    if (count == 0 || (count == -1 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        return SEAT_LOST;
    }
    seat->received += count > 0 ? (size_t)count : 0;
    if (seat->received < sizeof seat->in) {
        return SEAT_NOTHING;
    }
    seat->received = 0;
    seat->answered++;
    return SEAT_ANSWER;
}

bool
seat_receive(int channel, struct message *message, const struct worker *worker)
{
    size_t received = 0;

    while (received < sizeof *message) {
        bool stays = server_child_goes_on(worker);
        ssize_t count = recv(channel, (char *)message + received, sizeof *message - received,
                             stays ? 0 : MSG_DONTWAIT);

        if (count == 0 || (count == -1 && errno != EINTR && (errno != EAGAIN || !stays))) {
            return false;
        }
        received += count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool
seat_answer(int channel, const struct message *message)
{
    const char *end = (const char *)(message + 1);
    size_t unsent = sizeof *message;

    while (unsent > 0) {
        ssize_t count = write(channel, end - unsent, unsent);

        if (count == -1 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        unsent -= count > 0 ? (size_t)count : 0;
    }
    return true;
}
