#include "number.h"

#include <stddef.h>
#include <string.h>

enum { PLACES = 9 }; /* of a decimal: as a billion has zeros */

static const char digits[] = "0123456789";

bool
number_take(const char **text, uint64_t most, uint32_t *number)
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

bool
number_take_decimal(const char **text, uint64_t most, uint64_t *billionths)
{
    uint32_t whole, part = 0;

    if (!number_take(text, most, &whole)) {
        return false;
    }
    if (**text == '.') {
        size_t places = strspn(++*text, digits);

        if (places > PLACES || !number_take(text, NUMBER_BILLION - 1, &part)) {
            return false;
        }
        for (; places < PLACES; places++) {
            part *= 10;
        }
    }
    *billionths = (uint64_t)whole * NUMBER_BILLION + part;
    return true;
}
