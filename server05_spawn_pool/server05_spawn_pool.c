/*
 * server05_spawn_pool - a distributor, and handlers that are programs of their own.
 *
 * The distributor accepts connections and gives each to a handler: a process that it has not forked
 * but spawned, another executable (-e), of which it knows only how they talk: connections come
 * through a Unix socket (channels.c), states and counters stand in shared memory (board.h). What
 * handlers do is theirs; the suite's protocol (handlers/handler_bytes.c), or whatever a function
 * from bytes to bytes can compute (handlers/handler.h).
 *
 * It costs what server04_fdpass costs, and a program start where that forks. It breaks where the
 * handlers do, and only there: they can be killed, replaced by a new version, or grow in number
 * with the load (-s auto, scale.c) while the distributor serves on.
 * Compare with server04_fdpass (the children are forked), and -d queued with -d piped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/pool.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"
#include "board.h"
#include "channels.h"
#include "scale.h"
#include "spawn.h"
#include "status.h"

static void take_option(int letter);
static void check_options(void);
static void open_board(void);
static void catch_more_signals(void);
static void distribute(int listenfd);
static void look_after_handlers(void);
static void start_handlers(void);
static void start_handler(unsigned number);
static void notice_ready(void);
static void replace_handlers(void);
static void shed_handlers(void);
static void dismiss(unsigned number);
static void insist(void);
static void scale_pool(void);
static void pass_connections(int listenfd);
static void wait_for_work(int listenfd);
static void wait_until(fd_set *readable, int nfds, int64_t wait_us);
static void reap(void);
static int stop_handlers(void);
static void report(void);

static const char help[] =
    "A distributor accepts connections and gives them to handlers: spawned programs.\n\n"
    "  -d HOW      queued: handlers take connections from one queue (default);\n"
    "              piped: the distributor chooses one\n"
    "  -P POLICY   piped: round-robin or least-loaded (default)\n"
    "  -Q N        connections on their way per handler, the one in service included (default 2)\n"
    "  -e PROGRAM  the handler (default handler_bytes); what follows -- are its arguments\n"
    "  -n N        handlers at the start (default: as many as there are processors)\n"
    "  -s SIZE     pooled: always so many (default); auto: as many as the load needs\n"
    "  -m N        auto: start more when fewer than N are idle (default 2)\n"
    "  -M N        auto: retire one a second when more than N are idle (default 5)\n"
    "  -x N        the most handlers (default 64)\n"
    "  -R N        a handler retires after N to 1.25 N requests (default 0: never)\n";

enum { HANDLERS_MAX = 400 }; /* two descriptors each, and select takes 1024 */
enum {
    BURST = 64,
    PAUSE_US = 100 * 1000,
    PAUSE_MOST_US = 5 * 1000 * 1000,
    LOOK_US = 1000 * 1000,   /* between two looks at the number of idle handlers */
    START_US = 10 * 1000000, /* within which a handler is to be ready */
    ORPHAN_S = 2             /* for a request in progress when the distributor has died */
};

static struct options options;
static enum channels_way way;
static enum channels_policy policy = CHANNELS_LEAST_LOADED;
static bool automatic;
static const char *only_piped, *only_auto; /* an option that needs the other one */
static unsigned queue = 2, retire_after;
static struct scale scale = {.min_spare = 2, .max_spare = 5, .most = 64, .burst = 1};
static const char *program = "handler_bytes";
static char **arguments; /* the handler's, its name the first */

static struct board *board;
static int boardfd;
static struct scoreboard scoreboard;
static struct pool pool;
static struct handler *handlers; /* handlers[1..pool.size] */
static struct stats stats;
static bool serving;                      /* the first handlers were ready, so clients may come */
static unsigned highest;                  /* handlers with a higher number have never been */
static unsigned nstarting;                /* started, not yet ready */
static unsigned failures;                 /* how many in a row ended before they were ready */
static int64_t start_after;               /* clock_us(): then the next one is tried */
static int64_t accept_after;              /* clock_us(): until then the listener is left out */
static int64_t next_look;                 /* clock_us() */
static sigset_t waiting;                  /* the signal mask inside pselect() */
static volatile sig_atomic_t more, fewer; /* TTIN, TTOU: how many handlers */

