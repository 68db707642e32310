#include "idle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../report/progress.h"
#include "connection.h"
#include "local_address.h"
#include "processes.h"
#include "wait.h"

enum {
    PATIENCE_S = 10,      /* the load waits no longer for the connections */
    AGAIN_MS = 1000,      /* a connection that was lost or failed is made again so much later */
    PAUSE_LEAST_MS = 1,   /* how long the process pauses after a vain attempt; */
    PAUSE_MOST_MS = 1000, /* twice as long each time in a row, up to this */
    AT_ONCE = 1000,       /* attempts in a row, about 15 ms, before it looks at the open ones */
    /* For local_address_socket(): far from where the load begins, so that its ports last. */
    NTH_FIRST = 200 * 6000,
    NTH_COUNT = 50 * 6000
};

/* In shared memory, written by the process alone. */
struct held {
    counter open;   /* now: connected as far as the kernel is concerned */
    counter opened; /* since the start, those made again included */
    counter closed; /* by the server */
    counter failed; /* attempts that failed */
    counter least;  /* the fewest that were open at a time since all were ready */
    int error;      /* errno of the first attempt that failed, 0 if there is none */
};

static const struct load *load;
static struct held *held; /* NULL without -H */
static pid_t holder;      /* the process */
static bool died;         /* before its time */
static int end_pipe[2];   /* the process ends when no other has the writing end open */

/* --- the process ----------------------------------------------------------------------------- */

/* Each connection is either a socket in `polls` or waits in the line to be made. Invariant:
 * nsockets + waiting = load->held.
 *
 * polls[0] is the pipe that tells the end, polls[1..nsockets] the sockets in no order: those that
 * are being connected wait for POLLOUT, the open ones for POLLIN. Only descriptors have a place, so
 * poll() never gets more of them than RLIMIT_NOFILE allows. */
static struct pollfd *polls;
static size_t nsockets;
static size_t connecting; /* how many of them are being connected */

/* The line is a ring: dues[first] and so on are the times (clock_ns()) when they are to be made.
 * All have to wait equally long, so the one that comes last is due last: no sorting. */
static int64_t *dues;
static size_t first, waiting;
static size_t untried; /* the first so many in the line are new */

static uint64_t attempts;
static int64_t room_ns;               /* no attempt before: the last was in vain */
static int pause_ms = PAUSE_LEAST_MS; /* and so long after the next one in vain */
static int64_t patience_ns;           /* when the load begins even if some are missing */
static bool ready;                    /* the load may have begun */

/* A terminal sends INT to all, and the load has its grace after it: these stay until the end. */
static void
ignore_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &action, NULL); /* the parent may have died before all are ready */
}

/* The load may begin. */
static void
say_ready(int readyfd)
{
    ready = true;
    counter_set(&held->least, counter_get(&held->open));
    while (write(readyfd, "", 1) == -1 && errno == EINTR) {
        /* once more. If nobody reads it, the other pipe will end too. */
    }
    close(readyfd);
}

/* --- the line -------------------------------------------------------------------------------- */

static void
join_line(void)
{
    dues[(first + waiting) % load->held] = clock_ns() + (int64_t)AGAIN_MS * 1000000;
    waiting++;
}

static void
leave_line(void)
{
    first = (first + 1) % load->held;
    waiting--;
    if (untried > 0) {
        untried--;
    }
}

/* To go on at full speed would be in vain: the server takes none, or they crowd its queue, where a
 * connection that finds no room is not seen again for a second or more. */
static void
slow_down(void)
{
    room_ns = clock_ns() + (int64_t)pause_ms * 1000000;
    pause_ms = 2 * pause_ms < PAUSE_MOST_MS ? 2 * pause_ms : PAUSE_MOST_MS;
}

static void
count_opened(void)
{
    counter_add(&held->opened, 1);
    counter_add(&held->open, 1);
    room_ns = 0;
    pause_ms = PAUSE_LEAST_MS;
}

