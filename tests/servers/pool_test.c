/*
 * pool_test - the arithmetic of common/pool.h, with a clock that the test sets: the source file is
 * part of this one, and calls the clock below. Says what is wrong and fails, or says nothing.
 */
#include <stdint.h>
#include <time.h>

#include "../helpers/check.h"

static int64_t now_us = 1000LL * 1000 * 1000;

static int
clock_of_the_test(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = (time_t)(now_us / 1000000),
                             .tv_nsec = (long)(now_us % 1000000) * 1000};
    return 0;
}

static int kills; /* how many signals were sent */

/* The children of this test are numbers that may be other programs' pids. */
static int
kill_of_the_test(pid_t pid, int signal)
{
    (void)pid;
    (void)signal;
    kills++;
    return 0;
}

#define clock_gettime clock_of_the_test
#define kill kill_of_the_test
#include "../../common/pool.c"
#undef kill
#undef clock_gettime

enum { KILLED = 9, CLEAN = 0, FAILED = 1 << 8 }; /* as wait(2) tells them here */

static struct server server;

/* More numbers than are wanted: nobody is made up for by others in a pause. */
static void
check_wanted(void)
{
    struct pool *pool = pool_open(5);

    CHECK_IS(pool->wanted, 5, "all are wanted, if nobody says otherwise");
    pool->wanted = 2;
    pool_started(pool, 1, 100);
    CHECK_IS(pool_due(pool), 2, "one of two is alive");
    pool_started(pool, 2, 200);
    CHECK_IS(pool_due(pool), 0, "two of two are alive");
    CHECK_IS(pool_wait_us(pool), -1, "and nothing is to be waited for");
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool_due(pool), 1, "a first young death: again at once");
    pool_started(pool, 1, 100);
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool_due(pool), 0, "a second one pauses, and nobody takes its place");
    pool->wanted = 1;
    now_us += 5 * 1000 * 1000;
    CHECK_IS(pool_due(pool), 0, "as many as are wanted are alive, also after the pause");
    pool->wanted = 2;
    CHECK_IS(pool_due(pool), 1, "wanted again, and the pause is over");
    pool_ask(pool, 2, 1);
    CHECK_IS(pool_due(pool), 1, "one that was asked to leave is missing before it has left");
    pool_started(pool, 1, 101);
    CHECK_IS(pool_due(pool), 3, "and its successor takes a free number");
}

/* A child that dies at once: so long is the pause before the next one. */
static void
check_pauses(void)
{
    static const int pauses_ms[] = {0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
    struct pool *pool = pool_open(1);

    CHECK_IS(pool_due(pool), 1, "all are due at the beginning");
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        pool_started(pool, 1, 100);
        CHECK_IS(pool_due(pool), 0, "a living child is not due");
        CHECK_IS(pool_wait_us(pool), -1, "nothing to wait for while all live");
        now_us += 10 * 1000;
        CHECK_IS(pool_ended(pool, &server, 100, KILLED), 1, "the number of the child");
        CHECK_IS(pool_wait_us(pool), pauses_ms[i] * 1000, "pause after a young death");
        now_us += pauses_ms[i] * 1000;
        CHECK_IS(pool_due(pool), 1, "due after the pause");
    }
    CHECK_IS(pool->lost, 10, "all are lost");
    CHECK_IS((int64_t)pool->started, 10, "all were started");
}

/* Children that die together are one failure; one that lived for a second is none; and after a
 * while without a failure all is forgotten. */
static void
check_forgiveness(void)
{
    struct pool *pool = pool_open(3);

    for (unsigned i = 1; i <= 3; i++) {
        pool_started(pool, i, (pid_t)(100 + i));
    }
    for (int i = 1; i <= 3; i++) {
        now_us += 10 * 1000;
        pool_ended(pool, &server, 100 + i, KILLED);
    }
    CHECK_IS(pool_due(pool), 1, "three young deaths at once: again at once");
    pool_started(pool, 1, 100);
    pool_started(pool, 2, 200);
    now_us += 1000 * 1000;
    pool_ended(pool, &server, 100, FAILED);
    CHECK_IS(pool_due(pool), 1, "due at once after a second of life");
    pool_started(pool, 1, 100);
    pool_ended(pool, &server, 100, FAILED);
    CHECK_IS(pool_wait_us(pool), 100 * 1000, "but not after the second young death");
    now_us += 20 * 1000 * 1000;
    pool_started(pool, 1, 100);
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool_due(pool), 1, "the first one after a long time without");
    CHECK_IS(pool_ended(pool, &server, 4711, KILLED), 0, "a stranger's end");
}

