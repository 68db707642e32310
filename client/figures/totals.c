#include "totals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/conn.h"
#include "../ask/number.h"
#include "../engine/local_address.h"

/* Adds connections that failed, by kind, and those that a process left open when it died; and how
 * many connected. */
static void
add_outcome(const struct outcome *outcome, bool died, uint64_t errors[FAILURE_KINDS],
            uint64_t *connected)
{
    uint64_t begun = counter_get(&outcome->begun);
    uint64_t done = outcome_completed(outcome) + outcome_failed(outcome);

    assert(died ? done <= begun : done == begun);
    errors[FAILURE_OTHER] += begun - done;
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        errors[kind] += counter_get(&outcome->failed[kind]);
    }
    *connected += counter_get(&outcome->connected);
}

/* Replies without a stamp are right only if no process has seen a stamp. */
static void
add_successes(struct totals *totals, const struct load *load, const struct tally *tally)
{
    int kinds = totals->foreign ? TRUST_KINDS : TRUST_UNVERIFIED;

    for (int trust = TRUST_VERIFIED; trust < kinds; trust++) {
        totals->completed += counter_get(&tally->good.completed[trust]);
        totals->requests += counter_get(&tally->requests[trust]);
        for (int i = 0; i < LATENCY_ALL; i++) {
            histogram_add(&totals->latencies[i], &tally->latencies[trust][i]);
        }
        for (unsigned i = 0; i < WORK_TIMES * work_classes(&load->work); i++) {
            histogram_add(&totals->work_times[i / WORK_TIMES][i % WORK_TIMES],
                          &tally->work_times[trust][i]);
        }
    }
    if (!totals->foreign) {
        totals->errors[FAILURE_CORRUPT] += counter_get(&tally->good.completed[TRUST_UNVERIFIED]);
    }
}

/* The misbehaving ones of them are counted by their share. To draw the lot of each would take half
 * a minute when somebody ends a run that would have lasted a day. */
uint64_t
totals_unsent(const struct load *load, const struct tally *tally, uint64_t unsent[MISBEHAVE_MOST])
{
    uint64_t total = load_total(load), begun = counter_get(&tally->good.begun), left, good;

    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        begun += counter_get(&tally->bad[i].begun) + counter_get(&tally->omitted[i]);
    }
    left = good = total > 0 ? load_share(load, tally->number, total) - begun : 0;
    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        unsent[i] = number_scale(left, load->misbehaviours.lots.shares[i], LOTTERY_WHOLE);
        good -= unsent[i];
    }
    return good;
}

/* Adds the misbehaving connections of a process, begun or not. */
static void
add_misbehaved(struct totals *totals, const struct load *load, const struct tally *tally,
               const uint64_t unsent[MISBEHAVE_MOST])
{
    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        const struct outcome *bad = &tally->bad[i];
        struct misbehaved *sum = &totals->misbehaved[i];

        sum->begun += counter_get(&bad->begun);
        sum->omitted += counter_get(&tally->omitted[i]);
        sum->unsent += unsent[i];
        sum->completed += outcome_completed(bad);
        add_outcome(bad, tally->died, sum->errors, &sum->connected);
        histogram_add(&sum->lasted, &tally->lasted[i]);
    }
}

/* One process that has seen a reply of this suite is enough to know the server. */
static void
judge_server(struct totals *totals, const struct load *load, const struct tally *tallies)
{
    bool known = false, other = false;

    for (unsigned i = 0; i < load->processes; i++) {
        known = known || tallies[i].known || counter_get(&tallies[i].requests[TRUST_VERIFIED]) > 0;
        other = other || counter_get(&tallies[i].requests[TRUST_UNVERIFIED]) > 0;
    }
    totals->foreign = other && !known;
    totals->identified = known && !load->message &&
                         (load->path ? totals->distribution.used > 0 : load->bytes >= CONN_STAMP);
}

