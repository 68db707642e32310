/*
 * torture - makes every fallible call of every program fail, one at a time, with each error that
 * its manual lists, and looks whether the programs keep their promises. `torture -h` says more.
 *
 * For each variant of a program, one run without a fault counts the calls and where they are made.
 * Then each of them fails in a run of its own: at each place with each error, and each call that
 * the scenario makes with one error at least.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "../../common/options.h"
#include "../../common/scoreboard.h"
#include "torture.h"

enum { TRIALS_MOST = 60000, VARIANTS_MOST = 60, STICKY_MS = 150, JOBS_MOST = 16 };
/* Of so many runs one in five may miss its call: three in a hundred do. */
enum { RUNS_ENOUGH = 100, MISSED_MOST = 5 };

static const char help[] =
    "usage: torture [-q | -a] [-s NAME]... [-c CALL]... [-f FAULT] [-j N] [-b DIR] [-v] [-l]\n"
    "Makes the calls of the servers and of the client fail, one in each run, and judges what\n"
    "becomes of it: no crash, no hang, no leak, no spin, no wrong byte, no more than one\n"
    "connection lost; what fails in set-up ends the program with one line and status 1.\n\n"
    "  -s NAME     only this program (server02 or 02 will do), or this variant of it (see -l);\n"
    "              may be repeated\n"
    "  -c CALL     only this call, such as accept; may be repeated\n"
    "  -f FAULT    only this: CALL:N:ERROR or CALL:N:ERROR:MS, the Nth CALL fails with ERROR,\n"
    "              and all others of that call for MS milliseconds after it; with CALL@PLACE,\n"
    "              as a failure names it, the Nth from that place (until it is compiled anew)\n"
    "  -q          a selection: each place once, in the first variant that has it, and each\n"
    "              variant once\n"
    "  -a          every call with every error, where otherwise a call that is made again from\n"
    "              the same place fails with one of its errors\n"
    "  -j N        so many runs at a time (default 4: they wait most of the time)\n"
    "  -b DIR      the programs (default: bin beside this program)\n"
    "  -l          list the variants and the calls\n"
    "  -v          a line for each run\n"
    "  -h          this help\n\n"
    "Exit status: 0 if all promises were kept, 1 if not, 2 wrong usage.\n";

struct trial {
    int variant;
    struct fault fault;
};

struct verdict {
    bool done, failed, reached;
    float seconds;
};

/* With the workers. */
struct board {
    atomic_uint next;
    struct verdict verdicts[TRIALS_MOST];
};

enum selection { USUAL, QUICK, ALL };

static struct trial trials[TRIALS_MOST];
static unsigned ntrials;
static struct board *board;
static struct usual usuals[VARIANTS_MOST];
static unsigned calls_reached[VARIANTS_MOST], planned_places[VARIANTS_MOST];
static bool chosen_calls[FAULT_CALLS_COUNT];
static bool any_call_chosen;
static const char *chosen[VARIANTS_MOST];
static unsigned nchosen;
static enum selection selection = USUAL;
static const char *wanted_fault;
static int jobs = 4;
static const char *self;
/* Not below TMPDIR: the path of a Unix socket in it must fit into sun_path. */
static char directory[] = "/tmp/torture.XXXXXX";
static pid_t main_pid;
static struct run good_server; /* pid 0: no client was to be tried */
static volatile sig_atomic_t interrupted;

/* Quick: the places that a program's variants have had. */
static struct seen {
    struct fault_record record;
    const char *program; /* in which: a handler is another one */
} seen[FAULT_LOG_MOST];
static unsigned nseen;

/* --- one trial ------------------------------------------------------------------------------- */

static bool
is_client(int variant)
{
    return (variants[variant].flags & IS_CLIENT) != 0;
}

/* A server's folder may have been deleted: the others are tried all the same. */
static bool
is_there(const char *program)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/%s", run_programs, program);
    return access(path, X_OK) == 0;
}

