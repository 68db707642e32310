/*
 * What a program promises (DESIGN sections 5 to 8), asked of one trial. What holds for every call
 * stands in judge() and what it calls; where a call is special, the table below says what
 * is promised instead, and why.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../lib/json.h"
#include "torture.h"

enum {
    CHILD_LINES_MOST = 2,
    LINES_MOST = 8, /* warnings, those for the killed child included */
    /* More calls than usual: a loop that waits for a second child; server05's look at 4096
     * descriptors, if sysconf() does not say how many there may be. */
    CALLS_SPARE = 5000,
    HITS_MOST = 60,  /* within for_ms: the pauses are of 100 ms, children are a few */
    ASKS_MOST = 300, /* the same of server05's poll(), which asks and never waits: some for each
                      * connection that is served meanwhile; a spin makes thousands */
    CPU_SPARE_US = 1500 * 1000
};

/* --- special cases --------------------------------------------------------------------------- */

enum promise_flags {
    MAY_FAIL = 1,    /* the program does its work, and ends with status 1, having said why */
    MAY_END = 2,     /* it may end at once with status 1, having said why */
    NO_CAUSE = 4,    /* its message need not contain what errno means */
    NO_REPORT = 8,   /* no statistics */
    LEAVES = 16,     /* a file */
    LEAVES_LOCK = 32 /* PATH.lock of a Unix socket */
};

static const struct promise {
    const char *program; /* the start of the variant's name; "" is any server */
    const char *call;
    const char *errors; /* NULL: all */
    int flags;
    unsigned lost; /* connections */
    const char *reason;
} promises[] = {
#include "promises.h"
};

static struct promise
promise_of(const struct run *run)
{
    const char *call = name_of_call(run->fault.call);
    const char *error = name_of_error(run->fault.what);

    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        const struct promise *each = &promises[i];

        if (strncmp(run->variant->name, each->program, strlen(each->program)) == 0 &&
            has_word(each->call, call) && (!each->errors || has_word(each->errors, error))) {
            return *each;
        }
    }
    return (struct promise){.flags = 0};
}

/* --- problems -------------------------------------------------------------------------------- */

static char *where;

static void problem(const char *format, ...) DIE_PRINTF(1, 2);

static void
problem(const char *format, ...)
{
    size_t used = strlen(where);
    va_list arguments;

    if (used > 0 && used + 3 < PROBLEMS_MOST) {
        used += (size_t)snprintf(where + used, PROBLEMS_MOST - used, "; ");
    }
    va_start(arguments, format);
    vsnprintf(where + used, PROBLEMS_MOST - used, format, arguments);
    va_end(arguments);
    for (char *end; (end = strchr(where, '\n')) != NULL;) {
        *end = '|';
    }
}

/* --- the report ------------------------------------------------------------------------------ */

/* The last line of standard output, if it is an object, as lines (json.h); else NULL. */
static char *
last_object(const struct run *run)
{
    const char *line, *wrong;

    if (run->out_used == 0 || run->out[run->out_used - 1] != '\n') {
        return NULL;
    }
    line = run->out + run->out_used - 1;
    while (line > run->out && line[-1] != '\n') {
        line--;
    }
    return *line == '{' ? json_lines(line, &wrong) : NULL;
}

/* The sum of these numbers; -1: there is none. */
static long long
number_in(const char *object, const char *path)
{
    long long sum = 0;
    bool any = false;

    for (const char *at = object, *number; (number = json_find(&at, path)) != NULL; any = true) {
        sum += atoll(number);
    }
    return any ? sum : -1;
}

/* --- what it says ---------------------------------------------------------------------------- */

/* The line of a sanitizer's report that says what it is. LeakSanitizer says of a process that is
 * killed while it looks for leaks that it could not get registers: that is no report. */
static void
judge_report_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[200] = "";
    bool found = false, killed = false;

    while (!found && file && fgets(line, sizeof line, file)) {
        found = strstr(line, "ERROR") || strstr(line, "runtime error");
        killed = killed || strstr(line, "Unable to get registers from thread");
    }
    if (found || !killed) {
        problem("a sanitizer's report: %s", line);
    }
    if (file) {
        fclose(file);
    }
}

