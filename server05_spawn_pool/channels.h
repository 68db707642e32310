/*
 * channels - how connections get from the distributor to the handlers, and how full they are.
 *
 * queued: all handlers receive from one channel, so whoever is idle takes the next connection: the
 * kernel's queue is the choice. piped: each has a channel of its own, and the distributor chooses.
 * Handlers are numbered from 1; only the distributor calls these.
 */
#ifndef SERVER05_CHANNELS_H
#define SERVER05_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>

#include "board.h"

enum channels_way { CHANNELS_QUEUED, CHANNELS_PIPED };
enum channels_policy { CHANNELS_ROUND_ROBIN, CHANNELS_LEAST_LOADED };
enum { CHANNELS_QUEUE_MAX = 64 };

/* Before any handler is started. For each of them up to `most` connections may be on their way, the
 * one in service included. Dies on failure. */
void channels_open(struct board *shared, enum channels_way how, enum channels_policy whom,
                   unsigned most);

/* Moves a descriptor to a number that no handler inherits anything as, close-on-exec; -1 and errno
 * on failure, and then it is closed. */
int channels_stow(int fd);

/* The end of the channel that the handler about to be started inherits; -1 and errno on failure. */
int channels_create(unsigned number);

/* From now on the handler gets connections; or no more, because it is to leave, or is stopped: what
 * waits for it, others get. */
void channels_admit(unsigned number);
void channels_dismiss(unsigned number);

/* The handler has been reaped. */
void channels_ended(unsigned number);

/* Whom to give the next connection to: 0 if nobody has room. In the queued way 1 stands for all. */
unsigned channels_choose(void);

/* Passes the connection and closes the distributor's copy. False: not now; it is the next of those
 * that wait. */
bool channels_pass(unsigned number, int connfd);

/* A connection that waits for somebody who does not take it; -1: none; CHANNELS_LATER: one does,
 * but the system has no memory, or no descriptor, to receive it at the moment. */
enum { CHANNELS_LATER = -2 };
int channels_take_waiting(void);
bool channels_any_waiting(void);

/* Is any in a channel, for whomever? When all handlers have ended: is anybody still to be served?
 */
bool channels_any_left(void);

/* Before sleeping: adds the descriptors on which handlers tell that their state has changed, and
 * returns the highest. What it is about must be looked at once more after that. */
int channels_expect(fd_set *readable);

/* After that sleep. */
void channels_hear(const fd_set *readable);

/* Microseconds after which channels_level() is to be called, -1: not needed. It gives to idle
 * handlers what waits behind busy ones, where the policy is to do so, and corrects the count of
 * what is on its way, in which a handler that was killed may have left a mistake. */
int64_t channels_level_us(void);
void channels_level(void);

#endif
