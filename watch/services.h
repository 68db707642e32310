/*
 * services - the servers that an ini file names: which there are, what each does now, and what it
 * says. Each is a child of watch; nothing but the file decides which programs can be started.
 */
#ifndef WATCH_SERVICES_H
#define WATCH_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../common/address.h"
#include "program.h"
#include "text.h"

enum { SERVICES_MOST = 64, SERVICE_NAME = 32, SERVICE_WORDS = 40, SERVICE_PROGRAM = 255 };

enum service_state {
    SERVICE_STOPPED,
    SERVICE_STARTING, /* the program runs; its first line has not come */
    SERVICE_RUNNING,
    SERVICE_STOPPING,
    SERVICE_FAILED /* it ended unasked, or could not be started */
};

/* What a signal does that not every server understands: the file's `can`. */
enum service_can { SERVICE_HUP = 1, SERVICE_MORE = 2, SERVICE_FEWER = 4 };

struct service {
    char name[SERVICE_NAME + 1];
    char program[SERVICE_PROGRAM + 1]; /* as the file has it */
    char *words[SERVICE_WORDS + 1];    /* its options, without those that watch adds; then NULL */
    unsigned can;                      /* enum service_can, added */
    int min, max; /* children, as the page may have them; 0: the file does not say */
    int first;    /* children at the start: its option -n */
    bool autostart, restart;

    struct program process;
    enum service_state state;
    int asked;          /* children: those at the start, and what the page has changed since */
    int64_t usr1_us;    /* clock_us() of the USR1 that it has not yet answered; 0: it has */
    int awaited;        /* how many answers, until it surely has the last signal_in_turn() */
    bool again;         /* stopping in order to start again */
    int64_t begun_us;   /* clock_us() of its start */
    int64_t stopped_us; /* stopping: clock_us() of the first stop signal */
    int64_t due_us;     /* failed: when it is started again; 0: never */
    int64_t pause_us;   /* before the next restart, if it dies young */
    unsigned restarts;  /* after it had died */
    char ended[96];     /* why it does not run: "killed by signal 9"; or "" */
    char address[ADDRESS_TEXT];
    struct text *stats; /* the last statistics, valid JSON; or NULL */
    int64_t stats_ms;   /* the time of the day when they came */
};

extern struct service services[SERVICES_MOST];
extern int services_count;
extern const char *const service_states[]; /* their names, by enum service_state */
extern const char *const service_cans[];   /* "hup", "more", "fewer" */

/* Reads the ini file `path`, open as `in`, and closes it. Dies if that is NULL, or of the first
 * error in it, and says the line and what is allowed. */
void services_read(const char *path, FILE *in);

/* The service of that name, or NULL. */
struct service *services_find(const char *name);

/* Starts those with autostart; `grace_us` is what each has to end in. */
void services_open(int64_t grace_us);

/* Does what the page asks for: start, stop, restart, hup, more, fewer. NULL, or why not. */
const char *service_do(struct service *service, const char *what);

/* Stops the server itself, as SIGSTOP does. NULL, or why not now. */
const char *service_halt(struct service *service);

/* After poll(): takes what the service has printed. */
void service_hear(struct service *service, enum program_stream stream);

/* Four times a second, and when a child has ended: reaps, restarts, ends what overstays, and asks
 * for statistics if told to. */
void services_turn(bool ask);

/* The end of watch: TERM to all; once more: end at once. True as long as one runs. */
bool services_stop(bool at_once);

#endif
