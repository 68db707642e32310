/*
 * fuzz_primes - server05_spawn_pool/handlers/handler_primes.c: the parser of its requests.
 *
 * The oracle reads the request with other means, and multiplies what comes back. Numbers whose
 * factors would take long are only parsed: a limit of this test, not of the handler, which has
 * none.
 */
#include "handled.h"

#include "../../server05_spawn_pool/handlers/handler_primes.c"

#undef main

enum { LENGTH_MOST = 256 };

static const uint64_t quick = UINT64_C(10000000000); /* up to that factors are found at once */

/* --- the oracle ------------------------------------------------------------------------------ */

struct asked {
    bool valid, next;
    size_t start, end; /* where the number stands */
    uint64_t number;
};

/* At most 20 digits and not above 2^64 - 1, whatever zeros are in front. */
static bool
read_number(const char *text, size_t length, uint64_t *number)
{
    static const char most[] = "18446744073709551615";
    char digits[21];

    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    while (length > 1 && *text == '0') {
        text++;
        length--;
    }
    if (length > 20 || (length == 20 && memcmp(text, most, 20) > 0)) {
        return false;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    *number = strtoull(digits, NULL, 10);
    return true;
}

static struct asked
understand(const char *text, size_t length)
{
    struct asked asked = {.end = length};

    if (length >= 5 && memcmp(text, "next ", 5) == 0) {
        asked.next = true;
        asked.start = 5;
    } else if (length >= 7 && memcmp(text, "factor ", 7) == 0) {
        asked.start = 7;
    }
    if (length - asked.start >= 2 && memcmp(text + length - 2, "\r\n", 2) == 0) {
        asked.end -= 2;
    } else if (length - asked.start >= 1 && text[length - 1] == '\n') {
        asked.end -= 1;
    }
    asked.valid = read_number(text + asked.start, asked.end - asked.start, &asked.number);
    return asked;
}

static bool
is_prime(uint64_t number)
{
    for (uint64_t d = 2; d * d <= number; d++) {
        if (number % d == 0) {
            return false;
        }
    }
    return number > 1;
}

/* "84 = 2^2 * 3 * 7": growing primes, whose product is the number. */
static void
check_factors(const char *reply, uint64_t number)
{
    char start[32];
    uint64_t product = 1, last = 1;
    size_t length = (size_t)snprintf(start, sizeof start, "%" PRIu64 " = ", number);

    CHECK(strncmp(reply, start, length) == 0, "%s", reply);
    reply += length;
    if (number == 1) {
        CHECK(strcmp(reply, "1\n") == 0, "%s", reply);
        return;
    }
    for (;;) {
        char *end;
        uint64_t prime = strtoull(reply, &end, 10);
        unsigned long power = *end == '^' ? strtoul(end + 1, &end, 10) : 1;

        CHECK(prime > last && is_prime(prime) && power >= 1, "%s", reply);
        last = prime;
        while (power-- > 0) {
            product *= prime;
        }
        reply = end + 3;
        if (strncmp(end, " * ", 3) != 0) {
            CHECK(strcmp(end, "\n") == 0, "%s", end);
            break;
        }
    }
    CHECK(product == number, "the product is %" PRIu64, product);
}

static void
check_next(const char *reply, uint64_t number)
{
    char *end;
    uint64_t prime = strtoull(reply, &end, 10);

    CHECK(strcmp(end, "\n") == 0 && prime > number && is_prime(prime), "%s", reply);
    for (uint64_t between = number + 1; between < prime; between++) {
        CHECK(!is_prime(between), "%s", reply);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct asked asked = understand((const char *)data, size);
    struct handler_reply reply;
    bool good;

    if (size == 0 || size > LENGTH_MOST) {
        return 0;
    }
    if (asked.valid && asked.number > quick && !(asked.next && asked.number >= largest_prime)) {
        uint64_t number;

        CHECK(parse_number(data + asked.start, data + asked.end, &number) && number == asked.number,
              "%" PRIu64 " is taken for another number", asked.number);
        return 0;
    }
    good = handled_ask(data, size, &reply);
    if (!asked.valid || (asked.next ? asked.number >= largest_prime : asked.number == 0)) {
        CHECK(!good && reply.length == 0, "taken: %s", reply.bytes);
    } else {
        CHECK(good, "refused: %s", reply.message);
        if (asked.next) {
            check_next(reply.bytes, asked.number);
        } else {
            check_factors(reply.bytes, asked.number);
        }
    }
    free(reply.bytes);
    return 0;
}