/* The first round goes on at full speed: if all fail, the user knows at once. From then on a pause
 * follows each failure: thousands of attempts a second at a server that is gone would only take
 * processor time. */
static void
count_failed(int error)
{
    if (counter_get(&held->failed) == 0) {
        held->error = error;
    }
    counter_add(&held->failed, 1);
    if (untried == 0) {
        slow_down();
    }
}

/* --- connecting ------------------------------------------------------------------------------ */

static int
how_it_went(int fd)
{
    int error = connection_error(fd);

    return error == 0 && local_address_is_target(fd) ? ECONNREFUSED : error;
}

/* 0, or an errno: EINPROGRESS if connecting goes on, EAGAIN if it has to be called again later. */
static int
connect_it(int fd)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};

    if (connect(fd, &load->target.any, load->target.length) == 0) {
        return how_it_went(fd);
    }
    if (load->target.storage.ss_family == AF_UNIX) {
        return errno == EINTR ? EAGAIN : errno; /* EAGAIN: no room in the server's queue */
    }
    if (errno == EAGAIN) {
        return EADDRNOTAVAIL; /* for connect() EAGAIN means: no port is left */
    }
    if (errno != EINPROGRESS && errno != EINTR) {
        return errno;
    }
    /* Over loopback all is done by now, unless the server's queue is full. */
    return poll(&writable, 1, 0) == 1 ? how_it_went(fd) : EINPROGRESS;
}

static void
watch(int fd, short events)
{
    leave_line();
    nsockets++;
    polls[nsockets] = (struct pollfd){.fd = fd, .events = events};
}

/* Makes the connection at the head of the line. */
static void
begin(void)
{
    int fd = local_address_socket(NTH_FIRST + attempts++ % NTH_COUNT, true);
    int error = fd == -1 ? errno : connect_it(fd);

    switch (error) {
    case 0:
        watch(fd, POLLIN);
        count_opened();
        return;
    case EINPROGRESS:
        watch(fd, POLLOUT);
        connecting++;
        slow_down();
        return;
    case EAGAIN: /* it stays at the head */
        slow_down();
        break;
    default:
        leave_line();
        join_line();
        count_failed(error);
    }
    if (fd != -1) {
        close(fd);
    }
}

static void
begin_those_due(void)
{
    int64_t now = clock_ns();

    for (int i = 0; i < AT_ONCE && waiting > 0; i++) {
        if (dues[first] > now || room_ns > now) {
            return;
        }
        begin();
    }
}

/* --- the open ones --------------------------------------------------------------------------- */

/* Closes it; the last one takes its place. */
static void
unwatch(struct pollfd *watched)
{
    close(watched->fd);
    *watched = polls[nsockets];
    nsockets--;
    join_line();
}

static void
finish_connecting(struct pollfd *watched)
{
    int error = how_it_went(watched->fd);

    connecting--;
    if (error == 0) {
        watched->events = POLLIN;
        count_opened();
    } else {
        unwatch(watched);
        count_failed(error);
    }
}

static void
count_closed(void)
{
    unsigned long long open = counter_get(&held->open) - 1;

    counter_add(&held->closed, 1);
    counter_set(&held->open, open);
    if (ready && open < counter_get(&held->least)) {
        counter_set(&held->least, open);
    }
}

