#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SLICES_MOST = 2000 }; /* then all at once: a megabyte byte by byte teaches nothing more */

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

struct slices
slices_take(struct input *input)
{
    size_t count = input_byte(input) & 31;
    struct slices slices = {.bytes = input->at};

    slices.count = count < input->left ? count : input->left;
    input->at += slices.count;
    input->left -= slices.count;
    return slices;
}

struct slices
slices_whole(void)
{
    return (struct slices){.bytes = NULL};
}

/* 0 is EAGAIN, 255 EINTR; up to 127 a length, above that a length that doubles, up to 2^30. */
static long
length_of(uint8_t byte)
{
    if (byte == 0 || byte == 255) {
        return byte == 0 ? SLICE_AGAIN : SLICE_INTERRUPTED;
    }
    return byte < 128 ? byte : 1L << (6 + byte % 25);
}

long
slices_next(struct slices *slices, size_t most)
{
    long length;

    if (slices->count == 0 || slices->next >= SLICES_MOST) {
        return (long)most;
    }
    length = length_of(slices->bytes[slices->next++ % slices->count]);
    if (length < 0 && slices->next % 3 != 0) {
        return length;
    }
    length = length < 0 ? 1 : length; /* a schedule of nothing but delays would never end */
    return (size_t)length < most ? length : (long)most;
}

int
shut_once(int how, bool *shut)
{
    CHECK(how == SHUT_WR && !*shut, "shutdown() twice, or of the wrong side");
    *shut = true;
    return 0;
}

const char *
fuzz_filler(uint64_t offset)
{
    static char text[FUZZ_FILLER + 61];

    for (size_t i = 0; text[sizeof text - 1] == '\0' && i < sizeof text; i++) {
        text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-"[i % 61];
    }
    return text + offset % 61;
}

void
fuzz_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}
