#include "get.h"

#include <stdio.h>
#include <string.h>

#include "../../common/die.h"
#include "../../common/options.h"

void
get_take_protocol(struct load *load, const char *value)
{
    static const char *const names[] = {"http", "lines", NULL};

    load->http = options_word('P', value, names) == 0;
    load->lines = !load->http;
}

void
get_take_path(struct load *load, const char *value)
{
    size_t length = 0;

    while (value[length] > ' ' && value[length] <= '~' && value[length] != '#') {
        length++;
    }
    if (*value != '/' || value[length] != '\0' || length > GET_PATH) {
        die_usage("-u '%.60s': a path that begins with /, of at most %d printable bytes without "
                  "blank and #, is allowed; for example -u /index.html",
                  value, GET_PATH);
    }
    load->path = value;
}

void
get_complete(struct load *load)
{
    const char *option = load->path ? "-u" : "-P http";

    if (load->path && load->lines) {
        die_usage("-u with -P lines: only HTTP has paths");
    }
    load->http = load->http || load->path;
    if (load->http && load->message) {
        die_usage("%s with -M: a message is sent as a frame, not by HTTP", option);
    }
    if (load->path && load->bytes > 0) {
        die_usage("-u with -b: the path says what is asked for, and the server how long it is");
    }
    if (load->path && load->work.lots.count > 0) {
        die_usage("-u with -W: the path says what is asked for; for example -u '/100?cpu=5000'");
    }
}

/* The value of Host: an IPv6 address stands in brackets, without its zone. A Unix socket has none,
 * but the field must be there. */
static void
write_host(const struct load *load, char text[GET_HOST])
{
    bool is_ipv6 = strchr(load->host, ':') != NULL;
    int length = (int)strcspn(load->host, is_ipv6 ? "%" : "");

    if (load->target.any.sa_family == AF_UNIX) {
        snprintf(text, GET_HOST, "localhost");
    } else {
        snprintf(text, GET_HOST, is_ipv6 ? "[%.*s]:%d" : "%.*s:%d", length < 255 ? length : 255,
                 load->host, load->port);
    }
}

size_t
get_request(const struct load *load, unsigned class, char *text, size_t room)
{
    const struct work_class *asked = &load->work.classes[class];
    char host[GET_HOST], target[GET_PLAIN / 4];

    write_host(load, host);
    snprintf(target, sizeof target,
             class < load->work.lots.count ? "/%llu?cpu=%lu&wait=%lu" : "/%llu",
             (unsigned long long)load->bytes, (unsigned long)asked->cpu_us,
             (unsigned long)asked->wait_us);
    return (size_t)snprintf(text, room, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                            load->path ? load->path : target, host);
}
