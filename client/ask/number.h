/*
 * digits - numbers inside the values of options, as strict as those that are a whole value.
 */
#ifndef CLIENT_ASK_NUMBER_H
#define CLIENT_ASK_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { DIGITS_BILLION = 1000 * 1000 * 1000 };

/* Digits, and nothing in front of them; `*text` is moved behind them. False if there are none or
 * the number is more than `most`. */
bool digits_take(const char **text, uint64_t most, uint32_t *number);

/* A decimal with up to 9 places, in billionths: 0.01 is 10,000,000, and 0.7, 0.2 and 0.1 are 1
 * together, as they are not in floating point. Its whole part is at most `most`. */
bool digits_take_decimal(const char **text, uint64_t most, uint64_t *billionths);

#endif
