/*
 * disturb - kills, stops and continues a server's children and sends it signals, on a schedule that
 * a seed decides: what tests/stress/chaos does to a server while clients load it.
 *
 *     disturb [-n] -S SEED -N NAME -d SECONDS -k KIND,KIND... [-r RATE] [PID]
 *
 * The schedule is made of SEED, NAME, SECONDS, KINDs and RATE (actions per second, default 12) and
 * of nothing else: -n prints it. The same seed does the same things at the same times; whom they
 * hit depends on who is there then (a victim is drawn as a fraction of the children, in the order
 * of their pids), and what that child was doing, on the kernel's timing, which no seed repeats.
 *
 *     kill         SIGKILL for a child           kill-all      for all of them at once
 *     stop         a child stops for 20 to 250 ms
 *     stop-server  the server itself does, for 20 to 120 ms
 *     replace      HUP for the server            report        USR1
 *     more         TTIN                          fewer         TTOU
 *
 * Prints a line for everything it does: seconds, what, to which pid. A zombie that the server has
 * not reaped for two seconds is told too, as "zombie". Whatever it has stopped it continues before
 * it ends, also when it is told to end. Exit status 1: the server has gone.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "../../common/options.h"
#include "../lib/process.h"

enum action { KILL, KILL_ALL, STOP, STOP_SERVER, REPLACE, REPORT, MORE, FEWER, KINDS };

enum {
    SECOND_US = 1000 * 1000,
    LOOK_US = 100 * 1000, /* between two looks for zombies */
    ZOMBIE_US = 2 * SECOND_US,
    CHILDREN_MOST = 4096,
    STOPPED_MOST = 256, /* at a time: 1000 a second, for a quarter of one */
    RATE_MOST = 1000,
    SECONDS_MOST = 86400
};

static const struct {
    const char *name;
    unsigned weight;           /* how often, among those that are asked for */
    unsigned least_ms, spread; /* for how long */
} kinds[KINDS] = {
    [KILL] = {"kill", 8, 0, 0},       [KILL_ALL] = {"kill-all", 1, 0, 0},
    [STOP] = {"stop", 6, 20, 230},    [STOP_SERVER] = {"stop-server", 2, 20, 100},
    [REPLACE] = {"replace", 3, 0, 0}, [REPORT] = {"report", 1, 0, 0},
    [MORE] = {"more", 3, 0, 0},       [FEWER] = {"fewer", 3, 0, 0},
};

struct event {
    int64_t at_us;
    enum action action;
    double draw; /* of the children: 0 is the first, below 1 */
    unsigned ms;
};

struct child {
    pid_t pid;
    char state;
    int64_t zombie_since; /* clock_us(), 0: it is none */
};

/* Those that are stopped, and until when; pid 0: a free place. */
static struct stopped {
    pid_t pid;
    int64_t until;
} stopped[STOPPED_MOST];

static uint64_t randomness;
static pid_t server;
static int64_t began;
static struct child children[CHILDREN_MOST]; /* as of the last look, in the order of their pids */
static size_t nchildren;
static volatile sig_atomic_t told_to_end;

static void take_options(int argc, char **argv, bool *only_print, double *seconds);
static void print_plan(double seconds);
static void act(double seconds);

static unsigned long rate = 12;
static unsigned wanted; /* a bit for each kind */

int
main(int argc, char **argv)
{
    bool only_print = false;
    double seconds = 0;

    die_begin(argv[0]);
    take_options(argc, argv, &only_print, &seconds);
    if (only_print) {
        print_plan(seconds);
    } else {
        act(seconds);
    }
    return EXIT_SUCCESS;
}

/* --- what is asked for ------------------------------------------------------------------------ */

static unsigned
kinds_of(char *list)
{
    unsigned bits = 0;

    for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
        unsigned kind = 0;

        while (kind < KINDS && strcmp(word, kinds[kind].name) != 0) {
            kind++;
        }
        if (kind == KINDS) {
            die_usage("-k '%s': not a kind of action", word);
        }
        bits |= 1u << kind;
    }
    return bits;
}

/* The seed and the name, so that each server gets a schedule of its own from one seed. */
static void
sow(const char *text)
{
    for (; *text; text++) {
        randomness = (randomness ^ (unsigned char)*text) * 1099511628211u; /* FNV-1a, 64 bits */
    }
}

