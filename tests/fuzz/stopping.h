/*
 * stopping - common/signals for targets that include a server's code: no signal comes, the target
 * itself says that the server is to stop.
 */
#ifndef FUZZ_STOPPING_H
#define FUZZ_STOPPING_H

#include "../../common/signals.h"
#include "fuzz.h"

volatile sig_atomic_t signals_stop, signals_report, signals_replace, signals_ended, signals_ticked,
    signals_alone;

static bool stopping_over; /* the grace too */

static struct { /* whom the code believes to be its distributor */
    pid_t pid;
    int grace_s;
} stopping_distributor;

bool
signals_over(void)
{
    return stopping_over;
}

void
signals_spawned(pid_t distributor, int grace_s)
{
    stopping_distributor.pid = distributor;
    stopping_distributor.grace_s = grace_s;
}

#endif
