/*
 * lottery - draws lots: which requests ask for the work of -W, which connections misbehave (-x).
 *
 * A draw is a hash of the seed (-S), of the client process and of how many draws that process has
 * made before: nothing that depends on time. So each run, against whatever server, asks for the
 * same.
 */
#ifndef CLIENT_ASK_LOTTERY_H
#define CLIENT_ASK_LOTTERY_H

#include <stdint.h>

enum {
    LOTTERY_WHOLE = 1000 * 1000 * 1000, /* the share 1; so decimals add up exactly */
    LOTTERY_LOTS_MOST = 8
};

/* Each has draws of its own, which do not depend on the other's. */
enum lottery_purpose { LOTTERY_WORK, LOTTERY_MISBEHAVE };

/* An option that adds a lot each time it is given. */
struct lottery_option {
    char letter;
    unsigned most;       /* lots */
    const char *form;    /* such as HOW[@SHARE] */
    const char *example; /* a good value */
};

struct lottery {
    unsigned count;                     /* of lots */
    uint32_t shares[LOTTERY_LOTS_MOST]; /* of all draws, in parts of LOTTERY_WHOLE */
    uint64_t below[LOTTERY_LOTS_MOST];  /* lot i wins draws below this, if no lot before it does */
};

/* Wrong usage: `why` the value of the option is not allowed. */
_Noreturn void lottery_refuse(const struct lottery_option *option, const char *value,
                              const char *why);

/* Adds a lot. Its share is at the end of the option's value, from `text` on: @SHARE, or nothing,
 * which is 1. Wrong usage if that is not allowed, or more than is left. */
void lottery_add(struct lottery *lottery, const struct lottery_option *option, const char *value,
                 const char *text);

/* The share of all lots together. */
uint32_t lottery_share(const struct lottery *lottery);

/* Identifies the draws of a client process. */
uint64_t lottery_key(uint32_t seed, unsigned process, enum lottery_purpose purpose);

/* The `nth` draw, 32 bits. */
uint64_t lottery_bits(uint64_t key, uint64_t nth);

/* The lot that wins the `nth` draw; `count` if none does. */
unsigned lottery_draw(const struct lottery *lottery, uint64_t key, uint64_t nth);

#endif
