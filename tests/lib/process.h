/* process - of other processes, and what is handed on to them. */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <sys/types.h>

#include "../../common/address.h"

/* The parent and the state (R, S, Z ...) of a process; 0: there is none. */
pid_t process_parent(pid_t pid, char *state);

/* Makes a socket that listens there descriptor 3, and says so in the environment (LISTEN_FDS), for
 * the program that this process is about to become. */
void process_pass_listener(const struct address *address);

#endif
