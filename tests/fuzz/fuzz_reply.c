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

enum { EXPECTED_MOST = FUZZ_FILLER };

/* --- feeding --------------------------------------------------------------------------------- */

/* Bytes of a correct reply, for the inputs that could not guess them: the input says how many, and
 * goes on behind them. */
static size_t
make_reply(char *text, size_t wanted, size_t good, const struct input *input)
{
    size_t length = good < wanted ? good : wanted;
    char stamp[64];

    snprintf(stamp, sizeof stamp, "child 1 pid 3%32s", "");
    stamp[STAMP - 1] = '\n';
    memcpy(text, fuzz_filler(0), length);
    if (wanted >= STAMP) {
        memcpy(text, stamp, length < STAMP ? length : STAMP);
    }
    if (input->left > 0) {
        memcpy(text + length, input->at, input->left);
    }
    return length + input->left;
}

static void
compare(const struct reply *reply, const struct facts *facts, size_t at, bool stamps,
        enum verdict verdict)
{
    struct opinion found = judge(facts, at, stamps);

    CHECK(verdict == found.verdict, "after %zu of %zu bytes: verdict %d instead of %d", at,
          facts->wanted, (int)verdict, (int)found.verdict);
    if (verdict == VERDICT_WHOLE) {
        bool identified = verify_identified(reply);

        CHECK(reply->unverified == !found.verified, "verified: %d", !reply->unverified);
        CHECK(identified == facts->stamped, "identified: %d", identified);
        CHECK(!identified || (reply->child == facts->child && reply->pid == facts->pid),
              "child %llu pid %llu instead of %llu and %llu", (unsigned long long)reply->child,
              (unsigned long long)reply->pid, (unsigned long long)facts->child,
              (unsigned long long)facts->pid);
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
        long count = slices_next(&slices, most);
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
    static char text[EXPECTED_MOST];
    struct input none = {.left = 0};
    struct reply reply;

    make_reply(text, wanted, wanted, &none);
    CHECK(feed(&reply, text, wanted, wanted, slices_whole()) == VERDICT_WHOLE,
          "a good reply is bad");
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
        edits.left = input_byte(&input) % 9;
        edits.left = edits.left < input.left ? edits.left : input.left;
        edits.at = input.at;
        input.at += edits.left;
        input.left -= edits.left;
    }
    wanted = 1 + (wanted - 1) % EXPECTED_MOST;
    text = malloc((good < wanted ? good : wanted) + input.left + 1);
    CHECK(text, "no memory");
    length = make_reply(text, wanted, good, &input);
    edit(text, length, &edits);
    load.bytes = wanted;
    for (int known_before = 0; known_before <= 1; known_before++) {
        verify_open(&load);
        if (known_before) {
            meet_stamp(wanted);
        }
        feed(&reply, text, length, wanted, slices);
        verify_open(&load);
        if (known_before) {
            meet_stamp(wanted);
        }
        feed(&reply, text, length, wanted, slices_whole());
    }
    free(text);
    return 0;
}
