#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "die.h"

static void
resolve_path(struct address *address, const char *path)
{
    struct sockaddr_un *un = &address->un;

    if (strlen(path) >= sizeof un->sun_path) {
        diex("%.255s: a Unix socket's path may have at most %zu bytes", path,
             sizeof un->sun_path - 1);
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    address->length = sizeof *un;
}

void
address_resolve(struct address *address, const char *host, int port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found, *best, *each;
    char service[16];
    int error;

    memset(address, 0, sizeof *address);
    if (strchr(host, '/')) {
        resolve_path(address, host);
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
    char host[INET6_ADDRSTRLEN] = "?";

    switch (address->storage.ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "%s:%d", host, ntohs(address->in.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "[%s]:%d", host, ntohs(address->in6.sin6_port));
        break;
    default:
        snprintf(text, ADDRESS_TEXT, "%s", address->un.sun_path);
        break;
    }
}
