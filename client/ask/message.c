#include "message.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/die.h"

enum {
    HEADER = 4, /* bytes of the length */
    FRAME_MAX = 1 << 30,
    ROOM_FIRST = 64 * 1024 /* for a file whose size only read() tells */
};

/* The value of an option: `length` bytes at `memory` + HEADER. With the room in front -M is a
 * frame. */
struct content {
    char *memory;
    size_t length;
};

static struct content message, expected; /* without -E `expected` has no memory */

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
refuse(char letter, const char *value, const char *why)
{
    die_usage("-%c '%.60s' is %s: TEXT or @FILE of %d to %d bytes is allowed", letter, value, why,
              letter == 'M', FRAME_MAX);
}

static _Noreturn void
cannot_read(char letter, const char *value)
{
    die("-%c '%s' cannot be read", letter, value);
}

/* Opens the file of -`letter` @FILE. A gigabyte is too much: its size tells, without reading it. */
static int
open_file(char letter, const char *value)
{
    int fd = open(value + 1, O_RDONLY);
    struct stat status;

    if (fd == -1 || fstat(fd, &status) == -1) {
        cannot_read(letter, value);
    }
    if (S_ISREG(status.st_mode) && status.st_size > FRAME_MAX) {
        refuse(letter, value, "too long");
    }
    return fd;
}

/* Reads to the end, whatever fstat() said: the file may be a pipe. */
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
        refuse(letter, value, "too long");
    }
    if (content.length == 0 && letter == 'M') {
        refuse(letter, value, "empty");
    }
    return content;
}

void
message_open(struct load *load)
{
    message = take('M', load->message);
    for (int i = 0; i < HEADER; i++) {
        message.memory[i] = (char)(message.length >> 8 * (HEADER - 1 - i) & 0xff);
    }
    load->message_bytes = message.length;
    if (load->expected) {
        expected = take('E', load->expected);
    }
    load->bytes = expected.length;
}

const char *
message_frame(size_t *length)
{
    *length = HEADER + message.length;
    return message.memory;
}

const char *
message_expected(void)
{
    return expected.memory ? expected.memory + HEADER : NULL;
}
