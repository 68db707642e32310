/*
 * handler_clock - a JSON object comes back with the time at which it was received.
 *
 *     {"sensor": 7}   becomes   {"sensor": 7,"time_received":"2026-11-21T14:03:05.123456Z"}
 *
 * The object is copied byte for byte, so numbers and escapes stay as the client wrote them; white
 * space around it is dropped. Whatever is not a JSON object (RFC 8259) is refused, with the offset
 * at which it ceases to be one: the client gets valid JSON or an error. Two things are not looked
 * at: whether strings are valid UTF-8, and whether other names than the new one occur twice.
 *
 * The parser builds nothing: a function for each rule of the grammar steps over what it allows.
 * They call each other for each level of nesting, and the client decides how many there are:
 * without MOST_DEPTH a million '[' would overflow the stack and end the process.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler.h"

enum { MOST_DEPTH = 64, END = -1 };

/* What the functions of the grammar share. Each begins at the first byte of what it is named
 * after, and moves `at` behind its last one; or returns false after handler_fail(). */
struct json {
    const unsigned char *text; /* no zero byte ends it */
    size_t length;
    size_t at;      /* at most `length`; what is before it is valid so far */
    int depth;      /* of the objects and arrays that are open: 1 in the outermost */
    size_t members; /* of the outermost object */
    struct handler_reply *reply;
};

static bool add_time(const unsigned char *request, size_t length, struct handler_reply *reply);
static void print_time(const struct timespec *now, struct handler_reply *reply);
static bool object(struct json *json);
static bool member(struct json *json);
static bool value(struct json *json);
static bool nested(struct json *json);
static bool array(struct json *json);
static bool string(struct json *json);
static bool escape(struct json *json);
static bool number(struct json *json);
static bool digits(struct json *json);
static bool literal(struct json *json, const char *word);
static bool is_new_name(const unsigned char *text, const unsigned char *end);

static const char new_name[] = "time_received";

int
main(int argc, char **argv)
{
    return handler_main(argc, argv, add_time);
}

/* The next byte, or END. */
static int
peek(const struct json *json)
{
    return json->at < json->length ? json->text[json->at] : END;
}

static bool
take(struct json *json, int byte)
{
    if (peek(json) != byte) {
        return false;
    }
    json->at++;
    return true;
}

static void
skip_space(struct json *json)
{
    while (take(json, ' ') || take(json, '\t') || take(json, '\n') || take(json, '\r')) {
    }
}

static bool
expected(const struct json *json, const char *what)
{
    return handler_fail(json->reply, "not a JSON object: offset %zu%s: expected %s", json->at,
                        peek(json) == END ? " (the end)" : "", what);
}

static bool
add_time(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    struct json json = {.text = request, .length = length, .reply = reply};
    struct timespec now;
    size_t start, brace;

    clock_gettime(CLOCK_REALTIME, &now); /* first: checking a long request takes its time */
    skip_space(&json);
    start = json.at;
    if (peek(&json) != '{') {
        return expected(&json, "'{'");
    }
    if (!nested(&json)) {
        return false;
    }
    brace = json.at - 1; /* the object's last byte */
    skip_space(&json);
    if (peek(&json) != END) {
        return expected(&json, "nothing more after the object");
    }
    handler_add(reply, request + start, brace - start);
    handler_print(reply, "%s\"%s\":", json.members > 0 ? "," : "", new_name);
    print_time(&now, reply);
    handler_print(reply, "}\n");
    return true;
}

