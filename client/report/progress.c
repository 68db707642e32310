#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../figures/snapshot.h"
#include "format.h"

enum { LINE = 240, COLUMNS = 80 }; /* of a terminal that does not say how wide it is */

static const struct load *load;
static const struct tally *tallies;
static const char *prefix = "";
static bool shown;
static int64_t next_ns;

/* The replies of -M show the progress themselves, and a line would break into them. */
static bool
is_wanted(const struct load *asked)
{
    const char *terminal = getenv("TERM");
    bool can_erase = terminal && *terminal != '\0' && strcmp(terminal, "dumb") != 0;

    return !asked->quiet && !(asked->message && asked->verbose) && can_erase &&
           isatty(STDERR_FILENO);
}

/* A line that is as wide as the terminal would be wrapped, and could not be overwritten. */
static int
room(void)
{
#ifdef TIOCGWINSZ /* not of POSIX, but of all its systems */
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_col < COLUMNS) {
        return size.ws_col - 1;
    }
#endif
    return COLUMNS - 1;
}

static void
put(const char *text)
{
    char line[LINE];

    snprintf(line, sizeof line, "\r%.*s\033[K", room(), text);
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

/* How far the run has come: "4567 of 10000", or, if its length is a time, "4567, 8 s left". */
static int
print_done(char text[LINE], double seconds, uint64_t done)
{
    double left = (double)load->schedule.duration_ns / 1e9 - seconds;

    if (load->connections > 0) {
        return snprintf(text, LINE, "%s%.1f s: %" PRIu64 " of %" PRIu64, prefix, seconds, done,
                        load_total(load));
    }
    return snprintf(text, LINE, "%s%.1f s: %" PRIu64 ", %.0f s left", prefix, seconds, done,
                    left > 0 ? left : 0);
}

void
progress_print(void)
{
    static struct snapshot now;
    double seconds = (double)(clock_ns() - tallies[0].start_ns) / 1e9;
    char text[LINE];
    int used;

    if (!shown || clock_ns() < next_ns) {
        return;
    }
    next_ns = clock_ns() + (int64_t)PROGRESS_MS * 1000000;
    snapshot_take(&now, load, tallies);
    used = print_done(text, seconds, now.completed + now.failed);
    snprintf(text + used, LINE - (size_t)used, ", %.0f/s, p99 %s, %" PRIu64 " failed",
             (double)now.completed / seconds,
             now.requests > 0 ? format_duration(histogram_percentile(&now.times, 990000)).text
                              : "-",
             now.failed);
    put(text);
}

void
progress_close(void)
{
    if (shown) {
        put("");
    }
}
