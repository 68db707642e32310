#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "die.h"

const struct sockaddr *
address_sockaddr(const struct address *address)
{
    return (const struct sockaddr *)&address->storage;
}

static void
resolve_path(struct address *address, const char *path)
{
    struct sockaddr_un *name = (struct sockaddr_un *)&address->storage;

    if (strlen(path) >= sizeof name->sun_path) {
        diex("%.255s: a Unix socket's path may have at most %zu bytes", path,
             sizeof name->sun_path - 1);
    }
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, path, strlen(path) + 1);
    address->length = sizeof *name;
}

void
address_resolve(struct address *address, const char *host, int port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found, *best;
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
    best = found;
    for (struct addrinfo *each = found; each; each = each->ai_next) {
        if (each->ai_family == AF_INET) {
            best = each;
            break;
        }
    }
    memcpy(&address->storage, best->ai_addr, best->ai_addrlen);
    address->length = best->ai_addrlen;
    freeaddrinfo(found);
}

void
address_text(const struct address *address, char text[ADDRESS_TEXT])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->storage;
    char host[INET6_ADDRSTRLEN] = "?";

    switch (address->storage.ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "%s:%d", host, ntohs(in->sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "[%s]:%d", host, ntohs(in6->sin6_port));
        break;
    default:
        snprintf(text, ADDRESS_TEXT, "%s", un->sun_path);
        break;
    }
}
