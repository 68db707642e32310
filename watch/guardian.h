/*
 * guardian - a process that outlives watch by a moment. It holds one end of a pipe, and learns from
 * it which programs run. When watch dies, however it dies, the kernel closes the other end; the
 * guardian reads the end of the file and ends those programs, within two seconds.
 */
#ifndef WATCH_GUARDIAN_H
#define WATCH_GUARDIAN_H

#include <stdbool.h>
#include <sys/types.h>

/* Forks it; call it while no other descriptor is open. Dies on failure. */
void guardian_start(void);

/* The first process of a group has been started, or has ended. Dies if the guardian is gone. */
void guardian_tell(pid_t pid, bool runs);

/* True if somebody has killed it: then watch has to end, for nobody would end its programs. One
 * that was stopped (SIGSTOP) goes on. */
bool guardian_gone(void);

/* Waits for its end, with no program left. */
void guardian_end(void);

#endif
