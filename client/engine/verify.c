#include "verify.h"

#include <string.h>

#include "../../common/conn.h"

static const char error_start[] = "error:";

static uint64_t expected; /* bytes of each reply */
static bool known;        /* the server is one of this suite: any stamp proves it, for good */

void
check_open(uint64_t bytes)
{
    expected = bytes;
    known = false;
}

void
check_begin(struct reply *reply)
{
    reply->got = 0;
    reply->kept = 0;
    reply->unverified = false;
}

bool
check_is_error(const struct reply *reply)
{
    size_t length = sizeof error_start - 1;

    return reply->kept >= length && memcmp(reply->head, error_start, length) == 0;
}

/* No filler and no stamp begins so. */
bool
check_may_be_error(const struct reply *reply)
{
    return reply->kept < sizeof error_start - 1 &&
           memcmp(reply->head, error_start, reply->kept) == 0;
}

bool
check_known(void)
{
    return known;
}

bool
check_identified(const struct reply *reply)
{
    return expected >= CONN_STAMP && !reply->unverified;
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

/* "child C pid P", spaces up to byte 30, and a line feed. */
static bool
take_stamp(struct reply *reply)
{
    const char *text = reply->head, *end = reply->head + CONN_STAMP - 1;

    if (*end != '\n') {
        return false; /* and so no number can run on beyond it */
    }
    if (!take_word(&text, "child ") || !take_number(&text, &reply->child)) {
        return false;
    }
    if (end - text < 6 || !take_word(&text, " pid ") || !take_number(&text, &reply->pid)) {
        return false;
    }
    while (*text == ' ') {
        text++;
    }
    return text == end;
}

/* --- what the bytes tell --------------------------------------------------------------------- */

/* The reply is not what a server of this suite sends: wrong, or the server is another's. */
static enum verdict
doubt(struct reply *reply)
{
    if (known) {
        return CHECK_CORRUPT;
    }
    reply->unverified = true;
    return CHECK_MORE;
}

static bool
is_filler(uint64_t offset, const char *data, size_t length)
{
    return memcmp(data, conn_filler(offset), length) == 0;
}

/* A reply that has room for a stamp: the stamp decides, then the filler must be right. */
static enum verdict
check_stamped(struct reply *reply, const char *data, size_t length)
{
    uint64_t offset = reply->got - length;

    if (reply->got < CONN_STAMP) {
        return CHECK_MORE;
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
    if (!reply->unverified && !is_filler(offset, data, length)) {
        return CHECK_CORRUPT;
    }
    return CHECK_MORE;
}

/* A reply too short for a stamp: a whole one of filler is proof enough. All of it is in its head.
 */
static enum verdict
check_unstamped(struct reply *reply)
{
    if (!reply->unverified && !is_filler(0, reply->head, reply->kept)) {
        return doubt(reply);
    }
    if (reply->got == expected && !reply->unverified) {
        known = true;
    }
    return CHECK_MORE;
}

void
check_keep(struct reply *reply, const char *data, size_t length)
{
    size_t room = sizeof reply->head - reply->kept;
    size_t kept = length < room ? length : room;

    if (kept > 0) {
        memcpy(reply->head + reply->kept, data, kept);
        reply->kept += kept;
    }
    reply->got += length;
}

enum verdict
check_take(struct reply *reply, const char *data, size_t length)
{
    enum verdict verdict;

    check_keep(reply, data, length);
    if (check_is_error(reply)) {
        bool ended = memchr(reply->head, '\n', reply->kept) || reply->kept == sizeof reply->head;

        return ended ? CHECK_REJECTED : CHECK_MORE;
    }
    if (check_may_be_error(reply)) {
        return CHECK_MORE; /* also when it has all bytes that it should: then they are wrong */
    }
    if (reply->got > expected) {
        return CHECK_CORRUPT; /* more than was asked for */
    }
    verdict = expected >= CONN_STAMP ? check_stamped(reply, data, length) : check_unstamped(reply);
    if (verdict == CHECK_MORE && reply->got == expected) {
        return CHECK_WHOLE;
    }
    return verdict;
}
