#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/clock.h"

enum { TICK_US = 500 * 1000 };

/* What getrusage(2) has counted, of the process itself and of the children it has reaped. */
struct usage {
    double cpu_us;
    double switches;
    double faults;
};

_Static_assert(sizeof(struct bench_result) <= _POSIX_PIPE_BUF, "a result comes in one piece");

static struct {
    pid_t pids[BENCH_N_MOST];
    unsigned count;
} helpers[BENCH_ROLES];

struct bench bench;
volatile sig_atomic_t bench_over;

static struct bench_result result;
static struct scoreboard board;
static int gate[2];                   /* those who ask wait until they can read a byte from it */
static pid_t limits;                  /* the parent, whose death to notice */
static volatile sig_atomic_t left;    /* ticks until the time is over */
static volatile sig_atomic_t stopped; /* by limits: nobody wants the result */
static int64_t started_us;
static struct usage own_before, others_before;

/* --- the time -------------------------------------------------------------------------------- */

static void
on_signal(int number)
{
    if (getppid() != limits) {
        kill(0, SIGKILL); /* the whole group, and this process with it */
    }
    if (number == SIGTERM) {
        stopped = 1;
        bench_over = 1;
    } else if (--left == 0) {
        bench_over = 1;
    }
}

void
bench_open(const struct bench *setup)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t ours;

    bench = *setup;
    limits = getppid();
    sigemptyset(&ours);
    sigaddset(&ours, SIGALRM);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGCHLD);
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
    if (pipe(gate) == -1) {
        bench_fail("pipe");
    }
}

static struct usage
used_by(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (struct usage){
        .cpu_us = (double)(clock_timeval_us(usage.ru_utime) + clock_timeval_us(usage.ru_stime)),
        .switches = (double)usage.ru_nvcsw,
        .faults = (double)usage.ru_minflt,
    };
}

/* The timer rings in equal parts of the time, none longer than a tick. */
static void
start_timer(void)
{
    int64_t ticks = (bench.duration_us + TICK_US - 1) / TICK_US;
    int64_t each_us = bench.duration_us / ticks;
    struct timeval each = {.tv_sec = (time_t)(each_us / 1000000),
                           .tv_usec = (suseconds_t)(each_us % 1000000)};
    struct itimerval timer = {.it_interval = each, .it_value = each};

    left = (sig_atomic_t)ticks;
    if (setitimer(ITIMER_REAL, &timer, NULL) == -1) {
        bench_fail("setitimer");
    }
}

void
bench_start(unsigned n)
{
    static const char go[BENCH_N_MOST]; /* a byte for each */

    result.n = n;
    own_before = used_by(RUSAGE_SELF);
    others_before = used_by(RUSAGE_CHILDREN);
    start_timer();
    started_us = clock_us();
    if (write(gate[1], go, helpers[BENCH_ASKS].count) != (ssize_t)helpers[BENCH_ASKS].count) {
        bench_fail("write to the gate");
    }
}

static double
sum_of_counters(void)
{
    double sum = 0;

    for (unsigned i = 0; i < board.children; i++) {
        sum += (double)counter_get(bench_counter(i));
    }
    return sum;
}

