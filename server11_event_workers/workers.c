#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"
#include "../common/signals.h"

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
    } else if (errand_begin(&desk->errand, &desk->channel, &board_slots(crew.board)[number])) {
        desk->given++;
        desk->out = message;
        client->frame.reply.have = 0; /* what a handler that died has said */
        errand_step(&desk->errand, &client->frame);
    } else {
        return false;
    }
    client->child = number;
    client->nth = desk->given;
    return true;
}

/* Nothing of a reply has been sent, so another child may work for the request. But if a child had
 * begun with it, and has died, that may have been its fault. */
static void
take_back(struct client *client, bool begun)
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
 * answered: backwards, so the order stays. It can have begun with the first one alone. */
static void
take_back_from(unsigned number, unsigned kept)
{
    struct desk *desk = &desks[number];

    for (unsigned nth = desk->given; nth != desk->answered + kept; nth--) {
        struct client *client = clients_given(number, nth);

        if (client) {
            take_back(client, nth == desk->answered + 1);
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

/* --- handlers -------------------------------------------------------------------------------- */

/* A part of its reply has been sent: it must not look like all of it. */
static void
cut(struct client *client)
{
    errno = ECONNRESET;
    conn_received(&client->conn, -1);
    conn_reset(client->conn.fd);
    clients_drop(client);
}

/* (What a handler has not received has not been its end.) */
static void
deliver(struct client *client, unsigned number, enum errand_end end)
{
    const struct desk *desk = &desks[number];
    bool streams = client->frame.streams;

    if (end == ERRAND_CUT || (streams && end != ERRAND_GOOD)) {
        cut(client);
        return;
    }
    if (end == ERRAND_UNKNOWN) {
        take_back(client, atomic_load(&crew.board->seat[number].received) == desk->given);
        return;
    }
    client->frame.whole = true;
    clients_worked_for(client, &desk->worker);
    if (end == ERRAND_REFUSED) {
        frames_refused(&client->conn, &client->frame);
    }
    clients_go_on(client);
}

/* There is no room for more of its reply: the client gets what is there, and more as it takes that.
 */
static void
stream(struct client *client, struct desk *desk)
{
    if (client->frame.reply.have > 0) {
        client->frame.streams = true;
        clients_worked_for(client, &desk->worker);
    } else { /* no memory */
        conn_unworkable(&client->conn, "error: no memory for the reply\n");
        errand_close(&desk->errand);
        desk->out.client = UINT32_MAX; /* nobody */
    }
    clients_go_on(client);
}

/* What the handler has in hand is settled when the pair is closed, and it says that it has finished
 * or has died: it may still work for a client that has gone. */
static void
hear_handler(unsigned number)
{
    struct desk *desk = &desks[number];
    struct errand *errand = &desk->errand;
    struct client *client = clients_find(desk->out.client, desk->out.generation);
    const struct slot *counters = &board_slots(crew.board)[number];
    bool done = atomic_load(&crew.board->seat[number].done) == desk->given;
    enum errand_end end;

    if (workers_held(number) == 0) {
        return;
    }
    if (!client || (desk->dead && errand_end(errand, counters, done) == ERRAND_UNKNOWN)) {
        errand_close(errand); /* (a process that the handler has started may have its end) */
    } else if (errand->fd != -1 && clients_polled[number].revents != 0) {
        bool waits = client->frame.streams && client->frame.reply.have == 0;

        errand_step(errand, &client->frame);
        if (errand->fd != -1 && (waits ? client->frame.reply.have > 0
                                       : !client->frame.streams &&
                                             !buffer_grow(&client->frame.reply, frames_most + 1))) {
            stream(client, desk);
        }
    }
    end = errand_end(errand, counters, done);
    if (errand->fd == -1 && (end != ERRAND_UNKNOWN || desk->dead)) {
        desk->answered++;
        client = clients_find(desk->out.client, desk->out.generation);
        if (client) {
            deliver(client, number, end);
        }
    }
}

/* A handler counts what concerns its process alone; what concerns connections the loop counts. */
static void
take_counters(unsigned number)
{
    struct slot *from = &board_slots(crew.board)[number], *to = &server->board.slots[number];

    counter_set(&to->wakeups, counter_get(&from->wakeups));
    counter_set(&to->wasted, counter_get(&from->wasted));
    counter_set(&to->peak_kib, counter_get(&from->peak_kib));
    counter_set(&to->running_switches, counter_get(&from->running_switches));
    counter_set(&to->running_user_us, counter_get(&from->running_user_us));
    counter_set(&to->running_system_us, counter_get(&from->running_system_us));
}

/* A connection that it had not received is closed with its channel: the loop reads the end. */
static void
reap_handlers(void)
{
    struct scoreboard ended = {.slots = board_slots(crew.board), .apart = true};
    unsigned number;
    int status;

    while ((number = crew_reap(&status)) != 0) {
        struct channel *channel = &desks[number].channel;

        take_counters(number);
        pool_ended(pool, server, pool->child[number].pid, status);
        scoreboard_reaped(&ended, number); /* else its successor would be said to have used that */
        close(channel->sender);
        close(channel->receiver);
        channel->sender = channel->receiver = -1;
        desks[number].dead = true;
    }
    crew_notice_ready();
    server->stats.children_started = pool->started;
    server->stats.children_lost = pool->lost;
}

/* --- turns ----------------------------------------------------------------------------------- */

static void
look_at_handlers(void)
{
    reap_handlers();
    pool_replace(pool, server);
    crew_look_at_leaving();
    for (unsigned i = 1; signals_report && i <= pool->size; i++) {
        if (pool->child[i].pid != 0) {
            take_counters(i);
        }
    }
    server_report_if_asked(server);
}

void
workers_look(void)
{
    if (crew.board) {
        look_at_handlers();
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

/* What a handler has in hand. False if poll() cannot see how that goes on: the handler works for
 * nobody, or has closed the pair, and not said that it has finished. */
static bool
watch_handler(unsigned number)
{
    const struct desk *desk = &desks[number];
    const struct client *client = clients_find(desk->out.client, desk->out.generation);
    bool watched = workers_held(number) > 0 && desk->errand.fd != -1 && client;

    clients_polled[number].fd = -1;
    if (watched) {
        clients_polled[number] = errand_watch(&desk->errand, &client->frame);
    }
    return watched || workers_held(number) == 0;
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
            seen = watch_handler(i) && seen;
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
            hear_handler(i);
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
        reap_handlers();
    }
    return pool_ending(pool, server, false, status);
}
