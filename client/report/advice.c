#include "advice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/conn.h"
#include "../engine/local_address.h"
#include "format.h"

enum { WRONG_TEXT = 80 };

/* --- the schedule ---------------------------------------------------------------------------- */

static const double near_enough = 0.99;  /* of a rate: it was reached */
static const double a_moment = 0.05;     /* seconds; so late is not late, however short the run */
static const double search_error = 0.05; /* of a rate that a search has found */
static const double busy = 0.85;         /* of a processor: no time was left */
static const double starved = 0.25;      /* of the time without a processor: that may explain all */
static const double often = 0.1; /* of the periods of a quota: it has held the client back */

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
    double share = search_error * schedule_of(load);
    bool strict = load->bound.text && share < a_moment; /* else short steps would prove nothing */
    double moment = strict ? share : a_moment;

    return (totals->unsent == 0 && totals->last_begun_s <= schedule_of(load) + moment) ||
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

/* The quarter of the schedule with the fewest connections that were completed. */
static int
fewest(const struct totals *totals)
{
    int quarter = 0;

    for (int i = 1; i < QUARTERS; i++) {
        quarter = totals->quarters[i].count < totals->quarters[quarter].count ? i : quarter;
    }
    return quarter;
}

/* Where a queue grows, the connections that come later wait longer: the quick ones too (of two
 * kinds of work the median may be now of the one and now of the other), to the end (a server that
 * stopped for a moment has caught up), and more than once (a server that has become slower is so
 * from one quarter to the next). Where each connection just takes long, or a few do, that is not
 * so. The quarters of a ramp differ in any case. */
bool
advice_kept_up(const struct totals *totals, const struct load *load)
{
    double last = median_of(totals, QUARTERS - 1), grown = last - median_of(totals, 0);
    int rises = 0;

    for (int i = 1; i < QUARTERS; i++) {
        rises += median_of(totals, i) - median_of(totals, i - 1) > grown / 8;
    }
    return load->schedule.kind == SCHEDULE_RAMP ||
           totals->quarters[fewest(totals)].count < QUARTER_LEAST ||
           !has_grown(totals, load, 250000) || !has_grown(totals, load, 500000) || rises < 2 ||
           last < 0.9 * median_of(totals, QUARTERS - 2);
}

/* So many processors, on average: such as those that the client has used. */
static double
processors(const struct totals *totals, double seconds)
{
    return totals->seconds > 0 ? seconds / totals->seconds : 0;
}

/* The client's processes had no time left, or this machine none for them: who runs or waits for a
 * processor nearly all the time does not wait for the server. */
static bool
client_was_busy(const struct totals *totals, const struct load *load)
{
    double used = processors(totals, totals->cpu_seconds);
    double wanted = processors(totals, totals->cpu_seconds + totals->starved_s);
    long all = sysconf(_SC_NPROCESSORS_ONLN);

    return wanted >= busy * load->processes || (all > 0 && used >= busy * (double)all);
}

static bool
was_throttled(const struct totals *totals)
{
    return (double)totals->quota.throttled > often * (double)totals->quota.periods;
}

static bool
was_held_up(const struct totals *totals)
{
    return totals->away_s > 0 || was_throttled(totals);
}

/* Connections waited longer for the client's processes than for room. */
static bool
client_was_late(const struct totals *totals)
{
    return totals->own_s > totals->room_s;
}

/* The part of the time in which the client's processes waited for a processor. */
static double
starved_part(const struct totals *totals, const struct load *load)
{
    return processors(totals, totals->starved_s) / load->processes;
}

bool
advice_client_lacked_time(const struct totals *totals, const struct load *load)
{
    return was_held_up(totals) || client_was_busy(totals, load) ||
           starved_part(totals, load) > starved;
}

bool
advice_client_is_limit(const struct totals *totals, const struct load *load)
{
    return advice_client_lacked_time(totals, load) || client_was_late(totals);
}

/* For whom connections that were due have waited: the figures first, then what they mean. Room of
 * a client that did not come to its replies is room that it had. */
static int
say_waiting(char *text, size_t size, const struct totals *totals, const struct load *load)
{
    return snprintf(text, size,
                    "Of the %s that connections waited in all before they began, %s were for room "
                    "(%u in flight, -c x -m) and %s for the client's own processes, which used "
                    "%.2f of %ld processors and waited for one for %s. %s",
                    format_duration((totals->room_s + totals->own_s) * 1e6).text,
                    format_duration(totals->room_s * 1e6).text, load->processes * load->in_flight,
                    format_duration(totals->own_s * 1e6).text,
                    processors(totals, totals->cpu_seconds), sysconf(_SC_NPROCESSORS_ONLN),
                    format_duration(totals->starved_s * 1e6).text,
                    advice_client_lacked_time(totals, load)
                        ? "(A place counts as taken until the client has read the reply: so the "
                          "wait for room may be the client's own as well.) "
                        : "");
}

