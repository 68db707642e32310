/*
 * options - what all servers understand on the command line. A server's own loop calls getopt(3)
 * with OPTIONS_LETTERS and its own letters, and gives what it does not know to options_take().
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>

#define OPTIONS_LETTERS ":i:p:B:T:g:o:qvhV"

struct options {
    const char *host; /* -i: address, name, or path of a Unix socket */
    int port;         /* -p: 0 lets the kernel choose */
    int children;     /* -n: only in servers that have children */
    int backlog;      /* -B: connections that wait in the kernel */
    int timeout_s;    /* -T: seconds without a complete request; 0 never */
    int grace_s;      /* -g: seconds from the stop signal to the end */
    bool json;        /* -o json */
    bool quiet;       /* -q */
    bool verbose;     /* -v */
};

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

/* A strict decimal number; anything else ends the program with status 2, naming -`letter`. */
long options_number(int letter, const char *value, long least, long most);

/* The index of one of these words (NULL at their end); anything else ends the program likewise. */
int options_word(int letter, const char *value, const char *const *words);

#endif
