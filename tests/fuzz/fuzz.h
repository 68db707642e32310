/*
 * fuzz - what the fuzz targets share.
 *
 * A target is tests/fuzz/fuzz_NAME.c with the function below. It includes the source file that it
 * is about, with some system calls redirected: so it needs no network and no time, reaches what is
 * static, and goes with any compiler. An input is bytes from outside and, in front of them, the
 * circumstances: how they are cut into pieces, what fails. What the code does is compared with what
 * a simple, slow oracle says, written from the documents and not from the code.
 *
 * Linked with libFuzzer it invents inputs (tests/fuzz/run); linked with replay.c it takes the files
 * that it is given.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../helpers/check.h"

/* One input. libFuzzer's name, which it must have; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rest of an input. */
struct input {
    const uint8_t *at;
    size_t left;
};

/* Takes some of it; when it is used up, zeros. */
uint8_t input_byte(struct input *input);
uint32_t input_number(struct input *input, unsigned bytes);

/* Takes `most` bytes, or as many as are left. */
struct input input_part(struct input *input, size_t most);

/* A copy of the rest as a string, to be freed; NULL if it is longer than `most` or has a zero byte,
 * as no argument of a program has. */
char *input_text(const struct input *input, size_t most);

/* How a stream comes in pieces: one byte of the input for each, over and over. */
struct slices {
    const uint8_t *bytes;
    size_t count, next; /* with a count of 0, all comes at once */
};

/* Takes the number of bytes in front, then so many as the schedule; at most 31. */
struct slices slices_take(struct input *input);

/* The length of the next piece, 1 to `most`; or -1 with errno: nothing now. That comes at most
 * twice in a row, and not for ever. */
ssize_t slices_next(struct slices *slices, size_t most);

/* The other end of the connection (or the file) of a target. */
extern struct peer {
    const uint8_t *text; /* it sends this */
    size_t length, at;
    struct slices reads, writes; /* in which pieces it sends and receives */
    bool reset;                  /* it resets the connection behind the text */
    bool shut, ended;            /* the target has called shutdown(), and has seen the end */
    unsigned waits;              /* so often there was nothing, or no room */
} peer;

/* The same peer, as at its beginning. */
void peer_begin(struct slices reads, struct slices writes);

/* In place of read(), of shutdown(), which must be of the side to write, and only once; and how
 * many of `size` bytes write() writes: -1 with errno, none now. */
ssize_t peer_read(void *bytes, size_t size);
int peer_shutdown(int how);
ssize_t peer_takes(size_t size);

/* What docs/protocol.md says that a reply of `bytes` bytes is: `length` of them from `offset` on.
 * `stamp` is the text of its stamp. */
enum { FUZZ_REPLY = 140000, FUZZ_STAMP = 32 };
void fuzz_reply(char *to, size_t length, uint64_t bytes, uint64_t offset, const char *stamp);

/* The filler from `offset` on: FUZZ_REPLY bytes. */
const char *fuzz_filler(uint64_t offset);

/* True if the text is a number of ASCII digits and nothing else, at most `most`. */
bool fuzz_number(const char *text, size_t length, uint64_t most, uint64_t *number);

#endif
