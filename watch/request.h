/*
 * request - one request of HTTP/1.1, read strictly: lines end with CR LF, nothing stands twice that
 * may stand once, and no byte is unprintable. What browsers and curl send passes.
 */
#ifndef WATCH_REQUEST_H
#define WATCH_REQUEST_H

#include <stddef.h>

enum { REQUEST_HEAD = 8192, REQUEST_BODY = 4096, REQUEST_MOST = REQUEST_HEAD + REQUEST_BODY };

enum request_status {
    REQUEST_MORE = 0, /* not all of it is here */
    REQUEST_HERE = 200
};

/* Its strings are pieces of the input; NULL: it has no such field. */
struct request {
    size_t head;   /* bytes of the head, once that is read; else 0 */
    size_t length; /* of the body */
    const char *method, *target;
    const char *host, *origin, *site, *type;
    char *body;
};

/* Looks at the first `used` bytes of `input`, of REQUEST_MOST, and changes them: REQUEST_MORE,
 * REQUEST_HERE, or the status to refuse it with, and why. */
int request_read(struct request *request, char *input, size_t used, const char **why);

/* The next NAME=VALUE of a form (application/x-www-form-urlencoded), decoded in place; *body moves
 * behind it. 1: here it is; 0: there is none; -1: it is malformed. */
int request_field(char **body, char **name, char **value);

#endif
