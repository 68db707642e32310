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
 * It costs a hand-over per connection: three more system calls, and waking a second process.
 * It breaks where the parent does: everything goes through one process.
 * Compare with server03_prefork_accept, where the kernel hands out the connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
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
#include "channels.h"

static void distribute(int listenfd);
static void look_after_children(int listenfd);
static void start_child(unsigned number, int listenfd);
static bool pass_what_is_left(unsigned number);
static _Noreturn void child_main(unsigned number, int channel);
static void pass_connections(int listenfd);
static int next_connection(int listenfd);
static void level_when_due(void);
static void wait_for_work(int listenfd);
static int64_t sooner(int64_t wait_us, int64_t other_us);
static void wait_until(fd_set *readable, int64_t wait_us, int nfds);
static void reap(void);
static int stop_children(void);
static void close_the_rest(void);
static void start_last(void);
static bool any_left(void);
static void report(void);

static const char help[] =
    "The parent accepts and passes each connection's descriptor to a child.\n\n"
    "  -n N        children (default 10)\n"
    "  -P POLICY   who gets it: first (the lowest-numbered free child; default), round-robin,\n"
    "              or least-recent (the free child that has gone longest without one)\n"
    "  -Q N        connections that a child may hold, the one in service included (default 2)\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000 };
enum {
    BURST = 64,
    PAUSE_US = 100 * 1000,
    LEVEL_US = 10 * 1000,
    PATIENCE_US = 1000 * 1000 /* for the byte of a child that got free, should it get lost */
};

static struct options options;
static unsigned queue = 2; /* README.md tells why */
static struct scoreboard board;
static struct pool pool;
static struct stats stats;
static int wakefd;           /* readable when a child has got free for which we wait */
static int64_t accept_after; /* clock_us(): until then the listener is left out */
static int64_t level_at;     /* clock_us(): then what is queued is looked at */
static sigset_t waiting;     /* the signal mask inside pselect() */

int
main(int argc, char **argv)
{
    int listenfd, letter, status, policy = 0;

    die_begin(argv[0]);
    options = options_default(CHILDREN);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "n:P:Q:")) != -1) {
        switch (letter) {
        case 'n':
            options.children = (int)options_number('n', optarg, 1, CHILDREN_MAX);
            break;
        case 'P':
            policy = channels_policy(optarg);
            if (policy == -1) {
                die_usage("-P '%.60s': first, round-robin or least-recent is allowed", optarg);
            }
            break;
        case 'Q':
            queue = (unsigned)options_number('Q', optarg, 1, CHANNELS_QUEUE_MAX);
            break;
        default:
            options_take(&options, letter, help);
        }
    }
    options_end(argc, argv);

    scoreboard_open(&board, (unsigned)options.children);
    pool_open(&pool, (unsigned)options.children);
    stats.variant = channels_policy_name(policy);
    conn_start(&options);
    stats_start(&stats);
    wakefd = channels_open(pool.size, queue, policy);
    listenfd = listen_open(&options);
    signals_open(options.grace_s, true);
    signals_block(&waiting);
    if (listenfd >= FD_SETSIZE || wakefd >= FD_SETSIZE) {
        diex("listening descriptor %d: too large for select", listenfd);
    }
    if (fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }

    distribute(listenfd);

    listen_remove(&options);
    close(listenfd);
    status = stop_children();
    report();
    return status;
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
        level_when_due();
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
        channels_retire(number);
    }
    if (signals_report) {
        signals_report = 0;
        report();
    }
}

/* When it stops there is no listener any more: -1. */
static void
start_child(unsigned number, int listenfd)
{
    pid_t pid = -1;

    if (channels_create(number) == 0 && (!signals_stop || pass_what_is_left(number))) {
        pid = fork();
    }
    switch (pid) {
    case -1:
        pool_not_started(&pool, number);
        (void)channels_take_back(number); /* at least nothing new: the next start will finish it */
        break;
    case 0:
        if (listenfd != -1) {
            close(listenfd); /* the parent's */
        }
        child_main(number, channels_child(number));
    default:
        pool_started(&pool, number, pid);
        break;
    }
}

/* Before the child starts: so it finds the end of its channel behind them. False and errno if none
 * could be passed: then it need not start. */
static bool
pass_what_is_left(unsigned number)
{
    bool any = false;
    int connfd;

    while (channels_choose() == number && (connfd = channels_taken_back()) != -1) {
        if (!channels_pass(number, connfd)) {
            break;
        }
        any = true;
    }
    channels_retire(number);
    return any;
}

/* Serves what comes through the channel until the parent closes it: to stop, to replace this child,
 * or by dying. */
static void
child_main(unsigned number, int channel)
{
    const struct timespec pause = clock_timespec(PAUSE_US);
    struct slot *slot = &board.slots[number];
    atomic_llong quiet_until = 0;
    int connfd;

    signals_child(&waiting);
    conn_identify(number, slot);
    while (!signals_alone && (connfd = fdpass_receive(channel, !signals_stop)) != FDPASS_END) {
        if (connfd != FDPASS_NONE) {
            counter_add(&slot->wakeups, 1);
            conn_serve(connfd);
            close(connfd);
            channels_done(number);
        } else if (errno == EBADMSG) {
            warnx("child %u: a connection was lost on the way", number);
            channels_done(number);
        } else if (errno == EAGAIN) {
            break; /* told to leave, and the channel is empty */
        } else if (errno != EINTR) {
            if (!fdpass_exhausted()) { /* never again: a successor will do better */
                die("child %u: cannot receive", number);
            }
            /* Asking at once would only spin. */
            warn_seldom(&quiet_until, "child %u: cannot receive, trying again", number);
            nanosleep(&pause, NULL);
        }
        if (signals_ticked) {
            signals_ticked = 0;
            scoreboard_publish(slot);
        }
    }
    scoreboard_publish(slot);
    _exit(EXIT_SUCCESS);
}

