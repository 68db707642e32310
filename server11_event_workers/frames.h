/*
 * frames - with -e a client of server11 sends one frame, its length in four bytes and so many
 * bytes, and gets the reply of a handler: bytes, then the end of the file (docs/handlers.md). The
 * loop holds both meanwhile.
 */
#ifndef SERVER11_FRAMES_H
#define SERVER11_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/conn.h"

enum { FRAME_HEADER = 4 };

/* -l: the most bytes of a frame, and of a reply that are held for a client; 0: no frames. */
extern size_t frames_most;

/* Invariant: bytes[0..have) are here; it grows with them, up to what is allowed. (Of a reply that
 * is one byte more than -l: so the end of one that has -l bytes is seen.) */
struct buffer {
    char *bytes;
    size_t room, have;
};

struct frame {
    struct buffer request; /* the header is in it */
    struct buffer reply;   /* what has come of it, and has not all been sent */
    size_t sent;           /* of what `reply` holds */
    bool streams;          /* the reply is too long to hold: it is sent while the handler writes on,
                            * and no other one can work for this client */
    bool whole;            /* no more will come */
};

/* Room for one byte more, if it may have it: `most` bytes. False if it may not, or if there is no
 * memory. */
bool buffer_grow(struct buffer *buffer, size_t most);

/* In CONN_READING: at most one read(). CONN_WORKING: the frame is here. A frame that is not allowed
 * is refused. */
enum conn_result frames_read(struct conn *conn, struct frame *frame);

/* In CONN_WRITING: at most one write() of the reply. If all that is here has been sent the state is
 * CONN_WORKING again: the handler owes the rest; or, if it was whole, CONN_DRAINING. */
enum conn_result frames_write(struct conn *conn, struct frame *frame);

/* The reply is a line that says why the handler has refused the request. */
void frames_refused(struct conn *conn, const struct frame *frame);

/* Frees what it holds. */
void frames_forget(struct frame *frame);

#endif
