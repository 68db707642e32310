#include "search.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../common/die.h"
#include "../ask/number.h"
#include "../report/advice.h"
#include "../report/progress.h"
#include "idle.h"
#include "processes.h"

enum {
    RATE_FIRST = 100, /* at least; at most: */
    RATE_FIRST_MOST = 10000,
    RATE_FACTOR = 4,
    STEP_LEAST_MS = 100, /* in less, the places in flight and the server's queue hide any rate */
    IN_VAIN = 3,         /* rates in a row that were lost, but not since they were too high */
    MAJORITY = 2,        /* of three runs at a rate */
    STEPS_MOST = 100
};

/* How a rate ended. */
enum fate {
    FATE_KEPT,
    FATE_LOST,
    FATE_BEYOND /* lost: connections could not even begin, or end, at that rate */
};

static const double near_enough = 1.05; /* the highest kept and the lowest not kept, as a ratio */

static const struct load *load;
static struct trial trials[3];
static struct trial *best = &trials[0];      /* at the highest rate that was kept */
static struct trial *candidate = &trials[1]; /* keeps the bound, but its rate may be lost yet */
static struct trial *current = &trials[2];   /* the one that is made next */
static struct trial *last;                   /* the one that was made last */
static struct step steps[STEPS_MOST];
static size_t step_count;
static uint64_t made;     /* connections of the steps so far, or more */
static const char *ended; /* why the search cannot go on; NULL: it can */
static int in_vain;       /* so many rates of IN_VAIN */
static bool by_client;    /* the rate that was lost last was so since the client itself was late */

/* --- a step ---------------------------------------------------------------------------------- */

/* Why a run does not keep the bound; NULL if it does. Notes in the step whether connections could
 * not even begin, or end, at that rate, and whether that is the client's own fault. */
static const char *
objection(const struct trial *trial, const struct judgement *judgement, struct step *step)
{
    const struct totals *totals = &trial->totals;

    if (ended) {
        return ended;
    }
    if (totals->failed > 0 && !gate_is_about_failures(&load->bound)) {
        return "connections failed";
    }
    if (totals->unsent > 0 || !advice_on_schedule(totals, &trial->load)) {
        step->own = advice_client_is_limit(totals, &trial->load);
        step->beyond = !step->own;
        return advice_why_slow(totals, &trial->load);
    }
    if (!advice_kept_up(totals, &trial->load)) {
        step->own = advice_client_lacked_time(totals, &trial->load);
        step->beyond = !step->own;
        return step->own ? "not kept: the client itself was late" : "the server did not keep up";
    }
    if (judgement->holds) {
        return NULL;
    }
    step->own = gate_judge_punctual(&load->bound, &trial->load, totals).holds ||
                advice_client_lacked_time(totals, &trial->load);
    return step->own ? "not kept: the client itself was late" : "not kept";
}

static void
prepare(struct trial *trial, uint32_t rate)
{
    uint64_t enough_ms = gate_connections(&load->bound) * 1000 / rate + 1;
    int64_t least_ns = (int64_t)(enough_ms > STEP_LEAST_MS ? enough_ms : STEP_LEAST_MS) * 1000000;

    if (trial->tallies) {
        tallies_close(load, trial->tallies);
        totals_close(&trial->totals);
    }
    trial->load = *load;
    trial->load.schedule.kind = SCHEDULE_OPEN;
    trial->load.schedule.rate = trial->load.schedule.rate_to = rate;
    if (trial->load.schedule.duration_ns < least_ns) {
        trial->load.schedule.duration_ns = least_ns;
    }
    trial->load.earlier = made;
    trial->totals = (struct totals){.scheduled = 0};
    trial->tallies = tallies_open(load);
}

/* Why no other rate need be tried; NULL: there is no reason. */
static const char *
end_of(const struct totals *totals)
{
    if (totals->interrupted) {
        return "interrupted";
    }
    if (totals->held.died) {
        return "the process that holds idle connections died";
    }
    return totals->connected == 0 && totals->failed > 0 ? "nothing could connect" : NULL;
}

