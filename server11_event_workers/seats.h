/*
 * seats - the ends of the channels between the loop of server11 and its children: a socket pair for
 * each, a stream of messages of one size. A child answers them in the order in which it got them.
 */
#ifndef SERVER11_SEATS_H
#define SERVER11_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/conn.h"

/* To a child, and back from it when the work is done. */
struct message {
    uint32_t client, generation; /* its descriptor, and which of the connections that had it */
    uint32_t cpu_us, wait_us;
};

/* The loop's end. Invariant: the child has got `given` messages, and answered the first `answered`
 * of them. */
struct seat {
    int fd;               /* does not block; -1: no child has this number */
    struct worker worker; /* the child: replies are sent as its own */
    unsigned given, answered;
    struct message out, in;
    size_t unsent, received; /* bytes of `out` that are still to be sent, of `in` that are here */
};

/* A child takes its seat. */
void seat_take(struct seat *seat, int fd, const struct worker *worker);

/* Gives it the message, if nothing is unsent; sends what is unsent, as far as there is room. */
void seat_give(struct seat *seat, const struct message *message);
void seat_send(struct seat *seat);

/* Reads on. SEAT_ANSWER: `in` is an answer. SEAT_LOST: no other will come. */
enum seat_news { SEAT_NOTHING, SEAT_ANSWER, SEAT_LOST };
enum seat_news seat_hear(struct seat *seat);

/* In the child: waits for the next message. False if the child must leave: it was told to, and
 * nothing is there; or the loop's end is closed. Then sends it back, which is its answer. */
bool seat_receive(int channel, struct message *message, const struct worker *worker);
bool seat_answer(int channel, const struct message *message);

#endif
