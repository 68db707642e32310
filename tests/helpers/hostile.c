/*
 * hostile - a client that means harm. poke does to a server what a script says, step by step; this
 * makes one kind of attack with many connections at a time, and begins anew as often as they end.
 *
 *     hostile [-i HOST] -p PORT [-n N] [-r RATE] [-t TIMES] [-e MS] [-d SECONDS] ATTACK
 *
 *     -n N     connections at a time (default 10)      -r RATE  at most so many new ones per second
 *     -t N     so many in all, then end                -e MS    the pause of those that pause
 *     -d S     end after so many seconds (default 10)
 *
 *     silent    connects and sends nothing
 *     dribble   a byte of a request now and then (-e), and never its end
 *     keep      a whole request of one byte now and then: a client that stays
 *     sip       asks for 1 GiB, and reads 16 KiB of it now and then
 *     unread    asks for 1 GiB and never reads; every other one shuts down its side, too
 *     pipeline  sends a million requests of 1000 bytes each and never reads
 *     reset     resets: before a byte, in the middle of a line, after a request, in the middle of a
 *               reply, with a reply unread
 *     garbage   64 KiB that are no request: binary, one endless line, escape sequences, zeros
 *     half      shuts down its side: before a byte, in a line, behind a request, behind nonsense
 *
 * On stdout: "in place" when the first N are under way (or after a second), and at the end, also by
 * TERM, a line of JSON with what became of them. Whatever the server does is no failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/address.h"
#include "../../common/clock.h"
#include "../../common/die.h"
#include "../../common/options.h"

enum {
    BLOCK = 64 * 1024,
    MOST = 100 * 1000,
    PLAYS = 5,
    ACTS = 6,
    SMALL_BUFFER = 4096,
    SPARE_FDS = 16,
    LONG_MS = 50,      /* a look at the clock at least so often */
    AT_ONCE = 200,     /* new connections between two looks at the others */
    GRID_US = 5 * 1000 /* pauses end together, so that a look is worth it */
};

enum verb { END, SEND, RANDOM, HALF, AWAIT, READ, READ_ALL, PAUSE, BACK, STAY, RESET, CLOSE };

struct act {
    enum verb verb;
    long amount;      /* SEND: times; RANDOM, READ: bytes; BACK: to which act */
    const char *text; /* SEND */
};

struct play {
    bool deaf; /* has a small receive buffer, and reads only where it says so */
    struct act acts[ACTS];
};

static const struct attack {
    const char *name;
    struct play plays[PLAYS]; /* by turns */
} attacks[] = {
    {"silent", {{.acts = {{READ_ALL, 0, NULL}}}}},
    {"dribble", {{.acts = {{SEND, 1, "1"}, {PAUSE, 0, NULL}, {BACK, 0, NULL}}}}},
    {"keep", {{.acts = {{SEND, 1, "1\n"}, {READ, 1, NULL}, {PAUSE, 0, NULL}, {BACK, 0, NULL}}}}},
    {"sip",
     {{true, {{SEND, 1, "1073741824\n"}, {READ, 16384, NULL}, {PAUSE, 0, NULL}, {BACK, 1, NULL}}}}},
    {"unread",
     {{true, {{SEND, 1, "1073741824\n"}, {STAY, 0, NULL}}},
      {true, {{SEND, 1, "1073741824\n"}, {HALF, 0, NULL}, {STAY, 0, NULL}}}}},
    {"pipeline", {{true, {{SEND, 1000000, "1000\n"}, {STAY, 0, NULL}}}}},
    {"reset",
     {{.acts = {{RESET, 0, NULL}}},
      {.acts = {{SEND, 1, "10"}, {RESET, 0, NULL}}},
      {.acts = {{SEND, 1, "1000000\n"}, {RESET, 0, NULL}}},
      {.acts = {{SEND, 1, "1000000\n"}, {READ, 1000, NULL}, {RESET, 0, NULL}}},
      {.acts = {{SEND, 1, "1000000\n1\n"}, {AWAIT, 0, NULL}, {CLOSE, 0, NULL}}}}},
    {"garbage",
     {{.acts = {{RANDOM, BLOCK, NULL}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, BLOCK, "x"}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, BLOCK / 8, "\033[2J\007\r\n\033"}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, BLOCK / 2, "0 "}, {READ_ALL, 0, NULL}}}}},
    {"half",
     {{.acts = {{HALF, 0, NULL}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, 1, "10"}, {HALF, 0, NULL}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, 1, "100\n33\n"}, {HALF, 0, NULL}, {READ_ALL, 0, NULL}}},
      {.acts = {{SEND, 1, "x"}, {HALF, 0, NULL}, {READ_ALL, 0, NULL}}}}},
    {.name = NULL},
};