/* The files in a directory whose names begin so: reports of sanitizers, or such as must not be left
 * behind. One whose path has that in it is spared. They are removed. */
static void
judge_files(const char *in, const char *name, bool reports, const char *spared)
{
    DIR *directory = opendir(in);
    struct dirent *entry;
    char path[512];

    while (directory && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, name, strlen(name)) != 0 || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%.200s", in, entry->d_name);
        if (reports) {
            judge_report_file(path);
        } else if (!spared || !strstr(path, spared)) {
            problem("left behind: %s", path);
        }
        if (unlink(path) == -1) {
            problem("cannot remove %s: %s", path, strerror(errno));
        }
    }
    if (directory) {
        closedir(directory);
    }
}

/* Reports, files in the working directory, a Unix socket, shared memory. */
static void
judge_remains(struct run *run, const struct promise *promise)
{
    char name[96];
    bool gave_up = !run->ready || run->fault.mistake; /* the next server claims the file */

    snprintf(name, sizeof name, "%s.report", strrchr(run->directory, '/') + 1);
    judge_files(run_directory, name, true, NULL);
    if (run_left_socket(run) && !(promise->flags & LEAVES) && !gave_up) {
        problem("left behind: the socket's file");
    }
    judge_files(run->directory, "", false, promise->flags & LEAVES_LOCK ? "/socket.lock" : NULL);
    snprintf(name, sizeof name, "scoreboard.%ld.", (long)run->pid);
    judge_files("/dev/shm", name, false, promise->flags & LEAVES ? "" : NULL);
}

/* DESIGN 7: one warning, from each process that it happens to, however often. */
static void
judge_warnings(const struct run *run)
{
    const char *text = text_of_error(run->fault.what);
    unsigned processes = atomic_load(&run->state->hit_processes), lines = 0;

    if (run->fault.what == 0 || *text == '\0') {
        return;
    }
    for (const char *at = run->err; (at = strstr(at, text)) != NULL; at += strcspn(at, "\n")) {
        lines++;
    }
    if (lines > processes) {
        problem("%u lines about it, from %u processes: %.600s", lines, processes, run->err);
    }
}

/* Every line on standard error begins with the program's name, or its handler's. */
static void
judge_lines(const struct run *run)
{
    const char *name = run->variant->program;

    for (const char *line = run->err; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        bool named = strncmp(line, name, strlen(name)) == 0 || strncmp(line, "handler_", 8) == 0;

        if (!named || line[length] != '\n') {
            problem("on standard error: %.*s", (int)(length < 100 ? length : 100), line);
            return;
        }
        line += length + 1;
    }
    if (run_lines(run->err, run->err_used) > LINES_MOST) {
        problem("%u lines on standard error", run_lines(run->err, run->err_used));
    }
}

static void
judge_cause(const struct run *run, const struct promise *promise)
{
    unsigned lines = run_lines(run->err, run->err_used);
    bool in_child = atomic_load(&run->state->hit_process) != FAULT_PARENT;
    unsigned most = in_child ? CHILD_LINES_MOST : 1; /* its own, and the parent's about it */

    if (lines == 0) {
        problem("ends with status 1 without a word");
    } else if (lines > most && !run->ready) {
        problem("%u lines where one says it: %.100s", lines, run->err);
    }
    if (!(promise->flags & NO_CAUSE) && !strstr(run->err, text_of_error(run->fault.what))) {
        problem("does not say why: %.100s", run->err);
    }
}

/* --- servers --------------------------------------------------------------------------------- */

static void
judge_count(const char *object, const char *name, unsigned least, unsigned most)
{
    long long count = number_in(object, name);

    if (count < least || count > most) {
        problem("%lld %s counted, and not %u to %u", count, name, least, most);
    }
}

