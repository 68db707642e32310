#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../ask/lottery.h"
#include "../ask/gate.h"
#include "format.h"

enum {
    LINE = 256,
    HOW = 24,      /* columns of what -x says */
    SHORT_BAR = 24 /* beside the figures of a second */
};

/* --- -r max ---------------------------------------------------------------------------------- */

static void
print_step(const struct load *load, const struct step *step, unsigned number)
{
    struct judgement judgement = {.known = step->known, .value = step->value};
    char rate[FORMAT_GROUPED], achieved[FORMAT_GROUPED], found[GATE_TEXT];

    printf("%4u %12s %12s %14s  %s\n", number, format_grouped(rate, step->rate),
           format_grouped(achieved, (uint64_t)(step->achieved + 0.5)),
           gate_found(&load->bound, &judgement, found), step->kept ? "kept" : step->why);
}

void
print_steps(const struct load *load, const struct totals *totals)
{
    char rate[FORMAT_GROUPED], bound[FORMAT_SHOWN], text[2 * LINE];
    int used;

    if (totals->step_count == 0) {
        return;
    }
    format_escaped(bound, load->bound.text, FORMAT_SHOWN / 2);
    if (totals->found == 0) {
        used = snprintf(text, sizeof text, "No rate was found that keeps %s", bound);
    } else {
        used = snprintf(text, sizeof text, "The highest rate%s that keeps %s: %s connections/s",
                        totals->ended_early ? " so far" : "", bound,
                        format_grouped(rate, totals->found));
    }
    if (totals->ended_early) {
        snprintf(text + used, sizeof text - (size_t)used, " (the search ended early: %s)",
                 totals->ended_early);
    }
    format_paragraph(text);
    if (load->quiet) {
        return;
    }
    printf("\nstep         rate     achieved          found\n");
    for (size_t i = 0; i < totals->step_count; i++) {
        print_step(load, &totals->steps[i], (unsigned)i + 1);
    }
    printf("\n%s step:\n\n", totals->found > 0 ? "The best" : "The last");
}

/* --- -x -------------------------------------------------------------------------------------- */

static void
print_kind(const struct misbehaviour *kind, const struct misbehaved *done)
{
    uint64_t closed = done->errors[FAILURE_SHORT] + done->errors[FAILURE_RESET];
    uint64_t rejected = done->errors[FAILURE_REJECTED], late = done->errors[FAILURE_TIMED_OUT];

    printf("%-*.*s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %6" PRIu64, HOW,
           kind->length < HOW ? kind->length : HOW, kind->text, done->begun, done->completed,
           closed, rejected, late, done->failed - closed - rejected - late);
    if (done->lasted.count > 0) {
        format_column(histogram_percentile(&done->lasted, 500000));
        format_column(histogram_most(&done->lasted));
    }
    putchar('\n');
    if (done->unsent > 0) {
        printf("%-*s %8" PRIu64 " never begun\n", HOW, "", done->unsent);
    }
    if (done->omitted > 0) {
        printf("%-*s %8" PRIu64 " left out: a process has no more than %d at a time\n", HOW, "",
               done->omitted, MISBEHAVE_AT_ONCE);
    }
}

void
print_misbehaved(const struct load *load, const struct totals *totals)
{
    if (load->misbehaviours.lots.count == 0) {
        return;
    }
    printf("\n%-*s %8s %8s %8s %8s %8s %6s %9s %9s\n", HOW, "misbehaving", "number", "served",
           "closed", "rejected", "gave up", "other", "lasted", "longest");
    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        print_kind(&load->misbehaviours.kinds[i], &totals->misbehaved[i]);
    }
    format_paragraph(
        load_is_open(load)
            ? "(closed, rejected: by the server; gave up: the client did, after -T. They "
              "are among those that -r asks for, and else in no other figure.)"
            : "(closed, rejected: by the server; gave up: the client did, after -T. They "
              "are in no other figure of this report.)");
}

/* --- -H -------------------------------------------------------------------------------------- */

void
print_held(const struct load *load, const struct totals *totals)
{
    const struct held_totals *held = &totals->held;
    char asked[FORMAT_GROUPED], least[FORMAT_GROUPED], closed[FORMAT_GROUPED],
        open[2 * FORMAT_GROUPED], text[LINE];
    int used;

    snprintf(open, sizeof open, "%s were open at all times", format_grouped(least, held->least));
    if (held->asked == 0 || (load->quiet && held->failed == 0 && !held->died)) {
        return;
    }
    used = snprintf(
        text, sizeof text, "Held %s idle connection%s beside: %s; the server closed %s%s.",
        format_grouped(asked, held->asked), format_plural(held->asked),
        held->least == 0 ? "at times none of them was open" : open,
        format_grouped(closed, held->closed), held->closed > 0 ? ", which were made again" : "");
    if (held->failed > 0) {
        snprintf(text + used, sizeof text - (size_t)used, " %" PRIu64 " attempt%s failed: %s.",
                 held->failed, format_plural(held->failed), strerror(held->error));
    }
    if (held->died) {
        snprintf(text, sizeof text, "The process that held %s idle connections died.", asked);
    }
    if (!load->quiet) {
        putchar('\n');
    }
    format_paragraph(text);
}

/* --- -f -------------------------------------------------------------------------------------- */

void
print_gates(const struct load *load, const struct totals *totals)
{
    char found[GATE_TEXT], shown[FORMAT_SHOWN];

    if (load->gate_count > 0 && !load->quiet) {
        putchar('\n');
    }
    for (unsigned i = 0; i < load->gate_count; i++) {
        const struct judgement *judgement = &totals->judgements[i];
        const char *text = format_escaped(shown, load->gates[i].text, FORMAT_SHOWN / 2);

        gate_found(&load->gates[i], judgement, found);
        if (!judgement->holds) {
            printf("Gate broken: %s, but it is %s\n", text, found);
        } else if (!load->quiet) {
            printf("Gate holds: %s, it is %s\n", text, found);
        }
    }
}

/* --- seconds --------------------------------------------------------------------------------- */

void
print_intervals(const struct load *load, const struct totals *totals)
{
    uint64_t most = 0;

    if (load->schedule.kind != SCHEDULE_RAMP && !load->verbose) {
        return;
    }
    for (size_t i = 0; i < totals->interval_count; i++) {
        most = totals->intervals[i].p99 > (double)most ? (uint64_t)totals->intervals[i].p99 : most;
    }
    if (totals->interval_count > 0) {
        printf("\n    seconds       asked/s completed/s    failed       p50       p99\n");
    }
    for (size_t i = 0; i < totals->interval_count; i++) {
        const struct interval *row = &totals->intervals[i];

        printf("%5.1f to %5.1f ", row->from, row->from + row->length);
        if (load_is_open(load)) {
            printf("%11.0f", row->asked);
        } else {
            printf("%11s", "-"); /* nothing is due in a closed loop */
        }
        printf(" %11.0f %9" PRIu64, (double)row->completed / row->length, row->failed);
        if (row->requests > 0) {
            format_column(row->p50);
            format_column(row->p99);
        }
        format_bar((uint64_t)row->p99, most, SHORT_BAR);
    }
}
