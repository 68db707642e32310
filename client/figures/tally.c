#include "tally.h"

#include <sys/mman.h>

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

struct tally *
tallies_open(const struct load *load)
{
    struct tally *tallies = scoreboard_memory(load->processes * sizeof *tallies);
    size_t size = work_times_size(load);
    struct histogram *next = size > 0 ? scoreboard_memory(size) : NULL;

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
