/*
 * What happens to a program during a trial: a few connections of every kind, an operator's signals,
 * a child that is killed, and the stop while a reply is on its way. Short, for it is repeated
 * thousands of times; each step is there since it makes calls that the others do not.
 */
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "../../common/clock.h"
#include "torture.h"

enum {
    BIG = 3000000,
    BIG_BEGUN = 1000,
    CALM_US = 4 * 1000 * 1000,
    SURVEY_US = 20 * 1000 * 1000,
    STILL_US = 50 * 1000,
    POOL_STILL_US = 300 * 1000, /* a child that leaves may take so long */
    STOP_MS = 12000
};

/* --- connections ----------------------------------------------------------------------------- */

static long
visit_politely(struct run *run, struct tally *tally)
{
    struct talk talk;

    talk_open(&talk, run, tally);
    talk_send(&talk, "100\n", 1);
    talk_receive(&talk, 100);
    talk_send(&talk, "70000\n", 1);
    talk_receive(&talk, 70000);
    talk_end(&talk, true);
    return talk.how == WENT_WELL ? talk.pid : 0;
}

static void
visit_in_a_hurry(struct run *run, struct tally *tally)
{
    struct talk talk;

    talk_open(&talk, run, tally);
    talk_send(&talk, "1\n33\n500 1 1\n", 3);
    talk_receive(&talk, 1);
    talk_receive(&talk, 33);
    talk_receive(&talk, 500);
    talk_end(&talk, true);
}

static void
visit_in_error(struct run *run, struct tally *tally)
{
    struct talk talk;

    talk_open(&talk, run, tally);
    talk_send(&talk, "nonsense\n", 0);
    talk_receive_error(&talk);
    talk_end(&talk, true);
}

static void
visit_and_vanish(struct run *run, struct tally *tally)
{
    struct talk talk;

    talk_open(&talk, run, tally);
    talk_send(&talk, "1000000\n", 1);
    talk_reset(&talk);
}

static void
visit_together(struct run *run, struct tally *tally)
{
    struct talk first, second, third;

    talk_open(&first, run, tally);
    talk_send(&first, "64 0 5000\n", 1);
    talk_open(&second, run, tally);
    talk_send(&second, "64 0 5000\n", 1);
    talk_open(&third, run, tally);
    talk_send(&third, "6", 0);
    talk_receive(&first, 64);
    talk_end(&first, true);
    talk_receive(&second, 64);
    talk_end(&second, true);
    talk_send(&third, "4\n", 1);
    talk_receive(&third, 64);
    talk_end(&third, true);
}

static void
exchange_frames(struct run *run, struct tally *tally)
{
    static char text[6000];
    struct talk talk;

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 4; i++) {
        talk_open(&talk, run, tally);
        talk_frame(&talk, i % 2 == 0 ? "hello" : text);
        talk_end(&talk, true);
    }
    talk_open(&talk, run, tally);
    talk_send(&talk, "\xff\xff\xff\xff", 0);
    talk_receive_error(&talk);
    talk_end(&talk, true);
    talk_open(&talk, run, tally);
    talk_send(&talk, "a", 0);
    talk_reset(&talk);
}

static long
visit_once(struct run *run, struct tally *tally)
{
    struct talk talk;

    if (!(run->variant->flags & TAKES_FRAMES)) {
        return visit_politely(run, tally);
    }
    talk_open(&talk, run, tally);
    talk_frame(&talk, "once more");
    talk_end(&talk, true);
    return 0;
}

static void
visit_in_all_ways(struct run *run, struct tally *tally)
{
    if (run->variant->flags & TAKES_FRAMES) {
        exchange_frames(run, tally);
        return;
    }
    visit_politely(run, tally);
    visit_in_a_hurry(run, tally);
    visit_in_error(run, tally);
    visit_and_vanish(run, tally);
    visit_together(run, tally);
}

/* --- the operator ---------------------------------------------------------------------------- */

/* Statistics, or a line that says why there are none. */
static void
ask_for_report(struct run *run, struct tally *tally)
{
    unsigned before;
    size_t complaints;
    int64_t end = clock_us() + CALM_US;

    while (run_listen(run, 0) && clock_us() < end) {
    }
    complaints = run->err_used;
    before = run_lines(run->out, run->out_used);
    kill(run->pid, SIGUSR1);
    while (run_lines(run->out, run->out_used) == before && run->err_used == complaints) {
        run_listen(run, 20);
        if (clock_us() > end || run_has_ended(run)) {
            tally->no_report = true;
            return;
        }
    }
}

static void
replace_children(struct run *run, struct tally *tally)
{
    kill(run->pid, SIGHUP);
    visit_once(run, tally);
    visit_once(run, tally);
}

