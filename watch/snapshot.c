#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "loads.h"
#include "pages.h"
#include "processes.h"
#include "record.h"
#include "services.h"

static void
put_words(struct text *to, const char *name, char *const words[])
{
    text_say(to, "\"%s\":[", name);
    for (int i = 0; words[i]; i++) {
        text_say(to, "%s", i > 0 ? "," : "");
        text_string(to, words[i]);
    }
    text_say(to, "],");
}

static void
put_log(struct text *to, const char *name, const struct program *program)
{
    unsigned first = program->logged > PROGRAM_LOG ? program->logged - PROGRAM_LOG : 0;

    text_say(to, "\"%s\":[", name);
    for (unsigned i = first; i < program->logged; i++) {
        text_say(to, "%s", i > first ? "," : "");
        text_string(to, program->log[i % PROGRAM_LOG]);
    }
    text_say(to, "],");
}

static void
put_json(struct text *to, const char *name, const struct text *json)
{
    text_say(to, "\"%s\":", name);
    text_json(to, json ? json->bytes : "null");
}

static void
put_backlog(struct text *to, const struct service *service)
{
    const char *colon = strrchr(service->address, ':');
    int backlog = -1;

    if (service->state == SERVICE_RUNNING && colon && !strchr(service->address, '/')) {
        backlog = processes_backlog(atoi(colon + 1), *service->address == '[');
    }
    if (backlog == -1) {
        text_say(to, "\"backlog\":null,");
    } else {
        text_say(to, "\"backlog\":%d,", backlog);
    }
}

static void
put_processes(struct text *to, pid_t root)
{
    const struct process *each;
    int count = root != 0 ? processes_of(root, &each) : 0;

    text_say(to, "\"processes\":[");
    for (int i = 0; i < count; i++, each++) {
        text_say(to,
                 "%s{\"pid\":%ld,\"parent\":%ld,\"state\":\"%c\",\"cpu_ms\":%.1f,\"rss_kib\":%lld,"
                 "\"threads\":%d}",
                 i > 0 ? "," : "", (long)each->pid, (long)each->parent, each->state, each->cpu_ms,
                 each->rss_kib, each->threads);
    }
    text_say(to, "]}");
}

static void
put_service(struct text *to, const struct service *service)
{
    char readme[sizeof service->program + sizeof "/README.md"];
    pid_t pid = service->process.pid;
    bool comma = false;

    text_say(to, "{\"name\":\"%s\",\"program\":", service->name);
    text_string(to, service->program);
    text_say(to, ",");
    put_words(to, "arguments", service->words);
    snprintf(readme, sizeof readme, "%s/README.md", service->program);
    text_say(to, "\"readme\":\"%s\",\"state\":\"%s\",\"pid\":%ld,\"address\":",
             pages_find(readme) ? readme : "", service_states[service->state], (long)pid);
    text_string(to, service->address);
    text_say(to, ",\"uptime_s\":%.1f,\"ended\":",
             pid != 0 ? (double)(clock_us() - service->begun_us) / 1e6 : 0);
    text_string(to, service->ended);
    text_say(to, ",\"restarts\":%u,\"restart\":%s,\"can\":[", service->restarts,
             service->restart ? "true" : "false");
    for (int i = 0; service_cans[i]; i++) {
        if (service->can & 1U << i) {
            text_say(to, "%s\"%s\"", comma ? "," : "", service_cans[i]);
            comma = true;
        }
    }
    text_say(to,
             service->max > 0 ? "],\"min\":%d,\"max\":%d,\"asked\":%d,"
                              : "],\"min\":null,\"max\":null,\"asked\":null,",
             service->min, service->max, service->asked);
    put_log(to, "log", &service->process);
    put_json(to, "stats", service->stats);
    text_say(to, ",\"stats_ms\":%lld,", (long long)service->stats_ms);
    put_backlog(to, service);
    put_processes(to, pid);
}

static void
put_load(struct text *to, struct load *load, bool for_record)
{
    unsigned first = load->columned > LOAD_COLUMNS ? load->columned - LOAD_COLUMNS : 0;

    if (for_record) {
        first = load->recorded > first ? load->recorded : first;
        load->recorded = load->columned;
    }
    text_say(to, "{\"name\":\"%s\",", load->name);
    put_words(to, "arguments", load->words);
    text_say(to, "\"state\":\"%s\",\"started_ms\":%lld,", load_states[load->state],
             (long long)load->started_ms);
    put_log(to, "said", &load->process);
    text_say(to, "\"columns\":[");
    for (unsigned i = first; i < load->columned; i++) {
        text_say(to, "%s", i > first ? "," : "");
        text_json(to, load->columns[i % LOAD_COLUMNS]->bytes);
    }
    text_say(to, "],");
    put_json(to, "result", load->result);
    text_say(to, "}");
}

void
snapshot_make(struct text *to, bool for_record)
{
    static long long first_ms; /* by it a page knows that watch has been started anew */
    long long now_ms = clock_read_us(CLOCK_REALTIME) / 1000;
    double load = processes_load();

    first_ms = first_ms != 0 ? first_ms : now_ms;
    text_say(to, "{\"version\":1,\"time_ms\":%lld,\"first_ms\":%lld,", now_ms, first_ms);
    text_say(to, "\"processors\":%ld,", sysconf(_SC_NPROCESSORS_ONLN));
    text_say(to, load < 0 ? "\"load\":null," : "\"load\":%.2f,", load);
    text_say(to, "\"recording\":%s,\"recorded\":%s,\"services\":[",
             record_runs() ? "true" : "false", record_kept() ? "true" : "false");
    for (int i = 0; i < services_count; i++) {
        text_say(to, "%s", i > 0 ? "," : "");
        put_service(to, &services[i]);
    }
    text_say(to, "],\"loads\":[");
    for (int i = 0; i < loads_count; i++) {
        text_say(to, "%s", i > 0 ? "," : "");
        put_load(to, &loads[i], for_record);
    }
    text_say(to, "]}");
}