/* The client needs a server that serves several at once; NULL: there is none. */
static const char *
choose_good_server(void)
{
    for (int i = 0; variants[i].name && !is_client(i); i++) {
        if (strncmp(variants[i].program, "server00", 8) != 0 && is_there(variants[i].program)) {
            return variants[i].program;
        }
    }
    return NULL;
}

/* The clients of all workers are driven against one server of the suite, in which nothing fails. */
static void
open_good_server(void)
{
    static struct variant good = {.arguments = {"-p", "0", "-o", "json", "-T", "5"}};
    struct fault none = {.what = 0};

    good.name = good.program = choose_good_server();
    if (!good.program) {
        diex("no server for the client is in %s", run_programs);
    }
    if (strcmp(good.program, "server02_select") != 0) {
        good.arguments[6] = "-n"; /* a child for each connection that is open at a time */
        good.arguments[7] = "64";
    }
    run_open(&good_server, 0);
    run_start(&good_server, &good, &none, false);
    if (!run_await_ready(&good_server)) {
        diex("the server for the client does not start: %s", good_server.err);
    }
}

/* `problems` stays empty if all is well. */
static void
perform(struct run *run, const struct trial *trial, bool logging, char problems[PROBLEMS_MOST])
{
    int variant = trial->variant;

    run->port = good_server.port;
    run_start(run, &variants[variant], &trial->fault, logging);
    if (is_client(variant)) {
        scenario_client(run);
    } else {
        scenario_server(run, &usuals[variant]);
    }
    judge(run, &usuals[variant], problems);
}

/* --- saying ---------------------------------------------------------------------------------- */

static const char *
program_of(const struct variant *variant, int process)
{
    if (process != FAULT_HANDLER) {
        return variant->program;
    }
    return variant->flags & TAKES_FRAMES ? "handler_echo" : "handler_bytes";
}

/* "function(), file:line" of a call, if addr2line(1) is there. */
static void
find_place(const struct variant *variant, int process, uint32_t site, char *place, size_t room)
{
    static const char *const in[] = {"", ", in a child", ", in a handler"};
    char command[512], function[100] = "", line[300] = "";
    FILE *found;

    snprintf(command, sizeof command, "addr2line -f -e '%s/%s' %#x 2>/dev/null", run_programs,
             program_of(variant, process), (unsigned)site - 1);
    found = popen(command, "r");
    if (found && fgets(function, sizeof function, found) && fgets(line, sizeof line, found)) {
        const char *slash = strrchr(line, '/');

        function[strcspn(function, "\n")] = '\0';
        line[strcspn(line, " \n")] = '\0';
        snprintf(place, room, "%s(), %s%s", function, slash ? slash + 1 : line, in[process]);
    }
    if (found) {
        pclose(found);
    }
}

static void
name_trial(const struct fault *fault, char *name, size_t room)
{
    char place[32] = "", time[16] = "";

    if (fault->site != 0) {
        snprintf(place, sizeof place, "@%s-%x", name_of_process(fault->process),
                 (unsigned)fault->site);
    }
    if (fault->for_ms > 0) {
        snprintf(time, sizeof time, ":%d", fault->for_ms);
    }
    snprintf(name, room, "%s%s:%d:%s%s", name_of_call(fault->call), place, fault->nth,
             name_of_error(fault->what), time);
}

static void
say(const struct run *run, const struct trial *trial, const char *problems, bool reached)
{
    char name[80], place[512] = "";

    name_trial(&trial->fault, name, sizeof name);
    if (reached) {
        find_place(run->variant, atomic_load(&run->state->hit_process),
                   atomic_load(&run->state->hit_site), place, sizeof place);
    }
    if (*problems == '\0') {
        printf("%s %s %s%s%s\n", reached ? "ok" : "not reached:", run->variant->name, name,
               reached ? " in " : "", place);
    } else {
        printf("not ok %s %s%s%s: %s\n    again: %s -b %s -s '%s' -f %s -v\n", run->variant->name,
               name, reached ? " in " : ", not reached", place, problems, self, run_programs,
               run->variant->name, name);
    }
    if (run_verbose && wanted_fault) {
        printf("--- standard output:\n%s--- standard error:\n%s---\n", run->out, run->err);
    }
    fflush(stdout);
}

