#include "processes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../../common/signals.h"
#include "../figures/snapshot.h"
#include "../report/live.h"
#include "../report/progress.h"
#include "idle.h"
#include "pacing.h"
#include "wait.h"
#include "worker.h"

/* All processes must have passed the gate before the first connection is due. */
enum { LEAD_NS = 2 * 1000 * 1000, LEAD_EACH_NS = 20 * 1000 };

static const struct load *load;
static struct tally *tallies;
static struct totals *totals;
static unsigned living;  /* how many are not yet reaped */
static int gate[2];      /* each process waits until it can read a byte from it */
static int rows[2];      /* the processes' distributions */
static sigset_t waiting; /* the signal mask while this process waits */

static volatile sig_atomic_t stops; /* how many INT and TERM have come */
static int64_t stopped_ns;          /* when the first did */
static volatile sig_atomic_t over;  /* the load is: processes_end() */
static bool told;                   /* the processes have been sent TERM */

/* --- signals --------------------------------------------------------------------------------- */

static void
on_signal(int number)
{
    if (number == SIGCHLD) {
        return; /* it has ended the wait: more is not needed */
    }
    if (over && stops > 0) {
        _exit(EXIT_FAILURE);
    }
    if (stops == 0) {
        stopped_ns = clock_ns();
    }
    if (stops < 2) {
        stops++;
    }
}

void
processes_catch_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGCHLD};
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 3; i++) {
        sigaddset(&action.sa_mask, caught[i]);
    }
    /* Blocked but in pselect(): so no signal can come between a look at `stops` and waiting. */
    sigprocmask(SIG_BLOCK, &action.sa_mask, &waiting);
    for (int i = 0; i < 3; i++) {
        sigdelset(&waiting, caught[i]); /* whoever started us may have left it blocked */
        if (sigaction(caught[i], &action, NULL) == -1) {
            die("sigaction");
        }
    }
    action.sa_handler = SIG_IGN;
    if (sigaction(SIGPIPE, &action, NULL) == -1) {
        die("sigaction");
    }
}

void
processes_end(void)
{
    over = 1;
    sigprocmask(SIG_SETMASK, &waiting, NULL);
}

bool
processes_stopped(void)
{
    return stops > 0;
}

bool
processes_wait(int fd, int64_t until_ns)
{
    int64_t left = until_ns - clock_ns();
    struct timespec moment = {0};
    fd_set readable;
    int ready;

    if (left > 0) {
        moment = (struct timespec){.tv_sec = (time_t)(left / 1000000000),
                                   .tv_nsec = (long)(left % 1000000000)};
    }
    if (fd >= FD_SETSIZE) {
        diex("started with too many open descriptors"); /* no set has room for it */
    }
    FD_ZERO(&readable);
    if (fd >= 0) {
        FD_SET((unsigned)fd, &readable); /* unsigned: for musl's macro and -Wconversion */
    }
    ready =
        pselect(fd + 1, &readable, NULL, NULL, until_ns == INT64_MAX ? NULL : &moment, &waiting);
    if (ready == -1) {
        signals_wait_failed(&waiting);
    }
    return ready > 0;
}

/* --- the client processes -------------------------------------------------------------------- */

static void
send_all(int number)
{
    for (unsigned i = 0; i < load->processes; i++) {
        if (tallies[i].pid > 0 && !tallies[i].reaped) {
            kill(tallies[i].pid, number);
        }
    }
}

/* The first INT or TERM is passed on once, and the processes come to an end by themselves. The
 * second, or a process that does not end, ends them all. */
static void
pass_on_stops(void)
{
    int64_t patience_ns = (int64_t)2 * PACING_GRACE_MS * 1000000;

    if (stops > 0 && !told) {
        told = true;
        send_all(SIGTERM);
    }
    if (stops > 1 || (told && clock_ns() - stopped_ns > patience_ns)) {
        totals->killed = true;
        send_all(SIGKILL);
    }
}

static _Noreturn void
process_main(unsigned number, pid_t parent)
{
    idle_forget();
    close(gate[1]); /* the parent's: if it dies, the process reads the end of the pipe */
    close(rows[0]);
    _exit(worker_main(load, &tallies[number], parent, gate[0], rows[1]));
}