static void
judge_statistics(const struct run *run)
{
    static const char *const sums[] = {"connections", "requests", "bytes", "wasted_wakeups"};
    const struct tally *tally = &run->tally;
    char *object = last_object(run), path[32];

    if (!object) {
        problem("no statistics at the end: %.60s", run->out);
        return;
    }
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        long long rows;

        snprintf(path, sizeof path, "children.*.%s", sums[i]);
        rows = number_in(object, path);
        if (number_in(object, sums[i]) != rows && number_in(object, "children.#") != 0) {
            problem("%s: %lld in all, but the children have %lld", sums[i],
                    number_in(object, sums[i]), rows);
        }
    }
    judge_count(object, "requests", tally->answered, tally->asked);
    judge_count(object, "connections", tally->good, tally->connections);
    free(object);
}

/* Whom it signals; and with status 0, it has waited for all whom it has started. */
static void
judge_processes(const struct run *run)
{
    int pid = atomic_load(&run->state->stray_kill);

    unsigned started = atomic_load(&run->state->started);
    unsigned reaped = atomic_load(&run->state->reaped);

    if (started != reaped && WIFEXITED(run->status) && WEXITSTATUS(run->status) == EXIT_SUCCESS) {
        problem("%u children were started, %u waited for", started, reaped);
    }
    if (pid != 0) {
        problem("would have signalled process %d, which is none of its own", pid);
    }
}

static void
judge_effort(const struct run *run, const struct usual *usual)
{
    bool asks = run->fault.call == FAULT_CALL_poll &&
                strcmp(run->variant->program, "server05_spawn_pool") == 0;
    int most = asks ? ASKS_MOST : HITS_MOST;
    unsigned sum = 0;

    for (int i = 0; i < FAULT_CALLS_COUNT; i++) {
        sum += atomic_load(&run->state->counts[i]);
    }
    if (usual->calls_sum > 0 && sum > 3 * usual->calls_sum + CALLS_SPARE) {
        problem("spins: %u calls, %u usually", sum, usual->calls_sum);
    }
    if (run->fault.for_ms > 0 && atomic_load(&run->state->hits) > most) {
        problem("spins: the failing call was made %d times in %d ms",
                atomic_load(&run->state->hits), run->fault.for_ms);
    }
    if (usual->calls_sum > 0 && run->cpu_us > 3 * usual->cpu_us + CPU_SPARE_US) {
        problem("%.2f s of processor time, %.2f s usually", (double)run->cpu_us / 1e6,
                (double)usual->cpu_us / 1e6);
    }
}

/* It never said that it listens. */
static void
judge_set_up(const struct run *run, const struct promise *promise)
{
    if (atomic_load(&run->state->hits) == 0) {
        problem("not ready, though nothing failed: %.100s", run->err);
    }
    if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != EXIT_FAILURE) {
        problem("status 0x%x where set-up fails", (unsigned)run->status);
    }
    judge_cause(run, promise);
}

static void
judge_clients(const struct run *run, const struct promise *promise)
{
    const struct tally *tally = &run->tally;
    unsigned lost = promise->lost + (run->fault.mistake ? 1 : 0);

    if (tally->wrong > 0) {
        problem("wrong: %s", tally->note);
    }
    if (tally->hung > 0) {
        problem("stuck: %s", tally->note);
    }
    if (tally->lost > lost) {
        problem("%u connections lost, %u allowed: %s", tally->lost, lost, tally->note);
    }
    if (tally->not_served) {
        problem("nobody is served any more");
    }
}

static void
judge_serving(const struct run *run, const struct usual *usual, const struct promise *promise)
{
    const struct tally *tally = &run->tally;
    int status = WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1;

    judge_clients(run, promise);
    if (tally->ended_early) {
        problem("ended while it was used, status 0x%x: %.100s", (unsigned)run->status, run->err);
    }
    if (status == EXIT_FAILURE && promise->flags & MAY_FAIL) {
        judge_cause(run, promise);
    } else if (status != EXIT_SUCCESS) {
        problem("status 0x%x when stopped: %.200s", (unsigned)run->status, run->err);
    }
    if (status == EXIT_SUCCESS || !(promise->flags & NO_REPORT)) {
        judge_statistics(run);
    }
    if (tally->no_report && !(promise->flags & NO_REPORT)) {
        problem("USR1: no statistics");
    }
    if (usual->calls_sum > 0 && usual->main_fds > 0 &&
        (tally->main_fds > usual->main_fds || tally->child_fds > usual->child_fds)) {
        problem("%u and in a child %u descriptors, usually %u and %u", tally->main_fds,
                tally->child_fds, usual->main_fds, usual->child_fds);
    }
    if (tally->zombie) {
        problem("a zombie");
    }
}

