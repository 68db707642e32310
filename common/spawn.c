#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "die.h"

extern char **environ;

enum { FDS_TRIED = 4096 }; /* the limit may be a thousand million: minutes */

posix_spawnattr_t spawn_attributes;

/* Descriptors that this process was started with, but 0, 1 and 2, are close-on-exec from now on.
 * (/dev/fd, which lists what is open, is missing on some systems, or has 0, 1 and 2 only.) */
static void
keep_descriptors(void)
{
    long most = sysconf(_SC_OPEN_MAX);

    for (int fd = STDERR_FILENO + 1; fd < (most > 0 && most < FDS_TRIED ? most : FDS_TRIED); fd++) {
        int flags = fcntl(fd, F_GETFD);

        if (flags != -1) {
            fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
        }
    }
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
    if ((error = posix_spawnattr_init(&spawn_attributes)) != 0 ||
        (error = posix_spawnattr_setsigmask(&spawn_attributes, &none)) != 0 ||
        (error = posix_spawnattr_setsigdefault(&spawn_attributes, &all)) != 0 ||
        (error = posix_spawnattr_setflags(&spawn_attributes,
                                          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) != 0) {
        die_error(error, "signals of handlers");
    }
}

/* A program of this name in the directory of that path; in `found`. */
static bool
is_beside(const char *path, const char *name, char found[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    int length = snprintf(found, PATH_MAX, "%.*s%s", directory, path, name);
    struct stat status;

    return slash && length < PATH_MAX && access(found, X_OK) == 0 && stat(found, &status) == 0 &&
           S_ISREG(status.st_mode);
}

/* As it was called comes first: the directory may be a link that is to lead to a new version. */
const char *
spawn_find(const char *argv0, const char *name)
{
    static char found[PATH_MAX];
    char self[PATH_MAX];

    if (strchr(name, '/') == NULL &&
        (is_beside(argv0, name, found) ||
         ((realpath("/proc/self/exe", self) || realpath(argv0, self)) &&
          is_beside(self, name, found)))) {
        return found;
    }
    return name;
}

/* dup2() makes copies that are not close-on-exec; all other descriptors are. Of the environment,
 * what was meant for the distributor alone is not passed on; the seat's number is. */
bool
spawn_actions(posix_spawn_file_actions_t *actions, unsigned number, int channel, int board)
{
    char seat[16];
    int error = posix_spawn_file_actions_init(actions);

    if (error != 0) {
        errno = error;
        return false;
    }
    snprintf(seat, sizeof seat, "%u", number);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    if ((error = posix_spawn_file_actions_adddup2(actions, channel, HANDLER_CHANNEL)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(actions, board, HANDLER_BOARD)) == 0 &&
        (error = setenv(HANDLER_SEAT, seat, 1) == -1 ? errno : 0) == 0) {
        return true;
    }
    posix_spawn_file_actions_destroy(actions);
    errno = error;
    return false;
}

char **
spawn_environment(void)
{
    return environ;
}
