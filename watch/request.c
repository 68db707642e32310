#include "request.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "../common/decimal.h"

static const char BAD[] = "this is no request of HTTP/1.1";

/* Bytes up to and with the empty line; 0 if that is not here yet. */
static size_t
head_length(const char *input, size_t used)
{
    for (size_t i = 3; i < used; i++) {
        if (memcmp(input + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* The next line of the head without its end; NULL if a byte in it may not be there. */
static char *
next_line(char **at)
{
    char *line = *at;

    for (char *byte = line;; byte++) {
        if (byte[0] == '\r' && byte[1] == '\n') {
            *byte = '\0';
            *at = byte + 2;
            return line;
        }
        if (((unsigned char)*byte < ' ' && *byte != '\t') || *byte == 0x7f) {
            return NULL;
        }
    }
}

/* GET /path HTTP/1.1 */
static bool
take_first(struct request *request, char *line)
{
    char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version || strchr(line, '\t') || strncmp(version, " HTTP/1.", 8) != 0 ||
        (version[8] != '0' && version[8] != '1') || version[9] != '\0' || target[1] != '/') {
        return false;
    }
    *target = *version = '\0';
    request->method = line;
    request->target = target + 1;
    return true;
}

static const char *
take_field(struct request *request, const char *name, const char *value, const char **length)
{
    const struct {
        const char *name, **place;
    } fields[] = {
        {"host", &request->host},           {"origin", &request->origin},
        {"sec-fetch-site", &request->site}, {"content-type", &request->type},
        {"content-length", length},
    };

    if (strcasecmp(name, "transfer-encoding") == 0) {
        return "send the body with Content-Length";
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcasecmp(name, fields[i].name) == 0) {
            if (*fields[i].place) {
                return "a field stands twice";
            }
            *fields[i].place = value;
        }
    }
    return NULL;
}

static int
take_head(struct request *request, char *input, const char **why)
{
    char *at = input, *line = next_line(&at), *colon;
    const char *length = NULL;
    uint64_t bytes = 0;

    *why = BAD;
    if (!line || !take_first(request, line)) {
        return 400;
    }
    while ((line = next_line(&at)) != NULL && *line != '\0') {
        colon = strchr(line, ':');
        if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line)) {
            return 400; /* a line that begins with a blank goes on with the one above: obsolete */
        }
        *colon++ = '\0';
        colon += strspn(colon, " \t");
        for (char *end = colon + strlen(colon); end > colon && strchr(" \t", end[-1]);) {
            *--end = '\0';
        }
        *why = take_field(request, line, colon, &length);
        if (*why) {
            return 400;
        }
        *why = BAD;
    }
    if (!line ||
        (length && (!decimal_take(&length, length + strlen(length), SIZE_MAX / 16, &bytes) ||
                    *length != '\0'))) {
        return 400;
    }
    request->length = (size_t)bytes;
    return REQUEST_HERE;
}

int
request_read(struct request *request, char *input, size_t used, const char **why)
{
    int status;

    if (request->head == 0) {
        size_t length = head_length(input, used);

        *why = "a head has at most 8192 bytes here";
        if (length > REQUEST_HEAD || (length == 0 && used >= REQUEST_HEAD)) {
            return 431;
        }
        if (length == 0) {
            return REQUEST_MORE;
        }
        status = take_head(request, input, why);
        if (status != REQUEST_HERE) {
            return status;
        }
        request->head = length;
        request->body = input + length;
    }
    *why = "a body has at most 4095 bytes here";
    if (request->length >= REQUEST_BODY) {
        return 413;
    }
    if (used - request->head < request->length) {
        return REQUEST_MORE;
    }
    if (memchr(request->body, '\0', request->length)) {
        *why = BAD;
        return 400;
    }
    request->body[request->length] = '\0'; /* what is behind it is another request: not answered */
    return REQUEST_HERE;
}

static int
hex(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

/* No decoded byte is unprintable: so none is '\0', either. */
static bool
decode(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        int byte = *text == '+' ? ' ' : (unsigned char)*text;

        if (byte == '%') {
            int high = hex(text[1]), low = high == -1 ? -1 : hex(text[2]);

            if (low == -1) {
                return false;
            }
            byte = high * 16 + low;
            text += 2;
        }
        if (byte < ' ' || byte == 0x7f) {
            return false;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    return true;
}

int
request_field(char **body, char **name, char **value)
{
    char *end = *body + strcspn(*body, "&"), *equals;

    if (**body == '\0') {
        return 0;
    }
    *name = *body;
    *body = *end == '&' ? end + 1 : end;
    *end = '\0';
    equals = strchr(*name, '=');
    if (!equals) {
        return -1;
    }
    *equals = '\0';
    *value = equals + 1;
    return decode(*name) && decode(*value) ? 1 : -1;
}
