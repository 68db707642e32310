/*
 * The portable ways to wait for a connection, one short function each: read them side by side.
 * `accept` is the plain one. select and poll wait first and accept then: all idle children wake for
 * one connection, one gets it, the others have woken in vain: the thundering herd. The two locks
 * let only one child wait at a time, as had to be done where accept() itself woke everybody.
 */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../common/die.h"
#include "../common/listen.h"
#include "../common/signals.h"

static int lockfd;             /* lock-file: an open file without a name */
static pthread_mutex_t *mutex; /* lock-mutex: in memory that all children share */

/* --- accept ---------------------------------------------------------------------------------- */

int
ways_accept_blocking(int listenfd, struct slot *slot)
{
    int connfd = accept(listenfd, NULL, NULL);

    if (connfd != -1) {
        counter_add(&slot->wakeups, 1);
    }
    return connfd;
}

/* --- select, poll ---------------------------------------------------------------------------- */

int
ways_accept_awake(int listenfd, struct slot *slot)
{
    int connfd = accept(listenfd, NULL, NULL);

    counter_add(&slot->wakeups, 1);
    if (connfd == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        counter_add(&slot->wasted, 1); /* somebody else was faster */
    }
    return connfd;
}

static int
take_select(int listenfd, struct slot *slot)
{
    fd_set readable;

    FD_ZERO(&readable);
    FD_SET(listenfd, &readable);
    if (select(listenfd + 1, &readable, NULL, NULL, NULL) == -1) {
        return -1;
    }
    return ways_accept_awake(listenfd, slot);
}

static int
take_poll(int listenfd, struct slot *slot)
{
    struct pollfd watched = {.fd = listenfd, .events = POLLIN};

    if (poll(&watched, 1, -1) == -1) {
        errno = errno == EAGAIN ? ENOMEM : errno; /* of poll(), EAGAIN means that, not "nobody" */
        return -1;
    }
    return ways_accept_awake(listenfd, slot);
}

/* --- the locks ------------------------------------------------------------------------------- */

/* Called by the child that holds the lock. Invariant: no other one is inside accept(). */
static int
accept_locked(int listenfd, struct slot *slot)
{
    counter_add(&slot->wakeups, 1);
    errno = EINTR; /* if it is told to leave */
    return signals_stop || signals_replace ? -1 : ways_accept_blocking(listenfd, slot);
}

static void
prepare_lock_file(const struct server *server)
{
    FILE *file = tmpfile(); /* has no name any more: the kernel keeps it while a child lives */

    (void)server;
    if (!file || (lockfd = dup(fileno(file))) == -1) {
        die("lock file");
    }
    fclose(file);
}

/* The kernel releases the lock of a child that dies. */
static int
take_lock_file(int listenfd, struct slot *slot)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int connfd, saved;

    if (fcntl(lockfd, F_SETLKW, &lock) == -1) {
        if (errno != EINTR && errno != ENOLCK) {
            die("lock file");
        }
        return -1;
    }
    connfd = accept_locked(listenfd, slot);
    saved = errno;
    lock.l_type = F_UNLCK;
    while (fcntl(lockfd, F_SETLK, &lock) == -1 && (errno == ENOLCK || errno == EINTR) &&
           !signals_over()) {
        listen_pause(); /* a lock that was kept would keep all others from accepting */
    }
    errno = saved;
    return connfd;
}

static void
prepare_lock_mutex(const struct server *server)
{
    pthread_mutexattr_t attributes;
    int error;

    (void)server;
    mutex = scoreboard_memory(sizeof *mutex);
    if ((error = pthread_mutexattr_init(&attributes)) != 0 ||
        (error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)) != 0 ||
        (error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)) != 0 ||
        (error = pthread_mutex_init(mutex, &attributes)) != 0) {
        die_error(error, "process-shared robust mutex");
    }
    pthread_mutexattr_destroy(&attributes);
}

/* No signal interrupts the wait for a mutex, so the wait ends by itself each second; robust: if the
 * owner dies, the next child gets EOWNERDEAD, and the lock. */
static int
take_lock_mutex(int listenfd, struct slot *slot)
{
    struct timespec end;
    int connfd, error;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    error = pthread_mutex_timedlock(mutex, &end);
    if (error == EOWNERDEAD) {
        error = pthread_mutex_consistent(mutex); /* it protects no data that could be half done */
    }
    if (error == ETIMEDOUT) {
        errno = EINTR; /* look at the flags and come again */
        return -1;
    }
    if (error != 0) {
        die_error(error, "mutex");
    }
    connfd = accept_locked(listenfd, slot);
    error = errno;
    pthread_mutex_unlock(mutex);
    errno = error;
    return connfd;
}

const struct way ways[] = {
    {.name = "accept", .take = ways_accept_blocking},
    {.name = "select", .waits = true, .take = take_select},
    {.name = "poll", .waits = true, .take = take_poll},
    {.name = "lock-file", .prepare = prepare_lock_file, .take = take_lock_file},
    {.name = "lock-mutex", .prepare = prepare_lock_mutex, .take = take_lock_mutex},
    {.name = NULL},
};
