#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../engine/wait.h"
#include "../figures/tally.h"
#include "duration.h"
#include "../figures/snapshot.h"

enum { LINE = 160, COLUMNS = 79 }; /* a line that is wrapped could not be overwritten */

static const struct load *load;
static const struct tally *tallies;
static const char *prefix = "";
static bool shown;
static int64_t next_ns;

/* The replies of -M show how it gets on, and a line would break into theirs. */
static bool
is_wanted(const struct load *asked)
{
    return !asked->quiet && !(asked->message && asked->verbose) && isatty(STDERR_FILENO);
}

static void
put(const char *text)
{
    char line[LINE];

    snprintf(line, sizeof line, "\r%.*s\033[K", COLUMNS, text);
    if (write(STDERR_FILENO, line, strlen(line)) == -1) {
        shown = false; /* the terminal has gone */
    }
}

void
progress_prefix(const char *text)
{
    prefix = text;
}

void
progress_say(const struct load *asked, const char *text)
{
    if (is_wanted(asked)) {
        put(text);
    }
}

void
progress_open(const struct load *asked, const struct tally *counts)
{
    load = asked;
    tallies = counts;
    shown = is_wanted(asked);
    next_ns = clock_ns() + (int64_t)PROGRESS_MS * 1000000;
}

int64_t
progress_due(void)
{
    return shown ? next_ns : INT64_MAX;
}

/* "4567 of 10000", or, of a run whose length is a time, "4567, 8 s left". */
static void
print_done(char text[LINE], const struct snapshot *sample, double seconds)
{
    uint64_t done = sample->completed + sample->failed;
    double left = (double)load->schedule.duration_ns / 1e9 - seconds;
    int used = snprintf(text, LINE, "%" PRIu64, done);

    if (load->connections > 0) {
        snprintf(text + used, LINE - (size_t)used, " of %" PRIu64, load_total(load));
    } else {
        snprintf(text + used, LINE - (size_t)used, ", %.0f s left", left > 0 ? left : 0);
    }
}

void
progress_print(void)
{
    static struct snapshot sample;
    int64_t now = clock_ns();
    double seconds = (double)(now - tallies[0].start_ns) / 1e9;
    char done[LINE], p99[FORMAT_DURATION], text[2 * LINE];

    if (!shown || now < next_ns) {
        return;
    }
    next_ns = now + (int64_t)PROGRESS_MS * 1000000;
    snapshot_take(&sample, load, tallies);
    print_done(done, &sample, seconds);
    snprintf(text, sizeof text, "%s%.1f s: %s, %.0f/s, p99 %s, %" PRIu64 " failed", prefix, seconds,
             done, (double)sample.completed / seconds,
             sample.requests > 0 ? format_duration(histogram_percentile(&sample.times, 990000), p99)
                                 : "-",
             sample.failed);
    put(text);
}

void
progress_close(void)
{
    if (shown) {
        put("");
    }
}