/* Notes how a run went. */
static const struct step *
note_step(void)
{
    struct judgement judgement = gate_judge(&load->bound, &current->load, &current->totals);
    struct step *step = &steps[step_count++];

    *step = (struct step){.rate = current->load.schedule.rate,
                          .achieved = totals_rate(&current->totals, current->totals.completed),
                          .known = judgement.known,
                          .value = judgement.value};
    step->why = objection(current, &judgement, step);
    step->kept = !step->why;
    return step;
}

static void
swap(struct trial **one, struct trial **other)
{
    struct trial *was = *one;

    *one = *other;
    *other = was;
}

/* Makes a run. */
static const struct step *
try_once(uint32_t rate)
{
    const struct step *step;
    static char prefix[64];

    prepare(current, rate);
    snprintf(prefix, sizeof prefix, "step %zu, %lu/s: ", step_count + 1, (unsigned long)rate);
    progress_prefix(prefix);
    processes_run(&current->load, current->tallies, &current->totals);
    made += load_total(&current->load);
    ended = end_of(&current->totals);
    last = current;
    step = note_step();
    if (step->kept) {
        swap(&candidate, &current);
    }
    return step;
}

/* Two runs of three decide: this machine may be busy for a moment. No rate is tried that is lower
 * than one that was kept, so the last one that is kept is the best. */
static enum fate
try_rate(uint32_t rate)
{
    int kept = 0, lost = 0, beyond = 0, own = 0;

    while (kept < MAJORITY && lost < MAJORITY && !ended && step_count < STEPS_MOST) {
        const struct step *step = try_once(rate);

        kept += step->kept;
        lost += !step->kept;
        beyond += step->beyond;
        own += step->own;
    }
    if (kept == MAJORITY) {
        swap(&best, &candidate);
        in_vain = 0;
        return FATE_KEPT;
    }
    by_client = own == lost;
    in_vain = beyond == lost ? 0 : in_vain + 1;
    return beyond == lost ? FATE_BEYOND : FATE_LOST;
}

/* --- the search ------------------------------------------------------------------------------ */

/* The rate at which a step of -d has as many connections as it needs. */
static uint32_t
first_rate(void)
{
    double seconds = (double)load->schedule.duration_ns / NUMBER_BILLION;
    double rate = (double)gate_connections(&load->bound) / seconds;

    return rate < RATE_FIRST        ? RATE_FIRST
           : rate < RATE_FIRST_MOST ? (uint32_t)rate
                                    : RATE_FIRST_MOST;
}

/* Multiplies the rate until it is too high: certainly if connections cannot begin at that rate,
 * else if the next rate is lost as well. */
static void
grow(uint32_t *kept, uint32_t *lost)
{
    for (uint32_t rate = first_rate(); rate <= SCHEDULE_RATE_MOST && !ended; rate *= RATE_FACTOR) {
        enum fate fate = try_rate(rate);
        bool again = *lost > 0;

        if (fate == FATE_KEPT) {
            *kept = rate;
            *lost = 0;
        } else if (!again) {
            *lost = rate;
        }
        if (fate == FATE_BEYOND || (fate == FATE_LOST && again)) {
            return;
        }
    }
}

/* Divides the rate until one is kept, if none was so far, or until dividing is in vain; then tries
 * rates between the two, halfway as a ratio, until they are near enough. */
static void
approach(uint32_t *kept, uint32_t *lost)
{
    while (!ended && (*kept == 0 ? *lost > 1 && in_vain < IN_VAIN
                                 : *lost > *kept + 1 && *lost > near_enough * *kept)) {
        uint32_t lower = *lost > RATE_FACTOR ? *lost / RATE_FACTOR : 1;
        uint32_t middle = (uint32_t)(histogram_root((double)*kept * (double)*lost) + 0.5);
        uint32_t rate = *kept == 0 ? lower : middle;

        if (try_rate(rate) == FATE_KEPT) {
            *kept = rate;
        } else {
            *lost = rate;
        }
    }
}

struct trial *
search_run(const struct load *asked)
{
    uint32_t kept = 0, lost = 0;

    load = asked;
    grow(&kept, &lost);
    approach(&kept, &lost);
    if (kept == 0) {
        best = last;
    }
    best->totals.interrupted = processes_stopped();
    best->totals.ended_early = ended;
    idle_note(&best->totals); /* the steps after it count as well */
    best->totals.steps = steps;
    best->totals.step_count = step_count;
    best->totals.found = kept;
    best->totals.lost_by_client = by_client;
    return best;
}
