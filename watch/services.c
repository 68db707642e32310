#include "services.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "json.h"
#include "processes.h"

enum {
    ENDING_US = 1000 * 1000,     /* beyond its grace: then it is killed */
    YOUNG_US = 1000 * 1000,      /* one that lived longer is restarted at once */
    PAUSE_LEAST_US = 100 * 1000, /* between restarts; doubled each time */
    PAUSE_MOST_US = 5 * 1000 * 1000,
    LOST_US = 5 * 1000 * 1000, /* an answer that has not come by then: the server is asked again */
    ADDED = 9                  /* words in front of those of the file */
};

struct service services[SERVICES_MOST];
int services_count;
const char *const service_states[] = {"stopped", "starting", "running", "stopping", "failed"};
const char *const service_cans[] = {"hup", "more", "fewer", NULL};

static int64_t grace_us;

struct service *
services_find(const char *name)
{
    for (int i = 0; i < services_count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}

/* It has ended unasked, or could not be started: if the file says so it is started again, at once
 * the first time; one that dies young again and again has to wait longer each time. */
static void
plan_restart(struct service *service)
{
    int64_t now = clock_us();

    if (now - service->begun_us >= YOUNG_US) {
        service->pause_us = 0;
    }
    service->state = SERVICE_FAILED;
    if (service->restart) {
        service->due_us = now + service->pause_us;
        service->pause_us = service->pause_us == 0 ? PAUSE_LEAST_US : 2 * service->pause_us;
        if (service->pause_us > PAUSE_MOST_US) {
            service->pause_us = PAUSE_MOST_US;
        }
    }
}

static void
start(struct service *service)
{
    char grace[32], *path = program_path(service->program);
    char *arguments[ADDED + SERVICE_WORDS + 1] = {path, "-i",   "127.0.0.1", "-p", "0",
                                                  "-o", "json", "-g",        grace};

    snprintf(grace, sizeof grace, "%lldus", (long long)grace_us);
    memcpy(arguments + ADDED, service->words, sizeof service->words); /* theirs count: the last */
    text_drop(service->stats);
    service->stats = NULL;
    service->again = false;
    service->asked = service->first;
    service->due_us = service->usr1_us = service->awaited = 0;
    service->begun_us = clock_us();
    *service->address = *service->ended = '\0';
    if (program_start(&service->process, arguments)) {
        service->state = SERVICE_STARTING;
    } else {
        snprintf(service->ended, sizeof service->ended, "cannot be started: %s", strerror(errno));
        plan_restart(service);
    }
    free(path);
}

/* A stopped process would keep TERM for later. */
static void
stop(struct service *service, bool again)
{
    service->again = again;
    if (service->state != SERVICE_STOPPING) {
        service->state = SERVICE_STOPPING;
        service->stopped_us = clock_us();
    }
    kill(service->process.pid, SIGTERM);
    kill(service->process.pid, SIGCONT);
}

void
services_open(int64_t grace)
{
    grace_us = grace;
    for (int i = 0; i < services_count; i++) {
        if (services[i].autostart) {
            start(&services[i]);
        }
    }
}

/* Would so many children more, or fewer, be beyond what the file allows? NULL, or why not. */
static const char *
beyond(const struct service *service, int by)
{
    static char why[96];
    bool more = by > 0;

    if (service->max == 0 || service->asked != (more ? service->max : service->min)) {
        return NULL;
    }
    snprintf(why, sizeof why, "%s = %d in the ini file: no %s children are allowed",
             more ? "max" : "min", service->asked, more ? "more" : "fewer");
    return why;
}

/* For statistics. One question at a time: so it is known which one an answer belongs to. */
static void
ask_server(struct service *service)
{
    int64_t now = clock_us();

    if (service->usr1_us == 0 || now - service->usr1_us >= LOST_US) {
        service->usr1_us = now;
        kill(service->process.pid, SIGUSR1);
    }
}

/* TTIN, TTOU or STOP, to a server that runs. Two of the same that wait for the server become one,
 * and the CONT behind a STOP discards those that wait: so the server must have answered a USR1 that
 * was sent behind the one before, for then it has that one. */
static const char *
signal_in_turn(struct service *service, int number)
{
    const struct process *server;

    if (processes_of(service->process.pid, &server) > 0 && server->state == 'T') {
        return number == SIGSTOP ? NULL
                                 : "the server is stopped (T), and would lose that: let it go on";
    }
    if (service->awaited > 0) {
        return "the server has not answered since the last more, fewer or stop: "
               "wait for its next statistics";
    }
    kill(service->process.pid, number);
    service->awaited = service->usr1_us != 0 ? 2 : 1;
    ask_server(service);
    return NULL;
}

const char *
service_halt(struct service *service)
{
    if (service->state == SERVICE_RUNNING && service->can & (SERVICE_MORE | SERVICE_FEWER)) {
        return signal_in_turn(service, SIGSTOP);
    }
    kill(service->process.pid, SIGSTOP);
    return NULL;
}

static const char *
send_signal(struct service *service, const char *what)
{
    static const int signals[] = {SIGHUP, SIGTTIN, SIGTTOU}, by[] = {0, 1, -1};
    const char *why;

    for (int i = 0; service_cans[i]; i++) {
        if (strcmp(what, service_cans[i]) != 0) {
            continue;
        }
        if (!(service->can & 1U << i)) {
            return "this service's `can` in the ini file does not allow that";
        }
        if (service->state != SERVICE_RUNNING) {
            return service->state == SERVICE_STARTING ? "the service is not ready yet"
                                                      : "the service does not run: start it first";
        }
        if (by[i] == 0) {
            kill(service->process.pid, signals[i]);
            return NULL;
        }
        why = beyond(service, by[i]);
        why = why ? why : signal_in_turn(service, signals[i]);
        service->asked += why ? 0 : by[i];
        return why;
    }
    return "do: start, stop, restart, hup, more or fewer is allowed";
}

const char *
service_do(struct service *service, const char *what)
{
    bool runs = service->process.pid != 0, restart = strcmp(what, "restart") == 0;

    if (strcmp(what, "start") == 0 || (restart && !runs)) {
        if (runs) {
            return "the service runs already";
        }
        service->restarts = 0;
        service->pause_us = 0;
        start(service);
    } else if (restart || strcmp(what, "stop") == 0) {
        if (!runs && service->due_us == 0) {
            return "the service does not run";
        }
        service->due_us = 0;
        if (runs) {
            stop(service, restart);
        } else {
            service->state = SERVICE_STOPPED;
        }
    } else {
        return send_signal(service, what);
    }
    return NULL;
}

/* server01_fork: listening on 127.0.0.1:2000, pid 4711 */
static bool
take_ready(struct service *service, const char *line)
{
    static const char words[] = ": listening on ";
    const char *address = strstr(line, words), *end = strstr(line, ", pid ");

    if (!address || !end || end < address || service->state != SERVICE_STARTING) {
        return false;
    }
    address += strlen(words);
    snprintf(service->address, sizeof service->address, "%.*s", (int)(end - address), address);
    service->state = SERVICE_RUNNING;
    return true;
}

void
service_hear(struct service *service, enum program_stream stream)
{
    const char *line;

    while ((line = program_line(&service->process, stream)) != NULL) {
        if (stream == PROGRAM_OUT && json_valid(line)) {
            text_drop(service->stats);
            service->stats = text_of(line);
            service->stats_ms = clock_read_us(CLOCK_REALTIME) / 1000;
            service->usr1_us = 0;
            service->awaited -= service->awaited > 0;
        } else if (stream == PROGRAM_ERR || !take_ready(service, line)) {
            program_log(&service->process, line);
        }
    }
}

static void
look_after(struct service *service, bool ask)
{
    struct program *process = &service->process;
    int64_t now = clock_us();

    if (program_ended(process)) {
        service_hear(service, PROGRAM_OUT);
        service_hear(service, PROGRAM_ERR);
        program_reason(process, service->ended);
        if (service->state != SERVICE_STOPPING) {
            plan_restart(service);
        } else {
            service->state = SERVICE_STOPPED;
            if (service->again) {
                start(service);
            }
        }
    } else if (service->state == SERVICE_STOPPING) {
        if (now - service->stopped_us >= grace_us + ENDING_US) {
            kill(-process->pid, SIGKILL);
        }
    } else if (service->state == SERVICE_RUNNING && ask) {
        ask_server(service);
    } else if (service->due_us != 0 && now >= service->due_us) {
        service->restarts++;
        start(service);
    }
}

void
services_turn(bool ask)
{
    for (int i = 0; i < services_count; i++) {
        look_after(&services[i], ask);
    }
}

bool
services_stop(bool at_once)
{
    bool runs = false;

    for (int i = 0; i < services_count; i++) {
        struct service *service = &services[i];

        service->due_us = 0;
        service->again = false;
        if (service->process.pid != 0) {
            runs = true;
            if (service->state != SERVICE_STOPPING) {
                stop(service, false);
            } else if (at_once) {
                kill(-service->process.pid, SIGKILL);
            }
        }
    }
    return runs;
}
