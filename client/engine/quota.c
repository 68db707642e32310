#include "quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 512, PATH = LINE + 64 };

/* A group's cpu.stat has a name and a number in each line. */
static void
add_group(struct quota *quota, const char *root, const char *group, int sign)
{
    static const char periods[] = "nr_periods ", throttled[] = "nr_throttled ";
    char path[PATH], line[LINE];
    FILE *file;

    snprintf(path, sizeof path, "%s%s/cpu.stat", root, group);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, periods, strlen(periods)) == 0) {
            quota->periods += (uint64_t)(sign * atoll(line + strlen(periods)));
        } else if (strncmp(line, throttled, strlen(throttled)) == 0) {
            quota->throttled += (uint64_t)(sign * atoll(line + strlen(throttled)));
        }
    }
    if (file) {
        fclose(file);
    }
}

/* A line of /proc/self/cgroup is NUMBER:CONTROLLERS:GROUP. The second version of cgroups has no
 * controllers there; of the first one, only the line of `cpu` is about processor time. */
void
quota_add(struct quota *quota, int sign)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[LINE], *controllers, *group;

    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        controllers = strchr(line, ':');
        group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || (group > controllers + 1 && strncmp(controllers, ":cpu,", 5) != 0 &&
                       strncmp(controllers, ":cpu:", 5) != 0)) {
            continue;
        }
        for (group++; *group == '/'; *strrchr(group, '/') = '\0') {
            add_group(quota, group[-2] == ':' ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group,
                      sign);
        }
    }
    if (file) {
        fclose(file);
    }
}

/* Three numbers: nanoseconds on a processor, nanoseconds of waiting for one, turns. */
int64_t
quota_starved_ns(void)
{
    FILE *file = fopen("/proc/self/schedstat", "r");
    int64_t ns = 0;

    if (file) {
        ns = fscanf(file, "%*d %" SCNd64, &ns) == 1 ? ns : 0;
        fclose(file);
    }
    return ns;
}
