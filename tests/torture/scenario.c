/*
 * What happens to a program during a trial: a few connections of every kind, an operator's signals,
 * a child that is killed, and the stop while a reply is on its way. Short, for it is repeated
 * thousands of times; each step is there since it makes calls that the others do not.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/die.h"
#include "../../common/fdpass.h"
#include "../../common/ring.h"
#include "../lib/script.h"
#include "torture.h"

enum {
    PATIENCE_US = 8 * 1000 * 1000,
    CALM_US = 4 * 1000 * 1000,
    SURVEY_US = 20 * 1000 * 1000,
    STILL_US = 50 * 1000,
    POOL_STILL_US = 300 * 1000, /* a child that leaves may take so long */
    STOP_MS = 12000
};

/* --- connections ----------------------------------------------------------------------------- */

static void
begin(struct run *run, struct script *script, unsigned requests, const char *const *steps)
{
    static struct address address; /* of one run at a time */
    bool on_path = (run->variant->flags & ON_PATH) != 0;

    address_resolve(&address, on_path ? run->path : "127.0.0.1", run->port);
    script->mark = 0;
    script_begin(script, &address, steps);
    run->tally.connections++;
    run->tally.asked += requests;
}

/* It is good if the server must have counted it: nobody knows what it saw of one that was reset. */
static void
count_in(struct run *run, const struct script *script)
{
    struct tally *tally = &run->tally;
    enum outcome outcome = script->outcome;

    tally->good += outcome == DONE && strcmp(script->steps[script->at - 1], "reset") != 0;
    tally->lost += outcome == LOST;
    tally->wrong += outcome == WRONG;
    tally->hung += outcome == STUCK;
    tally->answered += script->expected;
    if (outcome != DONE && tally->note[0] == '\0') {
        snprintf(tally->note, sizeof tally->note, "connection %u, %s: %.100s", tally->connections,
                 script->steps[script->at], script->why);
    }
}

/* Up to the next halt, or to its end. A server that cannot write its output would stand still. */
static void
proceed(struct run *run, struct script *script)
{
    int64_t left = run->end_by_us - clock_us();

    script_patience_us = left < PATIENCE_US ? left : PATIENCE_US;
    while (script_advance(script) == BLOCKED && strcmp(script->steps[script->at], "halt") != 0) {
        struct pollfd polled = script_poll(script);

        poll(&polled, 1, 20);
        run_listen(run, 0);
    }
    if (script->outcome != BLOCKED) {
        count_in(run, script);
    }
}

static void
resume(struct run *run, struct script *script)
{
    if (script->outcome == BLOCKED) {
        script->at++;
        script->since = clock_us();
        proceed(run, script);
    }
}

/* One that asks so much; the pid in the last stamp, 0: there was none. */
static long
visit(struct run *run, unsigned requests, const char *const *steps)
{
    struct script script;
    const char *pid;

    begin(run, &script, requests, steps);
    proceed(run, &script);
    pid = strstr(script.who, "pid ");
    return script.outcome == DONE && pid ? atol(pid + 4) : 0;
}

#define STEPS(...) ((const char *const[]){"connect", __VA_ARGS__, NULL})
#define VISIT(requests, ...) visit(run, requests, STEPS(__VA_ARGS__, "half", "ended"))

static long
visit_politely(struct run *run)
{
    return VISIT(2, "send:100\\n", "reply:100", "send:70000\\n", "reply:70000");
}

/* Two requests that are served on a connection, and one behind them that ends it. */
static void
visit_by_http(struct run *run)
{
    VISIT(2, "send:GET /100?cpu=1&wait=1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "line:HTTP/1.1 200 OK",
          "read:104", "reply:100", "send:HEAD /100 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
          "line:HTTP/1.1 200 OK", "read:104",
          "send:POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 3\\r\\n\\r\\n40\\n",
          "line:HTTP/1.1 405 Method Not Allowed", "line:Allow", "line:Date", "line:Content-Type",
          "line:Content-Length", "line:Connection: close", "line:\r", "line:error: ");
}

