#include "tally.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const tally_latency_names[LATENCY_KINDS] = {[LATENCY_CONNECT] = "connect",
                                                        [LATENCY_FIRST_BYTE] = "first_byte",
                                                        [LATENCY_SERVICE] = "service",
                                                        [LATENCY_RESPONSE] = "response"};

/* Of the histograms for the classes of -W, of all processes. */
static size_t
work_times_size(const struct load *load)
{
    return load->processes * TRUST_KINDS * WORK_TIMES * work_classes(&load->work) *
           sizeof(struct histogram);
}

/* A page that finds no room in /dev/shm, which is small in many containers, ends the process that
 * touches it. Where /dev/zero can be mapped, there is as much room as memory. */
static void *
share(size_t size)
{
    int fd = open("/dev/zero", O_RDWR);
    void *memory =
        fd != -1 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

    if (fd != -1) {
        close(fd);
    }
    return memory != MAP_FAILED ? memory : scoreboard_memory(size);
}

struct tally *
tallies_open(const struct load *load)
{
    struct tally *tallies = share(load->processes * sizeof *tallies);
    size_t size = work_times_size(load);
    struct histogram *next = size > 0 ? share(size) : NULL;

    for (unsigned i = 0; i < load->processes; i++) {
        tallies[i].number = i;
        for (int trust = 0; next && trust < TRUST_KINDS; trust++) {
            tallies[i].work_times[trust] = next;
            next += WORK_TIMES * work_classes(&load->work);
        }
    }
    return tallies;
}

void
tallies_close(const struct load *load, struct tally *tallies)
{
    if (load->work.lots.count > 0) {
        munmap(tallies[0].work_times[0], work_times_size(load));
    }
    munmap(tallies, load->processes * sizeof *tallies);
}
