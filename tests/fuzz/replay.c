/*
 * replay - a fuzz target without a fuzzer: gives it the files that are named, or all that are in a
 * folder, and says which of them fail. For any compiler and machine: so the inputs that once were
 * found go on as regression tests.
 *
 *     fuzz_conn tests/fuzz/corpus/fuzz_conn     all of them
 *     fuzz_conn crash-1234                      one
 *
 * The files are replayed in a child process; when one ends it, another goes on behind that.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MOST = 1 << 20, SECONDS_MOST = 60 };

static char **files;
static size_t count;

static _Noreturn void
fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

static void
add_file(const char *folder, const char *name)
{
    size_t length = strlen(folder) + strlen(name) + 2;

    char **more = realloc(files, (count + 1) * sizeof *files);

    if (!more || !(more[count] = malloc(length))) {
        fail("no memory");
    }
    files = more;
    snprintf(files[count++], length, "%s%s%s", folder, *folder ? "/" : "", name);
}

static int
compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void
add(const char *path)
{
    struct stat status;
    struct dirent *entry;
    DIR *folder;

    if (stat(path, &status) == -1) {
        fail(path);
    }
    if (!S_ISDIR(status.st_mode)) {
        add_file("", path);
        return;
    }
    folder = opendir(path);
    if (!folder) {
        fail(path);
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.') {
            add_file(path, entry->d_name);
        }
    }
    closedir(folder);
}

static void
replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MOST);
    uint8_t *copy;
    size_t size;

    if (!file || !data) {
        fail(path);
    }
    size = fread(data, 1, INPUT_MOST, file);
    if (ferror(file)) {
        fail(path);
    }
    fclose(file);
    copy = malloc(size); /* of its exact size, so that a byte too many is seen */
    if (size > 0) {
        if (!copy) {
            fail(path);
        }
        memcpy(copy, data, size);
    }
    free(data);
    alarm(SECONDS_MOST);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

/* In the child: tells through the pipe how far it is. */
static void
replay_from(size_t first, int pipefd)
{
    for (size_t i = first; i < count; i++) {
        replay(files[i]);
        if (write(pipefd, "", 1) != 1) {
            fail("pipe");
        }
    }
    exit(0); /* not _exit(): a sanitizer looks for leaks, and coverage is written */
}

/* Returns the number of the first input behind those that have been replayed; -1: it is over. */
static size_t
run_child(size_t first, unsigned *failed)
{
    int ends[2], status;
    char byte;
    pid_t child;

    if (pipe(ends) == -1 || (child = fork()) == -1) {
        fail("a child");
    }
    if (child == 0) {
        close(ends[0]); /* the parent's */
        replay_from(first, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1) {
        first++;
    }
    close(ends[0]);
    if (waitpid(child, &status, 0) == -1) {
        fail("waitpid");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && first == count) {
        return count;
    }
    ++*failed;
    fprintf(stderr, "FAILED: %s (%s %d)\n", first < count ? files[first] : "at the end",
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return first + 1;
}

int
main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    unsigned failed = 0;
    size_t next = 0;

    if (argc < 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        add(argv[i]);
    }
    if (count == 0) {
        fprintf(stderr, "%s: no inputs\n", argv[0]);
        return 1;
    }
    qsort(files, count, sizeof *files, compare);
    signal(SIGALRM, SIG_DFL);
    while (next < count) {
        next = run_child(next, &failed);
    }
    printf("%s: %zu inputs, %u failed\n", slash ? slash + 1 : argv[0], count, failed);
    return failed > 0;
}
