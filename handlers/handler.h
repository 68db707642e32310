/*
 * handler - the library (libhandler.a) for handlers of server05_spawn_pool and of
 * server11_event_workers: programs that the server starts and gives connections to. A handler of
 * your own is a request function and
 *
 *     int main(int argc, char **argv) { return handler_main(argc, argv, my_function); }
 *
 * A request is a frame: its length as four bytes, the highest first, then so many bytes. The reply
 * is bytes, then the end of the file. docs/handlers.md has the whole of it.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define HANDLER_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define HANDLER_PRINTF
#endif

struct handler_reply; /* grows as it is filled */

/* Answers one request of `length` bytes, at least 1; they are the library's, and gone when it
 * returns. Fills `reply`, which is empty at first. Returns true; or false after handler_fail():
 * then the client gets that message instead. SIGALRM comes once a second, so a call that blocks may
 * end with EINTR. */
typedef bool request_function(const unsigned char *request, size_t length,
                              struct handler_reply *reply);

/* Serves frames until the distributor lets it go; then returns what main() is to return. Takes the
 * options -l (the most bytes of a request, default 16 MiB), -h and -V. */
int handler_main(int argc, char **argv, request_function *answer);

/* The same for a protocol of your own: `serve` reads and writes a connection; it does not close
 * it. `argc` and `argv` may have -h and -V. */
int handler_run(int argc, char **argv, void serve(int connfd));

/* Serves the protocol of all the suite's servers: a function for handler_run(). */
void handler_serve_lines(int connfd);

/* Appends bytes, or text as printf() makes it. If there is no memory the client gets an error in
 * place of the reply, so nothing needs to be looked at. */
void handler_add(struct handler_reply *reply, const void *bytes, size_t length);
void handler_print(struct handler_reply *reply, const char *format, ...) HANDLER_PRINTF;

/* Sets the message that the client gets, "error: " in front of it; returns false. */
bool handler_fail(struct handler_reply *reply, const char *format, ...) HANDLER_PRINTF;

#endif
