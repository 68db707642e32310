/*
 * fuzz_options - common/options.c: numbers on a command line, and what all servers understand.
 *
 * An input is a number with its limits, and a command line, its arguments on lines. The oracle for
 * numbers compares digits as text. Of a command line that is taken every value must be in range and
 * be the one that stands there last; of one that is not, the message must name what is wrong.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dying.h"

#define exit(status) dying_politely(status)
#define printf(...) dying_no_text(__VA_ARGS__)

#include "../../common/options.c"

enum { TEXT_MOST = 2000 };

/* --- numbers --------------------------------------------------------------------------------- */

/* Digits; within the limits, which are far below 10^9. */
static bool
is_number(const char *text, long least, long most)
{
    uint64_t value;

    return fuzz_number(text, strlen(text), 1000000000, &value) && (long)value >= least &&
           (long)value <= most;
}

static void
try_number(const char *text, long least, long most)
{
    volatile long number = 0;
    volatile bool good = is_number(text, least, most);

    if (dying_tries() == 0) {
        number = options_number('n', text, least, most);
        CHECK(good, "'%s' is taken as %ld", text, number);
        CHECK(number == strtol(text, NULL, 10), "'%s' is taken as %ld", text, number);
    } else {
        CHECK(!good, "'%s' is refused: %s", text, dying_text);
        CHECK(strncmp(dying_text, "-n '", 4) == 0, "%s", dying_text);
    }
}

/* --- command lines --------------------------------------------------------------------------- */

static void
check_range(const struct options *options)
{
    CHECK(*options->host != '\0', "no host");
    CHECK(options->port >= 0 && options->port <= 65535, "port %d", options->port);
    CHECK(options->backlog >= 1 && options->backlog <= 65535, "backlog %d", options->backlog);
    CHECK(options->timeout_us >= 0 && options->timeout_us <= MOST_US, "-T");
    CHECK(options->grace_us >= 0 && options->grace_us <= MOST_US, "-g");
    CHECK(options->children >= 1 && options->children <= 1000, "-n %d", options->children);
}

/* The loop of each server, with its own -n. */
static void
take_all(struct options *options, int argc, char **argv)
{
    int letter;

    optind = 0; /* begin anew, as glibc and musl have it; 1 would go on within a cluster */
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "n:")) != -1) {
        if (letter == 'n') {
            options->children = (int)options_number('n', optarg, 1, 1000);
        } else {
            options_take(options, letter, "");
        }
    }
    options_end(argc, argv);
}

/* The same once more, from the values: nothing is lost on the way. */
static void
check_round_trip(const struct options *options)
{
    struct options again = options_default(10);
    static char text[TEXT_MOST + 200];
    char *argv[ARGUMENTS_MOST + 2];

    snprintf(text, sizeof text, "-i\n%s\n-p%d\n-B%d\n-T%lldus\n-g%lldus\n-n%d\n-o%s\n-q\n-v",
             options->host, options->port, options->backlog, (long long)options->timeout_us,
             (long long)options->grace_us, options->children, options->json ? "json" : "text");
    take_all(&again, dying_arguments(text, argv), argv);
    CHECK(strcmp(again.host, options->host) == 0 && again.port == options->port &&
              again.backlog == options->backlog && again.timeout_us == options->timeout_us &&
              again.grace_us == options->grace_us && again.children == options->children &&
              again.json == options->json,
          "the second time it is another");
}

static void
try_line(int argc, char **argv)
{
    static struct options options;
    int how = dying_tries();

    if (how == 0) {
        options = options_default(10);
        take_all(&options, argc, argv);
        check_range(&options);
        check_round_trip(&options);
    } else {
        CHECK(how != DYING_FAILED, "not wrong usage: %s", dying_text);
        dying_check_usage(how);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    long least = (long)input_number(&input, 2), most = least + (long)input_number(&input, 3);
    char *text = input_text(&input, TEXT_MOST), *argv[ARGUMENTS_MOST + 2];
    int argc;

    if (text) {
        argc = dying_arguments(text, argv);
        if (argc > 1) {
            try_number(argv[1], least, most);
        }
        try_line(argc, argv);
        free(text);
    }
    return 0;
}
