/*
 * wait_test - the client's wait_until(): how exact it is, and what it says of descriptors. Says
 * what is wrong and fails, or says nothing.
 */
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include "../../client/ask/load.h"
#include "../../client/engine/wait.h"
#include "../helpers/check.h"

enum { SOON_NS = 300 * 1000, TRIES = 100, HIGH = FD_SETSIZE + 10 };

/* The shortest of many waits: it never ends early, and a moment later at least once. poll() could
 * not, it counts in milliseconds. */
static void
check_exactness(struct pollfd *polls, size_t count, int64_t most_ns, const char *what)
{
    int64_t shortest = INT64_MAX;

    for (int i = 0; i < TRIES; i++) {
        int64_t begin = clock_ns(), took;

        CHECK_IS(wait_until(polls, count, begin + SOON_NS), 0, "ready");
        took = clock_ns() - begin;
        shortest = took < shortest ? took : shortest;
    }
    CHECK(shortest >= SOON_NS && shortest <= most_ns, "%s: %ld ns", what, (long)shortest);
}

/* A pipe that can be read, and one that cannot; both can be written. */
static void
check_readiness(int empty[2], int full[2])
{
    struct pollfd polls[] = {{.fd = empty[0], .events = POLLIN},
                             {.fd = -1, .events = POLLIN},
                             {.fd = full[0], .events = POLLIN},
                             {.fd = full[1], .events = POLLOUT}};
    int64_t soon = clock_ns() + (int64_t)10 * 1000000000;

    for (int i = 0; i < 3; i++) { /* in the past, in the future, without end */
        int64_t until = i == 0 ? 1 : i == 1 ? soon : INT64_MAX;

        CHECK_IS(wait_until(polls, 4, until), 2, "ready");
        CHECK(polls[0].revents == 0 && polls[1].revents == 0, "an empty pipe is ready");
        CHECK_IS(polls[2].revents, POLLIN, "a full pipe");
        CHECK_IS(polls[3].revents, POLLOUT, "a pipe to be written");
    }
}

static void
raise_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int
main(void)
{
    struct pollfd idle = {.events = POLLIN};
    int empty[2], full[2];

    CHECK(pipe(empty) == 0 && pipe(full) == 0 && write(full[1], "x", 1) == 1, "no pipes");
    idle.fd = empty[0];
    check_exactness(NULL, 0, 900 * 1000, "without descriptors");
    check_exactness(&idle, 1, 900 * 1000, "with a descriptor");
    check_readiness(empty, full);
    raise_limit();
    if (dup2(empty[0], HIGH) == HIGH && dup2(full[0], HIGH + 1) == HIGH + 1) {
        int high_empty[] = {HIGH, empty[1]}, high_full[] = {HIGH + 1, full[1]};

        idle.fd = HIGH;
        check_exactness(&idle, 1, 1900 * 1000, "with a high descriptor");
        check_readiness(high_empty, high_full);
    }
    return EXIT_SUCCESS;
}
