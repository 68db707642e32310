#include "advice.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../engine/local_address.h"
#include "format.h"

/* --- the schedule ---------------------------------------------------------------------------- */

static const double near_enough = 0.99; /* of a rate: it was reached */
static const double a_moment = 0.05;    /* seconds; so late is not late, however short the run */
static const double busy = 0.85;        /* of a processor: no time was left */

enum { FEW = 10 }; /* connections that tell nothing about a quarter of a run */

static double
schedule_of(const struct load *load)
{
    return (double)load_schedule_ns(load) / 1e9;
}

/* The rates at which connections were due, and at which they have begun. */
static double
asked_rate(const struct totals *totals, const struct load *load)
{
    return (double)totals->scheduled / schedule_of(load);
}

static double
begun_rate(const struct totals *totals, const struct load *load)
{
    double schedule = schedule_of(load), last = totals->last_begun_s;

    return (double)(totals->scheduled - totals->unsent) / (last > schedule ? last : schedule);
}

bool
advice_on_schedule(const struct totals *totals, const struct load *load)
{
    return (totals->unsent == 0 && totals->last_begun_s <= schedule_of(load) + a_moment) ||
           begun_rate(totals, load) >= near_enough * asked_rate(totals, load);
}

static double
median_of(const struct totals *totals, int quarter)
{
    return histogram_percentile(&totals->quarters[quarter], 500000);
}

/* From the first quarter to the last, the time at this rank has grown by more than chance: at 2 %
 * above the rate that the server can serve, it grows by 1.5 % of the schedule. */
static bool
has_grown(const struct totals *totals, const struct load *load, uint32_t millionths)
{
    double first = histogram_percentile(&totals->quarters[0], millionths);
    double last = histogram_percentile(&totals->quarters[QUARTERS - 1], millionths);

    return last - first > 1000 + schedule_of(load) * 1e6 / 100;
}

/* Where a queue grows, the connections that come later wait longer: the quick ones too (of two
 * kinds of work the median may be now of the one and now of the other), from the middle on, and to
 * the end (a server that stopped for a moment has caught up). Where each connection just takes
 * long, or a few do, that is not so. The quarters of a ramp differ in any case. */
bool
advice_kept_up(const struct totals *totals, const struct load *load)
{
    double first = median_of(totals, 0), third = median_of(totals, 2);
    double last = median_of(totals, QUARTERS - 1);
    bool enough = load->schedule.kind != SCHEDULE_RAMP;

    for (int i = 0; i < QUARTERS; i++) {
        enough = enough && totals->quarters[i].count >= FEW;
    }
    return !enough || !has_grown(totals, load, 250000) || !has_grown(totals, load, 500000) ||
           third - first < (last - first) / 4 || last < 0.9 * third;
}

/* How many processors the client has used, on average. */
static double
processors(const struct totals *totals)
{
    return totals->seconds > 0 ? totals->cpu_seconds / totals->seconds : 0;
}

/* Late connections had to wait for room rather than for a processor. */
static bool
lacked_room(const struct totals *totals)
{
    return totals->late_full + totals->left_full >= totals->late_busy;
}

/* The client's processes had no time left, or this machine none for them. */
static bool
client_was_busy(const struct totals *totals, const struct load *load)
{
    double used = processors(totals);
    long all = sysconf(_SC_NPROCESSORS_ONLN);

    return used >= busy * load->processes || (all > 0 && used >= busy * (double)all);
}

