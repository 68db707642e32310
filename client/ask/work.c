#include "work.h"

#include <stdio.h>

#include "../../common/conn.h"
#include "../../common/options.h"

void
work_take(struct work *work, const char *value)
{
    static const struct lottery_option option = {'W', WORK_OPTIONS_MOST, "CPU[:WAIT][@SHARE]",
                                                 "20000@0.01"};
    const char *text = value;
    uint64_t cpu_us, wait_us = 0;

    if (!options_take_quantity(&text, OPTIONS_TIME, 1, CONN_WORK_MAX, &cpu_us)) {
        lottery_refuse(&option, value, "CPU must be whole microseconds, up to 10 s");
    }
    if (*text == ':' &&
        (text++, !options_take_quantity(&text, OPTIONS_TIME, 1, CONN_WORK_MAX, &wait_us))) {
        lottery_refuse(&option, value, "WAIT must be whole microseconds, up to 10 s");
    }
    lottery_add(&work->lots, &option, value, text);
    work->classes[work->lots.count - 1] =
        (struct work_class){.cpu_us = (uint32_t)cpu_us, .wait_us = (uint32_t)wait_us};
}

unsigned
work_classes(const struct work *work)
{
    uint32_t share = lottery_share(&work->lots);

    return work->lots.count + (share > 0 && share < LOTTERY_WHOLE);
}

uint32_t
work_share(const struct work *work, unsigned class)
{
    return class < work->lots.count ? work->lots.shares[class]
                                    : LOTTERY_WHOLE - lottery_share(&work->lots);
}

size_t
work_line(const struct work *work, unsigned class, uint64_t bytes, char line[WORK_LINE])
{
    const struct work_class *asked = &work->classes[class];
    unsigned long long count = bytes;

    if (class >= work->lots.count) {
        return (size_t)snprintf(line, WORK_LINE, "%llu\n", count);
    }
    return (size_t)snprintf(line, WORK_LINE, "%llu %lu %lu\n", count, (unsigned long)asked->cpu_us,
                            (unsigned long)asked->wait_us);
}
