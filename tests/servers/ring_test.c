/*
 * ring_test - rings in shared memory: both ends in one process, in two threads and in two
 * processes; the indices wrap; a peer that writes nonsense, or leaves.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../common/clock.h"
#include "../../common/ring.c"
#include "../../common/scoreboard.h"
#include "../helpers/check.h"

enum { ROUNDS = 20000, THREAD_BYTES = 1 << 20, PATIENCE = 60 };

static struct ring_memory *memory;
static struct ring client, server;
static int ends[2];

/* `start` is where all indices begin. */
static void
begin(unsigned start)
{
    memory = scoreboard_memory(ring_size());
    ring_make(memory);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0, "socketpair");
    client = ring_open(memory, ends[0], false);
    server = ring_open(memory, ends[1], true);
    client.put = client.taken = client.seen = start;
    server.put = server.taken = server.seen = start;
    memory->requests.put = memory->requests.taken = start;
    memory->replies.put = memory->replies.taken = start;
}

static void
end(void)
{
    close(ends[0]);
    close(ends[1]);
    munmap(memory, ring_size());
}

static ssize_t
put(struct ring *ring, const char *bytes, size_t length)
{
    const struct iovec whole = {.iov_base = (char *)bytes, .iov_len = length};

    return ring_put(ring, &whole, 1);
}

/* A stream of bytes that shows what is lost, doubled or moved. */
static char
nth(size_t n)
{
    return (char)(n * 7 + n / 251);
}

/* Pieces of all lengths, until the indices have wrapped and the ring has gone round many times. */
static void
check_stream(struct ring *from, struct ring *to, size_t most)
{
    static char bytes[REPLIES + 1];
    size_t sent = 0, received = 0;

    for (int i = 0; i < ROUNDS; i++) {
        size_t length = (size_t)rand() % most + 1;
        ssize_t count;

        for (size_t k = 0; k < length; k++) {
            bytes[k] = nth(sent + k);
        }
        count = put(from, bytes, length);
        CHECK(count > 0 || (errno == EAGAIN && sent > received), "put: %s", strerror(errno));
        sent += count > 0 ? (size_t)count : 0;
        count = ring_take(to, bytes, (size_t)rand() % most + 1);
        CHECK(count > 0 || (errno == EAGAIN && sent == received), "take: %s", strerror(errno));
        for (ssize_t k = 0; k < count; k++) {
            CHECK(bytes[k] == nth(received + (size_t)k), "byte %zu", received + (size_t)k);
        }
        received += count > 0 ? (size_t)count : 0;
    }
    CHECK(sent > 10 * REQUESTS, "only %zu bytes", sent);
}

static void
check_pieces(void)
{
    const struct iovec pieces[2] = {{.iov_base = "abc", .iov_len = 3},
                                    {.iov_base = "de", .iov_len = 2}};
    char bytes[8];

    CHECK_IS(ring_take(&client, bytes, sizeof bytes), -1, "there is nothing yet");
    CHECK_IS(errno, EAGAIN, "and no more than that is wrong");
    CHECK_IS(ring_put(&server, pieces, 2), 5, "two pieces");
    CHECK_IS(ring_take(&client, bytes, sizeof bytes), 5, "come at once");
    CHECK_IS(memcmp(bytes, "abcde", 5), 0, "in order");
}

static void
check_full(void)
{
    static char bytes[REQUESTS];

    CHECK_IS(put(&client, bytes, sizeof bytes), REQUESTS, "all of the ring");
    CHECK_IS(put(&client, bytes, 1), -1, "no more");
    CHECK_IS(errno, EAGAIN, "until there is room");
    CHECK_IS(ring_wait(&client, RING_ROOM), RING_NOT_YET, "nobody makes room");
    CHECK_IS(ring_take(&server, bytes, 1), 1, "somebody does");
    CHECK_IS(ring_wait(&client, RING_ROOM), RING_READY, "and so there is");
}

/* One thread puts, the other one takes: what is missing of acquire or release, ThreadSanitizer sees
 * (of the fences it knows nothing, but no byte depends on them). */
static void *
put_all(void *from)
{
    char bytes[3000];

    for (size_t sent = 0; sent < THREAD_BYTES;) {
        size_t length = sent * 31 % sizeof bytes + 1;
        ssize_t count;

        for (size_t k = 0; k < length; k++) {
            bytes[k] = nth(sent + k);
        }
        count = put(from, bytes, length < THREAD_BYTES - sent ? length : THREAD_BYTES - sent);
        CHECK(count > 0 || errno == EAGAIN, "put: %s", strerror(errno));
        CHECK(count > 0 || ring_wait(from, RING_ROOM) != RING_OVER, "nobody takes");
        sent += count > 0 ? (size_t)count : 0;
    }
    return NULL;
}

static void
check_threads(struct ring *from, struct ring *to)
{
    char bytes[2000];
    pthread_t sender;

    CHECK_IS(pthread_create(&sender, NULL, put_all, from), 0, "a thread");
    for (size_t received = 0; received < THREAD_BYTES;) {
        ssize_t count = ring_take(to, bytes, received * 17 % sizeof bytes + 1);

        CHECK(count > 0 || errno == EAGAIN, "take: %s", strerror(errno));
        CHECK(count > 0 || ring_wait(to, RING_INPUT) != RING_OVER, "nobody puts");
        for (ssize_t k = 0; k < count; k++) {
            CHECK(bytes[k] == nth(received + (size_t)k), "byte %zu", received + (size_t)k);
        }
        received += count > 0 ? (size_t)count : 0;
    }
    CHECK_IS(pthread_join(sender, NULL), 0, "its end");
}

static void
check_both_ways(void)
{
    check_threads(&client, &server);
    check_threads(&server, &client);
}

