/* settings - the command line of server05. */
#ifndef SERVER05_SETTINGS_H
#define SERVER05_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/server.h"

struct settings {
    const char *program;           /* -e: the handler, as it was named */
    bool piped;                    /* -d: each handler has a channel; else all receive from one */
    bool least_loaded;             /* -P, of piped */
    unsigned queue;                /* -Q: connections per handler */
    bool automatic;                /* -s auto: as many handlers as the load needs */
    unsigned min_spare, max_spare; /* -m, -M: idle handlers; start some below, retire one above */
    unsigned most;                 /* -x: handlers */
    unsigned retire_after;         /* -R */
    int64_t ready_us;              /* -w: within which a handler must be ready */
};

/* Takes the command line: -n into server->options.children. Ends the program with status 2 on wrong
 * usage, also for options that contradict each other or would do nothing. */
void settings_take(struct settings *settings, struct server *server, int argc, char **argv);

/* What the statistics say of it. */
const char *settings_variant(const struct settings *settings);

#endif
