/*
 * handler_primes - factors numbers and finds primes, and takes its time over it.
 *
 *     84   or   factor 84   becomes   84 = 2^2 * 3 * 7
 *     next 84               becomes   89, the smallest prime greater than 84
 *
 * It stands for an application that computes: it waits for nothing while it works, so as many
 * instances as there are processors are enough, and further ones only take turns with them. Burning
 * processor time is its purpose, so it tries 2, 3 and every 6k-1 and 6k+1 up to the root, although
 * far better ways are known. What a request costs is the client's choice. As measured here: the
 * primes 999999999989 (12 digits) 1.2 ms, 999999999999989 (15 digits) 36 ms, 18446744073709551557
 * (the largest of 64 bits) 4.9 s. A handler that strangers may ask needs a limit; this has none.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "handler.h"

static bool answer(const unsigned char *request, size_t length, struct handler_reply *reply);
static bool skip_word(const unsigned char **text, const unsigned char *end, const char *word);
static bool parse_number(const unsigned char *text, const unsigned char *end, uint64_t *number);
static bool reply_factors(uint64_t number, struct handler_reply *reply);
static bool reply_next(uint64_t number, struct handler_reply *reply);
static uint64_t smallest_factor(uint64_t number);

static const uint64_t largest_prime = UINT64_C(18446744073709551557); /* 2^64 - 59 */

int
main(int argc, char **argv)
{
    return handler_main(argc, argv, answer);
}

static bool
answer(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    const unsigned char *text = request, *end = request + length;
    bool next = skip_word(&text, end, "next ");
    uint64_t number;

    if (!next) {
        skip_word(&text, end, "factor "); /* may be left out */
    }
    if (end > text && end[-1] == '\n') {
        end--;
        if (end > text && end[-1] == '\r') {
            end--;
        }
    }
    if (!parse_number(text, end, &number)) {
        return handler_fail(reply,
                            "'N', 'factor N' or 'next N' is allowed, N a whole number up to "
                            "%" PRIu64,
                            UINT64_MAX);
    }
    return next ? reply_next(number, reply) : reply_factors(number, reply);
}

static bool
skip_word(const unsigned char **text, const unsigned char *end, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(end - *text) < length || memcmp(*text, word, length) != 0) {
        return false;
    }
    *text += length;
    return true;
}

/* Digits and nothing else: strtoull() would take blanks and signs, and needs a zero byte. */
static bool
parse_number(const unsigned char *text, const unsigned char *end, uint64_t *number)
{
    *number = 0;
    for (const unsigned char *next = text; next < end; next++) {
        unsigned digit = (unsigned)*next - '0';

        if (digit > 9 || *number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return text < end;
}

static bool
reply_factors(uint64_t number, struct handler_reply *reply)
{
    uint64_t rest = number;

    if (number == 0) {
        return handler_fail(reply, "factor 0: a number from 1 to %" PRIu64 " is allowed",
                            UINT64_MAX);
    }
    handler_print(reply, "%" PRIu64 " = ", number);
    if (number == 1) {
        handler_print(reply, "1");
    }
    while (rest > 1) {
        uint64_t prime = smallest_factor(rest);
        int power = 0;

        for (; rest % prime == 0; rest /= prime) {
            power++;
        }
        handler_print(reply, "%" PRIu64, prime);
        if (power > 1) {
            handler_print(reply, "^%d", power);
        }
        handler_print(reply, "%s", rest > 1 ? " * " : "");
    }
    handler_print(reply, "\n");
    return true;
}

static bool
reply_next(uint64_t number, struct handler_reply *reply)
{
    if (number >= largest_prime) {
        return handler_fail(reply,
                            "next: a number below %" PRIu64 ", the largest prime of 64 "
                            "bits, is allowed",
                            largest_prime);
    }
    do {
        number++;
    } while (number < 2 || smallest_factor(number) != number);
    handler_print(reply, "%" PRIu64 "\n", number);
    return true;
}

/* Of a number from 2 on; of a prime, itself. What is found first is a prime: if it were a product,
 * one of its factors would have been found before. */
static uint64_t
smallest_factor(uint64_t number)
{
    if (number % 2 == 0) {
        return 2;
    }
    if (number % 3 == 0) {
        return 3;
    }
    /* d is 6k-1. Not d * d <= number: near the largest numbers that overflows, and goes on. */
    for (uint64_t d = 5; d <= number / d; d += 6) {
        if (number % d == 0) {
            return d;
        }
        if (number % (d + 2) == 0) {
            return d + 2;
        }
    }
    return number;
}
