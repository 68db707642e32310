/*
 * manners - -x: some of the connections misbehave, and which of them do is the same in every run.
 *
 * They are made in passing, beside the well-behaved ones: they take none of the -m places, appear
 * in none of the times, and are counted apart. So what the report says of the others shows whether
 * the server protects its good clients.
 */
#ifndef CLIENT_ASK_MISBEHAVE_H
#define CLIENT_ASK_MISBEHAVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MANNERS_MOST = 8,
    MANNERS_AT_ONCE = 1000, /* misbehaving connections that a process has open at a time */
    MANNERS_GOOD = -1,      /* the kind of all others */
    MANNERS_WINDOW = 4096,  /* bytes that the kernel keeps for one that reads slowly */
    MANNERS_GARBAGE = 256   /* bytes of it */
};

enum manner {
    MANNER_SLOW_SEND,  /* sends its request at so many bytes per second */
    MANNER_SLOW_READ,  /* reads the reply so */
    MANNER_HALF_CLOSE, /* shuts down writing behind its last request, then reads */
    MANNER_RESET,      /* resets the connection behind its first request */
    MANNER_SILENT,     /* connects and sends nothing */
    MANNER_GARBAGE     /* sends bytes that are no request */
};

struct misbehaviour {
    const char *text; /* as it was given, without the share */
    int length;       /* of that */
    enum manner manner;
    uint32_t pace;  /* bytes per second of the slow ones */
    uint32_t share; /* of DRAW_WHOLE */
    uint64_t below; /* it has the draws below this that no kind before has */
};

struct manners {
    struct misbehaviour kinds[MANNERS_MOST];
    unsigned count; /* 0: no -x */
};

/* Takes the value of a -x. Wrong usage if it is not allowed. */
void manners_take(struct manners *manners, const char *value);

/* Of all connections, how many of DRAW_WHOLE misbehave. */
uint64_t manners_share(const struct manners *manners);

/* Which kind of misbehaviour a connection is of that drew this, or MANNERS_GOOD. */
int manners_kind(const struct manners *manners, uint64_t drawn);

/* How many bytes a slow one may have moved in so many nanoseconds, and when it may move one more.
 */
uint64_t manners_allowed(const struct misbehaviour *kind, int64_t ns);
int64_t manners_due(const struct misbehaviour *kind, uint64_t bytes);

#endif
