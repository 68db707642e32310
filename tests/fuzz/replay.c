/*
 * replay - a fuzz target without a fuzzer: gives it inputs and says which of them fail. For any
 * compiler and machine: so the inputs that once were found go on as regression tests.
 *
 *     fuzz_conn tests/fuzz/corpus/fuzz_conn.txt    each line is an input: "text", or name="text"
 *     fuzz_conn crash-1234                         this file is an input
 *     fuzz_conn -l FILE...                         print the inputs as lines for such a text
 *     fuzz_conn -u FOLDER FILE...                  write each input into a file of its own
 *
 * In a text, \n is a line feed, \xNN any byte, \\ a backslash; lines that begin with # are
 * comments.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/scoreboard.h"
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

static void
add_input(const char *from, bool named, const char *bytes, size_t size)
{
    struct kept input = {strdup(from), named, NULL, size};

    input.bytes = malloc(size); /* of its exact size, so that a byte too many is seen */
    inputs = realloc(inputs, (count + 1) * sizeof *inputs);
    if (!inputs) {
        fail("no memory");
    }
    if (!input.from || (!input.bytes && size > 0)) {
        fail("no memory");
    }
    for (size_t i = 0; i < size; i++) {
        input.bytes[i] = (uint8_t)bytes[i];
    }
    inputs[count++] = input;
}

/* Takes the escapes out of a text, which only gets shorter. Returns its length. */
static size_t
unescape(char *text, const char *end)
{
    const char *from = text;
    size_t size = 0;
    unsigned byte;

    while (from < end) {
        if (*from != '\\') {
            byte = (unsigned char)*from++;
        } else if (from[1] == 'x' && sscanf(from + 2, "%2x", &byte) == 1) {
            from += 4;
        } else {
            byte = from[1] == 'n' ? '\n' : (unsigned char)from[1];
            from += 2;
        }
        text[size++] = (char)byte;
    }
    return size;
}

static void
add_line(const char *path, unsigned line_number, char *line)
{
    char *begin = strchr(line, '"'), *end = strrchr(line, '"');
    char from[1024];

    if (!begin || end == begin) {
        errno = 0;
        fail(line);
    }
    if (begin > line) {
        snprintf(from, sizeof from, "%.*s", (int)(begin - line - 1), line);
    } else {
        snprintf(from, sizeof from, "%s:%u", path, line_number);
    }
    add_input(from, begin > line, begin + 1, unescape(begin + 1, end));
}

static void
add(const char *path)
{
    static char text[INPUT_MOST];
    const char *dot = strrchr(path, '.');
    FILE *file = fopen(path, "rb");

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
        size_t size = fread(text, 1, sizeof text, file);

        add_input(path, false, text, size);
    }
    if (ferror(file)) {
        fail(path);
    }
    fclose(file);
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

/* Replays the inputs in a child from number *done on, which counts them; when one ends the child,
 * another goes on behind it. Returns how many have failed. */
static unsigned
replay_all(size_t *done)
{
    unsigned failed = 0;

    signal(SIGALRM, SIG_DFL);
    while (*done < count) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            for (; *done < count; ++*done) {
                alarm(SECONDS_MOST);
                LLVMFuzzerTestOneInput(inputs[*done].bytes, inputs[*done].size);
            }
            alarm(0);
            exit(0); /* not _exit(): a sanitizer looks for leaks, and coverage is written */
        }
        if (child == -1 || waitpid(child, &status, 0) == -1) {
            fail("a child");
        }
        if (status != 0 || *done < count) {
            failed++;
            fprintf(stderr, "FAILED: %s (%s %d)\n",
                    *done < count ? inputs[*done].from : "at the end",
                    WIFSIGNALED(status) ? "signal" : "status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            ++*done;
        }
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
        fprintf(stderr, "usage: %s [-l | -u FOLDER] FILE...\n", argv[0]);
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
        failed = replay_all(scoreboard_memory(sizeof(size_t)));
        printf("%s: %zu inputs, %u failed\n", slash ? slash + 1 : argv[0], count, failed);
    }
    return failed > 0 || count == 0;
}
