/*
 * server11_event_workers - an event loop has the clients, and worker processes do the work.
 *
 * The parent is server07_poll: it accepts, reads and writes, and waits for no client. But it does
 * no work itself. A request that has come whole is a message to one of -n children, through a
 * socket pair; the child works, and sends the message back; then the parent writes the reply. So a
 * slow client never holds a child, and heavy work never holds up the loop; answers come in any
 * order. -Q limits what a child has in hand: the least busy one gets the next request, and while
 * all are full the requests wait in a queue. Nobody reads on from a client that has asked.
 *
 * A message names the client by its descriptor and a generation, for the client may be gone when
 * the answer comes, and its descriptor be another's. If a child dies, another one works for its
 * requests: nothing of the reply has been sent. But one that has cost two children gets an error.
 * With -e the children are other programs, the handlers that server05 has: see handlers.c.
 *
 * Cost: two messages per request, and waking two processes. It breaks where the parent does: then
 * all connections are lost. Compare with server07_poll and server04_fdpass.
 */
#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/crew.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "clients.h"
#include "desks.h"
#include "handlers.h"
#include "settings.h"
#include "workers.h"

static void turn(void);
static void hand_out(void);
static unsigned choose(void);
static void accept_clients(int most);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number, const int pair[2]);

enum { BURST = 64, PAUSE_US = 1000 * 1000 };

static struct server server; /* its listenfd is -1 after a stop signal */
static struct worker loop;   /* opens connections; they are counted as its own until they ask */
static struct pool *pool;
static struct settings settings;
static int64_t accept_after; /* clock_us(): until then the listener is left out of the wait */

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;

    settings_take(&settings, &server, argc, argv);
    server_open(&server, settings.program ? "frames" : "", true);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    pool = workers_open(&server, settings.program);
    loop = conn_worker(0, 0, &server.board.slots[0]);
    /* POSIX.1-2008 has no poll() with a mask. */
    pthread_sigmask(SIG_SETMASK, &server.waiting, NULL);

    while (!signals_stop) {
        turn();
    }
    listen_remove();
    close(server.listenfd);
    server.listenfd = -1;
    while (workers_release() || clients_end > clients_first) { /* the grace ends it, at most */
        turn();
    }
    if (clients_unhelped) {
        warnx("requests that had come were not served");
        status = EXIT_FAILURE;
    }
    signals_block(&server.waiting); /* for pselect() */
    while (workers_ending(&status)) {
    }
    return server_close(&server, status);
}

/* One turn of the loop: wait, look after the children, take their answers, let every client that is
 * ready get on by one step, hand out what they have asked for. As in server07_poll a turn after a
 * signal does not wait: before that no time limit counts. */
static void
turn(void)
{
    static bool interrupted;
    bool there = !settings.program || crew.there; /* the first handlers are ready */
    bool accepts = there && !clients_full() && clock_us() >= accept_after;
    nfds_t clients = clients_end;
    unsigned number;
    int64_t now;
    int ready, most_ms;

    clients_polled[0].fd = accepts ? server.listenfd : -1;
    most_ms = workers_watch();
    ready = poll(clients_polled, clients_end, interrupted ? 0 : most_ms);
    interrupted = ready == -1;
    if (interrupted && errno == EINVAL && descriptors_raise(CLIENTS_MAX) >= clients_end) {
        return; /* somebody had lowered the limit */
    }
    if (interrupted) {
        signals_wait_failed(&server.waiting);
        return;
    }
    now = clock_us();
    counter_add(&loop.slot->wakeups, 1);
    workers_look(); /* reaps; HUP and USR1. A child that is stopped gets no more to do */
    while ((number = pool_due(pool)) != 0 && workers_may_start(number)) {
        (settings.program ? handlers_start : start_child)(number);
    }
    if (there && server.listenfd != -1) {
        server_ready(&server);
    }
    workers_hear();
    clients_look_after(now);
    hand_out();
    accept_after = clients_end < clients ? 0 : accept_after; /* a descriptor is free again */
    if (clients_polled[0].revents != 0) {
        accept_clients(ready > 2 ? BURST : 1); /* when much is ready a turn is long */
    }
}

static void
hand_out(void)
{
    unsigned number;
    struct client *client;

    while ((number = choose()) != 0 && (client = clients_take())) {
        if (!workers_give(number, client)) {
            clients_queue(client, true);
            return; /* something has run out: in a later turn */
        }
    }
}

/* The child that has least in hand; of several the first; 0 if no child has room. */
static unsigned
choose(void)
{
    unsigned best = 0, best_held = settings.queue;

    for (unsigned i = 1; i <= pool->size && best_held > 0; i++) {
        if (workers_held(i) < best_held && workers_has_room(i)) {
            best = i;
            best_held = workers_held(i);
        }
    }
    return best;
}

/* As in server07_poll. */
static void
accept_clients(int most)
{
    for (int i = 0; i < most && !clients_full(); i++) {
        int connfd = listen_has_client(server.listenfd) ? accept(server.listenfd, NULL, NULL) : -1;

        if (connfd == -1) {
            counter_add(&loop.slot->wasted, i == 0);
            if (listen_exhausted()) {
                accept_after = clock_us() + PAUSE_US;
            }
            return;
        }
        clients_add(connfd, &loop);
    }
}

/* --- the children ---------------------------------------------------------------------------- */

static void
start_child(unsigned number)
{
    int pair[2];
    bool made = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
    pid_t pid = made && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 ? fork() : -1;

    if (pid == 0) {
        child_main(number, pair);
    }
    pool_started(pool, number, pid);
    if (made) {
        close(pair[1]); /* the child's: if it dies, reading from pair[0] tells so */
    }
    if (made && pid == -1) {
        close(pair[0]);
    } else if (pid > 0) {
        struct worker worker = conn_worker_of(number, 0, &server.board.slots[number], pid);

        desk_take(&desks[number], pair[0], &worker);
    }
}

/* After HUP or TERM a child leaves when its channel is empty. */
static _Noreturn void
child_main(unsigned number, const int pair[2])
{
    struct worker worker = server_child(&server, number, &server.board.slots[number]);

    if (server.listenfd != -1) {
        close(server.listenfd); /* the parent's */
    }
    clients_forget(); /* the parent's too: here they would keep the connections open */
    workers_forget();
    close(pair[0]);
    desk_serve(pair[1], &worker);
    scoreboard_publish(worker.slot);
    _exit(EXIT_SUCCESS);
}
