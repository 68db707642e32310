/*
 * verify - verifies replies, byte for byte, as they come in pieces.
 *
 * To a line, a server of this suite replies with so many bytes; 32 or more begin with a stamp that
 * names its sender, and the rest is a known pattern. Other servers of the protocol send bytes of
 * their own: the first reply tells the two apart, and without a stamp the bytes are only counted.
 * To a message (-M) any bytes are the reply, up to the end of file; -E says which they must be.
 *
 * A reply that begins with "error:" is a refusal. To a message it is one if it is a single line. By
 * HTTP the status in the head says that (head.h), and what is verified is the content.
 */
#ifndef CLIENT_ENGINE_VERIFY_H
#define CLIENT_ENGINE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../figures/distribution.h"
#include "../figures/tally.h"

struct reply {
    uint64_t got;         /* bytes */
    uint64_t wanted;      /* so many make it whole; of a message, those of -E */
    size_t kept;          /* bytes in `head` */
    bool unverified;      /* nothing says that its bytes are right: no stamp, no -E */
    bool wrong;           /* to a message: it differs from -E, or is longer */
    bool line_ended;      /* to a message: its first line, which begins with "error:", has ended */
    bool more_lines;      /* and more bytes have come behind it */
    uint64_t wrong_at;    /* of a corrupt one: the place of its first wrong byte */
    struct sender sender; /* from the stamp */
    char head[LINE_KEPT]; /* its first bytes: the stamp or the error line */
};

/* MORE is also said of a reply that has all its bytes, if they are the beginning of "error:". */
enum verdict { VERDICT_MORE, VERDICT_WHOLE, VERDICT_CORRUPT, VERDICT_REJECTED };

/* Once per process: what replies the load asks for. */
void verify_open(const struct load *load);

/* A reply begins. */
void verify_begin(struct reply *reply);

/* HTTP: its head is whole; the content has `wanted` bytes. Of none, nothing is verified. */
void verify_expect(struct reply *reply, uint64_t wanted);

/* Takes the next `length` bytes of it, at most CONN_CHUNK. REJECTED when the error line is
 * complete, or as much as is kept of it. To a message WHOLE is never said: only its end tells. */
enum verdict verify_take(struct reply *reply, const char *data, size_t length);

/* HTTP: takes the next `length` bytes of the content with which the server says why it does not do
 * what was asked. True when the error line is complete, or there is none, or nothing more comes. */
bool verify_refusal(struct reply *reply, const char *data, size_t length);

/* The server has closed before verify_take() said what the reply is. MORE: it is too short. */
enum verdict verify_end(const struct reply *reply);

/* True if it is an error line, complete or not. */
bool verify_is_error(const struct reply *reply);

/* True if a reply has shown that the server is one of this suite. */
bool verify_known(void);

/* True if replies of this size tell who sent them, and the server does so. */
bool verify_identified(const struct reply *reply);

#endif
