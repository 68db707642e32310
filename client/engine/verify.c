#include "verify.h"

#include <string.h>

#include "../../common/conn.h"
#include "../ask/message.h"

static const char error_start[] = "error:";

static bool is_message;       /* the replies are to -M */
static bool is_http;          /* they are the content behind a head (head.h) */
static const char *reference; /* the `expected` bytes of -E; NULL: any */
static uint64_t expected;     /* bytes of each reply */
static bool known;            /* the server is one of this suite: any stamp proves it, for good */

void
verify_open(const struct load *load)
{
    is_message = load->message != NULL;
    is_http = load->http;
    reference = is_message ? message_expected() : NULL;
    expected = load->bytes;
    known = false;
}

void
verify_begin(struct reply *reply)
{
    reply->got = 0;
    reply->kept = 0;
    reply->unverified = is_message && !reference;
    reply->wrong = reply->line_ended = reply->more_lines = false;
    reply->wrong_at = 0;
    reply->wanted = expected;
}

void
verify_expect(struct reply *reply, uint64_t wanted)
{
    reply->wanted = wanted;
    reply->unverified = wanted == 0;
}

/* True if it begins with "error:". */
static bool
begins_as_error(const struct reply *reply)
{
    size_t length = sizeof error_start - 1;

    return reply->kept >= length && memcmp(reply->head, error_start, length) == 0;
}

/* True if it may yet begin with "error:": it is shorter so far. No filler or stamp begins so. */
static bool
may_be_error(const struct reply *reply)
{
    return reply->kept < sizeof error_start - 1 &&
           memcmp(reply->head, error_start, reply->kept) == 0;
}

bool
verify_is_error(const struct reply *reply)
{
    return begins_as_error(reply) && !(is_message && reply->more_lines);
}

bool
verify_known(void)
{
    return known;
}

bool
verify_identified(const struct reply *reply)
{
    return !is_message && reply->wanted >= CONN_STAMP && !reply->unverified;
}

/* Counts, and keeps the first bytes. */
static void
keep(struct reply *reply, const char *data, size_t length)
{
    size_t room = sizeof reply->head - reply->kept;
    size_t kept = length < room ? length : room;

    if (kept > 0) {
        memcpy(reply->head + reply->kept, data, kept);
        reply->kept += kept;
    }
    reply->got += length;
}

/* --- the stamp ------------------------------------------------------------------------------- */

static bool
take_word(const char **text, const char *word)
{
    size_t length = strlen(word);
    bool same = memcmp(*text, word, length) == 0;

    *text += length;
    return same;
}

/* Digits, which the caller knows to be followed by something else. */
static bool
take_number(const char **text, uint64_t *number)
{
    const char *first = *text;

    for (*number = 0; **text >= '0' && **text <= '9'; (*text)++) {
        *number = *number * 10 + (uint64_t)(**text - '0');
    }
    return *text > first && *text - first <= 19; /* 19 digits always fit */
}

/* "child C pid P" or "child C.T pid P" with T from 1, spaces up to byte 30, and a line feed. */
static bool
take_stamp(struct reply *reply)
{
    const char *text = reply->head, *end = reply->head + CONN_STAMP - 1;
    struct sender *sender = &reply->sender;

    if (*end != '\n') {
        return false; /* and so no number can run on beyond it */
    }
    if (!take_word(&text, "child ") || !take_number(&text, &sender->child)) {
        return false;
    }
    sender->thread = 0;
    if (*text == '.') {
        text++;
        if (!take_number(&text, &sender->thread) || sender->thread == 0) {
            return false;
        }
    }
    if (end - text < 6 || !take_word(&text, " pid ") || !take_number(&text, &sender->pid)) {
        return false;
    }
    while (*text == ' ') {
        text++;
    }
    return text == end;
}

/* --- the reply to a line --------------------------------------------------------------------- */

/* No server of this suite sends such a reply: it is wrong, or the server is another one. */
static enum verdict
doubt(struct reply *reply)
{
    if (known) {
        return VERDICT_CORRUPT;
    }
    reply->unverified = true;
    return VERDICT_MORE;
}

/* True if these bytes, from `offset` on, are `right`; else notes where the first one is not. */
static bool
is_same(struct reply *reply, uint64_t offset, const char *data, const char *right, size_t length)
{
    size_t same = 0;

    if (memcmp(data, right, length) == 0) {
        return true;
    }
    while (data[same] == right[same]) {
        same++;
    }
    reply->wrong_at = offset + same;
    return false;
}

