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

#define clock_gettime clock_of_the_test
#include "../../common/pool.c"
#undef clock_gettime

enum { KILLED = 9, CLEAN = 0, FAILED = 1 << 8 }; /* as wait(2) tells them here */

static struct server server;

/* More numbers than are wanted: those who pause are not made up for by others. */
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
    pool->wanted = 3;
    CHECK_IS(pool_due(pool), 3, "one more is wanted");
    pool->wanted = 1;
    CHECK_IS(pool_due(pool), 0, "as many as are wanted are alive");
    now_us += 5 * 1000 * 1000;
    CHECK_IS(pool_due(pool), 0, "also after the pause");
    pool->wanted = 2;
    CHECK_IS(pool_due(pool), 1, "wanted again, and the pause is over");
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

/* One that lived for a second begins anew. */
static void
check_forgiveness(void)
{
    struct pool *pool = pool_open(2);

    for (int i = 0; i < 4; i++) {
        pool_started(pool, 2, 100);
        pool_ended(pool, &server, 100, FAILED);
        now_us += 10 * 1000 * 1000;
    }
    pool_started(pool, 2, 100);
    now_us += 1000 * 1000;
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool->child[2].due, now_us, "due at once after a second of life");
    pool_started(pool, 2, 100);
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool->child[2].due, now_us, "and after the first young death");
    pool_started(pool, 2, 100);
    pool_ended(pool, &server, 100, KILLED);
    CHECK_IS(pool->child[2].due, now_us + 100 * 1000, "but not after the second");
    CHECK_IS(pool_ended(pool, &server, 4711, KILLED), 0, "a stranger's end");
}

static void
check_what_is_lost(void)
{
    struct pool *pool = pool_open(3);

    for (unsigned i = 1; i <= 3; i++) {
        pool_started(pool, i, (pid_t)(100 + i));
    }
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(pool->lost, 0, "a clean end is no loss");
    pool->child[2].asked = true;
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
    struct pool *pool = pool_open(1);

    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        pool_started(pool, 1, -1);
        CHECK_IS(pool_wait_us(pool), pauses_ms[i] * 1000, "pause after a failed fork");
        CHECK_IS(pool_due(pool), 0, "not due in the pause");
        now_us += pauses_ms[i] * 1000;
    }
}

/* One by one, in order; the next one's turn comes when the successor lives, or after 5 s. */
static void
check_replacing(void)
{
    struct pool *pool = pool_open(3);

    for (unsigned i = 1; i <= 3; i++) {
        pool_started(pool, i, (pid_t)(100 + i));
    }
    now_us += 2 * 1000 * 1000;
    CHECK_IS(pool_replace_next(pool, 5), 0, "nobody unless asked");
    pool->replacing = 1; /* as HUP does */
    CHECK_IS(pool_replace_next(pool, 5), 1, "the first");
    CHECK_IS(pool_replace_next(pool, 5), 0, "only it");
    pool_ended(pool, &server, 101, CLEAN);
    CHECK_IS(pool_due(pool), 1, "its successor is due at once");
    pool_started(pool, 1, 201);
    CHECK_IS(pool_replace_next(pool, 5), 2, "then the second");
    CHECK_IS(pool_wait_us(pool), 5 * 1000 * 1000, "for which it waits 5 s");
    now_us += 5 * 1000 * 1000;
    CHECK_IS(pool_replace_next(pool, 5), 3, "then the third, whatever the second does");
    pool_ended(pool, &server, 103, CLEAN);
    pool_started(pool, 3, 203);
    CHECK_IS(pool_replace_next(pool, 5), 0, "then nobody");
    CHECK_IS(pool_wait_us(pool), -1, "and nothing is to be waited for");
    CHECK_IS(pool->lost, 0, "none was lost");
}

/* While the child whose turn it is waits for its restart, there is nothing to do but wait. */
static void
check_replacing_in_a_pause(void)
{
    struct pool *pool = pool_open(1);

    pool_started(pool, 1, -1);
    pool->replacing = 1; /* as HUP does */
    CHECK_IS(pool_replace_next(pool, 5), 0, "there is none to replace");
    CHECK_IS(pool_wait_us(pool), 100 * 1000, "the rest of the pause, not 0");
}

/* Before the end of the server nobody is made to wait. */
static void
check_all_forgiven(void)
{
    struct pool *pool = pool_open(2);
    int status = EXIT_SUCCESS;

    pool_started(pool, 1, -1);
    pool_started(pool, 2, -1);
    CHECK_IS(pool_due(pool), 0, "both pause");
    pool_ending(pool, &server, true, &status);
    pool->wanted = 2;
    CHECK_IS(pool_due(pool), 1, "both are due");
    pool_started(pool, 1, -1);
    pool_started(pool, 2, -1);
    CHECK_IS(pool_wait_us(pool), 100 * 1000, "what fails after that pauses as the first time");
}

int
main(void)
{
    scoreboard_open(&server.board, 5);
    signals_open(5, true, &server.waiting);
    check_pauses();
    check_wanted();
    check_forgiveness();
    check_what_is_lost();
    check_failed_starts();
    check_replacing();
    check_replacing_in_a_pause();
    check_all_forgiven();
    return EXIT_SUCCESS;
}
