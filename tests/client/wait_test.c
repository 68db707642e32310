/*
 * wait_test - the client's wait_until(): how exact it is, and what it says of descriptors. Says
 * what is wrong and fails, or says nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include "../../client/ask/load.h"
#include "../../client/engine/wait.h"

enum { SOON_NS = 300 * 1000, TRIES = 100, HIGH = FD_SETSIZE + 10 };

static int failures;

static void
check(int good, const char *what)
{
    if (!good) {
        printf("%s\n", what);
        failures++;
    }
}

/* The shortest of many waits: it never ends early, and a moment later at least once. poll() could
 * not, it counts in milliseconds. */
static void
check_exactness(struct pollfd *polls, size_t count, int64_t most_ns, const char *what)
{
    int64_t shortest = INT64_MAX;

    for (int i = 0; i < TRIES; i++) {
        int64_t begin = clock_ns(), took;

        check(wait_until(polls, count, begin + SOON_NS) == 0, "ready, with nothing to be ready");
        took = clock_ns() - begin;
        shortest = took < shortest ? took : shortest;
    }
    if (shortest < SOON_NS || shortest > most_ns) {
        printf("%s: %ld ns\n", what, (long)shortest);
        failures++;
    }
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

        check(wait_until(polls, 4, until) == 2, "not two are ready");
        check(polls[0].revents == 0 && polls[1].revents == 0, "an empty pipe is ready");
        check(polls[2].revents == POLLIN, "a full pipe cannot be read");
        check(polls[3].revents == POLLOUT, "a pipe cannot be written");
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

    if (pipe(empty) == -1 || pipe(full) == -1 || write(full[1], "x", 1) != 1) {
        perror("wait_test");
        return EXIT_FAILURE;
    }
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
    for (int i = 0; i < 2; i++) {
        close(empty[i]);
        close(full[i]);
        close(HIGH + i);
    }
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
