#include "letters.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common/clock.h"

enum { LINE = 64 }; /* letters on one */

static const char legend[] = "  _ idle, W working, U for longer than -T, T stopped, . none:";

/* A thread whose request has worked for longer than -T is unresponsive: nothing ends it, for so
 * long may have been asked for, but an operator wants to know. */
static char
letter_of(const struct slot *slot, const struct pool_child *owner, int64_t timeout_us)
{
    int64_t since = (int64_t)counter_get(&slot->since);

    if (owner->pid == 0 || owner->stopped) {
        return owner->pid == 0 ? '.' : 'T';
    }
    if (counter_get(&slot->serving) == 0) {
        return '_';
    }
    return since > 0 && timeout_us > 0 && clock_us() - since > timeout_us ? 'U' : 'W';
}

const char *
letters_text(const struct server *server, const struct pool *pool)
{
    static char *text;
    const struct scoreboard *board = &server->board;
    bool json = server->options.json;
    size_t length;
    FILE *to;

    free(text);
    text = NULL;
    to = json || pool->alive > 0 ? open_memstream(&text, &length) : NULL;
    if (!to) {
        return NULL;
    }
    fputs(json ? ",\"scoreboard\":\"" : legend, to);
    for (unsigned i = 0; i < scoreboard_count(board); i++) {
        fprintf(to, "%s%c", json || i % board->threads % LINE > 0 ? "" : "\n  ",
                letter_of(&board->slots[i + 1], &pool->child[i / board->threads + 1],
                          server->options.timeout_us));
    }
    fputs(json ? "\"" : "\n", to);
    return fclose(to) == 0 ? text : NULL;
}
