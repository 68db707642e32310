/*
 * expected_http - the oracle of fuzz_http and fuzz_conn: what a server should say to a text that
 * may begin with a request of HTTP. From docs/http.md; it sees the whole text, and has no states:
 * it looks where a run of allowed bytes ends, and what stands there.
 */
#ifndef FUZZ_EXPECTED_HTTP_H
#define FUZZ_EXPECTED_HTTP_H

#include <string.h>
#include <strings.h>

#include "fuzz.h"

#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN ALNUM "!#$%&'*+-.^_`|~"
#define HOST ALNUM "-._~%!$&'()*+;="
#define TARGET ALNUM "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

enum { NOWHERE = 1 << 30 };

struct expected_http {
    int status;  /* 0: incomplete */
    size_t end;  /* behind the byte that decides */
    bool begun;  /* there is more than an empty line */
    bool last;   /* no request can follow */
    bool is_1_0; /* and this is known */
    bool head_only;
    uint64_t bytes, cpu_us, wait_us; /* of 200; 0 bytes are the page */
};

/* A part of the text. */
struct span {
    const char *text;
    size_t at, end;
};

/* Where the bytes of the set end, from `at` on. */
static size_t
run_of(struct span span, const char *set)
{
    while (span.at < span.end && span.text[span.at] != '\0' && strchr(set, span.text[span.at])) {
        span.at++;
    }
    return span.at;
}

static struct span
part(struct span span, size_t at, size_t end)
{
    return (struct span){span.text, at, end};
}

static bool
is_text(struct span span, const char *text)
{
    size_t length = strlen(text);

    return span.end - span.at == length && memcmp(span.text + span.at, text, length) == 0;
}

static bool
is_word(struct span span, const char *word)
{
    size_t length = strlen(word);

    return span.end - span.at == length && strncasecmp(span.text + span.at, word, length) == 0;
}

/* --- the request line ------------------------------------------------------------------------ */

/* Where a host and its port end, if they are right so far; `*whole`: and may end there. */
static size_t
end_of_host(struct span span, bool *whole)
{
    bool literal = span.at < span.end && span.text[span.at] == '[';
    size_t end = literal ? run_of(part(span, span.at + 1, span.end), HOST ":") : run_of(span, HOST);

    *whole = !literal || (end < span.end && span.text[end] == ']');
    end += literal && *whole;
    if (*whole && end < span.end && span.text[end] == ':') {
        end = run_of(part(span, end + 1, span.end), "0123456789");
    }
    return end;
}

/* A target that is served or refused in the end; then `path` is what is behind the host. */
static bool
is_target(struct span method, struct span target, struct span *path)
{
    size_t length = target.end - target.at, host = target.at, end;
    bool whole;

    *path = target;
    if (length == 0) {
        return false;
    }
    if (target.text[target.at] == '/' || is_text(method, "CONNECT") ||
        (is_text(method, "OPTIONS") && is_text(target, "*"))) {
        return true;
    }
    host += length >= 7 && is_word(part(target, host, host + 7), "http://")    ? 7
            : length >= 8 && is_word(part(target, host, host + 8), "https://") ? 8
                                                                               : length;
    end = end_of_host(part(target, host, target.end), &whole);
    *path = part(target, end, target.end);
    return end > host && whole && target.text[host] != ':' &&
           (end == target.end || strchr("/?", target.text[end]));
}

/* Each of the parameters once at most, and nothing else. */
static bool
is_query(struct span query, struct expected_http *is)
{
    bool cpu = false, wait = false;

    for (size_t at = query.at, end; at <= query.end; at = end + 1) {
        const char *ampersand = memchr(query.text + at, '&', query.end - at);
        bool is_wait = query.end - at > 5 && memcmp(query.text + at, "wait=", 5) == 0;
        bool is_cpu = query.end - at > 4 && memcmp(query.text + at, "cpu=", 4) == 0;
        size_t number = at + (is_wait ? 5 : 4);

        end = ampersand ? (size_t)(ampersand - query.text) : query.end;
        if ((!is_cpu && !is_wait) || (is_cpu && cpu) || (is_wait && wait) ||
            !fuzz_number(query.text + number, end - number, 10000000,
                         is_wait ? &is->wait_us : &is->cpu_us)) {
            return false;
        }
        cpu |= is_cpu;
        wait |= is_wait;
    }
    return true;
}

