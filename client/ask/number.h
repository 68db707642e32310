/*
 * number - numbers inside the values of options, as strict as those that are a whole value.
 */
#ifndef CLIENT_ASK_NUMBER_H
#define CLIENT_ASK_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_BILLION = 1000 * 1000 * 1000 };

/* Takes the digits that `*text` begins with, and moves `*text` behind them. False if there are none
 * or the number is more than `most`. */
bool number_take(const char **text, uint64_t most, uint32_t *number);

/* Takes a decimal with up to 9 places, in billionths: 0.01 is 10,000,000; and 0.7, 0.2 and 0.1 are
 * 1 together, as they are not in floating point. Its whole part is at most `most`. */
bool number_take_decimal(const char **text, uint64_t most, uint64_t *billionths);

/* number * factor / divisor, in two steps: the product might overflow. */
static inline uint64_t
number_scale(uint64_t number, uint64_t factor, uint64_t divisor)
{
    return number / divisor * factor + number % divisor * factor / divisor;
}

#endif
