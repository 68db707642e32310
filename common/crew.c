#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum {
    SECOND_US = 1000 * 1000,
    ORPHAN_MS = 2000 /* for a request when the distributor has died */
};

struct crew crew = {.ready_us = CREW_READY_US};

/* (The "--" itself makes room for the handler's name.) */
int
crew_arguments(int argc, char **argv)
{
    static char *alone[2];
    int ours = 1;

    while (ours < argc && strcmp(argv[ours], "--") != 0) {
        ours++;
    }
    crew.arguments = ours < argc ? &argv[ours] : alone;
    return ours;
}

/* (What stands on the board: see docs/handlers.md.) */
void
crew_open(struct server *server, const char *program, unsigned seats)
{
    const struct options *options = &server->options;
    size_t size = board_size(seats);

    crew.server = server;
    crew.program = crew.arguments[0] = (char *)program;
    crew.boardfd = scoreboard_object(size);
    crew.board = scoreboard_map(crew.boardfd, size);
    crew.board->magic = BOARD_MAGIC;
    crew.board->seats = seats;
    crew.board->distributor = (int32_t)getpid();
    crew.board->timeout_ms = (int32_t)((options->timeout_us + 999) / 1000); /* 0 would be never */
    crew.board->grace_ms =
        options->grace_us < ORPHAN_MS * 1000 ? (int32_t)(options->grace_us / 1000) : ORPHAN_MS;
    crew.board->verbose = options->verbose;
    crew.pool = pool_open(seats);
    crew.pool->wanted = (unsigned)options->children;
    crew.pool->spawned = true;
}

unsigned
crew_state(unsigned number)
{
    return atomic_load(&crew.board->seat[number].state);
}

bool
crew_stays(unsigned number)
{
    return crew.pool->child[number].pid != 0 && !crew.pool->child[number].asked;
}

bool
crew_takes(unsigned number)
{
    return pool_takes(crew.pool, number) && crew_state(number) != HANDLER_FINISHING;
}

/* --- starting -------------------------------------------------------------------------------- */

void
crew_starts(unsigned number)
{
    atomic_store(&crew.board->seat[number].state, HANDLER_STARTING);
}

/* If it could not be started, pool_started() sees to it that it is tried again. */
void
crew_started(unsigned number, pid_t pid)
{
    if (pid == -1) {
        if (!crew.there && errno != EAGAIN && errno != ENOMEM) {
            die("-e '%.200s'", crew.program);
        }
        atomic_store(&crew.board->seat[number].state, HANDLER_FREE);
    }
    pool_started(crew.pool, number, pid);
}

static void
kill_handler(unsigned number, const char *why)
{
    if (!crew.there) {
        diex("handler %s %s", crew.program, why);
    }
    warnx("handler %u, pid %ld, %s: killed", number, (long)crew.pool->child[number].pid, why);
    crew.pool->child[number].told = SIGKILL;
    kill(crew.pool->child[number].pid, SIGKILL);
}

bool
crew_notice_ready(void)
{
    struct pool *pool = crew.pool;
    int64_t late = clock_us() - crew.ready_us;
    unsigned before = pool->starting;

    for (unsigned i = 1; pool->starting > 0 && i <= crew.pool->highest; i++) {
        if (pool->child[i].pid == 0 || pool->child[i].ready) {
            continue;
        }
        if (crew_state(i) != HANDLER_STARTING) {
            pool_ready(pool, i);
        } else if (pool->child[i].started <= late && pool->child[i].told != SIGKILL) {
            kill_handler(i, "is not ready in time");
        }
    }
    crew.there = crew.there || (pool->starting == 0 && pool->alive > 0);
    return pool->starting < before;
}

/* --- leaving and ending ---------------------------------------------------------------------- */

/* A handler leaves because it was asked, or by itself (-R). If it serves nobody it must have left
 * when the grace is over; a busy one cannot leave yet, so its grace begins with the first turn that
 * sees it idle, however late that turn comes. */
void
crew_look_at_leaving(void)
{
    int64_t grace_us = crew.server->options.grace_us;
    int64_t now = clock_us(), late = now - (grace_us > SECOND_US ? grace_us : SECOND_US);

    for (unsigned i = 1; i <= crew.pool->highest; i++) {
        struct pool_child *child = &crew.pool->child[i];

        if (crew_stays(i) && crew_state(i) == HANDLER_FINISHING) {
            pool_ask(crew.pool, i, 0);
        } else if (child->stopped || crew_state(i) == HANDLER_WORKING) {
            child->asked = child->asked != 0 ? INT64_MAX : 0;
        } else if (child->asked == INT64_MAX) {
            child->asked = now;
        } else if (child->pid != 0 && child->asked != 0 && child->asked < late &&
                   child->told != SIGKILL) {
            kill_handler(i, "does not leave");
        }
    }
}

/* What is to be said of a handler's end, besides what pool_ended() says of a loss. */
static void
judge(unsigned number, int status)
{
    const struct pool_child *child = &crew.pool->child[number];
    bool killed = WIFSIGNALED(status);

    if (crew_state(number) == HANDLER_FINISHING) {
        pool_ask(crew.pool, number, 0); /* -R: it has served its term */
    }
    if (child->asked || signals_stop) {
        return;
    }
    if (!crew.there) {
        diex("handler %s %s %d before it was ready", crew.program,
             killed ? "died of signal" : "ended with status",
             killed ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    if (status == 0) {
        warnx("handler %u, pid %ld, %s", number, (long)child->pid,
              child->ready ? "left by itself" : "ended before it was ready");
    }
}

unsigned
crew_reap(int *status)
{
    unsigned number = pool_reap(crew.pool, status);

    if (number != 0) {
        judge(number, *status);
    }
    return number;
}

void
crew_vacate(unsigned number, unsigned received)
{
    struct seat *seat = &crew.board->seat[number];

    atomic_store(&seat->received, received);
    atomic_store(&seat->done, received);
    atomic_store(&seat->state, HANDLER_FREE);
}
