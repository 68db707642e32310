/*
 * hold - -H: a process of its own opens N connections before the load begins, sends nothing on
 * them, and keeps them open until it is over: many idle clients beside the few busy ones.
 *
 * What the server sends is thrown away. A connection that it closes (as ours do after their -T) is
 * counted, and made again a second later; so is one that cannot be made. A connection that waits
 * for room in the server's queue has not failed, and goes on waiting.
 */
#ifndef CLIENT_ENGINE_IDLE_H
#define CLIENT_ENGINE_IDLE_H

#include "../ask/load.h"

enum { HOLD_PATIENCE_MS = 10 * 1000 };

/* In shared memory, written by the holder alone. */
struct held {
    counter open;   /* now: connected as far as the kernel is concerned */
    counter opened; /* since the start, those made again included */
    counter closed; /* by the server */
    counter failed; /* attempts that failed */
    counter least;  /* the fewest that were open at a time since all were ready */
    int error;      /* errno of the first attempt that failed, 0 if there is none */
};

/* In a forked process: opens load->held connections, writes a byte to `readyfd` and closes it when
 * each is open or has failed once, or HOLD_PATIENCE_MS (less, if -T is shorter) are over, and keeps
 * them until `endfd` is at its end: nobody has the other side of that pipe open any more. INT and
 * TERM do not end it. Returns the exit status. */
int hold(const struct load *load, struct held *held, int readyfd, int endfd);

#endif
