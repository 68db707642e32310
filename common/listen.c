#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "scoreboard.h"

enum { INHERITED_FD = 3 };

static atomic_llong *quiet_until; /* in shared memory, so that one of all children warns */
static struct stat made;          /* the Unix socket's file, as bind() has made it */

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
    if (getsockopt(INHERITED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == -1) {
        die("LISTEN_FDS: descriptor %d", INHERITED_FD);
    }
    if (!listening) {
        diex("LISTEN_FDS: descriptor %d does not listen", INHERITED_FD);
    }
    flags = fcntl(INHERITED_FD, F_GETFL);
    if (flags == -1 || fcntl(INHERITED_FD, F_SETFL, flags & ~O_NONBLOCK) == -1) {
        die("LISTEN_FDS: descriptor %d", INHERITED_FD);
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

/* 0 if somebody has the file's socket open, else what connect() says. Asked with a socket of
 * another type, a server answers EPROTOTYPE: at once, without a connection that it would have to
 * serve, also with a full queue, or between its bind() and its listen(). ECONNREFUSED says that
 * nobody has it open; but perhaps not yet: bind() may make the file before the kernel can find its
 * socket. */
static int
ask_there(int asker, const struct address *address)
{
    if (connect(asker, address_sockaddr(address), address->length) == 0 || errno == EPROTOTYPE) {
        return 0;
    }
    return errno;
}

static bool
is_abandoned(int asker, const struct address *address, const char *path)
{
    int error = ask_there(asker, address);

    if (error == 0) {
        diex("%s: a server is listening there", path);
    }
    if (error != ECONNREFUSED && error != ENOENT) {
        die_error(error, "%s", path);
    }
    return error == ECONNREFUSED;
}

/* Gives it back: whose it is must find it there. Where link() cannot be used, rename() would take
 * the place of what somebody has bound there since, within these microseconds. */
static void
put_back(const char *aside, const char *path)
{
    int saved = errno;

    /* Some systems let nobody link another user's file, and some file systems have no links. */
    if (link(aside, path) == -1 && (errno == EEXIST || rename(aside, path) == -1)) {
        die("%s: cannot be given back its socket, which is %s now", path, aside);
    }
    unlink(aside);
    errno = saved;
}

/* Asked once more where it is now: for rename() waits for a bind() in this directory to be done. A
 * path that is too long for connect() is not asked. */
static bool
is_open_after_all(int asker, const char *aside)
{
    struct address address = {.length = sizeof(struct sockaddr_un)};
    struct sockaddr_un *name = (struct sockaddr_un *)&address.storage;

    if (strlen(aside) >= sizeof name->sun_path) {
        return false;
    }
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, aside, strlen(aside) + 1);
    return ask_there(asker, &address) == 0;
}

/* Removes this file and no other: since we have looked, another server may have done the same and
 * bound a socket of its own here. So the file is taken aside, where nobody binds another, and
 * looked at again. (The time is compared too, for a file system may use the number of a removed
 * file again.) */
static void
remove_abandoned(int asker, const char *path, const struct stat *found)
{
    char aside[ADDRESS_TEXT + 32];
    struct stat taken;

    snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
    if (lstat(aside, &taken) == 0) { /* rename() would replace it */
        diex("%s: a dead server's socket, and it cannot be taken aside: %s exists", path, aside);
    }
    if (rename(path, aside) == -1) {
        if (errno == ENOENT) {
            return; /* another one has removed it; bind() will say who is faster now */
        }
        die("%s: a dead server's socket", path);
    }
    if (lstat(aside, &taken) == -1) {
        put_back(aside, path);
        die("%s", aside);
    }
    if (!is_same_file(&taken, found) || taken.st_mtim.tv_sec != found->st_mtim.tv_sec ||
        taken.st_mtim.tv_nsec != found->st_mtim.tv_nsec || is_open_after_all(asker, aside)) {
        put_back(aside, path);
        diex("%s: another server has just begun to listen there", path);
    }
    if (unlink(aside) == -1) {
        die("%s: a dead server's socket", aside);
    }
}

void
listen_claim(const struct address *address)
{
    const char *path = ((const struct sockaddr_un *)&address->storage)->sun_path;
    struct stat found;
    int asker;

    if (address->storage.ss_family != AF_UNIX || lstat(path, &found) == -1) {
        return; /* nothing is there, or bind() will say what is wrong */
    }
    if (!S_ISSOCK(found.st_mode)) {
        diex("%s: exists and is not a socket", path);
    }
    asker = socket(AF_UNIX, SOCK_DGRAM, 0); /* before anything is moved that would be left so */
    if (asker == -1) {
        die("socket");
    }
    if (is_abandoned(asker, address, path)) {
        remove_abandoned(asker, path, &found);
    }
    close(asker);
}

/* Of a Unix socket that we have bound, the file, so that listen_remove() knows it again. Another
 * server that is starting may have taken it aside for a moment, to look at it. */
static void
note_file(const struct address *address)
{
    const char *path = ((const struct sockaddr_un *)&address->storage)->sun_path;
    const struct timespec moment = clock_timespec(1000);

    if (address->storage.ss_family != AF_UNIX || listen_was_inherited) {
        return;
    }
    for (int turns = 0; lstat(path, &made) == -1; turns++) {
        if (errno != ENOENT || turns == 100) {
            die("%s", path);
        }
        nanosleep(&moment, NULL);
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
    listenfd = socket(address.storage.ss_family, SOCK_STREAM, 0);
    if (listenfd == -1) {
        die("socket");
    }
    if (address.storage.ss_family != AF_UNIX) {
        setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(listenfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (bind(listenfd, address_sockaddr(&address), address.length) == -1) {
        die("cannot listen on %s", text);
    }
    note_file(&address);
    if (listen(listenfd, options->backlog) == -1) {
        die("listen on %s", text);
    }
    return listenfd;
}

void
listen_ready(const struct options *options, int listenfd)
{
    struct address bound = {.length = sizeof bound.storage};
    char text[ADDRESS_TEXT];

    if (getsockname(listenfd, (struct sockaddr *)&bound.storage, &bound.length) == -1) {
        die("getsockname");
    }
    address_text(&bound, text);
    if (!S_ISSOCK(made.st_mode)) { /* server00 has no listen_open() */
        note_file(&bound);
    }
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
listen_remove(const struct options *options)
{
    struct stat status;

    if (S_ISSOCK(made.st_mode) && lstat(options->host, &status) == 0 &&
        is_same_file(&status, &made)) {
        unlink(options->host);
    }
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
