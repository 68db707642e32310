/*
 * visitors - the connections of browsers: one request on each, then it is closed; or a stream of
 * frames. Their memory is bounded: so many places, an input of fixed size in each, and of the
 * frames only those that somebody is still being sent.
 */
#ifndef WATCH_VISITORS_H
#define WATCH_VISITORS_H

#include <poll.h>
#include <stdbool.h>

#include "text.h"

enum { VISITORS_MOST = 256, STREAMS_MOST = 64 };

/* Fills polled[0..] with what each waits for, and returns how many; visitors_serve() takes the same
 * ones. */
int visitors_watch(struct pollfd *polled);
void visitors_serve(const struct pollfd *polled, int count);

/* True if a place is free: only then may one be accepted. */
bool visitors_have_place(void);
void visitors_accept(int listenfd);

/* Is there a stream? Then a frame is wanted: those that are still being sent the last one miss it.
 */
bool visitors_stream(void);
void visitors_frame(struct text *frame);

/* Closes those who keep silent or do not read. */
void visitors_turn(void);

#endif
