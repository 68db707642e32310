/*
 * get - -P http and -u: the requests of HTTP, in place of lines.
 */
#ifndef CLIENT_ASK_GET_H
#define CLIENT_ASK_GET_H

#include <stddef.h>

#include "load.h"

enum {
    GET_PATH = 8000, /* bytes of -u: what every server has to take (RFC 9110, 4.1) */
    GET_HOST = 272,  /* room for a host and its port */
    GET_PLAIN = 512, /* room for a request without -u, and for the rest of one with it */
    GET_ROOM = GET_PATH + WORK_CLASSES_MOST * GET_PLAIN /* for all */
};

/* Take the values of -P and -u, and check what does not go with them. Wrong usage if they are not
 * allowed. */
void get_take_protocol(struct load *load, const char *value);
void get_take_path(struct load *load, const char *value);
void get_complete(struct load *load);

/* Writes the request of a class (work.h), at most `room` bytes; returns its length. */
size_t get_request(const struct load *load, unsigned class, char *text, size_t room);

#endif
