/*
 * The memory belongs to one client and this child. It has no name: when both have let it go, by
 * munmap() or by their death, the kernel frees it. The client can write all of it at any time, so
 * nothing in there is believed (common/ring), and nobody can make it smaller (sealed_linux.c).
 */
#include "attach.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/fdpass.h"
#include "../common/ring.h"
#include "../common/signals.h"
#include "sealed_linux.h"

static void exchange(struct conn *conn, struct ring *ring);
static bool reads(const struct conn *conn);
static enum conn_result step(struct conn *conn, struct ring *ring);
static enum conn_result await(struct conn *conn, struct ring *ring, bool *waited);

void
attach(struct worker *worker, int connfd)
{
    static atomic_llong quiet_until;
    size_t size = ring_size();
    int fd = sealed_object(size);
    void *memory =
        fd == -1 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bool passed = false;
    struct conn conn;
    struct ring ring;

    worker->dates_late = true;
    conn_open(&conn, worker, connfd);
    if (memory == MAP_FAILED) {
        warn_seldom(&quiet_until, "memory for a client: closing its connection");
    } else {
        ring_make(memory);
        ring = ring_open(memory, connfd, true);
        passed = fdpass_send(connfd, fd, 0) == 0;
    }
    if (fd != -1) {
        close(fd); /* the mapping stays; the client has got a descriptor of its own */
    }
    if (passed) {
        exchange(&conn, &ring);
        shutdown(connfd, SHUT_RDWR); /* before it is woken: it looks at the socket */
        ring_leave(&ring);
    }
    if (memory != MAP_FAILED) {
        munmap(memory, size);
    }
    worker->dates_late = false;
}

/* As conn_serve(), with the rings in place of read() and writev(). Whether the time is up matters
 * only when nothing has come for a while, or at the tick (for the client that lets bytes trickle
 * in), and only after one more look at the ring: a client that is fast costs no look at the clock.
 */
static void
exchange(struct conn *conn, struct ring *ring)
{
    enum conn_result result = CONN_OK;
    bool waited = false;

    while (result != CONN_CLOSED) {
        result = step(conn, ring);
        if (result == CONN_AGAIN && waited && conn_given_up(conn, clock_us())) {
            return;
        }
        waited = false;
        if (result == CONN_AGAIN) {
            result = await(conn, ring, &waited);
        }
    }
}

static bool
reads(const struct conn *conn)
{
    return conn->state == CONN_READING || conn->state == CONN_DRAINING;
}

/* As conn_step(). */
static enum conn_result
step(struct conn *conn, struct ring *ring)
{
    enum conn_result result = CONN_OK;
    struct conn_pieces pieces;
    char *to;

    if (reads(conn)) {
        size_t room = conn_room(conn, &to);

        result = conn_received(conn, ring_take(ring, to, room));
    }
    if (conn->state == CONN_WORKING) {
        result = conn_work(conn);
    }
    if (conn->state == CONN_WRITING) {
        conn_pieces(conn, &pieces);
        result = conn_sent(conn, ring_put(ring, pieces.piece, pieces.count));
        if (conn->state == CONN_DRAINING) {
            ring_leave(ring); /* so that the client sees now that this was the last reply */
        }
    }
    return result;
}

/* `waited`: for a while, and in vain; or a second has passed. */
static enum conn_result
await(struct conn *conn, struct ring *ring, bool *waited)
{
    enum ring_wait end = ring_wait(ring, reads(conn) ? RING_INPUT : RING_ROOM);

    *waited = end == RING_NOT_YET || signals_ticked;
    if (signals_ticked) {
        signals_ticked = 0;
        scoreboard_publish(conn->worker->slot);
    }
    if (end == RING_OVER) {
        errno = EPIPE;
        return reads(conn) ? conn_received(conn, 0) : conn_sent(conn, -1);
    }
    return CONN_AGAIN;
}
