#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct load *load;
static const struct tally *tallies;
static bool shown;
static int64_t start_ns, next_ns;

static void
say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) == -1) {
        shown = false; /* the terminal has gone */
    }
}

void
progress_open(const struct load *asked, const struct tally *counts)
{
    load = asked;
    tallies = counts;
    shown = !load->quiet && isatty(STDERR_FILENO);
    if (load->message && load->verbose) {
        shown = false; /* the replies show how it gets on, and it would break into their lines */
    }
    start_ns = clock_ns();
    next_ns = start_ns + (int64_t)PROGRESS_MS * 1000000;
}

bool
progress_shown(void)
{
    return shown;
}

void
progress_print(void)
{
    int64_t now = clock_ns();
    double seconds = (double)(now - start_ns) / 1e9;
    uint64_t completed = 0, failed = 0;
    char text[128];

    if (!shown || now < next_ns) {
        return;
    }
    next_ns = now + (int64_t)PROGRESS_MS * 1000000;
    for (unsigned i = 0; i < load->processes; i++) {
        completed += tally_completed(&tallies[i]);
        failed += tally_failed(&tallies[i]);
    }
    /* Short enough for 80 columns, so that the next one can overwrite it. */
    snprintf(text, sizeof text,
             "\r%.1f s: %" PRIu64 " of %" PRIu64 ", %.0f/s, %" PRIu64 " failed\033[K", seconds,
             completed + failed, load->processes * load->connections, (double)completed / seconds,
             failed);
    say(text);
}

void
progress_close(void)
{
    if (shown) {
        say("\r\033[K");
    }
}