/* A child that has just served somebody, and is idle. */
static void
kill_child(struct run *run, struct tally *tally, long pid)
{
    bool known = false;
    unsigned count = atomic_load(&run->state->npids);

    for (unsigned i = 0; i < count && i < FAULT_PIDS_MOST; i++) {
        known |= atomic_load(&run->state->pids[i]) == pid;
    }
    if (known && pid != run->pid) {
        kill((pid_t)pid, SIGKILL);
        run_await_death(run, (pid_t)pid); /* it might take a connection yet */
        visit_once(run, tally);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Whatever has failed: a new client is served. One may still be among those who are lost. */
static long
visit_after_all(struct run *run, struct tally *tally)
{
    for (int i = 0; i < 3; i++) {
        unsigned good = tally->good;
        long pid = visit_once(run, tally);

        if (tally->good > good) {
            return pid;
        }
    }
    tally->not_served = !run_has_ended(run);
    return 0;
}

/* What is usual: descriptors that stay as they are for a while, when no child is missing or on its
 * way out; UINT_MAX: that is never so. */
static void
measure_calm(struct run *run, struct tally *tally)
{
    const struct fault_state *state = run->state;
    unsigned main_fds = UINT_MAX, child_fds = UINT_MAX, started = 0;
    int64_t now = clock_us();
    int64_t end = now + SURVEY_US, since = now;
    bool whole, pool = (run->variant->flags & IS_POOL) != 0;

    do {
        run_listen(run, 2);
        now = clock_us();
        tally->zombie = run_any_zombie(run);
        run_measure_fds(run, &tally->main_fds, &tally->child_fds);
        whole = !pool || atomic_load(&state->started) - atomic_load(&state->reaped) == CHILDREN;
        if (!whole || tally->zombie || tally->main_fds != main_fds ||
            tally->child_fds != child_fds || atomic_load(&state->started) != started) {
            since = now;
        }
        main_fds = tally->main_fds;
        child_fds = tally->child_fds;
        started = atomic_load(&state->started);
    } while (now < end && now < since + (pool ? POOL_STILL_US : STILL_US));
    if (now >= end) {
        tally->main_fds = UINT_MAX;
    }
}

/* Soon after the last connection there are no more descriptors than without a fault, and nobody is
 * left unreaped. */
static void
await_calm(struct run *run, struct tally *tally, const struct usual *usual)
{
    int64_t end = clock_us() + CALM_US;

    do {
        run_listen(run, 2);
        tally->zombie = run_any_zombie(run);
        run_measure_fds(run, &tally->main_fds, &tally->child_fds);
    } while (clock_us() < end && (tally->zombie || tally->main_fds > usual->main_fds ||
                                  tally->child_fds > usual->child_fds));
}

/* A reply that has begun is sent to its end. */
static void
stop_in_the_middle(struct run *run, struct tally *tally)
{
    struct talk talk;

    talk_open(&talk, run, tally);
    if (run->variant->flags & TAKES_FRAMES) {
        talk_frame(&talk, "the last");
        talk_end(&talk, true);
    } else {
        talk_send(&talk, "3000000\n", 1);
        talk_receive_part(&talk, BIG, 0, BIG_BEGUN);
    }
    tally->ended_early = run_has_ended(run);
    kill(run->pid, SIGTERM);
    if (!(run->variant->flags & TAKES_FRAMES)) {
        talk_receive_part(&talk, BIG, BIG_BEGUN, BIG);
        talk_end(&talk, true);
    }
    run->over_time = !run_await_end(run, STOP_MS);
}

void
scenario_server(struct run *run, struct tally *tally, const struct usual *usual)
{
    int flags = run->variant->flags;
    long pid;

    memset(tally, 0, sizeof *tally);
    if (!run_await_ready(run)) {
        run->over_time = !run_await_end(run, 3000);
        return;
    }
    visit_in_all_ways(run, tally);
    ask_for_report(run, tally);
    if (flags & IS_CREW) {
        kill(run->pid, SIGTTIN);
        visit_once(run, tally);
        kill(run->pid, SIGTTOU);
    }
    if (flags & IS_POOL) {
        replace_children(run, tally);
    }
    pid = visit_after_all(run, tally);
    if (flags & IS_POOL) {
        kill_child(run, tally, pid);
        visit_after_all(run, tally);
    }
    if (usual->calls_sum > 0) {
        await_calm(run, tally, usual);
    } else {
        measure_calm(run, tally);
    }
    if (run_has_ended(run)) {
        tally->ended_early = true;
        run->over_time = !run_await_end(run, 3000);
        return;
    }
    stop_in_the_middle(run, tally);
}

void
scenario_client(struct run *run)
{
    run->over_time = !run_await_end(run, 20000);
}
