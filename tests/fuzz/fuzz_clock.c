/*
 * fuzz_clock - server05_spawn_pool/handlers/handler_clock.c: the parser of JSON.
 *
 * The oracle is a parser of another kind: it cuts the text into tokens, and reduces them on a stack
 * by the rules of RFC 8259, without recursion. Both must agree on what is an object. The reply must
 * be that object with the new member, and be refused if it is sent again.
 */
#include "handled.h"

#include "../../server05_spawn_pool/handlers/handler_clock.c"

#undef main

enum { LENGTH_MOST = 4096, LEVELS = 64 };

/* Tokens: { } [ ] , : as themselves, and these. 0 is the end. */
enum { STRING = 'S', VALUE = 'V', WRONG = '!' };

struct tokens {
    const char *text;
    size_t length, at, start;
};

/* --- the oracle ------------------------------------------------------------------------------ */

static bool
one_of(const struct tokens *tokens, const char *set)
{
    return tokens->at < tokens->length && tokens->text[tokens->at] != '\0' &&
           strchr(set, tokens->text[tokens->at]);
}

/* Takes at most `limit` bytes of the set; returns how many. */
static size_t
run_of(struct tokens *tokens, const char *set, size_t limit)
{
    size_t count = 0;

    while (count < limit && one_of(tokens, set)) {
        tokens->at++;
        count++;
    }
    return count;
}

static int
number_token(struct tokens *tokens)
{
    static const char decimal[] = "0123456789";

    run_of(tokens, "-", 1);
    if (run_of(tokens, "0", 1) == 0 && run_of(tokens, decimal, LENGTH_MOST) == 0) {
        return WRONG;
    }
    if (run_of(tokens, ".", 1) == 1 && run_of(tokens, decimal, LENGTH_MOST) == 0) {
        return WRONG;
    }
    if (run_of(tokens, "eE", 1) == 1) {
        run_of(tokens, "+-", 1);
        return run_of(tokens, decimal, LENGTH_MOST) > 0 ? VALUE : WRONG;
    }
    return VALUE;
}

static int
string_token(struct tokens *tokens)
{
    tokens->at++;
    while (tokens->at < tokens->length) {
        if (run_of(tokens, "\"", 1) == 1) {
            return STRING;
        }
        if (run_of(tokens, "\\", 1) == 1) {
            if (run_of(tokens, "u", 1) == 1 ? run_of(tokens, "0123456789abcdefABCDEF", 4) < 4
                                            : run_of(tokens, "\"\\/bfnrt", 1) == 0) {
                return WRONG;
            }
        } else if ((unsigned char)tokens->text[tokens->at++] < 0x20) {
            return WRONG;
        }
    }
    return WRONG;
}

static int
next_token(struct tokens *tokens)
{
    static const char *const words[] = {"true", "false", "null"};

    run_of(tokens, " \t\r\n", LENGTH_MOST);
    tokens->start = tokens->at;
    if (tokens->at == tokens->length) {
        return 0;
    }
    if (one_of(tokens, "{}[],:")) {
        return tokens->text[tokens->at++];
    }
    if (one_of(tokens, "\"")) {
        return string_token(tokens);
    }
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(words[i]);

        if (tokens->length - tokens->at >= length &&
            memcmp(tokens->text + tokens->at, words[i], length) == 0) {
            tokens->at += length;
            return VALUE;
        }
    }
    return number_token(tokens);
}

static bool
ends_with(const char *stack, size_t depth, const char *end)
{
    return depth >= strlen(end) && memcmp(stack + depth - strlen(end), end, strlen(end)) == 0;
}

/* Reduces the top of the stack as long as a rule fits; E are the elements of an array, M the
 * members of an object. Returns how much is left. */
