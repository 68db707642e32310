/*
 * script - the tests' own client: does to a server what a script says, one step after the other.
 * It never waits itself, so that any number of scripts can be under way at a time: the caller
 * poll()s and advances. It shares no code with the servers' protocol and knows the pattern of the
 * replies by heart. A step is a word, or word:argument:
 *
 *     connect      a new connection; the steps below are about the newest
 *     idle:N       N more connections, kept open; still the same newest
 *     refused      nobody accepts connections
 *     send:TEXT    with \n, \r, \0 and \\      slow:MS:TEXT  byte by byte, a pause after each
 *     fill:N:TEXT  N bytes of TEXT, of "x"     noise:N       N bytes of garbage
 *     drip:MS      a digit so often, until the server hangs up
 *     half         end of file for the server  reset         close with a reset
 *     close        close                       drop:N        close N of the idle connections
 *     reply:N      exactly N bytes of a reply  who           say who made the last reply
 *     read:N       N bytes, whatever they are  expect:N:TEXT N bytes of TEXT
 *     line:TEXT    a line that begins with TEXT, said on standard output
 *     eof          the server closes cleanly   ended         it closes or resets, without a byte
 *     gone         it closes or resets         cut           it resets, whatever came before
 *     more         more has come than was read silent:MS     nothing comes
 *     stay         until both sides are closed, reading nothing
 *     mark         begin to measure time       within:MS     at most so long since then
 *     after:MS     at least so long since then sleep:MS      do nothing
 *     buffer:N     receive buffer of connections from now on
 *     touch:FILE   tell a test something       until:FILE    wait until it says something
 *     again:N      back to step N, from 0      halt          until the caller goes on: at++
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../common/address.h"

/* LOST: the connection, or there was none; WRONG: other bytes; STUCK: none for too long. */
enum outcome { GO_ON, BLOCKED, DONE, LOST, WRONG, STUCK };

enum { SCRIPT_STAMP = 32, SCRIPT_LINE = 512 };

struct script {
    const struct address *address;
    const char *const *steps; /* NULL ends them */
    int at;                   /* this step, */
    long moved;               /* its bytes or connections so far, */
    int64_t timer;            /* when its pause ends, 0: it has none, */
    int64_t since;            /* when it began, or something moved last */
    int64_t mark;
    int fd, making; /* the newest connection, and one that is being made; -1: none */
    int *idle;
    int nidle, buffer;
    char line[SCRIPT_LINE], who[SCRIPT_STAMP + 1];
    unsigned expected;                /* replies that have come as expected */
    bool connected, refused, hung_up; /* a connection was made, was refused, the server closed it */
    enum outcome outcome;
    char why[200];
};

extern int64_t script_patience_us; /* for each step, and between its bytes */
extern long script_pause_ms;       /* of silent and sleep without a number */
extern bool script_says;           /* line and who print */

void script_begin(struct script *script, const struct address *address, const char *const *steps);
/* As far as it gets: BLOCKED, or its outcome. In the end all its connections are closed. */
enum outcome script_advance(struct script *script);
/* What a BLOCKED one waits for, and when to advance it at the latest (a clock_us()). */
struct pollfd script_poll(const struct script *script);
int64_t script_due(const struct script *script);

#endif
