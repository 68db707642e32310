/*
 * server04_fdpass - the parent accepts, and passes each connection to a child of its choice.
 *
 * The parent alone has the listening socket. Each child number has a channel, in which its child
 * waits for the next connection; so the parent's policy (-P), not the kernel, decides which child
 * serves it. A child counts in shared memory the connections that it has served (`done`); the
 * parent knows how many it has passed (`given`): the child holds the difference, at most -Q. When
 * no child has room the parent says so (`parent_waits`) and sleeps; the next child that is done
 * wakes it by SIGCHLD.
 *
 * It costs a hand-over per connection: three more system calls, and waking a second process.
 * It breaks where the parent does: everything goes through one process. And with -Q 2 or more a
 * connection can wait behind a busy child while another child is idle: README.md shows it.
 * Compare with server03_prefork_accept, where the kernel hands out the connections.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"

static void distribute(void);
static bool pass_connections(void);
static unsigned choose(void);
static void wait_for_work(bool paused);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number);
static void say_done(unsigned number);
static int stop(void);
static bool any_left(void);

static const char help[] =
    "The parent accepts and passes each connection's descriptor to a child.\n\n"
    "  -n N        children (default 10)\n"
    "  -P POLICY   who gets it: first (the lowest-numbered free child; default) or round-robin\n"
    "  -Q N        connections that a child may hold, the one in service included (default 1)\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000, QUEUE_MAX = 64, BURST = 64, PAUSE_US = 100 * 1000 };
enum { PATIENCE_US = 1000 * 1000 }; /* for a child that cannot send a signal */

static const char *const policies[] = {"first", "round-robin", NULL};

static struct server server;
static struct pool *pool;
static pid_t parent;
static bool round_robin;
static unsigned queue = 1, last_chosen;
static struct channel *channels; /* channels[1..pool->size] */
static int held_connfd = -1;     /* accepted, but it could not be passed yet */

static struct shared {
    atomic_uint parent_waits; /* 1: no child has room; the child that sets it to 0 sends SIGCHLD */
    struct {
        _Alignas(SLOT_BYTES) atomic_uint done; /* connections served; only its child adds to it */
    } child[];
} * shared;

int
main(int argc, char **argv)
{
    int letter;

    server.options = options_default(CHILDREN);
    while ((letter = server_option(&server, argc, argv, "n:P:Q:", help, CHILDREN_MAX)) != -1) {
        if (letter == 'P') {
            round_robin = options_word('P', optarg, policies) == 1;
        } else {
            queue = (unsigned)options_number('Q', optarg, 1, QUEUE_MAX);
        }
    }
    server_open(&server, policies[round_robin], true);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    pool = pool_open((unsigned)server.options.children);
    channels = channels_open(pool->size, queue, SOCK_STREAM);
    shared = scoreboard_memory(sizeof *shared + (pool->size + 1) * sizeof shared->child[0]);
    parent = getpid();

    distribute();
    return server_close(&server, stop());
}

static void
distribute(void)
{
    unsigned number;

    while (!signals_stop) {
        pool_turn(pool, &server);
        while ((number = pool_due(pool)) != 0) {
            start_child(number);
        }
        listen_ready(&server.options, server.listenfd);
        wait_for_work(!pass_connections() || held_connfd != -1);
    }
}

/* Passes connections as long as a child has room and a connection waits, but at most BURST, since
 * signals must get their turn. False if memory or descriptors have run out, or the channel is full.
 */
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
        if (!channel_send(&channels[number], connfd)) {
            held_connfd = connfd;
            return false;
        }
        last_chosen = number;
    }
    return true;
}

/* Of the children that hold fewest connections, the policy's first; 0 if no child has room. */
static unsigned
choose(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < pool->size && best_held > 0; step++) {
        unsigned i = 1 + (round_robin ? (last_chosen + step) % pool->size : step);
        unsigned held = channels[i].given - atomic_load(&shared->child[i].done);

        if (held < best_held && pool->child[i].pid != 0 && !pool->child[i].asked) {
            best = i;
            best_held = held;
        }
    }
    return best;
}

