/*
 * signals - handlers that only set a flag, and a tick for processes that block.
 *
 * A process that waits in pselect() keeps its signals blocked everywhere else, so none can slip in
 * between testing a flag and waiting. A process that blocks in accept(), read() or recvmsg() has no
 * such call; there a signal could come just before the blocking call, unseen. So its alarm(2) rings
 * once a second: the call ends with EINTR and the flags are looked at again. The same tick ends
 * stalled connections and lets an orphan notice that its parent is gone; and it costs a connection
 * no system call.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

extern volatile sig_atomic_t signals_stop;    /* how many TERM and INT have come; 1 is enough */
extern volatile sig_atomic_t signals_report;  /* USR1: print the statistics */
extern volatile sig_atomic_t signals_replace; /* HUP: replace the children; in a child: leave */
extern volatile sig_atomic_t signals_ended;   /* CHLD: children are to be reaped */
extern volatile sig_atomic_t signals_ticked;  /* ALRM: a second has passed */
extern volatile sig_atomic_t signals_alone;   /* in a child: TERM came, but not from the server */
extern volatile sig_atomic_t signals_more;    /* TTIN and TTOU: how many children more, or fewer */

/* TERM, INT, USR1, CHLD (and HUP, TTIN, TTOU for a server with a `pool`) set flags; PIPE is
 * ignored. None restarts a system call. They are blocked from now on; the mask that lets them in,
 * to wait with in pselect(), goes to `waiting`. `grace_s` is how long signals_over() waits after
 * the first stop. */
void signals_open(int grace_s, bool pool, sigset_t *waiting);

/* pselect() lets signals in only when it finds no descriptor ready: in a busy server that may be
 * never. So call this when it found some; ten times a second it lets pending signals in. */
void signals_admit(const sigset_t *waiting);

/* pselect() has returned -1: comes back if that was a signal; if the kernel had no memory for the
 * wait, after a warning and a pause that lets signals in, so that nobody spins. Dies of what only a
 * mistake of ours can be. */
void signals_wait_failed(const sigset_t *waiting);

/* Around the printing of statistics, for write(2) waits as long as nobody reads: lets TERM and INT
 * in meanwhile, which end that write; one that comes just before it does not, but the next does.
 * The next pselect() returns at once. */
void signals_printing(bool begins);

/* In a forked child: forgets the parent's flags, waits with the parent's `waiting` mask from now
 * on, but blocks INT and USR1, and starts the tick. When the parent has died, the tick makes
 * signals_stop and signals_over() true. */
void signals_child(const sigset_t *waiting);

/* In a child that is a program of its own, the same without a mask; HUP sets its flag. When the
 * parent, the `distributor`, has died, a request in progress has `grace_s` seconds left. */
void signals_spawned(pid_t distributor, int grace_s);

/* In a process that has no parent to watch, and blocks in other calls than pselect(): starts the
 * tick, and waits with the `waiting` mask from now on. */
void signals_tick(const sigset_t *waiting);

/* True when requests in progress are to be ended too: the grace is over, or a second stop came. */
bool signals_over(void);

#endif
