#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "die.h"

void
address_resolve(struct address *address, const char *host, int port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found, *best, *each;
    char service[16];
    int error;

    memset(address, 0, sizeof *address);
    if (strchr(host, '/')) {
        if (strlen(host) >= sizeof address->un.sun_path) {
            diex("%.255s: a Unix socket's path may have at most %zu bytes", host,
                 sizeof address->un.sun_path - 1);
        }
        address->un.sun_family = AF_UNIX;
        memcpy(address->un.sun_path, host, strlen(host) + 1);
        address->length = sizeof address->un;
        return;
    }
    snprintf(service, sizeof service, "%d", port);
    error = getaddrinfo(host, service, &hints, &found);
    if (error != 0 || !found) {
        diex("%.255s: %s", host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    }
    for (each = found; each && each->ai_family != AF_INET; each = each->ai_next) {
    }
    best = each ? each : found;
    memcpy(&address->storage, best->ai_addr, best->ai_addrlen);
    address->length = best->ai_addrlen;
    freeaddrinfo(found);
}

void
address_text(const struct address *address, char text[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN + 20] = "?", port[8] = "?"; /* with the name of an interface */
    bool brackets = address->any.sa_family == AF_INET6;

    if (address->any.sa_family == AF_UNIX) {
        snprintf(text, ADDRESS_TEXT, "%s", address->un.sun_path);
        die_printable(text);
        return;
    }
    getnameinfo(&address->any, address->length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, ADDRESS_TEXT, "%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "", port);
}
