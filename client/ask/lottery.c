#include "lottery.h"

#include "number.h"

bool
draw_take_share(const char **text, uint32_t *share)
{
    uint64_t billionths;

    if (!digits_take_decimal(text, 1, &billionths) || billionths > DRAW_WHOLE) {
        return false;
    }
    *share = (uint32_t)billionths;
    return billionths > 0;
}

uint64_t
draw_limit(uint64_t share)
{
    return (share << 32) / DRAW_WHOLE;
}

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
draw_key(uint32_t seed, unsigned process, enum draw_purpose purpose)
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
draw(uint64_t key, uint64_t nth)
{
    return scramble(key + nth * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
}
