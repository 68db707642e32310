#include "http.h"

#include <string.h>

#include "conn.h"
#include "decimal.h"

/* The reader is a machine of states: http_take() gives each byte to the function of the state it is
 * in (`part`), which keeps what matters of the byte, refuses it, or changes the state:
 *
 *     FIRST -> METHOD -> TARGET -> VERSION -> LINE_END -> FIELD -> HEAD_END, and answer()
 *                                                ^           |
 *                                                +-- VALUE <- NAME
 *
 * A state collects in `word` what it compares at its end: a method, a version, a name, an element
 * of a list. FIRST_END comes behind the CR of an empty line, and leads back to FIRST. */
enum part {
    PART_FIRST, /* nothing has come, or an empty line */
    PART_FIRST_END,
    PART_METHOD,
    PART_TARGET,
    PART_VERSION,
    PART_LINE_END, /* LF, behind CR */
    PART_FIELD,    /* the start of a line */
    PART_NAME,
    PART_VALUE,
    PART_HEAD_END /* the last LF */
};

/* What the target is (RFC 9112 section 3.2), as far as it has come. */
enum form { FORM_NONE, FORM_ORIGIN, FORM_SCHEME, FORM_AUTHORITY, FORM_HOST, FORM_STAR, FORM_OTHER };

/* Of a host and its port: NAME, NAME:PORT, [LITERAL] or [LITERAL]:PORT. */
enum host { HOST_BEGIN, HOST_NAME, HOST_LITERAL, HOST_BEHIND, HOST_PORT };

enum field { FIELD_OTHER, FIELD_HOST, FIELD_LENGTH, FIELD_CODING, FIELD_CONNECTION };

enum {
    AROUND = 3,      /* bytes that are counted with the field lines: LF before, CR and LF behind */
    DIGITS_MOST = 18 /* so many always fit */
};

static int
refuse(struct http *http, int status, const char *error)
{
    http->status = status;
    http->error = error;
    http->last = true;
    return status;
}

/* --- kinds of bytes -------------------------------------------------------------------------- */

