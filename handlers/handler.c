#include "handler.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/options.h"
#include "../common/signals.h"
#include "../common/board.h"

enum {
    FRAME_HEADER = 4,
    FRAME_DEFAULT = 16 << 20,
    FRAME_MOST = 1 << 30,
    REPLY_LEAST = 4096,         /* bytes for which room is made at first */
    REPLY_KEPT = 1 << 20,       /* and that are kept for the next reply at most */
    DRAIN_US = 2 * 1000 * 1000, /* how long a refused client may take to hang up */
    STOP_US = 100 * 1000,       /* the same when the server stops */
    MESSAGE_MAX = 256
};

struct handler_reply {
    char *bytes; /* kept from one request to the next */
    size_t length, room;
    bool no_memory;
    char message[MESSAGE_MAX];
};

/* A connection while its frame is read and its reply is written. */
struct exchange {
    int fd;
    int64_t since; /* clock_us() when it was opened, or last took bytes of the reply */
    bool asked;    /* a part of a request has come */
    bool refused;  /* what is written is an error line, and that has been counted */
};

static struct board *board;
static struct seat *seat;
static struct slot *counts;
static unsigned number;
static pid_t parent; /* the distributor; read once: signals are sent to it */
static struct worker worker;
static size_t most = FRAME_DEFAULT;
static request_function *answer;

#define HELP_FIRST                                                                                 \
    "A handler: server05_spawn_pool or server11_event_workers -e starts it and\n"                  \
    "gives it connections.\n\n"
#define HELP_LAST "  -h          this help\n  -V          the version\n"

static const char help[] = HELP_FIRST HELP_LAST;
static const char help_frames[] =
    HELP_FIRST "  -l BYTES    the most bytes of a request (default 16777216)\n" HELP_LAST;

/* --- the handler's place --------------------------------------------------------------------- */

static void
take_options(int argc, char **argv, bool frames)
{
    int letter;

    die_begin(argv[0]);
    optind = 1; /* the program may have used getopt() before */
    while ((letter = options_next(argc, argv, frames ? ":l:hV" : ":hV")) != -1) {
        if (letter == 'l') {
            most = (size_t)options_quantity('l', optarg, OPTIONS_SIZE, 1, FRAME_MOST);
        } else {
            options_rest(letter, frames ? help_frames : help);
        }
    }
    options_end(argc, argv);
}

/* Has a board of `size` bytes all its seats? By division: the size of a wild number of them could
 * overflow. */
static bool
is_whole(size_t size)
{
    return board->seats <= (size - board_size(0)) / (board_size(1) - board_size(0));
}

/* Finds the board and this handler's seat. The size is looked at before anything is believed. */
static void
take_seat(void)
{
    const char *text = getenv(HANDLER_SEAT);
    struct stat status;

    if (!text || fstat(HANDLER_BOARD, &status) == -1) {
        diex("is started by server05_spawn_pool -e or server11_event_workers -e, not by hand");
    }
    if ((size_t)status.st_size < board_size(1)) {
        diex("descriptor %d is not the distributor's board", HANDLER_BOARD);
    }
    board = scoreboard_map(HANDLER_BOARD, (size_t)status.st_size);
    number = (unsigned)strtoul(text, NULL, 10);
    parent = (pid_t)board->distributor;
    if (board->magic != BOARD_MAGIC || parent < 1 || number < 1 || number > board->seats ||
        !is_whole((size_t)status.st_size)) {
        diex("the distributor is of another version");
    }
    if (getppid() != parent) {
        diex("is not the distributor's child: a script that starts it must exec it");
    }
    fcntl(HANDLER_CHANNEL, F_SETFD, FD_CLOEXEC); /* for us, not for what we may start */
    fcntl(HANDLER_BOARD, F_SETFD, FD_CLOEXEC);
    seat = &board->seat[number];
    counts = &board_slots(board)[number];
}

