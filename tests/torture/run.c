/* Processes: starts a program with a plan of what is to fail, hears what it says, sees it end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "../lib/process.h"
#include "torture.h"

enum { RUN_US = 60 * 1000 * 1000, READY_MS = 15000 };

const char *run_programs;
const char *run_directory;
bool run_verbose;

/* The state's file is beside the working directory, which stays empty. */
void
run_open(struct run *run, unsigned worker)
{
    char name[96];
    int fd;

    memset(run, 0, sizeof *run);
    run->out_fd = run->err_fd = -1;
    snprintf(run->directory, sizeof run->directory, "%s/%u", run_directory, worker);
    snprintf(name, sizeof name, "%s.state", run->directory);
    if (mkdir(run->directory, 0700) == -1 && errno != EEXIST) {
        die("%s", run->directory);
    }
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1 || ftruncate(fd, sizeof *run->state) == -1) {
        die("%s", name);
    }
    snprintf(run->path, sizeof run->path, "%s/socket", run->directory);
    run->state = mmap(NULL, sizeof *run->state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (run->state == MAP_FAILED) {
        die("mmap");
    }
    close(fd);
}

void
run_close(struct run *run)
{
    char name[96];

    snprintf(name, sizeof name, "%s.state", run->directory);
    munmap(run->state, sizeof *run->state);
    unlink(name);
    rmdir(run->directory);
}

/* --- starting -------------------------------------------------------------------------------- */

/* Only what an earlier run has told: the log is long, and not read unless it was asked for. */
static void
reset_state(struct fault_state *state, const struct fault *fault, bool logging)
{
    memset(state, 0, offsetof(struct fault_state, log));
    state->call = fault->call;
    state->nth = fault->nth;
    state->what = fault->what;
    state->for_ms = fault->for_ms;
    state->process = fault->process;
    state->site = fault->site;
    state->logging = logging;
}

static long long
stamp_of(const struct stat *status)
{
    return (long long)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* A server that was killed has left its socket's file. */
static void
leave_dead_socket(struct run *run)
{
    struct address address;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat status;

    address_resolve(&address, run->path, 0);
    unlink(run->path);
    if (fd == -1 || bind(fd, &address.any, address.length) == -1 ||
        stat(run->path, &status) == -1) {
        die("%s", run->path);
    }
    close(fd);
    run->dead_socket = stamp_of(&status);
}

bool
run_left_socket(struct run *run)
{
    struct stat status;
    bool left = lstat(run->path, &status) == 0 && stamp_of(&status) != run->dead_socket;

    unlink(run->path);
    return left;
}

static void
set_environment(const struct run *run)
{
    char text[512];

    snprintf(text, sizeof text, "%s.state", run->directory);
    setenv(FAULT_FILE, text, 1);
    snprintf(text, sizeof text, "log_path=%s.report:exitcode=99:handle_abort=1", run->directory);
    setenv("ASAN_OPTIONS", text, 1);
    snprintf(text, sizeof text, "log_path=%s.report:print_stacktrace=1:exitcode=99",
             run->directory);
    setenv("UBSAN_OPTIONS", text, 1);
    setenv("TMPDIR", run->directory, 1);
}

static _Noreturn void
exec_program(const struct run *run, int out, int err)
{
    const struct variant *variant = run->variant;
    const char *arguments[ARGUMENTS_MOST + 4] = {NULL};
    char path[512], port[8];
    int count = 0;

    snprintf(path, sizeof path, "%s/%s", run_programs, variant->program);
    snprintf(port, sizeof port, "%d", run->port);
    arguments[count++] = path;
    for (int i = 0; variant->arguments[i]; i++) {
        arguments[count++] = variant->arguments[i];
    }
    if (variant->flags & IS_CLIENT) {
        arguments[count++] = "-p";
        arguments[count++] = port;
    }
    if (chdir(run->directory) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
        dup2(err, STDERR_FILENO) == -1) {
        die("cannot start %s", path);
    }
    signal(SIGPIPE, SIG_DFL);
    set_environment(run);
    for (int fd = 3; fd < FEW_FDS; fd++) {
        close(fd);
    }
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = FEW_FDS, .rlim_max = FEW_FDS});
    if (variant->flags & INHERITS) {
        struct address any_port;

        address_resolve(&any_port, "127.0.0.1", 0);
        process_pass_listener(&any_port);
    }
    execv(path, (char **)arguments);
    die("%s", path);
}

