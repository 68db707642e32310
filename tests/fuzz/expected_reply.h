/*
 * expected_reply - the oracle of fuzz_reply and fuzz_visit: what a client should say of a reply to
 * a line, of which it sees the whole. From docs/protocol.md.
 */
#ifndef FUZZ_EXPECTED_REPLY_H
#define FUZZ_EXPECTED_REPLY_H

#include <stdlib.h>
#include <string.h>

#include "../../client/engine/verify.h"
#include "fuzz.h"

enum { STAMP = FUZZ_STAMP, KEPT = 128 };

/* Bytes of a correct reply, for the inputs that could not guess them, and behind these the rest of
 * the input. The text has its exact size, so that a byte too many is seen. */
static char *
make_reply(const struct input *rest, size_t good, size_t wanted, size_t *length)
{
    char *text;

    good = good < wanted ? good : wanted;
    *length = good + rest->left;
    text = malloc(*length + (*length == 0));
    CHECK(text, "no memory");
    fuzz_reply(text, good, wanted, 0, "child 12 pid 3456");
    if (rest->left > 0) {
        memcpy(text + good, rest->at, rest->left);
    }
    return text;
}

/* How many bytes at the beginning are right, if the first `from` are and the rest is filler. */
static size_t
count_filler(const char *text, size_t length, size_t from)
{
    const char *filler = fuzz_filler(0);

    if (from < length && memcmp(text + from, filler + from, length - from) == 0) {
        return length; /* the usual case, fast */
    }
    while (from < length && text[from] == filler[from]) {
        from++;
    }
    return from;
}

/* Is this a stamp? "child C pid P" or "child C.T pid P" with T from 1, spaces, a line feed. (More
 * than 19 digits could exceed 64 bits.) */
static bool
is_stamp(const char text[STAMP], struct sender *sender)
{
    char line[STAMP] = "", numbers[3][20] = {"", "", ""};
    int end = 0;
    bool threads;

    memcpy(line, text, STAMP - 1);
    threads = sscanf(line, "child%*1[ ]%19[0-9].%19[0-9]%*1[ ]pid%*1[ ]%19[0-9]%n", numbers[0],
                     numbers[1], numbers[2], &end) == 3;
    if (!threads && sscanf(line, "child%*1[ ]%19[0-9]%*1[ ]pid%*1[ ]%19[0-9]%n", numbers[0],
                           numbers[2], &end) != 2) {
        return false;
    }
    sender->child = strtoull(numbers[0], NULL, 10);
    sender->thread = threads ? strtoull(numbers[1], NULL, 10) : 0;
    sender->pid = strtoull(numbers[2], NULL, 10);
    return threads == (sender->thread > 0) && text[STAMP - 1] == '\n' &&
           end + (int)strspn(line + end, " ") == STAMP - 1;
}

/* What can be said of a text at all. */
struct facts {
    size_t wanted;    /* bytes of the reply that was asked for */
    size_t alike;     /* bytes that are as in "error:" */
    size_t error_end; /* behind the line feed of that line; what is kept of it, if it has none */
    bool stamped;     /* it begins with a stamp, of which are: */
    struct sender sender;
    size_t good; /* bytes as they should be, before the first wrong one */
};

/* What should be said of the first `length` bytes. */
struct opinion {
    enum verdict verdict;
    bool verified; /* it is what a server of this suite sends */
};

static struct facts
look_at(const char *text, size_t length, size_t wanted)
{
    struct facts facts = {.wanted = wanted};
    size_t seen = length < wanted ? length : wanted;

    while (facts.alike < 6 && facts.alike < length && text[facts.alike] == "error:"[facts.alike]) {
        facts.alike++;
    }
    while (facts.error_end < KEPT && facts.error_end < length && text[facts.error_end] != '\n') {
        facts.error_end++;
    }
    facts.error_end += facts.error_end < KEPT; /* if it ends earlier: more than there is */
    if (wanted < STAMP) {
        facts.good = count_filler(text, seen, 0);
    } else if (seen >= STAMP && is_stamp(text, &facts.sender)) {
        facts.stamped = true;
        facts.good = count_filler(text, seen, STAMP);
    }
    return facts;
}

/* `stamps`: it is known that the server is one of this suite. */
static struct opinion
judge(const struct facts *facts, size_t length, bool stamps)
{
    struct opinion found = {.verdict = VERDICT_MORE};
    bool can_tell = facts->wanted < STAMP || length >= STAMP;
    size_t seen = length < facts->wanted ? length : facts->wanted;

    if (facts->alike == 6 && length >= 6) {
        found.verdict = length >= facts->error_end ? VERDICT_REJECTED : VERDICT_MORE;
        return found;
    }
    if (length <= facts->alike) {
        return found; /* it may become an error line */
    }
    found.verified = can_tell && (facts->stamped || (facts->wanted < STAMP && facts->good >= seen));
    if (length > facts->wanted) {
        found.verdict = VERDICT_CORRUPT;
    } else if (can_tell && facts->good < seen && (stamps || found.verified)) {
        found.verdict = VERDICT_CORRUPT;
    } else if (length == facts->wanted) {
        found.verdict = VERDICT_WHOLE;
    }
    return found;
}

#endif