static const char *
meaning_of(const struct totals *totals, const struct load *load)
{
    if (client_was_busy(totals, load) && totals->starved_s > totals->cpu_seconds / 4) {
        return "So this machine was the limit: others had the processors that the client wanted.";
    }
    if (client_was_busy(totals, load)) {
        return "They had no time left: take more of them (-c), if there are processors.";
    }
    if (client_was_late(totals)) {
        return "So this machine was the limit: the client had room, but came late.";
    }
    if (was_held_up(totals)) {
        return "But the client itself did not always run (see below).";
    }
    return starved_part(totals, load) > starved
               ? "So it cannot be told whether the server was the limit: the client often had no "
                 "processor."
               : "So the limit was the server, or the processors that it shares with the client, "
                 "or too little room.";
}

const char *
advice_why_slow(const struct totals *totals, const struct load *load)
{
    if (client_was_busy(totals, load)) {
        return "rate not reached: the client had no time left";
    }
    return advice_client_is_limit(totals, load) ? "rate not reached: the client itself was late"
                                                : "rate not reached: no room (-m), the server is "
                                                  "busy";
}

static bool
misses_rate(const struct totals *totals, const struct load *load)
{
    return load_is_open(load) && !totals->interrupted && totals->scheduled > 0 &&
           !advice_on_schedule(totals, load);
}

bool
advice_rate(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    int used;

    if (!load_is_open(load) || totals->interrupted || totals->scheduled == 0) {
        return false;
    }
    if (misses_rate(totals, load)) {
        used = snprintf(text, ADVICE_TEXT,
                        "The rate was not reached: %sconnections began at %s/s and not at %s/s. ",
                        load->misbehaviours.lots.count > 0 ? "well-behaved " : "",
                        format_rate(begun_rate(totals, load)).text,
                        format_rate(asked_rate(totals, load)).text);
        used += say_waiting(text + used, ADVICE_TEXT - (size_t)used, totals, load);
        snprintf(text + used, ADVICE_TEXT - (size_t)used, "%s", meaning_of(totals, load));
        return true;
    }
    if (!advice_kept_up(totals, load)) {
        snprintf(text, ADVICE_TEXT,
                 "The rate was kept, but the server did not keep up with it%s: the median "
                 "response time (without the wait for the client's processes) grew from %s in the "
                 "first quarter to %s in the last.",
                 was_held_up(totals) ? ", or the client did not (see below)" : "",
                 format_duration(median_of(totals, 0)).text,
                 format_duration(median_of(totals, QUARTERS - 1)).text);
        return true;
    }
    return false;
}

bool
advice_response(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    const struct histogram *times = totals->latencies;
    uint64_t count = times[LATENCY_RESPONSE].count;
    unsigned rank = count >= BEYOND_LEAST * 100 ? 99 : count >= BEYOND_LEAST * 10 ? 90 : 50;
    double service = histogram_percentile(&times[LATENCY_SERVICE], rank * 10000);
    double response = histogram_percentile(&times[LATENCY_RESPONSE], rank * 10000);
    double punctual = histogram_percentile(&times[LATENCY_PUNCTUAL], rank * 10000);
    double ratio = service > 0 ? response / service : 0;
    int used;

    if (!load_is_open(load) || count < BEYOND_LEAST * 2 || response <= 2 * service) {
        return false;
    }
    used = snprintf(text, ADVICE_TEXT, "Response p%u is %.*f times service p%u. ", rank,
                    ratio < 9.95, ratio, rank);
    if (!misses_rate(totals, load)) { /* else it has been said */
        used += say_waiting(text + used, ADVICE_TEXT - (size_t)used, totals, load);
    }
    if (advice_client_lacked_time(totals, load)) {
        snprintf(text + used, ADVICE_TEXT - (size_t)used,
                 "The client lacked processor time: all times, also of service, may contain that.");
    } else if (response > 2 * punctual) {
        snprintf(text + used, ADVICE_TEXT - (size_t)used,
                 "Without the wait for the client's processes response p%u is %s: compare that, or "
                 "the service times.",
                 rank, format_duration(punctual).text);
    } else {
        snprintf(text + used, ADVICE_TEXT - (size_t)used,
                 "Users who come on schedule wait for the response time; the service time alone, "
                 "which is all that a closed loop knows, leaves this waiting out.");
    }
    return true;
}

/* --- this machine ---------------------------------------------------------------------------- */

