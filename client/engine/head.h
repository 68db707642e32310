/*
 * head - the head of an HTTP reply, as it comes in pieces: the status, the length of the content
 * behind it, and whether the server closes the connection then. (RFC 9112; of a reply whose length
 * it does not tell, the client could not verify the end.)
 */
#ifndef CLIENT_ENGINE_HEAD_H
#define CLIENT_ENGINE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_MOST = 16384, /* bytes of a head, and of the 1xx heads before it */
    HEAD_LINE = 128,   /* of a line that matters */
    HEAD_SAID = 64     /* of the status line, as it is kept */
};

enum head_result { HEAD_MORE, HEAD_WHOLE, HEAD_BAD };

struct head {
    size_t size;      /* bytes taken so far; 0: nothing of the reply has come */
    bool whole;       /* the rest tells what it says */
    unsigned status;  /* 0: no status line yet */
    uint64_t length;  /* of the content */
    bool closes;      /* the server closes the connection behind it */
    const char *why;  /* what is wrong, to be put behind "it began with '...'"; or NULL */
    bool old;         /* HTTP/1.0 */
    bool has_length;  /* there is a Content-Length */
    bool encoded;     /* and a Transfer-Encoding */
    bool close, keep; /* words of Connection */
    size_t line_size; /* bytes of the line that is being taken; the first are in `line` */
    char last[2];     /* its last bytes */
    char line[HEAD_LINE];
    char said[HEAD_SAID]; /* the status line */
};

/* A reply begins. */
void head_begin(struct head *head);

/* Takes from the next `length` bytes what belongs to the head: `*taken` of them, all unless it is
 * WHOLE. BAD: `why` tells. Heads with a status of 1xx are skipped. */
enum head_result head_take(struct head *head, const char *bytes, size_t length, size_t *taken);

/* How it began. */
const char *head_words(const struct head *head);

/* True if it is whole and its status is not 2xx: the server does not do what was asked. */
bool head_refuses(const struct head *head);

#endif
