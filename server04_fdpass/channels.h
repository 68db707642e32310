/*
 * channels - what server04's parent and children say to each other: the parent passes connections,
 * a child reports that it has served one. The parent calls all of it but channels_child() and
 * channels_done(), which are the child's. Children are numbered from 1.
 */
#ifndef SERVER04_CHANNELS_H
#define SERVER04_CHANNELS_H

#include <stdbool.h>

enum { CHANNELS_QUEUE_MAX = 64 };

/* The policy's number, or -1 if there is none of that name. */
int channels_policy(const char *name);
const char *channels_policy_name(int policy);

/* Before any child is forked. A child may hold `queue` connections, the one in service included.
 * Returns the descriptor that gets readable when channels_full() has said true and that has
 * changed. Dies on failure. */
int channels_open(unsigned children, unsigned queue, int policy);

/* A new channel for the child about to be forked; -1 and errno on failure, also if what its
 * predecessor had not received cannot be taken back yet. */
int channels_create(unsigned number);

/* In the child: closes whatever is the parent's or another child's; returns the child's own end. */
int channels_child(unsigned number);

/* The child to give the next connection to; 0 if none has room. */
unsigned channels_choose(void);

/* True if none has room; then the next child that gets free will wake the parent. */
bool channels_full(void);

/* After waiting: no child needs to wake the parent any more. */
void channels_awake(void);

/* Passes the connection and closes the parent's copy; false: not now, it is with those taken back.
 */
bool channels_pass(unsigned number, int connfd);

/* Is anything queued behind what a child is serving? Then channels_level() is to be called now and
 * then: it gives to free children what waits behind busy ones. */
bool channels_any_queued(void);
void channels_level(void);

/* In the child: it has served one. */
void channels_done(unsigned number);

/* The child gets no more, and is to leave when it has served what it holds. */
void channels_retire(unsigned number);

/* When the child has ended: what it had not received is kept for channels_taken_back(), which
 * returns these connections one by one, then -1. False and errno if the system lacks memory or
 * descriptors for that: then the rest stays where it is, and channels_create() tries again before
 * all else. */
bool channels_take_back(unsigned number);
int channels_taken_back(void);
bool channels_any_taken_back(void);

#endif
