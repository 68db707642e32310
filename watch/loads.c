#include "loads.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/die.h"
#include "json.h"

/* All of these have a value; none reads or writes a file, or goes to another server. */
static const char ALLOWED[] = "ctdmkbrWxHSTP";

enum {
    ADDED = 7,
    WORD_MOST = 64,
    ENDING_US = 10 * 1000 * 1000 /* for its report; then it is killed */
};

struct load loads[LOADS_MOST];
int loads_count;
const char *const load_states[] = {"running", "done", "failed", "stopped"};

static void
forget(struct load *load)
{
    for (int i = 0; load->words[i]; i++) {
        free(load->words[i]);
    }
    for (int i = 0; i < LOAD_COLUMNS; i++) {
        text_drop(load->columns[i]);
    }
    text_drop(load->result);
    for (int i = 0; i < PROGRAM_STREAMS; i++) {
        free(load->process.sources[i].bytes);
    }
    memset(load, 0, sizeof *load);
}

/* Splits the options at blanks: words[0..], then NULL. As getopt(3) does, the value of a letter is
 * the rest of its word, or else the next word. */
static const char *
take_options(char *options, char *words[LOAD_WORDS + 1])
{
    bool value = false;
    int count = 0;

    for (char *word = strtok(options, " "); word; word = strtok(NULL, " ")) {
        if (count == LOAD_WORDS || strlen(word) > WORD_MOST) {
            return "options: at most 32 words of 64 letters are allowed";
        }
        if (!value && (word[0] != '-' || word[1] == '\0' || !strchr(ALLOWED, word[1]))) {
            return "options: -c -t -d -m -k -b -r -W -x -H -S -T -P are allowed, with a value each";
        }
        value = !value && word[2] == '\0';
        words[count++] = word;
    }
    words[count] = NULL;
    return value ? "options: the last one has no value" : NULL;
}

/* 127.0.0.1:2000, [::1]:2000 or a path, as -i and -p of the client want it. */
static void
split_address(char *address, char **host, char **port)
{
    char *colon = strrchr(address, ':');

    *host = address;
    *port = "1";
    if (!strchr(address, '/') && colon) {
        *colon = '\0';
        *port = colon + 1;
        if (*address == '[') {
            ++*host;
            colon[-1] = '\0';
        }
    }
}

static void
begin(const struct service *service, char *const words[LOAD_WORDS + 1])
{
    struct load *load = &loads[loads_count++];
    char address[ADDRESS_TEXT], *host, *port, *path = program_path("client");
    int i;

    forget(load);
    memcpy(address, service->address, sizeof address);
    split_address(address, &host, &port);
    char *arguments[ADDED + LOAD_WORDS + 1] = {path, "-i", host, "-p", port, "-o", "live"};
    for (i = 0; words[i]; i++) {
        load->words[i] = strdup(words[i]);
        if (!load->words[i]) {
            die("load");
        }
        arguments[ADDED + i] = load->words[i];
    }
    memcpy(load->name, service->name, sizeof load->name);
    load->started_ms = clock_read_us(CLOCK_REALTIME) / 1000;
    if (!program_start(&load->process, arguments)) {
        char why[96];

        snprintf(why, sizeof why, "client: cannot be started: %s", strerror(errno));
        program_log(&load->process, why);
        load->state = LOAD_FAILED;
    }
    free(path);
}

const char *
loads_start(char *names, char *options)
{
    const struct service *chosen[LOADS_MOST];
    char *words[LOAD_WORDS + 1];
    const char *wrong = take_options(options, words);
    int count = 0;

    for (int i = 0; i < loads_count; i++) {
        if (loads[i].process.pid != 0) {
            return "a load runs already: stop it first";
        }
    }
    for (char *name = strtok(names, ","); name && !wrong; name = strtok(NULL, ",")) {
        const struct service *service = services_find(name);

        if (count == LOADS_MOST || (count == 1 && service == chosen[0])) {
            wrong = "names: one service, or two different ones, are allowed";
        } else if (!service || service->state != SERVICE_RUNNING) {
            wrong = "names: there is no such service that runs";
        } else {
            chosen[count++] = service;
        }
    }
    if (wrong || count == 0) {
        return wrong ? wrong : "names: one service, or two different ones, are allowed";
    }
    for (loads_count = 0; loads_count < count;) {
        begin(chosen[loads_count], words);
    }
    return NULL;
}

const char *
loads_stop(void)
{
    return loads_end(false) ? NULL : "no load runs";
}

bool
loads_end(bool at_once)
{
    bool runs = false;

    for (int i = 0; i < loads_count; i++) {
        struct load *load = &loads[i];

        if (load->process.pid == 0) {
            continue;
        }
        runs = true;
        if (at_once) {
            kill(-load->process.pid, SIGKILL);
        } else if (load->state == LOAD_RUNNING) {
            load->state = LOAD_STOPPED;
            load->stopped_us = clock_us();
            kill(load->process.pid, SIGTERM);
            kill(-load->process.pid, SIGCONT); /* a stopped process would keep TERM for later */
        }
    }
    return runs;
}

static void
take_json(struct load *load, const char *line)
{
    struct text **place = &load->result;

    if (strncmp(line, "{\"begin_s\":", strlen("{\"begin_s\":")) == 0) {
        place = &load->columns[load->columned++ % LOAD_COLUMNS];
    }
    text_drop(*place);
    *place = text_of(line);
}

void
load_hear(struct load *load, enum program_stream stream)
{
    const char *line;

    while ((line = program_line(&load->process, stream)) != NULL) {
        if (stream == PROGRAM_OUT && json_valid(line)) {
            take_json(load, line);
        } else {
            program_log(&load->process, line);
        }
    }
}

/* A client that could not say how it ended: watch says it. */
static void
end(struct load *load)
{
    int status = load->process.status;
    char reason[64];

    load_hear(load, PROGRAM_OUT);
    load_hear(load, PROGRAM_ERR);
    if (!WIFEXITED(status)) {
        program_reason(&load->process, reason);
        program_log(&load->process, reason);
    }
    if (load->state == LOAD_RUNNING) {
        load->state = status == 0 ? LOAD_DONE : LOAD_FAILED;
    }
}

void
loads_turn(void)
{
    for (int i = 0; i < loads_count; i++) {
        struct load *load = &loads[i];
        struct program *process = &load->process;

        if (program_ended(process)) {
            end(load);
        } else if (process->pid != 0 && load->state == LOAD_STOPPED &&
                   clock_us() - load->stopped_us >= ENDING_US) {
            kill(-process->pid, SIGKILL);
        }
    }
}
