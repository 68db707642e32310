/* script - see script.h. Each step is a function that makes one call at most and is called again.
 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"

#define DIGITS "0123456789"

enum { PERIOD = 61, BLOCK = 64 * 1024, GRID_US = 5 * 1000 /* pauses end together */ };

int64_t script_patience_us = 60 * 1000 * 1000;
long script_pause_ms = 200;
bool script_says;

static char block[BLOCK];

static enum outcome fail(struct script *script, enum outcome how, const char *format, ...)
    DIE_PRINTF(3, 4);

static enum outcome
fail(struct script *script, enum outcome how, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(script->why, sizeof script->why, format, arguments);
    va_end(arguments);
    return how;
}

/* What errno means, after a call on the connection. */
static enum outcome
trouble(struct script *script, const char *call)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return BLOCKED;
    }
    return fail(script, LOST, "%s: %s", call, strerror(errno));
}

static bool
ready(int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};

    return poll(&watched, 1, 0) == 1;
}

/* Goes on so many milliseconds after it was called first. */
static enum outcome
pause_for(struct script *script, const char *ms)
{
    int64_t now = clock_us();

    if (script->timer == 0) {
        script->timer = now + 1000 * (*ms != '\0' ? atol(ms) : script_pause_ms);
        script->timer = (script->timer + GRID_US - 1) / GRID_US * GRID_US;
    }
    return now >= script->timer ? GO_ON : BLOCKED;
}

/* --- connections ----------------------------------------------------------------------------- */

static enum outcome
not_connected(struct script *script, int error)
{
    if (script->making != -1) {
        close(script->making);
    }
    script->making = -1;
    if (error == EAGAIN) { /* the queue of a Unix socket is full */
        script->timer = clock_us() + GRID_US;
        return BLOCKED;
    }
    script->refused = error == ECONNREFUSED || error == ENOENT;
    return fail(script, LOST, "connect: %s", strerror(error));
}

static enum outcome
begin_connecting(struct script *script)
{
    const struct address *address = script->address;

    if (clock_us() < script->timer) {
        return BLOCKED;
    }
    script->timer = 0;
    script->making = socket(address->any.sa_family, SOCK_STREAM, 0);
    if (script->buffer > 0) {
        setsockopt(script->making, SOL_SOCKET, SO_RCVBUF, &script->buffer, sizeof script->buffer);
    }
    if (script->making == -1 || fcntl(script->making, F_SETFL, O_NONBLOCK) == -1 ||
        (connect(script->making, &address->any, address->length) == -1 && errno != EINPROGRESS)) {
        return not_connected(script, errno);
    }
    return BLOCKED;
}

/* A socket on a free port of the ephemeral range may connect to itself: that is nobody. */
static bool
is_myself(const struct script *script)
{
    struct sockaddr_in mine = {.sin_port = 0};
    socklen_t length = sizeof mine;

    return script->address->any.sa_family == AF_INET &&
           getsockname(script->making, (struct sockaddr *)&mine, &length) == 0 &&
           mine.sin_port == script->address->in.sin_port;
}

/* Goes on when `making` is connected. */
static enum outcome
make_connection(struct script *script)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (script->making == -1) {
        enum outcome outcome = begin_connecting(script);

        if (outcome != BLOCKED || script->making == -1) {
            return outcome;
        }
    }
    if (!ready(script->making, POLLOUT)) {
        return BLOCKED;
    }
    if (getsockopt(script->making, SOL_SOCKET, SO_ERROR, &error, &length) == -1) {
        error = errno;
    } else if (error == 0 && is_myself(script)) {
        error = ECONNREFUSED;
    }
    return error != 0 ? not_connected(script, error) : GO_ON;
}