/* What it has run out of, by an errno of FAILURE_CLIENT_LIMITED, and what can be done. */
static const char *
lack_of(int error)
{
    switch (error) {
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:
        return "local ports: make fewer connections per run, or more requests on each (-k); or "
               "wait 60 s until the closed ones leave TIME_WAIT; or use another port or several "
               "addresses of the server.";
    case EMFILE:
    case ENFILE:
        return "descriptors: raise the limit (ulimit -n) or ask for fewer connections in flight "
               "(-m) or idle (-H).";
    default:
        return "buffers or memory: ask for fewer processes (-c) or fewer connections in flight "
               "(-m).";
    }
}

/* Connections of the load that could not be made. */
static bool
advise_limited(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    (void)load;
    snprintf(text, ADVICE_TEXT, "This machine ran out of %s",
             lack_of(totals->error[FAILURE_CLIENT_LIMITED]));
    return totals->errors[FAILURE_CLIENT_LIMITED] > 0;
}

/* The same for the idle connections of -H. */
static bool
advise_held(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    (void)load;
    snprintf(text, ADVICE_TEXT,
             "Not all idle connections of -H could be made: this machine ran out of %s",
             lack_of(totals->held.error));
    return totals->held.failed > 0 && failure_of(totals->held.error) == FAILURE_CLIENT_LIMITED;
}

/* What server begins its replies so, or NULL. Where HTTP is spoken, the first two are no news. */
static const char *
looks_like(const struct sample *sample, const struct load *load)
{
    static const char *const starts[][2] = {
        {"HTTP/", "HTTP: -P http, or with others' servers -u /"},
        {"<", "HTML: ask a server of HTTP by -u /"},
        {"SSH-", "SSH"},
        {"220", "mail or FTP"},
        {"\x15\x03", "TLS"},
        {"-ERR", "Redis"}};

    for (size_t i = load->http ? 2 : 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t length = strlen(starts[i][0]);

        if (sample->kept >= length && memcmp(sample->head, starts[i][0], length) == 0) {
            return starts[i][1];
        }
    }
    return NULL;
}

/* What is wrong with a reply whose beginning may be right. */
static void
say_fault(const struct sample *sample, const struct load *load, char text[WRONG_TEXT])
{
    bool in_stamp = !load->message && sample->wanted >= CONN_STAMP && sample->wrong_at < CONN_STAMP;

    snprintf(text, WRONG_TEXT, "%s", sample->why ? sample->why : "");
    if (sample->kind != FAILURE_CORRUPT || sample->why || looks_like(sample, load)) {
        return;
    }
    if (sample->wrong_at == LATE_STAMP) {
        snprintf(text, WRONG_TEXT, ", but the one before it there had no stamp");
    } else if (sample->wrong_at >= sample->wanted) {
        snprintf(text, WRONG_TEXT, ", and is longer than it should be");
    } else if (in_stamp) {
        snprintf(text, WRONG_TEXT, ": that is no stamp");
    } else {
        snprintf(text, WRONG_TEXT, ", and its first wrong byte is number %s",
                 format_grouped(sample->wrong_at + 1).text);
    }
}

/* How a reply began that is wrong, or that nothing has verified though it looks like another's. */
static bool
advise_sample(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    const struct sample *sample = &totals->sample;
    const char *guess = looks_like(sample, load);
    bool wrong = sample->kind < FAILURE_KINDS;
    char fault[WRONG_TEXT];

    say_fault(sample, load, fault);
    if (sample->got == 0) {
        snprintf(text, ADVICE_TEXT,
                 "The first short reply was empty: the server closed without a reply.");
    } else {
        snprintf(text, ADVICE_TEXT, "The first %s reply began with '%s'%s%s%s.",
                 wrong ? outcome_name(sample->kind) : "unverified",
                 format_bytes(sample->head, sample->kept, FORMAT_COLUMNS).text, fault,
                 guess ? ": this looks like " : "", guess ? guess : "");
    }
    return sample->taken && (wrong || (guess && !load->quiet));
}

/* By HTTP: only this suite's servers know /BYTES, and they do not refuse it. */
static bool
advise_path(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    snprintf(text, ADVICE_TEXT,
             "-P http asks for /%" PRIu64 ", which only the servers of this suite know. Ask others "
             "for a path that they have: -u /",
             load->bytes);
    return load->http && !load->path && totals->requests == 0 &&
           totals->errors[FAILURE_REJECTED] > 0;
}

/* By HTTP with -k: what the requests cost is not what -k promises. */
static bool
advise_reopened(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    bool one = totals->reopened == 1;

    snprintf(text, ADVICE_TEXT,
             "The server announced the close of %s connection%s before all of -k was asked; the "
             "client made %s again, and the time of the next request has that in it.",
             format_grouped(totals->reopened).text, format_plural(totals->reopened),
             one ? "it" : "each");
    return totals->reopened > 0 && !load->quiet;
}