int
main(int argc, char **argv)
{
    int listenfd, letter, status;

    die_name(argv[0]);
    spawn_keep_from_handlers();
    options = options_default(0);
    while ((letter = getopt(argc, argv, OPTIONS_LETTERS "d:e:m:M:n:P:Q:R:s:x:")) != -1) {
        take_option(letter);
    }
    arguments = &argv[optind - 1]; /* its name takes the place of the last word before */
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
        options_end(argc, argv);
    }
    check_options();
    program = spawn_find(argv[0], program);
    arguments[0] = (char *)program;

    open_board();
    stats_start(&stats);
    listenfd = listen_open(&options);
    signals_open(options.grace_s, true);
    signals_block(&waiting);
    catch_more_signals();
    if (listenfd >= FD_SETSIZE) {
        diex("listening descriptor %d: too large for select", listenfd);
    }
    if (fcntl(listenfd, F_SETFD, FD_CLOEXEC) == -1 || fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("listening socket");
    }

    distribute(listenfd);

    listen_remove(&options);
    close(listenfd);
    status = stop_handlers();
    report();
    return status;
}

/* --- before the start ------------------------------------------------------------------------ */

/* Which of two words the option's value is. */
static bool
second_of(int letter, const char *value, const char *first, const char *second)
{
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0) {
        die_usage("-%c '%s': %s or %s is allowed", letter, value, first, second);
    }
    return strcmp(value, second) == 0;
}

static void
take_option(int letter)
{
    switch (letter) {
    case 'd':
        way = second_of('d', optarg, "queued", "piped") ? CHANNELS_PIPED : CHANNELS_QUEUED;
        break;
    case 's':
        automatic = second_of('s', optarg, "pooled", "auto");
        break;
    case 'P':
        policy = second_of('P', optarg, "round-robin", "least-loaded") ? CHANNELS_LEAST_LOADED
                                                                       : CHANNELS_ROUND_ROBIN;
        only_piped = "-P";
        break;
    case 'Q':
        queue = (unsigned)options_number('Q', optarg, 1, CHANNELS_QUEUE_MAX);
        break;
    case 'e':
        program = optarg;
        break;
    case 'n':
        options.children = (int)options_number('n', optarg, 1, HANDLERS_MAX);
        break;
    case 'm':
        scale.min_spare = (unsigned)options_number('m', optarg, 1, HANDLERS_MAX);
        only_auto = "-m";
        break;
    case 'M':
        scale.max_spare = (unsigned)options_number('M', optarg, 1, HANDLERS_MAX);
        only_auto = "-M";
        break;
    case 'x':
        scale.most = (unsigned)options_number('x', optarg, 1, HANDLERS_MAX);
        break;
    case 'R':
        retire_after = (unsigned)options_number('R', optarg, 0, 1000 * 1000 * 1000);
        break;
    default:
        options_take(&options, letter, help);
    }
}

static int
processors(void)
{
#ifdef _SC_NPROCESSORS_ONLN /* not in POSIX, but nearly everywhere */
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > HANDLERS_MAX ? HANDLERS_MAX : (int)count;
#else
    return 2;
#endif
}

/* What contradicts each other, and what would be without effect. */
static void
check_options(void)
{
    static const char *const variants[2][2] = {
        {"queued pooled", "queued auto"},
        {"piped pooled round-robin", "piped auto round-robin"},
    };

    if (options.children == 0) {
        options.children = processors();
    }
    if (only_piped && way != CHANNELS_PIPED) {
        die_usage("%s is for -d piped: a queue has no choice", only_piped);
    }
    if (only_auto && !automatic) {
        die_usage("%s is for -s auto", only_auto);
    }
    if (scale.min_spare > scale.max_spare) {
        die_usage("-m %u -M %u: the second must not be less", scale.min_spare, scale.max_spare);
    }
    if ((unsigned)options.children > scale.most) {
        if (automatic) {
            die_usage("-n %d: -x %u allows no more", options.children, scale.most);
        }
        scale.most = (unsigned)options.children;
    }
    stats.variant = variants[way == CHANNELS_PIPED][automatic];
    if (way == CHANNELS_PIPED && policy == CHANNELS_LEAST_LOADED) {
        stats.variant = automatic ? "piped auto least-loaded" : "piped pooled least-loaded";
    }
}

