/*
 * message - -M: a message that is sent as a frame in place of the line BYTES, and -E: the reply to
 * it. A frame is a length of 4 bytes, big-endian, and so many bytes.
 */
#ifndef CLIENT_ASK_MESSAGE_H
#define CLIENT_ASK_MESSAGE_H

#include <stddef.h>

#include "load.h"

/* Takes the values of -M and -E, TEXT or @FILE, and notes their lengths in `load`. Called once,
 * before the processes are forked: they share the memory. Dies, naming the option, if a value is
 * not allowed. */
void message_open(struct load *load);

/* The frame: `*length` bytes, the length in front included. */
const char *message_frame(size_t *length);

/* The load->bytes bytes of the expected reply; NULL: any reply is right. */
const char *message_expected(void);

#endif