static void
visit_together(struct run *run)
{
    const char *const *whole = STEPS("send:64 0 5000\\n", "halt", "reply:64", "half", "ended");
    const char *const *half = STEPS("send:6", "halt", "send:4\\n", "reply:64", "half", "ended");
    struct script scripts[3];

    for (int i = 0; i < 3; i++) {
        begin(run, &scripts[i], 1, i < 2 ? whole : half);
        proceed(run, &scripts[i]);
    }
    for (int i = 0; i < 3; i++) {
        resume(run, &scripts[i]);
    }
}

static long
visit_once(struct run *run)
{
    if (run->variant->flags & TAKES_FRAMES) {
        return VISIT(1, "send:\\0\\0\\0\x09", "send:once more", "expect:9:once more");
    }
    return visit_politely(run);
}

/* Takes the rest of a reply. */
static enum outcome
take_reply(struct run *run, struct ring *ring, size_t left)
{
    int64_t end = clock_us() + PATIENCE_US;
    char bytes[4096];
    enum ring_wait wait = RING_READY;

    while (left > 0 && wait != RING_OVER && clock_us() < end) {
        ssize_t count = ring_take(ring, bytes, left < sizeof bytes ? left : sizeof bytes);

        if (count > 0) {
            left -= (size_t)count;
        } else {
            run_listen(run, 0);
            wait = ring_wait(ring, RING_INPUT);
        }
    }
    return left == 0 ? DONE : wait == RING_OVER ? LOST : STUCK;
}

/* A reply that is longer than the ring. The server ends it by closing, if it cannot give memory. */
static enum outcome
talk_in_memory(struct run *run, int fd)
{
    const struct iovec request = {.iov_base = "300000\n", .iov_len = 7};
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    enum outcome outcome;
    struct ring ring;
    void *memory;
    int object;

    if (poll(&polled, 1, PATIENCE_US / 1000) != 1) {
        return STUCK;
    }
    object = fdpass_receive(fd, true);
    if (object < 0) {
        return LOST;
    }
    memory = mmap(NULL, ring_size(), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    close(object);
    if (memory == MAP_FAILED) {
        die("the server's memory");
    }
    ring = ring_open(memory, fd, false);
    ring_put(&ring, &request, 1);
    outcome = take_reply(run, &ring, 300000);
    munmap(memory, ring_size());
    return outcome;
}

static void
visit_memory(struct run *run)
{
    struct address address;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    enum outcome outcome = LOST;

    address_resolve(&address, run->path, 0);
    run->tally.connections++;
    run->tally.asked++;
    if (connect(fd, &address.any, address.length) == 0) {
        outcome = talk_in_memory(run, fd);
    }
    close(fd);
    run->tally.good += outcome == DONE;
    run->tally.answered += outcome == DONE;
    run->tally.lost += outcome == LOST;
    run->tally.hung += outcome == STUCK;
}

static void
visit_in_all_ways(struct run *run)
{
    if (run->variant->flags & SHARES) {
        visit_memory(run);
    }
    if (run->variant->flags & TAKES_FRAMES) {
        for (int i = 0; i < 2; i++) {
            VISIT(1, "send:\\0\\0\\0\x05", "send:hello", "expect:5:hello");
            VISIT(1, "send:\\0\\0\x17\x6f", "fill:5999:x", "expect:5999:x");
        }
        VISIT(0, "send:\xff\xff\xff\xff", "line:error: ");
        visit(run, 0, STEPS("send:a", "reset"));
        return;
    }
    visit_politely(run);
    VISIT(3, "send:1\\n33\\n500 1 1\\n", "reply:1", "reply:33", "reply:500");
    VISIT(0, "send:+1\\n", "line:error: ");
    visit(run, 1, STEPS("send:1000000\\n", "reset"));
    visit_together(run);
    visit_by_http(run);
}

/* --- the operator ---------------------------------------------------------------------------- */

/* Statistics, or a line that says why there are none. */
static void
ask_for_report(struct run *run)
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
            run->tally.no_report = true;
            return;
        }
    }
}

static void
replace_children(struct run *run)
{
    kill(run->pid, SIGHUP);
    visit_once(run);
    visit_once(run);
}