/* Spawned children: what ends before it is ready is tried one at a time. */
static void
check_spawned(void)
{
    struct pool *pool = pool_open(3);

    pool->spawned = true;
    pool_started(pool, 1, 101);
    CHECK_IS(pool_due(pool), 2, "at first all are started");
    now_us += 1000 * 1000;
    pool_ended(pool, &server, 101, FAILED);
    CHECK_IS(pool_wait_us(pool), 100 * 1000, "a pause also the first time, whatever its age");
    now_us += 100 * 1000;
    pool_started(pool, 1, 101);
    CHECK_IS(pool_due(pool), 0, "only one is tried");
    CHECK_IS(pool_wait_us(pool), -1, "and only its end or its word is waited for");
    pool_ready(pool, 1);
    CHECK_IS(pool_due(pool), 2, "it is ready: the next");
}

static void
check_what_is_lost(void)
{
    struct pool *pool = pool_open(3);

    for (unsigned i = 1; i <= 3; i++) {
        pool_started(pool, i, (pid_t)(100 + i));
    }
    now_us += 10 * 1000;
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(pool->lost, 0, "a clean end is no loss");
    pool_ask(pool, 2, KILLED);
    pool_ended(pool, &server, 102, KILLED);
    CHECK_IS(pool->lost, 0, "nor is one that was asked for");
    pool_ended(pool, &server, 103, KILLED);
    CHECK_IS(pool->lost, 1, "the third is");
    CHECK_IS(pool->alive, 0, "none is alive");
    CHECK_IS(pool_due(pool), 1, "the lowest number comes first");
}

static void
check_failed_starts(void)
{
    static const int pauses_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct pool *pool = pool_open(2);

    pool->replace_before = now_us; /* as HUP does */
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        pool_started(pool, 1, -1);
        CHECK_IS(pool->replace_before, 0, "no other child is replaced then");
        CHECK_IS(pool_wait_us(pool), pauses_ms[i] * 1000, "pause after a failed fork");
        CHECK_IS(pool_due(pool), 0, "not due in the pause, nor is another number");
        now_us += pauses_ms[i] * 1000;
    }
}

/* Whom HUP replaces now; 0: nobody. */
static unsigned
replaced(struct pool *pool)
{
    unsigned asked = 0;

    for (unsigned i = 1; i <= pool->size; i++) {
        asked += pool->child[i].asked ? i : 0;
    }
    pool_replace(pool, &server);
    for (unsigned i = 1; i <= pool->size; i++) {
        asked -= pool->child[i].asked ? i : 0;
    }
    return -asked;
}

/* One by one, in order; the next one's turn comes when the successor is ready, or after 5 s. */
static void
check_replacing(bool spawned)
{
    struct pool *pool = pool_open(3);

    server.options.grace_us = 5000000;
    pool->spawned = spawned;
    for (unsigned i = 1; i <= 3; i++) {
        pool_started(pool, i, (pid_t)(100 + i));
        if (spawned) {
            pool_ready(pool, i);
        }
    }
    now_us += 2 * 1000 * 1000;
    CHECK_IS(replaced(pool), 0, "nobody unless asked");
    signals_replace = 1;
    CHECK_IS(replaced(pool), 1, "the first");
    CHECK_IS(replaced(pool), 0, "only it");
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(pool_due(pool), 1, "its successor is due at once");
    pool_started(pool, 1, 201);
    if (spawned) {
        CHECK_IS(replaced(pool), 0, "nobody before it is ready");
        pool_ready(pool, 1);
    }
    CHECK_IS(replaced(pool), 2, "then the second");
    CHECK_IS(pool_wait_us(pool), 1000 * 1000, "for which it waits");
    now_us += 1000 * 1000;
    CHECK_IS(replaced(pool), 0, "not yet the third");
    CHECK_IS(pool_wait_us(pool), 1000 * 1000, "the second has been told again");
    now_us += 4 * 1000 * 1000;
    CHECK_IS(replaced(pool), spawned ? 0 : 3, "then the third, whatever the second does");
    pool_ended(pool, &server, 102, CLEAN);
    pool_started(pool, 2, 202);
    if (!spawned) {
        pool_ended(pool, &server, 103, CLEAN);
        pool_started(pool, 3, 203);
        CHECK_IS(replaced(pool), 0, "then nobody");
        CHECK_IS(pool->replace_before, 0, "all are replaced");
        CHECK_IS(pool_wait_us(pool), -1, "and nothing is to be waited for");
    }
    CHECK_IS(pool->lost, 0, "none was lost");
}

