#include "processes.h"

#ifdef __linux__

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"

enum { LISTENERS_MOST = 256, LISTENS = 0x0a, FRESH_US = 200 * 1000 };

static struct process all[PROCESSES_MOST];
static int count;

/* From /proc/PID/stat; the numbers of the fields are those of proc(5). The second one, the name, is
 * in parentheses and may hold any others. */
static int
read_stat(pid_t pid, struct process *process)
{
    unsigned long user, system;
    char line[1024], path[64];
    const char *behind;
    size_t length;
    long pages;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "re");
    if (!file) {
        return 0;
    }
    length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    behind = strrchr(line, ')');
    process->pid = pid;
    /* 3 state, 4 ppid, 14 utime, 15 stime, 20 num_threads, 24 rss */
    if (!behind ||
        sscanf(behind,
               ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d "
               "%*d %d %*d %*u %*u %ld",
               &process->state, &process->parent, &user, &system, &process->threads, &pages) != 6) {
        return 0;
    }
    process->cpu_ms = (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
    process->rss_kib = (long long)pages * sysconf(_SC_PAGESIZE) / 1024;
    return 1;
}

/* Those that its first thread has started; no server here forks in another one. */
static void
add_children(pid_t pid)
{
    char path[64];
    FILE *file;
    int child;

    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    file = fopen(path, "re");
    while (file && count < PROCESSES_MOST && fscanf(file, "%d", &child) == 1) {
        count += read_stat(child, &all[count]);
    }
    if (file) {
        fclose(file);
    }
}

int
processes_of(pid_t root, const struct process **found)
{
    *found = all;
    count = read_stat(root, &all[0]);
    for (int i = 0; i < count; i++) {
        add_children(all[i].pid);
    }
    return count;
}

/* The listeners of a protocol. In /proc/net/tcp they come first (state 0A), and have their queue in
 * the place of the bytes received. Behind them the kernel may have to look through all connections
 * that the machine has, which takes long: so it is read once for all services of a snapshot. */
static struct listeners {
    const char *path;
    int64_t read_us;
    int count;
    struct {
        unsigned port, queue;
    } of[LISTENERS_MOST];
} protocols[] = {{.path = "/proc/net/tcp"}, {.path = "/proc/net/tcp6"}};

static void
read_listeners(struct listeners *all_of)
{
    FILE *file = fopen(all_of->path, "re");
    unsigned state = LISTENS, port, queue;
    char line[512];

    all_of->read_us = clock_us();
    all_of->count = file ? 0 : -1;
    if (!file) {
        return;
    }
    for (int i = 0; fgets(line, sizeof line, file) && all_of->count < LISTENERS_MOST; i++) {
        if (i > 0 && (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%x", &port, &state,
                             &queue) != 3 ||
                      state != LISTENS)) {
            break;
        }
        if (i > 0) {
            all_of->of[all_of->count].port = port;
            all_of->of[all_of->count++].queue = queue;
        }
    }
    fclose(file);
}

/* With SO_REUSEPORT there are several at a port. */
int
processes_backlog(int port, bool six)
{
    struct listeners *all_of = &protocols[six];
    int sum = 0;

    if (clock_us() - all_of->read_us >= FRESH_US) {
        read_listeners(all_of);
    }
    for (int i = 0; i < all_of->count; i++) {
        sum += (int)all_of->of[i].port == port ? (int)all_of->of[i].queue : 0;
    }
    return all_of->count == -1 ? -1 : sum;
}

double
processes_load(void)
{
    FILE *file = fopen("/proc/loadavg", "re");
    double minute = -1;

    if (file) {
        if (fscanf(file, "%lf", &minute) != 1) {
            minute = -1;
        }
        fclose(file);
    }
    return minute;
}

#else

int
processes_of(pid_t root, const struct process **found)
{
    (void)root;
    *found = NULL;
    return 0;
}

int
processes_backlog(int port, bool six)
{
    (void)port;
    (void)six;
    return -1;
}

double
processes_load(void)
{
    return -1;
}

#endif
