/*
 * status - what server05 says about its handlers, besides what all servers say.
 */
#ifndef SERVER05_STATUS_H
#define SERVER05_STATUS_H

#include <stdbool.h>

#include "board.h"

/* The crew as a table, with a line of letters while any handler lives; or as members of a JSON
 * object, each with a comma in front. The caller frees it; NULL if there is no memory. */
char *status_text(struct board *board, bool json);

#endif
