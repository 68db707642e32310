/*
 * http_test - common/http.h, by cases from the rules. Each belongs to a row of the table in
 * docs/http.md, whose path is the argument: a row has the answer of some of its cases, and there
 * are others, which differ by little and are answered otherwise. Says what is wrong and fails, or
 * says nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "../../common/conn.h"
#include "../../common/http.h"
#include "../helpers/check.h"

enum { ROWS_MOST = 99, TEXT = 40 * 1000, KEPT = 0, CLOSED = 1 };

/* --- the cases ------------------------------------------------------------------------------- */

/* \a stands behind the byte that decides, where that is not the last one. */
#define LINE(line) line "\r\nHost: a\r\n\r\n"
#define GET(target) LINE("GET " target " HTTP/1.1")
#define WITH(fields) "GET /40 HTTP/1.1\r\nHost: a\r\n" fields "\r\n\r\n"
#define OLD(fields) "GET /40 HTTP/1.0\r\n" fields "\r\n"
#define POST(fields) "POST /40 HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

static const struct test {
    int row, status, last;
    const char *text;
} tests[] = {
    {1, 200, KEPT, GET("/1")},
    {1, 200, KEPT, GET("/1073741824")},
    {1, 200, KEPT, LINE("HEAD /040 HTTP/1.1")},
    {1, 404, KEPT, GET("/0")},
    {1, 404, KEPT, GET("/1073741825")},
    {1, 404, KEPT, GET("/18446744073709551617")},
    {2, 200, KEPT, GET("/40?cpu=0")},
    {2, 200, KEPT, GET("/40?wait=10000000&cpu=10000000")},
    {2, 404, KEPT, GET("/40?cpu=10000001")},
    {2, 404, KEPT, GET("/40?wait=10000001")},
    {2, 404, KEPT, GET("/40?cpu=1&cpu=1")},
    {2, 404, KEPT, GET("/40?wait=1&wait=1")},
    {2, 404, KEPT, GET("/40?cpu=1&")},
    {2, 404, KEPT, GET("/40?&cpu=1")},
    {2, 404, KEPT, GET("/40?")},
    {3, 200, KEPT, GET("/")},
    {3, 200, KEPT, LINE("HEAD / HTTP/1.1")},
    {3, 404, KEPT, GET("/?")},
    {3, 404, KEPT, GET("//")},
    {4, 200, KEPT, GET("http://example.com:80/40?cpu=1")},
    {4, 200, KEPT, GET("HTTPS://[::1]")},
    {4, 404, KEPT, GET("http://a?cpu=1")},
    {4, 400, CLOSED, "GET http:///40 \a"},
    {5, 404, KEPT, GET("/favicon.ico")},
    {5, 404, KEPT, GET("/%34%30")},
    {5, 404, KEPT, GET("/40?cpu=-1")},
    {5, 404, KEPT, GET("/+40")},
    {5, 404, KEPT, GET("/40/")},
    {5, 404, CLOSED, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
    {5, 200, KEPT, GET("/40")},
    {5, 404, CLOSED, "HEAD /x HTTP/1.0\r\n\r\n"},
    {6, 405, KEPT, POST("")},
    {6, 405, KEPT, POST("Content-Length: 0\r\n")},
    {6, 405, KEPT, LINE("PUT / HTTP/1.1")},
    {6, 405, KEPT, LINE("DELETE /x HTTP/1.1")},
    {6, 405, KEPT, LINE("TRACE /40 HTTP/1.1")},
    {6, 405, KEPT, LINE("PATCH /40 HTTP/1.1")},
    {6, 405, KEPT, LINE("OPTIONS * HTTP/1.1")},
    {6, 405, CLOSED, POST("Connection: close\r\n")},
    {6, 405, CLOSED, "POST /40 HTTP/1.0\r\n\r\n"},
    {7, 405, CLOSED, POST("Content-Length: 3\r\n") "\a40\n"},
    {7, 405, CLOSED, POST("Transfer-Encoding: chunked\r\n") "\a3\r\n40\n"},
    {7, 405, CLOSED, POST("Transfer-Encoding: gzip, chunked\r\n")},
    {7, 405, CLOSED, LINE("CONNECT a:443 HTTP/1.1") "\a40\n"},
    {7, 400, CLOSED, POST("Transfer-Encoding: gzip\r\n")},
    {8, 501, CLOSED, LINE("BREW /40 HTTP/1.1")},
    {8, 501, CLOSED, LINE("get /40 HTTP/1.1")},
    {8, 501, CLOSED, LINE("GETS /40 HTTP/1.1")},
    {8, 501, CLOSED, LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDE /40 HTTP/1.1")},
    {8, 400, CLOSED, "BREW /40 HTTP/1.1\r\n\r\n"},
    {9, 501, CLOSED, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF\a"},
    {9, 400, CLOSED, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDE@\a"},
    {10, 400, CLOSED, "hello\n\a"},
    {10, 400, CLOSED, "GET\t\a/40"},
    {10, 400, CLOSED, "GET\r\a\n"},
    {10, 400, CLOSED, "GE(\aT"},
    {10, 400, CLOSED, " \aGET"},
    {10, 501, CLOSED, LINE("!#$%&'*+-.^_`|~09azAZ /40 HTTP/1.1")},
    {11, 400, CLOSED, "GET  \a/40"},
    {11, 400, CLOSED, "GET /40\n\a"},
    {11, 400, CLOSED, "GET /40\r\a\n"},
    {11, 400, CLOSED, "GET /4\t\a0"},
    {11, 400, CLOSED, "GET /4#\a0"},
    {11, 400, CLOSED, "GET /\x7f\a"},
    {11, 400, CLOSED, "GET /\x80\a"},
    {11, 404, KEPT, GET("/!~\"<>\\^`{|}")},
    {12, 400, CLOSED, "GET 40 \a"},
    {12, 400, CLOSED, "GET * \a"},
    {12, 400, CLOSED, "OPTIONS ** \a"},
    {12, 400, CLOSED, "GET ftp://a/40 \a"},
    {12, 400, CLOSED, "GET http:/a/40 \a"},
    {12, 400, CLOSED, "GET http:// \a"},
    {12, 400, CLOSED, "GET http://:80/ \a"},
    {12, 400, CLOSED, "GET http://u@a/40 \a"},
    {12, 400, CLOSED, "GET a:443 \a"},
    {12, 400, CLOSED, "CONNECT  \a"},
    {12, 405, KEPT, LINE("OPTIONS * HTTP/1.1")},
    {12, 405, CLOSED, LINE("CONNECT 127.0.0.1:443 HTTP/1.1")},
    {14, 200, KEPT, LINE("GET /40 HTTP/1.2")},
    {14, 200, KEPT, LINE("GET /40 HTTP/1.9")},
    {14, 200, CLOSED, "GET /40 HTTP/1.0\r\n\r\n"},
    {15, 505, CLOSED, "GET /40 HTTP/2.0\r\a\n"},
    {15, 505, CLOSED, "GET /40 HTTP/0.9\r\a\n"},
    {15, 400, CLOSED, "GET /40 HTTP/2\r\a\n"},
    {16, 400, CLOSED, "GET /40 h\attp/1.1\r\n"},
    {16, 400, CLOSED, "GET /40 \r\a\n"},
    {16, 400, CLOSED, "GET /40  \aHTTP/1.1"},
    {16, 400, CLOSED, "GET /40 HTTP/1.10\a\r\n"},
    {16, 400, CLOSED, "GET /40 HTTP/11\a.1"},
    {16, 400, CLOSED, "GET /40 HTTP/1.1 \a\r\n"},
    {16, 400, CLOSED, "GET /40 HTTP/1.x\a"},
    {16, 200, KEPT, GET("/40")},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\n\a"},
    {17, 400, CLOSED, "GET /40 HTTP/1\n\a"},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\rH\aost: a"},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a\n\a\n"},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a\r\r\a\n"},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a\r\n\n\a"},
    {17, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a\r\n\rX\a"},
    {17, 400, CLOSED, "\n\aGET"},
    {17, 200, KEPT, WITH("X: y")},
    {18, 400, CLOSED, "GET /40 HTTP/1.1\r\nX: \x01\a"},
    {18, 400, CLOSED, "GET /40 HTTP/1.1\r\nX: a\x1f\a"},
    {18, 400, CLOSED, "GET /40 HTTP/1.1\r\nX: a\x7f\a"},
    {18, 400, CLOSED, "GET /40 HTTP/1.1\r\nConnection: \x0b\a"},
    {18, 200, KEPT, WITH("X: \ta\tb \x80\xff !\"#:;<=>?@")},
    {19, 400, CLOSED, "GET /40 HTTP/1.1\r\n:\a x"},
    {19, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost \a: a"},
    {19, 400, CLOSED, "GET /40 HTTP/1.1\r\nHo@\ast: a"},
    {19, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost\r\a\n"},
    {19, 200, KEPT, WITH("!#$%&'*+-.^_`|~09azAZ:")},
    {20, 400, CLOSED, "GET /40 HTTP/1.1\r\nX: a\r\n \ab"},
    {20, 400, CLOSED, "GET /40 HTTP/1.1\r\n\t\aX: a"},
    {20, 200, KEPT, WITH("X: a\r\nb:")},
    {22, 400, CLOSED, "GET /40 HTTP/1.1\r\n\r\n"},
    {22, 400, CLOSED, "GET /40 HTTP/1.2\r\nHosts: a\r\n\r\n"},
    {22, 400, CLOSED, "BREW /40 HTTP/1.1\r\n\r\n"},
    {22, 200, CLOSED, "GET /40 HTTP/1.0\r\n\r\n"},
    {22, 200, KEPT, "GET /40 HTTP/1.1\r\nHOST:\r\n\r\n"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a\r\nhost:\a a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.0\r\nHost: a\r\nHost:\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a b\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a,\ab"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: u@\aa"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a/\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: \x80\a"},
    {23, 200, KEPT, "GET /40 HTTP/1.1\r\nHost:\t[fe80::1%25lo]:80 \t\r\n\r\n"},
    {23, 200, KEPT, "GET /40 HTTP/1.1\r\nHost: :80\r\n\r\n"},
    {23, 200, KEPT, "GET /40 HTTP/1.1\r\nHost: a:\r\n\r\n"},
    {23, 200, KEPT, "GET /40 HTTP/1.1\r\nHost: []\r\n\r\n"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a:b\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: ::\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: [::1 \r\a\n"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: [a]b\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: a[\a"},
    {23, 400, CLOSED, "GET /40 HTTP/1.1\r\nHost: [[\a"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length:\r\a\n"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: +\a5"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: -\a0"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: 0x\a0"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: 0,\a 0"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: 0 0\a"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: 0000000000000000000\a"},
    {24, 400, CLOSED, "GET /40 HTTP/1.1\r\nContent-Length: 0\r\ncontent-length:\a 0"},
    {24, 200, KEPT, WITH("Content-Length: 000000000000000000 ")},
    {24, 413, CLOSED, WITH("Content-Length: 999999999999999999")},
    {25, 400, CLOSED, WITH("Content-Length: 0\r\nTransfer-Encoding: chunked")},
    {25, 400, CLOSED, POST("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")},
    {25, 200, KEPT, WITH("Content-Length: 0\r\nTE: chunked")},
    {26, 400, CLOSED, OLD("Transfer-Encoding: chunked\r\n")},
    {26, 400, CLOSED, WITH("Transfer-Encoding: gzip")},
    {26, 400, CLOSED, WITH("Transfer-Encoding:")},
    {26, 400, CLOSED, WITH("Transfer-Encoding: identity")},
    {26, 400, CLOSED, WITH("Transfer-Encoding: xchunked")},
    {26, 400, CLOSED, WITH("Transfer-Encoding: chunked x")},
    {26, 400, CLOSED, "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\a\n"},
    {26, 400, CLOSED, "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip,\a chunked"},
    {26, 400, CLOSED, "GET / HTTP/1.1\r\nTransfer-Encoding: chunked,chunked,\a"},
    {26, 400, CLOSED, "GET / HTTP/1.1\r\nTransfer-Encoding: a\r\nTransfer-Encoding:\a"},
    {26, 411, CLOSED, WITH("Transfer-Encoding: chunked")},
    {27, 200, KEPT, WITH("Content-Length: 0")},
    {27, 413, CLOSED, WITH("Content-Length: 1")},
    {28, 413, CLOSED, WITH("Content-Length: 5") "\a40\r\n\r\n"},
    {28, 413, CLOSED, "HEAD / HTTP/1.0\r\nContent-Length: 1\r\n\r\n"},
    {28, 200, KEPT, WITH("Content-Length: 00")},
    {29, 411, CLOSED, WITH("Transfer-Encoding: chunked") "\a0\r\n\r\n"},
    {29, 411, CLOSED, WITH("transfer-encoding: ,\t, CHUNKED , ")},
    {29, 400, CLOSED, WITH("Transfer-Encoding: chunked;q=1")},
    {30, 501, CLOSED, WITH("Transfer-Encoding: gzip, chunked")},
    {30, 400, CLOSED, WITH("Transfer-Encoding: gzip; chunked")},
    {31, 200, KEPT,
     WITH("Expect: 100-continue\r\nUpgrade: h2c\r\nRange: bytes=0-1\r\nIf-Match: *")},
    {31, 400, CLOSED, "GET /40 HTTP/1.1\r\nRange: \r\nRange: a\rb\a"},
    {32, 200, KEPT, "\r\n" GET("/40")},
    {32, 400, CLOSED, "\r\n \aGET"},
    {33, 400, CLOSED, "\r\n\r\a\n"},
    {33, 400, CLOSED, "\r\n\n\a"},
    {33, 200, KEPT, "\r\n" GET("/")},
    {34, 200, CLOSED, WITH("Connection: close")},
    {34, 200, CLOSED, WITH("connection: ,keep-alive,\tCLOSE ,x")},
    {34, 200, CLOSED, WITH("Connection: x\r\nConnection: close\r\nConnection: keep-alive")},
    {34, 200, KEPT, WITH("Connection: closed, clos, close x, x close")},
    {34, 200, KEPT, WITH("Connection: keep-alive\r\nKeep-Alive: close")},
    {35, 200, CLOSED, OLD("")},
    {35, 200, CLOSED, OLD("Connection: x-keep-alive\r\n")},
    {35, 200, CLOSED, OLD("Connection: keep-alive, close\r\n")},
    {35, 200, KEPT, OLD("Connection: keep-alive\r\n")},
    {36, 200, KEPT, OLD("Connection: x, Keep-Alive\r\nHost: a\r\n")},
    {36, 200, CLOSED, OLD("Connection: keep\r\n")},
};

/* --- one of them ----------------------------------------------------------------------------- */

static struct {
    bool is, hit, missed; /* it is in the docs, a case has its answer, one has another */
    int status, last;
} rows[ROWS_MOST + 1];

static const char next_request[] = "GET /1 HTTP/1.1\r\nHost: b\r\n\r\n";

/* Takes it in pieces, of `first` bytes and then of `size`; the last is what decides. */
static struct http
take(const char *text, size_t length, size_t first, size_t size, size_t *end)
{
    struct http http = {.status = 0};
    size_t at = 0, taken = 0;
    int status = 0;

    while (status == 0 && at < length) {
        size_t piece = at == 0 ? first : size;

        piece = piece < length - at ? piece : length - at;
        status = http_take(&http, text + at, piece, &taken);
        CHECK(status != 0 || taken == piece, "incomplete, but not all of it was taken");
        at += taken;
    }
    CHECK_IS(status, http.status, "the status is returned, and noted");
    *end = at;
    return http;
}

static void
check_error(const char *error)
{
    size_t length = strlen(error);

    CHECK(strncmp(error, "error: ", 7) == 0 && error[length - 1] == '\n', "its line: %s", error);
    for (size_t i = 0; i + 1 < length; i++) {
        CHECK(error[i] >= ' ' && error[i] <= '~', "its line has byte %d", error[i]);
    }
}

static void
check_answer(const struct test *test, const struct http *http, size_t end, size_t wanted)
{
    CHECK_IS(http->status, test->status, "status");
    CHECK_IS(end, wanted, "bytes taken");
    CHECK_IS(http->last, test->last, "last");
    CHECK_IS(http->error == NULL, test->status == 200, "an error's line");
    if (http->error) {
        check_error(http->error);
    }
}

/* The request ends at `end`, whatever pieces it comes in; before that it is incomplete. */
static void
check_pieces(const struct test *test, const char *text, size_t length, size_t end)
{
    size_t step = length > 2000 ? 97 : 1, at;
    struct http http;

    for (size_t cut = 1; cut < length; cut += cut + 10 < end ? step : 1) {
        http = take(text, length, cut, length, &at);
        check_answer(test, &http, at, end);
        http = take(text, cut < end ? cut : end - 1, cut, 1, &at);
        CHECK_IS(http.status, 0, "the status of less");
        CHECK(http_begun(&http) || (at == 2 && memcmp(text, "\r\n", 2) == 0) || at == 0,
              "it is not known that it has begun");
    }
    http = take(text, length, 1, 1, &at);
    check_answer(test, &http, at, end);
}

static void
check_text(const struct test *test, const char *text, size_t length, size_t end)
{
    static char whole[TEXT];
    bool right = rows[test->row].status == test->status && rows[test->row].last == test->last;
    struct http http;
    size_t at;

    CHECK(rows[test->row].is, "docs/http.md has no such row");
    rows[test->row].hit |= right;
    rows[test->row].missed |= !right;
    memcpy(whole, text, length);
    memcpy(whole + length, next_request, sizeof next_request);
    length += strlen(next_request);
    http = take(whole, length, length, length, &at);
    check_answer(test, &http, at, end);
    check_pieces(test, whole, length, end);
}

static void
check_tests(void)
{
    static char subject[200], text[TEXT];

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        const char *mark = strchr(tests[i].text, '\a');
        size_t length = strlen(tests[i].text), end = mark ? (size_t)(mark - tests[i].text) : length;

        snprintf(subject, sizeof subject, "row %d, \"%.150s\"", tests[i].row, tests[i].text);
        check_subject = subject;
        memcpy(text, tests[i].text, end);
        if (mark) {
            memcpy(text + end, mark + 1, length-- - end);
        }
        check_text(&tests[i], text, length, end);
    }
}

/* --- limits ---------------------------------------------------------------------------------- */

/* `count` bytes of filling between the others; it is decided `end` bytes before its end. */
static void
check_limit(int row, int status, int last, const char *before, size_t count, const char *behind,
            size_t end)
{
    static char subject[100], text[TEXT];
    size_t length = strlen(before);

    snprintf(subject, sizeof subject, "row %d, %zu bytes behind \"%.30s\"", row, count, before);
    check_subject = subject;
    memcpy(text, before, length);
    memset(text + length, '0', count);
    strcpy(text + length + count, behind);
    length += count + strlen(behind);
    check_text(&(struct test){row, status, last, NULL}, text, length, length - end);
}

static void
check_limits(void)
{
    const char *rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
    const char *fields = "GET /40 HTTP/1.1\r\nHost: a\r\nX:";
    size_t room = HTTP_FIELDS_MAX - strlen("Host: a\r\nX:\r\n");

    check_limit(1, 200, KEPT, "GET /", HTTP_KEPT - 3, "1 HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    check_limit(1, 404, KEPT, "GET /", HTTP_KEPT - 2, "1 HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    check_limit(13, 404, KEPT, "GET /", HTTP_TARGET_MAX - 1, rest, 0);
    check_limit(13, 414, CLOSED, "GET /", HTTP_TARGET_MAX, rest, strlen(rest));
    check_limit(13, 404, KEPT, "GET http://a/", HTTP_TARGET_MAX - 9, rest, 0);
    check_limit(13, 414, CLOSED, "GET http://a/", HTTP_TARGET_MAX - 8, rest, strlen(rest));
    check_limit(21, 200, KEPT, fields, room, "\r\n\r\n", 0);
    check_limit(21, 431, CLOSED, fields, room + 1, "\r\n\r\n", 0);
    check_limit(21, 431, CLOSED, fields, room + 2, "\r\n\r\n", 1);
    check_limit(21, 431, CLOSED, "GET /40 HTTP/1.1\r\n", HTTP_FIELDS_MAX + 3, "", 0);
    check_limit(12, 400, CLOSED, "GET http", 100, "://a/ ", 0);
    check_limit(34, 200, KEPT, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close", 100, "\r\n\r\n",
                0);
    check_limit(27, 200, KEPT, "GET / HTTP/1.1\r\nHost: a\r\ncontent-length", 100, ": 5\r\n\r\n",
                0);
}

static void
check_zero(void)
{
    const struct test test = {18, 400, CLOSED, NULL};

    check_subject = "a zero byte";
    check_text(&test, "GET /40 HTTP/1.1\r\nX: \0", 23, 22);
    check_text(&(struct test){11, 400, CLOSED, NULL}, "GET /\0", 6, 6);
    check_text(&(struct test){10, 400, CLOSED, NULL}, "G\0T", 3, 2);
    check_text(&(struct test){19, 400, CLOSED, NULL}, "GET /40 HTTP/1.1\r\n\0", 19, 19);
    check_text(&(struct test){23, 400, CLOSED, NULL}, "GET / HTTP/1.1\r\nHost:\0", 22, 22);
}

/* --- what is asked for ----------------------------------------------------------------------- */

static void
check_values(void)
{
    static const struct {
        const char *text;
        enum http_method method;
        unsigned long bytes, cpu_us, wait_us;
    } asked[] = {
        {GET("/"), HTTP_GET, 0, 0, 0},
        {LINE("HEAD / HTTP/1.1"), HTTP_HEAD_ONLY, 0, 0, 0},
        {GET("/1073741824"), HTTP_GET, 1073741824, 0, 0},
        {GET("/007?cpu=08"), HTTP_GET, 7, 8, 0},
        {GET("/7?wait=9"), HTTP_GET, 7, 0, 9},
        {GET("/7?wait=10000000&cpu=1"), HTTP_GET, 7, 1, 10000000},
        {GET("http://a/7?cpu=1&wait=2"), HTTP_GET, 7, 1, 2},
        {GET("http://a"), HTTP_GET, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        size_t end;
        struct http http = take(asked[i].text, strlen(asked[i].text), 7, 1, &end);

        check_subject = asked[i].text;
        CHECK_IS(http.status, 200, "status");
        CHECK_IS(http.method, asked[i].method, "method");
        CHECK_IS(http.bytes, asked[i].bytes, "bytes");
        CHECK_IS(http.cpu_us, asked[i].cpu_us, "cpu");
        CHECK_IS(http.wait_us, asked[i].wait_us, "wait");
    }
}

/* --- the head of the reply ------------------------------------------------------------------- */

static void
check_head(const struct http *http, const char *line, uint64_t length, int64_t now, bool last)
{
    char head[HTTP_HEAD], again[HTTP_HEAD], wanted[HTTP_HEAD], date[64];
    time_t time = (time_t)now;
    size_t size;

    memset(head, '?', sizeof head);
    size = http_head(http, length, now, last, head);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&time));
    snprintf(wanted, sizeof wanted,
             "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
             "Content-Length: %llu\r\n%s\r\n",
             line, date, (unsigned long long)length,
             last           ? "Connection: close\r\n"
             : http->is_1_0 ? "Connection: keep-alive\r\n"
                            : "");
    check_subject = wanted;
    CHECK(size == strlen(wanted) && memcmp(head, wanted, size) == 0, "the head is: %.*s", (int)size,
          head);
    CHECK(http_head(http, length, now, last, again) == size && memcmp(head, again, size) == 0,
          "another head the second time");
}

static void
check_heads(void)
{
    static const struct {
        int status;
        const char *line;
    } lines[] = {
        {200, "200 OK"},
        {400, "400 Bad Request"},
        {404, "404 Not Found"},
        {405, "405 Method Not Allowed\r\nAllow: GET, HEAD"},
        {411, "411 Length Required"},
        {413, "413 Content Too Large"},
        {414, "414 URI Too Long"},
        {431, "431 Request Header Fields Too Large"},
        {501, "501 Not Implemented"},
        {505, "505 HTTP Version Not Supported"},
    };
    const int64_t nineties = 784111777; /* the example of RFC 9110: Sun, 06 Nov 1994 08:49:37 */
    char head[HTTP_HEAD];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct http http = {.status = lines[i].status};

        check_head(&http, lines[i].line, 1, nineties, true);
        check_head(&http, lines[i].line, UINT64_MAX, nineties, false);
        http.is_1_0 = true;
        check_head(&http, lines[i].line, 1 << 30, nineties, false);
        check_head(&http, lines[i].line, 0, 4107542400, true); /* 2100-03-01 */
    }
    http_head(&(struct http){.status = 200}, 1, nineties, false, head);
    CHECK(strstr(head, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "%.60s", head);
    /* Each day from 1970 to 2199, at another time of the day; the first and the last second too. */
    for (int64_t day = 0; day < 84000; day++) {
        check_head(&(struct http){.status = 200}, "200 OK", 1, day * 86400 + day * 11 % 86400,
                   false);
        check_head(&(struct http){.status = 200}, "200 OK", 1, day * 86400 + 86399, false);
        check_head(&(struct http){.status = 200}, "200 OK", 1, day * 86400, false);
    }
}

/* --- the table of docs/http.md --------------------------------------------------------------- */

/* Its rows are "| NUMBER | what comes | STATUS ... | kept or closed | sections |". */
static int
read_rows(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[1000], connection[8];
    int count = 0, number, status;

    CHECK(file, "cannot be opened");
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "| %d | %*[^|]| %d%*[^|]| %7[a-z]", &number, &status, connection) == 3) {
            CHECK_IS(number, ++count, "the number of a row");
            CHECK(number <= ROWS_MOST, "more rows than there is room for");
            rows[number].is = true;
            rows[number].status = status;
            rows[number].last = strcmp(connection, "closed") == 0 ? CLOSED : KEPT;
        }
    }
    fclose(file);
    CHECK(count > 0, "has no rows");
    return count;
}

int
main(int argc, char *argv[])
{
    int count;

    check_subject = "docs/http.md";
    count = read_rows(argc == 2 ? argv[1] : "");
    check_tests();
    check_limits();
    check_zero();
    check_values();
    check_heads();
    check_subject = "docs/http.md";
    for (int row = 1; row <= count; row++) {
        CHECK(rows[row].hit, "row %d: no case has its answer", row);
        CHECK(rows[row].missed, "row %d: no case differs from it", row);
    }
    return 0;
}
