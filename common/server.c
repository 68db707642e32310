#include "server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "signals.h"

int
server_option(struct server *server, int argc, char **argv, const char *letters, const char *help,
              int most)
{
    static char all[64];
    int letter;

    if (*all == '\0') {
        die_begin(argv[0]);
        snprintf(all, sizeof all, "%s%s", OPTIONS_LETTERS, letters);
    }
    while ((letter = getopt(argc, argv, all)) != -1) {
        if (letter == 'n' && most > 0) {
            server->options.children = (int)options_number('n', optarg, 1, most);
        } else if (letter != ':' && strchr(letters, letter)) {
            return letter;
        } else {
            options_take(&server->options, letter, help);
        }
    }
    options_end(argc, argv);
    return -1;
}

void
server_open(struct server *server, const char *variant, bool pool)
{
    scoreboard_open(&server->board, (unsigned)server->options.children);
    conn_start(&server->options);
    stats_start(&server->stats, variant);
    signals_open(server->options.grace_s, pool, &server->waiting);
}

struct worker
server_child(struct server *server, unsigned number, struct slot *slot)
{
    signals_child(&server->waiting);
    return conn_worker(number, 0, slot);
}

bool
server_child_goes_on(const struct worker *worker)
{
    bool leaves = signals_stop || signals_replace;

    if (signals_ticked || leaves) {
        signals_ticked = 0;
        scoreboard_publish(worker->slot);
    }
    return !leaves;
}

void
server_report_if_asked(struct server *server)
{
    if (signals_report) {
        signals_report = 0;
        stats_print(&server->stats, &server->board, &server->options);
    }
}

int
server_close(struct server *server, int status)
{
    stats_print(&server->stats, &server->board, &server->options);
    return status;
}
