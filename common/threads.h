/*
 * threads - looks after the threads of a server that serve connections: how many may be alive at
 * once, and who wakes them. The servers create them; nothing else of a thread's life is in their
 * own files.
 *
 * A thread that blocks in accept(), read(), write() or sem_wait() must look at the flags of
 * signals.h when the server must stop, or its connection has had its time. A call that would see to
 * it (a time-out set, poll() on a pipe) costs each connection; a signal costs only when it comes.
 * So a thread of its own, the timekeeper, looks once a second who is due, and sends SIGALRM: the
 * call ends with EINTR, as that of a process does by its tick. When the server stops, all get it,
 * ten times a second. The timekeeper takes the server's signals too: nobody else lets them in. It
 * prints nothing, for that waits for a reader: when USR1 comes, it wakes the thread that opened.
 *
 * Nobody is cancelled: a cancelled thread would have to leave at each call what it holds.
 */
#ifndef COMMON_THREADS_H
#define COMMON_THREADS_H

#include <pthread.h>
#include <stddef.h>

#include "server.h"

/* A place for each of `most` threads, and the timekeeper of `server`, which must be open. The
 * thread that calls this is woken too when the server stops, or is to report. Dies on failure. */
void threads_open(struct server *server, unsigned most);

/* What pthread_create() is to be given: `stack` bytes, and detached, for threads_close() waits for
 * all. Dies on failure. */
void threads_attributes(pthread_attr_t *attributes, size_t stack);

/* Waits for a free place, and returns its number, from 1: the caller's, for a thread. 0 if a signal
 * came first: call it again, for here the thread that opened prints what USR1 has asked for. */
unsigned threads_place(void);

/* Gives it back: no thread has come of it, or, the last that a thread does, this one ends. */
void threads_free(unsigned place);

/* The first that a thread does: it is woken from now on, when the server stops, and when what its
 * `worker` serves is due. */
void threads_began(unsigned place, const struct worker *worker);

/* Waits until all places are free, ends the timekeeper. */
void threads_close(void);

#endif
