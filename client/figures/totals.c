#include "totals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/conn.h"
#include "../ask/lottery.h"
#include "../engine/local_address.h"

enum { STATUS_FAILED = 1, STATUS_UNREACHABLE = 3, STATUS_LIMITED = 4 };

static void
add_errors(struct result *result, const struct outcome *good)
{
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        result->errors[kind] += counter_get(&good->failed[kind]);
        if (result->error[kind] == 0) {
            result->error[kind] = good->error[kind];
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
    for (unsigned i = 0; i < WORK_TIMES * load->mix.classes; i++) {
        histogram_add(&result->works[i / WORK_TIMES][i % WORK_TIMES], &tally->works[trust][i]);
    }
}

/* Unverified successes are successes only if no process has learnt what a good reply is. */
static void
add_successes(struct result *result, const struct load *load, const struct tally *tally)
{
    uint64_t unverified = counter_get(&tally->good.completed[TRUST_UNVERIFIED]);

    result->completed += counter_get(&tally->good.completed[TRUST_VERIFIED]);
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

/* What a process that died left open has failed. */
static uint64_t
left_open(const struct outcome *outcome, bool died)
{
    uint64_t begun = counter_get(&outcome->begun);
    uint64_t done = outcome_completed(outcome) + outcome_failed(outcome);

    assert(died ? done <= begun : done == begun);
    return begun - done;
}

/* Those of -x that a process has never begun. Returns how many of its connections they were: it is
 * known which they would have been. */
static uint64_t
add_unsent(struct result *result, const struct load *load, const struct tally *tally, uint64_t mine)
{
    uint64_t key = draw_key(load->seed, tally->number, DRAW_MANNERS), count = 0;

    if (load->manners.count == 0) {
        return 0;
    }
    for (uint64_t nth = counter_get(&tally->taken); nth < mine; nth++) {
        int kind = manners_kind(&load->manners, draw(key, nth));

        if (kind != MANNERS_GOOD) {
            result->misbehaved[kind].unsent++;
            count++;
        }
    }
    return count;
}

/* Those of -x, by kind. Returns how many of the process's connections they were. */
static uint64_t
add_misbehaved(struct result *result, const struct load *load, const struct tally *tally)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < load->manners.count; i++) {
        const struct outcome *bad = &tally->bad[i];
        struct misbehaved *sum = &result->misbehaved[i];
        uint64_t begun = counter_get(&bad->begun), omitted = counter_get(&tally->omitted[i]);

        sum->begun += begun;
        sum->omitted += omitted;
        sum->connected += counter_get(&bad->connected);
        sum->completed += outcome_completed(bad);
        sum->errors[FAILURE_OTHER] += left_open(bad, tally->died);
        for (int kind = 0; kind < FAILURE_KINDS; kind++) {
            sum->errors[kind] += counter_get(&bad->failed[kind]);
        }
        histogram_add(&sum->lasted, &tally->lasted[i]);
        count += begun + omitted;
    }
    return count;
}

