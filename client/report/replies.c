#include "replies.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HELD = 4096,  /* bytes of a short reply with its end: as many as a pipe takes in one piece */
    LOOK_MS = 100 /* how often to look whether anybody still wants the replies */
};

static struct tally *tally;
static bool several; /* replies may come at the same time */
static pid_t parent;

void
replies_open(const struct load *load, struct tally *counts)
{
    tally = counts;
    several = load->processes > 1 || load->in_flight > 1;
    parent = getppid();
}

/* True if write() must be tried again after it failed. The reader of the replies may be slow, so
 * this waits; but the timer of this process interrupts it, and it does not outlive its parent. */
static bool
again(int error)
{
    struct pollfd writable = {.fd = STDOUT_FILENO, .events = POLLOUT};

    if (error == EAGAIN || error == EWOULDBLOCK) { /* another process has made it so */
        poll(&writable, 1, LOOK_MS);
    } else if (error != EINTR) {
        return false;
    }
    return getppid() == parent;
}

static void
put(const char *data, size_t length)
{
    while (length > 0 && tally->unprinted == 0) {
        ssize_t count = write(STDOUT_FILENO, data, length);

        if (count >= 0) {
            data += count;
            length -= (size_t)count;
        } else if (!again(errno)) {
            tally->unprinted = errno;
        }
    }
}

/* False if there is no room, with one byte more for a line feed. */
static bool
hold(struct printed *printed, const char *data, size_t length)
{
    bool fits = printed->used + length < HELD;

    if (fits && !printed->held) {
        printed->held = malloc(HELD);
    }
    if (!fits || !printed->held) {
        return false;
    }
    memcpy(printed->held + printed->used, data, length);
    printed->used += length;
    return true;
}

void
replies_take(struct printed *printed, const char *data, size_t length)
{
    printed->unended = data[length - 1] != '\n';
    if (!several || !hold(printed, data, length)) {
        put(printed->held, printed->used);
        printed->used = 0;
        put(data, length);
    }
}

void
replies_end(struct printed *printed)
{
    if (printed->unended && printed->used > 0) {
        printed->held[printed->used++] = '\n';
    } else if (printed->unended) {
        put("\n", 1);
    }
    put(printed->held, printed->used);
    free(printed->held);
    *printed = (struct printed){.used = 0};
}
