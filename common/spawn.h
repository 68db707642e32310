/*
 * spawn - what posix_spawnp() needs for a handler: another program, which gets exactly what is
 * meant for it.
 */
#ifndef COMMON_SPAWN_H
#define COMMON_SPAWN_H

#include <spawn.h>
#include <stdbool.h>

/* Once, before anything is opened: whatever this process was started with, but descriptors 0, 1 and
 * 2, is not for handlers; and descriptors 3 and 4, which they get, are taken. */
void spawn_prepare(void);

/* The path of a program: a name with a '/' is one; another is looked for beside this program, as
 * argv[0] says and where its file really is; what is not there, posix_spawnp() looks for in PATH.
 */
const char *spawn_find(const char *argv0, const char *name);

/* A handler lets all signals in, and they are at their default. */
extern posix_spawnattr_t spawn_attributes;

/* Seat `number`, with `channel` and `board` as its descriptors 3 and 4: the file actions, which the
 * caller destroys, and the environment of the next handler. False and errno on failure. */
bool spawn_actions(posix_spawn_file_actions_t *actions, unsigned number, int channel, int board);
char **spawn_environment(void);

#endif
