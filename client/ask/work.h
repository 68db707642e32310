/*
 * work - -W: some of the requests ask for work, and the same ones in every run (lottery.h). Each -W
 * is a class of requests with its share of all; the rest, if there is one, is the plain class.
 */
#ifndef CLIENT_ASK_WORK_H
#define CLIENT_ASK_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "lottery.h"

enum {
    WORK_OPTIONS_MOST = 7,
    WORK_CLASSES_MOST = WORK_OPTIONS_MOST + 1, /* with the plain one */
    WORK_LINE = 48                             /* room for a request */
};

struct work_class {
    uint32_t cpu_us, wait_us; /* at most 10 s each */
};

struct work {
    struct lottery lots; /* one for each -W: class i is lot i, and the plain class is no lot */
    struct work_class classes[WORK_CLASSES_MOST];
};

/* Takes the value of a -W. Wrong usage if it is not allowed. */
void work_take(struct work *work, const char *value);

/* How many classes there are, the plain one included; 0 without -W: then all requests are alike. */
unsigned work_classes(const struct work *work);

/* The share of a class in all requests, in parts of LOTTERY_WHOLE. */
uint32_t work_share(const struct work *work, unsigned class);

/* Writes the request of a class; returns its length. Without -W class 0 is the plain one. */
size_t work_line(const struct work *work, unsigned class, uint64_t bytes, char line[WORK_LINE]);

#endif
