#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/die.h"
#include "guardian.h"

extern char **environ;

/* A line of server06 with 10000 threads has a megabyte; a longer one is cut. */
enum { READ_ONCE = 16 * 1024, LINE_MOST = 4 << 20, LAST_READS = 512 };

static char *folder; /* "bin/", or "" if PATH knows */

void
program_folder(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    size_t length = slash ? (size_t)(slash - argv0) + 1 : 0;

    folder = calloc(1, length + 1);
    if (!folder) {
        die("%s", argv0);
    }
    memcpy(folder, argv0, length);
}

char *
program_path(const char *name)
{
    const char *in = strchr(name, '/') ? "" : folder;
    size_t size = strlen(in) + strlen(name) + 1;
    char *path = malloc(size);

    if (!path) {
        die("%s", name);
    }
    snprintf(path, size, "%s%s", in, name);
    return path;
}

/* Signals that this process ignores or handles mean to the program what they mean to any. */
static int
spawn(pid_t *pid, char *const argv[], const int writers[PROGRAM_STREAMS])
{
    static const int usual[] = {SIGPIPE, SIGXFSZ, SIGCHLD, SIGALRM, SIGTERM, SIGINT, SIGUSR1};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    int error;

    sigemptyset(&none);
    sigemptyset(&defaults);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        sigaddset(&defaults, usual[i]);
    }
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawn_file_actions_init(&actions);
    if ((error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
                                                  0)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, writers[PROGRAM_OUT], STDOUT_FILENO)) ==
            0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, writers[PROGRAM_ERR], STDERR_FILENO)) ==
            0) {
        error = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static bool
open_pipe(int ends[2])
{
    if (pipe(ends) == -1) {
        ends[0] = ends[1] = -1;
        return false;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) != -1;
}

static void
shut(int fd)
{
    if (fd != -1) {
        close(fd);
    }
}

bool
program_start(struct program *program, char *const argv[])
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, error;

    if (!open_pipe(out) || !open_pipe(err)) {
        error = errno;
    } else {
        error = spawn(&program->pid, argv, (const int[]){out[1], err[1]});
    }
    shut(out[1]);
    shut(err[1]);
    if (error != 0) {
        shut(out[0]);
        shut(err[0]);
        program->pid = 0;
        errno = error;
        return false;
    }
    guardian_tell(program->pid, true);
    for (int i = 0; i < PROGRAM_STREAMS; i++) { /* the memory of the program before goes on */
        struct source *source = &program->sources[i];

        source->fd = i == PROGRAM_OUT ? out[0] : err[0];
        source->used = source->taken = 0;
        source->cut = false;
    }
    return true;
}

static ssize_t
read_once(struct source *source)
{
    ssize_t count;

    if (source->taken > 0) {
        source->used -= source->taken;
        memmove(source->bytes, source->bytes + source->taken, source->used);
        source->taken = 0;
    }
    if (source->used >= LINE_MOST) { /* a line without an end: nothing of it is kept */
        source->used = 0;
        source->cut = true;
    }
    if (source->room - source->used <= READ_ONCE) {
        size_t room = 2 * source->room + 2 * READ_ONCE;
        char *grown = realloc(source->bytes, room);

        if (!grown) {
            die("a line of %zu bytes", room);
        }
        source->bytes = grown;
        source->room = room;
    }
    count = read(source->fd, source->bytes + source->used, READ_ONCE);
    if (count > 0) {
        source->used += (size_t)count;
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(source->fd);
        source->fd = -1;
    }
    return count;
}

void
program_read(struct program *program, enum program_stream stream)
{
    if (program->sources[stream].fd != -1) {
        read_once(&program->sources[stream]);
    }
}

char *
program_line(struct program *program, enum program_stream stream)
{
    struct source *source = &program->sources[stream];
    char *line, *end;

    for (;;) {
        line = source->bytes + source->taken;
        end =
            source->used > source->taken ? memchr(line, '\n', source->used - source->taken) : NULL;
        if (!end) {
            return NULL;
        }
        *end = '\0';
        source->taken = (size_t)(end - source->bytes) + 1;
        if (!source->cut) {
            return line;
        }
        source->cut = false; /* that was the rest */
    }
}

void
program_log(struct program *program, const char *line)
{
    char *place = program->log[program->logged++ % PROGRAM_LOG];

    snprintf(place, PROGRAM_LINE + 1, "%s", line);
}

bool
program_ended(struct program *program)
{
    if (program->pid == 0 || waitpid(program->pid, &program->status, WNOHANG) != program->pid) {
        return false;
    }
    guardian_tell(program->pid, false);
    program->pid = 0;
    for (int i = 0; i < PROGRAM_STREAMS; i++) {
        struct source *source = &program->sources[i];

        for (int n = 0; source->fd != -1 && n < LAST_READS && read_once(source) > 0; n++) {
        }
        if (source->used > source->taken && source->bytes[source->used - 1] != '\n') {
            source->bytes[source->used++] = '\n'; /* its last line had no end; there is room */
        }
        shut(source->fd); /* its children may have it open, and go on for a moment */
        source->fd = -1;
    }
    return true;
}

void
program_reason(const struct program *program, char reason[64])
{
    if (WIFSIGNALED(program->status)) {
        snprintf(reason, 64, "killed by signal %d", WTERMSIG(program->status));
    } else {
        snprintf(reason, 64, "ended with status %d", WEXITSTATUS(program->status));
    }
}