static bool
is_served(struct span path, struct expected_http *is)
{
    const char *mark;
    size_t end = path.end;

    if (path.at == path.end || is_text(path, "/")) {
        return true;
    }
    mark = memchr(path.text + path.at, '?', path.end - path.at);
    end = mark ? (size_t)(mark - path.text) : path.end;
    return path.end - path.at <= 63 && path.text[path.at] == '/' &&
           fuzz_number(path.text + path.at + 1, end - path.at - 1, 1073741824, &is->bytes) &&
           is->bytes > 0 && (!mark || is_query(part(path, end + 1, path.end), is));
}

/* --- the fields ------------------------------------------------------------------------------ */

struct fields {
    bool host, length, coding, close, keep_alive;
    bool chunked; /* the last coding */
    size_t codings;
    uint64_t body;
};

/* The elements of a list. Of codings: returns where it shows that one is behind chunked. */
static size_t
judge_list(struct span value, bool is_coding, struct fields *fields)
{
    for (size_t at = value.at, end; at <= value.end; at = end + 1) {
        const char *comma = memchr(value.text + at, ',', value.end - at);
        struct span element;

        end = comma ? (size_t)(comma - value.text) : value.end;
        element = part(value, run_of(part(value, at, end), " \t"), end);
        while (element.end > element.at && strchr(" \t", value.text[element.end - 1])) {
            element.end--;
        }
        if (!is_coding) {
            fields->close |= is_word(element, "close");
            fields->keep_alive |= is_word(element, "keep-alive");
        } else if (element.end > element.at && fields->chunked) {
            return end;
        } else if (element.end > element.at) {
            fields->chunked = is_word(element, "chunked");
            fields->codings++;
        }
    }
    return NOWHERE;
}

/* Returns where it shows that the value is wrong: within it, at its end, or NOWHERE. */
static size_t
judge_value(struct span name, struct span value, struct fields *fields)
{
    bool is_length = is_word(name, "content-length"), whole = true;
    size_t begin = run_of(value, " \t"), end;

    if (is_word(name, "connection") || is_word(name, "transfer-encoding")) {
        return judge_list(value, is_word(name, "transfer-encoding"), fields);
    }
    if (!is_length && !is_word(name, "host")) {
        return NOWHERE;
    }
    end = is_length ? run_of(part(value, begin, value.end), "0123456789")
                    : end_of_host(part(value, begin, value.end), &whole);
    if (is_length && end - begin > 18) {
        return begin + 18;
    }
    if (is_length) {
        fuzz_number(value.text + begin, end - begin, 999999999999999999, &fields->body);
    }
    if (is_length && end == begin) {
        return end;
    }
    end = run_of(part(value, end, value.end), " \t");
    return end < value.end || !whole ? end : NOWHERE;
}

/* Notes which field it is; true if there was such a one before, and may be only one. */
static bool
is_second(struct span name, struct fields *fields)
{
    bool *seen = is_word(name, "host")                ? &fields->host
                 : is_word(name, "content-length")    ? &fields->length
                 : is_word(name, "transfer-encoding") ? &fields->coding
                                                      : NULL;
    bool before = seen && *seen;

    if (seen) {
        *seen = true;
    }
    return before;
}

/* Behind the request line, from its LF on. Returns where a fault shows, or what decides; if nothing
 * does yet, the end of the text; `*good`: it is the end of the head. */
