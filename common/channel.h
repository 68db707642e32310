/*
 * channel - a way for connections from one process to another: a Unix domain socketpair, through
 * which descriptors go as ancillary data (fdpass). A channel belongs to a child's number, not to a
 * process: it is made once, and the sender keeps both ends open. So whatever a child that died had
 * not received is still inside, and its successor, which gets the same end, receives it.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include <stdbool.h>

struct channel {
    int sender, receiver; /* -1: not open */
    unsigned given;       /* connections sent, modulo 2^32 */
};

/* Raises the limit on open descriptors, if it must, for so many beside a few; and for `more`, if it
 * may be. Dies if it may not be raised to what is needed. */
void descriptors_allow(unsigned count, unsigned more);

/* Makes that limit as high as it may be, at most `most`, and returns it. Dies on failure. */
unsigned descriptors_raise(unsigned most);

/* Returns channels[1..count], one for each child number, all of them still to be opened; raises the
 * limit on descriptors for them. Dies on failure. */
struct channel *channels_new(unsigned count, unsigned queue);

/* Opens it, if it is not open: sockets of this type (SOCK_STREAM where the system has no such
 * pairs). The sender's end does not block: a full channel must not stop a process that serves
 * several. Both ends are close-on-exec, for a server whose children are other programs. False and
 * errno on failure. */
bool channel_open(struct channel *channel, int type);

/* In a forked child: closes all ends but the one that this child receives from, and returns it. A
 * sender's end that stayed open here would hide from the receiver that its parent has died. */
int channels_child(const struct channel *channels, unsigned count, unsigned number);

/* Sends the connection and closes the sender's copy. False and errno if it cannot be sent now
 * (EAGAIN: the channel is full; else after a warning, at most one a minute): the connection is
 * still the caller's. Never blocks. */
bool channel_send(struct channel *channel, int connfd);

/* How many connections have not been received, if at most 256; 0 if it is not open. Each message
 * carries its number modulo 256, so the first one inside tells. */
unsigned channel_inside(const struct channel *channel);
bool channels_any_inside(const struct channel *channels, unsigned count);

/* In a receiver: returns the next connection, which the caller closes; waits for it if told to
 * `wait`, but not longer than until a signal. CHANNEL_NONE: look at the flags, and come again.
 * CHANNEL_LOST: one came without its descriptor (a warning says so). CHANNEL_END: nothing more will
 * come; or nothing is there, and it was not told to wait. If memory or descriptors have run out it
 * warns, pauses, and returns CHANNEL_NONE: the connection stays inside. Dies of any other error. */
enum { CHANNEL_NONE = -1, CHANNEL_LOST = -2, CHANNEL_END = -3 };
int channel_receive(int receiver, bool wait);

#endif
