#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/clock.h"

enum { STOP_US = 1000 * 1000 }; /* for a row's process to end its helpers, when it is told to */

static sigset_t waiting; /* the signal mask while this process waits */
static volatile sig_atomic_t stops;

static void
on_signal(int number)
{
    if (number != SIGCHLD && stops < 2) { /* SIGCHLD has ended the wait: that is all */
        stops++;
    }
}

/* They stay blocked but while this process waits in pselect(), so none can come between looking at
 * `stops` and waiting. */
void
run_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ours, &waiting);
    sigdelset(&waiting, SIGINT); /* whoever started us may have left some blocked */
    sigdelset(&waiting, SIGTERM);
    sigdelset(&waiting, SIGCHLD);
    action.sa_mask = ours;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
}

bool
run_stopped(void)
{
    sigset_t pending;

    sigpending(&pending);
    return stops > 0 || sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

void
run_measure(const struct row *row, const struct bench *setup)
{
    bench_open(setup);
    row->measure(row->argument);
    bench_report();
}

/* --- waiting --------------------------------------------------------------------------------- */

/* True when the result can be read; false when the time is over, or a signal has come. */
static bool
readable(int fd, int64_t left_us)
{
    struct timespec moment = clock_timespec(left_us > 0 ? left_us : 0);
    fd_set set;

    if (fd >= FD_SETSIZE) {
        diex("started with too many open descriptors"); /* no set has room for it */
    }
    FD_ZERO(&set);
    FD_SET((unsigned)fd, &set); /* unsigned: for musl's macro and -Wconversion */
    return pselect(fd + 1, &set, NULL, NULL, &moment, &waiting) > 0;
}

/* Says how it ended, if it has; it stays to be reaped, so that its number remains its own. */
static bool
has_ended(pid_t leader, struct bench_result *result)
{
    siginfo_t info = {.si_pid = 0};

    if (waitid(P_PID, (id_t)leader, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0) {
        return false;
    }
    snprintf(result->why, sizeof result->why, "its process has ended, %s %d",
             info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    return true;
}

/* Reads the result; or says why there is none. False if limits has been stopped. */
static bool
await_result(pid_t leader, int fd, int64_t until, struct bench_result *result)
{
    while (!readable(fd, until - clock_us())) {
        int64_t now = clock_us();

        if (stops > 0) {
            return false;
        }
        if (now >= until) {
            snprintf(result->why, sizeof result->why, "it hangs: no result in time");
            return true;
        }
        if (has_ended(leader, result) && !readable(fd, 0)) {
            return true; /* it has not sent its result just before */
        }
    }
    if (read(fd, result, sizeof *result) != sizeof *result) {
        *result = (struct bench_result){.outcome = BENCH_FAILED, .n = 1, .why = "no result"};
    }
    return true;
}

/* First it may end its helpers itself, for only their parent can reap them. */
static void
ask_to_end(pid_t leader, int fd)
{
    int64_t until = clock_us() + STOP_US;
    struct bench_result unused;

    kill(leader, SIGTERM);
    while (stops < 2 && clock_us() < until && !has_ended(leader, &unused)) {
        readable(fd, 10 * 1000); /* SIGCHLD ends it; a result would not matter any more */
        if (readable(fd, 0)) {
            break; /* it has one: its helpers are reaped */
        }
    }
}

/* The group exists as long as its leader is not reaped. */
static void
end_group(pid_t leader)
{
    kill(-leader, SIGKILL);
    while (waitpid(leader, NULL, 0) == -1 && errno == EINTR) {
    }
}

/* --- a row ----------------------------------------------------------------------------------- */

static _Noreturn void
child_main(const struct row *row, const struct bench *setup, const int report[2])
{
    struct bench own = *setup;

    setpgid(0, 0);
    close(report[0]); /* the parent's */
    own.report_fd = report[1];
    run_measure(row, &own);
}

/* Starts the row's process; 0, and why, if that fails. */
static pid_t
start_leader(const struct row *row, const struct bench *setup, const int report[2],
             struct bench_result *result)
{
    pid_t leader;

    fflush(stdout); /* so that the child has nothing of it to write again */
    leader = fork();
    switch (leader) {
    case -1:
        snprintf(result->why, sizeof result->why, "fork: %s", strerror(errno));
        return 0;
    case 0:
        child_main(row, setup, report);
    default:
        setpgid(leader, leader); /* here too: whoever comes first */
        return leader;
    }
}

bool
run_row(const struct row *row, const struct bench *setup, struct bench_result *result)
{
    int64_t until = clock_us() + setup->duration_us + BENCH_PATIENCE_S * 1000000;
    bool known = true;
    int report[2];
    pid_t leader;

    *result = (struct bench_result){.outcome = BENCH_FAILED, .n = 1};
    if (pipe(report) == -1) {
        snprintf(result->why, sizeof result->why, "pipe: %s", strerror(errno));
        return true;
    }
    /* Programs that the row spawns are not to hold it. */
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    leader = start_leader(row, setup, report, result);
    if (leader > 0) {
        known = await_result(leader, report[0], until, result);
        if (!known) {
            ask_to_end(leader, report[0]);
        }
        end_group(leader);
    }
    close(report[0]);
    close(report[1]);
    return known;
}
