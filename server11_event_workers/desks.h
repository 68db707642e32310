/*
 * desks - where the loop of server11 gives work to its children, and takes it back. A forked child
 * has a socket pair with the loop, a stream of messages of one size, which it answers in the order
 * in which it got them. A handler (-e) has a channel, through which it gets an errand for each
 * request: handlers.h.
 */
#ifndef SERVER11_DESKS_H
#define SERVER11_DESKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "handlers.h"

/* To a child, and back from it when the work is done. */
struct message {
    uint32_t client, generation; /* its descriptor, and which of the connections that had it */
    uint32_t cpu_us, wait_us;
};

/* Invariant: the child has got `given` requests, and answered the first `answered` of them. */
struct desk {
    struct worker worker; /* the child: replies are sent as its own */
    unsigned given, answered;
    unsigned long long before; /* wake-ups of a forked child's predecessors; it has one for each
                                * request that it has received */
    struct message out;        /* the last one that was given */
    bool stopped;              /* the child is, and what it had not begun has been taken back */
    int fd;                    /* a forked child's: does not block; -1: there is none */
    struct message in;         /* its answer */
    size_t unsent;             /* bytes of `out` that are still to be sent */
    size_t received;           /* bytes of `in` that are here */
    struct channel channel;    /* a handler's */
    struct errand errand;      /* what it has in hand: one at most */
    bool dead;                 /* it has been reaped; what it had in hand is not settled, */
    bool begun;                /* and was no longer in its channel */
};

/* A forked child takes its desk. */
void desk_take(struct desk *desk, int fd, const struct worker *worker);

/* Gives it the message, if nothing is unsent; sends what is unsent, as far as there is room. */
void desk_give(struct desk *desk, const struct message *message);
void desk_send(struct desk *desk);

/* Reads on. DESK_ANSWER: `in` is an answer. DESK_LOST: no other will come. */
enum desk_news { DESK_NOTHING, DESK_ANSWER, DESK_LOST };
enum desk_news desk_hear(struct desk *desk);

/* In the child: works for the messages, and sends each back, which is its answer; until the child
 * must leave, and nothing is there, or the loop's end is closed. */
void desk_serve(int channel, struct worker *worker);

#endif
