/*
 * stopping - common/signals for targets that include a server's code: no signal comes, the target
 * itself says that the server is to stop.
 */
#ifndef FUZZ_STOPPING_H
#define FUZZ_STOPPING_H

#include "../../common/signals.h"
#include "fuzz.h"

atomic_int signals_stop, signals_report, signals_replace, signals_ended, signals_ticked,
    signals_alone;

static bool stopping_over; /* the grace too */

static struct { /* whom the code believes to be its distributor */
    pid_t pid;
    int64_t grace_us;
} stopping_distributor;

bool
signals_over(void)
{
    return stopping_over;
}

void
signals_idle(void)
{
    signals_ticked = 0;
}

static unsigned stopping_lines; /* that -v has printed */

bool
signals_write(const char *text, size_t length)
{
    stopping_lines += length > 0 && text[length - 1] == '\n';
    return true;
}

void
signals_spawned(pid_t distributor, int64_t grace_us)
{
    stopping_distributor.pid = distributor;
    stopping_distributor.grace_us = grace_us;
}

/* It has no listening socket. */
void
signals_shuts(int listenfd)
{
    (void)listenfd;
}

bool
signals_have_shut(void)
{
    return false;
}

#endif
