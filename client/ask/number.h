/*
 * number - a billion, and its part of something.
 */
#ifndef CLIENT_ASK_NUMBER_H
#define CLIENT_ASK_NUMBER_H

#include <stdint.h>

enum { NUMBER_BILLION = 1000 * 1000 * 1000 };

/* number * factor / divisor, in two steps: the product might overflow. */
static inline uint64_t
number_scale(uint64_t number, uint64_t factor, uint64_t divisor)
{
    return number / divisor * factor + number % divisor * factor / divisor;
}

#endif
