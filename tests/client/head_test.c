/*
 * head_test - heads of HTTP replies, as the client takes them: each prefix of a good one is not
 * whole, and in whatever pieces it comes it is the same. Says what is wrong and fails, or says
 * nothing.
 */
#include <string.h>

#include "../../client/engine/head.h"
#include "../helpers/check.h"

enum { TEXT_MOST = 40000 };

static const char behind[] = "HTTP/1.1 content\r\n\r\n"; /* is none of the head's business */

/* Takes it in two pieces, cut there. Nothing behind a whole head may be taken. */
static enum head_result
take(struct head *head, const char *text, size_t length, size_t cut, size_t *taken)
{
    enum head_result result;
    size_t rest = 0;

    head_begin(head);
    result = head_take(head, text, cut, taken);
    if (result == HEAD_MORE) {
        CHECK_IS(*taken, cut, "bytes taken of a head that is not whole");
        result = head_take(head, text + cut, length - cut, &rest);
        *taken += rest;
    }
    return result;
}

/* What the client must see in a head. */
struct seen {
    const char *text;
    unsigned status;
    unsigned length;
    bool closes;
};

static void
check_good(const struct seen *seen)
{
    static char text[TEXT_MOST];
    size_t length = strlen(seen->text), taken;
    struct head head;

    check_subject = seen->text;
    strcpy(text, seen->text);
    strcat(text, behind);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        if (cut < length) {
            CHECK_IS(take(&head, text, cut, 0, &taken), HEAD_MORE, "a prefix");
        }
        CHECK_IS(take(&head, text, strlen(text), cut, &taken), HEAD_WHOLE, "all of it");
        CHECK_IS(taken, length, "bytes");
        CHECK_IS(head.status, seen->status, "status");
        CHECK_IS(head.length, seen->length, "content");
        CHECK_IS(head.closes, seen->closes, "closes");
        CHECK_IS(head_refuses(&head), seen->status / 100 != 2, "refuses");
    }
}

/* It is refused, for the same reason, wherever it is cut. */
static void
check_bad(const char *text, const char *why)
{
    size_t length = strlen(text), taken;
    struct head head;

    check_subject = text;
    for (size_t cut = 0; cut <= length; cut++) {
        CHECK_IS(take(&head, text, length, cut, &taken), HEAD_BAD, "a bad head");
        CHECK(strstr(head.why, why), "it is bad because of '%s'", head.why);
    }
}

