/*
 * spawn - starts a handler: another program, which gets exactly what is meant for it.
 */
#ifndef SERVER05_SPAWN_H
#define SERVER05_SPAWN_H

#include <sys/types.h>

/* Once, before anything is opened: whatever this process was started with, but descriptors 0, 1 and
 * 2, is not for handlers; and descriptors 3 and 4, which they get, are taken. */
void spawn_prepare(void);

/* The path of a program: a name with a '/' is one; another is looked for beside this program, as
 * argv[0] says and where its file really is; what is not there, posix_spawnp() looks for in PATH.
 */
const char *spawn_find(const char *argv0, const char *name);

/* Starts the program with these arguments (the first, its name, included; NULL at the end) in seat
 * `number`, with `channel` and `board` as its descriptors 3 and 4, all signals let in and at their
 * default. Returns its pid, or -1 and errno. */
pid_t spawn_handler(const char *path, char **arguments, unsigned number, int channel, int board);

#endif
