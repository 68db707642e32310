/*
 * client - the load generator: drives the servers of this suite, and others of their protocol, and
 * tells who served whom, how fast, and what failed.
 *
 * This process forks -c client processes, opens a gate for all of them at once, and waits. Each
 * makes -t connections (drive.c), each connection step by step (visit.c), verifies every byte
 * (check.c), and counts in shared memory, which it alone writes (load.h). At its end it sends
 * through a pipe how often it met which child of the server (distribution.c). This process adds all
 * up (result.c) and prints it (report_text.c, report_json.c).
 *
 * With -W some of the requests ask for work (mix.c). With -M each connection carries a message
 * instead of requests for bytes (frame.c), and with -v the replies are printed (show.c).
 *
 * It is a closed loop: the next connection begins when one has ended. It shows what a server can
 * do, not what users wait for when more of them come than it can serve.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/options.h"
#include "../common/scoreboard.h"
#include "drive.h"
#include "frame.h"
#include "load.h"
#include "mix.h"
#include "progress.h"
#include "report.h"
#include "result.h"
#include "source.h"

static void take_options(int argc, char **argv);
static void take_option(int letter);
static void take_request(int letter);
static void take_message(void);
static void catch_signals(void);
static void raise_descriptors(void);
static void open_pipes(void);
static void open_tallies(void);
static void start_processes(void);
static void watch(void);
static int finish(void);

enum {
    STATUS_LIMITED = 4,
    SPARE_DESCRIPTORS = 16, /* besides those of connections */
    MOST_PROCESSES = 1000,
    MOST_IN_FLIGHT = 65536,
    MOST_COUNT = 1000 * 1000 * 1000,
    MOST_SECONDS = 86400,
    BYTES_DEFAULT = 3000
};

static const char help[] =
    "Makes connections to a server and tells who served them, how fast, and what failed.\n"
    "\n"
    "  -i HOST     address, name, or a path containing '/' for a Unix socket (default 127.0.0.1)\n"
    "  -p PORT     TCP port (default 2000)\n"
    "  -c N        client processes (default 5)\n"
    "  -t N        connections of each process (default 500)\n"
    "  -b BYTES    size of each reply (default 3000)\n"
    "  -k N        requests on each connection, one after the other (default 1)\n"
    "  -W WORK     ask for work, CPU_US[:WAIT_US][@SHARE]: microseconds of processor time, and of\n"
    "              waiting, before the reply, in SHARE of the requests (default 1); up to 7 "
    "times,\n"
    "              and what is left of the requests is plain\n"
    "  -S SEED     which requests -W is for; the same seed is the same choice (default 1)\n"
    "  -M TEXT     send TEXT, or what is in @FILE, as a frame, in place of the line with BYTES\n"
    "  -E TEXT     what the reply to -M must be: TEXT, or what is in @FILE (default: anything)\n"
    "  -m N        connections that each process keeps in flight (default 1)\n"
    "  -T SECONDS  give up on a connection if connecting and a reply take longer (default 10,\n"
    "              0 never); every further request on it has as long again\n"
    "  -o FORMAT   the report as text (default) or json\n"
    "  -q          say only what went wrong\n"
    "  -v          say more: percentiles, client processes; with -M print the replies\n"
    "  -h          this help\n"
    "  -V          the version\n"
    "\n"
    "Every byte of every reply is verified; of replies to -M, if there is -E. Ctrl-C stops the "
    "load\n"
    "and still reports: connections under way get a second, then they count as failed (other); a\n"
    "second Ctrl-C ends at once.\n"
    "Exit status: 0 all good, 1 something failed or was interrupted, 2 wrong usage, 3 nothing "
    "could\n"
    "connect, 4 this machine was the limit.\n"
    "\n"
    "  client -c 15 -t 100 -b 4096            15 processes, 100 connections each\n"
    "  client -c 2 -m 500 -t 5000             1000 connections in flight at a time\n"
    "  client -i ::1 -p 8000 -k 1000 -t 1     few connections, many requests on each\n"
    "  client -i ./server.sock -o json        a Unix socket, a report for programs\n"
    "  client -t 2000 -W 20000@0.01           20 ms of work in 1 % of the requests\n"
    "  client -c 4 -M @question -E @answer    frames, and what must come back\n"
    "  client -q -v -c 1 -t 1 -M hello        one frame, and its reply on stdout\n";

static struct load load = {
    .host = "127.0.0.1",
    .port = 2000,
    .processes = 5,
    .connections = 500,
    .requests = 1,
    .in_flight = 1,
    .timeout_s = 10,
    .mix.seed = 1,
};
static struct tally *tallies; /* load.processes of them, shared */
static struct result result;
static pid_t *pids;      /* the client processes; 0 once reaped */
static unsigned living;  /* how many are not yet reaped */
static int gate[2];      /* each process waits until it can read a byte from it */
static int rows[2];      /* the processes' distributions */
static sigset_t waiting; /* the signal mask while this process waits */

static volatile sig_atomic_t stops; /* how many INT and TERM have come */
static int64_t stopped_ns;          /* when the first did */

