#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum { BAR = 30 };

struct totals {
    unsigned long long connections, requests, bytes, rejected, timed_out, broken, wakeups, wasted;
    unsigned long long switches, user_us, system_us, most; /* most: connections of one child */
    unsigned long long own;                                /* switches of this process */
    unsigned long long peak_kib;
};

static struct totals before; /* what had been used when the server started */
static FILE *out;            /* memory, so that all of it is written at once */

#define say(...) fprintf(out, __VA_ARGS__)

/* Returns the most memory. */
static unsigned long long
add_usage(struct totals *sum, int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    sum->switches += (unsigned long long)usage.ru_nvcsw;
    sum->user_us += clock_timeval_us(usage.ru_utime);
    sum->system_us += clock_timeval_us(usage.ru_stime);
    return (unsigned long long)usage.ru_maxrss; /* KiB on Linux and the BSDs */
}

void
stats_start(struct stats *stats, const char *variant)
{
    before = (struct totals){0};
    add_usage(&before, RUSAGE_SELF);
    before.own = before.switches;
    before.peak_kib = add_usage(&before, RUSAGE_CHILDREN); /* survive exec too */
    stats->variant = variant;
    stats->started = clock_us();
}

/* Counts the most memory that this process has used. ru_maxrss survives exec: it may be that of the
 * shell which has become this server. /proc, where there is one, knows better. */
static void
add_own_peak(struct totals *sum, unsigned long long kib)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];

    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (status) {
        fclose(status);
    }
    sum->peak_kib = kib > sum->peak_kib ? kib : sum->peak_kib;
}

/* What the processes used: this one, the children that were reaped, and the living ones' slots. */
static struct totals
add_up(const struct scoreboard *board)
{
    struct totals sum = {0};
    unsigned long long kib;

    for (unsigned i = 0; i <= scoreboard_count(board); i++) {
        const struct slot *slot = &board->slots[i];
        unsigned long long connections = counter_get(&slot->connections);

        sum.connections += connections;
        sum.requests += counter_get(&slot->requests);
        sum.bytes += counter_get(&slot->bytes);
        sum.rejected += counter_get(&slot->rejected);
        sum.timed_out += counter_get(&slot->timed_out);
        sum.broken += counter_get(&slot->broken);
        sum.wakeups += counter_get(&slot->wakeups);
        sum.wasted += counter_get(&slot->wasted);
        sum.switches += counter_get(&slot->running_switches);
        sum.user_us += counter_get(&slot->running_user_us);
        sum.system_us += counter_get(&slot->running_system_us);
        sum.most = connections > sum.most ? connections : sum.most;
        kib = counter_get(&slot->peak_kib);
        sum.peak_kib = kib > sum.peak_kib ? kib : sum.peak_kib;
    }
    sum.own = sum.switches;
    add_own_peak(&sum, add_usage(&sum, RUSAGE_SELF));
    sum.own = sum.switches - sum.own - before.own;
    kib = add_usage(&sum, RUSAGE_CHILDREN);
    if (kib > sum.peak_kib && kib > before.peak_kib) { /* else of a child before exec, perhaps */
        sum.peak_kib = kib;
    }
    sum.switches -= before.switches;
    sum.user_us -= before.user_us;
    sum.system_us -= before.system_us;
    return sum;
}

static const char *
plural(unsigned long long count)
{
    return count == 1 ? "" : "s";
}

static void
print_row(const struct slot *slot, unsigned child, unsigned thread, const struct totals *sum,
          bool json)
{
    static const char bar[BAR + 1] = "##############################";
    unsigned long long pid = counter_get(&slot->pid), requests = counter_get(&slot->requests);
    unsigned long long connections = counter_get(&slot->connections);
    unsigned long long wakeups = counter_get(&slot->wakeups), switches = 0;
    int length = sum->most > 0 ? (int)(connections * BAR / sum->most) : 0;

    if (thread == 0) { /* POSIX has no thread's */
        switches = child == 0 ? sum->own
                              : counter_get(&slot->switches) + counter_get(&slot->running_switches);
    }
    if (json) {
        say("{\"child\":%u,", child);
        if (thread > 0) {
            say("\"thread\":%u,", thread);
        }
        say("\"pid\":%llu,\"connections\":%llu,\"requests\":%llu,"
            "\"bytes\":%llu,\"wakeups\":%llu,\"wasted_wakeups\":%llu,"
            "\"context_switches\":%llu}",
            pid, connections, requests, counter_get(&slot->bytes), wakeups,
            counter_get(&slot->wasted), switches);
    } else {
        say(child > 0 && thread > 0 ? "%3u.%-3u" : "%7u", child > 0 ? child : thread, thread);
        say(" %8llu %12llu %10llu %9llu", pid, connections, requests, wakeups);
        if (thread == 0) {
            say(" %9llu", switches);
        }
        say("%s%.*s\n", length > 0 ? "  " : "", length, bar);
    }
}

/* A server without children has one row, its own; one that is apart has that too. Of threads, which
 * may be thousands, text leaves out those that served nobody. */