/* As long as there is a child with room and a connection for it; but not for ever, for the signals
 * must get their turn. */
static void
pass_connections(int listenfd)
{
    for (int i = 0; i < BURST; i++) {
        unsigned number = channels_choose();
        int connfd;

        if (number == 0) {
            return;
        }
        connfd = next_connection(listenfd);
        if (connfd == -1) {
            return;
        }
        if (!channels_pass(number, connfd)) {
            accept_after = clock_us() + PAUSE_US;
            return;
        }
    }
}

static int
next_connection(int listenfd)
{
    int connfd;

    if (accept_after != 0 && clock_us() < accept_after) {
        return -1;
    }
    accept_after = 0;
    connfd = channels_taken_back();
    if (connfd == -1) {
        connfd = accept(listenfd, NULL, NULL);
        if (connfd == -1 && listen_exhausted()) {
            accept_after = clock_us() + PAUSE_US;
        }
    }
    return connfd;
}

/* By the clock: under load there is no quiet moment for it. */
static void
level_when_due(void)
{
    int64_t now = clock_us();

    if (now >= level_at) {
        channels_level();
        level_at = now + LEVEL_US;
    }
}

/* Back-pressure: while no child has room, the listener is left out, and the kernel queues. */
static void
wait_for_work(int listenfd)
{
    int64_t wait_us = pool_wait_us(&pool);
    fd_set readable;

    FD_ZERO(&readable);
    if (channels_full()) {
        FD_SET(wakefd, &readable);
        wait_us = sooner(wait_us, PATIENCE_US);
    } else if (accept_after != 0) {
        wait_us = sooner(wait_us, PAUSE_US);
    } else if (channels_any_taken_back()) {
        wait_us = 0;
    } else {
        FD_SET(listenfd, &readable);
        if (channels_any_queued()) {
            wait_us = sooner(wait_us, LEVEL_US); /* another child may get free meanwhile */
        }
    }
    wait_until(&readable, wait_us, 1 + (listenfd > wakefd ? listenfd : wakefd));
}

static int64_t
sooner(int64_t wait_us, int64_t other_us)
{
    return wait_us == -1 || wait_us > other_us ? other_us : wait_us;
}

static void
wait_until(fd_set *readable, int64_t wait_us, int nfds)
{
    struct timespec timeout = clock_timespec(wait_us);
    int ready = pselect(nfds, readable, NULL, NULL, wait_us == -1 ? NULL : &timeout, &waiting);

    if (ready == -1) {
        signals_wait_failed(&waiting);
    }
    if (ready > 0) {
        counter_add(&board.slots[0].wakeups, 1);
        signals_admit(&waiting);
        if (FD_ISSET(wakefd, readable)) {
            channels_awake();
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
        (void)channels_take_back(number); /* if not now, its successor's start does it */
    }
}

/* Lets the children finish what they hold, as long as the grace lasts; then ends them. What one
 * that was killed meanwhile had not begun gets another child. */
static int
stop_children(void)
{
    int status = EXIT_SUCCESS;

    for (unsigned i = 1; i <= pool.size; i++) {
        channels_retire(i);
    }
    pool_kill(&pool, SIGTERM); /* an idle client keeps nobody waiting */
    pool_forgive(&pool);
    for (;;) {
        bool over = signals_over();
        fd_set nothing;

        reap();
        if (pool.alive == 0 && (over || !any_left())) {
            break;
        }
        if (over && status == EXIT_SUCCESS) {
            warnx("%u children had to be killed", pool.alive);
            pool_kill(&pool, SIGKILL);
            status = EXIT_FAILURE;
        }
        if (!over && any_left() && channels_any_taken_back()) {
            start_last();
        }
        FD_ZERO(&nothing);
        wait_until(&nothing, PAUSE_US, 0);
    }
    if (any_left()) {
        warnx("connections that had been accepted were not served");
        status = EXIT_FAILURE;
        close_the_rest();
    }
    return status;
}

static void
close_the_rest(void)
{
    int connfd;

    while ((connfd = channels_taken_back()) != -1) {
        close(connfd);
    }
}

static void
start_last(void)
{
    unsigned number;

    pool.wanted = pool.alive + 1;
    number = pool_due(&pool);
    if (number != 0) {
        start_child(number, -1);
    }
    if (number != 0 && pool.child[number].pid != 0) {
        pool.child[number].asked = true;
        kill(pool.child[number].pid, SIGTERM);
    }
}

/* Is there anything that children which have ended had not begun? */
static bool
any_left(void)
{
    bool left = false;

    for (unsigned i = 1; i <= pool.size; i++) {
        left = left || (pool.child[i].pid == 0 && !channels_take_back(i));
    }
    return left || channels_any_taken_back();
}

static void
report(void)
{
    stats.children_started = pool.started;
    stats.children_lost = pool.lost;
    stats_print(&stats, &board, &options);
}
