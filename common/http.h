/*
 * http - a request of HTTP/1.1 or 1.0, read byte by byte, and the head of its reply. RFC 9110 says
 * what a message means, RFC 9112 how it is written; docs/http.md has each rule and what we answer.
 *
 * The reader keeps no head, only what decides: so a connection stays small, and the bytes may come
 * in any pieces. It calls nothing that waits, and owns nothing.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_TARGET_MAX = 8000,      /* bytes of a target (RFC 9112 section 3 asks for at least that) */
    HTTP_FIELDS_MAX = 16 * 1024, /* bytes of all field lines together */
    HTTP_WORD = 32,              /* longer than any method, field name or word that matters */
    HTTP_KEPT = 64,              /* longer than any target that is served */
    HTTP_HEAD = 256              /* longer than any head of a reply */
};

enum http_method { HTTP_GET, HTTP_HEAD_ONLY, HTTP_OPTIONS, HTTP_CONNECT, HTTP_OTHER, HTTP_UNKNOWN };

/* What has been read of a request, and what it asks for. All zero: nothing yet. */
struct http {
    /* Once http_take() has answered: */
    const char
        *error;     /* of any status but 200: a line of text that tells what is wrong; else NULL */
    uint64_t bytes; /* of 200: what is asked for, or 0: the page about the server */
    uint32_t cpu_us, wait_us;
    int status;
    enum http_method method;
    bool is_1_0;
    bool last; /* no request follows: the client has said so, or speaks 1.0; or it is not known
                * where the next one begins */

    /* Private to http.c: */
    uint8_t part, form, host_part, field; /* where the next byte belongs */
    uint8_t length, kept;                 /* of word and target */
    bool blank;                           /* an empty line has come before the request */
    bool gap;                             /* a space behind what has come of a value */
    bool host, close_said, keep_alive_said, length_said, coding_said; /* these fields have come */
    bool chunked;                                                     /* the last coding so far */
    unsigned codings, target_bytes, field_bytes, digits;              /* how many so far */
    uint64_t body;                                                    /* Content-Length */
    char word[HTTP_WORD]; /* the method, version, field name or list element, so far */
    char target[HTTP_KEPT];
};

/* Reads on: `*taken` bytes of these `length`, none behind the request's end. Returns 0 if the
 * request is incomplete, and all has been taken; else the status of the answer. */
int http_take(struct http *http, const char *bytes, size_t length, size_t *taken);

/* True if bytes of a request have been taken. */
bool http_begun(const struct http *http);

/* Writes the head of the reply to it: `length` bytes follow (but to HEAD), `now` is the time (in
 * seconds since 1970), and it is the connection's last reply or not. Returns its size. The same
 * arguments make the same head. */
size_t http_head(const struct http *http, uint64_t length, int64_t now, bool last,
                 char head[HTTP_HEAD]);

#endif
