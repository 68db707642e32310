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
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/scoreboard.h"
#include "../common/signals.h"
#include "../common/stats.h"
#include "board.h"
#include "channels.h"
#include "crew.h"
#include "spawn.h"

static void take_arguments(int argc, char **argv);
static void take_option(int letter);
static void check_options(void);
static void open_board(void);
static void catch_more_signals(void);
static void distribute(int listenfd);
static void look_at_signals(void);
static void pass_connections(int listenfd);
static int next_connection(int listenfd);
static void wait_for_work(int listenfd);
static void wait_until(fd_set *readable, int nfds, int64_t wait_us);
static int stop_handlers(void);

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
    "  -M N        auto: retire one a second when more than N are idle (default: -m and 3 more)\n"
    "  -x N        the most handlers, for auto and TTIN (default 64, or -n if that is more)\n"
    "  -R N        a handler retires after N to 1.25 N requests (default 0: never)\n"
    "\n"
    "HUP replaces all handlers, TTIN makes one more, TTOU one fewer.\n"
    "\n";

enum {
    HANDLERS_MAX = 400,
    MOST_HANDLERS = 64
}; /* 400: two descriptors each, and select takes 1024 */
enum {
    BURST = 64,
    PAUSE_US = 100 * 1000,
    PASS_PAUSE_US = 5 * 1000,  /* when a channel takes no more */
    PATIENCE_US = 1000 * 1000, /* for a handler's word, should that get lost with the handler */
    ORPHAN_S = 2               /* for a request in progress when the distributor has died */
};

static struct options options;
static enum channels_way way;
static enum channels_policy policy = CHANNELS_LEAST_LOADED;
static const char *only_piped, *only_auto; /* an option that needs the other one */
static unsigned queue = 2, most, retire_after;
static struct crew_plan plan = {
    .program = "handler_bytes", .options = &options, .scale = {.min_spare = 2, .burst = 1}};
static struct board *board;
static int boardfd;
static struct stats stats;
static int64_t accept_after; /* clock_us(): until then the listener is left out; 0: it is not */
static int64_t level_at;     /* clock_us() at which channels_level() is due; 0: it is not */
static sigset_t waiting;     /* the signal mask inside pselect() */
static volatile sig_atomic_t more, fewer; /* TTIN, TTOU: how many handlers */

int
main(int argc, char **argv)
{
    int listenfd, status;

    die_begin(argv[0]);
    spawn_keep_from_handlers();
    take_arguments(argc, argv);

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
    crew_report(&stats);
    return status;
}

/* --- before the start ------------------------------------------------------------------------ */

/* What stands behind "--" is the handler's, and getopt() shall not see it; the "--" itself makes
 * room for the handler's name. */
static void
take_arguments(int argc, char **argv)
{
    static char *alone[2];
    int ours = 1, letter;

    while (ours < argc && strcmp(argv[ours], "--") != 0) {
        ours++;
    }
    options = options_default(0);
    while ((letter = getopt(ours, argv, OPTIONS_LETTERS "d:e:m:M:n:P:Q:R:s:x:")) != -1) {
        take_option(letter);
    }
    options_end(ours, argv);
    check_options();
    plan.program = spawn_find(argv[0], plan.program);
    plan.arguments = ours < argc ? &argv[ours] : alone;
    plan.arguments[0] = (char *)plan.program;
}

