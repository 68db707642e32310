/*
 * frameserver - a server of frames, for the tests of the client.
 *
 *     frameserver HOW [EVERY [PATH]]     with every connection, or with every EVERY-th; the others
 *                                        are served by echo; PATH is that of a Unix socket
 *
 * HOW, after it has read the frame: echo, slow (in small pieces), tell (the 4 bytes of the header,
 * in hexadecimal), corrupt (a wrong byte), short (half of it), long (a byte too many), none (closes
 * without a reply), reset (half of it, then that), pause (half of it, then nothing until the client
 * closes), silent (nothing until then), error (an error line, byte by byte), lines (an error line
 * and another line), prefix ("err").
 * HOW, before it has read the frame: stream (echoes while it reads, never reading ahead), refuse
 * (an error line, reads on until the client has seen it), slam (an error line, closes), hold (an
 * error line, reads no more and does not close), quit (the same without a word: the end of file),
 * unread (closes).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 4, MESSAGE_MAX = 1 << 30, CHUNK = 64 * 1024, LIFE_S = 120 };

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

/* At least one byte is always wanted. */
static void
get(int fd, char *to, size_t length)
{
    do {
        ssize_t count = read(fd, to, length);

        if (count <= 0) {
            exit(EXIT_FAILURE);
        }
        to += count;
        length -= (size_t)count;
    } while (length > 0);
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

/* So slowly that the client reads each piece alone. */
static void
put_in_pieces(int fd, const char *data, size_t length, size_t piece)
{
    int now = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now); /* not of a Unix socket: no harm */
    for (size_t sent = 0; sent < length; sent += piece) {
        put(fd, data + sent, piece < length - sent ? piece : length - sent);
        rest(3);
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

/* --- before the frame is read ---------------------------------------------------------------- */

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

/* What docs/protocol.md asks for. */
static void
refuse(int fd)
{
    static char chunk[CHUNK];

    put(fd, refusal, sizeof refusal - 1);
    shutdown(fd, SHUT_WR);
    while (read(fd, chunk, sizeof chunk) > 0) {
        /* until the client has closed */
    }
}

static void
hold(int fd, size_t length)
{
    put(fd, refusal, length);
    while (getppid() == parent) {
        rest(20);
    }
}

/* So that closing finds something that is not read. */
static void
await_input(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    poll(&readable, 1, -1);
}

static bool
serve_unread(int fd)
{
    if (is("stream")) {
        stream(fd);
    } else if (is("refuse")) {
        refuse(fd);
    } else if (is("hold")) {
        hold(fd, sizeof refusal - 1);
    } else if (is("quit")) {
        shutdown(fd, SHUT_WR);
        hold(fd, 0);
    } else if (is("slam")) {
        put(fd, refusal, sizeof refusal - 1);
        await_input(fd);
    } else if (is("unread")) {
        await_input(fd);
    } else {
        return false;
    }
    return true;
}

/* --- after it -------------------------------------------------------------------------------- */

static void
break_it(int fd)
{
    struct linger linger = {.l_onoff = 1};

    rest(50); /* so that the client sees the bytes first */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void
tell(int fd, const char *header)
{
    char text[32];

    snprintf(text, sizeof text, "%02x %02x %02x %02x\n", header[0] & 0xff, header[1] & 0xff,
             header[2] & 0xff, header[3] & 0xff);
    put(fd, text, strlen(text));
}

static void
reply(int fd, const char *header, char *message, size_t length)
{
    if (is("slow")) {
        put_in_pieces(fd, message, length, length / 20 + 1);
    } else if (is("tell")) {
        tell(fd, header);
    } else if (is("error")) {
        put_in_pieces(fd, refusal, sizeof refusal - 1, 1);
    } else if (is("lines")) {
        put_in_pieces(fd, refusal, sizeof refusal - 1, sizeof refusal - 1);
        put(fd, "nor tomorrow\n", 13);
    } else if (is("prefix")) {
        put(fd, "err", 3);
    } else if (is("silent")) {
        await_input(fd); /* its end */
    } else if (!is("none")) {
        message[length * 2 / 3] ^= is("corrupt");
        put(fd, message, is("short") || is("reset") || is("pause") ? length / 2 : length);
        put(fd, "x", is("long"));
    }
    if (is("pause")) {
        await_input(fd);
    } else if (is("reset")) {
        break_it(fd);
    }
}

static _Noreturn void
serve(int fd)
{
    char header[HEADER], *message;
    size_t length;

    if (!serve_unread(fd)) {
        length = read_header(fd, header);
        message = malloc(length);
        if (!message) {
            exit(EXIT_FAILURE);
        }
        get(fd, message, length);
        reply(fd, header, message, length);
        free(message);
    }
    close(fd);
    exit(EXIT_SUCCESS);
}

/* --- connections ----------------------------------------------------------------------------- */

static _Noreturn void
fail(void)
{
    perror("frameserver");
    exit(EXIT_FAILURE);
}

static void
announce(const char *address)
{
    printf("frameserver: listening on %s, pid %ld\n", address, (long)getpid());
    fflush(stdout);
}

static int
open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, 1000) == -1) {
        fail();
    }
    announce(path);
    return fd;
}

static int
open_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char text[32];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, 1000) == -1 ||
        getsockname(fd, (struct sockaddr *)&address, &length) == -1) {
        fail();
    }
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(address.sin_port));
    announce(text);
    return fd;
}

int
main(int argc, char **argv)
{
    int every = argc > 2 ? atoi(argv[2]) : 1;
    int listenfd;

    if (argc < 2 || every < 1) {
        return 2;
    }
    listenfd = argc > 3 ? open_unix(argv[3]) : open_tcp();
    parent = getpid();
    signal(SIGCHLD, SIG_IGN);
    alarm(LIFE_S);
    for (int nth = 1;; nth++) {
        int fd = accept(listenfd, NULL, NULL);

        if (fd != -1 && fork() == 0) {
            close(listenfd);
            alarm(LIFE_S);
            how = nth % every == 0 ? argv[1] : "echo";
            serve(fd);
        }
        close(fd);
    }
}
