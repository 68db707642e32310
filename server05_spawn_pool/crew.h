/*
 * crew - the lives of the handlers: how they are started, noticed, replaced, made more and fewer,
 * and ended. Connections are none of its business (channels.h is).
 */
#ifndef SERVER05_CREW_H
#define SERVER05_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/options.h"
#include "../common/stats.h"
#include "board.h"
#include "scale.h"

struct crew_plan {
    const char *program; /* the handler */
    char **arguments;    /* its own; the first is its name */
    unsigned handlers;   /* at the start */
    bool automatic;      /* from then on, as many as `scale` says */
    struct scale scale;
    const struct options *options;
};

/* The board has a seat for as many as there can be; `boardfd` is its descriptor. */
void crew_open(struct board *shared, int boardfd, const struct crew_plan *what);

/* TTIN and TTOU: so many more, or fewer. */
void crew_change(int more);

/* HUP: replace all. */
void crew_replace(void);

/* Whatever is due now. Called in every turn of the distributor's loop, with `ended` if a SIGCHLD
 * has come. */
void crew_look_after(bool ended);

/* True when the first handlers have all got ready. */
bool crew_is_there(void);

/* Is anybody starting, whose getting ready is to be noticed at once? Has anybody got so? */
bool crew_is_starting(void);
bool crew_any_ready(void);

/* Microseconds until something is due; -1: nothing until a signal or a handler's word. */
int64_t crew_due_us(void);

/* Once, before the end: who died young is not made to wait any more. */
void crew_prepare_end(void);

/* The end: a turn of it. Handlers serve what is left for them and leave; for what one that died had
 * not received, one more is started. True when it is over. With `at_once` those who are left are
 * killed. */
bool crew_end(bool at_once);
unsigned crew_alive(void);

/* Prints the statistics. */
void crew_report(struct stats *stats);

#endif
