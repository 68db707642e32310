#include "misbehave.h"

#include <string.h>

#include "../../common/die.h"
#include "number.h"
#include "lottery.h"

enum { PACE_MOST = 1000 * 1000 * 1000, NS = 1000 * 1000 * 1000 };

static const struct {
    const char *name;
    enum manner manner;
    bool paced; /* its name is followed by =BYTES per second */
} names[] = {
    {"slow-send", MANNER_SLOW_SEND, true},    {"slow-read", MANNER_SLOW_READ, true},
    {"half-close", MANNER_HALF_CLOSE, false}, {"reset", MANNER_RESET, false},
    {"silent", MANNER_SILENT, false},         {"garbage", MANNER_GARBAGE, false},
};

static _Noreturn void
not_allowed(const char *value, const char *what)
{
    die_usage("-x '%.60s': %s; for example -x slow-send=10@0.1", value, what);
}

/* The word at the beginning of `value`; `*text` is moved behind it. */
static bool
take_name(const char **text, struct misbehaviour *kind, bool *paced)
{
    size_t length = strcspn(*text, "=@");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == length && strncmp(*text, names[i].name, length) == 0) {
            kind->manner = names[i].manner;
            *paced = names[i].paced;
            *text += length;
            return true;
        }
    }
    return false;
}

static struct misbehaviour
parse(const char *value)
{
    struct misbehaviour kind = {.text = value, .share = DRAW_WHOLE};
    const char *text = value;
    bool paced;

    if (!take_name(&text, &kind, &paced)) {
        not_allowed(value, "slow-send=BYTES, slow-read=BYTES, half-close, reset, silent and "
                           "garbage are allowed, each with @SHARE or without");
    }
    if (paced && (*text++ != '=' || !digits_take(&text, PACE_MOST, &kind.pace) || kind.pace == 0)) {
        not_allowed(value, "it needs =BYTES per second, from 1 to 1000000000");
    }
    kind.length = (int)(text - value);
    if (*text == '@' && (text++, !draw_take_share(&text, &kind.share))) {
        not_allowed(value, "SHARE must be above 0 and at most 1, such as 0.5, at most 9 decimals");
    }
    if (*text != '\0') {
        not_allowed(value, "HOW[@SHARE] is allowed and nothing else");
    }
    return kind;
}

void
manners_take(struct manners *manners, const char *value)
{
    struct misbehaviour kind = parse(value);
    uint64_t share = kind.share + manners_share(manners);

    if (manners->count == MANNERS_MOST) {
        not_allowed(value, "at most 8 of them are allowed");
    }
    if (share > DRAW_WHOLE) {
        not_allowed(value,
                    "the shares of all -x are more than 1 together (one without @SHARE has 1)");
    }
    kind.below = draw_limit(share);
    manners->kinds[manners->count++] = kind;
}

uint64_t
manners_share(const struct manners *manners)
{
    uint64_t share = 0;

    for (unsigned i = 0; i < manners->count; i++) {
        share += manners->kinds[i].share;
    }
    return share;
}

int
manners_kind(const struct manners *manners, uint64_t drawn)
{
    for (unsigned i = 0; i < manners->count; i++) {
        if (drawn < manners->kinds[i].below) {
            return (int)i;
        }
    }
    return MANNERS_GOOD;
}

/* In two steps, for the product might overflow. */
uint64_t
manners_allowed(const struct misbehaviour *kind, int64_t ns)
{
    uint64_t time = (uint64_t)ns;

    return 1 + time / NS * kind->pace + time % NS * kind->pace / NS;
}

int64_t
manners_due(const struct misbehaviour *kind, uint64_t bytes)
{
    return (int64_t)(bytes / kind->pace * NS + bytes % kind->pace * NS / kind->pace + 1);
}
