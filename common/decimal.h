/*
 * decimal - numbers as digits, read and written by hand: neither calls the C library, for in
 * server01 each child serves anew, and each of its functions that a process has not used yet costs
 * it a page fault, printf() several.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

/* Reads digits up to something else or `end`, and moves `*text` behind them; false if there are
 * none or the value exceeds `most`. */
bool decimal_take(const char **text, const char *end, uint64_t most, uint64_t *value);

/* Writes it, without a '\0'; returns what is behind it. */
char *decimal_put(char *to, uint64_t value);

#endif
