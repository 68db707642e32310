#include "remark.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "duration.h"
#include "source.h"
#include "text.h"

/* --- the schedule ---------------------------------------------------------------------------- */

static const double near_enough = 0.99; /* of a rate: it was reached */
static const double a_moment = 0.02;    /* seconds; so late is not late, however short the run */
static const double busy = 0.85;        /* of a processor: no time was left */

static double
schedule_of(const struct load *load)
{
    return (double)load_schedule(load) / 1e9;
}

/* The rate at which connections have begun. */
static double
begun_rate(const struct result *result, const struct load *load)
{
    double schedule = schedule_of(load), last = result->last_begun_s;

    return (double)(result->scheduled - result->unsent) / (last > schedule ? last : schedule);
}

static double
asked_rate(const struct result *result, const struct load *load)
{
    return (double)result->scheduled / schedule_of(load);
}

bool
remark_on_schedule(const struct result *result, const struct load *load)
{
    if (result->unsent == 0 && result->last_begun_s <= schedule_of(load) + a_moment) {
        return true;
    }
    return begun_rate(result, load) >= near_enough * asked_rate(result, load);
}

static double
median_of_half(const struct result *result, int half)
{
    return histogram_percentile(&result->halves[half], 500000);
}

/* Where a queue grows, those who come later wait longer: at 2 % above what the server can do, the
 * medians of both halves are 1 % of the schedule apart. Where each connection just takes long, or a
 * few do, they are not. A ramp's halves are not alike in the first place. */
bool
remark_kept_up(const struct result *result, const struct load *load)
{
    double grown = median_of_half(result, 1) - median_of_half(result, 0);

    return load->plan.kind == PLAN_RAMP || grown <= 1000 + schedule_of(load) * 1e6 / 100;
}

/* Processors that the client has used, on average. */
static double
processors(const struct result *result)
{
    return result->seconds > 0 ? result->cpu_seconds / result->seconds : 0;
}

/* What was late had to wait for room rather than for a processor. */
static bool
lacked_room(const struct result *result)
{
    return result->late_full + result->left_full >= result->late_busy;
}

static void
say_limit(char *text, size_t size, const struct result *result, const struct load *load)
{
    double used = processors(result);
    long all = sysconf(_SC_NPROCESSORS_ONLN);

    if (result->died > 0) {
        snprintf(text, size, "A client process died.");
    } else if (result->errors[FAILURE_CLIENT_LIMITED] > 0) {
        snprintf(text, size, "The client was the limit: it lacked descriptors, ports or memory.");
    } else if (used >= busy * load->processes || (all > 0 && used >= busy * (double)all)) {
        snprintf(text, size,
                 "The client was the limit: its %u process%s used %.2f of %ld processors.%s",
                 load->processes, load->processes == 1 ? "" : "es", used, all,
                 (long)load->processes < all ? " Take more of them (-c)." : "");
    } else if (lacked_room(result)) {
        snprintf(text, size,
                 "The server was the limit, or the processors that it shares with the client: the "
                 "room for %u in flight (-c x -m) was all taken, and the client used %.2f of %ld "
                 "processors.",
                 load->processes * load->in_flight, used, all);
    } else {
        snprintf(text, size,
                 "This machine was the limit: the client had room for more connections, but its "
                 "processes did not get a processor in time; they used %.2f of %ld.",
                 used, all);
    }
}

bool
remark_rate(const struct result *result, const struct load *load, char text[REMARK_TEXT])
{
    char begun[TEXT_GROUPED], asked[TEXT_GROUPED], first[DURATION_TEXT], second[DURATION_TEXT];
    int used;

    if (!plan_open(&load->plan) || result->interrupted || result->scheduled == 0) {
        return false;
    }
    if (!remark_on_schedule(result, load)) {
        used = snprintf(text, REMARK_TEXT,
                        "The rate was not reached: connections began at %s/s and not at %s/s. ",
                        text_grouped(begun, (uint64_t)(begun_rate(result, load) + 0.5)),
                        text_grouped(asked, (uint64_t)(asked_rate(result, load) + 0.5)));
        say_limit(text + used, REMARK_TEXT - (size_t)used, result, load);
        return true;
    }
    if (!remark_kept_up(result, load)) {
        snprintf(text, REMARK_TEXT,
                 "The rate was kept, but the server was not keeping up with it: the median "
                 "response time was %s in the first half, and %s in the second.",
                 duration_text(median_of_half(result, 0), first),
                 duration_text(median_of_half(result, 1), second));
        return true;
    }
    return false;
}

