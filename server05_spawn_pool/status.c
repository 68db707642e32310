/* status - what server05 says about its handlers, besides what all servers say. */
#include <stdio.h>
#include <stdlib.h>

#include "../common/clock.h"
#include "crew.h"

enum { LINE = 64 }; /* letters on one */

/* The letters are those of Apache's mod_status, and T as ps(1) shows a stopped process. */
static const struct look {
    char letter;
    const char *name;
} looks[] = {
    [HANDLER_FREE] = {'.', "free"},           [HANDLER_STARTING] = {'S', "starting"},
    [HANDLER_IDLE] = {'_', "idle"},           [HANDLER_WORKING] = {'W', "working"},
    [HANDLER_FINISHING] = {'G', "finishing"},
};

static const char legend[] = "  _ idle, W working, S starting, G finishing, T stopped, . free:";

static struct look
look_of(unsigned number)
{
    const struct handler *handler = &crew.handlers[number];
    unsigned state = atomic_load(&crew.board->seat[number].state);

    if (state >= sizeof looks / sizeof looks[0]) {
        state = HANDLER_WORKING; /* a handler that writes nonsense does something, at least */
    }
    if (state != HANDLER_FREE && handler->stopped) {
        return (struct look){'T', "stopped"};
    }
    if (state != HANDLER_FREE && handler->leaving_since != 0) {
        state = HANDLER_FINISHING;
    }
    return looks[state];
}

static void
print_rows(FILE *to, bool json)
{
    for (unsigned i = 1; i <= crew.highest; i++) {
        const struct handler *handler = &crew.handlers[i];
        const struct pool_child *child = &crew.pool->child[i];
        int64_t age_us = child->pid == 0 ? handler->lived_us : clock_us() - child->started;
        unsigned long long requests = counter_get(&board_slots(crew.board)[i].requests);
        unsigned restarts = handler->starts > 0 ? handler->starts - 1 : 0;
        const char *state = look_of(i).name;

        if (json) {
            fprintf(to,
                    "%s{\"handler\":%u,\"pid\":%ld,\"state\":\"%s\",\"age_s\":%.3f,"
                    "\"requests\":%llu,\"restarts\":%u}",
                    i > 1 ? "," : "", i, (long)handler->pid, state, (double)age_us / 1e6, requests,
                    restarts);
        } else {
            fprintf(to, "%9u %8ld  %-9s %8.1f s %12llu %9u\n", i, (long)handler->pid, state,
                    (double)age_us / 1e6, requests, restarts);
        }
    }
}

/* A letter for each seat; as text in lines. */
static void
print_letters(FILE *to, bool json)
{
    for (unsigned i = 1; i <= crew.board->seats; i++) {
        fprintf(to, "%s%c", !json && i % LINE == 1 ? "\n  " : "", look_of(i).letter);
    }
}

char *
status_text(bool json)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);

    if (!to) {
        return NULL;
    }
    if (json) {
        fputs(",\"handlers\":[", to);
    } else {
        fprintf(to, "%9s %8s  %-9s %10s %12s %9s\n", "handler", "pid", "state", "age", "requests",
                "restarts");
    }
    print_rows(to, json);
    if (json || crew.pool->alive > 0) {
        fputs(json ? "],\"scoreboard\":\"" : legend, to);
        print_letters(to, json);
        fputs(json ? "\"" : "\n", to);
    }
    if (fclose(to) == EOF) {
        free(text);
        return NULL;
    }
    return text;
}
