#include "settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"

enum { HANDLERS_MAX = 400 /* two descriptors each, and select() takes 1024 */, HANDLERS = 64 };
enum { QUEUE_MAX = 64, REQUESTS_MAX = 1000 * 1000 * 1000 };
static const int64_t DAY_US = 86400LL * 1000 * 1000;

static const char help[] =
    "A distributor accepts connections and gives them to handlers: spawned programs.\n"
    "HUP replaces the handlers one by one.\n\n"
    "  -d HOW      queued: handlers take connections from one queue (default);\n"
    "              piped: the distributor chooses one\n"
    "  -P POLICY   piped: round-robin or least-loaded (default)\n"
    "  -Q N        piped: connections that a handler may hold, the one in service\n"
    "              included; queued: about so many wait in the queue for each of -n\n"
    "              handlers (default 1)\n"
    "  -e PROGRAM  the handler (default handler_bytes); behind -- its arguments\n"
    "  -n N        handlers at the start (default: as many as there are processors)\n"
    "  -s SIZE     pooled: always so many (default); auto: as many as the load needs\n"
    "  -m N        auto: start more when fewer than N are idle (default 2)\n"
    "  -M N        auto: retire one a second when more than N are idle (-m and 3)\n"
    "  -x N        the most handlers, for auto and TTIN (default 64, or -n if more)\n"
    "  -R N        between two connections, a handler retires after N to 1.25 N\n"
    "              requests (default 0: never)\n"
    "  -w TIME     within which a handler must be ready after its start (default 10)\n"
    "\n"
    "TTIN makes one handler more, TTOU one fewer.\n"
    "\n";

static const char *const ways[] = {"queued", "piped", NULL};
static const char *const policies[] = {"round-robin", "least-loaded", NULL};
static const char *const sizes[] = {"pooled", "auto", NULL};

static void
take(struct settings *settings, int letter)
{
    if (letter == 'd') {
        settings->piped = options_word('d', optarg, ways) == 1;
    } else if (letter == 's') {
        settings->automatic = options_word('s', optarg, sizes) == 1;
    } else if (letter == 'P') {
        settings->least_loaded = options_word('P', optarg, policies) == 1;
    } else if (letter == 'Q') {
        settings->queue = (unsigned)options_number('Q', optarg, 1, QUEUE_MAX);
    } else if (letter == 'e') {
        settings->program = optarg;
    } else if (letter == 'm') {
        settings->min_spare = (unsigned)options_number('m', optarg, 1, HANDLERS_MAX);
    } else if (letter == 'M') {
        settings->max_spare = (unsigned)options_number('M', optarg, 1, HANDLERS_MAX);
    } else if (letter == 'x') {
        settings->most = (unsigned)options_number('x', optarg, 1, HANDLERS_MAX);
    } else if (letter == 'w') {
        settings->ready_us = options_quantity('w', optarg, OPTIONS_TIME, 1, DAY_US);
    } else {
        settings->retire_after = (unsigned)options_number('R', optarg, 0, REQUESTS_MAX);
    }
}

static int
processors(unsigned most)
{
    long limit = most > 0 ? (long)most : HANDLERS_MAX, count = 2;

#ifdef _SC_NPROCESSORS_ONLN /* not in POSIX, but nearly everywhere */
    count = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return (int)(count < 1 ? 1 : count < limit ? count : limit);
}

/* Defaults that depend on other options, and what contradicts each other. */
static void
complete(struct settings *settings, struct options *options)
{
    int few = processors(settings->most);
    unsigned children = (unsigned)(options->children > 0 ? options->children : few);

    options->children = (int)children;
    if (settings->most == 0) {
        settings->most = children > HANDLERS ? children : HANDLERS;
    }
    if (settings->max_spare == 0) {
        settings->max_spare = settings->min_spare + 3;
    }
    if (settings->min_spare > settings->max_spare) {
        die_usage("-m %u -M %u: the second must not be less (-m is 2 by default)",
                  settings->min_spare, settings->max_spare);
    }
    if (children > settings->most) {
        die_usage("-n %u: -x %u allows no more", children, settings->most);
    }
    if (settings->automatic && settings->min_spare > settings->most) {
        die_usage("-m %u: -x %u allows no more", settings->min_spare, settings->most);
    }
}

void
settings_take(struct settings *settings, struct server *server, int argc, char **argv)
{
    bool policy = false, spare = false; /* options that need another one */
    int ours = crew_arguments(argc, argv), letter;

    *settings = (struct settings){
        .least_loaded = true, .queue = 1, .min_spare = 2, .ready_us = CREW_READY_US};
    settings->program = "handler_bytes";
    server->options = options_default(0);
    while ((letter = server_option(server, ours, argv, "d:e:m:M:n:P:Q:R:s:w:x:", help,
                                   HANDLERS_MAX)) != -1) {
        policy = policy || letter == 'P';
        spare = spare || letter == 'm' || letter == 'M';
        take(settings, letter);
    }
    if (policy && !settings->piped) {
        die_usage("-P is for -d piped: a queue has no choice");
    }
    if (spare && !settings->automatic) {
        die_usage("-%c is for -s auto", settings->max_spare > 0 ? 'M' : 'm');
    }
    complete(settings, &server->options);
}

const char *
settings_variant(const struct settings *settings)
{
    static char text[40];

    snprintf(text, sizeof text, "%s %s%s%s", ways[settings->piped], sizes[settings->automatic],
             settings->piped ? " " : "", settings->piped ? policies[settings->least_loaded] : "");
    return text;
}