static bool
is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool
is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* tchar: RFC 9110 section 5.6.2. */
static bool
is_token(char byte)
{
    return is_letter(byte) || is_digit(byte) || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

/* What a host's name or address is made of: RFC 3986 section 3.2.2. */
static bool
is_host(char byte)
{
    return is_letter(byte) || is_digit(byte) || (byte != '\0' && strchr("-._~%!$&'()*+;=", byte));
}

static char
lower(char byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

/* A full word equals none that matters. */
static void
add(struct http *http, char byte)
{
    if (http->length < HTTP_WORD) {
        http->word[http->length++] = byte;
    }
}

static bool
is(const struct http *http, const char *word)
{
    return http->length == strlen(word) && memcmp(http->word, word, http->length) == 0;
}

/* --- the request line ------------------------------------------------------------------------ */

static enum http_method
method(const struct http *http)
{
    static const char *const others[] = {"POST", "PUT", "DELETE", "TRACE", "PATCH"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (is(http, others[i])) {
            return HTTP_OTHER;
        }
    }
    return is(http, "GET")       ? HTTP_GET
           : is(http, "HEAD")    ? HTTP_HEAD_ONLY
           : is(http, "OPTIONS") ? HTTP_OPTIONS
           : is(http, "CONNECT") ? HTTP_CONNECT
                                 : HTTP_UNKNOWN;
}

static int
take_first(struct http *http, char byte)
{
    if (byte == '\r' && !http->blank) {
        http->part = PART_FIRST_END;
        return 0;
    }
    if (!is_token(byte)) {
        return refuse(http, 400, "error: a request begins with its method\n");
    }
    add(http, byte);
    http->part = PART_METHOD;
    return 0;
}

static int
take_method(struct http *http, char byte)
{
    if (byte == ' ') {
        http->method = method(http);
        http->length = 0;
        http->part = PART_TARGET;
        return 0;
    }
    if (!is_token(byte)) {
        return refuse(http, 400,
                      "error: a request is a line, BYTES [CPU_US [WAIT_US]], or HTTP's "
                      "GET /BYTES?cpu=US&wait=US\n");
    }
    add(http, byte);
    return http->length == HTTP_WORD ? refuse(http, 501, "error: there is no such method\n") : 0;
}

/* Of the absolute form only what is behind the host matters. */
static void
keep_target(struct http *http, char byte)
{
    if (byte == '?' && http->kept == 0) {
        keep_target(http, '/');
    }
    if (http->kept < HTTP_KEPT) {
        http->target[http->kept++] = byte;
    }
    http->form = FORM_ORIGIN;
}

static void
take_scheme(struct http *http, char byte)
{
    add(http, lower(byte));
    http->form = is(http, "http://") || is(http, "https://") ? FORM_AUTHORITY : FORM_SCHEME;
}

/* Whether the byte may follow in a host and its port. (Not looked at: what is between the brackets,
 * behind a %, and how many digits a port has.) */
static bool
take_host(struct http *http, char byte)
{
    enum host before = (enum host)http->host_part;

    http->host_part = before == HOST_PORT || byte == ':' ? HOST_PORT : HOST_NAME;
    if (before == HOST_LITERAL || (before == HOST_BEGIN && byte == '[')) {
        http->host_part = byte == ']' ? HOST_BEHIND : HOST_LITERAL;
        return is_host(byte) || byte == ':' || byte == (before == HOST_BEGIN ? '[' : ']');
    }
    return before == HOST_PORT     ? is_digit(byte)
           : before == HOST_BEHIND ? byte == ':'
                                   : is_host(byte) || byte == ':';
}

static void
take_authority(struct http *http, char byte)
{
    if (http->form == FORM_HOST && http->host_part != HOST_LITERAL &&
        (byte == '/' || byte == '?')) {
        keep_target(http, byte);
    } else {
        bool empty = http->form == FORM_AUTHORITY && byte == ':'; /* a port without a host */

        http->form = !empty && take_host(http, byte) ? FORM_HOST : FORM_OTHER;
    }
}

static int
end_target(struct http *http)
{
    bool right = http->form == FORM_ORIGIN ||
                 (http->form == FORM_HOST && http->host_part != HOST_LITERAL) ||
                 (http->form == FORM_STAR && http->method == HTTP_OPTIONS) ||
                 (http->form != FORM_NONE && http->method == HTTP_CONNECT);

    if (!right) {
        return refuse(http, 400, "error: a target begins with / or http://HOST/\n");
    }
    if (http->form == FORM_HOST) {
        keep_target(http, '/');
    }
    http->length = 0;
    http->part = PART_VERSION;
    return 0;
}

static int
take_target(struct http *http, char byte)
{
    if (byte == ' ') {
        return end_target(http);
    }
    if (byte < '!' || byte > '~' || byte == '#') {
        return refuse(http, 400, "error: a target has no such byte; then comes ' HTTP/1.1'\n");
    }
    if (++http->target_bytes > HTTP_TARGET_MAX) {
        return refuse(http, 414, "error: a target has at most 8000 bytes\n");
    }
    if (http->form == FORM_ORIGIN || (http->form == FORM_NONE && byte == '/')) {
        keep_target(http, byte);
    } else if (http->form == FORM_AUTHORITY || http->form == FORM_HOST) {
        take_authority(http, byte);
    } else if (http->form == FORM_SCHEME || (http->form == FORM_NONE && is_letter(byte))) {
        take_scheme(http, byte);
    } else {
        http->form = http->form == FORM_NONE && byte == '*' ? FORM_STAR : FORM_OTHER;
    }
    return 0;
}

static int
take_version(struct http *http, char byte)
{
    char wanted = "HTTP/0.0\r"[http->length]; /* 0 stands for any digit */

    if (wanted == '0' ? !is_digit(byte) : byte != wanted) {
        return refuse(http, 400, "error: a request line is GET /BYTES HTTP/1.1, CR and LF\n");
    }
    if (byte != '\r') {
        add(http, byte);
        return 0;
    }
    if (http->word[5] != '1') {
        return refuse(http, 505, "error: HTTP/1.1 and HTTP/1.0 are spoken here\n");
    }
    http->is_1_0 = http->word[7] == '0';
    http->part = PART_LINE_END;
    return 0;
}

/* --- the fields ------------------------------------------------------------------------------ */

static int
take_field(struct http *http, char byte)
{
    if (byte == '\r') {
        http->part = PART_HEAD_END;
        return 0;
    }
    if (!is_token(byte)) {
        return refuse(http, 400, "error: a field line is NAME: VALUE, CR and LF\n");
    }
    http->length = 0;
    add(http, lower(byte));
    http->part = PART_NAME;
    return 0;
}

/* Its name is complete. Where a second one could mean another request than the first, to a proxy
 * or to us, there may be only one. */
static int
begin_value(struct http *http)
{
    bool again = false;

    http->field = FIELD_OTHER;
    if (is(http, "host")) {
        again = http->host;
        http->host = true;
        http->field = FIELD_HOST;
        http->host_part = HOST_BEGIN;
    } else if (is(http, "content-length")) {
        again = http->length_said;
        http->length_said = true;
        http->field = FIELD_LENGTH;
    } else if (is(http, "transfer-encoding")) {
        again = http->coding_said;
        http->coding_said = true;
        http->field = FIELD_CODING;
    } else if (is(http, "connection")) {
        http->field = FIELD_CONNECTION;
    }
    http->length = 0;
    http->gap = false;
    http->part = PART_VALUE;
    return again ? refuse(http, 400, "error: only one Host, Content-Length, Transfer-Encoding\n")
                 : 0;
}

static int
take_name(struct http *http, char byte)
{
    if (byte == ':') {
        return begin_value(http);
    }
    if (!is_token(byte)) {
        return refuse(http, 400, "error: a field name has no such byte, and no space behind it\n");
    }
    add(http, lower(byte));
    return 0;
}

/* An element of a list; empty ones do not count (RFC 9110 section 5.6.1). */
static int
end_element(struct http *http)
{
    if (http->field == FIELD_CONNECTION) {
        http->close_said = http->close_said || is(http, "close");
        http->keep_alive_said = http->keep_alive_said || is(http, "keep-alive");
    } else if (http->length > 0) {
        if (http->chunked) {
            return refuse(http, 400, "error: chunked is the last coding\n");
        }
        http->chunked = is(http, "chunked");
        http->codings++;
    }
    http->length = 0;
    http->gap = false;
    return 0;
}

static int
end_value(struct http *http)
{
    http->part = PART_LINE_END;
    if (http->field == FIELD_LENGTH && http->digits == 0) {
        return refuse(http, 400, "error: Content-Length is a number\n");
    }
    if (http->field == FIELD_HOST && http->host_part == HOST_LITERAL) {
        return refuse(http, 400, "error: Host is no host\n");
    }
    return http->field == FIELD_CODING || http->field == FIELD_CONNECTION ? end_element(http) : 0;
}

/* A byte of a value that matters, and no space; `gap`: a space is before it, within the value. */
static int
take_content(struct http *http, char byte, bool gap)
{
    switch (http->field) {
    case FIELD_HOST:
        return gap || !take_host(http, byte) ? refuse(http, 400, "error: Host is no host\n") : 0;
    case FIELD_LENGTH:
        if (gap || !is_digit(byte) || ++http->digits > DIGITS_MOST) {
            return refuse(http, 400, "error: Content-Length is a number of at most 18 digits\n");
        }
        http->body = http->body * 10 + (uint64_t)(byte - '0');
        return 0;
    case FIELD_CODING:
    case FIELD_CONNECTION:
        if (byte == ',') {
            return end_element(http);
        }
        if (gap) {
            add(http, ' ');
        }
        add(http, lower(byte));
        return 0;
    default:
        return 0;
    }
}

static int
take_value(struct http *http, char byte)
{
    bool gap = http->gap;

    if (byte == '\r') {
        return end_value(http);
    }
    if (byte == ' ' || byte == '\t') {
        http->gap = http->length > 0;
        return 0;
    }
    if ((unsigned char)byte < ' ' || byte == 0x7f) {
        return refuse(http, 400, "error: a value has no control characters; CR and LF end it\n");
    }
    if (http->field == FIELD_OTHER) {
        return 0;
    }
    http->gap = false;
    if (http->field == FIELD_HOST || http->field == FIELD_LENGTH) {
        http->length = 1; /* a space that follows is within the value, or behind it */
    }
    return take_content(http, byte, gap);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* cpu=US and wait=US, in any order, each once at most. */
static bool
take_query(struct http *http, const char *text, const char *end)
{
    bool cpu = false, wait = false;

    while (text < end) {
        uint64_t value;
        bool is_cpu = end - text > 4 && memcmp(text, "cpu=", 4) == 0 && !cpu;
        bool is_wait = end - text > 5 && memcmp(text, "wait=", 5) == 0 && !wait;

        if (!is_cpu && !is_wait) {
            return false;
        }
        text += is_cpu ? 4 : 5;
        if (!decimal_take(&text, end, CONN_WORK_MAX, &value) || (text < end && *text != '&') ||
            text + 1 == end) {
            return false;
        }
        *(is_cpu ? &http->cpu_us : &http->wait_us) = (uint32_t)value;
        cpu = cpu || is_cpu;
        wait = wait || is_wait;
        text += text < end;
    }
    return cpu || wait;
}

static bool
understand_target(struct http *http)
{
    const char *text = http->target + 1, *end = http->target + http->kept;

    if (http->kept == 1) {
        return true; /* "/" */
    }
    return http->kept < HTTP_KEPT && decimal_take(&text, end, CONN_BYTES_MAX, &http->bytes) &&
           http->bytes > 0 && (text == end || (*text == '?' && take_query(http, text + 1, end)));
}

/* The head is complete, and well formed. */
static int
answer(struct http *http)
{
    bool body = http->coding_said || http->body > 0;
    bool close = http->close_said || (http->is_1_0 && !http->keep_alive_said);

    if (!http->host && !http->is_1_0) {
        return refuse(http, 400, "error: HTTP/1.1 asks for a Host\n");
    }
    if (http->coding_said && (http->length_said || http->is_1_0 || !http->chunked)) {
        return refuse(
            http, 400,
            "error: Transfer-Encoding is chunked, once, without Content-Length, in 1.1\n");
    }
    if (http->method == HTTP_UNKNOWN) {
        return refuse(http, 501, "error: there is no such method\n");
    }
    if (http->method != HTTP_GET && http->method != HTTP_HEAD_ONLY) {
        refuse(http, 405, "error: GET and HEAD are allowed\n");
        http->last =
            body || close || http->method == HTTP_CONNECT; /* a tunnel's bytes may follow */
        return http->status;
    }
    if (http->coding_said) {
        return http->codings > 1 ? refuse(http, 501, "error: there is no such coding\n")
                                 : refuse(http, 411, "error: a request has no content here\n");
    }
    if (body) {
        return refuse(http, 413, "error: a request has no content here\n");
    }
    if (!understand_target(http)) {
        refuse(http, 404,
               "error: ask for /, or for /BYTES or /BYTES?cpu=US&wait=US with 1 to "
               "1073741824 BYTES and at most 10000000 US (microseconds) each\n");
    } else {
        http->status = 200;
    }
    http->last = close;
    return http->status;
}

static int
take_byte(struct http *http, char byte)
{
    if (http->part >= PART_LINE_END && ++http->field_bytes > HTTP_FIELDS_MAX + AROUND) {
        return refuse(http, 431, "error: the fields have at most 16384 bytes together\n");
    }
    switch ((enum part)http->part) {
    case PART_FIRST:
        return take_first(http, byte);
    case PART_METHOD:
        return take_method(http, byte);
    case PART_TARGET:
        return take_target(http, byte);
    case PART_VERSION:
        return take_version(http, byte);
    case PART_FIELD:
        return take_field(http, byte);
    case PART_NAME:
        return take_name(http, byte);
    case PART_VALUE:
        return take_value(http, byte);
    default:
        break;
    }
    if (byte != '\n') {
        return refuse(http, 400, "error: LF follows CR, and nothing else\n");
    }
    if (http->part == PART_HEAD_END) {
        return answer(http);
    }
    http->blank = true;
    http->part = http->part == PART_FIRST_END ? PART_FIRST : PART_FIELD;
    return 0;
}

int
http_take(struct http *http, const char *bytes, size_t length, size_t *taken)
{
    int status = 0;

    for (*taken = 0; status == 0 && *taken < length; ++*taken) {
        status = take_byte(http, bytes[*taken]);
    }
    return status;
}

bool
http_begun(const struct http *http)
{
    return http->part != PART_FIRST;
}

/* --- the head of the reply ------------------------------------------------------------------- */

static char *
put(char *to, const char *text)
{
    size_t length = strlen(text);

    memcpy(to, text, length);
    return to + length;
}

static char *
put_two(char *to, int64_t value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
    return to + 2;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* From 1970 to the beginning of a year. */
static int64_t
days_before(int year)
{
    int past = year - 1;

    return (year - 1970) * 365LL + past / 4 - past / 100 + past / 400 - (1969 / 4 - 19 + 4);
}

/* As RFC 9110 section 5.6.7 wants it: "Sun, 06 Nov 1994 08:49:37 GMT". */
static char *
put_date(char *to, int64_t now)
{
    static const char weekdays[] = "Thu, Fri, Sat, Sun, Mon, Tue, Wed, "; /* 1970 began so */
    static const char months[] = " Jan  Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec ";
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = now / 86400, second = now % 86400;
    int year = 1970 + (int)(day / 366), month = 0; /* at least that: then a step or two */

    memcpy(to, weekdays + day % 7 * 5, 5);
    while (day >= days_before(year + 1)) {
        year++;
    }
    day -= days_before(year);
    for (; day >= days[month] + (month == 1 && is_leap(year)); month++) {
        day -= days[month] + (month == 1 && is_leap(year));
    }
    to = put_two(to + 5, day + 1);
    memcpy(to, months + month * 5, 5);
    to = decimal_put(to + 5, (uint64_t)year);
    *to++ = ' ';
    to = put_two(to, second / 3600);
    *to++ = ':';
    to = put_two(to, second / 60 % 60);
    *to++ = ':';
    to = put_two(to, second % 60);
    return put(to, " GMT\r\n");
}

static const char *
reason(int status)
{
    switch (status) {
    case 200:
        return "200 OK";
    case 400:
        return "400 Bad Request";
    case 404:
        return "404 Not Found";
    case 405:
        return "405 Method Not Allowed\r\nAllow: GET, HEAD";
    case 411:
        return "411 Length Required";
    case 413:
        return "413 Content Too Large";
    case 414:
        return "414 URI Too Long";
    case 431:
        return "431 Request Header Fields Too Large";
    case 501:
        return "501 Not Implemented";
    case 503:
        return "503 Service Unavailable";
    default:
        return "505 HTTP Version Not Supported";
    }
}

size_t
http_head(const struct http *http, uint64_t length, int64_t now, bool last, char head[HTTP_HEAD])
{
    char *end = put(head, "HTTP/1.1 ");

    end = put(end, reason(http->status));
    end = put(end, "\r\nDate: ");
    end = put_date(end, now);
    end = put(end, "Content-Type: text/plain; charset=us-ascii\r\nContent-Length: ");
    end = decimal_put(end, length);
    if (last) {
        end = put(end, "\r\nConnection: close");
    } else if (http->is_1_0) {
        end = put(end, "\r\nConnection: keep-alive"); /* ab compares literally */
    }
    end = put(end, "\r\n\r\n");
    return (size_t)(end - head);
}
