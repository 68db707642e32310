/*
 * server04_fdpass - the parent accepts, and passes each connection's descriptor to a child.
 *
 * The parent alone has the listening socket. Each child has a channel, one end of a Unix domain
 * socketpair, and waits in recvmsg() for the next connection; so it is the parent's policy (-P),
 * not the kernel's, which child serves whom. A child reports that it is free again by counting up
 * `done` in shared memory, and only if the parent has said that it is waiting for that does it also
 * write a byte to wake it: a byte for each connection, as in the textbook, would wake the parent
 * each time.
 *
 * It costs a hand-over per connection: two more system calls, and the wake-up of a second process.
 * It breaks where the parent does: everything goes through one process.
 * Compare with server03_prefork_accept, where the kernel hands out the connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/fdpass.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/pool.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"

/* The parent's end of a child's channel, and the child's, which the parent keeps open too: so what
 * a dead child has not received is not lost. Invariant: the child holds given - done, at most -Q.
 */
struct channel {
    int parent_end, child_end;
    unsigned given;          /* connections passed, modulo 2^32 as `done` */
    unsigned long long last; /* the sequence number of the last one */
};

struct shared {
    atomic_uint parent_waits; /* for a child to get free: then, and only then, wake it */
    struct {
        _Alignas(SLOT_BYTES) atomic_uint done; /* connections served; its child is the one writer */
    } child[];
};

static void set_policy(const char *name);
static void open_channels(void);
static void distribute(int listenfd);
static void look_after_children(int listenfd);
static void start_child(unsigned number, int listenfd);
static void close_others(unsigned number, int listenfd);
static _Noreturn void child_main(unsigned number, int channel);
static void report_done(unsigned number);
static void pass_connections(int listenfd);
static unsigned choose(void);
static unsigned held_by(unsigned number);
static int next_connection(int listenfd);
static void pass(unsigned number, int connfd);
static void wait_for_work(int listenfd);
static void wait_until(fd_set *readable, int64_t wait_us, int nfds);
static void reap(void);
static void take_back(struct channel *channel);
static void retire(struct channel *channel);
static int stop_children(void);
static void report(void);

static const char help[] =
    "The parent accepts and passes each connection's descriptor to a child.\n\n"
    "  -n N        children (default 10)\n"
    "  -P POLICY   who gets it: first (the lowest-numbered free child; default), round-robin,\n"
    "              or least-recent (the free child that has gone longest without one)\n"
    "  -Q N        connections that a child may hold, the one in service included (default 1)\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000, QUEUE = 1, QUEUE_MAX = 64 };
enum { BURST = 64, PAUSE_US = 100 * 1000 };
enum policy { FIRST, ROUND_ROBIN, LEAST_RECENT };

static const char *const policy_names[] = {"first", "round-robin", "least-recent"};

static struct options options;
static enum policy policy = FIRST;
static unsigned queue = QUEUE;
static struct scoreboard board;
static struct pool pool;
static struct stats stats;
static struct channel *channels;    /* channels[1..n], as the children's numbers */
static struct shared *shared;       /* with the children */
static int wake[2];                 /* a pipe: children write, the parent reads */
static int *taken_back;             /* connections of dead children, to be passed on first */
static unsigned ntaken_back;        /* at most n times -Q: nobody holds more */
static unsigned last_chosen;        /* by the policy round-robin */
static unsigned long long sequence; /* connections passed so far */
static int64_t accept_after;        /* clock_us(): until then the listener is left out */
static sigset_t waiting;            /* the signal mask inside pselect() */

int
main(int argc, char **argv)
{
    int listenfd, letter, status;

    die_name(argv[0]);
    options = options_default(CHILDREN);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "n:P:Q:")) != -1) {
        switch (letter) {
        case 'n':
            options.children = (int)options_number('n', optarg, 1, CHILDREN_MAX);
            break;
        case 'P':
            set_policy(optarg);
            break;
        case 'Q':
            queue = (unsigned)options_number('Q', optarg, 1, QUEUE_MAX);
            break;
        default:
            options_take(&options, letter, help);
        }
    }
    options_end(argc, argv);

    signals_open(options.grace_s, true);
    signals_block(&waiting);
    scoreboard_open(&board, (unsigned)options.children);
    pool_open(&pool, (unsigned)options.children);
    stats = (struct stats){.variant = policy_names[policy], .started = clock_us()};
    open_channels();
    listenfd = listen_open(&options);
    if (listenfd >= FD_SETSIZE || fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("listening descriptor %d", listenfd);
    }

    distribute(listenfd);

    listen_remove(&options, listenfd);
    close(listenfd);
    status = stop_children();
    report();
    return status;
}

static void
set_policy(const char *name)
{
    for (policy = FIRST; policy <= LEAST_RECENT; policy++) {
        if (strcmp(name, policy_names[policy]) == 0) {
            return;
        }
    }
    die_usage("-P '%s': first, round-robin or least-recent is allowed", name);
}

