#include "head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18 }; /* they always fit into 64 bits */

static const char version[] = "HTTP/1."; /* and a digit */

/* Forgets the head before (one of 1xx), but not how many bytes all of them had. */
static void
begin_again(struct head *head)
{
    head->status = 0;
    head->length = 0;
    head->old = head->has_length = head->encoded = head->close = head->keep = false;
    head->line_size = 0;
    head->said[0] = head->line[0] = '\0';
}

void
head_begin(struct head *head)
{
    head->size = 0;
    head->whole = head->closes = false;
    head->why = NULL;
    begin_again(head);
}

const char *
head_words(const struct head *head)
{
    return head->said[0] != '\0' ? head->said : head->line;
}

bool
head_refuses(const struct head *head)
{
    return head->whole && head->status / 100 != 2;
}

static enum head_result
bad(struct head *head, const char *why)
{
    head->why = why;
    return HEAD_BAD;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; what the server calls the status may be missing, with its blank or without. */
static enum head_result
take_status(struct head *head)
{
    const char *line = head->line, *at = line + strlen(version);

    if (strncmp(line, version, strlen(version)) != 0 || strspn(at, "0123456789") != 1 ||
        at[1] != ' ' || strspn(at + 2, "0123456789") != 3 || at[2] == '0' ||
        (at[5] != ' ' && at[5] != '\0')) {
        return bad(head, ": that is no status line of HTTP/1");
    }
    head->old = *at == '0';
    head->status =
        (unsigned)(at[2] - '0') * 100 + (unsigned)(at[3] - '0') * 10 + (unsigned)(at[4] - '0');
    snprintf(head->said, sizeof head->said, "%.*s", HEAD_SAID - 1, line);
    return HEAD_MORE;
}

static enum head_result
take_length(struct head *head, const char *value)
{
    size_t digits = strspn(value, "0123456789");

    if (head->has_length) {
        return bad(head, ", but with two Content-Length");
    }
    if (digits == 0 || digits > LENGTH_DIGITS || value[digits] != '\0') {
        return bad(head, ", but with a Content-Length that is no number");
    }
    head->has_length = true;
    for (; *value != '\0'; value++) {
        head->length = head->length * 10 + (uint64_t)(*value - '0');
    }
    return HEAD_MORE;
}

static bool
is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

/* Words with commas between them, in several lines perhaps. */
static void
take_connection(struct head *head, const char *value)
{
    static const char between[] = " \t,";

    while (*(value += strspn(value, between)) != '\0') {
        size_t length = strcspn(value, between);

        head->close = head->close || is_word(value, length, "close");
        head->keep = head->keep || is_word(value, length, "keep-alive");
        value += length;
    }
}

/* "Name: value", of which three names matter. */
static enum head_result
take_field(struct head *head)
{
    char *line = head->line, *value, *end = line + strlen(line);
    size_t name = strcspn(line, ": \t");
    bool length = is_word(line, name, "Content-Length");
    bool encoding = is_word(line, name, "Transfer-Encoding");
    bool connection = is_word(line, name, "Connection");

    if (name == 0 || line[name] != ':') {
        return bad(head, ", but with a line that is no field");
    }
    if ((length || encoding || connection) && head->line_size > HEAD_LINE) {
        return bad(head, ", but with a field that is too long");
    }
    value = line + name + 1 + strspn(line + name + 1, " \t");
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    if (length) {
        return take_length(head, value);
    }
    if (connection) {
        take_connection(head, value);
    }
    head->encoded = head->encoded || encoding;
    return HEAD_MORE;
}

/* The empty line has come. */
static enum head_result
finish(struct head *head)
{
    if (head->status < 200) {
        begin_again(head);
        return HEAD_MORE;
    }
    head->closes = head->close || (head->old && !head->keep);
    if (head->encoded && head->has_length) {
        return bad(head, ", but with Content-Length and Transfer-Encoding");
    }
    if (head->status == 204 || head->status == 304) {
        head->length = 0; /* whatever it says: there is no content */
    } else if (head->status / 100 == 2 && !head->has_length) {
        return bad(head, head->encoded
                             ? ", but with Transfer-Encoding: the client needs Content-Length"
                             : ", but without Content-Length, which the client needs");
    }
    head->whole = true;
    return HEAD_WHOLE;
}

static enum head_result
take_line(struct head *head)
{
    size_t kept = head->line_size < HEAD_LINE ? head->line_size - 1 : HEAD_LINE - 1;
    enum head_result result;

    /* CR stands only before the LF, and NUL nowhere; what is not kept is not checked. */
    if (head->last[0] == '\r' && kept + 1 == head->line_size) {
        head->line[--kept] = '\0';
    }
    if (head->last[0] != '\r' || strcspn(head->line, "\r\n") != kept) {
        return bad(head, ", but with a line that does not end with CR LF");
    }
    result = head->status == 0 ? take_status(head) : kept == 0 ? finish(head) : take_field(head);
    head->line_size = 0;
    return result;
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* Adds bytes to the line. Its first HEAD_LINE - 1 bytes are kept, as a string. */
static void
keep(struct head *head, const char *bytes, size_t length)
{
    size_t used = head->line_size < HEAD_LINE ? head->line_size : HEAD_LINE - 1;
    size_t room = HEAD_LINE - 1 - used, kept = length < room ? length : room;

    memcpy(head->line + used, bytes, kept);
    head->line[used + kept] = '\0';
    memcpy(head->last, length > 1 ? bytes + length - 2 : head->last + 1, 1);
    head->last[1] = bytes[length - 1];
    head->line_size += length;
    head->size += length;
}

/* True if the first line cannot become a status line. So a server that does not speak HTTP is found
 * out before its line ends. */
static bool
is_foreign(const struct head *head)
{
    size_t most = head->line_size < strlen(version) ? head->line_size : strlen(version);

    return head->status == 0 && memcmp(head->line, version, most) != 0;
}

enum head_result
head_take(struct head *head, const char *bytes, size_t length, size_t *taken)
{
    enum head_result result = HEAD_MORE;

    *taken = 0;
    while (result == HEAD_MORE && *taken < length) {
        const char *at = bytes + *taken, *feed = memchr(at, '\n', length - *taken);
        size_t piece = feed ? (size_t)(feed - at) + 1 : length - *taken;

        keep(head, at, piece);
        *taken += piece;
        if (is_foreign(head)) {
            result = bad(head, ": that is no status line of HTTP/1");
        } else if (head->size > HEAD_MOST) {
            result = bad(head, ", but its head has more than 16384 bytes");
        } else if (feed) {
            result = take_line(head);
        }
    }
    return result;
}