double
bench_watch(void)
{
    sigset_t ours, before;

    /* Blocked but while it sleeps, so that none comes between looking and sleeping. */
    sigemptyset(&ours);
    sigaddset(&ours, SIGALRM);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    while (!bench_over || (sum_of_counters() < 1 && !stopped)) {
        sigsuspend(&before);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return sum_of_counters();
}

/* --- helpers --------------------------------------------------------------------------------- */

/* No handler of the leader's: the helper is killed, or its alarm ends it. */
static _Noreturn void
run_helper(enum bench_role role, void (*helper_main)(unsigned), unsigned number)
{
    char byte;

    signal(SIGALRM, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    alarm((unsigned)(bench.duration_us / 1000000) + 2 * BENCH_PATIENCE_S);
    if (role == BENCH_ASKS && read(gate[0], &byte, 1) != 1) {
        bench_fail("read from the gate");
    }
    helper_main(number);
    _exit(EXIT_SUCCESS);
}

void
bench_helper(enum bench_role role, void (*helper_main)(unsigned), unsigned number)
{
    pid_t pid = fork();

    switch (pid) {
    case -1:
        bench_fail("fork of helper %u", number + 1);
    case 0:
        run_helper(role, helper_main, number);
    default:
        helpers[role].pids[helpers[role].count++] = pid;
    }
}

void
bench_counters(unsigned count)
{
    scoreboard_open(&board, count);
}

counter *
bench_counter(unsigned number)
{
    return &board.slots[number + 1].connections;
}

/* Nobody has told them to end, so one that has ended did not do its part. */
static void
expect_alive(enum bench_role role)
{
    for (unsigned i = 0; i < helpers[role].count; i++) {
        if (waitpid(helpers[role].pids[i], NULL, WNOHANG) != 0) {
            errno = 0;
            bench_fail("a helper process has died");
        }
    }
}

static void
end_helpers(enum bench_role role)
{
    for (unsigned i = 0; i < helpers[role].count; i++) {
        kill(helpers[role].pids[i], SIGKILL);
    }
    for (unsigned i = 0; i < helpers[role].count; i++) {
        waitpid(helpers[role].pids[i], NULL, 0);
    }
}

/* --- the result ------------------------------------------------------------------------------ */

void
bench_stop(double count)
{
    struct usage own = used_by(RUSAGE_SELF);

    result.elapsed_us = (double)(clock_us() - started_us);
    result.count = count;
    result.cpu_us = own.cpu_us - own_before.cpu_us;
    result.switches = own.switches - own_before.switches;
    result.faults = own.faults - own_before.faults;
}

static _Noreturn void
send_result(int status)
{
    /* If nobody reads it any more, limits has ended: there is nobody to tell. */
    _exit(write(bench.report_fd, &result, sizeof result) == sizeof result ? status : EXIT_FAILURE);
}

/* First those who ask: an answer that nobody awaits is no failure, but an unanswered question is.
 * What the others have used by then cannot be seen before they are reaped in turn. */
void
bench_report(void)
{
    struct usage asked, all;

    expect_alive(BENCH_ASKS);
    expect_alive(BENCH_ANSWERS);
    end_helpers(BENCH_ASKS);
    asked = used_by(RUSAGE_CHILDREN);
    end_helpers(BENCH_ANSWERS);
    all = used_by(RUSAGE_CHILDREN);
    result.answer_cpu_us = all.cpu_us - asked.cpu_us;
    result.cpu_us += all.cpu_us - others_before.cpu_us;
    result.switches += all.switches - others_before.switches;
    result.faults += all.faults - others_before.faults;
    if (result.count < 0) {
        result.count = result.switches;
        result.answer_cpu_us = 0;
    }
    errno = 0;
    if (result.count <= 0) {
        bench_fail("not once in %.3f s", result.elapsed_us / 1e6);
    }
    send_result(EXIT_SUCCESS);
}

static void explain(enum bench_outcome outcome, const char *format, va_list arguments)
    DIE_PRINTF(2, 0);

static void
explain(enum bench_outcome outcome, const char *format, va_list arguments)
{
    int error = errno;
    size_t used;

    result = (struct bench_result){.outcome = outcome, .n = 1};
    vsnprintf(result.why, sizeof result.why, format, arguments);
    used = strlen(result.why);
    if (error != 0) {
        snprintf(result.why + used, sizeof result.why - used, ": %s", strerror(error));
    }
}

void
bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    explain(BENCH_FAILED, format, arguments);
    va_end(arguments);
    send_result(EXIT_FAILURE);
}

void
bench_unavailable(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    explain(BENCH_UNAVAILABLE, format, arguments);
    va_end(arguments);
    send_result(EXIT_FAILURE);
}

/* --- sockets --------------------------------------------------------------------------------- */

int
bench_listen(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int listenfd = socket(AF_INET, SOCK_STREAM, 0);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (listenfd == -1 || bind(listenfd, (const struct sockaddr *)address, length) == -1 ||
        listen(listenfd, SOMAXCONN) == -1 ||
        getsockname(listenfd, (struct sockaddr *)address, &length) == -1) {
        bench_fail("a listening socket on 127.0.0.1");
    }
    return listenfd;
}

int
bench_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1 || connect(fd, (const struct sockaddr *)address, sizeof *address) == -1) {
        bench_fail("connect");
    }
    return fd;
}