/* UTC, as in RFC 3339. */
static void
print_time(const struct timespec *now, struct handler_reply *reply)
{
    char seconds[sizeof "2026-11-21T14:03:05"];
    struct tm utc;

    gmtime_r(&now->tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    handler_print(reply, "\"%s.%06ldZ\"", seconds, now->tv_nsec / 1000);
}

/* An object or an array. The only way into either, so the depth is right. */
static bool
nested(struct json *json)
{
    bool valid;

    if (json->depth == MOST_DEPTH) {
        return handler_fail(json->reply, "offset %zu: expected at most %d levels of nesting",
                            json->at, MOST_DEPTH);
    }
    json->depth++;
    valid = peek(json) == '{' ? object(json) : array(json);
    json->depth--;
    return valid;
}

static bool
object(struct json *json)
{
    json->at++; /* the brace */
    skip_space(json);
    if (take(json, '}')) {
        return true;
    }
    do {
        skip_space(json);
        if (!member(json)) {
            return false;
        }
        skip_space(json);
    } while (take(json, ','));
    return take(json, '}') || expected(json, "',' or '}'");
}

static bool
member(struct json *json)
{
    size_t start = json->at;

    if (peek(json) != '"') {
        return expected(json, "a name in double quotes");
    }
    if (!string(json)) {
        return false;
    }
    if (json->depth == 1) {
        json->members++;
        if (is_new_name(json->text + start + 1, json->text + json->at - 1)) {
            return handler_fail(json->reply, "offset %zu: the object has a member %s already",
                                start, new_name);
        }
    }
    skip_space(json);
    if (!take(json, ':')) {
        return expected(json, "':'");
    }
    skip_space(json);
    return value(json);
}

static bool
value(struct json *json)
{
    int first = peek(json);

    switch (first) {
    case '{':
    case '[':
        return nested(json);
    case '"':
        return string(json);
    case 't':
        return literal(json, "true");
    case 'f':
        return literal(json, "false");
    case 'n':
        return literal(json, "null");
    default:
        return first == '-' || isdigit(first) ? number(json) : expected(json, "a value");
    }
}

static bool
array(struct json *json)
{
    json->at++; /* the bracket */
    skip_space(json);
    if (take(json, ']')) {
        return true;
    }
    do {
        skip_space(json);
        if (!value(json)) {
            return false;
        }
        skip_space(json);
    } while (take(json, ','));
    return take(json, ']') || expected(json, "',' or ']'");
}

static bool
string(struct json *json)
{
    json->at++; /* the opening quote */
    while (!take(json, '"')) {
        if (take(json, '\\')) {
            if (!escape(json)) {
                return false;
            }
        } else if (peek(json) < ' ') { /* a control character, or END */
            return expected(json, "a printable character or the closing '\"'");
        } else {
            json->at++;
        }
    }
    return true;
}

/* What follows a backslash. */
static bool
escape(struct json *json)
{
    if (take(json, 'u')) {
        for (int i = 0; i < 4; i++) {
            if (!isxdigit(peek(json))) {
                return expected(json, "four hexadecimal digits after \\u");
            }
            json->at++;
        }
        return true;
    }
    if (peek(json) == END || memchr("\"\\/bfnrt", peek(json), strlen("\"\\/bfnrt")) == NULL) {
        return expected(json, "one of \" \\ / b f n r t u after the backslash");
    }
    json->at++;
    return true;
}

/* -12.5e+3: the parts after the first digits may be missing, and no 0 is in front of others. */
static bool
number(struct json *json)
{
    take(json, '-');
    if (!take(json, '0') && !digits(json)) {
        return false;
    }
    if (take(json, '.') && !digits(json)) {
        return false;
    }
    if (take(json, 'e') || take(json, 'E')) {
        if (!take(json, '+')) {
            take(json, '-');
        }
        return digits(json);
    }
    return true;
}

/* One or more. */
static bool
digits(struct json *json)
{
    if (!isdigit(peek(json))) {
        return expected(json, "a digit");
    }
    while (isdigit(peek(json))) {
        json->at++;
    }
    return true;
}

static bool
literal(struct json *json, const char *word)
{
    for (const char *next = word; *next != '\0'; next++) {
        if (!take(json, *next)) {
            return expected(json, word);
        }
    }
    return true;
}

/* Is this valid inside of a string the new name? Also if written with escapes, t\u0069me_received:
 * to a reader of JSON that is the same, and of a name that occurs twice it may take either. */
static bool
is_new_name(const unsigned char *text, const unsigned char *end)
{
    for (const char *name = new_name; *name != '\0'; name++) {
        long byte;

        if (text == end) {
            return false;
        }
        byte = *text++;
        if (byte == '\\' && *text == 'u') { /* no other escape stands for a letter */
            char hex[5] = "";

            memcpy(hex, text + 1, 4);
            byte = strtol(hex, NULL, 16);
            text += 5;
        }
        if (byte != *name) {
            return false;
        }
    }
    return text == end;
}
