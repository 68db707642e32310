/*
 * server05_spawn_pool - a distributor, and handlers that are programs of their own.
 *
 * The distributor accepts connections and gives each to a handler: a process that it has not forked
 * but spawned, another executable (-e), of which it knows only how they talk: connections come
 * through a Unix socket (common/channel), states and counters stand in shared memory
 * (common/board.h). What handlers do is theirs: the suite's protocol (handlers/handler_bytes.c), or
 * whatever a function from bytes to bytes can compute (handlers/handler.h). The connections that
 * wait when a handler dies are served: queued, by another handler; piped, by its successor, from
 * the same channel. On its seat a handler counts those `received`, and those of them that are
 * `done`: who took which from a common queue the distributor does not see.
 *
 * It costs what server04_fdpass costs, and a program start where that forks. It breaks where the
 * handlers do, and only there: they can be killed, replaced by a new version, or grow in number
 * with the load (-s auto) while the distributor serves on; size.c says when.
 * Compare with server04_fdpass (the children are forked), and -d queued with -d piped.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/crew.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "../common/spawn.h"
#include "settings.h"
#include "size.h"

static void open_channels(void);
static bool pass_connections(void);
static unsigned choose(void);
static bool wait_for_work(bool paused);
static int stop(void);

enum { BURST = 64, PAUSE_US = 100 * 1000, SECOND_US = 1000 * 1000 };
enum { MESSAGE_BYTES = 4 * 768 / 2 /* of SO_SNDBUF for a connection: see open_channels() */ };

static struct server server;
static struct settings settings;
static unsigned last_chosen;
static int held_connfd = -1; /* accepted, but it could not be passed yet */

int
main(int argc, char **argv)
{
    bool paused = false, full = false;

    settings_take(&settings, &server, argc, argv);
    spawn_prepare();

    stats_start(&server.stats, settings_variant(&settings));
    signals_open(server.options.grace_us, true, &server.waiting); /* (counters: size_open()) */
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    if (fcntl(server.listenfd, F_SETFD, FD_CLOEXEC) == -1) {
        die("FD_CLOEXEC");
    }
    open_channels();
    size_open(&server, &settings, spawn_find(argv[0], settings.program));

    while (!signals_stop) {
        size_turn(full);
        if (crew.there) { /* the first handlers are ready */
            server_ready(&server);
            paused = !pass_connections();
            size_report(false);
        }
        full = wait_for_work(paused);
    }
    return stop();
}

/* The queue is a SOCK_SEQPACKET, because on Linux a message then wakes one of the handlers that
 * wait for it; in a stream it wakes them all. The kernel bounds the queue: Linux calls the socket
 * writable while at most a quarter of SO_SNDBUF is used, doubles the size that is set, and charges
 * 768 bytes for a connection (at least 2 fit). */
static void
open_channels(void)
{
    int bytes = server.options.children * (int)settings.queue * MESSAGE_BYTES;

    channels = channels_new(settings.piped ? settings.most : 1, settings.queue);
    if (!settings.piped && !channel_open(&channels[1], SOCK_SEQPACKET)) {
        die("socketpair");
    }
    if (!settings.piped) {
        setsockopt(channels[1].sender, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
}

/* Passes connections as long as there is room and a connection waits, but at most BURST, since
 * signals must get their turn. False if something has run out. */
static bool
pass_connections(void)
{
    unsigned number;

    for (int i = 0; i < BURST && (number = choose()) != 0; i++) {
        if (held_connfd == -1 && listen_has_client(server.listenfd)) {
            held_connfd = accept(server.listenfd, NULL, NULL);
        }
        if (held_connfd == -1) {
            return !listen_exhausted();
        }
        if (!channel_send(&channels[number], held_connfd)) {
            fcntl(held_connfd, F_SETFD, FD_CLOEXEC); /* not for handlers spawned meanwhile */
            return false;
        }
        held_connfd = -1;
        last_chosen = number;
    }
    return held_connfd == -1;
}

/* The handler that gets the next connection; 0: none has room. round-robin: the next in turn that
 * has room. least-loaded: of those that hold fewest connections, the next in turn. Queued, 1 stands
 * for all: whichever handler is idle receives it; the kernel says whether the queue has room. */
static unsigned
choose(void)
{
    struct pollfd common = {.fd = channels[1].sender, .events = POLLOUT};
    unsigned best = 0, best_held = settings.queue;

    if (!settings.piped) {
        return crew.pool->alive > 0 && poll(&common, 1, 0) != 0; /* -1 is room: sending tells why */
    }
    for (unsigned step = 0; step < crew.pool->highest && best_held > 0; step++) {
        unsigned i = 1 + (last_chosen + step) % crew.pool->highest;
        unsigned held = channels[i].given - atomic_load(&crew.board->seat[i].done);

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
    bool full = choose() == 0 && (sched_yield(), choose() == 0); /* often one is done meanwhile */
    /* Soon again: after a shortage, and for -s auto to start more; else for -w and the like. */
    int64_t most_us = paused || (full && settings.automatic) ? PAUSE_US : SECOND_US;
    int accepts = -1, queues = -1;

    if (crew.pool->starting > 0 || (settings.piped && full)) { /* for a handler's new state */
        atomic_store(&crew.board->waits, 1);
        full = choose() == 0;
    }
    if (full && !settings.piped && crew.pool->alive > 0) {
        queues = channels[1].sender; /* for room in the common queue */
    } else if (!full && !paused && crew.there) {
        accepts = server.listenfd; /* for a client; the first handlers come before it */
    }
    most_us = crew_notice_ready() ? 0 : most_us; /* ready before `waits` was set: no wait */
    pool_wait(crew.pool, &server, accepts, queues, most_us);
    atomic_store(&crew.board->waits, 0);
    return full;
}

/* What has been accepted is served, as long as the grace lasts. */
static int
stop(void)
{
    int status = EXIT_SUCCESS;
    bool left;

    listen_remove();
    close(server.listenfd);
    do {
        if (held_connfd != -1 && channel_send(&channels[1], held_connfd)) {
            held_connfd = -1; /* any handler will do; if channels[1] is full: in the next turn */
        }
        left = held_connfd != -1 ||
               channels_any_inside(channels, settings.piped ? crew.pool->highest : 1);
        size_end_turn(left);
    } while (pool_ending(crew.pool, &server, left, &status));
    size_report(true);
    return status;
}
