#include "duration.h"

#include <stdio.h>

struct duration
duration_of(double us)
{
    if (us < 999.5) {
        return (struct duration){us, us < 9.95 ? 1 : 0, "us"};
    }
    if (us < 999.5e3) {
        return (struct duration){us / 1e3, us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, "ms"};
    }
    return (struct duration){us / 1e6, 2, "s"};
}

const char *
format_duration(double us, char text[FORMAT_DURATION])
{
    struct duration duration = duration_of(us);

    snprintf(text, FORMAT_DURATION, "%.*f %s", duration.decimals, duration.number, duration.unit);
    return text;
}
