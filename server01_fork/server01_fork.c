/*
 * server01_fork - the parent accepts, and forks a child for each connection.
 *
 * The parent does nothing but accept, fork and reap; the child serves its one client and
 * ends. Both have the connection after fork(), so each closes what is the other's: the child the
 * listening socket, the parent the connection.
 *
 * The model is simple and safe: no client can harm another one, and the kernel frees whatever a
 * child forgets. It costs a fork per connection, several times as much as serving it (README.md
 * shows what a fork costs and why this program is linked statically). It breaks when more clients
 * come than processes can be had: at -n children the listener waits until one has ended. Compare
 * with server03_prefork_accept, which forks its children beforehand.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"

static void open_places(unsigned places);
static void serve_clients(int listenfd);
static bool wait_for_work(int listenfd);
static void start_children(int listenfd);
static bool start_child(unsigned place, int listenfd, int connfd);
static _Noreturn void child_main(unsigned place, int connfd);
static void reap(void);
static void tell_children(int signal);
static int stop_children(void);

static const char help[] = "The parent accepts, and forks a child for each connection.\n\n"
                           "  -n N        most children alive at once (default 256)\n";

enum { CHILDREN = 256, CHILDREN_MAX = 30000, PAUSE_US = 100 * 1000, BURST = 64 };

static struct options options;
static struct scoreboard board;
static struct stats stats = {.variant = "", .one_each = true};
static sigset_t waiting; /* the signal mask inside pselect() */

/* Invariant: pids[1..n] is 0 in a free place, and there are n - alive of these. A place has a slot
 * of the scoreboard. */
static pid_t *pids;
static unsigned alive;
static unsigned *free_places; /* a stack of n - alive places */
static bool paused;           /* descriptors or processes have run out: wait for a while */
static int held_connfd = -1;  /* accepted, but fork() failed: its client waits for the next try */

int
main(int argc, char **argv)
{
    int listenfd, letter, status;

    die_begin(argv[0]);
    options = options_default(CHILDREN);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "n:")) != -1) {
        if (letter == 'n') {
            options.children = (int)options_number('n', optarg, 1, CHILDREN_MAX);
        } else {
            options_take(&options, letter, help);
        }
    }
    options_end(argc, argv);

    scoreboard_open(&board, (unsigned)options.children);
    open_places((unsigned)options.children);
    conn_start(&options);
    stats_start(&stats);
    listenfd = listen_open(&options);
    signals_open(options.grace_s, false);
    signals_block(&waiting);
    if (listenfd >= FD_SETSIZE) {
        diex("listening descriptor %d: too large for select", listenfd);
    }
    if (fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }
    listen_ready(&options, listenfd);

    serve_clients(listenfd);

    listen_remove(&options);
    close(listenfd);
    status = stop_children();
    stats_print(&stats, &board, &options);
    return status;
}

static void
open_places(unsigned places)
{
    pids = calloc(places + 1, sizeof *pids);
    free_places = calloc(places, sizeof *free_places);
    if (!pids || !free_places) {
        die("%u places", places);
    }
    for (unsigned i = 0; i < places; i++) {
        free_places[i] = places - i; /* 1 on top */
    }
}

static void
serve_clients(int listenfd)
{
    while (!signals_stop) {
        if (wait_for_work(listenfd)) {
            start_children(listenfd);
        }
        reap();
        if (signals_report) {
            signals_report = 0;
            stats_print(&stats, &board, &options);
        }
    }
}

/* True if there may be a connection to serve. Signals are delivered only in here. With -n children
 * alive the listener is left out: the kernel queues, and the end of a child (SIGCHLD) wakes us. */
static bool
wait_for_work(int listenfd)
{
    const struct timespec pause = clock_timespec(PAUSE_US);
    fd_set readable;
    int ready;

    FD_ZERO(&readable);
    if (!paused && alive < board.children) {
        FD_SET(listenfd, &readable);
    }
    ready = pselect(listenfd + 1, &readable, NULL, NULL, paused ? &pause : NULL, &waiting);
    if (ready == -1) {
        signals_wait_failed(&waiting);
    }
    if (ready > 0) {
        counter_add(&board.slots[0].wakeups, 1);
        signals_admit(&waiting);
    }
    return ready > 0 || paused;
}

/* Several connections may wait; but the children that have ended meanwhile must not wait for long.
 */
static void
start_children(int listenfd)
{
    paused = false;
    for (int i = 0; i < BURST && alive < board.children; i++) {
        int connfd = held_connfd != -1 ? held_connfd : accept(listenfd, NULL, NULL);

        held_connfd = -1;
        if (connfd == -1) {
            paused = listen_exhausted();
            return;
        }
        if (!start_child(free_places[board.children - alive - 1], listenfd, connfd)) {
            held_connfd = connfd;
            paused = true;
            return;
        }
    }
}

static bool
start_child(unsigned place, int listenfd, int connfd)
{
    static atomic_llong quiet_until;
    pid_t pid;

    switch (pid = fork()) {
    case -1:
        warn_seldom(&quiet_until, "fork: trying again");
        return false;
    case 0:
        close(listenfd); /* the parent's */
        child_main(place, connfd);
    default:
        close(connfd); /* the child's: a second copy here would keep the connection open */
        pids[place] = pid;
        alive++;
        stats.children_started++;
        return true;
    }
}

static void
child_main(unsigned place, int connfd)
{
    signals_child(&waiting);
    conn_identify((unsigned)stats.children_started + 1, &board.slots[place]);
    conn_serve(connfd);
    _exit(EXIT_SUCCESS); /* not exit(): the stdio buffers are the parent's; and it closes connfd */
}

/* One SIGCHLD may stand for several children: so as many as have ended. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while (alive > 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned place = 1;

        while (place <= board.children && pids[place] != pid) {
            place++;
        }
        if (place > board.children) {
            continue; /* not one of ours: the program that was this process before exec had it */
        }
        pids[place] = 0;
        free_places[board.children - alive--] = place;
        scoreboard_reaped(&board.slots[place]);
        if (!signals_stop && (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)) {
            stats.children_lost++;
            warnx("child with pid %ld died of signal %d", (long)pid, WTERMSIG(status));
        }
    }
}

static void
tell_children(int signal)
{
    for (unsigned place = 1; place <= board.children; place++) {
        if (pids[place] != 0) {
            kill(pids[place], signal);
        }
    }
}

/* Lets the children finish what they are serving, as long as the grace lasts; then ends them. */
static int
stop_children(void)
{
    const struct timespec pause = clock_timespec(PAUSE_US);
    int status = EXIT_SUCCESS;

    tell_children(SIGTERM);
    while (reap(), alive > 0) {
        if (signals_over() && status == EXIT_SUCCESS) {
            warnx("%u children had to be killed", alive);
            tell_children(SIGKILL);
            status = EXIT_FAILURE;
        }
        if (pselect(0, NULL, NULL, NULL, &pause, &waiting) == -1) {
            signals_wait_failed(&waiting);
        }
    }
    return status;
}