enum outcome { GO_ON, BLOCKED, DONE, HUNG_UP, FAILED };

struct conn {
    int fd;
    bool connecting;
    const struct play *play;
    int at;     /* its act */
    long moved; /* bytes of that */
    int64_t due;
};

static struct address address;
static const struct attack *attack;
static unsigned nplays;
static struct conn *conns; /* conns[0..nconns) are open */
static struct pollfd *polled;
static long nconns, most = 10, rate, times;
static int64_t pause_us = 200 * 1000;
static volatile sig_atomic_t stopped;

static struct {
    long opened, connected, failed, finished, hung_up, at_once;
    unsigned long long sent, received;
} total;

/* --- acts ------------------------------------------------------------------------------------ */

/* What an errno of a call on the connection means. */
static enum outcome
trouble(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? BLOCKED : HUNG_UP;
}

/* The bytes of an act from `from` on; the same in every run. */
static void
fill(const struct act *act, char *block, size_t count, long from)
{
    static uint32_t random = 2463534242u;
    size_t length = act->verb == SEND ? strlen(act->text) : 1;

    for (size_t i = 0; i < count; i++) {
        if (act->verb == SEND) {
            block[i] = act->text[((size_t)from + i) % length];
        } else {
            random ^= random << 13, random ^= random >> 17, random ^= random << 5;
            block[i] = (char)random;
        }
    }
}

/* One block at a time: a server that takes all of them must not keep the others waiting. */
static enum outcome
transmit(struct conn *conn, const struct act *act)
{
    static char block[BLOCK];
    long all = act->amount * (act->verb == SEND ? (long)strlen(act->text) : 1);
    size_t count = all - conn->moved < BLOCK ? (size_t)(all - conn->moved) : BLOCK;
    ssize_t sent;

    fill(act, block, count, conn->moved);
    sent = send(conn->fd, block, count, MSG_NOSIGNAL);
    if (sent == -1) {
        return trouble();
    }
    total.sent += (unsigned long long)sent;
    conn->moved += sent;
    return conn->moved < all ? BLOCKED : GO_ON;
}

/* Until so many bytes have come. */
static enum outcome
receive(struct conn *conn, long all)
{
    static char block[BLOCK];

    while (conn->moved < all) {
        size_t count = all - conn->moved < BLOCK ? (size_t)(all - conn->moved) : BLOCK;
        ssize_t got = recv(conn->fd, block, count, 0);

        if (got == 0) {
            return HUNG_UP;
        }
        if (got == -1) {
            return trouble();
        }
        total.received += (unsigned long long)got;
        conn->moved += got;
    }
    return GO_ON;
}

static enum outcome
sleep_on(struct conn *conn, int64_t now)
{
    if (conn->moved == 0) {
        conn->moved = 1;
        conn->due = (now + pause_us) / GRID_US * GRID_US + GRID_US;
    }
    if (now >= conn->due) {
        return GO_ON;
    }
    if (!conn->play->deaf) {
        conn->moved = 2; /* whatever comes is nothing to us, but its end is */
        return receive(conn, LONG_MAX) == HUNG_UP ? HUNG_UP : BLOCKED;
    }
    return BLOCKED;
}

