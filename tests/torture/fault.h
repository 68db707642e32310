/*
 * fault - what the torture's driver and the programs it tortures have in common: the calls that can
 * be made to fail, with what; and a piece of memory through which the driver says which, and hears
 * what became of it.
 *
 * A program is linked with fault.c and with the linker's --wrap for each function here that fault.c
 * wraps, from the same sources and with the same flags otherwise; the sources know nothing of it.
 * The memory is a file named in the environment (FAULT_FILE); every process maps it when it begins,
 * and forked ones inherit it. Without that variable nothing is different.
 */
#ifndef TORTURE_FAULT_H
#define TORTURE_FAULT_H

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_FILE "FAULT_FILE"

/*
 * X(call, what it may fail with, as its page in POSIX.1-2008 has it, and Linux's where that knows
 * more). Behind a "!" stands what only a mistake in the program brings about: then it may end,
 * saying so. SHORT: fewer bytes than there are or than there is room for. TRUNC: the message has
 * lost its descriptor, for the table was full. `fcntl` is counted apart for what it does; `stdout`
 * is the write(2) inside of stdio; epoll and io_uring are Linux's; `waitpid` is one that waits, for
 * no signal interrupts it with WNOHANG.
 */
#define FAULT_CALLS(X)                                                                             \
    X(accept, "EINTR EAGAIN ECONNABORTED EPROTO EMFILE ENFILE ENOBUFS ENOMEM EPERM ENETDOWN "      \
              "ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH EOPNOTSUPP ENETUNREACH ETIMEDOUT "        \
              "!EBADF !EINVAL !ENOTSOCK")                                                          \
    X(accept4, "EINTR EAGAIN ECONNABORTED EPROTO EMFILE ENFILE ENOBUFS ENOMEM EPERM ENETDOWN "     \
               "ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH EOPNOTSUPP ENETUNREACH ETIMEDOUT "       \
               "!EBADF !EINVAL !ENOTSOCK")                                                         \
    X(access, "EACCES ENOENT EIO ENOMEM")                                                          \
    X(aligned_alloc, "ENOMEM")                                                                     \
    X(bind, "EACCES EADDRINUSE EADDRNOTAVAIL ENOBUFS ENOMEM EROFS !EBADF !EINVAL")                 \
    X(calloc, "ENOMEM")                                                                            \
    X(clock_nanosleep, "EINTR")                                                                    \
    X(close, "EINTR EIO ENOSPC")                                                                   \
    X(connect, "ECONNREFUSED EINTR EAGAIN ECONNRESET ETIMEDOUT ENETUNREACH EHOSTUNREACH "          \
               "EADDRNOTAVAIL EADDRINUSE EACCES EPERM ENOBUFS !EBADF")                             \
    X(dup, "EMFILE !EBADF")                                                                        \
    X(epoll_create1, "EMFILE ENFILE ENOMEM")                                                       \
    X(epoll_ctl, "ENOMEM ENOSPC !EBADF")                                                           \
    X(epoll_pwait, "EINTR !EBADF")                                                                 \
    X(epoll_wait, "EINTR !EBADF")                                                                  \
    X(fclose, "EIO ENOSPC EINTR")                                                                  \
    X(fcntl, "EPERM EINTR !EBADF !EINVAL")                                                         \
    X(fcntl_dup, "EMFILE !EBADF")                                                                  \
    X(fcntl_lock, "EINTR ENOLCK EDEADLK EAGAIN !EBADF")                                            \
    X(fopen, "EACCES EMFILE ENFILE ENOSPC ENOMEM")                                                 \
    X(fork, "EAGAIN ENOMEM")                                                                       \
    X(fstat, "EIO EOVERFLOW !EBADF")                                                               \
    X(ftruncate, "EINTR EIO EFBIG")                                                                \
    X(getaddrinfo, "EAI_AGAIN EAI_FAIL EAI_MEMORY EAI_NONAME EAI_SYSTEM")                          \
    X(getrlimit, "!EINVAL")                                                                        \
    X(getsockname, "ENOBUFS !EBADF")                                                               \
    X(getsockopt, "ENOBUFS ENOMEM !EBADF")                                                         \
    X(io_uring_enter, "EINTR EAGAIN EBUSY ENOMEM !EBADF")                                          \
    X(io_uring_register, "ENOMEM EINVAL")                                                          \
    X(io_uring_setup, "EPERM ENOSYS EINVAL EMFILE ENFILE ENOMEM")                                  \
    X(kill, "ESRCH EPERM")                                                                         \
    X(listen, "EADDRINUSE EACCES ENOBUFS !EBADF")                                                  \
    X(lstat, "EACCES EIO ENOENT ENOMEM")                                                           \
    X(malloc, "ENOMEM")                                                                            \
    X(memfd_create, "EMFILE ENFILE ENOMEM")                                                        \
    X(mmap, "EAGAIN ENOMEM EMFILE EACCES")                                                         \
    X(nanosleep, "EINTR")                                                                          \
    X(open, "EACCES EINTR EMFILE ENFILE ENOENT ENOSPC")                                            \
    X(open_memstream, "ENOMEM EMFILE")                                                             \
    X(pipe, "EMFILE ENFILE")                                                                       \
    X(poll, "EINTR EAGAIN ENOMEM !EINVAL")                                                         \
    X(posix_fallocate, "ENOSPC EINTR EIO EFBIG EOPNOTSUPP")                                        \
    X(posix_spawnp, "EAGAIN ENOMEM EACCES ENOENT ETXTBSY EMFILE")                                  \
    X(posix_spawn_file_actions_adddup2, "ENOMEM !EBADF")                                           \
    X(posix_spawn_file_actions_init, "ENOMEM")                                                     \
    X(posix_spawnattr_init, "ENOMEM")                                                              \
    X(posix_spawnattr_setflags, "!EINVAL")                                                         \
    X(pselect, "EINTR ENOMEM !EBADF !EINVAL")                                                      \
    X(pthread_attr_init, "ENOMEM")                                                                 \
    X(pthread_attr_setstacksize, "EINVAL")                                                         \
    X(pthread_create, "EAGAIN !EINVAL")                                                            \
    X(pthread_mutex_init, "EAGAIN ENOMEM EPERM")                                                   \
    X(pthread_mutex_clocklock, "ETIMEDOUT EAGAIN EDEADLK ENOTRECOVERABLE !EINVAL")                 \
    X(pthread_mutex_timedlock, "ETIMEDOUT EAGAIN EDEADLK ENOTRECOVERABLE !EINVAL")                 \
    X(pthread_mutexattr_init, "ENOMEM")                                                            \
    X(pthread_mutexattr_setpshared, "ENOTSUP")                                                     \
    X(pthread_mutexattr_setrobust, "ENOTSUP")                                                      \
    X(read, "EINTR EAGAIN ECONNRESET ETIMEDOUT EIO ENOBUFS ENOMEM SHORT !EBADF")                   \
    X(realpath, "EACCES ENOENT EIO ENOMEM")                                                        \
    X(realloc, "ENOMEM")                                                                           \
    X(recv, "EINTR EAGAIN ECONNRESET ETIMEDOUT ENOBUFS ENOMEM !EBADF")                             \
    X(recvmsg, "EINTR EAGAIN ECONNRESET ENOBUFS ENOMEM TRUNC !EBADF")                              \
    X(select, "EINTR ENOMEM !EBADF !EINVAL")                                                       \
    X(sem_init, "ENOSPC")                                                                          \
    X(sem_wait, "EINTR")                                                                           \
    X(sendmsg, "EINTR EAGAIN ECONNRESET EPIPE ENOBUFS ENOMEM ETOOMANYREFS !EBADF")                 \
    X(setenv, "ENOMEM !EINVAL")                                                                    \
    X(setitimer, "!EINVAL")                                                                        \
    X(setrlimit, "EPERM !EINVAL")                                                                  \
    X(setsockopt, "ENOBUFS ENOMEM ENOPROTOOPT !EBADF !EINVAL")                                     \
    X(shm_open, "EACCES EEXIST EINTR EMFILE ENFILE ENOSPC")                                        \
    X(shm_unlink, "EACCES ENOENT")                                                                 \
    X(shutdown, "ENOTCONN ENOBUFS !EBADF")                                                         \
    X(sigaction, "!EINVAL")                                                                        \
    X(socket, "EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS ENOMEM")                                  \
    X(socketpair, "EMFILE ENFILE ENOBUFS ENOMEM EAFNOSUPPORT")                                     \
    X(stdout, "EIO ENOSPC EPIPE EAGAIN EINTR")                                                     \
    X(stat, "EACCES ENOENT EIO EOVERFLOW")                                                         \
    X(sysconf, "!EINVAL")                                                                          \
    X(tmpfile, "EMFILE ENFILE ENOSPC EINTR ENOMEM")                                                \
    X(unlink, "EACCES EBUSY EPERM EROFS")                                                          \
    X(unsetenv, "ENOMEM")                                                                          \
    X(waitpid, "EINTR")                                                                            \
    X(write, "EINTR EAGAIN EPIPE ECONNRESET EIO ENOSPC ENOBUFS SHORT !EBADF")                      \
    X(writev, "EINTR EAGAIN EPIPE ECONNRESET EIO ENOBUFS ENOMEM ENETDOWN SHORT !EBADF")

