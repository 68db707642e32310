/* settings - the command line of server11. */
#ifndef SERVER11_SETTINGS_H
#define SERVER11_SETTINGS_H

#include "../common/server.h"

struct settings {
    unsigned queue;      /* -Q: requests that a child may have in hand */
    const char *program; /* -e: the handler, where spawn_find() has found it; NULL: children are
                          * forked, and requests are lines and HTTP */
};

/* Takes the command line: -n into server->options.children, -l into frames_most. Ends the program
 * with status 2 on wrong usage, also for options that would do nothing. */
void settings_take(struct settings *settings, struct server *server, int argc, char **argv);

#endif