static void
say_limit(char *text, size_t size, const struct totals *totals, const struct load *load)
{
    double used = processors(totals);
    long all = sysconf(_SC_NPROCESSORS_ONLN);

    if (totals->died > 0) {
        snprintf(text, size, "A client process died.");
    } else if (totals->errors[FAILURE_CLIENT_LIMITED] > 0) {
        snprintf(text, size, "The client was the limit: it lacked descriptors, ports or memory.");
    } else if (client_was_busy(totals, load)) {
        snprintf(text, size,
                 "The client was the limit: its %u process%s used %.2f of %ld processors.%s",
                 load->processes, load->processes == 1 ? "" : "es", used, all,
                 (long)load->processes < all ? " Take more of them (-c)." : "");
    } else if (lacked_room(totals)) {
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

const char *
advice_why_slow(const struct totals *totals, const struct load *load)
{
    if (client_was_busy(totals, load)) {
        return "rate not reached: the client had no time left";
    }
    return lacked_room(totals) ? "rate not reached: no room (-m), the server is busy"
                               : "rate not reached: this machine is busy";
}

bool
advice_rate(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    int used;

    if (!load_is_open(load) || totals->interrupted || totals->scheduled == 0) {
        return false;
    }
    if (!advice_on_schedule(totals, load)) {
        used = snprintf(text, ADVICE_TEXT,
                        "The rate was not reached: %sconnections began at %s/s and not at %s/s. ",
                        load->misbehaviours.lots.count > 0 ? "well-behaved " : "",
                        format_grouped((uint64_t)(begun_rate(totals, load) + 0.5)).text,
                        format_grouped((uint64_t)(asked_rate(totals, load) + 0.5)).text);
        say_limit(text + used, ADVICE_TEXT - (size_t)used, totals, load);
        return true;
    }
    if (!advice_kept_up(totals, load)) {
        snprintf(text, ADVICE_TEXT,
                 "The rate was kept, but the server did not keep up with it: the median "
                 "response time grew from %s in the first quarter to %s in the last.",
                 format_duration(median_of(totals, 0)).text,
                 format_duration(median_of(totals, QUARTERS - 1)).text);
        return true;
    }
    return false;
}

bool
advice_response(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    double service = histogram_percentile(&totals->latencies[LATENCY_SERVICE], 990000);
    double response = histogram_percentile(&totals->latencies[LATENCY_RESPONSE], 990000);
    double ratio = service > 0 ? response / service : 0;
    int used;

    if (!load_is_open(load) || response <= 2 * service) {
        return false;
    }
    used = snprintf(text, ADVICE_TEXT, "Response p99 is %.*f times service p99: ", ratio < 9.95,
                    ratio);
    if (totals->late_full + totals->left_full > 0 && lacked_room(totals)) {
        snprintf(text + used, ADVICE_TEXT - (size_t)used,
                 "connections that were due had to wait until others had made room for them. "
                 "Users who come on schedule wait for the response time; the service time alone, "
                 "which is all that a closed loop knows, leaves this waiting out.");
    } else {
        snprintf(text + used, ADVICE_TEXT - (size_t)used,
                 "that is the client, not the server: this machine woke it late, by up to %s. "
                 "Compare the service times.",
                 format_duration(totals->most_late_us).text);
    }
    return true;
}

/* --- this machine ---------------------------------------------------------------------------- */

/* A message is the only request on its connection. */
static const char *
or_more_requests(const struct load *load)
{
    return load->message ? "" : ", or more requests on each (-k)";
}

/* Connections of the load that this machine could not make. */
static bool
advise_limited(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    switch (totals->error[FAILURE_CLIENT_LIMITED]) {
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:
        snprintf(text, ADVICE_TEXT,
                 "This machine ran out of local ports, not the server. Make fewer connections per "
                 "run%s; or wait 60 s until the closed ones leave TIME_WAIT; or use another port "
                 "or several addresses of the server.",
                 or_more_requests(load));
        break;
    case EMFILE:
        snprintf(text, ADVICE_TEXT,
                 "The limit on open descriptors is too low for so many connections in flight: "
                 "raise it (ulimit -n) or ask for fewer (-m). The server is not the limit.");
        break;
    default:
        snprintf(text, ADVICE_TEXT,
                 "This machine lacks descriptors, buffers or memory, not the server: ask for fewer "
                 "processes (-c) or fewer connections in flight (-m).");
    }
    return totals->errors[FAILURE_CLIENT_LIMITED] > 0;
}

/* The same for the idle connections of -H. */
static bool
advise_held(const struct totals *totals, char text[ADVICE_TEXT])
{
    switch (totals->held.failed > 0 ? totals->held.error : 0) {
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        snprintf(text, ADVICE_TEXT,
                 "Not all idle connections of -H could be made: this machine ran out of local "
                 "ports.");
        return true;
    case EMFILE:
    case ENFILE:
        snprintf(text, ADVICE_TEXT,
                 "Not all idle connections of -H could be made: the limit on open descriptors is "
                 "too low for them: raise it (ulimit -n) or ask for fewer. The server is not the "
                 "limit.");
        return true;
    default:
        return false;
    }
}

/* So many connections within a minute that finding a port has taken long. */
static bool
advise_ports(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX;
    bool spread = local_address_spreads() && !totals->one_source;
    double minutes = totals->seconds > 60 ? totals->seconds / 60 : 1;

    snprintf(text, ADVICE_TEXT,
             "With more than 14,000 connections a minute to one address and port, of this and "
             "other runs, the search for a free local port slows the client down, several times. "
             "Take fewer%s.",
             or_more_requests(load));
    return !is_unix && !spread && (double)totals->connected / minutes > LOCAL_ADDRESS_CLIFF;
}

bool
advice_limit(const struct totals *totals, const struct load *load, unsigned nth,
             char text[ADVICE_TEXT])
{
    if (advise_limited(totals, load, text) && nth-- == 0) {
        return true;
    }
    if (advise_held(totals, text) && nth-- == 0) {
        return true;
    }
    /* The last one explains no failure. */
    return !load->quiet && advise_ports(totals, load, text) && nth == 0;
}

bool
advice_any(const struct totals *totals, const struct load *load, unsigned nth,
           char text[ADVICE_TEXT])
{
    if (advice_rate(totals, load, text) && nth-- == 0) {
        return true;
    }
    if (advice_response(totals, load, text) && nth-- == 0) {
        return true;
    }
    return advice_limit(totals, load, nth, text);
}