/* Back-pressure: while no child has room the listener is left out, and the kernel queues. Before
 * the parent announces that it waits, it lets the children run: often one of them is done within
 * that moment, and no one need be woken. The last look is needed: a child may have got free before
 * it could see that the parent waits. */
static void
wait_for_work(bool paused)
{
    bool full = choose() == 0 && (sched_yield(), choose() == 0);
    int64_t most_us;
    fd_set readable;

    if (full) {
        atomic_store(&shared->parent_waits, 1);
        full = choose() == 0;
    }
    FD_ZERO(&readable);
    if (!full && !paused) {
        FD_SET(server.listenfd, &readable);
    }
    most_us = paused ? PAUSE_US : full ? PATIENCE_US : -1;
    pool_wait(pool, &server, server.listenfd + 1, &readable, NULL, most_us);
    atomic_store(&shared->parent_waits, 0);
}

/* A child that died never counts the connection that it was serving. So the parent counts for it:
 * all are done but those still inside the channel, which the successor receives. */
static void
start_child(unsigned number)
{
    unsigned inside = channel_inside(&channels[number]);
    pid_t pid;

    atomic_store(&shared->child[number].done, channels[number].given - inside);
    if ((pid = fork()) == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
}

/* After HUP, or TERM from the parent, a child leaves when its channel is empty. After a TERM from
 * anybody else (signals_alone) it leaves at once: its successor receives what is left. */
static void
child_main(unsigned number)
{
    struct worker worker = server_child(&server, number, &server.board.slots[number]);
    int channel = channels_child(channels, pool->size, number);
    bool stays = true;
    int connfd;

    close(server.listenfd); /* the parent's */
    if (held_connfd != -1) {
        close(held_connfd); /* another child's: a copy here would keep it open */
    }
    do {
        sched_yield(); /* lets the parent run: often the next connection is here afterwards */
        connfd = channel_receive(channel, stays);
        if (connfd >= 0) {
            counter_add(&worker.slot->wakeups, 1);
            conn_serve(&worker, connfd);
            close(connfd);
        }
        if (connfd >= 0 || connfd == CHANNEL_LOST) { /* lost: given, so it counts as done */
            say_done(number);
        }
        stays = server_child_goes_on(&worker);
    } while (connfd != CHANNEL_END && !signals_alone);
    scoreboard_publish(worker.slot);
    _exit(EXIT_SUCCESS);
}

/* In this order, with sequentially consistent atomics: either the parent, after it has said that it
 * waits, sees the new `done`, or this child sees that the parent waits. No wake-up is lost. */
static void
say_done(unsigned number)
{
    atomic_fetch_add(&shared->child[number].done, 1);
    if (atomic_load(&shared->parent_waits) && atomic_exchange(&shared->parent_waits, 0)) {
        kill(parent, SIGCHLD);
    }
}

/* The children serve what they hold; what a dead child had not received, its successor does. */
static int
stop(void)
{
    int status = EXIT_SUCCESS;

    listen_remove();
    close(server.listenfd);
    do {
        if (held_connfd == -1 || channel_send(&channels[1], held_connfd)) {
            held_connfd = -1;
            channels_shut(channels, pool->size);
        }
        for (unsigned i = 1; i <= pool->size && !signals_over(); i++) {
            if (pool_is_due(pool, i) && channel_inside(&channels[i]) > 0) {
                start_child(i);
            }
        }
    } while (pool_ending(pool, &server, any_left(), &status));
    if (any_left()) {
        warnx("connections that had been accepted were not served");
        status = EXIT_FAILURE;
    }
    return status;
}

static bool
any_left(void)
{
    return held_connfd != -1 || channels_any_inside(channels, pool->size);
}
