/*
 * conn - the protocol, step by step. A request is one line, BYTES [CPU_US [WAIT_US]], and the reply
 * is BYTES bytes; docs/protocol.md has the whole of it. Or it is HTTP's GET /BYTES?cpu=US&wait=US:
 * docs/http.md. The first byte of a connection decides which, for good: a letter is HTTP.
 *
 * A step makes at most one read(2) and one write(2) on the connection, so that a server which must
 * not block can call conn_step() from its own loop; a server which may block calls conn_serve(), a
 * loop over the same step.
 */
#ifndef COMMON_CONN_H
#define COMMON_CONN_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http.h"
#include "options.h"
#include "scoreboard.h"

enum {
    CONN_LINE_MAX = 64,     /* bytes in a request line, without its end */
    CONN_INPUT = 256,       /* bytes read at once: some pipelined requests */
    CONN_STAMP = 32,        /* bytes of the stamp at the start of a reply */
    CONN_PERIOD = 61,       /* of the filler: prime, so that shifted blocks show */
    CONN_CHUNK = 64 * 1024, /* bytes written at once at most */
    CONN_PAGE = 640,        /* longer than the page about the server */
    CONN_BYTES_MAX = 1 << 30,
    CONN_WORK_MAX = 10 * 1000 * 1000 /* microseconds */
};

enum conn_result {
    CONN_OK,    /* the step is done */
    CONN_AGAIN, /* not yet: call again when the socket is ready for what `state` says */
    CONN_CLOSED /* over: the owner closes the descriptor */
};

enum conn_state {
    CONN_READING, /* waiting for the rest of a request */
    CONN_WORKING, /* a request is here, and blocks as long as it asks */
    CONN_WRITING, /* sending the reply, or the error line */
    CONN_DRAINING /* a lingering close: no more is sent, and read until the client has closed */
};

/* The process or the thread that serves connections. */
struct worker {
    struct slot *slot; /* its counters; nobody else writes them */
    char stamp[80]; /* the first CONN_STAMP bytes of its replies: `named` that say which child (and
                     * thread) it is, spaces, a line feed; and room for a longer pid */
    int named;
    unsigned thread;  /* its number in its process, or 0 */
    atomic_llong due; /* a thread's: the clock_us() from which on it is woken, once a second */
    const sigset_t *waiting; /* an event loop's: the mask while a request works; NULL: no other */
    bool dates_late; /* when a connection has got on, only the next conn_given_up() looks at the
                      * clock: for requests that take less time than two looks */
};

enum conn_protocol { CONN_UNDECIDED, CONN_LINES, CONN_HTTP };

struct conn {
    struct worker *worker; /* serves it */
    int fd;
    enum conn_state state;
    enum conn_protocol protocol;
    bool eof;      /* the client has shut down its side */
    bool last;     /* no request follows this reply */
    bool more;     /* the last read has taken all that it had room for: more may be here */
    int64_t since; /* clock_us() when it was opened or last got on; 0: it has since the last look */
    uint64_t bytes; /* of the reply: BYTES, or the error line's length */
    uint64_t sent;  /* of these, and of the head in front of them */
    size_t head;    /* the bytes of that, once it is made; 0 in lines */
    uint32_t cpu_us, wait_us;
    const char *error;      /* refused: the line that is written; else NULL */
    unsigned long long nth; /* the page is asked for: how many connections were served; else 0 */
    int64_t date;           /* of the head: made anew for each piece, it must stay the same */
    size_t used, have;      /* input[used..have) is not yet consumed */
    char input[CONN_INPUT];
    struct http http; /* the request, while it is read and answered */
};

/* Once per server, before it forks: what all its children share, such as -T and -v, and the name
 * of the model, which stays the caller's. */
void conn_start(const struct options *options, const char *model);

/* Who serves, once per process or thread that does: makes its stamp, and notes its pid in `slot`.
 * `child` is its child number, 0 in a server without children; `thread` its number in that child,
 * from 1, or 0 where children have no threads. */
struct worker conn_worker(unsigned child, unsigned thread, struct slot *slot);

/* The same of another process, for one that sends its replies. */
struct worker conn_worker_of(unsigned child, unsigned thread, struct slot *slot, pid_t pid);

/* Begins a connection on `fd`, which stays the caller's; counts it. */
void conn_open(struct conn *conn, struct worker *worker, int fd);

/* A step: one read and one write at most, and the work between them. */
enum conn_result conn_step(struct conn *conn);

/* What a step is made of, for a server that reads, works or writes in another way. First, while the
 * state is CONN_READING or CONN_DRAINING: where the client's bytes are to be put, and how many have
 * room there; then what read(2) returned: so many, 0 for the end, or -1 with errno. */
size_t conn_room(struct conn *conn, char **to);
enum conn_result conn_received(struct conn *conn, ssize_t count);

/* A bad request came: the client is told by this line, which stays the caller's; it is counted. */
enum conn_result conn_refuse(struct conn *conn, const char *error);

/* Its request is over, whole or not: it is in progress no more. */
void conn_request_over(const struct conn *conn);

/* In CONN_WORKING: blocks as long as the request asks, or tells that this has been done. */
enum conn_result conn_work(struct conn *conn);
void conn_worked(struct conn *conn);

/* Or that it cannot be done: the client is told by this line; the request counts as broken. */
void conn_unworkable(struct conn *conn, const char *error);

/* In CONN_WRITING: what is to be sent next, at most CONN_CHUNK bytes and a head; it points into
 * `conn` and into itself. Then what writev(2) returned. */
struct conn_pieces {
    struct iovec piece[3];
    int count;
    char head[HTTP_HEAD], page[CONN_PAGE];
};
void conn_pieces(struct conn *conn, struct conn_pieces *pieces);
enum conn_result conn_sent(struct conn *conn, ssize_t count);

/* True if the connection must be closed although its client has not: its time is over, or the grace
 * of the server is; counts why. Ask it only `now`, clock_us(), when the socket has been looked at:
 * what came in time is served, even if this process was suspended meanwhile. Within a reply the
 * close becomes a reset. */
bool conn_given_up(struct conn *conn, int64_t now);

/* The same where the socket may not have been looked at: looks whether what the connection waits
 * for has come (a write would squeeze a little more into a full buffer, and one that does not read
 * would seem to get on), and leaves one to which it has to be served: that is still overdue. */
bool conn_given_up_unseen(struct conn *conn, int64_t now);
bool conn_is_overdue(const struct conn *conn, int64_t now);

/* The close of `fd` will be a reset: what its client has not taken is not kept. Of a Unix socket it
 * stays a plain close. */
void conn_reset(int fd);

/* Serves `fd`, blocking, until the client has had enough; does not close it. */
void conn_serve(struct worker *worker, int fd);

/* The filler of a reply from `offset` on: at least CONN_CHUNK bytes. */
const char *conn_filler(uint64_t offset);

#endif
