#include "desks.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/server.h"

void
desk_take(struct desk *desk, int fd, const struct worker *worker)
{
    *desk =
        (struct desk){.fd = fd, .worker = *worker, .before = counter_get(&worker->slot->wakeups)};
}

void
desk_give(struct desk *desk, const struct message *message)
{
    desk->given++;
    desk->out = *message;
    desk->unsent = sizeof desk->out;
    desk_send(desk);
}

/* An error that lasts means that the child has died: desk_hear() is told so, too. */
void
desk_send(struct desk *desk)
{
    const char *end = (const char *)(&desk->out + 1);

    if (desk->unsent > 0) {
        ssize_t count = write(desk->fd, end - desk->unsent, desk->unsent);

        desk->unsent -= count > 0 ? (size_t)count : 0;
    }
}

enum desk_news
desk_hear(struct desk *desk)
{
    char *to = (char *)&desk->in + desk->received;
    ssize_t count = read(desk->fd, to, sizeof desk->in - desk->received);

    if (count == 0 || (count == -1 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        return DESK_LOST;
    }
    desk->received += count > 0 ? (size_t)count : 0;
    if (desk->received < sizeof desk->in) {
        return DESK_NOTHING;
    }
    desk->received = 0;
    desk->answered++;
    return DESK_ANSWER;
}

static bool
receive(int channel, struct message *message, const struct worker *worker)
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

static bool
answer(int channel, const struct message *message)
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

void
desk_serve(int channel, struct worker *worker)
{
    struct conn conn = {.worker = worker};
    struct message message;

    while (receive(channel, &message, worker)) {
        counter_add(&worker->slot->wakeups, 1);
        conn.state = CONN_WORKING;
        conn.cpu_us = message.cpu_us;
        conn.wait_us = message.wait_us;
        if (conn_work(&conn) == CONN_CLOSED || !answer(channel, &message)) {
            return; /* the parent has died */
        }
    }
}
