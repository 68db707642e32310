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

#if defined(__GNUC__)
#define FUZZ_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FUZZ_PRINTF(text, first)
#endif

/* One input. libFuzzer's name, which it must have; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct input {
    const uint8_t *at;
    size_t left;
};

/* Takes some of it; when it is used up, zeros. */
uint8_t input_byte(struct input *input);
uint32_t input_number(struct input *input, unsigned bytes);

/* How a stream comes in pieces: one byte of the input for each, over and over. */
struct slices {
    const uint8_t *bytes;
    size_t count, next; /* of 0, all comes at once */
};

enum { SLICE_AGAIN = -1, SLICE_INTERRUPTED = -2 };

/* Takes the number of bytes in front, then so many as the schedule; at most 31. */
struct slices slices_take(struct input *input);

/* The length of the next piece, 1 to `most`, or one of the negative numbers: nothing now. Those
 * come at most twice in a row, and not for ever. */
long slices_next(struct slices *slices, size_t most);

/* A schedule of the other sort: everything at once. */
struct slices slices_whole(void);

/* In place of shutdown() of a socket of which `shut` is kept: the side to write, and only once. */
int shut_once(int how, bool *shut);

/* What docs/protocol.md says that the filler is from `offset` on: FUZZ_FILLER bytes of it. */
enum { FUZZ_FILLER = 140000 };
const char *fuzz_filler(uint64_t offset);

/* Fails with a message: what should hold and does not. */
#define CHECK(holds, ...) ((holds) ? (void)0 : fuzz_fail(__FILE__, __LINE__, __VA_ARGS__))
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...) FUZZ_PRINTF(3, 4);

#endif