/* Says the new state; if the distributor sleeps until a handler does so, wakes it. In this order,
 * with sequentially consistent atomics: either it sees the new state, or this handler sees that it
 * waits. */
static void
enter(enum handler_state state)
{
    atomic_store(&seat->state, state);
    if (atomic_load(&board->waits) && atomic_exchange(&board->waits, 0)) {
        kill(parent, SIGCHLD);
    }
}

/* How many requests it has served when it is to leave: -R, and up to a quarter more, so that
 * handlers that began together do not end together. */
static unsigned long long
last_request(void)
{
    unsigned long long after = board->retire_after;
    unsigned long long random = (unsigned long long)getpid() * 2654435761u % (1u << 16);

    if (after == 0) {
        return ULLONG_MAX;
    }
    return counter_get(&counts->requests) + after + after * random / (4 << 16);
}

static void
serve_one(int connfd, void serve(int connfd))
{
    atomic_store(&seat->state, HANDLER_WORKING);
    atomic_fetch_add(&seat->received, 1);
    counter_add(&counts->wakeups, 1);
    serve(connfd);
    close(connfd);
    atomic_fetch_add(&seat->done, 1);
}

/* Takes connections until the distributor closes the channel, which is also how its death shows, or
 * asks to leave: by TERM when the channel is empty; by HUP too, if no other handler receives from
 * it, else at once. */
static void
take_connections(void serve(int connfd))
{
    unsigned long long last = last_request();
    int connfd = CHANNEL_NONE;

    enter(HANDLER_IDLE);
    while (connfd != CHANNEL_END && !signals_alone && (!signals_replace || board->own_channels)) {
        sched_yield(); /* as in server04_fdpass: the distributor may have the next one by then */
        connfd = channel_receive(HANDLER_CHANNEL, !signals_stop && !signals_replace);
        if (connfd >= 0) {
            serve_one(connfd, serve);
            if (counter_get(&counts->requests) >= last) {
                enter(HANDLER_FINISHING);
                return;
            }
            enter(HANDLER_IDLE);
        } else if (connfd == CHANNEL_LOST) {
            atomic_fetch_add(&seat->received, 1);
            atomic_fetch_add(&seat->done, 1);
            enter(HANDLER_IDLE);
        }
        if (signals_ticked) {
            signals_idle();
            scoreboard_publish(counts);
        }
    }
}

static int
run(void serve(int connfd))
{
    struct options options = {0};

    take_seat();
    options.timeout_us = (int64_t)board->timeout_ms * 1000;
    options.verbose = board->verbose;
    signals_spawned(parent, (int64_t)board->grace_ms * 1000);
    conn_start(&options, "server05_spawn_pool");
    worker = conn_worker(number, 0, counts);
    take_connections(serve);
    scoreboard_publish(counts);
    return EXIT_SUCCESS;
}

int
handler_run(int argc, char **argv, void serve(int connfd))
{
    take_options(argc, argv, false);
    return run(serve);
}

void
handler_serve_lines(int connfd)
{
    conn_serve(&worker, connfd);
}

/* --- frames ---------------------------------------------------------------------------------- */

static bool
ends_as(const struct exchange *exchange, counter *counted)
{
    counter_add(counted, exchange->refused ? 0 : 1);
    return true;
}

/* Called when a read or write brought nothing: true if the exchange must end, which is counted.
 * When its time is over it looks once more, without waiting: this process may have been suspended.
 */
static bool
given_up(const struct exchange *exchange)
{
    int64_t timeout_us = (int64_t)board->timeout_ms * 1000;
    bool late = timeout_us > 0 && clock_us() - exchange->since >= timeout_us;
    bool nothing = errno == EAGAIN || errno == EWOULDBLOCK;

    if ((errno != EINTR && !nothing) || signals_over()) {
        return !exchange->asked || ends_as(exchange, &counts->broken);
    }
    if (late && nothing) {
        return ends_as(exchange, &counts->timed_out);
    }
    if (late || nothing) { /* (some systems: the listener's O_NONBLOCK is inherited) */
        fcntl(exchange->fd, F_SETFL, late ? O_NONBLOCK : 0);
    }
    return false;
}

