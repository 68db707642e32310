/*
 * badserver - a server that does one thing wrong, for the tests of the client.
 *
 *     badserver HOW [EVERY]               of lines, with every connection or with every EVERY-th
 *     badserver -f HOW [EVERY [PATH]]     of frames; PATH is that of a Unix socket
 *     badserver -h FILE PIECE [PATH]      of HTTP: to each request, what is in the file
 *     badserver -H FILE PIECE [PATH]      the same, and closes
 *
 * A connection that is not bad is good: each has a child of its own, so each its own stamp; a frame
 * is sent back.
 *
 * That of HTTP prints the requests, and replies PIECE bytes at a time if that is not 0.
 *
 * HOW of both: good, corrupt (a wrong byte), long (a byte too many), short (half a reply), none
 * (closes), reset (half a reply, then that), pause (half a reply, then nothing until the client
 * closes), silent (nothing until then), slow (in small pieces), error (an error line), pieces (an
 * error line, byte by byte), prefix ("err").
 * Of lines: escapes (an error line that means to command a terminal), once (closes after the first
 * reply), changes (later replies come from another child), threads (a thread of one process for
 * each connection), unstamped (another suite's
 * server: any bytes, no stamp), eof (replies when the client has shut down writing, to the last
 * request; prints "reset" if it resets the connection). Of frames: tell (the 4 bytes of the header,
 * in hexadecimal), lines (an error line and another line); and before the frame is read: stream
 * (sends back while it reads, never reading ahead), refuse (an error line, reads on until the
 * client has seen it), slam (an error line, closes), hold (an error line, reads no more and does
 * not close), quit (the same without a word: the end of file), unread (closes).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../common/address.h"
#include "../../common/die.h"

enum {
    STAMP = 32,
    PERIOD = 61,
    REPLY_MAX = 1 << 20,
    HEADER = 4,
    MESSAGE_MAX = 1 << 30,
    CHUNK = 64 * 1024,
    LIFE_S = 600
};

static const char refusal[] = "error: not today\n";
static const char *how;
static pid_t parent;

static bool
is(const char *name)
{
    return strcmp(how, name) == 0;
}

static void
rest(long milliseconds)
{
    const struct timespec moment = {.tv_nsec = milliseconds * 1000 * 1000};

    nanosleep(&moment, NULL);
}

static void
put(int fd, const char *data, size_t length)
{
    if (write(fd, data, length) != (ssize_t)length) {
        exit(EXIT_FAILURE);
    }
}

/* So slowly that the client reads each piece alone. */
static void
put_in_pieces(int fd, const char *data, size_t length, size_t piece)
{
    int now = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now); /* not of a Unix socket: no harm */
    for (size_t sent = 0; sent < length; sent += piece) {
        put(fd, data + sent, piece < length - sent ? piece : length - sent);
        rest(5);
    }
}

static void
refuse(int fd)
{
    put(fd, refusal, sizeof refusal - 1);
}

/* Reads on until the client shuts down its side or goes; false if it resets the connection. */
static bool
await_end(int fd)
{
    static char chunk[CHUNK];
    ssize_t count;

    do {
        count = read(fd, chunk, sizeof chunk);
    } while (count > 0);
    return count == 0;
}

/* So that closing finds something that is not read. */
static void
await_input(int fd)
{
    char byte;

    recv(fd, &byte, 1, MSG_PEEK);
}

/* The reply, or what is in its place. */
static void
answer(int fd, char *reply, size_t length)
{
    struct linger linger = {.l_onoff = 1};

    if (is("slow")) {
        put_in_pieces(fd, reply, length, length / 20 + 1);
    } else if (is("short") || is("reset") || is("pause")) {
        put(fd, reply, length / 2);
    } else if (is("error")) {
        refuse(fd);
    } else if (is("pieces")) {
        put_in_pieces(fd, refusal, sizeof refusal - 1, 1);
    } else if (is("prefix")) {
        put(fd, "err", 3);
    } else if (is("long")) {
        char last[2] = {reply[length - 1], 'x'}; /* at once: nobody waits for more than a reply */

        put(fd, reply, length - 1);
        put(fd, last, sizeof last);
    } else if (!is("none") && !is("silent")) {
        reply[length * 2 / 3] ^= is("corrupt");
        put(fd, reply, length);
    }
    if (is("reset")) {
        rest(50); /* so that the client sees the bytes first */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    } else if (is("silent") || is("pause")) {
        await_end(fd);
    }
}

/* --- lines ----------------------------------------------------------------------------------- */

