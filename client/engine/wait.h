/*
 * wait - poll(2), to the microsecond.
 */
#ifndef CLIENT_ENGINE_WAIT_H
#define CLIENT_ENGINE_WAIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Waits as poll() does, but until `until_ns` by CLOCK_MONOTONIC; INT64_MAX: without end.
 *
 * poll() counts in milliseconds: in each of them a client of 10,000 connections per second would be
 * ten connections late. So this calls select(), as long as the descriptors fit into its sets, and
 * poll(), up to a millisecond late, where they do not; and clock_nanosleep() where there are none.
 */
int wait_until(struct pollfd *polls, size_t count, int64_t until_ns);

#endif