static void
judge_server(const struct run *run, const struct usual *usual, const struct promise *promise)
{
    bool may_end = (promise->flags & MAY_END) != 0;
    bool gave_up = WIFEXITED(run->status) && WEXITSTATUS(run->status) == EXIT_FAILURE &&
                   atomic_load(&run->state->hits) > 0;

    if (!run->ready) {
        judge_set_up(run, promise);
    } else if (gave_up && (run->fault.mistake || (may_end && run->tally.ended_early))) {
        judge_cause(run, promise);
    } else {
        judge_serving(run, usual, promise);
    }
}

/* --- the client ------------------------------------------------------------------------------ */

/* Failures are in no histogram, and no request took longer than the whole. */
static void
judge_report(const struct run *run, int status, const struct promise *promise)
{
    static const char *const equal[][2] = {{"failed", "errors.*"},
                                           {"requests", "service_us.count"}};
    char *object = last_object(run);
    long long scheduled, completed, failed, unsent;

    if (!object) {
        problem("no report: %.60s", run->out);
        return;
    }
    scheduled = number_in(object, "scheduled");
    completed = number_in(object, "completed");
    failed = number_in(object, "failed");
    unsent = number_in(object, "unsent");
    if (scheduled != completed + failed + unsent) {
        problem("scheduled %lld, but completed %lld, failed %lld, unsent %lld", scheduled,
                completed, failed, unsent);
    }
    for (int i = 0; i < 2; i++) {
        long long all = number_in(object, equal[i][0]), sum = number_in(object, equal[i][1]);

        if (all != sum || sum < 0) {
            problem("%s: %lld, but %s: %lld", equal[i][0], all, equal[i][1], sum);
        }
    }
    if (number_in(object, "service_us.max") > (number_in(object, "seconds") + 1) * 1000000) {
        problem("a request of %lld us, in less than %lld s", number_in(object, "service_us.max"),
                number_in(object, "seconds") + 1);
    }
    if (status == EXIT_SUCCESS && completed != scheduled) {
        problem("status 0, but %lld of %lld completed", completed, scheduled);
    }
    if (failed > 1 + promise->lost + run->fault.mistake && run->fault.for_ms == 0) {
        problem("%lld connections failed", failed);
    }
    free(object);
}

static void
judge_client(const struct run *run, const struct promise *promise)
{
    int status = WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1;

    if (!WIFSIGNALED(run->status) && status != 0 && status != 1 && status != 3 && status != 4) {
        problem("status %d", status);
    }
    if (run->out_used == 0 && (status == 1 || status == 4)) {
        judge_cause(run, promise);
    } else if (!(run->variant->flags & SAYS_TEXT) &&
               (status == EXIT_SUCCESS || !(promise->flags & NO_REPORT))) {
        judge_report(run, status, promise);
    } else if (status == EXIT_SUCCESS && run->out_used == 0) {
        problem("status 0, but no report");
    }
}

void
judge(struct run *run, const struct usual *usual, char problems[PROBLEMS_MOST])
{
    struct promise promise = promise_of(run);

    where = problems;
    where[0] = '\0';
    if (run_clear(run) || run->over_time) {
        problem("something is left running");
    }
    if (WIFSIGNALED(run->status)) {
        problem("died of signal %d", WTERMSIG(run->status));
    }
    if (run->variant->flags & IS_CLIENT) {
        judge_client(run, &promise);
    } else {
        judge_server(run, usual, &promise);
    }
    judge_effort(run, usual);
    judge_processes(run);
    judge_lines(run);
    judge_warnings(run);
    judge_remains(run, &promise);
}