static void
hang_up(struct script *script, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (script->fd != -1 && reset) {
        setsockopt(script->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    if (script->fd != -1) {
        close(script->fd);
    }
    script->fd = -1;
}

static enum outcome
new_connection(struct script *script)
{
    enum outcome outcome;

    hang_up(script, false);
    outcome = make_connection(script);
    if (outcome == GO_ON) {
        script->fd = script->making;
        script->making = -1;
        script->connected = true;
    }
    return outcome;
}

static enum outcome
open_idle(struct script *script, long count)
{
    enum outcome outcome = GO_ON;

    while (script->moved < count && (outcome = make_connection(script)) == GO_ON) {
        script->idle = realloc(script->idle, (size_t)(script->nidle + 1) * sizeof *script->idle);
        if (!script->idle) {
            die("%ld connections", count);
        }
        script->idle[script->nidle++] = script->making;
        script->making = -1;
        script->moved++;
    }
    return outcome;
}

static void
drop_idle(struct script *script, long count)
{
    for (; count > 0 && script->nidle > 0; count--) {
        close(script->idle[--script->nidle]);
    }
}

static enum outcome
expect_refusal(struct script *script)
{
    enum outcome outcome = make_connection(script);

    if (outcome == GO_ON) {
        return fail(script, WRONG, "somebody accepts");
    }
    return outcome == LOST && script->refused ? GO_ON : outcome;
}

/* --- sending --------------------------------------------------------------------------------- */

/* The text without its escapes; valid until the next one. */
static const char *
unescape(const char *text, size_t *length)
{
    static char data[BLOCK];

    for (*length = 0; *text != '\0' && *length < sizeof data; text++) {
        char c = *text;

        if (c == '\\' && text[1] != '\0') {
            c = *++text;
            c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c);
        }
        data[(*length)++] = c;
    }
    return data;
}

/* That of N:TEXT, or "x". */
static const char *
text_behind(const char *rest, size_t *length)
{
    const char *colon = strchr(rest, ':');

    return unescape(colon ? colon + 1 : "x", length);
}

/* Goes on when `all` bytes of the step have been sent. */
static enum outcome
transmit(struct script *script, const char *data, size_t length, long all)
{
    ssize_t sent = send(script->fd, data, length, MSG_NOSIGNAL);

    if (sent == -1) {
        return trouble(script, "send");
    }
    script->moved += sent;
    return script->moved < all ? BLOCKED : GO_ON;
}

static enum outcome
send_text(struct script *script, const char *text)
{
    size_t length;
    const char *data = unescape(text, &length);

    return transmit(script, data + script->moved, length - (size_t)script->moved, (long)length);
}

/* The text of N:TEXT over and over; noise is the same in every run. */
static enum outcome
send_many(struct script *script, const char *rest, bool noise)
{
    static uint32_t random = 2463534242u;
    long all = atol(rest), left = all - script->moved;
    size_t length, count = left < BLOCK ? (size_t)left : BLOCK;
    const char *text = text_behind(rest, &length);

    for (size_t i = 0; i < count; i++) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5;
        block[i] = noise ? (char)random : text[((size_t)script->moved + i) % length];
    }
    return transmit(script, block, count, all);
}

/* A byte, and a pause. */
static enum outcome
trickle(struct script *script, long ms, const char *data, size_t length)
{
    int64_t now = clock_us();

    if (now < script->timer) {
        return BLOCKED;
    }
    if ((size_t)script->moved == length) {
        return GO_ON;
    }
    script->timer = now + 1000 * ms;
    return transmit(script, data + script->moved, 1, LONG_MAX);
}

/* A digit now and then, until the server has had enough of it. */
static enum outcome
drip(struct script *script, long ms)
{
    enum outcome outcome = ready(script->fd, POLLIN) ? GO_ON : trickle(script, ms, "00", 2);

    script->moved = 0; /* of the patience with the server, that is */
    return outcome == LOST ? GO_ON : outcome;
}

/* --- receiving ------------------------------------------------------------------------------- */

/* At most so many bytes, and a block; goes on with some. */
static enum outcome
receive(struct script *script, char *data, long most, size_t *count)
{
    ssize_t got = recv(script->fd, data, most < BLOCK ? (size_t)most : BLOCK, 0);

    if (got == -1) {
        return trouble(script, "recv");
    }
    if (got == 0) {
        return fail(script, LOST, "end of file after %ld bytes", script->moved);
    }
    *count = (size_t)got;
    return GO_ON;
}

/* "child C pid P", or "child C.T pid P": without the spaces behind it. 0 if it is neither. */
static int
stamp_length(const char *who)
{
    int end = (int)strspn(who + 6, DIGITS) + 6;

    if (strncmp(who, "child ", 6) != 0 || end == 6) {
        return 0;
    }
    if (who[end] == '.' && who[end + 1] != '0') { /* threads count from 1 */
        int digits = (int)strspn(who + end + 1, DIGITS);

        end += digits > 0 ? digits + 1 : 0;
    }
    if (strncmp(who + end, " pid ", 5) != 0) {
        return 0;
    }
    end += 5;
    return strspn(who + end, DIGITS) > 0 ? end + (int)strspn(who + end, DIGITS) : 0;
}

static enum outcome
check_stamp(struct script *script)
{
    int end;
    char *who = script->who;

    memcpy(who, script->line, SCRIPT_STAMP);
    who[SCRIPT_STAMP] = '\0';
    end = stamp_length(who);
    if (end == 0 || who[SCRIPT_STAMP - 1] != '\n' ||
        (size_t)end + strspn(who + end, " ") != SCRIPT_STAMP - 1) {
        return fail(script, WRONG, "no stamp: '%s'", who);
    }
    who[end] = '\0';
    return GO_ON;
}