/* Nobody is there at all: how to start somebody, where any user of this machine can. */
static bool
advise_refused(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX, own;
    const char *server =
        load->message ? "server05_spawn_pool -e handler_echo" : "server03_prefork_accept";
    char where[ADDRESS_TEXT];
    struct escaped_text host;
    int used;

    address_text(&load->target, where);
    host = format_escaped(is_unix ? where : load->host, FORMAT_COLUMNS);
    own = strncmp(where, "127.", 4) == 0 || strncmp(where, "[::1]", 5) == 0;
    used = snprintf(text, ADVICE_TEXT, "Nobody listens on %s.", is_unix ? host.text : where);
    if (is_unix || (own && load->port >= 1024)) { /* lower ones are not for every user */
        used += snprintf(text + used, ADVICE_TEXT - (size_t)used,
                         " Start a server there first, such as: bin/%s -i %s", server, host.text);
    }
    if (!is_unix && own && load->port >= 1024) {
        snprintf(text + used, ADVICE_TEXT - (size_t)used, " -p %d", load->port);
    }
    return totals->connected == 0 && totals->errors[FAILURE_REFUSED] > 0;
}

/* With -q, only a failure is to be explained. */
static bool
is_wanted(const struct totals *totals, const struct load *load)
{
    return !load->quiet || totals->failed + totals->unsent > 0;
}

/* A time in which a client process did not run. */
static bool
advise_away(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    snprintf(text, ADVICE_TEXT,
             "A client process did not run for %s: somebody had suspended it, or this machine had "
             "no processor for it. What came late by that is not the server's.",
             format_duration(totals->away_s * 1e6).text);
    return totals->away_s > 0 && is_wanted(totals, load);
}

/* Whether a queue grew could not be looked at; where the rate was not reached, nobody asks. */
static bool
advise_few(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    static const char *const names[QUARTERS] = {"first", "second", "third", "last"};
    int quarter = fewest(totals);

    snprintf(text, ADVICE_TEXT,
             "Nothing can tell whether the server kept up: it takes %d connections completed in "
             "each quarter of the schedule, and the %s had %s.",
             QUARTER_LEAST, names[quarter], format_grouped(totals->quarters[quarter].count).text);
    return load_is_open(load) && load->schedule.kind != SCHEDULE_RAMP && totals->completed > 0 &&
           !totals->interrupted && !misses_rate(totals, load) && !load->quiet &&
           totals->quarters[quarter].count < QUARTER_LEAST;
}

/* Processor time was not this machine's to give. */
static bool
advise_quota(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    snprintf(text, ADVICE_TEXT,
             "A quota of processor time (cgroup) held the client, and what else is in its group, "
             "back in %s of %s periods: the figures are that quota's.",
             format_grouped(totals->quota.throttled).text,
             format_grouped(totals->quota.periods).text);
    return was_throttled(totals) && is_wanted(totals, load);
}

/* So many connections within a minute that finding a port takes long, and connecting did. */
static bool
advise_ports(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT])
{
    bool is_unix = load->target.storage.ss_family == AF_UNIX;
    bool spread = local_address_spreads() && !totals->one_source;
    double minutes = totals->seconds > 60 ? totals->seconds / 60 : 1;
    double mean = histogram_mean(&totals->latencies[LATENCY_CONNECT]);
    double early = totals->early_connect_us / (double)(totals->early_connects + 1);

    snprintf(text, ADVICE_TEXT,
             "Connecting took %s on average, but %s for the first %d of each process. With more "
             "than 14,000 connections a minute to one address and port, of this and other runs, "
             "the search for a free local port takes time. Make fewer.",
             format_duration(mean).text, format_duration(early).text, EARLY_CONNECTS);
    return !is_unix && !spread && !load->quiet &&
           (double)totals->connected / minutes > LOCAL_ADDRESS_CLIFF && mean > 1.5 * early;
}

bool
advice_any(const struct totals *totals, const struct load *load, enum advice_first first,
           unsigned nth, char text[ADVICE_TEXT])
{
    static bool (*const advices[])(const struct totals *, const struct load *, char *) = {
        advice_rate,   advice_response, advise_limited, advise_held,  advise_refused, advise_path,
        advise_sample, advise_reopened, advise_away,    advise_quota, advise_few,     advise_ports};

    for (size_t i = first; i < sizeof advices / sizeof advices[0]; i++) {
        if (advices[i](totals, load, text) && nth-- == 0) {
            return true;
        }
    }
    return false;
}