static void
add_lateness(struct result *result, const struct tally *tally)
{
    double most = (double)counter_get(&tally->most_late_ns) / 1000;
    double last = (double)counter_get(&tally->last_begun_ns) / 1e9;

    result->left_full += counter_get(&tally->left_full);
    result->late_full += counter_get(&tally->late_full);
    result->late_busy += counter_get(&tally->late_busy);
    result->most_late_us = most > result->most_late_us ? most : result->most_late_us;
    result->last_begun_s = last > result->last_begun_s ? last : result->last_begun_s;
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

static void
add_process(struct result *result, const struct load *load, const struct tally *tally)
{
    uint64_t total = load_total(load), begun = counter_get(&tally->good.begun);
    uint64_t bad = add_misbehaved(result, load, tally);
    uint64_t mine = total > 0 ? load_share(load, tally->number, total) : begun + bad;

    assert(begun + bad <= mine);
    bad += total > 0 ? add_unsent(result, load, tally, mine) : 0;
    result->scheduled += mine - bad;
    result->unsent += mine - bad - begun;
    result->errors[FAILURE_OTHER] += left_open(&tally->good, tally->died);
    result->connected += counter_get(&tally->good.connected);
    result->bytes += counter_get(&tally->bytes);
    add_lateness(result, tally);
    result->cpu_seconds += (double)tally->cpu_ns / 1e9;
    result->one_source = result->one_source || tally->one_source;
    result->died += tally->died;
    for (int i = 0; i < QUARTERS; i++) {
        histogram_add(&result->quarters[i], &tally->quarters[i]);
    }
    add_errors(result, &tally->good);
    for (unsigned i = 0; i < load->mix.classes; i++) {
        result->asked[i] += counter_get(&tally->asked[i]);
    }
    add_successes(result, load, tally);
}

/* To the end of the last connection. A schedule lasts to its end, although the last connection may
 * be over before the next would be due: ten at 10 per second are 10 per second. */
static double
seconds_of(const struct result *result, const struct load *load, const struct tally *tallies)
{
    int64_t start = 0, end = 0, seconds;

    for (unsigned i = 0; i < load->processes; i++) {
        if (tallies[i].started_ns == 0) {
            continue; /* stopped before it began */
        }
        start = start == 0 || tallies[i].started_ns < start ? tallies[i].started_ns : start;
        end = tallies[i].ended_ns > end ? tallies[i].ended_ns : end;
    }
    seconds = end - start;
    if (!result->interrupted && load_schedule(load) > seconds) {
        seconds = load_schedule(load);
    }
    return (double)(seconds > 0 ? seconds : 0) / 1e9;
}

void
result_add_up(struct result *result, const struct load *load, const struct tally *tallies)
{
    judge_server(result, load, tallies);
    result->seconds = seconds_of(result, load, tallies);
    for (unsigned i = 0; i < load->processes; i++) {
        add_process(result, load, &tallies[i]);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        result->failed += result->errors[kind];
    }
    for (unsigned i = 0; i < load->manners.count; i++) {
        for (int kind = 0; kind < FAILURE_KINDS; kind++) {
            result->misbehaved[i].failed += result->misbehaved[i].errors[kind];
        }
    }
    assert(result->scheduled == result->completed + result->failed + result->unsent);
    distribution_sort(&result->distribution);
    result->evenness = distribution_evenness(&result->distribution);
}

void
result_close(struct result *result)
{
    distribution_close(&result->distribution);
    free(result->intervals);
    result->intervals = NULL;
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

/* This machine lacked something, also for idle and misbehaving connections. */
static bool
limited(const struct result *result)
{
    for (unsigned i = 0; i < MANNERS_MOST; i++) {
        if (result->misbehaved[i].errors[FAILURE_CLIENT_LIMITED] > 0) {
            return true;
        }
    }
    return result->errors[FAILURE_CLIENT_LIMITED] > 0 ||
           (result->held.failed > 0 && outcome_of(result->held.error) == FAILURE_CLIENT_LIMITED);
}

/* Something was tried, and not one connection was made. */
static bool
unreachable(const struct result *result)
{
    uint64_t connected = result->connected, failed = result->failed;

    for (unsigned i = 0; i < MANNERS_MOST; i++) {
        connected += result->misbehaved[i].connected;
        failed += result->misbehaved[i].failed;
    }
    return failed > 0 && connected == 0 && !result->interrupted;
}

/* Nothing was to be made of so little time. */
static bool
idle(const struct result *result)
{
    uint64_t begun = 0;

    for (unsigned i = 0; i < MANNERS_MOST; i++) {
        begun += result->misbehaved[i].begun;
    }
    return result->scheduled + begun == 0;
}

int
result_status(const struct result *result)
{
    bool searched = result->step_count > 0;

    if (limited(result)) {
        return STATUS_LIMITED;
    }
    if (unreachable(result)) {
        return STATUS_UNREACHABLE;
    }
    if (result->interrupted || result->died > 0 || result->broken > 0 || idle(result) ||
        result->held.failed > 0 || result->held.died) {
        return STATUS_FAILED;
    }
    /* Of a search, the bound says what may fail. */
    if (searched ? result->found == 0 || result->ended_early
                 : result->completed < result->scheduled) {
        return STATUS_FAILED;
    }
    return EXIT_SUCCESS;
}
