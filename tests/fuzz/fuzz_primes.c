/*
 * fuzz_primes - handlers/handler_primes.c: the parser of its requests.
 *
 * The oracle reads the request with other means, and tries all divisors. Numbers whose factors
 * would take long are only parsed: a limit of this test, not of the handler, which has none.
 */
#include "handled.h"

#include "../../handlers/handler_primes.c"

enum { LENGTH_MOST = 256 };

static const uint64_t quick = UINT64_C(10000000000); /* up to that factors are found at once */

/* --- the oracle ------------------------------------------------------------------------------ */

struct asked {
    bool valid, next;
    size_t start, end; /* where the number stands */
    uint64_t value;
};

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
    asked.valid =
        fuzz_number(text + asked.start, asked.end - asked.start, UINT64_MAX, &asked.value);
    return asked;
}

static bool
is_prime(uint64_t value)
{
    for (uint64_t d = 2; d * d <= value; d++) {
        if (value % d == 0) {
            return false;
        }
    }
    return value > 1;
}

/* "84 = 2^2 * 3 * 7", by trying all divisors. */
static void
check_factors(const char *reply, uint64_t value)
{
    char wanted[256];
    int end = snprintf(wanted, sizeof wanted, "%" PRIu64 " = %s", value, value == 1 ? "1" : "");
    const char *between = "";

    for (uint64_t d = 2; value > 1; d++) {
        unsigned power = 0;

        d = d * d > value ? value : d; /* then the rest is a prime */
        for (; value % d == 0; value /= d) {
            power++;
        }
        if (power > 0) {
            end += snprintf(wanted + end, sizeof wanted - (size_t)end, "%s%" PRIu64, between, d);
            between = " * ";
        }
        if (power > 1) {
            end += snprintf(wanted + end, sizeof wanted - (size_t)end, "^%u", power);
        }
    }
    CHECK(strncmp(reply, wanted, (size_t)end) == 0 && strcmp(reply + end, "\n") == 0,
          "%s instead of %s", reply, wanted);
}

static void
check_next(const char *reply, uint64_t value)
{
    char *end;
    uint64_t prime = strtoull(reply, &end, 10);

    CHECK(strcmp(end, "\n") == 0 && prime > value && is_prime(prime), "%s", reply);
    for (uint64_t between = value + 1; between < prime; between++) {
        CHECK(!is_prime(between), "%s", reply);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct asked asked = understand((const char *)data, size);
    static struct handler_reply reply;
    bool good;

    if (size == 0 || size > LENGTH_MOST) {
        return 0;
    }
    if (asked.valid && asked.value > quick && !(asked.next && asked.value >= largest_prime)) {
        uint64_t taken;

        CHECK(parse_number(data + asked.start, data + asked.end, &taken) && taken == asked.value,
              "%" PRIu64 " is taken for another number", asked.value);
        return 0;
    }
    good = handled_ask(data, size, &reply);
    if (!asked.valid || (asked.next ? asked.value >= largest_prime : asked.value == 0)) {
        CHECK(!good && reply.length == 0, "taken: %s", reply.bytes);
    } else {
        CHECK(good, "refused: %s", reply.message);
        if (asked.next) {
            check_next(reply.bytes, asked.value);
        } else {
            check_factors(reply.bytes, asked.value);
        }
    }
    return 0;
}