/* --- the workers ----------------------------------------------------------------------------- */

static void
try_one(struct run *run, const struct trial *trial, struct verdict *verdict)
{
    static char problems[PROBLEMS_MOST];
    int64_t began = clock_us();

    perform(run, trial, false, problems);
    if (interrupted) {
        return; /* so was the program, by a terminal: this says nothing */
    }
    verdict->seconds = (float)(clock_us() - began) / 1e6f;
    verdict->reached = atomic_load(&run->state->hits) > 0;
    verdict->failed = problems[0] != '\0';
    if (verdict->failed || run_verbose) {
        say(run, trial, problems, verdict->reached);
    }
    verdict->done = true;
}

static _Noreturn void
work(unsigned number)
{
    static struct run run;
    unsigned i;

    run_open(&run, number);
    while ((i = atomic_fetch_add(&board->next, 1)) < ntrials) {
        try_one(&run, &trials[i], &board->verdicts[i]);
    }
    run_close(&run);
    exit(EXIT_SUCCESS);
}

/* False if a worker did not get to its end, or the good server got to its own: then some runs may
 * not have been made. */
static bool
run_trials(void)
{
    bool all_well = true;

    for (int i = 0; i < jobs; i++) {
        switch (fork()) {
        case -1:
            die("fork");
        case 0:
            work((unsigned)i + 1);
        default:
            break;
        }
    }
    for (int left = jobs; left > 0;) {
        int status = 0;
        pid_t pid = wait(&status);

        if (pid == -1 && errno != EINTR) {
            die("wait");
        }
        good_server.ended |= pid == good_server.pid;
        all_well = all_well && status == 0 && !good_server.ended;
        left -= pid != -1 && pid != good_server.pid;
    }
    return all_well;
}

/* --- the plan -------------------------------------------------------------------------------- */

static void
add_trial(int variant, const struct fault *fault)
{
    if (ntrials == TRIALS_MOST) {
        diex("more than %d trials", TRIALS_MOST);
    }
    trials[ntrials++] = (struct trial){.variant = variant, .fault = *fault};
}

/* What lasts for a while when it happens, and tempts into asking again at once. */
static bool
lasts(const struct fault *fault)
{
    static const struct {
        const char *calls, *errors;
    } lasting[] = {
        {"accept accept4 fork posix_spawnp socketpair pselect select poll epoll_wait recvmsg "
         "sendmsg fcntl_lock",
         "EMFILE ENFILE ENOBUFS ENOMEM ENOLCK ETOOMANYREFS"},
        {"fork posix_spawnp poll", "EAGAIN"},
    };

    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        if (has_word(lasting[i].calls, name_of_call(fault->call)) &&
            has_word(lasting[i].errors, name_of_error(fault->what))) {
            return true;
        }
    }
    return false;
}

/* The nth call from that place with its `which`th error, counted round. */
static void
add_with_error(int variant, const struct fault_record *record, unsigned nth, unsigned which,
               bool mistakes)
{
    struct fault faults[ERRORS_MOST], fault;
    int count = faults_of_call(record->call, mistakes, faults);

    if (count > 0) {
        fault = faults[which % (unsigned)count];
        fault.nth = (int)nth;
        fault.process = record->process;
        fault.site = record->site;
        fault.for_ms = lasts(&fault) ? STICKY_MS : 0;
        add_trial(variant, &fault);
    }
}

static bool
is_same_place(const struct fault_record *one, const struct fault_record *other)
{
    return one->call == other->call && one->site == other->site && one->process == other->process;
}

