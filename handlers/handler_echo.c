/*
 * handler_echo - the reply is the request, byte for byte.
 *
 * The smallest handler: copy this file to begin one of your own. A request function gets the bytes
 * of one request, adds bytes to the reply and returns true. Accepting, reading and writing are not
 * here: handler_main() does them, once for each connection that the distributor gives it.
 *
 * It costs next to nothing, so a run with it shows what distributor and library cost. It holds a
 * whole request and a whole reply in memory (-l limits them), and sends nothing before it has read
 * everything. Compare with handler_clock, which can refuse a request, and handler_primes, which
 * takes its time.
 */
#include "handler.h"

static bool
echo(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    handler_add(reply, request, length);
    return true;
}

int
main(int argc, char **argv)
{
    return handler_main(argc, argv, echo);
}
