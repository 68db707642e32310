/*
 * signals - handlers that only set a flag, and a tick for processes that block.
 *
 * A process that waits in pselect() keeps its signals blocked everywhere else, so none can slip in
 * between testing a flag and waiting. A process that blocks in accept(), read() or recvmsg() has no
 * such call; there a signal could come just before the blocking call, unseen. So its alarm(2) rings
 * once a second: the call ends with EINTR and the flags are looked at again. The same tick ends
 * stalled connections and lets an orphan notice that its parent is gone; and it costs a connection
 * no system call. docs/signals.md says what each signal does.
 *
 * The flags are atomic, not volatile sig_atomic_t: threads read them too. An atomic without a lock
 * may be written in a handler (C11, 7.14.1.1).
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

extern atomic_int signals_stop;    /* 1: TERM or INT has come; 2: once more */
extern atomic_int signals_report;  /* USR1: print the statistics */
extern atomic_int signals_replace; /* HUP: replace the children; in a child: leave */
extern atomic_int signals_ended;   /* CHLD: children are to be reaped */
extern atomic_int signals_ticked;  /* ALRM: a second has passed */
extern atomic_int signals_alone;   /* in a child: TERM came, but not from the server */
extern atomic_int signals_more;    /* TTIN and TTOU: how many children more, or fewer */

/* TERM, INT, XCPU, USR1, CHLD (and HUP, TTIN, TTOU for a server with a `pool`) set flags; PIPE and
 * XFSZ are ignored. None restarts a system call. They alone are blocked from now on; the mask that
 * lets them in, to wait with in pselect(), goes to `waiting`. signals_over() waits `grace_us` after
 * the first stop. */
void signals_open(int64_t grace_us, bool pool, sigset_t *waiting);

/* The first stop shuts this listening socket, which no process but the server and its children has:
 * from then on new clients are refused at once, although children who are busy have it open. (By
 * shutdown() of a socket that listens, as Linux does it. POSIX promises nothing; elsewhere clients
 * wait in the queue, and are refused when the last of these processes closes it.) */
void signals_shuts(int listenfd);

/* True in the server and in its children when that has been done: accept() fails with EINVAL. */
bool signals_have_shut(void);

/* pselect() lets signals in only when it finds no descriptor ready: in a busy server that may be
 * never. So call this when it found some; ten times a second it lets pending signals in. */
void signals_admit(const sigset_t *waiting);

/* pselect() has returned -1: comes back if that was a signal; if the kernel had no memory for the
 * wait, after a warning and a pause that lets signals in, so that nobody spins. Dies of what only a
 * mistake of ours can be. */
void signals_wait_failed(const sigset_t *waiting);

/* Writes all of it to standard output, however long its reader pauses, whatever signals come. False
 * and errno on an error, or when it gave up (EINTR): a stop signal has come meanwhile, or the grace
 * is over. */
bool signals_write(const char *text, size_t length);

/* In a forked child: forgets the parent's flags, waits with the parent's `waiting` mask from now
 * on, but blocks INT and USR1, and starts the tick. When the parent has died, the tick makes
 * signals_stop and signals_over() true. */
void signals_child(const sigset_t *waiting);

/* In a forked child, before it creates threads: blocks what signals_child() let in, so that only
 * the thread that waits in pselect() with the mask `waiting` gets it. */
void signals_block(sigset_t *waiting);

/* In a child that is a program of its own, the same without a mask; HUP sets its flag. When the
 * parent, the `distributor`, has died, a request in progress has `grace_us` left. */
void signals_spawned(pid_t distributor, int64_t grace_us);

/* In a process that has no parent to watch, and blocks in other calls than pselect(): starts the
 * tick, and waits with the `waiting` mask from now on. */
void signals_tick(const sigset_t *waiting);

/* In a child's loop, after a tick: clears its flag. The next tick comes after two seconds, not one:
 * while nobody is served, only a lost signal and a dead parent wait for it. (A busy child, too, is
 * in its loop when most of its ticks come: so what it publishes is up to two seconds old.) */
void signals_idle(void);

/* True when requests in progress must end too: the grace is over, or a second stop came. */
bool signals_over(void);

#endif