/* How many of the calls before this one were made from the same place. */
static unsigned
earlier_from_there(const struct fault_record *log, unsigned index)
{
    unsigned count = 0;

    for (unsigned i = 0; i < index; i++) {
        count += is_same_place(&log[i], &log[index]);
    }
    return count;
}

/* Of this program: then it is noted. */
static bool
is_new(int variant, const struct fault_record *record)
{
    const char *program = program_of(&variants[variant], record->process);

    for (unsigned i = 0; i < nseen; i++) {
        if (is_same_place(&seen[i].record, record) && strcmp(seen[i].program, program) == 0) {
            return false;
        }
    }
    if (nseen < FAULT_LOG_MOST) {
        seen[nseen++] = (struct seen){.record = *record, .program = program};
    }
    return true;
}

/* In a quick run the errors change from one place to the next. */
static void
plan_call(int variant, const struct fault_record *log, unsigned index)
{
    unsigned earlier = earlier_from_there(log, index);
    struct fault faults[ERRORS_MOST];
    unsigned errors = (unsigned)faults_of_call(log[index].call, true, faults);

    planned_places[variant] += earlier == 0;
    if (selection == QUICK) {
        if (earlier == 0 && is_new(variant, &log[index])) {
            add_with_error(variant, &log[index], 1, ntrials, false);
        }
    } else if (earlier == 0 || selection == ALL) {
        for (unsigned which = 0; which < errors; which++) {
            add_with_error(variant, &log[index], earlier + 1, which, true);
        }
    } else {
        add_with_error(variant, &log[index], earlier + 1, earlier, false);
    }
}

/* A variant whose places others have had already is tried all the same, somewhere. */
static void
plan_somewhere(int variant, const struct fault_record *log, unsigned count)
{
    unsigned before = ntrials;

    for (unsigned i = count / 2; i < count && ntrials == before; i++) {
        if (!any_call_chosen || chosen_calls[log[i].call]) {
            add_with_error(variant, &log[i], earlier_from_there(log, i) + 1, ntrials, false);
        }
    }
}

static void
plan_variant(int variant, const struct fault_state *state)
{
    unsigned count = atomic_load(&state->nlog);
    bool made[FAULT_CALLS_COUNT] = {false};
    unsigned before = ntrials;

    if (count > FAULT_LOG_MOST) {
        diex("%s: %u calls, and there is room for %d", variants[variant].name, count,
             FAULT_LOG_MOST);
    }
    if (strcmp(variants[variant].name, variants[variant].program) == 0) { /* its first */
        nseen = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!any_call_chosen || chosen_calls[state->log[i].call]) {
            plan_call(variant, state->log, i);
        }
        made[state->log[i].call] = true;
    }
    if (selection == QUICK && ntrials == before) {
        plan_somewhere(variant, state->log, count);
    }
    for (int i = 0; i < FAULT_CALLS_COUNT; i++) {
        calls_reached[variant] += made[i];
    }
}

/* A run in which nothing fails: what is usual, and the calls. */
static void
survey(struct run *run, int variant)
{
    static char problems[PROBLEMS_MOST];
    struct trial trial = {.variant = variant};
    struct usual *usual = &usuals[variant];

    if (is_client(variant) && good_server.pid == 0) {
        open_good_server();
    }
    perform(run, &trial, true, problems);
    if (interrupted) {
        diex("interrupted before anything was made to fail");
    }
    if (problems[0] != '\0') {
        printf("not ok %s, and nothing was made to fail: %s\n", variants[variant].name, problems);
        exit(EXIT_FAILURE);
    }
    if (run->tally.main_fds == UINT_MAX) {
        diex("%s, and nothing was made to fail: it does not come to rest", variants[variant].name);
    }
    usual->main_fds = run->tally.main_fds;
    usual->child_fds = run->tally.child_fds;
    usual->cpu_us = run->cpu_us;
    for (int i = 0; i < FAULT_CALLS_COUNT; i++) {
        usual->calls[i] = atomic_load(&run->state->counts[i]);
        usual->calls_sum += usual->calls[i];
    }
    if (!wanted_fault) {
        plan_variant(variant, run->state);
    }
}

