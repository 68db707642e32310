/*
 * loop - the event loop of a client process: many connections at a time, on schedule if there is
 * one, misbehaving ones beside the others.
 */
#ifndef CLIENT_ENGINE_EVENT_LOOP_H
#define CLIENT_ENGINE_EVENT_LOOP_H

#include "../ask/load.h"

/* Makes all connections of this process; shift.h says which and when, visit.h how. */
void event_loop_run(const struct load *load);

#endif