/* A reply that has room for a stamp: the stamp decides, then the filler must be right. */
static enum verdict
check_stamped(struct reply *reply, const char *data, size_t length)
{
    uint64_t offset = reply->got - length;

    if (reply->got < CONN_STAMP) {
        return VERDICT_MORE;
    }
    if (offset < CONN_STAMP) {
        size_t rest = CONN_STAMP - (size_t)offset; /* this piece completes the stamp */

        data += rest;
        length -= rest;
        offset = CONN_STAMP;
        if (!take_stamp(reply)) {
            return doubt(reply);
        }
        known = true;
    }
    if (!reply->unverified && !is_same(reply, offset, data, conn_filler(offset), length)) {
        return VERDICT_CORRUPT;
    }
    return VERDICT_MORE;
}

/* A reply too short for a stamp: if all of it is filler, that is proof enough. The head has it. */
static enum verdict
check_unstamped(struct reply *reply)
{
    if (!reply->unverified && !is_same(reply, 0, reply->head, conn_filler(0), reply->kept)) {
        return doubt(reply);
    }
    if (reply->got == reply->wanted && !reply->unverified) {
        known = true;
    }
    return VERDICT_MORE;
}

static enum verdict
take_bytes(struct reply *reply, const char *data, size_t length)
{
    enum verdict verdict;

    if (!is_http && begins_as_error(reply)) {
        bool ended = memchr(reply->head, '\n', reply->kept) || reply->kept == sizeof reply->head;

        return ended ? VERDICT_REJECTED : VERDICT_MORE;
    }
    if (!is_http && may_be_error(reply)) {
        return VERDICT_MORE; /* also when it has as many bytes as it should: then they are wrong */
    }
    if (reply->got > reply->wanted) {
        reply->wrong_at = reply->wanted;
        return VERDICT_CORRUPT;
    }
    verdict =
        reply->wanted >= CONN_STAMP ? check_stamped(reply, data, length) : check_unstamped(reply);
    return verdict == VERDICT_MORE && reply->got == reply->wanted ? VERDICT_WHOLE : verdict;
}

/* --- the reply to a message ------------------------------------------------------------------ */

/* Looks for the end of a line that began with "error:", and for bytes behind it. */
static void
follow_line(struct reply *reply, const char *data, size_t length)
{
    const char *end = reply->line_ended ? data - 1 : memchr(data, '\n', length);

    if (end) {
        reply->line_ended = true;
        reply->more_lines = reply->more_lines || end + 1 < data + length;
    }
}

static enum verdict
take_content(struct reply *reply, const char *data, size_t length)
{
    if (begins_as_error(reply)) {
        follow_line(reply, data, length);
    }
    if (reference && !reply->wrong) {
        uint64_t offset = reply->got - length, left = expected - offset;
        size_t most = left < length ? (size_t)left : length;

        reply->wrong_at = expected; /* unless one before it is wrong */
        reply->wrong = !is_same(reply, offset, data, reference + (size_t)offset, most) ||
                       reply->got > expected;
    }
    if (verify_is_error(reply)) {
        return reply->line_ended ? VERDICT_REJECTED : VERDICT_MORE;
    }
    return reply->wrong && !may_be_error(reply) ? VERDICT_CORRUPT : VERDICT_MORE;
}

/* --- both ------------------------------------------------------------------------------------ */

enum verdict
verify_take(struct reply *reply, const char *data, size_t length)
{
    keep(reply, data, length);
    return is_message ? take_content(reply, data, length) : take_bytes(reply, data, length);
}

bool
verify_refusal(struct reply *reply, const char *data, size_t length)
{
    keep(reply, data, length);
    return (!begins_as_error(reply) && !may_be_error(reply)) || reply->got >= reply->wanted ||
           reply->kept == sizeof reply->head || memchr(reply->head, '\n', reply->kept);
}

enum verdict
verify_end(const struct reply *reply)
{
    if (is_http) {
        return VERDICT_MORE;
    }
    if (verify_is_error(reply)) {
        return VERDICT_REJECTED;
    }
    /* To a message any bytes may be right, but nothing at all only where -E says so. */
    if (is_message && !reply->wrong && (reference ? reply->got == expected : reply->got > 0)) {
        return VERDICT_WHOLE;
    }
    /* To a line: all bytes have come, and no verdict, so they are the beginning of "error:". */
    return reply->wrong || (!is_message && reply->got >= expected) ? VERDICT_CORRUPT : VERDICT_MORE;
}
