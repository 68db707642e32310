/*
 * request - the bytes that a client process sends: a line, or a GET of HTTP, that asks for bytes
 * and perhaps for work; a frame (-M); or, on a connection that misbehaves, garbage.
 */
#ifndef CLIENT_ENGINE_REQUEST_H
#define CLIENT_ENGINE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "../figures/tally.h"

/* Once per client process: makes all that it will send. The draws are counted in `tally`. */
void request_open(const struct load *load, struct tally *tally);

/* The kind of the `nth` connection of the process: of -x, or MISBEHAVE_NOT. */
int request_kind(uint64_t nth);

/* Draws the class of the next request: its work (work.h); 0 without -W. */
unsigned request_class(void);

/* The request of a class, `*length` bytes; on a connection that misbehaves, of no class. */
const char *request_bytes(const struct misbehaviour *misbehaviour, unsigned class, size_t *length);

#endif