/* A child that leaves keeps its number: nobody is replaced while none is free for a successor. */
static void
check_numbers(void)
{
    struct pool *pool = pool_open(2);

    pool->wanted = 1;
    pool_started(pool, 1, 101);
    now_us += 1000;
    signals_replace = 1;
    CHECK_IS(replaced(pool), 1, "the only one, for another number is free");
    pool_started(pool, 2, 102);
    CHECK_IS(replaced(pool), 0, "all are replaced");
    now_us += 1000;
    signals_replace = 1;
    CHECK_IS(replaced(pool), 0, "nobody while the first has not left");
    now_us += 10 * 1000 * 1000;
    CHECK_IS(replaced(pool), 0, "nor after the grace");
    CHECK_IS(pool_wait_us(pool), 1000 * 1000, "only to tell the first again it must wake");
    CHECK_IS(pool->staying, 1, "somebody serves");
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(replaced(pool), 2, "its number is free: now the second");
    CHECK_IS(pool_due(pool), 1, "and its successor is due");
    now_us += 10 * 1000 * 1000;
    pool_started(pool, 1, 103);
    CHECK_IS(replaced(pool), 0, "all are replaced once more");
    CHECK_IS(pool->replace_before, 0, "and nothing is pending");
}

/* Before the end of the server nobody is made to wait. */
static void
check_all_forgiven(void)
{
    struct pool *pool = pool_open(2);
    int status = EXIT_SUCCESS;

    pool_started(pool, 1, -1);
    pool_started(pool, 1, -1);
    CHECK_IS(pool_may_start(pool), false, "a pause");
    CHECK_IS(pool_ending(pool, &server, true, &status), true, "more is to be served");
    CHECK_IS(pool_may_start(pool), true, "none at the end");
    pool_started(pool, 1, -1);
    CHECK_IS(pool->due - now_us, 100 * 1000, "what fails after that pauses as the first time");
    CHECK_IS(pool_ending(pool, &server, false, &status), false, "all have ended");
}

static void
check_ending(void)
{
    struct pool *pool = pool_open(1);
    int status = EXIT_SUCCESS;

    pool_started(pool, 1, 101);
    kills = 0;
    pool_ending(pool, &server, false, &status);
    pool_ending(pool, &server, false, &status);
    CHECK_IS(kills, 1, "a child is told once");
    now_us += 100 * 1000;
    CHECK_IS(pool_ending(pool, &server, false, &status), true, "it is still there");
    CHECK_IS(kills, 2, "and told again: it may have begun to wait as the first came");
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(pool_ending(pool, &server, false, &status), false, "it has ended");
}

int
main(void)
{
    sigset_t blocked;

    scoreboard_open(&server.board, 5);
    sigfillset(&blocked); /* as the starter may have done */
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    signals_open(5, true, &server.waiting);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    CHECK_IS(sigismember(&blocked, SIGTERM), true, "TERM comes only while it waits");
    CHECK_IS(sigismember(&blocked, SIGALRM), false, "an alarm ends any call");
    check_pauses();
    check_wanted();
    check_forgiveness();
    check_spawned();
    check_what_is_lost();
    check_failed_starts();
    check_replacing(false);
    check_replacing(true);
    check_numbers();
    check_all_forgiven();
    check_ending();
    return EXIT_SUCCESS;
}