static enum outcome
reset(struct conn *conn)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return DONE;
}

static enum outcome
perform(struct conn *conn, const struct act *act, short events, int64_t now)
{
    switch (act->verb) {
    case SEND:
    case RANDOM:
        return transmit(conn, act);
    case HALF:
        return shutdown(conn->fd, SHUT_WR) == -1 ? HUNG_UP : GO_ON;
    case AWAIT:
        return (events & POLLIN) != 0 ? GO_ON : BLOCKED;
    case READ:
        return receive(conn, act->amount);
    case READ_ALL:
        return receive(conn, LONG_MAX);
    case PAUSE:
        return sleep_on(conn, now);
    case BACK:
        conn->at = (int)act->amount - 1; /* the next is the one meant */
        return GO_ON;
    case STAY:
        return BLOCKED;
    case RESET:
        return reset(conn);
    case CLOSE:
    case END:
        break;
    }
    return DONE;
}

/* --- connections ----------------------------------------------------------------------------- */

/* As far as it gets; the server has hung up on those that poll() calls lost, too. */
static enum outcome
advance(struct conn *conn, short events, int64_t now)
{
    enum outcome outcome = BLOCKED;
    int error = 0;
    socklen_t length = sizeof error;

    if (conn->connecting) {
        if (events == 0) {
            return BLOCKED;
        }
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1 || error != 0) {
            return FAILED;
        }
        conn->connecting = false;
        total.connected++;
    }
    do {
        outcome = perform(conn, &conn->play->acts[conn->at], events, now);
        if (outcome == GO_ON) {
            conn->at++;
            conn->moved = 0;
        }
    } while (outcome == GO_ON);
    if (outcome == BLOCKED && (events & (POLLERR | POLLHUP | POLLNVAL))) {
        return HUNG_UP;
    }
    return outcome;
}

static short
wanted(const struct conn *conn)
{
    switch (conn->connecting ? SEND : conn->play->acts[conn->at].verb) {
    case SEND:
    case RANDOM:
        return POLLOUT;
    case AWAIT:
    case READ:
    case READ_ALL:
        return POLLIN;
    case PAUSE:
        return conn->play->deaf ? 0 : POLLIN;
    default:
        return 0;
    }
}

