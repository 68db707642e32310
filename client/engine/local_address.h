/*
 * local_address - the addresses that connections come from, so that the local ports last.
 *
 * A closed connection keeps its port in TIME_WAIT for a minute, on the side that closed first:
 * ours. connect() takes the ports of one parity first, about 14,100. When these are used up it
 * searches all of them in vain before it tries the other parity, and costs 135 us instead of 14
 * (Linux 6.18) until, after a second, it may use the oldest again.
 *
 * Loopback IPv4 has 16 million addresses with ports of their own. Binding to one costs a call of
 * 2 us and, since bind() picks ports at random, 4 us at 12,000 used ones and over 1000 us beyond
 * 14,000; with SO_REUSEADDR it is worse. So each 6000 connections come from another address. Which
 * one depends on the time and the client's process number (in a container that is 1 each time): for
 * bind() all servers share an address's ports, and the next run should find fresh ones. To bind
 * from the first connection on costs less than to leave some to connect(): their ports would be
 * missing in the next run within a minute.
 *
 * The client's CPU per connection, 15 x N connections of 4096 bytes, medians of 3, N = 900, 2000,
 * 5000: 39, 71, 80 us in a bare loop that never binds; 36, 36, 35 us here. Four times N = 790 in a
 * row: 35, 36, 35, 36 us; with the first 12,000 of each run unbound 35, 128, 128, 126 us.
 */
#ifndef CLIENT_ENGINE_LOCAL_ADDRESS_H
#define CLIENT_ENGINE_LOCAL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../ask/load.h"

enum { LOCAL_ADDRESS_CLIFF = 14000 }; /* connections to one address and port before it gets slow */

/* Once, before the processes are forked. Ends the program, as nothing can connect, if no address of
 * this machine leads to the target: connect() would say that as it says that ports have run out. */
void local_address_open(const struct load *load);

/* True if the target is reached from any number of addresses; in a client process, false once it
 * has found that this machine has only one. */
bool local_address_spreads(void);

/* Makes the `nth` socket of the run, bound if the target allows. -1 and errno on failure. */
int local_address_socket(uint64_t nth, bool nonblocking);

/* True if the connected socket is the server's own port, at which nobody listens: connect() had
 * taken just that one as the local port. Closing the socket then leaves the port free. */
bool local_address_is_target(int fd);

#endif
