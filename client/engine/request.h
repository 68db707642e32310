/*
 * request - what a client process sends: a line that asks for bytes, and perhaps for work; a frame;
 * or, of a connection that misbehaves, garbage.
 */
#ifndef CLIENT_ENGINE_REQUEST_H
#define CLIENT_ENGINE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "../ask/load.h"

/* Once per client process: makes all that it will send. The draws are counted in `tally`. */
void request_open(const struct load *load, struct tally *tally);

/* The kind of the `nth` connection of the process: of -x, or MANNERS_GOOD. */
int request_kind(uint64_t nth);

/* Draws the class of the next request: its work (mix.h); 0 without -W. */
unsigned request_draw(void);

/* The request of a class, `*length` bytes; where it misbehaves, of no class. */
const char *request_bytes(const struct misbehaviour *ways, unsigned class, size_t *length);

#endif
