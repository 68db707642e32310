#include "message.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/die.h"

enum {
    HEADER = 4, /* bytes of the length */
    FRAME_MAX = 1 << 30,
    ROOM_FIRST = 64 * 1024 /* for a file whose size read() will tell */
};

/* What an option says: `length` bytes at `memory` + HEADER. The room in front makes a frame of it.
 */
struct content {
    char *memory;
    size_t length;
};

static struct content message, expected;
static bool compared; /* there is a -E */

/* --- what is sent ---------------------------------------------------------------------------- */

static void
make_room(struct content *content, size_t room, char letter)
{
    char *memory = realloc(content->memory, HEADER + room);

    if (!memory) {
        die("no memory for the %zu bytes of -%c", room, letter);
    }
    content->memory = memory;
}

static _Noreturn void
not_allowed(char letter, const char *value, const char *why)
{
    die_usage("-%c '%.60s' is %s: TEXT or @FILE of %d to %d bytes is allowed", letter, value, why,
              letter == 'M', FRAME_MAX);
}

static _Noreturn void
cannot_read(char letter, const char *value)
{
    die("-%c '%s' cannot be read", letter, value);
}

/* Opens what -`letter` @FILE names. Nobody need read a gigabyte to learn that it is too much. */
static int
open_file(char letter, const char *value)
{
    int fd = open(value + 1, O_RDONLY);
    struct stat status;

    if (fd == -1 || fstat(fd, &status) == -1) {
        cannot_read(letter, value);
    }
    if (S_ISREG(status.st_mode) && status.st_size > FRAME_MAX) {
        not_allowed(letter, value, "too long");
    }
    return fd;
}

/* What is there to be read, whatever its size was said to be: it may be a pipe. */
static struct content
read_file(char letter, const char *value)
{
    struct content content = {.memory = NULL};
    int fd = open_file(letter, value);
    size_t room = 0;
    ssize_t count;

    do {
        if (content.length == room) {
            room = room == 0 ? ROOM_FIRST : room < FRAME_MAX ? 2 * room : FRAME_MAX + 1;
            make_room(&content, room, letter);
        }
        count = read(fd, content.memory + HEADER + content.length, room - content.length);
        if (count == -1) {
            cannot_read(letter, value);
        }
        content.length += (size_t)count;
    } while (count > 0 && content.length <= FRAME_MAX);
    close(fd);
    return content;
}

static struct content
take(char letter, const char *value)
{
    struct content content = {.length = strlen(value)};

    if (*value == '@') {
        content = read_file(letter, value);
    } else {
        make_room(&content, content.length, letter);
        memcpy(content.memory + HEADER, value, content.length);
    }
    if (content.length > FRAME_MAX) {
        not_allowed(letter, value, "too long");
    }
    if (content.length == 0 && letter == 'M') {
        not_allowed(letter, value, "empty");
    }
    return content;
}

void
frame_open(struct load *load)
{
    message = take('M', load->message);
    for (int i = 0; i < HEADER; i++) {
        message.memory[i] = (char)(message.length >> 8 * (HEADER - 1 - i) & 0xff);
    }
    load->message_bytes = message.length;
    if (load->expected) {
        expected = take('E', load->expected);
        compared = true;
    }
    load->bytes = expected.length;
}

const char *
frame_bytes(size_t *length)
{
    *length = HEADER + message.length;
    return message.memory;
}

/* --- what comes back ------------------------------------------------------------------------- */

void
frame_begin(struct reply *reply)
{
    check_begin(reply);
    reply->unverified = !compared;
    reply->wrong = false;
    reply->line_ended = false;
    reply->more_lines = false;
}

bool
frame_is_error(const struct reply *reply)
{
    return check_is_error(reply) && !reply->more_lines;
}

/* Looks for the end of a line that began with "error:", and for what comes behind it. */
static void
follow_line(struct reply *reply, const char *data, size_t length)
{
    const char *end = reply->line_ended ? data - 1 : memchr(data, '\n', length);

    if (end) {
        reply->line_ended = true;
        reply->more_lines = reply->more_lines || end + 1 < data + length;
    }
}

static void
compare(struct reply *reply, const char *data, size_t length)
{
    size_t offset = (size_t)(reply->got - length);

    reply->wrong = reply->got > expected.length ||
                   memcmp(expected.memory + HEADER + offset, data, length) != 0;
}

enum verdict
frame_take(struct reply *reply, const char *data, size_t length)
{
    check_keep(reply, data, length);
    if (check_is_error(reply)) {
        follow_line(reply, data, length);
    }
    if (compared && !reply->wrong) {
        compare(reply, data, length);
    }
    if (frame_is_error(reply)) {
        return reply->line_ended ? CHECK_REJECTED : CHECK_MORE;
    }
    return reply->wrong && !check_may_be_error(reply) ? CHECK_CORRUPT : CHECK_MORE;
}

enum verdict
frame_end(const struct reply *reply)
{
    if (frame_is_error(reply)) {
        return CHECK_REJECTED;
    }
    if (reply->wrong) {
        return CHECK_CORRUPT;
    }
    return compared && reply->got < expected.length ? CHECK_MORE : CHECK_WHOLE;
}