/* -1 if this cannot be had now. */
static int
begin_connecting(bool small_buffer)
{
    const int small = SMALL_BUFFER;
    int fd = socket(address.storage.ss_family, SOCK_STREAM, 0);

    if (fd == -1) {
        return -1;
    }
    if (small_buffer) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
        (connect(fd, &address.any, address.length) == -1 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* As many as there are places for, and as the rate allows; not all at once, for the others wait. */
static void
open_more(int64_t elapsed_us)
{
    for (int i = 0; i < AT_ONCE && nconns < most; i++) {
        const struct play *play = &attack->plays[total.opened % nplays];
        int fd;

        if ((times > 0 && total.opened == times) ||
            (rate > 0 && total.opened > elapsed_us * rate / 1000000)) {
            return;
        }
        fd = begin_connecting(play->deaf);
        if (fd == -1) {
            total.failed++;
            return;
        }
        conns[nconns++] = (struct conn){.fd = fd, .connecting = true, .play = play};
        total.opened++;
        total.at_once = nconns > total.at_once ? nconns : total.at_once;
    }
}

static void
look_after_all(int64_t now)
{
    long kept = 0;

    for (long i = 0; i < nconns; i++) {
        enum outcome outcome = advance(&conns[i], polled[i].revents, now);

        if (outcome == BLOCKED) {
            conns[kept++] = conns[i];
            continue;
        }
        close(conns[i].fd);
        total.finished += outcome == DONE;
        total.hung_up += outcome == HUNG_UP;
        total.failed += outcome == FAILED;
    }
    nconns = kept;
}

/* Milliseconds until the next pause ends, or something new may be begun. */
static int
patience(int64_t now)
{
    int64_t next = now + LONG_MS * 1000;
    bool more = nconns < most && (times == 0 || total.opened < times);

    if (more) {
        next = now + 1000;
    }
    for (long i = 0; i < nconns; i++) {
        if (conns[i].due > now && conns[i].due < next) {
            next = conns[i].due;
        }
    }
    return (int)((next - now + 999) / 1000);
}

static void
announce(int64_t elapsed_us)
{
    static bool said;

    if (!said && (total.opened >= most || elapsed_us > 1000 * 1000)) {
        said = true;
        puts("in place");
        fflush(stdout);
    }
}

static void
run(int64_t until_us)
{
    int64_t began = clock_us(), now = began;

    while (!stopped && now - began < until_us &&
           (times == 0 || total.opened < times || nconns > 0)) {
        open_more(now - began);
        for (long i = 0; i < nconns; i++) {
            polled[i] = (struct pollfd){.fd = conns[i].fd, .events = wanted(&conns[i])};
        }
        announce(now - began);
        if (poll(polled, (nfds_t)nconns, patience(now)) == -1) {
            if (errno != EINTR) {
                die("poll");
            }
            continue;
        }
        now = clock_us();
        look_after_all(now);
    }
    printf("{\"attack\":\"%s\",\"opened\":%ld,\"connected\":%ld,\"failed\":%ld,"
           "\"finished\":%ld,\"hung_up\":%ld,\"at_once\":%ld,\"sent\":%llu,\"received\":%llu,"
           "\"seconds\":%.3f}\n",
           attack->name, total.opened, total.connected, total.failed, total.finished, total.hung_up,
           total.at_once, total.sent, total.received, (double)(clock_us() - began) / 1e6);
}

/* --- the start ------------------------------------------------------------------------------- */

static void
on_stop(int number)
{
    (void)number;
    stopped = 1;
}

static void
choose(const char *name)
{
    for (attack = attacks; attack->name && strcmp(attack->name, name) != 0; attack++) {
    }
    if (!attack->name) {
        die_usage("'%.60s': there is no such attack", name);
    }
    while (nplays < PLAYS && attack->plays[nplays].acts[0].verb != END) {
        nplays++;
    }
}

static void
make_room(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* if not, there are fewer */
    if (limit.rlim_cur != RLIM_INFINITY && (rlim_t)most + SPARE_FDS > limit.rlim_cur) {
        diex("-n %ld needs %ld descriptors, and ulimit -Hn is %llu", most, most + SPARE_FDS,
             (unsigned long long)limit.rlim_cur);
    }
    conns = calloc((size_t)most, sizeof *conns);
    polled = calloc((size_t)most, sizeof *polled);
    if (!conns || !polled) {
        die("%ld connections", most);
    }
}

int
main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_stop};
    const char *host = "127.0.0.1";
    long port = 0, seconds = 10;
    int letter;

    die_begin(argv[0]);
    while ((letter = getopt(argc, argv, "i:p:n:r:t:e:d:")) != -1) {
        switch (letter) {
        case 'i':
            host = optarg;
            break;
        case 'p':
            port = options_number('p', optarg, 1, 65535);
            break;
        case 'n':
            most = options_number('n', optarg, 1, MOST);
            break;
        case 'r':
            rate = options_number('r', optarg, 1, 1000 * 1000);
            break;
        case 't':
            times = options_number('t', optarg, 1, 1000 * 1000 * 1000);
            break;
        case 'e':
            pause_us = 1000 * options_number('e', optarg, 1, 1000 * 1000);
            break;
        case 'd':
            seconds = options_number('d', optarg, 1, 3600);
            break;
        default:
            return 2;
        }
    }
    if (optind != argc - 1 || (port == 0 && !strchr(host, '/'))) {
        die_usage("an attack, and -p PORT or the -i PATH of a socket are needed");
    }
    choose(argv[optind]);
    make_room();
    address_resolve(&address, host, (int)port);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    run((int64_t)seconds * 1000000);
    return EXIT_SUCCESS;
}