#define FAULT_NUMBER(name, errors) FAULT_CALL_##name,
enum fault_call { FAULT_CALLS(FAULT_NUMBER) FAULT_CALLS_COUNT };
#undef FAULT_NUMBER

/* Instead of an error number. */
enum { FAULT_SHORT = 100001, FAULT_TRUNC = 100002 };

enum { FAULT_LOG_MOST = 8192, FAULT_PIDS_MOST = 512 };

/* What the driver has started, what that forked, or another program that it started: a handler,
 * whose addresses mean something else. */
enum fault_process { FAULT_PARENT, FAULT_CHILD, FAULT_HANDLER };

/* A call that was made: which, in which kind of process, and from where in its program. */
struct fault_record {
    int call;
    int process;
    uint32_t site; /* the return address, from the program's start */
};

struct fault_state {
    /* Set by the driver before the program starts. */
    int call, nth, what; /* the nth call of `call`, from 1, fails with `what`; 0: none fails */
    int process;         /* of those that are made in such a process, and from this place; */
    uint32_t site;       /* 0: wherever */
    int for_ms;          /* and then all of them that follow for so long */
    int logging;         /* note every call in the log */
    /* Told by the processes. */
    atomic_int main_pid;
    atomic_uint counts[FAULT_CALLS_COUNT]; /* calls made */
    atomic_uint at_place;                  /* those that `nth` counts */
    atomic_int hits;                       /* calls that failed */
    atomic_uint hit_processes;             /* in so many processes */
    atomic_int hit_process;                /* of the first */
    atomic_uint hit_site;
    atomic_llong until_us;       /* of the first, and for_ms */
    atomic_int stray_kill;       /* a process that is none of the run's, and was to be signalled */
    atomic_uint started, reaped; /* children */
    atomic_uint npids;
    atomic_int pids[FAULT_PIDS_MOST]; /* all processes, also those that have ended */
    atomic_uint nlog;
    struct fault_record log[FAULT_LOG_MOST];
};

#endif
