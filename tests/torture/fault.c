/*
 * The wrappers. For each function of fault.h the linker calls __wrap_NAME() in place of NAME(),
 * and what NAME() was is __real_NAME(). A call that is to fail does so as the real one would: it
 * has not done its work, except where the standard says otherwise (close, connect and EINTR).
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "hook.h"

int __real_close(int fd);
int __real_open(const char *path, int flags, ...);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

extern char __executable_start; /* the linker's: addresses are told relative to it */

static struct fault_state *state; /* NULL: nothing is to fail */
static bool is_another;           /* program than the one that the driver has started */

/* --- the plan --------------------------------------------------------------------------------- */
static void
enlist(pid_t pid)
{
    unsigned i = atomic_fetch_add(&state->npids, 1);

    if (i < FAULT_PIDS_MOST) {
        atomic_store(&state->pids[i], (int)pid);
    }
}

static bool
is_enlisted(pid_t pid)
{
    unsigned count = atomic_load(&state->npids);

    for (unsigned i = 0; i < count && i < FAULT_PIDS_MOST; i++) {
        if (atomic_load(&state->pids[i]) == (int)pid) {
            return true;
        }
    }
    return false;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv(FAULT_FILE);
    int none = 0;
    int fd;
    void *memory;

    if (!path || (fd = __real_open(path, O_RDWR)) == -1) {
        return;
    }
    memory = __real_mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    __real_close(fd);
    if (memory == MAP_FAILED) {
        return;
    }
    state = memory;
    is_another = !atomic_compare_exchange_strong(&state->main_pid, &none, (int)getpid());
    enlist(getpid());
    hook_stdout();
}

static int
this_process(void)
{
    if (is_another) {
        return FAULT_HANDLER;
    }
    return atomic_load(&state->main_pid) == (int)getpid() ? FAULT_PARENT : FAULT_CHILD;
}

static void
note(enum fault_call call, uint32_t site)
{
    unsigned i = atomic_fetch_add(&state->nlog, 1);

    if (i < FAULT_LOG_MOST) {
        state->log[i].call = (int)call;
        state->log[i].process = this_process();
        state->log[i].site = site;
    }
}

/* Is this the call that was asked for? */
static bool
is_the_one(unsigned count, uint32_t site)
{
    if (state->site != 0) {
        if (state->site != site || state->process != this_process()) {
            return false;
        }
        count = atomic_fetch_add(&state->at_place, 1) + 1;
    }
    return count == (unsigned)state->nth;
}

/* True for the call that was asked for, and, until the time is over, for those that follow. */
static bool
is_due(enum fault_call call, unsigned count, uint32_t site)
{
    static atomic_int hit; /* a forked child counts as well */

    if (state->what == 0 || state->call != (int)call) {
        return false;
    }
    if (is_the_one(count, site)) {
        atomic_store(&state->until_us, clock_us() + (int64_t)state->for_ms * 1000);
        atomic_store(&state->hit_process, this_process());
        atomic_store(&state->hit_site, site);
    } else if (clock_us() >= atomic_load(&state->until_us)) {
        return false;
    }
    if (atomic_exchange(&hit, (int)getpid()) != (int)getpid()) {
        atomic_fetch_add(&state->hit_processes, 1);
    }
    atomic_fetch_add(&state->hits, 1);
    return true;
}

int
hook_fails(enum fault_call call, const void *from)
{
    uint32_t site = (uint32_t)((const char *)from - &__executable_start);
    unsigned count;

    if (!state) {
        return 0;
    }
    count = atomic_fetch_add(&state->counts[call], 1) + 1;
    if (state->logging) {
        note(call, site);
    }
    return is_due(call, count, site) ? state->what : 0;
}

bool
hook_refuses(enum fault_call call, const void *from)
{
    int what = hook_fails(call, from);

    if (what != 0) {
        errno = what;
    }
    return what != 0;
}

