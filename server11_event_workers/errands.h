/*
 * errands - a request that a handler of server11 has in hand. The handler gets a connection, as
 * docs/handlers.md says; but it is one end of a socket pair, made for this request alone, and the
 * loop has the other one: it writes the frame, and reads the reply. So no late reply can reach
 * another client.
 */
#ifndef SERVER11_ERRANDS_H
#define SERVER11_ERRANDS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "../common/channel.h"
#include "../common/scoreboard.h"
#include "frames.h"

struct errand {
    int fd;       /* the loop's end; does not block; -1: closed */
    size_t given; /* bytes of the frame that the handler has got */
    bool broken;  /* a call of ours has failed: what has come of the reply may not be all */
    unsigned long long requests, rejected, failed; /* the handler's counters when it began */
};

/* Sends a handler its end of a new pair; `counters` are the handler's. False, after a warning, if
 * that is not possible now. */
bool errand_begin(struct errand *errand, struct channel *channel, const struct slot *counters);

/* What poll() watches it for: -1 in `fd` means nothing. */
struct pollfd errand_watch(const struct errand *errand, const struct frame *frame);

/* Writes and reads, one call each at most. If the handler has ended its reply, the pair is closed.
 */
void errand_step(struct errand *errand, struct frame *frame);

/* Nobody wants the reply: a handler that writes on gets EPIPE. */
void errand_close(struct errand *errand);

/* When the pair is closed, what the handler's counters, or `done`, say of it. UNKNOWN: nothing; it
 * still works, or has died. */
enum errand_end { ERRAND_UNKNOWN, ERRAND_GOOD, ERRAND_REFUSED, ERRAND_CUT };
enum errand_end errand_end(const struct errand *errand, const struct slot *counters, bool done);

#endif
