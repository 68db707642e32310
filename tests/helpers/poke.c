/*
 * poke - does to a server what a script says, one step after the other, and fails at the first
 * thing that is not as it should be. The tests' own client: it shares no code with the servers and
 * knows the pattern of the replies by heart.
 *
 *     poke [-j PROCESSES] [-r TIMES] [-k] ADDRESS STEP...
 *     poke -L ADDRESS PROGRAM...     run PROGRAM with a listening socket as descriptor 3
 *     poke -I PROGRAM...             run PROGRAM with signals ignored and blocked
 *
 * ADDRESS is 127.0.0.1:PORT, [::1]:PORT or a path. -j and -r run the script in several processes
 * and several times; -k goes on after a failure, until the server is gone, and counts.
 *
 *     connect      a new connection; the steps below are about the newest
 *     idle:N       N more connections, kept open; still the same newest
 *     refused      nobody accepts connections
 *     send:TEXT    with \n, \r, \0 and \\      slow:MS:TEXT  byte by byte, a pause after each
 *     fill:N       N bytes of garbage
 *     drip:MS      a digit so often, until the server hangs up
 *     half         end of file for the server   reset         close with a reset
 *     close        close                        drop:N        close N of the idle connections
 *     reply:N      exactly N bytes of a reply   who           say who made the last reply
 *     read:N       N bytes, whatever they are   line:TEXT     a line that begins with TEXT
 *     eof          the server closes cleanly    gone          it closes, cleanly or not
 *     cut          it resets, whatever came before
 *     more         more has come than was read  silent:MS     nothing comes
 *     mark         begin to measure time        within:MS     at most so long since then
 *     after:MS     at least so long since then  sleep:MS      do nothing
 *     buffer:N     receive buffer of connections from now on
 *     touch:FILE   tell a test something        until:FILE    wait until it says something
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STAMP = 32, PERIOD = 61, OPEN_MAX_HERE = 4096, REFUSED = 3 };

static union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
} address;
static socklen_t address_length;

static int fd = -1;             /* the newest connection */
static int idle[OPEN_MAX_HERE]; /* the idle ones */
static int nidle;
static int buffer;                  /* SO_RCVBUF, 0: the system's */
static int patience_ms = 60 * 1000; /* another, if PATIENCE says how many seconds */
static int64_t mark;
static char who[STAMP + 1];
static bool keep_going;
static const char *current = "";

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void
fail(const char *format, ...)
{
    va_list arguments;

    if (!keep_going) {
        fprintf(stderr, "poke: %.60s: ", current);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
    exit(EXIT_FAILURE);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static void
set_address(char *text)
{
    char *colon = strrchr(text, ':');

    if (strchr(text, '/')) {
        address.un.sun_family = AF_UNIX;
        snprintf(address.un.sun_path, sizeof address.un.sun_path, "%s", text);
        address_length = sizeof address.un;
        return;
    }
    if (!colon) {
        fail("'%s' is not an address", text);
    }
    *colon = '\0';
    if (text[0] == '[') {
        colon[-1] = '\0';
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons((uint16_t)atoi(colon + 1));
        address_length = sizeof address.in6;
        inet_pton(AF_INET6, text + 1, &address.in6.sin6_addr);
    } else {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons((uint16_t)atoi(colon + 1));
        address_length = sizeof address.in;
        inet_pton(AF_INET, text, &address.in.sin_addr);
    }
}

/* --- waiting --------------------------------------------------------------------------------- */

/* True if the connection gets ready for `events` within `ms`. */
static bool
ready(short events, int ms)
{
    struct pollfd watched = {.fd = fd, .events = events};

    return poll(&watched, 1, ms) == 1;
}

static size_t
receive(char *data, size_t most)
{
    ssize_t count;

    if (!ready(POLLIN, patience_ms)) {
        fail("nothing came in %d ms", patience_ms);
    }
    count = recv(fd, data, most, 0);
    if (count == -1) {
        fail("recv: %s", strerror(errno));
    }
    return (size_t)count;
}

static void
transmit(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t count;

        if (!ready(POLLOUT, patience_ms)) {
            fail("the server takes no more in %d ms", patience_ms);
        }
        count = send(fd, data, length, MSG_DONTWAIT);
        if (count == -1 && errno != EAGAIN) {
            fail("send: %s", strerror(errno));
        }
        data += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
}

/* --- connections ----------------------------------------------------------------------------- */

/* A socket on a free port of the ephemeral range may connect to itself: that is nobody. */
static bool
is_myself(int candidate)
{
    struct sockaddr_in mine = {.sin_port = 0};
    socklen_t length = sizeof mine;

    return address.any.sa_family == AF_INET &&
           getsockname(candidate, (struct sockaddr *)&mine, &length) == 0 &&
           mine.sin_port == address.in.sin_port;
}

/* Connects, and waits for a Unix socket whose queue is full; -1 and errno. */
static int
try_connect(void)
{
    int64_t end = now_ms() + patience_ms;
    int result;
    int candidate = socket(address.any.sa_family, SOCK_STREAM, 0);

    if (candidate == -1) {
        fail("socket: %s", strerror(errno));
    }
    if (buffer > 0) {
        setsockopt(candidate, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    do {
        result = connect(candidate, &address.any, address_length);
    } while (result == -1 && errno == EAGAIN && now_ms() < end);
    if (result == 0 && is_myself(candidate)) {
        errno = ECONNREFUSED;
        result = -1;
    }
    if (result == -1) {
        int saved = errno;

        close(candidate);
        errno = saved;
        return -1;
    }
    return candidate;
}

static int
new_connection(void)
{
    int candidate = try_connect();

    if (candidate == -1) {
        if (keep_going && (errno == ECONNREFUSED || errno == ENOENT)) {
            exit(REFUSED);
        }
        fail("connect: %s", strerror(errno));
    }
    return candidate;
}

static void
end_connection(bool with_reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (fd != -1) {
        if (with_reset) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        close(fd);
    }
    fd = -1;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Writes the escapes of `text` out into `data`. */
static size_t
unescape(const char *text, char *data)
{
    size_t length = 0;

    for (; *text; text++) {
        if (*text == '\\') {
            text++;
            data[length++] = (char)(*text == 'n'   ? '\n'
                                    : *text == 'r' ? '\r'
                                    : *text == '0' ? '\0'
                                                   : *text);
        } else {
            data[length++] = *text;
        }
    }
    return length;
}

static void
send_text(const char *text, long pause)
{
    char *data = malloc(strlen(text) + 1);
    size_t length = unescape(text, data);

    if (pause < 0) {
        transmit(data, length);
    }
    for (size_t i = 0; pause >= 0 && i < length; i++) {
        transmit(data + i, 1);
        pause_ms(pause);
    }
    free(data);
}

static void
fill(long count)
{
    char data[4096];

    memset(data, 'x', sizeof data);
    for (; count > 0; count -= (long)sizeof data) {
        transmit(data, count < (long)sizeof data ? (size_t)count : sizeof data);
    }
}

/* A digit now and then, until the server has had enough of it. */
static void
drip(int pause)
{
    int64_t end = now_ms() + patience_ms;

    while (send(fd, "0", 1, MSG_DONTWAIT) == 1 && !ready(POLLIN, pause)) {
        if (now_ms() > end) {
            fail("still open after %d ms", patience_ms);
        }
    }
}

static void
check_stamp(void)
{
    int child, pid, end = 0;

    who[STAMP] = '\0';
    if (sscanf(who, "child %d pid %d%n", &child, &pid, &end) != 2 || who[STAMP - 1] != '\n' ||
        (size_t)end + strspn(who + end, " ") != STAMP - 1) {
        fail("no stamp: '%s'", who);
    }
    who[end] = '\0';
}

/* The pattern as docs/protocol.md says it, written a second time. */
static void
expect_reply(long bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
    static char data[1 << 18];
    long have = 0;

    while (have < bytes) {
        long left = bytes - have;
        size_t count = receive(data, left < (long)sizeof data ? (size_t)left : sizeof data);

        if (count == 0) {
            fail("end of file after %ld bytes of %ld", have, bytes);
        }
        for (size_t i = 0; i < count; i++, have++) {
            if (bytes >= STAMP && have < STAMP) {
                who[have] = data[i];
            } else if (data[i] != letters[have % PERIOD]) {
                fail("byte %ld is '%c' instead of '%c'", have, data[i], letters[have % PERIOD]);
            }
        }
    }
    if (bytes >= STAMP) {
        check_stamp();
    }
}

static void
expect_bytes(long bytes)
{
    char data[4096];

    while (bytes > 0) {
        size_t count = receive(data, bytes < (long)sizeof data ? (size_t)bytes : sizeof data);

        if (count == 0) {
            fail("end of file, %ld bytes missing", bytes);
        }
        bytes -= (long)count;
    }
}

static void
expect_line(const char *start)
{
    char line[512];
    size_t length = 0;

    while (length < sizeof line - 1 && receive(line + length, 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    printf("%s\n", line);
    if (strncmp(line, start, strlen(start)) != 0) {
        fail("the line is '%s'", line);
    }
}

static void
expect_end(bool clean)
{
    char byte;
    ssize_t count;

    if (!ready(POLLIN, patience_ms)) {
        fail("still open after %d ms", patience_ms);
    }
    while (!clean && (count = recv(fd, &byte, 1, 0)) > 0) {
        /* What was sent before the end is not the question. */
    }
    if (clean && (count = recv(fd, &byte, 1, 0)) != 0) {
        fail(count == 1 ? "a byte came instead of the end" : "recv: %s", strerror(errno));
    }
}

static void
expect_reset(void)
{
    char data[4096];
    ssize_t count;

    do {
        if (!ready(POLLIN, patience_ms)) {
            fail("still open after %d ms", patience_ms);
        }
        count = recv(fd, data, sizeof data, 0);
    } while (count > 0);
    if (count == 0 || errno != ECONNRESET) {
        fail("instead of a reset: %s", count == 0 ? "end of file" : strerror(errno));
    }
}

static void
open_idle(long count)
{
    for (; count > 0 && nidle < OPEN_MAX_HERE; count--) {
        idle[nidle++] = new_connection();
    }
}

static void
drop_idle(long count)
{
    for (; count > 0 && nidle > 0; count--) {
        close(idle[--nidle]);
    }
}

static void
expect_time(long least, long most)
{
    int64_t elapsed = now_ms() - mark;

    if (elapsed < least || elapsed > most) {
        fail("it took %lld ms", (long long)elapsed);
    }
}

static void
wait_for_file(const char *path)
{
    int64_t end = now_ms() + 3LL * patience_ms;

    while (access(path, F_OK) == -1) {
        if (now_ms() > end) {
            fail("it did not appear");
        }
        pause_ms(5);
    }
}

static void
touch(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0666);

    if (file == -1) {
        fail("%s", strerror(errno));
    }
    close(file);
}

/* The steps that use the connection's data; false if it is none of them. */
static bool
talk(const char *word, const char *rest)
{
    const char *colon = strchr(rest, ':');

    if (strcmp(word, "send") == 0) {
        send_text(rest, -1);
    } else if (strcmp(word, "slow") == 0 && colon) {
        send_text(colon + 1, atol(rest));
    } else if (strcmp(word, "fill") == 0) {
        fill(atol(rest));
    } else if (strcmp(word, "drip") == 0) {
        drip(atoi(rest));
    } else if (strcmp(word, "reply") == 0) {
        expect_reply(atol(rest));
    } else if (strcmp(word, "who") == 0) {
        printf("%s\n", who);
    } else if (strcmp(word, "read") == 0) {
        expect_bytes(atol(rest));
    } else if (strcmp(word, "line") == 0) {
        expect_line(rest);
    } else if (strcmp(word, "eof") == 0) {
        expect_end(true);
    } else if (strcmp(word, "gone") == 0) {
        expect_end(false);
    } else if (strcmp(word, "cut") == 0) {
        expect_reset();
    } else if (strcmp(word, "more") == 0) {
        if (!ready(POLLIN, patience_ms)) {
            fail("nothing has come");
        }
    } else if (strcmp(word, "silent") == 0) {
        if (ready(POLLIN, (int)atol(rest))) {
            fail("something came");
        }
    } else {
        return false;
    }
    return true;
}

static bool
handle_connection(const char *word, const char *rest)
{
    if (strcmp(word, "connect") == 0) {
        end_connection(false);
        fd = new_connection();
    } else if (strcmp(word, "idle") == 0) {
        open_idle(atol(rest));
    } else if (strcmp(word, "drop") == 0) {
        drop_idle(atol(rest));
    } else if (strcmp(word, "refused") == 0) {
        if (try_connect() != -1 || (errno != ECONNREFUSED && errno != ENOENT)) {
            fail("somebody accepts, or: %s", strerror(errno));
        }
    } else if (strcmp(word, "half") == 0) {
        shutdown(fd, SHUT_WR);
    } else if (strcmp(word, "reset") == 0) {
        end_connection(true);
    } else if (strcmp(word, "close") == 0) {
        end_connection(false);
    } else if (strcmp(word, "buffer") == 0) {
        buffer = atoi(rest);
    } else {
        return false;
    }
    return true;
}

static void
step(const char *text)
{
    char word[16];
    size_t length = strcspn(text, ":");
    const char *rest = text[length] ? text + length + 1 : "";

    current = text;
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    if (talk(word, rest) || handle_connection(word, rest)) {
        return;
    }
    if (strcmp(word, "mark") == 0) {
        mark = now_ms();
    } else if (strcmp(word, "within") == 0) {
        expect_time(0, atol(rest));
    } else if (strcmp(word, "after") == 0) {
        expect_time(atol(rest), 1000L * 1000 * 1000);
    } else if (strcmp(word, "sleep") == 0) {
        pause_ms(atol(rest));
    } else if (strcmp(word, "touch") == 0) {
        touch(rest);
    } else if (strcmp(word, "until") == 0) {
        wait_for_file(rest);
    } else {
        fail("there is no such step");
    }
}

/* --- running --------------------------------------------------------------------------------- */

static void
run_script(char **steps)
{
    for (; *steps; steps++) {
        step(*steps);
        fflush(stdout);
    }
    end_connection(false);
    drop_idle(nidle);
}

/* With -k each run is a process of its own, so that a failure ends just that one. */
static int
run_and_count(char **steps, long times)
{
    long good = 0, failed = 0, refused = 0;

    for (long i = 0; i < times && refused == 0; i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            run_script(steps);
            exit(EXIT_SUCCESS);
        }
        if (pid == -1 || waitpid(pid, &status, 0) == -1) {
            fail("fork: %s", strerror(errno));
        }
        good += status == 0;
        refused += WIFEXITED(status) && WEXITSTATUS(status) == REFUSED;
        failed += status != 0;
    }
    printf("good %ld failed %ld\n", good, failed - refused);
    fflush(stdout);
    return EXIT_SUCCESS;
}

static int
run_processes(char **steps, long processes, long times)
{
    int worst = EXIT_SUCCESS;

    for (long i = 0; i < processes; i++) {
        if (fork() == 0) {
            if (keep_going) {
                exit(run_and_count(steps, times));
            }
            for (; times > 0; times--) {
                run_script(steps);
            }
            exit(EXIT_SUCCESS);
        }
    }
    for (int status; wait(&status) > 0;) {
        worst = status != 0 ? EXIT_FAILURE : worst;
    }
    return worst;
}

static void
become_listening(char *text, char **program)
{
    char pid[32];
    int on = 1;
    int listenfd;

    set_address(text);
    listenfd = socket(address.any.sa_family, SOCK_STREAM, 0);
    setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listenfd, &address.any, address_length) == -1 || listen(listenfd, 100) == -1 ||
        (listenfd != 3 && dup2(listenfd, 3) == -1)) {
        fail("listen: %s", strerror(errno));
    }
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    execv(program[0], program);
    fail("%s: %s", program[0], strerror(errno));
}

static void
become_deaf(char **program)
{
    static const int deaf[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD, SIGALRM, SIGPIPE};
    sigset_t all;

    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++) {
        signal(deaf[i], SIG_IGN);
    }
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    execv(program[0], program);
    fail("%s: %s", program[0], strerror(errno));
}

int
main(int argc, char **argv)
{
    long processes = 1, times = 1;
    const char *patience = getenv("PATIENCE");
    int letter;

    signal(SIGPIPE, SIG_IGN);
    if (patience) {
        patience_ms = 1000 * atoi(patience);
    }
    while ((letter = getopt(argc, argv, "+j:r:kL:I")) != -1) {
        switch (letter) {
        case 'j':
            processes = atol(optarg);
            break;
        case 'r':
            times = atol(optarg);
            break;
        case 'k':
            keep_going = true;
            break;
        case 'L':
            become_listening(optarg, argv + optind);
            break;
        case 'I':
            become_deaf(argv + optind);
            break;
        default:
            return 2;
        }
    }
    if (optind >= argc) {
        fail("an address is missing");
    }
    set_address(argv[optind]);
    mark = now_ms();
    if (processes > 1 || keep_going) {
        return run_processes(argv + optind + 1, processes, times);
    }
    for (; times > 0; times--) {
        run_script(argv + optind + 1);
    }
    return EXIT_SUCCESS;
}