/* A child that has just served somebody, and is idle. */
static void
kill_child(struct run *run, long pid)
{
    bool known = false;
    unsigned count = atomic_load(&run->state->npids);

    for (unsigned i = 0; i < count && i < FAULT_PIDS_MOST; i++) {
        known |= atomic_load(&run->state->pids[i]) == pid;
    }
    if (known && pid != run->pid) {
        kill((pid_t)pid, SIGKILL);
        run_await_death(run, (pid_t)pid); /* it might take a connection yet */
        visit_once(run);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Whatever has failed: a new client is served. One may still be among those who are lost. */
static long
visit_after_all(struct run *run)
{
    unsigned good = run->tally.good;
    long pid = 0;

    for (int i = 0; i < 3 && run->tally.good == good; i++) {
        pid = visit_once(run);
    }
    run->tally.not_served |= run->tally.good == good && !run_has_ended(run);
    return pid;
}

/* What is usual: descriptors that stay as they are for a while, when no child is missing or on its
 * way out; UINT_MAX: that is never so. */
static void
measure_calm(struct run *run)
{
    const struct fault_state *state = run->state;
    struct tally *tally = &run->tally, before = {.main_fds = 0};
    unsigned started = 0;
    int64_t now = clock_us();
    int64_t end = now + SURVEY_US, since = now;
    bool whole, pool = (run->variant->flags & IS_POOL) != 0;

    do {
        run_listen(run, 2);
        now = clock_us();
        run_look(run);
        whole = atomic_load(&state->started) - atomic_load(&state->reaped) == (pool ? CHILDREN : 0);
        if (!whole || tally->zombie || tally->main_fds != before.main_fds ||
            tally->child_fds != before.child_fds || atomic_load(&state->started) != started) {
            since = now;
        }
        before = *tally;
        started = atomic_load(&state->started);
    } while (now < end && now < since + (pool ? POOL_STILL_US : STILL_US));
    if (now >= end) {
        tally->main_fds = UINT_MAX;
    }
}

/* Soon after the last connection there are no more descriptors than without a fault, and nobody is
 * left unreaped. */
static void
await_calm(struct run *run, const struct usual *usual)
{
    int64_t end = clock_us() + CALM_US;
    bool late;

    do {
        late = clock_us() >= end; /* before the look: this process may not have run for long */
        run_listen(run, 2);
        run_look(run);
    } while (!late && (run->tally.zombie || run->tally.main_fds > usual->main_fds ||
                       run->tally.child_fds > usual->child_fds));
}

/* A reply that has begun is sent to its end. */
static void
stop_in_the_middle(struct run *run)
{
    const char *const *steps =
        STEPS("send:3000000\\n", "more", "halt", "reply:3000000", "half", "ended");
    struct script script = {.outcome = DONE};

    if (run->variant->flags & TAKES_FRAMES) {
        visit_once(run);
    } else {
        begin(run, &script, 1, steps);
        proceed(run, &script);
    }
    run->tally.ended_early = run_has_ended(run);
    kill(run->pid, SIGTERM);
    resume(run, &script);
    run->over_time = !run_await_end(run, STOP_MS);
}

void
scenario_server(struct run *run, const struct usual *usual)
{
    int flags = run->variant->flags;
    long pid;

    if (!run_await_ready(run)) {
        run->over_time = !run_await_end(run, 3000);
        return;
    }
    visit_in_all_ways(run);
    ask_for_report(run);
    if (flags & IS_CREW) {
        kill(run->pid, SIGTTIN);
        visit_once(run);
        kill(run->pid, SIGTTOU);
    }
    if (flags & IS_POOL) {
        replace_children(run);
    }
    pid = visit_after_all(run);
    if (flags & IS_POOL) {
        kill_child(run, pid);
        visit_after_all(run);
    }
    if (usual->calls_sum > 0) {
        await_calm(run, usual);
    } else {
        measure_calm(run);
    }
    if (run_has_ended(run)) {
        run->tally.ended_early = true;
        run->over_time = !run_await_end(run, 3000);
        return;
    }
    stop_in_the_middle(run);
}

void
scenario_client(struct run *run)
{
    run->over_time = !run_await_end(run, 20000);
}
