/*
 * poke - does to a server what a script says, and fails at the first thing that is not as it should
 * be; tests/lib/script.h has the steps. Or attacks it, with many connections at a time.
 *
 *     poke [-j SCRIPTS] [-r TIMES] [-k] ADDRESS STEP...
 *     poke -a ATTACK [-j N] [-t TIMES] [-R RATE] [-e MS] [-d SECONDS] ADDRESS
 *     poke -L ADDRESS PROGRAM...     run PROGRAM with a listening socket as descriptor 3
 *     poke -I PROGRAM...             run PROGRAM with signals ignored and blocked, an alarm running
 *     poke -N FD PROGRAM...          run PROGRAM with a non-blocking descriptor FD
 *
 * ADDRESS is 127.0.0.1:PORT, [::1]:PORT or a path. -j and -r run several scripts at a time and
 * several times; -k goes on after a failure, until the server is gone, and counts.
 *
 * An attack's scripts begin anew as often as they end, N at a time, at most TIMES in all and RATE
 * per second; MS is the pause of those that pause. It ends with them, after SECONDS (10), or by
 * TERM; whatever the server does is no failure. On stdout: "in place" when the first N are under
 * way (or after a second), and at the end a line of JSON with what became of them.
 *
 *     silent    connects and sends nothing
 *     dribble   a byte of a request now and then, and never its end: of a line, or (slowloris) of
 *               HTTP's field
 *     keep      a whole request of one byte now and then: a client that stays
 *     sip       asks for 1 GiB, and reads 16 KiB of it now and then
 *     unread    asks for 1 GiB and never reads; every other one shuts down its side, too
 *     pipeline  sends a million requests of 1000 bytes each and never reads
 *     reset     resets: before a byte, in the middle of a line, after a request, in the middle of a
 *               reply, with a reply unread
 *     garbage   64 KiB that are no request: binary, one endless word, escape sequences, zeros, the
 *               first line of HTTP again and again
 *     half      shuts down its side: before a byte, in a line, behind a request, behind nonsense,
 *               in a head of HTTP
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "../../common/options.h"
#include "../lib/process.h"
#include "../lib/script.h"

enum { PLAYS = 5, STEPS = 7, SPARE_FDS = 16, AT_ONCE = 200, LOOK_US = 1000, SECOND_US = 1000000 };

#define GIB "1073741824\\n"
#define MIB "1000000\\n"
#define GET "GET /40 HTTP/1.1\\r\\n"

static const struct attack {
    const char *name;
    const char *const plays[PLAYS][STEPS]; /* by turns */
} attacks[] = {
    {"silent", {{"connect", "gone"}}},
    {"dribble",
     {{"connect", "send:1", "silent", "again:1"},
      {"connect", "send:" GET "x: ", "send:y", "silent", "again:2"}}},
    {"keep", {{"connect", "send:1\\n", "read:1", "silent", "again:1"}}},
    {"sip", {{"buffer:4096", "connect", "send:" GIB, "read:16384", "sleep", "again:3"}}},
    {"unread",
     {{"buffer:4096", "connect", "send:" GIB, "stay"},
      {"buffer:4096", "connect", "send:" GIB, "half", "stay"}}},
    {"pipeline", {{"buffer:4096", "connect", "fill:5000000:1000\\n", "stay"}}},
    {"reset",
     {{"connect", "reset"},
      {"connect", "send:10", "reset"},
      {"connect", "send:" MIB, "reset"},
      {"connect", "send:" MIB, "read:1000", "reset"},
      {"connect", "send:" MIB "1\\n", "more", "close"}}},
    {"garbage",
     {{"connect", "noise:65536", "gone"},
      {"connect", "fill:65536:x", "gone"},
      {"connect", "fill:65536:\033[2J\007\r\n\033", "gone"},
      {"connect", "fill:65536:0 ", "gone"},
      {"connect", "fill:65536:" GET, "gone"}}},
    {"half",
     {{"connect", "half", "gone"},
      {"connect", "send:10", "half", "gone"},
      {"connect", "send:100\\n33\\n", "half", "gone"},
      {"connect", "send:?", "half", "gone"},
      {"connect", "send:" GET, "half", "gone"}}},
};

