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

enum action { KILL, KILL_ALL, STOP, STOP_SERVER, REPLACE, REPORT, MORE, FEWER, KINDS, CONTINUE };

enum {
    SECOND_US = 1000 * 1000,
    LOOK_US = 100 * 1000, /* between two looks for zombies */
    ZOMBIE_US = 2 * SECOND_US,
    CHILDREN_MOST = 4096,
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

/* Invariant: a CONTINUE has the pid of what its STOP has stopped, 0 before that. */
struct event {
    int64_t at_us;
    unsigned sequence;
    enum action action;
    double draw; /* of the children: 0 is the first, below 1 */
    unsigned ms;
    pid_t pid;
};

struct child {
    pid_t pid;
    char state;
    int64_t zombie_since; /* clock_us(), 0: it is none */
};

static struct event *events;
static size_t nevents;
static uint64_t randomness;
static pid_t server;
static int64_t began;
static struct child children[CHILDREN_MOST]; /* as of the last look, in the order of their pids */
static size_t nchildren;
static volatile sig_atomic_t told_to_end;

static void take_options(int argc, char **argv, bool *only_print, double *seconds);
static void plan(double seconds);
static void print_plan(void);
static void act(void);

static unsigned long rate = 12;
static unsigned wanted; /* a bit for each kind */

int
main(int argc, char **argv)
{
    bool only_print = false;
    double seconds = 0;

    die_begin(argv[0]);
    take_options(argc, argv, &only_print, &seconds);
    plan(seconds);
    if (only_print) {
        print_plan();
    } else {
        act();
    }
    free(events);
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

static enum action
draw_action(void)
{
    unsigned sum = 0, kind = 0;
    double drawn;

    for (unsigned i = 0; i < KINDS; i++) {
        sum += (wanted & 1u << i) != 0 ? kinds[i].weight : 0;
    }
    drawn = draw() * sum;
    for (sum = 0; kind < KINDS; kind++) {
        sum += (wanted & 1u << kind) != 0 ? kinds[kind].weight : 0;
        if (drawn < sum) {
            break;
        }
    }
    return (enum action)kind;
}

static int
by_time(const void *one, const void *other)
{
    const struct event *a = one, *b = other;

    if (a->at_us != b->at_us) {
        return a->at_us < b->at_us ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : 1;
}

/* Each stop is followed by its end, whose sequence number is the next one. */
static void
add(int64_t at_us, enum action action, double drawn, unsigned ms)
{
    events[nevents] = (struct event){
        .at_us = at_us, .sequence = (unsigned)nevents, .action = action, .draw = drawn, .ms = ms};
    nevents++;
}

static void
plan(double seconds)
{
    int64_t end_us = (int64_t)(seconds * SECOND_US), at_us = 0;
    double pause_us = (double)SECOND_US / (double)rate;
    size_t most = (size_t)(seconds * (double)rate * 10) + 2; /* the shortest pause is a fifth */

    events = calloc(most, sizeof *events);
    if (!events) {
        die("a schedule of %zu events", most);
    }
    while ((at_us += (int64_t)(pause_us * (0.2 + 1.6 * draw()))) < end_us) {
        enum action action = draw_action();
        double drawn = draw(), length = draw();
        unsigned ms = kinds[action].least_ms + (unsigned)(length * kinds[action].spread);

        add(at_us, action, drawn, ms);
        if (ms > 0) {
            add(at_us + (int64_t)ms * 1000, CONTINUE, drawn, 0);
        }
    }
    qsort(events, nevents, sizeof *events, by_time);
}

static void
print_plan(void)
{
    for (size_t i = 0; i < nevents; i++) {
        const struct event *event = &events[i];
        double at = (double)event->at_us / SECOND_US;

        switch (event->action) {
        case KILL:
            printf("%8.3f s  kill child at %.6f of them\n", at, event->draw);
            break;
        case STOP:
            printf("%8.3f s  stop child at %.6f of them for %u ms\n", at, event->draw, event->ms);
            break;
        case STOP_SERVER:
            printf("%8.3f s  stop-server for %u ms\n", at, event->ms);
            break;
        case CONTINUE:
            printf("%8.3f s  continue it\n", at);
            break;
        default:
            printf("%8.3f s  %s\n", at, kinds[event->action].name);
        }
    }
}

/* --- who is there ----------------------------------------------------------------------------- */

/* The parent and the state of a process; 0: there is none. Its name may have any character. */
static pid_t
parent_of(pid_t pid, char *state)
{
    char path[64], text[512];
    const char *end;
    long parent = 0;
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "r");
    if (!file) {
        return 0;
    }
    got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = '\0';
    end = strrchr(text, ')');
    return end && sscanf(end + 1, " %c %ld", state, &parent) == 2 ? (pid_t)parent : 0;
}

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

        if (pid > 0 && parent_of(pid, &state) == server) {
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

    return pid != 0 && parent_of(pid, &state) == server && state != 'Z' && kill(pid, number) == 0;
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
stop(struct event *event, pid_t pid)
{
    bool is_server = event->action == STOP_SERVER;

    if (!(is_server ? kill(pid, SIGSTOP) == 0 : hit(pid, SIGSTOP))) {
        say("missed", pid);
        return;
    }
    say(kinds[event->action].name, pid);
    for (size_t i = 0; i < nevents; i++) {
        if (events[i].action == CONTINUE && events[i].sequence == event->sequence + 1) {
            events[i].pid = pid;
        }
    }
}

static void
go_on(struct event *event)
{
    char state;

    if (event->pid != 0 && (event->pid == server || parent_of(event->pid, &state) == server)) {
        kill(event->pid, SIGCONT);
        say("continue", event->pid);
    }
    event->pid = 0;
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
perform(struct event *event)
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
    case CONTINUE:
        go_on(event);
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
    int64_t left;

    while (!told_to_end && (left = until - clock_us()) > 0) {
        struct timespec pause = clock_timespec(left < LOOK_US ? left : LOOK_US);

        nanosleep(&pause, NULL); /* told to end, it sees that at once */
        if (until - clock_us() > 0) {
            tell_zombies();
        }
    }
}

static void
act(void)
{
    struct sigaction action = {.sa_handler = on_end};
    bool gone = false;

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    began = clock_us();
    for (size_t i = 0; i < nevents && !told_to_end && !gone; i++) {
        sleep_until(began + events[i].at_us);
        gone = kill(server, 0) == -1;
        if (!told_to_end && !gone) {
            perform(&events[i]);
        }
    }
    for (size_t i = 0; i < nevents; i++) {
        go_on(&events[i]);
    }
    if (gone) {
        diex("the server, pid %ld, has gone", (long)server);
    }
}
