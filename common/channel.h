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
    int sender, receiver;
    unsigned given; /* connections sent, modulo 2^32 */
};

/* Returns channels[1..count], one for each child number, of sockets of this type (SOCK_STREAM where
 * the system has no such pairs); raises the limit on descriptors for them. A sender's end does not
 * block: a full channel must not stop a process that serves several. All ends are close-on-exec,
 * for a server whose children are other programs. A receiver is told nothing by a sender that
 * closes, as long as another process has a copy of that end: so give none to children. Dies on
 * failure. */
struct channel *channels_open(unsigned count, unsigned queue, int type);

/* In a forked child: closes all ends but the one that this child receives from, and returns it. */
int channels_child(struct channel *channels, unsigned count, unsigned number);

/* Closes the senders' ends: nothing more comes. Behind what is inside, receivers find the end. */
void channels_shut(struct channel *channels, unsigned count);

/* Sends the connection and closes the sender's copy. False and errno if it cannot be sent now
 * (EAGAIN: the channel is full; else after a warning, at most one a minute): the connection is
 * still the caller's. Never blocks. */
bool channel_send(struct channel *channel, int connfd);

/* How many connections have not been received, if at most 256. Each message carries its number
 * modulo 256, so the first one inside tells. */
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