/* --- calls that set errno --------------------------------------------------------------------- */
WRAP(int, accept, -1, (int fd, struct sockaddr *to, socklen_t *length), (fd, to, length))
WRAP(int, access, -1, (const char *path, int how), (path, how))
WRAP(void *, aligned_alloc, NULL, (size_t alignment, size_t size), (alignment, size))
WRAP(int, bind, -1, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length))
WRAP(void *, calloc, NULL, (size_t count, size_t size), (count, size))
WRAP(int, dup, -1, (int fd), (fd))
WRAP(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
WRAP(int, fstat, -1, (int fd, struct stat *to), (fd, to))
WRAP(int, ftruncate, -1, (int fd, off_t size), (fd, size))
WRAP(int, getrlimit, -1, (int which, struct rlimit *to), (which, to))
WRAP(int, getsockname, -1, (int fd, struct sockaddr *to, socklen_t *length), (fd, to, length))
WRAP(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *length),
     (fd, level, name, value, length))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, lstat, -1, (const char *path, struct stat *to), (path, to))
WRAP(void *, malloc, NULL, (size_t size), (size))
WRAP(void *, mmap, MAP_FAILED,
     (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
WRAP(int, nanosleep, -1, (const struct timespec *time, struct timespec *left), (time, left))
WRAP(FILE *, open_memstream, NULL, (char **text, size_t *length), (text, length))
WRAP(int, pipe, -1, (int ends[2]), (ends))
WRAP(int, poll, -1, (struct pollfd * polls, nfds_t count, int ms), (polls, count, ms))
WRAP(int, pselect, -1,
     (int count, fd_set *readable, fd_set *writable, fd_set *special, const struct timespec *time,
      const sigset_t *mask),
     (count, readable, writable, special, time, mask))
WRAP(char *, realpath, NULL, (const char *path, char *found), (path, found))
WRAP(void *, realloc, NULL, (void *memory, size_t size), (memory, size))
WRAP(ssize_t, recv, -1, (int fd, void *bytes, size_t length, int flags), (fd, bytes, length, flags))
WRAP(int, select, -1,
     (int count, fd_set *readable, fd_set *writable, fd_set *special, struct timeval *time),
     (count, readable, writable, special, time))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(int, sem_init, -1, (sem_t * semaphore, int shared, unsigned value), (semaphore, shared, value))
WRAP(int, sem_wait, -1, (sem_t * semaphore), (semaphore))
WRAP(int, setenv, -1, (const char *name, const char *value, int replaces), (name, value, replaces))
WRAP(int, setitimer, -1, (int which, const struct itimerval *to, struct itimerval *was),
     (which, to, was))
WRAP(int, setrlimit, -1, (int which, const struct rlimit *to), (which, to))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t length),
     (fd, level, name, value, length))
WRAP(int, shm_open, -1, (const char *name, int flags, mode_t mode), (name, flags, mode))
WRAP(int, shm_unlink, -1, (const char *name), (name))
WRAP(int, shutdown, -1, (int fd, int how), (fd, how))
WRAP(int, sigaction, -1, (int number, const struct sigaction *action, struct sigaction *was),
     (number, action, was))
WRAP(int, socket, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, socketpair, -1, (int family, int type, int protocol, int pair[2]),
     (family, type, protocol, pair))
WRAP(int, stat, -1, (const char *path, struct stat *to), (path, to))
WRAP(long, sysconf, -1, (int name), (name))
WRAP(FILE *, tmpfile, NULL, (void), ())
WRAP(int, unlink, -1, (const char *path), (path))
WRAP(int, unsetenv, -1, (const char *name), (name))