/* --- what is asked for ----------------------------------------------------------------------- */

static bool
can_be_tried(int variant)
{
    return is_there(variants[variant].program) && (!is_client(variant) || choose_good_server());
}

/* "server02_select", "server02" and "02" name the program; what begins anew in the midst of a word
 * does not. */
static bool
names_program(const char *name, const char *program)
{
    const char *number = program + strcspn(program, "0123456789");
    size_t length = strlen(name);

    return strcmp(name, program) == 0 ||
           (length > 0 && strncmp(program, name, length) == 0 && program[length] == '_') ||
           (length > 0 && strncmp(number, name, length) == 0 && number[length] == '_');
}

/* With -f a program's name stands for its first variant alone. */
static bool
is_chosen(int variant)
{
    const struct variant *it = &variants[variant];

    for (unsigned i = 0; i < nchosen; i++) {
        if (strcmp(chosen[i], it->name) == 0 ||
            (names_program(chosen[i], it->program) &&
             (!wanted_fault || strcmp(it->name, it->program) == 0))) {
            return true;
        }
    }
    return nchosen == 0;
}

/* CALL or CALL@PROCESS-SITE. */
static bool
take_place(char *text, struct fault *fault)
{
    char process[16];
    char *at = strchr(text, '@');
    unsigned site = 0;

    if (at) {
        if (sscanf(at, "@%15[a-z]-%x", process, &site) != 2 || site == 0) {
            return false;
        }
        fault->process = process_named(process);
        *at = '\0';
    }
    fault->site = site;
    fault->call = call_named(text);
    return fault->call != -1 && fault->process != -1;
}

static void
take_fault(int variant)
{
    char call[64] = "", error[32] = "";
    struct fault fault = {.nth = 0}, faults[ERRORS_MOST];
    int count;

    if (sscanf(wanted_fault, "%63[-@a-z0-9_]:%d:%31[A-Z0-9_]:%d", call, &fault.nth, error,
               &fault.for_ms) < 3 ||
        !take_place(call, &fault) || fault.nth < 1) {
        die_usage("-f '%s': CALL[@PLACE]:N:ERROR[:MS] is allowed, such as accept:3:EMFILE",
                  wanted_fault);
    }
    count = faults_of_call(fault.call, true, faults);
    for (int i = 0; i < count; i++) {
        if (strcmp(name_of_error(faults[i].what), error) == 0) {
            fault.what = faults[i].what;
            fault.mistake = faults[i].mistake;
            add_trial(variant, &fault);
            return;
        }
    }
    die_usage("-f '%s': %s does not fail with that: %s", wanted_fault, call,
              errors_of_call(fault.call));
}

static _Noreturn void
list_all(void)
{
    for (int i = 0; variants[i].name; i++) {
        printf("-s '%s'\n", variants[i].name);
    }
    printf(
        "\n!ERROR: only a mistake of the program itself could bring it; it may end the program.\n"
        "Some functions stand in several lines, by what they are asked for.\n");
    for (int i = 0; i < FAULT_CALLS_COUNT; i++) {
        printf("-c %s: %s\n", name_of_call(i), errors_of_call(i));
    }
    exit(EXIT_SUCCESS);
}

static void
choose_variant(const char *name)
{
    for (int i = 0; variants[i].name; i++) {
        if (strcmp(variants[i].name, name) == 0 || names_program(name, variants[i].program)) {
            if (nchosen == VARIANTS_MOST) {
                die_usage("-s: so many are not there");
            }
            chosen[nchosen++] = name;
            return;
        }
    }
    die_usage("-s '%s': no such program or variant; -l lists them", name);
}

