/*
 * source - where connections come from, so that the local ports last.
 *
 * A closed connection keeps its port in TIME_WAIT for a minute, on the side that closed first:
 * ours. connect() takes the ports of one parity first, about 14,100. When these are used up it
 * searches them all before it tries the others, and costs ten times as much (Linux 6.18, here: 135
 * us instead of 14) until, after a second, it may use the oldest again. A search starts where the
 * last ended, so nothing is felt before.
 *
 * Loopback IPv4 has 16 million addresses with ports of their own. Binding costs a call of 2 us and,
 * since bind() picks ports at random, more as they fill up (4 us at 12,000 of them, 1000 us beyond
 * 14,000). So the first 12,000 connections of a run are left to connect(), and each further 6000
 * come from another address, which depends on the process number of the client so that the next run
 * takes fresh ones.
 */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "load.h"

enum { SOURCE_CLIFF = 14000 }; /* connections to one address and port before it gets slow */

/* Once, before the processes are forked. */
void source_open(const struct load *load);

/* True if the target is reached from any number of addresses; in a client process, false once it
 * has found that this machine has only one. */
bool source_spreads(void);

/* Binds the `nth` socket of the run, if it is to be. False and errno on failure. */
bool source_bind(int fd, uint64_t nth);

#endif
