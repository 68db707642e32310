/*
 * fdpass - open descriptors as messages: over a Unix domain socket, the kernel puts a new
 * descriptor for the same open file into the receiving process.
 */
#ifndef COMMON_FDPASS_H
#define COMMON_FDPASS_H

#include <stdbool.h>

enum { FDPASS_NONE = -1, FDPASS_END = -2 };

/* Sends one descriptor over `channel`, with the one byte of data that a message must have: what it
 * says is the caller's. The sender's own descriptor stays open: closing it is the caller's too. -1
 * and errno on failure. */
int fdpass_send(int channel, int fd, unsigned char byte);

/* Receives one: a new descriptor, which the caller closes; FDPASS_END when the sender has closed
 * its end; FDPASS_NONE and errno on failure (EINTR, EBADMSG if the message carried none; EAGAIN, if
 * not told to `wait`, when there is no message). */
int fdpass_receive(int channel, bool wait);

#endif
