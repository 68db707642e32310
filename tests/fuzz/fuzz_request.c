/*
 * fuzz_request - watch/request.c: requests of HTTP to watch, and the forms in them.
 *
 * An input is in how many pieces the bytes come, and the bytes; each \x01 in them stands for a
 * thousand letters, so that the limits are within reach. The oracle has the whole head, cuts it
 * into lines, and compares them with regular expressions. The pieces must give the same as the
 * whole.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

#include "../../watch/request.c"

enum { FIELDS = 5, MANY = 1000 };

static const char *const names[FIELDS] = {"host", "origin", "sec-fetch-site", "content-type",
                                          "content-length"};

/* --- the oracle ------------------------------------------------------------------------------ */

struct expected {
    int status;
    char head[REQUEST_HEAD + 1]; /* its lines, the end of each a zero */
    const char *method, *target, *fields[FIELDS], *body;
    size_t length;
};

#define INK "[^ [:cntrl:]]"

/* Does the line have that form? The two parts of it are strings then, in place. */
static bool
has_form(char *line, const char *form, const char **one, const char **two)
{
    regex_t expression;
    regmatch_t match[3];
    bool fits;

    CHECK(regcomp(&expression, form, REG_EXTENDED) == 0, "regcomp: %s", form);
    fits = regexec(&expression, line, 3, match, 0) == 0;
    regfree(&expression);
    if (fits) {
        *one = line + match[1].rm_so;
        *two = line + match[2].rm_so;
        line[match[1].rm_eo] = line[match[2].rm_eo] = '\0';
    }
    return fits;
}

static bool
take_line(struct expected *is, char *line)
{
    const char *name, *value;

    if (line == is->head) {
        return has_form(line, "^(" INK "*) (/" INK "*) HTTP/1[.][01]$", &is->method, &is->target);
    }
    if (!has_form(line,
                  "^([^: [:cntrl:]]+):[ \t]*(" INK "?|" INK "([^[:cntrl:]]|\t)*" INK ")[ \t]*$",
                  &name, &value)) {
        return false;
    }
    for (int i = 0; i < FIELDS; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            if (is->fields[i]) {
                return false;
            }
            is->fields[i] = value;
        }
    }
    return strcasecmp(name, "transfer-encoding") != 0;
}

static bool
take_lines(struct expected *is, size_t length)
{
    char *line = is->head, *end;
    uint64_t bytes = 0;

    for (; strcmp(line, "\r\n") != 0 || line == is->head; line = end + 2) {
        end = strlen(line) == length ? strstr(line, "\r\n") : NULL;
        if (!end) {
            return false;
        }
        *end = '\0';
        length -= (size_t)(end + 2 - line);
        if (!take_line(is, line)) {
            return false;
        }
    }
    if (is->fields[4] &&
        !fuzz_number(is->fields[4], strlen(is->fields[4]), SIZE_MAX / 16, &bytes)) {
        return false;
    }
    is->length = (size_t)bytes;
    return true;
}

static void
understand(struct expected *is, const char *text, size_t used)
{
    size_t head = 0;

    memset(is, 0, sizeof *is);
    for (size_t i = 4; i <= used && head == 0; i++) {
        head = memcmp(text + i - 4, "\r\n\r\n", 4) == 0 ? i : 0;
    }
    if (head == 0 || head > REQUEST_HEAD) {
        is->status = head == 0 && used < REQUEST_HEAD ? REQUEST_MORE : 431;
        return;
    }
    memcpy(is->head, text, head);
    if (!take_lines(is, head)) {
        is->status = 400;
    } else if (is->length >= REQUEST_BODY) {
        is->status = 413;
    } else if (used - head < is->length) {
        is->status = REQUEST_MORE;
    } else {
        is->body = text + head;
        is->status = memchr(is->body, '\0', is->length) ? 400 : REQUEST_HERE;
    }
}

/* --- forms ----------------------------------------------------------------------------------- */

/* Decodes up to a letter that ends it; NULL: it is malformed. */
static const char *
decode_to(const char *text, const char *ends, char *to)
{
    static const char digits[] = "0123456789abcdef";

    for (; !strchr(ends, *text); text++) { /* (which finds its '\0', too) */
        int byte = *text == '+' ? ' ' : (unsigned char)*text;

        if (byte == '%') {
            const char *high = text[1] ? strchr(digits, text[1] | 0x20) : NULL;
            const char *low = high && text[2] ? strchr(digits, text[2] | 0x20) : NULL;

            if (!low || text[1] < '0' || text[2] < '0') {
                return NULL;
            }
            byte = (int)(high - digits) * 16 + (int)(low - digits);
            text += 2;
        }
        if (byte < ' ' || byte == 0x7f) {
            return NULL;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    return text;
}

static void
check_form(char *body)
{
    static char copy[REQUEST_BODY], wanted[2][REQUEST_BODY];
    const char *text = strcpy(copy, body);
    char *name, *value;
    int found = 1;

    while (found == 1) {
        const char *at = decode_to(text, "&=", wanted[0]);
        bool good = at && *at == '=';

        at = good ? decode_to(at + 1, "&", wanted[1]) : NULL;
        found = request_field(&body, &name, &value);
        CHECK_IS(found, *text == '\0' ? 0 : at ? 1 : -1, "a field");
        CHECK(found != 1 || (strcmp(name, wanted[0]) == 0 && strcmp(value, wanted[1]) == 0),
              "another field: %s=%s", name, value);
        text = at && *at == '&' ? at + 1 : "";
    }
}

/* --- comparing ------------------------------------------------------------------------------- */

static void
compare(const struct request *request, const struct expected *is)
{
    const char *const parts[][2] = {
        {request->method, is->method},  {request->target, is->target},
        {request->host, is->fields[0]}, {request->origin, is->fields[1]},
        {request->site, is->fields[2]}, {request->type, is->fields[3]}};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        CHECK(parts[i][0] && parts[i][1] ? strcmp(parts[i][0], parts[i][1]) == 0
                                         : parts[i][0] == parts[i][1],
              "part %zu is another", i);
    }
    CHECK_IS(request->length, is->length, "bytes of the body");
    CHECK(memcmp(request->body, is->body, is->length) == 0, "another body");
    CHECK_IS(request->body[is->length], 0, "its end");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[REQUEST_MOST], given[REQUEST_MOST];
    static struct expected is;
    struct input input = {data, size};
    struct slices slices = slices_take(&input);
    struct request request = {.head = 0};
    size_t length = 0, before = 0, used = 0;
    const char *why = NULL;
    int status = REQUEST_MORE;

    for (; input.left > 0 && length < sizeof text - MANY; length++) {
        text[length] = (char)input_byte(&input);
        if (text[length] == 1) {
            memset(text + length, 'a', MANY);
            length += MANY - 1;
        }
    }
    while (status == REQUEST_MORE && used < length) {
        ssize_t piece = slices_next(&slices, length - used);

        if (piece > 0) {
            size_t more = (size_t)piece * (1 + length / 256); /* of a long one not each byte */

            before = used;
            used = more < length - used ? used + more : length;
            memcpy(given + before, text + before, used - before);
            status = request_read(&request, given, used, &why);
        }
    }
    understand(&is, text, before);
    CHECK_IS(REQUEST_MORE, is.status, "status of a part");
    understand(&is, text, used);
    CHECK_IS(status, is.status, "status");
    if (status == REQUEST_HERE) {
        compare(&request, &is);
        check_form(request.body);
    }
    return 0;
}
