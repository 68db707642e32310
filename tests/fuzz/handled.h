/*
 * handled - the library of handlers as fuzz_clock and fuzz_primes need it: no connection, only the
 * request function and a reply. The file of the handler is included behind it, with its main().
 */
#ifndef FUZZ_HANDLED_H
#define FUZZ_HANDLED_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../server05_spawn_pool/handlers/handler.h"
#include "fuzz.h"

enum { HANDLED_MESSAGE = 256 };

struct handler_reply {
    char *bytes;
    size_t length;
    char message[HANDLED_MESSAGE];
    bool failed;
};

static request_function *handled_answer;

#define main handler_program
int handler_program(int argc, char **argv);

int
handler_main(int argc, char **argv, request_function *answer)
{
    (void)argc;
    (void)argv;
    handled_answer = answer;
    return 0;
}

void
handler_add(struct handler_reply *reply, const void *bytes, size_t length)
{
    reply->bytes = realloc(reply->bytes, reply->length + length + 1);
    CHECK(reply->bytes, "no memory");
    if (length > 0) {
        memcpy(reply->bytes + reply->length, bytes, length);
    }
    reply->length += length;
    reply->bytes[reply->length] = '\0';
}

void
handler_print(struct handler_reply *reply, const char *format, ...)
{
    char text[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < sizeof text, "a longer text than it can be");
    handler_add(reply, text, (size_t)length);
}

bool
handler_fail(struct handler_reply *reply, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reply->message, sizeof reply->message, format, arguments);
    va_end(arguments);
    reply->failed = true;
    return false;
}

/* Asks the handler; the reply's bytes are to be freed. True: they are a reply, else a message. */
static bool
handled_ask(const void *request, size_t length, struct handler_reply *reply)
{
    char program[] = "handler", *argv[] = {program, NULL};
    char *copy = malloc(length); /* of its exact size, so that a byte too many is seen */
    bool good;

    if (length > 0) {
        CHECK(copy, "no memory");
        memcpy(copy, request, length);
    }
    *reply = (struct handler_reply){.length = 0};
    handler_program(1, argv);
    good = handled_answer((const unsigned char *)copy, length, reply);
    free(copy);
    CHECK(good != reply->failed, "it returns %d, and has failed or not", good);
    return good;
}

#endif
