/*
 * The portable ways to wait for a connection, one short function each: read them side by side.
 * `accept` is the plain one: nothing comes before accept(). select and poll wait first and accept
 * then: all idle children wake for one connection, one gets it, the others have woken in vain: the
 * thundering herd. The two locks let only one child wait at a time, as had to be done where
 * accept() itself woke everybody.
 */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "../common/die.h"
#include "../common/listen.h"
#include "../common/signals.h"

static int lockfd; /* lock-file: an open file without a name */

/* --- select, poll ---------------------------------------------------------------------------- */

static bool
wait_by_select(int listenfd)
{
    fd_set readable;

    FD_ZERO(&readable);
    FD_SET(listenfd, &readable);
    return select(listenfd + 1, &readable, NULL, NULL, NULL) != -1;
}

static bool
wait_by_poll(int listenfd)
{
    struct pollfd watched = {.fd = listenfd, .events = POLLIN};

    if (poll(&watched, 1, -1) == -1) {
        errno = errno == EAGAIN ? ENOMEM : errno; /* of poll(), EAGAIN means that, not "nobody" */
        return false;
    }
    return true;
}

/* --- the locks: only the child that holds it is inside accept() ------------------------------- */

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
static bool
lock_file(int listenfd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    (void)listenfd;
    if (fcntl(lockfd, F_SETLKW, &lock) == -1) {
        if (errno != EINTR && errno != ENOLCK) {
            die("lock file");
        }
        return false;
    }
    return true;
}

static void
unlock_file(void)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    int saved = errno;

    while (fcntl(lockfd, F_SETLK, &lock) == -1 && (errno == ENOLCK || errno == EINTR) &&
           !signals_over()) {
        listen_pause(); /* a lock that was kept would keep all others from accepting */
    }
    errno = saved;
}

#if !defined __APPLE__ && !defined __OpenBSD__ && !defined __NetBSD__

static pthread_mutex_t *mutex; /* in memory that all children share */

/* Of POSIX.1-2024: NULL in an older library. Then the wait is by the clock of the day, and lasts
 * too long when somebody sets that back. */
int pthread_mutex_clocklock(pthread_mutex_t *lock, clockid_t clock, const struct timespec *end);
#pragma weak pthread_mutex_clocklock

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
static bool
lock_mutex(int listenfd)
{
    clockid_t clock = pthread_mutex_clocklock ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    struct timespec end;
    int error;

    (void)listenfd;
    clock_gettime(clock, &end);
    end.tv_sec++;
    error = pthread_mutex_clocklock ? pthread_mutex_clocklock(mutex, clock, &end)
                                    : pthread_mutex_timedlock(mutex, &end);
    if (error == EOWNERDEAD) {
        error = pthread_mutex_consistent(mutex); /* it protects no data that could be half done */
    }
    if (error != 0 && error != ETIMEDOUT) {
        die_error(error, "mutex");
    }
    errno = EINTR; /* the time is over: look at the flags and come again */
    return error == 0;
}

static void
unlock_mutex(void)
{
    pthread_mutex_unlock(mutex); /* (does not touch errno) */
}

#else /* no robust mutexes: a child that died with the lock would keep it for ever */

static void
prepare_lock_mutex(const struct server *server)
{
    (void)server;
    diex("-a lock-mutex: this system has no robust mutexes");
}
#define lock_mutex NULL
#define unlock_mutex NULL

#endif

const struct way ways[] = {
    {.name = "accept"},
    {.name = "select", .wait = wait_by_select},
    {.name = "poll", .wait = wait_by_poll},
    {"lock-file", prepare_lock_file, NULL, NULL, lock_file, unlock_file},
    {"lock-mutex", prepare_lock_mutex, NULL, NULL, lock_mutex, unlock_mutex},
    {.name = NULL},
};