/* `all` bytes: the first `stamp` are kept, the others are of that pattern, or any (NULL). */
static enum outcome
expect_bytes(struct script *script, long all, long stamp, const char *pattern, size_t period)
{
    size_t count = 0;
    enum outcome outcome = receive(script, block, all - script->moved, &count);

    if (outcome != GO_ON) {
        return outcome;
    }
    for (size_t i = 0; i < count; i++, script->moved++) {
        if (script->moved < stamp) {
            script->line[script->moved] = block[i];
        } else if (pattern && block[i] != pattern[(size_t)script->moved % period]) {
            return fail(script, WRONG, "byte %ld is '%c' instead of '%c': %.*s", script->moved,
                        block[i], pattern[(size_t)script->moved % period],
                        count < 40 ? (int)count : 40, block);
        }
    }
    if (script->moved < all) {
        return BLOCKED;
    }
    script->expected += pattern != NULL;
    return stamp > 0 ? check_stamp(script) : GO_ON;
}

/* The pattern as docs/protocol.md says it, written a second time. */
static enum outcome
expect_reply(struct script *script, long bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";

    return expect_bytes(script, bytes, bytes < SCRIPT_STAMP ? 0 : SCRIPT_STAMP, letters, PERIOD);
}

/* An error line in its place: the request is lost. */
static enum outcome
expect_text(struct script *script, const char *rest)
{
    size_t length;
    const char *text = text_behind(rest, &length);
    enum outcome outcome = expect_bytes(script, atol(rest), 0, text, length);

    return outcome == WRONG && script->moved == 0 && block[0] == 'e' ? LOST : outcome;
}

static void
say(const char *text)
{
    if (script_says) {
        puts(text);
    }
}

static enum outcome
expect_line(struct script *script, const char *start)
{
    char *line = script->line;
    size_t count = 0;
    enum outcome outcome = receive(script, line + script->moved, 1, &count);

    if (outcome != GO_ON) {
        return outcome;
    }
    if (line[script->moved] != '\n') {
        return ++script->moved < SCRIPT_LINE ? BLOCKED : fail(script, WRONG, "a line without end");
    }
    line[script->moved] = '\0';
    say(line);
    return strncmp(line, start, strlen(start)) == 0
               ? GO_ON
               : fail(script, WRONG, "the line is '%.100s'", line);
}

static enum outcome
expect_end(struct script *script, bool bytes, bool clean, bool reset)
{
    ssize_t count = recv(script->fd, block, sizeof block, 0);

    if (count > 0) {
        script->moved += (long)count;
        return bytes ? BLOCKED : fail(script, WRONG, "%zd bytes came instead of the end", count);
    }
    if (count == -1 && (!reset || errno != ECONNRESET)) {
        return trouble(script, "recv");
    }
    script->hung_up = true;
    return count == -1 || clean ? GO_ON : fail(script, LOST, "instead of a reset: end of file");
}

/* --- the steps ------------------------------------------------------------------------------- */

static enum outcome
touch(struct script *script, const char *path)
{
    FILE *file;

    fflush(stdout); /* the test that waits for the file reads it then */
    file = fopen(path, "a");
    if (!file) {
        return fail(script, LOST, "%s", strerror(errno));
    }
    fclose(file);
    return GO_ON;
}

static enum outcome
await_file(struct script *script, const char *path)
{
    if (access(path, F_OK) == 0) {
        return GO_ON;
    }
    if (++script->moved > 3 * script_patience_us / GRID_US) {
        return fail(script, STUCK, "it did not appear");
    }
    script->timer = clock_us() + GRID_US;
    return BLOCKED;
}

static enum outcome
check_time(struct script *script, long least, long most)
{
    long ms = (long)((clock_us() - script->mark) / 1000);

    return ms >= least && ms <= most ? GO_ON : fail(script, WRONG, "it took %ld ms", ms);
}