static void
open_channels(void)
{
    size_t children = pool.size + 1;

    channels = calloc(children, sizeof *channels);
    taken_back = calloc(children * queue, sizeof *taken_back);
    if (!channels || !taken_back) {
        die("%u channels", pool.size);
    }
    for (unsigned i = 1; i <= pool.size; i++) {
        channels[i].parent_end = channels[i].child_end = -1;
    }
    shared = scoreboard_memory(sizeof *shared + children * sizeof shared->child[0]);
    if (pipe(wake) == -1 || fcntl(wake[0], F_SETFL, O_NONBLOCK) == -1 ||
        fcntl(wake[1], F_SETFL, O_NONBLOCK) == -1) {
        die("pipe");
    }
}

/* The parent's loop: signals are delivered only while it waits. */
static void
distribute(int listenfd)
{
    bool ready = false;

    while (!signals_stop) {
        look_after_children(listenfd);
        if (!ready) {
            listen_ready(&options, listenfd);
            ready = true;
        }
        pass_connections(listenfd);
        wait_for_work(listenfd);
    }
}

static void
look_after_children(int listenfd)
{
    unsigned number;

    if (signals_ended) {
        signals_ended = 0;
        reap();
    }
    while ((number = pool_due(&pool)) != 0) {
        start_child(number, listenfd);
    }
    if (signals_replace) {
        signals_replace = 0;
        pool_replace_all(&pool);
    }
    if ((number = pool_replace_next(&pool, options.grace_s)) != 0) {
        retire(&channels[number]);
    }
    if (signals_report) {
        signals_report = 0;
        report();
    }
}

static void
start_child(unsigned number, int listenfd)
{
    struct channel *channel = &channels[number];
    int pair[2] = {-1, -1};
    pid_t pid = -1;

    fflush(stdout); /* or the child would have a copy of what is still in the buffer */
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
        *channel = (struct channel){.parent_end = pair[0], .child_end = pair[1]};
        channel->given = atomic_load(&shared->child[number].done);
        pid = fork();
    }
    switch (pid) {
    case -1:
        pool_not_started(&pool, number);
        take_back(channel);
        break;
    case 0:
        close_others(number, listenfd);
        child_main(number, pair[1]);
    default:
        pool_started(&pool, number, pid);
        break;
    }
}

/* A child keeps its end of its own channel and the writing end of the wake pipe. With a copy of a
 * parent's end it would hide the parent's death from the others. */
static void
close_others(unsigned number, int listenfd)
{
    close(listenfd); /* the parent's */
    close(wake[0]);  /* the parent's */
    for (unsigned i = 1; i <= pool.size; i++) {
        if (channels[i].parent_end != -1) {
            close(channels[i].parent_end); /* the parent's */
        }
        if (channels[i].child_end != -1 && i != number) {
            close(channels[i].child_end); /* another child's */
        }
    }
    for (unsigned i = 0; i < ntaken_back; i++) {
        close(taken_back[i]); /* connections that are still the parent's */
    }
}

/* Serves what comes through the channel until the parent closes it: to stop, to replace this child,
 * or by dying. */
static void
child_main(unsigned number, int channel)
{
    struct slot *slot = &board.slots[number];
    int connfd;

    signals_child(&waiting);
    conn_identify(number, slot, &options);
    while ((connfd = fdpass_receive(channel)) != FDPASS_END) {
        if (connfd != FDPASS_NONE) {
            counter_add(&slot->wakeups, 1);
            conn_serve(connfd);
            close(connfd);
            report_done(number);
        } else if (errno == EBADMSG) {
            warnx("child %u: a connection was lost on the way", number);
            report_done(number);
        }
        if (signals_ticked) {
            signals_ticked = 0;
            scoreboard_publish(slot);
        }
    }
    scoreboard_publish(slot);
    _exit(EXIT_SUCCESS);
}

/* In this order, with sequentially consistent atomics: either the parent, after it has said that it
 * waits, sees the new `done`, or this child sees that the parent waits. No wake-up is lost. */
static void
report_done(unsigned number)
{
    atomic_fetch_add(&shared->child[number].done, 1);
    if (atomic_load(&shared->parent_waits) && atomic_exchange(&shared->parent_waits, 0)) {
        if (write(wake[1], "", 1) == -1) {
            /* Full: then the parent has enough to wake up for. */
        }
    }
}

/* As long as there is a child with room and a connection for it; but not for ever, for the signals
 * must get their turn. */
static void
pass_connections(int listenfd)
{
    for (int i = 0; i < BURST; i++) {
        unsigned number = choose();
        int connfd;

        if (number == 0) {
            return;
        }
        connfd = next_connection(listenfd);
        if (connfd == -1) {
            return;
        }
        pass(number, connfd);
    }
}

