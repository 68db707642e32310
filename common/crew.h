/*
 * crew - a pool of handlers, children that are programs of their own (docs/handlers.md): the board,
 * how a handler gets ready, and what is said when it does not, or ends. The server starts them, and
 * chooses who works.
 */
#ifndef COMMON_CREW_H
#define COMMON_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "pool.h"

enum { CREW_READY_US = 10 * 1000 * 1000 };

struct crew {
    struct server *server;
    const char *program; /* -e: the handler, as spawn_find() returned it */
    char **arguments;    /* its own; the first is its name */
    int64_t ready_us;    /* within which a handler must be ready after its start */
    struct board *board;
    int boardfd;
    struct pool *pool;
    bool there; /* the first ones have all got ready */
};

extern struct crew crew;

/* Behind "--" on the command line stand the handler's arguments, which getopt() must not see.
 * Returns how many words stand in front. */
int crew_arguments(int argc, char **argv);

/* Once, before the first handler: makes the board and the pool. Dies on failure. */
void crew_open(struct server *server, const char *program, unsigned seats);

/* Around posix_spawnp(): before it, while the seat is still ours; after it, with the pid, or -1 and
 * errno. Dies if the first handlers cannot be started; later on it is tried again. */
void crew_starts(unsigned number);
void crew_started(unsigned number, pid_t pid);

/* What its seat says; whether it takes connections, and will go on doing so; whether one is there
 * that stays. */
unsigned crew_state(unsigned number);
bool crew_takes(unsigned number);
bool crew_stays(unsigned number);

/* Notes which handlers have got ready; true if any has. One that is late is killed. */
bool crew_notice_ready(void);

/* Returns the number of a handler that has ended, and its status, and says what that means; 0: no
 * more have. pool_ended() comes next, and crew_vacate() when the seat can be another's. */
unsigned crew_reap(int *status);
void crew_vacate(unsigned number, unsigned received);

/* Kills those that were asked to leave, serve nobody, and do not leave. */
void crew_look_at_leaving(void);

#endif
