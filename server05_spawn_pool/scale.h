/*
 * scale - how many handlers there are to be with -s auto: Apache prefork's maintenance of spare
 * servers, as arithmetic on plain numbers.
 */
#ifndef SERVER05_SCALE_H
#define SERVER05_SCALE_H

#include <stdbool.h>

struct scale {
    unsigned min_spare, max_spare; /* idle handlers: start some below, retire one above */
    unsigned most;                 /* handlers */
    unsigned burst;                /* how many the next look starts: 1, 2, 4 ... 32 */
    bool warned;                   /* that there are `most` */
};

/* A look: of `alive` handlers, `idle` are idle or starting. Returns how many to start, or -1:
 * retire one. */
int scale_look(struct scale *scale, unsigned idle, unsigned alive);

#endif