int
main(int argc, char **argv)
{
    die_name(argv[0]);
    take_options(argc, argv);
    take_message();
    address_resolve(&load.target, load.host, load.port);
    catch_signals();
    raise_descriptors();
    source_open(&load);
    open_pipes();
    open_tallies();

    start_processes();
    watch();
    return finish();
}

/* --- the command line ------------------------------------------------------------------------ */

static void
take_options(int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, ":i:p:c:t:b:k:W:S:M:E:m:T:o:qvhV")) != -1) {
        take_option(letter);
    }
    options_end(argc, argv);
    mix_end(&load.mix);
}

static void
take_host(const char *host)
{
    if (*host == '\0') {
        die_usage("-i '': an address, a name or a path is allowed");
    }
    load.host = host;
}

static void
take_format(const char *format)
{
    load.json = strcmp(format, "json") == 0;
    if (!load.json && strcmp(format, "text") != 0) {
        die_usage("-o '%s': text or json is allowed", format);
    }
}

/* An option that is for now, not for later, or that is none. */
static _Noreturn void
say_and_leave(int letter)
{
    switch (letter) {
    default:
        options_rest(letter, help);
    }
}

static void
take_option(int letter)
{
    switch (letter) {
    case 'i':
        take_host(optarg);
        break;
    case 'p':
        load.port = (int)options_number('p', optarg, 1, 65535);
        break;
    case 'c':
        load.processes = (unsigned)options_number('c', optarg, 1, MOST_PROCESSES);
        break;
    case 't':
        load.connections = (uint64_t)options_number('t', optarg, 1, MOST_COUNT);
        break;
    case 'm':
        load.in_flight = (unsigned)options_number('m', optarg, 1, MOST_IN_FLIGHT);
        break;
    case 'T':
        load.timeout_s = (int)options_number('T', optarg, 0, MOST_SECONDS);
        break;
    case 'o':
        take_format(optarg);
        break;
    case 'q':
        load.quiet = true;
        break;
    case 'v':
        load.verbose = true;
        break;
    default:
        take_request(letter);
    }
}

/* What is to be asked on each connection. */
static void
take_request(int letter)
{
    switch (letter) {
    case 'b':
        load.bytes = (uint64_t)options_number('b', optarg, 1, CONN_BYTES_MAX);
        break;
    case 'k':
        load.requests = (uint64_t)options_number('k', optarg, 1, MOST_COUNT);
        break;
    case 'W':
        mix_take(&load.mix, optarg);
        break;
    case 'S':
        mix_take_seed(&load.mix, optarg);
        break;
    case 'M':
        load.message = optarg;
        break;
    case 'E':
        load.expected = optarg;
        break;
    default:
        say_and_leave(letter);
    }
}

/* -M and -E, and what goes with them. */
static void
take_message(void)
{
    if (!load.message && load.expected) {
        die_usage("-E '%.60s' without -M: only the reply to a message is compared with it",
                  load.expected);
    }
    if (!load.message) {
        load.bytes = load.bytes > 0 ? load.bytes : BYTES_DEFAULT;
        return;
    }
    if (load.mix.classes > 0) {
        die_usage("-W with -M: a message does not ask for work");
    }
    if (load.bytes > 0) {
        die_usage("-b with -M: a message does not ask for a number of bytes");
    }
    if (load.requests > 1) {
        die_usage("-k with -M: a connection carries one message, only -k 1 is allowed");
    }
    if (load.verbose && fcntl(STDOUT_FILENO, F_GETFD) == -1) {
        die("cannot print the replies"); /* the number would soon be that of a socket */
    }
    frame_open(&load);
}

/* --- before the start ------------------------------------------------------------------------ */

static void
on_signal(int number)
{
    if (number == SIGCHLD) {
        return; /* it has ended the wait: that is all */
    }
    if (stops == 0) {
        stopped_ns = clock_ns();
    }
    if (stops < 2) {
        stops++;
    }
}

/* They stay blocked but while this process waits in pselect(), so none can come between looking at
 * `stops` and waiting. */
