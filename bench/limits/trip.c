/*
 * trip - a question to another process and its answer, by each way to tell it; and the context
 * switches that this takes.
 *
 * Where the two processes run is the scheduler's choice, and POSIX has no way to pin them. On
 * different CPUs each message wakes a CPU that sleeps, which is most of what is measured then,
 * above all in a virtual machine; on the same CPU it is a context switch.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"

/* Where one side reads and writes; the same descriptor, if it is a socket. */
struct end {
    int in, out;
};

enum { ASKER, ANSWERER, SIDES };

static struct end ends[SIDES];

static bool
ask(void)
{
    char byte = 0;

    return write(ends[ASKER].out, &byte, 1) == 1 && read(ends[ASKER].in, &byte, 1) == 1;
}

static bool
answer(void)
{
    char byte;

    return read(ends[ANSWERER].in, &byte, 1) == 1 && write(ends[ANSWERER].out, &byte, 1) == 1;
}

/* --- descriptors ----------------------------------------------------------------------------- */

static void
open_tcp(void)
{
    struct sockaddr_in address;
    int listenfd = bench_listen(&address), on = 1;
    int fd = bench_connect(&address);
    int connfd = accept(listenfd, NULL, NULL);

    if (connfd == -1) {
        bench_fail("accept");
    }
    close(listenfd); /* one connection is enough */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(connfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ends[ASKER] = (struct end){fd, fd};
    ends[ANSWERER] = (struct end){connfd, connfd};
}

static void
open_unix(void)
{
    int fds[SIDES];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1) {
        bench_fail("socketpair");
    }
    ends[ASKER] = (struct end){fds[ASKER], fds[ASKER]};
    ends[ANSWERER] = (struct end){fds[ANSWERER], fds[ANSWERER]};
}

static void
open_pipes(void)
{
    int there[2], back[2];

    if (pipe(there) == -1 || pipe(back) == -1) {
        bench_fail("pipe");
    }
    ends[ASKER] = (struct end){back[0], there[1]};
    ends[ANSWERER] = (struct end){there[0], back[1]};
}

static void
close_end(struct end *end)
{
    close(end->in);
    if (end->out != end->in) {
        close(end->out);
    }
}

/* It ends when the asker has ended. */
static void
answerer_main(unsigned number)
{
    (void)number;
    close_end(&ends[ASKER]); /* the other's: else its end would go unnoticed */
    while (answer()) {
    }
}

void
trip_measure(int way)
{
    double count = 0;

    switch ((enum trip_way)way) {
    case TRIP_TCP:
        open_tcp();
        break;
    case TRIP_UNIX:
        open_unix();
        break;
    case TRIP_PIPE:
        open_pipes();
        break;
    }
    bench_helper(BENCH_ANSWERS, answerer_main, 0);
    close_end(&ends[ANSWERER]); /* the helper's */
    bench_start(1);
    do {
        if (!ask()) {
            bench_fail("a round trip");
        }
        count++;
    } while (!bench_over);
    bench_stop(count);
}

/* --- shared memory --------------------------------------------------------------------------- */

/* Invariant: one of them is 0 and the other 0 or 1; who posts one then waits for the other. */
static struct {
    sem_t asked, answered;
} * semaphores;

static void
take(sem_t *semaphore)
{
    while (sem_wait(semaphore) == -1) {
        if (errno != EINTR) { /* not every system restarts it */
            bench_fail("sem_wait");
        }
    }
}

static void
semaphore_main(unsigned number)
{
    (void)number;
    for (;;) {
        take(&semaphores->asked);
        sem_post(&semaphores->answered);
    }
}

void
trip_semaphore_measure(int unused)
{
    double count = 0;

    (void)unused;
    semaphores = scoreboard_memory(sizeof *semaphores);
    if (sem_init(&semaphores->asked, 1, 0) == -1 || sem_init(&semaphores->answered, 1, 0) == -1) {
        bench_unavailable("semaphores that processes share");
    }
    bench_helper(BENCH_ANSWERS, semaphore_main, 0);
    bench_start(1);
    do {
        sem_post(&semaphores->asked);
        take(&semaphores->answered);
        count++;
    } while (!bench_over);
    bench_stop(count);
}

/* Invariant: true while it is the answerer's turn; only then does the answerer write it. */
static atomic_bool *asked;

static void
spin_main(unsigned number)
{
    (void)number;
    for (;;) {
        while (!atomic_load_explicit(asked, memory_order_acquire)) {
        }
        atomic_store_explicit(asked, false, memory_order_release);
    }
}

/* With one CPU each waits until the other's time slice is over: that is what it costs there. */
void
trip_spin_measure(int unused)
{
    double count = 0;

    (void)unused;
    asked = scoreboard_memory(SLOT_BYTES);
    bench_helper(BENCH_ANSWERS, spin_main, 0);
    bench_start(1);
    do {
        atomic_store_explicit(asked, true, memory_order_release);
        while (atomic_load_explicit(asked, memory_order_acquire)) {
        }
        count++;
    } while (!bench_over);
    bench_stop(count);
}

/* --- context switches ------------------------------------------------------------------------ */

static void
asker_main(unsigned number)
{
    counter *trips = bench_counter(number);

    close_end(&ends[ANSWERER]); /* the other's */
    for (;;) {
        if (!ask()) {
            bench_fail("a round trip");
        }
        counter_add(trips, 1);
    }
}

/* What is counted is what the kernel says: who finds its byte there already has not switched. With
 * many pairs there is always somebody else to run, so no CPU falls asleep. */
void
switch_measure(int many)
{
    unsigned pairs = many ? bench.n : 1;

    bench_counters(pairs);
    for (unsigned i = 0; i < pairs; i++) {
        open_pipes();
        bench_helper(BENCH_ANSWERS, answerer_main, i);
        bench_helper(BENCH_ASKS, asker_main, i);
        close_end(&ends[ASKER]); /* the helpers' */
        close_end(&ends[ANSWERER]);
    }
    bench_start(pairs);
    bench_watch();
    bench_stop(-1);
}