/* Reads up to `length` bytes; returns how many came before the end of the file, or -1. */
static ssize_t
read_bytes(struct exchange *exchange, unsigned char *bytes, size_t length)
{
    size_t got = 0;

    while (got < length) {
        ssize_t count = read(exchange->fd, bytes + got, length - got);

        if (count == 0) {
            break;
        }
        if (count > 0) {
            got += (size_t)count;
            exchange->asked = true;
        } else if (signals_stop && !exchange->asked && errno == EINTR) {
            fcntl(exchange->fd, F_SETFL, O_NONBLOCK); /* a last look */
        } else if (signals_stop && !exchange->asked) {
            return 0;
        } else if (given_up(exchange)) {
            return -1;
        }
    }
    return (ssize_t)got;
}

static bool
write_bytes(struct exchange *exchange, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(exchange->fd, bytes, length);

        if (count == -1) {
            if (given_up(exchange)) {
                conn_reset(exchange->fd); /* over TCP, else it would look like the reply's end */
                return false;
            }
            continue;
        }
        bytes += count;
        length -= (size_t)count;
        exchange->since = clock_us();
        counter_add(&counts->bytes, exchange->refused ? 0 : (unsigned long long)count);
    }
    return true;
}

/* With unread input, close() would send a reset, which could overtake what was written: so what a
 * client has sent beyond its frame is thrown away, for a while. When the server stops nobody waits
 * for what has not come. */
static void
throw_away(const struct exchange *exchange)
{
    int64_t since = clock_us();
    char bytes[4096];
    ssize_t count;

    shutdown(exchange->fd, SHUT_WR);
    do {
        fcntl(exchange->fd, F_SETFL, signals_stop ? O_NONBLOCK : 0);
        count = read(exchange->fd, bytes, sizeof bytes);
    } while (clock_us() - since < (signals_stop ? STOP_US : DRAIN_US) &&
             (count > 0 || (count == -1 && errno == EINTR)));
}

static bool refuse(struct exchange *exchange, const char *format, ...) DIE_PRINTF(2, 3);

static bool
refuse(struct exchange *exchange, const char *format, ...)
{
    char text[MESSAGE_MAX + 16];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(text, sizeof text - 1, format, arguments); /* leaves room for the line feed */
    va_end(arguments);
    length = strlen(text);
    for (size_t i = 0; i < length;
         i++) { /* one line, whatever a client's request has put into it */
        if (iscntrl((unsigned char)text[i])) {
            text[i] = '?';
        }
    }
    text[length++] = '\n';
    counter_add(&counts->rejected, 1);
    exchange->refused = true;
    if (write_bytes(exchange, text, length)) {
        throw_away(exchange);
    }
    return false;
}

/* The whole frame: its bytes, to be freed, and their number; or NULL: there is none. Nothing is
 * allocated before the length is known to be allowed. */
