#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLICES_MOST = 2000 }; /* then all at once: a megabyte byte by byte teaches nothing more */

struct peer peer;

/* In place of the C library's: what is compared with a pid decides which inputs libFuzzer invents,
 * and with the same seed these are to be the same each time. */
pid_t
getpid(void)
{
    return 4711;
}

uint8_t
input_byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

uint32_t
input_number(struct input *input, unsigned bytes)
{
    uint32_t number = 0;

    while (bytes-- > 0) {
        number = number << 8 | input_byte(input);
    }
    return number;
}

struct input
input_part(struct input *input, size_t most)
{
    struct input part = {input->at, most < input->left ? most : input->left};

    if (part.left > 0) {
        input->at += part.left;
        input->left -= part.left;
    }
    return part;
}

char *
input_text(const struct input *input, size_t most)
{
    char *text;

    if (input->left > most || (input->left > 0 && memchr(input->at, '\0', input->left))) {
        return NULL;
    }
    text = calloc(input->left + 1, 1);
    CHECK(text, "no memory");
    return input->left > 0 ? memcpy(text, input->at, input->left) : text;
}

struct slices
slices_take(struct input *input)
{
    size_t count = input_byte(input) & 31;
    struct input part = input_part(input, count);

    return (struct slices){.bytes = part.at, .count = part.left};
}

/* 0 is EAGAIN, 255 EINTR; up to 127 a length, above that a length that doubles, up to 2^30. */
ssize_t
slices_next(struct slices *slices, size_t most)
{
    uint8_t byte;
    size_t length;

    if (slices->count == 0 || slices->next >= SLICES_MOST) {
        return (ssize_t)most;
    }
    byte = slices->bytes[slices->next++ % slices->count];
    length = byte < 128 ? byte : (size_t)1 << (6 + byte % 25);
    if (byte == 0 || byte == 255) {
        if (slices->next % 3 != 0) {
            errno = byte == 0 ? EAGAIN : EINTR;
            return -1;
        }
        length = 1; /* a schedule of nothing but delays would never end */
    }
    return (ssize_t)(length < most ? length : most);
}

void
peer_begin(struct slices reads, struct slices writes)
{
    peer.reads = reads;
    peer.writes = writes;
    peer.at = 0;
    peer.waits = 0;
    peer.shut = peer.ended = false;
}

ssize_t
peer_read(void *bytes, size_t size)
{
    ssize_t length = slices_next(&peer.reads, size);
    size_t left = peer.length - peer.at;

    CHECK(size > 0, "read() of nothing looks like the end of the file");
    if (length < 0) {
        peer.waits++;
        return -1;
    }
    if (left == 0) {
        peer.ended = true;
        errno = ECONNRESET;
        return peer.reset ? -1 : 0;
    }
    length = (size_t)length < left ? length : (ssize_t)left;
    memcpy(bytes, peer.text + peer.at, (size_t)length);
    peer.at += (size_t)length;
    return length;
}

int
peer_shutdown(int how)
{
    CHECK(how == SHUT_WR && !peer.shut, "shutdown() twice, or of the wrong side");
    peer.shut = true;
    return 0;
}

ssize_t
peer_takes(size_t size)
{
    ssize_t length = slices_next(&peer.writes, size);

    CHECK(size > 0 && !peer.shut, "written nothing, or after shutdown()");
    peer.waits += length < 0;
    return length;
}

const char *
fuzz_filler(uint64_t offset)
{
    static char text[FUZZ_REPLY + 61];

    for (size_t i = 0; text[sizeof text - 1] == '\0' && i < sizeof text; i++) {
        text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-"[i % 61];
    }
    return text + offset % 61;
}

void
fuzz_reply(char *to, size_t length, uint64_t bytes, uint64_t offset, const char *stamp)
{
    char first[FUZZ_STAMP + 1];

    memcpy(to, fuzz_filler(offset), length);
    snprintf(first, sizeof first, "%-31.31s\n", stamp);
    for (size_t i = 0; bytes >= FUZZ_STAMP && i < length && offset + i < FUZZ_STAMP; i++) {
        to[i] = first[offset + i];
    }
}

bool
fuzz_number(const char *text, size_t length, uint64_t most, uint64_t *number)
{
    bool good = length > 0;

    *number = 0;
    for (size_t i = 0; good && i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        good = digit <= 9 && *number <= most / 10 && *number * 10 <= most - digit;
        *number = *number * 10 + digit;
    }
    return good;
}
