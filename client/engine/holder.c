#include "holder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/die.h"
#include "idle.h"
#include "../report/progress.h"
#include "processes.h"

static unsigned asked;
static struct held *held; /* shared; NULL without -H */
static pid_t pid;
static bool died;       /* before its time */
static int end_pipe[2]; /* while this process has the other side open, the holder holds */

static _Noreturn void
cannot_start(void)
{
    warn("cannot start the process that holds idle connections: this machine is the limit");
    exit(RUN_STATUS_LIMITED);
}

void
holder_start(const struct load *load)
{
    int ready[2];

    if (load->held == 0) {
        return;
    }
    asked = load->held;
    held = scoreboard_memory(sizeof *held);
    if (pipe(ready) == -1 || pipe(end_pipe) == -1) {
        cannot_start();
    }
    pid = fork();
    switch (pid) {
    case -1:
        cannot_start();
    case 0:
        close(ready[0]);
        close(end_pipe[1]); /* the parent's: when it is closed, or the parent dead, this one ends */
        _exit(hold(load, held, ready[1], end_pipe[0]));
    default:
        close(ready[1]);
        close(end_pipe[0]);
        break;
    }
    progress_say(load, "opening the idle connections of -H");
    while (!run_wait(ready[0], INT64_MAX) && !run_stopped()) {
        /* a byte, or the end of the pipe if it has died */
    }
    close(ready[0]);
}

void
holder_forget(void)
{
    if (held) {
        close(end_pipe[1]);
    }
}

void
holder_note(struct result *result)
{
    if (held) {
        result->held = (struct result_held){
            .asked = asked,
            .opened = counter_get(&held->opened),
            .closed = counter_get(&held->closed),
            .failed = counter_get(&held->failed),
            .least = counter_get(&held->least),
            .open = counter_get(&held->open),
            .error = held->error,
            .died = died,
        };
    }
    if (died) { /* then nobody has counted that all are gone */
        result->held.open = result->held.least = 0;
    }
}

void
holder_died(pid_t dead)
{
    died = died || (held && dead == pid);
}

void
holder_end(void)
{
    if (held) {
        close(end_pipe[1]);
        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
            /* if it has died before, it may have been reaped: then this fails too */
        }
        held = NULL;
    }
}