/* A place for a script, which runs there `left` more times. */
struct lane {
    struct script script;
    bool busy;
    long left;
};

static struct address address;
static const struct attack *attack;   /* NULL: a test */
static const char *const *one_script; /* the test's */
static struct lane *lanes;
static struct pollfd *polled;
static long nlanes = 1, times = 1, most, rate, seconds = 10;
static bool keep_going, any_failed;
static volatile sig_atomic_t stopped;

static struct {
    long opened, connected, failed, finished, hung_up, busy, good, bad;
} total;

/* --- the scripts ----------------------------------------------------------------------------- */

static const char *const *
next_script(void)
{
    int nplays = 0;

    if (!attack) {
        return one_script;
    }
    while (nplays < PLAYS && attack->plays[nplays][0]) {
        nplays++;
    }
    return attack->plays[total.opened % nplays];
}

static void
note_end(struct lane *lane)
{
    const struct script *script = &lane->script;
    bool done = script->outcome == DONE;

    lane->busy = false;
    total.busy--;
    total.connected += script->connected;
    total.failed += !script->connected && !done;
    total.hung_up += script->connected && (script->hung_up || !done);
    total.finished += done && !script->hung_up;
    total.good += done;
    total.bad += !done && !script->refused;
    if (!done && !attack && (!keep_going || script->refused)) {
        lane->left = 0;
    }
    if (!done && !attack && !keep_going) {
        any_failed = true;
        fprintf(stderr, "poke: %.60s: %s\n", script->steps[script->at], script->why);
    }
}

static void
advance(struct lane *lane)
{
    if (script_advance(&lane->script) != BLOCKED) {
        note_end(lane);
    }
}

/* True if there is one that may begin now; not all at once, for the others wait. */
static bool
begin_more(int64_t elapsed_us)
{
    int begun = 0;

    for (long i = 0; i < nlanes; i++) {
        struct lane *lane = &lanes[i];

        if (lane->busy || lane->left == 0 || (most > 0 && total.opened == most)) {
            continue;
        }
        if (begun++ == AT_ONCE || (rate > 0 && total.opened > elapsed_us * rate / SECOND_US)) {
            return true;
        }
        script_begin(&lane->script, &address, next_script());
        lane->busy = true;
        lane->left--;
        total.opened++;
        total.busy++;
        advance(lane);
    }
    return begun > 0;
}

/* Until one of them can go on, or something new may be begun. */
static void
wait_for_any(bool more)
{
    int64_t now = clock_us(), wait_us = more ? LOOK_US : SECOND_US;

    for (long i = 0; i < nlanes; i++) {
        polled[i] = (struct pollfd){.fd = -1};
        if (lanes[i].busy) {
            int64_t left = script_due(&lanes[i].script) - now;

            polled[i] = script_poll(&lanes[i].script);
            wait_us = left < wait_us ? left : wait_us;
        }
    }
    if (poll(polled, (nfds_t)nlanes, wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0) == -1 &&
        errno != EINTR) {
        die("poll");
    }
}

static void
run(void)
{
    int64_t began = clock_us(), now = began;
    bool said = false, more;

    while (!stopped && (!attack || now - began < seconds * (int64_t)SECOND_US) &&
           ((more = begin_more(now - began)) || total.busy > 0)) {
        if (attack && !said && (total.opened >= nlanes || now - began > SECOND_US)) {
            said = true;
            puts("in place");
        }
        fflush(stdout);
        wait_for_any(more);
        now = clock_us();
        for (long i = 0; i < nlanes; i++) {
            if (lanes[i].busy && (polled[i].revents != 0 || now >= script_due(&lanes[i].script))) {
                advance(&lanes[i]);
            }
        }
    }
    for (long i = 0; i < nlanes; i++) {
        total.connected += lanes[i].busy && lanes[i].script.connected;
    }
    if (attack) {
        printf(
            "{\"opened\":%ld,\"connected\":%ld,\"failed\":%ld,\"finished\":%ld,\"hung_up\":%ld}\n",
            total.opened, total.connected, total.failed, total.finished, total.hung_up);
    } else if (keep_going) {
        printf("good %ld failed %ld\n", total.good, total.bad);
    }
}

