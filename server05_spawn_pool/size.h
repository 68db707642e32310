/*
 * size - how many handlers there are: they are started, replaced, made more and fewer, by the load,
 * by TTIN and TTOU. Which handler gets a connection is server05_spawn_pool.c's affair.
 */
#ifndef SERVER05_SIZE_H
#define SERVER05_SIZE_H

#include <stdbool.h>

#include "../common/channel.h"
#include "../common/crew.h"
#include "settings.h"

/* Piped: the channel of each number; queued: all receive from the first. */
extern struct channel *channels;

/* Once, before the first handler, when the channels are there. Dies on failure. */
void size_open(struct server *server, const struct settings *settings, const char *program);

/* Whatever is due now: called in every turn of the distributor's loop. `full`: no handler has room
 * for one connection more. */
void size_turn(bool full);

/* The same in every turn of the end. `left`: connections wait, and handlers are started for them if
 * some are missing. */
void size_end_turn(bool left);

/* Prints the statistics if USR1 has asked for them, or the server has come to its end. */
void size_report(bool at_the_end);

/* The handlers as a table (status.c), with a line of letters while any lives; or as members of a
 * JSON object, each with a comma in front. The caller frees it; NULL if there is no memory. */
char *status_text(bool json);

#endif
