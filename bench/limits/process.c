/*
 * process - what it costs to start and to end a process, a program or a thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"

enum { PATH = 4096, DECIMAL = 24, BLOCK = 64 * 1024, BLOCKS_PER_MIB = 16 };

/* The blank is on purpose: nobody starts a program under such a name by accident. */
const char process_exit_name[] = "limits: exit";
const char process_row_name[] = "limits: row";

extern char **environ;

/* --- fork ------------------------------------------------------------------------------------ */

static void
await(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) == -1) {
        bench_fail("waitpid");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
        errno = 0;
        bench_fail("a child ended with status %#x", (unsigned)status);
    }
}

static void
fork_once(void)
{
    pid_t pid = fork();

    switch (pid) {
    case -1:
        bench_fail("fork");
    case 0:
        _exit(EXIT_SUCCESS);
    default:
        await(pid);
    }
}

/* A piece of the memory that a process has. Volatile: else a compiler may see that nobody reads it,
 * and leave it out. */
struct block {
    struct block *before;
    char bytes[BLOCK];
};
static struct block *volatile newest;

/* Small pieces, as programs ask for them, each written at once: that makes them resident. A large
 * one could come as huge pages, of which fork() has 512 times fewer to copy. */
static bool
add_block(void)
{
    struct block *block = malloc(sizeof *block);

    if (block) {
        memset(block->bytes, 'x', sizeof block->bytes);
        block->before = newest;
        newest = block;
    }
    return block != NULL;
}

/* Never given back: the process ends when it has measured. */
static void
fill_memory(int mib)
{
    for (int i = 0; i < mib * BLOCKS_PER_MIB; i++) {
        if (!add_block()) {
            bench_unavailable("%d MiB of memory", mib);
        }
    }
}

void
fork_measure(int mib)
{
    double count = 0;

    fill_memory(mib);
    bench_start(1);
    do {
        fork_once();
        count++;
    } while (!bench_over);
    bench_stop(count);
}

/* --- programs -------------------------------------------------------------------------------- */

/* The same program linked statically: limits_static beside the one that runs, or in PATH as it. */
static void
path_of_static(char path[PATH])
{
    const char *slash = strrchr(bench.program, '/');
    int folder = slash ? (int)(slash - bench.program) + 1 : 0;

    if (snprintf(path, PATH, "%.*slimits_static", folder, bench.program) >= PATH) {
        errno = 0;
        bench_fail("the path of this program is too long");
    }
}

static _Noreturn void
no_program(int error, const char *path)
{
    errno = 0;
    if (error == ENOENT) {
        bench_unavailable("there is no %.54s", path);
    }
    errno = error;
    bench_fail("%.60s", path);
}

/* This process becomes the other program, which goes on from here, see measure_for_other() in
 * limits.c: the rest of this one's work is then the other's. */
void
fork_static_measure(int unused)
{
    char path[PATH], fd[DECIMAL], duration[DECIMAL], n[DECIMAL];
    char *arguments[] = {(char *)process_row_name, "fork", fd, duration, n, NULL};

    (void)unused;
    path_of_static(path);
    snprintf(fd, sizeof fd, "%d", bench.report_fd);
    snprintf(duration, sizeof duration, "%lld", (long long)bench.duration_us);
    snprintf(n, sizeof n, "%u", bench.n);
    fcntl(bench.report_fd, F_SETFD, 0); /* kept open for it */
    execvp(path, arguments);
    no_program(errno, path);
}

/* The child begins as any program expects to: nothing blocked, nothing ignored. */
static void
open_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, broken_pipe;
    int error = posix_spawnattr_init(attributes);

    if (error != 0) {
        errno = error;
        bench_fail("posix_spawnattr_init");
    }
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &broken_pipe);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

void
spawn_measure(int is_static)
{
    char path[PATH], *arguments[] = {(char *)process_exit_name, NULL};
    posix_spawnattr_t attributes;
    double count = 0;

    if (is_static) {
        path_of_static(path);
    } else {
        snprintf(path, sizeof path, "%s", bench.program);
    }
    open_attributes(&attributes);
    bench_start(1);
    do {
        pid_t pid;
        int error = posix_spawnp(&pid, path, NULL, &attributes, arguments, environ);

        if (error != 0) {
            no_program(error, path);
        }
        await(pid);
        count++;
    } while (!bench_over);
    bench_stop(count);
    posix_spawnattr_destroy(&attributes);
}

/* --- threads --------------------------------------------------------------------------------- */

static void *
thread_main(void *unused)
{
    return unused;
}

void
thread_measure(int unused)
{
    double count = 0;

    (void)unused;
    bench_start(1);
    do {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, thread_main, NULL);

        if (error != 0) {
            errno = error;
            bench_fail("pthread_create");
        }
        pthread_join(thread, NULL);
        count++;
    } while (!bench_over);
    bench_stop(count);
}
