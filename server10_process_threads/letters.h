/*
 * letters - what server10 says about its threads, besides what all servers say.
 */
#ifndef LETTERS_H
#define LETTERS_H

#include "../common/pool.h"

/* A letter for each thread: text, in which each child begins a line and which there is while
 * children live, or a member of JSON. NULL without memory; else valid until the next call. */
const char *letters_text(const struct server *server, const struct pool *pool);

#endif
