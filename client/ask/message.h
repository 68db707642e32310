/*
 * frame - -M: a message that is sent in place of the line BYTES, and -E: what must come back.
 *
 * A frame is a length of 4 bytes, big-endian, and so many bytes. The reply to it is plain bytes up
 * to the end of file. One that is a single line beginning with "error:" is a refusal.
 */
#ifndef CLIENT_ASK_MESSAGE_H
#define CLIENT_ASK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "../engine/verify.h"
#include "load.h"

/* Takes what -M and -E say, TEXT or @FILE, and notes their lengths in `load`. Once, before the
 * processes are forked: they share the memory. Dies, naming the option, if one is not allowed. */
void frame_open(struct load *load);

/* The frame, header and all: `*length` bytes. */
const char *frame_bytes(size_t *length);

/* A reply to a frame begins. */
void frame_begin(struct reply *reply);

/* Takes the next `length` bytes of it. REJECTED: so far it is an error line, and a whole one. WHOLE
 * is never said: only the end of the file tells. */
enum verdict frame_take(struct reply *reply, const char *data, size_t length);

/* The server has closed: what was it? MORE: the beginning of what it had to be. */
enum verdict frame_end(const struct reply *reply);

/* True if all that has come is one line, complete or not, that begins with "error:". */
bool frame_is_error(const struct reply *reply);

#endif
