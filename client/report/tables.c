#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

enum {
    LINE = 256,
    HOW = 24,      /* columns of the text of -x */
    SHORT_BAR = 24 /* beside the figures of a second */
};

/* --- -r max ---------------------------------------------------------------------------------- */

static void
print_step(const struct load *load, const struct step *step, size_t number)
{
    struct judgement judgement = {.known = step->known, .value = step->value};
    char found[GATE_TEXT];

    printf("%4zu %12s %12s %14s  %s\n", number, format_grouped(step->rate).text,
           format_rate(step->achieved).text, gate_found(&load->bound, &judgement, found),
           step->kept ? "kept" : step->why);
}

void
print_steps(const struct load *load, const struct totals *totals)
{
    const char *early = totals->ended_early, *time = gate_time(&load->bound, load);
    const char *client = !totals->lost_by_client ? ""
                         : totals->found > 0     ? "; above it the client itself was late"
                                                 : ": the client itself was late";
    struct escaped_text bound;
    char end[LINE] = "";

    if (totals->step_count == 0) {
        return;
    }
    bound = format_escaped(load->bound.text, FORMAT_ESCAPED / 2);
    if (early) {
        snprintf(end, sizeof end, " (the search ended early: %s)", early);
    }
    if (totals->found == 0) {
        format_paragraph("No rate was found that keeps %s%s%s", bound.text, client, end);
    } else {
        format_paragraph("The highest rate%s that keeps %s: %s connections/s%s%s",
                         early ? " so far" : "", bound.text, format_grouped(totals->found).text,
                         client, end);
    }
    if (load->quiet) {
        return;
    }
    printf("\nstep         rate     achieved %14s\n", time ? time : "found");
    for (size_t i = 0; i < totals->step_count; i++) {
        print_step(load, &totals->steps[i], i + 1);
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
    } else {
        format_absent();
        format_absent();
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
    format_paragraph("(closed, rejected: by the server; gave up: the client did, after -T. They %s",
                     load_is_open(load)
                         ? "are among those that -r asks for, and else in no other figure.)"
                         : "are in no other figure of this report.)");
}

/* --- -H -------------------------------------------------------------------------------------- */

/* "Held 90 idle connections beside: ..." */
static void
print_kept(const struct held_totals *held)
{
    char least[LINE] = "at times none was open", closed[LINE] = "", failed[LINE] = "";

    if (held->least > 0) {
        snprintf(least, sizeof least, "at least %s %s open at all times",
                 format_grouped(held->least).text, held->least == 1 ? "was" : "were");
    }
    if (held->closed > 0) {
        snprintf(closed, sizeof closed,
                 " (each is made again after a second), and at the end %s %s open",
                 format_grouped(held->open).text, held->open == 1 ? "was" : "were");
    }
    if (held->failed > 0) {
        snprintf(failed, sizeof failed, " %" PRIu64 " attempt%s failed: %s.", held->failed,
                 format_plural(held->failed), strerror(held->error));
    }
    format_paragraph("Held %s idle connection%s beside: %s; the server closed %s%s.%s",
                     format_grouped(held->asked).text, format_plural(held->asked), least,
                     format_grouped(held->closed).text, closed, failed);
}

void
print_held(const struct load *load, const struct totals *totals)
{
    const struct held_totals *held = &totals->held;

    if (held->asked == 0 || (load->quiet && held->failed == 0 && !held->died)) {
        return;
    }
    if (!load->quiet) {
        putchar('\n');
    }
    if (held->died) {
        format_paragraph("The process that held %s idle connections died.",
                         format_grouped(held->asked).text);
    } else {
        print_kept(held);
    }
}

/* --- -f -------------------------------------------------------------------------------------- */

void
print_gates(const struct load *load, const struct totals *totals)
{
    char found[GATE_TEXT];

    if (load->gate_count > 0 && !load->quiet) {
        putchar('\n');
    }
    for (unsigned i = 0; i < load->gate_count; i++) {
        const struct judgement *judgement = &totals->judgements[i];
        struct escaped_text gate = format_escaped(load->gates[i].text, FORMAT_ESCAPED / 2);

        gate_found(&load->gates[i], judgement, found);
        if (!judgement->holds) {
            printf("Gate broken: %s, but it is %s\n", gate.text, found);
        } else if (!load->quiet) {
            printf("Gate holds: %s, it is %s\n", gate.text, found);
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
        } else {
            format_absent();
            format_absent();
        }
        format_bar((uint64_t)row->p99, most, SHORT_BAR);
    }
}
