#include "stats.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum { BAR = 30 };

struct totals {
    unsigned long long connections, requests, bytes, rejected, timed_out, broken, wakeups, wasted;
    unsigned long long switches, user_us, system_us, most; /* most: connections of one child */
    long peak_rss_kib;
};

static struct totals before; /* what had been used when the server started */

static void
add_usage(struct totals *sum, int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    sum->switches += (unsigned long long)usage.ru_nvcsw;
    sum->user_us += clock_timeval_us(usage.ru_utime);
    sum->system_us += clock_timeval_us(usage.ru_stime);
    if (usage.ru_maxrss > sum->peak_rss_kib) {
        sum->peak_rss_kib = usage.ru_maxrss; /* KiB on Linux and the BSDs */
    }
}

void
stats_start(struct stats *stats, const char *variant)
{
    before = (struct totals){0};
    add_usage(&before, RUSAGE_SELF);
    add_usage(&before, RUSAGE_CHILDREN); /* survive exec too */
    stats->variant = variant;
    stats->started = clock_us();
}

/* What the processes used: this one, the children that were reaped, and the living ones' slots. */
static struct totals
add_up(const struct scoreboard *board)
{
    struct totals sum = {0};

    for (unsigned i = 0; i <= board->children; i++) {
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
    }
    add_usage(&sum, RUSAGE_SELF);
    add_usage(&sum, RUSAGE_CHILDREN);
    sum.switches -= before.switches;
    sum.user_us -= before.user_us;
    sum.system_us -= before.system_us;
    return sum;
}

/* Not after an error: each write of what is left would wait for the same reader again. */
#define say(...) (ferror(stdout) ? 0 : printf(__VA_ARGS__))

/* A server without children has one row, its own. */
static void
print_rows(const struct scoreboard *board, const struct totals *sum, bool json)
{
    static const char bar[BAR + 1] = "##############################";
    unsigned first = board->children > 0;

    for (unsigned i = first; i <= board->children; i++) {
        const struct slot *slot = &board->slots[i];
        unsigned long long pid = counter_get(&slot->pid);
        unsigned long long connections = counter_get(&slot->connections);
        unsigned long long requests = counter_get(&slot->requests);
        unsigned long long wakeups = counter_get(&slot->wakeups);
        unsigned long long switches =
            counter_get(&slot->switches) + counter_get(&slot->running_switches);
        int length = sum->most > 0 ? (int)(connections * BAR / sum->most) : 0;

        switches = first ? switches : sum->switches;
        if (json) {
            say("%s{\"child\":%u,\"pid\":%llu,\"connections\":%llu,\"requests\":%llu,"
                "\"bytes\":%llu,\"wakeups\":%llu,\"wasted_wakeups\":%llu,"
                "\"context_switches\":%llu}",
                i > 1 ? "," : "", i, pid, connections, requests, counter_get(&slot->bytes), wakeups,
                counter_get(&slot->wasted), switches);
        } else {
            say("%7u %8llu %12llu %10llu %9llu %9llu  %.*s\n", i, pid, connections, requests,
                wakeups, switches, length, bar);
        }
    }
}

static void
print_rates(const struct scoreboard *board, const struct totals *sum)
{
    double per = (double)sum->connections;

    if (sum->connections == 0) {
        return;
    }
    say("  per connection: %.1f us of CPU, %.2f voluntary context switches\n",
        (double)(sum->user_us + sum->system_us) / per, (double)sum->switches / per);
    if (board->children > 0 && !signals_stop) {
        say("  (CPU and switches of living children are as of up to a second ago)\n");
    }
    say("  wake-ups per connection: %.2f returns from waiting, %.2f of them wasted\n",
        (double)sum->wakeups / per, (double)sum->wasted / per);
}

static void
print_text(const struct stats *stats, const struct scoreboard *board, const struct totals *sum)
{
    say("%s%s%s, pid %ld: up %.1f s\n", die_program(), *stats->variant ? " " : "", stats->variant,
        (long)getpid(), (double)(clock_us() - stats->started) / 1e6);
    say("  %llu connections, %llu requests, %llu bytes sent\n", sum->connections, sum->requests,
        sum->bytes);
    say("  %llu rejected, %llu timed out, %llu broken\n", sum->rejected, sum->timed_out,
        sum->broken);
    say("  CPU %.3f s user + %.3f s system; largest process %ld KiB\n", (double)sum->user_us / 1e6,
        (double)sum->system_us / 1e6, sum->peak_rss_kib);
    print_rates(board, sum);
    if (stats->children_started > 0) {
        say("  %llu children started, %llu lost\n", stats->children_started, stats->children_lost);
    }
    say("%s", stats->more ? stats->more : "");
    if (stats->one_each) {
        return;
    }
    say("%7s %8s %12s %10s %9s %9s\n", "child", "pid", "connections", "requests", "wake-ups",
        "switches");
    print_rows(board, sum, false);
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
    say("\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f,\"peak_rss_kib\":%ld,\"children\":[",
        (double)sum->user_us / 1e6, (double)sum->system_us / 1e6, sum->peak_rss_kib);
    if (!stats->one_each) {
        print_rows(board, sum, true);
    }
    say("]%s}\n", stats->more ? stats->more : "");
}

void
stats_print(const struct stats *stats, const struct scoreboard *board,
            const struct options *options)
{
    struct totals sum = add_up(board);
    bool at_the_end = signals_stop;

    signals_printing(true);
    if (options->json) {
        print_json(stats, board, &sum);
    } else if (!options->quiet || !signals_stop) {
        print_text(stats, board, &sum);
    }
    /* A line may have failed in printf() already, and then there is nothing left to flush. */
    if (ferror(stdout) || fflush(stdout) == EOF) {
        if (at_the_end) {
            die("standard output");
        }
        warn("standard output"); /* nobody listens any more; but clients are still served */
        clearerr(stdout);
    }
    signals_printing(false);
}
