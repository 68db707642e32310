/* processes - what a system tells about processes that are not ours: Linux, in /proc. */
#ifndef WATCH_PROCESSES_H
#define WATCH_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
    pid_t pid, parent;
    char state; /* R running, S sleeping, D in a disk's wait, T stopped, Z zombie */
    double cpu_ms;
    long long rss_kib;
    int threads;
};

enum { PROCESSES_MOST = 1024 };

/* The process `root` and all that descend from it, at most PROCESSES_MOST; returns how many, in
 * memory that lasts until the next call. 0 on a system that does not tell. */
int processes_of(pid_t root, const struct process **found);

/* How many connections wait in the queue of this TCP port, of IPv6 or IPv4; -1 if the system does
 * not tell. */
int processes_backlog(int port, bool six);

/* How many processes have wanted to run in the last minute; -1 likewise. */
double processes_load(void);

#endif
