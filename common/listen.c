#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "scoreboard.h"

enum { INHERITED_FD = 3, PAUSE_US = 100 * 1000 };

static atomic_llong *quiet_until; /* in shared memory, so that one of all children warns */

/* Of a Unix socket. */
static pid_t starter;                    /* the process that has claimed its path */
static char socket_file[ADDRESS_TEXT];   /* the path */
static char lock_file[ADDRESS_TEXT + 8]; /* PATH.lock, locked while lockfd is not -1 */
static int lockfd = -1;
static struct stat made; /* the file that bind() has made, if st_nlink is not 0 */

bool listen_was_inherited;

int
listen_inherited(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    int flags, listening = 0;
    socklen_t length = sizeof listening;

    quiet_until = scoreboard_memory(sizeof *quiet_until);
    if (!pid || !count || atol(pid) != (long)getpid() || atoi(count) < 1) {
        return -1;
    }
    if (getsockopt(INHERITED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == -1 ||
        (flags = fcntl(INHERITED_FD, F_GETFL)) == -1 ||
        (listening && fcntl(INHERITED_FD, F_SETFL, flags & ~O_NONBLOCK) == -1)) {
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

static bool
is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* True if no process has the socket at this path open; false if nothing is there any more; dies if
 * a server is there. Asked with a socket of another type, a server answers EPROTOTYPE: at once,
 * without a connection that it would have to serve, also with a full queue, and between its bind()
 * and its listen(). */
static bool
is_dead(const struct address *address)
{
    struct stat found;
    int asker, error;

    if (lstat(socket_file, &found) == -1) {
        return false; /* bind() will say what is wrong, if anything is */
    }
    if (!S_ISSOCK(found.st_mode)) {
        diex("%s: exists and is not a socket", socket_file);
    }
    asker = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (asker == -1) {
        die("socket");
    }
    error = connect(asker, &address->any, address->length) == -1 ? errno : 0;
    close(asker);
    if (error == 0 || error == EPROTOTYPE) {
        diex("%s: a server is listening there", socket_file);
    }
    if (error != ECONNREFUSED && error != ENOENT) {
        die_error(error, "%s", socket_file);
    }
    return error == ECONNREFUSED;
}

/* Locks PATH.lock until this server listens: so only one starting server at a time removes a dead
 * server's socket and binds its own. The lock of a process that dies is released by the kernel. A
 * file that is no longer the one at its path was removed by a server that listens by now. */
static void
lock_path(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat opened, named = {.st_ino = 0};
    bool locked;
    int fd;

    snprintf(lock_file, sizeof lock_file, "%s.lock", socket_file);
    fd = open(lock_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd == -1) {
        die("%s", lock_file);
    }
    locked = fcntl(fd, F_SETLK, &lock) == 0;
    if ((!locked && errno != EACCES && errno != EAGAIN) || fstat(fd, &opened) == -1 ||
        (lstat(lock_file, &named) == -1 && errno != ENOENT)) {
        die("%s", lock_file);
    }
    if (opened.st_size > 0) {
        diex("%s: exists, and is not a lock", lock_file);
    }
    if (!locked || !is_same_file(&opened, &named)) {
        diex("%s: another server has just begun to listen there", socket_file);
    }
    lockfd = fd; /* ours: only now may it be removed */
}

static void
unlock_path(void)
{
    if (lockfd != -1) {
        unlink(lock_file); /* before the lock is released: then nobody else can have locked it */
        close(lockfd);
        lockfd = -1;
    }
}

static void
remove_files(void)
{
    if (starter == getpid()) { /* not in a child that ends by die() */
        listen_remove();
        unlock_path();
    }
}

void
listen_claim(const struct address *address)
{
    if (address->any.sa_family != AF_UNIX) {
        return;
    }
    address_text(address, socket_file);
    (void)is_dead(address); /* says so, if it lives, also to whoever may not lock its path */
    starter = getpid();
    if (atexit(remove_files) != 0) {
        die("atexit");
    }
    lock_path();
    if (is_dead(address) && unlink(socket_file) == -1) {
        die("%s: a dead server's socket", socket_file);
    }
}

/* Of a Unix socket that this process has bound: so that listen_remove() knows its file again. */
static void
note_file(void)
{
    if (*socket_file && made.st_nlink == 0 && lstat(socket_file, &made) == -1) {
        die("%s", socket_file);
    }
}

int
listen_open(const struct options *options)
{
    struct address address;
    char text[ADDRESS_TEXT];
    int on = 1;
    int listenfd = listen_inherited();

    if (listenfd != -1) {
        return listenfd;
    }
    address_resolve(&address, options->host, options->port);
    address_text(&address, text);
    listen_claim(&address);
    listenfd = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (listenfd == -1) {
        die("socket");
    }
    if (address.any.sa_family != AF_UNIX) {
        setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(listenfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (bind(listenfd, &address.any, address.length) == -1) {
        die("cannot listen on %s", text);
    }
    note_file();
    if (listenfd >= FD_SETSIZE) {
        diex("listening descriptor %d: too large for select", listenfd);
    }
    if (listen(listenfd, options->backlog) == -1) {
        die("listen on %s", text);
    }
    unlock_path();
    return listenfd;
}

void
listen_ready(const struct options *options, int listenfd)
{
    static bool said;
    struct address bound = {.length = sizeof bound.storage};
    char text[ADDRESS_TEXT];

    if (said) {
        return;
    }
    said = true;
    if (getsockname(listenfd, &bound.any, &bound.length) == -1) {
        die("getsockname");
    }
    address_text(&bound, text);
    note_file(); /* server00 has no listen_open() */
    unlock_path();
    if (options->quiet) {
        return;
    }
    printf("%s: listening on %s, pid %ld\n", die_program(), text, (long)getpid());
    /* A line may have failed in printf() already, and then there is nothing left to flush. */
    if (fflush(stdout) == EOF || ferror(stdout)) {
        die("standard output");
    }
}

void
listen_remove(void)
{
    struct stat status;

    if (made.st_nlink > 0 && lstat(socket_file, &status) == 0 && is_same_file(&status, &made)) {
        unlink(socket_file);
    }
}

void
listen_nonblocking(int listenfd)
{
    if (fcntl(listenfd, F_SETFL, O_NONBLOCK) == -1) {
        die("O_NONBLOCK");
    }
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
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOLCK:
        warn_seldom(quiet_until, "taking connections: waiting until something is freed");
        return true;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        die("taking connections");
    default: /* EINTR, EAGAIN, ECONNABORTED, EPROTO and the network errors of accept(2), of which
              * EOPNOTSUPP is one: that the socket listens has been seen before */
        return false;
    }
}
