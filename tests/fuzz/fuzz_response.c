/*
 * fuzz_response - client/engine/head.c: the head of an HTTP reply.
 *
 * An input is what a server sends. It is taken in small pieces and in one; both must say the same,
 * take the same bytes of it, and agree with the oracle, which splits the whole into lines: all that
 * is accepted is a head as RFC 9112 has it, with the status and the length that stand there, and
 * what is such a head is accepted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

#include "../../client/engine/head.c"

/* What the oracle finds. */
struct expected {
    enum head_result result;
    size_t length; /* of the heads, if they are WHOLE */
    long status;
    long long content;
    bool closes;
};

/* --- the oracle ------------------------------------------------------------------------------ */

/* Is there a CR or a zero byte in what is looked at of a line, in front of its CR LF? */
static bool
is_broken(const char *line, size_t length)
{
    size_t kept = length - 2 < HEAD_LINE - 1 ? length - 2 : HEAD_LINE - 1;

    return memchr(line, '\r', kept) || memchr(line, '\0', kept);
}

/* A line, with its CR LF: is it a status line? */
static bool
is_status(const char *line, size_t length, long *status, bool *old)
{
    int minor, code, end = 0;
    char copy[16] = "";

    memcpy(copy, line, length - 2 < 13 ? length - 2 : 13);
    if (is_broken(line, length) ||
        sscanf(copy, "HTTP/1.%1d%*1[ ]%3d%n", &minor, &code, &end) != 2 || end != 12 ||
        strspn(copy + 9, "0123456789") != 3 || code < 100 ||
        !strchr(" ", copy[12]) /* the end, too */) {
        return false;
    }
    *status = code;
    *old = minor == 0;
    return true;
}

/* The value of a field of this name, without blanks around it, in `value`; false: it is another. */
static bool
is_named(const char *line, size_t length, const char *name, char value[HEAD_LINE])
{
    size_t start = strlen(name) + 1, end = length - 2;

    if (length <= start || strncasecmp(line, name, strlen(name)) != 0 || line[start - 1] != ':') {
        return false;
    }
    while (start < end && strchr(" \t", line[start])) {
        start++;
    }
    while (end > start && strchr(" \t", line[end - 1])) {
        end--;
    }
    snprintf(value, HEAD_LINE, "%.*s", (int)(end - start), line + start);
    return true;
}

static bool
has_word(const char *list, const char *word)
{
    char copy[HEAD_LINE];

    strcpy(copy, list);
    for (char *each = strtok(copy, " \t,"); each; each = strtok(NULL, " \t,")) {
        if (strcasecmp(each, word) == 0) {
            return true;
        }
    }
    return false;
}

/* What the fields of one head say. */
struct fields {
    unsigned lengths, codings;
    bool close, keep;
    long long content;
};

/* A line with its CR LF; false: it is no field, or a bad one. */
static bool
read_field(const char *line, size_t length, struct fields *fields)
{
    const char *colon = memchr(line, ':', length - 2 < HEAD_LINE - 1 ? length - 2 : HEAD_LINE - 1);
    char value[HEAD_LINE];
    bool matters;

    if (!colon || colon == line || is_broken(line, length) ||
        memchr(line, ' ', (size_t)(colon - line)) || memchr(line, '\t', (size_t)(colon - line))) {
        return false;
    }
    matters = is_named(line, length, "Content-Length", value);
    if (matters) {
        fields->lengths++;
        fields->content = strtoll(value, NULL, 10);
    }
    if (matters &&
        (value[0] == '\0' || strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)) {
        return false;
    }
    if (is_named(line, length, "Connection", value)) {
        matters = true;
        fields->close = fields->close || has_word(value, "close");
        fields->keep = fields->keep || has_word(value, "keep-alive");
    }
    if (is_named(line, length, "Transfer-Encoding", value)) {
        matters = true;
        fields->codings++;
    }
    return (!matters || length <= HEAD_LINE) && fields->lengths <= 1;
}

/* Does a whole head tell how long the content is? (Of a refusal, the client can do without.) */
static bool
is_framed(long status, const struct fields *fields)
{
    if (status < 200) {
        return true; /* it has none */
    }
    if (fields->lengths > 0) {
        return fields->codings == 0;
    }
    return status == 204 || status >= 300;
}

/* One head from `at` on: MORE if it is not all there. */
static struct expected
read_head(const char *text, size_t length, size_t at)
{
    struct expected found = {.result = HEAD_BAD};
    struct fields fields = {.lengths = 0};
    bool old = false;

    for (unsigned line = 0;; line++) {
        const char *start = text + at,
                   *feed = at < length ? memchr(start, '\n', length - at) : NULL;
        size_t size = feed ? (size_t)(feed - start) + 1 : length - at;
        size_t alike = size < 7 ? size : 7;

        if (at + size > HEAD_MOST || (line == 0 && strncmp("HTTP/1.", start, alike) != 0)) {
            return found;
        }
        if (!feed) {
            found.result = HEAD_MORE;
            return found;
        }
        at += size;
        if (size < 2 || feed[-1] != '\r') {
            return found;
        }
        if (line > 0 && size == 2) {
            break;
        }
        if (line == 0 ? !is_status(start, size, &found.status, &old)
                      : !read_field(start, size, &fields)) {
            return found;
        }
    }
    found.length = at;
    found.content = found.status == 204 || found.status == 304 ? 0 : fields.content;
    found.closes = fields.close || (old && !fields.keep);
    found.result = is_framed(found.status, &fields) ? HEAD_WHOLE : HEAD_BAD;
    return found;
}

/* Behind any number of 1xx. */
static struct expected
read_all(const char *text, size_t length)
{
    struct expected found = read_head(text, length, 0);

    while (found.result == HEAD_WHOLE && found.status < 200) {
        found = read_head(text, length, found.length);
    }
    return found;
}

/* --- feeding --------------------------------------------------------------------------------- */

static void
feed(const char *text, size_t length, struct slices slices, const struct expected *expected)
{
    enum head_result result = HEAD_MORE;
    struct head head;
    size_t at = 0;

    head_begin(&head);
    while (result == HEAD_MORE && at < length) {
        ssize_t count = slices_next(&slices, length - at);
        size_t taken;
        char *piece;

        if (count < 0) {
            continue;
        }
        piece = malloc((size_t)count); /* so that reading beyond it is seen */
        CHECK(piece, "no memory");
        memcpy(piece, text + at, (size_t)count);
        result = head_take(&head, piece, (size_t)count, &taken);
        CHECK(taken <= (size_t)count && (taken == (size_t)count || result != HEAD_MORE),
              "%zu of %zu bytes", taken, (size_t)count);
        free(piece);
        at += taken;
    }
    CHECK_IS(result, expected->result, "result");
    CHECK_IS(result == HEAD_BAD, head.why != NULL, "it says why");
    CHECK_IS(result == HEAD_WHOLE, head.whole, "whole");
    if (result == HEAD_WHOLE) {
        CHECK_IS(at, expected->length, "bytes of the head");
        CHECK_IS(head.status, expected->status, "status");
        CHECK_IS(head.length, expected->content, "content");
        CHECK_IS(head.closes, expected->closes, "closes");
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slices whole = {.count = 0};
    struct input input = {data, size};
    struct slices slices = slices_take(&input);
    const char *text = (const char *)input.at;
    struct expected expected = read_all(text, input.left);

    feed(text, input.left, slices, &expected);
    feed(text, input.left, whole, &expected);
    return 0;
}
