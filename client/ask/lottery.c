#include "lottery.h"

#include <stdio.h>

#include "../../common/die.h"
#include "../../common/options.h"

enum { WHY = 100 }; /* bytes of a reason */

/* --- the lots -------------------------------------------------------------------------------- */

void
lottery_refuse(const struct lottery_option *option, const char *value, const char *why)
{
    die_usage("-%c '%.60s': %s; for example -%c %s", option->letter, value, why, option->letter,
              option->example);
}

uint32_t
lottery_share(const struct lottery *lottery)
{
    uint32_t share = 0;

    for (unsigned i = 0; i < lottery->count; i++) {
        share += lottery->shares[i];
    }
    return share;
}

void
lottery_add(struct lottery *lottery, const struct lottery_option *option, const char *value,
            const char *text)
{
    uint64_t share = LOTTERY_WHOLE, sum = lottery_share(lottery);
    char why[WHY] = "";

    if (*text == '@' && (text++, !options_take_quantity(&text, OPTIONS_SIZE, LOTTERY_WHOLE,
                                                        LOTTERY_WHOLE, &share) ||
                                     share == 0)) {
        lottery_refuse(option, value,
                       "SHARE must be above 0 and at most 1, such as 0.5 (not .5), to 9 decimals");
    }
    if (*text != '\0') {
        snprintf(why, sizeof why, "%s is allowed and nothing else", option->form);
    } else if (lottery->count == option->most) {
        snprintf(why, sizeof why, "at most %u of them are allowed", option->most);
    } else if (sum + share > LOTTERY_WHOLE) {
        snprintf(why, sizeof why,
                 "the shares of all -%c are more than 1 together (one without @SHARE has 1)",
                 option->letter);
    }
    if (*why != '\0') {
        lottery_refuse(option, value, why);
    }
    lottery->shares[lottery->count] = (uint32_t)share;
    lottery->below[lottery->count++] = ((sum + share) << 32) / LOTTERY_WHOLE;
}

/* --- the draws ------------------------------------------------------------------------------- */

/* The output function of splitmix64 (Steele, Lea, Flood 2014): one bit changed in changes about
 * half of those out. */
static uint64_t
scramble(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

uint64_t
lottery_key(uint32_t seed, unsigned process, enum lottery_purpose purpose)
{
    uint64_t key = ((uint64_t)seed << 32 | process) + UINT64_C(0x9e3779b97f4a7c15);

    /* Scrambled, so that no two processes go through the same sequence a few steps apart; and once
     * more for every purpose, so that the two lotteries of a process have nothing in common. */
    for (int i = 0; i <= (int)purpose; i++) {
        key = scramble(key);
    }
    return key;
}

uint64_t
lottery_bits(uint64_t key, uint64_t nth)
{
    return scramble(key + nth * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
}

unsigned
lottery_draw(const struct lottery *lottery, uint64_t key, uint64_t nth)
{
    uint64_t bits = lottery->count > 0 ? lottery_bits(key, nth) : 0;
    unsigned lot = 0;

    while (lot < lottery->count && bits >= lottery->below[lot]) {
        lot++;
    }
    return lot;
}
