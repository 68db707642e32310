/*
 * mix - -W: some of the requests ask for work, and which of them do is the same in every run
 * (draw.h). Each -W is a class of requests with its share of all; the rest, if there is one, is
 * plain.
 */
#ifndef CLIENT_ASK_WORK_H
#define CLIENT_ASK_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MIX_OPTIONS_MOST = 7,
    MIX_CLASSES_MOST = MIX_OPTIONS_MOST + 1, /* the plain one */
    MIX_LINE = 48                            /* room for a request */
};

struct work {
    uint32_t cpu_us, wait_us; /* at most 10 s each */
    uint32_t share;           /* of DRAW_WHOLE */
    uint64_t below;           /* it has the draws below this that no class before has */
};

/* Invariant, after mix_end(): the shares of all classes add up to DRAW_WHOLE, and the last one's
 * `below` is above every draw. */
struct mix {
    struct work works[MIX_CLASSES_MOST]; /* in the order of the options, the plain class last */
    unsigned options;                    /* how many -W */
    unsigned classes;                    /* that, or one more; 0: no -W, and all the same */
};

/* Takes the value of a -W. Wrong usage if it is not allowed. */
void mix_take(struct mix *mix, const char *value);

/* There are no more options. */
void mix_end(struct mix *mix);

/* Of all requests, how many of DRAW_WHOLE are of some -W. */
uint32_t mix_share(const struct mix *mix);

/* Writes the request of a class; returns its length. Without -W there is class 0, and it is plain.
 */
size_t mix_request(const struct mix *mix, unsigned class, uint64_t bytes, char line[MIX_LINE]);

/* The class of a request that drew this. */
unsigned mix_class(const struct mix *mix, uint64_t drawn);

#endif