static void
open_board(void)
{
    size_t size = board_size(scale.most);

    handlers = calloc(scale.most + 1, sizeof *handlers);
    if (!handlers) {
        die("%u handlers", scale.most);
    }
    boardfd = channels_stow(scoreboard_object(size));
    if (boardfd == -1) {
        die("the board's descriptor");
    }
    board = scoreboard_map(boardfd, size);
    board->magic = BOARD_MAGIC;
    board->seats = scale.most;
    board->distributor = (int32_t)getpid();
    board->timeout_s = options.timeout_s;
    board->grace_s = options.grace_s < ORPHAN_S ? options.grace_s : ORPHAN_S;
    board->verbose = options.verbose;
    board->retire_after = retire_after;
    scoreboard.slots = board_slots(board);
    counter_set(&scoreboard.slots[0].pid, (unsigned long long)getpid());
    pool_open(&pool, scale.most);
    pool.wanted = (unsigned)options.children;
    channels_open(board, way, policy, queue);
}

static void
on_more_or_fewer(int number)
{
    if (number == SIGTTIN) {
        more++;
    } else {
        fewer++;
    }
}

/* TTIN and TTOU, which no other server has, like those of common/signals: blocked but while this
 * process waits. */
static void
catch_more_signals(void)
{
    struct sigaction action = {.sa_handler = on_more_or_fewer};
    sigset_t both;

    sigemptyset(&action.sa_mask);
    sigemptyset(&both);
    sigaddset(&both, SIGTTIN);
    sigaddset(&both, SIGTTOU);
    sigprocmask(SIG_BLOCK, &both, NULL);
    sigdelset(&waiting, SIGTTIN);
    sigdelset(&waiting, SIGTTOU);
    if (sigaction(SIGTTIN, &action, NULL) == -1 || sigaction(SIGTTOU, &action, NULL) == -1) {
        die("sigaction");
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Signals are delivered only while it waits. */
static void
distribute(int listenfd)
{
    next_look = clock_us() + LOOK_US;
    while (!signals_stop) {
        look_after_handlers();
        if (!serving && nstarting == 0 && pool.alive > 0) {
            listen_ready(&options, listenfd);
            serving = true;
        }
        pass_connections(listenfd);
        wait_for_work(listenfd);
    }
}

static void
look_after_handlers(void)
{
    if (signals_ended) {
        signals_ended = 0;
        reap();
    }
    notice_ready();
    for (; more > 0; more--) {
        pool.wanted += pool.wanted < pool.size;
    }
    for (; fewer > 0; fewer--) {
        pool.wanted -= pool.wanted > 1;
    }
    if (automatic) {
        scale_pool();
    }
    start_handlers();
    shed_handlers();
    replace_handlers();
    insist();
    if (signals_report) {
        signals_report = 0;
        report();
    }
}

/* --- starting -------------------------------------------------------------------------------- */

/* Nobody could run without a first handler. */
static _Noreturn void
give_up(unsigned number, const char *what)
{
    pool_kill(&pool, SIGKILL);
    diex("handler %u, %s, %s", number, program, what);
}

/* After one that ended before it was ready they are tried one at a time, with growing pauses: a
 * broken program is not to keep the machine busy. */
static void
start_handlers(void)
{
    unsigned number;

    while ((number = pool_due(&pool)) != 0) {
        if (failures > 0 && (nstarting > 0 || clock_us() < start_after)) {
            break;
        }
        start_handler(number);
    }
}

static void
failed_to_start(void)
{
    int64_t pause = PAUSE_US;

    for (unsigned i = 0; i < failures && pause < PAUSE_MOST_US; i++) {
        pause *= 2;
    }
    failures++;
    start_after = clock_us() + (pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US);
}

static void
start_handler(unsigned number)
{
    pid_t pid;
    int error = 0;
    int channel = channels_create(number);

    highest = number > highest ? number : highest;
    if (channel == -1) {
        error = errno;
    } else {
        atomic_store(&board->seat[number].state, HANDLER_STARTING); /* before it is its own */
        error = spawn_handler(program, arguments, number, channel, boardfd, &pid);
    }
    if (error == 0) {
        handlers[number] = (struct handler){.starts = handlers[number].starts + 1};
        pool_started(&pool, number, pid);
        nstarting++;
        return;
    }
    if (!serving && error != EAGAIN && error != ENOMEM) {
        pool_kill(&pool, SIGKILL);
        die_error(error, "handler %s", program);
    }
    atomic_store(&board->seat[number].state, HANDLER_FREE);
    channels_ended(number);
    failed_to_start();
    errno = error;
    pool_not_started(&pool, number);
}

/* Who has been starting, and says something else now. Who says nothing for too long is ended. */
static void
notice_ready(void)
{
    for (unsigned i = 1; nstarting > 0 && i <= highest; i++) {
        if (pool.child[i].pid == 0 || handlers[i].ready) {
            continue;
        }
        if (atomic_load(&board->seat[i].state) != HANDLER_STARTING) {
            handlers[i].ready = true;
            nstarting--;
            failures = 0;
            if (handlers[i].dismissed_at == 0 && !handlers[i].stopped) {
                channels_admit(i);
            }
        } else if (clock_us() - pool.child[i].started >= START_US) {
            if (!serving) {
                give_up(i, "is not ready after 10 s");
            }
            warnx("handler %u, pid %ld, is not ready after 10 s: killed", i,
                  (long)pool.child[i].pid);
            pool.child[i].started = clock_us(); /* once is enough */
            kill(pool.child[i].pid, SIGKILL);
        }
    }
}

/* --- leaving --------------------------------------------------------------------------------- */

/* It is to leave when it has served what it is serving; what waits for it, others get. */
static void
dismiss(unsigned number)
{
    pool.child[number].asked = true;
    handlers[number].dismissed_at = clock_us();
    channels_dismiss(number);
    kill(pool.child[number].pid, SIGHUP);
}

static bool
is_leaving(unsigned number)
{
    return pool.child[number].pid != 0 && handlers[number].dismissed_at != 0;
}

static unsigned
count_leaving(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= highest; i++) {
        count += is_leaving(i);
    }
    return count;
}

/* TTOU, and -s auto: while more are there than wanted, the last idle one is to leave, or the last.
 */
static void
shed_handlers(void)
{
    while (pool.alive > pool.wanted && pool.alive - count_leaving() > pool.wanted) {
        unsigned last = 0, last_idle = 0;

        for (unsigned i = 1; i <= highest; i++) {
            if (pool.child[i].pid != 0 && !is_leaving(i)) {
                last = i;
                last_idle = atomic_load(&board->seat[i].state) == HANDLER_IDLE ? i : last_idle;
            }
        }
        dismiss(last_idle != 0 ? last_idle : last);
    }
}

/* HUP: one by one, each when the last one's successor is ready: a new version that does not start
 * replaces no more than one. */
static void
replace_handlers(void)
{
    unsigned number;

    if (signals_replace) {
        signals_replace = 0;
        pool_replace_all(&pool);
    }
    if (nstarting == 0 && failures == 0 && pool.alive >= pool.wanted &&
        (number = pool_replace_next(&pool, options.grace_s)) != 0) {
        dismiss(number);
    }
}

/* One that was asked to leave, serves nobody, and does not go, is not waited for. */
static void
insist(void)
{
    int64_t patience_us = (int64_t)(options.grace_s > 0 ? options.grace_s : 1) * 1000000;

    for (unsigned i = 1; i <= highest; i++) {
        if (is_leaving(i) && !handlers[i].stopped &&
            clock_us() - handlers[i].dismissed_at > patience_us &&
            atomic_load(&board->seat[i].state) != HANDLER_WORKING) {
            warnx("handler %u, pid %ld, does not leave: killed", i, (long)pool.child[i].pid);
            handlers[i].dismissed_at = INT64_MAX;
            kill(pool.child[i].pid, SIGKILL);
        }
    }
}

/* --- -s auto --------------------------------------------------------------------------------- */

static unsigned
count_idle(void)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= highest; i++) {
        unsigned state = atomic_load(&board->seat[i].state);

        count += (state == HANDLER_STARTING || state == HANDLER_IDLE) && !is_leaving(i) &&
                 !handlers[i].stopped;
    }
    return count;
}