static size_t
judge_fields(struct span rest, struct fields *fields, bool *good)
{
    const char *text = rest.text;

    while (rest.at < rest.end && text[rest.at] == '\n') {
        struct span name =
            part(rest, rest.at + 1, run_of(part(rest, rest.at + 1, rest.end), TOKEN));
        struct span value = part(rest, name.end + 1, name.end + 1);
        bool ends = name.at == name.end && name.end < rest.end && text[name.at] == '\r';
        size_t fault;

        if (ends) {
            *good = name.end + 1 < rest.end && text[name.end + 1] == '\n';
            return name.end + 1;
        }
        if (name.end >= rest.end || text[name.end] != ':' || name.at == name.end ||
            is_second(name, fields)) {
            return name.end;
        }
        while (value.end < rest.end &&
               ((unsigned char)text[value.end] >= ' ' || text[value.end] == '\t') &&
               text[value.end] != 0x7f) {
            value.end++;
        }
        fault = judge_value(name, value, fields);
        if (fault < rest.end || value.end == rest.end || text[value.end] != '\r') {
            return fault < rest.end ? fault : value.end;
        }
        rest.at = value.end + 1;
    }
    return rest.at;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* The status when a head is complete and well formed so far. */
static int
judge_head(struct span method, struct span path, const struct fields *fields,
           struct expected_http *is)
{
    static const char known[] = " GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ";
    char word[40] = " ";
    bool content = fields->coding || fields->body > 0;

    memcpy(word + 1, method.text + method.at, method.end - method.at);
    strcat(word, " ");
    if ((!fields->host && !is->is_1_0) ||
        (fields->coding && (fields->length || is->is_1_0 || !fields->chunked))) {
        return 400;
    }
    if (!strstr(known, word)) {
        return 501;
    }
    is->last = fields->close || (is->is_1_0 && !fields->keep_alive) || content ||
               is_text(method, "CONNECT");
    if (!is_text(method, "GET") && !is->head_only) {
        return 405;
    }
    return fields->coding        ? (fields->codings > 1 ? 501 : 411)
           : content             ? 413
           : is_served(path, is) ? 200
                                 : 404;
}

/* The request line from `at` on: the status if it is wrong, and where that shows; else 0, and where
 * it ends: at its LF, if that is here, or with the text. */
static int
judge_request_line(struct span text, struct span *method, struct span *path, size_t *at)
{
    static const char form[] = "HTTP/0.0\r";
    struct span target;

    *method = part(text, text.at, run_of(text, TOKEN));
    *at = method->end;
    if (*at - method->at > 31) {
        *at = method->at + 31;
        return 501;
    }
    if (*at == text.end || text.text[*at] != ' ' || *at == method->at) {
        return *at == text.end ? 0 : 400;
    }
    target = part(text, *at + 1, run_of(part(text, *at + 1, text.end), TARGET));
    *at = target.end;
    if (*at - target.at > 8000) {
        *at = target.at + 8000;
        return 414;
    }
    if (*at == text.end || text.text[*at] != ' ' || !is_target(*method, target, path)) {
        return *at == text.end ? 0 : 400;
    }
    ++*at;
    for (const char *wanted = form; *wanted != '\0' && *at < text.end; wanted++, ++*at) {
        char byte = text.text[*at];

        if (*wanted == '0' ? byte < '0' || byte > '9' : byte != *wanted) {
            return 400;
        }
        if (*wanted == '\r' && text.text[*at - 3] != '1') {
            return 505;
        }
    }
    return 0;
}

static struct expected_http
expect_http(const char *text, size_t length)
{
    struct expected_http is = {.last = true};
    struct span all = {text, 0, length}, method = all, path = all;
    struct fields fields = {.codings = 0};
    bool empty = length >= 2 && memcmp(text, "\r\n", 2) == 0, good = false;
    size_t line, at;

    if (length > 0 && text[0] == '\r' && !empty) {
        return (struct expected_http){length > 1 ? 400 : 0, 2, .begun = true, .last = true};
    }
    all.at = empty ? 2 : 0;
    is.begun = length > all.at;
    is.status = judge_request_line(all, &method, &path, &line);
    is.end = line + 1;
    is.head_only = is_text(method, "HEAD") && method.end < length && text[method.end] == ' ';
    if (is.status != 0 || line >= length) {
        return is;
    }
    is.is_1_0 = text[line - 2] == '0';
    at = judge_fields(part(all, line, length), &fields, &good);
    if (at > line + 16386 && length > line + 16387) {
        at = line + 16387;
        is.status = 431;
    } else if (at < length) {
        is.status = good ? judge_head(method, path, &fields, &is) : 400;
    }
    is.end = at + 1;
    is.last |= is.status != 404 && is.status != 405 && is.status != 200;
    return is;
}

#endif
