#include "settings.h"

#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"
#include "../common/spawn.h"
#include "frames.h"

enum { CHILDREN = 10, CHILDREN_MAX = 1000, QUEUE_MAX = 64 };
enum { FRAME_DEFAULT = 1 << 20, FRAME_MAX = 1 << 30 };

static const char help[] =
    "An event loop has the clients; worker processes do the work of their requests.\n"
    "HUP replaces them one by one.\n\n"
    "  -n N        children that work (default 10)\n"
    "  -Q N        requests that a child may have in hand (default 1)\n"
    "  -e PROGRAM  the children are this handler, and requests are frames; behind --\n"
    "              its arguments\n"
    "  -l BYTES    -e: the most bytes of a frame, and of a reply that are held for a\n"
    "              client which does not read it (default 1M)\n";

void
settings_take(struct settings *settings, struct server *server, int argc, char **argv)
{
    int words = crew_arguments(argc, argv), letter;
    bool queued = false;

    *settings = (struct settings){.queue = 1};
    server->board.apart = true;
    server->options = options_default(CHILDREN);
    while ((letter = server_option(server, words, argv, "n:Q:e:l:", help, CHILDREN_MAX)) != -1) {
        if (letter == 'Q') {
            settings->queue = (unsigned)options_number('Q', optarg, 1, QUEUE_MAX);
            queued = true;
        } else if (letter == 'e') {
            settings->program = optarg;
        } else {
            frames_most = (size_t)options_quantity('l', optarg, OPTIONS_SIZE, 1, FRAME_MAX);
        }
    }
    if (settings->program && queued) {
        die_usage("-Q is not for -e: a handler has one request in hand");
    }
    if (!settings->program && frames_most > 0) {
        die_usage("-l is for -e");
    }
    if (!settings->program && words + 1 < argc) {
        die_usage("'%.200s': what stands behind -- is for -e", argv[words + 1]);
    }
    if (settings->program) {
        settings->program = spawn_find(argv[0], settings->program);
        frames_most = frames_most > 0 ? frames_most : FRAME_DEFAULT;
        spawn_prepare(); /* before anything is opened */
    }
}
