/*
 * replies - -v with -M: prints the replies as they come.
 *
 * A client that has one connection at a time prints each piece as it comes. If several connections
 * bring their replies at the same time, a short reply is held until it is whole and printed by one
 * write(2), so that it stays in one piece; the pieces of long ones may mix.
 */
#ifndef CLIENT_REPORT_REPLIES_H
#define CLIENT_REPORT_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#include "../figures/tally.h"

/* Of one reply. All zero: nothing of it has come. */
struct printed {
    char *held; /* `used` bytes that are not yet printed */
    size_t used;
    bool unended; /* its last byte so far is no line feed */
};

/* Once per process. */
void replies_open(const struct load *load, struct tally *tally);

/* Takes the next `length` bytes of a reply, at least 1. If they cannot be printed, the tally says
 * so, and nothing more is printed. */
void replies_take(struct printed *printed, const char *data, size_t length);

/* The reply is over: prints the rest, and a line feed if it lacks one. */
void replies_end(struct printed *printed);

#endif
