/*
 * site - what stands where, and who may do what. A page of another site cannot read anything here,
 * for the browser keeps it from that, nor change anything: for that it would need the token.
 */
#ifndef WATCH_SITE_H
#define WATCH_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"
#include "text.h"

struct answer {
    int status;
    const char *type;   /* of the body */
    const char *policy; /* Content-Security-Policy, or NULL */
    struct text *body;  /* the visitor's to drop, or NULL */
    bool stream;        /* frames follow, without end */
};

/* Makes the token. `host` is what -i has said, `address` where it listens, with the port; `record`
 * a recorded page, which then is all that there is, or NULL. */
void site_open(const char *host, const char *address, struct text *record);

struct answer site_answer(const struct request *request);

/* A refusal, one line of text. */
struct answer site_refuse(int status, const char *why);

#endif