static void
take_options(int argc, char **argv, bool *only_print, double *seconds)
{
    bool seeded = false;
    int letter;

    randomness = 14695981039346656037u;
    while ((letter = getopt(argc, argv, ":nS:N:d:k:r:")) != -1) {
        switch (letter) {
        case 'n':
            *only_print = true;
            break;
        case 'S':
        case 'N':
            seeded = seeded || letter == 'S';
            sow(optarg);
            sow("/");
            break;
        case 'd':
            *seconds = strtod(optarg, NULL);
            break;
        case 'k':
            wanted = kinds_of(optarg);
            break;
        case 'r':
            rate = (unsigned long)options_number('r', optarg, 1, RATE_MOST);
            break;
        default:
            die_usage("-%c: not an option, or without its value", optopt);
        }
    }
    if (!seeded || wanted == 0 || !(*seconds > 0 && *seconds <= SECONDS_MOST)) {
        die_usage("-S SEED, -d SECONDS and -k KINDS are needed");
    }
    if (!*only_print) {
        server = optind < argc ? (pid_t)strtol(argv[optind], NULL, 10) : 0;
        if (server <= 1) {
            die_usage("the server's pid is needed");
        }
    }
}

/* --- the schedule ----------------------------------------------------------------------------- */

/* SplitMix64: from 0 to below 1. */
static double
draw(void)
{
    uint64_t z = randomness += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

static unsigned
weight_of(unsigned kind)
{
    return (wanted & 1u << kind) != 0 ? kinds[kind].weight : 0;
}

static enum action
draw_action(void)
{
    unsigned sum = 0, kind = 0;
    double drawn;

    for (unsigned i = 0; i < KINDS; i++) {
        sum += weight_of(i);
    }
    drawn = draw() * sum;
    for (sum = weight_of(0); drawn >= sum; sum += weight_of(kind)) {
        kind++;
    }
    return (enum action)kind;
}

/* The event behind this one; false: it would be later than that. */
static bool
next_event(struct event *event, double seconds)
{
    double pause_us = (double)SECOND_US / (double)rate;

    event->at_us += (int64_t)(pause_us * (0.2 + 1.6 * draw()));
    event->action = draw_action();
    event->draw = draw();
    event->ms = kinds[event->action].least_ms + (unsigned)(draw() * kinds[event->action].spread);
    return event->at_us < (int64_t)(seconds * SECOND_US);
}

static void
print_plan(double seconds)
{
    struct event event = {.at_us = 0};

    while (next_event(&event, seconds)) {
        printf("%8.3f s  %s", (double)event.at_us / SECOND_US, kinds[event.action].name);
        if (event.action == KILL || event.action == STOP) {
            printf(" child at %.6f of them", event.draw);
        }
        if (event.ms > 0) {
            printf(" for %u ms", event.ms);
        }
        putchar('\n');
    }
}

/* --- who is there ----------------------------------------------------------------------------- */

static int
by_pid(const void *one, const void *other)
{
    const struct child *a = one, *b = other;

    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static int64_t
zombie_since(pid_t pid, const struct child *before, size_t nbefore)
{
    for (size_t i = 0; i < nbefore; i++) {
        if (before[i].pid == pid && before[i].zombie_since != 0) {
            return before[i].zombie_since;
        }
    }
    return clock_us();
}

static void
look(void)
{
    static struct child before[CHILDREN_MOST];
    size_t nbefore = nchildren;
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    if (!directory) {
        die("/proc");
    }
    memcpy(before, children, nchildren * sizeof *children);
    nchildren = 0;
    while ((entry = readdir(directory)) && nchildren < CHILDREN_MOST) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        struct child *child = &children[nchildren];
        char state = 0;

        if (pid > 0 && process_parent(pid, &state) == server) {
            *child = (struct child){.pid = pid, .state = state};
            child->zombie_since = state == 'Z' ? zombie_since(pid, before, nbefore) : 0;
            nchildren++;
        }
    }
    closedir(directory);
    qsort(children, nchildren, sizeof *children, by_pid);
}

/* --- acting ----------------------------------------------------------------------------------- */

static void
on_end(int number)
{
    (void)number;
    told_to_end = 1;
}

static void
say(const char *what, pid_t pid)
{
    printf("%.6f %s %ld\n", (double)(clock_us() - began) / SECOND_US, what, (long)pid);
}

/* Right before the signal it is looked at once more: true if it is alive and the server's. (Between
 * this look and the signal its number would have to be reaped and given anew.) */
static bool
hit(pid_t pid, int number)
{
    char state = 'Z';

    return pid != 0 && process_parent(pid, &state) == server && state != 'Z' &&
           kill(pid, number) == 0;
}

static void
kill_child(pid_t pid)
{
    say(hit(pid, SIGKILL) ? "kill" : "missed", pid);
}

/* Zombies are passed over: they cannot be hit any more. */
static pid_t
victim(const struct event *event)
{
    size_t alive = 0, nth;

    look();
    for (size_t i = 0; i < nchildren; i++) {
        alive += children[i].state != 'Z';
    }
    nth = (size_t)(event->draw * (double)alive);
    for (size_t i = 0; i < nchildren; i++) {
        if (children[i].state != 'Z' && nth-- == 0) {
            return children[i].pid;
        }
    }
    return 0;
}

static void
stop(const struct event *event, pid_t pid)
{
    struct stopped *place = stopped;

    while (place < stopped + STOPPED_MOST - 1 && place->pid != 0) {
        place++;
    }
    if (place->pid != 0 || !(pid == server ? kill(pid, SIGSTOP) == 0 : hit(pid, SIGSTOP))) {
        say("missed", pid);
        return;
    }
    say(kinds[event->action].name, pid);
    *place = (struct stopped){.pid = pid, .until = clock_us() + (int64_t)event->ms * 1000};
}

/* Continues those whose time is over; returns when the next one's is, at most `until`. */
static int64_t
continue_some(int64_t now, int64_t until)
{
    for (int i = 0; i < STOPPED_MOST; i++) {
        struct stopped *each = &stopped[i];
        char state;

        if (each->pid != 0 && each->until > now) {
            until = each->until < until ? each->until : until;
        } else if (each->pid != 0) {
            if (each->pid == server || process_parent(each->pid, &state) == server) {
                kill(each->pid, SIGCONT);
                say("continue", each->pid);
            }
            each->pid = 0;
        }
    }
    return until;
}

static void
tell_server(const struct event *event)
{
    static const int signals[KINDS] = {
        [REPLACE] = SIGHUP, [REPORT] = SIGUSR1, [MORE] = SIGTTIN, [FEWER] = SIGTTOU};

    kill(server, signals[event->action]);
    say(kinds[event->action].name, server);
}

static void
perform(const struct event *event)
{
    switch (event->action) {
    case KILL:
        kill_child(victim(event));
        break;
    case KILL_ALL:
        look();
        say("kill-all", server);
        for (size_t i = 0; i < nchildren; i++) {
            kill_child(children[i].pid);
        }
        break;
    case STOP:
        stop(event, victim(event));
        break;
    case STOP_SERVER:
        stop(event, server);
        break;
    default:
        tell_server(event);
    }
}

static void
tell_zombies(void)
{
    look();
    for (size_t i = 0; i < nchildren; i++) {
        if (children[i].zombie_since != 0 && clock_us() - children[i].zombie_since > ZOMBIE_US) {
            say("zombie", children[i].pid);
        }
    }
}

static void
sleep_until(int64_t until)
{
    for (;;) {
        int64_t now = clock_us();
        int64_t next = continue_some(now, until);
        struct timespec pause;

        if (told_to_end || now >= until) {
            return;
        }
        pause = clock_timespec(next - now < LOOK_US ? next - now : LOOK_US);
        nanosleep(&pause, NULL); /* told to end, it sees that at once */
        tell_zombies();
    }
}

static void
act(double seconds)
{
    struct sigaction action = {.sa_handler = on_end};
    struct event event = {.at_us = 0};
    bool gone = false;

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    began = clock_us();
    while (!told_to_end && !gone && next_event(&event, seconds)) {
        sleep_until(began + event.at_us);
        gone = kill(server, 0) == -1;
        if (!told_to_end && !gone) {
            perform(&event);
        }
    }
    continue_some(INT64_MAX, 0);
    if (gone) {
        diex("the server, pid %ld, has gone", (long)server);
    }
}
