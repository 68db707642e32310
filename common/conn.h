/*
 * conn - the protocol, step by step. A request is one line, BYTES [CPU_US [WAIT_US]], and the reply
 * is BYTES bytes; docs/protocol.md has the whole of it.
 *
 * Each step makes at most one read(2) or write(2), so that a server which must not block can call
 * the steps from its own loop; a server which may block calls conn_serve(), a loop over the same
 * steps. (One exception: the last write when the server stops also throws away pipelined requests,
 * at most 1 MiB.)
 */
#ifndef COMMON_CONN_H
#define COMMON_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "scoreboard.h"

enum {
    CONN_LINE_MAX = 64,     /* bytes in a request line, without its end */
    CONN_INPUT = 256,       /* bytes read at once: some pipelined requests */
    CONN_STAMP = 32,        /* bytes of the stamp at the start of a reply */
    CONN_PERIOD = 61,       /* of the filler: prime, so that shifted blocks show */
    CONN_CHUNK = 64 * 1024, /* bytes written at once at most */
    CONN_BYTES_MAX = 1 << 30,
    CONN_WORK_MAX = 10 * 1000 * 1000 /* microseconds */
};

enum conn_result {
    CONN_OK,    /* the step is done: a request is here, or a reply is sent */
    CONN_AGAIN, /* not yet: call again when the socket is ready */
    CONN_BAD,   /* a bad line came; conn_write() tells the client so */
    CONN_CLOSED /* over: the owner closes the descriptor */
};

enum conn_state {
    CONN_READING, /* waiting for the rest of a request: conn_read() */
    CONN_WORKING, /* a request is here: conn_work(), which blocks as long as it asks */
    CONN_WRITING, /* conn_write() */
    CONN_DRAINING /* refused; conn_read() until the client has seen it and closed */
};

/* The process or the thread that serves connections. */
struct worker {
    struct slot *slot;      /* its counters; nobody else writes them */
    char stamp[CONN_STAMP]; /* the first bytes of its replies: `named` that say which child (and
                             * thread) it is, spaces, a line feed */
    int named;
};

struct conn {
    struct worker *worker; /* serves it */
    int fd;
    enum conn_state state;
    bool eof;       /* the client has shut down its side */
    int64_t since;  /* clock_us() when it was opened or last got on */
    uint64_t bytes; /* the request: BYTES, or the error line's length */
    uint64_t sent;
    uint32_t cpu_us, wait_us;
    const char *error; /* refused: the line that is written; else NULL */
    size_t used, have; /* input[used..have) is not yet consumed */
    char input[CONN_INPUT];
};

/* Once per server, before it forks: what all its children share, such as -T and -v. */
void conn_start(const struct options *options);

/* Who serves, once per process or thread that does: makes its stamp, and notes its pid in `slot`.
 * `child` is its child number, 0 in a server without children; `thread` its number in that child,
 * from 1, or 0 where children have no threads. */
struct worker conn_worker(unsigned child, unsigned thread, struct slot *slot);

/* Begins a connection on `fd`, which stays the caller's; counts it. */
void conn_open(struct conn *conn, struct worker *worker, int fd);

/* The steps. conn_read() answers OK when a request is complete (then state is WORKING). */
enum conn_result conn_read(struct conn *conn);
enum conn_result conn_work(struct conn *conn);
enum conn_result conn_write(struct conn *conn);

/* The clock_us() at which the connection has had its time; INT64_MAX for never. */
int64_t conn_deadline(const struct conn *conn);

/* Called when it is due: counts the connection as timed out. Of one that is stuck in a reply, the
 * close becomes a reset. */
void conn_timed_out(struct conn *conn);

/* The close of `fd` will be a reset: what its client has not taken is not kept. Of a Unix socket it
 * stays a plain close. */
void conn_reset(int fd);

/* Called when the server stops: true if no request is in progress. */
bool conn_idle(const struct conn *conn);

/* Called when a connection is cut off inside a request: counts it as broken. */
void conn_cut(struct conn *conn);

/* Serves `fd`, blocking, until the client has had enough; does not close it. */
void conn_serve(struct worker *worker, int fd);

/* The filler of a reply from `offset` on: at least CONN_CHUNK bytes. */
const char *conn_filler(uint64_t offset);

#endif