/* Which of two words the option's value is. */
static bool
second_of(int letter, const char *value, const char *first, const char *second)
{
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0) {
        die_usage("-%c '%.60s': %s or %s is allowed", letter, value, first, second);
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
        plan.automatic = second_of('s', optarg, "pooled", "auto");
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
        if (*optarg == '\0') {
            die_usage("-e '': the path or the name of a program is allowed");
        }
        plan.program = optarg;
        break;
    case 'n':
        options.children = (int)options_number('n', optarg, 1, HANDLERS_MAX);
        break;
    case 'm':
        plan.scale.min_spare = (unsigned)options_number('m', optarg, 1, HANDLERS_MAX);
        only_auto = "-m";
        break;
    case 'M':
        plan.scale.max_spare = (unsigned)options_number('M', optarg, 1, HANDLERS_MAX);
        only_auto = "-M";
        break;
    case 'x':
        most = (unsigned)options_number('x', optarg, 1, HANDLERS_MAX);
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
    int limit = most > 0 && (int)most < HANDLERS_MAX ? (int)most : HANDLERS_MAX;
#ifdef _SC_NPROCESSORS_ONLN /* not in POSIX, but nearly everywhere */
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > limit ? limit : (int)count;
#else
    return limit < 2 ? limit : 2;
#endif
}

static void
name_variant(void)
{
    static const char *const names[2][3] = {
        {"queued pooled", "piped pooled round-robin", "piped pooled least-loaded"},
        {"queued auto", "piped auto round-robin", "piped auto least-loaded"},
    };

    stats.variant = names[plan.automatic][way == CHANNELS_QUEUED           ? 0
                                          : policy == CHANNELS_ROUND_ROBIN ? 1
                                                                           : 2];
}

/* Defaults that depend on other options; what contradicts each other; what would be without effect.
 */
static void
check_options(void)
{
    struct scale *scale = &plan.scale;
    bool given = most > 0;

    options.children = options.children > 0 ? options.children : processors();
    if (!given) {
        most = options.children > MOST_HANDLERS ? (unsigned)options.children : MOST_HANDLERS;
    }
    if (scale->max_spare == 0) {
        scale->max_spare = scale->min_spare + 3;
    }
    if (only_piped && way != CHANNELS_PIPED) {
        die_usage("%s is for -d piped: a queue has no choice", only_piped);
    }
    if (only_auto && !plan.automatic) {
        die_usage("%s is for -s auto", only_auto);
    }
    if (scale->min_spare > scale->max_spare) {
        die_usage("-m %u -M %u: the second must not be less", scale->min_spare, scale->max_spare);
    }
    if ((unsigned)options.children > most) {
        die_usage("-n %d: -x %u allows no more", options.children, most);
    }
    if (plan.automatic && scale->min_spare > most) {
        die_usage("-m %u: -x %u allows no more", scale->min_spare, most);
    }
    plan.handlers = (unsigned)options.children;
    scale->most = most;
    name_variant();
}

static void
open_board(void)
{
    size_t size = board_size(most);

    boardfd = channels_stow(scoreboard_object(size));
    if (boardfd == -1) {
        die("the board's descriptor");
    }
    board = scoreboard_map(boardfd, size);
    board->magic = BOARD_MAGIC;
    board->seats = most;
    board->distributor = (int32_t)getpid();
    board->timeout_s = options.timeout_s;
    board->grace_s = options.grace_s < ORPHAN_S ? options.grace_s : ORPHAN_S;
    board->verbose = options.verbose;
    board->retire_after = retire_after;
    counter_set(&board_slots(board)[0].pid, (unsigned long long)getpid());
    channels_open(board, way, policy, queue);
    crew_open(board, boardfd, &plan);
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
    bool ready = false;

    while (!signals_stop) {
        look_at_signals();
        if (!ready && crew_is_there()) {
            listen_ready(&options, listenfd);
            ready = true;
        }
        if (ready && signals_report) { /* the ready line is the first */
            signals_report = 0;
            crew_report(&stats);
        }
        pass_connections(listenfd);
        wait_for_work(listenfd);
    }
}

static void
look_at_signals(void)
{
    bool child_ended = signals_ended;

    signals_ended = 0;
    if (signals_replace) {
        signals_replace = 0;
        crew_replace();
    }
    for (; more > 0; more--) {
        crew_change(1);
    }
    for (; fewer > 0; fewer--) {
        crew_change(-1);
    }
    crew_look_after(child_ended);
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
            accept_after = clock_us() + PASS_PAUSE_US;
            return;
        }
    }
}

