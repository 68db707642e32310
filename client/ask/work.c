#include "work.h"

#include <stdio.h>
#include <string.h>

#include "../../common/conn.h"
#include "../../common/die.h"
#include "number.h"
#include "lottery.h"

/* --- the options ----------------------------------------------------------------------------- */

static _Noreturn void
not_allowed(const char *value, const char *what)
{
    die_usage("-W '%.60s': %s; for example -W 20000@0.01", value, what);
}

static struct work
parse(const char *value)
{
    struct work work = {.share = DRAW_WHOLE};
    const char *text = value;

    if (!digits_take(&text, CONN_WORK_MAX, &work.cpu_us)) {
        not_allowed(value, "CPU_US must be whole microseconds from 0 to 10000000");
    }
    if (*text == ':' && (text++, !digits_take(&text, CONN_WORK_MAX, &work.wait_us))) {
        not_allowed(value, "WAIT_US must be whole microseconds from 0 to 10000000");
    }
    if (*text == '@' && (text++, !draw_take_share(&text, &work.share))) {
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
    if (work.share > DRAW_WHOLE - mix_share(mix)) {
        not_allowed(value,
                    "the shares of all -W are more than 1 together (one without @SHARE has 1)");
    }
    mix->works[mix->options++] = work;
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

    if (mix->options == 0) {
        return;
    }
    mix->classes = mix->options;
    if (mix_share(mix) < DRAW_WHOLE) {
        mix->works[mix->classes++] = (struct work){.share = DRAW_WHOLE - mix_share(mix)};
    }
    for (unsigned i = 0; i < mix->classes; i++) {
        share += mix->works[i].share;
        mix->works[i].below = draw_limit(share);
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

unsigned
mix_class(const struct mix *mix, uint64_t drawn)
{
    unsigned class = 0;

    while (drawn >= mix->works[class].below) {
        class ++;
    }
    return class;
}
