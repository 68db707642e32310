/*
 * Who can get on? With -a level the kernel remembers: a socket is reported as long as there is
 * something to read (or, if that was asked for, room to write), so each step is followed by the
 * question that the connection has now. With -a edge a socket is reported when something more has
 * come, and never again for the same: so its client stays ready here until it has said EAGAIN.
 */
#include "clients_linux.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/die.h"

struct client {
    struct conn conn;
    struct client *next; /* of those that are ready */
    uint32_t interest;   /* the events that epoll reports of it */
    uint32_t generation; /* counts the connections that had this descriptor */
    bool open, ready;
};

static bool control(int what, int fd, uint32_t interest);
static void make_ready(struct client *client);
static bool stays_ready(const struct client *client, bool blocked);
static bool wait_for_news(struct client *client);
static void drop(struct client *client);

/* Invariant: clients[fd] is that of descriptor fd, and no open one is above `highest`. Those that
 * are ready, `clients_ready` of them, form a list from `first_ready`. */
static struct client *clients, *first_ready;
static unsigned room, highest;
static bool edge;
static int epollfd;
static struct worker *worker;

unsigned clients_open, clients_ready;

void
clients_begin(unsigned places, bool edge_triggered)
{
    room = places;
    edge = edge_triggered;
    clients = calloc(room, sizeof *clients); /* memory that is not touched costs none */
    if (!clients) {
        die("%u connections", room);
    }
}

void
clients_child(int instance, struct worker *serves)
{
    epollfd = instance;
    worker = serves;
}

/* Edge-triggered, this is the only epoll_ctl() of its life. (connfd >= room only if somebody has
 * raised the limit on descriptors after the start.) */
void
clients_add(int connfd)
{
    static atomic_llong quiet_until;
    struct client *client;
    uint32_t interest = edge ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN;

    errno = EMFILE; /* what it is if the descriptor has no place here */
    if ((unsigned)connfd >= room || !control(EPOLL_CTL_ADD, connfd, interest)) {
        warn_seldom(&quiet_until, "cannot watch a connection: closing it");
        close(connfd);
        return;
    }
    client = &clients[connfd];
    conn_open(&client->conn, worker, connfd);
    client->interest = interest;
    client->open = true;
    clients_open++;
    highest = (unsigned)connfd > highest ? (unsigned)connfd : highest;
}

static bool
control(int what, int fd, uint32_t interest)
{
    struct epoll_event event = {.events = interest};

    event.data.u64 = (uint64_t)clients[fd].generation << 32 | (uint32_t)fd;
    return epoll_ctl(epollfd, what, fd, &event) == 0;
}

/* Whatever has happened (also an error or a hang-up, which nobody asks for), the step finds out.
 * But that there is room to write is no news for a client that waits for something to read. An
 * event of another generation is of a connection that was closed while the event waited in the
 * caller's array. (There is none as long as clients are closed only after the whole array.) */
void
clients_note(const struct epoll_event *event)
{
    struct client *client = &clients[event->data.u64 & UINT32_MAX];

    if (client->open && client->generation == event->data.u64 >> 32 && !client->ready &&
        (event->events != EPOLLOUT || client->conn.state == CONN_WRITING)) {
        make_ready(client);
    }
}

static void
make_ready(struct client *client)
{
    client->ready = true;
    client->next = first_ready;
    first_ready = client;
    clients_ready++;
}

/* A step is at most one read(), the work, and one write(): who always has more to ask delays the
 * others by that, and no more. After a step that is only half a reply, CONN_AGAIN too, no call has
 * failed, and errno is still 0. */
void
clients_serve(int64_t now)
{
    struct client *client, *next = first_ready;

    first_ready = NULL;
    clients_ready = 0;
    while ((client = next)) {
        enum conn_result result;
        bool blocked;

        next = client->next;
        client->ready = false;
        errno = 0;
        result = conn_step(&client->conn);
        blocked = result == CONN_AGAIN && errno == EAGAIN;
        if (result == CONN_CLOSED || conn_given_up(&client->conn, now)) {
            drop(client);
        } else if (stays_ready(client, blocked) || !wait_for_news(client)) {
            make_ready(client);
        }
    }
}

/* True if the client can get on without news from the kernel: a request that is in our buffer is
 * never reported, and with -a edge what is left in the socket is not reported again. */
static bool
stays_ready(const struct client *client, bool blocked)
{
    return client->conn.state == CONN_WORKING || (edge && !blocked);
}

/* Has epoll report what the client's connection waits for now. Edge-triggered it always does. */
static bool
wait_for_news(struct client *client)
{
    uint32_t interest = client->conn.state == CONN_WRITING ? EPOLLOUT : EPOLLIN;

    if ((client->interest & interest) == 0) {
        if (!control(EPOLL_CTL_MOD, client->conn.fd, interest)) {
            return false; /* again in the next turn. (Linux needs no memory for this.) */
        }
        client->interest = interest;
    }
    return true;
}

/* (One turn takes no more events than its array has; and with -a edge news that was missed is not
 * told again.) */
void
clients_look(int64_t now)
{
    while (highest > 0 && !clients[highest].open) {
        highest--;
    }
    for (unsigned fd = 0; fd <= highest; fd++) {
        struct client *client = &clients[fd];

        if (!client->open || client->ready) {
            continue;
        }
        if (conn_given_up_unseen(&client->conn, now)) {
            drop(client);
        } else if (conn_is_overdue(&client->conn, now)) {
            make_ready(client);
        }
    }
}

/* The registration belongs to the open socket, not to the descriptor: so close() ends it only since
 * no other process has this socket open. */
static void
drop(struct client *client)
{
    close(client->conn.fd);
    client->generation++;
    client->open = client->ready = false;
    clients_open--;
}
