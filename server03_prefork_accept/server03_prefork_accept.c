/*
 * server03_prefork_accept - children forked beforehand share one listening socket.
 *
 * The parent opens the socket, forks -n children and from then on only looks after them: it never
 * sees a connection. Each child inherits the listening descriptor and does what
 * server00_iterative does: wait, accept, serve, close. Which child gets a connection is
 * decided by the kernel, when several wait for the same socket; -a chooses how they wait (ways.c
 * and, for what only Linux has, ways_linux.c).
 *
 * It costs no fork per connection and no hand-over: of all models with processes the cheapest. It
 * breaks when all children are busy: then everybody else waits, as in server00. Compare with
 * server01_fork (a child per connection), and -a poll with -a accept (the thundering herd).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/pool.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"
#include "ways.h"

static const struct way *way_named(const char *name);
static void look_after_children(int listenfd);
static void start_child(unsigned number, int listenfd);
static _Noreturn void child_main(unsigned number, int listenfd);
static void reap(void);
static void wait_for_signal(int64_t wait_us);
static int stop_children(void);
static void report(void);

static const char help[] =
    "Children forked beforehand share one listening socket.\n\n"
    "  -n N        children (default 10)\n"
    "  -a WAY      how a child waits for a connection: accept (default), select, poll,\n"
    "              lock-file, lock-mutex; on Linux also epoll, epoll-exclusive, reuseport\n";

enum { CHILDREN = 10, CHILDREN_MAX = 10000 };

static struct options options;
static const struct way *way = ways;
static struct scoreboard board;
static struct pool pool;
static struct stats stats;
static sigset_t waiting; /* the signal mask while waiting: everywhere else the parent blocks them */

int
main(int argc, char **argv)
{
    int listenfd, letter, status;

    die_begin(argv[0]);
    options = options_default(CHILDREN);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "n:a:")) != -1) {
        switch (letter) {
        case 'n':
            options.children = (int)options_number('n', optarg, 1, CHILDREN_MAX);
            break;
        case 'a':
            way = way_named(optarg);
            break;
        default:
            options_take(&options, letter, help);
        }
    }
    options_end(argc, argv);

    scoreboard_open(&board, (unsigned)options.children);
    pool_open(&pool, (unsigned)options.children);
    stats.variant = way->name;
    conn_start(&options);
    stats_start(&stats);
    listenfd = listen_open(&options);
    signals_open(options.grace_s, true);
    signals_block(&waiting);
    if (way->prepare) {
        way->prepare(listenfd, &options);
    }

    look_after_children(listenfd);

    listen_remove(&options);
    close(listenfd);
    status = stop_children();
    report();
    return status;
}

static const struct way *
way_named(const char *name)
{
    for (const struct way *each = ways; each->name; each++) {
        if (strcmp(each->name, name) == 0) {
            return each;
        }
    }
#ifdef __linux__
    for (const struct way *each = ways_linux; each->name; each++) {
        if (strcmp(each->name, name) == 0) {
            return each;
        }
    }
#endif
    die_usage("-a '%.60s': accept, select, poll, lock-file, lock-mutex or, on Linux, epoll, "
              "epoll-exclusive or reuseport is allowed",
              name);
}

/* The parent's whole life: start whoever is missing, sleep until a signal comes. */
static void
look_after_children(int listenfd)
{
    bool ready = false;

    while (!signals_stop) {
        unsigned number;

        reap();
        while ((number = pool_due(&pool)) != 0) {
            start_child(number, listenfd);
        }
        if (!ready) {
            listen_ready(&options, listenfd);
            ready = true;
        }
        if (signals_replace) {
            signals_replace = 0;
            pool_replace_all(&pool);
        }
        if ((number = pool_replace_next(&pool, options.grace_s)) != 0) {
            kill(pool.child[number].pid, SIGHUP);
        }
        if (signals_report) {
            signals_report = 0;
            report();
        }
        wait_for_signal(pool_wait_us(&pool));
    }
}

static void
start_child(unsigned number, int listenfd)
{
    pid_t pid;

    switch (pid = fork()) {
    case -1:
        pool_not_started(&pool, number);
        break;
    case 0:
        child_main(number, listenfd);
    default:
        pool_started(&pool, number, pid);
        break;
    }
}

/* HUP and TERM let a child leave between two connections. If one comes just before it blocks, the
 * tick ends the waiting a second later. */
static void
child_main(unsigned number, int listenfd)
{
    const struct timespec pause = clock_timespec(100 * 1000);
    struct slot *slot = &board.slots[number];

    signals_child(&waiting);
    conn_identify(number, slot);
    if (way->begin) {
        listenfd = way->begin(listenfd, number);
    }
    while (!signals_stop && !signals_replace) {
        int connfd = way->take(listenfd, slot);

        if (connfd != -1) {
            conn_serve(connfd);
            close(connfd);
        } else if (listen_exhausted()) {
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

/* One SIGCHLD may stand for several children. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned number = pool_ended(&pool, pid, status);

        scoreboard_reaped(&board.slots[number]);
    }
}

/* Signals are delivered only in here, so none can come between looking at a flag and waiting. */
static void
wait_for_signal(int64_t wait_us)
{
    struct timespec timeout = clock_timespec(wait_us);

    if (pselect(0, NULL, NULL, NULL, wait_us == -1 ? NULL : &timeout, &waiting) == -1) {
        signals_wait_failed(&waiting);
    }
}

/* Lets the children finish what they are serving, as long as the grace lasts; then ends them. */
static int
stop_children(void)
{
    int status = EXIT_SUCCESS;

    pool_kill(&pool, SIGTERM);
    while (reap(), pool.alive > 0) {
        if (signals_over() && status == EXIT_SUCCESS) {
            warnx("%u children had to be killed", pool.alive);
            pool_kill(&pool, SIGKILL);
            status = EXIT_FAILURE;
        }
        wait_for_signal(100 * 1000);
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
