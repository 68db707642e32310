#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"

enum { PROGRAMS_MOST = 128, AGAIN_US = 500 * 1000, KILL_US = 700 * 1000 };

struct message {
    pid_t pid;
    bool runs;
};

static pid_t guardian;
static int channel; /* watch writes, the guardian reads; a message is shorter than PIPE_BUF */

static void
nap(int64_t us)
{
    const struct timespec pause = clock_timespec(us);

    nanosleep(&pause, NULL);
}

/* The servers end by TERM within their grace, and by a second one at once; so does the client. A
 * stopped one must go on first. What is left then is killed, with all its children. */
static void
end_all(const pid_t *pids, int count)
{
    static const int64_t pauses_us[] = {AGAIN_US, KILL_US};

    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < count; i++) {
            if (kill(-pids[i], 0) == 0) { /* while the group lives, its number is nobody else's */
                kill(pids[i], SIGCONT);
                kill(pids[i], SIGTERM);
            }
        }
        nap(count > 0 ? pauses_us[turn] : 0);
    }
    for (int i = 0; i < count; i++) {
        kill(-pids[i], SIGKILL);
    }
}

static void
note(pid_t *pids, int *count, const struct message *message)
{
    if (message->runs && *count < PROGRAMS_MOST) {
        pids[(*count)++] = message->pid;
        return;
    }
    for (int i = 0; i < *count; i++) {
        if (pids[i] == message->pid) {
            pids[i] = pids[--*count];
        }
    }
}

/* It leaves the terminal's group, so that Ctrl-C does not end it before watch. */
static _Noreturn void
guardian_main(int reader)
{
    pid_t pids[PROGRAMS_MOST];
    struct message message;
    ssize_t length;
    int count = 0, nowhere = open("/dev/null", O_RDWR);

    setsid();
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) { /* who waits for their end need not */
        dup2(nowhere, fd);
    }
    close(nowhere);
    while ((length = read(reader, &message, sizeof message)) != 0) {
        if (length == (ssize_t)sizeof message) {
            note(pids, &count, &message);
        }
    }
    end_all(pids, count);
    _exit(EXIT_SUCCESS);
}

void
guardian_start(void)
{
    int ends[2];

    if (pipe(ends) == -1) {
        die("pipe");
    }
    switch (guardian = fork()) {
    case -1:
        die("fork");
    case 0:
        close(ends[1]); /* else it would never read the end of the file */
        guardian_main(ends[0]);
    default:
        close(ends[0]);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        channel = ends[1];
    }
}

void
guardian_tell(pid_t pid, bool runs)
{
    struct message message;

    memset(&message, 0, sizeof message);
    message.pid = pid;
    message.runs = runs;
    if (write(channel, &message, sizeof message) == -1 && errno != EPIPE) {
        die("guardian");
    }
}

bool
guardian_gone(void)
{
    int status;

    if (guardian > 0 && waitpid(guardian, &status, WNOHANG | WUNTRACED) == guardian) {
        if (WIFSTOPPED(status)) { /* it would read nothing, and watch wait for it at the end */
            kill(guardian, SIGCONT);
            return false;
        }
        guardian = 0;
        warnx("the guardian, which ends the services when watch is killed, has died: stopping");
    }
    return guardian == 0;
}

void
guardian_end(void)
{
    close(channel);
    if (guardian > 0) {
        kill(guardian, SIGCONT);
        waitpid(guardian, NULL, 0);
    }
}