/* A child with room, 0 if there is none: among those who hold least, the policy's first. */
static unsigned
choose(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned step = 0; step < pool.size; step++) {
        unsigned i = 1 + (policy == ROUND_ROBIN ? (last_chosen + step) % pool.size : step);
        unsigned held = held_by(i);

        if (held < best_held || (policy == LEAST_RECENT && best != 0 && held == best_held &&
                                 channels[i].last < channels[best].last)) {
            best = i;
            best_held = held;
        }
        if (held == 0 && policy != LEAST_RECENT) {
            break;
        }
    }
    return best;
}

static unsigned
held_by(unsigned number)
{
    if (channels[number].parent_end == -1) {
        return queue; /* no child, or one that is leaving: it has no room */
    }
    return channels[number].given - atomic_load(&shared->child[number].done);
}

static int
next_connection(int listenfd)
{
    int connfd;

    if (ntaken_back > 0) {
        return taken_back[--ntaken_back];
    }
    if (accept_after != 0 && clock_us() < accept_after) {
        return -1;
    }
    accept_after = 0;
    connfd = accept(listenfd, NULL, NULL);
    if (connfd != -1) {
        listen_recovered();
    } else if (listen_exhausted()) {
        accept_after = clock_us() + PAUSE_US;
    }
    return connfd;
}

static void
pass(unsigned number, int connfd)
{
    struct channel *channel = &channels[number];

    if (fdpass_send(channel->parent_end, connfd) == -1) {
        warn("child %u: cannot pass a connection", number);
    } else {
        channel->given++;
        channel->last = ++sequence;
        last_chosen = number;
    }
    close(connfd); /* it is the child's now; a second copy would keep the connection open */
}

/* Back-pressure: while no child has room, the listener is left out, and the kernel queues. */
static void
wait_for_work(int listenfd)
{
    int64_t wait_us = pool_wait_us(&pool);
    bool full = choose() == 0;
    fd_set readable;

    if (full) {
        atomic_store(&shared->parent_waits, 1);
        full = choose() == 0; /* has one got free before it could know? */
    }
    FD_ZERO(&readable);
    if (full) {
        FD_SET(wake[0], &readable);
    } else if (ntaken_back > 0) {
        wait_us = 0;
    } else if (accept_after == 0) {
        FD_SET(listenfd, &readable);
    } else {
        wait_us = PAUSE_US;
    }
    wait_until(&readable, wait_us, 1 + (listenfd > wake[0] ? listenfd : wake[0]));
    atomic_store(&shared->parent_waits, 0);
}

static void
wait_until(fd_set *readable, int64_t wait_us, int nfds)
{
    struct timespec timeout = clock_timespec(wait_us);
    char bytes[64];
    int ready = pselect(nfds, readable, NULL, NULL, wait_us == -1 ? NULL : &timeout, &waiting);

    if (ready == -1 && errno != EINTR) {
        die("pselect");
    }
    if (ready > 0) {
        counter_add(&board.slots[0].wakeups, 1);
        signals_admit(&waiting);
        if (FD_ISSET(wake[0], readable) && read(wake[0], bytes, sizeof bytes) == -1) {
            die("wake pipe");
        }
    }
}

/* One SIGCHLD may stand for several children. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned number = pool_ended(&pool, pid, status);

        scoreboard_reaped(&board.slots[number]);
        take_back(&channels[number]);
    }
}

/* Receives, in a dead child's place, the connections that it has not: others shall serve them. */
static void
take_back(struct channel *channel)
{
    int connfd;

    if (channel->child_end == -1) {
        return;
    }
    if (fcntl(channel->child_end, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }
    while ((connfd = fdpass_receive(channel->child_end)) >= 0 || errno == EBADMSG) {
        if (connfd >= 0) {
            taken_back[ntaken_back++] = connfd;
        }
    }
    retire(channel);
    close(channel->child_end);
    channel->child_end = -1;
}

/* The child gets no more, and leaves when it has served what it holds. */
static void
retire(struct channel *channel)
{
    if (channel->parent_end != -1) {
        close(channel->parent_end);
        channel->parent_end = -1;
    }
}

/* Lets the children finish what they hold, as long as the grace lasts; then ends them. */
static int
stop_children(void)
{
    int status = EXIT_SUCCESS;

    for (unsigned i = 1; i <= pool.size; i++) {
        retire(&channels[i]);
    }
    pool_kill(&pool, SIGTERM); /* an idle client keeps nobody waiting */
    while (reap(), pool.alive > 0) {
        fd_set nothing;

        if (signals_over() && status == EXIT_SUCCESS) {
            warnx("%u children had to be killed", pool.alive);
            pool_kill(&pool, SIGKILL);
            status = EXIT_FAILURE;
        }
        FD_ZERO(&nothing);
        wait_until(&nothing, PAUSE_US, 0);
    }
    return status;
}

static void
report(void)
{
    stats.children_started = pool.started;
    stats.children_lost = pool.lost;
    stats_print(&stats, &board, &options);
}
