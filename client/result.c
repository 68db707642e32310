#include "result.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/conn.h"
#include "source.h"

enum { STATUS_FAILED = 1, STATUS_UNREACHABLE = 3, STATUS_LIMITED = 4 };

const char *
result_kind(enum failure kind)
{
    static const char *const names[FAILURE_KINDS] = {
        [FAILURE_REFUSED] = "refused",
        [FAILURE_RESET] = "reset",
        [FAILURE_TIMED_OUT] = "timed_out",
        [FAILURE_SHORT] = "short",
        [FAILURE_CORRUPT] = "corrupt",
        [FAILURE_REJECTED] = "rejected",
        [FAILURE_CLIENT_LIMITED] = "client_limited",
        [FAILURE_OTHER] = "other",
    };

    return names[kind];
}

static void
add_errors(struct result *result, const struct tally *tally)
{
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        result->errors[kind] += counter_get(&tally->failed[kind]);
        if (result->error[kind] == 0) {
            result->error[kind] = tally->error[kind];
        }
    }
}

static void
add_times(struct result *result, const struct load *load, const struct tally *tally,
          enum trust trust)
{
    for (int i = 0; i < LATENCY_KINDS; i++) {
        histogram_add(&result->latencies[i], &tally->latencies[trust][i]);
    }
    for (unsigned i = 0; i < load->mix.classes; i++) {
        histogram_add(&result->works[i], &tally->works[trust][i]);
    }
}

/* Unverified successes are successes only if no process has learnt what a good reply is. */
static void
add_successes(struct result *result, const struct load *load, const struct tally *tally)
{
    uint64_t unverified = counter_get(&tally->completed[TRUST_UNVERIFIED]);

    result->completed += counter_get(&tally->completed[TRUST_VERIFIED]);
    result->requests += counter_get(&tally->requests[TRUST_VERIFIED]);
    add_times(result, load, tally, TRUST_VERIFIED);
    if (!result->foreign) {
        result->errors[FAILURE_CORRUPT] += unverified;
        return;
    }
    result->completed += unverified;
    result->requests += counter_get(&tally->requests[TRUST_UNVERIFIED]);
    add_times(result, load, tally, TRUST_UNVERIFIED);
}

/* What a process that died left open has failed; what it never began is unsent. */
static void
add_process(struct result *result, const struct load *load, const struct tally *tally)
{
    uint64_t begun = counter_get(&tally->begun);
    uint64_t done = tally_failed(tally) + tally_completed(tally);

    assert(begun <= load->connections);
    assert(tally->died ? done <= begun : done == begun);
    result->errors[FAILURE_OTHER] += begun - done;
    result->unsent += load->connections - begun;
    result->connected += counter_get(&tally->connected);
    result->bytes += counter_get(&tally->bytes);
    result->one_source = result->one_source || tally->one_source;
    result->died += tally->died;
    add_errors(result, tally);
    for (unsigned i = 0; i < load->mix.classes; i++) {
        result->asked[i] += counter_get(&tally->asked[i]);
    }
    add_successes(result, load, tally);
}

/* One process that has seen a reply of this suite is enough to know the server. */
static void
judge_server(struct result *result, const struct load *load, const struct tally *tallies)
{
    bool known = false, other = false;

    for (unsigned i = 0; i < load->processes; i++) {
        known = known || tallies[i].known || counter_get(&tallies[i].requests[TRUST_VERIFIED]) > 0;
        other = other || counter_get(&tallies[i].requests[TRUST_UNVERIFIED]) > 0;
    }
    result->foreign = other && !known;
    result->identified = known && !load->message && load->bytes >= CONN_STAMP;
}

static double
seconds_of(const struct load *load, const struct tally *tallies)
{
    int64_t start = 0, end = 0;

    for (unsigned i = 0; i < load->processes; i++) {
        if (tallies[i].started_ns == 0) {
            continue; /* stopped before it began */
        }
        start = start == 0 || tallies[i].started_ns < start ? tallies[i].started_ns : start;
        end = tallies[i].ended_ns > end ? tallies[i].ended_ns : end;
    }
    return (double)(end - start) / 1e9;
}

void
result_add_up(struct result *result, const struct load *load, const struct tally *tallies)
{
    result->scheduled = load->processes * load->connections;
    judge_server(result, load, tallies);
    result->seconds = seconds_of(load, tallies);
    for (unsigned i = 0; i < load->processes; i++) {
        add_process(result, load, &tallies[i]);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        result->failed += result->errors[kind];
    }
    assert(result->scheduled == result->completed + result->failed + result->unsent);
    distribution_sort(&result->distribution);
    result->evenness = distribution_evenness(&result->distribution);
}

double
result_part(const struct result *result, unsigned class)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < MIX_CLASSES_MOST; i++) {
        all += result->asked[i];
    }
    return all > 0 ? (double)result->asked[class] / (double)all : 0;
}

double
result_rate(const struct result *result, uint64_t count)
{
    return result->seconds > 0 ? (double)count / result->seconds : 0;
}

const char *
result_rejection(const struct load *load, const struct tally *tallies, unsigned nth)
{
    for (unsigned i = 0; i < load->processes; i++) {
        bool new = tallies[i].rejection[0] != '\0';

        for (unsigned j = 0; new &&j < i; j++) {
            new = strcmp(tallies[i].rejection, tallies[j].rejection) != 0;
        }
        if (new &&nth-- == 0) {
            return tallies[i].rejection;
        }
    }
    return NULL;
}

int
result_status(const struct result *result)
{
    if (result->errors[FAILURE_CLIENT_LIMITED] > 0) {
        return STATUS_LIMITED;
    }
    if (result->failed > 0 && result->connected == 0 && !result->interrupted) {
        return STATUS_UNREACHABLE;
    }
    if (result->completed < result->scheduled || result->interrupted || result->died > 0) {
        return STATUS_FAILED;
    }
    return EXIT_SUCCESS;
}

/* --- hints ----------------------------------------------------------------------------------- */

static const char *
ports_hint(const struct load *load)
{
    if (load->message) {
        return "This machine ran out of local ports, not the server. Make fewer connections per "
               "run; or wait 60 s\nuntil the closed ones leave TIME_WAIT; or use another port or "
               "several addresses of the server.";
    }
    return "This machine ran out of local ports, not the server. Make fewer connections per run, "
           "or more\nrequests on each (-k); or wait 60 s until the closed ones leave TIME_WAIT; "
           "or use another\nport or several addresses of the server.";
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
               "raise it\n(ulimit -n) or ask for fewer (-m). The server is not the limit.";
    default:
        return "This machine lacks descriptors, buffers or memory, not the server: ask for fewer "
               "processes\n(-c) or fewer connections in flight (-m).";
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
               "other runs, the\nsearch for a free local port slows the client down, several "
               "times. Take fewer.";
    }
    return "With more than 14,000 connections a minute to one address and port, of this and other "
           "runs, the\nsearch for a free local port slows the client down, several times. Take "
           "fewer, or more requests\non each (-k).";
}

const char *
result_hint(const struct result *result, const struct load *load, unsigned nth)
{
    /* Only the first explains a failure. */
    const char *hints[] = {limit_hint(result, load), load->quiet ? NULL : cliff_hint(result, load)};

    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i] && nth-- == 0) {
            return hints[i];
        }
    }
    return NULL;
}
