/*
 * options - what all servers understand on the command line. A server's own loop calls
 * options_next() with OPTIONS_LETTERS and its own letters, and gives what it does not know to
 * options_take().
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_LETTERS ":i:p:B:T:g:o:qvhV"

struct options {
    const char *host;   /* -i: address, name, or path of a Unix socket */
    int port;           /* -p: 0 lets the kernel choose */
    int children;       /* -n: only in servers that have children */
    int backlog;        /* -B: connections that wait in the kernel */
    int64_t timeout_us; /* -T: without a complete request; 0 never */
    int64_t grace_us;   /* -g: from the stop signal to the end */
    bool json;          /* -o json */
    bool quiet;         /* -q */
    bool verbose;       /* -v */
};

/* getopt(3), to which --help is -h and --version is -V. */
int options_next(int argc, char **argv, const char *letters);

/* The defaults; `children` is the server's own. */
struct options options_default(int children);

/* Takes one letter that getopt returned. -h prints `help` and the common options; status 0. */
void options_take(struct options *options, int letter, const char *help);

/* What any program does with a letter that is not its own: -h prints `help`, -V the version, both
 * with status 0; an unknown letter or a missing value (of a string that begins with ':') is wrong
 * usage. */
_Noreturn void options_rest(int letter, const char *help);

/* No operand may follow the options. */
void options_end(int argc, char **argv);

/* What the value of an option is: a whole number; a time in microseconds (with one of the units us,
 * ms, s, m); a size in bytes (k is 1024 of them, M 1024 k, G 1024 M), to which a bare number is in
 * bytes, or in KiB. All but the first may have decimals, but must be whole microseconds or bytes.
 */
enum options_kind { OPTIONS_NUMBER, OPTIONS_TIME, OPTIONS_SIZE, OPTIONS_KIB };

/* The strict value of -`letter` (a time without a unit is in seconds); anything else ends the
 * program with status 2, and a message with the value and what is allowed. */
int64_t options_quantity(int letter, const char *value, enum options_kind kind, int64_t least,
                         int64_t most);
#define options_number(letter, value, least, most)                                                 \
    ((long)options_quantity(letter, value, OPTIONS_NUMBER, least, most))

/* Takes one from the beginning of `*text`, and moves `*text` behind it; without a unit it counts
 * in `bare`. False if there is none, or it is more than `most`. */
bool options_take_quantity(const char **text, enum options_kind kind, uint64_t bare, uint64_t most,
                           uint64_t *value);

/* Which of these words it is, from 0; NULL ends them. Any other ends the program likewise. */
int options_word(int letter, const char *value, const char *const words[]);

#endif
