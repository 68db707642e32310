#include "spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/die.h"
#include "board.h"

extern char **environ;

enum { FDS_TRIED = 1024 }; /* where /dev/fd cannot be read */

static posix_spawnattr_t attributes;

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
static void
keep_descriptors(void)
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

/* Descriptors 3 and 4 are taken: dup2() of a descriptor onto itself would leave it close-on-exec,
 * so no descriptor that is passed on may have these numbers. For a handler no signal is blocked,
 * and none ignored, whatever the distributor does with its own, and whatever it was started with.
 * */
void
spawn_prepare(void)
{
    sigset_t none, all;
    int fd, error;

    keep_descriptors();
    do {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd != -1 && fd < HANDLER_BOARD);
    if (fd == -1) {
        die("/dev/null");
    }
    if (fd > HANDLER_BOARD) {
        close(fd);
    }
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    if ((error = posix_spawnattr_init(&attributes)) != 0 ||
        (error = posix_spawnattr_setsigmask(&attributes, &none)) != 0 ||
        (error = posix_spawnattr_setsigdefault(&attributes, &all)) != 0 ||
        (error = posix_spawnattr_setflags(&attributes,
                                          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) != 0) {
        die_error(error, "signals of handlers");
    }
}

const char *
spawn_find(const char *argv0, const char *name)
{
    static char path[PATH_MAX];
    const char *slash = strrchr(argv0, '/');
    int directory = slash ? (int)(slash - argv0) + 1 : 0;
    int length = snprintf(path, sizeof path, "%.*s%s", directory, argv0, name);

    if (strchr(name, '/') || !slash || length >= (int)sizeof path || access(path, X_OK) == -1) {
        return name;
    }
    return path;
}

/* dup2() makes copies that are not close-on-exec; all other descriptors are. Of the environment,
 * what was meant for the distributor alone is not passed on; the seat's number is. */
pid_t
spawn_handler(const char *path, char **arguments, unsigned number, int channel, int board)
{
    posix_spawn_file_actions_t actions;
    char seat[16];
    pid_t pid = -1;
    int error = posix_spawn_file_actions_init(&actions);

    if (error == 0) {
        snprintf(seat, sizeof seat, "%u", number);
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        if ((error = posix_spawn_file_actions_adddup2(&actions, channel, HANDLER_CHANNEL)) == 0 &&
            (error = posix_spawn_file_actions_adddup2(&actions, board, HANDLER_BOARD)) == 0 &&
            (error = setenv(HANDLER_SEAT, seat, 1) == -1 ? errno : 0) == 0) {
            error = posix_spawnp(&pid, path, &actions, &attributes, arguments, environ);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    errno = error;
    return error == 0 ? pid : -1;
}
