/*
 * handled - a handler for fuzz_clock and fuzz_primes: the library of handlers without connections,
 * and behind this file the program that is to be tested.
 */
#ifndef FUZZ_HANDLED_H
#define FUZZ_HANDLED_H

#include "../../handlers/handler.c"

#include "fuzz.h"

static request_function *handled_answer;

static int
handled_main(int argc, char **argv, request_function *program_answer)
{
    (void)argc;
    (void)argv;
    handled_answer = program_answer;
    return 0;
}

/* Names of the program that the library has too. */
#define main handled_program
#define handler_main handled_main
#define answer program_answer
#define number program_number

int handled_program(int argc, char **argv);

/* Asks the handler. True: the reply's bytes, which a zero follows, are one; else its message says
 * why not. */
static bool
handled_ask(const void *request, size_t length, struct handler_reply *reply)
{
    unsigned char *copy = malloc(length); /* of its exact size, so that a byte too many is seen */
    bool good;

    CHECK(copy, "no memory");
    memcpy(copy, request, length);
    handled_program(0, NULL);
    reply->length = 0;
    reply->message[0] = '\0';
    good = handled_answer(copy, length, reply);
    free(copy);
    CHECK(good == (reply->message[0] == '\0'), "it returns %d, with the message '%s'", good,
          reply->message);
    handler_add(reply, "", 1);
    reply->length--;
    return good;
}

#endif
