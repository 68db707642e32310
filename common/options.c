#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

#define VERSION "0.1.0"

enum { SECOND_US = 1000 * 1000 };
static const int64_t MOST_US = 86400LL * SECOND_US;
static const uint64_t DIGITS_MOST = 1000ULL * 1000 * 1000 * SECOND_US; /* with decimals */

/* By enum options_kind. "ms" comes before "m", with which it begins. */
static const struct kind {
    const char *name, *hint;
    uint64_t bare; /* what a value without a unit counts in */
    struct unit {
        char name[3];
        uint64_t factor;
    } units[5];
} kinds[] = {
    {"a whole number", "", 1, {{"", 0}}},
    {"a time in seconds",
     ", in whole microseconds, such as 0.5, or with one of the units us, ms, s, m",
     SECOND_US,
     {{"us", 1}, {"ms", 1000}, {"s", SECOND_US}, {"m", 60 * SECOND_US}}},
    {"a size in bytes",
     ", or with one of the units k, M, G (of 1024)",
     1,
     {{"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}},
    {"a size in KiB",
     ", or with one of the units k, M, G (of 1024)",
     1 << 10,
     {{"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}},
};

static const char *const formats[] = {"text", "json", NULL};

/* In `help` a server that has a pool says what HUP does. */
static const char hup_help[] = "HUP ends it at once, without statistics.\n";
static const char common_help[] =
    "  -i HOST     address (default 127.0.0.1), name, or path (has a /) for a Unix\n"
    "              socket\n"
    "  -p PORT     TCP port (default 2000); 0 lets the kernel choose\n"
    "  -B N        backlog: connections that the kernel queues (default %d)\n"
    "  -T TIME     close a connection without a complete request for so long\n"
    "              (default 10; 0 never); looked at about once a second\n"
    "  -g TIME     grace on stop (default 5)\n"
    "  -o FORMAT   statistics as text (default) or json\n"
    "  -q          quiet: no first line, no text statistics when stopped\n"
    "  -v          a line per request\n"
    "  -h          this help\n"
    "  -V          the version\n"
    "\n"
    "A TIME is in seconds, or has one of the units us, ms, s, m: 10, 0.5, 500ms.\n"
    "TERM or INT stops it and prints the statistics; USR1 prints them and goes on.\n"
    "%sExit status: 0 after a stop, 1 after an error, 2 for wrong usage.\n";

struct options
options_default(int children)
{
    return (struct options){
        .host = "127.0.0.1",
        .port = 2000,
        .children = children,
        .backlog = SOMAXCONN,
        .timeout_us = 10 * SECOND_US,
        .grace_us = 5 * SECOND_US,
    };
}

int
options_next(int argc, char **argv, const char *letters)
{
    /* (While getopt() is within a cluster of options, argv[optind] is that cluster.) */
    const char *word = optind > 0 && optind < argc ? argv[optind] : "";
    int letter = strcmp(word, "--help") == 0      ? 'h'
                 : strcmp(word, "--version") == 0 ? 'V'
                                                  : getopt(argc, argv, letters);

    if (letter == '?' && optopt == '-') {
        die_usage("'%.60s' is not an option of this program", word);
    }
    return letter;
}

bool
options_take_quantity(const char **text, enum options_kind kind, uint64_t bare, uint64_t most,
                      uint64_t *value)
{
    const struct unit *unit = kinds[kind].units;
    const char *at = *text;
    uint64_t number = 0, scale = 1, factor = bare;
    bool point = false;

    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !point && kind != OPTIONS_NUMBER); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        number = number * 10 + (uint64_t)(*at - '0');
        scale *= point ? 10 : 1;
        if (number > DIGITS_MOST || scale > DIGITS_MOST) {
            return false;
        }
    }
    if (at == *text || **text == '.' || at[-1] == '.') {
        return false;
    }
    for (; scale > 1 && number % 10 == 0; number /= 10) {
        scale /= 10; /* zeros at the end must not make the product below overflow */
    }
    while (unit->factor != 0 && strncmp(at, unit->name, strlen(unit->name)) != 0) {
        unit++;
    }
    if (unit->factor != 0) {
        at += strlen(unit->name);
        factor = unit->factor;
    }
    *text = at;
    *value = number > UINT64_MAX / factor ? UINT64_MAX : number * factor / scale;
    return *value <= most && number * factor % scale == 0;
}

int64_t
options_quantity(int letter, const char *value, enum options_kind kind, int64_t least, int64_t most)
{
    const struct kind *as = &kinds[kind];
    double low = (double)least / (double)as->bare, high = (double)most / (double)as->bare;
    double example = letter == 'p' ? 2000 : low > 10 ? low : high < 10 ? high : 10;
    const char *text = value;
    uint64_t number;

    if (!options_take_quantity(&text, kind, as->bare, (uint64_t)most, &number) || *text != '\0' ||
        (int64_t)number < least) {
        die_usage("-%c '%.60s': %s from %.10g to %.10g is allowed%s; for example -%c %.10g", letter,
                  value, as->name, low, high, as->hint, letter, example);
    }
    return (int64_t)number;
}

int
options_word(int letter, const char *value, const char *const words[])
{
    char allowed[128] = "";
    int index = 0;

    while (words[index] && strcmp(value, words[index]) != 0) {
        index++;
    }
    if (words[index]) {
        return index;
    }
    for (int i = 0, used = 0; i < index; i++) {
        used += snprintf(allowed + used, sizeof allowed - (size_t)used, "%s%s",
                         i == 0           ? ""
                         : i == index - 1 ? " or "
                                          : ", ",
                         words[i]);
    }
    die_usage("-%c '%.60s': %s is allowed; for example -%c %s", letter, value, allowed, letter,
              words[0]);
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
        options->timeout_us = options_quantity('T', optarg, OPTIONS_TIME, 0, MOST_US);
        break;
    case 'g':
        options->grace_us = options_quantity('g', optarg, OPTIONS_TIME, 0, MOST_US);
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
        printf(common_help, SOMAXCONN, strstr(help, "HUP") ? "" : hup_help);
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