static unsigned char *
read_frame(struct exchange *exchange, size_t *length)
{
    unsigned char header[FRAME_HEADER], *bytes;
    ssize_t got = read_bytes(exchange, header, sizeof header);
    uint32_t big_endian;

    if (got <= 0) {
        return NULL; /* the end before anything: not even a request */
    }
    if (got < FRAME_HEADER) {
        refuse(exchange, "error: the length takes 4 bytes, %zd came", got);
        return NULL;
    }
    memcpy(&big_endian, header, sizeof header);
    *length = ntohl(big_endian);
    if (*length < 1 || *length > most) {
        refuse(exchange, "error: the length is %zu, 1 to %zu bytes are allowed", *length, most);
        return NULL;
    }
    bytes = malloc(*length);
    if (!bytes) {
        refuse(exchange, "error: no memory for %zu bytes", *length);
        return NULL;
    }
    got = read_bytes(exchange, bytes, *length);
    if (got >= 0 && (size_t)got < *length) {
        refuse(exchange, "error: the end came after %zd of %zu bytes", got, *length);
        got = -1;
    }
    if (got == -1) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static void
send_reply(struct exchange *exchange, bool good, const struct handler_reply *reply)
{
    if (reply->no_memory) {
        refuse(exchange, "error: no memory for the reply");
    } else if (!good) {
        refuse(exchange, "error: %s", reply->message);
    } else if (write_bytes(exchange, reply->bytes, reply->length)) {
        char byte;

        counter_add(&counts->requests, 1);
        if (recv(exchange->fd, &byte, 1, MSG_DONTWAIT) > 0) { /* see common/fdpass.c */
            throw_away(exchange);
        }
    }
}

/* -v: a line for the request. */
static void
tell(size_t request, size_t reply, int64_t began)
{
    char line[160];
    int length = snprintf(line, sizeof line,
                          "child %u pid %ld: request of %zu bytes, reply of %zu, %lld us\n", number,
                          (long)getpid(), request, reply, (long long)(clock_us() - began));

    signals_write(line, (size_t)length);
}

/* One request, one reply. */
static void
serve_frame(int connfd)
{
    static struct handler_reply reply;
    struct exchange exchange = {.fd = connfd, .since = clock_us()};
    size_t length;
    unsigned char *request;
    int64_t began;
    bool good;

    counter_add(&counts->connections, 1);
    fcntl(connfd, F_SETFD, FD_CLOEXEC); /* the function may start programs */
    if (signals_stop) { /* it has waited in the queue: serve what has come, wait for nothing */
        fcntl(connfd, F_SETFL, O_NONBLOCK);
    }
    request = read_frame(&exchange, &length);
    if (!request) {
        return;
    }
    began = clock_us();
    counter_set(&counts->serving, 1);
    reply.length = 0;
    reply.no_memory = false;
    handler_fail(&reply, "the request failed"); /* should the function not say more */
    good = answer(request, length, &reply);
    free(request);
    exchange.since = clock_us();
    send_reply(&exchange, good, &reply);
    counter_set(&counts->serving, 0);
    if (reply.room > REPLY_KEPT) {
        free(reply.bytes);
        reply.bytes = NULL;
        reply.room = 0;
    }
    if (board->verbose) {
        tell(length, reply.length, began);
    }
}

int
handler_main(int argc, char **argv, request_function *function)
{
    answer = function;
    take_options(argc, argv, true);
    return run(serve_frame);
}

/* --- the reply ------------------------------------------------------------------------------- */

/* Room for so many bytes more; false if there is no memory for them. */
static bool
make_room(struct handler_reply *reply, size_t more)
{
    size_t room = reply->room > 0 ? reply->room : REPLY_LEAST;
    char *bytes;

    if (reply->no_memory || more > SIZE_MAX / 2 - reply->length) {
        reply->no_memory = true;
        return false;
    }
    while (room < reply->length + more) {
        room *= 2;
    }
    if (room != reply->room) {
        bytes = realloc(reply->bytes, room);
        if (!bytes) {
            reply->no_memory = true;
            return false;
        }
        reply->bytes = bytes;
        reply->room = room;
    }
    return true;
}

void
handler_add(struct handler_reply *reply, const void *bytes, size_t length)
{
    if (length > 0 && make_room(reply, length)) {
        memcpy(reply->bytes + reply->length, bytes, length);
        reply->length += length;
    }
}

void
handler_print(struct handler_reply *reply, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length > 0 && make_room(reply, (size_t)length + 1)) {
        va_start(arguments, format);
        vsnprintf(reply->bytes + reply->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
        reply->length += (size_t)length;
    }
}

bool
handler_fail(struct handler_reply *reply, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reply->message, sizeof reply->message, format, arguments);
    va_end(arguments);
    return false;
}
