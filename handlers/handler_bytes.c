/*
 * handler_bytes - the suite's protocol (docs/protocol.md) as a handler of server05_spawn_pool:
 * what the children of the other servers do, in a program of its own.
 *
 * The distributor has accepted; here each connection is served to its end, blocking, by
 * handler_serve_lines(), as in server00_iterative. Compare with handler_echo, which leaves also the
 * reading and writing to the library, and is only a function from bytes to bytes.
 */
#include "handler.h"

int
main(int argc, char **argv)
{
    return handler_run(argc, argv, handler_serve_lines);
}
