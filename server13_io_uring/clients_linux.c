/*
 * The kernel puts what a client sends into a buffer of the ring, and we copy it from there. So a
 * connection that is only receiving can be closed at once, and its place given to the next one:
 * what the kernel still has to say of it has an old generation, and writes nowhere. But the reply
 * that is being sent stands here: a connection that is closed meanwhile keeps its place until the
 * kernel has let go of that.
 */
#include "clients_linux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/die.h"
#include "ring_linux.h"

struct client {
    struct conn conn;
    uint32_t generation; /* counts the connections that had this descriptor */
    bool open;
    bool leaving;                 /* it is closed when the kernel no longer sends for it */
    struct msghdr message;        /* what is being sent: */
    struct conn_pieces *outgoing; /* in here, and in `conn` */
};

static uint64_t name_of(const struct client *client);
static void ask(struct client *client);
static enum conn_result received(struct conn *conn, const struct done *done);
static void cut_off(struct client *client);
static void drop(struct client *client);

/* Invariant: clients[fd] is that of descriptor fd, and no open one is above `highest`. Its name is
 * fd, and in the upper half its generation. */
static struct client *clients;
static struct conn_pieces *outgoing; /* apart: those who never send never touch theirs */
static unsigned room, highest;
static struct worker *worker;

unsigned clients_open;

void
clients_begin(unsigned places)
{
    room = places;
    clients = calloc(room, sizeof *clients); /* memory that is not touched costs none */
    outgoing = calloc(room, sizeof *outgoing);
    if (!clients || !outgoing) {
        die("%u connections", room);
    }
}

void
clients_child(struct worker *serves)
{
    worker = serves;
}

/* (connfd >= room only if somebody has raised the limit on descriptors after the start.) */
void
clients_add(int connfd)
{
    static atomic_llong quiet_until;
    struct client *client;

    if ((unsigned)connfd >= room) {
        errno = EMFILE;
        warn_seldom(&quiet_until, "no place for a connection: closing it");
        close(connfd);
        return;
    }
    client = &clients[connfd];
    conn_open(&client->conn, worker, connfd);
    client->open = true;
    clients_open++;
    highest = (unsigned)connfd > highest ? (unsigned)connfd : highest;
    ask(client);
}

static uint64_t
name_of(const struct client *client)
{
    return (uint64_t)client->generation << 32 | (uint32_t)client->conn.fd;
}

/* What its connection waits for now. A receipt waits first at the socket (POLL_FIRST), for what is
 * asked for has seldom come yet, and to try would be for nothing. A reply is tried at once, but not
 * its rest: that waits until the socket has a third of its buffer free, as in poll(). Else the
 * buffer would be filled to the brim, and the client that reads 1 MB per second be without a sign
 * of life for longer than -T 1. Behind the last reply conn_sent() shuts the connection down: by
 * MSG_MORE the end of the reply waits for that, and both go in one packet instead of two. */
static void
ask(struct client *client)
{
    struct conn *conn = &client->conn;
    struct io_uring_sqe *entry;
    char *to;

    if (conn->state == CONN_WRITING) {
        struct conn_pieces *pieces = &outgoing[conn->fd];

        conn_pieces(conn, pieces);
        client->message = (struct msghdr){.msg_iov = pieces->piece, .msg_iovlen = pieces->count};
        entry = ring_ask(IORING_OP_SENDMSG, conn->fd, name_of(client));
        entry->addr = (uintptr_t)&client->message;
        entry->len = 1;
        entry->op_flags = MSG_NOSIGNAL | (conn->last ? MSG_MORE : 0);
        entry->how = conn->sent > 0 ? IORING_RECVSEND_POLL_FIRST : 0;
    } else {
        entry = ring_ask(IORING_OP_RECV, conn->fd, name_of(client));
        entry->flags = IOSQE_BUFFER_SELECT;
        entry->how = IORING_RECVSEND_POLL_FIRST;
        entry->len = (uint32_t)conn_room(conn, &to);
    }
}

/* After that, a step of the connection as in any event loop: at most one receipt or one sending,
 * and the work of a request. */
void
clients_done(const struct done *done, int64_t now)
{
    struct client *client = &clients[done->name & UINT32_MAX];
    struct conn *conn = &client->conn;
    enum conn_result result = CONN_CLOSED;

    if (client->generation != done->name >> 32) {
        if (done->flags & IORING_CQE_F_BUFFER) {
            ring_give_back(done);
        }
        return;
    }
    if (!client->leaving) {
        errno = done->result < 0 ? -done->result : 0;
        result = conn->state == CONN_WRITING ? conn_sent(conn, done->result < 0 ? -1 : done->result)
                                             : received(conn, done);
        if (conn->state == CONN_WORKING) {
            result = conn_work(conn);
        }
    }
    if (result == CONN_CLOSED || conn_given_up(conn, now)) {
        drop(client);
    } else {
        ask(client);
    }
}

/* The buffer goes back at once, so none is kept by who is slow. There may have been none left: more
 * has been received in this turn than there are; then we ask again, as after EINTR. */
static enum conn_result
received(struct conn *conn, const struct done *done)
{
    char *to;

    if (done->flags & IORING_CQE_F_BUFFER) {
        if (done->result > 0) {
            conn_room(conn, &to);
            memcpy(to, ring_bytes(done), (size_t)done->result);
        }
        ring_give_back(done);
    }
    if (done->result == -ENOBUFS) {
        errno = EINTR;
    }
    return conn_received(conn, done->result < 0 ? -1 : done->result);
}

/* (Something may have come of what was asked for a client, of which the kernel has not told yet.)
 */
void
clients_look(int64_t now)
{
    while (highest > 0 && !clients[highest].open) {
        highest--;
    }
    for (unsigned fd = 0; fd <= highest; fd++) {
        struct client *client = &clients[fd];

        if (client->open && !client->leaving && conn_given_up_unseen(&client->conn, now)) {
            cut_off(client);
        }
    }
}

/* The kernel holds the socket as long as it has something to do with it: so that is taken back. */
static void
cut_off(struct client *client)
{
    struct io_uring_sqe *entry = ring_ask(IORING_OP_ASYNC_CANCEL, -1, CLIENTS_NOBODY);

    entry->addr = name_of(client);
    if (client->conn.state == CONN_WRITING) {
        client->leaving = true;
    } else {
        drop(client);
    }
}

/* By the ring too, in the order in which we ask: so the number is not another client's before. */
static void
drop(struct client *client)
{
    ring_ask(IORING_OP_CLOSE, client->conn.fd, CLIENTS_NOBODY)->flags = IOSQE_CQE_SKIP_SUCCESS;
    client->generation++;
    client->open = client->leaving = false;
    clients_open--;
}
