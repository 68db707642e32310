/*
 * server04_fdpass - the parent accepts, and passes each connection to a child of its choice.
 *
 * The parent alone has the listening socket. Each child number has a channel, in which its child
 * waits for the next connection; so the parent's policy (-P), not the kernel, decides which child
 * serves it. The parent keeps both ends open: so the messages that a child had not received when it
 * died stay inside, for its successor. A child counts the connections that it has served (`done`),
 * the parent those that it has passed (`given`): the child holds the difference, at most -Q. When
 * no child has room the parent says so (`parent_waits`) and sleeps; the next child that is done
 * wakes it by SIGCHLD.
 *
 * It costs a hand-over per connection: three more system calls, and waking a second process. It
 * breaks where the parent does; and with -Q 2 or more a connection can wait behind a busy child
 * while another child is idle: README.md shows it. Compare with server03_prefork_accept.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"

static bool pass_connections(void);
static unsigned choose(void);
static void wait_for_work(bool paused);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number);
static int stop(void);

static const char help[] =
    "The parent accepts and passes each connection's descriptor to a child.\n\n"
    "  -n N        children (default 10); HUP replaces them one by one\n"
    "  -P POLICY   who gets it: first (default; the lowest free one) or round-robin\n"
    "  -Q N        connections that a child may hold, in service or not (default 1)\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000, QUEUE_MAX = 64, BURST = 64, PAUSE_US = 100 * 1000 };

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
    unsigned number;
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
    channels = channels_new(pool->size, queue);
    shared = scoreboard_memory(sizeof *shared + (pool->size + 1) * sizeof shared->child[0]);
    parent = getpid();
    server_ready(&server); /* the kernel queues clients already */

    while (!signals_stop) {
        if ((number = pool_due(pool)) != 0) { /* one: signals must get their turn */
            start_child(number);
        }
        pool_turn(pool, &server);           /* reaps; then HUP and USR1 */
        wait_for_work(!pass_connections()); /* returns at once if a child is due */
    }
    return server_close(&server, stop());
}

/* As long as a child has room and a connection waits, but at most BURST: signals must get their
 * turn. False if memory or descriptors have run out, or a connection could not be passed. */
static bool
pass_connections(void)
{
    unsigned number;

    for (int i = 0; i < BURST && (number = choose()) != 0; i++) {
        if (held_connfd == -1 && listen_has_client(server.listenfd)) {
            held_connfd = accept(server.listenfd, NULL, NULL);
        }
        if (held_connfd == -1 || !channel_send(&channels[number], held_connfd)) {
            return held_connfd == -1 && !listen_exhausted();
        }
        held_connfd = -1;
        last_chosen = number;
    }
    return held_connfd == -1;
}

/* Of the children that hold fewest connections, the policy's first; 0 if no child has room. */
static unsigned
choose(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < pool->size && best_held > 0; step++) {
        unsigned i = 1 + (round_robin ? (last_chosen + step) % pool->size : step);
        unsigned held = channels[i].given - atomic_load(&shared->child[i].done);

        if (held < best_held && pool_takes(pool, i)) {
            best = i;
            best_held = held;
        }
    }
    return best;
}

/* Back-pressure: while no child has room the listener is left out, and the kernel queues. Before
 * the parent says that it waits, it lets the children run: often one of them is done within that
 * moment. The last look is needed: a child may have got free before it could see that the parent
 * waits. PAUSE_US is the limit, should kill() fail. */
static void
wait_for_work(bool paused)
{
    if (choose() == 0 && (sched_yield(), choose() == 0)) {
        atomic_store(&shared->parent_waits, 1);
        paused = paused || choose() == 0;
    }
    pool_wait(pool, &server, paused ? -1 : server.listenfd, -1, paused ? PAUSE_US : -1);
    atomic_store(&shared->parent_waits, 0);
}

/* A child that died never counts the connection that it was serving. So the parent counts for it:
 * all are done but those still inside the channel (0 before it is opened), which the successor
 * receives. */
static void
start_child(unsigned number)
{
    struct channel *channel = &channels[number];
    pid_t pid;

    atomic_store(&shared->child[number].done, channel->given - channel_inside(channel));
    pid = channel_open(channel, SOCK_STREAM) ? fork() : -1; /* a successor's is open already */
    if (pid == 0) {
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
    int connfd;

    close(server.listenfd); /* the parent's */
    if (held_connfd != -1) {
        close(held_connfd); /* another child's: a copy here would keep it open */
    }
    do {
        sched_yield(); /* lets the parent run: often the next connection is here afterwards */
        /* A child that goes on waits; for one that does not an empty channel is the END. */
        connfd = channel_receive(channel, server_child_goes_on(&worker));
        if (connfd >= 0) {
            counter_add(&worker.slot->wakeups, 1);
            conn_serve(&worker, connfd);
            close(connfd);
        }
        if (connfd >= 0 || connfd == CHANNEL_LOST) { /* lost: given, so it counts as done */
            /* In this order no wake-up is lost: either the parent, once it has said that it waits,
             * sees the new `done`, or the child sees that it waits. SIGCHLD, as after a death. */
            atomic_fetch_add(&shared->child[number].done, 1);
            if (atomic_load(&shared->parent_waits) && atomic_exchange(&shared->parent_waits, 0)) {
                kill(parent, SIGCHLD);
            }
        }
    } while (connfd != CHANNEL_END && !signals_alone);
    scoreboard_publish(worker.slot);
    _exit(EXIT_SUCCESS);
}

/* The children serve what they hold; what a dead child had not received, its successor does. */
static int
stop(void)
{
    int status = EXIT_SUCCESS;

    listen_remove();
    close(server.listenfd);
    do {
        if (held_connfd != -1 && channel_send(&channels[1], held_connfd)) {
            held_connfd = -1; /* any child will do; if channels[1] is full: in the next turn */
        }
        for (unsigned i = 1; i <= pool->size && pool_may_start(pool); i++) {
            if (pool->child[i].pid == 0 && channel_inside(&channels[i]) > 0) {
                start_child(i);
            }
        }
    } while (pool_ending(pool, &server,
                         held_connfd != -1 || channels_any_inside(channels, pool->size), &status));
    return status;
}
