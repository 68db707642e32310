/*
 * spawn - starts a handler: another program, which gets exactly what it is to have.
 */
#ifndef SERVER05_SPAWN_H
#define SERVER05_SPAWN_H

#include <sys/types.h>

/* Once, before anything is opened: whatever this process was started with, but 0, 1 and 2, is not
 * for handlers. */
void spawn_keep_from_handlers(void);

/* The path of a program: a name with a '/' is one; another is looked for beside this program, whose
 * argv[0] is given, then in PATH. Dies if it is not found or may not be executed. */
const char *spawn_find(const char *argv0, const char *name);

/* Starts the program with these arguments (the first, its name, included; NULL at the end) in seat
 * `number`, with `channel` and `board` as its descriptors 3 and 4, all signals let in and at their
 * default. 0, and its pid; or the error number. */
int spawn_handler(const char *path, char **arguments, unsigned number, int channel, int board,
                  pid_t *pid);

#endif
