#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 512 };

struct text *
text_new(void)
{
    struct text *text = calloc(1, sizeof *text);

    if (!text) {
        die("text");
    }
    text->users = 1;
    return text;
}

struct text *
text_share(struct text *text)
{
    text->users++;
    return text;
}

void
text_drop(struct text *text)
{
    if (text && --text->users == 0) {
        free(text->bytes);
        free(text);
    }
}

void
text_put(struct text *text, const char *bytes, size_t length)
{
    if (text->room - text->length < length) {
        size_t room = 2 * (text->length + length) + ROOM_LEAST;
        char *grown = realloc(text->bytes, room);

        if (!grown) {
            die("text of %zu bytes", room);
        }
        text->bytes = grown;
        text->room = room;
    }
    if (length > 0) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
    }
}

void
text_end(struct text *text)
{
    text_put(text, "", 1);
    text->length--;
}

struct text *
text_of(const char *string)
{
    struct text *text = text_new();

    text_put(text, string, strlen(string) + 1);
    text->length--;
    return text;
}

void
text_say(struct text *text, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_put(text, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
}

/* How many bytes the UTF-8 character has; 0 if it is invalid: cut, longer than it need be, a
 * surrogate, or beyond U+10FFFF. */
static size_t
character(const unsigned char *at)
{
    size_t length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    unsigned char least = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
    unsigned char most = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;

    if (*at > 0xf4 || (length > 1 && (at[1] < least || at[1] > most))) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

void
text_string(struct text *text, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;

    text_put(text, "\"", 1);
    while (*at != '\0') {
        size_t length = character(at);

        if (length == 0) {
            text_say(text, "\\ufffd");
            length = 1;
        } else if (*at < ' ' || *at == 0x7f || *at == '<' || *at == '"' || *at == '\\') {
            text_say(text, "\\u%04x", *at);
        } else {
            text_put(text, (const char *)at, length);
        }
        at += length;
    }
    text_put(text, "\"", 1);
}

void
text_json(struct text *text, const char *json)
{
    for (size_t length; *json != '\0'; json += length) {
        length = strcspn(json, "<");
        text_put(text, json, length);
        if (json[length] == '<') {
            text_say(text, "\\u003c");
            length++;
        }
    }
}