/* --- calls that do their work all the same ---------------------------------------------------- */
/* Linux, FreeBSD and others free the descriptor whatever close() says. */
#define WRAP_DONE(name, failure, type)                                                             \
    WRAPPER(int, name, (type it))                                                                  \
    {                                                                                              \
        int error = hook_fails(FAULT_CALL_##name, FROM);                                           \
        int result = __real_##name(it);                                                            \
                                                                                                   \
        errno = error != 0 ? error : errno;                                                        \
        return error != 0 ? (failure) : result;                                                    \
    }

WRAP_DONE(close, -1, int)
WRAP_DONE(fclose, EOF, FILE *)

/* EINTR: the connection is being made all the same. */
WRAPPER(int, connect, (int fd, const struct sockaddr *to, socklen_t length))
{
    bool failed = hook_refuses(FAULT_CALL_connect, FROM);

    if (!failed) {
        return __real_connect(fd, to, length);
    }
    if (errno == EINTR && to->sa_family != AF_UNIX) {
        __real_connect(fd, to, length);
        errno = EINTR;
    }
    return -1;
}

/* --- calls that return the error number ------------------------------------------------------- */
#define WRAP_NUMBER(name, parameters, arguments)                                                   \
    WRAPPER(int, name, parameters)                                                                 \
    {                                                                                              \
        int error = hook_fails(FAULT_CALL_##name, FROM);                                           \
                                                                                                   \
        return error != 0 ? error : __real_##name arguments;                                       \
    }

WRAP_NUMBER(clock_nanosleep,
            (clockid_t clock, int flags, const struct timespec *time, struct timespec *left),
            (clock, flags, time, left))
WRAP_NUMBER(posix_fallocate, (int fd, off_t offset, off_t size), (fd, offset, size))
WRAP_NUMBER(posix_spawn_file_actions_adddup2,
            (posix_spawn_file_actions_t * actions, int fd, int to), (actions, fd, to))
WRAP_NUMBER(posix_spawn_file_actions_init, (posix_spawn_file_actions_t * actions), (actions))
WRAP_NUMBER(posix_spawnattr_init, (posix_spawnattr_t * attributes), (attributes))
WRAP_NUMBER(posix_spawnattr_setflags, (posix_spawnattr_t * attributes, short flags),
            (attributes, flags))
WRAP_NUMBER(pthread_attr_init, (pthread_attr_t * attributes), (attributes))
WRAP_NUMBER(pthread_attr_setstacksize, (pthread_attr_t * attributes, size_t size),
            (attributes, size))
WRAP_NUMBER(pthread_create,
            (pthread_t * thread, const pthread_attr_t *attributes, void *(*main)(void *),
             void *argument),
            (thread, attributes, main, argument))
WRAP_NUMBER(pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
            (mutex, attributes))
int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *end);
WRAP_NUMBER(pthread_mutex_clocklock,
            (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *end),
            (mutex, clock, end))
WRAP_NUMBER(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *until),
            (mutex, until))
WRAP_NUMBER(pthread_mutexattr_init, (pthread_mutexattr_t * attributes), (attributes))
WRAP_NUMBER(pthread_mutexattr_setpshared, (pthread_mutexattr_t * attributes, int how),
            (attributes, how))
WRAP_NUMBER(pthread_mutexattr_setrobust, (pthread_mutexattr_t * attributes, int how),
            (attributes, how))

/* EAI_SYSTEM leaves the rest to errno. */
WRAPPER(int, getaddrinfo,
        (const char *host, const char *service, const struct addrinfo *hints,
         struct addrinfo **found))
{
    int error = hook_fails(FAULT_CALL_getaddrinfo, FROM);

    if (error == EAI_SYSTEM) {
        errno = EMFILE;
    }
    return error != 0 ? error : __real_getaddrinfo(host, service, hints, found);
}

/* --- calls that may do less than asked -------------------------------------------------------- */
/* The bytes that a call may move, or 0: it fails, and errno says why. */
static size_t
allowance(enum fault_call call, const void *from, size_t length)
{
    int what = hook_fails(call, from);

    if (what == FAULT_SHORT) {
        return length > 1 ? 1 : length;
    }
    if (what != 0) {
        errno = what;
    }
    return what != 0 ? 0 : length;
}

WRAPPER(ssize_t, read, (int fd, void *bytes, size_t length))
{
    size_t allowed = allowance(FAULT_CALL_read, FROM, length);

    return allowed == 0 && length > 0 ? -1 : __real_read(fd, bytes, allowed);
}

