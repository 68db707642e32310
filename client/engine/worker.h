/*
 * worker - a client process: makes its connections, one at a time or many, then sends its
 * distribution to the parent.
 */
#ifndef CLIENT_ENGINE_WORKER_H
#define CLIENT_ENGINE_WORKER_H

#include "../figures/tally.h"

/* In a forked process: prepares, waits for a byte from `gatefd`, which starts all processes
 * together, makes the connections, and sends the rows of the distribution to `pipefd`. TERM stops
 * it; it leaves if `parent` dies. Returns the exit status. */
int worker_main(const struct load *load, struct tally *tally, pid_t parent, int gatefd, int pipefd);

#endif
