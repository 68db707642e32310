/*
 * address - where a server listens or a client connects: IPv4, IPv6 or a Unix socket's path.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ADDRESS_TEXT = 192 }; /* room for any address as text */

struct address {
    union {
        struct sockaddr any; /* as bind(2) and connect(2) want it */
        struct sockaddr_storage storage;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    socklen_t length;
};

/*
 * Fills in the address of `host`: an IP address, a name, or, with a '/' in it, a Unix socket's path
 * (then `port` is unused). A name with IPv4 and IPv6 addresses means the IPv4 one, in servers and
 * client alike. Dies if there is no such host or the path is too long.
 */
void address_resolve(struct address *address, const char *host, int port);

/* Writes 127.0.0.1:2000, [::1]:2000 or the path, as die_printable() shows it. */
void address_text(const struct address *address, char text[ADDRESS_TEXT]);

#endif
