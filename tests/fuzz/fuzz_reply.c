/*
 * fuzz_reply - client/engine/verify.c: is this the reply that was asked for?
 *
 * An input is what a server sends. It is judged in small pieces and in one; both times the verdict,
 * and where it falls, must be the oracle's, which looks at the whole. A reply is right if and only
 * if it has all its bytes and each of them is what docs/protocol.md says, or if it comes from a
 * server without stamps, and none has been seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "../../client/engine/verify.c"

#include "expected_reply.h"

static const struct slices whole = {.count = 0};

/* --- feeding --------------------------------------------------------------------------------- */

static void
compare(const struct reply *reply, const struct facts *facts, size_t at, bool stamps,
        enum verdict verdict)
{
    struct opinion found = judge(facts, at, stamps);

    CHECK_IS(verdict, found.verdict, "verdict");
    if (verdict == VERDICT_WHOLE) {
        bool identified = verify_identified(reply);

        CHECK_IS(!reply->unverified, found.verified, "verified");
        CHECK_IS(identified, facts->stamped, "identified");
        if (identified) {
            CHECK_IS(reply->sender.child, facts->sender.child, "child");
            CHECK_IS(reply->sender.thread, facts->sender.thread, "thread");
            CHECK_IS(reply->sender.pid, facts->sender.pid, "pid");
        }
    }
}

/* Feeds a reply in pieces and compares each verdict. Returns the last. */
static enum verdict
feed(struct reply *reply, const char *text, size_t length, size_t wanted, struct slices slices)
{
    struct facts facts = look_at(text, length, wanted);
    enum verdict verdict = VERDICT_MORE;
    bool stamps = verify_known();

    verify_begin(reply);
    for (size_t at = 0; at < length && verdict == VERDICT_MORE;) {
        size_t most = length - at < CONN_CHUNK ? length - at : CONN_CHUNK;
        ssize_t count = slices_next(&slices, most);
        char *piece;

        if (count < 0) {
            continue;
        }
        piece = malloc((size_t)count); /* so that reading beyond it is seen */
        CHECK(piece, "no memory");
        memcpy(piece, text + at, (size_t)count);
        verdict = verify_take(reply, piece, (size_t)count);
        free(piece);
        at += (size_t)count;
        compare(reply, &facts, at, stamps, verdict);
    }
    return verdict;
}

/* A few bytes of a right reply that become others: more such replies than by luck. */
static void
edit(char *text, size_t length, const struct input *edits)
{
    struct input input = *edits;

    while (input.left >= 2) {
        size_t at = input_byte(&input);
        char byte = (char)input_byte(&input);

        if (at < length) {
            text[at] = byte;
        }
    }
}

/* A good reply, so that the server is known to be one of this suite. */
static void
meet_stamp(size_t wanted)
{
    static char text[FUZZ_REPLY];
    struct reply reply;

    fuzz_reply(text, wanted, wanted, 0, "child 1 pid 3");
    CHECK(feed(&reply, text, wanted, wanted, whole) == VERDICT_WHOLE, "a good reply is bad");
    CHECK(verify_known() && !reply.unverified, "a good reply is not known to be one");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct load load;
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    size_t wanted = 1 + (flags & 1 ? input_number(&input, 3) : input_byte(&input));
    size_t good = flags & 2 ? input_number(&input, 3) : flags & 4 ? input_byte(&input) : 0;
    struct slices slices = slices_take(&input);
    struct input edits = {.left = 0};
    char *text;
    size_t length;
    struct reply reply;

    if (flags & 8) {
        edits = input_part(&input, input_byte(&input) % 9);
    }
    wanted = 1 + (wanted - 1) % FUZZ_REPLY;
    text = make_reply(&input, good, wanted, &length);
    edit(text, length, &edits);
    load.bytes = wanted;
    for (int pass = 0; pass < 4; pass++) {
        verify_open(&load);
        if (pass >= 2) {
            meet_stamp(wanted);
        }
        feed(&reply, text, length, wanted, pass % 2 == 0 ? slices : whole);
    }
    free(text);
    return 0;
}
