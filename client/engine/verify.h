/*
 * check - verifies replies, byte for byte, as they come in pieces.
 *
 * A server of this suite begins a reply of 32 bytes or more with a stamp that names its child, and
 * fills the rest with a known pattern. Other servers of the protocol send what they like: the first
 * reply tells which it is; from servers without a stamp only the bytes are counted.
 */
#ifndef CLIENT_ENGINE_VERIFY_H
#define CLIENT_ENGINE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../ask/load.h"

struct reply {
    uint64_t got;         /* bytes */
    size_t kept;          /* bytes in `head` */
    bool unverified;      /* it is not what a server of this suite sends */
    bool wrong;           /* to a frame: it differs from -E, or is longer */
    bool line_ended;      /* to a frame: its first line, which begins with "error:", has ended */
    bool more_lines;      /* and that was not the end of it */
    uint64_t child, pid;  /* who sent it, if it has a stamp */
    char head[LINE_KEPT]; /* its first bytes: the stamp or the error line */
};

/* MORE is also said of a reply that has all its bytes, if they are the beginning of "error:". */
enum verdict { CHECK_MORE, CHECK_WHOLE, CHECK_CORRUPT, CHECK_REJECTED };

/* Once per process: what replies are to look like. */
void check_open(uint64_t bytes);

/* A reply begins. */
void check_begin(struct reply *reply);

/* Takes the next `length` bytes of it, at most CONN_CHUNK. REJECTED when the error line is
 * complete, or as much as is kept of it. */
enum verdict check_take(struct reply *reply, const char *data, size_t length);

/* The part of that which has nothing to do with a verdict: counts, and keeps the first bytes. */
void check_keep(struct reply *reply, const char *data, size_t length);

/* True if it is an error line, complete or not. */
bool check_is_error(const struct reply *reply);

/* True if it may yet become one: it is a shorter beginning of "error:", or nothing. */
bool check_may_be_error(const struct reply *reply);

/* True if a reply has shown that the server is one of this suite. */
bool check_known(void);

/* True if replies of this size tell who sent them, and the server does so. */
bool check_identified(const struct reply *reply);

#endif