/* X(word, what it waits for, what it does with the `rest` of the step and its `number`) */
#define VERBS(X)                                                                                   \
    X(connect, 0, new_connection(script))                                                          \
    X(idle, 0, open_idle(script, number))                                                          \
    X(refused, 0, expect_refusal(script))                                                          \
    X(send, POLLOUT, send_text(script, rest))                                                      \
    X(slow, 0, (rest = text_behind(rest, &length), trickle(script, number, rest, length)))         \
    X(fill, POLLOUT, send_many(script, rest, false))                                               \
    X(noise, POLLOUT, send_many(script, rest, true))                                               \
    X(drip, POLLIN, drip(script, number))                                                          \
    X(half, 0, (shutdown(script->fd, SHUT_WR), GO_ON))                                             \
    X(reset, 0, (hang_up(script, true), GO_ON))                                                    \
    X(close, 0, (hang_up(script, false), GO_ON))                                                   \
    X(drop, 0, (drop_idle(script, number), GO_ON))                                                 \
    X(reply, POLLIN, expect_reply(script, number))                                                 \
    X(read, POLLIN, expect_bytes(script, number, 0, NULL, 0))                                      \
    X(expect, POLLIN, expect_text(script, rest))                                                   \
    X(line, POLLIN, expect_line(script, rest))                                                     \
    X(who, 0, (say(script->who), GO_ON))                                                           \
    X(eof, POLLIN, expect_end(script, false, true, false))                                         \
    X(ended, POLLIN, expect_end(script, false, true, true))                                        \
    X(gone, POLLIN, expect_end(script, true, true, true))                                          \
    X(cut, POLLIN, expect_end(script, true, false, true))                                          \
    X(more, POLLIN, ready(script->fd, POLLIN) ? GO_ON : BLOCKED)                                   \
    X(stay, POLLHUP, (script->hung_up = ready(script->fd, 0)) ? GO_ON : BLOCKED)                   \
    X(silent, POLLIN,                                                                              \
      ready(script->fd, POLLIN) ? fail(script, WRONG, "something came") : pause_for(script, rest)) \
    X(sleep, 0, pause_for(script, rest))                                                           \
    X(mark, 0, (script->mark = clock_us(), GO_ON))                                                 \
    X(within, 0, check_time(script, 0, number))                                                    \
    X(after, 0, check_time(script, number, LONG_MAX))                                              \
    X(buffer, 0, (script->buffer = (int)number, GO_ON))                                            \
    X(touch, 0, touch(script, rest))                                                               \
    X(until, 0, await_file(script, rest))                                                          \
    X(halt, 0, BLOCKED)                                                                            \
    X(again, 0, (script->at = (int)number - 1, GO_ON)) /* the next is the one meant */

#define VERB_NUMBER(word, events, action) VERB_##word,
enum { VERBS(VERB_NUMBER) VERBS_COUNT };

#define VERB_ENTRY(word, events, action) {#word, events},
static const struct verb {
    const char *name;
    short events;
} verbs[] = {VERBS(VERB_ENTRY)};

static int
verb_of(const char *step)
{
    size_t length = strcspn(step, ":");

    for (int i = 0; i < VERBS_COUNT; i++) {
        if (strlen(verbs[i].name) == length && strncmp(verbs[i].name, step, length) == 0) {
            return i;
        }
    }
    diex("%.60s: there is no such step", step);
}

#define VERB_CASE(word, events, action)                                                            \
    case VERB_##word:                                                                              \
        return action;

static enum outcome
take(struct script *script, const char *step)
{
    const char *colon = strchr(step, ':'), *rest = colon ? colon + 1 : "";
    long number = atol(rest);
    size_t length;

    switch (verb_of(step)) {
        VERBS(VERB_CASE)
    }
    return WRONG;
}

/* --- the whole ------------------------------------------------------------------------------- */

void
script_begin(struct script *script, const struct address *address, const char *const *steps)
{
    int64_t mark = script->mark;

    *script = (struct script){.address = address, .steps = steps, .fd = -1, .making = -1};
    script->since = clock_us();
    script->mark = mark != 0 ? mark : script->since;
    script->outcome = BLOCKED;
}

static void
close_all(struct script *script)
{
    hang_up(script, false);
    if (script->making != -1) {
        close(script->making);
    }
    drop_idle(script, script->nidle);
    free(script->idle);
}

enum outcome
script_advance(struct script *script)
{
    enum outcome outcome = GO_ON;

    while (outcome == GO_ON && script->steps[script->at]) {
        const char *step = script->steps[script->at];
        long before = script->moved;

        outcome = take(script, step);
        if (outcome == GO_ON) {
            script->at++;
            script->timer = script->moved = 0;
        }
        if (outcome == GO_ON || script->moved != before) {
            script->since = clock_us();
        }
    }
    if (outcome == BLOCKED) {
        int64_t now = clock_us();

        if (now < script->timer || now - script->since < script_patience_us) {
            return BLOCKED;
        }
        outcome = fail(script, STUCK, "nothing for %lld ms", (long long)script_patience_us / 1000);
    }
    script->outcome = outcome == GO_ON ? DONE : outcome;
    close_all(script);
    return script->outcome;
}

struct pollfd
script_poll(const struct script *script)
{
    short events = verbs[verb_of(script->steps[script->at])].events;

    if (script->making != -1) {
        return (struct pollfd){.fd = script->making, .events = POLLOUT};
    }
    return (struct pollfd){.fd = events != 0 ? script->fd : -1, .events = events};
}

int64_t
script_due(const struct script *script)
{
    return script->timer != 0 ? script->timer : script->since + script_patience_us;
}
