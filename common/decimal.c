#include "decimal.h"

bool
decimal_take(const char **text, const char *end, uint64_t most, uint64_t *value)
{
    const char *digit = *text;

    for (*value = 0; digit < end && *digit >= '0' && *digit <= '9'; digit++) {
        *value = *value * 10 + (uint64_t)(*digit - '0');
        if (*value > most) {
            return false;
        }
    }
    if (digit == *text) {
        return false;
    }
    *text = digit;
    return true;
}

char *
decimal_put(char *to, uint64_t value)
{
    if (value >= 10) {
        to = decimal_put(to, value / 10);
    }
    *to = (char)('0' + value % 10);
    return to + 1;
}
