#include "mix.h"

#include <stdio.h>
#include <string.h>

#include "../common/conn.h"
#include "../common/die.h"

enum { DECIMALS = 9 }; /* of a share: as MIX_WHOLE has zeros */

static const char digits[] = "0123456789";

/* --- the options ----------------------------------------------------------------------------- */

static _Noreturn void
not_allowed(const char *value, const char *what)
{
    die_usage("-W '%.60s': %s; for example -W 20000@0.01", value, what);
}

/* Digits, and nothing in front of them. Stops where it gets too much. */
static bool
take_number(const char **text, uint64_t most, uint32_t *number)
{
    size_t length = strspn(*text, digits);
    uint64_t value = 0;

    for (size_t i = 0; i < length; i++) {
        value = value * 10 + (uint64_t)((*text)[i] - '0');
        if (value > most) {
            return false;
        }
    }
    *text += length;
    *number = (uint32_t)value;
    return length > 0;
}

/* A decimal above 0 and at most 1. No floating point: 0.7, 0.2 and 0.1 must be 1 together. */
static bool
take_share(const char **text, uint32_t *share)
{
    uint32_t whole, part = 0;

    if (!take_number(text, 1, &whole)) {
        return false;
    }
    if (**text == '.') {
        size_t decimals = strspn(++*text, digits);

        if (decimals > DECIMALS || !take_number(text, MIX_WHOLE - 1, &part)) {
            return false;
        }
        for (; decimals < DECIMALS; decimals++) {
            part *= 10;
        }
    }
    *share = whole * MIX_WHOLE + part;
    return *share > 0 && *share <= MIX_WHOLE;
}

static struct work
parse(const char *value)
{
    struct work work = {.share = MIX_WHOLE};
    const char *text = value;

    if (!take_number(&text, CONN_WORK_MAX, &work.cpu_us)) {
        not_allowed(value, "CPU_US must be a whole number from 0 to 10000000");
    }
    if (*text == ':' && (text++, !take_number(&text, CONN_WORK_MAX, &work.wait_us))) {
        not_allowed(value, "WAIT_US must be a whole number from 0 to 10000000");
    }
    if (*text == '@' && (text++, !take_share(&text, &work.share))) {
        not_allowed(value, "SHARE must be above 0 and at most 1, such as 0.5, at most 9 decimals");
    }
    if (*text != '\0') {
        not_allowed(value, "CPU_US[:WAIT_US][@SHARE] is allowed and nothing else");
    }
    return work;
}

void
mix_take(struct mix *mix, const char *value)
{
    struct work work = parse(value);

    if (mix->options == MIX_OPTIONS_MOST) {
        not_allowed(value, "at most 7 of them are allowed");
    }
    if (work.share > MIX_WHOLE - mix_share(mix)) {
        not_allowed(
            value,
            "the shares add up to more than 1, which is also the share of a -W without @SHARE");
    }
    mix->works[mix->options++] = work;
}

void
mix_take_seed(struct mix *mix, const char *value)
{
    const char *text = value;

    if (!take_number(&text, UINT32_MAX, &mix->seed) || *text != '\0') {
        die_usage("-S '%.60s': a whole number from 0 to %lu is allowed", value,
                  (unsigned long)UINT32_MAX);
    }
    mix->seeded = true;
}

uint32_t
mix_share(const struct mix *mix)
{
    uint32_t share = 0;

    for (unsigned i = 0; i < mix->options; i++) {
        share += mix->works[i].share;
    }
    return share;
}

void
mix_end(struct mix *mix)
{
    uint64_t share = 0;

    if (mix->options == 0 && mix->seeded) {
        die_usage("-S without -W: only a mix of requests has a seed");
    }
    if (mix->options == 0) {
        return;
    }
    mix->classes = mix->options;
    if (mix_share(mix) < MIX_WHOLE) {
        mix->works[mix->classes++] = (struct work){.share = MIX_WHOLE - mix_share(mix)};
    }
    for (unsigned i = 0; i < mix->classes; i++) {
        share += mix->works[i].share;
        mix->works[i].below = (share << 32) / MIX_WHOLE;
    }
}

/* --- the requests ---------------------------------------------------------------------------- */

size_t
mix_request(const struct mix *mix, unsigned class, uint64_t bytes, char line[MIX_LINE])
{
    const struct work *work = &mix->works[class];
    unsigned long long count = bytes;

    if (class >= mix->options) {
        return (size_t)snprintf(line, MIX_LINE, "%llu\n", count);
    }
    return (size_t)snprintf(line, MIX_LINE, "%llu %lu %lu\n", count, (unsigned long)work->cpu_us,
                            (unsigned long)work->wait_us);
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
mix_key(const struct mix *mix, unsigned process)
{
    /* Scrambled, so that no two processes go through the same sequence a few steps apart. */
    return scramble(((uint64_t)mix->seed << 32 | process) + UINT64_C(0x9e3779b97f4a7c15));
}

unsigned
mix_class(const struct mix *mix, uint64_t key, uint64_t nth)
{
    uint64_t hash = scramble(key + nth * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    unsigned class = 0;

    while (hash >= mix->works[class].below) {
        class ++;
    }
    return class;
}