WRAPPER(ssize_t, write, (int fd, const void *bytes, size_t length))
{
    size_t allowed;

    if (fd == STDERR_FILENO) {
        return __real_write(fd, bytes, length); /* the last resort: it would hide what is judged */
    }
    allowed = allowance(FAULT_CALL_write, FROM, length);
    return allowed == 0 && length > 0 ? -1 : __real_write(fd, bytes, allowed);
}

WRAPPER(ssize_t, writev, (int fd, const struct iovec *pieces, int count))
{
    int what = hook_fails(FAULT_CALL_writev, FROM);

    if (what == FAULT_SHORT) {
        return __real_write(fd, pieces[0].iov_base, 1);
    }
    if (what != 0) {
        errno = what;
        return -1;
    }
    return __real_writev(fd, pieces, count);
}

/* TRUNC: the message is taken, and the kernel could not store its descriptor. */
WRAPPER(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags))
{
    int what = hook_fails(FAULT_CALL_recvmsg, FROM);
    ssize_t count;

    if (what != 0 && what != FAULT_TRUNC) {
        errno = what;
        return -1;
    }
    count = __real_recvmsg(fd, message, flags);
    if (what == FAULT_TRUNC && count > 0 && CMSG_FIRSTHDR(message)) {
        int passed = *(int *)(void *)CMSG_DATA(CMSG_FIRSTHDR(message));

        __real_close(passed);
        message->msg_controllen = 0;
        message->msg_flags |= MSG_CTRUNC;
    }
    return count;
}

/* --- the others ------------------------------------------------------------------------------- */
/* The parent enlists the child, before it can want to signal it. */
WRAPPER(pid_t, fork, (void))
{
    pid_t pid;

    if (hook_refuses(FAULT_CALL_fork, FROM)) {
        return -1;
    }
    pid = __real_fork();
    if (pid > 0 && state) {
        atomic_fetch_add(&state->started, 1);
        enlist(pid);
    }
    return pid;
}

WRAPPER(int, posix_spawnp,
        (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
         const posix_spawnattr_t *attributes, char *const *arguments, char *const *variables))
{
    int error = hook_fails(FAULT_CALL_posix_spawnp, FROM);

    if (error == 0) {
        error = __real_posix_spawnp(pid, path, actions, attributes, arguments, variables);
    }
    if (error == 0 && state) {
        atomic_fetch_add(&state->started, 1);
        enlist(*pid);
    }
    return error;
}

/* With WNOHANG it does not wait, and its only other error says that no child is left. */
WRAPPER(pid_t, waitpid, (pid_t pid, int *status, int flags))
{
    int told = 0;

    if ((flags & WNOHANG) == 0 && hook_refuses(FAULT_CALL_waitpid, FROM)) {
        return -1;
    }
    pid = __real_waitpid(pid, &told, flags);
    if (pid > 0 && state && (WIFEXITED(told) || WIFSIGNALED(told))) {
        atomic_fetch_add(&state->reaped, 1);
    }
    if (pid > 0 && status) {
        *status = told;
    }
    return pid;
}

/* A program whose fork() has failed and that does not look may signal process -1, which is
 * everybody: this must not happen to the machine that finds it out. So only what this run has
 * started is ever signalled; anything else is refused, and told to the driver. */
WRAPPER(int, kill, (pid_t pid, int number))
{
    if (state && !is_enlisted(pid)) {
        atomic_store(&state->stray_kill, (int)pid);
        errno = EPERM;
        return -1;
    }
    return hook_refuses(FAULT_CALL_kill, FROM) ? -1 : __real_kill(pid, number);
}

static enum fault_call
kind_of_fcntl(int command)
{
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return FAULT_CALL_fcntl_dup;
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK:
        return FAULT_CALL_fcntl_lock;
    default:
        return FAULT_CALL_fcntl;
    }
}

WRAPPER(int, fcntl, (int fd, int command, ...))
{
    va_list arguments;
    void *argument; /* as libc's own fcntl() takes it, whatever it is */

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return hook_refuses(kind_of_fcntl(command), FROM) ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    int mode = 0;

    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    return hook_refuses(FAULT_CALL_open, FROM) ? -1 : __real_open(path, flags, mode);
}
