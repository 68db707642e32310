#include "clients.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../common/die.h"
#include "../common/signals.h"

struct pollfd *clients_polled;
nfds_t clients_first, clients_end;
bool clients_unhelped;

/* Invariant: clients[fd] is that of descriptor fd. */
static struct client *clients;
static nfds_t most, room;           /* places; descriptors */
static struct client *first, *last; /* of the queue */

void
clients_open(nfds_t others, nfds_t places, nfds_t limit)
{
    clients_first = clients_end = others;
    most = places;
    room = limit;
    clients_polled = calloc(others + places, sizeof *clients_polled);
    clients = calloc(limit, sizeof *clients); /* memory that is not touched costs none */
    if (!clients_polled || !clients) {
        die("%lu connections", (unsigned long)places);
    }
}

bool
clients_full(void)
{
    return clients_end - clients_first == most;
}

/* (connfd >= room only if somebody has raised the limit on descriptors after the start.) */
void
clients_add(int connfd, struct worker *worker)
{
    static atomic_llong quiet_until;
    struct client *client;

    errno = EMFILE; /* what it is if the descriptor has no place here */
    if ((nfds_t)connfd >= room || fcntl(connfd, F_SETFL, O_NONBLOCK) == -1 ||
        (frames_most > 0 && fcntl(connfd, F_SETFD, FD_CLOEXEC) == -1)) { /* not for handlers */
        warn_seldom(&quiet_until, "cannot watch a connection: closing it");
        close(connfd); /* the other clients must not wait for this one */
        return;
    }
    client = &clients[connfd];
    conn_open(&client->conn, worker, connfd);
    client->place = clients_end++;
    clients_polled[client->place] = (struct pollfd){.fd = connfd, .events = POLLIN};
}

static void
unqueue(struct client *client)
{
    *(client->before ? &client->before->next : &first) = client->next;
    *(client->next ? &client->next->before : &last) = client->before;
    client->queued = false;
}

/* From now on an answer to its request finds nobody, also when the descriptor is another client's.
 */
void
clients_drop(struct client *client)
{
    nfds_t place = client->place;

    if (client->queued) {
        unqueue(client);
    }
    frames_forget(&client->frame);
    close(client->conn.fd);
    client->generation++;
    client->place = client->nth = 0;
    clients_end--;
    if (place < clients_end) {
        clients_polled[place] = clients_polled[clients_end];
        clients_at(place)->place = place;
    }
}

struct client *
clients_at(nfds_t place)
{
    return &clients[clients_polled[place].fd];
}

struct client *
clients_find(uint32_t descriptor, uint32_t generation)
{
    struct client *client = descriptor < room ? &clients[descriptor] : NULL;

    return client && client->place > 0 && client->generation == generation ? client : NULL;
}

struct client *
clients_given(unsigned child, unsigned nth)
{
    struct client *client = NULL;

    for (nfds_t i = clients_first; i < clients_end && !client; i++) {
        struct client *at = clients_at(i);

        client = at->child == child && at->nth == nth ? at : NULL;
    }
    return client;
}

void
clients_worked_for(struct client *client, const struct worker *worker)
{
    struct conn *conn = &client->conn;
    struct slot *from = conn->worker->slot, *to = worker->slot;

    if (conn->worker != &client->worker) { /* the one that has opened it */
        counter_set(&from->connections, counter_get(&from->connections) - 1);
        counter_add(&to->connections, 1);
    }
    counter_set(&from->serving, counter_get(&from->serving) - 1);
    counter_add(&to->serving, 1);
    client->worker = *worker;
    conn->worker = &client->worker;
    if (conn->nth > 0) {
        conn->nth = counter_get(&to->connections);
    }
    client->nth = 0;
    conn_worked(conn);
}

unsigned
clients_unserved(void)
{
    unsigned number = 0;

    for (nfds_t i = clients_first; i < clients_end; i++) {
        enum conn_state state = clients_at(i)->conn.state;

        number += state == CONN_READING || state == CONN_WORKING;
    }
    return number;
}

void
clients_queue(struct client *client, bool in_front)
{
    client->queued = true;
    client->before = in_front ? NULL : last;
    client->next = in_front ? first : NULL;
    *(client->before ? &client->before->next : &first) = client;
    *(client->next ? &client->next->before : &last) = client;
}

struct client *
clients_take(void)
{
    struct client *client = first;

    if (client) {
        unqueue(client);
    }
    return client;
}

/* In CONN_WORKING a step is only made if the client has gone. */
static enum conn_result
step(struct client *client)
{
    struct conn *conn = &client->conn;
    enum conn_result result = CONN_OK;
    struct conn_pieces pieces;
    size_t size;
    char *to;

    if (conn->state == CONN_WORKING) {
        errno = ECONNRESET;
        return conn_received(conn, -1);
    }
    if (conn->state == CONN_READING && frames_most > 0) {
        result = frames_read(conn, &client->frame);
    } else if (conn->state != CONN_WRITING) {
        size = conn_room(conn, &to);
        result = conn_received(conn, read(conn->fd, to, size));
    }
    if (conn->state == CONN_WRITING && frames_most > 0 && !conn->error) {
        result = frames_write(conn, &client->frame);
    } else if (conn->state == CONN_WRITING) {
        conn_pieces(conn, &pieces);
        result = conn_sent(conn, writev(conn->fd, pieces.piece, pieces.count));
    }
    return result;
}

/* poll() watches for news that the state waits for. What a client that has asked sends more stays
 * in its socket: back-pressure. poll() tells only that it has gone. */
void
clients_go_on(struct client *client)
{
    static const short events[] = {[CONN_READING] = POLLIN,
                                   [CONN_WORKING] = 0,
                                   [CONN_WRITING] = POLLOUT,
                                   [CONN_DRAINING] = POLLIN};

    if (step(client) == CONN_CLOSED) {
        clients_drop(client);
        return;
    }
    if (client->conn.state == CONN_WORKING && !client->frame.streams) { /* a request is here */
        client->retried = false;
        clients_queue(client, false);
    }
    clients_polled[client->place].events = events[client->conn.state];
}

static void
look_after(struct client *client, bool news, int64_t now)
{
    bool over = signals_over();

    if (news && !over) {
        clients_go_on(client);
    }
    if (client->place != 0 && (client->conn.state != CONN_WORKING || over) &&
        conn_given_up(&client->conn, now)) {
        clients_unhelped = clients_unhelped || client->queued;
        clients_drop(client);
    }
}

/* Downwards, for a client that is dropped leaves its place to the last one. */
void
clients_look_after(int64_t now)
{
    for (nfds_t i = clients_end - 1; i >= clients_first; i--) {
        look_after(clients_at(i), clients_polled[i].revents != 0, now);
    }
}

void
clients_forget(void)
{
    for (nfds_t i = clients_first; i < clients_end; i++) {
        close(clients_polled[i].fd);
    }
}