/* One look per second; earlier, but at most ten a second, when nobody has room. */
static void
scale_pool(void)
{
    int64_t now = clock_us();
    bool pressed = now >= next_look - LOOK_US + PAUSE_US && channels_choose() == 0;

    if (!serving || failures > 0 || (now < next_look && !pressed)) {
        return;
    }
    next_look = now + LOOK_US;
    pool.wanted = (unsigned)((int)pool.wanted + scale_look(&scale, count_idle(), pool.wanted));
}

/* --- connections ----------------------------------------------------------------------------- */

static int
next_connection(int listenfd)
{
    int connfd = channels_taken_back();

    if (connfd == -1) {
        connfd = accept(listenfd, NULL, NULL);
        if (connfd == -1 && listen_exhausted()) {
            accept_after = clock_us() + PAUSE_US;
        }
    }
    return connfd;
}

/* As long as there is room and a connection for it; but not for ever, for the signals must get
 * their turn. */
static void
pass_connections(int listenfd)
{
    if (accept_after != 0 && clock_us() < accept_after) {
        return;
    }
    accept_after = 0;
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

static int64_t
sooner(int64_t wait_us, int64_t other_us)
{
    return wait_us == -1 || (other_us != -1 && wait_us > other_us) ? other_us : wait_us;
}

/* Microseconds until something is due besides connections; -1: nothing. */
static int64_t
next_due(void)
{
    int64_t wait_us = pool_wait_us(&pool);

    if (failures > 0 && pool.alive < pool.wanted) {
        wait_us = start_after > clock_us() ? start_after - clock_us() : 0; /* not before */
    }
    if (nstarting > 0 || count_leaving() > 0) {
        wait_us = wait_us == 0 ? PAUSE_US : sooner(wait_us, LOOK_US);
    }
    if (automatic) {
        wait_us = sooner(wait_us, channels_choose() == 0 ? PAUSE_US : LOOK_US);
    }
    return sooner(wait_us, channels_level_us());
}

/* Has anybody whose start is awaited got ready? */
static bool
any_ready(void)
{
    for (unsigned i = 1; nstarting > 0 && i <= highest; i++) {
        if (pool.child[i].pid != 0 && !handlers[i].ready &&
            atomic_load(&board->seat[i].state) != HANDLER_STARTING) {
            return true;
        }
    }
    return false;
}

/* Back-pressure: while nobody has room, the listener is left out, and the kernel queues. */
static void
wait_for_work(int listenfd)
{
    int64_t wait_us = next_due();
    bool expecting = nstarting > 0 || channels_choose() == 0;
    fd_set readable;
    int most = -1;

    FD_ZERO(&readable);
    if (expecting) {
        most = channels_expect(&readable);
        wait_us = any_ready() ? 0 : wait_us;
    }
    if (accept_after != 0) {
        wait_us = sooner(wait_us, PAUSE_US);
    } else if (channels_choose() != 0) {
        wait_us = channels_any_taken_back() ? 0 : wait_us;
        FD_SET(listenfd, &readable);
        most = listenfd > most ? listenfd : most;
    }
    wait_until(&readable, most + 1, wait_us);
    if (expecting) {
        channels_hear(&readable);
    }
}

static void
wait_until(fd_set *readable, int nfds, int64_t wait_us)
{
    struct timespec timeout = clock_timespec(wait_us);
    int ready = pselect(nfds, readable, NULL, NULL, wait_us == -1 ? NULL : &timeout, &waiting);

    if (ready == -1 && errno != EINTR) {
        die("pselect");
    }
    if (ready > 0) {
        counter_add(&scoreboard.slots[0].wakeups, 1);
        signals_admit(&waiting);
    } else {
        FD_ZERO(readable);
    }
    if (ready == 0) {
        channels_level();
    }
}

/* --- the end of handlers --------------------------------------------------------------------- */

static unsigned
handler_with(pid_t pid)
{
    for (unsigned i = 1; i <= highest; i++) {
        if (pool.child[i].pid == pid) {
            return i;
        }
    }
    return 0;
}

/* It never came to serve: the program is to blame, not what it was given. */
static void
ended_too_early(unsigned number, int status)
{
    if (!serving) {
        give_up(number, WIFSIGNALED(status) ? "died of a signal before it was ready"
                        : WEXITSTATUS(status) == EXIT_SUCCESS ? "ended before it was ready"
                                                              : "failed before it was ready");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        warnx("handler %u ended before it was ready", number); /* else pool_ended() complains */
    }
    failed_to_start();
}

static void
ended(unsigned number, pid_t pid, int status)
{
    struct seat *seat = &board->seat[number];
    unsigned state = atomic_load(&seat->state);

    nstarting -= !handlers[number].ready;
    if (state == HANDLER_STARTING && !pool.child[number].asked) {
        ended_too_early(number, status);
    }
    if (state == HANDLER_FINISHING) {
        pool.child[number].asked = true; /* by -R */
    }
    pool_ended(&pool, pid, status);
    scoreboard_reaped(&scoreboard.slots[number]);
    channels_ended(number);
    atomic_store(&seat->state, HANDLER_FREE);
    handlers[number] = (struct handler){.starts = handlers[number].starts,
                                        .lived_us = clock_us() - pool.child[number].started};
}

/* A stopped handler gets nothing until it is continued. */
static void
suspended(unsigned number, bool stopped)
{
    handlers[number].stopped = stopped;
    if (stopped) {
        channels_dismiss(number);
    } else if (handlers[number].ready && !is_leaving(number)) {
        channels_admit(number);
    }
}

/* One SIGCHLD may stand for several handlers; it also comes when one is stopped or continued. */
static void
reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        unsigned number = handler_with(pid);

        if (number == 0) {
            continue;
        }
        if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
            suspended(number, WIFSTOPPED(status));
        } else {
            ended(number, pid, status);
        }
    }
}

