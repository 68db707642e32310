/*
 * replay - a fuzz target without a fuzzer: gives it inputs and says which of them fail. For any
 * compiler and machine: so the inputs that once were found go on as regression tests.
 *
 *     fuzz_conn tests/fuzz/corpus/fuzz_conn.txt    each line is an input: "text", or name="text"
 *     fuzz_conn crash-1234                         this file is an input; of a folder, each file
 *     fuzz_conn -l FILE...                         print the inputs as lines for such a text
 *     fuzz_conn -u FOLDER FILE...                  write each input into a file of its own
 *
 * In a text, \n is a line feed, \xNN any byte, \\ a backslash; lines that begin with # are
 * comments.
 *
 * The inputs are replayed in a child process; when one ends it, another goes on behind that.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MOST = 1 << 20, SECONDS_MOST = 60 };

/* An input: where it is from, whether it has a name of its own, its bytes. */
static struct kept {
    char *from;
    bool named;
    uint8_t *bytes;
    size_t size;
} * inputs;

static size_t count;

static _Noreturn void
fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "this is no input");
    exit(2);
}

static void *
copy_of(const void *bytes, size_t size)
{
    void *copy = malloc(size); /* of its exact size, so that a byte too many is seen */

    if (!copy && size > 0) {
        fail("no memory");
    }
    return size > 0 ? memcpy(copy, bytes, size) : copy;
}

static void
add_input(const char *from, bool named, const uint8_t *bytes, size_t size)
{
    inputs = realloc(inputs, (count + 1) * sizeof *inputs);
    if (!inputs) {
        fail("no memory");
    }
    inputs[count++] =
        (struct kept){copy_of(from, strlen(from) + 1), named, copy_of(bytes, size), size};
}

/* Takes the escapes out of what stands between the quotes; at most as long as before. */
static size_t
unescape(const char *text, const char *end, uint8_t *bytes)
{
    size_t size = 0;
    unsigned byte;

    while (text < end) {
        if (*text != '\\') {
            byte = (unsigned char)*text++;
        } else if (text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
            text += 4;
        } else {
            byte = text[1] == 'n' ? '\n' : (unsigned char)text[1];
            text += 2;
        }
        bytes[size++] = (uint8_t)byte;
    }
    return size;
}

static void
add_line(const char *path, unsigned number, char *line)
{
    static uint8_t bytes[INPUT_MOST];
    char *begin = strchr(line, '"'), *end = strrchr(line, '"');
    char from[1024];

    if (!begin || end == begin) {
        errno = 0;
        fail(line);
    }
    if (begin > line) {
        snprintf(from, sizeof from, "%.*s", (int)(begin - line - 1), line);
    } else {
        snprintf(from, sizeof from, "%s:%u", path, number);
    }
    add_input(from, begin > line, bytes, unescape(begin + 1, end, bytes));
}

static void
add_file(const char *path)
{
    static char text[INPUT_MOST];
    const char *dot = strrchr(path, '.');
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        fail(path);
    }
    if (dot && strcmp(dot, ".txt") == 0) {
        for (unsigned number = 1; fgets(text, sizeof text, file); number++) {
            if (*text != '#') {
                add_line(path, number, text);
            }
        }
    } else {
        size = fread(text, 1, sizeof text, file);
        add_input(path, false, (uint8_t *)text, size);
    }
    if (ferror(file)) {
        fail(path);
    }
    fclose(file);
}

static void
add(const char *path)
{
    char file[1024];
    struct stat status;
    struct dirent *entry;
    DIR *folder;

    if (stat(path, &status) == -1) {
        fail(path);
    }
    if (!S_ISDIR(status.st_mode)) {
        add_file(path);
        return;
    }
    folder = opendir(path);
    if (!folder) {
        fail(path);
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
            add_file(file);
        }
    }
    closedir(folder);
}

/* --- what is done with them ------------------------------------------------------------------ */

static void
print(const struct kept *input)
{
    printf("%s%s\"", input->named ? input->from : "", input->named ? "=" : "");
    for (size_t i = 0; i < input->size; i++) {
        uint8_t byte = input->bytes[i];

        if (byte == '\n' || byte == '\\') {
            printf("\\%c", byte == '\n' ? 'n' : byte);
        } else {
            printf(byte >= ' ' && byte <= '~' ? "%c" : "\\x%02x", byte);
        }
    }
    puts("\"");
}

/* Under its name, or the number that it has here. */
static void
unpack(const char *folder, size_t number)
{
    const struct kept *input = &inputs[number];
    char path[1024];
    FILE *file;

    if (input->named) {
        snprintf(path, sizeof path, "%s/%s", folder, input->from);
    } else {
        snprintf(path, sizeof path, "%s/%04zu", folder, number + 1);
    }
    file = fopen(path, "wb");
    if (!file || fwrite(input->bytes, 1, input->size, file) != input->size || fclose(file) != 0) {
        fail(path);
    }
}

/* In the child: tells through the pipe how far it is. */
static void
replay_from(size_t first, int pipefd)
{
    for (size_t i = first; i < count; i++) {
        alarm(SECONDS_MOST);
        LLVMFuzzerTestOneInput(inputs[i].bytes, inputs[i].size);
        alarm(0);
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
    fprintf(stderr, "FAILED: %s (%s %d)\n", first < count ? inputs[first].from : "at the end",
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return first + 1;
}

static void
release(void)
{
    for (size_t i = 0; i < count; i++) {
        free(inputs[i].from);
        free(inputs[i].bytes);
    }
    free(inputs);
}

/* Returns how many have failed. */
static unsigned
replay_all(void)
{
    unsigned failed = 0;
    size_t next = 0;

    signal(SIGALRM, SIG_DFL);
    while (next < count) {
        next = run_child(next, &failed);
    }
    return failed;
}

int
main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *folder = NULL;
    bool list = false;
    unsigned failed = 0;
    int letter;

    while ((letter = getopt(argc, argv, "lu:")) != -1) {
        list = list || letter == 'l';
        folder = letter == 'u' ? optarg : folder;
        failed += letter == '?';
    }
    if (optind == argc || failed) {
        fprintf(stderr, "usage: %s [-l | -u FOLDER] FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        add(argv[i]);
    }
    for (size_t i = 0; i < count && (list || folder); i++) {
        if (list) {
            print(&inputs[i]);
        } else {
            unpack(folder, i);
        }
    }
    if (!list && !folder) {
        failed = replay_all();
        printf("%s: %zu inputs, %u failed\n", slash ? slash + 1 : argv[0], count, failed);
    }
    failed += count == 0;
    release();
    return failed > 0;
}
