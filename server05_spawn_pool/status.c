/* status - what server05 says about its handlers, besides what all servers say. */
#include <stdio.h>
#include <stdlib.h>

#include "../common/clock.h"
#include "size.h"

enum { LINE = 64 }; /* letters on one */

/* By state; behind them, a stopped handler's. The letters are those of Apache's mod_status, and T
 * as ps(1) shows a stopped process. */
enum { STOPPED = HANDLER_FINISHING + 1 };
static const char *const names[] = {"free", "starting", "idle", "working", "finishing", "stopped"};
static const char letters[] = ".S_WGT";
static const char legend[] = "  _ idle, W working, S starting, G finishing, T stopped, . free:";

static unsigned
look_of(unsigned number)
{
    const struct pool_child *child = &crew.pool->child[number];
    unsigned state = atomic_load(&crew.board->seat[number].state);

    if (state != HANDLER_FREE && child->stopped) {
        return STOPPED;
    }
    if (state != HANDLER_FREE && child->asked) {
        return HANDLER_FINISHING;
    }
    return state < STOPPED ? state : HANDLER_WORKING; /* that writes nonsense: it does something */
}

static void
print_rows(FILE *to, bool json)
{
    for (unsigned i = 1; i <= crew.pool->highest; i++) {
        const struct pool_child *child = &crew.pool->child[i];
        const struct slot *slot = &board_slots(crew.board)[i];
        int64_t age_us = (child->pid == 0 ? child->ended : clock_us()) - child->started;
        unsigned long long requests = counter_get(&slot->requests);
        unsigned restarts = child->starts > 0 ? child->starts - 1 : 0;

        fprintf(to,
                json ? "%s{\"handler\":%u,\"pid\":%ld,\"state\":\"%s\",\"age_s\":%.3f,"
                       "\"requests\":%llu,\"restarts\":%u}"
                     : "%s%9u %8ld  %-9s %8.1f s %12llu %9u\n",
                json && i > 1 ? "," : "", i, (long)child->last_pid, names[look_of(i)],
                (double)age_us / 1e6, requests, restarts);
    }
}

/* A letter for each seat; as text in lines. */
static void
print_letters(FILE *to, bool json)
{
    for (unsigned i = 1; i <= crew.board->seats; i++) {
        fprintf(to, "%s%c", !json && i % LINE == 1 ? "\n  " : "", letters[look_of(i)]);
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