/* Too many processes for this machine: ends those that wait at the gate. */
static _Noreturn void
cannot_start(unsigned number)
{
    warn("cannot start client process %u of %u: this machine is the limit", number + 1,
         load->processes);
    send_all(SIGKILL);
    for (unsigned i = 0; i < load->processes; i++) {
        if (tallies[i].pid > 0) {
            waitpid(tallies[i].pid, NULL, 0);
        }
    }
    exit(STATUS_LIMITED);
}

/* The start of a schedule, or of -d, is a moment from now, for all. */
static void
open_gate(void)
{
    static const char go[PROCESSES_MOST]; /* a byte for each */
    int64_t start = clock_ns();

    if (load_is_timed(load)) {
        start += LEAD_NS + LEAD_EACH_NS * (int64_t)load->processes;
    }
    for (unsigned i = 0; i < load->processes; i++) {
        tallies[i].start_ns = start;
    }
    if (write(gate[1], go, load->processes) != (ssize_t)load->processes) {
        die("cannot start %u client processes", load->processes);
    }
    close(gate[0]); /* only now: if all of them were dead, the pipe would be a broken one */
    close(gate[1]);
}

static void
start_processes(void)
{
    pid_t parent = getpid();

    for (unsigned i = 0; i < load->processes; i++) {
        pid_t pid = fork();

        switch (pid) {
        case -1:
            cannot_start(i);
        case 0:
            process_main(i, parent);
        default:
            tallies[i].pid = pid;
            living++;
            break;
        }
    }
    close(rows[1]);  /* the processes': when they have all ended, the pipe ends */
    pass_on_stops(); /* a signal that came before: they find it behind the gate, and begin nothing
                      */
    open_gate();
}

static void
ended(pid_t pid, int status)
{
    for (unsigned i = 0; i < load->processes; i++) {
        if (tallies[i].pid == pid) {
            tallies[i].reaped = true;
            living--;
            tallies[i].died = !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
            if (tallies[i].started_ns != 0 && tallies[i].ended_ns == 0) {
                /* It could not note its end. The grace after a stop must not dilute the rate. */
                int64_t last_ns = tallies[i].last_ns;

                tallies[i].ended_ns = stops == 0             ? clock_ns()
                                      : last_ns > stopped_ns ? last_ns
                                                             : stopped_ns;
            }
        }
    }
}

static void
reap(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        ended(pid, status);
        idle_died(pid);
    }
}

/* Reads the rows while the processes live: a full pipe would block them. */
static void
watch(void)
{
    bool rows_open = true;

    snapshot_start(load, tallies, tallies[0].start_ns);
    progress_open(load, tallies);
    live_open(load, tallies, tallies[0].start_ns);
    while (living > 0 || rows_open) {
        int64_t look = clock_earlier(progress_due(), snapshot_due());

        look = clock_earlier(look, live_due());
        if (stops > 0) {
            look = clock_earlier(look, clock_ns() + (int64_t)PROGRESS_MS * 1000000);
        }
        if (processes_wait(rows_open ? rows[0] : -1, look)) {
            rows_open = distribution_receive(&totals->distribution, rows[0]);
        }
        reap();
        pass_on_stops();
        progress_print();
        live_print(false);
        if (clock_ns() >= snapshot_due()) {
            snapshot_row(totals, false);
        }
    }
    if (load_is_timed(load)) {
        snapshot_row(totals, true);
    }
    live_print(true);
    progress_close();
    close(rows[0]);
}

void
processes_run(const struct load *asked, struct tally *counts, struct totals *sum)
{
    int spare;

    load = asked;
    tallies = counts;
    totals = sum;
    told = false;
    /* The spare one stays free: the shared memory needs a descriptor for a moment. */
    if (pipe(gate) == -1 || pipe(rows) == -1 || (spare = dup(gate[0])) == -1) {
        warn("cannot start: this machine is the limit");
        exit(STATUS_LIMITED);
    }
    close(spare);
    quota_add(&totals->quota, -1);
    start_processes();
    watch();
    quota_add(&totals->quota, 1);
    idle_note(totals);
    totals->interrupted = stops > 0;
    totals_add_up(totals, load, tallies);
}
