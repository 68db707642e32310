/* text - bytes that grow, and that several who send them may share. Dies when memory runs out. */
#ifndef WATCH_TEXT_H
#define WATCH_TEXT_H

#include <stddef.h>

#include "../common/die.h"

struct text {
    char *bytes;
    size_t length, room;
    unsigned users; /* the last one to drop it frees it */
};

/* An empty one with one user. */
struct text *text_new(void);
struct text *text_share(struct text *text);
void text_drop(struct text *text); /* also of NULL */

void text_put(struct text *text, const char *bytes, size_t length);
/* One with that string, and its end. */
struct text *text_of(const char *string);

/* Puts a '\0' behind it, which does not count. */
void text_end(struct text *text);

void text_say(struct text *text, const char *format, ...) DIE_PRINTF(2, 3);

/* A string from outside as one of JSON, with its quotes: invalid UTF-8 becomes U+FFFD, and '<' an
 * escape, so that no string can end the <script> that it stands in. */
void text_string(struct text *text, const char *string);

/* JSON that is there already, checked by json_valid(): '<' becomes an escape likewise. */
void text_json(struct text *text, const char *json);

#endif
