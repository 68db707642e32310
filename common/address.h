/*
 * address - where a server listens or a client connects: IPv4, IPv6 or a Unix socket's path.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = 192 }; /* room for any address as text */

struct address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/*
 * Fills in the address of `host`: an IP address, a name, or, with a '/' in it, a Unix socket's path
 * (then `port` is unused). A name with IPv4 and IPv6 addresses means the IPv4 one, in servers and
 * client alike. Dies if there is no such host or the path is too long.
 */
void address_resolve(struct address *address, const char *host, int port);

/* The family's view of it, as bind(2) and connect(2) want it. */
const struct sockaddr *address_sockaddr(const struct address *address);

/* Writes 127.0.0.1:2000, [::1]:2000 or the path. */
void address_text(const struct address *address, char text[ADDRESS_TEXT]);

#endif