static void
check_limits(void)
{
    static char text[TEXT_MOST];
    size_t start, fields, taken;
    struct head head;

    check_subject = "a long head";
    start = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nSet-Cookie: ");
    for (int beyond = 0; beyond <= 1; beyond++) {
        fields = HEAD_MOST - start - 4 + (size_t)beyond;
        memset(text + start, 'x', fields);
        strcpy(text + start + fields, "\r\n\r\n");
        for (size_t cut = 0; cut < 300; cut++) {
            CHECK_IS(take(&head, text, strlen(text), cut, &taken), beyond ? HEAD_BAD : HEAD_WHOLE,
                     "of 16384 bytes, or one more");
        }
    }
    check_subject = "1xx without end";
    for (text[0] = '\0'; strlen(text) <= HEAD_MOST;) {
        strcat(text, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    CHECK_IS(take(&head, text, strlen(text), 100, &taken), HEAD_BAD, "result");
}

/* A field of which all is kept, and one that is a byte too long for that. */
static void
check_field(void)
{
    char text[2 * HEAD_LINE + 100], blanks[HEAD_LINE];
    struct head head;
    size_t taken;

    check_subject = "a long field";
    memset(blanks, ' ', sizeof blanks);
    for (int size = HEAD_LINE - 3; size <= HEAD_LINE + 3; size++) { /* with CR LF */
        int blank = size - (int)strlen("Content-Length:7\r\n");

        sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length:%.*s7\r\n\r\n", blank, blanks);
        for (size_t cut = 0; cut <= strlen(text); cut++) {
            CHECK_IS(take(&head, text, strlen(text), cut, &taken),
                     size <= HEAD_LINE ? HEAD_WHOLE : HEAD_BAD, "result");
            CHECK(size > HEAD_LINE || head.length == 7, "length of %d bytes", size);
        }
    }
}

#define OK "HTTP/1.1 200 OK\r\n"
#define FIVE "Content-Length: 5\r\n"

static const struct seen good[] = {
    {OK FIVE "\r\n", 200, 5, false},
    {OK "content-length:\t005 \t\r\nX:\r\n\r\n", 200, 5, false},
    {"HTTP/1.1 200\r\n" FIVE "\r\n", 200, 5, false},
    {"HTTP/1.9 206 \r\n" FIVE "\r\n", 206, 5, false},
    {OK FIVE "Connection: close\r\n\r\n", 200, 5, true},
    {OK FIVE "connection: upgrade ,\tCLOSE\r\n\r\n", 200, 5, true},
    {OK FIVE "Connection: a\r\nConnection: close\r\n\r\n", 200, 5, true},
    {OK FIVE "Connection: closed, keep-alive\r\n\r\n", 200, 5, false},
    {OK FIVE "X-Connection: close\r\nConnectio: close\r\n\r\n", 200, 5, false},
    {"HTTP/1.0 200 OK\r\n" FIVE "\r\n", 200, 5, true},
    {"HTTP/1.0 200 OK\r\n" FIVE "Connection: Keep-Alive\r\n\r\n", 200, 5, false},
    {"HTTP/1.0 200 OK\r\n" FIVE "Connection: keep-alive, close\r\n\r\n", 200, 5, true},
    {"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 103\r\n" FIVE "\r\n" OK
     "Content-Length: 6\r\n\r\n",
     200, 6, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false},
    {"HTTP/1.1 304 Not Modified\r\n" FIVE "\r\n", 304, 0, false},
    {"HTTP/1.1 404 Not Found\r\n" FIVE "\r\n", 404, 5, false},
    {"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n", 503, 0, false},
};

static const char *const bad[][2] = {
    {OK "\r\n", "without Content-Length"},
    {OK "Transfer-Encoding: chunked\r\n\r\n", "needs Content-Length"},
    {OK FIVE "Transfer-Encoding: gzip\r\n\r\n", "and Transfer-Encoding"},
    {OK FIVE FIVE "\r\n", "two Content-Length"},
    {OK "Content-Length: \r\n\r\n", "no number"},
    {OK "Content-Length: +5\r\n\r\n", "no number"},
    {OK "Content-Length: 5, 5\r\n\r\n", "no number"},
    {OK "Content-Length: 1000000000000000000\r\n\r\n", "no number"},
    {OK FIVE "\n", "CR LF"},
    {"HTTP/1.1 200 OK\n" FIVE "\r\n", "CR LF"},
    {OK FIVE "X: a\rb\r\n\r\n", "CR LF"},
    {OK FIVE "X: a\r\r\n\r\n", "CR LF"},
    {OK FIVE " folded: x\r\n\r\n", "no field"},
    {OK "Content-Length : 5\r\n\r\n", "no field"},
    {OK FIVE "nothing\r\n\r\n", "no field"},
    {OK FIVE ": x\r\n\r\n", "no field"},
    {"HTTP/2.0 200 OK\r\n", "no status line"},
    {"HTTP/1.10 200 OK\r\n", "no status line"},
    {"HTTP/1.1  200 OK\r\n", "no status line"},
    {"HTTP/1.1 20 OK\r\n", "no status line"},
    {"HTTP/1.1 2000 OK\r\n", "no status line"},
    {"HTTP/1.1 000 OK\r\n", "no status line"},
    {"HTTP/1.1 200\tOK\r\n", "no status line"},
    {"http/1.1", "no status line"},
    {"\r\n" OK, "no status line"},
    {"error: not today\n", "no status line"},
};

int
main(void)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        check_good(&good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_bad(bad[i][0], bad[i][1]);
    }
    check_limits();
    check_field();
    return EXIT_SUCCESS;
}
