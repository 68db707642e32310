#include "spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/die.h"
#include "board.h"

extern char **environ;

enum { FDS_TRIED = 1024 }; /* where /dev/fd cannot be read */

/* --- before the first ------------------------------------------------------------------------ */

static void
close_on_exec(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (fd > STDERR_FILENO && flags != -1) {
        fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
}

/* Asking for each possible descriptor could take minutes, where the limit is a thousand million: so
 * the directory of the open ones, which most systems have, is read. */
void
spawn_keep_from_handlers(void)
{
    DIR *directory = opendir("/dev/fd");
    struct dirent *entry;

    if (!directory) {
        for (int fd = STDERR_FILENO + 1; fd < FDS_TRIED; fd++) {
            close_on_exec(fd);
        }
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        close_on_exec(atoi(entry->d_name)); /* "." and ".." are 0: not concerned */
    }
    closedir(directory);
}

/* --- which program --------------------------------------------------------------------------- */

/* "DIRECTORY/name" of `length` bytes of directory; NULL if that is no program. */
static char *
program_in(const char *directory, size_t length, const char *name)
{
    char *path = malloc(length + strlen(name) + 3);

    if (!path) {
        die("no memory for a path");
    }
    sprintf(path, "%.*s/%s", (int)length, directory, name);
    if (length == 0) {
        sprintf(path, "./%s", name); /* an empty part of PATH is the working directory */
    }
    if (access(path, X_OK) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

static char *
program_in_path(const char *name)
{
    const char *directories = getenv("PATH");
    char *path = NULL;

    while (directories && !path) {
        size_t length = strcspn(directories, ":");

        path = program_in(directories, length, name);
        directories = directories[length] == ':' ? directories + length + 1 : NULL;
    }
    return path;
}

/* Where execvp() has found this program. */
static char *
program_beside(const char *argv0, const char *name)
{
    const char *slash = strrchr(argv0, '/');
    char *self = slash ? NULL : program_in_path(argv0);
    char *path = NULL;

    if (self) {
        slash = strrchr(self, '/');
        argv0 = self;
    }
    if (slash) {
        path = program_in(argv0, (size_t)(slash - argv0), name);
    }
    free(self);
    return path;
}

const char *
spawn_find(const char *argv0, const char *name)
{
    char *path = NULL;

    if (strchr(name, '/')) {
        if (access(name, X_OK) == -1) {
            die("-e %s", name);
        }
        return name;
    }
    path = program_beside(argv0, name);
    if (!path) {
        path = program_in_path(name);
    }
    if (!path) {
        diex("-e %.60s: no such program beside this one, nor in PATH", name);
    }
    return path;
}

/* --- starting -------------------------------------------------------------------------------- */

/* The environment, with the seat in place of what was meant for the distributor alone; to be freed.
 */
static char **
environment(char *seat)
{
    static const char *const ours[] = {HANDLER_SEAT "=", "LISTEN_PID=", "LISTEN_FDS="};
    size_t count = 0, kept = 0;
    char **variables;

    while (environ[count]) {
        count++;
    }
    variables = malloc((count + 2) * sizeof *variables);
    for (size_t i = 0; variables && i < count; i++) {
        bool left_out = false;

        for (size_t j = 0; j < sizeof ours / sizeof ours[0]; j++) {
            left_out = left_out || strncmp(environ[i], ours[j], strlen(ours[j])) == 0;
        }
        if (!left_out) {
            variables[kept++] = environ[i];
        }
    }
    if (variables) {
        variables[kept++] = seat;
        variables[kept] = NULL;
    }
    return variables;
}

/* No signal is blocked, and none ignored, whatever the distributor does with its own, and whatever
 * it was itself started with. */
static int
set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* dup2 makes copies that are not close-on-exec; all other descriptors are. Neither `channel` nor
 * `board` is 3 or 4 (channels_stow), so none overwrites the other. */
static int
set_descriptors(posix_spawn_file_actions_t *actions, int channel, int board)
{
    int error = posix_spawn_file_actions_adddup2(actions, channel, HANDLER_CHANNEL);

    return error ? error : posix_spawn_file_actions_adddup2(actions, board, HANDLER_BOARD);
}

int
spawn_handler(const char *path, char **arguments, unsigned number, int channel, int board,
              pid_t *pid)
{
    char seat[sizeof HANDLER_SEAT + 16];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **variables;
    int error;

    sprintf(seat, HANDLER_SEAT "=%u", number);
    variables = environment(seat);
    if (!variables) {
        return ENOMEM;
    }
    error = posix_spawn_file_actions_init(&actions);
    if (error) {
        goto free_variables;
    }
    error = posix_spawnattr_init(&attributes);
    if (error) {
        goto destroy_actions;
    }
    error = set_signals(&attributes);
    if (!error) {
        error = set_descriptors(&actions, channel, board);
    }
    if (!error) {
        error = posix_spawn(pid, path, &actions, &attributes, arguments, variables);
    }
    posix_spawnattr_destroy(&attributes);
destroy_actions:
    posix_spawn_file_actions_destroy(&actions);
free_variables:
    free(variables);
    return error;
}