static void
take_option(int letter)
{
    int call;

    switch (letter) {
    case 's':
        choose_variant(optarg);
        break;
    case 'c':
        call = call_named(optarg);
        if (call == -1) {
            die_usage("-c '%s': no such call; -l lists them", optarg);
            break;
        }
        chosen_calls[call] = any_call_chosen = true;
        break;
    case 'f':
        wanted_fault = optarg;
        break;
    case 'q':
        selection = QUICK;
        break;
    case 'a':
        selection = ALL;
        break;
    case 'j':
        jobs = (int)options_number('j', optarg, 1, JOBS_MOST);
        break;
    case 'b':
        run_programs = optarg;
        break;
    case 'v':
        run_verbose = true;
        break;
    case 'l':
        list_all();
    default:
        options_rest(letter, help);
    }
}

/* Where make puts them. */
static const char *
find_programs(void)
{
    static char path[4096];
    static char found[4096];

    if (run_programs) {
        snprintf(path, sizeof path, "%s", run_programs);
    } else {
        const char *slash = strrchr(self, '/');

        snprintf(path, sizeof path, "%.*s/bin", slash ? (int)(slash - self) : 1,
                 slash ? self : ".");
    }
    if (!realpath(path, found)) {
        die("the programs in %s", path);
    }
    return found;
}

/* --- the end --------------------------------------------------------------------------------- */

struct sums {
    unsigned runs, passed, failed, missed;
    double seconds;
};

/* Of all runs, or of one variant's (not -1). */
static struct sums
sum_up(int variant)
{
    struct sums sums = {.runs = 0};

    for (unsigned i = 0; i < ntrials; i++) {
        const struct verdict *verdict = &board->verdicts[i];

        if (verdict->done && (variant == -1 || trials[i].variant == variant)) {
            sums.runs++;
            sums.passed += verdict->reached && !verdict->failed;
            sums.failed += verdict->failed;
            sums.missed += !verdict->reached;
            sums.seconds += (double)verdict->seconds;
        }
    }
    return sums;
}

static void
print_table(double seconds)
{
    printf("\n%-34s %6s %7s %7s %7s %7s %8s\n", "", "calls", "places", "runs", "failed", "missed",
           "seconds");
    for (int v = 0; variants[v].name; v++) {
        struct sums sums = sum_up(v);

        if (sums.runs > 0) {
            printf("%-34s %6u %7u %7u %7u %7u %8.1f\n", variants[v].name, calls_reached[v],
                   planned_places[v], sums.runs, sums.failed, sums.missed, sums.seconds);
        }
    }
    printf("\ncalls: different ones that the scenario makes; places: where they stand in the\n"
           "source, in the parent and in children; missed: the run made that call fewer times;\n"
           "seconds: of all its runs, which overlap.\n%u runs in %.0f s, %d at a time\n",
           sum_up(-1).runs, seconds, jobs);
}

static bool
is_same_place_of(const struct trial *one, const struct trial *other)
{
    return one->variant == other->variant && one->fault.call == other->fault.call &&
           one->fault.site == other->fault.site && one->fault.process == other->fault.process;
}

/* Has none of the runs for that place got there? The first of them says so for all. */
static bool
is_unreached(unsigned index)
{
    for (unsigned i = 0; i < ntrials; i++) {
        if (is_same_place_of(&trials[i], &trials[index]) &&
            (board->verdicts[i].reached || i < index)) {
            return false;
        }
    }
    return board->verdicts[index].done;
}

/* Places that the first run came to, and none of those in which something was to fail there. */
static void
list_unreached(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ntrials && !wanted_fault; i++) {
        const struct fault *fault = &trials[i].fault;
        char place[512] = "";

        if (is_unreached(i)) {
            find_place(&variants[trials[i].variant], fault->process, fault->site, place,
                       sizeof place);
            printf("%s %s: %s in %s\n", count++ == 0 ? "not reached:" : "            ",
                   variants[trials[i].variant].name, name_of_call(fault->call), place);
        }
    }
    if (count > 0) {
        printf("%u places are not tried: no run that was to fail there came to them again\n",
               count);
    }
}