/* --- other programs -------------------------------------------------------------------------- */

static void
set_address(char *text)
{
    char *colon = strchr(text, '/') ? NULL : strrchr(text, ':');
    int port = colon ? atoi(colon + 1) : 0;

    if (colon) {
        *colon = '\0';
    }
    if (text[0] == '[') {
        text[strlen(text) - 1] = '\0';
        text++;
    }
    address_resolve(&address, text, port);
}

static _Noreturn void
become_listening(char *text, char **program)
{
    set_address(text);
    process_pass_listener(&address);
    execv(program[0], program);
    die("%s", program[0]);
}

static _Noreturn void
become_deaf(char **program)
{
    static const int deaf[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD, SIGALRM, SIGPIPE};
    sigset_t all;

    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++) {
        signal(deaf[i], SIG_IGN);
    }
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    alarm(1); /* rings after exec */
    execv(program[0], program);
    die("%s", program[0]);
}

static _Noreturn void
become_nonblocking(int fd, char **program)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    execv(program[0], program);
    die("%s", program[0]);
}

/* --- the start ------------------------------------------------------------------------------- */

static void
on_stop(int number)
{
    (void)number;
    stopped = 1;
}

static void
choose_attack(const char *name)
{
    struct sigaction action = {.sa_handler = on_stop};

    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        attack = strcmp(attacks[i].name, name) == 0 ? &attacks[i] : attack;
    }
    if (!attack) {
        die_usage("'%.60s': there is no such attack", name);
    }
    times = LONG_MAX;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void
make_room(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* if not, there are fewer */
    if (limit.rlim_cur != RLIM_INFINITY && (rlim_t)nlanes + SPARE_FDS > limit.rlim_cur) {
        diex("-j %ld needs %ld descriptors, and ulimit -Hn is %llu", nlanes, nlanes + SPARE_FDS,
             (unsigned long long)limit.rlim_cur);
    }
    lanes = calloc((size_t)nlanes, sizeof *lanes);
    polled = calloc((size_t)nlanes, sizeof *polled);
    if (!lanes || !polled) {
        die("%ld scripts", nlanes);
    }
    for (long i = 0; i < nlanes; i++) {
        lanes[i].left = times;
        lanes[i].script.mark = clock_us();
    }
}

static void
take_option(int letter, char **rest)
{
    switch (letter) {
    case 'j':
        nlanes = options_number('j', optarg, 1, 100 * 1000);
        break;
    case 'r':
        times = options_number('r', optarg, 1, LONG_MAX);
        break;
    case 'k':
        keep_going = true;
        break;
    case 'a':
        choose_attack(optarg);
        break;
    case 't':
        most = options_number('t', optarg, 1, LONG_MAX);
        break;
    case 'R':
        rate = options_number('R', optarg, 1, SECOND_US);
        break;
    case 'e':
        script_pause_ms = options_number('e', optarg, 1, SECOND_US);
        break;
    case 'd':
        seconds = options_number('d', optarg, 1, 3600);
        break;
    case 'L':
        become_listening(optarg, rest);
    case 'I':
        become_deaf(rest);
    case 'N':
        become_nonblocking(atoi(optarg), rest);
    default:
        exit(2);
    }
}

int
main(int argc, char **argv)
{
    const char *patience = getenv("PATIENCE");
    int letter;

    die_begin(argv[0]);
    while ((letter = getopt(argc, argv, "+j:r:ka:t:R:e:d:L:IN:")) != -1) {
        take_option(letter, argv + optind);
    }
    if (optind >= argc) {
        die_usage("an address is missing");
    }
    set_address(argv[optind]);
    one_script = (const char *const *)argv + optind + 1;
    script_says = true;
    if (attack) {
        script_patience_us = INT64_MAX / 4;
    } else if (patience) {
        script_patience_us = atol(patience) * (int64_t)SECOND_US;
    }
    make_room();
    run();
    return any_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