static void
add_process(struct totals *totals, const struct load *load, const struct tally *tally)
{
    uint64_t bad[MISBEHAVE_MOST], unsent = totals_unsent(load, tally, bad);
    double late = (double)counter_get(&tally->most_late_ns) / 1000;
    double last = (double)counter_get(&tally->last_begun_ns) / 1e9;
    double away = (double)tally->away_ns / 1e9;
    uint64_t connected = counter_get(&tally->good.connected);
    uint64_t early = connected < EARLY_CONNECTS ? connected : EARLY_CONNECTS;

    totals->scheduled += counter_get(&tally->good.begun) + unsent;
    totals->unsent += unsent;
    if (tally->sample.taken && (!totals->sample.taken || tally->sample.kind < FAILURE_KINDS)) {
        totals->sample = tally->sample;
    }
    totals->early_connects += early;
    totals->early_connect_us += (double)tally->early_connect_ns / 1000;
    add_misbehaved(totals, load, tally, bad);
    add_outcome(&tally->good, tally->died, totals->errors, &totals->connected);
    totals->bytes += counter_get(&tally->bytes);
    totals->reopened += counter_get(&tally->reopened);
    totals->late += counter_get(&tally->late);
    totals->room_s += tally->room_s;
    totals->own_s += tally->own_s;
    totals->most_late_us = late > totals->most_late_us ? late : totals->most_late_us;
    totals->last_begun_s = last > totals->last_begun_s ? last : totals->last_begun_s;
    totals->away_s = away > totals->away_s ? away : totals->away_s;
    totals->cpu_seconds += (double)tally->cpu_ns / 1e9;
    totals->starved_s += (double)tally->starved_ns / 1e9;
    totals->one_source = totals->one_source || tally->one_source;
    totals->died += tally->died;
    for (int i = 0; i < QUARTERS; i++) {
        histogram_add(&totals->quarters[i], &tally->quarters[i]);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        if (totals->error[kind] == 0) {
            totals->error[kind] = tally->good.error[kind];
        }
    }
    for (unsigned i = 0; i < work_classes(&load->work); i++) {
        totals->asked[i] += counter_get(&tally->asked[i]);
    }
    add_successes(totals, load, tally);
}

/* To the end of the last connection. A schedule lasts to its end, although the last connection may
 * be over before the next would be due: ten at 10 per second are 10 per second. */
static double
seconds_of(const struct totals *totals, const struct load *load, const struct tally *tallies)
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
    if (!totals->interrupted && load_schedule_ns(load) > seconds) {
        seconds = load_schedule_ns(load);
    }
    return (double)(seconds > 0 ? seconds : 0) / 1e9;
}

/* Replies without a stamp were wrong after all: in the rows too, which took them for right. */
static void
correct_rows(struct totals *totals)
{
    for (size_t i = 0; i < totals->interval_count; i++) {
        struct interval *row = &totals->intervals[i];

        row->completed -= row->doubtful;
        row->failed += row->doubtful;
        row->requests -= row->doubtful_requests;
    }
}

void
totals_add_up(struct totals *totals, const struct load *load, const struct tally *tallies)
{
    judge_server(totals, load, tallies);
    if (!totals->foreign) {
        correct_rows(totals);
    }
    totals->seconds = seconds_of(totals, load, tallies);
    for (unsigned i = 0; i < load->processes; i++) {
        add_process(totals, load, &tallies[i]);
    }
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        totals->failed += totals->errors[kind];
    }
    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        for (int kind = 0; kind < FAILURE_KINDS; kind++) {
            totals->misbehaved[i].failed += totals->misbehaved[i].errors[kind];
        }
    }
    assert(totals->scheduled == totals->completed + totals->failed + totals->unsent);
    distribution_sort(&totals->distribution);
    totals->evenness = distribution_evenness(&totals->distribution);
}

void
totals_close(struct totals *totals)
{
    distribution_close(&totals->distribution);
    free(totals->intervals);
    totals->intervals = NULL;
}

double
totals_part(const struct totals *totals, unsigned class)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < WORK_CLASSES_MOST; i++) {
        all += totals->asked[i];
    }
    return all > 0 ? (double)totals->asked[class] / (double)all : 0;
}

double
totals_rate(const struct totals *totals, uint64_t count)
{
    return totals->seconds > 0 ? (double)count / totals->seconds : 0;
}

const char *
totals_rejection(const struct load *load, const struct tally *tallies, unsigned nth)
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
totals_status(const struct totals *totals)
{
    bool searched = totals->step_count > 0, held_limited = totals->held.failed > 0;
    uint64_t begun = totals->scheduled, connected = totals->connected, failed = totals->failed;
    uint64_t limited = totals->errors[FAILURE_CLIENT_LIMITED];

    for (unsigned i = 0; i < MISBEHAVE_MOST; i++) {
        begun += totals->misbehaved[i].begun;
        connected += totals->misbehaved[i].connected;
        failed += totals->misbehaved[i].failed;
        limited += totals->misbehaved[i].errors[FAILURE_CLIENT_LIMITED];
    }
    held_limited = held_limited && failure_of(totals->held.error) == FAILURE_CLIENT_LIMITED;
    if (limited > 0 || held_limited) {
        return STATUS_LIMITED;
    }
    if (failed > 0 && connected == 0 && !totals->interrupted) {
        return STATUS_UNREACHABLE;
    }
    /* (In a very short time nothing may have begun.) */
    if (totals->interrupted || totals->died > 0 || totals->broken > 0 || begun == 0 ||
        totals->held.failed > 0 || totals->held.died) {
        return STATUS_FAILED;
    }
    if (searched && totals->found == 0 && totals->lost_by_client) {
        return STATUS_LIMITED;
    }
    /* In a search, the bound says which failures are allowed. */
    if (searched ? totals->found == 0 || totals->ended_early
                 : totals->completed < totals->scheduled) {
        return STATUS_FAILED;
    }
    return EXIT_SUCCESS;
}