/* The next request's BYTES, 0 at the end. */
static size_t
read_request(int fd)
{
    char line[128];
    size_t length = 0;

    while (length < sizeof line - 1 && read(fd, line + length, 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    return (size_t)atol(line);
}

static void
fill_reply(char *reply, size_t bytes, unsigned child)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
    char who[STAMP], stamp[2 * STAMP];

    for (size_t i = 0; i < bytes; i++) {
        reply[i] = is("unstamped") ? 'x' : letters[i % PERIOD];
    }
    if (bytes >= STAMP && !is("unstamped")) {
        if (is("threads")) {
            snprintf(who, sizeof who, "0.%u pid %ld", child, (long)parent);
        } else {
            snprintf(who, sizeof who, "%u pid %ld", child, (long)getpid());
        }
        snprintf(stamp, sizeof stamp, "child %-*s", STAMP, who);
        memcpy(reply, stamp, STAMP - 1);
        reply[STAMP - 1] = '\n';
    }
}

/* Does the connection go on when this has been done? */
static bool
goes_on(void)
{
    return is("good") || is("corrupt") || is("long") || is("changes") || is("threads") ||
           is("unstamped") || is("eof");
}

static void
serve_lines(int fd, unsigned child)
{
    static const char escapes[] = "error: \033]0;title\a\033[1;31m\b\177\2335n\377 no\n";
    static char reply[REPLY_MAX];
    size_t bytes;
    unsigned nth = 0;

    while ((bytes = read_request(fd)) > 0 && bytes <= REPLY_MAX) {
        nth++;
        if (is("eof") && !await_end(fd)) {
            puts("reset");
            return;
        }
        fill_reply(reply, bytes, is("changes") ? child + nth : child);
        if (is("escapes")) {
            put(fd, escapes, sizeof escapes - 1);
        } else {
            answer(fd, reply, bytes);
        }
        if (!goes_on()) {
            return;
        }
    }
}

/* --- frames ---------------------------------------------------------------------------------- */

static void
get(int fd, char *to, size_t length)
{
    if (recv(fd, to, length, MSG_WAITALL) != (ssize_t)length) {
        exit(EXIT_FAILURE);
    }
}

static size_t
read_header(int fd, char header[HEADER])
{
    uint32_t length;

    get(fd, header, HEADER);
    memcpy(&length, header, HEADER);
    length = ntohl(length);
    if (length < 1 || length > MESSAGE_MAX) {
        put(fd, "error: length\n", 14);
        exit(EXIT_FAILURE);
    }
    return length;
}

static void
stream(int fd)
{
    static char chunk[CHUNK];
    char header[HEADER];
    size_t left = read_header(fd, header);

    while (left > 0) {
        size_t length = left < sizeof chunk ? left : sizeof chunk;

        get(fd, chunk, length);
        put(fd, chunk, length);
        left -= length;
    }
}

/* What is done before the frame has been read; false: nothing. */
static bool
serve_unread(int fd)
{
    if (is("stream")) {
        stream(fd);
    } else if (is("refuse")) { /* as docs/protocol.md asks for it */
        refuse(fd);
        shutdown(fd, SHUT_WR);
        await_end(fd);
    } else if (is("hold") || is("slam")) {
        refuse(fd);
    } else if (is("quit")) {
        shutdown(fd, SHUT_WR);
    } else if (!is("unread")) {
        return false;
    }
    if (is("slam") || is("unread")) {
        await_input(fd);
    }
    while ((is("hold") || is("quit")) && getppid() == parent) {
        rest(20);
    }
    return true;
}

static void
serve_frame(int fd)
{
    char header[HEADER], *message;
    size_t length;

    if (serve_unread(fd)) {
        return;
    }
    length = read_header(fd, header);
    message = malloc(length);
    if (!message) {
        exit(EXIT_FAILURE);
    }
    get(fd, message, length);
    if (is("tell")) {
        dprintf(fd, "%02x %02x %02x %02x\n", header[0] & 0xff, header[1] & 0xff, header[2] & 0xff,
                header[3] & 0xff);
    } else if (is("lines")) {
        refuse(fd);
        rest(5);
        put(fd, "nor tomorrow\n", 13);
    } else {
        answer(fd, message, length);
    }
    free(message);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

/* Reads to the empty line, and prints what it has read, in one piece. */
static bool
read_get(int fd)
{
    static char text[CHUNK];
    size_t length = 0;

    while (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4) != 0) {
        if (length == sizeof text || read(fd, text + length, 1) != 1) {
            return false;
        }
        length++;
    }
    put(STDOUT_FILENO, text, length);
    return true;
}

static void
serve_http(int fd, const char *path, size_t piece, bool closes)
{
    static char reply[REPLY_MAX];
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(reply, 1, sizeof reply, file) : 0;

    if (file) {
        fclose(file);
    }
    while (read_get(fd)) {
        put_in_pieces(fd, reply, length, piece > 0 ? piece : length);
        if (closes) {
            return;
        }
    }
}

/* --- connections ----------------------------------------------------------------------------- */

/* Listens on a free port, or on a path, and says so. */
static int
open_listener(const char *path)
{
    struct address address;
    char text[ADDRESS_TEXT];
    int fd;

    address_resolve(&address, path ? path : "127.0.0.1", 0);
    fd = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (bind(fd, &address.any, address.length) == -1 || listen(fd, 1000) == -1 ||
        getsockname(fd, &address.any, &address.length) == -1) {
        die("cannot listen");
    }
    address_text(&address, text);
    printf("badserver: listening on %s, pid %ld\n", text, (long)getpid());
    fflush(stdout);
    return fd;
}

static void
serve(int fd, unsigned child, int option, const char *what, unsigned every)
{
    if (option == 'h' || option == 'H') {
        serve_http(fd, what, every, option == 'H');
        return;
    }
    how = child % every == 0 ? what : "good";
    if (option == 'f') {
        serve_frame(fd);
    } else {
        serve_lines(fd, child);
    }
}

int
main(int argc, char **argv)
{
    int option = argc > 1 && argv[1][0] == '-' ? argv[1][1] : 0;
    const char *path = argc > 4 ? argv[4] : NULL;
    unsigned every;
    int listenfd;

    die_begin("badserver");
    argc -= option != 0;
    argv += option != 0;
    every = argc > 2 ? (unsigned)atoi(argv[2]) : 1; /* or PIECE */
    if (argc < 2 || (every == 0 && option != 'h' && option != 'H')) {
        return 2;
    }
    listenfd = open_listener(path);
    parent = getpid();
    signal(SIGCHLD, SIG_IGN);
    alarm(LIFE_S);
    for (unsigned child = 1;; child++) {
        int fd = accept(listenfd, NULL, NULL);

        if (fd != -1 && fork() == 0) {
            close(listenfd);
            alarm(LIFE_S);
            serve(fd, child, option, argv[1], every);
            exit(EXIT_SUCCESS);
        }
        close(fd);
    }
}
