/*
 * badserver - a server that does one thing wrong, for the tests of the client.
 *
 *     badserver HOW [EVERY]      with every connection, or with every EVERY-th
 *
 * HOW: good, corrupt (a wrong byte), long (a byte too many), short (half a reply), none (closes),
 * reset, error (an error line), escapes (one that means to command a terminal), pieces (an error
 * line, byte by byte), prefix ("err"), silent, once (closes after the first reply), changes (later
 * replies come from another child), unstamped (another suite's server: any bytes, no stamp), eof
 * (replies when the client has shut down writing, to the last request; prints "reset" if it resets
 * the connection). A connection that is not bad is good: each has a child of its own, so each its
 * own stamp.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STAMP = 32, PERIOD = 61, REPLY_MAX = 1 << 20, LIFE_S = 120 };

static bool
is(const char *how, const char *name)
{
    return strcmp(how, name) == 0;
}

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

/* Nobody sends anything behind the request, but sooner or later the end of the file. */
static void
await_end(int fd)
{
    char byte;
    ssize_t count;

    do {
        count = read(fd, &byte, 1);
    } while (count > 0);
    if (count == -1) {
        puts("reset");
        exit(EXIT_SUCCESS);
    }
}

static void
fill_reply(char *reply, size_t bytes, unsigned child)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
    char stamp[STAMP + 32];

    for (size_t i = 0; i < bytes; i++) {
        reply[i] = letters[i % PERIOD];
    }
    if (bytes >= STAMP) {
        snprintf(stamp, sizeof stamp, "child %u pid %ld%*s", child, (long)getpid(), STAMP, "");
        memcpy(reply, stamp, STAMP - 1);
        reply[STAMP - 1] = '\n';
    }
}

static void
put(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);

        if (count <= 0) {
            exit(EXIT_FAILURE);
        }
        data += count;
        length -= (size_t)count;
    }
}

/* So slowly that the client reads each byte alone. */
static void
put_in_pieces(int fd, const char *text)
{
    const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};
    int now = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    for (; *text != '\0'; text++) {
        put(fd, text, 1);
        nanosleep(&moment, NULL);
    }
}

static _Noreturn void
misbehave(int fd, const char *how, char *reply, size_t bytes)
{
    const struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
    struct linger linger = {.l_onoff = 1};

    if (is(how, "short") || is(how, "reset")) {
        put(fd, reply, bytes / 2);
    } else if (is(how, "error")) {
        put(fd, "error: not today\n", 17);
    } else if (is(how, "escapes")) {
        static const char line[] = "error: \033]0;title\a\033[1;31m\b\177\2335n\377 no\n";

        put(fd, line, sizeof line - 1);
    } else if (is(how, "pieces")) {
        put_in_pieces(fd, "error: not today\n");
    } else if (is(how, "prefix")) {
        put(fd, "err", 3);
    } else if (is(how, "silent")) {
        while (read(fd, reply, 1) > 0) {
            /* until the client gives up */
        }
    }
    if (is(how, "reset")) {
        nanosleep(&moment, NULL); /* so that the client sees the bytes first */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    exit(EXIT_SUCCESS);
}

static _Noreturn void
serve(int fd, const char *how, unsigned child)
{
    static char reply[REPLY_MAX + 1];
    size_t bytes;
    unsigned nth = 0;

    while ((bytes = read_request(fd)) > 0 && bytes <= REPLY_MAX) {
        nth++;
        if (is(how, "eof")) {
            await_end(fd);
        }
        fill_reply(reply, bytes, is(how, "changes") ? child + nth : child);
        if (is(how, "corrupt")) {
            reply[bytes * 2 / 3] ^= 1;
        } else if (is(how, "unstamped")) {
            memset(reply, 'x', bytes);
        } else if (is(how, "long")) {
            put(fd, reply, bytes - 1);
            reply[0] = reply[bytes - 1]; /* with it at once: nobody waits for more than a reply */
            reply[1] = 'x';
            bytes = 2;
        } else if (!is(how, "good") && !is(how, "once") && !is(how, "changes") && !is(how, "eof")) {
            misbehave(fd, how, reply, bytes);
        }
        put(fd, reply, bytes);
        if (is(how, "once")) {
            break;
        }
    }
    exit(EXIT_SUCCESS);
}

static int
open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, 1000) == -1 ||
        getsockname(fd, (struct sockaddr *)&address, &length) == -1) {
        perror("badserver");
        exit(EXIT_FAILURE);
    }
    printf("badserver: listening on 127.0.0.1:%d, pid %ld\n", ntohs(address.sin_port),
           (long)getpid());
    fflush(stdout);
    return fd;
}

int
main(int argc, char **argv)
{
    unsigned every = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    int listenfd = open_listener();

    if (argc < 2 || every == 0) {
        return 2;
    }
    signal(SIGCHLD, SIG_IGN);
    alarm(LIFE_S);
    for (unsigned child = 1;; child++) {
        int fd = accept(listenfd, NULL, NULL);

        if (fd != -1 && fork() == 0) {
            close(listenfd);
            alarm(LIFE_S);
            serve(fd, child % every == 0 ? argv[1] : "good", child);
        }
        close(fd);
    }
}
