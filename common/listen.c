#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "scoreboard.h"
#include "signals.h"

enum {
    INHERITED_FD = 3,
    PAUSE_US = 100 * 1000,
    STOLEN_US = 10 * 1000 /* for accept(), if another process has taken the connection */
};

static atomic_llong *quiet_until; /* in shared memory, so that one of all children warns */

/* A Unix socket's path belongs to the process that has locked PATH.lock: from before its bind()
 * until listen_remove(), or until it dies, for then the kernel releases the lock. Only the owner
 * removes files, and a server is told at once that there is another one. */
static pid_t owner; /* this process, or 0; a forked child has its parent's */
static int lockfd;  /* not -1: closing any descriptor of the file would release the lock */
static char socket_file[ADDRESS_TEXT];
static char lock_file[ADDRESS_TEXT + 8];
static struct stat made; /* the socket's file, as bind() has made it */

bool listen_was_inherited;

static int
inherited(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    int listening = 0;
    socklen_t length = sizeof listening;

    if (!pid || !count || atol(pid) != (long)getpid() || atoi(count) < 1) {
        return -1;
    }
    if (getsockopt(INHERITED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == -1) {
        die("LISTEN_FDS: descriptor %d", INHERITED_FD);
    }
    if (!listening) {
        diex("LISTEN_FDS: descriptor %d does not listen", INHERITED_FD);
    }
    unsetenv("LISTEN_PID"); /* it was meant for this process alone */
    unsetenv("LISTEN_FDS");
    listen_was_inherited = true;
    return INHERITED_FD;
}

/* Comes back if no file is at this path, or a socket that no process has open; dies if a server is
 * there, of this suite or not. Asked with a socket of another type, a server answers EPROTOTYPE: at
 * once, without a connection that it would have to serve, also with a full queue, and between its
 * bind() and its listen(). */
static void
refuse_living(const struct address *address)
{
    struct stat found;
    int asker, error;

    if (lstat(socket_file, &found) == -1) {
        return; /* bind() will say what is wrong, if anything is */
    }
    if (!S_ISSOCK(found.st_mode)) {
        diex("%s: exists and is not a socket", socket_file);
    }
    asker = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (asker == -1) {
        die("socket");
    }
    error = connect(asker, &address->any, address->length) == -1 ? errno : EPROTOTYPE;
    close(asker);
    if (error == EPROTOTYPE) {
        diex("%s: a server is listening there", socket_file);
    }
    if (error != ECONNREFUSED && error != ENOENT) {
        die_error(error, "%s", socket_file);
    }
}

static void
lock_path(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat opened, named;

    lockfd = open(lock_file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lockfd == -1 && errno == ENOENT) { /* (of another user's file, Linux may refuse O_CREAT) */
        lockfd = open(lock_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    if (lockfd == -1 || fstat(lockfd, &opened) == -1) {
        die("cannot listen on %s: %s", socket_file, lock_file);
    }
    if (opened.st_size > 0) {
        diex("%s: exists, and is not a lock", lock_file);
    }
    if (fcntl(lockfd, F_SETLK, &lock) == -1) {
        die("%s: another server has the lock of this path", socket_file);
    }
    if (lstat(lock_file, &named) == -1 || named.st_ino != opened.st_ino) {
        diex("%s: another server has just released this path", socket_file);
    }
    owner = getpid();
}

/* Makes way for a Unix socket at the address. */
static void
claim_path(const struct address *address)
{
    snprintf(socket_file, sizeof socket_file, "%s", address->un.sun_path);
    snprintf(lock_file, sizeof lock_file, "%s.lock", socket_file);
    refuse_living(address); /* before the lock, which other users may be unable to open */
    if (atexit(listen_remove) != 0) {
        die("atexit");
    }
    lock_path();
    if (unlink(socket_file) == -1 && errno != ENOENT) {
        die("%s: a dead server's socket", socket_file);
    }
}

int
listen_begin(const struct options *options, struct address *address)
{
    int listenfd = inherited();

    quiet_until = scoreboard_memory(sizeof *quiet_until);
    if (listenfd == -1) {
        address_resolve(address, options->host, options->port);
        if (address->any.sa_family == AF_UNIX) {
            claim_path(address);
        }
    }
    return listenfd;
}

void
listen_bound(int listenfd)
{
    signals_shuts(listenfd);
    lstat(socket_file, &made); /* of an internet address there is none */
}

void
listen_remove(void)
{
    struct stat found;

    if (owner != getpid()) {
        return; /* in a child that ends by die() too */
    }
    if (lstat(socket_file, &found) == 0 && found.st_ino == made.st_ino) {
        unlink(socket_file);
    }
    unlink(lock_file); /* as long as it is locked: nobody else has locked it yet */
    close(lockfd);
    owner = 0;
}

int
listen_open(const struct options *options)
{
    struct address address;
    char text[ADDRESS_TEXT];
    int on = 1;
    int listenfd = listen_begin(options, &address);

    if (listenfd != -1) {
        return listenfd;
    }
    address_text(&address, text);
    listenfd = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (listenfd == -1) {
        die("socket");
    }
    if (address.any.sa_family != AF_UNIX) {
        /* Why: see server00_iterative. */
        setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(listenfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (bind(listenfd, &address.any, address.length) == -1) {
        die("cannot listen on %s", text);
    }
    listen_bound(listenfd);
    if (listenfd >= FD_SETSIZE) {
        diex("listening descriptor %d: too large for select", listenfd);
    }
    if (listen(listenfd, options->backlog) == -1) {
        die("listen on %s", text);
    }
    return listenfd;
}

void
listen_nonblocking(int listenfd)
{
    if (!listen_was_inherited && fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }
}

bool
listen_has_client(int listenfd)
{
    const struct itimerval timer = {.it_interval.tv_sec = 1, .it_value.tv_usec = STOLEN_US};
    struct pollfd watched = {.fd = listenfd, .events = POLLIN};
    int ready;

    if (!listen_was_inherited) {
        return true;
    }
    ready = poll(&watched, 1, 0);
    if (ready == 1) {
        setitimer(ITIMER_REAL, &timer, NULL);
    } else { /* of poll(), EAGAIN means that memory has run out */
        errno = ready == 0 ? EAGAIN : errno == EAGAIN ? ENOMEM : errno;
        alarm(1); /* a last time: signals_write() may have set one, and need it */
    }
    return ready == 1;
}

void
listen_await(int listenfd)
{
    struct pollfd watched = {.fd = listenfd, .events = POLLIN};
    int saved = errno;

    if (saved == EAGAIN || saved == EWOULDBLOCK) {
        poll(&watched, 1, -1);
    }
    errno = saved;
}

void
listen_pause(void)
{
    const struct timespec pause = clock_timespec(PAUSE_US);

    nanosleep(&pause, NULL);
}

bool
listen_exhausted(void)
{
    if (errno == EINVAL && signals_have_shut()) {
        return !signals_stop; /* a child waits for its TERM, which has been sent */
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOLCK:
        warn_seldom(quiet_until, "accept: out of descriptors or memory, retrying");
        return true;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        die("accept");
    default: /* EINTR, EAGAIN, ECONNABORTED, EPROTO and the network errors of accept(2), of which
              * EOPNOTSUPP is one: that the socket listens has been seen before */
        return false;
    }
}

void
listen_again(int listenfd)
{
    if (listen_exhausted()) {
        listen_pause();
    } else {
        listen_await(listenfd);
    }
}
