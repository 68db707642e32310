#include "scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"

/* Up to this size the memory is reserved at once: if there is no room, that is an error now, and
 * not a SIGBUS at the first touch. */
enum { RESERVE_MOST = 4 << 20 };

/* 2 is always, 1 where the object's place allows it: clang for i386, where a long long may lie at
 * any multiple of 4. A counter never does. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE > 0 && _Alignof(counter) % 8 == 0,
               "counters that need a lock cannot be shared");

/* POSIX.1-2008 has no anonymous shared mapping. This comes close: a named object that only this
 * user may open, and that has lost its name when this function returns. posix_fallocate() is
 * optional, and may refuse shared memory: then a lack of room shows at the first touch after all.
 */
int
scoreboard_object(size_t size)
{
    char name[64];
    int fd, error;

    snprintf(name, sizeof name, "/scoreboard.%ld.%lld", (long)getpid(), (long long)clock_us());
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    if (fd == -1 || shm_unlink(name) == -1 || ftruncate(fd, (off_t)size) == -1) {
        die("shared memory of %zu bytes", size);
    }
    error = size <= RESERVE_MOST ? posix_fallocate(fd, 0, (off_t)size) : 0;
    if (error == ENOSPC || error == ENOMEM) {
        die_error(error, "shared memory of %zu bytes", size);
    }
    return fd;
}

void *
scoreboard_memory(size_t size)
{
    int fd = scoreboard_object(size);
    void *memory = scoreboard_map(fd, size);

    close(fd);
    return memory;
}

void *
scoreboard_map(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        die("mmap of %zu bytes", size);
    }
    return memory;
}

void
scoreboard_open(struct scoreboard *board, unsigned children)
{
    board->children = children;
    board->slots = scoreboard_memory((scoreboard_count(board) + 1) * sizeof *board->slots);
    counter_set(&board->slots[0].pid, (unsigned long long)getpid());
}

unsigned
scoreboard_count(const struct scoreboard *board)
{
    return board->children * (board->threads > 0 ? board->threads : 1);
}

struct slot *
scoreboard_child(const struct scoreboard *board, unsigned number)
{
    return &board->slots[board->threads > 0 ? (number - 1) * board->threads + 1 : number];
}

/* POSIX knows the times; ru_nvcsw and ru_maxrss are what Linux and the BSDs add. (The latter is a
 * forked child's own; a program that was started has that of the process that it was before.) */
void
scoreboard_publish(struct slot *slot)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    counter_set(&slot->running_switches, (unsigned long long)usage.ru_nvcsw);
    counter_set(&slot->running_user_us, clock_timeval_us(usage.ru_utime));
    counter_set(&slot->running_system_us, clock_timeval_us(usage.ru_stime));
    if ((unsigned long long)usage.ru_maxrss > counter_get(&slot->peak_kib)) {
        counter_set(&slot->peak_kib, (unsigned long long)usage.ru_maxrss);
    }
}

static void
owner_ended(struct slot *slot, bool apart)
{
    counter_add(&slot->switches, counter_get(&slot->running_switches));
    if (!apart) {
        counter_add(&slot->broken, counter_get(&slot->serving));
        counter_set(&slot->serving, 0);
    }
    counter_set(&slot->since, 0);
    counter_set(&slot->running_switches, 0);
    counter_set(&slot->running_user_us, 0);
    counter_set(&slot->running_system_us, 0);
}

void
scoreboard_reaped(const struct scoreboard *board, unsigned number)
{
    struct slot *slot = scoreboard_child(board, number);

    for (unsigned i = 0; i == 0 || i < board->threads; i++) {
        owner_ended(&slot[i], board->apart);
    }
}
