#include "search.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common/die.h"
#include "gate.h"
#include "holder.h"
#include "progress.h"
#include "remark.h"
#include "run.h"

enum { RATE_FIRST = 100, STEPS_MOST = 80, TRIES = 3 };

static const double near_enough = 1.05; /* the highest kept and the lowest not kept, as a ratio */

static const struct load *load;
static struct trial trials[2]; /* the best so far, and the one that is being made */
static struct trial *best, *current = &trials[0], *spare = &trials[1];
static struct step steps[STEPS_MOST];
static size_t step_count;
static bool hopeless; /* stopped, or there is no server: no other rate would do */

/* --- a step ---------------------------------------------------------------------------------- */

/* Why a run does not keep the bound; NULL if it does. */
static const char *
objection(const struct trial *trial, const struct judgement *judgement)
{
    if (trial->result.interrupted) {
        return "interrupted";
    }
    if (trial->result.failed > 0 && !gate_is_about_failures(&load->bound)) {
        return "connections failed";
    }
    if (!judgement->holds) {
        return "not kept";
    }
    if (!remark_on_schedule(&trial->result, &trial->load)) {
        return "the rate was not reached";
    }
    return remark_kept_up(&trial->result, &trial->load) ? NULL : "the server did not keep up";
}

static void
prepare(struct trial *trial, uint32_t rate)
{
    if (trial->tallies) {
        run_close_tallies(load, trial->tallies);
        result_close(&trial->result);
    }
    trial->load = *load;
    trial->load.plan.kind = PLAN_OPEN;
    trial->load.plan.rate = trial->load.plan.rate_to = rate;
    trial->result = (struct result){.scheduled = 0};
    trial->tallies = run_open_tallies(load);
}

/* Makes a run; true if it keeps the bound. Then it is the best so far, for rates only rise between
 * those that do. */
static bool
try_once(uint32_t rate)
{
    struct step *step = &steps[step_count];
    char prefix[64];
    struct judgement judgement;

    prepare(current, rate);
    snprintf(prefix, sizeof prefix, "step %zu, %lu/s: ", step_count + 1, (unsigned long)rate);
    progress_prefix(prefix);
    run_load(&current->load, current->tallies, &current->result);
    progress_prefix("");
    judgement = gate_judge(&load->bound, &current->load, &current->result);
    *step = (struct step){.rate = rate,
                          .achieved = result_rate(&current->result, current->result.completed),
                          .known = judgement.known,
                          .value = judgement.value,
                          .why = objection(current, &judgement)};
    step->kept = step->why == NULL;
    step_count++;
    hopeless = current->result.interrupted || current->result.connected == 0;
    if (step->kept) {
        struct trial *old = best ? best : spare;

        best = current;
        current = old;
    }
    return step->kept;
}

static bool
keeps(uint32_t rate)
{
    for (int i = 0; i < TRIES && !hopeless && step_count < STEPS_MOST; i++) {
        if (try_once(rate)) {
            return true;
        }
    }
    return false;
}

/* --- the search ------------------------------------------------------------------------------ */

/* Halfway between two rates, as a ratio. */
static uint32_t
middle(uint32_t kept, uint32_t lost)
{
    return (uint32_t)(histogram_root((double)kept * (double)lost) + 0.5);
}

/* Doubles the rate until two in a row are lost: one alone may have had bad luck. */
static void
grow(uint32_t *kept, uint32_t *lost)
{
    for (uint32_t rate = RATE_FIRST; rate <= PLAN_RATE_MOST && !hopeless; rate *= 2) {
        if (keeps(rate)) {
            *kept = rate;
            *lost = 0;
        } else if (*lost == 0) {
            *lost = rate;
        } else {
            return;
        }
    }
}

struct trial *
search_run(const struct load *asked)
{
    uint32_t kept = 0, lost = 0;

    load = asked;
    grow(&kept, &lost);
    while (!hopeless && kept == 0 && lost > 1) {
        if (keeps(lost / 2)) {
            kept = lost / 2;
        } else {
            lost /= 2;
        }
    }
    while (!hopeless && kept > 0 && lost > kept + 1 && lost > near_enough * kept) {
        uint32_t rate = middle(kept, lost);

        if (keeps(rate)) {
            kept = rate;
        } else {
            lost = rate;
        }
    }
    if (!best) {
        best = current;
    }
    best->result.steps = steps;
    best->result.step_count = step_count;
    best->result.found = kept;
    return best;
}
