/*
 * server - what every server does before and after its lesson: options, counters, signals,
 * statistics.
 */
#ifndef COMMON_SERVER_H
#define COMMON_SERVER_H

#include <signal.h>
#include <stdbool.h>

#include "conn.h"
#include "options.h"
#include "scoreboard.h"
#include "stats.h"

struct server {
    struct options options;
    struct scoreboard board;
    struct stats stats;
    sigset_t waiting; /* the signal mask inside pselect(): elsewhere the signals are blocked */
    int listenfd;
};

/* Returns the next option that is the server's own, as getopt(3) does, or -1; takes the common
 * options itself. With "n:" among `letters` it takes -n too, 1 to `most`. -h prints `help`. Ends
 * the program with status 2 on wrong usage. */
int server_option(struct server *server, int argc, char **argv, const char *letters,
                  const char *help, int most);

/* Makes the counters (of -n children), starts the statistics, catches the signals (HUP too for a
 * `pool`) and blocks them. Dies on failure. */
void server_open(struct server *server, const char *variant, bool pool);

/* The first time: prints the first line, "NAME: listening on ADDRESS, pid PID", unless -q. While
 * nobody reads there, a stop signal ends the wait. Dies if it cannot be written. */
void server_ready(struct server *server);

/* In a forked child: sets up its signals, and returns the worker that serves as `number`. */
struct worker server_child(struct server *server, unsigned number, struct slot *slot);

/* In a child, once per turn of its loop: publishes its counters once a second; returns false when
 * the child must leave (TERM, HUP, a dead parent). */
bool server_child_goes_on(const struct worker *worker);

/* Prints the statistics if USR1 has asked for them. */
void server_report_if_asked(struct server *server);

/* Prints the statistics at the end; returns `status`. */
int server_close(struct server *server, int status);

#endif