static size_t
reduce(char *stack, size_t depth)
{
    static const char *const rules[][2] = {{"[]", "V"},  {"[S", "[V"}, {"[V", "[E"}, {"E,S", "E,V"},
                                           {"E,V", "E"}, {"[E]", "V"}, {"{}", "V"},  {":S", ":V"},
                                           {"S:V", "M"}, {"M,M", "M"}, {"{M}", "V"}};
    size_t rule = 0;

    while (rule < sizeof rules / sizeof rules[0]) {
        if (ends_with(stack, depth, rules[rule][0])) {
            depth -= strlen(rules[rule][0]);
            memcpy(stack + depth, rules[rule][1], strlen(rules[rule][1]));
            depth += strlen(rules[rule][1]);
            rule = 0;
        } else {
            rule++;
        }
    }
    return depth;
}

/* Does a string token say "time_received", perhaps with escapes? */
static bool
is_the_name(const char *text, size_t length)
{
    char name[64] = "";
    size_t used = 0;

    for (size_t i = 1; i + 1 < length; i++) {
        unsigned code = (unsigned char)text[i];

        if (code == '\\' && text[i + 1] != 'u') {
            return false; /* no other escape stands for a letter of it */
        }
        if (code == '\\') {
            char hex[5] = {text[i + 2], text[i + 3], text[i + 4], text[i + 5], '\0'};

            code = (unsigned)strtoul(hex, NULL, 16);
            i += 5;
        }
        if (used == sizeof name - 1 || code > 127 || code == 0) {
            return false;
        }
        name[used++] = (char)code;
    }
    return strcmp(name, "time_received") == 0;
}

/* Is the text an object that the handler takes? Notes where it begins and ends. */
static bool
is_object(const char *text, size_t length, size_t *first, size_t *last, bool *empty)
{
    static char stack[LENGTH_MOST + 1];
    struct tokens tokens = {.text = text, .length = length};
    size_t depth = 0, levels = 0;
    int token = next_token(&tokens);

    *first = tokens.start;
    *empty = true;
    if (token != '{') {
        return false;
    }
    for (; token != 0; token = next_token(&tokens)) {
        if (token == STRING && levels == 1 &&
            (ends_with(stack, depth, "{") || ends_with(stack, depth, "M,"))) {
            *empty = false;
            if (is_the_name(text + tokens.start, tokens.at - tokens.start)) {
                return false;
            }
        }
        levels += token == '{' || token == '[';
        if (token == WRONG || levels > LEVELS) {
            return false;
        }
        levels -= token == '}' || token == ']';
        stack[depth++] = (char)token;
        depth = reduce(stack, depth);
        *last = tokens.at;
    }
    return depth == 1 && stack[0] == VALUE;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* {...,"time_received":"2026-11-21T14:03:05.123456Z"} and a line feed. */
static void
check_reply(const struct handler_reply *reply, const char *object, size_t length, bool empty)
{
    static const char form[] = "\"time_received\":\"0000-00-00T00:00:00.000000Z\"}\n";
    const char *text = reply->bytes;
    size_t body = length - 1; /* without the brace that closes */

    CHECK_IS(reply->length, body + !empty + strlen(form), "bytes");
    CHECK(memcmp(text, object, body) == 0, "the object is another");
    text += body;
    CHECK(empty || *text == ',', "no comma");
    text += !empty;
    for (size_t i = 0; i < strlen(form); i++) {
        CHECK(form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i],
              "not the new member: %s", text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct handler_reply reply, again;
    const char *text = (const char *)data;
    size_t first, last = 0;
    bool empty, good, valid;

    if (size == 0 || size > LENGTH_MOST) {
        return 0;
    }
    good = handled_ask(data, size, &reply);
    valid = is_object(text, size, &first, &last, &empty);
    CHECK(good == valid, "%s: %s", valid ? "refused, but it is an object" : "taken, but it is none",
          reply.message);
    if (good) {
        check_reply(&reply, text + first, last - first, empty);
        CHECK(!handled_ask(reply.bytes, reply.length, &again), "the reply is taken again");
    } else {
        CHECK(strstr(reply.message, "offset "), "no offset: %s", reply.message);
    }
    return 0;
}