/* Then it is rather the faults that do not work, for example in children. */
static bool
too_many_missed(const struct sums *all)
{
    return all->runs == all->missed ||
           (all->runs >= RUNS_ENOUGH && all->missed > all->runs / MISSED_MOST);
}

/* What was not tried has not passed: a worker that ended early, or Ctrl-C. */
static int
conclude(const struct sums *all, bool all_well)
{
    list_unreached();
    if (all->runs < ntrials) {
        printf("%u of %u runs were not made\n", ntrials - all->runs, ntrials);
    }
    if (interrupted) {
        printf("interrupted\n");
    }
    if (!all_well) {
        printf("a worker did not get to its end, or the server for the client got to its own\n");
    }
    if (ntrials == 0) {
        printf("nothing to try: no such call is made\n");
    } else if (all->runs == all->missed) {
        printf("nothing was made to fail: no run came to its call\n");
    } else if (all->missed > 0) {
        printf("%u runs did not come to their call, and are not among those that passed%s\n",
               all->missed, too_many_missed(all) ? ": too many, there is something wrong" : "");
    }
    printf("%u passed, %u failed\n", all->passed, all->failed);
    return all->failed > 0 || all->runs < ntrials || too_many_missed(all) || !all_well
               ? EXIT_FAILURE
               : EXIT_SUCCESS;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

/* However it ends. The workers come here too, when they end. */
static void
close_all(void)
{
    if (getpid() != main_pid) {
        return;
    }
    if (good_server.pid != 0) {
        run_clear(&good_server);
    }
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* From a terminal it comes to all: the runs under way are not judged, and no other begins; this
 * process still says what was done. */
static void
interrupt(int number)
{
    (void)number;
    interrupted = 1;
    atomic_store(&board->next, TRIALS_MOST);
}

static void
open_all(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};

    run_programs = find_programs();
    board = scoreboard_memory(sizeof *board);
    if (!mkdtemp(directory)) {
        die("%s", directory);
    }
    run_directory = directory;
    main_pid = getpid();
    atexit(close_all);
    sigemptyset(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A run of each variant, in which nothing fails. */
static void
survey_all(void)
{
    static struct run run;
    unsigned tried = 0;

    run_open(&run, 1);
    for (int v = 0; variants[v].name; v++) {
        if (is_chosen(v) && !can_be_tried(v)) {
            printf("left out: %s is not there, or what it needs\n", variants[v].name);
        } else if (is_chosen(v)) {
            survey(&run, v);
            tried++;
            if (wanted_fault) {
                take_fault(v);
            }
        }
    }
    if (tried == 0) {
        diex("none of these programs is in %s", run_programs);
    }
    fflush(stdout);
    run_close(&run);
}

int
main(int argc, char **argv)
{
    int64_t began = clock_us();
    struct sums all;
    bool all_well;
    int letter;

    die_begin(argv[0]);
    self = argv[0];
    while ((letter = getopt(argc, argv, ":s:c:f:qaj:b:vlh")) != -1) {
        take_option(letter);
    }
    options_end(argc, argv);
    if (wanted_fault && (any_call_chosen || selection != USUAL)) {
        die_usage("-f is one run: neither -c, -q nor -a goes with it");
    }
    if (wanted_fault) {
        take_fault(0); /* a wrong one is refused before anything is made */
        ntrials = 0;
    }
    open_all();
    survey_all();
    all_well = run_trials();
    if (!wanted_fault) {
        print_table((double)(clock_us() - began) / 1e6); /* of one run there is nothing to tell */
    }
    all = sum_up(-1);
    return conclude(&all, all_well);
}
