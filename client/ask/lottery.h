/*
 * draw - a lottery that is the same in every run: which requests are of which class of -W, which
 * connections misbehave (-x).
 *
 * A draw is a hash of the seed (-S), of the client process and of how many draws that process has
 * made before: nothing that depends on time, so two servers, or two settings of one, are asked for
 * the same.
 */
#ifndef CLIENT_ASK_LOTTERY_H
#define CLIENT_ASK_LOTTERY_H

#include <stdbool.h>
#include <stdint.h>

enum { DRAW_WHOLE = 1000 * 1000 * 1000 }; /* of shares: 0.01 is 10,000,000. It adds up exactly */

/* What is drawn for: one lottery does not depend on another. */
enum draw_purpose { DRAW_WORK, DRAW_MANNERS };

/* A share in the value of an option: a decimal above 0 and at most 1. `*text` is moved behind it.
 */
bool draw_take_share(const char **text, uint32_t *share);

/* What draw() wants to know of a client process. */
uint64_t draw_key(uint32_t seed, unsigned process, enum draw_purpose purpose);

/* The `nth` draw, 32 bits. It is below draw_limit(share) in that share of all draws. */
uint64_t draw(uint64_t key, uint64_t nth);
uint64_t draw_limit(uint64_t share);

#endif