void
run_start(struct run *run, const struct variant *variant, const struct fault *fault, bool logging)
{
    int out[2], err[2];

    run->variant = variant;
    run->fault = *fault;
    run->out_used = run->err_used = 0;
    run->out[0] = run->err[0] = '\0';
    run->ready = run->ended = run->over_time = false;
    run->status = 0;
    run->tally = (struct tally){.good = 0};
    reset_state(run->state, fault, logging);
    if (pipe(out) == -1 || pipe(err) == -1) {
        die("pipe");
    }
    if (variant->flags & (ON_PATH | SHARES)) {
        leave_dead_socket(run);
    }
    run->began_us = clock_us();
    run->end_by_us = run->began_us + RUN_US;
    fflush(stdout);
    run->pid = fork();
    if (run->pid == -1) {
        die("fork");
    }
    if (run->pid == 0) {
        exec_program(run, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    run->out_fd = out[0];
    run->err_fd = err[0];
}

/* --- hearing --------------------------------------------------------------------------------- */

static bool
read_some(int *fd, char *text, size_t *used, size_t most)
{
    char thrown[4096];
    bool full = *used >= most;
    ssize_t count = read(*fd, full ? thrown : text + *used, full ? sizeof thrown : most - *used);

    if (count <= 0) {
        close(*fd);
        *fd = -1;
        return false;
    }
    *used += full ? 0 : (size_t)count;
    text[*used] = '\0';
    return true;
}

bool
run_listen(struct run *run, int ms)
{
    struct pollfd polls[2] = {{.fd = run->out_fd, .events = POLLIN},
                              {.fd = run->err_fd, .events = POLLIN}};
    bool came = false;

    if (run->out_fd == -1 && run->err_fd == -1) {
        return false;
    }
    if (poll(polls, 2, ms) <= 0) {
        return false;
    }
    if (run->out_fd != -1 && polls[0].revents != 0) {
        came |= read_some(&run->out_fd, run->out, &run->out_used, OUT_MOST);
    }
    if (run->err_fd != -1 && polls[1].revents != 0) {
        came |= read_some(&run->err_fd, run->err, &run->err_used, ERR_MOST);
    }
    return came;
}

static int64_t
children_cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (int64_t)(clock_timeval_us(usage.ru_utime) + clock_timeval_us(usage.ru_stime));
}

/* Its processor time is that of all whom it has itself reaped too. */
bool
run_has_ended(struct run *run)
{
    int64_t before = children_cpu_us();

    if (!run->ended && waitpid(run->pid, &run->status, WNOHANG) == run->pid) {
        run->ended = true;
        run->cpu_us = children_cpu_us() - before;
    }
    return run->ended;
}

static void
find_address(struct run *run)
{
    const char *text = strstr(run->out, ": listening on ");
    const char *end = text ? strstr(text, ", pid ") : NULL;

    if (end) {
        run->ready = true;
        while (*end != ':') {
            end--;
        }
        run->port = atoi(end + 1);
    }
}

bool
run_await_ready(struct run *run)
{
    int64_t end = clock_us() + (int64_t)READY_MS * 1000;

    while (!run->ready && clock_us() < end) {
        bool ended = run_has_ended(run);

        while (run_listen(run, ended ? 0 : 10) && clock_us() < end) {
        }
        find_address(run);
        if (ended) {
            break;
        }
    }
    return run->ready && !run->ended;
}

/* It has ended when nobody holds its standard output any more either. */
bool
run_await_end(struct run *run, int ms)
{
    int64_t end = clock_us() + (int64_t)ms * 1000;

    while (clock_us() < end) {
        while (run_listen(run, 5) && clock_us() < end) {
        }
        if (run_has_ended(run) && run->out_fd == -1 && run->err_fd == -1) {
            return true;
        }
        if (run->out_fd == -1 && run->err_fd == -1) {
            poll(NULL, 0, 2);
        }
    }
    return false;
}

/* --- what is left ---------------------------------------------------------------------------- */

/* Is that process still one of this run's? Its environment tells. */
static bool
is_ours(const struct run *run, int pid)
{
    char name[64], wanted[128];
    char *variable = NULL;
    size_t room = 0;
    FILE *file;
    bool ours = false;

    snprintf(name, sizeof name, "/proc/%d/environ", pid);
    file = fopen(name, "r");
    if (!file) {
        return false;
    }
    snprintf(wanted, sizeof wanted, FAULT_FILE "=%s.state", run->directory);
    while (!ours && getdelim(&variable, &room, '\0', file) != -1) {
        ours = strcmp(variable, wanted) == 0;
    }
    free(variable);
    fclose(file);
    return ours;
}

bool
run_clear(struct run *run)
{
    unsigned count = atomic_load(&run->state->npids);
    bool any = false;

    if (!run->ended) {
        kill(run->pid, SIGKILL);
        while (waitpid(run->pid, &run->status, 0) == -1 && errno == EINTR) {
        }
        run->ended = any = true;
    }
    for (unsigned i = 0; i < count && i < FAULT_PIDS_MOST; i++) {
        int pid = atomic_load(&run->state->pids[i]);

        if (pid != run->pid && is_ours(run, pid)) {
            kill(pid, SIGKILL);
            any = true;
        }
    }
    if (run->out_fd != -1) {
        close(run->out_fd);
    }
    if (run->err_fd != -1) {
        close(run->err_fd);
    }
    run->out_fd = run->err_fd = -1;
    return any;
}

unsigned
run_lines(const char *text, size_t used)
{
    unsigned lines = 0;

    for (size_t i = 0; i < used; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* 0 where the system does not say. */
static unsigned
count_fds(pid_t pid)
{
    char name[64];
    DIR *directory;
    unsigned count = 0;

    snprintf(name, sizeof name, "/proc/%ld/fd", (long)pid);
    directory = opendir(name);
    if (!directory) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

void
run_await_death(struct run *run, pid_t pid)
{
    int64_t end = clock_us() + (int64_t)READY_MS * 1000;
    char state = '\0';

    while (clock_us() < end && process_parent(pid, &state) != 0 && state != 'Z') {
        run_listen(run, 1);
    }
}

void
run_look(struct run *run)
{
    struct tally *tally = &run->tally;
    unsigned count = atomic_load(&run->state->npids);

    tally->main_fds = count_fds(run->pid);
    tally->child_fds = 0;
    tally->zombie = false;
    for (unsigned i = 0; i < count && i < FAULT_PIDS_MOST; i++) {
        int pid = atomic_load(&run->state->pids[i]);
        char state = '\0';
        bool is_child = process_parent(pid, &state) == run->pid; /* not a stranger, with its pid */
        unsigned fds = is_child ? count_fds(pid) : 0;

        tally->child_fds = fds > tally->child_fds ? fds : tally->child_fds;
        tally->zombie |= is_child && state == 'Z';
    }
}
