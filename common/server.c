#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
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
    while ((letter = options_next(argc, argv, all)) != -1) {
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
    /* First: under `ulimit -f` making the counters could end this process by XFSZ. */
    signals_open(server->options.grace_us, pool, &server->waiting);
    if (server->options.children == 0 || (server->stats.threads && server->board.threads == 0)) {
        signal(SIGCHLD, SIG_IGN); /* as process 1 it inherits children: no zombies */
    }
    scoreboard_open(&server->board, (unsigned)server->options.children);
    conn_start(&server->options, die_program());
    stats_start(&server->stats, variant);
}

void
server_ready(struct server *server)
{
    static bool said;
    struct address bound = {.length = sizeof bound.storage};
    char text[ADDRESS_TEXT], line[2 * ADDRESS_TEXT];
    int length;

    if (said || server->options.quiet) {
        return;
    }
    said = true;
    if (getsockname(server->listenfd, &bound.any, &bound.length) == -1) {
        die("getsockname");
    }
    address_text(&bound, text);
    length = snprintf(line, sizeof line, "%s: listening on %s, pid %ld\n", die_program(), text,
                      (long)getpid());
    if (!signals_write(line, (size_t)length) && errno != EINTR) { /* EINTR: a stop signal */
        die("standard output");
    }
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
        signals_idle();
        scoreboard_publish(worker->slot);
    }
    return !leaves;
}

void
server_report_if_asked(struct server *server)
{
    if (signals_report) {
        signals_report = 0;
        stats_print(&server->stats, &server->board, &server->options, false);
    }
}

int
server_close(struct server *server, int status)
{
    stats_print(&server->stats, &server->board, &server->options, true);
    return status;
}