/* Handlers that are ready are told to leave when there is nothing left for them. One that is not
 * yet is not: it might not live to hear that there is something. */
static void
tell_to_leave(void)
{
    for (unsigned i = 1; i <= highest; i++) {
        if (pool.child[i].pid != 0 && handlers[i].ready && handlers[i].dismissed_at == 0) {
            pool.child[i].asked = true;
            handlers[i].dismissed_at = clock_us();
            kill(pool.child[i].pid, SIGTERM);
        }
    }
}

/* What has been accepted is served: by those who are there, and should they all have died, by one
 * more; as long as the grace lasts. */
static int
stop_handlers(void)
{
    int status = EXIT_SUCCESS;

    while (reap(), pool.alive > 0 || (!signals_over() && channels_any_waiting())) {
        fd_set readable;
        int most;

        if (signals_over() && status == EXIT_SUCCESS) {
            warnx("%u children had to be killed", pool.alive);
            pool_kill(&pool, SIGKILL);
            status = EXIT_FAILURE;
        }
        pool.wanted = pool.alive > 0 ? pool.alive : 1;
        if (!signals_over()) {
            start_handlers();
        }
        notice_ready();
        while (channels_any_taken_back() && channels_choose() != 0 &&
               channels_pass(channels_choose(), channels_taken_back())) {
            /* one less that waits */
        }
        tell_to_leave();
        FD_ZERO(&readable);
        most = channels_expect(&readable);
        wait_until(&readable, most + 1, any_ready() ? 0 : PAUSE_US);
        channels_hear(&readable);
    }
    return status;
}

static void
report(void)
{
    char *text = status_text(board, &pool, handlers, highest, options.json);

    scoreboard.children = highest;
    stats.more = text;
    stats.children_started = pool.started;
    stats.children_lost = pool.lost;
    stats_print(&stats, &scoreboard, &options);
    stats.more = NULL;
    free(text);
}
