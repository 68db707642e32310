/*
 * program - a program that watch has started: its pid, and the lines that it prints. It gets an
 * empty standard input, and is the first of a process group of its own: a signal to the group
 * reaches all its children too, also when it has died itself.
 */
#ifndef WATCH_PROGRAM_H
#define WATCH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum program_stream { PROGRAM_OUT, PROGRAM_ERR, PROGRAM_STREAMS };
enum { PROGRAM_LOG = 40, PROGRAM_LINE = 240 };

struct program {
    pid_t pid;  /* 0: none runs */
    int status; /* of the last one, as waitpid(2) has it */
    struct source {
        int fd;      /* our end of the pipe, or -1 */
        char *bytes; /* read, and not yet taken as a line */
        size_t used, room, taken;
        bool cut; /* the line was too long: its rest is passed over */
    } sources[PROGRAM_STREAMS];
    char log[PROGRAM_LOG][PROGRAM_LINE + 1]; /* a ring: line k is log[k % PROGRAM_LOG] */
    unsigned logged;                         /* how many lines have come */
};

/* Where the programs of the suite are: the folder of this one. Call it before anything starts. */
void program_folder(const char *argv0);

/* The path of a program: in that folder, unless the name has a '/' in it. The caller frees it. */
char *program_path(const char *name);

/* Starts argv[0], and tells the guardian. False and errno if it cannot be started. */
bool program_start(struct program *program, char *const argv[]);

/* Reads once what it has printed. */
void program_read(struct program *program, enum program_stream stream);

/* The next whole line, without its end, until the next call; NULL if there is none. */
char *program_line(struct program *program, enum program_stream stream);

/* Keeps a line in the log, or its beginning. */
void program_log(struct program *program, const char *line);

/* True, once, when it has ended: it is reaped, and what it has said can be taken still. */
bool program_ended(struct program *program);

/* "ended with status 0", "killed by signal 9" */
void program_reason(const struct program *program, char reason[64]);

#endif