static void
print_rows(const struct scoreboard *board, const struct totals *sum, bool threads, bool json)
{
    unsigned each = board->threads, first = board->children > 0 && !board->apart, unused = 0;

    for (unsigned i = first; i <= scoreboard_count(board); i++) {
        const struct slot *slot = &board->slots[i];
        unsigned child = each > 0 ? (i - 1) / each + 1 : threads ? 0 : i;
        unsigned thread = each > 0 ? (i - 1) % each + 1 : threads ? i : 0;

        if (json) {
            say("%s", i > first ? "," : "");
        } else if (threads && counter_get(&slot->connections) == 0) {
            unused++;
            continue;
        }
        print_row(slot, child, thread, sum, json);
    }
    if (unused > 0) {
        say("%7u thread%s served nobody\n", unused, plural(unused));
    }
}

static void
print_rates(const struct totals *sum, bool children)
{
    double per = (double)sum->connections;

    if (sum->connections == 0) {
        return;
    }
    say("  per connection: %.1f us of CPU, %.2f voluntary context switches\n",
        (double)(sum->user_us + sum->system_us) / per, (double)sum->switches / per);
    if (children && !signals_stop) {
        say("  (CPU and switches of living children are as of up to two seconds ago)\n");
    }
    say("  wake-ups per connection: %.2f returns from waiting, %.2f of them wasted\n",
        (double)sum->wakeups / per, (double)sum->wasted / per);
}

static void
print_text(const struct stats *stats, const struct scoreboard *board, const struct totals *sum)
{
    say("%s%s%s, pid %ld: up %.1f s\n", die_program(), *stats->variant ? " " : "", stats->variant,
        (long)getpid(), (double)(clock_us() - stats->started) / 1e6);
    say("  %llu connection%s, %llu request%s, %llu byte%s sent\n", sum->connections,
        plural(sum->connections), sum->requests, plural(sum->requests), sum->bytes,
        plural(sum->bytes));
    say("  %llu rejected, %llu timed out, %llu broken\n", sum->rejected, sum->timed_out,
        sum->broken);
    say("  CPU %.3f s user + %.3f s system; largest process %llu KiB\n", (double)sum->user_us / 1e6,
        (double)sum->system_us / 1e6, sum->peak_kib);
    print_rates(sum, board->children > 0 && (board->threads > 0 || !stats->threads));
    if (stats->children_started > 0) {
        say("  %llu child%s started, %llu lost\n", stats->children_started,
            stats->children_started == 1 ? "" : "ren", stats->children_lost);
    }
    say("%s", stats->more ? stats->more : "");
    if (stats->one_each) {
        return;
    }
    say("%7s %8s %12s %10s %9s%s\n", stats->threads ? "thread" : "child", "pid", "connections",
        "requests", "wake-ups", stats->threads ? "" : "  switches");
    print_rows(board, sum, stats->threads, false);
}

static void
print_json(const struct stats *stats, const struct scoreboard *board, const struct totals *sum)
{
    say("{\"server\":\"%s\",\"variant\":\"%s\",\"pid\":%ld,\"uptime_s\":%.3f,", die_program(),
        stats->variant, (long)getpid(), (double)(clock_us() - stats->started) / 1e6);
    say("\"connections\":%llu,\"requests\":%llu,\"bytes\":%llu,\"rejected\":%llu,"
        "\"timed_out\":%llu,\"broken\":%llu,",
        sum->connections, sum->requests, sum->bytes, sum->rejected, sum->timed_out, sum->broken);
    say("\"children_started\":%llu,\"children_lost\":%llu,\"wakeups\":%llu,"
        "\"wasted_wakeups\":%llu,\"context_switches\":%llu,",
        stats->children_started, stats->children_lost, sum->wakeups, sum->wasted, sum->switches);
    say("\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f,\"peak_rss_kib\":%llu,\"children\":[",
        (double)sum->user_us / 1e6, (double)sum->system_us / 1e6, sum->peak_kib);
    if (!stats->one_each) {
        print_rows(board, sum, stats->threads, true);
    }
    say("]%s}\n", stats->more ? stats->more : "");
}

/* The counters go on meanwhile: totals and rows are made of one copy, else they would not agree.
 * NULL if there is no memory for it. */
static struct slot *
copy_of(const struct scoreboard *board)
{
    size_t size = (scoreboard_count(board) + 1) * sizeof *board->slots;
    const counter *from = (const counter *)board->slots;
    counter *to = aligned_alloc(_Alignof(struct slot), size);

    for (size_t i = 0; to && i < size / sizeof *to; i++) {
        counter_set(&to[i], counter_get(&from[i]));
    }
    return (struct slot *)to;
}

void
stats_print(const struct stats *stats, const struct scoreboard *board,
            const struct options *options, bool at_the_end)
{
    struct slot *slots = NULL;
    struct scoreboard copy = *board;
    bool written = false;
    struct totals sum;
    char *text = NULL;
    size_t length;
    FILE *memory;

    if (at_the_end && options->quiet && !options->json) {
        return;
    }
    if (!stats->one_each && (slots = copy_of(board))) {
        copy.slots = slots;
    }
    sum = add_up(&copy);
    memory = open_memstream(&text, &length);
    out = memory ? memory : stdout; /* without memory a signal may cut it off */
    (options->json ? print_json : print_text)(stats, &copy, &sum);
    free(slots);
    written = memory ? fclose(memory) == 0 && signals_write(text, length) : fflush(stdout) == 0;
    if (!written && at_the_end) {
        die("standard output");
    } else if (!written) { /* nobody listens any more; but clients are still served */
        warn("standard output");
    }
    free(text);
}
