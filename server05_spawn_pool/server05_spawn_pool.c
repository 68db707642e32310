/*
 * server05_spawn_pool - a distributor, and handlers that are programs of their own.
 *
 * The distributor accepts connections and gives each to a handler: a process that it has not forked
 * but spawned, another executable (-e), of which it knows only how they talk: connections come
 * through a Unix socket (common/channel), states and counters stand in shared memory (board.h).
 * What handlers do is theirs: the suite's protocol (handlers/handler_bytes.c), or whatever a
 * function from bytes to bytes can compute (handlers/handler.h).
 *
 * It costs what server04_fdpass costs, and a program start where that forks. It breaks where the
 * handlers do, and only there: they can be killed, replaced by a new version, or grow in number
 * with the load (-s auto) while the distributor serves on; crew.c has their lives.
 * Compare with server04_fdpass (the children are forked), and -d queued with -d piped.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "board.h"
#include "crew.h"
#include "settings.h"
#include "spawn.h"

static void open_channels(void);
static void distribute(void);
static bool pass_connections(void);
static unsigned choose(void);
static bool wait_for_work(bool paused);
static int stop(void);
static bool any_left(void);

enum { BURST = 64, PAUSE_US = 100 * 1000 };
enum { MESSAGE_BYTES = 1536 /* of SO_SNDBUF, for each connection in the queue */ };

static struct server server;
static struct settings settings;
static unsigned last_chosen;
static int held_connfd = -1; /* accepted, but it could not be passed yet */

int
main(int argc, char **argv)
{
    settings_take(&settings, &server, argc, argv);
    settings.program = settings.arguments[0] = (char *)spawn_find(argv[0], settings.program);
    spawn_prepare();

    stats_start(&server.stats, settings_variant(&settings));
    signals_open(server.options.grace_s, true, &server.waiting);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    if (fcntl(server.listenfd, F_SETFD, FD_CLOEXEC) == -1) {
        die("FD_CLOEXEC");
    }
    open_channels();
    crew_open(&server, &settings);

    distribute();
    return stop();
}

/* The queue is a SOCK_SEQPACKET, because on Linux a message then wakes one of the handlers that
 * wait for it; in a stream it wakes them all. The kernel bounds the queue: Linux calls the socket
 * writable while at most a quarter of SO_SNDBUF is used (at least 2 connections fit). */
static void
open_channels(void)
{
    int bytes = server.options.children * (int)settings.queue * MESSAGE_BYTES;

    if (settings.piped) {
        crew.channels = channels_open(settings.most, settings.queue, SOCK_STREAM);
        return;
    }
    crew.channels = channels_open(1, 0, SOCK_SEQPACKET);
    setsockopt(crew.channels[1].sender, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static void
distribute(void)
{
    bool paused = false, full = false;

    while (!signals_stop) {
        crew_turn(full);
        if (crew.there) {
            listen_ready(&server.options, server.listenfd);
            paused = !pass_connections() || held_connfd != -1;
        }
        if (crew.there && signals_report) { /* the ready line is the first */
            signals_report = 0;
            crew_report();
        }
        full = wait_for_work(paused);
    }
}

/* Passes connections as long as there is room and a connection waits, but at most BURST, since
 * signals must get their turn. False if something has run out. */
static bool
pass_connections(void)
{
    unsigned number;

    for (int i = 0; i < BURST && (number = choose()) != 0; i++) {
        int connfd = held_connfd != -1 ? held_connfd : accept(server.listenfd, NULL, NULL);

        held_connfd = -1;
        if (connfd == -1) {
            return !listen_exhausted();
        }
        if (!channel_send(&crew.channels[number], connfd)) {
            fcntl(connfd, F_SETFD, FD_CLOEXEC); /* a handler may be spawned before it is passed */
            held_connfd = connfd;
            return false;
        }
        last_chosen = number;
    }
    return true;
}

/* The handler that gets the next connection; 0: none has room. round-robin: the next in turn that
 * has room. least-loaded: of those that hold fewest connections, the next in turn. Queued, 1 stands
 * for all: whichever handler is idle receives it; the kernel says whether the queue has room. */
static unsigned
choose(void)
{
    struct pollfd common = {.fd = crew.channels[1].sender, .events = POLLOUT};
    unsigned best = 0, best_held = settings.queue;

    if (!settings.piped) {
        return crew.pool->alive > 0 && poll(&common, 1, 0) != 0; /* sending tells of errors */
    }
    for (unsigned step = 0; step < crew.highest && best_held > 0; step++) {
        unsigned i = 1 + (last_chosen + step) % crew.highest;
        unsigned held = crew.channels[i].given - atomic_load(&crew.board->seat[i].done);

        if (held < best_held && crew_takes(i)) {
            best = i;
            best_held = settings.least_loaded ? held : 0;
        }
    }
    return best;
}

/* Back-pressure: while no handler has room the listener is left out, and the kernel queues. The
 * distributor looks once more after it has said that it waits: a handler may have changed its state
 * before it could see that. Returns whether no handler had room. */
static bool
wait_for_work(bool paused)
{
    bool full = choose() == 0;
    fd_set readable, writable;
    int64_t most_us;

    if (full) { /* often a handler is done within that moment */
        sched_yield();
        full = choose() == 0;
    }
    if (crew.starting > 0 || (settings.piped && full)) {
        atomic_store(&crew.board->waits, 1);
        full = choose() == 0;
    }
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    if (full && !settings.piped && crew.pool->alive > 0) {
        FD_SET(crew.channels[1].sender, &writable);
    } else if (!full && !paused && crew.there) {
        FD_SET(server.listenfd, &readable);
    }
    most_us = crew_notice_ready() ? 0 : paused ? PAUSE_US : crew_due_us(full);
    pool_wait(crew.pool, &server, 1 + (full ? crew.channels[1].sender : server.listenfd), &readable,
              &writable, most_us);
    atomic_store(&crew.board->waits, 0);
    return full;
}

/* What has been accepted is served, as long as the grace lasts. */
static int
stop(void)
{
    int status = EXIT_SUCCESS;
    bool over = false;

    listen_remove();
    close(server.listenfd);
    do {
        if (held_connfd != -1 && channel_send(&crew.channels[1], held_connfd)) {
            held_connfd = -1;
        }
        if (!over && signals_over() && crew.pool->alive > 0) {
            warnx("%u children had to be killed", crew.pool->alive);
            status = EXIT_FAILURE;
        }
        over = signals_over();
    } while (crew_ending(any_left(), over));
    if (any_left()) {
        warnx("connections that had been accepted were not served");
        status = EXIT_FAILURE;
    }
    crew_report();
    return status;
}

static bool
any_left(void)
{
    return held_connfd != -1 ||
           channels_any_inside(crew.channels, settings.piped ? crew.highest : 1);
}
