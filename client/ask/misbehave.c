#include "misbehave.h"

#include <stdbool.h>
#include <string.h>

#include "../../common/options.h"
#include "number.h"

enum { PACE_MOST = 1000 * 1000 * 1000 };

static const struct {
    const char *name;
    bool paced; /* its name is followed by =BYTES per second */
} names[] = {
    [MISBEHAVE_SLOW_SEND] = {"slow-send", true},    [MISBEHAVE_SLOW_READ] = {"slow-read", true},
    [MISBEHAVE_HALF_CLOSE] = {"half-close", false}, [MISBEHAVE_RESET] = {"reset", false},
    [MISBEHAVE_SILENT] = {"silent", false},         [MISBEHAVE_GARBAGE] = {"garbage", false},
};

/* The way that the first `length` bytes name; one more than the last if they name none. */
static size_t
find_name(const char *text, size_t length)
{
    size_t i = 0;

    while (i < sizeof names / sizeof names[0] &&
           (strlen(names[i].name) != length || strncmp(text, names[i].name, length) != 0)) {
        i++;
    }
    return i;
}

void
misbehave_take(struct misbehaviours *misbehaviours, const char *value)
{
    static const struct lottery_option option = {'x', MISBEHAVE_MOST, "HOW[@SHARE]",
                                                 "slow-send=10@0.1"};
    const char *text = value + strcspn(value, "=@");
    size_t how = find_name(value, (size_t)(text - value));
    uint64_t pace = 0;

    if (how == sizeof names / sizeof names[0]) {
        lottery_refuse(&option, value,
                       "slow-send=BYTES, slow-read=BYTES, half-close, reset, silent and garbage "
                       "are allowed, each with @SHARE or without");
    }
    if (names[how].paced &&
        (*text++ != '=' || !options_take_quantity(&text, OPTIONS_SIZE, 1, PACE_MOST, &pace) ||
         pace == 0)) {
        lottery_refuse(&option, value, "it needs =BYTES per second, from 1 to 1000000000");
    }
    lottery_add(&misbehaviours->lots, &option, value, text);
    misbehaviours->kinds[misbehaviours->lots.count - 1] =
        (struct misbehaviour){value, (int)(text - value), (enum misbehave_how)how, (uint32_t)pace};
}

int
misbehave_kind(const struct misbehaviours *misbehaviours, uint64_t key, uint64_t nth)
{
    unsigned lot = lottery_draw(&misbehaviours->lots, key, nth);

    return lot < misbehaviours->lots.count ? (int)lot : MISBEHAVE_NOT;
}

uint64_t
misbehave_allowed(const struct misbehaviour *kind, int64_t ns)
{
    return number_scale((uint64_t)ns, kind->pace, NUMBER_BILLION) + 1;
}

int64_t
misbehave_due(const struct misbehaviour *kind, uint64_t bytes)
{
    return (int64_t)number_scale(bytes, NUMBER_BILLION, kind->pace) + 1;
}
