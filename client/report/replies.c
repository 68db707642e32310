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
show_open(const struct load *load, struct tally *counts)
{
    tally = counts;
    several = load->processes > 1 || load->in_flight > 1;
    parent = getppid();
}

/* Whether to try again after a failure. Whoever reads the replies may be slow: this waits. But the
 * timer of this process interrupts it, and it does not outlive its parent. */
static bool
again(int error)
{
    struct pollfd writable = {.fd = STDOUT_FILENO, .events = POLLOUT};

    if (error == EAGAIN || error == EWOULDBLOCK) { /* whoever shares it has made it non-blocking */
        poll(&writable, 1, LOOK_MS);
    } else if (error != EINTR) {
        return false;
    }
    return getppid() == parent;
}

static void
put(const char *data, size_t length)
{
    while (length > 0 && tally->unshown == 0) {
        ssize_t count = write(STDOUT_FILENO, data, length);

        if (count >= 0) {
            data += count;
            length -= (size_t)count;
        } else if (!again(errno)) {
            tally->unshown = errno;
        }
    }
}

static void
put_held(struct shown *shown)
{
    if (shown->used > 0) {
        put(shown->held, shown->used);
        shown->used = 0;
    }
}

/* False if there is no room, with one byte more for a line feed. */
static bool
hold(struct shown *shown, const char *data, size_t length)
{
    if (shown->used + length >= HELD) {
        return false;
    }
    if (!shown->held) {
        shown->held = malloc(HELD);
    }
    if (!shown->held) {
        return false;
    }
    memcpy(shown->held + shown->used, data, length);
    shown->used += length;
    return true;
}

void
show_take(struct shown *shown, const char *data, size_t length)
{
    shown->unended = data[length - 1] != '\n';
    if (!several || !hold(shown, data, length)) {
        put_held(shown);
        put(data, length);
    }
}

void
show_end(struct shown *shown)
{
    if (shown->unended && shown->used > 0) {
        shown->held[shown->used++] = '\n';
    } else if (shown->unended) {
        put("\n", 1);
    }
    put_held(shown);
    free(shown->held);
    *shown = (struct shown){.used = 0};
}
