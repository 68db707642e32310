#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

#define VERSION "0.1.0"

enum { MOST_SECONDS = 86400 };

static const char *const formats[] = {"text", "json", NULL};

static const char common_help[] =
    "  -i HOST     address, name, or a path containing '/' for a Unix socket (default 127.0.0.1)\n"
    "  -p PORT     TCP port (default 2000); 0 lets the kernel choose\n"
    "  -B N        backlog: connections that the kernel queues (default %d)\n"
    "  -T SECONDS  close a connection without a complete request for so long (default 10, 0 "
    "never)\n"
    "  -g SECONDS  grace on stop (default 5)\n"
    "  -o FORMAT   statistics as text (default) or json\n"
    "  -q          quiet: no first line, no text statistics when stopped\n"
    "  -v          a line per request\n"
    "  -h          this help\n"
    "  -V          the version\n"
    "\n"
    "TERM or INT stops it and prints the statistics; USR1 prints them and goes on. HUP\n"
    "replaces the children of servers that start them beforehand (03, 04, 05).\n";

struct options
options_default(int children)
{
    return (struct options){
        .host = "127.0.0.1",
        .port = 2000,
        .children = children,
        .backlog = SOMAXCONN,
        .timeout_s = 10,
        .grace_s = 5,
    };
}

/* A good value, for the message about a bad one. */
static long
example(int letter, long least, long most)
{
    long some = letter == 'p' ? 2000 : 10;

    return least > some ? least : most < some ? most : some;
}

long
options_number(int letter, const char *value, long least, long most)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    /* strtol() would also take blanks, a plus sign and an empty string. */
    if (strspn(value, "-0123456789") != strlen(value) || end == value || *end != '\0' ||
        errno == ERANGE || number < least || number > most) {
        die_usage("-%c '%.60s': a whole number from %ld to %ld is allowed; for example -%c %ld",
                  letter, value, least, most, letter, example(letter, least, most));
    }
    return number;
}

int
options_word(int letter, const char *value, const char *const *words)
{
    char allowed[128] = "";
    int index = 0;

    while (words[index] && strcmp(value, words[index]) != 0) {
        size_t used = strlen(allowed);

        snprintf(allowed + used, sizeof allowed - used, "%s%s", index > 0 ? " or " : "",
                 words[index]);
        index++;
    }
    if (!words[index]) {
        die_usage("-%c '%.60s': %s is allowed; for example -%c %s", letter, value, allowed, letter,
                  words[0]);
    }
    return index;
}

static _Noreturn void
leave(void)
{
    exit(fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE);
}

void
options_rest(int letter, const char *help)
{
    switch (letter) {
    case 'h':
        printf("usage: %s [options]\n%s", die_program(), help);
        leave();
    case 'V':
        printf("%s %s\n", die_program(), VERSION);
        leave();
    case ':':
        die_usage("-%c needs a value", optopt);
    default:
        die_usage("-%c is not an option of this program", optopt);
    }
}

void
options_take(struct options *options, int letter, const char *help)
{
    switch (letter) {
    case 'i':
        if (*optarg == '\0') {
            die_usage("-i '': an address, a name or a path is allowed; for example -i 127.0.0.1");
        }
        options->host = optarg;
        break;
    case 'p':
        options->port = (int)options_number('p', optarg, 0, 65535);
        break;
    case 'B':
        options->backlog = (int)options_number('B', optarg, 1, 65535);
        break;
    case 'T':
        options->timeout_s = (int)options_number('T', optarg, 0, MOST_SECONDS);
        break;
    case 'g':
        options->grace_s = (int)options_number('g', optarg, 0, MOST_SECONDS);
        break;
    case 'o':
        options->json = options_word('o', optarg, formats) == 1;
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->verbose = true;
        break;
    case 'h':
        printf("usage: %s [options]\n%s", die_program(), help);
        printf(common_help, SOMAXCONN);
        leave();
    default:
        options_rest(letter, help);
    }
}

void
options_end(int argc, char **argv)
{
    if (optind < argc) {
        die_usage("'%.60s': nothing is allowed after the options", argv[optind]);
    }
}