/* Throws away whatever comes: nothing was asked for. Perhaps the server says why it will close. */
static void
receive(struct pollfd *watched)
{
    char buffer[4096];
    ssize_t count = read(watched->fd, buffer, sizeof buffer);

    if (count > 0 || (count == -1 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }
    unwatch(watched);
    count_closed();
}

/* For poll(): milliseconds until the next attempt, or the end of patience; -1: neither comes. */
static int
milliseconds_left(void)
{
    int64_t until = ready ? INT64_MAX : patience_ns;
    int64_t left;

    if (waiting > 0) {
        until = clock_earlier(until, dues[first] > room_ns ? dues[first] : room_ns);
    }
    if (until == INT64_MAX) {
        return -1;
    }
    left = until - clock_ns();
    return left > 0 ? (int)(left / 1000000) + 1 : 0;
}

/* Sleeps until something happens, and handles it. False at the end: nobody ever writes to the pipe
 * in polls[0], so whatever poll() says of it means its end. */
static bool
turn(void)
{
    int count = poll(polls, (nfds_t)nsockets + 1, milliseconds_left());

    if (count == -1) {
        if (errno != EINTR) {
            die("poll of %zu idle connections", nsockets);
        }
        return true; /* it has not written `revents` */
    }
    /* From the last to the first: the one that fills a gap has been looked at before. */
    for (size_t i = nsockets; i > 0 && count > 0; i--) {
        if (polls[i].revents != 0) {
            count--;
            if (polls[i].events == POLLOUT) {
                finish_connecting(&polls[i]);
            } else {
                receive(&polls[i]);
            }
        }
    }
    return polls[0].revents == 0;
}

static _Noreturn void
hold(int readyfd, int endfd)
{
    int64_t most_ns = (int64_t)PATIENCE_S * 1000000000;
    bool shorter = load->timeout_ns > 0 && load->timeout_ns < most_ns;

    patience_ns = clock_ns() + (shorter ? load->timeout_ns : most_ns);
    ignore_signals();
    polls = calloc((size_t)load->held + 1, sizeof *polls);
    dues = calloc((size_t)load->held + 1, sizeof *dues); /* all due since 0 */
    if (!polls || !dues) {
        die("no memory for %u idle connections", load->held);
    }
    polls[0] = (struct pollfd){.fd = endfd, .events = POLLIN};
    waiting = untried = load->held;
    do {
        begin_those_due();
        if (!ready && ((untried == 0 && connecting == 0) || clock_ns() >= patience_ns)) {
            say_ready(readyfd);
        }
    } while (turn());
    /* The exit closes the sockets, as any client that leaves does: the server reads the end of the
     * file. A reset would spare our ports the TIME_WAIT, but be an error over there. */
    _exit(EXIT_SUCCESS);
}

/* --- the parent ------------------------------------------------------------------------------ */

static _Noreturn void
cannot_start(void)
{
    warn("cannot start the process that holds idle connections: this machine is the limit");
    exit(STATUS_LIMITED);
}

void
idle_start(const struct load *asked)
{
    int ready_pipe[2];

    if (asked->held == 0) {
        return;
    }
    load = asked;
    held = scoreboard_memory(sizeof *held);
    if (pipe(ready_pipe) == -1 || pipe(end_pipe) == -1) {
        cannot_start();
    }
    holder = fork();
    switch (holder) {
    case -1:
        cannot_start();
    case 0:
        close(ready_pipe[0]);
        close(end_pipe[1]); /* the parent's */
        hold(ready_pipe[1], end_pipe[0]);
    default:
        close(ready_pipe[1]);
        close(end_pipe[0]);
        break;
    }
    progress_say(load, "opening the idle connections of -H");
    while (!processes_wait(ready_pipe[0], INT64_MAX) && !processes_stopped()) {
        /* the pipe brings a byte, or its end if the process has died */
    }
    close(ready_pipe[0]);
}

void
idle_forget(void)
{
    if (held) {
        close(end_pipe[1]);
    }
}

void
idle_note(struct totals *totals)
{
    if (held) {
        totals->held = (struct held_totals){
            .asked = load->held,
            .opened = counter_get(&held->opened),
            .closed = counter_get(&held->closed),
            .failed = counter_get(&held->failed),
            .least = died ? 0 : counter_get(&held->least), /* all have gone, and nobody counted */
            .open = died ? 0 : counter_get(&held->open),
            .error = held->error,
            .died = died,
        };
    }
}

void
idle_died(pid_t pid)
{
    died = died || (held && pid == holder);
}

void
idle_end(void)
{
    if (held) {
        close(end_pipe[1]);
        while (waitpid(holder, NULL, 0) == -1 && errno == EINTR) {
            /* if it has died before, it may have been reaped: then this fails too */
        }
    }
}