/* Why connections began late. */
static void
say_why_late(char *text, size_t size, const struct result *result)
{
    char most[DURATION_TEXT];

    if (result->late_full + result->left_full + result->late_busy == 0) {
        snprintf(text, size, "for the client itself, which began them up to %s late",
                 duration_text(result->most_late_us, most));
    } else if (lacked_room(result)) {
        snprintf(text, size, "until others had made room for them");
    } else {
        snprintf(text, size, "until this machine gave the client a processor");
    }
}

bool
remark_response(const struct result *result, const struct load *load, char text[REMARK_TEXT])
{
    double service = histogram_percentile(&result->latencies[LATENCY_SERVICE], 990000);
    double response = histogram_percentile(&result->latencies[LATENCY_RESPONSE], 990000);
    char why[128];

    if (!plan_open(&load->plan) || response <= 2 * service) {
        return false;
    }
    say_why_late(why, sizeof why, result);
    snprintf(text, REMARK_TEXT,
             "Response p99 is %.1f times service p99: connections that were due had to wait, %s. "
             "Users who come on schedule wait for the response time; the service time alone, which "
             "is all that a closed loop knows, leaves this waiting out.",
             response / service, why);
    return true;
}

/* --- this machine ---------------------------------------------------------------------------- */

static const char *
ports_hint(const struct load *load)
{
    if (load->message) {
        return "This machine ran out of local ports, not the server. Make fewer connections per "
               "run; or wait 60 s until the closed ones leave TIME_WAIT; or use another port or "
               "several addresses of the server.";
    }
    return "This machine ran out of local ports, not the server. Make fewer connections per run, "
           "or more requests on each (-k); or wait 60 s until the closed ones leave TIME_WAIT; "
           "or use another port or several addresses of the server.";
}

static const char *
limit_hint(const struct result *result, const struct load *load)
{
    if (result->errors[FAILURE_CLIENT_LIMITED] == 0) {
        return NULL;
    }
    switch (result->error[FAILURE_CLIENT_LIMITED]) {
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:
        return ports_hint(load);
    case EMFILE:
        return "The limit on open descriptors is too low for so many connections in flight: "
               "raise it (ulimit -n) or ask for fewer (-m). The server is not the limit.";
    default:
        return "This machine lacks descriptors, buffers or memory, not the server: ask for fewer "
               "processes (-c) or fewer connections in flight (-m).";
    }
}

/* The same for the idle connections of -H. */
static const char *
held_hint(const struct result *result, const struct load *load)
{
    if (load->held == 0 || result->held.failed == 0) {
        return NULL;
    }
    switch (result->held.error) {
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        return "Not all idle connections of -H could be made: this machine ran out of local ports.";
    case EMFILE:
    case ENFILE:
        return "Not all idle connections of -H could be made: the limit on open descriptors is too "
               "low for them: raise it (ulimit -n) or ask for fewer. The server is not the limit.";
    default:
        return NULL;
    }
}

/* Judged by what happened: so many connections within a minute. */
static const char *
cliff_hint(const struct result *result, const struct load *load)
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX;
    bool spread = source_spreads() && !result->one_source;
    double minutes = result->seconds > 60 ? result->seconds / 60 : 1;

    if (is_unix || spread) {
        return NULL;
    }
    if ((double)result->connected / minutes <= SOURCE_CLIFF) {
        return NULL;
    }
    if (load->message) {
        return "With more than 14,000 connections a minute to one address and port, of this and "
               "other runs, the search for a free local port slows the client down, several "
               "times. Take fewer.";
    }
    return "With more than 14,000 connections a minute to one address and port, of this and other "
           "runs, the search for a free local port slows the client down, several times. Take "
           "fewer, or more requests on each (-k).";
}

bool
remark_limit(const struct result *result, const struct load *load, unsigned nth,
             char text[REMARK_TEXT])
{
    /* Only the first two explain a failure. */
    const char *limits[] = {limit_hint(result, load), held_hint(result, load),
                            load->quiet ? NULL : cliff_hint(result, load)};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i] && nth-- == 0) {
            snprintf(text, REMARK_TEXT, "%s", limits[i]);
            return true;
        }
    }
    return false;
}

bool
remark_any(const struct result *result, const struct load *load, unsigned nth,
           char text[REMARK_TEXT])
{
    if (remark_rate(result, load, text) && nth-- == 0) {
        return true;
    }
    if (remark_response(result, load, text) && nth-- == 0) {
        return true;
    }
    return remark_limit(result, load, nth, text);
}
