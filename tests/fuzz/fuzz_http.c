/*
 * fuzz_http - common/http.c: requests, and heads of replies.
 *
 * An input is what a client sends, and in which pieces. The requests in it are taken whole, in
 * these pieces, and byte by byte: each time the answers must be those of the oracle, decided by the
 * same byte. The head of each reply is of its status, and within its room.
 */
#include <string.h>

#include "expected_http.h"

#include "../../common/http.c"

/* As much as can be said of a request that is not complete, or of one that is. */
static void
compare(const struct http *http, size_t taken, size_t length, const struct expected_http *is)
{
    CHECK_IS(http->status, is->status, "status");
    CHECK_IS(taken, is->status == 0 ? length : is->end, "bytes taken");
    if (is->status == 0) {
        CHECK_IS(http_begun(http), is->begun, "begun");
        return;
    }
    CHECK_IS(http->last, is->last, "last");
    CHECK_IS(http->error == NULL, is->status == 200, "without an error");
    if (is->status == 404 || is->status == 405 || is->status == 200) {
        CHECK_IS(http->is_1_0, is->is_1_0, "HTTP/1.0");
        CHECK_IS(http->method == HTTP_HEAD_ONLY, is->head_only, "HEAD");
    }
    if (is->status == 200) {
        CHECK_IS(http->bytes, is->bytes, "bytes");
        CHECK_IS(http->cpu_us, is->cpu_us, "cpu");
        CHECK_IS(http->wait_us, is->wait_us, "wait");
    }
}

static void
check_reply(const struct http *http)
{
    char head[HTTP_HEAD + 1], status[16];
    size_t size = http_head(http, UINT64_MAX, 253402300799, http->last, head);

    CHECK(size <= HTTP_HEAD, "a head of %zu bytes", size);
    head[size] = '\0';
    snprintf(status, sizeof status, "HTTP/1.1 %d ", http->status);
    CHECK(strncmp(head, status, strlen(status)) == 0, "of another status: %s", head);
    CHECK(strstr(head, "\r\n\r\n") == head + size - 4, "it ends elsewhere: %s", head);
    CHECK(!http->error ||
              (strncmp(http->error, "error: ", 7) == 0 && strchr(http->error, '\n')[1] == '\0'),
          "no line: %s", http->error);
}

/* The next request, in pieces. */
static struct http
take(const char *text, size_t length, struct slices *slices, size_t *taken)
{
    struct http http = {.status = 0};
    size_t count;

    for (*taken = 0; http.status == 0 && *taken < length; *taken += count) {
        ssize_t piece = slices_next(slices, length - *taken);

        count = 0;
        if (piece > 0) {
            http_take(&http, text + *taken, (size_t)piece, &count);
            CHECK(http.status != 0 || count == (size_t)piece, "incomplete, but not all was taken");
        }
    }
    return http;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t one = 1;
    const struct slices whole = {.count = 0}, bytewise = {.bytes = &one, .count = 1};
    struct input input = {data, size};
    struct slices given = slices_take(&input);
    const char *text = (const char *)input.at;

    for (size_t at = 0; at < input.left;) {
        struct expected_http is = expect_http(text + at, input.left - at);
        struct slices ways[] = {whole, given, bytewise};
        struct http http;

        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            size_t taken;

            check_subject = (const char *const[]){"whole", "in pieces", "byte by byte"}[i];
            http = take(text + at, input.left - at, &ways[i], &taken);
            compare(&http, taken, input.left - at, &is);
        }
        if (http.status == 0) {
            return 0;
        }
        check_reply(&http);
        if (http.last) {
            return 0;
        }
        at += is.end;
    }
    return 0;
}
