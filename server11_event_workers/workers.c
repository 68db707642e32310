#include "workers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"
#include "../common/signals.h"
#include "handlers.h"

enum { LOOK_US = 1000 * 1000, SOON_US = 50 * 1000 };
enum { SPARE = 8, HANDLER_FDS = 3 /* of the loop, for each: its channel, and an errand */ };

struct desk *desks;

static struct server *server;
static struct pool *pool;

struct pool *
workers_open(struct server *of, const char *program)
{
    unsigned children = (unsigned)of->options.children;
    unsigned used = children * (program ? HANDLER_FDS : 1) + SPARE + 1, limit;

    server = of;
    if (program) {
        if (fcntl(server->listenfd, F_SETFD, FD_CLOEXEC) == -1) { /* it is not for handlers */
            die("FD_CLOEXEC");
        }
        crew_open(server, program, children);
        crew.board->own_channels = 1;
        crew.board->timeout_ms = 0; /* it waits for the loop, which waits for the client */
    }
    pool = program ? crew.pool : pool_open(children);
    limit = descriptors_raise(CLIENTS_MAX);
    if (limit <= used) {
        diex("-n %u needs more descriptors than `ulimit -Hn` allows", children);
    }
    clients_open(1 + children, limit - used, limit);
    clients_polled[0].events = POLLIN;
    desks = calloc(children + 1, sizeof *desks);
    if (!desks) {
        die("%u children", children);
    }
    for (unsigned i = 1; i <= children; i++) {
        desks[i].fd = desks[i].errand.fd = desks[i].channel.sender = desks[i].channel.receiver = -1;
    }
    return pool;
}

unsigned
workers_held(unsigned number)
{
    return desks[number].given - desks[number].answered;
}

bool
workers_has_room(unsigned number)
{
    return pool_takes(pool, number) && desks[number].unsent == 0 &&
           (crew.board ? crew_takes(number) : desks[number].fd != -1);
}

bool
workers_may_start(unsigned number)
{
    return crew.board ? workers_held(number) == 0 : desks[number].fd == -1;
}

bool
workers_give(unsigned number, struct client *client)
{
    struct desk *desk = &desks[number];
    struct message message = {.client = (uint32_t)client->conn.fd,
                              .generation = client->generation,
                              .cpu_us = client->conn.cpu_us,
                              .wait_us = client->conn.wait_us};

    if (!crew.board) {
        desk_give(desk, &message);
    } else if (handlers_give(number, client)) {
        desk->out = message;
    } else {
        return false;
    }
    client->child = number;
    client->nth = desk->given;
    return true;
}

/* Nothing of a reply has been sent, so another child may work for the request. But if a child had
 * begun with it, and has died, that may have been its fault. */
void
workers_take_back(struct client *client, bool begun)
{
    client->nth = 0;
    if (begun && client->retried) {
        conn_unworkable(&client->conn, "error: two processes have died of this request\n");
        clients_go_on(client);
    } else {
        client->retried = client->retried || begun;
        clients_queue(client, true);
    }
}

/* Takes back what this forked child has been given, but for the first `kept` that it has not
 * answered: backwards, so the order stays. If it has died (none is kept) it can have begun with the
 * last one that it has received; one that has left, by somebody's TERM, has answered that one. */
static void
take_back_from(unsigned number, unsigned kept)
{
    const struct desk *desk = &desks[number];
    unsigned received = (unsigned)(counter_get(&desk->worker.slot->wakeups) - desk->before);

    for (unsigned nth = desk->given; nth != desk->answered + kept; nth--) {
        struct client *client = clients_given(number, nth);

        if (client) {
            workers_take_back(client, kept == 0 && nth == received);
        }
    }
}

/* --- forked children ------------------------------------------------------------------------- */

/* An answer counts only if the client still waits for it: it may have gone, and its request may
 * have been taken back. */
static void
hear_child(unsigned number)
{
    struct desk *desk = &desks[number];
    enum desk_news news = DESK_NOTHING;
    struct client *client;

    if (clients_polled[number].revents != 0) {
        desk_send(desk);
        news = desk_hear(desk);
    }
    if (news == DESK_LOST) {
        take_back_from(number, 0);
        close(desk->fd);
        *desk = (struct desk){.fd = -1};
    } else if (news == DESK_ANSWER &&
               (client = clients_find(desk->in.client, desk->in.generation)) &&
               client->child == number && client->nth == desk->answered) {
        clients_worked_for(client, &desk->worker);
        clients_go_on(client); /* the reply is tried at once */
    }
}

/* --- turns ----------------------------------------------------------------------------------- */

void
workers_look(void)
{
    if (crew.board) {
        handlers_look();
    } else {
        pool_turn(pool, server);
    }
    for (unsigned i = 1; i <= pool->size; i++) {
        if (pool->child[i].stopped && !desks[i].stopped && workers_held(i) > 1) {
            take_back_from(i, 1);
        }
        desks[i].stopped = pool->child[i].stopped;
    }
}

/* A handler says by SIGCHLD that it has got ready, or finished. That signal may come just before
 * poll(): so that is asked again soon. */
int
workers_watch(void)
{
    int64_t us = pool_wait_us(pool), most = signals_stop ? SOON_US : LOOK_US;
    bool seen = !crew.board || pool->starting == 0;

    for (unsigned i = 1; i <= pool->size; i++) {
        if (crew.board) {
            seen = handlers_watch(i) && seen;
        } else {
            clients_polled[i].fd = desks[i].fd;
            clients_polled[i].events = desks[i].unsent > 0 ? POLLIN | POLLOUT : POLLIN;
        }
    }
    if (!seen) {
        atomic_store(&crew.board->waits, 1);
        most = SOON_US;
    }
    return (int)(((us == -1 || us > most ? most : us) + 999) / 1000);
}

void
workers_hear(void)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        if (crew.board) {
            handlers_hear(i);
        } else {
            hear_child(i);
        }
    }
}

/* --- the end --------------------------------------------------------------------------------- */

bool
workers_release(void)
{
    bool over = signals_over(), any = false;
    unsigned needed = over ? 0 : clients_unserved(), able = 0;

    pool->wanted = needed < pool->wanted ? needed : pool->wanted;
    for (unsigned i = 1; i <= pool->size; i++) {
        able += pool_takes(pool, i);
    }
    for (unsigned i = pool->size; i > 0; i--) {
        if (pool->child[i].pid == 0 || workers_held(i) > 0) {
            continue;
        }
        if (over) {
            pool_ask(pool, i, SIGKILL);
            any = true;
        } else if (able > needed && pool_takes(pool, i)) {
            pool_ask(pool, i, SIGTERM);
            able--;
        }
    }
    return any;
}

void
workers_forget(void)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        if (desks[i].fd != -1) {
            close(desks[i].fd);
        }
    }
}

bool
workers_ending(int *status)
{
    if (crew.board) {
        handlers_reap();
    }
    return pool_ending(pool, server, false, status);
}