static int
next_connection(int listenfd)
{
    int connfd = channels_take_waiting();

    if (connfd == CHANNELS_LATER) {
        accept_after = clock_us() + PAUSE_US;
        return -1;
    }
    if (connfd == -1) {
        connfd = accept(listenfd, NULL, NULL);
        if (connfd == -1 && listen_exhausted()) {
            accept_after = clock_us() + PAUSE_US;
        }
    }
    return connfd;
}

static int64_t
sooner(int64_t wait_us, int64_t other_us)
{
    return wait_us == -1 || wait_us > other_us ? other_us : wait_us;
}

/* When channels_level() is due is told by the clock: under load there is no quiet moment for it. */
static int64_t
level_due_us(void)
{
    int64_t every_us = channels_level_us();
    int64_t now = clock_us();

    if (every_us == -1) {
        level_at = 0;
        return -1;
    }
    if (level_at == 0) {
        level_at = now + every_us;
    } else if (now >= level_at) {
        level_at = now + every_us;
        channels_level();
    }
    return level_at - now;
}

/* Back-pressure: while nobody has room, the listener is left out, and the kernel queues. */
static void
wait_for_work(int listenfd)
{
    int64_t wait_us = crew_due_us();
    int64_t level_us = level_due_us(), now = clock_us();
    bool expecting = crew_is_starting() || channels_choose() == 0;
    fd_set readable;
    int highest = -1;

    FD_ZERO(&readable);
    if (level_us != -1) {
        wait_us = sooner(wait_us, level_us);
    }
    if (expecting) {
        highest = channels_expect(&readable);
        wait_us = sooner(wait_us, crew_any_ready() ? 0 : PATIENCE_US);
    }
    if (accept_after != 0) {
        wait_us = sooner(wait_us, accept_after > now ? accept_after - now : 0);
    } else if (channels_choose() != 0) {
        wait_us = channels_any_waiting() ? 0 : wait_us;
        FD_SET(listenfd, &readable);
        highest = listenfd > highest ? listenfd : highest;
    }
    wait_until(&readable, highest + 1, wait_us);
    if (expecting) {
        channels_hear(&readable);
    }
}

static void
wait_until(fd_set *readable, int nfds, int64_t wait_us)
{
    struct timespec timeout = clock_timespec(wait_us);
    int ready = pselect(nfds, readable, NULL, NULL, wait_us == -1 ? NULL : &timeout, &waiting);

    if (ready == -1) {
        signals_wait_failed(&waiting);
    }
    if (ready > 0) {
        counter_add(&board_slots(board)[0].wakeups, 1);
        signals_admit(&waiting);
    } else {
        FD_ZERO(readable);
    }
}

/* --- the end --------------------------------------------------------------------------------- */

static void
pass_what_waits(void)
{
    unsigned number;
    int connfd;

    while ((number = channels_choose()) != 0 && (connfd = channels_take_waiting()) >= 0) {
        if (!channels_pass(number, connfd)) {
            return;
        }
    }
}

/* What has been accepted is served, as long as the grace lasts. */
static int
stop_handlers(void)
{
    int status = EXIT_SUCCESS;
    bool over = false;

    crew_prepare_end();
    while (!crew_end(over)) {
        fd_set readable;
        int highest;

        if (!over && signals_over()) {
            over = true;
            if (crew_alive() > 0) {
                warnx("%u children had to be killed", crew_alive());
                status = EXIT_FAILURE;
            }
            continue;
        }
        if (!crew_is_starting()) { /* it finds it in its channel, and nothing in front of that */
            pass_what_waits();
        }
        FD_ZERO(&readable);
        highest = channels_expect(&readable);
        wait_until(&readable, highest + 1, crew_any_ready() ? 0 : PAUSE_US);
        channels_hear(&readable);
    }
    if (channels_any_left()) {
        warnx("connections that had been accepted were not served");
        status = EXIT_FAILURE;
    }
    return status;
}
