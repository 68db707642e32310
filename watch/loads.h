/*
 * loads - the client, once or twice at the same time, so that two services can be compared under
 * the same load. `client -o live` prints a column every half second, and its report at the end.
 */
#ifndef WATCH_LOADS_H
#define WATCH_LOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "program.h"
#include "services.h"

enum { LOADS_MOST = 2, LOAD_WORDS = 32, LOAD_COLUMNS = 120 };

enum load_state { LOAD_RUNNING, LOAD_DONE, LOAD_FAILED, LOAD_STOPPED };

struct load {
    char name[SERVICE_NAME + 1];
    char *words[LOAD_WORDS + 1]; /* the options that were chosen; then NULL */
    enum load_state state;
    int64_t started_ms; /* the time of the day */
    int64_t stopped_us; /* stopped: clock_us() of that */
    struct program process;
    struct text
        *columns[LOAD_COLUMNS]; /* a ring: column k is columns[k % LOAD_COLUMNS], valid JSON */
    unsigned columned;          /* how many have come */
    unsigned recorded;          /* how many of them a recording has */
    struct text *result;        /* its report, valid JSON; or NULL */
};

extern struct load loads[LOADS_MOST];
extern int loads_count;
extern const char *const load_states[]; /* by enum load_state */

/* Starts the client against the services `names` (one, or two with a comma between) with the
 * `options`, both of which it changes. NULL, or why not. */
const char *loads_start(char *names, char *options);

/* Ends it; it still reports, and is killed if that takes longer than 10 s. NULL, or why not. */
const char *loads_stop(void);

/* After poll(): takes what the client has printed. */
void load_hear(struct load *load, enum program_stream stream);

/* Four times a second, and when a child has ended: reaps, and kills what overstays. */
void loads_turn(void);

/* The end of watch. True as long as one runs. */
bool loads_end(bool at_once);

#endif