/* Indices that cannot be: neither end reads or writes where they point. */
static void
check_nonsense(void)
{
    static const unsigned offs[] = {REPLIES + 1, 1u << 31, UINT_MAX};
    char byte;

    for (int i = 0; i < 3; i++) {
        memory->requests.put = server.taken + offs[i];
        memory->replies.taken = server.put - offs[i];
        CHECK_IS(ring_wait(&server, RING_INPUT), RING_READY, "nonsense is to be looked at");
        CHECK_IS(ring_take(&server, &byte, 1), -1, "nothing is taken");
        CHECK_IS(errno, EPROTO, "for the index is nonsense");
        CHECK_IS(ring_wait(&server, RING_ROOM), RING_READY, "nonsense is to be looked at");
        CHECK_IS(put(&server, "x", 1), -1, "nothing is put"); /* which ring_wait() has seen */
        CHECK_IS(errno, EPROTO, "for the index is nonsense");
    }
}

/* What the peer has put before it closed is taken; then it is over. */
static void
check_leaving(void)
{
    char bytes[4];

    CHECK_IS(ring_wait(&server, RING_INPUT), RING_NOT_YET, "a silent peer is still there");
    CHECK_IS(put(&client, "bye", 3), 3, "the last words");
    close(ends[0]);
    CHECK_IS(ring_wait(&server, RING_INPUT), RING_READY, "the last words");
    CHECK_IS(ring_take(&server, bytes, sizeof bytes), 3, "the last words");
    CHECK_IS(ring_wait(&server, RING_INPUT), RING_OVER, "it has left");
    CHECK_IS(ring_wait(&server, RING_ROOM), RING_READY, "there is room all the same");
    ends[0] = dup(ends[1]);
}

static void
check_talker(void)
{
    CHECK_IS(write(ends[0], "?", 1), 1, "a byte over the socket");
    CHECK_IS(ring_wait(&server, RING_INPUT), RING_OVER, "is none of the protocol");
}

/* The other process gives back what comes. */
static _Noreturn void
echo(int most)
{
    char bytes[512];
    ssize_t count;

    server.spins = server.most = most;
    close(ends[0]);
    for (;;) {
        while ((count = ring_take(&server, bytes, sizeof bytes)) == -1) {
            if (ring_wait(&server, RING_INPUT) == RING_OVER) {
                _exit(0);
            }
        }
        CHECK_IS(put(&server, bytes, (size_t)count), count, "the echo has room");
    }
}

/* With most = 0 each of the two sleeps before each message: a wake-up that is lost costs 0.1 s. */
static void
check_two(int most, int rounds)
{
    char bytes[512], back[512];
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        echo(most);
    }
    client.spins = client.most = most;
    for (int i = 0; i < rounds; i++) {
        size_t length = (size_t)rand() % sizeof bytes + 1, got = 0;

        memset(bytes, i, length);
        CHECK_IS(put(&client, bytes, length), length, "a request has room");
        while (got < length) {
            ssize_t count = ring_take(&client, back + got, length - got);

            CHECK(count > 0 || errno == EAGAIN, "take: %s", strerror(errno));
            got += count > 0 ? (size_t)count : 0;
            CHECK(count > 0 || ring_wait(&client, RING_INPUT) != RING_OVER, "the echo ended");
        }
        CHECK_IS(memcmp(bytes, back, length), 0, "the echo");
    }
    shutdown(ends[0], SHUT_RDWR);
    ring_leave(&client);
    CHECK_IS(waitpid(pid, &status, 0), pid, "waitpid");
    CHECK_IS(status, 0, "the other process ends well");
}

#ifndef SLEEPER_SEMAPHORE
/* The peer writes noise over everything while this end does what it always does. */
static void
check_scribbler(void)
{
    static char bytes[64 * 1024];
    pid_t pid = fork();
    unsigned *words = (unsigned *)memory, seed = 1;
    int64_t end_us = clock_us() + 300 * 1000;

    if (pid == 0) {
        for (;;) {
            for (size_t i = 0; i < sizeof *memory / sizeof *words; i += 1 + seed % 8) {
                seed = seed * 1103515245 + 12345;
                words[i] = seed >> (seed >> 16) % 32;
            }
        }
    }
    for (int i = 0; clock_us() < end_us; i++) {
        CHECK(ring_take(&server, bytes, sizeof bytes) <= REQUESTS, "no more than there can be");
        CHECK(put(&server, bytes, sizeof bytes) <= (ssize_t)sizeof bytes, "no more than asked");
        CHECK(ring_wait(&server, i % 2 ? RING_ROOM : RING_INPUT) != RING_OVER, "it is there");
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
#endif

static void
check(const char *what, void (*checks)(void))
{
    check_subject = what;
    begin(UINT_MAX - REPLIES);
    checks();
    end();
}

/* With an argument: only what two threads do. */
int
main(int argc, char **argv)
{
    (void)argv;
    alarm(PATIENCE);
    check("threads", check_both_ways);
    if (argc > 1) {
        return 0;
    }
    check_subject = "stream";
    begin(UINT_MAX - 3 * REPLIES);
    check_stream(&client, &server, REQUESTS + 1);
    check_stream(&server, &client, REPLIES / 16);
    end();
    check("pieces", check_pieces);
    check("full", check_full);
    check("nonsense", check_nonsense);
    check("leaving", check_leaving);
    check("talker", check_talker);
    begin(UINT_MAX - 100);
    check_two(SPINS_MOST, ROUNDS);
    end();
    begin(UINT_MAX - 100);
    check_two(0, ROUNDS / 4);
    end();
#ifndef SLEEPER_SEMAPHORE
    check("scribbler", check_scribbler);
#endif
    return 0;
}
