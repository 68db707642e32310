/*
 * misbehave - -x: some of the connections misbehave, and the same ones in every run (lottery.h).
 *
 * They are made beside the well-behaved connections: they take none of the -m places, appear in
 * none of the times, and are counted apart. So the figures of the well-behaved connections show
 * whether the server protects its good clients.
 */
#ifndef CLIENT_ASK_MISBEHAVE_H
#define CLIENT_ASK_MISBEHAVE_H

#include <stdint.h>

#include "lottery.h"

enum {
    MISBEHAVE_MOST = LOTTERY_LOTS_MOST,
    MISBEHAVE_AT_ONCE = 1000, /* misbehaving connections that a process has open at a time */
    MISBEHAVE_NOT = -1,       /* the kind of a well-behaved connection */
    MISBEHAVE_WINDOW = 4096,  /* bytes that the kernel keeps for one that reads slowly */
    MISBEHAVE_NOISE = 256     /* bytes of garbage */
};

enum misbehave_how {
    MISBEHAVE_SLOW_SEND,  /* sends its request at so many bytes per second */
    MISBEHAVE_SLOW_READ,  /* reads the reply at so many bytes per second */
    MISBEHAVE_HALF_CLOSE, /* shuts down writing behind its last request, then reads */
    MISBEHAVE_RESET,      /* resets the connection behind its first request */
    MISBEHAVE_SILENT,     /* connects and sends nothing */
    MISBEHAVE_GARBAGE     /* sends bytes that are no request */
};

/* A kind: what one -x asks for. */
struct misbehaviour {
    const char *text; /* as it was given: `length` bytes, without the share */
    int length;
    enum misbehave_how how;
    uint32_t pace; /* bytes per second of the slow ones */
};

struct misbehaviours {
    struct lottery lots; /* one for each -x: kind i is lot i */
    struct misbehaviour kinds[MISBEHAVE_MOST];
};

/* Takes the value of a -x. Wrong usage if it is not allowed. */
void misbehave_take(struct misbehaviours *misbehaviours, const char *value);

/* The kind of a process's `nth` connection, or MISBEHAVE_NOT; `key` is that of lottery_key(). */
int misbehave_kind(const struct misbehaviours *misbehaviours, uint64_t key, uint64_t nth);

/* How many bytes a slow one may have moved in `ns` nanoseconds, and when it may move one more. */
uint64_t misbehave_allowed(const struct misbehaviour *kind, int64_t ns);
int64_t misbehave_due(const struct misbehaviour *kind, uint64_t bytes);

#endif
