/*
 * event_loop - many connections at a time in one client process, on schedule if there is one.
 */
#ifndef CLIENT_ENGINE_EVENT_LOOP_H
#define CLIENT_ENGINE_EVENT_LOOP_H

#include "../ask/load.h"

/* Makes all connections of this process; pacing.h says which and when, connection.h how. */
void event_loop_run(const struct load *load);

#endif
