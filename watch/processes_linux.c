#include "processes.h"

#ifdef __linux__

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* In /proc/net/tcp listeners (state 0A) come first, and have their queue in the place of the bytes
 * received. With SO_REUSEPORT there are several. */
static int
add_backlog(const char *path, int port)
{
    unsigned state, at, queue;
    int sum = 0, lines = 0;
    char line[512];
    FILE *file = fopen(path, "re");

    while (file && fgets(line, sizeof line, file)) {
        if (lines++ == 0) {
            continue;
        }
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%x", &at, &state, &queue) !=
                3 ||
            state != 0x0a) {
            break;
        }
        sum += (int)at == port ? (int)queue : 0;
    }
    if (file) {
        fclose(file);
    }
    return file ? sum : -1;
}

int
processes_backlog(int port)
{
    int four = add_backlog("/proc/net/tcp", port), six = add_backlog("/proc/net/tcp6", port);

    return four == -1 ? six : six == -1 ? four : four + six;
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
processes_backlog(int port)
{
    (void)port;
    return -1;
}

double
processes_load(void)
{
    return -1;
}

#endif
