/*
 * attach - a client of the memory of server12_shared_memory that need not keep the rules.
 *
 *     attach PATH STEP...
 *     attach PATH pass:WHAT
 *
 * The second form is such a server: it listens at PATH, passes one client none, two, a small, a
 * read-only or an unmapped (a pipe's) descriptor, or memory with an index that cannot be, and ends
 * when the client has closed. Steps: attach; send:TEXT (\n and \r as in C); take:N (bytes, to
 * standard output); eof (takes and prints all until the server closes the socket); put:N, taken:N
 * (its indices jump so far); asleep (it says that it sleeps, for good); scribble (noise over all of
 * the memory, half a second); flood (wakes the child, a second); shrink (the object, which must be
 * refused); talk (a byte over the socket); trickle (a byte each 30 ms, until the server closes);
 * touch:FILE, until:FILE; die (by KILL).
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

    CHECK(words, "scribble: there is no memory yet: %s", "attach first");
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

/* The descriptors to be passed: how many. */
static int
prepare(const char *what, int fds[2])
{
    char name[] = "/tmp/attach.XXXXXX";
    size_t size = strcmp(what, "small") == 0 ? ring_size() - 1 : ring_size();
    struct ring_memory *memory;

    fds[0] = mkstemp(name);
    fds[1] = open(name, O_RDONLY);
    unlink(name);
    CHECK(fds[0] != -1 && ftruncate(fds[0], (off_t)size) == 0, "%s: %s", name, strerror(errno));
    if (strcmp(what, "read-only") == 0) {
        fds[0] = fds[1];
    } else if (strcmp(what, "unmapped") == 0) {
        CHECK_IS(pipe(fds), 0, "pipe");
    } else if (strcmp(what, "index") == 0) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        CHECK(memory != MAP_FAILED, "mmap: %s", strerror(errno));
        memory->replies.put = REPLIES + 1;
    }
    return strcmp(what, "none") == 0 ? 0 : strcmp(what, "two") == 0 ? 2 : 1;
}

static void
pass(const char *path, const char *what)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec byte = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1};
    int listenfd = socket(AF_UNIX, SOCK_STREAM, 0), fds[2], count = prepare(what, fds);
    struct address address;
    char end;

    address_resolve(&address, path, 0);
    CHECK(bind(listenfd, &address.any, address.length) == 0 && listen(listenfd, 1) == 0, "%s: %s",
          path, strerror(errno));
    fd = accept(listenfd, NULL, NULL);
    if (count > 0) {
        message.msg_control = control.space;
        message.msg_controllen = (socklen_t)CMSG_SPACE((size_t)count * sizeof(int));
        control.header.cmsg_len = (socklen_t)CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
    }
    CHECK_IS(sendmsg(fd, &message, 0), 1, "passed");
    CHECK(read(fd, &end, 1) <= 0, "it says something");
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
    } else if (IS("pass")) {
        pass(path, argument);
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
