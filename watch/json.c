#include "json.h"

#include <string.h>

/* Each takes what it is about and returns what is behind it and the blanks there, or NULL. */
static const char *value(const char *at, int depth);

static const char *
blanks(const char *at)
{
    return at + strspn(at, " ");
}

static const char *
string(const char *at)
{
    static const char hex[] = "0123456789abcdefABCDEF";

    for (at++; *at != '"'; at++) {
        if (*at < ' ' || *at > '~') {
            return NULL;
        }
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, hex) >= 4) {
                at += 4;
            } else if (*at == '\0' || !strchr("\"\\/bfnrt", *at)) {
                return NULL;
            }
        }
    }
    return blanks(at + 1);
}

static const char *
digits(const char *at)
{
    size_t count = strspn(at, "0123456789");

    return count > 0 ? at + count : NULL;
}

static const char *
number(const char *at)
{
    at += *at == '-';
    if (*at == '0' && at[1] >= '0' && at[1] <= '9') {
        return NULL;
    }
    at = digits(at);
    if (at && *at == '.') {
        at = digits(at + 1);
    }
    if (at && (*at == 'e' || *at == 'E')) {
        at++;
        at = digits(at + (*at == '+' || *at == '-'));
    }
    return at ? blanks(at) : NULL;
}

/* An object or an array: `end` closes it. */
static const char *
members(const char *at, char end, int depth)
{
    if (depth > JSON_DEPTH) {
        return NULL;
    }
    for (at = blanks(at + 1); *at != end; at += *at == ',') {
        at = blanks(at);
        if (end == '}') {
            at = *at == '"' ? string(at) : NULL;
            at = at && *at == ':' ? at + 1 : NULL;
        }
        at = at ? value(at, depth) : NULL;
        if (!at || (*at != end && (*at != ',' || at[1] == end))) {
            return NULL;
        }
    }
    return blanks(at + 1);
}

static const char *
value(const char *at, int depth)
{
    static const char *const words[] = {"true", "false", "null"};

    at = blanks(at);
    for (int i = 0; i < 3; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return blanks(at + strlen(words[i]));
        }
    }
    switch (*at) {
    case '{':
        return members(at, '}', depth + 1);
    case '[':
        return members(at, ']', depth + 1);
    case '"':
        return string(at);
    default:
        return number(at);
    }
}

bool
json_valid(const char *line)
{
    const char *end = *blanks(line) == '{' ? value(line, 0) : NULL;

    return end && *end == '\0';
}
