/*
 * mix - -W: some of the requests ask for work, and which of them do is the same in every run.
 *
 * Each -W is a class of requests with its share of all; the rest, if there is one, is plain. The
 * class of a request is a hash of the seed (-S), of the client process and of how many requests
 * that process has made before: nothing that depends on time, so two servers, or two settings of
 * one, are asked for the same.
 */
#ifndef CLIENT_MIX_H
#define CLIENT_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MIX_OPTIONS_MOST = 7,
    MIX_CLASSES_MOST = MIX_OPTIONS_MOST + 1, /* the plain one */
    MIX_WHOLE = 1000 * 1000 * 1000,          /* of shares: 0.01 is 10,000,000. It adds up exactly */
    MIX_LINE = 48                            /* room for a request */
};

struct work {
    uint32_t cpu_us, wait_us; /* at most 10 s each */
    uint32_t share;           /* of MIX_WHOLE */
    uint64_t below;           /* it has the hashes (32 bits) below this that no class before has */
};

/* Invariant, after mix_end(): the shares of all classes add up to MIX_WHOLE, and the last one's
 * `below` is above every hash. */
struct mix {
    struct work works[MIX_CLASSES_MOST]; /* in the order of the options, the plain class last */
    unsigned options;                    /* how many -W */
    unsigned classes;                    /* that, or one more; 0: no -W, and all the same */
    uint32_t seed;                       /* -S */
    bool seeded;                         /* there is a -S */
};

/* Take the value of a -W, of a -S. Wrong usage if it is not allowed. */
void mix_take(struct mix *mix, const char *value);
void mix_take_seed(struct mix *mix, const char *value);

/* There are no more options. */
void mix_end(struct mix *mix);

/* Of all requests, how many of MIX_WHOLE are of some -W. */
uint32_t mix_share(const struct mix *mix);

/* Writes the request of a class; returns its length. Without -W there is class 0, and it is plain.
 */
size_t mix_request(const struct mix *mix, unsigned class, uint64_t bytes, char line[MIX_LINE]);

/* What mix_class() wants to know of a client process. */
uint64_t mix_key(const struct mix *mix, unsigned process);

/* The class of the `nth` request of the process with that key. */
unsigned mix_class(const struct mix *mix, uint64_t key, uint64_t nth);

#endif
