/*
 * fuzz_seat - handlers/handler.c: how a handler finds its place, and what it
 * does there until it is to leave.
 *
 * under test: common/options.c
 *
 * An input is what the program inherits: the environment, the board in shared memory, which may be
 * another's or cut short, the command line, and what comes through the channel. Either it refuses
 * its place with a message, or it takes exactly the seat that the environment names, says what it
 * does there, and closes each connection once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/channel.h"
#include "../../common/scoreboard.h"
#include "dying.h"
#include "stopping.h"

enum { FD = 1000, BOARD_MOST = 1 << 14, MESSAGES_MOST = 64, NAME = 32 };

static struct {
    struct input messages; /* what comes through the channel, a byte each */
    char name[NAME];       /* of its seat, in the environment */
    bool unnamed;
    void *memory; /* the board */
    size_t size;
    bool missing;
    unsigned served, closed, woken;
    bool waits; /* the distributor wants to be woken by the first that changes its state */
} trial;

static const char *
environment(const char *name)
{
    CHECK(strcmp(name, "HANDLER_SEAT") == 0, "%s is asked for", name);
    return trial.unnamed ? NULL : trial.name;
}

static int
size_of(int fd, struct stat *status)
{
    CHECK(fd == 4, "the board is expected at %d", fd);
    memset(status, 0, sizeof *status);
    status->st_size = (off_t)trial.size;
    return trial.missing ? -1 : 0;
}

static pid_t
distributor(void)
{
    return 1;
}

static void *
map(int fd, size_t size)
{
    CHECK(fd == 4 && size == trial.size, "%zu of %zu bytes are mapped", size, trial.size);
    return trial.memory;
}

static int
receive(int channel, bool wait)
{
    uint8_t what = trial.messages.left > 0 ? input_byte(&trial.messages) : 0;

    CHECK(channel == 3 && (wait || signals_stop), "it does not wait");
    CHECK(trial.served == trial.closed, "the last connection is open");
    signals_ticked = what >= 64 && what < 128;
    signals_stop = signals_stop || what >= 248;
    signals_replace = what >= 240 && what < 248;
    if (what % 8 <= 3) {
        return what == 0 ? CHANNEL_END : what % 8 == 1 ? CHANNEL_LOST : CHANNEL_NONE;
    }
    return FD + what;
}

static int
note_close(int fd)
{
    CHECK(fd >= FD, "descriptor %d is closed", fd);
    trial.closed++;
    return 0;
}

static int
wake(pid_t pid, int which)
{
    CHECK(pid == 1 && which == SIGCHLD && trial.waits && trial.woken == 0, "%d to process %ld",
          which, (long)pid);
    trial.woken++;
    return 0;
}

static int
ignore(int fd, ...)
#define getppid() distributor()
{
    CHECK(fd == 3 || fd == 4, "descriptor %d", fd);
    return 0;
}

#define getenv(name) environment(name)
#define fstat(fd, status) size_of(fd, status)
#define scoreboard_map(fd, size) map(fd, size)
#define channel_receive(channel, wait) receive(channel, wait)
#define close(fd) note_close(fd)
#define kill(pid, signal) wake(pid, signal)
#define fcntl(...) ignore(__VA_ARGS__)

#include "../../handlers/handler.c"

static void
serve_nothing(int connfd)
{
    CHECK(connfd >= FD, "connection %d", connfd);
    trial.served++;
    CHECK(atomic_load(&seat->state) == HANDLER_WORKING, "it works, and says %u",
          atomic_load(&seat->state));
    counter_add(&counts->requests, 1);
}

/* --- what should be ------------------------------------------------------------------------- */

/* Is there such a seat, and is all of the board there? In numbers that cannot overflow. */
static bool
is_place(void)
{
    const struct board *it = trial.memory;
    uint64_t each = sizeof(struct seat) + sizeof(struct slot);
    unsigned which = (unsigned)strtoul(trial.name, NULL, 10);

    if (trial.unnamed || trial.missing || trial.size < sizeof(struct board) + 2 * each) {
        return false;
    }
    return it->magic == BOARD_MAGIC && which >= 1 && which <= it->seats &&
           sizeof(struct board) + ((uint64_t)it->seats + 1) * each <= trial.size;
}

static void
check_place(void)
{
    struct board *it = trial.memory;
    unsigned which = (unsigned)strtoul(trial.name, NULL, 10);
    char *end = (char *)trial.memory + trial.size;

    CHECK(number == which && seat == &it->seat[which], "it is in another seat");
    CHECK((char *)(counts + 1) <= end && counts == &board_slots(it)[which], "another's counters");
    CHECK(trial.served == trial.closed, "%u served, %u closed", trial.served, trial.closed);
    CHECK(atomic_load(&seat->received) == atomic_load(&seat->done), "one is not done");
    CHECK(trial.woken == trial.waits, "the distributor is not woken");
    CHECK(stopping_distributor.pid == it->distributor &&
              stopping_distributor.grace_us == it->grace_ms * INT64_C(1000),
          "another distributor");
}

/* --- inputs ---------------------------------------------------------------------------------- */

static void
make_board(struct input *input, uint8_t flags)
{
    size_t size = input_number(input, 2) % BOARD_MOST;
    struct board first = {.magic = flags & 1 ? input_number(input, 4) : BOARD_MAGIC,
                          .seats = flags & 2 ? input_number(input, 4) : input_byte(input),
                          .distributor = 1,
                          .grace_ms = 5000,
                          .timeout_ms = 10000,
                          .retire_after = flags & 4 ? input_byte(input) : 0};

    if (flags & 8) {
        size = board_size(first.seats % 16); /* or one that fits */
    }
    trial.size = size;
    trial.waits = flags & 16;
    CHECK(posix_memalign(&trial.memory, SLOT_BYTES, size > 0 ? size : 1) == 0, "no memory");
    memset(trial.memory, 0, size);
    atomic_store(&first.waits, trial.waits);
    memcpy(trial.memory, &first, size < sizeof first ? size : sizeof first);
}

static void
start(char *option)
{
    char program[] = "handler";
    char *argv[] = {program, option, NULL};
    int how = dying_tries(), argc = option ? 2 : 1;

    if (how == 0) {
        handler_run(argc, argv, serve_nothing);
        CHECK(is_place(), "it takes a place that is none");
        CHECK(!option, "it takes '%s'", option);
        check_place();
    } else if (how == DYING_USAGE) {
        CHECK(option, "%s", dying_text);
    } else {
        CHECK(!is_place(), "it refuses its place: %s", dying_text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    static char wrong[] = "-x"; /* getopt() keeps a pointer into it */
    struct input name;

    make_board(&input, flags);
    name = input_part(&input, input_byte(&input) % (NAME - 1));
    memset(trial.name, 0, sizeof trial.name);
    for (size_t i = 0; i < name.left; i++) {
        trial.name[i] = (char)name.at[i];
    }
    trial.messages = input_part(&input, MESSAGES_MOST);
    trial.unnamed = flags & 32;
    trial.missing = flags & 64;
    trial.served = trial.closed = trial.woken = 0;
    signals_stop = signals_replace = signals_ticked = 0;
    start(flags & 128 ? wrong : NULL);
    free(trial.memory);
    return 0;
}
