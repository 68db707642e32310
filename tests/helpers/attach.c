/*
 * attach - a client of the memory of server12_shared_memory that need not keep the rules.
 *
 *     attach PATH STEP...
 *
 * Steps: attach; send:TEXT (\n and \r as in C); take:N (bytes, to standard output); eof (takes and
 * prints all until the server closes the socket); put:N, taken:N (its indices jump so far); asleep
 * (it says that it sleeps, for good); scribble (noise over all of the memory, half a second); flood
 * (wakes the child, a second); shrink (the object, which must be refused); talk (a byte over the
 * socket); trickle (a byte each 30 ms, until the server closes); touch:FILE, until:FILE; die (by
 * KILL).
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../common/address.h"
#include "../../common/clock.h"
#include "../../common/fdpass.h"
#include "../../common/ring.c"
#include "check.h"

enum { SCRIBBLE_US = 500 * 1000, FLOOD_US = 1000 * 1000, PATIENCE_S = 60 };

static int fd = -1, object = -1;
static struct ring ring;

static void
attach(const char *path)
{
    struct address address;
    void *memory;

    address_resolve(&address, path, 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(fd, &address.any, address.length) == 0, "%s: %s", path, strerror(errno));
    object = fdpass_receive(fd, true);
    CHECK(object >= 0, "no memory: %s", strerror(errno));
    memory = mmap(NULL, ring_size(), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    CHECK(memory != MAP_FAILED, "mmap: %s", strerror(errno));
    ring = ring_open(memory, fd, false);
}

static void
send_text(const char *text)
{
    char bytes[REQUESTS];
    struct iovec whole = {.iov_base = bytes};

    for (; *text && whole.iov_len < sizeof bytes; text++) {
        bool escaped = *text == '\\' && text[1];

        text += escaped;
        bytes[whole.iov_len++] = (char)(escaped && *text == 'n'   ? '\n'
                                        : escaped && *text == 'r' ? '\r'
                                                                  : *text);
    }
    CHECK_IS(ring_put(&ring, &whole, 1), whole.iov_len, "all of the text");
}

/* False at the end of file. */
static bool
take(size_t most)
{
    char bytes[4096];

    while (most > 0) {
        ssize_t count = ring_take(&ring, bytes, most < sizeof bytes ? most : sizeof bytes);

        CHECK(count > 0 || errno == EAGAIN, "take: %s", strerror(errno));
        if (count > 0) {
            fwrite(bytes, 1, (size_t)count, stdout);
            most -= (size_t)count;
        } else if (ring_wait(&ring, RING_INPUT) == RING_OVER) {
            return false;
        }
    }
    return true;
}

static void
scribble(void)
{
    uint32_t *words = (uint32_t *)ring.memory, seed = 1;
    int64_t end = clock_us() + SCRIBBLE_US;

    while (clock_us() < end) {
        for (size_t i = 0; i < sizeof *ring.memory / sizeof *words; i += 1 + seed % 8) {
            seed = seed * 1103515245 + 12345;
            words[i] = seed >> (seed >> 16) % 32;
        }
    }
}

/* Each time that the child sleeps. */
static void
flood(void)
{
    int64_t end = clock_us() + FLOOD_US;

    while (clock_us() < end) {
        sleeper_wake(&ring.memory->server, RING_INPUT);
    }
}

static void
trickle(void)
{
    do {
        send_text("a");
        poll(NULL, 0, 30);
    } while (!is_abandoned(&ring));
}

static void
touch(const char *file)
{
    close(open(file, O_WRONLY | O_CREAT, 0600));
}

static void
until(const char *file)
{
    while (access(file, F_OK) == -1) {
        poll(NULL, 0, 10);
    }
}

static void
step(const char *path, const char *name)
{
    const char *colon = strchr(name, ':'), *argument = colon ? colon + 1 : "";
    size_t length = colon ? (size_t)(colon - name) : strlen(name);
    unsigned n = (unsigned)strtoul(argument, NULL, 10);
    struct ring_memory *memory = ring.memory;

#define IS(word) (length == strlen(word) && memcmp(name, word, length) == 0)
    check_subject = name;
    if (IS("attach")) {
        attach(path);
    } else if (IS("send")) {
        send_text(argument);
    } else if (IS("take")) {
        CHECK(take(n), "the server has closed");
    } else if (IS("eof")) {
        CHECK(!take(SIZE_MAX), "no end");
    } else if (IS("put")) {
        memory->requests.put = ring.put + n;
    } else if (IS("taken")) {
        memory->replies.taken = ring.taken + n;
    } else if (IS("asleep")) {
        memory->client.waits_for = RING_INPUT;
    } else if (IS("scribble")) {
        scribble();
    } else if (IS("flood")) {
        flood();
    } else if (IS("shrink")) {
        CHECK_IS(ftruncate(object, 0), -1, "refused");
    } else if (IS("talk")) {
        CHECK_IS(write(fd, "?", 1), 1, "a byte");
    } else if (IS("touch")) {
        touch(argument);
    } else if (IS("until")) {
        until(argument);
    } else if (IS("trickle")) {
        trickle();
    } else if (IS("die")) {
        raise(SIGKILL);
    } else {
        CHECK(false, "no such step");
    }
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    alarm(PATIENCE_S);
    signal(SIGPIPE, SIG_IGN);
    CHECK(argc > 2, "usage: attach PATH STEP...");
    for (int i = 2; i < argc; i++) {
        step(argv[1], argv[i]);
    }
    return 0;
}