static void
catch_signals(void)
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
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* As many as are allowed, if they are needed. If they do not suffice, the report says so. */
static void
raise_descriptors(void)
{
    rlim_t needed = (rlim_t)load.in_flight + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max > needed ? needed : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void
open_pipes(void)
{
    int spare;

    /* The spare one is what the shared memory needs for a moment. */
    if (pipe(gate) == -1 || pipe(rows) == -1 || (spare = dup(gate[0])) == -1) {
        warn("cannot start: this machine is the limit");
        exit(STATUS_LIMITED);
    }
    close(spare);
    if (rows[0] >= FD_SETSIZE) {
        diex("started with too many open descriptors"); /* pselect() could not watch the pipe */
    }
}

/* The processes find it at the same address. */
static void
open_works(void)
{
    size_t classes = load.mix.classes;
    struct histogram *next =
        scoreboard_memory(load.processes * TRUST_KINDS * classes * sizeof *next);

    for (unsigned i = 0; i < load.processes; i++) {
        for (int trust = 0; trust < TRUST_KINDS; trust++) {
            tallies[i].works[trust] = next;
            next += classes;
        }
    }
}

static void
open_tallies(void)
{
    pids = calloc(load.processes, sizeof *pids);
    if (!pids) {
        die("no memory for %u client processes", load.processes);
    }
    tallies = scoreboard_memory(load.processes * sizeof *tallies);
    for (unsigned i = 0; i < load.processes; i++) {
        tallies[i].number = i;
    }
    if (load.mix.classes > 0) {
        open_works();
    }
}

/* --- the client processes -------------------------------------------------------------------- */

static void
send_all(int number)
{
    for (unsigned i = 0; i < load.processes; i++) {
        if (pids[i] > 0) {
            kill(pids[i], number);
        }
    }
}

static _Noreturn void
process_main(unsigned number, pid_t parent)
{
    close(gate[1]); /* the parent's: if it dies, the gate's end is read, not a byte */
    close(rows[0]);
    _exit(drive(&load, &tallies[number], parent, gate[0], rows[1]));
}

/* Too many processes for this machine: those that wait at the gate never begin. */
static _Noreturn void
cannot_start(unsigned number)
{
    warn("cannot start client process %u of %u: this machine is the limit", number + 1,
         load.processes);
    send_all(SIGKILL);
    while (wait(NULL) > 0 || errno == EINTR) {
        /* one less */
    }
    exit(STATUS_LIMITED);
}

static void
open_gate(void)
{
    static const char go[MOST_PROCESSES]; /* a byte for each */

    if (write(gate[1], go, load.processes) != (ssize_t)load.processes) {
        die("cannot start %u client processes", load.processes);
    }
    close(gate[0]); /* only now: should all of them be dead, it must not be a broken pipe */
    close(gate[1]);
}

static void
start_processes(void)
{
    pid_t parent = getpid();

    for (unsigned i = 0; i < load.processes; i++) {
        pids[i] = fork();
        switch (pids[i]) {
        case -1:
            cannot_start(i);
        case 0:
            process_main(i, parent);
        default:
            tallies[i].pid = pids[i];
            living++;
            break;
        }
    }
    close(rows[1]); /* the processes': when they have all ended, the pipe ends */
    open_gate();
}

/* The end of a process that did not live to say it: the rate is not to suffer from the grace. */
static int64_t
latest(int64_t last_ns)
{
    return last_ns > stopped_ns ? last_ns : stopped_ns;
}

static void
ended(pid_t pid, int status)
{
    for (unsigned i = 0; i < load.processes; i++) {
        if (pids[i] == pid) {
            pids[i] = 0;
            living--;
            tallies[i].died = !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
            if (tallies[i].started_ns != 0 && tallies[i].ended_ns == 0) {
                tallies[i].ended_ns = stops > 0 ? latest(tallies[i].last_ns) : clock_ns();
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
    }
}

/* The first INT or TERM is passed on once, and the processes come to an end by themselves. The
 * second, or a process that does not end, ends them all. */
static void
pass_on_stops(void)
{
    static bool told;
    int64_t patience_ns = (int64_t)2 * DRIVE_GRACE_MS * 1000000;

    if (stops > 0 && !told) {
        told = true;
        send_all(SIGTERM);
    }
    if (stops > 1 || (told && clock_ns() - stopped_ns > patience_ns)) {
        result.killed = true;
        send_all(SIGKILL);
    }
}

/* Waits for rows, for the end of a process, for a signal or for the next progress line. True if
 * there are rows. */
static bool
wait_for_news(bool rows_open)
{
    struct timespec moment = {.tv_nsec = PROGRESS_MS * 1000000L};
    bool timed = progress_shown() || stops > 0;
    fd_set readable;

    FD_ZERO(&readable);
    if (rows_open) {
        FD_SET((unsigned)rows[0], &readable); /* unsigned: for musl's macro and -Wconversion */
    }
    return pselect(rows[0] + 1, &readable, NULL, NULL, timed ? &moment : NULL, &waiting) > 0;
}

/* Reads the rows while the processes live: a full pipe would block them. */
static void
watch(void)
{
    bool rows_open = true;

    progress_open(&load, tallies);
    while (living > 0 || rows_open) {
        if (wait_for_news(rows_open)) {
            rows_open = distribution_receive(&result.distribution, rows[0]);
        }
        reap();
        pass_on_stops();
        progress_print();
    }
    progress_close();
    close(rows[0]);
}

/* --- the report ------------------------------------------------------------------------------ */

/* The replies that -v was to print, if that has failed. */
static void
look_at_output(void)
{
    for (unsigned i = 0; i < load.processes; i++) {
        if (tallies[i].unshown != 0) {
            die_error(tallies[i].unshown, "cannot print the replies");
        }
    }
}

static int
finish(void)
{
    result.interrupted = stops > 0;
    result_add_up(&result, &load, tallies);
    if (load.json) {
        report_json(&load, &result, tallies);
    } else {
        report_text(&load, &result, tallies);
    }
    if (fflush(stdout) == EOF || ferror(stdout)) {
        die("cannot write the report");
    }
    look_at_output();
    distribution_close(&result.distribution);
    free(pids);
    return result_status(&result);
}
